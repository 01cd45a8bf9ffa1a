"""Exercises of 17-style-transfer."""

import numpy as np

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import choice, function, number


def gram(F):
    return F @ F.T


def _by_loops(F):
    return [[sum(F[i, k] * F[j, k] for k in range(F.shape[1])) for j in range(len(F))] for i in range(len(F))]


def gradient_of_style(F, A):
    N, M = F.shape
    return (F @ F.T - A) @ F / (N**2 * M**2)


def _by_difference(F, A, h=1e-6):
    """dE/dF by centred differences of E, which share no step with the formula."""

    def E(F):
        return np.sum((np.asarray(_by_loops(F)) - A) ** 2) / (4 * F.size**2)

    moves = [h * np.eye(F.size)[k].reshape(F.shape) for k in range(F.size)]
    return np.reshape([(E(F + move) - E(F - move)) / (2 * h) for move in moves], F.shape)


def _scaled(factor):
    return lambda F, A: factor * gradient_of_style(F, A)


def _without_size(F, A):
    return (F @ F.T - A) @ F


def _transposed(F, A):
    return gradient_of_style(F, A).T


def _features(F, A):
    return F - F.mean()


CASES = [
    (np.array([[1.0, 2, 0], [0, 1, 3]]), np.array([[4.0, 0], [0, 6]])),
    (np.array([[0.5, 1, 2, 0], [1, 0, 1, 1], [2, 0.5, 0, 1]]), np.array([[2.0, 1, 0], [1, 3, 1], [0, 1, 1]])),
]

EXERCISES = [
    Exercise(
        name="17-style-transfer/gram",
        question="Write the Gram matrix: `gram(F)` for F with N rows (filters) and M columns (positions).",
        mark=function(
            _by_loops,
            [(CASES[0][0],), (CASES[1][0],)],
            [
                (lambda F: F.T @ F, "That compares positions, M by M; the style compares filters, N by N."),
                (lambda F: F @ F.T / F.shape[1], "That is the mean over the positions; the lecture has the sum."),
            ],
        ),
        hints=[
            "Row i times row j, for all i and j: one matrix product.",
            "The filters are rows: F times F transposed.",
        ],
        answer=gram,
        why="G[i, j] is the inner product of map i and map j: the sum over all positions of their product.",
        wrong=[
            (lambda F: F.T @ F, "compares positions"),
            (lambda F: F @ F.T / F.shape[1], "mean over the positions"),
            (lambda F: F * F, "your function gives"),
        ],
    ),
    Exercise(
        name="17-style-transfer/loss",
        question=(
            "Two filters, one position: F = (3, 1) as a column, and A is the matrix of zeros. How large is "
            "E = 1/(4 N^2 M^2) sum (G - A)^2?"
        ),
        mark=number(
            6.25,
            [
                (100, "That is the sum of squares; the factor 1/(4 N^2 M^2) is missing."),
                (25, "N^2 = 4 and M^2 = 1: the factor is 1/16."),
                (90 / 16, "G has four entries: the product of filter 1 and filter 2 stands in it twice."),
                (82 / 16, "G has four entries, the products of different filters as well."),
            ],
        ),
        hints=["G = F F^T has the entries 9, 3, 3, 1.", "81 + 9 + 9 + 1 = 100, and N = 2, M = 1."],
        answer=6.25,
        why="G = [[9, 3], [3, 1]], the sum of its squares is 100, and 4 N^2 M^2 = 4 * 4 * 1 = 16.",
        wrong=[(100, "factor"), (25, "1/16"), (12.5, "twice as much"), (5.125, "different filters")],
    ),
    Exercise(
        name="17-style-transfer/gradient",
        question="Write dE/dF: `gradient_of_style(F, A)` gives an array of F's shape, without regard to the ReLU.",
        mark=function(
            _by_difference,
            CASES,
            [
                (
                    _scaled(0.25),
                    "The 4 of the loss is gone in the gradient: 2 from the square, 2 since F is in G twice.",
                ),
                (_scaled(0.5), "A factor 2 is missing: F_ab is in row a of G and in column a."),
                (_without_size, "The factor 1/(N^2 M^2) is missing."),
                (_transposed, "That is transposed: the gradient has F's shape."),
            ],
            tolerance=1e-5,
        ),
        hints=[
            "dE/dG = 2 (G - A) / (4 N^2 M^2). How does G change with F?",
            "(G - A) @ F has the shape of F. Which factor?",
            "1 / (N^2 M^2), with N, M = F.shape.",
        ],
        answer=gradient_of_style,
        why="2 from the square and 2 because F stands on both sides of F F^T cancel the 4: (G - A) F / (N^2 M^2).",
        wrong=[
            (_scaled(0.25), "The 4 of the loss"),
            (_scaled(0.5), "factor 2 is missing"),
            (_without_size, "is missing"),
            (_transposed, "transposed"),
            (_features, "your function gives"),
        ],
    ),
    Exercise(
        name="17-style-transfer/place",
        question=(
            "A painting is cut into a hundred squares, and these are shuffled. What happens to its Gram matrix at "
            "relu1_1? (a) It becomes the identity. (b) Nearly nothing, only the edges of the squares count. (c) Its "
            "rows are shuffled. (d) It is divided by a hundred."
        ),
        mark=choice(
            "b",
            {
                "a": "The same filters still answer together within each square.",
                "c": "Its rows belong to filters, and those have not been touched.",
                "d": "It is a sum over all positions, and there are as many as before.",
            },
        ),
        hints=["G[i, j] is a sum over positions. In which order?", "A filter of relu1_1 sees 3x3 pixels."],
        answer="b",
        why=(
            "A sum does not care for the order of its terms; only where a filter looks across a new edge does its "
            "answer change. That is why a style has no places, and why stars can come down on a cat."
        ),
        wrong=[("a", "within each square"), ("c", "belong to filters"), ("d", "as many as before")],
    ),
    Exercise(
        name="17-style-transfer/weights",
        question=(
            "alpha and beta are both multiplied by 100, and the learning rate of plain descent is divided by 100. "
            "What does the walk do? (a) Exactly the same as before, up to rounding. (b) It diverges. (c) It becomes "
            "100 times as slow. (d) It ends at a picture with more style."
        ),
        mark=choice(
            "a",
            {
                "b": "The gradient is 100 times as long and the rate a hundredth: every step is as long as before.",
                "c": "The gradient is 100 times as long, which makes up for the rate.",
                "d": "Style against content is beta / alpha, and that has not changed.",
            },
        ),
        hints=["How long is a step, rate times gradient?", "What decides which picture is the best?"],
        answer="a",
        why=(
            "The steps are rate times gradient, (1/100) * 100: the same. In that sense the two are like "
            "learning rates. But beta / alpha chooses the best picture, no learning rate does: they weigh the losses."
        ),
        wrong=[("b", "as long as before"), ("c", "makes up for"), ("d", "has not changed")],
    ),
]
