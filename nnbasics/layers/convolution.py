"""Convolution: one small filter, slid over the whole picture."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from nnbasics.errors import UserError
from nnbasics.kernels import choose
from nnbasics.layers.base import Layer, he, pair, short, whole


@dataclass(frozen=True)
class Windows:
    """How many windows fit, and what is left over; made by `windows`.

    Attributes
    ----------
    size : int
        W2, how many windows fit: what a layer puts out.
    quotient : Fraction
        (W - F + 2 P) / S + 1 before it is rounded down to W2.
    unseen : int
        How many values at the end (of input and padding) no window sees.
    """

    size: int
    quotient: Fraction
    unseen: int
    formula: str

    @property
    def divides(self):
        """Whether the windows end just where the padded input ends."""
        return self.unseen == 0

    def __str__(self):
        line = f"{self.formula} = {float(self.quotient):g}"
        if self.divides:
            return line
        last = "the last value" if self.unseen == 1 else f"the last {self.unseen} values"
        return f"{line}, which is not whole: {self.size} fit, and {last} of the padded input no window sees"


def windows(size, kernel_size, stride=1, padding=0):
    """The arithmetic of sizes, W2 = (W - F + 2 P) / S + 1, in one dimension, which says when it does not divide.

    Layers round down, as every library does, and say nothing; what no window sees then is lost.

    Parameters
    ----------
    size, kernel_size, stride : int
        W, F and S.
    padding : int or pair of int
        P on both sides, or different numbers before and after.

    Returns
    -------
    Windows

    Raises
    ------
    UserError
        If not even one window fits.

    Examples
    --------
    >>> windows(7, 3, stride=2).size
    3
    >>> print(windows(6, 3, stride=2, padding=1))
    (6 - 3 + 2 * 1) / 2 + 1 = 3.5, which is not whole: 3 fit, and the last value of the padded input no window sees
    >>> print(windows(6, 3, stride=2, padding=(0, 1)))
    (6 - 3 + 0 + 1) / 2 + 1 = 3
    """
    size, kernel, step = whole(size, "size"), whole(kernel_size, "kernel_size"), whole(stride, "stride")
    before, after = pair(padding, "padding", least=0)
    room = size - kernel + before + after
    if room < 0:
        raise UserError(
            f"the window does not fit: {size} + {before + after} of padding = {size + before + after}, less than the "
            f"kernel's {kernel}"
        )
    pads = f"2 * {before}" if before == after else f"{before} + {after}"
    formula = f"({size} - {kernel} + {pads}) / {step} + 1"
    return Windows(room // step + 1, Fraction(room, step) + 1, room % step, formula)


def fit(sizes, kernel_size, stride, padding, label):
    """`windows` for rows and columns, as sizes alone; refuse a filter larger than the padded input, and say whose."""
    out = []
    for axis, *arithmetic in zip("HW", sizes, kernel_size, stride, padding, strict=True):
        size, kernel, _, pad = arithmetic
        if kernel > size + 2 * pad:
            raise UserError(
                f"{label}: the window does not fit: {axis} = {size} + 2 * {pad} of padding = {size + 2 * pad}, "
                f"less than the kernel's {kernel}"
            )
        out.append(_size(*arithmetic))
    return tuple(out)


@lru_cache(4096)
def _size(*arithmetic):
    """That of `windows`, which the same layer asks for at every step."""
    return windows(*arithmetic).size


class Conv2d(Layer):
    """Convolution in two dimensions, as networks compute it: the cross-correlation of x with each of the filters.

    A filter scores a shape: y is large where the picture under the filter looks like it. The same weights serve every
    position, which is why a filter learned in one corner is known in all of them::

        y[n, k, i, j]  = bias[k] + sum over c, u, v of weight[k, c, u, v] x[n, c, i S + u - P, j S + v - P]
        W2 = (W - F + 2 P) / S + 1, rounded down

    Backwards, every output hands its gradient to what it looked at, through the weight it looked through::

        dx[n, c, r, s]       = sum over the (k, i, j, u, v) that met there of dy[n, k, i, j] weight[k, c, u, v]
        dweight[k, c, u, v]  = sum over n, i, j of dy[n, k, i, j] x[n, c, i S + u - P, j S + v - P]
        dbias[k]             = sum over n, i, j of dy[n, k, i, j]

    Parameters
    ----------
    in_channels, out_channels : int
        C and K.
    kernel_size, stride, padding : int or pair of int
        F, S and P; a pair is (rows, columns). Padding is of zeros, on both sides.
    bias : bool
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from; see `he`.
    dilation : int or pair of int
        D: how far the filter's taps lie apart. It looks at x at i S + u D - P then, and spans D (F - 1) + 1 for F.
    groups : int
        G: the channels of x are cut into G groups, and so are the filters; each group of filters sees its own group of
        channels alone. AlexNet was cut in two to fit on two cards; with G = C each channel has filters of its own.

    Notes
    -----
    Shapes: x (N, C, H, W), weight (K, C / G, kH, kW), bias (K,), y (N, K, H2, W2). y lies channels-last in memory,
    or, of a batch with few channels, batch-last. A frozen layer keeps the shape of x and nothing else.

    Raises
    ------
    UserError
        If x has not C channels, a filter is larger than the padded input, or G does not divide C and K.

    Examples
    --------
    >>> conv = Conv2d(3, 12, kernel_size=3, padding=1)
    >>> conv.forward(np.zeros((1, 3, 32, 32), np.float32)).shape
    (1, 12, 32, 32)
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True, rng=None, *, dilation=1, groups=1
    ):
        super().__init__()
        self.in_channels = whole(in_channels, "in_channels")
        self.out_channels = whole(out_channels, "out_channels")
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.stride = pair(stride, "stride")
        self.padding = pair(padding, "padding", least=0)
        self.dilation = pair(dilation, "dilation")
        self.groups = whole(groups, "groups")
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise UserError(
                f"Conv2d: groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}"
            )
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        self.params["weight"] = he(shape, int(np.prod(shape[1:])), rng)
        if bias:
            self.params["bias"] = np.zeros(self.out_channels, np.float32)

    def forward(self, x):
        self.check_x(x, ndim=4, channels=self.in_channels)
        self.output_shape(x.shape)
        weight = self.param("weight", x.dtype)
        bias = self.param("bias", x.dtype) if "bias" in self.params else None
        y = self._kernels(x.dtype, x.shape).conv2d(x, weight, bias, *self._window())
        return self.keep(y, x_shape=x.shape, x=None if self.frozen else x)

    def backward(self, dy):
        kept = self.kept(dy)
        dy, x = kept["dy"], kept["x"]
        kernels = self._kernels(dy.dtype, kept["x_shape"])
        self.grads.clear()
        if x is not None:
            dweight, dbias = kernels.conv2d_dparams(dy, x, self.kernel_size, *self._window())
            self.grads["weight"] = dweight
            if "bias" in self.params:
                self.grads["bias"] = dbias
        return kernels.conv2d_dx(dy, self.param("weight", dy.dtype), kept["x_shape"], *self._window())

    def _window(self):
        """What the kernels are told beside the arrays; those for dense filters know no dilation."""
        dense = self.dilation == (1, 1)
        return (self.stride, self.padding) if dense else (self.stride, self.padding, self.dilation)

    def _kernels(self, dtype, x_shape):
        shapes = x_shape, self.params["weight"].shape
        return choose.convolution(dtype, *shapes, self.stride, self.padding, self.dilation, self.groups)

    def output_shape(self, x_shape):
        n, _, *sizes = x_shape
        spans = [d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        return (n, self.out_channels, *fit(sizes, spans, self.stride, self.padding, self.label))

    def multiply_adds(self, x_shape):
        return int(np.prod(self.output_shape(x_shape))) * int(np.prod(self.params["weight"].shape[1:]))

    def extra_repr(self):
        words = [f"{self.in_channels}, {self.out_channels}, kernel_size={short(self.kernel_size)}"]
        if self.stride != (1, 1):
            words.append(f"stride={short(self.stride)}")
        if self.padding != (0, 0):
            words.append(f"padding={short(self.padding)}")
        if "bias" not in self.params:
            words.append("bias=False")
        if self.dilation != (1, 1):
            words.append(f"dilation={short(self.dilation)}")
        if self.groups != 1:
            words.append(f"groups={self.groups}")
        return ", ".join(words)
