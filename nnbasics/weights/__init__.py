"""Weights of trained networks: found, verified, loaded, fetched, and converted from other libraries' files.

>>> from nnbasics import weights
>>> vgg = weights.load("vgg19-normalised")
>>> vgg["conv1_1.weight"].shape
(64, 3, 3, 3)
"""

from nnbasics.weights.conversion import convert
from nnbasics.weights.sources import fetch
from nnbasics.weights.store import Weights, find, load, save, verify

__all__ = ["Weights", "convert", "fetch", "find", "load", "save", "verify"]
