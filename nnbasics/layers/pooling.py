"""Pooling: a map becomes smaller, and a little less certain about where things are.

Depth stays as it is; 2x2 windows with stride 2 take 224x224 to 112x112, 75% fewer values.
"""

import math

import numpy as np

from nnbasics.errors import UserError
from nnbasics.kernels import choose
from nnbasics.layers.base import Layer, pair, short
from nnbasics.layers.convolution import fit


class Pooling(Layer):
    """What the poolings share: a window of F, moved by S over an input with P of padding, and what comes out of it.

    ::

        W2 = (W - F + 2 P) / S + 1, rounded down, or up with ceil_mode

    When rounding up, a last window that would begin outside input and left padding is left out, as in PyTorch.
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
        out = list(fit(sizes, *self.window, self.label))
        if self.ceil_mode:
            for axis, (size, kernel, step, pad) in enumerate(zip(sizes, *self.window, strict=True)):
                up = math.ceil((size + 2 * pad - kernel) / step) + 1
                out[axis] = up - 1 if (up - 1) * step >= size + pad else up
        return (n, c, *out)

    def extra_repr(self):
        words = [f"kernel_size={short(self.kernel_size)}"]
        if self.stride != self.kernel_size:
            words.append(f"stride={short(self.stride)}")
        if self.padding != (0, 0):
            words.append(f"padding={short(self.padding)}")
        if self.ceil_mode:
            words.append("ceil_mode=True")
        return ", ".join(words)


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


class GlobalAvgPool2d(Layer):
    """The mean of every map, whatever its size: (N, C, H, W) to (N, C, 1, 1). Backwards each pixel gets dy / (H W)."""

    def forward(self, x):
        self.check_x(x, ndim=4)
        if 0 in x.shape[2:]:
            raise UserError(f"{self.label}: x has shape {x.shape}; there is nothing to take the mean of")
        return self.keep(x.mean(axis=(2, 3), keepdims=True), x_shape=x.shape)

    def backward(self, dy):
        kept = self.kept(dy)
        n, c, h, w = kept["x_shape"]
        return np.broadcast_to(kept["dy"] / (h * w), (n, c, h, w)).copy()

    def output_shape(self, x_shape):
        return (*x_shape[:2], 1, 1)
