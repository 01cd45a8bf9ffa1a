"""Mistakes that are not in the zoo, in one line each: every one is caught, and nearly every one named."""

import functools

import numpy as np
import pytest

from nnbasics.testing import check_gradients
from nnbasics.testing.causes import FAMILIES

RNG = np.random.default_rng(77)
X = RNG.standard_normal((5, 6))
SQUARE = RNG.standard_normal((6, 6))
POSITIVE = RNG.uniform(1, 2, (5, 4))
MAPS = RNG.standard_normal((2, 3, 4, 5))
SEQUENCES = RNG.standard_normal((3, 3, 9))
W = RNG.standard_normal((6, 2))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x)
    return e / e.sum(1, keepdims=True)


def layer_norm(x):
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)


def norm(x):
    return np.linalg.norm(x, axis=1, keepdims=True)


def log_softmax(x):
    return x - x.max(1, keepdims=True) - np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True))


def unit(v):
    return v / np.linalg.norm(v, axis=0)


def energy(x):
    return 1 + (x**2).sum(1, keepdims=True)


def softmax_backward(x, dy):
    y = softmax(x)
    return y * (dy - (y * dy).sum(1, keepdims=True))


def conv(x, w):
    """(N, C, L) with (O, C, 3), valid."""
    return np.einsum("nclk,ock->nol", np.lib.stride_tricks.sliding_window_view(x, 3, axis=2), w)


def conv_backward(mistake):
    def backward(x, w, dy):
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for i in range(dy.shape[2]):
            kernel = w[:, :, ::-1] if mistake == "flip" else w
            into, patch = np.einsum("no,ock->nck", dy[:, :, i], kernel), x[:, :, i : i + 3]
            share = np.einsum("no,nck->ock", dy[:, :, i], patch)
            dx[:, :, i : i + 3] = into if mistake == "dx =" else dx[:, :, i : i + 3] + into
            dw = share if mistake == "dw =" else dw + share
        after = {
            "dw flipped": lambda: (dx, dw[:, :, ::-1]),
            "dw / N": lambda: (dx, dw / len(x)),
            "dw / L": lambda: (dx, dw / dy.shape[2]),
            "dx shifted": lambda: (np.roll(dx, 1, 2), dw),
        }
        return after.get(mistake, lambda: (dx, dw))()

    return backward


def weighted(*gradients):
    """(forward, backward) for y = x w, with dx and dw from two functions of x, w, dy."""
    return (lambda x, w: x @ w, lambda x, w, dy: tuple(gradient(x, w, dy) for gradient in gradients))


def joined(*parts):
    return np.concatenate(parts, axis=1)


def weighted_unit(x, v):
    return x @ unit(v)


def weighted_unit_backward(x, v, dy):
    return dy @ unit(v).T, x.T @ dy / np.linalg.norm(v, axis=0)


def cross_entropy(x, labels):
    return -log_softmax(x)[np.arange(len(x)), labels].mean()


def cross_entropy_gradient(rule):
    return lambda x, labels: rule(softmax(x), np.eye(x.shape[1])[labels]) / len(x)


def normalised(gradient):
    """(forward, backward) of a gain on normalised rows, with dgain from a function of x, y, dy."""

    def backward(x, gain, dy):
        xhat, dxhat = layer_norm(x), dy * gain
        dx = dxhat - dxhat.mean(1, keepdims=True) - xhat * (dxhat * xhat).mean(1, keepdims=True)
        return dx / np.sqrt(x.var(1, keepdims=True) + 1e-5), gradient(x, xhat * gain, dy)

    return (lambda x, gain: layer_norm(x) * gain, backward)


def pairs(x):
    """The sum of each 2 x 2 window, with weights, 2 apart."""
    return np.einsum("ncihjw,hw->ncij", x.reshape(2, 3, 2, 2, 2, 2), WINDOW)


def pairs_backward(x, dy, stride):
    dx = np.zeros_like(x)
    for i, j in np.ndindex(2, 2):
        dx[:, :, i * stride : i * stride + 2, j * stride : j * stride + 2] += dy[:, :, i : i + 1, j : j + 1] * WINDOW
    return dx


LINE = np.arange(6)
WINDOW = np.array([[1.0, 2.0], [3.0, 5.0]])
LABELS = np.array([0, 5, 2, 2, 1])
VECTOR = RNG.standard_normal(6)
BORDER = ((0, 0), (0, 0), (1, 1), (1, 1))
CONV = [(family, (conv, conv_backward(mistake)), SEQUENCES, RNG.standard_normal((4, 3, 3))) for family, mistake in [
    ("overlap", "dx ="), ("overlap", "dw ="), ("flipped", "flip"), ("flipped", "dw flipped"), ("count", "dw / N"),
    ("count", "dw / L"), ("misplaced", "dx shifted"),
]]  # fmt: skip

