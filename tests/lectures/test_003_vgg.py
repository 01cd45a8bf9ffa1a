"""VGG as Deep Learning 2 and the seminar have it: sizes, and the table of six configurations."""

import pytest

from nnbasics import Conv2d, Linear, MaxPool2d
from nnbasics.layers.convolution import windows
from nnbasics.models import vgg


@pytest.mark.parametrize(
    ("configuration", "layers", "million"),
    [("A", 11, 133), ("A-LRN", 11, 133), ("B", 13, 133), ("C", 16, 134), ("D", 16, 138), ("E", 19, 144)],
)
def test_the_six_configurations(configuration, layers, million):
    net = vgg(configuration, rng="zeros")
    assert sum(isinstance(layer, Conv2d | Linear) for layer in net.layers.values()) == layers
    assert round(net.num_parameters() / 1e6) == million


def test_vgg19_takes_19_6_billion_multiply_adds():
    assert round(vgg("E", rng="zeros").multiply_adds((1, 3, 224, 224)) / 1e9, 1) == 19.6


def test_convolutions_keep_224_and_poolings_halve_it():
    """224, and 112, 56, 28, 14, 7; erratum: the pooling is printed with F_conv, which gives 111.5."""
    shape, found = (1, 3, 224, 224), []
    for layer in vgg("E", top=False, rng="zeros").layers.values():
        before, shape = shape, layer.output_shape(shape)
        if isinstance(layer, MaxPool2d):
            assert shape[1] == before[1]
            found.append(shape[2:])
        else:
            assert shape[2:] == before[2:]
    assert found == [(112, 112), (56, 56), (28, 28), (14, 14), (7, 7)]
    assert windows(224, 3, stride=1, padding=1).size == 224
    assert windows(224, 2, stride=2).quotient == 112 and windows(224, 3, stride=2).quotient == 111.5


def test_a_convolution_counts_its_filters_and_its_positions():
    """conv4_2: 3x3x512 weights and a bias for each of 512 filters, at 28x28 positions."""
    conv = vgg("E", top=False, rng="zeros").layers["conv4_2"]
    assert conv.num_parameters() == 512 * (3 * 3 * 512 + 1)
    assert conv.multiply_adds((1, 512, 28, 28)) == 512 * 3 * 3 * 512 * 28 * 28
