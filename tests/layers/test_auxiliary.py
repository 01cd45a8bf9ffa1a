"""Side exits: nothing changes for what passes, and their gradient joins in."""

import numpy as np
import pytest

from nnbasics import AuxiliaryClassifier, AuxiliaryLoss, CrossEntropyLoss, Linear, ReLU, Sequential
from nnbasics.testing import check_gradients


@pytest.fixture
def net():
    return Sequential(
        {
            "fc1": Linear(4, 5, rng=1),
            "relu1": ReLU(),
            "aux": AuxiliaryClassifier(Linear(5, 3, rng=2)),
            "fc2": Linear(5, 3, rng=3),
        }
    )


class Whole:
    """Network and loss as one function of x and the parameters."""

    def __init__(self, net, labels):
        self.net, self.labels, self.loss = net, labels, AuxiliaryLoss(net, weight=0.3)
        self.params, self.grads = net.params, net.grads

    def forward(self, x):
        return self.loss.forward(self.net.forward(x), self.labels)

    def backward(self):
        return self.net.backward(self.loss.backward())


def test_the_gradient_of_all_losses_together(net, rng):
    report = check_gradients(Whole(net, rng.integers(0, 3, 6)), rng.standard_normal((6, 4)))
    assert report, str(report)


def test_the_loss_is_the_sum(net, rng):
    x, labels = rng.standard_normal((6, 4)), rng.integers(0, 3, 6)
    scores, single = net.forward(x), CrossEntropyLoss()
    expected = single.forward(scores, labels) + 0.3 * single.forward(net["aux"].scores, labels)
    assert AuxiliaryLoss(net).forward(scores, labels) == pytest.approx(expected, rel=1e-12)


def test_in_use_the_head_is_not_computed(net, rng):
    x, labels = rng.standard_normal((6, 4)), rng.integers(0, 3, 6)
    scores = net.eval().forward(x)
    assert net["aux"].scores is None and net["aux"].multiply_adds((1, 5)) == 0
    loss = AuxiliaryLoss(net)
    assert loss.forward(scores, labels) == CrossEntropyLoss().forward(scores, labels)
    net.backward(loss.backward())
    assert not net["aux"].grads["head.weight"].any()


def test_scores_of_the_batch_before_leave_no_gradient(net, rng):
    x, labels = rng.standard_normal((6, 4)), rng.integers(0, 3, 6)
    loss = AuxiliaryLoss(net)
    loss.forward(net.forward(x), labels)
    net.backward(loss.backward())
    scores = net.forward(x)
    net.backward(np.ones_like(scores))
    assert not net["aux"].grads["head.weight"].any()
