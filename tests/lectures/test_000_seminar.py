"""Every number of the seminar's first half: perceptron to pooling. Where a slide slips, the right value stands here."""

import warnings

import numpy as np
import pytest

from nnbasics import (
    SGD,
    AvgPool2d,
    Conv2d,
    CrossEntropyLoss,
    Flatten,
    Identity,
    MaxPool2d,
    ReLU,
    Sequential,
    Sigmoid,
    SquaredErrorLoss,
    Tanh,
)
from nnbasics.data import digits
from nnbasics.layers.convolution import windows
from nnbasics.models import MLP, Perceptron, Trace
from nnbasics.training import fit

CORNERS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
XOR = np.array([0, 1, 1, 0])


@pytest.fixture
def network(rng):
    """Two inputs, two hidden neurons, two outputs, all sigmoid: i1 i2, h3 h4, o5 o6."""
    net = MLP((2, 2, 2))
    for key in net.params:
        net.params[key] = rng.standard_normal(net.params[key].shape)
    return net


def walk(net, x, t):
    """Outputs by number, and E, by arithmetic that shares no line with the layers."""
    w, b = net.params["fc1.weight"], net.params["fc1.bias"]
    v, c = net.params["fc2.weight"], net.params["fc2.bias"]
    out = {1: x[0], 2: x[1]}
    for place, number in enumerate((3, 4)):
        out[number] = 1 / (1 + np.exp(-(w[place, 0] * out[1] + w[place, 1] * out[2] + b[place])))
    for place, number in enumerate((5, 6)):
        out[number] = 1 / (1 + np.exp(-(v[place, 0] * out[3] + v[place, 1] * out[4] + c[place])))
    return out, (t[0] - out[5]) ** 2 / 2 + (t[1] - out[6]) ** 2 / 2


X, T = np.array([0.35, -1.2]), np.array([0.1, 0.8])


def test_no_perceptron_solves_xor():
    """Not one of very many, and the rule finds none."""
    rng = np.random.default_rng(0)
    scores = np.column_stack([np.ones(4), CORNERS]) @ rng.standard_normal((3, 20000))
    assert not ((scores > 0) == XOR[:, None].astype(bool)).all(axis=0).any()
    with pytest.warns(UserWarning, match="not converged"):
        assert not Perceptron(2, rng=0).fit(CORNERS, 2 * XOR - 1, epochs=200)


