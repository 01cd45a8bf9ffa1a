"""The layers that are compared with PyTorch: one line each, with the shape of x and PyTorch's words for the same thing.

Nothing here needs torch: what is its is a function of `F`, torch.nn.functional.
"""

from typing import NamedTuple

import numpy as np

from nnbasics import (
    ELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    FractionalMaxPool2d,
    GlobalAvgPool2d,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    LPPool2d,
    Maxout,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)


class Case(NamedTuple):
    layer: object  # () -> Layer
    theirs: object  # (F, x, **params) -> y
    shape: tuple


def conv(shape, channels, kernel, stride=1, padding=0):
    return Case(
        lambda: Conv2d(shape[1], channels, kernel, stride, padding),
        lambda F, x, weight, bias: F.conv2d(x, weight, bias, stride, padding),
        shape,
    )


def maximum(shape, kernel, stride=None, padding=0, ceil=False):
    return Case(
        lambda: MaxPool2d(kernel, stride, padding, ceil),
        lambda F, x: F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil),
        shape,
    )


def average(shape, kernel, stride=None, padding=0, ceil=False, count=True):
    return Case(
        lambda: AvgPool2d(kernel, stride, padding, ceil, count),
        lambda F, x: F.avg_pool2d(x, kernel, stride, padding, ceil, count),
        shape,
    )


def norm(shape, p, kernel, stride=None):
    return Case(lambda: LPPool2d(p, kernel, stride), lambda F, x: F.lp_pool2d(x, p, kernel, stride), shape)


def batch_norm(shape, training):
    def theirs(F, x, weight, bias):
        c = shape[1]
        mean, var = (x.new_tensor(statistics(c)[name]) for name in ("running_mean", "running_var"))
        return F.batch_norm(x, mean, var, weight, bias, training, 0.1, 1e-5)

    def ours():
        layer = BatchNorm2d(shape[1]).train(training)
        vars(layer).update(statistics(shape[1]))
        return layer

    return Case(ours, theirs, shape)


def statistics(channels):
    """Running statistics as after some training."""
    return {"running_mean": np.linspace(-1, 1, channels), "running_var": np.linspace(0.5, 2, channels)}


def fractional(shape, kernel, out):
    def theirs(F, x):
        u = x.new_tensor(np.random.default_rng(5).random((*shape[:2], 2)))
        return F.fractional_max_pool2d(x, kernel, out, _random_samples=u)

    return Case(lambda: FractionalMaxPool2d(kernel, out, rng=5), theirs, shape)


