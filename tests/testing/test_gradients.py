"""The checker itself: what it must accept, what it must not, and what it must leave alone."""

import random

import numpy as np
import pytest

from nnbasics import Conv2d, Dropout, Linear, MaxPool2d, ReLU, Sequential, SquaredErrorLoss
from nnbasics.errors import UserError
from nnbasics.style import Objective
from nnbasics.testing import check_gradients, check_layer


class Plain:
    """A layer as a student writes it: two methods, no base class."""

    def __init__(self, f, df):
        self.f, self.df = f, df

    def forward(self, x):
        self.x = x
        return self.f(x)

    def backward(self, dy):
        return dy * self.df(self.x)


def relu(x):
    return np.maximum(x, 0)


X = np.random.default_rng(1).standard_normal((4, 5))


# What can be checked ------------------------------------------------------------------------------------------------


def test_pair_of_functions():
    assert check_gradients((np.sin, lambda x, dy: dy * np.cos(x)), X)
    assert check_gradients((np.sin, lambda dy, x: dy * np.cos(x)), X)
    assert not check_gradients((np.sin, lambda x, dy: dy * np.sin(x)), X)


def test_pair_with_backward_of_dy_alone():
    kept = {}

    def forward(x):
        kept["x"] = x
        return x**2

    assert check_gradients((forward, lambda dy: 2 * kept["x"] * dy), X)
    report = check_gradients((forward, lambda dy: kept["x"] * dy), X)
    assert report.guess.family == "factor"


def test_pair_with_a_cache_and_several_inputs():
    def forward(x, weight, bias):
        return x @ weight + bias, (x, weight)

    def backward(dy, cache):
        x, weight = cache
        return dy @ weight.T, x.T @ dy, dy.sum(axis=0)

    report = check_gradients((forward, backward), X, np.ones((5, 3)), np.zeros(3))
    assert report
    assert list(report.results) == ["x", "weight", "bias"]

    def wrong(dy, cache):
        dx, dweight, dbias = backward(dy, cache)
        return dx, dweight, dbias / len(dy)

    report = check_gradients((forward, wrong), X, np.ones((5, 3)), np.zeros(3))
    assert report.results["bias"].verdict == "wrong" and report.results["weight"].verdict == "holds"


def test_settings_behind_the_inputs_stay_as_they_are():
    """As some courses pass them: a dict, in which forward keeps a running mean."""

    def forward(x, settings):
        settings["mean"] = settings.get("mean", 0) * 0.9 + x.mean(axis=0) * 0.1
        return x - settings["shift"] * settings["mean"], settings["shift"]

    settings = {"shift": 2.0}
    assert check_gradients((forward, lambda dy, shift: dy - shift * 0.1 * dy.mean(axis=0)), X, settings)
    assert settings == {"shift": 2.0}


def test_function_with_its_own_gradient():
    assert check_gradients(lambda x: (np.sum(x**3), 3 * x**2), X)
    assert check_gradients(lambda x: (np.sum(x**3), -3 * x**2), X).guess.family == "sign"


def test_loss():
    assert check_gradients(SquaredErrorLoss(), X, np.zeros((4, 5)))
    assert check_gradients(SquaredErrorLoss(), X, np.zeros((4, 5), int))


def test_a_target_stays_as_it_is():
    class CrossEntropy:
        """p - t is the gradient only for targets that add up to 1."""

        def forward(self, scores, target):
            shifted = scores - scores.max(axis=1, keepdims=True)
            log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            self.p, self.target = np.exp(log_p), target
            return -(target * log_p).sum()

        def backward(self):
            return self.p - self.target

    assert check_gradients(CrossEntropy(), X, np.eye(5)[[0, 2, 1, 4]])


def test_a_loss_whose_backward_has_a_default():
    class Sum:
        def forward(self, x):
            self.x = x
            return np.sum(x**2)

        def backward(self, dy=1.0):
            return 2 * self.x * dy

    assert check_gradients(Sum(), X)


def test_parameters_in_lists_and_under_other_names():
    class Affine:
        def __init__(self):
            self.W, self.b = np.ones((5, 3), np.float32), np.zeros(3, np.float32)
            self.params = [self.W, self.b]
            self.grads = [np.zeros_like(self.W), np.zeros_like(self.b)]

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, dy):
            self.grads[0] = self.x.T @ dy
            self.grads[1] = dy.sum(axis=0)
            return dy @ self.W.T

    report = check_gradients(Affine(), X)
    assert report and list(report.results) == ["x", "params[0]", "params[1]"]


