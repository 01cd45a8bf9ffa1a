"""GoogLeNet: filters of several sizes side by side, with 1x1 convolutions that keep it cheap.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich, "Going deeper with convolutions", 2014.
"""

import numpy as np

from nnbasics.layers.activation import ReLU
from nnbasics.layers.auxiliary import AuxiliaryClassifier
from nnbasics.layers.containers import Parallel, Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.normalization import LocalResponseNorm
from nnbasics.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from nnbasics.layers.regularization import Dropout

STEM = (64, 64, 192)  # channels of conv1, conv_reduce2 and conv2
INCEPTIONS = {  # channels: 1x1, 3x3 reduced to and its own, 5x5 reduced to and its own, the pooling's: table 1
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = {"4a": "aux1", "4d": "aux2"}  # behind which modules the side classifiers hang
HEAD = (128, 1024)  # channels of their 1x1 convolution, and neurons of their hidden layer


def googlenet(classes=1000, *, auxiliary=True, dropout=0.4, rng=None):
    """GoogLeNet with random weights, ready to be trained.

    Its layers are conv1 relu1 pool1 norm1 conv_reduce2 relu_reduce2 conv2 relu2 norm2 pool2, inception3a inception3b
    pool3 inception4a ... pool4 inception5a inception5b, and avgpool flatten drop fc, whose scores `CrossEntropyLoss`
    takes. Behind inception4a and inception4d hang the classifiers aux1 and aux2, which work in training alone: train
    with `AuxiliaryLoss`.

    Parameters
    ----------
    classes : int
    auxiliary : bool
        Whether there are aux1 and aux2, of another 6.4 million parameters. They take pictures of 224x224; without them
        any size of at least 31x31 will do.
    dropout : float
        Of the last layer. The auxiliary classifiers have 0.7.
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer; see `he`.

    Returns
    -------
    Sequential
        x (N, 3, 224, 224) to scores (N, classes).

    Examples
    --------
    >>> net = googlenet(auxiliary=False, rng="zeros")
    >>> net.num_parameters(), round(net.multiply_adds((1, 3, 224, 224)) / 1e9, 1)
    (6998552, 1.6)
    """
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    layers, channels = _stem(rng), STEM[-1]
    for name, widths in INCEPTIONS.items():
        layers[f"inception{name}"] = inception(channels, *widths, rng=rng)
        channels = widths[0] + widths[2] + widths[4] + widths[5]
        if auxiliary and name in AUXILIARY:
            layers[AUXILIARY[name]] = AuxiliaryClassifier(_head(channels, classes, rng))
        if name in ("3b", "4e"):
            layers[f"pool{name[0]}"] = _halving()
    layers["avgpool"] = GlobalAvgPool2d()
    layers["flatten"] = Flatten()
    layers["drop"] = Dropout(dropout, _generator(rng))
    layers["fc"] = Linear(channels, classes, rng=rng)
    net = Sequential(layers)
    net.input_shape = (3, 224, 224)
    return net


def inception(in_channels, one, reduce3, three, reduce5, five, pool, rng=None):
    """An inception module: 1x1, 3x3 and 5x5 convolutions and a pooling of the same x, their maps stacked.

    The 1x1 convolutions before 3x3 and 5x5, and behind the pooling, have few maps: they make the module affordable.

    Parameters
    ----------
    in_channels : int
    one, three, five : int
        Maps of the 1x1, 3x3 and 5x5 convolution.
    reduce3, reduce5 : int
        Maps of the 1x1 convolutions before the last two.
    pool : int
        Maps of the 1x1 convolution behind the pooling.
    rng : None, int, numpy.random.Generator or "zeros"

    Returns
    -------
    Parallel
        x (N, in_channels, H, W) to (N, one + three + five + pool, H, W).
    """
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    return Parallel(
        {
            "1x1": Sequential(_convolved("", in_channels, one, 1, 1, rng)),
            "3x3": Sequential(
                _convolved("_reduce", in_channels, reduce3, 1, 1, rng) | _convolved("", reduce3, three, 3, 1, rng)
            ),
            "5x5": Sequential(
                _convolved("_reduce", in_channels, reduce5, 1, 1, rng) | _convolved("", reduce5, five, 5, 1, rng)
            ),
            "pool": Sequential({"pool": MaxPool2d(3, 1, 1)} | _convolved("", in_channels, pool, 1, 1, rng)),
        }
    )


def _stem(rng):
    """What comes before the modules: 224x224 to 28x28."""
    conv1, reduce2, conv2 = STEM
    norm = {"size": 5, "alpha": 5e-4, "beta": 0.75, "k": 1.0}
    return (
        _convolved("1", 3, conv1, 7, 2, rng)
        | {"pool1": _halving(), "norm1": LocalResponseNorm(**norm)}
        | _convolved("_reduce2", conv1, reduce2, 1, 1, rng)
        | _convolved("2", reduce2, conv2, 3, 1, rng)
        | {"norm2": LocalResponseNorm(**norm), "pool2": _halving()}
    )


def _convolved(name, in_channels, out_channels, kernel, stride, rng):
    conv = Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, rng=rng)
    return {f"conv{name}": conv, f"relu{name}": ReLU()}


def _halving():
    return MaxPool2d(3, stride=2, ceil_mode=True)


def _head(channels, classes, rng):
    """The classifier on the way, for the 14x14 maps that 224x224 leaves there."""
    maps, hidden = HEAD
    return Sequential(
        {"pool": AvgPool2d(5, stride=3)}
        | _convolved("", channels, maps, 1, 1, rng)
        | {
            "flatten": Flatten(),
            "fc1": Linear(maps * 4 * 4, hidden, rng=rng),
            "relu1": ReLU(),
            "drop": Dropout(0.7, _generator(rng)),
            "fc2": Linear(hidden, classes, rng=rng),
        }
    )


def _generator(rng):
    """Where dropout draws from: the weights' generator, if they have one."""
    return None if isinstance(rng, str) else rng
