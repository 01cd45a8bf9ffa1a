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
]


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


def test_a_factor_two_is_not_the_batch_size_two():
    pair = X[:2]
    twice = check_gradients((np.square, lambda x, dy: 4 * x * dy), pair)
    summed = check_gradients((lambda x: np.square(x) / len(x), lambda x, dy: 2 * x * dy), pair)
    assert twice.guess.family == "factor" and summed.guess.family == "count"
    assert "N = 2 rows" in " ".join(summed.guess.seen.split())
