"""Projections: the nearest point of a subspace, which is what least squares is about."""

from nnbasics.linalg.given import matrix, right_side
from nnbasics.linalg.svd import compact_svd


def column_space(A, rtol=None):
    """An orthonormal basis of col(A), as the columns of U (m, r): U^T U = I.

    Parameters
    ----------
    A : array_like, (m, n)
    rtol : float, optional
        Which directions count as none; see `compact_svd`.
    """
    return compact_svd(A, rtol)[0]


def projection(A, rtol=None):
    """The matrix P = U U^T (m, m) that takes every vector to the nearest point of col(A).

    P is symmetric, and P P = P: who has arrived stays. For any v in col(A) the way from b to v has two legs at right
    angles, b to P b and P b to v, so by Pythagoras no v is nearer than P b::

        ||v - b||^2 = ||P b - b||^2 + ||v - P b||^2

    Parameters
    ----------
    A : array_like, (m, n)
        Of any rank.
    rtol : float, optional
        See `compact_svd`.

    Notes
    -----
    For a few vectors take `project`, which needs no m by m matrix.
    """
    U = column_space(A, rtol)
    return U @ U.T


def project(A, b, rtol=None):
    """The point of col(A) nearest to b: U (U^T b), which is A x for the x of `least_squares`.

    Parameters
    ----------
    A : array_like, (m, n)
    b : array_like, (m,) or (m, k)
        Several points stand in columns.
    rtol : float, optional
        See `compact_svd`.
    """
    A = matrix(A)
    b = right_side(b, A.shape[0])
    U = column_space(A, rtol)
    return U @ (U.T @ b)
