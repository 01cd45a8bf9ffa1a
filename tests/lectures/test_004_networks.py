"""Every number of Statistical Learning XII's first half: counting neurons and weights, activations, sizes, pooling."""

import numpy as np
import pytest

from nnbasics import (
    ELU,
    AvgPool2d,
    Conv2d,
    Flatten,
    LeakyReLU,
    Linear,
    LPPool2d,
    Maxout,
    MaxPool2d,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
)
from nnbasics.layers.convolution import windows
from nnbasics.models import MLP


@pytest.mark.parametrize(("sizes", "neurons", "weights", "biases"), [((3, 4, 2), 6, 20, 6), ((3, 4, 4, 1), 9, 32, 9)])
def test_neurons_weights_and_biases(sizes, neurons, weights, biases):
    net = MLP(sizes, ReLU)
    assert net.counts() == (neurons, weights, biases)
    assert net.num_parameters() == weights + biases
    assert net.forward(np.zeros((5, 3))).shape == (5, sizes[-1])


def test_two_layers_are_a_product_with_a_bend(rng):
    """s = W2 theta(W1 x)."""
    W1, W2, x = rng.standard_normal((4, 3)), rng.standard_normal((2, 4)), rng.standard_normal(3)
    net = Sequential(Linear(3, 4, bias=False), Tanh(), Linear(4, 2, bias=False))
    net.params["0.weight"], net.params["2.weight"] = W1, W2
    np.testing.assert_allclose(net.forward(x[None])[0], W2 @ np.tanh(W1 @ x))


def test_a_picture_stretches_to_a_vector():
    y = Flatten().forward(np.zeros((1, 3, 32, 32)))
    assert y.shape == (1, 3072)
    assert Linear(3072, 10).forward(y).shape == (1, 10)


def test_each_output_is_one_row_of_weights_times_x(rng):
    x, layer = rng.standard_normal((1, 3072)), Linear(3072, 10, rng=0)
    y = layer.forward(x)[0]
    np.testing.assert_allclose(y[7], np.dot(layer.params["weight"][7], x[0]), rtol=1e-10)


def test_one_number_of_a_convolution_is_a_dot_product_and_a_bias(rng):
    """A 5x5x3 filter on a chunk of the picture: 75 products, and a bias."""
    x = rng.standard_normal((1, 3, 32, 32))
    conv = Conv2d(3, 6, 5, rng=0)
    conv.params["bias"] = rng.standard_normal(6)
    y = conv.forward(x)
    assert conv.params["weight"][0].size == 75
    chunk = x[0, :, 10:15, 20:25]
    expected = np.dot(conv.params["weight"][4].ravel(), chunk.ravel()) + conv.params["bias"][4]
    assert y[0, 4, 10, 20] == pytest.approx(expected)


def test_six_filters_give_six_maps():
    conv = Conv2d(3, 6, 5, rng=0)
    assert conv.forward(np.zeros((1, 3, 32, 32))).shape == (1, 6, 28, 28)
    assert windows(32, 5).size == 28
    assert Conv2d(3, 6, 5, padding=2, rng=0).output_shape((1, 3, 32, 32)) == (
        1,
        6,
        32,
        32,
    )  # zero padding keeps the size


@pytest.mark.parametrize(
    ("layer", "value"),
    [
        (Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (Tanh(), np.tanh),
        (ReLU(), lambda x: max(0, x)),
        (LeakyReLU(0.1), lambda x: max(0.1 * x, x)),
        (ELU(), lambda x: x if x >= 0 else np.exp(x) - 1),
    ],
)
def test_activations(layer, value):
    x = np.array([[-3.0, -0.2, 0.7, 4]])
    np.testing.assert_allclose(layer.forward(x)[0], [value(v) for v in x[0]])


def test_maxout(rng):
    """max(w1'x + b1, w2'x + b2)."""
    x, linear = rng.standard_normal((6, 5)), Linear(5, 2, rng=0)
    linear.params["bias"] = rng.standard_normal(2)
    w, b = linear.params["weight"], linear.params["bias"]
    y = Sequential(linear, Maxout(2)).forward(x)
    np.testing.assert_allclose(y[:, 0], [max(w[0] @ row + b[0], w[1] @ row + b[1]) for row in x])


def test_pooling_by_mean_maximum_and_root_of_squares():
    x = np.array([[1.0, -2], [2, 4]])[None, None]
    assert AvgPool2d(2).forward(x) == 5 / 4
    assert MaxPool2d(2).forward(x) == 4
    assert LPPool2d(2, 2).forward(x) == 5  # sqrt(1 + 4 + 4 + 16)


def test_pooling_takes_each_map_by_itself(rng):
    x = rng.standard_normal((1, 6, 28, 28))
    y = MaxPool2d(2).forward(x)
    assert y.shape == (1, 6, 14, 14)
    for channel in range(6):
        np.testing.assert_array_equal(y[:, channel : channel + 1], MaxPool2d(2).forward(x[:, channel : channel + 1]))


def test_the_first_layer_of_alexnet():
    """Erratum: the picture is 227x227, printed 277x277, whose 11x11 windows with stride 4 do not divide."""
    assert windows(227, 11, stride=4).size == 55 and windows(227, 11, stride=4).divides
    assert not windows(277, 11, stride=4).divides
    conv = Conv2d(3, 96, 11, stride=4, rng=0)
    assert conv.params["weight"].shape == (96, 3, 11, 11)
    assert conv.output_shape((1, 3, 227, 227)) == (1, 96, 55, 55)


def test_features_of_a_one():
    """phi = +1 where a feature is there and -1 where not; the signs of the weights make z1 positive and z5 negative."""
    phi = np.array([[1.0, 1, 1, -1, -1, -1]])
    layer = Linear(6, 2, bias=False)
    layer.params["weight"] = np.array([[1.0, 1, 1, -1, -1, -1], [-1, -1, 1, 1, 1, -1]])  # of "1" and of "5"
    one, five = layer.forward(phi)[0]
    assert one == 6 and five < 0


def test_the_net_for_numerals():
    """Two stages of 5x5 filters, 6 and 12 maps, each halved by pooling, then one fully connected layer."""
    net = Sequential(
        Conv2d(1, 6, 5, rng=0), Sigmoid(), AvgPool2d(2), Conv2d(6, 12, 5, rng=0), Sigmoid(), AvgPool2d(2), Flatten(),
        Linear(12 * 4 * 4, 10, rng=0),
    )  # fmt: skip
    x_shape, sizes = (1, 1, 28, 28), []
    for layer in net.layers.values():
        x_shape = layer.output_shape(x_shape)
        sizes.append(x_shape[1:])
    assert sizes[0] == (6, 24, 24) and sizes[2] == (6, 12, 12)
    assert sizes[3] == (12, 8, 8) and sizes[5] == (12, 4, 4)
    assert net.forward(np.zeros((2, 1, 28, 28), np.float32)).shape == (2, 10)
