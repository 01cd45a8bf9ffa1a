"""Conventions: what a weight of one is in another, and that published settings are understood."""

import numpy as np
import pytest

from nnbasics import Conv2d, MaxPool2d, ReLU, Sequential
from nnbasics.style import Objective, Settings
from nnbasics.style.conventions import CONVENTIONS, ORIGINAL, original_size


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


def test_only_weights_for_the_original_network_are_converted():
    assert CONVENTIONS["paper"].for_normalised("relu4_1") == (1, 1)
    size = ORIGINAL["relu4_1"]
    assert CONVENTIONS["johnson"].for_normalised("relu4_1") == (size**2, size**4)


def test_layers_without_a_size_of_their_own_have_their_blocks():
    assert original_size("conv3_4") == original_size("pool3") == ORIGINAL["relu3_1"]
    assert original_size("relu4_2") == ORIGINAL["relu4_2"] and original_size("relu4_3") == ORIGINAL["relu4_1"]
    assert original_size("fc6") == original_size("prob") == 1
