"""The perceptron: one neuron, a yes or a no, and a rule that learns from every mistake."""

import math
import warnings
from dataclasses import dataclass

import numpy as np

from nnbasics.errors import SettingsError, UserError
from nnbasics.layers.base import whole


@dataclass(frozen=True)
class Walk:
    """What happened in `Perceptron.fit`; true if it ended because no point was wrong any more.

    Attributes
    ----------
    weights : ndarray, (updates + 1, d + 1)
        The boundary before the first and after every update.
    points : ndarray of int, (updates,)
        The row of X that was wrong and caused each update.
    epochs : int
        Passes over all points, the last one without a mistake if `converged`.
    converged : bool
    wrong : int
        Points on the wrong side at the end.
    cycle : int
        If above 0, an epoch began with the very weights of this many epochs before: from there everything repeats,
        and the walk will never end.
    """

    weights: np.ndarray
    points: np.ndarray
    epochs: int
    converged: bool
    wrong: int
    cycle: int = 0

    def __bool__(self):
        return self.converged

    def __str__(self):
        if self.converged:
            return f"converged: after {len(self.points)} updates in {self.epochs} epochs no point is wrong"
        if self.cycle:
            ago = "the epoch before" if self.cycle == 1 else f"{self.cycle} epochs before"
            why = f"the weights are those of {ago}, so it repeats for ever, as when no hyperplane separates the points"
        else:
            why = "either no hyperplane separates the points, or more epochs are needed: the rule cannot tell"
        done = f"after {len(self.points)} updates in {self.epochs} epochs {self.wrong} points are wrong"
        return f"not converged: {done}; {why}"


class Perceptron:
    """Rosenblatt's perceptron: which side of a hyperplane is x on?

    ::

        S = w_0 + w_1 x_1 + ... + w_d x_d          with x_0 = 1: S = w . x
        y = +1 if S > 0, otherwise -1

    It learns only from its mistakes. For an x whose label is y and whose answer was not::

        w := w + g y x

    which moves S by g |x|^2 in the right direction. If some hyperplane separates the labels with a margin m, and no
    point is longer than R, that ends after at most (R / m)^2 updates from w = 0, whatever g and the order of the points
    are (Novikoff's theorem). Otherwise it never ends: XOR is the famous case.

    Parameters
    ----------
    in_features : int
        d.
    lr : float
        g, the learning rate.
    rng : None, int or numpy.random.Generator
        Draws the first weights.

    Attributes
    ----------
    weight : ndarray, (d + 1,)
        w_0 (the bias), w_1, ..., w_d, float64. Setting it copies what is given.

    Notes
    -----
    Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain", 1958;
    Novikoff, "On convergence proofs on perceptrons", 1962; Minsky, Papert, "Perceptrons", 1969.

    Examples
    --------
    >>> perceptron = Perceptron(2, rng=0)
    >>> walk = perceptron.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, 1])  # OR
    >>> walk.converged
    True
    """

    def __init__(self, in_features, lr=0.1, rng=None):
        self.in_features = whole(in_features, "in_features")
        if not (math.isfinite(lr) and lr > 0):
            raise SettingsError(f"Perceptron: the learning rate lr is {lr}; a finite number above 0 was expected")
        self.lr = lr
        self.weight = np.random.default_rng(rng).standard_normal(self.in_features + 1)

    def __repr__(self):
        return f"Perceptron({self.in_features}, lr={self.lr:g})"

    @property
    def weight(self):
        return self._weight

    @weight.setter
    def weight(self, values):
        values = np.array(values, dtype=np.float64)
        if values.shape != (self.in_features + 1,):
            raise UserError(
                f"{self!r}: weights of shape {values.shape}; ({self.in_features + 1},), w_0 first, was expected"
            )
        self._weight = values

    def score(self, X):
        """S = w . x for every row of X (N, d): (N,)."""
        return self._with_one(X) @ self.weight

    def predict(self, X):
        """+1 where the score is above 0, otherwise -1, for every row of X (N, d)."""
        return np.where(self.score(X) > 0, 1, -1)

    def update(self, x, y):
        """Show one point x (d,) with its label y; if the answer is wrong, w := w + g y x. Return whether it was."""
        (x,), (y,) = self._with_one([x]), self._labels([y], 1)
        return self._learn(x, y)

    def fit(self, X, y, epochs=1000):
        """Show the points again and again, in order, until none is wrong.

        Parameters
        ----------
        X : array_like, (N, d)
        y : array_like, (N,)
            Labels, -1 or +1.
        epochs : int
            The most passes over all points. If it does not come to an end within them, or is found to repeat itself, a
            warning says so.

        Returns
        -------
        Walk
            The history, which is true if every point is right in the end.
        """
        X = self._with_one(X)
        y = self._labels(y, len(X))
        weights, points, began = [self.weight.copy()], [], {}
        converged, cycle, epoch = False, 0, 0
        for epoch in range(1, whole(epochs, "epochs") + 1):
            before = len(points)
            for i in range(len(X)):
                if self._learn(X[i], y[i]):
                    points.append(i)
                    weights.append(self.weight.copy())
            converged = len(points) == before
            cycle = epoch - began.setdefault(weights[before].tobytes(), epoch)
            if converged or cycle:
                break
        wrong = int(np.count_nonzero(self._answers(X) != y))
        walk = Walk(np.array(weights), np.array(points, int), epoch, converged, wrong, cycle)
        if not converged:
            warnings.warn(f"{self!r}: {walk}", stacklevel=2)
        return walk

    def equation(self):
        """The boundary as text, "0.7 x2 - 1.2 x1 - 0.1 = 0"."""
        terms = [(w, f" x{i}" if i else "") for i, w in enumerate(self.weight) if w]
        text = " ".join(f"{'-' if w < 0 else '+'} {abs(w):.6g}{x}" for w, x in reversed(terms))
        return f"{text.removeprefix('+ ') or '0'} = 0"

    def _learn(self, x, y):
        wrong = (1 if x @ self.weight > 0 else -1) != y
        if wrong:
            self.weight = self.weight + self.lr * y * x
        return wrong

    def _answers(self, X):
        return np.where(X @ self.weight > 0, 1, -1)

    def _with_one(self, X):
        """X (N, d) with a first column of ones, x_0."""
        try:
            X = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError):
            raise UserError(f"{self!r}: X: numbers in an array (N, {self.in_features}) were expected") from None
        if X.ndim != 2 or X.shape[1] != self.in_features or len(X) == 0:
            raise UserError(f"{self!r}: X has shape {X.shape}; (N, {self.in_features}) was expected")
        if not np.isfinite(X).all():
            raise UserError(f"{self!r}: X has values that are NaN or infinite")
        return np.column_stack([np.ones(len(X)), X])

    def _labels(self, y, count):
        y = np.asarray(y)
        if y.shape != (count,):
            raise UserError(f"{self!r}: labels of shape {y.shape} for {count} points; ({count},) was expected")
        if not np.isin(y, (-1, 1)).all():
            raise UserError(f"{self!r}: labels are -1 and +1, and there are others; for 0 and 1 give 2 * y - 1")
        return y.astype(int)
