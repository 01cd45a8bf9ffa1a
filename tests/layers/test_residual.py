"""Shortcuts that cost nothing, and detours that are open with a probability."""

import numpy as np
import pytest

from nnbasics import SGD, AvgPool2d, BatchNorm2d, Conv2d, PadChannels, Residual, Sequential, StochasticDepth
from nnbasics.errors import UserError


@pytest.fixture
def x(rng):
    return rng.standard_normal((2, 3, 5, 4))


def test_option_a_takes_every_second_pixel_and_adds_empty_maps(x):
    shortcut = Sequential(AvgPool2d(1, stride=2), PadChannels(7))
    y = shortcut.forward(x)
    assert y.shape == shortcut.output_shape(x.shape) == (2, 7, 3, 2)
    np.testing.assert_array_equal(y[:, :3], x[:, :, ::2, ::2])
    assert not y[:, 3:].any() and shortcut.num_parameters() == 0
    dx = shortcut.backward(np.ones_like(y))
    assert dx[:, :, ::2, ::2].all() and dx.sum() == 2 * 3 * 3 * 2


def test_more_channels_than_wanted(x):
    with pytest.raises(UserError, match=r"PadChannels\(2\): x has shape \(2, 3, 5, 4\), so 3 channels: too many"):
        PadChannels(2).forward(x)


def detour(survival, seed=0):
    return StochasticDepth(Conv2d(3, 3, 3, padding=1, rng=1), survival=survival, rng=seed)


def test_in_use_it_is_the_expectation(x):
    net = detour(0.7).eval()
    body = net.layers["body"].forward(x)
    np.testing.assert_allclose(net.forward(x), 0.7 * body + x, rtol=1e-12)
    np.testing.assert_allclose(net.backward(x), 0.7 * net.layers["body"].backward(x) + x, rtol=1e-12)


def test_in_training_a_mini_batch_passes_whole_or_not_at_all(x):
    net = detour(0.3)
    whole, opened = net.layers["body"].forward(x) + x, 0
    for _ in range(400):
        y = net.forward(x)
        opened += np.array_equal(y, whole)
        assert np.array_equal(y, whole) or np.array_equal(y, x)
    np.testing.assert_allclose(opened / 400, 0.3, atol=0.07)  # three standard deviations


def test_always_open_it_is_a_residual_block(x):
    net, plain = detour(1.0), Residual(Conv2d(3, 3, 3, padding=1, rng=1))
    np.testing.assert_array_equal(net.forward(x), plain.forward(x))
    np.testing.assert_array_equal(net.backward(x), plain.backward(x))


def test_a_closed_detour_is_not_computed_and_learns_nothing(x):
    net = StochasticDepth(Sequential(Conv2d(3, 3, 3, padding=1, rng=1), BatchNorm2d(3)), survival=0.0, rng=0)
    net.forward(x)
    np.testing.assert_array_equal(net.backward(x), x)
    assert set(net.grads) == set(net.params) and not any(grad.any() for grad in net.grads.values())
    norm = net.layers["body"].layers["1"]
    assert not norm.running_mean.any(), "its statistics are as they were"
    before = {key: param.copy() for key, param in net.params.items()}
    SGD(lr=1.0).step(net.params, net.grads)
    for key, param in net.params.items():
        np.testing.assert_array_equal(param, before[key])


def test_a_closed_detour_of_frozen_layers_has_no_gradients(x):
    net = detour(0.0).freeze()
    net.forward(x)
    net.backward(x)
    assert not net.grads


@pytest.mark.parametrize("survival", [-0.1, 1.1, float("nan")])
def test_survival_is_a_probability(survival):
    with pytest.raises(UserError, match="is not a probability"):
        detour(survival)


def test_a_body_of_another_shape_is_refused(x):
    with pytest.raises(UserError, match=r"cannot be joined by sum: body \(2, 4, 5, 4\), shortcut"):
        StochasticDepth(Conv2d(3, 4, 3, padding=1), survival=1.0).forward(x)
