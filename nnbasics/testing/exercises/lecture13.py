"""Exercises of 13-features-and-filters."""

import numpy as np

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import array, choice, function, whole

SIGNAL = np.array([2.0, -3, 1, -1, 0])
SEEN = np.array([1.0, 4, -2, -5, 3])


def guided(dy, x):
    return np.where((dy > 0) & (x > 0), dy, 0)


def _value_by_value(dy, x):
    """The oracle: in plain Python."""
    return [float(d) if d > 0 and v > 0 else 0.0 for d, v in zip(dy, x, strict=True)]


def _gradient(dy, x):
    return np.where(x > 0, dy, 0)


def _deconvnet(dy, x):
    return np.maximum(dy, 0)


def _relu_of_x(dy, x):
    return np.maximum(x, 0)


EXERCISES = [
    Exercise(
        name="13-features-and-filters/field",
        question=(
            "Three layers: a convolution of 5x5 with stride 1, a max pooling of 2x2 with stride 2, a convolution of "
            "3x3 with stride 1. A value at the end has seen a square of how many pixels a side?"
        ),
        mark=whole(
            10,
            [
                (8, "After the pooling two neighbours are 2 pixels apart: the last convolution adds 2 * 2, not 2."),
                (14, "The pooling's own window adds (2 - 1) * 1 pixel: the step becomes 2 only behind it."),
                (5, "That is the first layer alone."),
                (30, "Sizes are not multiplied: each layer adds (kernel - 1) times the step so far."),
            ],
        ),
        hints=[
            "Begin with 1, add (kernel - 1) * step for each layer; the step is the product of the strides before it.",
            "1 + 4 * 1 + 1 * 1 + 2 * ?",
        ],
        answer=10,
        why="1 + (5 - 1) * 1 = 5, + (2 - 1) * 1 = 6, and the step is now 2: + (3 - 1) * 2 = 10.",
        wrong=[(8, "2 pixels apart"), (5, "first layer alone"), (30, "multiplied"), (11, "off by one"), (2.5, "whole")],
    ),
    Exercise(
        name="13-features-and-filters/unpool",
        question=(
            "On the way up, max pooling 2x2 made (5, 7) of the rows (1, 5, 7, 3) and (4, 2, 0, 6). On the way down the "
            "signal (10, 20) arrives at it. What is the signal below the pooling? Two rows of four numbers."
        ),
        mark=array(
            [[0, 10, 20, 0], [0, 0, 0, 0]],
            [
                (
                    [[10, 10, 20, 20], [10, 10, 20, 20]],
                    "That gives every value its window's signal; only the maximum was heard.",
                ),
                ([[2.5, 2.5, 5, 5], [2.5, 2.5, 5, 5]], "That is average pooling's way down."),
                ([[0, 5, 7, 0], [0, 0, 0, 0]], "The places are right; what goes there is the signal, not the maximum."),
                ([[0, 50, 140, 0], [0, 0, 0, 0]], "The places are right; the signal is not multiplied by the maximum."),
            ],
        ),
        hints=["Where was the maximum of each window? That is the switch.", "5 at the second place, 7 at the third."],
        answer=[[0, 10, 20, 0], [0, 0, 0, 0]],
        why="The switches say where each maximum was: 5 above right in its window, 7 above left. All else gets 0.",
        wrong=[
            ([[10, 10, 20, 20], [10, 10, 20, 20]], "only the maximum"),
            ([[2.5, 2.5, 5, 5], [2.5, 2.5, 5, 5]], "average"),
            ([[0, 5, 7, 0], [0, 0, 0, 0]], "not the maximum"),
            ([0, 10, 20, 0], "shape"),
        ],
    ),
    Exercise(
        name="13-features-and-filters/guided",
        question=(
            "Write `guided(dy, x)`: what guided backpropagation makes of the signal dy at a ReLU whose input on the "
            "way up was x."
        ),
        mark=function(
            _value_by_value,
            [(np.array([1.0]), np.array([2.0])), (SIGNAL, SEEN), (-SIGNAL, -SEEN), (SIGNAL, -SEEN)],
            [
                (_gradient, "That is the gradient: guided also stops what is negative on the way down."),
                (_deconvnet, "That is the deconvnet: guided also stops where the ReLU was closed on the way up."),
                (_relu_of_x, "That is the forward walk; what passes here is dy."),
            ],
        ),
        hints=["It passes where two things are positive.", "`np.where(..., dy, 0)`, with both conditions joined by &."],
        answer=guided,
        why="Where x > 0 the ReLU was open, as for the gradient, and where dy > 0 the deconvnet lets it pass: both.",
        wrong=[(_gradient, "negative on the way down"), (_deconvnet, "closed"), (_relu_of_x, "forward walk")],
    ),
    Exercise(
        name="13-features-and-filters/which",
        question=(
            "You want to know by how much the score of a class falls when one pixel is made a little darker. Which of "
            "the three rules tells? (a) deconvnet (b) gradient (c) guided (d) all of them, up to a factor"
        ),
        mark=choice(
            "b",
            {
                "a": "Its ReLU looks at the signal and not at what was open: what comes out is no slope of the score.",
                "c": "It stops every negative signal, and slopes can be negative.",
                "d": "They differ in where they are 0; no factor mends that.",
            },
        ),
        hints=[
            "By how much something changes when something else does: what is that called?",
            "Only one of the three is the chain rule.",
        ],
        answer="b",
        why="Only the gradient is a derivative. The other two are pictures of what was seen, and clearer ones.",
        wrong=[("a", "no slope"), ("c", "can be negative"), ("d", "no factor"), ("e", "Choose one of")],
    ),
]
