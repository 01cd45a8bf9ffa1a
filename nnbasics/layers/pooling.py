"""Pooling: a map becomes smaller, and a little less certain about where things are.

Depth stays as it is; 2x2 windows with stride 2 take 224x224 to 112x112, 75% fewer values.
"""

import math

import numpy as np

from nnbasics.errors import UserError
from nnbasics.kernels import choose
from nnbasics.layers.base import Layer, in_memory_order, memory_order, pair, short
from nnbasics.layers.convolution import fit


class Pooling(Layer):
    """What the poolings share: a window of F, moved by S over an input with P of padding, and what comes out of it.

    ::

        W2 = (W - F + 2 P) / S + 1, rounded down, or up with ceil_mode

    When rounding up, the last window may reach over the end, and a single one over all of x; one that would begin
    outside input and left padding is left out, as in PyTorch.
    """

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False):
        super().__init__()
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.stride = self.kernel_size if stride is None else pair(stride, "stride")
        self.padding = pair(padding, "padding", least=0)
        self.ceil_mode = bool(ceil_mode)
        if any(pad >= kernel for pad, kernel in zip(self.padding, self.kernel_size, strict=True)):
            raise UserError(
                f"{type(self).__name__}: padding {short(self.padding)} with kernel_size {short(self.kernel_size)}: "
                "windows at the rim would see nothing but padding; it must be smaller than the kernel"
            )

    @property
    def window(self):
        """Kernel, stride and padding, as the kernels take them."""
        return self.kernel_size, self.stride, self.padding

    def output_shape(self, x_shape):
        n, c, *sizes = x_shape
        out = [_rounded_up(*axis) for axis in zip(sizes, *self.window, strict=True)] if self.ceil_mode else [0]
        return (n, c, *out) if min(out) > 0 else (n, c, *fit(sizes, *self.window, self.label))

    def extra_repr(self):
        words = [f"kernel_size={short(self.kernel_size)}"]
        if self.stride != self.kernel_size:
            words.append(f"stride={short(self.stride)}")
        if self.padding != (0, 0):
            words.append(f"padding={short(self.padding)}")
        if self.ceil_mode:
            words.append("ceil_mode=True")
        return ", ".join(words)


def _rounded_up(size, kernel, stride, padding):
    """How many windows there are along one axis in ceil_mode; none or less if x is too small for any."""
    up = math.ceil((size + 2 * padding - kernel) / stride) + 1
    return up - 1 if (up - 1) * stride >= size + padding else up


class MaxPool2d(Pooling):
    """Max pooling: the largest value of every window.

    ::

        y  = x[p]       where p is the place of the largest value in the window
        dx = dy at p, 0 elsewhere; overlapping windows add up

    Of several equal values the first wins; NaN wins over everything.

    Parameters
    ----------
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        The kernel size, if not given.
    padding : int or pair of int
        Of minus infinity on both sides: it never wins.
    ceil_mode : bool
        Round the output size up, so that no column of x goes unseen.

    Notes
    -----
    Shapes: x (N, C, H, W), y (N, C, H2, W2). Keeps the place of each maximum, one byte for each output.

    Raises
    ------
    UserError
        If a window does not fit into the padded input.
    """

    def forward(self, x):
        self.check_x(x, ndim=4)
        out = self.output_shape(x.shape)[2:]
        y, argmax = choose.pooling().max_pool2d(x, *self.window, out)
        return self.keep(y, argmax=argmax, x_shape=x.shape)

    def backward(self, dy):
        kept = self.kept(dy)
        return choose.pooling().max_pool2d_dx(kept["dy"], kept["argmax"], kept["x_shape"], *self.window)

    def branches(self):
        return [self._memory["argmax"]] if self._memory else []


