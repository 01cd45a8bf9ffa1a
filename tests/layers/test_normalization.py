"""Normalisation: closed forms and running statistics."""

import numpy as np
import pytest

from nnbasics import BatchNorm2d, LocalResponseNorm
from nnbasics.errors import UserError


def test_every_channel_gets_mean_0_and_variance_1(rng):
    norm = BatchNorm2d(3, eps=0)
    y = norm.forward(rng.standard_normal((4, 3, 5, 6)) * [[[[5]], [[0.1]], [[2]]]] + 7)
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(0, 2, 3)), 1)
    norm.params = {"weight": np.array([2.0, 3, 4]), "bias": np.array([-1.0, 0, 1])}
    y = norm.forward(rng.standard_normal((4, 3, 5, 6)))
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), [-1, 0, 1], atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 2, 3)), [2, 3, 4])


def test_running_statistics_approach_the_datas(rng):
    norm = BatchNorm2d(2, momentum=0.25)
    x = rng.standard_normal((4, 2, 3, 3)) * 3 + 5
    norm.forward(x)
    np.testing.assert_allclose(norm.running_mean, 0.25 * x.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(norm.running_var, 0.75 + 0.25 * x.var(axis=(0, 2, 3), ddof=1))
    for _ in range(100):
        norm.forward(x)
    np.testing.assert_allclose(norm.running_mean, x.mean(axis=(0, 2, 3)))
    mean = norm.running_mean
    norm.eval().forward(x * 2)
    assert norm.running_mean is mean


def test_in_use_each_picture_is_for_itself(rng):
    norm = BatchNorm2d(2)
    norm.forward(rng.standard_normal((4, 2, 3, 3)))
    norm.eval()
    x = rng.standard_normal((3, 2, 3, 3))
    np.testing.assert_allclose(norm.forward(x)[1:2], norm.forward(x[1:2]))


def test_frozen_and_in_training_x_still_moves_the_statistics(rng):
    """The gradient has no part along what the normalisation takes away: a constant, and xhat itself."""
    norm = BatchNorm2d(2, eps=0).freeze()
    y = norm.forward(rng.standard_normal((4, 2, 3, 3)))
    dx = norm.backward(rng.standard_normal(y.shape))
    np.testing.assert_allclose(dx.sum(axis=(0, 2, 3)), 0, atol=1e-10)
    np.testing.assert_allclose((dx * y).sum(axis=(0, 2, 3)), 0, atol=1e-10)


def test_one_value_a_channel_has_no_variance():
    with pytest.raises(UserError, match=r"one value for each channel, which has no variance"):
        BatchNorm2d(2).forward(np.zeros((1, 2, 1, 1)))


def test_local_response_by_hand():
    x = np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)
    y = LocalResponseNorm(3, alpha=3, beta=1, k=1).forward(x)
    np.testing.assert_allclose(y.ravel(), [1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9)])
