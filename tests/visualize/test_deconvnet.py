"""Deconvnet, saliency and receptive fields against what is worked out by hand or by differences."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from nnbasics import AvgPool2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, ReLU, Sequential
from nnbasics.errors import UserError
from nnbasics.visualize import as_picture, deconvnet, receptive_field, saliency, top_patches


@pytest.fixture
def net():
    return Sequential(
        {
            "conv1": Conv2d(3, 5, 3, padding=1, rng=1),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(5, 4, 3, rng=2),
            "relu2": ReLU(),
        }
    )


@pytest.fixture
def x(rng):
    return rng.random((1, 3, 14, 12))


def by_hand(net, x, channel, position):
    """Zeiler and Fergus's walk down, by SciPy's full convolutions and switches found anew."""
    weight1, weight2 = (net.layers[name].params["weight"].astype(np.float64) for name in ("conv1", "conv2"))
    maps = net.activations(x, ["relu1", "relu2"])
    signal = np.zeros(maps["relu2"].shape[1:])
    signal[(channel, *position)] = maps["relu2"][(0, channel, *position)]
    signal = np.maximum(signal, 0)
    down = np.stack([sum(full(signal[k], weight2[k, c]) for k in range(4)) for c in range(5)])
    unpooled = np.zeros(maps["relu1"].shape[1:])
    for c in range(5):
        for i in range(down.shape[1]):
            for j in range(down.shape[2]):
                window = maps["relu1"][0, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                a, b = np.unravel_index(window.argmax(), (2, 2))
                unpooled[c, 2 * i + a, 2 * j + b] = down[c, i, j]
    unpooled = np.maximum(unpooled, 0)
    return np.stack([sum(full(unpooled[k], weight1[k, c])[1:-1, 1:-1] for k in range(5)) for c in range(3)])


def full(signal, kernel):
    return correlate2d(signal, kernel[::-1, ::-1], mode="full")


def test_deconvnet_is_the_walk_by_hand(net, x):
    position = (2, 1)
    y = net.activations(x, ["relu2"])["relu2"]
    channel = int(y[0, :, 2, 1].argmax())
    found = deconvnet(net, x, "relu2", channel, position)
    np.testing.assert_allclose(found[0], by_hand(net, x, channel, position), atol=1e-10)


def test_the_gradient_rule_is_the_networks_backward(net, x):
    y = net.activations(x, ["relu2"])["relu2"]
    place = np.unravel_index(y.argmax(), y.shape)
    dy = np.zeros_like(y)
    dy[place] = y[place]
    np.testing.assert_allclose(deconvnet(net, x, "relu2", rule="gradient"), net.backward({"relu2": dy}))


def test_guided_stops_what_either_stops(net, x):
    """With one ReLU the three rules are masks on one signal."""
    short = Sequential({name: net.layers[name] for name in ("conv1", "relu1", "pool1", "conv2")})
    y = short.activations(x, ["relu1", "conv2"])
    signal = np.zeros_like(y["conv2"])
    signal[0, 3, 1, 1] = y["conv2"][0, 3, 1, 1]
    at_relu = short.layers["pool1"].backward(short.layers["conv2"].backward(signal))
    masked = np.where((at_relu > 0) & (y["relu1"] > 0), at_relu, 0)
    expected = short.layers["conv1"].backward(masked)
    np.testing.assert_allclose(deconvnet(short, x, "conv2", 3, (1, 1), rule="guided"), expected)


def test_the_network_is_left_as_it_was(net, x):
    dy = np.ones_like(net.forward(x))
    before = net.backward(dy)
    grads = {key: value.copy() for key, value in net.grads.items()}
    net.forward(x)
    deconvnet(net, x + 1, "relu1")
    np.testing.assert_array_equal(net.backward(dy), before)
    for key, value in grads.items():
        np.testing.assert_array_equal(net.grads[key], value)


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "conv2", "relu2"])
def test_nothing_outside_the_receptive_field_is_seen(net, x, layer, rng):
    rows, columns = receptive_field(net, layer).patch((2, 3), x.shape[2:])
    outside = np.ones(x.shape[2:], bool)
    outside[rows, columns] = False
    before, after = (net.activations(p, [layer])[layer][0, :, 2, 3] for p in (x, x + 100 * outside))
    np.testing.assert_allclose(after, before, atol=1e-9)


def test_all_inside_the_receptive_field_is_seen(x):
    """Without ReLU and the choice of a maximum every pixel of the field counts."""
    net = Sequential(
        {"conv": Conv2d(3, 5, 3, padding=1, rng=1), "pool": AvgPool2d(2), "deep": Conv2d(5, 4, 3, stride=2, rng=2)}
    )
    for layer, position in [("conv", (0, 3)), ("pool", (2, 3)), ("deep", (1, 1))]:
        rows, columns = receptive_field(net, layer).patch(position, x.shape[2:])
        y = net.activations(x, [layer])[layer]
        dy = np.zeros_like(y)
        dy[(0, 0, *position)] = 1
        touched = np.abs(net.backward({layer: dy}))[0].max(axis=0) > 0
        expected = np.zeros_like(touched)
        expected[rows, columns] = True
        np.testing.assert_array_equal(touched, expected)


def test_the_published_receptive_field_of_vgg():
    from nnbasics.models import vgg

    net = vgg("D", top=False, rng="zeros")
    assert receptive_field(net, "pool5").size == (212, 212)
    assert receptive_field(net, "relu1_2").size == (5, 5)


def test_saliency_is_the_largest_slope(rng):
    net = Sequential(Conv2d(3, 4, 3, rng=0), ReLU(), GlobalAvgPool2d(), Flatten(), Linear(4, 6, rng=1))
    x = rng.random((1, 3, 6, 6))
    found = saliency(net, x, 2)
    h = 1e-6
    for i, j in [(0, 0), (2, 3), (5, 1)]:
        slopes = []
        for c in range(3):
            up, down = x.copy(), x.copy()
            up[0, c, i, j] += h
            down[0, c, i, j] -= h
            slopes.append((net.forward(up)[0, 2] - net.forward(down)[0, 2]) / (2 * h))
        assert found[i, j] == pytest.approx(np.abs(slopes).max(), rel=1e-5)
    assert np.array_equal(saliency(net, x), saliency(net, x, int(net.forward(x).argmax())))


def test_top_patches_come_loudest_first(net, rng):
    xs = [rng.random((1, 3, 14, 12)) * scale for scale in (1, 3, 2)]
    patches = top_patches(net, xs, "relu2", 0, most=2)
    loudness = [net.activations(x, ["relu2"])["relu2"][0, 0].max() for x in xs]
    assert [patch[0] for patch in patches] == pytest.approx(sorted(loudness, reverse=True)[:2])
    for _, piece, projected in patches:
        assert piece.shape == projected.shape and max(piece.shape[:2]) <= 8


def test_patterns_are_made_visible():
    pattern = np.zeros((1, 3, 2, 2))
    assert np.all(as_picture(pattern) == 0.5)
    pattern[0, 0, 0, 0], pattern[0, 1, 1, 1] = -2, 1
    picture = as_picture(pattern)
    assert picture[0, 0, 0] == 0 and picture[1, 1, 1] == 0.75 and picture[0, 1, 2] == 0.5


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"layer": "relu3"}, "relu3"),
        ({"layer": "relu2", "channel": 4}, "numbered from 0 to 3"),
        ({"layer": "relu2", "position": (9, 0)}, r"no position \(9, 0\)"),
        ({"layer": "relu2", "rule": "guide"}, "guided"),
    ],
)
def test_what_cannot_be_is_said(net, x, arguments, words):
    with pytest.raises(UserError, match=words):
        deconvnet(net, x, **arguments)


def test_no_field_behind_a_layer_that_sees_everything():
    net = Sequential({"flatten": Flatten(), "fc": Linear(12, 2)})
    with pytest.raises(UserError, match="flatten"):
        receptive_field(net, "fc")


def test_no_saliency_of_a_class_that_is_not_there(rng):
    net = Sequential(Flatten(), Linear(12, 2))
    with pytest.raises(UserError, match="numbered from 0 to 1"):
        saliency(net, rng.random((1, 3, 2, 2)), 2)