class AvgPool2d(Pooling):
    """Average pooling: the mean of every window.

    ::

        y  = (sum of x over the window) / count
        dx = sum over the windows that saw it of dy / count

    Gatys paints with it in place of max pooling: every pixel gets a gradient.

    Parameters
    ----------
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        The kernel size, if not given.
    padding : int or pair of int
        Of zeros on both sides.
    ceil_mode : bool
        Round the output size up, so that no column of x goes unseen.
    count_include_pad : bool
        Whether padding counts in the mean.

    Notes
    -----
    Shapes: x (N, C, H, W), y (N, C, H2, W2). Keeps the shape of x, nothing else.

    Raises
    ------
    UserError
        If a window does not fit into the padded input.
    """

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = bool(count_include_pad)

    def forward(self, x):
        self.check_x(x, ndim=4)
        out = self.output_shape(x.shape)[2:]
        y = choose.pooling().avg_pool2d(x, *self.window, self.count_include_pad, out)
        return self.keep(y, x_shape=x.shape)

    def backward(self, dy):
        kept = self.kept(dy)
        return choose.pooling().avg_pool2d_dx(kept["dy"], kept["x_shape"], *self.window, self.count_include_pad)

    def extra_repr(self):
        return super().extra_repr() + ("" if self.count_include_pad else ", count_include_pad=False")


class LPPool2d(Pooling):
    """p-norm pooling: p = 1 adds up, p = 2 is the L2 pooling of the lecture, and large p comes near the maximum.

    ::

        y  = (sum of |x|^p over the window)^(1/p)
        dx = sum over the windows that saw it of dy sign(x) (|x| / y)^(p - 1); 0 where the window is all 0

    Parameters
    ----------
    norm_type : float
        p, greater than 0.
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        The kernel size, if not given.
    ceil_mode : bool
        Round the output size up, so that no column of x goes unseen.
    padding : int or pair of int
        Of zeros on both sides.

    Notes
    -----
    Shapes: x (N, C, H, W), y (N, C, H2, W2). The sum is over the values that the window has: where PyTorch's LPPool2d
    scales a window cut short by ceil_mode up to the full count, or returns NaN for negative x and odd p, this does not.
    """

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False, padding=0):
        super().__init__(kernel_size, stride, padding, ceil_mode)
        if not 0 < norm_type < math.inf:
            raise UserError(f"LPPool2d: norm_type={norm_type!r}; a number greater than 0 was expected")
        self.norm_type = float(norm_type)

    def forward(self, x):
        self.check_x(x, ndim=4)
        out = self.output_shape(x.shape)[2:]
        y = choose.pooling().lp_pool2d(x, self.norm_type, *self.window, out)
        return self.keep(y, x=x, y=y)

    def backward(self, dy):
        kept = self.kept(dy)
        return choose.pooling().lp_pool2d_dx(kept["dy"], kept["x"], kept["y"], self.norm_type, *self.window)

    def extra_repr(self):
        return f"{self.norm_type:g}, {super().extra_repr()}"


