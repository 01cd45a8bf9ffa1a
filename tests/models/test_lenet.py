"""LeNet-5: the sizes of the paper's figure, its gradient, and that it learns."""

import numpy as np

from nnbasics import Adam, CrossEntropyLoss
from nnbasics.models import lenet5
from nnbasics.testing import check_gradients


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
