"""t-SNE against scikit-learn's exact one (golden values), its slow twin, and what its rule says."""

from pathlib import Path

import numpy as np
import pytest

from nnbasics.data import digits
from nnbasics.errors import UserError
from nnbasics.kernels import neighbours, reference, threads
from nnbasics.visualize import TSNE
from nnbasics.visualize.tsne import _gradient, divergence, joint_probabilities

GOLDEN = Path(__file__).parents[1] / "golden" / "tsne.npz"
PERPLEXITY = 15.0


@pytest.fixture(scope="module")
def data():
    return 16 * digits.load()[0].reshape(-1, 64).astype(np.float64)


@pytest.fixture(scope="module")
def theirs():
    with np.load(GOLDEN) as file:
        return dict(file)


def trustworthiness(X, y, k):
    """Of the definition: how far from each point, in X, those are that its drawing made neighbours."""
    n = len(X)
    far = np.square(X[:, None] - X).sum(axis=2)
    np.fill_diagonal(far, np.inf)
    rank = far.argsort(axis=1).argsort(axis=1) + 1
    near = np.square(y[:, None] - y).sum(axis=2)
    np.fill_diagonal(near, np.inf)
    neighbours = near.argsort(axis=1)[:, :k]
    excess = np.maximum(np.take_along_axis(rank, neighbours, axis=1) - k, 0).sum()
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * excess


def test_affinities_are_scikit_learns(data, theirs):
    # It searches with single precision's tolerance of 1e-5 in the entropy, and we go on to 1e-7.
    np.testing.assert_allclose(joint_probabilities(data[:60], PERPLEXITY), theirs["p"], rtol=2e-4, atol=1e-9)


def test_divergence_and_gradient_are_scikit_learns(theirs):
    y = theirs["y"]
    assert divergence(theirs["p"], y) == pytest.approx(float(theirs["divergence"]), rel=1e-6)
    np.testing.assert_allclose(_gradient(y.T.copy(), theirs["p"]).T, theirs["gradient"], rtol=1e-6, atol=1e-12)


def test_gradient_is_the_slope_of_the_divergence(data):
    p = joint_probabilities(data[:30], 5.0)
    y = np.random.default_rng(0).standard_normal((3, 30))
    way = np.random.default_rng(1).standard_normal((3, 30))
    h = 1e-5
    slope = (divergence(p, (y + h * way).T) - divergence(p, (y - h * way).T)) / (2 * h)
    assert np.vdot(_gradient(y, p), way) == pytest.approx(slope, rel=1e-6)


def test_drawing_is_as_good_as_scikit_learns(data, theirs):
    few = data[:400]
    tsne = TSNE(perplexity=PERPLEXITY)
    y = tsne.fit_transform(few)
    assert tsne.kl_divergence_ <= float(theirs["final_divergence"]) * 1.03
    assert trustworthiness(few, y, 5) >= float(theirs["trustworthiness"]) - 0.01
    nearest = np.square(y[:, None] - y).sum(axis=2)
    np.fill_diagonal(nearest, np.inf)
    labels = digits.load()[1][:400]
    assert np.mean(labels[nearest.argmin(axis=1)] == labels) > 0.95


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d, n", [(1, 17), (2, 40), (3, 33)])
def test_kernels_equal_their_twins(dtype, d, n):
    rng = np.random.default_rng(n)
    y = rng.standard_normal((d, n)).astype(dtype)
    p = rng.random((n, n)).astype(dtype)
    for fast, slow in zip(neighbours.forces(y, p), reference.forces(y, p), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-4 if dtype == np.float32 else 1e-11, atol=1e-5)
    x = rng.standard_normal((n, 4))
    squared = np.square(x[:, None] - x).sum(axis=2)
    for perplexity in (1.5, 5.0, n / 2):
        fast = neighbours.affinities(squared, perplexity)
        np.testing.assert_allclose(fast, reference.affinities(squared, perplexity), rtol=1e-5, atol=1e-9)


def test_every_row_has_the_perplexity_that_was_asked_for(data):
    squared = np.square(data[:100, None] - data[:100]).sum(axis=2)
    p = neighbours.affinities(squared, 12.0)
    entropy = -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), axis=1)
    np.testing.assert_allclose(np.exp(entropy), 12.0, rtol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize("init", ["pca", "random"])
def test_same_drawing_in_every_run_and_for_any_number_of_threads(data, init):
    drawings = []
    for n in (1, 1, 3):
        threads.set_num_threads(n)
        try:
            drawings.append(TSNE(perplexity=5, max_iter=60, init=init, rng=4).fit_transform(data[:80]))
        finally:
            threads.set_num_threads(None)
    np.testing.assert_array_equal(drawings[0], drawings[1])
    np.testing.assert_array_equal(drawings[0], drawings[2])


def test_float32_stays(data):
    assert TSNE(perplexity=5, max_iter=5).fit_transform(data[:40].astype(np.float32)).dtype == np.float32


def test_points_that_are_equal_are_drawn_together(data):
    X = np.concatenate([data[:20], np.repeat(data[20:21], 20, axis=0)])
    y = TSNE(perplexity=5, max_iter=400).fit_transform(X)
    assert np.isfinite(y).all()
    assert y[20:].std(axis=0).max() < 0.5 * y[:20].std(axis=0).max()


def test_all_points_equal():
    assert np.isfinite(TSNE(perplexity=2, max_iter=20).fit_transform(np.ones((10, 3)))).all()


def test_callback_sees_every_step_and_may_keep_it(data):
    seen = {}
    y = TSNE(perplexity=5, max_iter=30).fit_transform(data[:40], callback=lambda step, y: seen.update({step: y}))
    assert list(seen) == list(range(1, 31))
    np.testing.assert_array_equal(seen[30], y)
    assert not np.array_equal(seen[1], seen[30])


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"perplexity": 40}, "40 points"),
        ({"perplexity": 0}, "perplexity=0"),
        ({"perplexity": np.nan}, "perplexity=nan"),
        ({"learning_rate": "fast"}, '"auto"'),
        ({"max_iter": 0}, "max_iter=0"),
        ({"n_components": 2.0}, "n_components=2.0"),
        ({"init": "PCA"}, "init"),
        ({"init": np.zeros((40, 3)), "perplexity": 5}, r"\(40, 2\) was expected"),
        ({"n_components": 65, "perplexity": 5}, 'init="random"'),
    ],
)
def test_what_cannot_be_is_said(data, settings, words):
    with pytest.raises(UserError, match=words):
        TSNE(**{"perplexity": 5, **settings}).fit_transform(data[:40])
