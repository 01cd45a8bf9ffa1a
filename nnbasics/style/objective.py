"""Gatys' objective: how far a picture is from one picture's content and another's style, and which way is downhill."""

import math
import threading
from dataclasses import dataclass

import numpy as np

from nnbasics.errors import SettingsError, UserError, nearest
from nnbasics.style.conventions import CONVENTIONS
from nnbasics.style.styles import by_region, channels, outputs, styles
from nnbasics.style.terms import ContentTarget, StyleTarget
from nnbasics.style.tiles import over
from nnbasics.style.variation import total_variation


class Objective:
    """L(x) = alpha L_content + beta L_style + tv_weight TV(x), a pure function of the picture x.

    With F the features of x at a layer, N filters at M positions, P those of the content picture, G = F F^T the Gram
    matrix of x and A that of the style picture, the lecture's formulas are::

        L_content = sum_l w_l 1/2 sum (F - P)^2              dL/dF = w_l (F - P)
        L_style   = sum_l w_l 1/(4 N^2 M^2) sum (G - A)^2    dL/dF = w_l 1/(N^2 M^2) (G - A) F

    and the chain rule, layer by layer, does the rest; both gradients end where F < 0, as ReLU's backward says.
    When the style picture has M' positions and the content M, its Gram matrix counts per position: A M / M'.

    Several styles have their distances added up, weighted by their `blend`. A style with a mask is compared with the
    Gram matrix of what is under the mask, and a mask of its own says which part of the style picture to take. Gatys'
    guided Gram matrix is of the features times a guidance channel, the mask in the layer's size::

        G_r = (F t_r) (F t_r)^T        sum t_r^2 = M        dL/dF = w_l 1/(N^2 M^2) (G_r - A_r) F t_r^2

    Parameters
    ----------
    net : Sequential
        A network that takes (1, 3, H, W) pictures, RGB in [0, 1]: `nnbasics.models.vgg19()`.
    content : ndarray, (1, 3, H, W)
    style : ndarray, (1, 3, H, W), or list of them
        They may differ in size.
    content_weight, style_weight : float
        alpha and beta of the lecture: weights of the loss, not learning rates.
    content_layers, style_layers : dict of str to float
        Layer names and their weights w_l.
    tv_weight : float
        Weight of the total variation, which smooths.
    convention : str
        Whose constant factors: "paper" (the formulas above), "johnson", "gatys-notebook", "anish", "keras".
    blend : list of float, optional
        The weight of each style, relative to the others; equal if not given. See `masks.shares`.
    masks : list of (ndarray (H, W) or None), optional
        For each style where in the picture it counts, from 0 to 1; None for everywhere.
    style_masks : list of (ndarray (H', W') or None), optional
        For each style which part of the style picture is meant.
    balance : ndarray, (1, 3, H, W), optional
        A picture, the start of the walk: there every style layer pulls as hard as its w_l says, |dL_l/dx| being
        proportional to w_l and their sum unchanged. The factors are measured once, so that the loss stays one function.
    tile : int, optional
        Walk larger pictures in tiles of at most tile x tile pixels: the same numbers in less memory; see `tiles`.

    Raises
    ------
    SettingsError
        For a weight that is negative or not finite, an unknown convention, or lists of different lengths.
    UserError
        For a layer that the network does not have, or pictures of another shape.

    Examples
    --------
    >>> objective = Objective(net, content, style, content_weight=1, style_weight=1e4,
    ...                       content_layers={"relu4_2": 1}, style_layers={"relu1_1": 1, "relu2_1": 1})
    >>> loss, gradient = objective(x)

    Notes
    -----
    Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style", 2015, equations 1 to 7; with Hertzmann and
    Shechtman, "Controlling Perceptual Factors in Neural Style Transfer", 2017, equations 5 to 7.
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
        blend=None,
        masks=None,
        style_masks=None,
        balance=None,
        tile=None,
    ):
        if convention not in CONVENTIONS:
            raise SettingsError(f"convention {convention!r} is unknown; {nearest(convention, CONVENTIONS)}")
        if tile is not None and not (isinstance(tile, (int, np.integer)) and tile > 0):
            raise SettingsError(f"tile is {tile!r}; pixels of a side were expected, or None for one piece")
        self.convention = CONVENTIONS[convention]
        self.tv_weight = _weight("tv_weight", tv_weight)
        self.content_layers = _layer_weights("content", content_weight, content_layers)
        self.style_layers = _layer_weights("style", style_weight, style_layers)
        self._net, self._tile = net, tile
        self._content = _picture("content", content)
        pictures = style if isinstance(style, (list, tuple)) else [style]
        pictures = [_picture("style", picture) for picture in pictures]
        self._regions = by_region(styles(pictures, blend, masks, style_masks, self.shape))
        self._targets = {}
        self._turn = threading.Lock()  # a walk forward and back has the plan's memory for itself
        if balance is not None and self.style_layers:
            self.style_layers = self._balanced(balance)
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
        with self._turn:
            targets = self._targets_for(x)
            terms, *slopes = self._compare(x, targets)
            gradient = targets.network.backward(*slopes) if targets.network else np.zeros_like(x)
        if self.tv_weight:
            terms["tv"], slope = self._variation(x)
            gradient = np.add(gradient, slope, out=slope)
        return terms, gradient

    def terms(self, x):
        """Return the loss in its parts: {"content relu4_2": ..., "style relu1_1": ..., "tv": ...}."""
        with self._turn:
            terms, *_ = self._compare(x, self._targets_for(x))
        if self.tv_weight:
            terms["tv"], _ = self._variation(x)
        return terms

    def _compare(self, x, targets, only=None):
        """The distances at every layer, and the derivatives of the style's by Gram matrices, whole and of regions.

        With `only`, a style layer, all others count 0 times.
        """
        terms, d_grams, d_guided = {}, {}, {}
        if not targets.network:
            return terms, d_grams, d_guided

        def compare(name, features, where):
            return targets.content[name].compare(features, 0.0 if only else self.content_layers[name], where)

        losses, grams, guided = targets.network.forward(x, compare)
        terms |= {f"content {name}": losses[name] for name in self.content_layers}
        for name, weight in self.style_layers.items():
            weight = weight if only in (None, name) else 0.0
            loss = 0.0
            if name in targets.style:
                loss, d_grams[name] = targets.style[name].compare(grams[name], weight)
            if name in targets.guided:
                pairs = zip(targets.guided[name], guided[name], strict=True)
                losses, d_guided[name] = zip(*(target.compare(gram, weight) for target, gram in pairs), strict=True)
                loss += math.fsum(losses)
            terms[f"style {name}"] = loss
        return terms, d_grams, d_guided

    def _variation(self, x):
        convention = self.convention
        value, slope = total_variation(x, convention.tv_power, convention.tv(*x.shape[2:]), convention.tv_inner)
        slope *= x.dtype.type(self.tv_weight)
        return self.tv_weight * value, slope

    def _balanced(self, x):
        """The style layers' weights that make |dL_l/dx| proportional to those given, the sum of them unchanged."""
        targets, norms = self._targets_for(x), {}
        for name in self.style_layers:
            _, *slopes = self._compare(x, targets, only=name)
            norms[name] = float(np.linalg.norm(targets.network.backward(*slopes)))
        if not all(norms.values()):  # x has this style already
            return self.style_layers
        pull = math.fsum(norms.values()) / math.fsum(self.style_layers.values())
        return {name: weight * (pull * weight / norms[name]) for name, weight in self.style_layers.items()}

    def _targets_for(self, x):
        """What the picture is compared with, computed once for each dtype."""
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
            raise UserError(f"Objective: x is {getattr(x, 'dtype', type(x).__name__)}; an array of floats was expected")
        if x.shape != self.shape:
            raise UserError(f"Objective: x has shape {x.shape}; the content has {self.shape}, and x must have the same")
        if x.dtype not in self._targets:
            self._targets[x.dtype] = self._measure(x.dtype)
        return self._targets[x.dtype]

    def _measure(self, dtype):
        if not self.content_layers and not self.style_layers:
            return _Targets(None, {}, {}, {})
        regions = self._regions if self.style_layers else []
        masks = [mask for mask, _ in regions if mask is not None]
        whole = self.style_layers if len(masks) < len(regions) else ()
        guides = channels(self._net, self.style_layers, self.shape, masks)
        in_regions = [self._style_targets(group, dtype) for _, group in regions]  # before the plan takes its memory
        network = over(self._net, self.shape, self.content_layers, whole, dtype, guides, self._tile)
        features = network.features(self._content.astype(dtype, copy=False)) if self.content_layers else {}
        content = {name: ContentTarget(self._content_factor(f), f) for name, f in features.items()}
        style, guided = {}, {}
        for (mask, _), targets in zip(regions, in_regions, strict=True):
            for name, target in targets.items():
                if mask is None:
                    style[name] = target
                else:
                    guided.setdefault(name, []).append(target)
        return _Targets(network, content, style, guided)

    def _content_factor(self, features):
        return self.convention.content(features.shape[1], math.prod(features.shape[2:]))

    def _style_targets(self, group, dtype):
        """{layer: StyleTarget} for the styles of one region."""
        found = [style.grams(self._net, self.style_layers, dtype, self._tile) for style in group]
        shares = [style.share for style in group]
        targets = {}
        for name, (_, n, height, width) in outputs(self._net, self.style_layers, self.shape).items():
            grams, m = [each[name] for each in found], height * width
            scale = self.convention.gram(n, m)
            factor = self.convention.style(n, m, math.prod(self.shape[2:]))
            targets[name] = StyleTarget.of(factor, scale, [gram * dtype.type(scale * m) for gram in grams], shares)
        return targets


@dataclass
class _Targets:
    """What a picture is compared with, by layer, and the network that walks there; `guided` has a list, by region."""

    network: object
    content: dict
    style: dict
    guided: dict


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
