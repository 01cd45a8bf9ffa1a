"""Wrong losses: a sign, a two, an N."""

import numpy as np

from nnbasics.testing.zoo.specimen import specimen, values


class SquaredError:
    """Half the sum of the squares."""

    def forward(self, prediction, target):
        self.off = prediction - target
        return 0.5 * (self.off**2).sum()

    def backward(self):
        return self.off


class CrossEntropy:
    """Of the softmax of scores; the mean over the batch."""

    def forward(self, scores, labels):
        shifted = scores - scores.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.p = np.exp(log_p)
        self.labels = labels
        return -log_p[np.arange(len(labels)), labels].mean()

    def backward(self):
        dscores = self.p.copy()
        dscores[np.arange(len(self.labels)), self.labels] -= 1
        return dscores / len(self.labels)


SCORES, LABELS = values(5, 4), np.array([0, 3, 1, 1, 2])


@specimen("factor", "Differentiate forward, with its one half.", x=values(3, 4), more=(values(3, 4, seed=9),))
class SquaredErrorTwice(SquaredError):
    """The two comes down from the exponent. The one half was put there to meet it."""

    def backward(self):
        return 2 * self.off


@specimen("sign", "If the prediction is too large, should it grow?", x=values(3, 4), more=(values(3, 4, seed=9),))
class SquaredErrorUphill(SquaredError):
    """target - prediction: the way to go. But what backward returns is the gradient, and the optimiser subtracts it."""

    def backward(self):
        return -self.off


@specimen(
    "count", "Put the same batch in twice: what should happen to the gradient of each row?", x=SCORES, more=(LABELS,)
)
class CrossEntropySummed(CrossEntropy):
    """p - 1 at the label: short, famous, and of the sum. With larger batches the steps grew larger."""

    def backward(self):
        return super().backward() * len(self.labels)


@specimen("missing", "What does backward hand to the layer before?", x=SCORES, more=(LABELS,))
class CrossEntropyInPlace(CrossEntropy):
    """`dscores -= ...` changes the array; nothing is handed on."""

    def backward(self):
        dscores = self.p.copy()
        dscores[np.arange(len(self.labels)), self.labels] -= 1
        dscores /= len(self.labels)
