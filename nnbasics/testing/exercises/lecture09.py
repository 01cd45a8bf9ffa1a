"""Exercises of 09-reading-digits."""

import numpy as np

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import choice, function, number, whole


def accuracy(scores, labels):
    return np.mean(scores.argmax(axis=1) == labels)


def _counted(scores, labels):
    """Row by row, the first of the largest."""
    right = 0
    for row, label in zip(scores, labels, strict=True):
        best = 0
        for k, score in enumerate(row):
            if score > row[best]:
                best = k
        right += best == label
    return right / len(labels)


def _percent(scores, labels):
    return 100 * _counted(scores, labels)


def _how_many(scores, labels):
    return len(labels) * _counted(scores, labels)


def _errors(scores, labels):
    return 1 - _counted(scores, labels)


def _columns(scores, labels):
    return np.mean(scores.argmax(axis=0)[: len(labels)] == labels[: scores.shape[1]])


_RNG = np.random.default_rng(9)

EXERCISES = [
    Exercise(
        name="09-reading-digits/sizes",
        question=(
            "28x28, a convolution by 5x5 to 6 maps, pooling 2x2, a convolution by 5x5 to 12 maps, pooling 2x2, no "
            "padding. How many numbers does the last layer read?"
        ),
        mark=whole(
            192,
            [
                (588, "12 maps of 7x7: that would be with padding. Without it a filter of 5x5 takes 4 off."),
                (768, "The second pooling is missing: maps of 8x8."),
                (16, "That is one map; there are twelve."),
                (96, "Twelve maps are in the second stage, six in the first."),
            ],
        ),
        hints=["28 - 5 + 1 = 24, halved 12; and once more.", "12 - 5 + 1 = 8, halved 4: maps of 4x4."],
        answer=192,
        why="28 to 24 to 12 to 8 to 4, and twelve maps of 4x4 are 192 numbers.",
        wrong=[(588, "with padding"), (768, "second pooling"), (16, "one map"), (5000, "too large")],
    ),
    Exercise(
        name="09-reading-digits/mistakes",
        question="A network reads 99.1% of the 10,000 test digits. How many does it misread?",
        mark=whole(
            90,
            [
                (9910, "So many are read; the others were asked for."),
                (900, "0.9% of 10,000: a percent is a hundredth."),
                (9, "0.9% of 10,000, not of 1,000."),
            ],
        ),
        hints=["100% - 99.1% = 0.9%.", "0.9 / 100 * 10,000."],
        answer=90,
        why="0.9% of 10,000 are 90. From 99.1% to 99.2% is 10 digits, hardly more than chance: the root of 90 is 9.5.",
        wrong=[(9910, "the others"), (900, "hundredth"), (91, "off by one")],
    ),
    Exercise(
        name="09-reading-digits/features",
        question=(
            "A digit has the features 1, 3 and 4 (phi = +1) and not 2 and 5 (phi = -1). The weights of its class are "
            "(2, -1, 0.5, -3, 1), the bias is 0. What is the score z?"
        ),
        mark=number(
            -0.5,
            [
                (-2.5, "Features that are not there count as well, with phi = -1: minus a weight."),
                (7.5, "That is the largest z there can be, all signs alike; weight 4 speaks against the feature."),
                (1.5, "Look at the signs again: feature 5 is not there, and its weight is +1."),
                (0.5, "Look at the signs again, one feature at a time."),
            ],
        ),
        hints=["z = sum of w_i phi_i, with phi = (1, -1, 1, 1, -1).", "2 + 1 + 0.5 - 3 - 1."],
        answer=-0.5,
        why="2 * 1 + (-1)(-1) + 0.5 * 1 + (-3) * 1 + 1 * (-1) = -0.5: the fourth feature alone speaks against it.",
        wrong=[(-2.5, "not there"), (7.5, "largest"), (3, "too large")],
    ),
    Exercise(
        name="09-reading-digits/accuracy",
        question=(
            "Write `accuracy(scores, labels)`: the part of the examples, from 0 to 1, whose largest score is that of "
            "their label. `scores` is (N, classes), `labels` (N,)."
        ),
        mark=function(
            _counted,
            [
                (np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1])),
                (_RNG.standard_normal((40, 10)), _RNG.integers(0, 10, 40)),
                (_RNG.standard_normal((9, 3)) - 5, _RNG.integers(0, 3, 9)),
            ],
            [
                (_percent, "In percent; a part from 0 to 1 was asked for."),
                (_how_many, "That is how many are right; divide by how many there are."),
                (_errors, "That is the part that is wrong."),
            ],
        ),
        hints=[
            "`scores.argmax(axis=1)` is the answer for each row.",
            "Compare with `labels`: an array of True and False.",
            "Its mean is the part that is True.",
        ],
        answer=accuracy,
        why="True counts as 1 and False as 0, so the mean of the comparison is the part that is right.",
        wrong=[
            (_percent, "from 0 to 1"),
            (_how_many, "divide by"),
            (_errors, "part that is wrong"),
            (_columns, "your function gives"),
        ],
    ),
    Exercise(
        name="09-reading-digits/by-heart",
        question=(
            "After many epochs on 400 digits all of them are right, of others 88%, and the loss of those others rises. "
            "What helps most? (a) As many again. (b) A larger learning rate. (c) A network with more filters. (d) "
            "More digits, or the same ones turned and moved a little each time."
        ),
        mark=choice(
            "d",
            {
                "a": "There is nothing left to learn from these 400: all are right. It would learn them more by heart.",
                "b": "The training loss is down already; walking faster to the same place changes nothing.",
                "c": "It can learn 400 digits by heart as it is, and could do so even better with more filters.",
            },
        ),
        hints=[
            "What has it learned that it should not?",
            "It knows its examples by heart; what makes that impossible?",
        ],
        answer="d",
        why="It cannot learn by heart what it never sees twice, so it learns what all of them have in common.",
        wrong=[("a", "nothing left"), ("b", "walking faster"), ("c", "by heart"), ("e", "Choose one of")],
    ),
]
