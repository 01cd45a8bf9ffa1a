"""Faces drawn from random traits: free to ship, since nobody sat for them, and enough to see what PCA finds."""

import numpy as np

from nnbasics.data import samples
from nnbasics.data.picture import read
from nnbasics.layers.base import whole

SIDE = 25  # pixels, as those of `faces`
FINE = 3  # points each way that a pixel is the mean of
ZOOM = 0.88
LIMIT = 2.2  # no trait is further from its mean than so many times its spread
PHOTOGRAPHS = ("china", "flower", "coffee", "rocket", "cat")
TRAITS = {  # mean and spread; lengths in halves of the picture, x to the right and y down
    "skin": (0.62, 0.11), "hair": (0.22, 0.13), "wall": (0.35, 0.14), "contrast": (1.0, 0.12),
    "turn": (0.0, 0.07), "nod": (0.0, 0.04), "tilt": (0.0, 0.06), "light": (0.0, 0.16),
    "width": (0.72, 0.05), "height": (1.02, 0.06), "hairline": (-0.72, 0.09),
    "eyes_x": (0.33, 0.025), "eyes_y": (-0.20, 0.03), "eye_size": (1.0, 0.12), "eye_opening": (1.0, 0.25),
    "brow_height": (0.20, 0.03), "brow_slant": (0.0, 0.12), "brow_darkness": (0.38, 0.10),
    "nose_y": (0.22, 0.03), "nostrils": (0.26, 0.05),
    "mouth_y": (0.53, 0.035), "mouth_width": (0.27, 0.035), "smile": (0.25, 0.35), "teeth": (0.03, 0.04),
    "beard": (-0.06, 0.16),
}  # fmt: skip


def drawn(count=100, rng=None):
    """Drawn faces, and pieces of the shipped photographs that are no faces: as many of each, 25x25 pixels.

    Parameters
    ----------
    count : int
    rng : None, int or numpy.random.Generator

    Returns
    -------
    faces, others : ndarray, (count, 25, 25) float32
        Grey, from 0 to 1.
    """
    rng = np.random.default_rng(rng)
    count = whole(count, "count")
    faces = [face(**_random_traits(rng)) for _ in range(count)]
    return np.stack(faces).astype(np.float32), np.stack([*_pieces(count, rng)]).astype(np.float32)


def face(**traits):
    """One face (25, 25) with these of the `TRAITS`, the others at their means."""
    t = {name: mean for name, (mean, _) in TRAITS.items()} | traits
    y, x = ZOOM * ((np.mgrid[0 : SIDE * FINE, 0 : SIDE * FINE] + 0.5) / (SIDE * FINE) * 2 - 1)
    x, y = x - 0.6 * t["turn"] + t["tilt"] * y, y - t["nod"] - t["tilt"] * x
    across, along = x / t["width"], (y - 0.06) / t["height"]
    r = across**2 + along**2
    hair = _inside(1 - (across / 1.12) ** 2 - ((y + 0.05) / (1.08 * t["height"])) ** 2, 0.08)
    skin = _inside(1 - r, 0.08) * _inside(y - t["hairline"] - 0.25 * across**2, 0.06)
    shade = t["skin"] * (1 - 0.28 * np.minimum(r, 1.3) + t["light"] * across - 0.06 * y)
    front = x - t["turn"]  # eyes, nose and mouth are nearer than the head's outline, and turn more
    ink = _eyes(t, front, y) + _nose(t, front, y) + _mouth(t, front, y)
    picture = t["wall"] + (abs(t["hair"]) - t["wall"]) * hair
    picture += skin * (shade * (1 - ink) - picture)
    picture = np.clip(0.5 + t["contrast"] * (picture - 0.45), 0, 1)
    return picture.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))


def _eyes(t, x, y):
    """Sockets, pupils and brows."""
    ink = 0
    for side in (-1, 1):
        out = side * x - t["eyes_x"]  # from the middle of the eye, outwards
        low = y - t["eyes_y"]
        ink = ink + 0.30 * _spot(out, low + 0.02, 0.19 * t["eye_size"], 0.13)
        ink = ink + 0.42 * _spot(out, low, 0.075 * t["eye_size"], 0.05 * max(t["eye_opening"], 0.2))
        bow = low + t["brow_height"] + t["brow_slant"] * out + 0.8 * out**2
        ink = ink + t["brow_darkness"] * _bar(out, bow, 0.20, 0.05)
    return ink


def _nose(t, x, y):
    """Nostrils, a bright ridge, and the shadow on the side away from the light."""
    low = y - t["nose_y"]
    ink = -0.16 * _spot(x, low + 0.16, 0.06, 0.24)
    for side in (-1, 1):
        shadow = 0.12 + 0.5 * max(-side * t["light"], 0)
        ink = ink + t["nostrils"] * _spot(x - 0.09 * side, low, 0.07, 0.06)
        ink = ink + shadow * _spot(x - 0.13 * side, low + 0.2, 0.05, 0.22)
    return ink


def _mouth(t, x, y):
    """Lips, what is between them, the chin's shadow, and a beard."""
    teeth, beard = max(t["teeth"], 0), max(t["beard"], 0)
    low = y - t["mouth_y"] + t["smile"] * x**2
    lips = 0.34 * _bar(x, low, t["mouth_width"], 0.055 + teeth)
    between = 4.5 * teeth * _bar(x, low, 0.8 * t["mouth_width"], 0.03 + 0.6 * teeth)
    chin = 0.12 * _spot(x, y - t["mouth_y"] - 0.17, 0.20, 0.05)
    hairs = _inside(y - 0.4 - 0.3 * abs(x), 0.08) * (1 - 0.9 * _spot(x, low, 0.8 * t["mouth_width"], 0.07))
    return lips - between + chin + beard * hairs


def _inside(depth, softness):
    """1 well inside, 0 well outside, a soft edge between."""
    return 1 / (1 + np.exp(-np.clip(depth / softness, -30, 30)))


def _spot(x, y, width, height):
    return np.exp(-((x / width) ** 2) - (y / height) ** 2)


def _bar(x, y, width, height):
    return np.exp(-((x / width) ** 4) - (y / height) ** 2)


def _random_traits(rng):
    draws = np.clip(rng.standard_normal(len(TRAITS)), -LIMIT, LIMIT)
    return {name: mean + spread * draw for (name, (mean, spread)), draw in zip(TRAITS.items(), draws, strict=True)}


def _pieces(count, rng):
    """Squares of the photographs in grey, of random place and size."""
    photographs = [read(samples.path(name)).mean(axis=2) for name in PHOTOGRAPHS]
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        factor = int(rng.integers(1, min(photograph.shape) // SIDE + 1))
        top, left = (int(rng.integers(0, length - factor * SIDE + 1)) for length in photograph.shape)
        piece = photograph[top : top + factor * SIDE, left : left + factor * SIDE]
        yield piece.reshape(SIDE, factor, SIDE, factor).mean(axis=(1, 3))
