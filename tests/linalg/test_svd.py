"""The pseudo-inverse against its definition, SciPy and matrices whose inverse is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.linalg import compact_svd, pseudo_inverse


def of_rank(rng, m, n, r):
    return rng.standard_normal((m, r)) @ rng.standard_normal((r, n))


def check_penrose(A, X, atol):
    """Penrose's four equations, which one matrix alone satisfies."""
    np.testing.assert_allclose(A @ X @ A, A, atol=atol)
    np.testing.assert_allclose(X @ A @ X, X, atol=atol)
    np.testing.assert_allclose((A @ X).T, A @ X, atol=atol)
    np.testing.assert_allclose((X @ A).T, X @ A, atol=atol)


@settings(max_examples=60)
@given(m=st.integers(1, 7), n=st.integers(1, 7), r=st.integers(0, 7), seed=st.integers(0, 10**6))
def test_penrose_equations_at_every_rank(m, n, r, seed):
    A = of_rank(np.random.default_rng(seed), m, n, min(m, n, r))
    X = pseudo_inverse(A, rtol=1e-10)
    scale = max(1, np.abs(X).max()) ** 2 * max(1, np.abs(A).max()) ** 2
    check_penrose(A, X, 1e-11 * scale)


def test_compact_svd_finds_the_rank_and_both_bases(rng):
    A = of_rank(rng, 6, 5, 3)
    U, s, V = compact_svd(A)
    assert U.shape == (6, 3) and s.shape == (3,) and V.shape == (5, 3)
    np.testing.assert_allclose(U * s @ V.T, A, atol=1e-12)
    np.testing.assert_allclose(U.T @ U, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(V.T @ V, np.eye(3), atol=1e-12)
    assert (np.diff(s) < 0).all()


def test_against_scipy(rng):
    from scipy.linalg import pinv

    for A in (rng.standard_normal((6, 4)), rng.standard_normal((4, 6)), of_rank(rng, 5, 5, 2)):
        np.testing.assert_allclose(pseudo_inverse(A), pinv(A), atol=1e-10)


def test_known_inverses():
    np.testing.assert_allclose(pseudo_inverse([[1, 1], [1, 1]]), np.full((2, 2), 1 / 4))
    np.testing.assert_allclose(pseudo_inverse([[3.0], [4.0]]), [[3 / 25, 4 / 25]])
    np.testing.assert_array_equal(pseudo_inverse(np.zeros((2, 3))), np.zeros((3, 2)))
    np.testing.assert_allclose(pseudo_inverse([[1, 2], [3, 4]]), [[-2, 1], [1.5, -0.5]])


def test_what_counts_as_zero_is_relative():
    A = np.diag([1e-200, 1e-210])
    np.testing.assert_allclose(pseudo_inverse(A), np.diag([1e200, 1e210]))
    np.testing.assert_allclose(pseudo_inverse(A, rtol=1e-8), np.diag([1e200, 0]))


def test_full_column_rank_is_the_formula_of_the_lecture(rng):
    A = rng.standard_normal((7, 3))
    np.testing.assert_allclose(pseudo_inverse(A), np.linalg.inv(A.T @ A) @ A.T, atol=1e-12)


@pytest.mark.parametrize("power", [-1, 1])
def test_the_printed_formula_is_no_inverse(rng, power):
    """V Sigma U^T, as one slide has it, against V Sigma^-1 U^T."""
    A = np.diag([2.0, 4.0])
    U, s, V = compact_svd(A)
    assert np.allclose(V * s**power @ U.T @ A, np.eye(2)) == (power == -1)
