"""nnbasics: deep learning from scratch in NumPy, layers by hand, up to a VGG-19 that paints.

>>> from nnbasics import Conv2d, MaxPool2d, ReLU, Sequential
>>> net = Sequential(Conv2d(3, 8, kernel_size=3, padding=1), ReLU(), MaxPool2d(2))
>>> y = net.forward(x)
>>> dx = net.backward(dy)
"""

from nnbasics.layers import *  # noqa: F403
from nnbasics.layers import __all__ as _layers
from nnbasics.losses import AuxiliaryLoss, CrossEntropyLoss, SquaredErrorLoss
from nnbasics.optimizers import LBFGS, SGD, Adam
from nnbasics.version import __version__

__all__ = ["LBFGS", "SGD", "Adam", "AuxiliaryLoss", "CrossEntropyLoss", "SquaredErrorLoss", "__version__", *_layers]