CASES = {
    "conv 3x3": conv((1, 3, 7, 9), 4, 3),
    "conv 3x3 padding 1": conv((2, 3, 7, 9), 4, 3, 1, 1),
    "conv 3x3 padding 1 on 1x1": conv((2, 3, 1, 1), 4, 3, 1, 1),
    "conv 3x3 stride 2 padding 1, odd size": conv((2, 3, 7, 10), 4, 3, 2, 1),
    "conv 1x1": conv((2, 5, 4, 3), 6, 1),
    "conv 1x1 stride 2": conv((2, 5, 5, 4), 6, 1, 2),
    "conv 5x5 padding 2": conv((2, 2, 6, 5), 3, 5, 1, 2),
    "conv 7x7 stride 2 padding 3": conv((1, 3, 13, 11), 4, 7, 2, 3),
    "conv 11x11 stride 4, as AlexNet": conv((1, 3, 23, 27), 4, 11, 4),
    "conv 2x3 stride (3, 1) padding (1, 2)": conv((2, 3, 8, 6), 4, (2, 3), (3, 1), (1, 2)),
    "conv 2x2 stride 3: values that no window sees": conv((1, 2, 8, 8), 3, 2, 3),
    "conv 3x3 padding 3: windows of padding alone": conv((1, 2, 4, 4), 3, 3, 1, 3),
    "conv 16 to 16": conv((1, 16, 6, 6), 16, 3, 1, 1),
    "max 2x2": maximum((2, 3, 6, 8), 2),
    "max 2x2, odd size": maximum((2, 3, 7, 9), 2),
    "max 2x2 ceil": maximum((2, 3, 7, 9), 2, ceil=True),
    "max 3x3 stride 2 padding 1": maximum((2, 3, 7, 8), 3, 2, 1),
    "max 3x3 stride 2 padding 1 ceil": maximum((2, 3, 8, 7), 3, 2, 1, True),
    "max 3x3 stride 2 ceil, as GoogLeNet": maximum((1, 3, 14, 14), 3, 2, 0, True),
    "max 3x3 stride 1: overlapping": maximum((1, 2, 5, 5), 3, 1),
    "max 2x2 stride 3 ceil: a last window left out": maximum((1, 2, 6, 7), 2, 3, 1, True),
    "max (2, 3) stride (1, 2) padding (1, 0)": maximum((1, 2, 5, 7), (2, 3), (1, 2), (1, 0)),
    "average 2x2": average((2, 3, 6, 8), 2),
    "average 2x2, odd size": average((2, 3, 7, 9), 2),
    "average 2x2 ceil": average((2, 3, 7, 9), 2, ceil=True),
    "average 3x3 stride 2 padding 1": average((2, 3, 7, 8), 3, 2, 1),
    "average 3x3 stride 2 padding 1, not counted": average((2, 3, 7, 8), 3, 2, 1, count=False),
    "average 3x3 stride 2 padding 1 ceil": average((2, 3, 8, 7), 3, 2, 1, True),
    "average 3x3 stride 2 padding 1 ceil, not counted": average((2, 3, 8, 7), 3, 2, 1, True, False),
    "average 4x4 stride 3 padding 2 ceil": average((1, 2, 9, 8), 4, 3, 2, True),
    "average (3, 2) stride (2, 1) padding (0, 1)": average((1, 2, 6, 5), (3, 2), (2, 1), (0, 1)),
    "global average": Case(GlobalAvgPool2d, lambda F, x: F.adaptive_avg_pool2d(x, 1), (2, 3, 5, 4)),
    "L2 2x2": norm((2, 3, 6, 7), 2.0, 2),
    "L2 3x3 stride 1": norm((1, 2, 5, 6), 2.0, 3, 1),
    "L4 (1, 3) stride 2": norm((1, 2, 5, 6), 4.0, (1, 3), 2),
    "fractional 2x2": fractional((2, 3, 9, 8), 2, (6, 5)),
    "fractional (3, 2), one row": fractional((1, 2, 7, 9), (3, 2), (1, 7)),
    "linear": Case(lambda: Linear(7, 5), lambda F, x, weight, bias: F.linear(x, weight, bias), (4, 7)),
    "linear without bias": Case(lambda: Linear(7, 5, bias=False), lambda F, x, weight: F.linear(x, weight), (4, 7)),
    "linear on more axes": Case(lambda: Linear(7, 5), lambda F, x, weight, bias: F.linear(x, weight, bias), (2, 3, 7)),
    "flatten": Case(Flatten, lambda F, x: x.flatten(1), (2, 3, 4, 5)),
    "relu": Case(ReLU, lambda F, x: F.relu(x), (2, 3, 4, 5)),
    "leaky relu 0.01": Case(LeakyReLU, lambda F, x: F.leaky_relu(x), (2, 3, 4, 5)),
    "leaky relu 0.1": Case(lambda: LeakyReLU(0.1), lambda F, x: F.leaky_relu(x, 0.1), (3, 7)),
    "elu": Case(ELU, lambda F, x: F.elu(x), (2, 3, 4, 5)),
    "elu 0.3": Case(lambda: ELU(0.3), lambda F, x: F.elu(x, 0.3), (3, 7)),
    "sigmoid": Case(Sigmoid, lambda F, x: F.sigmoid(x), (2, 3, 4, 5)),
    "sigmoid of slope 3": Case(lambda: Sigmoid(3), lambda F, x: F.sigmoid(3 * x), (3, 7)),
    "tanh": Case(Tanh, lambda F, x: F.tanh(x), (2, 3, 4, 5)),
    "maxout of 2": Case(lambda: Maxout(2), lambda F, x: x.unflatten(1, (3, 2)).amax(2), (4, 6)),
    "maxout of 3 maps": Case(lambda: Maxout(3), lambda F, x: x.unflatten(1, (2, 3)).amax(2), (2, 6, 3, 4)),
    "softmax": Case(Softmax, lambda F, x: F.softmax(x, 1), (3, 5)),
    "softmax of maps": Case(Softmax, lambda F, x: F.softmax(x, 1), (2, 3, 4, 5)),
    "softmax of the last axis": Case(lambda: Softmax(-1), lambda F, x: F.softmax(x, -1), (2, 3, 4)),
    "local response 5, as AlexNet": Case(
        lambda: LocalResponseNorm(5, 5e-4, 0.75, 2.0),
        lambda F, x: F.local_response_norm(x, 5, 5e-4, 0.75, 2.0),
        (2, 9, 3, 4),
    ),
    "local response 4, strong": Case(
        lambda: LocalResponseNorm(4, 1.0), lambda F, x: F.local_response_norm(x, 4, 1.0), (2, 6, 3, 4)
    ),
    "batch norm in training": batch_norm((4, 3, 5, 6), True),
    "batch norm in use": batch_norm((4, 3, 5, 6), False),
}


def drawn(case, seed):
    """A case's layer with parameters drawn, and its x and dy: float32, so that both dtypes start from the same."""
    rng = np.random.default_rng(seed)
    layer = case.layer()
    layer.params = {key: rng.standard_normal(param.shape, np.float32) for key, param in layer.params.items()}
    x = rng.standard_normal(case.shape, np.float32)
    return layer, x, rng.standard_normal(layer.output_shape(x.shape), np.float32)