class ByName:
    """Parameters and gradients as attributes, side by side."""

    def __init__(self):
        self.W, self.b = np.ones((5, 3), np.float32), np.zeros(3)
        self.x = self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        self.dx = dout @ self.W.T
        return self.dx


def test_gradients_beside_their_parameters():
    class Wrong(ByName):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW = self.dW.mean() * np.ones_like(self.dW)
            return dx

    used = ByName()
    used.backward(used.forward(X))
    for layer in (ByName(), used):
        report = check_gradients(layer, X)
        assert report and list(report.results) == ["x", "W", "b"]
        assert layer.W.dtype == np.float32
    report = check_gradients(Wrong(), X)
    assert report.results["W"].verdict == "wrong" and report.results["b"].verdict == "holds"


def test_gradients_beside_their_parameters_may_be_added_up():
    class Adds(ByName):
        def __init__(self):
            super().__init__()
            self.dW, self.db = np.zeros((5, 3)), np.zeros(3)

        def backward(self, dout):
            self.dW += self.x.T @ dout
            self.db += dout.sum(axis=0)
            return dout @ self.W.T

    report = check_gradients(Adds(), X)
    assert report.guess.family == "accumulated"
    assert [report.results[name].verdict for name in ("x", "W", "b")] == ["holds"] * 3


class Embedding:
    def __init__(self, add):
        self.params, self.grads, self.add = {"weight": np.arange(12.0).reshape(4, 3)}, {}, add

    def forward(self, indices):
        self.indices = indices
        return self.params["weight"][indices]

    def backward(self, dy):
        self.grads["weight"] = np.zeros_like(self.params["weight"])
        if self.add:
            np.add.at(self.grads["weight"], self.indices, dy)
        else:
            self.grads["weight"][self.indices] = dy


def test_indices_stay_whole_numbers():
    indices = np.array([0, 2, 2, 1])
    report = check_gradients(Embedding(add=True), indices)
    assert report and list(report.results) == ["weight"]
    assert check_gradients(Embedding(add=False), indices).guess.family == "overlap"
    looked_up = (lambda i, w: w[i], lambda i, w, dy: (None, np.eye(4)[i].T @ dy))
    assert check_gradients(looked_up, indices, X[:, :3])
    assert not check_gradients((looked_up[0], lambda i, w, dy: (None, np.eye(4)[i].T @ dy / 2)), indices, X[:, :3])


def test_one_number_as_a_parameter():
    class Gain:
        def __init__(self, factor):
            self.params, self.grads, self.factor = {"gain": np.array(2.0)}, {}, factor

        def forward(self, x):
            self.x = x
            return x * self.params["gain"]

        def backward(self, dy):
            self.grads["gain"] = self.factor * (dy * self.x).sum()
            return dy * self.params["gain"]

    assert check_gradients(Gain(1), X)
    report = check_gradients(Gain(2), X)
    assert report.guess.family == "factor" and "a factor of 2" in str(report)
    assert "<table>" in report._repr_html_()


def small_net():
    layers = {"conv1": Conv2d(3, 4, 3, padding=1, rng=1), "relu1": ReLU(), "pool1": MaxPool2d(2)}
    return Sequential({**layers, "conv2": Conv2d(4, 5, 3, padding=1, rng=2), "relu2": ReLU()}).freeze()


def test_a_network_with_taps():
    net, x = small_net(), np.random.default_rng(0).random((1, 3, 6, 8))
    taps = ["relu1", "pool1", "relu2"]
    assert check_gradients((lambda x: net.activations(x, taps), net.backward), x)

    def without_one(dy):
        return net.backward({"relu2": dy["relu2"], "pool1": dy["pool1"]})

    report = check_gradients((lambda x: net.activations(x, taps), without_one), x)
    assert not report and list(report.results) == ["x"]


@pytest.mark.parametrize("layers", [{"relu1": 1.0, "relu2": 2.0}, {"conv1": 0.5}])
def test_the_objective_of_style_transfer(layers):
    """A value with its gradient, at a picture, at the content itself (a loss of 0) and at one with equal pixels."""
    rng = np.random.default_rng(0)
    content, style, x = rng.random((1, 3, 8, 10)), rng.random((1, 3, 9, 7)), rng.random((1, 3, 8, 10))
    weights = {"content_weight": 1.3, "style_weight": 0.8, "tv_weight": 0.1}
    objective = Objective(small_net(), content, style, **weights, content_layers={"conv2": 1}, style_layers=layers)
    for picture in (x, x.astype(np.float32), content, np.round(4 * x) / 4):
        report = check_gradients(objective, picture)
        assert report, report
    assert str(report).startswith("The gradient of Objective holds.") and "random dy" not in str(report)
    report = check_gradients(lambda x: (objective(x)[0], 2 * objective(x)[1]), x)
    assert report.guess.family == "factor"


