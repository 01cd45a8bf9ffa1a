"""Least squares in three ways: against SciPy, the condition for a minimum, and matrices that separate the three."""

import numpy as np
import pytest

from nnbasics.errors import UserError
from nnbasics.linalg import least_squares, pseudo_inverse

METHODS = ("svd", "qr", "normal")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("columns", [(), (3,)])
def test_against_scipy(rng, method, columns):
    from scipy.linalg import lstsq

    A, b = rng.standard_normal((9, 4)), rng.standard_normal((9, *columns))
    np.testing.assert_allclose(least_squares(A, b, method), lstsq(A, b)[0], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_line_through_points_of_known_answer(method):
    """Through (0, 6), (1, 0), (2, 0): by hand, A^T A = ((3, 3), (3, 5)) and A^T b = (6, 0) give 5 - 3 t."""
    A = np.array([[1, 0], [1, 1], [1, 2]])
    np.testing.assert_allclose(least_squares(A, [6, 0, 0], method), [5, -3], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_residual_is_at_right_angles_to_every_column(rng, method):
    A, b = rng.standard_normal((20, 5)), rng.standard_normal(20)
    np.testing.assert_allclose(A.T @ (A @ least_squares(A, b, method) - b), 0, atol=1e-12)


@pytest.mark.parametrize("method", ["qr", "normal"])
def test_units_do_not_matter(rng, method):
    """A column in nanometres and one in light years. (To the SVD the small one is rounding of the large.)"""
    A, x = rng.standard_normal((8, 3)), np.array([1.0, 2, 3])
    units = np.array([1e-9, 1, 1e15])
    np.testing.assert_allclose(least_squares(A * units, A @ x, method) * units, x, rtol=1e-9)


def test_the_shortest_of_many_solutions(rng):
    A = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))
    b = rng.standard_normal(6)
    x = least_squares(A, b)
    np.testing.assert_allclose(x, pseudo_inverse(A) @ b, atol=1e-12)
    across = np.linalg.svd(A)[2][2:].T  # what A sends to zero
    np.testing.assert_allclose(across.T @ x, 0, atol=1e-12)
    other = x + across @ [1.0, -2]
    np.testing.assert_allclose(A @ other, A @ x, atol=1e-12)
    assert np.linalg.norm(other) > np.linalg.norm(x)


@pytest.mark.parametrize("method", ["qr", "normal"])
@pytest.mark.parametrize(
    "A",
    [[[1, 2], [2, 4], [3, 6]], [[1, 2, 3], [4, 5, 6]], [[1, 0], [2, 0]], [[1, 1, 2], [1, 2, 3], [1, 3, 4], [1, 9, 10]]],
)
def test_dependent_columns_are_refused_with_the_way_out(method, A):
    with pytest.raises(UserError, match="method='svd' finds the shortest"):
        least_squares(A, np.ones(len(A)), method)


def test_the_normal_equations_lose_half_of_the_digits():
    """Laeuchli's matrix: A^T A = 1 + e^2 on the diagonal, which rounds to 1, though A's columns are independent."""
    A = np.array([[1, 1], [1e-9, 0], [0, 1e-9]])
    x = np.array([1.0, 1.0])
    np.testing.assert_allclose(least_squares(A, A @ x, "qr"), x, rtol=1e-6)
    np.testing.assert_allclose(least_squares(A, A @ x, "svd"), x, rtol=1e-6)
    with pytest.raises(UserError):
        least_squares(A, A @ x, "normal")


def test_nothing_given_is_written_to(rng):
    A, b = rng.standard_normal((5, 2)), rng.standard_normal(5)
    A.flags.writeable = b.flags.writeable = False
    for method in METHODS:
        least_squares(A, b, method)
