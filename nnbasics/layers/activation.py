"""Activations: the bend between two linear layers, without which a network of many layers is one linear layer."""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.kernels import choose
from nnbasics.layers.base import Layer, whole


class Activation(Layer):
    """An activation in which each number of x acts on one number of y, so that its derivative is a number for each."""

    def derivative(self, x):
        """dy / dx for every number of x, which is what `backward` makes of ones.

        What the last `forward` kept stays as it is.

        Parameters
        ----------
        x : ndarray
            Of any shape.

        Returns
        -------
        ndarray, of x's shape and dtype
        """
        twin = self.sharing()
        return twin.backward(np.ones_like(twin.forward(x)))


class Identity(Activation):
    """y = x and dx = dy: the layer that does nothing, for places where one must stand."""

    def forward(self, x):
        self.check_x(x)
        return self.keep(x)

    def backward(self, dy):
        return self.kept(dy)["dy"]


class Step(Activation):
    """Binary step, the perceptron's answer: yes or no.

    ::

        y  = 1 where x >= threshold, else 0
        dx = 0

    Nothing flows back through it, which is why no network with it can be trained by gradients.

    Parameters
    ----------
    threshold : float
    """

    def __init__(self, threshold=0.0):
        super().__init__()
        self.threshold = float(threshold)

    def forward(self, x):
        self.check_x(x)
        return self.keep(np.heaviside(x - self.threshold, x.dtype.type(1)), passed=x >= self.threshold)

    def backward(self, dy):
        return np.zeros_like(self.kept(dy)["dy"])

    def branches(self):
        return [self._memory["passed"]] if self._memory else []

    def extra_repr(self):
        return f"threshold={self.threshold:g}"


class Sigmoid(Activation):
    """The logistic function.

    ::

        y  = 1 / (1 + e^(-a x))      a: the slope
        dx = a y (1 - y) dy

    dx is at most a/4 of dy: n layers of it shrink the gradient by (a/4)^n at least.

    Parameters
    ----------
    slope : float
    """

    def __init__(self, slope=1.0):
        super().__init__()
        self.slope = float(slope)

    def forward(self, x):
        self.check_x(x)
        e = np.exp(-np.abs(self.slope * x))  # of a negative number, so that it cannot overflow
        return self.keep(y := np.where(self.slope * x >= 0, 1, e) / (1 + e), y=y)

    def backward(self, dy):
        kept = self.kept(dy)
        return self.slope * kept["y"] * (1 - kept["y"]) * kept["dy"]

    def second_derivative(self, x):
        """f''(x) = a^2 y (1 - y) (1 - 2 y): above 0 left of 0 and below it on the right, so neither convex nor concave.

        Parameters
        ----------
        x : ndarray

        Returns
        -------
        ndarray, of x's shape and dtype
        """
        y = self.sharing().forward(x)
        return self.slope * (1 - 2 * y) * self.derivative(x)

    def extra_repr(self):
        return f"slope={self.slope:g}"


class Tanh(Activation):
    """Hyperbolic tangent: y = tanh(x), dx = (1 - y^2) dy."""

    def forward(self, x):
        self.check_x(x)
        return self.keep(y := np.tanh(x), y=y)

    def backward(self, dy):
        kept = self.kept(dy)
        return (1 - kept["y"] ** 2) * kept["dy"]


class ReLU(Activation):
    """Rectified linear unit: what is negative becomes zero.

    ::

        y  = max(x, 0)
        dx = 0 where x <= 0, else dy

    Its slope is 0 or 1, so a gradient passes many layers without shrinking, where the sigmoid's is at most 1/4.

    Notes
    -----
    Any shape. Keeps one byte for each value: whether it passed. NaN passes, both ways, as in PyTorch.
    """

    def forward(self, x):
        self.check_x(x)
        y, stopped = choose.elementwise().relu(x)
        return self.keep(y, stopped=stopped)

    def backward(self, dy):
        kept = self.kept(dy)
        return choose.elementwise().relu_dx(kept["dy"], kept["stopped"])

    def branches(self):
        return [self._memory["stopped"]] if self._memory else []


class LeakyReLU(Activation):
    """ReLU that lets a little of the negative through, so that no unit is ever quite dead.

    ::

        y  = x  where x > 0, else negative_slope x
        dx = dy where x > 0, else negative_slope dy

    Parameters
    ----------
    negative_slope : float
        0.01 in one lecture, 0.1 in another.
    """

    def __init__(self, negative_slope=0.01):
        super().__init__()
        self.negative_slope = float(negative_slope)

    def forward(self, x):
        self.check_x(x)
        positive = x > 0
        return self.keep(np.where(positive, x, self.negative_slope * x), positive=positive)

    def backward(self, dy):
        kept = self.kept(dy)
        return np.where(kept["positive"], kept["dy"], self.negative_slope * kept["dy"])

    def branches(self):
        return [self._memory["positive"]] if self._memory else []

    def extra_repr(self):
        return f"negative_slope={self.negative_slope:g}"


