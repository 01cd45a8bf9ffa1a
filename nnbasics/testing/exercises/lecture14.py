"""Exercises of 14-t-sne."""

import numpy as np

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import choice, function, number

CONDITIONAL = np.array([[0, 0.9, 0.1], [0.6, 0, 0.4], [0.5, 0.5, 0]])
PAGES = [np.array([[0.0, 0.0], [1, 0], [0, 3]]), np.array([[1.0, 2.0], [1, 2.5], [-4, 0], [0, 0]])]


def joint(conditional):
    return (conditional + conditional.T) / (2 * len(conditional))


def _joint_by_pairs(conditional):
    """The oracle: every pair by the formula."""
    n = len(conditional)
    pairs = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            pairs[i, j] = (conditional[i][j] + conditional[j][i]) / (2 * n)
    return pairs


def _mean_of_both(conditional):
    return (conditional + conditional.T) / 2


def _without_transpose(conditional):
    return conditional / len(conditional)


def page(y):
    way = y[:, None] - y
    w = 1 / (1 + np.sum(way**2, axis=2))
    np.fill_diagonal(w, 0)
    return w / w.sum()


def _page_by_pairs(y):
    """The oracle: every pair by the formula."""
    n = len(y)
    w = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                w[i, j] = 1 / (1 + sum((a - b) ** 2 for a, b in zip(y[i], y[j], strict=True)))
    return w / w.sum()


def _with_itself(y):
    w = 1 / (1 + np.sum((y[:, None] - y) ** 2, axis=2))
    return w / w.sum()


def _each_row(y):
    w = 1 / (1 + np.sum((y[:, None] - y) ** 2, axis=2))
    np.fill_diagonal(w, 0)
    return w / w.sum(axis=1, keepdims=True)


def _gaussian(y):
    w = np.exp(-np.sum((y[:, None] - y) ** 2, axis=2))
    np.fill_diagonal(w, 0)
    return w / w.sum()


