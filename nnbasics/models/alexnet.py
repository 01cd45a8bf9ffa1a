"""AlexNet: the network that won by such a margin that everybody changed to this way.

Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", 2012.
"""

import numpy as np

from nnbasics.errors import UserError, nearest
from nnbasics.layers.activation import ReLU
from nnbasics.layers.containers import Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.normalization import LocalResponseNorm
from nnbasics.layers.pooling import MaxPool2d
from nnbasics.layers.regularization import Dropout
from nnbasics.models.state import given, trained

VARIANTS = {  # for each convolution: maps, kernel, stride, padding, groups
    "paper": ((96, 11, 4, 0, 1), (256, 5, 1, 2, 2), (384, 3, 1, 1, 1), (384, 3, 1, 1, 2), (256, 3, 1, 1, 2)),
    "torchvision": ((64, 11, 4, 2, 1), (192, 5, 1, 2, 1), (384, 3, 1, 1, 1), (256, 3, 1, 1, 1), (256, 3, 1, 1, 1)),
}


def alexnet(variant="paper", weights=None, *, classes=1000, top=True, dropout=0.5, rng=None):
    """AlexNet: five convolutions and three fully connected layers, 60 million parameters.

    Its layers are conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 pool5, then
    flatten fc6 relu6 drop6 fc7 relu7 drop7 fc8, which gives the scores that `CrossEntropyLoss` takes. The paper's
    network was cut in two, a half on each of two cards: its second, fourth and fifth convolution are in two groups.
    torchvision's has neither groups nor local response normalisation, fewer filters, and dropout before the fully
    connected layers (drop5, drop6).

    Parameters
    ----------
    variant : "paper" or "torchvision"
    weights : str, path or mapping, optional
        A name that `nnbasics weights list` shows ("alexnet", its convolutions), a file, or {"conv1.weight": array,
        ...}: then the network is frozen and in use, takes RGB in [0, 1], and is the variant that they fit; it has its
        top if they have one. See `vgg19`. Random weights, if not given.
    classes : int
        Outputs of fc8.
    top : bool
        Whether there are fully connected layers. With them the input is (N, 3, 227, 227), for torchvision's 224 too.
        Without them any size of at least 67x67 will do.
    dropout : float
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer; see `he`.

    Returns
    -------
    Sequential

    Examples
    --------
    >>> net = alexnet(rng="zeros")
    >>> net.num_parameters(), net["conv1"].output_shape((1, 3, 227, 227))
    (60965224, (1, 96, 55, 55))
    """
    if weights is not None:
        weights = given(weights)
        filters = [*np.shape(weights.get("conv1.weight")), VARIANTS["paper"][0][0]][0]
        variant = next((name for name, convolutions in VARIANTS.items() if convolutions[0][0] == filters), variant)
        classes = [*np.shape(weights.get("fc8.weight")), classes][0]
        return trained(alexnet(variant, classes=classes, top="fc6.weight" in weights, rng="zeros"), weights)
    if variant not in VARIANTS:
        raise UserError(f"alexnet: no variant is called {variant!r}; {nearest(variant, VARIANTS)}")
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    layers, channels = {}, 3
    for number, (maps, kernel, stride, padding, groups) in enumerate(VARIANTS[variant], 1):
        layers[f"conv{number}"] = Conv2d(channels, maps, kernel, stride, padding, rng=rng, groups=groups)
        layers[f"relu{number}"] = ReLU()
        if variant == "paper" and number < 3:
            layers[f"norm{number}"] = LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
        if number in (1, 2, 5):
            layers[f"pool{number}"] = MaxPool2d(3, stride=2)
        channels = maps
    if top:
        layers |= _top(variant, channels * 6 * 6, classes, dropout, rng)
    net = Sequential(layers)
    net.input_shape = (3, 227, 227)
    return net


def _top(variant, features, classes, dropout, rng):
    """The fully connected layers, for the 6x6 maps that 227x227 leaves."""
    draws = None if isinstance(rng, str) else rng
    fc6, fc7 = Linear(features, 4096, rng=rng), Linear(4096, 4096, rng=rng)
    drops = [Dropout(dropout, draws), Dropout(dropout, draws)]
    if variant == "paper":
        hidden = {"fc6": fc6, "relu6": ReLU(), "drop6": drops[0], "fc7": fc7, "relu7": ReLU(), "drop7": drops[1]}
    else:
        hidden = {"drop5": drops[0], "fc6": fc6, "relu6": ReLU(), "drop6": drops[1], "fc7": fc7, "relu7": ReLU()}
    return {"flatten": Flatten(), **hidden, "fc8": Linear(4096, classes, rng=rng)}
