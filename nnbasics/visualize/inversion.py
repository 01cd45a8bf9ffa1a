"""Inversion: which pictures have the same features as this one? What a layer has forgotten shows."""

import math

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.errors import UserError
from nnbasics.layers.base import whole
from nnbasics.optimizers import LBFGS, descend
from nnbasics.style.cosine import Cosine
from nnbasics.style.variation import total_variation
from nnbasics.visualize.looking import as_x, image_of, room_for

NOISE = np.float32(0.2)  # range of the white noise around grey that the walk starts from


class Inversion:
    """l(x) = |Phi(x) - Phi0|^2 / |Phi0|^2 + alpha_weight R_alpha(x) + tv_weight R_TV(x), and its gradient.

    Phi(x) are the features of x at one layer, Phi0 those of the picture that is to be found again. The other two say
    what pictures are like: values of moderate size, and no grain::

        R_alpha = sum |2 x - 1|^alpha / (C H W)
        R_TV    = sum ((x_i+1,j - x_ij)^2 + (x_i,j+1 - x_ij)^2)^(beta/2) / (H W)

    The lecture's sums are divided by the numbers of values here, so that a weight means the same at every size, and the
    features by their size, so that it means the same at every layer.

    Parameters
    ----------
    net : Sequential
    x0 : ndarray, (1, 3, H, W)
        RGB in [0, 1].
    layer : str
    alpha, beta : float
        At least 1; the lecture has alpha = 6.
    alpha_weight, tv_weight : float

    Examples
    --------
    >>> loss, gradient = Inversion(net, x0, "relu3_1")(x)
    """

    def __init__(self, net, x0, layer, *, alpha=6.0, alpha_weight=1e-3, beta=2.0, tv_weight=0.3):
        self.alpha, self.beta = _number("alpha", alpha, 1), _number("beta", beta, 1)
        self.alpha_weight, self.tv_weight = _number("alpha_weight", alpha_weight), _number("tv_weight", tv_weight)
        self.layer = layer
        self._plan = net.plan(x0.shape, [layer], dtype=x0.dtype)
        self.features = self._plan.forward(x0).features[layer].copy(order="K")
        self._size = float(np.vdot(self.features, self.features))
        if not self._size:
            raise UserError(f"{layer} says nothing (all 0) of this picture, so there is nothing to find it by")

    def __call__(self, x):
        """Return the loss (float) and its gradient at x."""
        difference = self._plan.forward(x).features[self.layer] - self.features
        loss = float(np.vdot(difference, difference)) / self._size
        difference *= x.dtype.type(2 / self._size)
        gradient = self._plan.backward({self.layer: difference})
        for value, slope in (self._moderation(x), self._smoothness(x)):
            loss += value
            gradient = gradient + slope
        return loss, gradient

    def _moderation(self, x):
        centred = 2 * x - 1
        weight = self.alpha_weight / x.size
        size = np.abs(centred)
        slope = x.dtype.type(2 * self.alpha * weight) * np.sign(centred) * size ** x.dtype.type(self.alpha - 1)
        return weight * float(np.sum(size ** x.dtype.type(self.alpha), dtype=np.float64)), slope

    def _smoothness(self, x):
        weight = self.tv_weight / (x.shape[2] * x.shape[3])
        value, slope = total_variation(x, self.beta / 2)
        return weight * value, x.dtype.type(weight) * slope


def invert(
    net, picture, layer, *, size=224, iterations=200, init="noise", seed=0, progress=None, callback=None, **prior
):
    """A picture that a layer cannot tell from the given one, found from white noise.

    Parameters
    ----------
    net : Sequential
        Takes (1, 3, H, W), RGB in [0, 1]: `nnbasics.models.vgg19()`.
    picture : path, name of a shipped picture, Pillow image, or (H, W, 3) array
    layer : str
        The deeper, the less of the place and colour of things is left.
    size : int
        Pixels of the longest side.
    iterations : int
        Steps of L-BFGS.
    init : "noise", or (H, W, 3) array
    seed : int
        Of the noise.
    progress : bool, optional
        Whether to show a bar; if not said, in a terminal or a notebook, from two seconds on.
    callback : callable, optional
        Called as callback(iteration, loss, image) after every step.
    **prior
        alpha, alpha_weight, beta, tv_weight: see `Inversion`.

    Returns
    -------
    ndarray, (H, W, 3) float32 in [0, 1]

    References
    ----------
    Mahendran, Vedaldi, "Understanding deep image representations by inverting them", 2015.

    Examples
    --------
    >>> image = invert(vgg19(), "cat", "relu4_1")
    """
    given = pictures.resize(pictures.read(picture), whole(size, "size"))
    pictures.check_size(given, max(2, room_for(net, layer)))
    objective = Inversion(net, as_x(given), layer, **prior)
    return walk(objective, start(init, given.shape, seed), iterations, progress, callback)


def start(init, shape, seed):
    """What a walk starts from, (1, 3, H, W): white noise around grey, or a picture (H, W, 3)."""
    if isinstance(init, str) and init == "noise":
        noise = np.random.default_rng(seed).random(shape, np.float32)
        return as_x(np.float32(0.5) + NOISE * (noise - np.float32(0.5)))
    if isinstance(init, str):
        raise UserError(f'init={init!r}: "noise" or a picture as an array was expected')
    return as_x(pictures.resize_to(pictures.read(init), *shape[:2]))


def walk(objective, x, iterations, progress=None, callback=None):
    """Go down from x by L-BFGS, in cosine coordinates; return the picture, (H, W, 3)."""
    from tqdm.auto import tqdm

    coordinates = Cosine(x)
    disable = None if progress is None else not progress
    with tqdm(total=whole(iterations, "iterations", 0), delay=2, disable=disable, unit="step", leave=False) as bar:
        steps = descend(coordinates.within(objective), np.zeros_like(x), LBFGS(20))
        for step in steps:
            image = coordinates.picture(step.x)
            bar.set_postfix_str(f"loss {step.loss:.4g}", refresh=False)
            bar.update(step.iteration - bar.n)
            if callback is not None and step.iteration:
                callback(step.iteration, step.loss, image_of(image))
            if step.iteration >= iterations:
                break
    return image_of(image)


def _number(name, value, least=0):
    if not isinstance(value, (int, float, np.number)) or not (math.isfinite(value) and value >= least):
        raise UserError(f"{name}={value!r}: a finite number of at least {least} was expected")
    return float(value)
