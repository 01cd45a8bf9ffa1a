"""Layers: one class each, forward and backward written by hand."""

from nnbasics.layers.activation import ELU, Identity, LeakyReLU, Maxout, ReLU, Sigmoid, Softmax, Step, Tanh
from nnbasics.layers.auxiliary import AuxiliaryClassifier
from nnbasics.layers.base import Layer
from nnbasics.layers.containers import Parallel, Residual, Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.fractal import DropPaths, FractalBlock
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.normalization import BatchNorm2d, LocalResponseNorm
from nnbasics.layers.pooling import AvgPool2d, FractionalMaxPool2d, GlobalAvgPool2d, LPPool2d, MaxPool2d
from nnbasics.layers.regularization import Dropout, DropPath
from nnbasics.layers.residual import PadChannels, StochasticDepth

__all__ = [
    "ELU",
    "AuxiliaryClassifier",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "DropPath",
    "DropPaths",
    "Dropout",
    "Flatten",
    "FractalBlock",
    "FractionalMaxPool2d",
    "GlobalAvgPool2d",
    "Identity",
    "LPPool2d",
    "Layer",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "MaxPool2d",
    "Maxout",
    "PadChannels",
    "Parallel",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Step",
    "StochasticDepth",
    "Tanh",
]
