"""Layers: one class each, forward and backward written by hand."""

from nnbasics.layers.base import Layer
from nnbasics.layers.containers import Sequential

__all__ = ["Layer", "Sequential"]
