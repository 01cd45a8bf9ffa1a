"""GoogLeNet: the paper's table, the modules, and the classifiers on the way."""

import importlib

import numpy as np
import pytest

from nnbasics import SGD, AuxiliaryClassifier, AuxiliaryLoss
from nnbasics.errors import UserError
from nnbasics.models import googlenet
from nnbasics.models.googlenet import inception
from nnbasics.testing import check_layer

module = importlib.import_module("nnbasics.models.googlenet")


def rows(net):
    """{layer: its input's shape} on the way through."""
    shape, found = (1, 3, 224, 224), {}
    for name, layer in net.layers.items():
        found[name] = shape
        shape = layer.output_shape(shape)
    return found


OPERATIONS = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71}  # 5a: 54 printed, 51


def test_the_operations_of_the_papers_table():
    """In millions, table 1, which cuts 73.6 to 73; its row 5a has 54, where its own numbers of filters give 51."""
    net = googlenet(rng="zeros")
    inputs = rows(net)
    found = {name: net[f"inception{name}"].multiply_adds(inputs[f"inception{name}"]) / 1e6 for name in OPERATIONS}
    assert found == pytest.approx(OPERATIONS, abs=0.65)
    conv2 = sum(net[name].multiply_adds(inputs[name]) for name in ("conv_reduce2", "conv2"))
    assert round(conv2 / 1e6) == 360


def test_parameters():
    assert googlenet(auxiliary=False, rng="zeros").num_parameters() == 6_998_552
    assert googlenet(rng="zeros").num_parameters() == 13_378_280  # what Caffe's bvlc_googlenet has


def test_sizes_of_the_papers_table():
    found = rows(googlenet(rng="zeros"))
    wanted = {
        "pool1": (1, 64, 112, 112),
        "norm1": (1, 64, 56, 56),
        "inception3a": (1, 192, 28, 28),
        "inception3b": (1, 256, 28, 28),
        "inception4a": (1, 480, 14, 14),
        "aux1": (1, 512, 14, 14),
        "aux2": (1, 528, 14, 14),
        "inception4e": (1, 528, 14, 14),
        "inception5a": (1, 832, 7, 7),
        "avgpool": (1, 1024, 7, 7),
        "fc": (1, 1024),
    }
    assert {name: found[name] for name in wanted} == wanted


def test_a_module_keeps_the_contract(rng):
    check_layer(inception(3, 2, 2, 3, 1, 2, 2, rng=1), rng.standard_normal((2, 3, 6, 5)))


def test_the_classifiers_on_the_way_learn(monkeypatch, rng):
    """A GoogLeNet of few channels: all parts have a gradient, and a step down makes the loss smaller."""
    monkeypatch.setattr(module, "STEM", (4, 4, 8))
    monkeypatch.setattr(module, "INCEPTIONS", {name: (2, 2, 4, 1, 2, 2) for name in module.INCEPTIONS})
    monkeypatch.setattr(module, "HEAD", (4, 16))
    net = googlenet(classes=3, dropout=0.0, rng=0)
    for name in ("aux1", "aux2"):
        net[name].layers["head"]["drop"].p = 0.0
    x, labels = rng.standard_normal((4, 3, 224, 224)).astype(np.float32), np.array([0, 1, 2, 0])
    loss = AuxiliaryLoss(net)
    before = loss.forward(net.forward(x), labels)
    net.backward(loss.backward())
    reached = {key for key, grad in net.grads.items() if grad.any()}
    assert {"aux1.head.conv.weight", "aux2.head.fc2.weight", "conv1.weight", "fc.weight"} <= reached
    SGD(lr=0.002).step(net.params, net.grads)
    assert loss.forward(net.forward(x), labels) < before


def test_without_them_small_pictures_will_do(rng):
    net = googlenet(auxiliary=False, classes=5, rng=0).eval()
    assert not any(isinstance(layer, AuxiliaryClassifier) for layer in net.layers.values())
    assert net.forward(rng.standard_normal((1, 3, 31, 45)).astype(np.float32)).shape == (1, 5)
    with pytest.raises(UserError, match=r"pool4 .* does not fit"):
        net.forward(np.zeros((1, 3, 30, 45), np.float32))
