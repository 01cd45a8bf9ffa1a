"""LeNet-5 and the lecture's net: their sizes, LeNet's gradient, that it learns, and what both have learned of MNIST."""

import json
from pathlib import Path

import numpy as np
import pytest

from nnbasics import Adam, CrossEntropyLoss
from nnbasics.data import mnist
from nnbasics.errors import WeightsError
from nnbasics.models import lenet5, state, two_stage_cnn
from nnbasics.testing import check_gradients
from nnbasics.training import evaluate
from nnbasics.weights import load, registry

TOP = Path(__file__).parents[2]


def test_the_sizes_of_the_figure():
    shapes = {name: y.shape[1:] for name, y in lenet5(rng=0).activations(np.zeros((1, 1, 28, 28)), SIZES).items()}
    assert shapes == SIZES


SIZES = {
    "conv1": (6, 28, 28),
    "pool1": (6, 14, 14),
    "conv2": (16, 10, 10),
    "pool2": (16, 5, 5),
    "fc3": (120,),
    "fc4": (84,),
}


def test_its_parameters_are_61706():
    counts = {name: layer.num_parameters() for name, layer in lenet5(rng="zeros").layers.items()}
    assert [counts[name] for name in ("conv1", "conv2", "fc3", "fc4", "fc5")] == [156, 2416, 48120, 10164, 850]
    assert sum(counts.values()) == 61_706


def test_a_seed_gives_the_same_weights_and_no_two_layers_start_alike():
    one, two = lenet5(rng=3), lenet5(rng=3)
    for key in one.params:
        np.testing.assert_array_equal(one.params[key], two.params[key])
    first, second = (one.params[f"{name}.weight"].ravel()[:20] for name in ("conv1", "conv2"))
    assert not np.allclose(first / first[0], second / second[0])


def test_its_gradient_holds(rng):
    report = check_gradients(lenet5(rng=0), rng.random((2, 1, 28, 28)), coordinates=5)
    assert report, str(report)


def test_it_learns_a_handful_of_pictures(rng):
    x, labels = rng.random((16, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, 16)
    net, loss, optimizer = lenet5(rng=0), CrossEntropyLoss(), Adam(lr=3e-3)
    for _ in range(60):
        loss.forward(net.forward(x), labels)
        net.backward(loss.backward())
        optimizer.step(net.params, net.grads)
    assert np.mean(net.forward(x).argmax(axis=1) == labels) == 1


def test_the_two_stages_have_the_lectures_sizes():
    net, sizes = two_stage_cnn(rng=0), {}
    for name, y in net.activations(np.zeros((1, 1, 28, 28)), ["conv1", "pool1", "conv2", "pool2", "fc3"]).items():
        sizes[name] = y.shape[1:]
    assert sizes == {"conv1": (6, 24, 24), "pool1": (6, 12, 12), "conv2": (12, 8, 8), "pool2": (12, 4, 4), "fc3": (10,)}
    assert net.params["conv1.weight"].shape[2:] == net.params["conv2.weight"].shape[2:] == (5, 5)
    assert net.num_parameters() == (25 + 1) * 6 + (6 * 25 + 1) * 12 + (192 + 1) * 10 == 3898


TRAINED = [(lenet5, "lenet5-mnist"), (two_stage_cnn, "two-stage-mnist")]


@pytest.mark.parametrize(("make", "weights"), TRAINED)
def test_trained_on_mnist_they_read_the_shipped_digits(make, weights):
    net = make(weights=weights)
    assert net.frozen and not net.training
    x, labels = mnist.sample("test")
    assert np.mean(net.forward(x).argmax(axis=1) == labels) >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(("make", "weights"), TRAINED)
def test_at_least_991_of_a_thousand_of_the_test_set(make, weights):
    x, labels = mnist.load("test")
    _, accuracy = evaluate(make(weights=weights), x, labels, loss=CrossEntropyLoss())
    assert accuracy >= 0.991
    assert accuracy == registry.entry(weights).source["test_accuracy"] == _report(weights)["test_accuracy"]


@pytest.mark.parametrize(("make", "weights"), TRAINED)
def test_header_manifest_registry_and_results_agree(make, weights):
    entry = registry.entry(weights)
    loaded = load(weights)
    assert {key: loaded.metadata[key] for key in entry.metadata} == entry.metadata
    manifest = json.loads((entry.path.parent / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["weights"][weights]["sha256"] == loaded.sha256
    assert manifest["weights"][weights]["tensors"] == {key: list(array.shape) for key, array in loaded.items()}
    assert manifest["sources"][entry.origin]["test_accuracy"] == _report(weights)["test_accuracy"]
    assert entry.size < 300_000
    for key, array in make(weights=weights).params.items():
        np.testing.assert_array_equal(array, loaded[key])


def _report(weights):
    return json.loads((TOP / "experiments" / "results" / f"{weights}.json").read_text(encoding="utf-8"))


def test_weights_of_another_network_are_refused():
    with pytest.raises(WeightsError, match="another"):
        two_stage_cnn(weights="lenet5-mnist")


def test_other_classes_come_with_the_weights():
    weights = dict(state(lenet5(classes=3, rng=0)))
    assert lenet5(weights=weights).forward(np.zeros((1, 1, 28, 28), np.float32)).shape == (1, 3)
