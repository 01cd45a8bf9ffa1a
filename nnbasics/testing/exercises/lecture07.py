"""Exercises of 07-convolution."""

import numpy as np
from scipy.signal import correlate2d as by_scipy

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import array, function, whole


def correlate2d(x, w):
    height, width = x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1
    y = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            y[i, j] = np.sum(x[i : i + w.shape[0], j : j + w.shape[1]] * w)
    return y


def _flipped(x, w):
    return correlate2d(x, w[::-1, ::-1])


def _one_short(x, w):
    return correlate2d(x, w)[:-1, :-1]


def _padded(x, w):
    return correlate2d(np.pad(x, [(size // 2, (size - 1) // 2) for size in w.shape]), w)


def _transposed(x, w):
    return correlate2d(x, w.T) if w.shape[0] == w.shape[1] else correlate2d(x, w)


def _valid(x, w):
    return by_scipy(x, w, mode="valid")


_RNG = np.random.default_rng(7)

EXERCISES = [
    Exercise(
        name="07-convolution/size",
        question="A row of W = 15, a filter of F = 3, stride S = 2, padding P = 1 on both sides. How many outputs?",
        mark=whole(
            8,
            [
                (7, "The padding is missing: P = 1 on both sides makes 17 of the 15."),
                (7.5, "2 P: there is padding at both ends."),
                (15, "With stride 1 it would keep its size; here the filter moves by 2."),
            ],
        ),
        hints=["W2 = (W - F + 2 P) / S + 1.", "W - F + 2 P = 15 - 3 + 2 = 14."],
        answer=8,
        why="(15 - 3 + 2) / 2 + 1 = 8: windows begin at 0, 2, ..., 14 of the 17 padded values.",
        wrong=[(7, "padding is missing"), (15, "moves by 2"), (9, "off by one"), (7.5, "both ends")],
    ),
    Exercise(
        name="07-convolution/weights",
        question="A picture of 32x32x3 and ten filters of 5x5, with biases. How many parameters has the layer?",
        mark=whole(
            760,
            [
                (750, "Each filter has a bias as well."),
                (260, "Filters go through all channels: 5x5x3, not 5x5."),
                (250, "Filters go through all channels, and each has a bias."),
                (76, "That is one filter."),
                (7840 * 76, "The weights are shared: they are counted once, not for every position."),
            ],
        ),
        hints=["What one filter looks at is 5x5 pixels, through all three channels.", "5 * 5 * 3 + 1, ten times."],
        answer=760,
        why="10 * (5 * 5 * 3 + 1) = 760. The size of the picture is not in it: every position uses the same filters.",
        wrong=[(750, "bias as well"), (260, "all channels"), (76, "one filter"), (1000, "too large")],
    ),
    Exercise(
        name="07-convolution/slide",
        question=(
            "x = [[1, 2, 0], [0, 1, 3], [2, 0, 1]] and the filter w = [[1, 0], [0, -1]], as a layer uses it, stride 1 "
            "and no padding. What are the four outputs, as two rows?"
        ),
        mark=array(
            [[0, -1], [0, 0]],
            [
                ([[0, 1], [0, 0]], "That is the convolution proper: the filter has been flipped. A layer does not."),
                ([[1, 0], [0, -1]], "That is the filter itself."),
            ],
        ),
        hints=[
            "Lay the filter on the upper left 2x2 pixels, multiply what meets, and add up.",
            "Each output is the upper left pixel of its window less the lower right one.",
        ],
        answer=[[0, -1], [0, 0]],
        why="1 - 1 = 0, 2 - 3 = -1; 0 - 0 = 0, 1 - 1 = 0. The window moves by one pixel, right and then down.",
        wrong=[([[0, 1], [0, 0]], "flipped"), ([[0, 0], [-1, 0]], "transposed"), ([[0, -1, 0]], "shape")],
    ),
    Exercise(
        name="07-convolution/correlate",
        question=(
            "Write `correlate2d(x, w)`, what a layer with one channel and one filter computes, for any x and a smaller "
            "w: stride 1, no padding, no bias."
        ),
        mark=function(
            _valid,
            [
                (np.arange(9.0).reshape(3, 3), np.array([[1.0, 2], [3, 4]])),
                (_RNG.standard_normal((5, 6)), _RNG.standard_normal((3, 2))),
                (_RNG.standard_normal((4, 4)), _RNG.standard_normal((4, 4))),
                (_RNG.standard_normal((6, 5)), _RNG.standard_normal((1, 3))),
            ],
            [
                (_flipped, "That is the convolution proper: you flip the filter, which a layer does not."),
                (_one_short, "The last row and the last column are missing: there are W - F + 1 windows."),
                (_padded, "Nothing was to be padded: the output is smaller than x."),
            ],
        ),
        hints=[
            "How many windows fit? `x.shape[0] - w.shape[0] + 1` from top to bottom.",
            "Two loops over the places; a window is `x[i : i + w.shape[0], j : j + w.shape[1]]`.",
            "Its score is `np.sum(window * w)`.",
        ],
        answer=correlate2d,
        why="Every output is the inner product of the filter with the window at its place.",
        wrong=[
            (_flipped, "flip the filter"),
            (_one_short, "W - F + 1"),
            (_padded, "Nothing was to be padded"),
            (_transposed, "your function gives"),
            (lambda x, w: x * w, "ValueError"),
        ],
    ),
    Exercise(
        name="07-convolution/backward",
        question=(
            "In one dimension: x = (1, 2, 0, 3), a filter of two weights, y_j = w_0 x_j + w_1 x_(j+1), three outputs. "
            "The gradient at y is (1, -1, 2). What is dL/dw, two numbers?"
        ),
        mark=array(
            [-1, 8],
            [
                ([5, 3], "The gradient has been run backwards: dL/dw_i = sum over j of dL/dy_j x_(i+j), no flip."),
                ([1, 2], "That is the first window's share alone; a weight took part in three."),
                ([2, 2], "That is as if each output had the same gradient, or the same x."),
            ],
        ),
        hints=[
            "w_0 met x_0, x_1 and x_2 on its way, once for each output.",
            "dL/dw_0 = 1 * x_0 + (-1) * x_1 + 2 * x_2.",
            "dL/dw_1 = 1 * x_1 + (-1) * x_2 + 2 * x_3.",
        ],
        answer=[-1, 8],
        why="dL/dw_0 = 1 - 2 + 0 = -1 and dL/dw_1 = 2 - 0 + 6 = 8: the correlation of x with the gradient at y.",
        wrong=[([8, -1], "reverse order"), ([1, 2], "first window"), ([1, -8], "every sign")],
    ),
]
