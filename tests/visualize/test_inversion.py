"""Inversion: its loss by the lecture's formulas, its gradient by differences, and pictures that are found again."""

import numpy as np
import pytest

from nnbasics import Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.data import picture as pictures
from nnbasics.errors import UserError
from nnbasics.visualize import Inversion, content_reconstructions, invert, style_reconstructions


@pytest.fixture
def net():
    return Sequential(
        {
            "conv1": Conv2d(3, 16, 3, padding=1, rng=1),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(16, 8, 3, padding=1, rng=2),
            "relu2": ReLU(),
        }
    )


def test_loss_is_the_lectures_formula(net, rng):
    x0, x = rng.random((2, 1, 3, 6, 5))
    phi0, phi = (net.activations(picture, ["relu2"])["relu2"] for picture in (x0, x))
    total = 0.0
    for c in range(3):
        for i in range(6):
            for j in range(5):
                down = x[0, c, i + 1, j] - x[0, c, i, j] if i < 5 else 0
                right = x[0, c, i, j + 1] - x[0, c, i, j] if j < 4 else 0
                total += (down**2 + right**2) ** 1.5
    expected = np.sum((phi - phi0) ** 2) / np.sum(phi0**2) + 0.2 * np.mean(np.abs(2 * x - 1) ** 6) + 0.7 * total / 30
    found, _ = Inversion(net, x0, "relu2", alpha=6, alpha_weight=0.2, beta=3, tv_weight=0.7)(x)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "prior",
    [
        {"alpha_weight": 0, "tv_weight": 0},
        {"alpha": 1, "alpha_weight": 2, "tv_weight": 0},
        {"alpha": 6, "alpha_weight": 2, "beta": 2, "tv_weight": 1},
        {"alpha": 2, "alpha_weight": 1, "beta": 3, "tv_weight": 5},
    ],
)
def test_gradient_is_the_slope_of_the_loss(net, rng, prior):
    x0, x, way = rng.random((3, 1, 3, 8, 8))
    objective = Inversion(net, x0, "relu2", **prior)
    _, gradient = objective(x)
    h = 1e-6
    slope = (objective(x + h * way)[0] - objective(x - h * way)[0]) / (2 * h)
    assert np.vdot(gradient, way) == pytest.approx(slope, rel=1e-5)


def test_a_first_layer_gives_the_picture_back(net):
    photograph = pictures.resize(pictures.read("cat"), 48)
    losses = []
    found = invert(
        net,
        photograph,
        "relu1",
        iterations=60,
        size=48,
        alpha_weight=0,
        tv_weight=0,
        callback=lambda i, loss, image: losses.append(loss),
    )
    assert found.shape == photograph.shape and found.dtype == np.float32
    assert len(losses) == 60 and losses[-1] < 1e-5 * losses[0]
    assert np.abs(found - photograph).mean() < 1e-3


def test_total_variation_smooths(net):
    def roughness(tv_weight):
        image = invert(net, "cat", "relu2", size=32, iterations=30, tv_weight=tv_weight)
        return np.abs(np.diff(image, axis=0)).mean()

    assert roughness(1.0) < 0.7 * roughness(0.0)


def test_rows_of_the_lecture(net):
    content = content_reconstructions(net, "cat", ["relu1", "relu2"], size=32, iterations=5)
    assert [caption for caption, _ in content] == ["relu1", "relu2"]
    style = style_reconstructions(net, "starry_night", ["relu1", "relu2"], size=32, iterations=60)
    assert [caption for caption, _ in style] == ["relu1", "relu1 to relu2"]
    given = pictures.resize(pictures.read("starry_night"), 32)
    assert all(image.shape == given.shape for _, image in style)

    def gram(image, layer):
        features = net.activations(image.transpose(2, 0, 1)[None], [layer])[layer]
        flat = features.reshape(features.shape[1], -1)
        return flat @ flat.T

    def distance(image, layer):
        return np.linalg.norm(gram(image, layer) - gram(given, layer)) / np.linalg.norm(gram(given, layer))

    assert distance(style[0][1], "relu1") < 0.05
    assert distance(style[1][1], "relu2") < 0.5 * distance(style[0][1], "relu2")


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"layer": "relu7"}, "relu7"),
        ({"alpha": 0.5}, "alpha=0.5"),
        ({"tv_weight": -1}, "tv_weight=-1"),
        ({"alpha_weight": np.nan}, "alpha_weight=nan"),
        ({"iterations": 2.5}, "iterations=2.5"),
        ({"init": "content"}, '"noise"'),
        ({"size": 1}, "at least 2"),
    ],
)
def test_what_cannot_be_is_said(net, settings, words):
    with pytest.raises(UserError, match=words):
        invert(net, "cat", **{"layer": "relu2", "size": 32, **settings})


def test_a_layer_that_says_nothing(net):
    net.layers["conv2"].params["bias"] = np.full(8, -1e3, np.float32)
    with pytest.raises(UserError, match="relu2 says nothing"):
        invert(net, "cat", "relu2", size=32)
