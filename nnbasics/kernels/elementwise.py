"""ReLU, in one pass over memory each way, block after block by all threads.

NumPy does the same in two passes forward, and backward takes four times as long: `np.where` has no fast way of its own.
"""

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.memory import lent_like
from nnbasics.kernels.order import contiguous
from nnbasics.kernels.simd import take_next
from nnbasics.kernels.threads import run_together

BLOCK = 1 << 15


def relu(x):
    """y = max(x, 0), and which values it stopped, of one byte each; both in x's order in memory. NaN passes."""
    x = x if _is_flat(x) else x.copy()
    y, stopped = lent_like(x), lent_like(x, bool)
    _together(_relu, *(a.ravel(order="K") for a in (x, y, stopped)))
    return y, stopped


def relu_dx(dy, stopped):
    """dy where nothing was stopped, else 0."""
    in_order = np.empty_like(stopped, dy.dtype)
    if dy.strides == in_order.strides and dy.flags.writeable:
        in_order = dy
    elif dy.ndim == 4:
        axes = sorted(range(4), key=lambda axis: -in_order.strides[axis])
        in_order = contiguous(dy, axes).transpose(np.argsort(axes))
    else:
        in_order[...] = dy
    dx = lent_like(in_order)
    _together(_relu_dx, *(a.ravel(order="K") for a in (in_order, stopped, dx)))
    return dx


def total(arrays):
    """Their sum. Maps in other memory orders are brought into that of the first; NumPy would add number by number."""
    first = arrays[0]
    if first.ndim == 4:
        axes = sorted(range(4), key=lambda axis: -first.strides[axis])
        arrays = [first, *(contiguous(a, axes).transpose(np.argsort(axes)) for a in arrays[1:])]
    return sum(arrays[1:], start=first)


def _is_flat(x):
    """Whether x fills its memory, in whatever order of axes: then its flat view is no copy.

    What is read-only is copied as well: Numba would compile everything once more for it.
    """
    order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
    return x.transpose(order).flags.c_contiguous and x.flags.writeable


def _together(kernel, *flat):
    counter = np.zeros(1, np.int64)
    run_together(kernel, counter.ctypes.data, *flat, work=flat[0].size)


@kernel
def _relu(counter, x, y, stopped):
    while True:
        start = take_next(counter) * BLOCK
        if start >= x.size:
            break
        stop = start + BLOCK
        from_x, to_y, to_stopped = x[start:stop], y[start:stop], stopped[start:stop]
        for i in range(from_x.size):
            to_stopped[i] = from_x[i] <= 0
            to_y[i] = 0 if from_x[i] <= 0 else from_x[i]


@kernel
def _relu_dx(counter, dy, stopped, dx):
    while True:
        start = take_next(counter) * BLOCK
        if start >= dy.size:
            break
        stop = start + BLOCK
        from_dy, was_stopped, to_dx = dy[start:stop], stopped[start:stop], dx[start:stop]
        for i in range(from_dy.size):
            to_dx[i] = 0 if was_stopped[i] else from_dy[i]
