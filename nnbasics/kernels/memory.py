"""Memory as the kernels like it: aligned to cache lines, channels-last, and scratch that is used again.

A map (N, C, H, W) lies in memory as (N, H, W, channels), channels padded with zeros to a multiple of LANES.
"""

import threading
from contextlib import contextmanager

import numpy as np

from nnbasics.kernels.machine import LANES

LINE = 64  # bytes; NumPy aligns to 16 only, and a vector that straddles two lines costs two accesses

_kept = []
_lock = threading.Lock()


def aligned(shape, dtype=np.float32):
    """An uninitialised array that starts at a cache line."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size].view(dtype).reshape(shape)


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
