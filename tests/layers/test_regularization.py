"""Dropout and stochastic depth: how many, how large, and never in use."""

import numpy as np
import pytest

from nnbasics import Dropout, DropPath, Identity, Residual
from nnbasics.errors import UserError


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_p_of_the_values_are_off_and_the_mean_stays(p):
    layer = Dropout(p, rng=0)
    y = layer.forward(np.ones((100, 1000), np.float32))
    assert set(np.unique(y)) == {0, np.float32(1 / (1 - p))}
    np.testing.assert_allclose((y == 0).mean(), p, atol=0.01)
    np.testing.assert_allclose(y.mean(), 1, atol=0.02)
    np.testing.assert_array_equal(layer.backward(np.ones_like(y)), y)


def test_in_use_nothing_is_dropped(rng):
    x = rng.standard_normal((3, 4))
    layer = Dropout(0.5).eval()
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)


def test_all_and_nothing(rng):
    x = rng.standard_normal((3, 4))
    np.testing.assert_array_equal(Dropout(0).forward(x), x)
    np.testing.assert_array_equal(Dropout(1).forward(x), np.zeros((3, 4)))


def test_a_seed_repeats_and_the_next_walk_does_not():
    x = np.ones((10, 100))
    first, second = Dropout(rng=3), Dropout(rng=3)
    y = first.forward(x)
    np.testing.assert_array_equal(y, second.forward(x))
    assert not np.array_equal(y, first.forward(x))


def test_drop_path_drops_examples_whole():
    y = DropPath(0.5, rng=0).forward(np.ones((50, 3, 4, 4)))
    assert set(np.unique(y)) == {0, 2}
    assert all(len(np.unique(example)) == 1 for example in y)


def test_a_detour_that_is_dropped_leaves_the_shortcut(rng):
    x = rng.standard_normal((3, 4))
    np.testing.assert_array_equal(Residual(DropPath(1)).forward(x), x)
    np.testing.assert_array_equal(Residual(Identity()).forward(x), 2 * x)


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_p_is_a_probability(p):
    with pytest.raises(UserError, match="is not a probability"):
        Dropout(p)