class FractionalMaxPool2d(Layer):
    """Max pooling by a fraction: a map shrinks by less than a half, by windows at random places.

    With n inputs, m outputs and windows of F, alpha = (n - F) / (m - 1) and a random u in 0 ... 1::

        window i begins at floor(alpha (i + u)) - floor(alpha u),   the last one at n - F
        y = the largest value of a window, dx = dy there

    In training u is drawn for rows and columns of every map; in use it is 1/2, so that an answer is always the same.

    Parameters
    ----------
    kernel_size : int or pair of int
    output_size : int or pair of int, optional
    output_ratio : float or pair of float, optional
        Output size as a fraction of the input's; give one of the two.
    rng : None, int or numpy.random.Generator

    References
    ----------
    Graham, "Fractional max-pooling", 2014.
    """

    def __init__(self, kernel_size, output_size=None, output_ratio=None, rng=None):
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise UserError("FractionalMaxPool2d: give one of output_size and output_ratio")
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.output_size = None if output_size is None else pair(output_size, "output_size")
        self.output_ratio = np.broadcast_to(output_ratio, 2) if output_size is None else None
        if output_size is None and not np.all((0 < self.output_ratio) & (self.output_ratio < 1)):
            raise UserError(f"FractionalMaxPool2d: output_ratio={output_ratio!r}; it must lie between 0 and 1")
        self.rng = np.random.default_rng(rng)

    def forward(self, x):
        self.check_x(x, ndim=4)
        n, c, height, width = x.shape
        out = self.output_shape(x.shape)[2:]
        u = self.rng.random((n, c, 2)) if self.training else np.full((n, c, 2), 0.5)
        rows = _windows(height, out[0], self.kernel_size[0], u[:, :, 1])
        columns = _windows(width, out[1], self.kernel_size[1], u[:, :, 0])
        places = rows[:, :, :, None, :, None] * width + columns[:, :, None, :, None, :]
        places = places.reshape(n, c, *out, math.prod(self.kernel_size))
        places += np.arange(n * c).reshape(n, c, 1, 1, 1) * (height * width)
        values = x.reshape(-1)[places]
        argmax = values.argmax(axis=-1, keepdims=True)
        y, place = (np.take_along_axis(a, argmax, axis=-1)[..., 0] for a in (values, places))
        return self.keep(y, place=place, x_shape=x.shape)

    def backward(self, dy):
        kept = self.kept(dy)
        dx = np.zeros(math.prod(kept["x_shape"]), kept["dy"].dtype)
        np.add.at(dx, kept["place"].reshape(-1), kept["dy"].reshape(-1))
        return dx.reshape(kept["x_shape"])

    def branches(self):
        return [self._memory["place"]] if self._memory else []

    def output_shape(self, x_shape):
        n, c, *sizes = x_shape
        out = self.output_size or tuple(int(size * ratio) for size, ratio in zip(sizes, self.output_ratio, strict=True))
        for size, kernel, outputs in zip(sizes, self.kernel_size, out, strict=True):
            if outputs < 1 or kernel + outputs - 1 > size:
                raise UserError(
                    f"{self.label}: {outputs} windows of {kernel} need {max(outputs, 1) + kernel - 1} values in a row, "
                    f"and x of shape {x_shape} has {size}"
                )
        return (n, c, *out)

    def extra_repr(self):
        size = f"output_size={short(self.output_size)}" if self.output_size else f"output_ratio={self.output_ratio}"
        return f"{short(self.kernel_size)}, {size}"


def _windows(size, outputs, kernel, u):
    """The places along one axis that each window looks at, (N, C, outputs, kernel), for u of (N, C)."""
    begin = np.full((*u.shape, outputs), size - kernel)
    if outputs > 1:
        alpha = (size - kernel) / (outputs - 1)
        i = np.arange(outputs - 1)
        begin[:, :, :-1] = np.floor((i + u[:, :, None]) * alpha) - np.floor(u[:, :, None] * alpha)
    return begin[..., None] + np.arange(kernel)


class GlobalAvgPool2d(Layer):
    """The mean of every map, whatever its size: (N, C, H, W) to (N, C, 1, 1). Backwards each pixel gets dy / (H W)."""

    def forward(self, x):
        self.check_x(x, ndim=4)
        if 0 in x.shape[2:]:
            raise UserError(f"{self.label}: x has shape {x.shape}; there is nothing to take the mean of")
        y = x.mean(axis=(2, 3), keepdims=True, dtype=np.float64)
        return self.keep(y.astype(x.dtype, copy=False), x_shape=x.shape, axes=memory_order(x))

    def backward(self, dy):
        kept = self.kept(dy)
        n, c, h, w = kept["x_shape"]
        return in_memory_order(np.broadcast_to(kept["dy"] / (h * w), (n, c, h, w)), kept["axes"])

    def output_shape(self, x_shape):
        return (*x_shape[:2], 1, 1)
