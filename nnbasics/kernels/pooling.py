"""Max, average and p-norm pooling, forward and back, compiled by Numba.

One loop serves every memory order: pictures are read as (N, H, W, C) with the innermost axis contiguous. Channels-last
memory already is that; batch-last memory is when N and C change places; any other order is read as N C pictures of one
channel. Threads take one picture after another.
"""

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.memory import lent
from nnbasics.kernels.order import contiguous
from nnbasics.kernels.simd import take_next
from nnbasics.kernels.threads import run_together


def max_pool2d(x, kernel_size, stride, padding, out):
    """The largest value of every window (N, C, *out), and its place u kW + v in the window (uint8 where that suffices).

    The first of several equal values wins. A NaN is larger than everything; the last NaN wins, as in PyTorch.
    """
    axes = _axes(x)
    pixels = _as_pixels(x, axes)
    shape = (pixels.shape[0], *out, pixels.shape[3])
    y = lent(shape, x.dtype)
    argmax = lent(shape, np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.int32)
    _together(_max_forward, pixels, *kernel_size, *stride, *padding, y, argmax)
    return _as_maps(y, axes, x.shape), _as_maps(argmax, axes, x.shape)


def max_pool2d_dx(dy, argmax, x_shape, kernel_size, stride, padding):
    """dL/dx: each window's dy goes to where its maximum was; overlapping windows add up."""
    axes = _axes(argmax)
    argmax, dy = _as_pixels(argmax, axes), _as_pixels(dy, axes)
    dx = lent((argmax.shape[0], *x_shape[2:], argmax.shape[3]), dy.dtype)
    dx[...] = 0
    _together(_max_backward, dy, argmax, *kernel_size, *stride, *padding, dx)
    return _as_maps(dx, axes, x_shape)


def avg_pool2d(x, kernel_size, stride, padding, count_include_pad, out):
    """The mean of every window (N, C, *out); padding counts as zeros, or not at all."""
    axes = _axes(x)
    pixels = _as_pixels(x, axes)
    y = lent((pixels.shape[0], *out, pixels.shape[3]), x.dtype)
    y[...] = 0
    _together(_avg_forward, pixels, *kernel_size, *stride, *padding, count_include_pad, y)
    return _as_maps(y, axes, x.shape)


def avg_pool2d_dx(dy, x_shape, kernel_size, stride, padding, count_include_pad):
    """dL/dx: each value of a window gets dy / count."""
    axes = _axes(dy)
    dy = _as_pixels(dy, axes)
    dx = lent((dy.shape[0], *x_shape[2:], dy.shape[3]), dy.dtype)
    dx[...] = 0
    _together(_avg_backward, dy, *kernel_size, *stride, *padding, count_include_pad, dx)
    return _as_maps(dx, axes, x_shape)


def lp_pool2d(x, norm_type, kernel_size, stride, padding, out):
    """The p-norm of every window: y = (sum of |x|^p)^(1/p), the largest |x| taken out so that nothing overflows."""
    axes = _axes(x)
    pixels = _as_pixels(x, axes)
    y = lent((pixels.shape[0], *out, pixels.shape[3]), x.dtype)
    _together(_lp_forward, pixels, x.dtype.type(norm_type), *kernel_size, *stride, *padding, y)
    return _as_maps(y, axes, x.shape)


def lp_pool2d_dx(dy, x, y, norm_type, kernel_size, stride, padding):
    """dL/dx: dy sign(x) (|x| / y)^(p - 1), and 0 where the whole window is 0."""
    axes = _axes(x)
    dy, pixels, y = (_as_pixels(a, axes) for a in (dy, x, y))
    dx = lent(pixels.shape, x.dtype)
    dx[...] = 0
    _together(_lp_backward, dy, pixels, y, x.dtype.type(norm_type), *kernel_size, *stride, *padding, dx)
    return _as_maps(dx, axes, x.shape)


def _axes(x):
    """The axes in the order that makes x pictures with an innermost axis of neighbours; None if it has none."""
    for axes in ((0, 2, 3, 1), (1, 2, 3, 0)):
        if x.strides[axes[3]] == x.itemsize and x.shape[axes[3]] > 1:
            return axes
    return None


def _as_pixels(x, axes):
    """(N, C, H, W) as a contiguous array in the order of `axes`, or as (N C, H, W, 1).

    What is read-only is copied: Numba would compile everything once more for it.
    """
    n, c, h, w = x.shape
    return contiguous(x, (0, 1, 2, 3)).reshape(n * c, h, w, 1) if axes is None else contiguous(x, axes)


def _as_maps(pixels, axes, x_shape):
    """The inverse of `_as_pixels`: (N, C, H, W) again."""
    if axes is None:
        return pixels.reshape(*x_shape[:2], *pixels.shape[1:3])
    return pixels.transpose(np.argsort(axes))


def _together(kernel, x, *args):
    counter = np.zeros(1, np.int64)
    run_together(kernel, counter.ctypes.data, x, *args, work=max(x.size, args[-1].size))


