"""t-SNE: points of many dimensions drawn in two, so that neighbours stay neighbours."""

import math

import numpy as np

from nnbasics.errors import UserError
from nnbasics.kernels import choose
from nnbasics.linalg import PCA
from nnbasics.linalg.given import numbers

EXPLORATION = 250  # steps with exaggerated attraction, in which clusters form and pass through each other
MOMENTUM = (0.5, 0.8)  # in the exploration, and after it
LEAST_LEARNING_RATE = 50.0
START = 1e-4  # standard deviation of the first coordinate at the start: all points close to each other
LOOK = 50  # steps between two looks at the divergence
FLOOR = 1e-12  # below this a probability counts as 0 in the divergence
CENTRE = 1e-7  # the length of a gradient at which the points are said to rest


class TSNE:
    """t-distributed stochastic neighbour embedding, every pair of points counted.

    Near each other in X means a high probability under a Gaussian around each point, near each other in the drawing Y
    means one under Student's t distribution with one degree of freedom, whose long tail lets the far be far::

        p_j|i = exp(-b_i |x_i - x_j|^2) / sum_k exp(-b_i |x_i - x_k|^2)     p_ij = (p_j|i + p_i|j) / 2n
        q_ij  = w_ij / Z,     w_ij = 1 / (1 + |y_i - y_j|^2),     Z = sum of all w
        C     = KL(P || Q) = sum p_ij log(p_ij / q_ij)
        dC/dy_i = 4 sum_j (p_ij - q_ij) w_ij (y_i - y_j)

    b_i is such that each point has about `perplexity` neighbours. Y goes down the gradient with momentum and a gain for
    each coordinate that grows while its gradient keeps its sign; for the first 250 steps all p are exaggerated, which
    lets clusters form.

    Parameters
    ----------
    n_components : int
        Dimensions of the drawing.
    perplexity : float
        How many neighbours a point has, about: 5 to 50, less than the number of points.
    early_exaggeration : float
        What all p are multiplied by at first.
    learning_rate : float or "auto"
        "auto" is n / early_exaggeration / 4, at least 50.
    max_iter : int
        Steps, 250 of them exaggerated.
    init : "pca", "random" or ndarray (n, n_components)
        Where to start; "pca" keeps what is globally far apart so, and is the same in every run.
    rng : None, int or numpy.random.Generator
        For "random".

    Attributes
    ----------
    embedding_ : ndarray, (n, n_components)
    kl_divergence_ : float
        C at the end.
    divergences_ : list of (int, float)
        (step, C), every 50 steps; exaggerated steps count with the p that are not.

    References
    ----------
    van der Maaten, Hinton, "Visualizing data using t-SNE", 2008. Start and learning rate: Kobak, Berens, "The art of
    using t-SNE for single-cell transcriptomics", 2019.

    Examples
    --------
    >>> y = TSNE(perplexity=30).fit_transform(digits.load()[0].reshape(-1, 64))   # (1797, 64) to (1797, 2)
    """

    def __init__(
        self,
        n_components=2,
        perplexity=30.0,
        early_exaggeration=12.0,
        learning_rate="auto",
        max_iter=1000,
        init="pca",
        rng=None,
    ):
        if not isinstance(n_components, int) or n_components < 1:
            raise UserError(f"TSNE: n_components={n_components!r}: an int of at least 1 was expected")
        if not isinstance(max_iter, int) or max_iter < 1:
            raise UserError(f"TSNE: max_iter={max_iter!r}: an int of at least 1 was expected")
        if isinstance(learning_rate, str) and learning_rate != "auto":
            raise UserError(f'TSNE: learning_rate={learning_rate!r}: a number, or "auto", was expected')
        self.n_components = n_components
        self.perplexity = _positive(perplexity, "perplexity")
        self.early_exaggeration = _positive(early_exaggeration, "early_exaggeration")
        self.learning_rate = learning_rate if learning_rate == "auto" else _positive(learning_rate, "learning_rate")
        self.max_iter = max_iter
        self.init = init
        self.rng = rng

    def __repr__(self):
        return f"TSNE(n_components={self.n_components}, perplexity={self.perplexity:g})"

    def fit_transform(self, X, progress=None, callback=None):
        """Draw the rows of X.

        Parameters
        ----------
        X : ndarray, (n, d)
        progress : bool, optional
            Whether to show a bar; if not said, in a terminal or a notebook, from two seconds on.
        callback : callable, optional
            Called as callback(step, Y) after every step, Y (n, n_components) being this step's own.

        Returns
        -------
        ndarray, (n, n_components)
            float32 for X in float32, else float64.
        """
        X = numbers(X, "X", ndim=(2,), like="(n, d)")
        n = len(X)
        if not 1 <= self.perplexity < n - 1:
            raise UserError(
                f"{self!r}: {n} points have {max(n - 1, 0)} neighbours each at most; a perplexity from 1 to less than "
                "that was expected (n / 3 is a lot)"
            )
        p = joint_probabilities(X, self.perplexity)
        y = np.ascontiguousarray(self._start(X).T)
        self.divergences_ = []
        y = self._descend(p, y, progress, callback)
        self.embedding_ = np.ascontiguousarray(y.T)
        self.kl_divergence_ = self.divergences_[-1][1]
        return self.embedding_

    def fit(self, X):
        """Like `fit_transform`, but return self."""
        self.fit_transform(X)
        return self

    def _start(self, X):
        shape = (len(X), self.n_components)
        if isinstance(self.init, str) and self.init == "random":
            return (START * np.random.default_rng(self.rng).standard_normal(shape)).astype(X.dtype)
        if isinstance(self.init, str) and self.init == "pca":
            if self.n_components > min(X.shape):
                raise UserError(f'{self!r}: X of shape {X.shape} has fewer components; use init="random"')
            y = PCA(self.n_components).fit(X).transform(X).astype(X.dtype)
            spread = y[:, 0].std()
            return y * X.dtype.type(START / spread) if spread > 0 else y
        if isinstance(self.init, str):
            raise UserError(f'{self!r}: init={self.init!r}: "pca", "random" or an array {shape} was expected')
        y = numbers(self.init, "init", ndim=(2,), like=f"{shape}").astype(X.dtype)
        if y.shape != shape:
            raise UserError(f"{self!r}: init has shape {y.shape}; {shape} was expected")
        return y

    def _descend(self, p, y, progress, callback):
        from tqdm.auto import tqdm

        rate = self.learning_rate
        if rate == "auto":
            rate = max(p.shape[0] / self.early_exaggeration / 4, LEAST_LEARNING_RATE)
        exaggeration, momentum = self.early_exaggeration, MOMENTUM[0]
        velocity, gains = np.zeros_like(y), np.ones_like(y)
        disable = None if progress is None else not progress
        with tqdm(total=self.max_iter, delay=2, disable=disable, unit="step", leave=False) as bar:
            for step in range(1, self.max_iter + 1):
                if step == EXPLORATION + 1:
                    exaggeration, momentum = 1.0, MOMENTUM[1]
                gradient = _gradient(y, p, exaggeration)
                grows = (gradient > 0) != (velocity > 0)
                gains = np.maximum(np.where(grows, gains + 0.2, gains * 0.8), 0.01).astype(y.dtype)
                velocity = y.dtype.type(momentum) * velocity - y.dtype.type(rate) * gains * gradient
                y = y + velocity
                bar.update()
                resting = step > EXPLORATION and np.linalg.norm(gradient) < CENTRE
                if step % LOOK == 0 or step == self.max_iter or resting:
                    self.divergences_.append((step, divergence(p, y.T)))
                    bar.set_postfix_str(f"KL {self.divergences_[-1][1]:.4f}", refresh=False)
                if callback is not None:
                    callback(step, y.T)
                if resting:
                    break
        return y


