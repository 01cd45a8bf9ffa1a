"""The singular value decomposition without its zeros, and the inverse that every matrix has."""

import numpy as np

from nnbasics.linalg.given import matrix


def compact_svd(A, rtol=None):
    """A = U diag(s) V^T with the r singular values that are not zero.

    The columns of U are an orthonormal basis of col(A), those of V one of row(A); A turns V's directions into U's and
    stretches each by its singular value. What lies across row(A) it sends to zero.

    Parameters
    ----------
    A : array_like, (m, n)
    rtol : float, optional
        A singular value up to rtol times the largest counts as zero: it is rounding. max(m, n) times the spacing of
        numbers at 1 if not given, as in `numpy.linalg.matrix_rank`.

    Returns
    -------
    U, s, V : ndarray, (m, r), (r,), (n, r)
        s falls; r is the rank of A. Note that it is V and not its transpose.
    """
    A = matrix(A)
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    if rtol is None:
        rtol = max(A.shape) * np.finfo(A.dtype).eps
    rank = np.count_nonzero(s > rtol * s[0])
    return U[:, :rank], s[:rank], Vt[:rank].T


def pseudo_inverse(A, rtol=None):
    """The Moore-Penrose inverse: the inverse of A where A can be inverted, zero where it cannot.

    ::

        A     = U Sigma V^T            Sigma r by r, no zeros on its diagonal
        A^inv = V Sigma^-1 U^T

    A takes row(A) to col(A), one to one; A^inv is the way back, after a projection onto col(A). Of all x that come
    nearest to A x = b, A^inv b is the shortest. It is the only matrix X for which A X A = A, X A X = X, and A X and
    X A are symmetric.

    Parameters
    ----------
    A : array_like, (m, n)
        Of any shape and rank; the inverse of a zero matrix is zero.
    rtol : float, optional
        Which singular values count as zero; see `compact_svd`. This matters: a zero that passes for a number is
        inverted to something huge.

    Returns
    -------
    ndarray, (n, m)

    Notes
    -----
    Penrose, "A generalized inverse for matrices", 1955. One lecture prints Sigma for Sigma^-1; see the errata.
    """
    U, s, V = compact_svd(A, rtol)
    return V / s @ U.T