def test_a_loss_and_its_gradient_as_two_functions():
    assert check_gradients((lambda p, t: np.sum((p - t) ** 2), lambda p, t: 2 * (p - t)), X, X[::-1])
    assert check_gradients((lambda p, t: np.sum((p - t) ** 2), lambda p, t: p - t), X, X[::-1]).guess.family == "factor"
    assert check_gradients((lambda x: np.sum(x**2), lambda x: 2 * x), X)
    assert check_gradients((lambda x: np.sum(x**2), lambda x, dy: 2 * x * dy), X)


def test_a_loss_whose_backward_takes_what_forward_took():
    class Squared:
        def forward(self, prediction, target):
            return np.sum((prediction - target) ** 2)

        def backward(self, prediction, target):
            return 2 * (prediction - target)

    assert check_gradients(Squared(), X, X[::-1])


def test_integers_and_lists_are_inputs_too():
    assert check_gradients((np.square, lambda x, dy: 2 * x * dy), [[1, 2, 3], [4, 5, 6]])


def test_a_number_is_an_input():
    assert check_gradients((lambda x: x * x, lambda x, dy: 2 * x * dy), 3.0)


# Randomness ---------------------------------------------------------------------------------------------------------


def test_dropout_in_training():
    assert check_gradients(Dropout(0.5, rng=0), X)


def test_dropout_from_numpys_global_generator():
    class Careless:
        def forward(self, x):
            self.mask = np.random.rand(*x.shape) > 0.5  # noqa: NPY002
            return x * self.mask

        def backward(self, dy):
            return dy * self.mask

    np.random.seed(3)  # noqa: NPY002
    expected = np.random.rand(2)  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    assert check_gradients(Careless(), X)
    assert np.array_equal(np.random.rand(2), expected)  # noqa: NPY002 - the caller's generator stands where it stood


def test_parameters_drawn_when_x_is_first_seen():
    class Lazy:
        params, grads = {}, {}

        def forward(self, x):
            if not self.params:
                self.params = {"weight": np.random.standard_normal((x.shape[1], 2))}  # noqa: NPY002
            self.x = x
            return x @ self.params["weight"]

        def backward(self, dy):
            self.grads = {"weight": self.x.T @ dy}
            return dy @ self.params["weight"].T

    report = check_gradients(Lazy(), X)
    assert report and list(report.results) == ["x", "weight"]


def test_a_generator_in_a_closure():
    rng = np.random.default_rng(0)
    kept = {}

    def forward(x):
        kept["mask"] = rng.random(x.shape) > 0.3
        return x * kept["mask"]

    assert check_gradients((forward, lambda dy: dy * kept["mask"]), X)


def test_the_same_seed_gives_the_same_report():
    net = Sequential(Linear(5, 4, rng=0), ReLU())
    assert str(check_gradients(net, X, seed=5)) == str(check_gradients(net, X, seed=5))


# Kinks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [np.zeros((3, 4)), np.round(X), np.where(X > 0.5, 0.0, X), np.full((2, 3), 1e-9)])
def test_kinks_without_branches(x):
    assert check_gradients(Plain(relu, lambda x: x > 0), x)
    assert check_gradients(Plain(relu, lambda x: x >= 0), x)
    assert check_gradients(Plain(np.abs, np.sign), x)
    assert check_gradients((lambda x: relu(x) - relu(-x), lambda x, dy: dy * (x != 0)), x)


def test_kinks_are_counted():
    x = X.copy()
    x[0, :3] = 0
    report = check_gradients(ReLU(), x)
    assert report and report.kinks >= 3
    assert "at a kink" in str(report)


def test_max_pool_of_a_constant_picture():
    assert check_gradients(MaxPool2d(2), np.ones((2, 1, 4, 4)))
    assert check_gradients(MaxPool2d(3, 1, 1), np.ones((2, 1, 4, 4)))