EXERCISES = [
    Exercise(
        name="14-t-sne/perplexity",
        question="A point sees its four neighbours with the probabilities 1/2, 1/4, 1/8, 1/8. What is the perplexity?",
        mark=number(
            2**1.75,
            [
                (1.75, "That is the entropy in bits; the perplexity is 2 to this power."),
                (4, "Four neighbours would count fully only if all were equally likely."),
                (np.exp(1.75), "The entropy is in bits here, so it is a power of 2; with e, take it in nats."),
                (2**-1.75, "The sign of the entropy got lost: H = -sum p log2 p is positive."),
            ],
        ),
        hints=[
            "Perplexity = 2^H, with H = -sum p log2(p) in bits.",
            "-log2 of the four: 1, 2, 3, 3. Their mean, weighted by p, is H.",
            "H = 1/2 + 2/4 + 3/8 + 3/8 = 1.75.",
        ],
        answer=2**1.75,
        why="H = 1/2 * 1 + 1/4 * 2 + 1/8 * 3 + 1/8 * 3 = 1.75 bits, and 2^1.75 = 3.36: rather less than four.",
        wrong=[(1.75, "2 to this power"), (4, "equally likely"), (np.exp(1.75), "power of 2"), (0.2973, "sign")],
    ),
    Exercise(
        name="14-t-sne/tail",
        question=(
            "On the page, one pair lies at distance 1 and another at distance 3. How many times as large is q of the "
            "near pair as q of the far one? (Under a Gaussian exp(-d^2) it would be e^8, about 3000 times.)"
        ),
        mark=number(
            5,
            [
                (9, "That is the ratio of the squared distances; the 1 in 1 / (1 + d^2) counts as well."),
                (3, "That is the ratio of the distances; w is 1 / (1 + d^2)."),
                (2, "w is 1 / (1 + d^2): the distance is squared."),
                (np.exp(8), "That is the Gaussian's ratio."),
                (10, "w of the far pair is 1/10, but w of the near one is 1/2, not 1."),
            ],
        ),
        hints=["w = 1 / (1 + d^2), and q is w over a sum that is the same for both.", "w(1) = 1/2 and w(3) = 1/10."],
        answer=5,
        why="(1/2) / (1/10) = 5, not 3000: how far apart far pairs are drawn does not matter much.",
        wrong=[(9, "squared distances"), (0.2, "upside down"), (10, "1/2"), (3, "ratio of the distances")],
    ),
    Exercise(
        name="14-t-sne/joint",
        question=(
            "Write `joint(conditional)`: from the matrix of p_j|i, row i for point i, to the matrix of the joint "
            "probabilities p_ij = (p_j|i + p_i|j) / 2n. All of them together should add up to 1."
        ),
        mark=function(
            _joint_by_pairs,
            [(CONDITIONAL,), (np.array([[0.0, 1], [1, 0]]),)],
            [
                (_mean_of_both, "Each row of p_j|i adds up to 1, so all of it to n: the n under the line is missing."),
                (_without_transpose, "p_ij is to be p_ji: the transposed matrix has to be added."),
            ],
        ),
        hints=["conditional[i, j] is p_j|i, and conditional.T[i, j] is p_i|j.", "n is len(conditional)."],
        answer=joint,
        why="It is symmetric, and every point i has sum_j p_ij of at least 1/2n, so that no loner is left out.",
        wrong=[
            (_mean_of_both, "under the line is missing"),
            (_without_transpose, "transposed"),
            (lambda c: c + c.T, "was expected"),
        ],
    ),
    Exercise(
        name="14-t-sne/page",
        question=(
            "Write `page(y)`: from the points on the page, (n, 2), to the matrix q_ij = w_ij / (sum of all w), with "
            "w_ij = 1 / (1 + |y_i - y_j|^2) for i != j and 0 for a point and itself."
        ),
        mark=function(
            _page_by_pairs,
            [(y,) for y in PAGES],
            [
                (_with_itself, "A point is not its own neighbour: the diagonal of w is 0."),
                (
                    _each_row,
                    "There is one sum for the whole page, not one for each row; rows are p_j|i's way.",
                ),
                (_gaussian, "That is the Gaussian; on the page similarity is Student's t, 1 / (1 + d^2)."),
            ],
        ),
        hints=[
            "`y[:, None] - y` has the shape (n, n, 2): all differences at once.",
            "`np.fill_diagonal(w, 0)` before the sum is taken.",
        ],
        answer=page,
        why="One Z for the whole page: a point that moves changes the q of all pairs, so everything pushes.",
        wrong=[
            (_with_itself, "its own neighbour"),
            (_each_row, "one sum for the whole page"),
            (_gaussian, "Student"),
        ],
    ),
    Exercise(
        name="14-t-sne/reading",
        question=(
            "Two maps of the same data, perplexity 30. On both, cluster A is twice as wide as B, and C lies far away "
            "from A and B. What follows? (a) The points of A differ more than those of B. (b) C is less like A than B "
            "is. (c) Points in the middle of A have their nearest neighbours in A. (d) There are three kinds of things."
        ),
        mark=choice(
            "c",
            {
                "a": "Every point has a width of its own, so crowds are drawn as large as loose heaps.",
                "b": "q of a far pair is nearly 0 at any distance: how far hardly counts.",
                "d": "A cloud without any structure can be drawn in clumps, as the cloud of this lecture shows.",
            },
        ),
        hints=[
            "What does C, the divergence, punish most: near pairs drawn far, or far pairs drawn anywhere?",
            "p_ij log(p_ij / q_ij) is large where p_ij is large and q_ij is not.",
        ],
        answer="c",
        why="Only pairs with a p_ij that is not small count: who is near whom. Sizes and distances are not kept.",
        wrong=[("a", "width of its own"), ("b", "nearly 0"), ("d", "without any structure"), ("x", "Choose one of")],
    ),
]
