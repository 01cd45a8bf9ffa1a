"""The styles of an objective: one picture or several, each with its share and, perhaps, its region."""

import math
from dataclasses import dataclass

import numpy as np

from nnbasics.errors import SettingsError, UserError
from nnbasics.style.masks import channel, shares
from nnbasics.style.tiles import over


@dataclass(frozen=True, eq=False)
class Style:
    """A style picture (1, 3, H, W), what its distance counts, where it counts, and which part of it is meant."""

    picture: np.ndarray
    share: float = 1.0
    mask: np.ndarray | None = None
    own_mask: np.ndarray | None = None

    def grams(self, net, layers, dtype, tile=None):
        """{layer: F F^T per position}; `tile` as for `Objective`."""
        shape = self.picture.shape
        masks = [] if self.own_mask is None else [self.own_mask]
        guides = channels(net, layers, shape, masks)
        network = over(net, shape, (), () if masks else layers, dtype, guides, tile)
        _, whole, guided = network.forward(self.picture.astype(dtype, copy=False), None)
        found = {name: grams[0] for name, grams in guided.items()} if masks else whole
        shapes = outputs(net, layers, shape)
        return {name: gram / dtype.type(math.prod(shapes[name][2:])) for name, gram in found.items()}


def styles(pictures, blend, masks, own_masks, shape):
    """The `Style`s of an objective for pictures of `shape`, checked; those of weight 0 are left out."""
    n = len(pictures)
    if not n:
        raise UserError("Objective: no style picture is given")
    blend = _as_many("blend", blend, n, 1.0)
    if not all(math.isfinite(weight) and weight >= 0 for weight in blend) or not any(blend):
        raise SettingsError(f"blend is {blend}; finite numbers of 0 or more were expected, and one above 0")
    masks = _as_many("masks", masks, n, None)
    own_masks = _as_many("style_masks", own_masks, n, None)
    for picture, mask, own_mask in zip(pictures, masks, own_masks, strict=True):
        _check_mask("mask", mask, shape)
        _check_mask("style mask", own_mask, picture.shape)
    rows = zip(pictures, shares(blend, masks), masks, own_masks, strict=True)
    return [Style(*row) for row in rows if row[1] > 0]


def by_region(chosen):
    """The styles in groups that have the same mask: [(mask, styles), ...]."""
    found = []
    for style in chosen:
        for mask, group in found:
            if mask is style.mask or (mask is not None and np.array_equal(mask, style.mask)):
                group.append(style)
                break
        else:
            found.append((style.mask, [style]))
    return found


def channels(net, layers, shape, masks):
    """{layer: guidance channels (R, H, W) of the masks}, for pictures of `shape`; {} without masks."""
    if not masks:
        return {}
    shapes = outputs(net, layers, shape)
    return {name: np.stack([channel(mask, *shape[2:]) for mask in masks]) for name, shape in shapes.items()}


def outputs(net, layers, shape):
    """{layer: shape of its output}, for pictures of `shape`."""
    found = {}
    for name in net.up_to(layers) if layers else ():
        shape = net.layers[name].output_shape(shape)
        if name in layers:
            found[name] = shape
    return found


def _as_many(name, values, n, default):
    values = [default] * n if values is None else list(values)
    if len(values) != n:
        raise SettingsError(f"{name} has {len(values)} entries for {n} styles: one for each was expected")
    return values


def _check_mask(name, mask, shape):
    if mask is None:
        return
    if not isinstance(mask, np.ndarray) or mask.shape != tuple(shape[2:]):
        found = getattr(mask, "shape", type(mask).__name__)
        raise UserError(
            f"Objective: a {name} is {found}; an array of shape {tuple(shape[2:])}, its picture's, was expected"
        )
    if not (np.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 1 and mask.any()):
        raise UserError(f"Objective: a {name} must have values from 0 to 1, and not all of them 0")