class ELU(Activation):
    """Exponential linear unit: a ReLU that bends softly and goes on to -alpha.

    ::

        y  = x  where x > 0, else alpha (e^x - 1)
        dx = dy where x > 0, else alpha e^x dy = (y + alpha) dy

    Parameters
    ----------
    alpha : float

    References
    ----------
    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential linear units", 2015.
    """

    def __init__(self, alpha=1.0):
        super().__init__()
        self.alpha = float(alpha)

    def forward(self, x):
        self.check_x(x)
        y = np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))
        return self.keep(y, y=y, positive=x > 0)

    def backward(self, dy):
        kept = self.kept(dy)
        return np.where(kept["positive"], 1, kept["y"] + self.alpha) * kept["dy"]

    def branches(self):
        return [self._memory["positive"]] if self._memory else []

    def extra_repr(self):
        return f"alpha={self.alpha:g}"


class Maxout(Activation):
    """The largest of several: after a linear layer with `pieces` times the outputs, a learned convex function.

    ::

        y_c  = max(x_{c p}, ..., x_{c p + p - 1})      p: the pieces, max(w1 x + b1, w2 x + b2) for two
        dx   = dy at the largest, 0 elsewhere; of equal values the first counts

    Parameters
    ----------
    pieces : int

    Notes
    -----
    Shapes: x (N, C pieces, ...), y (N, C, ...).

    Raises
    ------
    UserError
        If the channels of x are not a multiple of `pieces`.

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout networks", 2013.
    """

    def __init__(self, pieces):
        super().__init__()
        self.pieces = whole(pieces, "pieces")

    def forward(self, x):
        self.check_x(x)
        groups = x.reshape(self._grouped(x.shape))
        argmax = groups.argmax(axis=2, keepdims=True)
        y = np.take_along_axis(groups, argmax, axis=2)[:, :, 0]
        return self.keep(y, argmax=argmax, x_shape=x.shape)

    def backward(self, dy):
        kept = self.kept(dy)
        dgroups = np.zeros(self._grouped(kept["x_shape"]), kept["dy"].dtype)
        np.put_along_axis(dgroups, kept["argmax"], kept["dy"][:, :, None], axis=2)
        return dgroups.reshape(kept["x_shape"])

    def branches(self):
        return [self._memory["argmax"]] if self._memory else []

    def output_shape(self, x_shape):
        n, groups, _, *rest = self._grouped(x_shape)
        return (n, groups, *rest)

    def _grouped(self, x_shape):
        if len(x_shape) < 2 or x_shape[1] % self.pieces:
            raise UserError(f"{self.label}: x has shape {x_shape}; (N, a multiple of {self.pieces}, ...) was expected")
        return (x_shape[0], x_shape[1] // self.pieces, self.pieces, *x_shape[2:])

    def extra_repr(self):
        return f"{self.pieces}"


class Softmax(Layer):
    """Scores become probabilities: positive, and together 1.

    ::

        y_i  = e^x_i / sum over j of e^x_j
        dx_i = y_i (dy_i - sum over j of y_j dy_j)

    The largest score is subtracted first, which changes nothing but keeps e^1000 from overflowing. To train with the
    cross-entropy take `CrossEntropyLoss`, which has the softmax inside.

    Parameters
    ----------
    axis : int
    """

    def __init__(self, axis=1):
        super().__init__()
        self.axis = axis

    def forward(self, x):
        self.check_x(x)
        if not -x.ndim <= self.axis < x.ndim:
            raise UserError(f"{self.label}: x has shape {x.shape}, and no axis {self.axis}")
        e = np.exp(x - x.max(axis=self.axis, keepdims=True))
        return self.keep(y := e / e.sum(axis=self.axis, keepdims=True), y=y)

    def backward(self, dy):
        kept = self.kept(dy)
        dy, y = kept["dy"], kept["y"]
        return y * (dy - (y * dy).sum(axis=self.axis, keepdims=True))

    def derivative(self, x):
        """dy_i / dx_j = y_i (1 - y_i) where i = j, and -y_i y_j elsewhere: every score moves every probability.

        Parameters
        ----------
        x : ndarray

        Returns
        -------
        ndarray, of x's shape without `axis`, then (classes i, classes j)
        """
        y = np.moveaxis(self.sharing().forward(x), self.axis, -1)[..., None]
        return y * (np.eye(y.shape[-2], dtype=x.dtype) - y.swapaxes(-1, -2))

    def extra_repr(self):
        return f"axis={self.axis}"
