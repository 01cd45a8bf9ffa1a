"""Every network against a twin written in PyTorch's functions, with the same weights: scores, dx and all gradients.

`make parity` runs these. A twin is told the network's arrays by name and nothing else of it.
"""

import numpy as np
import pytest

from nnbasics import AuxiliaryLoss
from nnbasics.models import alexnet, all_cnn, fractalnet, googlenet, lenet5, resnet, simple_cnn, state, vgg

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.parity


class Twin:
    """PyTorch's functions with the arrays of a network of ours."""

    def __init__(self, net, training):
        self.p = {key: torch.tensor(array, dtype=torch.float64) for key, array in state(net).items()}
        for key in net.params:
            self.p[key].requires_grad_(True)
        self.training = training

    def conv(self, x, name, stride=1, padding=0, groups=1):
        return F.conv2d(x, self.p[f"{name}.weight"], self.p.get(f"{name}.bias"), stride, padding, groups=groups)

    def linear(self, x, name):
        return F.linear(x, self.p[f"{name}.weight"], self.p[f"{name}.bias"])

    def norm(self, x, name):
        statistics = self.p[f"{name}.running_mean"].clone(), self.p[f"{name}.running_var"].clone()
        return F.batch_norm(x, *statistics, self.p[f"{name}.weight"], self.p[f"{name}.bias"], self.training)


def lenet_twin(t, x):
    x = F.avg_pool2d(torch.tanh(t.conv(x, "conv1", padding=2)), 2)
    x = F.avg_pool2d(torch.tanh(t.conv(x, "conv2")), 2).flatten(1)
    return t.linear(torch.tanh(t.linear(torch.tanh(t.linear(x, "fc3")), "fc4")), "fc5")


def simple_twin(t, x):
    return t.linear(F.max_pool2d(F.relu(t.conv(x, "conv", padding=1)), 2).flatten(1), "fc")


def all_twin(t, x):
    for i, (stride, padding) in enumerate([(1, 1), (1, 1), (2, 1)] * 2 + [(1, 0)] * 3, 1):
        x = F.relu(t.conv(x, f"conv{i}", stride, padding))
    return x.mean((2, 3))


def alex_paper_twin(t, x):
    x = F.local_response_norm(F.relu(t.conv(x, "conv1", 4)), 5, 5e-4, 0.75, 2.0)
    x = F.max_pool2d(x, 3, 2)
    x = F.local_response_norm(F.relu(t.conv(x, "conv2", padding=2, groups=2)), 5, 5e-4, 0.75, 2.0)
    x = F.relu(t.conv(F.max_pool2d(x, 3, 2), "conv3", padding=1))
    x = F.relu(t.conv(x, "conv4", padding=1, groups=2))
    return F.max_pool2d(F.relu(t.conv(x, "conv5", padding=1, groups=2)), 3, 2)


def alex_torchvision_twin(t, x):
    x = F.max_pool2d(F.relu(t.conv(x, "conv1", 4, 2)), 3, 2)
    x = F.max_pool2d(F.relu(t.conv(x, "conv2", padding=2)), 3, 2)
    for i in (3, 4, 5):
        x = F.relu(t.conv(x, f"conv{i}", padding=1))
    return F.max_pool2d(x, 3, 2)


