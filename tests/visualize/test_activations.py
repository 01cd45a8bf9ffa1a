"""Curves of activations: the numbers that are drawn, and the gaps where they jump."""

import numpy as np
import pytest
import scipy.special

from nnbasics import ELU, Identity, LeakyReLU, Linear, Maxout, ReLU, Sigmoid, Softmax, Step, Tanh
from nnbasics.errors import UserError
from nnbasics.visualize import activation_curves


def drawn(layer, **ends):
    """{label: (x, y)} of the only panel, without gaps."""
    (axes,) = activation_curves(layer, **ends).axes
    found = {}
    for line in axes.lines:
        x, y = line.get_data()
        there = ~np.isnan(y)
        found[line.get_label()] = x[there], y[there]
    return found


@pytest.mark.parametrize(
    ("layer", "value", "slope"),
    [
        (Identity(), lambda x: x, np.ones_like),
        (Step(1), lambda x: x >= 1, np.zeros_like),
        (Tanh(), np.tanh, lambda x: 1 / np.cosh(x) ** 2),
        (ReLU(), lambda x: np.maximum(x, 0), lambda x: x > 0),
        (LeakyReLU(0.1), lambda x: np.maximum(x, 0.1 * x), lambda x: np.where(x > 0, 1, 0.1)),
        (ELU(), lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.exp(np.minimum(x, 0))),
        (Maxout(2), lambda x: abs(x) / 3 - 5 / 18, lambda x: np.where(x > 0, 1, -1) / 3),
    ],
)
def test_value_and_derivative_are_drawn(layer, value, slope):
    lines = drawn(layer)
    assert list(lines) == ["y", "dy/dx"]
    x, y = lines["y"]
    assert x[0] == -5 and x[-1] == 5
    np.testing.assert_allclose(y, value(x), atol=1e-12)
    away = abs(lines["dy/dx"][0]) > 1e-9  # at a kink either side will do
    np.testing.assert_allclose(lines["dy/dx"][1][away], slope(lines["dy/dx"][0])[away], atol=1e-12)


def test_of_the_sigmoid_the_second_derivative_too():
    lines = drawn(Sigmoid(2), low=-3, high=3)
    assert list(lines) == ["y", "dy/dx", "d²y/dx²"]
    x, second = lines["d²y/dx²"]
    np.testing.assert_allclose(second, -np.tanh(x) / np.cosh(x) ** 2, atol=1e-12)


@pytest.mark.parametrize("axis", [1, -1, 0])
def test_softmax_against_three_fixed_scores(axis):
    lines = drawn(Softmax(axis))
    x, y = lines["y"]
    expected = scipy.special.softmax(np.column_stack([np.tile([-5, -1, 1], (len(x), 1)), x]), axis=1)[:, 3]
    np.testing.assert_allclose(y, expected)
    assert y[-1] == pytest.approx(0.97959, abs=5e-6)  # the workshop's cat
    np.testing.assert_allclose(lines["dy/dx"][1], y * (1 - y))


@pytest.mark.parametrize(
    ("layer", "label", "gaps"),
    [(Step(), "y", 1), (ReLU(), "y", 0), (ReLU(), "dy/dx", 1), (ELU(), "dy/dx", 0), (Maxout(4), "dy/dx", 3)],
)
def test_jumps_are_gaps(layer, label, gaps):
    (axes,) = activation_curves(layer).axes
    (line,) = (line for line in axes.lines if line.get_label() == label)
    assert np.isnan(line.get_ydata()).sum() == gaps


def test_a_panel_for_each_with_its_name():
    layers = [ReLU(), LeakyReLU(0.1), ELU(), Tanh(), Sigmoid()]
    figure = activation_curves(*layers)
    assert [axes.get_title() for axes in figure.axes] == [repr(layer) for layer in layers]


@pytest.mark.parametrize(
    ("layers", "words"), [((), "at least one"), ((Linear(1, 1, rng=0),), r"Linear\(1, 1\) is no activation")]
)
def test_what_cannot_be_drawn_is_refused(layers, words):
    with pytest.raises(UserError, match=words):
        activation_curves(*layers)
