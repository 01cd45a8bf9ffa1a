"""The lecture's simple network, and the all-convolutional net."""

import numpy as np

from nnbasics import Conv2d, Linear, MaxPool2d
from nnbasics.models import all_cnn, simple_cnn


def test_the_sizes_of_the_lecture(rng):
    """32x32x3, convolution 32x32x12, ReLU, pooling 16x16x12, ten scores."""
    names = ["conv", "relu", "pool", "fc"]
    found = simple_cnn(rng=0).activations(rng.standard_normal((1, 3, 32, 32)), names)
    assert [y.shape[1:] for y in found.values()] == [(12, 32, 32), (12, 32, 32), (12, 16, 16), (10,)]
    assert simple_cnn(rng="zeros").num_parameters() == 3 * 3 * 3 * 12 + 12 + 16 * 16 * 12 * 10 + 10


def test_nothing_but_convolutions():
    """Springenberg's table 1: about 1.4 million parameters, maps of 32, 16, 8 and 6."""
    net = all_cnn(rng="zeros")
    assert not any(isinstance(layer, Linear | MaxPool2d) for layer in net.layers.values())
    assert round(net.num_parameters() / 1e6, 1) == 1.4
    shape, sizes = (1, 3, 32, 32), []
    for layer in net.layers.values():
        shape = layer.output_shape(shape)
        sizes += [shape[1:3]] if isinstance(layer, Conv2d) else []
    assert sizes == [(96, 32), (96, 32), (96, 16), (192, 16), (192, 16), (192, 8), (192, 6), (192, 6), (10, 6)]
    assert shape == (1, 10)


def test_a_seed_gives_the_same_network(rng):
    x = rng.standard_normal((2, 3, 32, 32)).astype(np.float32)
    for make in (simple_cnn, all_cnn):
        np.testing.assert_array_equal(make(rng=3).forward(x), make(rng=3).forward(x))
