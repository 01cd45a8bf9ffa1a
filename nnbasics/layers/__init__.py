"""Layers: one class each, forward and backward written by hand."""

from nnbasics.layers.activation import ReLU
from nnbasics.layers.base import Layer
from nnbasics.layers.containers import Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.linear import Flatten, Identity, Linear
from nnbasics.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d

__all__ = [
    "AvgPool2d",
    "Conv2d",
    "Flatten",
    "GlobalAvgPool2d",
    "Identity",
    "Layer",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Sequential",
]