@kernel
def _max_forward(counter, x, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, y, argmax):
    pictures, height, width, channels = x.shape
    while True:
        n = take_next(counter)
        if n >= pictures:
            break
        for i in range(y.shape[1]):
            top = i * stride_h - pad_h
            for j in range(y.shape[2]):
                left = j * stride_w - pad_w
                best, place = y[n, i, j], argmax[n, i, j]
                first = max(-top, 0) * kernel_w + max(-left, 0)
                for c in range(channels):
                    best[c] = -np.inf
                    place[c] = first
                for u in range(max(-top, 0), min(kernel_h, height - top)):
                    for v in range(max(-left, 0), min(kernel_w, width - left)):
                        pixel = x[n, top + u, left + v]
                        for c in range(channels):
                            larger = pixel[c] > best[c] or pixel[c] != pixel[c]
                            best[c] = pixel[c] if larger else best[c]
                            place[c] = u * kernel_w + v if larger else place[c]


@kernel
def _max_backward(counter, dy, argmax, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dx):
    pictures, rows, columns, channels = dy.shape
    while True:
        n = take_next(counter)
        if n >= pictures:
            break
        for i in range(rows):
            for j in range(columns):
                for c in range(channels):
                    place = np.int64(argmax[n, i, j, c])
                    u = place // kernel_w
                    dx[n, i * stride_h - pad_h + u, j * stride_w - pad_w + place - u * kernel_w, c] += dy[n, i, j, c]


@kernel
def _count(top, left, kernel_h, kernel_w, height, width, pad_h, pad_w, count_include_pad):
    """How many values the mean of a window is taken over; one that leaves the padded input loses what is outside."""
    if count_include_pad:
        return (min(top + kernel_h, height + pad_h) - top) * (min(left + kernel_w, width + pad_w) - left)
    return (min(top + kernel_h, height) - max(top, 0)) * (min(left + kernel_w, width) - max(left, 0))


@kernel
def _avg_forward(counter, x, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, count_include_pad, y):
    pictures, height, width, channels = x.shape
    while True:
        n = take_next(counter)
        if n >= pictures:
            break
        for i in range(y.shape[1]):
            top = i * stride_h - pad_h
            for j in range(y.shape[2]):
                left = j * stride_w - pad_w
                count = _count(top, left, kernel_h, kernel_w, height, width, pad_h, pad_w, count_include_pad)
                mean = y[n, i, j]
                for row in range(max(top, 0), min(top + kernel_h, height)):
                    for column in range(max(left, 0), min(left + kernel_w, width)):
                        pixel = x[n, row, column]
                        for c in range(channels):
                            mean[c] += pixel[c]
                for c in range(channels):
                    mean[c] /= count


@kernel
def _avg_backward(counter, dy, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, count_include_pad, dx):
    pictures, height, width, channels = dx.shape
    share = np.empty(channels, dx.dtype)
    while True:
        n = take_next(counter)
        if n >= pictures:
            break
        for i in range(dy.shape[1]):
            top = i * stride_h - pad_h
            for j in range(dy.shape[2]):
                left = j * stride_w - pad_w
                count = _count(top, left, kernel_h, kernel_w, height, width, pad_h, pad_w, count_include_pad)
                for c in range(channels):
                    share[c] = dy[n, i, j, c] / count
                for row in range(max(top, 0), min(top + kernel_h, height)):
                    for column in range(max(left, 0), min(left + kernel_w, width)):
                        pixel = dx[n, row, column]
                        for c in range(channels):
                            pixel[c] += share[c]


@kernel
def _lp_forward(counter, x, p, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, y):
    pictures, height, width, channels = x.shape
    zero = p - p
    while True:
        n = take_next(counter)
        if n >= pictures:
            break
        for i in range(y.shape[1]):
            top, bottom = max(i * stride_h - pad_h, 0), min(i * stride_h - pad_h + kernel_h, height)
            for j in range(y.shape[2]):
                left, right = max(j * stride_w - pad_w, 0), min(j * stride_w - pad_w + kernel_w, width)
                for c in range(channels):
                    largest = zero
                    for row in range(top, bottom):
                        for column in range(left, right):
                            value = abs(x[n, row, column, c])
                            if value > largest or value != value:
                                largest = value
                    total = zero
                    if 0 < largest < np.inf:
                        for row in range(top, bottom):
                            for column in range(left, right):
                                total += (abs(x[n, row, column, c]) / largest) ** p
                        largest *= total ** (1 / p)
                    y[n, i, j, c] = largest


@kernel
def _lp_backward(counter, dy, x, y, p, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dx):
    pictures, height, width, channels = x.shape
    while True:
        n = take_next(counter)
        if n >= pictures:
            break
        for i in range(y.shape[1]):
            top, bottom = max(i * stride_h - pad_h, 0), min(i * stride_h - pad_h + kernel_h, height)
            for j in range(y.shape[2]):
                left, right = max(j * stride_w - pad_w, 0), min(j * stride_w - pad_w + kernel_w, width)
                for c in range(channels):
                    norm = y[n, i, j, c]
                    for row in range(top, bottom):
                        for column in range(left, right):
                            value = x[n, row, column, c]
                            if value != 0:  # so that norm is not 0 either
                                slope = (abs(value) / norm) ** (p - 1) * dy[n, i, j, c]
                                dx[n, row, column, c] += slope if value > 0 else -slope