def joint_probabilities(X, perplexity):
    """p_ij of the rows of X (n, d): symmetric, all of them together 1, in X's dtype."""
    squares = np.einsum("ij,ij->i", X, X)
    squared = np.maximum(squares[:, None] + squares - 2 * (X @ X.T), 0).astype(np.float64)
    p = choose.neighbours().affinities(squared, perplexity)
    return ((p + p.T) / (2 * len(p))).astype(X.dtype)


def divergence(p, y):
    """KL(P || Q) of the joint probabilities p (n, n) and the drawing y (n, d), as a float."""
    squares = np.einsum("ij,ij->i", y, y)
    w = 1 / (1 + np.maximum(squares[:, None] + squares - 2 * (y @ y.T), 0))
    np.fill_diagonal(w, 0)
    z = w.sum(dtype=np.float64)
    counted = p > FLOOR
    return float(np.sum(p[counted] * np.log(p[counted] * z / w[counted]), dtype=np.float64))


def _gradient(y, p, exaggeration=1.0):
    """dC/dy for y (d, n), where all p count `exaggeration` times."""
    pull, push, z = choose.neighbours().forces(y, p)
    return 4 * (y.dtype.type(exaggeration) * pull - push / y.dtype.type(z.sum(dtype=np.float64)))


def _positive(value, name):
    if not isinstance(value, (int, float, np.number)) or not (math.isfinite(value) and value > 0):
        raise UserError(f"TSNE: {name}={value!r}: a finite number above 0 was expected")
    return float(value)
