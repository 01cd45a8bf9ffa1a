"""Gatys' objective: how far a picture is from one picture's content and another's style, and which way is downhill."""

import math
from dataclasses import dataclass

import numpy as np

from nnbasics.errors import SettingsError, UserError, nearest
from nnbasics.style.conventions import CONVENTIONS
from nnbasics.style.variation import total_variation


class Objective:
    """L(x) = alpha L_content + beta L_style + tv_weight TV(x), a pure function of the picture x.

    With F the features of x at a layer, N filters at M positions, P those of the content picture, G = F F^T the Gram
    matrix of x and A that of the style picture, the lecture's formulas are::

        L_content = sum_l w_l 1/2 sum (F - P)^2              dL/dF = w_l (F - P)
        L_style   = sum_l w_l 1/(4 N^2 M^2) sum (G - A)^2    dL/dF = w_l 1/(N^2 M^2) (G - A) F

    and the chain rule, layer by layer, does the rest; both gradients end where F < 0, as ReLU's backward says.
    When the style picture has M' positions and the content M, its Gram matrix counts per position: A M / M'.

    Parameters
    ----------
    net : Sequential
        A network that takes (1, 3, H, W) pictures, RGB in [0, 1]: `nnbasics.models.vgg19()`.
    content, style : ndarray, (1, 3, H, W)
        The two pictures; they may differ in size.
    content_weight, style_weight : float
        alpha and beta of the lecture: weights of the loss, not learning rates.
    content_layers, style_layers : dict of str to float
        Layer names and their weights w_l.
    tv_weight : float
        Weight of the total variation, which smooths.
    convention : str
        Whose constant factors: "paper" (the formulas above), "johnson", "gatys-notebook", "anish", "keras".

    Raises
    ------
    SettingsError
        For a weight that is negative or not finite, or an unknown convention.
    UserError
        For a layer that the network does not have, or pictures of another shape.

    Examples
    --------
    >>> objective = Objective(net, content, style, content_weight=1, style_weight=1e4,
    ...                       content_layers={"relu4_2": 1}, style_layers={"relu1_1": 1, "relu2_1": 1})
    >>> loss, gradient = objective(x)

    Notes
    -----
    Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style", 2015, equations 1 to 7.
    """

    def __init__(
        self,
        net,
        content,
        style,
        *,
        content_weight,
        style_weight,
        content_layers,
        style_layers,
        tv_weight=0.0,
        convention="paper",
    ):
        if convention not in CONVENTIONS:
            raise SettingsError(f"convention {convention!r} is unknown; {nearest(convention, CONVENTIONS)}")
        self.convention = CONVENTIONS[convention]
        self.tv_weight = _weight("tv_weight", tv_weight)
        self.content_layers = _layer_weights("content", content_weight, content_layers)
        self.style_layers = _layer_weights("style", style_weight, style_layers)
        self._net = net
        self._content = _picture("content", content)
        self._style = _picture("style", style)
        self._targets = {}
        self._targets_for(self._content)

    @property
    def shape(self):
        """The shape of the pictures that the objective takes: the content's."""
        return self._content.shape

    def __call__(self, x):
        """Return the loss (float) and its gradient (the shape and dtype of x)."""
        terms, gradient = self.evaluate(x)
        return math.fsum(terms.values()), gradient

    def evaluate(self, x):
        """Return the loss in its parts, as `terms` has them, and the gradient of their sum."""
        targets = self._targets_for(x)
        terms, d_features, d_grams = self._compare(x, targets)
        gradient = targets.plan.backward(d_features, d_grams) if targets.plan else np.zeros_like(x)
        if self.tv_weight:
            terms["tv"], slope = self._variation(x)
            gradient = gradient + slope
        return terms, gradient

    def terms(self, x):
        """Return the loss in its parts: {"content relu4_2": ..., "style relu1_1": ..., "tv": ...}."""
        terms, _, _ = self._compare(x, self._targets_for(x))
        if self.tv_weight:
            terms["tv"], _ = self._variation(x)
        return terms

    def _compare(self, x, targets):
        """The distances at every layer, and their derivatives by features and Gram matrices."""
        terms, d_features, d_grams = {}, {}, {}
        if not targets.plan:
            return terms, d_features, d_grams
        outputs = targets.plan.forward(x)
        for name, weight in self.content_layers.items():
            factor = weight * self.convention.content(*_filters_and_positions(outputs.features[name]))
            difference = outputs.features[name] - targets.features[name]
            terms[f"content {name}"] = factor * _sum_of_squares(difference)
            difference *= x.dtype.type(2 * factor)
            d_features[name] = difference
        for name, weight in self.style_layers.items():
            scale, factor = targets.style_factors[name]
            difference = outputs.grams[name] * x.dtype.type(scale) - targets.grams[name]
            terms[f"style {name}"] = weight * factor * _sum_of_squares(difference)
            difference *= x.dtype.type(2 * weight * factor * scale)
            d_grams[name] = difference
        return terms, d_features, d_grams

    def _variation(self, x):
        factor = self.tv_weight * self.convention.tv(x.shape[2] * x.shape[3])
        value, slope = total_variation(x, self.convention.tv_power)
        return factor * value, slope * x.dtype.type(factor)

    def _targets_for(self, x):
        """What the picture is compared with, computed once for each dtype."""
        if x.shape != self.shape:
            raise UserError(f"Objective: x has shape {x.shape}; the content has {self.shape}, and x must have the same")
        if x.dtype not in self._targets:
            self._targets[x.dtype] = self._measure(x.dtype)
        return self._targets[x.dtype]

    def _measure(self, dtype):
        if not self.content_layers and not self.style_layers:
            return _Targets(None, {}, {}, {})
        grams, positions = {}, {}
        if self.style_layers:
            style = self._style.astype(dtype)
            measured = self._net.plan(style.shape, (), self.style_layers, dtype).forward(style)
            grams, positions = measured.grams, measured.positions
        plan = self._net.plan(self.shape, self.content_layers, self.style_layers, dtype)
        measured = plan.forward(self._content.astype(dtype))
        factors = {}
        for name, gram in grams.items():
            n, m = len(gram), measured.positions[name]
            scale = self.convention.gram(n, m)
            factors[name] = scale, self.convention.style(n, m, self.shape[2] * self.shape[3])
            gram *= dtype.type(scale * m / positions[name])
        features = {name: array.copy(order="K") for name, array in measured.features.items()}
        return _Targets(plan, features, grams, factors)