def test_two_layers_of_perceptrons_solve_xor():
    """OR, AND, and the one that fires for the first without the second; each learned by the rule."""

    def learned(X, labels):
        perceptron = Perceptron(2, rng=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            perceptron.fit(X, labels)
        return perceptron

    first = [learned(CORNERS, labels) for labels in ([-1, 1, 1, 1], [-1, -1, -1, 1])]
    hidden = np.stack([perceptron.predict(CORNERS) for perceptron in first], axis=1)
    second = learned(hidden, 2 * XOR - 1)
    np.testing.assert_array_equal(second.predict(hidden), 2 * XOR - 1)


def test_the_error(network):
    out, error = walk(network, X, T)
    assert SquaredErrorLoss().forward(network.forward(X[None]), T[None]) == pytest.approx(error, rel=1e-12)
    assert Trace(network, X, T).error == pytest.approx(error, rel=1e-12)
    assert Trace(network, X, T).neurons[5].out == pytest.approx(out[5], rel=1e-12)


def test_w35(network):
    out, _ = walk(network, X, T)
    expected = (out[5] - T[0]) * (1 - out[5]) * out[5] * out[3]
    chain = Trace(network, X, T).weight(3, 5)
    assert chain.symbols == "(o5 - t5) * o5 (1 - o5) * h3"
    assert chain.value == pytest.approx(expected, rel=1e-12)
    assert chain.backward == pytest.approx(expected, rel=1e-12)


def test_w35_after_a_step(network):
    trace, before = Trace(network, X, T), network.params["fc2.weight"][0, 0]
    loss = SquaredErrorLoss()
    loss.forward(network.forward(X[None]), T[None])
    network.backward(loss.backward())
    SGD(lr=0.5).step(network.params, network.grads)
    assert network.params["fc2.weight"][0, 0] == pytest.approx(before - 0.5 * trace.weight(3, 5).value, rel=1e-12)


def test_w13_needs_the_error_of_both_outputs(network):
    """Erratum: the second term is printed with (o5 - t5) and needs (o6 - t6), as the difference quotient says."""
    out, _ = walk(network, X, T)
    (w35, _), (w36, _) = network.params["fc2.weight"]

    def by_chain(second):
        return ((out[5] - T[0]) * out[5] * (1 - out[5]) * w35 + second * out[6] * (1 - out[6]) * w36) * (
            (1 - out[3]) * out[3] * out[1]
        )

    right, printed = by_chain(out[6] - T[1]), by_chain(out[5] - T[0])
    h, errors = 1e-6, []
    for sign in (1, -1):
        network.params["fc1.weight"][0, 0] += sign * h
        errors.append(walk(network, X, T)[1])
        network.params["fc1.weight"][0, 0] -= sign * h
    quotient = (errors[0] - errors[1]) / (2 * h)
    chain = Trace(network, X, T).weight(1, 3)
    assert chain.value == pytest.approx(right, rel=1e-12)
    assert chain.backward == pytest.approx(right, rel=1e-12)
    assert quotient == pytest.approx(right, rel=1e-6)
    assert abs(printed / right - 1) > 0.1


def test_the_figures_of_the_errata_page():
    net = MLP((2, 2, 2))
    net.params["fc1.weight"], net.params["fc1.bias"] = np.array([[0.15, 0.2], [0.25, 0.3]]), np.full(2, 0.35)
    net.params["fc2.weight"], net.params["fc2.bias"] = np.array([[0.4, 0.45], [0.5, 0.55]]), np.full(2, 0.6)
    trace = Trace(net, [0.05, 0.1], [0.01, 0.99])
    h3, o5, o6 = (trace.neurons[number].out for number in (3, 5, 6))
    assert trace.weight(1, 3).value == pytest.approx(0.000438568, abs=1e-9)
    printed = (o5 - 0.01) * (o5 * (1 - o5) * 0.4 + o6 * (1 - o6) * 0.5) * h3 * (1 - h3) * 0.05
    assert printed == pytest.approx(0.00145333, abs=1e-8)


@pytest.mark.parametrize("a", [0.5, 1, 3])
def test_the_sigmoids_derivatives(a):
    """sigma' = a sigma (1 - sigma) and sigma'' = a^2 sigma (1 - sigma) (1 - 2 sigma): each the slope of the last."""
    x, h, layer = np.linspace(-4, 4, 81), 1e-5, Sigmoid(a)
    y = 1 / (1 + np.exp(-a * x))
    np.testing.assert_allclose(layer.forward(x), y)
    np.testing.assert_allclose(layer.derivative(x), a * y * (1 - y))
    second = a**2 * y * (1 - y) * (1 - 2 * y)
    np.testing.assert_allclose(layer.second_derivative(x), second, atol=1e-15)
    for function, slope in [(layer.forward, layer.derivative), (layer.derivative, layer.second_derivative)]:
        np.testing.assert_allclose((function(x + h) - function(x - h)) / (2 * h), slope(x), atol=1e-8)
    assert second.min() < 0 < second.max()  # neither convex nor concave


def test_descent_walks_at_right_angles_to_the_contour_line(rng):
    """<(f_x, f_y), (f_y, -f_x)> = 0, for E as a function of two weights; along the contour E hardly changes."""
    net = MLP((2, 1), rng=0)
    net.params["fc1.weight"] = rng.standard_normal((1, 2))
    loss, target = SquaredErrorLoss(), np.array([[0.2]])

    def error(step=(0.0, 0.0)):
        shifted = MLP((2, 1), rng="zeros")
        shifted.params["fc1.weight"] = net.params["fc1.weight"] + step
        return loss.forward(shifted.forward(X[None]), target)

    loss.forward(net.forward(X[None]), target)
    net.backward(loss.backward())
    gradient = net.grads["fc1.weight"][0]
    contour = np.array([gradient[1], -gradient[0]])
    assert gradient @ contour == pytest.approx(0, abs=1e-16)
    h = 1e-4 / np.linalg.norm(gradient)
    assert abs(error(h * contour) - error()) < 1e-3 * abs(error(h * gradient) - error())
    assert error(-h * gradient) < error() < error(h * gradient)


@pytest.mark.parametrize("a", [1, 2])
@pytest.mark.parametrize("depth", [1, 3, 10])
def test_the_gradient_vanishes_through_sigmoids_and_not_through_relus(a, depth):
    """Every sigmoid lets at most a/4 pass, n of them (a/4)^n; at 0 it is just that. ReLU's slope is 0 or 1."""
    for x in np.linspace(-2, 2, 9):
        net = Sequential(*[Sigmoid(a) for _ in range(depth)])
        net.forward(np.array([[x]]))
        assert 0 < net.backward(np.ones((1, 1))).item() <= (a / 4) ** depth
        relu = Sequential(*[ReLU() for _ in range(depth)])
        relu.forward(np.array([[x]]))
        assert relu.backward(np.ones((1, 1))).item() == (x > 0)
    first = Sigmoid(a)
    first.forward(np.zeros((1, 1)))
    assert first.backward(np.ones((1, 1))).item() == a / 4


def test_the_gap_between_tanh_and_relu():
    """The same network on the digits' raw pixels, 0 to 16, at the same rate: ReLU learns them in half the epochs."""
    x, labels = digits.load()
    x, labels = 16 * x.reshape(-1, 64)[:1500], labels[:1500]

    def epochs(activation, seed):
        net = MLP((64, *[32] * 4, 10), activation, output=Identity, rng=seed)
        learned = [lambda history: history.accuracy[-1] > 0.9]
        return len(fit(net, x, labels, loss=CrossEntropyLoss(), optimizer=SGD(0.01), epochs=30, callbacks=learned))

    tanh, relu = (np.median([epochs(activation, seed) for seed in range(3)]) for activation in (Tanh, ReLU))
    assert 1.4 * relu <= tanh < 30


def test_relu_is_convex_and_the_sigmoid_is_not(rng):
    u, v = rng.standard_normal((2, 1, 1000)) * 3

    def sags(layer):
        return layer.forward((u + v) / 2) <= (layer.forward(u) + layer.forward(v)) / 2 + 1e-12

    assert sags(ReLU()).all()
    assert sags(Sigmoid()).any() and not sags(Sigmoid()).all()


def test_seven_by_seven_with_a_filter_of_three():
    assert windows(7, 3).size == 5
    assert Conv2d(1, 1, 3, rng=0).forward(np.zeros((1, 1, 7, 7))).shape == (1, 1, 5, 5)


def test_the_size_that_does_not_divide():
    """Erratum: (6 - 3 + 2 * 1) / 2 + 1 is 3.5, printed 3. The slide's picture is padded on one side only."""
    printed = windows(6, 3, stride=2, padding=1)
    assert printed.quotient == 3.5 and not printed.divides
    pictured = windows(6, 3, stride=2, padding=(0, 1))
    assert pictured.quotient == pictured.size == 3 and pictured.divides
    conv = Conv2d(3, 2, 3, stride=2, rng=0)
    assert conv.params["weight"].shape == (2, 3, 3, 3)  # two filters of 3x3x3
    assert conv.forward(np.zeros((1, 3, 6 + 1, 6 + 1))).shape == (1, 2, 3, 3)


def test_a_filter_scores_a_shape():
    """A curve detector on the outline of a mouse: a large number on its back, near nothing at the other end."""
    curve = np.zeros((7, 7))
    for row, column in [(0, 5), (1, 4), (2, 3), (3, 3), (4, 3), (5, 3)]:
        curve[row, column] = 30
    picture = np.zeros((24, 24))
    picture[8:15, 2:9] = 50 * (curve > 0)  # the back
    picture[3, 14:20] = picture[4, 20] = 50  # an ear
    conv = Conv2d(1, 1, 7, bias=False)
    conv.params["weight"] = curve[None, None]
    scores = conv.forward(picture[None, None])[0, 0]
    assert scores[8, 2] == scores.max() == 6 * 50 * 30  # 9000: all six points of the curve meet it
    assert scores[0:4, 13:18].max() <= 9000 / 4
    assert np.median(scores) == 0


def test_pooling_halves_and_keeps_the_depth():
    """224 to 112 and 75% fewer values."""
    x = np.zeros((1, 64, 224, 224), np.float32)
    for pool in (MaxPool2d(2), AvgPool2d(2)):
        y = pool.forward(x)
        assert y.shape == (1, 64, 112, 112) and 1 - y.size / x.size == 0.75
    assert windows(224, 2, stride=2).size == 112 and windows(224, 2, stride=2).divides


def test_a_quarter_is_left():
    """Erratum: "1/4 = 75% reduced"; a quarter is left, and two filters give one output of two maps."""
    assert 112 * 112 / (224 * 224) == 0.25
    assert Conv2d(3, 2, 3, stride=2, rng=0).output_shape((1, 3, 7, 7)) == (1, 2, 3, 3)


def test_convolutions_of_vgg_keep_the_size():
    """Erratum: the pooling's formula is printed with F_conv, 3, which gives 111.5; F_pool is 2."""
    assert windows(224, 3, stride=1, padding=1).size == 224
    assert windows(224, 3, stride=2).quotient == 111.5
    assert windows(224, 2, stride=2).quotient == 112


def test_relu_has_no_parameters_and_changes_no_size():
    relu = ReLU()
    assert not relu.params and relu.output_shape((1, 3, 5, 5)) == (1, 3, 5, 5)


def test_fully_connected_maps_become_a_vector():
    assert Flatten().forward(np.zeros((2, 12, 4, 4))).shape == (2, 192)
