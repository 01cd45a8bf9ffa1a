"""Activations: the bend between two linear layers, without which a network of many layers is one linear layer."""

import numpy as np

from nnbasics.layers.base import Layer


class ReLU(Layer):
    """Rectified linear unit: what is negative becomes zero.

    ::

        y  = max(x, 0)
        dx = dy where x > 0, else 0

    Its slope is 0 or 1, so a gradient passes many layers without shrinking, where the sigmoid's is at most 1/4.

    Notes
    -----
    Any shape. Keeps one byte for each value: whether it passed. NaN passes, both ways, as in PyTorch.
    """

    def forward(self, x):
        self.check_x(x)
        return self.keep(np.maximum(x, 0), stopped=x <= 0)

    def backward(self, dy):
        kept = self.kept(dy)
        return np.where(kept["stopped"], 0, kept["dy"])

    def branches(self):
        return [~self._memory["stopped"]] if self._memory else []
