"""LeNet-5: the network that read cheques."""

import numpy as np

from nnbasics.layers.activation import Tanh
from nnbasics.layers.containers import Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.pooling import AvgPool2d


def lenet5(classes=10, rng=None):
    """LeNet-5 for 28x28 pictures of digits.

    Two stages of convolution, bend and pooling find strokes and where they are; three fully connected layers read them.
    The paper's 32x32 input is the 28x28 digit with a border of two, which is the first convolution's padding here. As
    everywhere today, every map of the second stage sees all maps of the first, and the last layer is linear.

    Parameters
    ----------
    classes : int
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer; see `he`.

    Returns
    -------
    Sequential
        x (N, 1, 28, 28) to scores (N, classes), for `CrossEntropyLoss`; 61,706 parameters for ten classes.

    Notes
    -----
    LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, figure 2.
    """
    if rng != "zeros":
        rng = np.random.default_rng(rng)  # one generator for all layers, so that no two start alike
    return Sequential(
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
