"""The perceptron's rule, Novikoff's bound, and XOR, which never ends."""

import warnings

import numpy as np
import pytest

from nnbasics.errors import SettingsError, UserError
from nnbasics.models import Perceptron
from nnbasics.models.boundaries import animate, draw

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def separable(rng, count=60, margin=0.3):
    """Points in the plane, and labels by a line they keep `margin` away from."""
    normal, offset = np.array([0.6, -0.8]), 0.25
    X = rng.uniform(-2, 2, (4 * count, 2))
    distance = X @ normal + offset
    X, distance = X[abs(distance) > margin][:count], distance[abs(distance) > margin][:count]
    return X, np.where(distance > 0, 1, -1)


def zero(lr=1.0):
    perceptron = Perceptron(2, lr=lr)
    perceptron.weight = np.zeros(3)
    return perceptron


@pytest.mark.parametrize("lr", [0.1, 1, 7])
def test_separable_points_end_within_novikoffs_bound(rng, lr):
    """From w = 0 at most (R / m)^2 updates, R the longest (1, x) and m the margin of a unit (w0, w1, w2)."""
    X, y = separable(rng)
    walk = (perceptron := zero(lr)).fit(X, y)
    known = np.array([0.25, 0.6, -0.8])
    with_one = np.column_stack([np.ones(len(X)), X])
    margin = (y * (with_one @ known)).min() / np.linalg.norm(known)
    bound = (np.linalg.norm(with_one, axis=1).max() / margin) ** 2
    assert walk.converged and walk and walk.wrong == 0
    assert 0 < len(walk.points) <= bound
    np.testing.assert_array_equal(perceptron.predict(X), y)


def test_the_history_is_the_rule_step_by_step(rng):
    X, y = separable(rng, count=20)
    perceptron = Perceptron(2, lr=0.1, rng=3)
    walk = perceptron.fit(X, y)
    assert walk.weights.shape == (len(walk.points) + 1, 3)
    np.testing.assert_array_equal(walk.weights[-1], perceptron.weight)
    for before, after, i in zip(walk.weights, walk.weights[1:], walk.points, strict=False):
        x = np.array([1, *X[i]])
        assert (1 if before @ x > 0 else -1) != y[i]
        np.testing.assert_allclose(after, before + 0.1 * y[i] * x)


@pytest.mark.parametrize("labels", [[-1, -1, -1, 1], [-1, 1, 1, 1], [1, -1, -1, -1], [1, 1, -1, 1]])
def test_and_or_and_their_like(labels):
    assert zero().fit(CORNERS, labels).converged


@pytest.mark.parametrize("labels", [[-1, 1, 1, -1], [1, -1, -1, 1]])
def test_xor_walks_in_a_circle(labels):
    with pytest.warns(UserWarning, match="not converged.*repeats for ever"):
        walk = zero().fit(CORNERS, labels)
    assert not walk and walk.cycle > 0 and walk.wrong > 0 and walk.epochs < 1000


def test_xor_stops_at_the_bound_where_rounding_hides_the_circle():
    perceptron = Perceptron(2, lr=0.1, rng=0)
    with pytest.warns(UserWarning, match=r"in 7 epochs [1-4] points are wrong; either no hyperplane"):
        walk = perceptron.fit(CORNERS, [-1, 1, 1, -1], epochs=7)
    assert not walk.converged and walk.epochs == 7 and not walk.cycle


def test_points_that_are_right_teach_nothing():
    perceptron = zero()
    perceptron.weight = np.array([0, 1.0, 0])
    assert not perceptron.update([2, 0], 1)
    walk = perceptron.fit([[2, 0], [-2, 0]], [1, -1])
    assert walk.converged and walk.epochs == 1 and len(walk.points) == 0
    np.testing.assert_array_equal(perceptron.weight, [0, 1, 0])


def test_what_was_given_is_not_written_to():
    first = np.zeros(3, int)
    perceptron = zero()
    perceptron.weight = first
    perceptron.fit(CORNERS, [-1, 1, 1, 1])
    np.testing.assert_array_equal(first, 0)


def test_the_equation_as_text():
    perceptron = zero()
    for weight, text in [
        ([-0.1, -1.2, 0.7], "0.7 x2 - 1.2 x1 - 0.1 = 0"),
        ([0, 1, -2], "- 2 x2 + 1 x1 = 0"),
        ([0, 0, 0], "0 = 0"),
    ]:
        perceptron.weight = np.array(weight, float)
        assert perceptron.equation() == text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.fit(CORNERS, [0, 1, 1, 1]), r"give 2 \* y - 1"),
        (lambda p: p.fit(CORNERS, [1, 1, 1]), r"labels of shape \(3,\) for 4 points"),
        (lambda p: p.fit(np.ones((4, 3)), np.ones(4)), r"X has shape \(4, 3\); \(N, 2\) was expected"),
        (lambda p: p.fit(np.ones((0, 2)), np.ones(0)), "X has shape"),
        (lambda p: p.fit([[np.nan, 1]], [1]), "NaN"),
        (lambda p: p.fit([["a", "b"]], [1]), "numbers"),
        (lambda p: p.fit(CORNERS, [1, 1, 1, 1], epochs=0), "epochs=0"),
        (lambda p: Perceptron(0), "in_features=0"),
        (lambda p: setattr(p, "weight", [1, 2]), r"weights of shape \(2,\); \(3,\), w_0 first"),
    ],
)
def test_refused(call, message):
    with pytest.raises(UserError, match=message):
        call(zero())


def test_learning_rates_that_are_none():
    for lr in (0, -1, np.nan, np.inf):
        with pytest.raises(SettingsError, match="learning rate"):
            Perceptron(2, lr=lr)


def test_figures(rng, tmp_path):
    X, y = separable(rng, count=20)
    walk = Perceptron(2, rng=3).fit(X, y)
    lines = draw(walk, X, y).axes[0].lines
    assert len(lines) == 2 + len(walk.weights)  # the points of both labels, and every boundary
    for line, weight in zip(lines[2:], walk.weights, strict=True):
        np.testing.assert_allclose(weight[0] + line.get_xydata() @ weight[1:], 0, atol=1e-9)
    animate(walk, X, y).save(tmp_path / "walk.gif", writer="pillow")
    from PIL import Image

    with Image.open(tmp_path / "walk.gif") as film:
        assert film.n_frames == len(walk.weights)
    with pytest.raises(UserError, match="points in the plane"), warnings.catch_warnings():
        draw(walk, np.ones((3, 3)), np.ones(3))
