"""Exercises of 04-gradient-descent."""

import itertools
import math

import numpy as np

from nnbasics import SGD
from nnbasics.optimizers import descend as library_descend
from nnbasics.testing.exercises.attempt import Exercise, Wrong
from nnbasics.testing.exercises.marking import as_array, choice, function, number, whole


def descend(gradient, x, lr, steps):
    for _ in range(steps):
        x = x - lr * gradient(x)
    return x


def _uphill(gradient, x, lr, steps):
    return descend(gradient, x, -lr, steps)


def _once(gradient, x, lr, steps):
    return descend(gradient, x, lr, 1)


def _from_the_start(gradient, x, lr, steps):
    return x - steps * lr * gradient(x)


def _in_place(gradient, x, lr, steps):
    for _ in range(steps):
        x -= lr * gradient(x)
    return x


def _without_rate(gradient, x, lr, steps):
    return descend(gradient, x, 1, steps)


def _by_the_library(gradient, x, lr, steps):
    walk = library_descend(lambda x: (0.0, gradient(x)), x, SGD(lr=lr))
    return next(itertools.islice(walk, steps, None)).x


def bowl(x):
    return np.array([1.0, 4.0]) * x


def valley(x):
    return np.array([np.tanh(x[0]) + 0.5 * x[1], x[1] + 0.5 * np.sin(x[0])])


def _along_the_contour(answer):
    """Any vector at right angles to the gradient (8, 3) is right, except none."""
    a = as_array(answer).ravel()
    if a.shape != (2,):
        raise Wrong(f"Two numbers were expected, a direction in the plane; this has the shape {a.shape}.")
    if not a.any():
        raise Wrong("(0, 0) is at right angles to everything, and no direction.")
    if math.isclose(8 * a[1], 3 * a[0]):
        raise Wrong("That is the gradient, or against it: straight up or down. The contour lies at right angles to it.")
    if math.isclose(8 * a[0], 3 * a[1]):
        raise Wrong("The numbers are exchanged, but neither has changed its sign: the inner product is not 0.")
    if abs(8 * a[0] + 3 * a[1]) > 1e-6 * np.abs(a).max():
        raise Wrong(f"Its inner product with the gradient is {8 * a[0] + 3 * a[1]:g}; along a contour it is 0.")


