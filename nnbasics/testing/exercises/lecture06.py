"""Exercises of 06-softmax-and-cross-entropy."""

import numpy as np
import scipy.special

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import array, function, layer, number


def softmax(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _naive(a):
    with np.errstate(all="ignore"):
        e = np.exp(a)
        return e / e.sum(axis=1, keepdims=True)


def _over_everything(a):
    e = np.exp(a - a.max())
    return e / e.sum()


def _over_the_batch(a):
    e = np.exp(a - a.max(axis=0))
    return e / e.sum(axis=0)


def _without_exponential(a):
    with np.errstate(all="ignore"):
        return a / a.sum(axis=1, keepdims=True)


class CrossEntropy:
    def forward(self, scores, labels):
        shifted = scores - scores.max(axis=1, keepdims=True)
        self.log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.rows, self.labels = np.arange(len(labels)), labels
        return -self.log_p[self.rows, labels].mean()

    def backward(self):
        gradient = np.exp(self.log_p)
        gradient[self.rows, self.labels] -= 1
        return gradient / len(gradient)


class _Sum(CrossEntropy):
    def forward(self, scores, labels):
        return super().forward(scores, labels) * len(labels)

    def backward(self):
        return super().backward() * len(self.labels)


class _NotDivided(CrossEntropy):
    def backward(self):
        return super().backward() * len(self.labels)


class _WithoutTruth(CrossEntropy):
    def backward(self):
        return np.exp(self.log_p) / len(self.labels)


class _Uphill(CrossEntropy):
    def backward(self):
        return -super().backward()


EXERCISES = [
    Exercise(
        name="06-softmax-and-cross-entropy/gradient",
        question=(
            "Softmax gives (0.7, 0.2, 0.1), and the right class is the second. What is the gradient of the "
            "cross-entropy with respect to the three scores?"
        ),
        mark=array(
            [0.7, -0.8, 0.1],
            [
                ([-0.3, 0.2, 0.1], "That is for the first class as the right one; here it is the second."),
                (
                    [0, -5, 0],
                    "That is the gradient with respect to the probabilities; it goes on through softmax.",
                ),
                (
                    [0, -0.8, 0],
                    "The other scores have a gradient, too: they took probability away from the right one.",
                ),
                ([0.7, 0.2, 0.1], "The truth has to be subtracted: 1 for the right class."),
            ],
        ),
        hints=["It is y - t.", "t = (0, 1, 0)."],
        answer=[0.7, -0.8, 0.1],
        why="y - t = (0.7, 0.2, 0.1) - (0, 1, 0). Its sum is 0, since adding the same to all scores changes nothing.",
        wrong=[
            ([-0.7, 0.8, -0.1], "every sign is wrong"),
            ([-0.3, 0.2, 0.1], "for the first class"),
            ([0, -5, 0], "goes on through softmax"),
            ([0, -0.8, 0], "other scores"),
            ([0.7, 0.2, 0.1], "subtracted"),
        ],
    ),
    Exercise(
        name="06-softmax-and-cross-entropy/nothing",
        question=(
            "A new network for 1000 classes gives all the same probability. What is its cross-entropy, with the "
            "natural logarithm?"
        ),
        mark=number(
            np.log(1000),
            [
                (3, "That is the logarithm to base 10; the loss has the natural one."),
                (np.log2(1000), "That is the logarithm to base 2; the loss has the natural one."),
                (0.001, "That is the probability of each; the loss is minus its logarithm."),
                (-np.log(1000), "The sign: -log of a number below 1 is positive."),
            ],
        ),
        hints=["Only the right class counts: -log of its probability.", "-ln(1/1000) = ln(1000)."],
        answer=6.9078,
        why="-ln(1/1000) = ln 1000 = 6.91. A loss that begins far above it says that the first weights are too large.",
        wrong=[(3, "base 10"), (9.96578, "base 2"), (0.001, "probability of each"), (-6.9078, "positive")],
    ),
    Exercise(
        name="06-softmax-and-cross-entropy/stable",
        question=(
            "Write softmax for a batch: `softmax(a)` takes scores (N, classes) and gives probabilities of that shape, "
            "each row on its own. It has to survive scores of 1000."
        ),
        mark=function(
            lambda a: scipy.special.softmax(a, axis=1),
            [
                (np.array([[0.0, 0.0], [np.log(3), 0.0]]),),
                (np.array([[-5.0, -1, 1, 5], [2, 2, 0, 1]]),),
                (np.array([[1000.0, 990, -1000], [-1000, -1000, -1001]]),),
            ],
            [
                (_over_everything, "Each row is a picture of its own: sum and maximum are taken along axis 1."),
                (_over_the_batch, "That adds up over the batch; the classes are on axis 1."),
            ],
        ),
        hints=[
            "`np.exp(a)` divided by its sum along `axis=1`; `keepdims=True` keeps the shapes in line.",
            "Subtract the largest score of each row first: `a - a.max(axis=1, keepdims=True)`.",
        ],
        answer=softmax,
        why="Subtracting the largest score changes no probability; the largest exponent is 0 then: nothing overflows.",
        wrong=[
            (_naive, "NaN"),
            (_over_everything, "picture of its own"),
            (_over_the_batch, "over the batch"),
            (_without_exponential, "NaN"),
            (lambda a: np.exp(a - a.max(axis=1, keepdims=True)), "your function gives"),
        ],
    ),
    Exercise(
        name="06-softmax-and-cross-entropy/loss",
        question=(
            "Write the loss as a class: `forward(scores, labels)` gives the mean over the batch of -log of the right "
            "class's probability; `backward()` gives its gradient with respect to the scores. labels are whole numbers."
        ),
        mark=layer(
            lambda cls: cls(),
            np.array([[0.3, -1.2, 2.0], [1.5, 0.1, -0.4], [0.0, 0.7, 0.2], [-0.9, 0.4, 0.8]]),
            np.array([2, 1, 0, 2]),
            oracle=lambda one, scores, labels: np.mean(
                scipy.special.logsumexp(scores, axis=1) - np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
            ),
        ),
        hints=[
            "`p[np.arange(N), labels]` picks the probability of the right class in every row.",
            "backward is (y - t) / N: keep p and labels in forward, subtract 1 at the labels of a copy, divide by N.",
        ],
        answer=CrossEntropy,
        why="The gradient of each picture's loss is y - t, and the mean over N pictures divides it by N.",
        wrong=[
            (_Sum, "forward is not right"),
            (_NotDivided, "factor N or 1/N"),
            (_WithoutTruth, "gradient"),
            (_Uphill, "sign"),
        ],
    ),
]
