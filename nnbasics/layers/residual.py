"""What residual networks need beside `Residual`: a shortcut that costs nothing, and detours that may be closed."""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.base import Layer, memory_order, whole
from nnbasics.layers.containers import Residual


class PadChannels(Layer):
    """Empty maps behind those of x, until there are as many as wanted: the shortcut without parameters.

    ::

        y  = x, then channels - C maps of zeros
        dx = the first C maps of dy

    After ``AvgPool2d(1, stride=2)``, which takes every second pixel, it is option A of residual networks.

    Parameters
    ----------
    channels : int

    Notes
    -----
    Shapes: x (N, C, H, W), y (N, channels, H, W).

    Raises
    ------
    UserError
        If x has more channels than wanted.

    References
    ----------
    He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, 3.3.
    """

    def __init__(self, channels):
        super().__init__()
        self.channels = whole(channels, "channels")

    def forward(self, x):
        self.check_x(x, ndim=4)
        axes, shape = memory_order(x), self.output_shape(x.shape)
        y = np.zeros([shape[axis] for axis in axes], x.dtype).transpose(np.argsort(axes))
        y[:, : x.shape[1]] = x
        return self.keep(y, channels=x.shape[1])

    def backward(self, dy):
        kept = self.kept(dy)
        return kept["dy"][:, : kept["channels"]].copy(order="K")

    def output_shape(self, x_shape):
        if x_shape[1] > self.channels:
            raise UserError(f"{self.label}: x has shape {tuple(x_shape)}, so {x_shape[1]} channels: too many already")
        return (x_shape[0], self.channels, *x_shape[2:])

    def extra_repr(self):
        return f"{self.channels}"


class StochasticDepth(Residual):
    """A detour that is closed at random: the network is another, shorter one in every mini-batch.

    ::

        in training  y = b body(x) + shortcut(x)       b = 1 with probability p, else 0: one draw for the mini-batch
        in use       y = p body(x) + shortcut(x)       the expectation

    A closed detour is not computed at all, forward or backward, which saves its time; its parameters have the gradient
    0. `DropPath` draws for each example of a batch instead, computes everything, and divides by p in training.

    Parameters
    ----------
    body : Layer
    shortcut : Layer, optional
        `Identity` if not given.
    survival : float in 0 ... 1
        p, the probability that the detour is open.
    rng : None, int or numpy.random.Generator

    References
    ----------
    Huang, Sun, Liu, Sedra, Weinberger, "Deep networks with stochastic depth", 2016.
    """

    def __init__(self, body, shortcut=None, survival=0.5, rng=None):
        super().__init__(body, shortcut)
        if not 0 <= survival <= 1:
            raise UserError(f"StochasticDepth: survival={survival!r} is not a probability; it must lie in 0 ... 1")
        self.survival = float(survival)
        self.rng = np.random.default_rng(rng)

    def forward(self, x):
        weight = float(self.rng.random() < self.survival) if self.training else self.survival
        y = self.layers["shortcut"].forward(x)
        if weight:
            detour = self.layers["body"].forward(x)
            self._joined_shape([detour.shape, y.shape])
            y = y + (detour if weight == 1 else weight * detour)
        else:
            self.layers["body"].forget()
        return self.keep(y, weight=weight)

    def backward(self, dy):
        kept = self.kept(dy)
        dy, weight = kept["dy"], kept["weight"]
        dx = self.layers["shortcut"].backward(dy)
        if weight:
            return dx + self.layers["body"].backward(dy if weight == 1 else weight * dy)
        self.layers["body"].left_out(dy.dtype)
        return dx
