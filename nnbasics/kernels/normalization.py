"""Batch normalisation's passes over memory: sums over each channel, and lines through its values.

Written with NumPy, each operation of the rule is a pass of its own and makes an array of its own. Here forward reads x
three times (mean, variance, result) and backward reads dy and x twice (two sums, result), block by block, on all
threads.

Maps are seen as (A, C, B), contiguous: channels-last memory has A = N H W and B = 1, batch-last memory has A = 1 and
B = H W N, and (N, C, H, W) has A = N and B = H W. Where B is 1 neighbours differ in channel, elsewhere they share it.
Sums are taken block by block in the dtype of x, and the blocks are added up in their order in float64: the same bits
for any number of threads.
"""

import math

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.memory import lent
from nnbasics.kernels.order import contiguous
from nnbasics.kernels.simd import take_next
from nnbasics.kernels.threads import run_together

BLOCK = 1 << 13  # values
PIXELS = 16  # channels-last, so many neighbours are summed as if they were one pixel of 16 C channels: longer loops
REORDER = {"reassoc", "contract"}


FIRST, CHANNELS_LAST, BATCH_LAST = (0, 1, 2, 3), (0, 2, 3, 1), (1, 2, 3, 0)


def moments(x):
    """The mean and the variance of each channel of x (N, C, H, W), two arrays (C,) of float64."""
    zero, count = np.zeros(x.shape[1]), x.size // x.shape[1]
    mean = sums(x, x, zero, zero)[0] / count
    return mean, sums(x, x, mean, mean)[1] / count


def sums(a, b, of_a, of_b):
    """For each channel the sum of a - of_a and that of (a - of_a) (b - of_b), two arrays (C,) of float64."""
    axes, channels = _axes(b), b.shape[1]
    a, b = _as_blocks(a, axes), _as_blocks(b, axes)
    together = math.gcd(b.shape[0], PIXELS) if b.shape[2] == 1 else 1
    shape = len(b) // together, together * channels, b.shape[2]
    a, b = a.reshape(shape), b.reshape(shape)
    of_a, of_b = (np.tile(mean.astype(b.dtype), together) for mean in (of_a, of_b))
    parts = np.zeros((_cut(b)[0], 2, together * channels), b.dtype)
    _together(_sums, a, b, parts, of_a, of_b)
    return parts.sum(axis=0, dtype=np.float64).reshape(2, together, channels).sum(axis=1)


def line(x, mean, factor, offset):
    """(x - mean) factor + offset; each of the three has one number a channel."""
    axes = _axes(x)
    values = _as_blocks(x, axes)
    y = lent(values.shape, x.dtype)
    _together(_line, values, y, *(a.astype(x.dtype) for a in (mean, factor, offset)))
    return _as_maps(y, axes, x.shape)


def plane(dy, x, mean, factor, offset, slope):
    """(dy - offset - (x - mean) slope) factor; each of the four has one number a channel."""
    axes = _axes(x)
    values, dvalues = _as_blocks(x, axes), _as_blocks(dy, axes)
    dx = lent(values.shape, x.dtype)
    _together(_plane, dvalues, values, dx, *(a.astype(x.dtype) for a in (mean, factor, offset, slope)))
    return _as_maps(dx, axes, x.shape)


def _axes(x):
    """The order of axes in which x is contiguous; FIRST, that is as (N, C, H, W), if there is none."""
    return next((axes for axes in (FIRST, CHANNELS_LAST, BATCH_LAST) if x.transpose(axes).flags.c_contiguous), FIRST)


def _as_blocks(x, axes):
    """x (N, C, H, W) as (A, C, B); a copy if it lies otherwise, or is read-only: for that Numba would compile anew."""
    n, c, h, w = x.shape
    shape = {FIRST: (n, c, h * w), CHANNELS_LAST: (n * h * w, c, 1), BATCH_LAST: (1, c, h * w * n)}[axes]
    return contiguous(x, axes).reshape(shape)


def _as_maps(blocks, axes, shape):
    """The inverse of `_as_blocks`."""
    return blocks.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes))


def _cut(x):
    """How many pieces there are, and how much of A and of B a piece has."""
    every_a, c, every_b = x.shape
    b = every_b if every_a > 1 else max(1, BLOCK // c)
    a = max(1, BLOCK // (c * b))
    return -(-every_a // a) * -(-every_b // b), a, b


def _together(work, a, x, *args):
    counter, cut = np.zeros(1, np.int64), _cut(x)
    run_together(work, counter.ctypes.data, *cut, a, x, *args, work=x.size)


@kernel
def _piece(number, a, b, x):
    """The ranges of A and of B that a piece has."""
    across = (x.shape[2] + b - 1) // b
    first, left = number // across * a, number % across * b
    return first, min(first + a, x.shape[0]), left, min(left + b, x.shape[2])


@kernel(fastmath=REORDER)
def _sums(counter, pieces, a, b, one, other, parts, of_one, of_other):
    while True:
        number = take_next(counter)
        if number >= pieces:
            break
        first, last, left, right = _piece(number, a, b, other)
        total, product = parts[number, 0], parts[number, 1]
        for i in range(first, last):
            if one.shape[2] == 1:
                row, row_of_other = one[i].reshape(-1), other[i].reshape(-1)
                for c in range(row.size):
                    value = row[c] - of_one[c]
                    total[c] += value
                    product[c] += value * (row_of_other[c] - of_other[c])
            else:
                for c in range(one.shape[1]):
                    row, row_of_other = one[i, c, left:right], other[i, c, left:right]
                    here, with_other = total[c], product[c]
                    middle, middle_of_other = of_one[c], of_other[c]
                    for j in range(row.size):
                        value = row[j] - middle
                        here += value
                        with_other += value * (row_of_other[j] - middle_of_other)
                    total[c], product[c] = here, with_other


@kernel
def _line(counter, pieces, a, b, x, y, mean, factor, offset):
    while True:
        number = take_next(counter)
        if number >= pieces:
            break
        first, last, left, right = _piece(number, a, b, x)
        for i in range(first, last):
            if x.shape[2] == 1:
                for c in range(x.shape[1]):
                    y[i, c, 0] = (x[i, c, 0] - mean[c]) * factor[c] + offset[c]
            else:
                for c in range(x.shape[1]):
                    row, to = x[i, c, left:right], y[i, c, left:right]
                    middle, steep, up = mean[c], factor[c], offset[c]
                    for j in range(row.size):
                        to[j] = (row[j] - middle) * steep + up


@kernel
def _plane(counter, pieces, a, b, dy, x, dx, mean, factor, offset, slope):
    while True:
        number = take_next(counter)
        if number >= pieces:
            break
        first, last, left, right = _piece(number, a, b, x)
        for i in range(first, last):
            if x.shape[2] == 1:
                for c in range(x.shape[1]):
                    dx[i, c, 0] = (dy[i, c, 0] - offset[c] - (x[i, c, 0] - mean[c]) * slope[c]) * factor[c]
            else:
                for c in range(x.shape[1]):
                    row, row_of_x, to = dy[i, c, left:right], x[i, c, left:right], dx[i, c, left:right]
                    middle, high, up, steep = mean[c], factor[c], offset[c], slope[c]
                    for j in range(row.size):
                        to[j] = (row[j] - up - (row_of_x[j] - middle) * steep) * high
