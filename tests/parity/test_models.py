"""Every network against its twin in PyTorch, with the same weights: scores, dx and all gradients.

`make parity` runs these.
"""

import importlib

import numpy as np
import pytest

from nnbasics import AuxiliaryLoss
from nnbasics.models import alexnet, all_cnn, fractalnet, googlenet, lenet5, resnet, simple_cnn, state, vgg

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.parity
twins = importlib.import_module("tests.parity.twins")

A, C = ((3,), (3,), (3, 3), (3, 3), (3, 3)), ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1))
CASES = {  # our network, its twin, the shape of x
    "lenet5": (lambda: lenet5(rng=0), twins.lenet5, (2, 1, 28, 28)),
    "simple": (lambda: simple_cnn(rng=0), twins.simple_cnn, (2, 3, 32, 32)),
    "all-convolutional": (lambda: all_cnn(width=8, dropout=False, rng=0), twins.all_convolutional, (2, 3, 20, 17)),
    "alexnet, the paper's": (lambda: alexnet(top=False, rng=0), twins.alex_paper, (2, 3, 99, 80)),
    "alexnet, torchvision's": (
        lambda: alexnet("torchvision", top=False, rng=0),
        twins.alex_torchvision,
        (2, 3, 99, 80),
    ),
    "vgg A": (lambda: vgg("A", top=False, rng=0), twins.vgg(A), (1, 3, 40, 32)),
    "vgg A-LRN": (lambda: vgg("A-LRN", top=False, rng=0), twins.vgg(A, lrn=True), (1, 3, 40, 32)),
    "vgg C": (lambda: vgg("C", top=False, rng=0), twins.vgg(C), (1, 3, 40, 32)),
    "googlenet": (lambda: googlenet(7, auxiliary=False, dropout=0.0, rng=0), twins.googlenet, (1, 3, 64, 64)),
    "resnet18 B": (lambda: resnet(18, width=8, rng=0), twins.resnet((2, 2, 2, 2)), (3, 3, 64, 48)),
    "resnet34 A": (
        lambda: resnet(34, width=8, shortcut="A", rng=0),
        twins.resnet((3, 4, 6, 3), shortcut="A"),
        (3, 3, 64, 48),
    ),
    "plain 34": (
        lambda: resnet(34, width=8, shortcut="none", rng=0),
        twins.resnet((3, 4, 6, 3), shortcut="none"),
        (3, 3, 64, 48),
    ),
    "resnet50": (lambda: resnet(50, width=8, rng=0), twins.resnet((3, 4, 6, 3), True), (3, 3, 64, 48)),
    "resnet50, torchvision's": (
        lambda: resnet(50, width=8, stride_in="3x3", rng=0),
        twins.resnet((3, 4, 6, 3), True, stride_in=2),
        (3, 3, 64, 48),
    ),
    "resnet20": (lambda: resnet(20, rng=0), twins.resnet((3, 3, 3), shortcut="A", imagenet=False), (3, 3, 16, 16)),
    "resnet56": (lambda: resnet(56, rng=0), twins.resnet((9, 9, 9), shortcut="A", imagenet=False), (3, 3, 16, 16)),
    "fractalnet": (
        lambda: fractalnet(3, 4, widths=(6, 8, 8), size=16, drop_path=0, rng=0),
        twins.fractalnet(3, 4),
        (3, 3, 16, 16),
    ),
}
SURVIVING = (
    lambda: resnet(20, survival=0.5, rng=0),
    twins.resnet((3, 3, 3), shortcut="A", imagenet=False, survival=0.5),
    (3, 3, 16, 16),
)
MODES = [(name, training) for name in CASES for training in (True, False)] + [("stochastic depth", False)]


def same(ours, theirs, what):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape, what
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * max(1e-3, np.abs(theirs).max()), err_msg=what)


@pytest.mark.parametrize(("name", "training"), MODES)
def test_scores_and_gradients(name, training):
    make, twin, shape = CASES.get(name, SURVIVING)
    net, rng = make().train(training), np.random.default_rng(1)
    for key in net.params:
        net.params[key] = net.params[key] + 0.05 * rng.standard_normal(net.params[key].shape)  # biases are 0 at first
    theirs = twins.Twin(state(net), training)
    x = rng.standard_normal(shape)
    tensor = torch.tensor(x, requires_grad=True)
    y = twin(theirs, tensor)
    dy = rng.standard_normal(tuple(y.shape))
    y.backward(torch.tensor(dy))
    same(net.forward(x), y, "y")
    same(net.backward(dy), tensor.grad, "dx")
    for key, grad in net.grads.items():
        same(grad, theirs.p[key].grad, key)


def test_googlenet_with_its_classifiers_on_the_way():
    net = googlenet(5, dropout=0.0, rng=0)
    for name in ("aux1", "aux2"):
        net[name].layers["head"]["drop"].p = 0.0
    for key in net.params:
        net.params[key] = net.params[key].astype(np.float64)
    theirs, heads = twins.Twin(state(net), True), []
    x, labels = np.random.default_rng(1).standard_normal((1, 3, 224, 224)), np.array([3])
    tensor = torch.tensor(x, requires_grad=True)
    scores = twins.googlenet(theirs, tensor, heads)
    expected = F.cross_entropy(scores, torch.tensor(labels))
    for head in heads:
        expected = expected + 0.3 * F.cross_entropy(head, torch.tensor(labels))
    expected.backward()
    loss = AuxiliaryLoss(net)
    assert loss.forward(net.forward(x), labels) == pytest.approx(expected.item(), rel=1e-10)
    same(net.backward(loss.backward()), tensor.grad, "dx")
    for key, grad in net.grads.items():
        same(grad, theirs.p[key].grad, key)
