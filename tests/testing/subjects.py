"""Right layers, losses and models with inputs: what every check must pass, and never cry wolf about."""

from typing import NamedTuple

import numpy as np

import nnbasics as nn
from nnbasics.models import (
    MLP,
    alexnet,
    all_cnn,
    fractalnet,
    googlenet,
    lenet5,
    resnet,
    simple_cnn,
    two_stage_cnn,
    vgg,
    vgg19,
)


class Model(NamedTuple):
    """How to make a small one of a kind of model, and the shape of its input (two rows or more).

    A `slow` one is checked by `make test-all` only, and its gradient with respect to x alone.
    """

    make: object
    shape: tuple
    slow: bool = False

    def case(self, name):
        """The network, called `name` in messages, and values for it."""
        net = self.make()
        net.name = name
        return net, np.random.default_rng(9).uniform(-1, 1, self.shape)


MODELS = {  # by the name in nnbasics.models
    "MLP": Model(lambda: MLP((3, 4, 2), rng=0), (5, 3)),
    "alexnet": Model(lambda: alexnet(top=False, rng=0), (2, 3, 67, 67), slow=True),
    "all_cnn": Model(lambda: all_cnn(classes=2, width=2, rng=0), (2, 3, 10, 9)),
    "fractalnet": Model(
        lambda: fractalnet(2, 2, widths=(2, 3), size=4, drop_path=0.4, dropout=0.3, rng=0), (3, 3, 4, 4)
    ),
    "googlenet": Model(lambda: googlenet(10, auxiliary=False, rng=0), (2, 3, 64, 64), slow=True),
    "lenet5": Model(lambda: lenet5(rng=0), (2, 1, 28, 28)),
    "resnet": Model(lambda: resnet(8, width=2, shortcut="A", rng=0), (3, 3, 8, 8)),
    "simple_cnn": Model(lambda: simple_cnn(rng=0), (2, 3, 32, 32)),
    "two_stage_cnn": Model(lambda: two_stage_cnn(rng=0), (2, 1, 28, 28)),
    "vgg": Model(lambda: vgg("A", top=False, rng=0), (2, 3, 32, 32), slow=True),
    "vgg19": Model(vgg19, (2, 3, 32, 32), slow=True),
}
NOTHING_TO_CHECK = {  # names in nnbasics.models that have no backward of their own, and why
    "Perceptron": "it learns from its mistakes, without a gradient",
    "state": "it lists the arrays of a network",
    "Trace": "it shows what an MLP's backward did",
}