def test_nobody_hides_behind_kinks():
    class Hiding(Plain):
        """Says that it is at a kink, always."""

        def branches(self):
            return [np.random.default_rng().random(3)]

    assert not check_gradients(Hiding(np.sin, np.sin), X)
    assert check_gradients(Hiding(np.sin, np.cos), X)


@pytest.mark.parametrize("x", [np.zeros((3, 4)), np.ones((3, 4)), np.abs(X), np.where(X > 0, X, 0.0)])
def test_an_x_that_shows_nothing(x):
    assert not check_gradients(Plain(relu, np.ones_like), x)
    assert not check_gradients(Plain(relu, lambda x: 2 * (x > 0)), x)


def test_steps_and_rounding_have_slope_zero():
    assert check_gradients((np.round, lambda x, dy: 0 * dy), X)
    assert not check_gradients((np.round, lambda x, dy: dy), X)


STAIRCASES = [
    (np.floor, lambda x, dy: 0 * dy),
    (lambda x: np.round(4 * x) / 4, lambda x, dy: 0 * dy),
    (lambda x: x - np.floor(x), lambda x, dy: dy),
    (lambda x: np.floor(x).sum(axis=1), lambda x, dy: 0 * x),
]


@pytest.mark.parametrize("scale", [1e5, 1e6, 1e7])
@pytest.mark.parametrize(("forward", "backward"), STAIRCASES)
def test_a_staircase_seen_from_afar_is_no_ramp(forward, backward, scale):
    """Values in the millions are moved by more than a step at once, and then rounding has the slope of a ramp."""
    for x in (scale * X, np.round(scale * X), scale + X):
        report = check_gradients((forward, backward), x)
        assert report, report
        for wrong in (lambda x, dy: backward(x, dy) + 1e-3 * x / scale, lambda x, dy: 1 - backward(x, dy)):
            assert not check_gradients((forward, wrong), x)


