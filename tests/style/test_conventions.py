"""Conventions: what a weight of one is in another, and that published settings are understood."""

import numpy as np
import pytest

from nnbasics import Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.style import Objective, Settings
from nnbasics.style.conventions import CONVENTIONS
from nnbasics.style.ingredients import Ingredients


@pytest.mark.parametrize("name", CONVENTIONS)
def test_weights_converted_to_the_papers_give_the_same_loss_and_gradient(name, rng):
    net = Sequential(
        {
            "conv1": Conv2d(3, 5, 3, padding=1, rng=1),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(5, 7, 3, rng=2),
        }
    )
    x, content, style = rng.random((3, 1, 3, 10, 14))
    positions = {"relu1": (5, 140), "conv2": (7, 15)}
    layers = {"content_layers": {"conv2": 0.7}, "style_layers": {"relu1": 0.4, "conv2": 3.0}}
    theirs = Objective(net, content, style, content_weight=5, style_weight=100, convention=name, **layers)
    to_paper = {layer: CONVENTIONS[name].in_paper(*size, 140) for layer, size in positions.items()}
    ours = Objective(
        net,
        content,
        style,
        content_weight=1,
        style_weight=1,
        content_layers={n: 5 * w * to_paper[n][0] for n, w in layers["content_layers"].items()},
        style_layers={n: 100 * w * to_paper[n][1] for n, w in layers["style_layers"].items()},
    )
    loss, gradient = theirs(x)
    assert ours(x)[0] == pytest.approx(loss)
    np.testing.assert_allclose(ours(x)[1], gradient, rtol=1e-9, atol=1e-12 * np.abs(gradient).max())


def test_the_factors_are_those_of_the_settings_page():
    n, m, pixels = 7, 15, 140
    factors = {name: convention.in_paper(n, m, pixels) for name, convention in CONVENTIONS.items()}
    assert factors["paper"] == pytest.approx((1, 1))
    assert factors["johnson"] == factors["anish"] == pytest.approx((2 / (n * m), 4 / n**2))
    assert factors["gatys-notebook"] == pytest.approx((2 / (n * m), 4000 / n**2))
    assert factors["keras"] == pytest.approx((2, n**2 * m**2 / (9 * pixels**2)))


def test_a_programs_defaults_are_taken_where_nothing_is_given():
    settings = Settings.of(convention="johnson")
    assert settings.content_weight == 5 and settings.tv_weight == 1e-3
    assert set(settings.style_layers.values()) == {1.0} and settings.style_weight == "1x"
    settings = Settings.of(convention="johnson", content_weight=2, style_layers="relu2_1", style_weight=1000)
    assert settings.content_weight == 2 and settings.style_layers == {"relu2_1": 1.0}
    assert Settings.of(convention="paper") == Settings() == Settings.of()
    assert Settings.of(convention="keras").content_layers == {"relu5_2": 1.0}
    assert sum(Settings.of(convention="anish").style_layers.values()) == pytest.approx(1)


PRINTED = {
    "content relu4_2": (2091178.6, 1616196.1),
    "style relu1_1": (30021.3, 29891.0),
    "style relu2_1": (700349.6, 658038.6),
    "style relu3_1": (153033.2, 145283.7),
    "style relu4_1": (12404635.2, 11347409.0),
    "style relu5_1": (656.9, 563.4),
}
"""The losses of a grey picture that neural-style and neural-style-pt print in their installation notes."""


def test_losses_are_as_large_as_the_program_prints_them():
    """Of other pictures than ours: a content may differ by two, a painting's Gram matrices by as much again."""
    found = {}
    for style in ("starry_night", "auvers"):
        prepared = Ingredients("china", style, Settings.of(convention="johnson", size=256)).at(256)
        grey = np.empty_like(prepared.start)
        grey[:] = (np.array([123.68, 116.779, 103.939], np.float32) / 256)[:, None, None]
        for name, value in prepared.objective.terms(grey).items():
            found.setdefault(name, []).append(value)
    for name, printed in PRINTED.items():
        ours = np.exp(np.mean(np.log(found[name])))
        assert 0.4 < ours / np.sqrt(printed[0] * printed[1]) < 2.5, name


def test_total_variation_has_the_programs_units():
    """One step of 1 between black and white columns: 256^2 / 2 for each row but the last in neural-style."""
    x = np.zeros((1, 3, 16, 24), np.float32)
    x[..., 12:] = 1
    for name, per_row, rows in (("johnson", 256**2 / 2, 15), ("keras", 255**2.5, 15)):
        settings = Settings.of(
            convention=name, size=24, content_layers="relu1_1", style_layers="relu1_1", tv_weight=2, style_weight=1
        )
        objective = Ingredients("cat", "auvers", settings).at(24).objective
        assert objective.terms(x)["tv"] == pytest.approx(2 * 3 * rows * per_row, rel=1e-6)
