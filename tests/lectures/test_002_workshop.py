"""Every number of the workshop's first half: perceptron, softmax, the toy example, convolution and pooling, digits."""

import numpy as np
import pytest

from nnbasics import (
    SGD,
    AvgPool2d,
    Conv2d,
    CrossEntropyLoss,
    Identity,
    LeakyReLU,
    Linear,
    LPPool2d,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Softmax,
    Step,
    Tanh,
)
from nnbasics.data import digits
from nnbasics.layers.convolution import windows
from nnbasics.linalg import PCA
from nnbasics.models import Perceptron

SCORES = np.array([[-5.0, -1, 1, 5]])


@pytest.fixture
def perceptron():
    """The boundary x2 - x1 = 0, and a learning rate of 0.1."""
    perceptron = Perceptron(2, lr=0.1)
    perceptron.weight = np.array([0.0, -1, 1])
    return perceptron


def test_one_update_of_the_perceptron(perceptron):
    assert perceptron.predict([[2, 3]]) == [1]  # S = 1, and the label is -1
    assert perceptron.update([2, 3], -1)
    np.testing.assert_allclose(perceptron.weight, [-0.1, -1.2, 0.7], atol=1e-15)
    np.testing.assert_allclose(10 * perceptron.weight, [-1, -12, 7], atol=1e-14)  # 7 x2 - 12 x1 - 1 = 0
    assert perceptron.equation() == "0.7 x2 - 1.2 x1 - 0.1 = 0"
    assert perceptron.predict([[2, 3]]) == [-1]


@pytest.mark.parametrize(("label", "sign"), [(-1, -1), (1, 1)])
def test_which_way_the_weights_go(label, sign):
    """x = (1, -5, 5). Label -1: w1 rises and w2 falls; label +1: the reverse. Erratum: w0 := w0 + g (+1) there too."""
    perceptron = Perceptron(2, lr=0.1)
    perceptron.weight = -label * np.array([0, -1.0, 1])  # wrong about the point, whichever the label
    before = perceptron.weight
    assert perceptron.update([-5, 5], label)
    np.testing.assert_allclose(perceptron.weight - before, 0.1 * sign * np.array([1, -5, 5]))


