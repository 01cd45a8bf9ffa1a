"""Least squares: the x for which A x comes nearest to b, found in three ways."""

import numpy as np

from nnbasics.errors import UserError, nearest
from nnbasics.linalg.given import matrix, right_side
from nnbasics.linalg.svd import compact_svd


def least_squares(A, b, method="svd"):
    """The x that makes ||A x - b|| as small as it can be.

    The gradient of (A x - b)^T (A x - b) is 2 A^T (A x - b); where it is zero, the residual is at right angles to
    every column of A, and

    ::

        A^T A x = A^T b                                  the normal equations

    "normal"
        solves just that by Cholesky, A^T A = L L^T. The quickest, but the condition of A^T A is that of A squared:
        half of the digits are gone before it begins.
    "qr"
        A = Q R turns them into R x = Q^T b, without ever forming A^T A.
    "svd"
        A = U Sigma V^T gives x = V Sigma^-1 U^T b, for every A. Where many x are equally good (rank below n), this is
        the shortest.

    Parameters
    ----------
    A : array_like, (m, n)
    b : array_like, (m,) or (m, k)
        Several right sides stand in columns.
    method : "svd", "qr" or "normal"

    Returns
    -------
    ndarray, (n,) or (n, k)

    Raises
    ------
    UserError
        If shapes do not fit, or if the columns of A depend on each other (to working accuracy) and the method is not
        "svd".

    Examples
    --------
    >>> t = np.array([0.0, 1, 2, 3])
    >>> A = np.stack([t, np.ones(4)], axis=1)
    >>> least_squares(A, 2 * t - 1)  # the line 2 t - 1
    array([ 2., -1.])
    """
    if method not in METHODS:
        raise UserError(f"least_squares: no method is called {method!r}; {nearest(method, METHODS)}")
    A = matrix(A)
    b = right_side(b, A.shape[0])
    return METHODS[method](A, b)


def by_normal_equations(A, b):
    """x from A^T A x = A^T b, with A^T A = L L^T."""
    sizes = _column_sizes(A, "normal")
    A = A / sizes  # x_j in units of 1 / ||a_j||: the same solution, and a condition that does not depend on units
    try:
        L = np.linalg.cholesky(A.T @ A)
    except np.linalg.LinAlgError:
        raise _dependent("normal") from None
    if np.diag(L).min() ** 2 <= len(A) * np.finfo(A.dtype).eps:
        raise _dependent("normal")
    x = back_substitution(L.T, forward_substitution(L, A.T @ b))
    return (x.T / sizes).T


def by_qr(A, b):
    """x from R x = Q^T b, with A = Q R."""
    sizes = _column_sizes(A, "qr")
    Q, R = np.linalg.qr(A)
    if (abs(np.diag(R)) <= max(A.shape) * np.finfo(A.dtype).eps * sizes).any():
        raise _dependent("qr")
    return back_substitution(R, Q.T @ b)


def by_svd(A, b):
    """x = V Sigma^-1 U^T b, the shortest of the nearest, with A = U Sigma V^T."""
    U, s, V = compact_svd(A)
    return V / s @ (U.T @ b)


METHODS = {"svd": by_svd, "qr": by_qr, "normal": by_normal_equations}


def back_substitution(R, y):
    """The x with R x = y for an upper triangular R: the last row has one unknown, the one above it one more."""
    x = np.zeros((R.shape[1], *y.shape[1:]), np.result_type(R, y))
    for i in reversed(range(len(x))):
        x[i] = (y[i] - R[i, i + 1 :] @ x[i + 1 :]) / R[i, i]
    return x


def forward_substitution(L, y):
    """The x with L x = y for a lower triangular L, first row first."""
    return back_substitution(L[::-1, ::-1], y[::-1])[::-1]


def _column_sizes(A, method):
    """||a_j|| of every column; at least as many rows as columns, or columns depend on each other."""
    sizes = np.linalg.norm(A, axis=0)
    if A.shape[0] < A.shape[1] or not sizes.all():
        raise _dependent(method)
    return sizes


def _dependent(method):
    return UserError(
        f"least_squares: the columns of A depend on each other, or so nearly that method={method!r} cannot tell; "
        "method='svd' finds the shortest of the solutions"
    )
