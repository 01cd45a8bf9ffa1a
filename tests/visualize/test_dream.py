"""DeepDream: the lecture's step, what grows, and what octaves keep."""

import numpy as np
import pytest

from nnbasics import Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.data import picture as pictures
from nnbasics.errors import UserError
from nnbasics.visualize import dream
from nnbasics.visualize.dream import _resized, _sizes, excitement, step


@pytest.fixture
def net():
    return Sequential(
        {
            "conv1": Conv2d(3, 8, 3, padding=1, rng=1),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(8, 6, 3, padding=1, rng=2),
            "relu2": ReLU(),
        }
    )


@pytest.fixture
def photograph(rng):
    return pictures.resize(pictures.read("cat"), 64)


def test_a_step_is_the_lectures():
    """make_step of the slide, worked out for a picture of 3x3 whose gradient is known."""
    x = np.full((1, 3, 3, 3), 0.5, np.float32)
    gradient = np.zeros_like(x)
    gradient[0, 0, 1, 1], gradient[0, 1, 0, 2] = 27.0, -54.0  # mean size (27 + 54) / 27 = 3
    seen = []

    def see(rolled):
        seen.append(rolled.copy())
        return 7.0, gradient

    x[0, 2, 0, 0] = 0.9
    y, value = step(see, x, 0.1, (1, -1))
    assert value == 7.0
    assert seen[0][0, 2, 1, 2] == np.float32(0.9)  # down by one row, left by one column, round the edge
    expected = x.copy()
    expected[0, 0, 0, 2] = 1.0  # 0.5 + 0.1/3 * 27 = 1.4, clipped
    expected[0, 1, 2, 0] = 0.0  # 0.5 - 1.8, clipped
    np.testing.assert_allclose(y, expected, atol=1e-6)
    assert x[0, 0, 0, 2] == 0.5


def test_where_nothing_is_seen_nothing_changes():
    x = np.full((1, 3, 4, 4), 0.25, np.float32)
    y, _ = step(lambda x: (0.0, np.zeros_like(x)), x, 0.1, (0, 0))
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("channel", [None, 2])
def test_excitement_and_its_slope(net, rng, channel):
    x = rng.random((1, 3, 20, 16), np.float32)
    see = excitement(net, x.shape, "relu2", channel)
    value, gradient = see(x)
    y = net.activations(x.astype(np.float64), ["relu2"])["relu2"]
    dy = y if channel is None else y * (np.arange(6) == channel)[:, None, None]
    assert value == pytest.approx(0.5 * np.sum(dy**2), rel=1e-5)
    np.testing.assert_allclose(gradient, net.backward({"relu2": dy}), rtol=1e-4, atol=1e-5)


def test_the_activation_grows(net, photograph):
    see = excitement(net, (1, 3, 43, 64), "relu2")
    before, _ = see(photograph.transpose(2, 0, 1)[None])
    after, _ = see(dream(net, photograph, "relu2", steps=8).transpose(2, 0, 1)[None])
    assert after > 1.2 * before


def test_the_same_seed_the_same_dream(net, photograph):
    first, again, other = (dream(net, photograph, "relu2", seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == photograph.shape and first.dtype == np.float32
    assert 0 <= first.min() and first.max() <= 1


def test_without_steps_the_picture_stays(net, photograph):
    np.testing.assert_array_equal(dream(net, photograph, "relu2", steps=0), photograph)


def test_octaves_go_from_small_to_full_and_leave_out_what_is_too_small():
    assert _sizes((100, 196), 3, 1.4, 32) == [(51, 100), (71, 140), (100, 196)]
    assert _sizes((100, 196), 5, 1.4, 60) == [(71, 140), (100, 196)]
    assert _sizes((20, 30), 4, 1.4, 32) == [(20, 30)]


def test_a_difference_keeps_its_signs_and_its_mean(rng):
    ramp = np.linspace(-1, 1, 12)[None, :, None] * np.ones((9, 1, 3))
    larger = _resized(ramp.astype(np.float32), 13, 17)
    assert larger.shape == (13, 17, 3)
    np.testing.assert_allclose(larger.mean(axis=(0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(larger[6, [0, -1], 0], [-1, 1], atol=0.1)


def test_callback_sees_every_step_of_every_octave(net, photograph):
    seen = []
    last = dream(net, "cat", "relu2", size=96, steps=2, octaves=2, callback=lambda *state: seen.append(state))
    assert [state[:2] for state in seen] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert seen[0][2].shape == (46, 69, 3)
    np.testing.assert_array_equal(seen[-1][2], last)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"layer": "relu3"}, "relu2"),
        ({"channel": 6}, "numbered from 0 to 5"),
        ({"channel": -1}, "channel=-1"),
        ({"octave_scale": 1}, "octave_scale=1"),
        ({"step_size": 0}, "step_size=0"),
        ({"octaves": 0}, "octaves=0"),
        ({"steps": -1}, "steps=-1"),
        ({"size": 16}, "16 x 11"),
    ],
)
def test_what_cannot_be_is_said(net, photograph, settings, words):
    with pytest.raises(UserError, match=words):
        dream(net, photograph, **{"layer": "relu2", **settings})
