"""The MLP: what it is made of, that it is right, and that it solves XOR."""

import numpy as np
import pytest

from nnbasics import Adam, CrossEntropyLoss, Identity, ReLU, Sigmoid, SquaredErrorLoss, Tanh
from nnbasics.errors import UserError
from nnbasics.models import MLP
from nnbasics.testing import check_gradients

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)
XOR = np.array([[0], [1], [1], [0]], np.float64)


@pytest.mark.parametrize("activation", [Sigmoid, Tanh])
@pytest.mark.parametrize("seed", range(3))
def test_xor_is_solved_by_training(activation, seed):
    net, loss, optimizer = MLP((2, 8, 1), activation, output=Sigmoid, rng=seed), SquaredErrorLoss(), Adam(lr=0.1)
    first = loss.forward(net.forward(X), XOR)
    for _ in range(600):
        loss.forward(net.forward(X), XOR)
        net.backward(loss.backward())
        optimizer.step(net.params, net.grads)
    last = loss.forward(net.forward(X), XOR)
    assert last < 0.01 < 0.3 < first
    np.testing.assert_array_equal(net.forward(X) > 0.5, XOR > 0.5)


def test_xor_by_hand():
    """Two lines, x1 + x2 > 1/2 and x1 + x2 > 3/2, and the neuron that answers between them."""
    net = MLP((2, 2, 1), lambda: Sigmoid(slope=50))
    net.params["fc1.weight"][:] = 1
    net.params["fc1.bias"][:] = [-0.5, -1.5]
    net.params["fc2.weight"][:] = [[1, -1]]
    net.params["fc2.bias"][:] = -0.5
    np.testing.assert_allclose(net.forward(X), XOR, atol=1e-6)


def test_counts():
    assert MLP((3, 4, 2)).counts() == (6, 20, 6)
    assert MLP((3, 4, 4, 1)).counts() == (9, 32, 9)
    assert MLP((3, 4, 4, 1)).num_parameters() == 32 + 9


def test_layers_and_their_activations():
    net = MLP((5, 4, 3, 2), ReLU, output=Identity, rng=0)
    assert list(net.layers) == ["fc1", "act1", "fc2", "act2", "fc3", "act3"]
    assert [type(net[f"act{i}"]) for i in (1, 2, 3)] == [ReLU, ReLU, Identity]
    assert net.output_shape((7, 5)) == (7, 2)


def test_gradients_hold(rng):
    assert check_gradients(MLP((3, 4, 2), Tanh, rng=0), rng.standard_normal((5, 3)))
    scores = MLP((3, 4, 2), output=Identity, rng=0).forward(rng.standard_normal((5, 3)))
    assert CrossEntropyLoss().forward(scores, np.zeros(5, int)) > 0


def test_the_same_seed_gives_the_same_network_and_layers_that_differ():
    one, two = MLP((4, 4, 4), rng=5), MLP((4, 4, 4), rng=5)
    for key in one.params:
        np.testing.assert_array_equal(one.params[key], two.params[key])
    assert not np.array_equal(one.params["fc1.weight"], one.params["fc2.weight"])
    assert not MLP((4, 4), rng="zeros").params["fc1.weight"].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((3,),), r"sizes=\(3,\)"),
        (((3, 0, 2),), "sizes=0"),
        (((3, 2), Sigmoid()), "lambda"),
        (((3, 2), "sigmoid"), "makes no layer"),
        (((3, 2), dict), "makes no layer"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        MLP(*arguments)
