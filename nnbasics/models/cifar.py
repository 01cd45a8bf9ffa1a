"""Two networks for pictures of 32x32: the lecture's simplest, and one of convolutions alone."""

import numpy as np

from nnbasics.layers.activation import ReLU
from nnbasics.layers.containers import Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.pooling import GlobalAvgPool2d, MaxPool2d
from nnbasics.layers.regularization import Dropout


def simple_cnn(classes=10, rng=None):
    """The lecture's example: input, convolution, ReLU, pooling, fully connected.

    32x32x3 to 32x32x12 to 16x16x12 to the scores of the classes: 31,066 parameters for ten.

    Parameters
    ----------
    classes : int
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer; see `he`.

    Returns
    -------
    Sequential
        x (N, 3, 32, 32) to scores (N, classes), for `CrossEntropyLoss`.
    """
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    net = Sequential(
        {
            "conv": Conv2d(3, 12, kernel_size=3, padding=1, rng=rng),
            "relu": ReLU(),
            "pool": MaxPool2d(2),
            "flatten": Flatten(),
            "fc": Linear(16 * 16 * 12, classes, rng=rng),
        }
    )
    net.input_shape = (3, 32, 32)
    return net


def all_cnn(classes=10, width=96, dropout=True, rng=None):
    """The all-convolutional net: no pooling, no fully connected layer; a stride of 2 makes maps smaller.

    All-CNN-C: three 3x3 convolutions of `width` maps, the last with stride 2; three of twice as many, the last with
    stride 2; then 3x3, 1x1, and 1x1 to one map for each class, whose mean is its score.

    Parameters
    ----------
    classes : int
    width : int
    dropout : bool
        20% of the input, 50% behind each stride.
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer; see `he`.

    Returns
    -------
    Sequential
        x (N, 3, H, W), made for 32x32, to scores (N, classes), for `CrossEntropyLoss`; 1.4 million parameters.

    References
    ----------
    Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for simplicity: the all convolutional net", 2014.
    """
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    draws = None if isinstance(rng, str) else rng
    plan = [  # name, maps, kernel, stride, padding, and the dropout behind it
        ("1", width, 3, 1, 1, 0),
        ("2", width, 3, 1, 1, 0),
        ("3", width, 3, 2, 1, 0.5),
        ("4", 2 * width, 3, 1, 1, 0),
        ("5", 2 * width, 3, 1, 1, 0),
        ("6", 2 * width, 3, 2, 1, 0.5),
        ("7", 2 * width, 3, 1, 0, 0),
        ("8", 2 * width, 1, 1, 0, 0),
        ("9", classes, 1, 1, 0, 0),
    ]
    layers, channels = {"drop0": Dropout(0.2, draws)} if dropout else {}, 3
    for name, maps, kernel, stride, padding, drop in plan:
        layers[f"conv{name}"] = Conv2d(channels, maps, kernel, stride, padding, rng=rng)
        layers[f"relu{name}"] = ReLU()
        if dropout and drop:
            layers[f"drop{name}"] = Dropout(drop, draws)
        channels = maps
    net = Sequential(layers | {"avgpool": GlobalAvgPool2d(), "flatten": Flatten()})
    net.input_shape = (3, 32, 32)
    return net
