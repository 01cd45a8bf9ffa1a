"""Where a style counts: masks from files of any size, and the guidance channels that layers make of them."""

import os

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.data import samples
from nnbasics.errors import PictureError

REST = "rest"  # the word for: everywhere the other masks are not
NONE = "none"  # and for: everywhere


def read(sources, height, width):
    """Masks as (height, width) arrays, white being 1; None where there is none.

    Parameters
    ----------
    sources : list
        Pictures of any kind and size, read as grey; "none" or None; and at most one "rest", 1 - the largest of the
        others.
    """
    words = [word(source) for source in sources]
    found = [
        _grey(source, height, width) if word is None else None for source, word in zip(sources, words, strict=True)
    ]
    others = [mask for mask in found if mask is not None]
    rest = 1 - np.max(others, axis=0) if others else None
    return [_painted(rest, REST) if word == REST else mask for mask, word in zip(found, words, strict=True)]


def word(source):
    """ "rest" or "none" where a mask is one of these words, else None."""
    if source is None:
        return NONE
    return source if isinstance(source, str) and source in (REST, NONE) else None


def channel(mask, height, width):
    """The guidance channel t of a layer of height x width positions: the mask in its size, with sum t^2 = height width.

    Gatys' channels have sum t^2 = 1; by this factor a region's Gram matrix is as large as a whole picture's of the same
    texture, and a mask that is white everywhere changes nothing.
    """
    t = _resized(mask, height, width, "BOX").astype(np.float64)
    return t * np.sqrt(t.size / np.sum(t * t))


def shares(weights, masks):
    """What each style's distance counts, from the weights asked for: as much as the part of the picture it paints.

    A region's Gram matrix tells nothing of its size, so its distance is multiplied by the mean of t^2. The weights are
    relative: on the average over what is painted they make 1, so that neither a second style nor a second region
    changes how strongly the picture is painted as a whole.
    """
    painted = [np.ones((1, 1)) if mask is None else np.square(mask, dtype=np.float64) for mask in masks]
    areas = [float(np.mean(t2)) for t2 in painted]
    covered = np.zeros((1, 1))
    for weight, t2 in zip(weights, painted, strict=True):
        covered = np.maximum(covered, t2 * (weight > 0))
    mean = sum(weight * area for weight, area in zip(weights, areas, strict=True)) / float(np.mean(covered))
    return [weight / mean * area for weight, area in zip(weights, areas, strict=True)]


def _grey(source, height, width):
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    if name is not None and not os.path.lexists(name) and name not in samples.names():
        raise PictureError(
            f"{name!r} does not exist: a picture, white where the style counts, was expected, or {REST}, or {NONE}"
        )
    grey = pictures.read(source).mean(axis=2, dtype=np.float32)
    return _painted(_resized(grey, height, width, "BILINEAR"), name or "given")


def _painted(mask, name):
    """The mask, unless nothing of it is left."""
    if mask is None:
        raise PictureError(f"{REST!r} is what other masks leave, and there is no other")
    if not (mask > 0.02).any():
        if name == REST:
            raise PictureError(f"nothing is left for {REST!r}: the other masks are white everywhere")
        raise PictureError(f"the mask {name} is black everywhere: its white says where the style goes")
    return mask


def _resized(grey, height, width, how):
    from PIL import Image

    plane = Image.fromarray(np.ascontiguousarray(grey, np.float32))
    return np.asarray(plane.resize((width, height), Image.Resampling[how]))
