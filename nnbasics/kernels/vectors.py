"""Many long vectors against a few: what a quasi-Newton method needs, in one pass over its memory.

A history of 2 x 50 pictures is a few hundred megabytes, so the time is the memory's: each pass here reads every row
once. Sums are taken in blocks of fixed length and added up in fixed order in float64, so that the result has the same
bits whatever the number of threads.
"""

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.simd import take_next
from nnbasics.kernels.threads import run_together

BLOCK = 2048  # numbers of one vector that are looked at together: three such blocks and a row's stay in the L1 cache
REORDER = {"reassoc", "contract"}


@kernel(fastmath=REORDER)
def _products(counter, rows, which, vectors, sums):
    while True:
        block = take_next(counter)
        if block >= sums.shape[0]:
            break
        start = block * BLOCK
        stop = min(start + BLOCK, rows.shape[1])
        a = vectors[0, start:stop]
        b = vectors[1, start:stop]
        c = vectors[2, start:stop]
        for i in range(which.size):
            row = rows[which[i], start:stop]
            with_a = rows.dtype.type(0)
            with_b = rows.dtype.type(0)
            with_c = rows.dtype.type(0)
            for k in range(row.size):
                with_a += row[k] * a[k]
                with_b += row[k] * b[k]
                with_c += row[k] * c[k]
            sums[block, i, 0] = with_a
            sums[block, i, 1] = with_b
            sums[block, i, 2] = with_c


@kernel(fastmath=REORDER)
def _dot(counter, a, b, sums):
    while True:
        block = take_next(counter)
        if block >= sums.size:
            break
        total = a.dtype.type(0)
        for k in range(block * BLOCK, min((block + 1) * BLOCK, a.size)):
            total += a[k] * b[k]
        sums[block] = total


@kernel(fastmath=REORDER)
def _combine(counter, rows, which, coefficients, out):
    while True:
        start = take_next(counter) * BLOCK
        if start >= out.size:
            break
        total = out[start : min(start + BLOCK, out.size)]
        for i in range(which.size):
            row = rows[which[i], start : start + total.size]
            coefficient = coefficients[i]
            for k in range(total.size):
                total[k] += coefficient * row[k]


def _together(work, *args):
    counter = np.zeros(1, np.int64)
    run_together(work, counter.ctypes.data, *args)


def _blocks(n):
    return -(-n // BLOCK)


def products(rows, which, vectors):
    """Inner products of some rows with three vectors.

    Parameters
    ----------
    rows : ndarray, (R, n), float32 or float64
    which : sequence of int, length k
        The rows that are wanted.
    vectors : ndarray, (3, n), of the rows' dtype

    Returns
    -------
    ndarray, (k, 3), float64
    """
    sums = np.empty((_blocks(rows.shape[1]), len(which), 3))
    _together(_products, rows, np.asarray(which, np.int64), vectors, sums)
    return sums.sum(axis=0)


def dot(a, b):
    """The inner product of two flat arrays of one dtype as a float: blocks in their dtype, their sum in float64."""
    sums = np.empty(_blocks(a.size))
    _together(_dot, a, b, sums)
    return float(sums.sum())


def combine(rows, which, coefficients, out):
    """Add the sum of coefficients[i] * rows[which[i]] to `out`, in place."""
    _together(_combine, rows, np.asarray(which, np.int64), np.asarray(coefficients, rows.dtype), out)
