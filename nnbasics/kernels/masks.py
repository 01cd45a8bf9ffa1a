"""ReLU's masks where no convolution writes or reads them on its way: dy where the bit is set, else 0."""

from typing import NamedTuple

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.simd import MASK_BYTES, address, emit, load, load_mask, repeat, store, take_next
from nnbasics.kernels.threads import run_together

VECTORS = 4096  # in a piece of work


class MaskWork(NamedTuple):
    counter: int
    mask: int
    y: int
    vectors: int


@emit
def _masked(y, mask, vectors):
    with repeat(vectors) as i:
        at = y + i * LANES
        store(at, load_mask(mask + i * MASK_BYTES).choose(load(at), 0.0))


@kernel
def _mask_work(task):
    while True:
        start = take_next(task.counter) * VECTORS
        if start >= task.vectors:
            break
        some = min(VECTORS, task.vectors - start)
        _masked(task.y + start * LANES, task.mask + start * MASK_BYTES, some)


def empty(shape, bits=1):
    """Room for the masks of a map (N, H, W, C), `bits` of them a value."""
    return np.zeros(int(np.prod(shape)) // LANES * bits * MASK_BYTES, np.uint8)


def apply(mask, y):
    """Set the map y to 0, in place, where its mask has no bit."""
    counter = np.zeros(1, np.int64)
    run_together(_mask_work, MaskWork(counter.ctypes.data, mask.ctypes.data, address(y), y.size // LANES))