def layers(rng):
    """(layer, x) for every layer of the library, with sizes, strides and options drawn at random."""
    n, c = int(rng.integers(2, 4)), int(rng.integers(1, 5))
    height, width = (int(size) for size in rng.integers(4, 8, 2))
    kernel, stride = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    flag = rng.integers(2, size=4).astype(bool)
    pooled = {"stride": stride, "ceil_mode": flag[0], "padding": int(rng.integers(0, kernel // 2 + 1))}
    seed = int(rng.integers(1000))

    def picture(channels=c):
        return special(rng, rng.standard_normal((n, channels, height, width)))

    def rows():
        return special(rng, rng.standard_normal((n, 6)))

    yield nn.Linear(6, 4, bias=flag[0], rng=seed), rows()
    yield nn.Conv2d(c, 3, kernel, stride, int(rng.integers(0, 3)), bias=flag[1], rng=seed), picture()
    yield nn.Conv2d(c, 2, (3, 1), (1, 2), (0, 1), rng=seed), picture()
    groups, dilation = int(rng.integers(1, 4)), (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
    yield nn.Conv2d(2 * groups, groups, 2, stride, 1, rng=seed, dilation=dilation, groups=groups), picture(2 * groups)
    yield nn.MaxPool2d(kernel, **pooled), picture()
    yield nn.MaxPool2d(3, 1, 1), picture()
    yield nn.AvgPool2d(kernel, **pooled, count_include_pad=flag[2]), picture()
    yield nn.LPPool2d(int(rng.integers(1, 5)), kernel, stride), picture()
    yield nn.FractionalMaxPool2d(2, output_ratio=0.6, rng=seed), picture()
    yield nn.GlobalAvgPool2d(), picture()
    yield nn.Identity(), picture()
    yield nn.Step(), picture()
    yield nn.Sigmoid(1.5), rows()
    yield nn.Tanh(), rows()
    yield nn.ReLU(), picture()
    yield nn.LeakyReLU(0.1), picture()
    yield nn.ELU(1.3), picture()
    yield nn.Maxout(2), picture(4)
    yield nn.Softmax(1), picture()
    yield nn.LocalResponseNorm(int(rng.integers(1, 6)), alpha=0.1), picture()
    yield nn.BatchNorm2d(c), picture()
    yield nn.Dropout(0.4, rng=seed), picture()
    yield nn.DropPath(0.4, rng=seed), picture()
    yield nn.Flatten(), picture()
    yield nn.Residual(nn.Sequential(nn.Conv2d(c, c, 3, padding=1, rng=seed), nn.ReLU())), picture()
    yield nn.Parallel(nn.Conv2d(c, 2, 1, rng=seed), nn.MaxPool2d(3, 1, 1)), picture()
    yield nn.Parallel(nn.Conv2d(c, c, 3, padding=1, rng=seed), nn.DropPath(0.4, rng=seed), join="sum"), picture()
    yield nn.Parallel(nn.Conv2d(c, c, 1, rng=seed), nn.Identity(), nn.MaxPool2d(3, 1, 1), join="mean"), picture()
    yield nn.Residual(nn.Conv2d(c, c + 2, 3, 2, 1, rng=seed), nn.Conv2d(c, c + 2, 1, 2, rng=seed)), picture()
    yield nn.Residual(nn.Conv2d(c, c + 2, 3, 2, 1, rng=seed), option_a(c + 2)), picture()
    yield nn.PadChannels(c + 2), picture()
    yield nn.StochasticDepth(nn.Conv2d(c, c, 3, padding=1, rng=seed), survival=0.6, rng=seed), picture()
    yield fractal(c, seed), picture()
    yield nn.AuxiliaryClassifier(nn.Sequential(nn.Flatten(), nn.Linear(c * height * width, 2, rng=seed))), picture()
    yield network(c, height, width, seed), picture()


def option_a(channels):
    """The shortcut without parameters."""
    return nn.Sequential(nn.AvgPool2d(1, 2), nn.PadChannels(channels))


def fractal(channels, seed):
    """Three columns of convolutions, with some of their joins dropped."""
    columns = [[nn.Conv2d(2 if i else channels, 2, 3, padding=1, rng=seed + i) for i in range(n)] for n in (1, 2, 4)]
    return nn.FractalBlock(*columns, drop_paths=nn.DropPaths(0.4, local=0.7, rng=seed))


def network(channels, height, width, seed):
    """Everything that an AlexNet has, small."""
    return nn.Sequential(
        {
            "conv": nn.Conv2d(channels, 4, 3, padding=1, rng=seed),
            "norm": nn.BatchNorm2d(4),
            "relu": nn.ReLU(),
            "lrn": nn.LocalResponseNorm(3, alpha=0.1),
            "pool": nn.MaxPool2d(2),
            "flatten": nn.Flatten(),
            "drop": nn.Dropout(0.3, rng=seed),
            "fc": nn.Linear(4 * (height // 2) * (width // 2), 3, rng=seed),
        }
    )


def losses(rng):
    """(loss, prediction, target)."""
    scores = special(rng, rng.standard_normal((4, 5)))
    yield nn.SquaredErrorLoss(), scores, rng.standard_normal((4, 5))
    yield nn.CrossEntropyLoss(), scores, rng.integers(5, size=4)
    yield nn.AuxiliaryLoss(nn.Sequential()), scores, rng.integers(5, size=4)
    yield nn.CrossEntropyLoss(), special(rng, rng.standard_normal((2, 3, 2, 2))), rng.integers(3, size=(2, 2, 2))


def special(rng, x):
    """Values that checkers stumble over: ties, zeros, values a hair away from a kink, few digits."""
    choice = rng.integers(6)
    if choice == 0:
        return np.round(x)
    if choice == 1:
        return np.where(rng.random(x.shape) < 0.3, 0.0, x)
    if choice == 2:
        return np.round(2 * x) / 2 + 1e-7 * rng.standard_normal(x.shape) * (rng.random(x.shape) < 0.5)
    if choice == 3:
        return np.round(1.5 * x).astype(np.float32)
    if choice == 4:
        return x * 10.0 ** rng.integers(-3, 3)
    return x
