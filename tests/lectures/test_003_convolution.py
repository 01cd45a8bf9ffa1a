"""Every number of Deep Learning 2 about convolution and pooling."""

import numpy as np

from nnbasics import Conv2d, Flatten, FractionalMaxPool2d, Linear, MaxPool2d, ReLU, Sequential
from nnbasics.layers.convolution import windows
from nnbasics.layers.filtering import convolve, correlate


def test_one_dimension_by_definition(rng):
    """s[t] = sum over a of x[a] w[t - a]."""
    x, w = rng.standard_normal(8), rng.standard_normal(3)
    s = [sum(x[a] * w[t - a] for a in range(8) if 0 <= t - a < 3) for t in range(10)]
    np.testing.assert_allclose(convolve(x, w), s, atol=1e-12)


def test_two_dimensions_by_definition(rng):
    """Erratum: with u, v from -k to k it is the kernel that has F[u, v], and the picture H[i - u, j - v].

    Printed are H[u, v] and F[i - u, j - v] with those limits, which sees only the picture's corner.
    """
    k, H, F = 1, rng.standard_normal((6, 7)), rng.standard_normal((3, 3))

    def at(array, i, j, centre=0):
        i, j = i + centre, j + centre
        return array[i, j] if 0 <= i < array.shape[0] and 0 <= j < array.shape[1] else 0.0

    span = range(-k, k + 1)

    def right(i, j):
        return sum(at(F, u, v, k) * at(H, i - u, j - v) for u in span for v in span)

    def printed(i, j):
        return sum(at(H, u, v) * at(F, i - u, j - v, k) for u in span for v in span)

    same = convolve(H, F)[k:-k, k:-k]
    np.testing.assert_allclose(same, [[right(i, j) for j in range(7)] for i in range(6)], atol=1e-12)
    assert printed(4, 4) == 0 != right(4, 4)


def test_layers_compute_the_cross_correlation(rng):
    x, w = rng.standard_normal((6, 6)), rng.standard_normal((3, 3))
    conv = Conv2d(1, 1, 3, bias=False)
    conv.params["weight"] = w[None, None]
    y = conv.forward(x[None, None])[0, 0]
    np.testing.assert_allclose(y, correlate(x, w), atol=1e-12)
    np.testing.assert_allclose(y, convolve(x, w[::-1, ::-1], "valid"), atol=1e-12)
    assert not np.allclose(y, convolve(x, w, "valid"))


def test_the_size_with_padding_and_stride():
    arithmetic = windows(5, 3, stride=2, padding=1)
    assert arithmetic.size == 3 and arithmetic.divides


def test_the_sizes_of_a_network_for_cifar():
    net = Sequential(
        {
            "conv": Conv2d(3, 12, 3, padding=1, rng=0),
            "relu": ReLU(),
            "pool": MaxPool2d(2),
            "flatten": Flatten(),
            "fc": Linear(16 * 16 * 12, 10, rng=0),
        }
    )
    found = net.activations(np.zeros((1, 3, 32, 32), np.float32), ["conv", "relu", "pool", "fc"])
    shapes = {name: y.shape for name, y in found.items()}
    assert shapes == {"conv": (1, 12, 32, 32), "relu": (1, 12, 32, 32), "pool": (1, 12, 16, 16), "fc": (1, 10)}


def test_backward_is_a_sum_over_positions(rng):
    """dL/dw_i = sum over j of dL/dy_j dy_j/dw_i."""
    x = rng.standard_normal(9)
    conv = Conv2d(1, 1, (1, 3), bias=False, rng=0)
    conv.params["weight"] = rng.standard_normal((1, 1, 1, 3))
    y = conv.forward(x[None, None, None])
    dy = rng.standard_normal(y.shape)
    conv.backward(dy)
    dw = [sum(dy[0, 0, 0, j] * x[i + j] for j in range(7)) for i in range(3)]
    np.testing.assert_allclose(conv.grads["weight"][0, 0, 0], dw, atol=1e-12)


def test_fractional_pooling(rng):
    """Windows of 1 or 2 in each direction at random places: a map shrinks by less than a half."""
    pool = FractionalMaxPool2d(2, output_ratio=0.7, rng=0)
    x = rng.standard_normal((1, 1, 20, 20))
    y = pool.forward(x)
    assert y.shape == (1, 1, 14, 14)
    assert np.isin(y, x).all() and y.max() == x.max()
    assert not np.array_equal(y, pool.forward(x))  # other places the next time


def test_all_convolutional(rng):
    """A convolution with stride 2 can do what pooling does to the size, and learns how."""
    x = rng.standard_normal((1, 12, 32, 32))
    strided = Conv2d(12, 12, 3, stride=2, padding=1, rng=0)
    assert strided.output_shape(x.shape) == MaxPool2d(2).output_shape(x.shape) == (1, 12, 16, 16)
    average = Conv2d(12, 12, 2, stride=2, bias=False, rng="zeros")
    average.params["weight"][range(12), range(12)] = 0.25
    np.testing.assert_allclose(average.forward(x), x.reshape(1, 12, 16, 2, 16, 2).mean(axis=(3, 5)), atol=1e-6)