EXERCISES = [
    Exercise(
        name="04-gradient-descent/contour",
        question=(
            "f(x, y) = x² + 3 x y. In which direction does the contour line run at (1, 2)? Give two numbers, of any "
            "length."
        ),
        mark=_along_the_contour,
        hints=[
            "The gradient first: f_x = 2 x + 3 y and f_y = 3 x.",
            "At (1, 2) it is (8, 3). Which (a, b) has 8 a + 3 b = 0?",
        ],
        answer=[3, -8],
        why="The gradient is (8, 3), and (f_y, -f_x) = (3, -8) is at right angles to it, as is every multiple.",
        wrong=[
            ([8, 3], "straight up or down"),
            ([-8, -3], "straight up or down"),
            ([3, 8], "exchanged"),
            ([0, 0], "no direction"),
            ([1, -2], "inner product with the gradient is 2"),
            (5, "Two numbers"),
        ],
    ),
    Exercise(
        name="04-gradient-descent/largest-rate",
        question=(
            "f(x, y) = ½ (x² + 25 y²). Below which learning rate does gradient descent come nearer to the minimum, "
            "wherever it starts?"
        ),
        mark=number(
            0.08,
            [
                (2, "That is the bound for x, whose curvature is 1. y diverges far below it."),
                (
                    0.04,
                    "That rate brings y to 0 in one step; up to twice of it y still comes nearer, from side to side.",
                ),
                (50, "The curvature belongs under the line."),
                (2 / 26, "The curvatures are not added: x and y walk independently, and the steepest decides."),
                (0.4, "25 is the curvature already, the factor of y in f_y; its root is not taken."),
            ],
        ),
        hints=[
            "One step: x becomes (1 - r) x. What does y become?",
            "y becomes (1 - 25 r) y, and comes nearer as long as |1 - 25 r| < 1.",
        ],
        answer=0.08,
        why=(
            "|1 - 25 r| < 1 means 0 < r < 2/25: two over the largest curvature. And with such a rate x shrinks by no "
            "more than 8% a step: the steepest direction sets the rate, the flattest needs the time."
        ),
        wrong=[(2, "diverges far below"), (0.04, "from side to side"), (50, "under the line"), (0.4, "root")],
    ),
    Exercise(
        name="04-gradient-descent/descend",
        question=(
            "Write gradient descent: `descend(gradient, x, lr, steps)` returns where it is after so many steps. "
            "`gradient` is a function, and the caller's x should stay as it is."
        ),
        mark=function(
            _by_the_library,
            [
                (bowl, np.array([1.0, 1.0]), 0.1, 1),
                (bowl, np.array([1.0, -2.0]), 0.1, 3),
                (valley, np.array([2.0, 0.0]), 0.05, 20),
            ],
            [
                (_uphill, "It walks uphill: the gradient points to where f grows; a step goes against it."),
                (_once, "It takes one step, whatever `steps` is."),
                (_from_the_start, "The gradient is taken once, at the start. After a step it has another value."),
                (_without_rate, "The learning rate is missing."),
            ],
        ),
        hints=[
            "A loop, and one line in it.",
            "`x = x - lr * gradient(x)`; `x -= ...` would write into the caller's array.",
        ],
        answer=descend,
        why="Each step asks for the slope where it stands, and goes a little against it.",
        wrong=[
            (_uphill, "uphill"),
            (_once, "one step"),
            (_from_the_start, "once, at the start"),
            (_without_rate, "rate is missing"),
            (_in_place, "writes to an array"),
        ],
    ),
    Exercise(
        name="04-gradient-descent/which-point",
        question=(
            "f(x, y) = x² - 4 x y + y² has the gradient (0, 0) at the origin. What is there?\n"
            "(a) A minimum: f rises along x and along y.\n"
            "(b) A saddle.\n"
            "(c) A maximum.\n"
            "(d) That cannot be told from second derivatives."
        ),
        mark=choice(
            "b",
            {
                "a": "Along both axes it rises, yes. There are other directions: look along x = y.",
                "c": "Along the x axis f = x², which rises.",
                "d": "It could not if an eigenvalue were 0; here none is.",
            },
        ),
        hints=[
            "What is f along the line y = x?",
            "f(x, x) = -2 x². And the matrix of second derivatives, [[2, -4], [-4, 2]], has the eigenvalues 6 and ...",
        ],
        answer="b",
        why=(
            "Along the axes f rises, along y = x it is -2 x² and falls. The eigenvalues of [[2, -4], [-4, 2]] are 6 "
            "and -2, one of each sign: a saddle, though a look along the axes shows a minimum. So ask the "
            "eigenvalues."
        ),
        wrong=[("a", "look along x = y"), ("c", "rises"), ("d", "none is"), ("x", "Choose one of")],
    ),
    Exercise(
        name="04-gradient-descent/escape",
        question=(
            "f(x, y) = ½ (x² - y²) falls without end along y. Gradient descent with the rate 0.1 starts at y = "
            "0.000001, a millionth beside the saddle. After how many steps is |y| > 1 for the first time?"
        ),
        mark=whole(
            145,
            [
                (10_000_000, "So many it would be if each step were as long as the first. Steps grow with y."),
                (132, "The minus signs: y := y - 0.1 * (-y) = 1.1 y, not y / 0.9."),
                (14, "That is the natural logarithm of a million; the factor of a step is 1.1, not e."),
                (6, "That would be with the factor 10 in each step."),
            ],
        ),
        hints=[
            "f_y = -y. What is y after one step?",
            "y becomes 1.1 y, so after n steps 0.000001 * 1.1^n. When does that pass 1?",
            "n > ln(1000000) / ln(1.1).",
        ],
        answer=145,
        why=(
            "ln(10⁶) / ln 1.1 = 144.95. A start a million times nearer costs 145 steps more, not a million times as "
            "many: a saddle holds nobody for ever who is not exactly on its ridge, but it holds long."
        ),
        wrong=[
            (10_000_000, "Steps grow"),
            (144, "off by one"),
            (132, "1.1 y"),
            (14.5, "not a whole"),
            (6, "factor 10"),
        ],
    ),
]
