"""Layers that act in training alone, so that a network does not learn its examples by heart."""

from abc import abstractmethod

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.base import Layer


class Random(Layer):
    """What layers that draw random numbers share: a probability and a generator of their own, `rng`.

    In use (`eval()`) they pass x on as it is.
    """

    @abstractmethod
    def mask_shape(self, x):
        """The shape of the mask, which is broadcast over x: one draw for each of its values."""

    def __init__(self, p, rng=None):
        super().__init__()
        if not 0 <= p <= 1:
            raise UserError(f"{type(self).__name__}: p={p!r} is not a probability; it must lie in 0 ... 1")
        self.p = float(p)
        self.rng = np.random.default_rng(rng)

    def forward(self, x):
        self.check_x(x)
        if not self.training or self.p == 0:
            return self.keep(x, mask=None)
        mask = (self.rng.random(self.mask_shape(x)) >= self.p).astype(x.dtype)
        mask *= 1 / (1 - self.p) if self.p < 1 else 0
        return self.keep(x * mask, mask=mask)

    def backward(self, dy):
        kept = self.kept(dy)
        return kept["dy"] if kept["mask"] is None else kept["dy"] * kept["mask"]

    def extra_repr(self):
        return f"p={self.p:g}"


class Dropout(Random):
    """Dropout: in training every value is switched off with probability p, so that none can rely on another.

    ::

        y  = x mask / (1 - p)     mask 0 with probability p, else 1
        dx = dy mask / (1 - p)

    Dividing by 1 - p keeps the mean, so that in use y = x.

    Parameters
    ----------
    p : float in 0 ... 1
    rng : None, int or numpy.random.Generator

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout", 2014.
    """

    def __init__(self, p=0.5, rng=None):
        super().__init__(p, rng)

    def mask_shape(self, x):
        return x.shape


class DropPath(Random):
    """Stochastic depth: in training the whole of x is switched off, for each example with probability p.

    ::

        y_n  = x_n mask_n / (1 - p)     mask_n 0 with probability p, else 1, for example n
        dx_n = dy_n mask_n / (1 - p)

    At the end of a residual branch it makes the network shorter at random: what is left then is the shortcut.

    Parameters
    ----------
    p : float in 0 ... 1
    rng : None, int or numpy.random.Generator

    References
    ----------
    Huang, Sun, Liu, Sedra, Weinberger, "Deep networks with stochastic depth", 2016.
    """

    def mask_shape(self, x):
        return (*x.shape[:1], *[1] * (x.ndim - 1))
