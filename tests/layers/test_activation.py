"""Activations: the lectures' numbers, extreme values, kinks."""

import numpy as np
import pytest

from nnbasics import ELU, LeakyReLU, Maxout, ReLU, Sigmoid, Softmax, Step, Tanh
from nnbasics.errors import UserError

SCORES = np.array([[-5.0, -1, 1, 5]])


def test_scores_of_the_workshop():
    sigmoid = Sigmoid().forward(SCORES)
    np.testing.assert_allclose(sigmoid, [[0.00669, 0.26894, 0.73106, 0.99331]], atol=5e-6)
    np.testing.assert_allclose(sigmoid / sigmoid.sum(), [[0.00335, 0.13447, 0.36553, 0.49665]], atol=5e-6)
    np.testing.assert_allclose(Softmax().forward(SCORES), [[0.00004, 0.00243, 0.01794, 0.97959]], atol=5e-6)


@pytest.mark.parametrize("slope", [0.5, 1, 4])
def test_the_sigmoids_slope_is_at_most_a_quarter(slope):
    layer = Sigmoid(slope)
    layer.forward(np.linspace(-3, 3, 601)[None])
    dx = layer.backward(np.ones((1, 601)))
    np.testing.assert_allclose(dx.max(), slope / 4)
    assert dx.argmax() == 300


@pytest.mark.parametrize("depth", [1, 5, 20])
def test_sigmoids_let_a_gradient_vanish_and_relus_do_not(depth):
    for layers, largest in [([Sigmoid() for _ in range(depth)], 0.25**depth), ([ReLU() for _ in range(depth)], 1)]:
        x = dx = np.array([[0.3]])
        for layer in layers:
            x = layer.forward(x)
        dx = np.ones((1, 1))
        for layer in reversed(layers):
            dx = layer.backward(dx)
        assert 0 < dx.item() <= largest


@pytest.mark.parametrize("layer", [Sigmoid(), Sigmoid(5), Tanh(), ELU(), Softmax()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_values_neither_overflow_nor_warn(layer, dtype):
    x = np.array([[-1e30, -1000, 0, 1000, 1e30]], dtype)
    y = layer.forward(x)
    dx = layer.backward(np.ones_like(y))
    assert np.isfinite(y).all() and np.isfinite(dx).all()


def test_sigmoid_keeps_its_digits_far_out():
    np.testing.assert_allclose(Sigmoid().forward(np.array([-700.0])), np.exp(-700.0), rtol=1e-12)


def test_step_answers_yes_at_its_threshold():
    step = Step(0.5)
    np.testing.assert_array_equal(step.forward(np.array([0.4, 0.5, 0.6, np.nan])), [0, 1, 1, np.nan])
    np.testing.assert_array_equal(step.backward(np.ones(4)), np.zeros(4))


def test_at_zero_the_slopes_are_pytorchs():
    for layer, slope in [(ReLU(), 0), (LeakyReLU(0.1), 0.1), (ELU(0.5), 0.5)]:
        layer.forward(np.zeros(1))
        assert layer.backward(np.ones(1)) == slope


def test_relu_lets_nan_through_both_ways_and_stops_infinity():
    relu = ReLU()
    np.testing.assert_array_equal(relu.forward(np.array([np.nan, -1, 1, np.inf])), [np.nan, 0, 1, np.inf])
    np.testing.assert_array_equal(relu.backward(np.array([3, np.nan, 5, 7])), [3, 0, 5, 7])


def test_relu_keeps_a_byte_for_each_value_and_the_order_in_memory(rng):
    x = rng.standard_normal((2, 4, 5, 3)).transpose(0, 3, 1, 2)
    relu = ReLU()
    y = relu.forward(x)
    assert relu._memory["stopped"].nbytes == x.size and list(relu._memory) == ["stopped"]
    assert y.strides == relu.backward(y).strides == x.strides


def test_branches_are_where_the_kinks_are():
    x = np.array([[-1.0, 2, 0.5, 0.7]])
    decisions = {
        ReLU(): [[1, 0, 0, 0]],
        LeakyReLU(): [[0, 1, 1, 1]],
        ELU(): [[0, 1, 1, 1]],
        Step(0.6): [[0, 1, 0, 1]],
        Maxout(2): [[[1], [1]]],
    }
    for layer, expected in decisions.items():
        layer.forward(x)
        np.testing.assert_array_equal(layer.branches()[0], expected)
    assert Tanh().branches() == [] == ReLU().branches()


def test_maxout_gives_the_first_of_equal_values_the_gradient():
    layer = Maxout(3)
    np.testing.assert_array_equal(layer.forward(np.array([[2.0, 5, 5]])), [[5]])
    np.testing.assert_array_equal(layer.backward(np.array([[7.0]])), [[0, 7, 0]])


def test_softmax_of_a_thousand(rng):
    np.testing.assert_array_equal(Softmax().forward(np.array([[1000.0, -1000, 1000]])), [[0.5, 0, 0.5]])
    y = Softmax().forward(rng.standard_normal((3, 5, 2, 2)))
    np.testing.assert_allclose(y.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Maxout(2).forward(np.zeros((1, 3))), r"x has shape \(1, 3\); \(N, a multiple of 2, ...\)"),
        (lambda: Maxout(0), "pieces=0"),
        (lambda: Softmax(2).forward(np.zeros((1, 3))), r"x has shape \(1, 3\), and no axis 2"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()
