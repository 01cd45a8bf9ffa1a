"""VGG: nothing but 3x3 convolutions and pooling, up to nineteen layers with weights.

Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014, table 1.
"""

from functools import partial

import numpy as np

from nnbasics.errors import UserError, nearest
from nnbasics.layers.activation import ReLU, Softmax
from nnbasics.layers.containers import Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.normalization import LocalResponseNorm
from nnbasics.layers.pooling import AvgPool2d, LPPool2d, MaxPool2d
from nnbasics.layers.regularization import Dropout
from nnbasics.models.state import given, trained

WIDTHS = (64, 128, 256, 512, 512)  # channels of the five blocks; a pooling after each halves height and width
CONFIGURATIONS = {  # the kernel sizes of each block's convolutions
    "A": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "A-LRN": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "B": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "E": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
POOLINGS = {"max": MaxPool2d, "average": AvgPool2d, "l2": partial(LPPool2d, 2)}
LIKE_MAX = {"average": (1.29, 1.43, 1.41, 2.00), "l2": (0.61, 0.66, 0.65, 0.81)}
"""What the weights behind pool1 to pool4 of a VGG-19 are multiplied by, so that the next ReLU's mean over the shipped
pictures is what it is with max pooling."""


def vgg(configuration, pooling="max", classes=1000, *, top=True, dropout=0.5, rng=None):
    """A VGG with random weights, ready to be trained.

    Its layers are conv1_1 relu1_1 ... pool1 conv2_1 ... pool5, then flatten fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob.
    `CrossEntropyLoss` wants the scores: ``net.activations(x, "fc8")["fc8"]``, ``net.backward({"fc8": dscores})``.

    Parameters
    ----------
    configuration : "A", "A-LRN", "B", "C", "D" or "E"
        11, 11, 13, 16, 16 or 19 layers with weights. "A-LRN" has "norm1" after relu1_1.
    pooling : "max", "average" or "l2"
    classes : int
        Outputs of fc8.
    top : bool
        Whether there are fully connected layers. With them the input is (N, 3, 224, 224), without them any size of at
        least 32x32.
    dropout : float
        Of drop6 and drop7.
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from; "zeros" for weights that will be loaded.

    Returns
    -------
    Sequential

    Examples
    --------
    >>> net = vgg("E", rng="zeros")
    >>> round(net.num_parameters() / 1e6), round(net.multiply_adds((1, 3, 224, 224)) / 1e9, 1)
    (144, 19.6)
    """
    if configuration not in CONFIGURATIONS:
        hint = nearest(configuration, CONFIGURATIONS)
        raise UserError(f"vgg: no configuration is called {configuration!r}; {hint}")
    if pooling not in POOLINGS:
        raise UserError(f"vgg: no pooling is called {pooling!r}; {nearest(pooling, POOLINGS)}")
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    layers, channels = {}, 3
    for block, (kernels, width) in enumerate(zip(CONFIGURATIONS[configuration], WIDTHS, strict=True), 1):
        for number, kernel in enumerate(kernels, 1):
            layers[f"conv{block}_{number}"] = Conv2d(channels, width, kernel, padding=kernel // 2, rng=rng)
            layers[f"relu{block}_{number}"] = ReLU()
            channels = width
        if configuration == "A-LRN" and block == 1:
            layers["norm1"] = LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
        layers[f"pool{block}"] = POOLINGS[pooling](2)
    if top:
        layers |= _top(classes, dropout, rng)
    net = Sequential(layers)
    net.input_shape = (3, 224, 224)
    return net


def _top(classes, dropout, rng):
    """The fully connected layers, for the 7x7 maps that 224x224 leaves."""
    return {
        "flatten": Flatten(),
        "fc6": Linear(512 * 7 * 7, 4096, rng=rng),
        "relu6": ReLU(),
        "drop6": Dropout(dropout),
        "fc7": Linear(4096, 4096, rng=rng),
        "relu7": ReLU(),
        "drop7": Dropout(dropout),
        "fc8": Linear(4096, classes, rng=rng),
        "prob": Softmax(),
    }


def vgg19(weights="vgg19-normalised", pooling="max", rescale=False):
    """VGG-19 with trained weights: configuration E, frozen and in use (`eval()`).

    It takes RGB in [0, 1]: when the weights say how their network was fed, it begins with the layer "preprocess", a 1x1
    convolution that turns RGB in [0, 1] into that. It has its fully connected top when the weights have one.

    Parameters
    ----------
    weights : str, path, mapping or None
        A name that `nnbasics weights list` shows, a file, or {"conv1_1.weight": array, "conv1_1.bias": array, ...}. The
        arrays are used as they are, not copied. None: random weights without the top, not frozen.
    pooling : "max", "average" or "l2"
        Gatys paints with average pooling; the weights were trained with max.
    rescale : bool
        Multiply the weights behind average and L2 pooling, so that maps stay as large as max pooling would leave them.

    Returns
    -------
    Sequential

    Raises
    ------
    WeightsError
        If a weight is missing, has another shape, or belongs to no layer.
    """
    if weights is None:
        return vgg("E", pooling, top=False)
    weights = given(weights)
    classes = [*np.shape(weights.get("fc8.weight")), 1000][0]
    net = trained(vgg("E", pooling, classes, top="fc6.weight" in weights, rng="zeros"), weights)
    if rescale:
        for block, factor in enumerate(LIKE_MAX.get(pooling, ()), 2):
            net.params[f"conv{block}_1.weight"] = net.params[f"conv{block}_1.weight"] * np.float32(factor)
    return net
