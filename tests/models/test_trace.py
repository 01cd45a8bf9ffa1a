"""The chain of factors on the page: equal to backward, to figures published by somebody else, and readable."""

import numpy as np
import pytest

from nnbasics import ELU, Conv2d, Identity, LeakyReLU, Linear, ReLU, Sequential, Sigmoid, SquaredErrorLoss, Tanh
from nnbasics.errors import UserError
from nnbasics.models import MLP, Trace


@pytest.fixture
def board():
    """The network of M. Mazur's "A step by step backpropagation example", 2015: two inputs, two hidden, two outputs."""
    net = MLP((2, 2, 2))
    for key, values in {
        "fc1.weight": [[0.15, 0.20], [0.25, 0.30]],
        "fc1.bias": [0.35, 0.35],
        "fc2.weight": [[0.40, 0.45], [0.50, 0.55]],
        "fc2.bias": [0.60, 0.60],
    }.items():
        net.params[key] = np.array(values)
    return Trace(net, [0.05, 0.10], [0.01, 0.99])


def test_the_published_figures(board):
    """Its w5 is our w35, its w1 our w13; one step of 0.5."""
    assert board.error == pytest.approx(0.298371109, abs=1e-9)
    assert board.weight(3, 5).value == pytest.approx(0.082167041, abs=1e-9)
    assert board.weight(1, 3).value == pytest.approx(0.000438568, abs=1e-9)
    for (i, j), new in {
        (3, 5): 0.35891648,
        (4, 5): 0.408666186,
        (3, 6): 0.511301270,
        (4, 6): 0.561370121,
        (1, 3): 0.149780716,
        (2, 3): 0.19956143,
        (1, 4): 0.24975114,
        (2, 4): 0.29950229,
    }.items():
        chain = board.weight(i, j)
        assert chain.weight - 0.5 * chain.value == pytest.approx(new, abs=1e-8)


def test_the_page(board):
    assert str(board.weight(3, 5)).splitlines() == [
        "dE/dw35 = (o5 - t5) * o5 (1 - o5) * h3",
        "        = (0.751365 - 0.01) * 0.751365 (1 - 0.751365) * 0.59327",
        "        = 0.0821670406     backward: 0.0821670406",
    ]
    assert str(board.weight(1, 3)).splitlines()[:1] == [
        "dE/dw13 = [(o5 - t5) * o5 (1 - o5) * w35 + (o6 - t6) * o6 (1 - o6) * w36] * h3 (1 - h3) * i1",
    ]
    assert board.weight(3, 5).step(0.5) == "w35 := w35 - r dE/dw35 = 0.4 - 0.5 * 0.082167 = 0.35891648"
    assert board.bias(5).symbols == "(o5 - t5) * o5 (1 - o5)"
    assert str(board).startswith("E = 0.298371109\ni1 = 0.05\n")
    assert str(board).count("dE/d") == 8


def evaluated(text):
    """A page's line of numbers worked out: "a (1 - a)" is a product."""
    for written, meant in [(" (1 -", " * (1 -"), ("* * (", "* ("), ("^", "**"), ("[", "("), ("]", ")")]:
        text = text.replace(written, meant)
    return eval(text)


