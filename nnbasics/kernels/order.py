"""Maps copied into another memory order, where two kinds of layers meet: channels-last, batch-last, or as written.

What lies side by side before lies far apart after, and the other way round: a transposed matrix, for every pair of the
other two axes. NumPy moves it number by number; here squares of LANES x LANES numbers are turned in registers, so that
memory is read and written by whole vectors.
"""

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.memory import lent, padded
from nnbasics.kernels.simd import address, copy_numbers, take_next, transpose
from nnbasics.kernels.threads import run_together


def contiguous(x, axes):
    """x.transpose(axes), contiguous in memory: x's own memory if it lies so and can be written to, else a copy.

    Parameters
    ----------
    x : ndarray, (N, C, H, W)
    axes : tuple of int
        From the slowest axis to the one whose numbers shall lie side by side.
    """
    turned = x.transpose(axes)
    if turned.flags.c_contiguous and turned.flags.writeable:
        return turned
    inner = [axis for axis in range(4) if x.strides[axis] == x.itemsize and x.shape[axis] > 1]
    if x.dtype != np.float32 or len(inner) != 1 or inner[0] == axes[3]:
        return np.array(turned, order="C")
    y = lent(turned.shape)
    to = dict(zip(axes, y.strides, strict=True))
    walk = [axis for axis in axes if axis not in (inner[0], axes[3])] + [inner[0], axes[3]]
    counter = np.zeros(1, np.int64)
    strides = [s // 4 for axis in walk for s in (x.strides[axis], to[axis])]
    shape = (x.shape[axis] for axis in walk)
    run_together(_copy, counter.ctypes.data, address(x), address(y), *shape, *strides, work=x.size)
    return y


def as_map(x):
    """(N, C, H, W) of any strides as a (N, H, W, padded C) array: x's own memory if it lies so, else a copy."""
    n, c, h, w = x.shape
    pixels = x.transpose(0, 2, 3, 1)
    if padded(c) == c:
        return pixels if pixels.flags.c_contiguous else contiguous(x, (0, 2, 3, 1))
    out = lent((n, h, w, padded(c)))
    out[..., :c] = pixels
    out[..., c:] = 0
    return out


def as_maps(pixels, channels):
    """The way back: a (N, H, W, padded C) array seen as (N, C, H, W), without a copy."""
    return pixels[..., :channels].transpose(0, 3, 1, 2)


@kernel
def _copy(counter, x, y, outer, middle, before, after, x_outer, y_outer, x_middle, y_middle, _x1, y_row, x_row, _y1):
    """`before` numbers lie side by side in x, rows x_row apart; `after` of them in y, rows y_row apart."""
    whole_before, whole_after = before // LANES * LANES, after // LANES * LANES
    while True:
        piece = take_next(counter)
        if piece >= outer * middle:
            break
        i, j = piece // middle, piece % middle
        source, target = x + i * x_outer + j * x_middle, y + i * y_outer + j * y_middle
        for b in range(0, whole_before, LANES):
            for a in range(0, whole_after, LANES):
                transpose(source + a * x_row + b, x_row, target + b * y_row + a, y_row)
        for b in range(before):
            start = whole_after if b < whole_before else 0
            copy_numbers(source + start * x_row + b, x_row, target + b * y_row + start, 1, after - start)
