"""Losses: one number that says how wrong a prediction is, and which way is less wrong."""

from abc import ABC, abstractmethod

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.auxiliary import AuxiliaryClassifier


class Loss(ABC):
    """A loss has a memory as a layer has: `forward` gives the number, then `backward` its gradient."""

    _memory = None

    @abstractmethod
    def forward(self, prediction, target):
        """Return the loss, a float."""

    @abstractmethod
    def backward(self):
        """Return dL/dprediction for the prediction of the last `forward`."""

    def __call__(self, prediction, target):
        return self.forward(prediction, target)

    def __repr__(self):
        return f"{type(self).__name__}()"

    def branches(self):
        """Losses here are smooth: no decisions; see `Layer.branches`."""
        return []

    def _check(self, prediction):
        if not isinstance(prediction, np.ndarray) or prediction.dtype not in (np.float32, np.float64):
            kind = getattr(prediction, "dtype", None) or type(prediction).__name__
            raise UserError(f"{self!r}: the prediction is {kind}; a float32 or float64 array was expected")

    def _kept(self):
        if self._memory is None:
            raise UserError(f"{self!r}: backward before forward: there is no loss yet")
        return self._memory


class SquaredErrorLoss(Loss):
    """Half the squared error, added up over everything.

    ::

        L           = 1/2 sum (prediction - target)^2
        dprediction = prediction - target

    Parameters of `forward`: two arrays of the same shape.

    Raises
    ------
    UserError
        If the shapes differ.
    """

    def forward(self, prediction, target):
        self._check(prediction)
        target = np.asarray(target)
        if target.shape != prediction.shape:
            raise UserError(f"{self!r}: the prediction has shape {prediction.shape} and the target {target.shape}")
        self._memory = prediction - target.astype(prediction.dtype, copy=False)
        return 0.5 * float(np.sum(np.square(self._memory), dtype=np.float64))

    def backward(self):
        return self._kept().copy()


class CrossEntropyLoss(Loss):
    """Cross-entropy of the softmax of scores against the right classes; the mean over the batch.

    ::

        p       = softmax(scores)
        L       = - mean over n of log p[n, label_n]
        dscores = (p - 1 at the labels) / N

    log p is computed as score - max - log(sum of e^(score - max)), so that scores of 1000 neither overflow nor give
    log 0; softmax and logarithm together have this simple gradient, alone they have not.

    Parameters of `forward`: scores (N, classes) or (N, classes, H, W), and integer labels (N,) or (N, H, W) in
    0 ... classes - 1.

    Raises
    ------
    UserError
        If shapes do not fit, or a label is not an integer or no class.
    """

    def forward(self, prediction, target):
        self._check(prediction)
        labels = self._labels(prediction, target)
        shifted = prediction - prediction.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self._memory = log_p, labels
        return -float(np.take_along_axis(log_p, labels, axis=1).mean(dtype=np.float64))

    def backward(self):
        log_p, labels = self._kept()
        dscores = np.exp(log_p)
        right = np.take_along_axis(dscores, labels, axis=1)
        np.put_along_axis(dscores, labels, right - 1, axis=1)
        return dscores / labels.size

    def _labels(self, scores, target):
        """The labels with an axis for the classes, (N, 1, ...)."""
        labels = np.asarray(target)
        if scores.ndim < 2 or labels.shape != (scores.shape[0], *scores.shape[2:]):
            raise UserError(f"{self!r}: scores of shape {scores.shape} want one label for each, not {labels.shape}")
        if labels.size == 0:
            raise UserError(f"{self!r}: scores of shape {scores.shape} have no mean")
        if not np.issubdtype(labels.dtype, np.integer):
            raise UserError(f"{self!r}: labels are integers, and these are {labels.dtype}")
        if labels.min() < 0 or labels.max() >= scores.shape[1]:
            wrong = labels.min() if labels.min() < 0 else labels.max()
            raise UserError(f"{self!r}: label {wrong} is no class; they go from 0 to {scores.shape[1] - 1}")
        return np.expand_dims(labels, 1)


class AuxiliaryLoss(CrossEntropyLoss):
    """Cross-entropy of a network and of the classifiers on its way, as GoogLeNet is trained.

    ::

        L = cross-entropy(scores, labels) + weight * (sum over the auxiliary classifiers of that of their scores)

    `backward` returns the gradient of the network's own scores and leaves theirs with them. In use they make no scores,
    and L is the network's own.

    Parameters
    ----------
    net : Sequential
        With `AuxiliaryClassifier` layers.
    weight : float

    Examples
    --------
    >>> net = googlenet()
    >>> fit(net, x, labels, loss=AuxiliaryLoss(net), optimizer=SGD(0.01, momentum=0.9))
    """

    def __init__(self, net, weight=0.3):
        self.weight = float(weight)
        self._exits = [layer for layer in net.layers.values() if isinstance(layer, AuxiliaryClassifier)]
        self._losses = [CrossEntropyLoss() for _ in self._exits]

    def __repr__(self):
        return f"AuxiliaryLoss(weight={self.weight:g})"

    def forward(self, prediction, target):
        total = super().forward(prediction, target)
        for classifier, loss in zip(self._exits, self._losses, strict=True):
            if classifier.scores is not None:
                total += self.weight * loss.forward(classifier.scores, target)
        return total

    def backward(self):
        for classifier, loss in zip(self._exits, self._losses, strict=True):
            if classifier.scores is not None:
                classifier.dscores = self.weight * loss.backward()
        return super().backward()
