"""Exercises of 08-pooling."""

import numpy as np

from nnbasics.layers.pooling import MaxPool2d
from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import array, function, number, whole


def max_pool(x):
    height, width = x.shape
    return x.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3))


def _mean_pool(x):
    height, width = x.shape
    return x.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def _overlapping(x):
    return np.maximum.reduce([x[:-1, :-1], x[:-1, 1:], x[1:, :-1], x[1:, 1:]])


def _of_rows(x):
    return np.maximum(x[::2], x[1::2])


def _first_of_each(x):
    return x[::2, ::2]


def _library(x):
    return MaxPool2d(2).forward(x[None, None])[0, 0]


_RNG = np.random.default_rng(8)

EXERCISES = [
    Exercise(
        name="08-pooling/size",
        question=(
            "AlexNet pools maps of 55x55 by windows of 3x3 that move by 2, so that they overlap. How many values are "
            "in a row of what comes out?"
        ),
        mark=whole(
            27,
            [
                (18, "That is 55 / 3: the windows move by 2, not by 3."),
                (28, "That is 55 / 2, rounded up: the last window has to fit in whole."),
                (27.5, "That is 55 / 2; the windows are 3 wide, and the last one has to fit in."),
            ],
        ),
        hints=["W2 = (W - F) / S + 1.", "(55 - 3) / 2 + 1."],
        answer=27,
        why="(55 - 3) / 2 + 1 = 27: windows begin at 0, 2, ..., 52, and the last ends with the row.",
        wrong=[(18, "move by 2"), (28, "fit in whole"), (26, "off by one"), (110, "too large")],
    ),
    Exercise(
        name="08-pooling/winner",
        question=(
            "x = [[1, 5], [3, 2]] is pooled by the maximum, 2x2, and the gradient at the one output is 6. What is the "
            "gradient at x, as two rows?"
        ),
        mark=array(
            [[0, 6], [0, 0]],
            [
                ([[1.5, 1.5], [1.5, 1.5]], "That is what average pooling does; here one value alone has won."),
                ([[6, 6], [6, 6]], "If x[0, 0] changed a little, y would not: it has no gradient."),
                ([[0, 5], [0, 0]], "The winner's place is right; it gets the gradient, 6, not its own value."),
                ([[0, 30], [0, 0]], "y = x at the winner, so the factor is 1 and not x."),
            ],
        ),
        hints=["Which value is y?", "dy/dx is 1 at the winner and 0 elsewhere."],
        answer=[[0, 6], [0, 0]],
        why="y = x[0, 1] = 5, as long as the others stay below it: dy/dx is 1 there and 0 elsewhere, times 6.",
        wrong=[
            ([[1.5, 1.5], [1.5, 1.5]], "average pooling"),
            ([[6, 6], [6, 6]], "no gradient"),
            ([[0, 0], [6, 0]], "transposed"),
            ([[0, 5], [0, 0]], "not its own value"),
        ],
    ),
    Exercise(
        name="08-pooling/max",
        question="Write `max_pool(x)`, which pools a map (H, W), both even, by the maximum of windows of 2x2.",
        mark=function(
            _library,
            [
                (np.array([[1.0, 3, 2, 0], [5, 7, 4, 2], [0, 1, 8, 6], [3, 4, 0, 2]]),),
                (_RNG.standard_normal((6, 4)),),
                (-1 - _RNG.random((2, 8)),),
            ],
            [
                (_mean_pool, "That is the mean of every window."),
                (_overlapping, "The windows overlap in yours: they should move by 2."),
                (_of_rows, "Rows have been pooled, columns not."),
                (_first_of_each, "That takes one value of every window without looking at the others."),
            ],
        ),
        hints=[
            "What comes out has `x.shape[0] // 2` rows; loops are fine.",
            "Without loops: give x the shape (H / 2, 2, W / 2, 2). Which two axes lie inside a window?",
            "`x.reshape(H // 2, 2, W // 2, 2).max(axis=(1, 3))`.",
        ],
        answer=max_pool,
        why="The axes of length 2 run inside a window, the others from window to window.",
        wrong=[
            (_mean_pool, "the mean"),
            (_overlapping, "move by 2"),
            (_of_rows, "columns not"),
            (_first_of_each, "without looking"),
            (lambda x: np.maximum(_library(x), 0), "your function gives"),
        ],
    ),
    Exercise(
        name="08-pooling/dropout",
        question="In training, a value of 4 gets through dropout with p = 0.2. What is it behind it?",
        mark=number(
            5,
            [
                (4, "It is also divided by 1 - p, so that the mean stays what it was."),
                (3.2, "Divided by 1 - p, not multiplied: the others are 0, so those that stay have to be larger."),
                (20, "Divided by 1 - p, the probability to stay; p is that of being dropped."),
                (0, "This one got through."),
            ],
        ),
        hints=[
            "The mean over all draws has to be 4 again.",
            "It is y with probability 0.8, and 0 otherwise: 0.8 y = 4.",
        ],
        answer=5,
        why="4 / (1 - 0.2) = 5: four times in five it is 5, once it is 0, and the mean is 4.",
        wrong=[(4, "divided by"), (3.2, "not multiplied"), (20, "probability to stay")],
    ),
    Exercise(
        name="08-pooling/connected",
        question="A fully connected layer with ten outputs and biases reads twelve maps of 4x4. How many parameters?",
        mark=whole(
            1930,
            [
                (1920, "Every output has a bias, too."),
                (170, "There are twelve maps: 12 * 4 * 4 inputs."),
                (202, "Every output has a weight for every input: it is a product."),
                (130, "Each map has 4 * 4 values, and all of them are inputs."),
            ],
        ),
        hints=[
            "How long is the vector that the maps are stretched to?",
            "192 inputs, and each output has a weight for each.",
        ],
        answer=1930,
        why="12 * 4 * 4 = 192 inputs, 192 * 10 weights and 10 biases. It is the last layer of the net in lecture 9.",
        wrong=[(1920, "bias"), (170, "twelve maps"), (202, "product"), (5000, "too large")],
    ),
]
