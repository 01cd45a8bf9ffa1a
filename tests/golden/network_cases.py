"""The networks that networks.npz is about, their arrays, and what is kept of a walk; nothing here needs torch.

Every array is drawn by its name, so whoever knows names and shapes has the same ones.
"""

from itertools import cycle
from typing import NamedTuple
from zlib import crc32

import numpy as np

from nnbasics import DropPaths, FractalBlock
from nnbasics.models import alexnet, all_cnn, fractalnet, googlenet, lenet5, resnet, simple_cnn
from nnbasics.models.state import fill, state

LABEL = 3  # what the picture shows that GoogLeNet is trained on
PLAN = ((3,), (2,), (3,), (1, 3))  # the columns of a fractal block that are open at its joins, one to four


class Case(NamedTuple):
    net: object  # () -> Layer
    shape: tuple
    training: bool = True


class Planned(DropPaths):
    """Leaves open what PLAN says, in every block."""

    def __init__(self):
        super().__init__()
        self.plan = cycle(PLAN)

    def next_batch(self, columns):
        pass

    def open(self, inputs):
        wanted = next(self.plan)
        return [column for column in inputs if column in wanted]


def dropping():
    net, planned = fractalnet(2, 3, widths=(6, 8), size=12, rng="zeros"), Planned()
    for layer in net.layers.values():
        if isinstance(layer, FractalBlock):
            layer.drop_paths = planned
    return net


def with_heads():
    net = googlenet(5, dropout=0.0, rng="zeros")
    for name in ("aux1", "aux2"):
        net[name].layers["head"]["drop"].p = 0.0
    return net


def residual(depth, **settings):
    return lambda: resnet(depth, rng="zeros", **{"width": 4, "classes": 10, **settings})


CASES = {
    "lenet5": Case(lambda: lenet5(rng="zeros"), (2, 1, 28, 28)),
    "simple": Case(lambda: simple_cnn(rng="zeros"), (2, 3, 32, 32)),
    "all-convolutional": Case(lambda: all_cnn(width=8, dropout=False, rng="zeros"), (2, 3, 20, 17)),
    "alexnet, the paper's": Case(lambda: alexnet(top=False, rng="zeros"), (2, 3, 99, 80)),
    "alexnet, torchvision's": Case(lambda: alexnet("torchvision", top=False, rng="zeros"), (2, 3, 99, 80)),
    "googlenet": Case(with_heads, (1, 3, 224, 224)),
    "resnet18 A": Case(residual(18, shortcut="A"), (2, 3, 64, 48)),
    "resnet34 B": Case(residual(34, shortcut="B"), (2, 3, 64, 48)),
    "resnet50 A": Case(residual(50, shortcut="A"), (2, 3, 64, 48)),
    "resnet50 B, torchvision's": Case(residual(50, shortcut="B", stride_in="3x3"), (2, 3, 64, 48)),
    "resnet20": Case(residual(20), (2, 3, 16, 16)),
    "plain20": Case(residual(20, shortcut="none"), (2, 3, 16, 16)),
    "stochastic20 in use": Case(residual(20, survival=0.5), (2, 3, 16, 16), training=False),
    "fractalnet": Case(lambda: fractalnet(2, 4, widths=(6, 8), size=16, drop_path=0, rng="zeros"), (2, 3, 16, 16)),
    "fractalnet, ways dropped": Case(dropping, (2, 3, 12, 12)),
}


def drawn(name, shape):
    """The array of this name: weights of He's size, the others about what they are at first."""
    normal = np.random.default_rng(crc32(name.encode())).standard_normal(shape)
    if len(shape) > 1:
        return normal * np.sqrt(2 / np.prod(shape[1:]))
    middle = 0 if name.endswith(("bias", "mean")) else 1
    return middle + 0.2 * np.tanh(normal)


def made(name, dtype=np.float64):
    """The network of a case with its arrays."""
    case = CASES[name]
    net = case.net()
    fill(net, {key: drawn(key, array.shape).astype(dtype) for key, array in state(net).items()})
    return net.train(case.training)


def picture(name):
    return np.random.default_rng(crc32(name.encode())).standard_normal(CASES[name].shape)


def upstream(name, shape):
    """dy, the same for everybody."""
    return np.random.default_rng(crc32(f"{name}/dy".encode())).standard_normal(shape)


def summary(arrays):
    """For each array by name its root mean square and its product with an array drawn by the name: (2, arrays)."""
    return np.array(
        [
            [np.sqrt(np.mean(np.square(a, dtype=np.float64))) for a in arrays.values()],
            [np.vdot(a, drawn(f"{key}/direction", a.shape)) for key, a in arrays.items()],
        ]
    )
