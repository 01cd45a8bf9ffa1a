"""Memory as the kernels like it: aligned to cache lines, and used again.

New memory costs more than one would think: the system has to clear it and enter every page into its tables. A training
step makes the same maps every time, so their memory is lent: when an array and all its views are gone, the next array
of that size has it.

A map (N, C, H, W) lies in memory as (N, H, W, channels), channels padded with zeros to a multiple of LANES.
"""

import math
import threading
from contextlib import contextmanager

import numpy as np

from nnbasics.kernels.machine import LANES

LINE = 64  # bytes; NumPy aligns to 16 only, and a vector that straddles two lines costs two accesses

LARGEST = 8 << 20  # bytes of a map that is lent; there the system's huge pages begin to pay
MOST = 64 << 20  # bytes that wait for the next who asks

_waiting = {}  # bytes: memory of that size
_kept = []
_lock = threading.Lock()


def aligned(shape, dtype=np.float32):
    """An uninitialised array that starts at a cache line."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size].view(dtype).reshape(shape)


class _Loan:
    """Memory that belongs to an array for as long as the array, or a view of it, is there."""

    def __init__(self, memory):
        self._memory = memory
        self.__array_interface__ = memory.__array_interface__

    def __del__(self, waiting=_waiting, most=MOST):
        # Without a lock: this may happen anywhere, even while another is given back. Each step by itself is whole.
        if sum([size * len(all_of_size) for size, all_of_size in list(waiting.items())]) > most:
            waiting.clear()
        waiting.setdefault(self._memory.nbytes, []).append(self._memory)


def lent(shape, dtype=np.float32):
    """An uninitialised array that starts at a cache line, perhaps in memory that was another's before."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if not 0 < size <= LARGEST:
        return aligned(shape, dtype)
    try:
        memory = _waiting[size].pop()
    except (KeyError, IndexError):
        memory = aligned(size, np.uint8)
    return np.asarray(_Loan(memory)).view(dtype).reshape(shape)


def lent_like(x, dtype=None):
    """The same in the shape, the order and, if nothing else is said, the dtype of x."""
    axes = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
    return lent([x.shape[axis] for axis in axes], dtype or x.dtype).transpose(np.argsort(axes))


@contextmanager
def scratch(floats):
    """A flat float32 array that nobody else uses meanwhile; its memory is kept for the next who asks."""
    with _lock:
        enough = [i for i, kept in enumerate(_kept) if kept.size >= floats]
        if enough:
            buffer = _kept.pop(min(enough, key=lambda i: _kept[i].size))
        else:
            buffer = None
            if _kept:  # let the largest go before a larger one comes
                _kept.pop(max(range(len(_kept)), key=lambda i: _kept[i].size))
    if buffer is None:
        buffer = aligned(floats)
    try:
        yield buffer
    finally:
        with _lock:
            _kept.append(buffer)


def padded(channels, to=LANES):
    """The next multiple of LANES."""
    return -(-channels // to) * to