@pytest.mark.parametrize(
    ("sizes", "activation", "output"),
    [
        ((2, 2, 2), Sigmoid, None),
        ((3, 4, 2), lambda: Sigmoid(slope=2.5), None),
        ((3, 4, 4, 1), Tanh, Identity),
        ((2, 3, 3, 2), ReLU, Sigmoid),
        ((2, 3, 2), LeakyReLU, ELU),
        ((3, 2), Sigmoid, None),
    ],
)
def test_every_weight_and_bias_equals_backward(rng, sizes, activation, output):
    net = MLP(sizes, activation, output, rng=1)
    x, target = rng.standard_normal(sizes[0]), rng.standard_normal(sizes[-1])
    trace = Trace(net, x, target)
    loss = SquaredErrorLoss()
    assert trace.error == loss.forward(net.forward(x[None]), target[None])
    net.backward(loss.backward())
    chains = trace.weights()
    assert len(chains) == net.counts().weights
    grads = np.concatenate([net.grads[f"fc{i}.weight"].T.ravel() for i in range(1, len(sizes))])
    np.testing.assert_allclose([chain.value for chain in chains], grads, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose([chain.backward for chain in chains], grads, rtol=1e-12)
    np.testing.assert_allclose([evaluated(c.numbers) for c in chains], grads, rtol=2e-3, atol=1e-5)
    biases = [trace.bias(j) for j in range(sizes[0] + 1, 1 + sum(sizes))]
    expected = np.concatenate([net.grads[f"fc{i}.bias"] for i in range(1, len(sizes))])
    np.testing.assert_allclose([chain.value for chain in biases], expected, rtol=1e-12, atol=1e-12)


def test_a_difference_quotient_agrees(board, rng):
    net, x, target = MLP((2, 3, 2), rng=4), rng.standard_normal(2), rng.standard_normal(2)
    for key in list(net.params):
        net.params[key] = net.params[key].astype(np.float64)
    value, h = Trace(net, x, target).weight(1, 4).value, 1e-6
    errors = []
    for sign in (1, -1):
        net.params["fc1.weight"][1, 0] += sign * h
        errors.append(Trace(net, x, target).error)
        net.params["fc1.weight"][1, 0] -= sign * h
    assert value == pytest.approx((errors[0] - errors[1]) / (2 * h), rel=1e-6)


def test_the_trace_stays_when_training_goes_on(board, rng):
    net = MLP((2, 2, 1), rng=0)
    trace = Trace(net, [1, 2], [0])
    before = str(trace)
    for key in net.params:
        net.params[key] += 1
    net.forward(rng.standard_normal((3, 2)))
    net.backward(np.ones((3, 1)))
    assert str(trace) == before


def test_a_chain_of_linear_layers_without_activation(rng):
    trace = Trace(Sequential(Linear(2, 2, bias=False, rng=0), Linear(2, 1, rng=1)), [1.0, -2], [0.5])
    assert trace.weight(1, 3).symbols == "(o5 - t5) * w35 * i1"
    assert "* (-2)" in trace.weight(2, 3).numbers
    with pytest.raises(UserError, match="h3 has no bias"):
        trace.bias(3)


def test_large_numbers_are_kept_apart():
    trace = Trace(MLP((3, 8, 1), rng=0), [1, 2, 3], [0])
    assert trace.weight(4, 12).name == "w4,12"


def test_the_drawing_has_every_number(board):
    figure = board.draw(highlight=(1, 3))
    texts = [text.get_text() for text in figure.axes[0].texts]
    for i, j in [(1, 3), (1, 4), (2, 3), (2, 4), (3, 5), (3, 6), (4, 5), (4, 6)]:
        chain = board.weight(i, j)
        assert f"{chain.name} = {chain.weight:.4g}\n{chain.value:.3g}" in texts
    assert {"i1\n0.05", "o5\n0.7514", "t5 = 0.01"} <= set(texts)
    red = [line for line in figure.axes[0].lines if line.get_color() == "tab:red"]
    assert len(red) == 3  # w13, then w35 and w36: both paths
    figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda trace: trace.weight(1, 5), "no weight leads from i1 to o5; from i1: w13, w14"),
        (lambda trace: trace.weight(5, 1), "from o5: nothing"),
        (lambda trace: trace.weight(0, 3), "no neuron 0; they are 1 to 6"),
        (lambda trace: trace.bias(1), "i1 has no bias"),
        (lambda trace: Trace(MLP((2, 2)), [1, 2, 3], [1, 2]), r"x has shape \(3,\); one of shape \(2,\)"),
        (lambda trace: Trace(MLP((2, 2)), [1, 2], [1]), "target has shape"),
        (lambda trace: Trace(Sequential(Conv2d(1, 1, 1)), [1], [1]), "Conv2d.*cannot be traced"),
        (lambda trace: Trace(Sequential(ReLU(), Linear(2, 2)), [1, 2], [1, 2]), "ReLU.*cannot be traced"),
        (lambda trace: Trace(Sequential(Linear(2, 2), ReLU(), Tanh()), [1, 2], [1, 2]), "Tanh.*cannot be traced"),
        (lambda trace: Trace(ReLU(), [1], [1]), "an MLP for example"),
        (lambda trace: Trace(MLP((50, 50)), np.ones(50), np.ones(50)), "at most 60"),
        (lambda trace: Trace(MLP((2, 2)).freeze(), [1, 2], [1, 2]), "frozen"),
    ],
)
def test_refused(board, call, message):
    with pytest.raises(UserError, match=message):
        call(board)
