"""Small networks that read digits: LeNet-5, and the lecture's, of two stages."""

import numpy as np

from nnbasics.layers.activation import ReLU, Tanh
from nnbasics.layers.containers import Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.pooling import AvgPool2d, MaxPool2d
from nnbasics.models.state import given, trained


def lenet5(classes=10, rng=None, *, weights=None):
    """LeNet-5 for 28x28 pictures of digits.

    Two stages of convolution, bend and pooling find strokes and where they are; three fully connected layers read them.
    The paper's 32x32 input is the 28x28 digit with a border of two, which is the first convolution's padding here. As
    everywhere today, every map of the second stage sees all maps of the first, and the last layer is linear.

    Parameters
    ----------
    classes : int
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer; see `he`.
    weights : str, path, mapping or None
        Trained ones, "lenet5-mnist", in place of first ones; the network is then frozen and in use (`eval()`).

    Returns
    -------
    Sequential
        x (N, 1, 28, 28), ink from 0 to 1, to scores (N, classes), for `CrossEntropyLoss`; 61,706 parameters for ten
        classes.

    Notes
    -----
    LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, figure 2.
    """
    if weights is not None:
        weights = given(weights)
        return trained(lenet5([*np.shape(weights.get("fc5.weight")), classes][0], "zeros"), weights)
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)  # one for all, so that no two layers start alike
    net = Sequential(
        {
            "conv1": Conv2d(1, 6, kernel_size=5, padding=2, rng=rng),
            "tanh1": Tanh(),
            "pool1": AvgPool2d(2),
            "conv2": Conv2d(6, 16, kernel_size=5, rng=rng),
            "tanh2": Tanh(),
            "pool2": AvgPool2d(2),
            "flatten": Flatten(),
            "fc3": Linear(400, 120, rng=rng),
            "tanh3": Tanh(),
            "fc4": Linear(120, 84, rng=rng),
            "tanh4": Tanh(),
            "fc5": Linear(84, classes, rng=rng),
        }
    )
    net.input_shape = (1, 28, 28)
    return net


def two_stage_cnn(classes=10, rng=None, *, weights=None):
    """The lecture's network for numerals: two stages of 5x5 filters, 6 maps and 12, then one fully connected layer.

    28x28 to 24x24x6, halved to 12x12x6; to 8x8x12, halved to 4x4x12; and 192 numbers to the scores.

    Parameters
    ----------
    classes : int
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer; see `he`.
    weights : str, path, mapping or None
        Trained ones, "two-stage-mnist", in place of first ones; the network is then frozen and in use (`eval()`).

    Returns
    -------
    Sequential
        x (N, 1, 28, 28), ink from 0 to 1, to scores (N, classes), for `CrossEntropyLoss`; 3,898 parameters for ten
        classes.

    Notes
    -----
    The lecture does not say what the activation is, nor how maps are halved; here ReLU and the maximum.
    """
    if weights is not None:
        weights = given(weights)
        return trained(two_stage_cnn([*np.shape(weights.get("fc3.weight")), classes][0], "zeros"), weights)
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    net = Sequential(
        {
            "conv1": Conv2d(1, 6, kernel_size=5, rng=rng),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(6, 12, kernel_size=5, rng=rng),
            "relu2": ReLU(),
            "pool2": MaxPool2d(2),
            "flatten": Flatten(),
            "fc3": Linear(12 * 4 * 4, classes, rng=rng),
        }
    )
    net.input_shape = (1, 28, 28)
    return net