@pytest.mark.parametrize("seed", range(3))
def test_slopes_that_drown_in_a_large_sum_are_not_called_wrong(seed):
    """A step of one coordinate is less than what the sum is rounded to: no slope is seen, and none is missed."""
    x = np.random.default_rng(seed).standard_normal((5, 8))
    triplet = lambda a, p, n: np.maximum(0, ((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1)).sum()  # noqa: E731

    def gradient(a, p, n):
        on = (((a - p) ** 2).sum(1) > ((a - n) ** 2).sum(1))[:, None]
        return 2 * on * (n - p), 2 * on * (p - a), 2 * on * (a - n)

    for inputs in ((x, x[::-1] + 1e5, x[:, ::-1]), (1e4 * x, x[::-1], x[:, ::-1])):
        assert "WRONG" not in str(check_gradients((triplet, gradient), *inputs, seed=seed))


def test_what_cannot_be_told_is_counted():
    draws = (lambda x: x.astype(np.float32).astype(float) ** 2, lambda x, dy: 2 * x * dy)
    told = str(check_gradients(draws, X))
    assert "in 0 of" not in told, told


# Scales -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e3, 1e8])
def test_any_scale(scale):
    assert check_gradients(
        (lambda x: np.tanh(x / scale), lambda x, dy: dy / scale / np.cosh(x / scale) ** 2), X * scale
    )
    wrong = lambda x, dy: 1.0001 * dy / scale / np.cosh(x / scale) ** 2  # noqa: E731
    assert not check_gradients((lambda x: np.tanh(x / scale), wrong), X * scale)


def test_a_function_that_bends_quickly():
    assert check_gradients((lambda x: np.sin(300 * x), lambda x, dy: 300 * dy * np.cos(300 * x)), X)


def test_a_function_with_a_domain():
    p = np.random.default_rng(0).uniform(0.01, 0.99, (3, 4))
    assert check_gradients((np.log, lambda x, dy: dy / x), p)
    assert check_gradients((lambda p: np.log(p / (1 - p)), lambda p, dy: dy / (p * (1 - p))), p)
    assert check_gradients((np.sqrt, lambda x, dy: dy / (2 * np.sqrt(x))), p)


def test_a_function_that_refuses_other_values():
    """Points nearby, with other signs, with ties and far away are our idea; nobody has to be defined there."""

    def forward(x):
        if x.min() <= 0.5 or x.max() > 2:
            raise ValueError("between 0.5 and 2, please")
        return np.log(x)

    p = np.random.default_rng(0).uniform(0.6, 1.9, (3, 4))
    assert check_gradients((forward, lambda x, dy: dy / x), p)
    assert check_gradients((forward, lambda x, dy: 1.01 * dy / x), p).guess.family == "factor"
    assert check_gradients((forward, lambda x, dy: dy / x + 0.1 * dy * x**2), p).guess.family == "unknown"
    for seed in range(8):  # with ties a matrix becomes singular
        x = np.random.default_rng(seed).standard_normal((3, 3))
        determinant = (np.linalg.det, lambda x, dy: dy * np.linalg.det(x) * np.linalg.inv(x).T)
        assert check_gradients(determinant, x, seed=seed)
        inverse = (np.linalg.inv, lambda x, dy: -np.linalg.inv(x).T @ dy @ np.linalg.inv(x).T)
        assert check_gradients(inverse, x, seed=seed)


def test_functions_that_grow_out_of_all_bounds():
    assert check_gradients((np.exp, lambda x, dy: dy * np.exp(x)), X)
    assert check_gradients((lambda x: x**5, lambda x, dy: 5 * x**4 * dy), X)


def test_a_small_epsilon_is_seen():
    def forward(x):
        return x / np.sqrt(np.mean(x**2) + 1e-3)

    def backward(x, dy, eps):
        size = np.sqrt(np.mean(x**2) + eps)
        return dy / size - x * np.mean(dy * x) / size**3

    assert check_gradients((forward, lambda x, dy: backward(x, dy, 1e-3)), X)
    assert not check_gradients((forward, lambda x, dy: backward(x, dy, 1.001e-3)), X)


# Manners ------------------------------------------------------------------------------------------------------------


def test_the_layer_is_left_as_it_was():
    layer = Linear(5, 3, rng=0)
    y = layer.forward(X.astype(np.float32))
    weight, before = layer.params["weight"], layer.params["weight"].copy()
    x = X.copy()
    assert check_gradients(layer, x)
    assert layer.params["weight"] is weight and np.array_equal(weight, before) and weight.dtype == np.float32
    assert layer.grads == {} and np.array_equal(x, X)
    assert layer.backward(y).shape == X.shape  # what it had kept is still there


def test_frozen_layers_owe_no_parameter_gradients():
    report = check_gradients(Linear(5, 3, rng=0).freeze(), X)
    assert report and list(report.results) == ["x"]


def test_a_network_with_some_layers_frozen():
    """As when only the last layers are trained again."""
    net = Sequential({"body": Sequential(Linear(5, 4, rng=0).freeze(), ReLU()), "head": Linear(4, 3, rng=1)})
    report = check_gradients(net, X)
    assert report and list(report.results) == ["x", "head.weight", "head.bias"]
    check_layer(net, X)
    check_layer(Linear(5, 3, rng=0).freeze(), X)


def test_one_wrong_value_among_many_is_found_in_a_small_array():
    def backward(x, dy):
        dx = 2 * x * dy
        dx[2, 3] *= 1.01
        return dx

    report = check_gradients((np.square, backward), X)
    assert not report and report.results["x"].worst.index == 2 * 5 + 3
    assert "[2, 3]" in str(report)


def test_one_wrong_value_among_many_is_felt_in_a_large_array():
    def backward(x, dy):
        dx = 2 * x * dy
        dx[20, 30] += 0.1
        return dx

    assert not check_gradients((np.square, backward), np.random.default_rng(0).standard_normal((40, 50)))


@pytest.mark.parametrize(("returned", "says"), [(None, "returned None"), ("dx", "a str"), ([[1], [2, 3]], "a list")])
def test_backward_that_returns_no_array(returned, says):
    report = check_gradients((np.square, lambda x, dy: returned), X)
    assert report.guess.family == "missing" and says in report.guess.seen


def test_arrays_that_are_no_parameters_are_named():
    class Forgetful:
        def __init__(self):
            self.W = np.ones((5, 3))

        def forward(self, x):
            return x @ self.W

        def backward(self, dy):
            return dy @ self.W.T

    report = check_gradients(Forgetful(), X)
    assert report and report.unlisted == ["W"] and "Not looked at: W." in str(report)


def test_parameters_that_cannot_be_moved_are_named():
    class Odd:
        def __init__(self, **params):
            self.params, self.grads = params, {}

        def forward(self, x):
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    report = check_gradients(Odd(a=2.0, b=np.arange(3), c="x"), X)
    assert report.unlisted[0].startswith("a (a number: np.array(...)")
    assert report.unlisted[1].startswith("b (an array of int64") and report.unlisted[2].startswith("c (a str")


def test_backward_that_takes_the_step_itself():
    class Steps(ByName):
        def backward(self, dout, lr=0.1):
            dx = super().backward(dout)
            self.W -= lr * self.dW
            return dx

    report = check_gradients(Steps(), X)
    assert report.guess.family == "stepped" and not report
    assert "No slope was measured" in str(report)


def test_counts_are_not_truncated_numbers():
    """Whole numbers have few digits by nature."""
    report = check_gradients((np.floor, lambda x, dy: 0 * dy), 1e5 * X)
    assert all(finding.family != "float32" for finding in report.findings)


def test_backward_that_stops():
    class Stops(Plain):
        def backward(self, dy):
            return dy @ np.ones((17, 2))

    report = check_gradients(Stops(np.sin, np.cos), X)
    assert not report and report.guess.family == "crash"
    assert "return dy @ np.ones((17, 2))" in " ".join(str(report).split())


def test_forward_that_stops_is_the_students_own_error():
    def forward(x):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        check_gradients((forward, lambda x, dy: dy), X)


class TwoToTakeBack(Plain):
    def __init__(self):
        super().__init__(np.sin, np.cos)

    def backward(self, dy, lr):
        return super().backward(dy)


class NotToBeCopied(Plain):
    def __init__(self):
        super().__init__(np.sin, np.cos)

    def __deepcopy__(self, memo):
        raise TypeError("it holds a lock")


class Called:
    def __call__(self, x):
        return x

    def backward(self, dy):
        return dy


def test_what_cannot_be_copied_is_checked_as_two_functions():
    layer = NotToBeCopied()
    assert check_gradients((layer.forward, layer.backward), X)


@pytest.mark.parametrize(
    ("thing", "x", "says"),
    [
        (ReLU, X, r"ReLU\(\.\.\.\)"),
        (3, X, "int cannot be checked"),
        (ReLU(), X * np.nan, "not finite"),
        (ReLU(), X + 1j, "complex"),
        (np.sin, np.cos, r"\(forward, backward\)"),
        ((np.sin, lambda a, b, c: a), X, "backward takes 3 arguments"),
        (lambda x: x, X, r"\(value, gradient\)"),
        ((lambda x: None, lambda x, dy: dy), X, "return y"),
        ((lambda x: (x, x, x), lambda x, dy: dy), X, "returned a tuple of 3"),
        (ReLU(), X[:0], "no values"),
        (ReLU(), [[1], [2, 3]], "lists of different lengths"),
        (SquaredErrorLoss(), X, r"takes 2 arguments \(prediction, target\), and it was given 1"),
        ((lambda x, dy: dy, relu), X, r"takes 2 arguments \(x, dy\), and it was given 1"),
        (TwoToTakeBack(), X, r"backward takes 2 arguments \(dy, lr\), and it should take dy alone"),
        (NotToBeCopied(), X, r"cannot be copied .*check_gradients\(\(layer.forward, layer.backward\), x\)"),
        (Called(), X, "first method is called forward"),
        (Embedding(add=True).params, np.array([1, 2]), "dict cannot be checked"),
        ((lambda i: np.eye(3)[i], lambda i, dy: None), np.array([1, 2]), "nothing to check"),
    ],
)
def test_errors_say_what_to_do(thing, x, says):
    with pytest.raises(UserError, match=says):
        check_gradients(thing, x)


# The report ---------------------------------------------------------------------------------------------------------


def test_text_of_a_right_layer():
    text = str(check_gradients(Linear(5, 3, rng=0), X))
    assert text.startswith("The gradient of Linear(5, 3) holds.")
    assert "WRONG" not in text and "Guess" not in text and "Besides" not in text


def test_text_of_a_wrong_layer():
    report = check_gradients(Plain(relu, np.ones_like), X)
    text = str(report)
    for part in ("WRONG", "your backward", "the slope", "relative error", "missing mask", "Try:", "X . "):
        assert part in text
    assert repr(report) == text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_notebook_shows_a_table_without_executing_anything():
    class Named(Plain):
        def __repr__(self):
            return "<script>alert(1)</script>"

    page = check_gradients(Named(relu, np.ones_like), X)._repr_html_()
    assert "<table>" in page and "<script>" not in page and "missing mask" in page
    assert page.count("<table") == page.count("</table>") and page.count("<td") == page.count("</td>")