@dataclass
class _Targets:
    """P and A (scaled as the convention says), the plan that walks to them, and each style layer's two factors."""

    plan: object
    features: dict
    grams: dict
    style_factors: dict


def _sum_of_squares(array, chunk=65536):
    """Chunk by chunk, and the chunks in float64: exact enough without a float64 copy of a large array."""
    flat = array.ravel(order="K")
    return math.fsum(float(np.vdot(part, part)) for part in (flat[i : i + chunk] for i in range(0, flat.size, chunk)))


def _filters_and_positions(features):
    return features.shape[1], features.shape[2] * features.shape[3]


def _picture(role, array):
    if not isinstance(array, np.ndarray) or array.ndim != 4 or array.shape[:2] != (1, 3):
        shape = getattr(array, "shape", type(array).__name__)
        raise UserError(f"Objective: the {role} picture is {shape}; an array of shape (1, 3, H, W) was expected")
    return array


def _weight(name, value):
    if not (isinstance(value, (int, float, np.number)) and math.isfinite(value) and value >= 0):
        raise SettingsError(f"{name} is {value!r}; a finite number of 0 or more was expected")
    return float(value)


def _layer_weights(role, overall, layers):
    """{layer: alpha w_l}, without the layers that count for nothing."""
    overall = _weight(f"{role}_weight", overall)
    weights = {name: overall * _weight(f"{role}_layers[{name!r}]", w) for name, w in dict(layers).items()}
    return {name: weight for name, weight in weights.items() if weight > 0}
