"""Fully connected layers: the lectures' counts and steps, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest

from nnbasics import Flatten, Linear, ReLU, Sequential
from nnbasics.errors import UserError


@pytest.mark.parametrize(
    ("sizes", "neurons", "weights", "biases"), [((3, 4, 2), 6, 20, 6), ((3, 4, 4, 1), 9, 32, 9), ((7, 4), 4, 28, 4)]
)
def test_neurons_and_weights(sizes, neurons, weights, biases):
    layers = [Linear(a, b, rng=0) for a, b in pairwise(sizes)]
    net = Sequential(*layers)
    assert net.num_parameters() == weights + biases
    assert sum(layer.params["weight"].size for layer in layers) == weights == net.multiply_adds((1, sizes[0]))
    assert sum(layer.params["bias"].size for layer in layers) == biases == neurons


def test_one_step_downhill():
    """f = w x + b with w = -2, x = 5, b = 3: df/dw = 5, df/db = 1; f goes from -7 to -4.4."""
    f = Linear(1, 1)
    f.params = {"weight": np.array([[-2.0]]), "bias": np.array([3.0])}
    x = np.array([[5.0]])
    assert f.forward(x) == -7
    f.backward(np.ones((1, 1)))
    assert f.grads["weight"] == 5 and f.grads["bias"] == 1
    for key in f.params:
        f.params[key] += 0.1 * f.grads[key]
    np.testing.assert_allclose(f.params["weight"], -1.5)
    np.testing.assert_allclose(f.params["bias"], 3.1)
    np.testing.assert_allclose(f.forward(x), -4.4)


def test_a_picture_of_32x32x3_stretches_to_3072(rng):
    x = rng.standard_normal((2, 32, 32, 3)).transpose(0, 3, 1, 2)
    y = Flatten().forward(x)
    assert y.shape == (2, 3072)
    np.testing.assert_array_equal(y[1, 32 * 32 :: 32 * 32], [x[1, 1, 0, 0], x[1, 2, 0, 0]])


@pytest.mark.parametrize(("axis", "shape"), [(0, (1, 24)), (1, (2, 12)), (2, (6, 4)), (3, (24, 1)), (-1, (6, 4))])
def test_flatten_cuts_anywhere(axis, shape, rng):
    x = rng.standard_normal((2, 3, 4))
    flatten = Flatten(axis)
    y = flatten.forward(x)
    np.testing.assert_array_equal(y, x.reshape(shape))
    np.testing.assert_array_equal(flatten.backward(y), x)


def test_a_frozen_layer_keeps_nothing(rng):
    linear = Linear(3, 2).freeze()
    linear.forward(rng.standard_normal((4, 3)))
    assert linear._memory == {"x": None}


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, 4)), r"Linear\(3, 2\): x has shape \(2, 4\); \(N, 3\) was expected$"),
        (np.zeros((2, 3, 5, 5)), r"put a Flatten\(\) before it"),
        ([[1.0, 2.0, 3.0]], "x is a list"),
        (np.zeros((2, 3), np.float16), "an array of float16"),
    ],
)
def test_inputs_that_do_not_fit(x, words):
    with pytest.raises(UserError, match=words):
        Linear(3, 2).forward(x)


def test_flatten_has_no_such_axis():
    with pytest.raises(UserError, match=r"x has shape \(2, 3\), and no axis 3"):
        Flatten(3).forward(np.zeros((2, 3)))


def test_a_layer_says_its_name_in_a_network():
    net = Sequential({"fc6": Linear(3, 2), "relu6": ReLU()})
    with pytest.raises(UserError, match=r"^fc6 Linear\(3, 2\): x has shape"):
        net.forward(np.zeros((1, 5)))
