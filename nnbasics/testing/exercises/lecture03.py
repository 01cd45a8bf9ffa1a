"""Exercises of 03-backpropagation. The network in numbers is that of the lecture."""

import numpy as np

from nnbasics import Sigmoid, SquaredErrorLoss
from nnbasics.models import MLP
from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import function, layer, number


def gradient(x, t, W1, b1, W2, b2):
    h = 1 / (1 + np.exp(-(W1 @ x + b1)))
    o = 1 / (1 + np.exp(-(W2 @ h + b2)))
    do = (o - t) * o * (1 - o)
    dh = (W2.T @ do) * h * (1 - h)
    return np.outer(dh, x)


def _walked(x, t, W1, b1, W2, b2, first=lambda o, t: o - t, bend=lambda h: h * (1 - h)):
    """As `gradient`, with the places at which students go wrong left open."""
    h = 1 / (1 + np.exp(-(W1 @ x + b1)))
    o = 1 / (1 + np.exp(-(W2 @ h + b2)))
    return np.outer((W2.T @ (first(o, t) * o * (1 - o))) * bend(h), x)


def _uphill(*network):
    return _walked(*network, first=lambda o, t: t - o)


def _as_printed(*network):
    return _walked(*network, first=lambda o, t: np.full_like(o, o[0] - t[0]))


def _without_bend(*network):
    return _walked(*network, bend=np.ones_like)


def _transposed(*network):
    return gradient(*network).T


def _by_the_library(x, t, W1, b1, W2, b2):
    net, loss = MLP((W1.shape[1], W1.shape[0], W2.shape[0]), rng="zeros"), SquaredErrorLoss()
    for name, value in {"fc1.weight": W1, "fc1.bias": b1, "fc2.weight": W2, "fc2.bias": b2}.items():
        net.params[name] = value
    loss.forward(net.forward(x[None]), t[None])
    net.backward(loss.backward())
    return net.grads["fc1.weight"]


def _case(seed, inputs, hidden, outputs):
    rng = np.random.default_rng(seed)
    shapes = [inputs, outputs, (hidden, inputs), hidden, (outputs, hidden), outputs]
    return tuple(rng.standard_normal(shape) for shape in shapes)


class SigmoidLayer:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dy):
        return dy * self.y * (1 - self.y)


class _OfTheInput(SigmoidLayer):
    def forward(self, x):
        self.x = x
        return super().forward(x)

    def backward(self, dy):
        return dy * self.x * (1 - self.x)


class _WithoutDy(SigmoidLayer):
    def backward(self, dy):
        return self.y * (1 - self.y)


class _Rising(SigmoidLayer):
    def forward(self, x):
        self.y = 1 / (1 + np.exp(x))
        return self.y


def _sigma(x):
    return 1 / (1 + np.exp(-x))


H3, H4 = _sigma(0.15 * 0.05 + 0.2 * 0.1 + 0.35), _sigma(0.25 * 0.05 + 0.3 * 0.1 + 0.35)
O5, O6 = _sigma(0.4 * H3 + 0.45 * H4 + 0.6), _sigma(0.5 * H3 + 0.55 * H4 + 0.6)
IN5, IN6 = (O5 - 0.01) * O5 * (1 - O5), (O6 - 0.99) * O6 * (1 - O6)  # dE/din of the outputs
BEHIND = H4 * (1 - H4) * 0.1  # what both paths from w24 share