def vgg_twin(kernels, lrn=False):
    def twin(t, x):
        for block, sizes in enumerate(kernels, 1):
            for number, kernel in enumerate(sizes, 1):
                x = F.relu(t.conv(x, f"conv{block}_{number}", padding=kernel // 2))
            if lrn and block == 1:
                x = F.local_response_norm(x, 5, 5e-4, 0.75, 2.0)
            x = F.max_pool2d(x, 2)
        return x

    return twin


def resnet_twin(blocks, bottleneck=False, shortcut="B", imagenet=True, stride_in=1, survival=None):
    """He's paper, table 1 and section 4.2, as it reads."""

    def twin(t, x):
        x = F.relu(t.norm(t.conv(x, "conv1", 2 if imagenet else 1, 3 if imagenet else 1), "bn1"))
        x = F.max_pool2d(x, 3, 2, 1) if imagenet else x
        done = 0
        for stage, count in enumerate(blocks, 2):
            for block in range(1, count + 1):
                done += 1
                stride = 2 if stage > 2 and block == 1 else 1
                name = f"block{stage}_{block}"
                body = f"{name}.body." if shortcut != "none" else f"{name}."
                y, last = x, 3 if bottleneck else 2
                for i in range(1, last + 1):
                    padding = int(not bottleneck or i == 2)
                    y = t.norm(t.conv(y, f"{body}conv{i}", stride if i == stride_in else 1, padding), f"{body}bn{i}")
                    y = F.relu(y) if i < last else y
                if survival:
                    y = y * (1 - done / sum(blocks) * (1 - survival))
                x = F.relu(y + around(t, x, y, name, stride, shortcut) if shortcut != "none" else y)
        return t.linear(x.mean((2, 3)), "fc")

    return twin


def around(t, x, y, name, stride, shortcut):
    if x.shape == y.shape:
        return x
    if shortcut == "B":
        return t.norm(t.conv(x, f"{name}.shortcut.conv", stride), f"{name}.shortcut.bn")
    empty = torch.zeros(y.shape[0], y.shape[1] - x.shape[1], *y.shape[2:], dtype=x.dtype)
    return torch.cat([x[:, :, ::stride, ::stride], empty], 1)


def fractal_twin(blocks, columns):
    """The recursion of Larsson's section 3: what f_C brings to a join, as a list."""

    def unit(t, x, name):
        return F.relu(t.norm(t.conv(x, f"{name}.conv", padding=1), f"{name}.bn"))

    def fractal(t, x, block, first, index):
        here = [unit(t, x, f"block{block}.column{first}_{index + 1}")]
        if first == columns:
            return here
        middle = torch.stack(fractal(t, x, block, first + 1, 2 * index)).mean(0)
        return here + fractal(t, middle, block, first + 1, 2 * index + 1)

    def twin(t, x):
        for block in range(1, blocks + 1):
            x = F.max_pool2d(torch.stack(fractal(t, x, block, 1, 0)).mean(0), 2)
        return t.linear(x.flatten(1), "fc")

    return twin


def google_twin(t, x, heads=None):
    def module(x, name):
        def path(where, *names):
            y = F.max_pool2d(x, 3, 1, 1) if where == "pool" else x
            for conv in names:
                weight = t.p[f"inception{name}.{where}.{conv}.weight"]
                y = F.relu(t.conv(y, f"inception{name}.{where}.{conv}", padding=weight.shape[2] // 2))
            return y

        reduced = [path(size, "conv_reduce", "conv") for size in ("3x3", "5x5")]
        return torch.cat([path("1x1", "conv"), *reduced, path("pool", "conv")], 1)

    x = F.max_pool2d(F.relu(t.conv(x, "conv1", 2, 3)), 3, 2, ceil_mode=True)
    x = F.relu(t.conv(F.local_response_norm(x, 5, 5e-4, 0.75, 1.0), "conv_reduce2"))
    x = F.local_response_norm(F.relu(t.conv(x, "conv2", padding=1)), 5, 5e-4, 0.75, 1.0)
    x = F.max_pool2d(x, 3, 2, ceil_mode=True)
    for name in "3a 3b | 4a 4b 4c 4d 4e | 5a 5b".split():
        x = F.max_pool2d(x, 3, 2, ceil_mode=True) if name == "|" else module(x, name)
        if heads is not None and name in ("4a", "4d"):
            aux = "aux1" if name == "4a" else "aux2"
            y = F.relu(t.conv(F.avg_pool2d(x, 5, 3), f"{aux}.head.conv")).flatten(1)
            heads.append(t.linear(F.relu(t.linear(y, f"{aux}.head.fc1")), f"{aux}.head.fc2"))
    return t.linear(x.mean((2, 3)), "fc")


A, C = ((3,), (3,), (3, 3), (3, 3), (3, 3)), ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1))
CASES = {  # our network, its twin, the shape of x
    "lenet5": (lambda: lenet5(rng=0), lenet_twin, (2, 1, 28, 28)),
    "simple": (lambda: simple_cnn(rng=0), simple_twin, (2, 3, 32, 32)),
    "all-convolutional": (lambda: all_cnn(width=8, dropout=False, rng=0), all_twin, (2, 3, 20, 17)),
    "alexnet, the paper's": (lambda: alexnet(top=False, rng=0), alex_paper_twin, (2, 3, 99, 80)),
    "alexnet, torchvision's": (lambda: alexnet("torchvision", top=False, rng=0), alex_torchvision_twin, (2, 3, 99, 80)),
    "vgg A": (lambda: vgg("A", top=False, rng=0), vgg_twin(A), (1, 3, 40, 32)),
    "vgg A-LRN": (lambda: vgg("A-LRN", top=False, rng=0), vgg_twin(A, lrn=True), (1, 3, 40, 32)),
    "vgg C": (lambda: vgg("C", top=False, rng=0), vgg_twin(C), (1, 3, 40, 32)),
    "googlenet": (lambda: googlenet(7, auxiliary=False, dropout=0.0, rng=0), google_twin, (1, 3, 64, 64)),
    "resnet18 B": (lambda: resnet(18, width=8, rng=0), resnet_twin((2, 2, 2, 2)), (3, 3, 64, 48)),
    "resnet34 A": (
        lambda: resnet(34, width=8, shortcut="A", rng=0),
        resnet_twin((3, 4, 6, 3), shortcut="A"),
        (3, 3, 64, 48),
    ),
    "plain 34": (
        lambda: resnet(34, width=8, shortcut="none", rng=0),
        resnet_twin((3, 4, 6, 3), shortcut="none"),
        (3, 3, 64, 48),
    ),
    "resnet50": (lambda: resnet(50, width=8, rng=0), resnet_twin((3, 4, 6, 3), True), (3, 3, 64, 48)),
    "resnet50, torchvision's": (
        lambda: resnet(50, width=8, stride_in="3x3", rng=0),
        resnet_twin((3, 4, 6, 3), True, stride_in=2),
        (3, 3, 64, 48),
    ),
    "resnet20": (lambda: resnet(20, rng=0), resnet_twin((3, 3, 3), shortcut="A", imagenet=False), (3, 3, 16, 16)),
    "resnet56": (lambda: resnet(56, rng=0), resnet_twin((9, 9, 9), shortcut="A", imagenet=False), (3, 3, 16, 16)),
    "fractalnet": (
        lambda: fractalnet(3, 4, widths=(6, 8, 8), size=16, drop_path=0, rng=0),
        fractal_twin(3, 4),
        (3, 3, 16, 16),
    ),
}
SURVIVING = (
    lambda: resnet(20, survival=0.5, rng=0),
    resnet_twin((3, 3, 3), shortcut="A", imagenet=False, survival=0.5),
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
    theirs = Twin(net, training)
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
    theirs, heads = Twin(net, True), []
    x, labels = np.random.default_rng(1).standard_normal((1, 3, 224, 224)), np.array([3])
    tensor = torch.tensor(x, requires_grad=True)
    scores = google_twin(theirs, tensor, heads)
    expected = F.cross_entropy(scores, torch.tensor(labels))
    for head in heads:
        expected = expected + 0.3 * F.cross_entropy(head, torch.tensor(labels))
    expected.backward()
    loss = AuxiliaryLoss(net)
    assert loss.forward(net.forward(x), labels) == pytest.approx(expected.item(), rel=1e-10)
    same(net.backward(loss.backward()), tensor.grad, "dx")
    for key, grad in net.grads.items():
        same(grad, theirs.p[key].grad, key)
