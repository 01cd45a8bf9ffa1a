"""AlexNet: the paper's sizes and counts, torchvision's, and weights of either."""

import importlib

import numpy as np
import pytest

from nnbasics import Conv2d, Linear
from nnbasics.errors import UserError, WeightsError
from nnbasics.models import alexnet, state
from nnbasics.testing import check_layer


def test_the_papers_counts():
    """60 million parameters and 650,000 units: what follows convolutions and fully connected layers."""
    net, shape, units = alexnet(rng="zeros"), (1, 3, 227, 227), 0
    for layer in net.layers.values():
        shape = layer.output_shape(shape)
        units += np.prod(shape) if isinstance(layer, Conv2d | Linear) else 0
    assert net.num_parameters() == 60_965_224  # what Caffe's bvlc_alexnet has
    assert 640_000 < units < 660_000
    assert shape == (1, 1000)


def test_sizes():
    """227, not the 277 of the lecture: 96 filters of 11x11x3 give 55x55, which the paper's figure has too."""
    net, shape, found = alexnet(rng="zeros"), (1, 3, 227, 227), {}
    for name, layer in net.layers.items():
        shape = found[name] = layer.output_shape(shape)
    assert net["conv1"].params["weight"].shape == (96, 3, 11, 11)
    wanted = {"conv1": 55, "pool1": 27, "conv2": 27, "pool2": 13, "conv3": 13, "conv5": 13, "pool5": 6}
    assert {name: found[name][2] for name in wanted} == wanted
    assert found["flatten"] == (1, 9216)


def test_torchvisions_counts():
    net = alexnet("torchvision", rng="zeros")
    assert net.num_parameters() == 61_100_840
    assert net.output_shape((1, 3, 224, 224)) == net.output_shape((1, 3, 227, 227)) == (1, 1000)
    assert net.multiply_adds((1, 3, 224, 224)) / 1e9 == pytest.approx(0.71, abs=0.005)  # torchvision's table


def test_two_groups_do_not_see_each_other():
    net = alexnet(rng="zeros")
    assert [net[f"conv{i}"].groups for i in (1, 2, 3, 4, 5)] == [1, 2, 1, 2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["paper", "torchvision"])
def test_it_keeps_the_contract(variant, monkeypatch, rng):
    """With a few filters, on the smallest picture."""
    module = importlib.import_module("nnbasics.models.alexnet")
    small = {name: tuple((4, *rest) for _, *rest in plan) for name, plan in module.VARIANTS.items()}
    monkeypatch.setattr(module, "VARIANTS", small)
    check_layer(alexnet(variant, top=False, rng=0), rng.standard_normal((2, 3, 67, 67)))


@pytest.mark.parametrize("variant", ["paper", "torchvision"])
def test_weights_tell_the_variant(variant):
    weights = state(alexnet(variant, top=False, rng="zeros"))
    net = alexnet(weights=weights)
    assert net.frozen and not net.training and "fc6" not in net.layers
    assert ("norm1" in net.layers) == (variant == "paper")
    assert net["conv1"].params["weight"] is weights["conv1.weight"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: alexnet("caffe"), "no variant is called 'caffe'; choose from paper, torchvision"),
        (lambda: alexnet(weights={}), r"have no conv1.weight, of shape \(96, 3, 11, 11\)"),
        (lambda: alexnet(weights={"conv1.weight": np.zeros((64, 3, 11, 11))}), "have no conv1.bias"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises((UserError, WeightsError), match=words):
        make()
