"""Many long vectors against a few: what a quasi-Newton method needs, in one pass over its memory.

A history of 2 x 50 pictures is a few hundred megabytes, so the time is the memory's: each pass here reads every row
once. Sums are taken in blocks of fixed length and added up in fixed order in float64, so that the result has the same
bits whatever the number of threads.
"""

import numpy as np
from numba import njit, prange

BLOCK = 2048  # numbers of one vector that are looked at together: three such blocks and a row's stay in the L1 cache


@njit(parallel=True, fastmath={"reassoc", "contract"}, cache=True)
def _block_products(rows, which, vectors, sums):
    n = rows.shape[1]
    for block in prange(sums.shape[0]):
        start = block * BLOCK
        stop = min(start + BLOCK, n)
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


@njit(parallel=True, fastmath={"reassoc", "contract"}, cache=True)
def _block_dot(a, b, sums):
    for block in prange(sums.size):
        total = a.dtype.type(0)
        for k in range(block * BLOCK, min((block + 1) * BLOCK, a.size)):
            total += a[k] * b[k]
        sums[block] = total


@njit(parallel=True, fastmath={"contract"}, cache=True)
def _combine(rows, which, coefficients, out):
    n = rows.shape[1]
    for block in prange((n + BLOCK - 1) // BLOCK):
        start = block * BLOCK
        stop = min(start + BLOCK, n)
        total = out[start:stop]
        for i in range(which.size):
            row = rows[which[i], start:stop]
            coefficient = coefficients[i]
            for k in range(row.size):
                total[k] += coefficient * row[k]


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
    _block_products(rows, np.asarray(which, np.int64), vectors, sums)
    return sums.sum(axis=0)


def dot(a, b):
    """The inner product of two flat arrays of one dtype as a float: blocks in their dtype, their sum in float64."""
    sums = np.empty(_blocks(a.size))
    _block_dot(a, b, sums)
    return float(sums.sum())


def combine(rows, which, coefficients, out):
    """Add the sum of coefficients[i] * rows[which[i]] to `out`, in place."""
    _combine(rows, np.asarray(which, np.int64), np.asarray(coefficients, rows.dtype), out)