MISTAKES = [
    ("mask", (lambda x: np.clip(x, -1, 1), lambda x, dy: dy), X),
    ("mask", (lambda x: np.clip(x, -1, 1), lambda x, dy: dy * (x < 1)), X),
    ("mask", (lambda x: np.clip(x, 0, 2) / 3, lambda x, dy: dy * (x > 0) / 3), 4 * X),
    ("mask", (lambda x: np.maximum(x, 0), lambda x, dy: dy * (x > -0.5)), X),
    ("mask", (lambda x: np.maximum(x, 0.2 * x), lambda x, dy: np.where(x < 0, dy, 0.2 * dy)), X),
    ("mask", (lambda x: np.where(x > 0, x, np.exp(x) - 1), lambda x, dy: dy), X),
    ("mask", (lambda x: x.max(1), lambda x, dy: np.repeat(dy[:, None], 6, 1)), X),
    ("ties", (lambda x: x.max(1), lambda x, dy: (x == x.max(1, keepdims=True)) * dy[:, None]), X),
    ("chain", (sigmoid, lambda x, dy: dy), X),
    ("chain", (np.exp, lambda x, dy: np.exp(x)), X),
    ("chain", (lambda x: 3 * x + x**2, lambda x, dy: dy), X),
    ("point", (np.sin, lambda x, dy: dy * np.cos(np.sin(x))), X),
    ("point", (np.exp, lambda x, dy: dy * np.exp(np.exp(x))), X),
    ("point", (sigmoid, lambda x, dy: dy * x * (1 - x)), X),
    ("sign", (lambda x: 1 - x, lambda x, dy: dy), X),
    ("sign", (lambda x: 1 / x, lambda x, dy: dy / x**2), POSITIVE),
    ("sign", (np.cos, lambda x, dy: dy * np.sin(x)), X),
    ("factor", (lambda x: x**3, lambda x, dy: dy * x**2), X),
    ("factor", (lambda x: np.tanh(2 * x), lambda x, dy: dy * (1 - np.tanh(2 * x) ** 2)), X),
    ("missing", (np.tanh, lambda x, dy: np.zeros_like(x)), X),
    ("missing", (np.tanh, lambda x, dy: None), X),
    ("coupling", (lambda x: x - x.mean(0), lambda x, dy: dy), X),
    ("coupling", (lambda x: x / x.sum(1, keepdims=True), lambda x, dy: dy / x.sum(1, keepdims=True)), POSITIVE),
    ("coupling", (layer_norm, lambda x, dy: dy / np.sqrt(x.var(1, keepdims=True) + 1e-5)), X),
    ("count", (lambda x: x.mean(1), lambda x, dy: np.repeat(dy[:, None], 6, 1)), X),
    ("count", (lambda x: x.sum(1), lambda x, dy: np.repeat(dy[:, None], 6, 1) / 6), X),
    ("count", (lambda x: x.mean((2, 3)), lambda x, dy: np.broadcast_to(dy[:, :, None, None], x.shape)), MAPS),
    ("transposed", (lambda x: x.T, lambda x, dy: dy), SQUARE),
    ("misplaced", (lambda x: np.roll(x, 1, 1), lambda x, dy: np.roll(dy, 1, 1)), X),
    ("misplaced", (lambda x: x.reshape(2, -1), lambda x, dy: dy.reshape(x.shape, order="F")), MAPS),
    ("axis", (lambda x: x.sum(1), lambda x, dy: dy), X),
    ("overlap", (lambda x: x + np.tanh(x), lambda x, dy: dy * (1 - np.tanh(x) ** 2)), X),
    ("clipped", (lambda x: 3 * x, lambda x, dy: np.clip(3 * dy, -2, 2)), X),
    ("clipped", (lambda x: 3 * x, lambda x, dy: 3 * dy / np.linalg.norm(dy)), X),
    ("float32", (np.square, lambda x, dy: (2 * x * dy).astype(np.float32)), X),
    ("float32", (lambda x: np.exp(x).astype(np.float32), lambda x, dy: dy * np.exp(x)), X),
    ("overflow", (softmax, lambda x, dy: softmax(x) * (dy - (dy * softmax(x)).sum(1, keepdims=True))), X),
    ("overflow", (lambda x: np.log1p(np.exp(x)), lambda x, dy: dy * sigmoid(x)), X),
    ("transposed", weighted(lambda x, w, dy: dy @ w, lambda x, w, dy: x.T @ dy), X, SQUARE),
    ("transposed", weighted(lambda x, w, dy: dy @ w.T, lambda x, w, dy: dy.T @ x), X, W),
    ("extra", weighted(lambda x, w, dy: dy @ w.T, lambda x, w, dy: x.T @ dy + 0.1 * w), X, W),
    ("count", weighted(lambda x, w, dy: dy @ w.T, lambda x, w, dy: x.T @ dy / len(x)), X, W),
    *CONV,
    # products and denominators
    ("overlap", (lambda x: x * sigmoid(x), lambda x, dy: dy * sigmoid(x)), X),
    ("overlap", (lambda x: x * sigmoid(x), lambda x, dy: dy * x * sigmoid(x) * (1 - sigmoid(x))), X),
    ("coupling", (lambda x: x / norm(x), lambda x, dy: dy / norm(x)), X),
    ("coupling", (unit, lambda v, dy: dy / np.linalg.norm(v, axis=0)), W),
    ("coupling", (weighted_unit, weighted_unit_backward), X, W),
    ("coupling", (lambda x: x / energy(x), lambda x, dy: dy / energy(x)), MAPS),
    ("coupling", (log_softmax, lambda x, dy: dy * (1 - softmax(x))), X),
    ("factor", (lambda x: norm(x)[:, 0], lambda x, dy: dy[:, None] * x), X),
    ("factor", (lambda x: softmax(x / 3), lambda x, dy: softmax_backward(x / 3, dy)), X),
    ("factor", (np.sqrt, lambda x, dy: dy / np.sqrt(x)), POSITIVE),
    # dy
    ("chain", (log_softmax, lambda x, dy: dy - softmax(x)), X),
    ("chain", (np.tanh, lambda x: 1 - np.tanh(x) ** 2), X),
    ("chain", (lambda x, gain: x * gain, lambda x, gain, dy: (dy * gain, dy.sum(0))), X, VECTOR),
    ("mask", (lambda x: np.maximum(x, 0), lambda x, dy: dy * (dy > 0)), X),
    ("mask", (np.abs, lambda x, dy: dy), X),
    ("mask", (lambda x: np.clip(x, -1, 1), lambda x, dy: dy * (np.abs(x) >= 1)), 2 * X),
    # places
    ("misplaced", (lambda x: joined(x[:, :2], 2 * x[:, 2:]), lambda x, dy: joined(dy[:, 4:], 2 * dy[:, :4])), X),
    ("misplaced", (lambda x: np.pad(x, BORDER), lambda x, dy: dy[:, :, :-2, :-2]), MAPS),
    ("misplaced", (lambda x: x[:, [2, 0, 1, 5, 3, 4]], lambda x, dy: dy[:, [2, 0, 1, 5, 3, 4]]), X),
    ("misplaced", (lambda a, b: a * b, lambda a, b, dy: (dy * a, dy * b)), X, X[::-1] + 1),
    ("transposed", (lambda x: np.cumsum(x, 1), lambda x, dy: np.cumsum(dy, 1)), X),
    ("transposed", (lambda a, b: a @ b, lambda a, b, dy: (dy @ b, a @ dy)), SQUARE, SQUARE[::-1] + 1),
    ("axis", (lambda x, b: x + b, lambda x, b, dy: (dy, dy.sum(1))), SQUARE, VECTOR),
    ("overlap", (lambda x: x.repeat(2, 2).repeat(2, 3), lambda x, dy: dy[:, :, ::2, ::2]), MAPS),
    ("overlap", (lambda w: w[[0, 2, 2, 1]], lambda w, dy: np.stack([dy[0], dy[3], dy[2], 0 * dy[0], 0 * dy[0]])), X),
    ("missing", (np.square, lambda x, dy: 2 * x * dy * (np.arange(6) < 5)), X),
    ("point", normalised(lambda x, y, dy: (dy * x).sum(0)), X, VECTOR),
    ("point", normalised(lambda x, y, dy: (dy * y).sum(0)), X, VECTOR),
    ("mask", (lambda x: x * (np.cos(9 * LINE) > 0) / 0.7, lambda x, dy: dy), X),
    ("misplaced", (pairs, lambda x, dy: pairs_backward(x, dy, 1)), MAPS[:, :, :, :4]),
    # used twice in one product
    ("overlap", lambda x: (x @ SQUARE @ x, SQUARE @ x), VECTOR),
    ("overlap", lambda x: (x @ SQUARE @ x, 2 * SQUARE @ x), VECTOR),
    ("overlap", (lambda f: f @ f.T / f.size, lambda f, dy: dy @ f / f.size), X),
    ("overlap", (lambda a: a @ a, lambda a, dy: dy @ a.T), SQUARE),
    # losses and averages
    ("misplaced", (cross_entropy, cross_entropy_gradient(lambda p, o: p - np.roll(o, 1, 1))), X, LABELS),
    ("missing", (cross_entropy, cross_entropy_gradient(lambda p, o: p)), X, LABELS),
    ("mask", (cross_entropy, cross_entropy_gradient(lambda p, o: p - 1)), X, LABELS),
    ("chain", (cross_entropy, lambda x, t: (x - np.eye(6)[t]) / len(x)), X, LABELS),
    ("count", (lambda x, t: np.mean((x - t) ** 2), lambda x, t: 2 * (x - t) / len(x)), X, X[::-1] + 1),
    ("sign", (lambda x, t: np.mean(np.logaddexp(0, x) - t * x), lambda x, t: (t - sigmoid(x)) / x.size), X, X > 0),
    ("mask", (lambda x, t: np.maximum(0, 1 - t * x).sum(), lambda x, t: -t), X, np.sign(X[::-1])),
    ("count", (lambda x, b: x + b, lambda x, b, dy: (dy, dy.mean(0))), X, VECTOR),
    ("count", (lambda x: x.repeat(3, 2), lambda x, dy: dy.reshape(2, 3, 4, 3, 5).mean(3)), MAPS),
    ("overflow", (lambda x: np.logaddexp(0, x), lambda x, dy: dy * np.exp(x) / (1 + np.exp(x))), X),
    ("float32", (np.square, lambda x, dy: (2 * x * dy).astype(np.float16)), X),
]  # fmt: skip


