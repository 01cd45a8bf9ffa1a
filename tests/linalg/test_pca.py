"""PCA against scikit-learn (golden values), and against what defines it."""

from pathlib import Path

import numpy as np
import pytest

from nnbasics.linalg import PCA

GOLDEN = Path(__file__).parents[1] / "golden" / "pca.npz"


@pytest.mark.parametrize(("name", "k"), [("digits", 6), ("table", 5), ("table", None)])
def test_as_in_scikit_learn(name, k):
    with np.load(GOLDEN) as golden:
        X = golden[f"{name}/X"]
        expected = {key: golden[f"{name}/{key}"] for key in ("components", "variance", "ratio", "codes", "rebuilt")}
    pca = PCA(k).fit(X)
    codes = pca.transform(X)
    np.testing.assert_allclose(pca.components_, expected["components"], atol=1e-10)
    np.testing.assert_allclose(pca.explained_variance_, expected["variance"], rtol=1e-10)
    np.testing.assert_allclose(pca.explained_variance_ratio_, expected["ratio"], rtol=1e-10)
    np.testing.assert_allclose(codes[:3], expected["codes"], atol=1e-9)
    np.testing.assert_allclose(pca.inverse_transform(codes)[:3], expected["rebuilt"], atol=1e-9)


def test_the_first_component_has_the_greatest_quotient(rng):
    X = rng.standard_normal((40, 6)) * [1, 5, 2, 1, 3, 1]
    pca = PCA().fit(X)
    centred = X - X.mean(axis=0)

    def quotient(w):
        return np.sum((centred @ w) ** 2) / np.sum(w**2)

    best = quotient(pca.components_[0])
    np.testing.assert_allclose(best / 39, pca.explained_variance_[0])
    assert all(quotient(w) <= best for w in rng.standard_normal((500, 6)))
    near = pca.components_[0] + 1e-2 * rng.standard_normal((500, 6))
    assert all(quotient(w) <= best for w in near)


def test_eigenvectors_of_the_covariance(rng):
    X = rng.standard_normal((30, 5)) @ rng.standard_normal((5, 5))
    pca = PCA().fit(X)
    covariance = np.cov(X.T)
    np.testing.assert_allclose(covariance @ pca.components_.T, pca.components_.T * pca.explained_variance_, atol=1e-10)
    np.testing.assert_allclose(pca.explained_variance_ratio_.sum(), 1)


def test_signs_do_not_depend_on_the_order_of_the_rows(rng):
    X = rng.standard_normal((20, 4)) * [1, 2, 3, 4]
    one, two = PCA().fit(X), PCA().fit(X[::-1])
    np.testing.assert_allclose(one.components_, two.components_, atol=1e-10)
    rows = np.arange(4)
    assert (one.components_[rows, abs(one.components_).argmax(axis=1)] > 0).all()


def test_all_components_bring_everything_back(rng):
    X = rng.standard_normal((9, 4))
    pca = PCA().fit(X)
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-12)


def test_more_columns_than_rows(rng):
    X = rng.standard_normal((4, 100))
    pca = PCA().fit(X)
    assert pca.components_.shape == (4, 100)
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-12)
    np.testing.assert_allclose(pca.explained_variance_[3], 0, atol=1e-25)  # four points lie in three dimensions


def test_data_without_variance():
    pca = PCA(1).fit(np.full((5, 3), 7.0))
    np.testing.assert_array_equal(pca.explained_variance_ratio_, [0])
    np.testing.assert_array_equal(pca.transform(np.full((1, 3), 7.0)), [[0]])
