"""Exercises of 01-perceptron."""

import numpy as np

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import array, choice, function, number, whole


def update(w, x, y, g):
    answer = 1 if w @ x > 0 else -1
    return w if answer == y else w + g * y * x


def _always(w, x, y, g):
    return w + g * y * x


def _by_the_answer(w, x, y, g):
    answer = 1 if w @ x > 0 else -1
    return w if answer == y else w + g * answer * x


def _without_label(w, x, y, g):
    return update(w, x, y, g) if y == 1 else w + (w @ x > 0) * g * x


def _in_place(w, x, y, g):
    if (1 if w @ x > 0 else -1) != y:
        w += g * y * x
    return w


EXERCISES = [
    Exercise(
        name="01-perceptron/score",
        question="w = (1, 2, -1), and a point lies at x1 = 3, x2 = 4. What is its score S?",
        mark=number(
            3,
            [
                (2, "That is w1 x1 + w2 x2: the bias w0 is missing. It is multiplied by x0 = 1."),
                (7, "w0 and w1 have been taken for the weights of x1 and x2. The first weight is the bias."),
                (11, "The sign of w2 got lost: it is -1."),
            ],
        ),
        hints=[
            "S = w . x, with x0 = 1 put in front of the point.",
            "S = w0 * 1 + w1 * x1 + w2 * x2, three products.",
        ],
        answer=3,
        why="S = 1 * 1 + 2 * 3 + (-1) * 4 = 3, above 0, so the answer is y = +1.",
        wrong=[(2, "bias"), (11, "sign of w2"), (-3, "the sign is not"), (5, "too large"), ("three", "something else")],
    ),
    Exercise(
        name="01-perceptron/update",
        question=(
            "w = (0.5, 1, -2), the learning rate is g = 0.1, and the point (2, 3) has the label +1. What are the "
            "weights after it has been shown? Give three numbers."
        ),
        mark=array(
            [0.6, 1.2, -1.7],
            [
                ([0.5, 1.2, -1.7], "The bias w0 learns as well: its input is x0 = 1."),
                ([0.4, 0.8, -2.3], "That is a step away from the label: y is +1 here."),
                ([1.5, 3, 1], "The learning rate is missing: the step is g y x, not y x."),
                (
                    [0.5, 1, -2],
                    "S = 0.5 + 2 - 6 = -3.5, and the label is +1: the answer is wrong, so the line moves.",
                ),
                ([0.1, 0.2, 0.3], "That is the step g y x alone; it has to be added to the weights."),
            ],
        ),
        hints=[
            "First the score: is the point on the side that its label says?",
            "It is not, so w := w + g y x, with x = (1, 2, 3).",
            "g y x = 0.1 * (+1) * (1, 2, 3) = (0.1, 0.2, 0.3).",
        ],
        answer=[0.6, 1.2, -1.7],
        why=(
            "S = 0.5 + 2 - 6 = -3.5 says -1, the label +1: wrong. (0.5, 1, -2) + 0.1 * (1, 2, 3) = (0.6, 1.2, -1.7). "
            "Now S is 0.6 + 2.4 - 5.1 = -2.1, higher by g |x|^2 = 0.1 * 14 = 1.4, and not right yet: one mistake may "
            "need several steps."
        ),
        wrong=[
            ([0.5, 1.2, -1.7], "bias"),
            ([0.4, 0.8, -2.3], "away from the label"),
            ([1.5, 3, 1], "learning rate"),
            ([0.5, 1, -2], "so the line moves"),
            ([1.2, -1.7], "shape"),
            ([0.6, 1.2, 1.7], "2 of 3"),
        ],
    ),
    Exercise(
        name="01-perceptron/rule",
        question=(
            "Write the rule as a function: `update(w, x, y, g)` gives the weights after the point x (with its x0 = 1 "
            "in front) with the label y, -1 or +1, has been shown. A score of exactly 0 counts as the answer -1."
        ),
        mark=function(
            update,
            [
                (np.array([0.0, -1, 1]), np.array([1.0, 2, 3]), -1, 0.1),
                (np.array([0.0, -1, 1]), np.array([1.0, 2, 3]), 1, 0.1),
                (np.array([0.5, 1, -2]), np.array([1.0, 2, 3]), 1, 0.1),
                (np.array([0.0, 0, 0]), np.array([1.0, 2, 3]), -1, 0.5),
                (np.array([0.0, 0, 0]), np.array([1.0, 2, 3]), 1, 0.5),
            ],
            [
                (_always, "It moves the line for right points, too; the perceptron learns only from its mistakes."),
                (
                    _by_the_answer,
                    "It moves by the answer that was given; it should move by the label: that is the truth.",
                ),
                (_without_label, "The label is missing from the step: for y = -1 the weights move the wrong way."),
            ],
        ),
        hints=[
            "Two lines: what does the perceptron answer, and is that the label?",
            "The answer is `1 if w @ x > 0 else -1`. If it is y, the weights stay.",
            "Otherwise return `w + g * y * x`.",
        ],
        answer=update,
        why="Only mistakes move the weights, and the label says where: +1 towards x, -1 away from it.",
        wrong=[
            (_always, "only from its mistakes"),
            (_by_the_answer, "by the label"),
            (_without_label, "label is missing"),
            (_in_place, "writes to an array"),
            (lambda w, x, y, g: w - g * y * x, "your function gives"),
            (lambda w, x, y: w, "TypeError"),
            (print, "returns None"),
            (0.1, "A function was expected"),
        ],
    ),
    Exercise(
        name="01-perceptron/bound",
        question=(
            "No point is further from 0 than R = 2 (with its x0 = 1), and some line through 0 keeps all of them at "
            "least m = 0.25 away. Starting from w = 0, how many updates can there be at most?"
        ),
        mark=whole(
            64,
            [
                (8, "That is R / m; the theorem has its square."),
                (16, "(R / m)^2: R is squared, too, and m is under the line."),
                (4, "That is R^2; the margin comes in as well."),
            ],
        ),
        hints=["The theorem says (R / m)^2.", "R / m = 2 / 0.25 = 8."],
        answer=64,
        why=(
            "(2 / 0.25)^2 = 64. The learning rate is not in it: from w = 0 it only makes all weights longer, and lines "
            "do not care. Half the margin takes four times the updates."
        ),
        wrong=[(8, "square"), (4, "margin"), (63, "off by one"), (100, "too large"), (0.5, "not a whole")],
    ),
    Exercise(
        name="01-perceptron/xor",
        question=(
            "Why does no line do XOR? With S(x1, x2) = w0 + w1 x1 + w2 x2, XOR asks for S(0, 1) > 0, S(1, 0) > 0, "
            "S(0, 0) <= 0 and S(1, 1) <= 0.\n"
            "(a) The weights would have to be negative.\n"
            "(b) The sum of the first two scores is the sum of the last two.\n"
            "(c) The learning rate would have to be infinitely small.\n"
            "(d) Four points are too many for three weights."
        ),
        mark=choice(
            "b",
            {
                "a": "They may be negative; nothing forbids that, and it does not help.",
                "c": "The rate decides how one walks; there is nothing to be found at the end of any walk.",
                "d": "Three weights can do OR, AND and twelve others of the 16 functions on four points.",
            },
        ),
        hints=[
            "Write down all four scores with w0, w1 and w2.",
            "S(0, 1) + S(1, 0) = 2 w0 + w1 + w2. And S(0, 0) + S(1, 1)?",
        ],
        answer="b",
        why=(
            "Both sums are 2 w0 + w1 + w2. The first should be above 0, the second not: no three numbers can do that. "
            "The middle of the square is the middle of both diagonals, and it cannot be on both sides of the line."
        ),
        wrong=[("a", "may be negative"), ("c", "the end of any walk"), ("D", "twelve others"), ("e", "Choose one of")],
    ),
]