@functools.cache
def report(number):
    _, thing, *inputs = MISTAKES[number]
    return check_gradients(thing, *inputs)


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_caught(number):
    assert not report(number) and report(number).guess.family in FAMILIES, report(number)


def test_most_are_named():
    guesses = [(family, report(number).guess.family) for number, (family, *_) in enumerate(MISTAKES)]
    right = sum(family == guess for family, guess in guesses)
    assert right >= 0.9 * len(MISTAKES), [pair for pair in guesses if pair[0] != pair[1]]


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        ((np.square, lambda x, dy: 2.0001 * x * dy), "constant factor"),
        ((np.square, lambda x, dy: 2 * x * dy + (x < 0)), "exactly where x is negative"),
        ((np.square, lambda x, dy: 2 * x * dy * (1 + (np.arange(6) == 4) * np.abs(x))), "exactly at index 4 of axis 1"),
    ],
)
def test_what_no_mistake_explains_is_located(thing, says):
    assert says in " ".join(str(check_gradients(thing, X)).split())


@pytest.mark.parametrize(
    ("gradient", "says"),
    [
        (lambda x: x, "exactly where x is further from 0 than 0.8"),
        (lambda x: np.clip(x, -1, None), "exactly where x is above 0.8"),
        (lambda x: np.clip(x, None, 1), "exactly where x is below -0.8"),
    ],
)
def test_where_values_are_wrong_beyond_a_limit(gradient, says):
    x = np.array([[-2, -1.5, -1.2, -0.9, 0.3], [0.9, -0.4, 2, 1.5, 1.2]])
    huber = lambda x: np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)  # noqa: E731
    assert says in " ".join(str(check_gradients((lambda x: huber(x).sum(), gradient), x)).split())


def test_one_number_has_no_constant_factor():
    """Any two numbers have a ratio: that of one parameter must be the same for another dy before it is a guess."""

    def checked(dslope):
        return check_gradients(
            (lambda x, a: np.where(x > 0, x, a * x), lambda x, a, dy: (dy * np.where(x > 0, 1, a), dslope(x, dy))),
            X,
            np.array(0.3),
        )

    assert checked(lambda x, dy: np.array((dy * x * (x <= 0)).sum()))
    assert checked(lambda x, dy: np.array(3 * (dy * x * (x <= 0)).sum())).guess.family == "factor"
    assert checked(lambda x, dy: np.array((dy * x).sum())).guess.family == "unknown"


def test_a_factor_two_is_not_the_batch_size_two():
    pair = X[:2]
    twice = check_gradients((np.square, lambda x, dy: 4 * x * dy), pair)
    summed = check_gradients((lambda x: np.square(x) / len(x), lambda x, dy: 2 * x * dy), pair)
    assert twice.guess.family == "factor" and summed.guess.family == "count"
    assert "N = 2 rows" in " ".join(summed.guess.seen.split())
