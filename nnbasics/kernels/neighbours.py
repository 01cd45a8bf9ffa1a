"""t-SNE's two costly loops over all pairs of points: the width of each neighbourhood, and the forces between points.

A pair costs a dozen operations and there are n^2 of them in every step, so the forces on a point are taken in one pass:
with w_ij = 1 / (1 + |y_i - y_j|^2) and Z the sum of all w, the gradient

    dC/dy_i = 4 sum over j of (p_ij - w_ij / Z) w_ij (y_i - y_j)

needs Z before it is known. But Z is the same for all, so a pass can add up what pulls, p_ij w_ij (y_i - y_j), and what
pushes, w_ij^2 (y_i - y_j), apart from each other, and divide by Z when it is there. Coordinates lie one axis a row, so
that the compiler has neighbouring points in one vector.
"""

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.simd import take_next
from nnbasics.kernels.threads import run_together

ROWS = 16  # points a thread takes at once
HALVINGS = 64


def affinities(squared, perplexity):
    """The neighbours of each point as a distribution over the others whose perplexity is the one asked for.

    ::

        p_j|i = exp(-b_i d_ij^2) / sum over k != i of exp(-b_i d_ik^2),   b_i such that 2^entropy(p_i) = perplexity

    Parameters
    ----------
    squared : ndarray, (n, n)
        Squared distances.
    perplexity : float
        From 1 to n - 1.

    Returns
    -------
    ndarray, (n, n)
        Each row adds up to 1, with 0 for the point itself.
    """
    p = np.empty_like(squared)
    _together(_affinities, squared, np.log(perplexity), p)
    return p


def forces(y, p):
    """What pulls every point, what pushes it, and each point's part of Z.

    Parameters
    ----------
    y : ndarray, (d, n)
    p : ndarray, (n, n)

    Returns
    -------
    pull, push : ndarray, (d, n)
        Sums of p_ij w_ij (y_i - y_j) and of w_ij^2 (y_i - y_j) over j.
    z : ndarray, (n,)
        Sums of w_ij over j != i.
    """
    pull, push, z = np.empty_like(y), np.empty_like(y), np.empty_like(y[0])
    _together(_forces, y, p, pull, push, z)
    return pull, push, z


def _together(work, *args):
    counter = np.zeros(1, np.int64)
    run_together(work, counter.ctypes.data, *args)


@kernel
def _affinities(counter, squared, wanted, p):
    n = squared.shape[0]
    while True:
        start = take_next(counter) * ROWS
        if start >= n:
            break
        for i in range(start, min(start + ROWS, n)):
            nearest = np.inf
            total = 0.0
            for j in range(n):
                if j != i:
                    nearest = min(nearest, squared[i, j])
                    total += squared[i, j]
            # Begins where distances count as their mean does; doubled until the width lies between two, then halved.
            spread = total / (n - 1) - nearest
            beta = 1.0 / spread if spread > 0 else 1.0
            low, high = 0.0, np.inf
            for _ in range(HALVINGS):
                total, mean = 0.0, 0.0
                for j in range(n):
                    further = squared[i, j] - nearest
                    w = np.exp(-beta * further) if j != i else 0.0
                    p[i, j] = w
                    total += w
                    mean += w * further
                excess = np.log(total) + beta * mean / total - wanted
                if abs(excess) < 1e-7:
                    break
                if excess > 0:
                    low = beta
                    beta = 2 * beta if high == np.inf else (low + high) / 2
                else:
                    high = beta
                    beta = (low + high) / 2
            for j in range(n):
                p[i, j] /= total


@kernel(fastmath={"reassoc", "contract", "arcp"})
def _forces(counter, y, p, pull, push, z):
    d, n = y.shape
    one = y.dtype.type(1)
    w = np.empty(n, y.dtype)
    while True:
        start = take_next(counter) * ROWS
        if start >= n:
            break
        for i in range(start, min(start + ROWS, n)):
            for j in range(n):
                w[j] = one
            for k in range(d):
                here = y[k, i]
                for j in range(n):
                    way = here - y[k, j]
                    w[j] += way * way
            total = y.dtype.type(0)
            for j in range(n):
                w[j] = one / w[j]
                total += w[j]
            z[i] = total - one
            for k in range(d):
                here = y[k, i]
                pulled = y.dtype.type(0)
                pushed = y.dtype.type(0)
                for j in range(n):
                    way = (here - y[k, j]) * w[j]
                    pulled += p[i, j] * way
                    pushed += w[j] * way
                pull[k, i] = pulled
                push[k, i] = pushed
