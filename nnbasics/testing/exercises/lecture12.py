"""Exercises of 12-training-deep-nets."""

import numpy as np

from nnbasics import Linear, Residual
from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import choice, function, number


def residual_backward(dy, weight):
    return dy @ weight + dy


def _by_the_layers(dy, weight):
    """The library's own block, walked forward and back."""
    body = Linear(len(weight), len(weight), bias=False, rng="zeros")
    body.params["weight"] = weight
    block = Residual(body)
    block.forward(np.zeros_like(dy))
    return block.backward(dy)


def _body_alone(dy, weight):
    return dy @ weight


def _transposed(dy, weight):
    return dy @ weight.T + dy


def _shortcut_alone(dy, weight):
    return dy.copy()


def _cases(seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal((n, d)), rng.standard_normal((d, d))) for n, d in ((2, 3), (4, 2), (1, 5))]


EXERCISES = [
    Exercise(
        name="12-training-deep-nets/survival",
        question="A network has 54 blocks, and stochastic depth with p_L = 0.5. What is the survival of block 27?",
        mark=number(
            0.75,
            [
                (0.5, "That is the last block's; the survival falls from 1 to 0.5 on the way."),
                (0.25, "That is how often block 27 is left out."),
            ],
        ),
        hints=["p_l = 1 - l / L (1 - p_L)", "Block 27 is in the middle: l / L = 1/2."],
        answer=0.75,
        why="1 - 27 / 54 * 0.5 = 0.75.",
        wrong=[(0.5, "last block's"), (0.25, "left out")],
    ),
    Exercise(
        name="12-training-deep-nets/expected-depth",
        question="In the same network, of 54 blocks with p_L = 0.5: how many blocks are open on average?",
        mark=number(
            40.25,
            [
                (40.5, "Nearly: block l has 1 - l/108, and l goes from 1 to 54, not from 0.5 to 53.5."),
                (27, "That would be a survival of 0.5 for every block; it is that low only at the end."),
            ],
            tolerance=1e-3,
        ),
        hints=["The average of a sum is the sum of the averages: add up all p_l.", "1 + 2 + ... + 54 = 54 * 55 / 2"],
        answer=40.25,
        why="54 - 1485 / 108 = 40.25: about three quarters of the blocks, and of the work.",
        wrong=[(40.5, "from 1 to 54"), (27, "0.5 for every block")],
    ),
    Exercise(
        name="12-training-deep-nets/degradation",
        question="The plain network of 44 layers does worse than that of 8. How do we know that it is not overfitting? "
        '"a" it has more parameters, "b" its training loss is higher too, "c" its test accuracy is lower.',
        mark=choice(
            "b",
            {
                "a": "More parameters make overfitting more likely, not less.",
                "c": "That would be so with overfitting as well.",
            },
        ),
        hints=[
            "What does a network that overfits do on its training examples?",
            "Which figure shows the training loss?",
        ],
        answer="b",
        why="A network that overfits is good on its training examples. This one cannot even learn those: the trouble "
        "is in finding the weights, not in having too many.",
        wrong=[("a", "more likely"), ("c", "with overfitting as well")],
    ),
    Exercise(
        name="12-training-deep-nets/shortcut",
        question="Write `residual_backward(dy, weight)`: dL/dx of y = x weight^T + x, for dy of shape (N, D).",
        mark=function(
            _by_the_layers,
            _cases(),
            [
                (_body_alone, "That is the way through the weights; the shortcut hands dy back as well."),
                (_transposed, "Forward multiplies by weight^T, so backward multiplies by weight."),
                (_shortcut_alone, "That is the shortcut; x went through the weights too."),
            ],
        ),
        hints=["x goes into y by two ways; the gradients of both add up.", "A linear layer's dx is dy @ weight."],
        answer=residual_backward,
        why="dy @ weight + dy: however small the weights are, dy itself arrives.",
        wrong=[
            (_body_alone, "the shortcut hands dy back"),
            (_transposed, "multiplies by weight"),
            (_shortcut_alone, "went through the weights too"),
        ],
    ),
]
