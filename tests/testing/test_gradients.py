"""The checker itself: what it must accept, what it must not, and what it must leave alone."""

import random

import numpy as np
import pytest

from nnbasics import Dropout, Linear, MaxPool2d, ReLU, Sequential, SquaredErrorLoss
from nnbasics.errors import UserError
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
    assert report and list(report.results) == ["x", "0", "1"]


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
        (ReLU(), X[:0], "no values"),
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
