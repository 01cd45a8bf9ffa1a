"""Random vectors: cosines with mean 0 and variance 1 / n, and the law that they follow."""

import numpy as np
import pytest

from nnbasics.linalg import angle_spread, inner_products, on_sphere


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_points_lie_on_the_sphere_in_every_direction(n):
    points = on_sphere(4000, n, rng=1)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=5 / np.sqrt(4000))
    np.testing.assert_allclose(points.T @ points / 4000, np.eye(n) / n, atol=0.05)


def test_inner_products_shrink_like_one_over_the_root_of_n():
    for n, (found, expected) in angle_spread((2, 10, 100, 1000), pairs=2000, rng=0).items():
        assert expected == n**-0.5
        assert abs(found / expected - 1) < 0.08


def test_the_law_of_the_cosine():
    """(1 + cosine) / 2 follows the beta law with both parameters (n - 1) / 2; in three dimensions it is uniform."""
    from scipy.stats import beta, kstest

    for n in (2, 3, 20):
        cosines = inner_products(3000, n, rng=n)
        assert kstest((1 + cosines) / 2, beta((n - 1) / 2, (n - 1) / 2).cdf).pvalue > 1e-3


def test_the_same_seed_gives_the_same_numbers():
    np.testing.assert_array_equal(inner_products(5, 4, rng=3), inner_products(5, 4, rng=3))