EXERCISES = [
    Exercise(
        name="03-backpropagation/w45",
        question="In the lecture's network, what is dE/dw45?",
        mark=number(
            IN5 * H4,
            [
                (IN5 * H3, "That is dE/dw35. w45 leads from neuron 4: its last factor is h4."),
                ((O5 - 0.01) * H4, "o5 (1 - o5) is missing: the error goes back through the sigmoid of o5 first."),
                (IN6 * H4, "That is dE/dw46, with the error of o6; w45 leads to neuron 5."),
                (IN5, "That is (o5 - t5) o5 (1 - o5), which is dE/din5; one factor is still missing."),
            ],
            tolerance=1e-3,
        ),
        hints=[
            "As dE/dw35 = (o5 - t5) * o5 (1 - o5) * h3. Only one factor knows from where the weight comes.",
            "`trace.neurons[4].out` is h4, 0.596884.",
        ],
        answer=0.0826676,
        why="(o5 - t5) * o5 (1 - o5) * h4 = 0.741365 * 0.186816 * 0.596884; `trace.weight(4, 5)` prints it.",
        wrong=[(0.082167, "its last factor"), (-0.0826676, "sign"), (0.44251, "sigmoid of o5"), (0.138499, "din5")],
    ),
    Exercise(
        name="03-backpropagation/two-paths",
        question=("Now dE/dw24: it leads from i2 to h4, which reaches both outputs. Give it to three digits at least."),
        mark=number(
            (IN5 * 0.45 + IN6 * 0.55) * BEHIND,
            [
                (IN5 * 0.45 * BEHIND, "Only the path by o5 is in it; h4 reaches o6 as well, by w46."),
                (IN6 * 0.55 * BEHIND, "Only the path by o6 is in it; h4 reaches o5 as well, by w45."),
                ((IN5 * 0.45 + IN6 * 0.55) * BEHIND / 2, "That is dE/dw14: the last factor should be i2 = 0.1."),
                (
                    (IN5 * 0.45 + (O5 - 0.01) * O6 * (1 - O6) * 0.55) * BEHIND,
                    "That has (o5 - t5) in both paths, as the slide prints it. The second path is o6's.",
                ),
                (
                    (IN5 * 0.45 + IN6 * 0.55) * 0.1,
                    "h4 (1 - h4) is missing: the error also goes back through the sigmoid of h4.",
                ),
                ((IN5 * 0.4 + IN6 * 0.5) * H3 * (1 - H3) * 0.1, "That is dE/dw23, which leads to h3."),
            ],
            tolerance=5e-3,
        ),
        hints=[
            "A sum over two paths in brackets, and what they share behind it.",
            "[(o5 - t5) o5 (1 - o5) w45 + (o6 - t6) o6 (1 - o6) w46] * h4 (1 - h4) * i2.",
            "The first path gives 0.138499 * 0.45, the second -0.038098 * 0.55.",
        ],
        answer=0.000995425,
        why=(
            "[0.138499 * 0.45 - 0.038098 * 0.55] * 0.596884 * 0.403116 * 0.1 = 0.000995425. The two paths pull in "
            "opposite directions: o5 is too large and o6 too small, and h4 feeds both."
        ),
        wrong=[
            (0.0014996, "h4 reaches o6"),
            (-0.00050418, "h4 reaches o5"),
            (0.000497713, "i2 = 0.1"),
            (0.0032215, "as the slide prints"),
            (0.004137, "sigmoid of h4"),
            (-0.000995425, "sign"),
        ],
    ),
    Exercise(
        name="03-backpropagation/gradient",
        question=(
            "Write backpropagation for two layers of sigmoids: `gradient(x, t, W1, b1, W2, b2)` returns dE/dW1, a "
            "matrix of the shape of W1, for E = ½ Σ (t - o)². A row of W1 holds the weights of one hidden neuron."
        ),
        mark=function(
            _by_the_library,
            [_case(0, 1, 1, 1), _case(1, 2, 2, 2), _case(2, 3, 4, 2)],
            [
                (_uphill, "Every sign is wrong: dE/do is o - t. With t - o the step goes uphill."),
                (
                    _as_printed,
                    "The error of the first output is used for all of them, as on the slide. Each has its own.",
                ),
                (_without_bend, "h (1 - h) is missing: the error goes back through the hidden sigmoid, too."),
            ],
        ),
        hints=[
            "Forward first: h and o. Then from the back: what is dE/din for the outputs?",
            (
                "`do = (o - t) * o * (1 - o)`; then `dh = (W2.T @ do) * h * (1 - h)`: the sum over all outputs is the "
                "product."
            ),
            "dE/dw_ij = dh_j x_i for all i and j at once is `np.outer(dh, x)`.",
        ],
        answer=gradient,
        why=(
            "The column of W2 that belongs to a hidden neuron has the weights by which it reaches the outputs; W2.T "
            "@ do adds up the paths. So one product with the transposed matrix carries all errors back at once."
        ),
        wrong=[
            (_uphill, "goes uphill"),
            (_as_printed, "as on the slide"),
            (_without_bend, "h (1 - h) is missing"),
            (_transposed, "was expected"),
            (lambda x, t, W1, b1, W2, b2: W1 @ t @ x, "stops with ValueError"),
        ],
    ),
    Exercise(
        name="03-backpropagation/sigmoid-layer",
        question=(
            "Write a layer: a class with `forward(self, x)`, the sigmoid of every number in x, and `backward(self, "
            "dy)`, which takes dE/dy and returns dE/dx. Its gradient will be measured."
        ),
        mark=layer(
            lambda cls: cls(),
            np.array([[0.5, -1.0, 2.0], [-0.3, 0.1, 1.4]]),
            oracle=lambda _, x: Sigmoid().forward(x),
        ),
        hints=[
            "backward needs something that forward knew: keep it, `self.y = ...`.",
            "dE/dx = dE/dy * dy/dx, and dy/dx = y (1 - y), with y what came out.",
        ],
        answer=SigmoidLayer,
        why="backward multiplies what comes from behind by the layer's own slope: the chain rule, and all of it.",
        wrong=[
            (_OfTheInput, "WRONG: x"),
            (_WithoutDy, "the chain rule is not finished"),
            (_Rising, "forward is not right yet"),
            (SigmoidLayer(), "stops with TypeError"),
        ],
    ),
    Exercise(
        name="03-backpropagation/toy",
        question=(
            "The toy example with a loss: f = w x + b, x = 5, target 3, L = ½ (f - 3)². It starts at w = -2, b = 3, "
            "where f = -7. What is f after two steps of gradient descent with the rate 0.01?"
        ),
        mark=number(
            -2.476,
            [
                (
                    -1.8,
                    "The second step is as long as the first, as on the slide. (f - 3) is smaller now: steps shrink.",
                ),
                (-4.4, "That is f after one step."),
                (-12.876, "That went uphill: w := w - r dL/dw."),
                (-2.625, "The bias learns as well: dL/db = f - 3."),
            ],
            tolerance=1e-3,
        ),
        hints=[
            "dL/dw = (f - 3) x and dL/db = f - 3. After the first step w = -1.5, b = 3.1, f = -4.4.",
            "Each step adds -0.01 (f - 3) (x² + 1) to f: 26 hundredths of the way to 3.",
        ],
        answer=-2.476,
        why=(
            "f - 3 shrinks by the factor 1 - 0.01 (5² + 1²) = 0.74 with every step: -10, -7.4, -5.476. So f is -7, "
            "-4.4, -2.476, and comes ever nearer to 3."
        ),
        wrong=[
            (-1.8, "steps shrink"),
            (-4.4, "after one step"),
            (-2.625, "bias learns"),
            (2.476, "the sign is not"),
            (0, "too large"),
        ],
    ),
]
