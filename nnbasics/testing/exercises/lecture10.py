"""Exercises of 10-least-squares-and-eigenfaces."""

import numpy as np
import scipy.linalg

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import array, choice, function, whole


def inverse(U, s, V):
    return V / s @ U.T


def _by_scipy(U, s, V):
    return scipy.linalg.pinv(U * s @ V.T)


def _printed(U, s, V):
    return V * s @ U.T


def _other_way(U, s, V):
    return (U / s) @ V.T


def fill_in(face, seen, mean, W):
    c = np.linalg.lstsq(W[:, seen].T, (face - mean)[seen], rcond=None)[0]
    return np.where(seen, face, mean + c @ W)


def _by_the_normal_equations(face, seen, mean, W):
    S = W[:, seen]
    return np.where(seen, face, mean + np.linalg.solve(S @ S.T, S @ (face - mean)[seen]) @ W)


def _projected(face, seen, mean, W):
    return np.where(seen, face, mean + W @ (face - mean) @ W)


def _without_mean(face, seen, mean, W):
    c = np.linalg.lstsq(W[:, seen].T, face[seen], rcond=None)[0]
    return np.where(seen, face, c @ W)


def _all_rebuilt(face, seen, mean, W):
    c = np.linalg.lstsq(W[:, seen].T, (face - mean)[seen], rcond=None)[0]
    return mean + c @ W


def _svds():
    rng = np.random.default_rng(0)
    for m, n, r in ((2, 2, 2), (5, 3, 2), (3, 4, 1)):
        U, s, Vt = np.linalg.svd(rng.standard_normal((m, r)) @ rng.standard_normal((r, n)), full_matrices=False)
        yield U[:, :r], s[:r], Vt[:r].T


def _faces():
    rng = np.random.default_rng(1)
    for pixels, eigenfaces in ((6, 2), (20, 3)):
        W = np.linalg.qr(rng.standard_normal((pixels, eigenfaces)))[0].T
        seen = np.arange(pixels) % 3 != 0
        yield np.where(seen, rng.random(pixels), 0.0), seen, rng.random(pixels), W


EXERCISES = [
    Exercise(
        name="10-least-squares-and-eigenfaces/line",
        question="Which line c t + d comes nearest to the points (t, b) = (0, 1), (1, 1), (2, 4)? Give [c, d].",
        mark=array(
            [1.5, 0.5],
            [
                ([0.5, 1.5], "The numbers are right, in the wrong order: c first, the slope."),
                ([1.5, 1], "That goes through the first point; the nearest line need not go through any."),
                ([2, 0], "The mean of b is 2 at the mean t = 1, so c + d = 2 is right; the slope is not."),
            ],
        ),
        hints=[
            "A has the rows (0, 1), (1, 1), (2, 1). What are A^T A and A^T b?",
            "A^T A = [[5, 3], [3, 3]] and A^T b = (9, 6).",
        ],
        answer=[1.5, 0.5],
        why="5c + 3d = 9 and 3c + 3d = 6: the difference gives 2c = 3. The residuals -0.5, 1, -0.5 add up to 0.",
        wrong=[
            ([0.5, 1.5], "wrong order"),
            ([1.5, 1], "through the first"),
            ([2, 0], "slope is not"),
            ([3, 1], "times"),
        ],
    ),
    Exercise(
        name="10-least-squares-and-eigenfaces/inverse",
        question=(
            "Write the Moore-Penrose inverse from the SVD: `inverse(U, s, V)` for A = U diag(s) V^T, U (m, r), s (r,), "
            "V (n, r)."
        ),
        mark=function(
            _by_scipy,
            list(_svds()),
            [
                (
                    _printed,
                    "That is V Sigma U^T, as the slide prints it: the transpose of A. Invert the s.",
                ),
                (_other_way, "That is U Sigma^-1 V^T: it has the shape of A; the inverse goes the other way."),
            ],
        ),
        hints=["A^inv = V Sigma^-1 U^T.", "`V / s` divides each column of V by its s."],
        answer=inverse,
        why="V^T turns, Sigma stretches, U turns again; the way back undoes each, the last first.",
        wrong=[
            (_printed, "as the slide prints"),
            (_other_way, "goes the other way"),
            (lambda U, s, V: V @ U.T, "gives"),
        ],
    ),
    Exercise(
        name="10-least-squares-and-eigenfaces/projection",
        question=(
            "P projects onto the columns of A. What is P (P b)? (a) The zero vector. (b) b again. (c) P b: who has "
            "arrived stays. (d) 2 P b."
        ),
        mark=choice(
            "c",
            {
                "a": "P b lies in the space already; its nearest point there is itself.",
                "b": "What P has taken away does not come back.",
                "d": "P is linear, but it is applied one after the other, not added.",
            },
        ),
        hints=["Which point of the space is nearest to P b?", "P P = U U^T U U^T, and U^T U = I."],
        answer="c",
        why="U U^T U U^T = U (U^T U) U^T = U U^T. P b is in the space, so nothing is nearer to it than itself.",
        wrong=[("a", "is itself"), ("b", "does not come back"), ("d", "not added")],
    ),
    Exercise(
        name="10-least-squares-and-eigenfaces/dimensions",
        question=(
            "The cosine of two random vectors should spread by about 0.02 (its standard deviation). How many "
            "dimensions does that take?"
        ),
        mark=whole(
            2500,
            [
                (50, "1/50 is 0.02, but the spread is 1/sqrt(n): n is the square."),
                (25, "That would be 0.2."),
                (5000, "Twice as many as needed: 1/sqrt(n), without a 2."),
            ],
        ),
        hints=["The spread is 1 / sqrt(n).", "sqrt(n) = 1 / 0.02 = 50."],
        answer=2500,
        why="1 / sqrt(2500) = 1/50 = 0.02. Half the spread takes four times the dimensions.",
        wrong=[(50, "n is the square"), (25, "0.2"), (2501, "off by one"), (5000, "without a 2")],
    ),
    Exercise(
        name="10-least-squares-and-eigenfaces/beam",
        question=(
            "Fill in what is hidden: `fill_in(face, seen, mean, W)` with a face of d pixels, seen (bool, d), the mean "
            "face and the eigenfaces W (k, d). Find c by least squares from the seen pixels; take the others from mean "
            "+ c W."
        ),
        mark=function(
            _by_the_normal_equations,
            list(_faces()),
            [
                (
                    _projected,
                    "W (face - mean) uses the hidden pixels, too, and those show the beam.",
                ),
                (_without_mean, "The mean face has to be taken off first, and put on again at the end."),
                (_all_rebuilt, "The seen pixels are known: they stay as they are."),
            ],
            tolerance=1e-5,
        ),
        hints=[
            "For the seen pixels c W[:, seen] should come near (face - mean)[seen].",
            "`np.linalg.lstsq(W[:, seen].T, (face - mean)[seen], rcond=None)[0]` is that c.",
            "`np.where(seen, face, mean + c @ W)`.",
        ],
        answer=fill_in,
        why="c makes the seen pixels come out as well as they can, and W knows what belongs to them.",
        wrong=[
            (_projected, "show the beam"),
            (_without_mean, "mean face"),
            (_all_rebuilt, "stay as they are"),
            (lambda face, seen, mean, W: np.where(seen, face, mean), "your function gives"),
        ],
    ),
]
