"""Exercises of 05-sigmoid-and-relu."""

import numpy as np

from nnbasics import LeakyReLU
from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import choice, function, layer, number, whole


def second(x, a):
    sigma = 1 / (1 + np.exp(-a * x))
    return a**2 * sigma * (1 - sigma) * (1 - 2 * sigma)


def _by_tanh(x, a):
    """The same without a sigmoid: sigma = (1 + tanh(a x / 2)) / 2."""
    t = np.tanh(a * x / 2)
    return -(a**2) * t * (1 - t**2) / 4


def _first(x, a):
    sigma = 1 / (1 + np.exp(-a * x))
    return a * sigma * (1 - sigma)


def _one_a(x, a):
    return second(x, a) / a


def _without_a(x, a):
    return second(x, a) / a**2


def _without_product(x, a):
    sigma = 1 / (1 + np.exp(-a * x))
    return a**2 * (1 - 2 * sigma)


class Leaky:
    def __init__(self, slope):
        self.slope = slope

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, dy):
        return np.where(self.x > 0, 1, self.slope) * dy


class _NotLeaky(Leaky):
    def backward(self, dy):
        return np.where(self.x > 0, 1, 0) * dy


class _BySignOfDy(Leaky):
    def backward(self, dy):
        return np.where(dy > 0, 1, self.slope) * dy


class _Reversed(Leaky):
    def forward(self, x):
        self.x = x
        return np.where(x > 0, self.slope * x, x)


class _WithoutDy(Leaky):
    def backward(self, dy):
        return np.where(self.x > 0, 1, self.slope)


EXERCISES = [
    Exercise(
        name="05-sigmoid-and-relu/steepest",
        question="What is the largest slope of the sigmoid 1 / (1 + e^(-a x)) with a = 6?",
        mark=number(
            1.5,
            [
                (0.25, "That is the slope for a = 1; here a is 6."),
                (6, "That is a alone: at x = 0 it is multiplied by sigma (1 - sigma) = 1/2 * 1/2."),
                (0.5, "That is the value at 0, not the slope."),
                (9, "That is a^2 / 4; a comes into the first derivative once."),
            ],
        ),
        hints=["The slope is a sigma (1 - sigma).", "sigma (1 - sigma) is largest where sigma = 1/2, at x = 0."],
        answer=1.5,
        why="a sigma (1 - sigma) = 6 * 1/2 * 1/2 = 6/4. Above 1, but only near 0: at x = 1 it is 0.015.",
        wrong=[(0.25, "for a = 1"), (6, "a alone"), (0.5, "value at 0"), (3, "twice as much")],
    ),
    Exercise(
        name="05-sigmoid-and-relu/layers",
        question=(
            "After how many sigmoids in a row (a = 1, no weights between them) is a gradient certainly below a "
            "millionth of what it was?"
        ),
        mark=whole(
            10,
            [
                (20, "That is for a factor of 1/2 in each; the sigmoid's slope is at most 1/4."),
                (6, "That is for a factor of 1/10 in each; the sigmoid's slope is at most 1/4."),
                (250000, "A fixed amount is not taken away each time: it is multiplied by 1/4, and again by 1/4."),
            ],
        ),
        hints=["Each lets at most 1/4 pass, n of them (1/4)^n.", "4^n has to be above 1,000,000: try 4^5 = 1024."],
        answer=10,
        why="4^9 = 262,144 is not enough, 4^10 = 1,048,576 is.",
        wrong=[(20, "factor of 1/2"), (9, "off by one"), (6, "factor of 1/10"), (9.97, "not a whole number")],
    ),
    Exercise(
        name="05-sigmoid-and-relu/second",
        question="Write the second derivative of the sigmoid as a function of x (an array) and a.",
        mark=function(
            _by_tanh,
            [(np.array([-1.0, 0.0, 0.5, 2.0]), 1.0), (np.array([-1.0, 0.0, 0.5, 2.0]), 3.0), (np.array([0.25]), 0.5)],
            [
                (_first, "That is the first derivative."),
                (_one_a, "One a is missing: differentiating a sigma (1 - sigma) brings a second one out of sigma'."),
                (_without_a, "a is missing: each of the two derivatives brings one."),
                (
                    _without_product,
                    "(1 - 2 sigma) is right; it is multiplied by sigma', and that has sigma (1 - sigma).",
                ),
            ],
        ),
        hints=[
            "Differentiate a sigma (1 - sigma) = a (sigma - sigma^2) once more.",
            "That is a (sigma' - 2 sigma sigma') = a sigma' (1 - 2 sigma). What is sigma'?",
        ],
        answer=second,
        why=(
            "a (1 - 2 sigma) sigma' with sigma' = a sigma (1 - sigma). 1 - 2 sigma changes its sign at x = 0, "
            "where sigma = 1/2: convex before, concave behind."
        ),
        wrong=[
            (_first, "first derivative"),
            (_one_a, "One a is missing"),
            (_without_a, "a is missing"),
            (_without_product, "(1 - 2 sigma) is right"),
            (lambda x, a: -second(x, a), "your function gives"),
        ],
    ),
    Exercise(
        name="05-sigmoid-and-relu/leaky",
        question=(
            "Write a leaky ReLU as a layer: `Leaky(slope)` with `forward(x)` and `backward(dy)`. It lets x through "
            "where it is positive, and slope * x where not."
        ),
        mark=layer(
            lambda cls: cls(0.2),
            np.array([[-1.5, 0.4, 2.0], [0.7, -0.3, -4.0]]),
            oracle=lambda one, x: LeakyReLU(0.2).forward(x),
        ),
        hints=[
            "`np.where(x > 0, x, ...)` chooses for every number. backward needs x too, so keep it: `self.x = x`.",
            "backward multiplies dy by the slope at x: 1 where `self.x > 0`, `self.slope` elsewhere.",
        ],
        answer=Leaky,
        why="dx = dy times the slope of the curve at the x of the last forward; dy itself may have any sign.",
        wrong=[
            (_NotLeaky, "mask"),
            (_BySignOfDy, "mask"),
            (_Reversed, "forward is not right"),
            (_WithoutDy, "multiplied by dy"),
        ],
    ),
    Exercise(
        name="05-sigmoid-and-relu/dead",
        question=(
            "A ReLU neuron is negative for every training example. Why does further training not bring it back? (a) "
            "Its weights have become too large for float32. (b) The slope is 0 for every example, so its weights get "
            "the gradient 0 and stay as they are. (c) The learning rate is too small by now. (d) The layers after it "
            "have learned to ignore it, but one more epoch would."
        ),
        mark=choice(
            "b",
            {
                "a": "They may be quite ordinary; a bias that fell far below 0 is enough.",
                "c": "The rate multiplies the gradient, and 0 times any rate is 0.",
                "d": "Whatever comes from the layers after it is multiplied by the slope of this neuron, 0.",
            },
        ),
        hints=["What is dE/dw of a weight that leads into it?", "It has the factor ReLU'(s), with s < 0 always."],
        answer="b",
        why=(
            "dE/dw = dE/dout * ReLU'(s) * input, and the factor in the middle is 0 for every example. It can still be "
            "woken if the layers before it change what they send. A leaky ReLU has no such factor."
        ),
        wrong=[("a", "quite ordinary"), ("c", "0 times any rate"), ("d", "multiplied by the slope")],
    ),
]
