"""Exercises of 15-inversion-and-deepdream."""

import numpy as np

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import choice, function, number

PHI = np.array([[1.0, 0, 2], [0.5, 3, 0]])
PHI0 = np.array([[0.0, 0, 1], [1, 1, 4]])
X = np.array([[0.2, 0.5], [0.95, 0.01]])
G = np.array([[1.0, -3], [2, -2]])


def code_gradient(phi, phi0):
    return 2 * (phi - phi0)


def _by_differences(phi, phi0, h=1e-6):
    """The oracle: slopes of the sum of squares, one code at a time."""
    slopes = np.zeros_like(phi)
    for place in np.ndindex(phi.shape):
        up, down = phi.copy(), phi.copy()
        up[place] += h
        down[place] -= h
        slopes[place] = (np.sum((up - phi0) ** 2) - np.sum((down - phi0) ** 2)) / (2 * h)
    return slopes.round(6)


def dream_step(x, g, step_size):
    return np.clip(x + step_size / np.abs(g).mean() * g, 0, 1)


def _step_by_values(x, g, step_size):
    """The oracle: value by value, in plain Python."""
    size = sum(abs(value) for value in g.ravel().tolist()) / g.size
    moved = [a + step_size * b / size for a, b in zip(x.ravel().tolist(), g.ravel().tolist(), strict=True)]
    return np.reshape([min(max(value, 0.0), 1.0) for value in moved], x.shape)


def _downhill(x, g, step_size):
    return np.clip(x - step_size / np.abs(g).mean() * g, 0, 1)


def _not_normalised(x, g, step_size):
    return np.clip(x + step_size * g, 0, 1)


def _mean_without_sizes(x, g, step_size):
    return np.clip(x + step_size / g.mean() * g, 0, 1)


def _not_clipped(x, g, step_size):
    return x + step_size / np.abs(g).mean() * g


EXERCISES = [
    Exercise(
        name="15-inversion-and-deepdream/tv",
        question="A picture of 2x2 values: 0 and 3 above, 4 and 0 below. What is R_TV with beta = 1?",
        mark=number(
            12,
            [
                (50, "That is beta = 2: the sums of squares as they are. With beta = 1 their roots are added."),
                (14, "Each step counted alone: |3| + |4| + ... The two steps of a pixel come under one root."),
                (5, "That is the first pixel alone; the others have steps, too."),
            ],
        ),
        hints=[
            "Each pixel has a step to the right and one down; at the far edges a step that is not there is 0.",
            "(3^2 + 4^2)^(1/2) for the first pixel. And for the one beside it, and the one below?",
        ],
        answer=12,
        why=(
            "The first pixel: sqrt(3^2 + 4^2) = 5. Above right: only down, |0 - 3| = 3. Below left: only right, "
            "|0 - 4| = 4. Below right: none. 5 + 3 + 4 = 12."
        ),
        wrong=[(50, "beta = 2"), (14, "under one root"), (5, "alone"), (24, "twice")],
    ),
    Exercise(
        name="15-inversion-and-deepdream/code",
        question=(
            "Inversion asks for |Phi(x) - Phi0|^2. Write `code_gradient(phi, phi0)`: the gradient at the layer, which "
            "is then sent backward to the picture."
        ),
        mark=function(
            _by_differences,
            [(np.array([1.0]), np.array([0.0])), (PHI, PHI0)],
            [
                (
                    lambda phi, phi0: phi - phi0,
                    "Half of it: there is no 1/2 before this loss, as there is in Gatys'.",
                ),
                (lambda phi, phi0: 2 * (phi0 - phi), "The sign: the loss grows where phi is above phi0."),
                (lambda phi, phi0: 2 * phi, "phi0 does not change with x, but it stays in the derivative of a square."),
            ],
            tolerance=1e-5,
        ),
        hints=["The derivative of (a - b)^2 by a.", "2 (a - b)."],
        answer=code_gradient,
        why="2 (Phi - Phi0), value by value. DeepDream is the same with Phi0 = 0, walked up instead of down.",
        wrong=[
            (lambda phi, phi0: phi - phi0, "no 1/2"),
            (lambda phi, phi0: 2 * (phi0 - phi), "sign"),
            (lambda phi, phi0: 2 * phi, "phi0"),
            (lambda phi, phi0: np.sum((phi - phi0) ** 2), "was expected"),
        ],
    ),
    Exercise(
        name="15-inversion-and-deepdream/step",
        question=(
            "Write the middle of a step of DeepDream: `dream_step(x, g, step_size)` moves the picture x up the "
            "gradient g, so that the mean size of the change is step_size, and keeps values in [0, 1]."
        ),
        mark=function(
            _step_by_values,
            [(np.array([0.5, 0.5]), np.array([1.0, -3]), 0.1), (X, G, 0.1), (X, 1e-6 * G, 0.2)],
            [
                (_downhill, "That goes down; what the layer sees should become more."),
                (_not_normalised, "The step is as large as g happens to be: divide by the mean of |g|."),
                (_mean_without_sizes, "The mean of g itself can be 0 or negative; the slide has mean |g|."),
                (_not_clipped, "Values leave [0, 1], and no picture can show those: np.clip."),
            ],
        ),
        hints=[
            "x + (step_size / size) * g: what is the size of g?",
            "np.abs(g).mean(); and np.clip(..., 0, 1) at the end.",
        ],
        answer=dream_step,
        why="How loud a layer is differs a millionfold between layers and pictures; the normalised step does not care.",
        wrong=[
            (_downhill, "goes down"),
            (_not_normalised, "divide by the mean"),
            (_mean_without_sizes, "can be 0"),
            (_not_clipped, "np.clip"),
        ],
    ),
    Exercise(
        name="15-inversion-and-deepdream/seed",
        question=(
            "Why is the picture rolled by a random shift before each step, and back after it? (a) So that the gradient "
            "is not 0. (b) Pooling and strides favour some pixels of a grid; shifts even that out. (c) To see the "
            "picture at several sizes. (d) Because a convolution must not see the border."
        ),
        mark=choice(
            "b",
            {
                "a": "It is not 0 without a shift, either, as long as the layer says anything.",
                "c": "That is what octaves are for.",
                "d": "A roll moves the border into the middle: it does not take it away.",
            },
        ),
        hints=[
            "Without it, patterns grow at the same places in every step. Which places?",
            "A maximum of 2x2 sends its gradient to one of four pixels, four poolings deep to one of 256.",
        ],
        answer="b",
        why="The grid of the pooling lies elsewhere on the picture in every step, so nothing grows along it.",
        wrong=[("a", "says anything"), ("c", "octaves"), ("d", "into the middle")],
    ),
]
