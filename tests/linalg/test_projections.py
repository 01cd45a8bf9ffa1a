"""Projections: symmetric, idempotent, nearest."""

import numpy as np
import pytest

from nnbasics.linalg import column_space, least_squares, project, projection, pseudo_inverse


@pytest.fixture(params=[2, 3])
def A(rng, request):
    """Five by three, of full column rank and not."""
    return rng.standard_normal((5, request.param)) @ rng.standard_normal((request.param, 3))


def test_symmetric_idempotent_and_of_the_rank(A):
    P = projection(A)
    np.testing.assert_allclose(P, P.T, atol=1e-12)
    np.testing.assert_allclose(P @ P, P, atol=1e-12)
    np.testing.assert_allclose(np.trace(P), np.linalg.matrix_rank(A))
    np.testing.assert_allclose(P @ A, A, atol=1e-12)


def test_three_ways_to_the_same_matrix(A):
    np.testing.assert_allclose(projection(A), A @ pseudo_inverse(A), atol=1e-12)
    np.testing.assert_allclose(projection(A), A @ pseudo_inverse(A.T @ A, rtol=1e-12) @ A.T, atol=1e-10)


def test_the_nearest_point(A, rng):
    b = rng.standard_normal(5)
    nearest = project(A, b)
    np.testing.assert_allclose(nearest, A @ least_squares(A, b), atol=1e-12)
    np.testing.assert_allclose(column_space(A).T @ (b - nearest), 0, atol=1e-12)
    for v in (A @ rng.standard_normal((3, 50))).T:
        legs = np.sum((nearest - b) ** 2) + np.sum((v - nearest) ** 2)
        np.testing.assert_allclose(np.sum((v - b) ** 2), legs)  # Pythagoras


def test_several_points_stand_in_columns(A, rng):
    B = rng.standard_normal((5, 4))
    np.testing.assert_allclose(project(A, B), projection(A) @ B, atol=1e-12)


def test_onto_a_line_by_hand():
    np.testing.assert_allclose(projection([[1.0], [2.0]]), [[0.2, 0.4], [0.4, 0.8]])
