"""Activations: the lectures' numbers, extreme values, kinks."""

import numpy as np
import pytest
import scipy.special

from nnbasics import ELU, Identity, LeakyReLU, Maxout, ReLU, Sigmoid, Softmax, Step, Tanh
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


X = np.array([[-30.0, -5, -1.5, -0.3, 0.2, 1, 4, 30]])
SLOPES = [
    (Identity(), np.ones_like),
    (Step(0.5), np.zeros_like),
    (Sigmoid(), lambda x: scipy.special.expit(x) * scipy.special.expit(-x)),
    (Sigmoid(2.5), lambda x: 2.5 / (4 * np.cosh(2.5 * x / 2) ** 2)),
    (Tanh(), lambda x: 1 / np.cosh(x) ** 2),
    (ReLU(), lambda x: np.heaviside(x, 0)),
    (LeakyReLU(0.1), lambda x: np.where(x > 0, 1, 0.1)),
    (ELU(0.7), lambda x: np.where(x > 0, 1, 0.7 * np.exp(x))),
]


@pytest.mark.parametrize(("layer", "slope"), SLOPES)
def test_derivatives_are_the_closed_forms(layer, slope):
    np.testing.assert_allclose(layer.derivative(X), slope(X), rtol=1e-12, atol=1e-15)
    assert layer.derivative(X[0]).shape == X[0].shape
    assert layer.derivative(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("layer", [case[0] for case in SLOPES] + [Maxout(2)], ids=repr)
def test_asking_for_a_derivative_disturbs_no_backward(layer, rng):
    x, dy = rng.standard_normal((2, 3, 8))
    y = layer.forward(x)
    dx = layer.backward(dy[:, : y.shape[1]])
    layer.derivative(X)
    np.testing.assert_array_equal(layer.backward(dy[:, : y.shape[1]]), dx)


@pytest.mark.parametrize("a", [0.5, 1, 3])
def test_the_sigmoids_second_derivative(a):
    """Against -a^2 tanh(a x / 2) / (4 cosh^2(a x / 2)), which shares no step with the rule."""
    expected = -(a**2) * np.tanh(a * X / 2) / (4 * np.cosh(a * X / 2) ** 2)
    np.testing.assert_allclose(Sigmoid(a).second_derivative(X), expected, rtol=1e-10, atol=1e-15)
    x = np.linspace(-8, 8, 100_001)
    steepest = scipy.special.logit(0.5 + np.array([-1, 1]) / np.sqrt(12)) / a  # where the third derivative is 0
    extremes = x[[Sigmoid(a).second_derivative(x).argmax(), Sigmoid(a).second_derivative(x).argmin()]]
    np.testing.assert_allclose(extremes, steepest, atol=2e-4)


def test_the_derivative_of_maxout_is_one_at_the_largest():
    np.testing.assert_array_equal(Maxout(2).derivative(np.array([[1.0, 3, 5, 5]])), [[0, 1, 1, 0]])


@pytest.mark.parametrize(("shape", "axis"), [((4,), 0), ((2, 4), 1), ((3, 2, 5), 1), ((4, 2), 0)])
def test_the_derivative_of_softmax_is_its_jacobian(shape, axis, rng):
    """Against the complex step, e^(x + ih): no difference is taken, so nothing cancels."""
    x, h = rng.standard_normal(shape), 1e-30
    expected = []
    for j in range(shape[axis]):
        place = [slice(None)] * x.ndim
        place[axis] = j
        moved = x.astype(complex)
        moved[tuple(place)] += 1j * h
        e = np.exp(moved)
        expected.append(np.moveaxis((e / e.sum(axis=axis, keepdims=True)).imag / h, axis, -1))
    found = Softmax(axis).derivative(x)
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.sum(axis=-1), 0, atol=1e-15)  # all scores higher by the same: nothing changes


def test_the_derivative_of_softmax_is_what_backward_multiplies_by(rng):
    x, dy = rng.standard_normal((2, 3, 5))
    layer = Softmax()
    layer.forward(x)
    np.testing.assert_allclose(layer.backward(dy), np.einsum("nij,ni->nj", layer.derivative(x), dy), atol=1e-15)


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
