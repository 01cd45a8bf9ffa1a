"""Every layer against PyTorch, live: random shapes and settings, forward and backward, one line a case.

`make parity` runs these; they need torch, the default tests do not.
"""

import numpy as np
import pytest

import nnbasics as nn

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.parity


class Draw:
    """Random settings that fit each other."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def int(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def pair(self, low, high):
        return self.int(low, high), self.int(low, high)

    def maps(self, least, channels=None, batch=4):
        return (self.int(0, batch), channels or self.int(1, 9), *(size + self.int(0, 12) for size in least))

    def values(self, shape):
        return self.rng.standard_normal(shape)


def conv(draw):
    kernel, stride, c, k = draw.pair(1, 6), draw.pair(1, 4), draw.int(1, 9), draw.int(1, 9)
    padding = draw.pair(0, 3)
    least = [max(1, size - 2 * pad) for size, pad in zip(kernel, padding, strict=True)]
    return (
        nn.Conv2d(c, k, kernel, stride, padding),
        lambda x, weight, bias: F.conv2d(x, weight, bias, stride, padding),
        draw.maps(least, c),
    )


def grouped_conv(draw):
    kernel, stride, padding, dilation = draw.pair(1, 4), draw.pair(1, 3), draw.pair(0, 3), draw.pair(1, 3)
    groups = draw.int(1, 4)
    c, k = groups * draw.int(1, 9), groups * draw.int(1, 9)
    spans = [d * (size - 1) + 1 for size, d in zip(kernel, dilation, strict=True)]
    least = [max(1, span - 2 * pad) for span, pad in zip(spans, padding, strict=True)]
    return (
        nn.Conv2d(c, k, kernel, stride, padding, dilation=dilation, groups=groups),
        lambda x, weight, bias: F.conv2d(x, weight, bias, stride, padding, dilation, groups),
        draw.maps(least, c),
    )


def grouped_vgg_conv(draw):
    groups = draw.int(2, 4)
    c, k = groups * draw.int(1, 20), groups * draw.int(1, 20)
    ours = nn.Conv2d(c, k, 3, padding=1, groups=groups)
    return ours, lambda x, weight, bias: F.conv2d(x, weight, bias, 1, 1, groups=groups), draw.maps((1, 1), c)


def vgg_conv(draw):
    c, k = draw.int(1, 40), draw.int(1, 40)
    ours = nn.Conv2d(c, k, 3, padding=1, bias=False)
    return ours, lambda x, weight: F.conv2d(x, weight, None, 1, 1), draw.maps((1, 1), c)


def window(draw):
    kernel, stride = draw.pair(1, 5), draw.pair(1, 4)
    padding, ceil = tuple(draw.int(0, size // 2) for size in kernel), bool(draw.int(0, 1))
    least = kernel
    if ceil:  # the only window may reach over all of the map
        least = tuple(max(1, k - 2 * p - s + 1) for k, s, p in zip(kernel, stride, padding, strict=True))
    return kernel, stride, padding, ceil, draw.maps(least)


def max_pool(draw):
    *settings, ceil, shape = window(draw)
    return nn.MaxPool2d(*settings, ceil), lambda x: F.max_pool2d(x, *settings, ceil_mode=ceil), shape


def avg_pool(draw):
    *settings, ceil, shape = window(draw)
    count = bool(draw.int(0, 1))
    return nn.AvgPool2d(*settings, ceil, count), lambda x: F.avg_pool2d(x, *settings, ceil, count), shape


def lp_pool(draw):
    kernel, stride, shape = draw.pair(1, 5), draw.pair(1, 4), draw.maps((5, 5))
    p = 2.0 * draw.int(1, 3)
    return nn.LPPool2d(p, kernel, stride), lambda x: F.lp_pool2d(x, p, kernel, stride), shape


def fractional(draw):
    kernel = draw.pair(1, 3)
    shape = (2, *draw.maps((6, 6))[1:])
    out = tuple(draw.int(1, size - k + 1) for size, k in zip(shape[2:], kernel, strict=True))
    u = torch.tensor(np.random.default_rng(3).random((*shape[:2], 2)))
    ours = nn.FractionalMaxPool2d(kernel, out, rng=3)
    return ours, lambda x: F.fractional_max_pool2d(x, kernel, out, _random_samples=u.to(x.dtype)), shape


def linear(draw):
    a, b = draw.pair(1, 300)
    return nn.Linear(a, b), F.linear, (draw.int(0, 40), a)


def batch_norm(draw):
    c = draw.int(1, 9)
    return nn.BatchNorm2d(c), lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, True), (3, c, 4, 5)


def local_response(draw):
    size, alpha, beta = draw.int(1, 7), float(draw.rng.random()), float(draw.rng.random() + 0.2)
    ours = nn.LocalResponseNorm(size, alpha, beta, 1.5)
    return ours, lambda x: F.local_response_norm(x, size, alpha, beta, 1.5), draw.maps((1, 1))


def everywhere(ours, theirs):
    """A layer that takes any shape."""
    return lambda draw: (ours(), theirs, draw.maps((1, 1)))


CASES = {
    "conv": conv,
    "conv 3x3 padding 1": vgg_conv,
    "conv in groups, dilated": grouped_conv,
    "conv 3x3 in groups": grouped_vgg_conv,
    "max": max_pool,
    "average": avg_pool,
    "p-norm": lp_pool,
    "linear": linear,
    "batch norm": batch_norm,
    "local response": local_response,
    "global average": everywhere(nn.GlobalAvgPool2d, lambda x: F.adaptive_avg_pool2d(x, 1)),
    "flatten": everywhere(nn.Flatten, lambda x: x.flatten(1)),
    "relu": everywhere(nn.ReLU, F.relu),
    "leaky relu": everywhere(lambda: nn.LeakyReLU(0.1), lambda x: F.leaky_relu(x, 0.1)),
    "elu": everywhere(lambda: nn.ELU(0.7), lambda x: F.elu(x, 0.7)),
    "sigmoid": everywhere(lambda: nn.Sigmoid(2), lambda x: torch.sigmoid(2 * x)),
    "tanh": everywhere(nn.Tanh, torch.tanh),
    "softmax": everywhere(nn.Softmax, lambda x: F.softmax(x, 1)),
}


def check(case, seed, dtype, tolerance, values=None):
    """y, dx and the gradients of the parameters, ours and PyTorch's, within `tolerance` of the largest value."""
    draw = Draw(seed)
    ours, theirs, shape = case(draw)
    x = (values or draw.values)(shape).astype(dtype)
    ours.params = {key: draw.values(param.shape).astype(dtype) for key, param in ours.params.items()}
    tensors = [torch.tensor(value, requires_grad=True) for value in (x, *ours.params.values())]
    their_y = theirs(*tensors)
    dy = draw.values(their_y.shape).astype(dtype)
    their_y.backward(torch.tensor(dy))
    y, dx = ours.forward(x), ours.backward(dy)
    pairs = [(y, their_y.detach()), (dx, tensors[0].grad)]
    pairs += [(ours.grads[key], tensor.grad) for key, tensor in zip(ours.params, tensors[1:], strict=True)]
    for mine, other in pairs:
        other = other.numpy()
        assert mine.shape == other.shape and mine.dtype == other.dtype == dtype
        bound = tolerance * max(1, np.abs(other).max(initial=0, where=np.isfinite(other)))
        np.testing.assert_allclose(mine, other, rtol=0, atol=bound, err_msg=f"{ours} on {shape}")


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 5e-5)])
def test_random_shapes(name, dtype, tolerance, seed):
    check(CASES[name], seed, dtype, tolerance)


@pytest.mark.parametrize("seed", range(40))
def test_fractional_max_pool(seed):
    check(fractional, seed, np.float64, 1e-12)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", ["max", "average", "relu", "leaky relu"])
def test_ties_zeros_nan_and_infinity(name, seed):
    rng = np.random.default_rng(seed)
    check(CASES[name], seed, np.float64, 1e-12, lambda shape: rng.choice([-1, 0, 1, 2, np.nan, -np.inf], shape))


@pytest.mark.parametrize("seed", range(20))
def test_cross_entropy(seed):
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((5, 7)) * 10 ** rng.integers(0, 4)
    labels = rng.integers(0, 7, 5)
    theirs = torch.tensor(scores, requires_grad=True)
    their_loss = F.cross_entropy(theirs, torch.tensor(labels))
    their_loss.backward()
    loss = nn.CrossEntropyLoss()
    np.testing.assert_allclose(loss.forward(scores, labels), their_loss.item(), rtol=1e-12)
    np.testing.assert_allclose(loss.backward(), theirs.grad.numpy(), atol=1e-14)