def test_the_convergence_theorem(rng):
    X = rng.uniform(-1, 1, (100, 2))
    y = np.where(X @ [1, 2] > 0.1, 1, -1)
    keep = abs(X @ [1, 2] - 0.1) > 0.05
    assert Perceptron(2, rng=0).fit(X[keep], y[keep]).converged
    with pytest.warns(UserWarning, match="not converged"):
        assert not Perceptron(2, rng=0).fit([[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1]).converged


def test_many_solutions(rng):
    """Which one is found depends on the start and on the order."""
    X = rng.uniform(-1, 1, (60, 2))
    y = np.where(X @ [1, 2] > 0, 1, -1)
    found = []
    for order, seed in [(slice(None), 0), (slice(None, None, -1), 0), (slice(None), 1)]:
        perceptron = Perceptron(2, rng=seed)
        assert perceptron.fit(X[order], y[order]).converged
        found.append(perceptron.weight / np.linalg.norm(perceptron.weight))
    assert not np.allclose(found[0], found[1]) and not np.allclose(found[0], found[2])


@pytest.mark.parametrize(
    ("layer", "value", "slope"),
    [
        (Identity(), lambda x: x, lambda x: 1),
        (Step(), lambda x: float(x >= 0), lambda x: 0),
        (Sigmoid(), lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
        (Tanh(), lambda x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1), lambda x: 1 / np.cosh(x) ** 2),
        (ReLU(), lambda x: max(x, 0), lambda x: float(x > 0)),
        (LeakyReLU(0.01), lambda x: x if x > 0 else 0.01 * x, lambda x: 1 if x > 0 else 0.01),
    ],
)
def test_activations_and_their_derivatives(layer, value, slope):
    x = np.array([[-3.0, -0.5, 0.25, 2]])
    np.testing.assert_allclose(layer.forward(x)[0], [value(v) for v in x[0]])
    np.testing.assert_allclose(layer.backward(np.ones_like(x))[0], [slope(v) for v in x[0]])


def test_sigmoid_of_the_scores():
    np.testing.assert_allclose(Sigmoid().forward(SCORES), [[0.00669, 0.26894, 0.73106, 0.99331]], atol=5e-6)


def test_normalised_sigmoids():
    """Erratum: .00334 and .49666 are printed, quotients of rounded numbers; unrounded they are .00335 and .49665."""
    sigmoid = Sigmoid().forward(SCORES)
    np.testing.assert_allclose(sigmoid / sigmoid.sum(), [[0.00335, 0.13447, 0.36553, 0.49665]], atol=5e-6)
    rounded = np.round(sigmoid, 5)
    quotients = rounded / rounded.sum()
    np.testing.assert_allclose(quotients, [[0.003345, 0.13447, 0.36553, 0.496655]], atol=1e-9)


def test_softmax_of_the_scores():
    np.testing.assert_allclose(Softmax().forward(SCORES), [[0.00004, 0.00243, 0.01794, 0.97959]], atol=5e-6)


def test_cross_entropy_of_the_scores():
    """Erratum: 0.020621 is printed, the logarithm of the rounded .97959; unrounded it is 0.0206256."""
    assert CrossEntropyLoss().forward(SCORES, [3]) == pytest.approx(0.0206256, abs=5e-8)
    assert -np.log(0.97959) == pytest.approx(0.020621, abs=5e-7)


def test_the_toy_example():
    """f = w x + b. Erratum: +r df/dw is called an update for target 3 and raises f without looking at the target."""
    f = Linear(1, 1)
    f.params["weight"], f.params["bias"] = np.array([[-2.0]]), np.array([3.0])
    x = np.array([[5.0]])
    assert f.forward(x) == [[-7]]
    f.backward(np.ones((1, 1)))
    assert f.grads["weight"] == [[5]] and f.grads["bias"] == [1]
    SGD(lr=0.1).step(f.params, {key: -grad for key, grad in f.grads.items()})  # uphill, as on the slide
    np.testing.assert_allclose([f.params["weight"].item(), f.params["bias"].item()], [-1.5, 3.1])
    np.testing.assert_allclose(f.forward(x), [[-4.4]])


def test_the_toy_example_with_a_loss():
    """Downhill on (f - 3)^2 / 2 the factor (f - 3) comes in, and f arrives at 3 and stays."""
    w, b = -2.0, 3.0
    for _ in range(200):
        f = w * 5 + b
        w, b = w - 0.01 * (f - 3) * 5, b - 0.01 * (f - 3)
    assert w * 5 + b == pytest.approx(3)


def test_weights_of_four_units_on_seven_inputs(rng):
    """Fully connected 28; each unit looks at 4: locally connected 4 a unit; shared and 3 wide: 3."""
    assert Linear(7, 4, bias=False).num_parameters() == 28
    assert windows(7, 4).size == 4  # four units, each on 4 of the 7
    shared = Conv2d(1, 1, (1, 3), stride=(1, 2), padding=0, bias=False, rng=0)
    assert shared.num_parameters() == 3
    assert shared.output_shape((1, 1, 1, 7)) == (1, 1, 1, 3)
    padded = Conv2d(1, 1, (1, 3), stride=(1, 2), padding=(0, 1), bias=False, rng=0)
    assert padded.output_shape((1, 1, 1, 7)) == (1, 1, 1, 4)


def test_a_shared_filter_is_a_fully_connected_layer_with_zeros(rng):
    x, w = rng.standard_normal(7), rng.standard_normal(3)
    conv = Conv2d(1, 1, (1, 3), bias=False)
    conv.params["weight"] = w[None, None, None]
    full = Linear(7, 5, bias=False)
    full.params["weight"] = np.array([np.concatenate([np.zeros(i), w, np.zeros(4 - i)]) for i in range(5)])
    np.testing.assert_allclose(conv.forward(x[None, None, None])[0, 0, 0], full.forward(x[None])[0], atol=1e-12)


@pytest.mark.parametrize(("stride", "padding", "size"), [(1, 0, 5), (2, 0, 3), (1, 1, 7)])
def test_sizes_of_seven_by_seven(stride, padding, size):
    arithmetic = windows(7, 3, stride, padding)
    assert arithmetic.size == size and arithmetic.divides
    conv = Conv2d(1, 1, 3, stride, padding, rng=0)
    assert conv.forward(np.zeros((1, 1, 7, 7))).shape == (1, 1, size, size)


def test_pooling_by_two():
    x = np.array([[1.0, 3, 2, 0], [5, 7, 4, 2], [0, 1, 8, 6], [3, 4, 0, 2]])[None, None]
    np.testing.assert_array_equal(MaxPool2d(2).forward(x)[0, 0], [[7, 4], [4, 8]])
    np.testing.assert_array_equal(AvgPool2d(2).forward(x)[0, 0], [[4, 2], [2, 4]])
    squares = [[1 + 9 + 25 + 49, 4 + 0 + 16 + 4], [0 + 1 + 9 + 16, 64 + 36 + 0 + 4]]
    np.testing.assert_allclose(LPPool2d(2, 2).forward(x)[0, 0], np.sqrt(squares))


def test_the_digits():
    x, labels = digits.load()
    data = 16 * x.reshape(-1, 64)
    assert data.shape == (1797, 64)
    assert labels[0] == 0 and labels[1796] == 8
    np.testing.assert_array_equal(data[0, :12], [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15])
    np.testing.assert_array_equal(data[1796, :10], [0, 0, 10, 14, 8, 1, 0, 0, 0, 2])


def test_digits_in_two_components():
    """The share of variance that two numbers keep; scikit-learn's figures for this set are 0.149 and 0.136."""
    x, _ = digits.load()
    ratio = PCA(2).fit(x.reshape(-1, 64)).explained_variance_ratio_
    np.testing.assert_allclose(ratio, [0.14890594, 0.13618771], atol=1e-5)


def test_the_score_is_not_the_label(perceptron):
    """Erratum: y_n is printed for both. With the score in the rule, the score rises to 2.4: still wrong."""
    point = np.array([1, 2, 3])
    score = perceptron.weight @ point
    by_score = perceptron.weight + 0.1 * score * point
    assert score == 1 and by_score @ point == pytest.approx(2.4)
    perceptron.update([2, 3], -1)
    assert perceptron.weight @ point == pytest.approx(-0.4)


def test_convolutions_follow_shifts_and_not_turns(rng):
    """Said strongly: "invariance to rotation". The filter (1, -1) on (0 0; 1 0), and a shift for comparison."""
    conv = Conv2d(1, 1, (1, 2), bias=False)
    conv.params["weight"] = np.array([[[[1.0, -1]]]])
    x = np.array([[0.0, 0], [1, 0]])[None, None]
    turned_before, turned_after = conv.forward(np.rot90(x, axes=(2, 3)).copy()), np.rot90(conv.forward(x), axes=(2, 3))
    assert turned_before.shape != turned_after.shape or not np.allclose(turned_before, turned_after)
    square = Conv2d(1, 1, 3, padding=1, bias=False, rng=0)
    x = np.zeros((1, 1, 12, 12))
    x[:, :, 4:8, 4:8] = rng.random((4, 4))
    shifted = np.roll(x, (2, -1), axis=(2, 3))
    np.testing.assert_allclose(square.forward(shifted), np.roll(square.forward(x), (2, -1), axis=(2, 3)), atol=1e-12)
    assert not np.allclose(square.forward(np.rot90(x, axes=(2, 3)).copy()), np.rot90(square.forward(x), axes=(2, 3)))


def test_at_zero_relu_takes_the_left_slope():
    """Said strongly: 1 is printed for x = 0, where there is no derivative."""
    assert ReLU().derivative(np.zeros(1)) == 0 and LeakyReLU(0.01).derivative(np.zeros(1)) == 0.01


def test_the_total_loss_needs_its_factors(rng):
    """Erratum: alpha L_content + beta L_style is set equal to sum w E_s + E_c, sums of squares without any factor."""
    maps, target = rng.random((2, 64, 10))
    E_c, E_s = np.sum((maps - target) ** 2), np.sum((maps @ maps.T - target @ target.T) ** 2)
    alpha, beta, N, M = 1.0, 1e3, *maps.shape
    total = alpha * E_c / 2 + beta * E_s / (4 * N**2 * M**2)
    assert abs(total / (E_s + E_c) - 1) > 0.5
    assert 4 * 64**2 * (224 * 224) ** 2 == pytest.approx(4.1e13, rel=0.01)
