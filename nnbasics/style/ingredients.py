"""From what is given to what is minimised: pictures, masks and settings, made into an objective at one size."""

import math
import os
from dataclasses import dataclass

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError, UserError
from nnbasics.style import color, manifest, masks
from nnbasics.style.conventions import CONVENTIONS
from nnbasics.style.objective import Objective
from nnbasics.style.settings import InvalidSetting
from nnbasics.style.styles import outputs

SMALLEST = 16  # pixels of a side: less than this has nothing to paint, and the deepest default layer sees none of it
LARGEST = 16384  # pixels of a side, of a style that is scaled up: as for the setting size
STYLE_PER_VALUE = 60.0  # the default beta for one value of the content's features, where alpha is 1
STYLE_LAYERS = 2.0  # what the weights of the default style layers add up to
OUTSIDE = 160.0  # what a value pays for the square of its way out of [0, 1], in units of what its features count
NORMALISED = "vgg19-normalised"  # how names of normalised weights begin
MEASURED = 256  # pixels of a side, of the part of the content where the features of other networks are measured
NOISE = np.float32(0.2)  # range of the white noise around grey: noise of full range is still seen after 500 steps


@dataclass(frozen=True)
class Prepared:
    """What a walk needs at one size.

    Attributes
    ----------
    objective : Objective
    start : ndarray, (1, 3, H, W)
    style_weight : float
        beta, as a number.
    price : float
        What values below 0 and above 1 pay for their squares.
    """

    objective: Objective
    start: np.ndarray
    style_weight: float
    price: float
    _chroma: np.ndarray | None

    def walked(self, image):
        """A picture (H, W, 3) as the walk has it, (1, 3, H, W): the other way round than `finished`."""
        return _as_array(image, self._chroma)

    def finished(self, x):
        """The picture at x as it is shown and saved: (H, W, 3) in [0, 1]."""
        image = np.clip(x[0].transpose(1, 2, 0), 0, 1)
        return image if self._chroma is None else color.recolored(image, self._chroma)


class Ingredients:
    """The pictures of a run as they were given, its settings, and its network.

    Parameters
    ----------
    content : path, name of a shipped picture, Pillow image or array
    styles : the same, or a list of them
    settings : Settings

    Raises
    ------
    UserError
        For pictures, weights or settings that cannot be used.
    """

    def __init__(self, content, styles, settings):
        styles = list(styles) if isinstance(styles, (list, tuple)) else [styles]
        if not styles:
            raise UserError("no style picture is given: one, or a list of some, was expected")
        _check_lists(settings, len(styles))
        self.settings = settings
        self.net, self.weights = network(settings.weights, settings.pooling, settings.convention)
        _check_layers(settings, self.net)
        self._given = {"content": content, "style": styles}
        self._roles = ["the content picture", *_roles(len(styles))]
        self._read = [_read(role, source) for role, source in zip(self._roles, [content, *styles], strict=True)]
        self._init = _init(settings.init)

    @property
    def files(self):
        """The files that are read, but for one to go on from."""
        settings = self.settings
        found = [self._given["content"], *self._given["style"], *(settings.mask or ()), *(settings.style_mask or ())]
        return [each for each in found if isinstance(each, (str, os.PathLike))]

    @property
    def given(self):
        """(height, width) of the pictures as they were given: the content, then the styles."""
        return [picture.shape[:2] for picture in self._read]

    def shapes(self, size):
        """The shapes, (1, 3, H, W), that the pictures have in a run of this size: the content, then the styles."""
        longest = [size] + [max(1, round(size * self.settings.style_scale))] * (len(self._read) - 1)
        found = [pictures.target_size(*given, side) for given, side in zip(self.given, longest, strict=True)]
        needed = shortest_side(self.net, [*self.settings.content_layers, *self.settings.style_layers])
        for role, given, (height, width) in zip(self._roles, self.given, found, strict=True):
            scaled = self.settings.style_scale != 1 and role != self._roles[0]
            scale = f" and style_scale {self.settings.style_scale:g}" if scaled else ""
            becomes = f"{role}, {given[1]} x {given[0]} pixels, becomes {width:,} x {height:,} at size {size}{scale}"
            if min(height, width) < needed:
                larger = "a larger size or style_scale" if scaled else "a larger size"
                raise PictureError(
                    f"{becomes}, and the deepest layer needs {needed} pixels a side: use {larger}, "
                    "or a picture less narrow"
                )
            if max(height, width) > LARGEST:
                raise InvalidSetting("style_scale", f"{becomes}, more than {LARGEST:,} a side: use a smaller one")
        return [(1, 3, *each) for each in found]

    def at(self, size):
        """Everything a walk needs at this size: a `Prepared`."""
        settings = self.settings
        shapes = self.shapes(size)
        sized = [pictures.resize_to(each, *shape[2:]) for each, shape in zip(self._read, shapes, strict=True)]
        content, styles = sized[0], sized[1:]
        where, parts = self.masks(shapes)
        match = color.MATCHES[settings.color]
        if match:
            styles = [match(style, content, *weights) for style, *weights in zip(styles, parts, where, strict=True)]
        start = _start(settings, self._init, content)
        chroma = content if settings.color == "keep" else None
        begins_there, content = start is content, _as_array(content, chroma)
        start = content if begins_there else _as_array(start, chroma)
        convention = CONVENTIONS[settings.convention]
        values = _values(settings, self.net, shapes[0])
        sizes = self._sizes(content)
        beta = _beta(settings, convention, values, sizes)
        objective = Objective(
            self.net,
            content,
            [_as_array(style) for style in styles],
            content_weight=settings.content_weight,
            style_weight=beta,
            content_layers=settings.content_layers,
            style_layers=settings.style_layers,
            tv_weight=settings.tv_weight * convention.tv_of_white,
            convention=settings.convention,
            blend=settings.blend,
            masks=where,
            style_masks=parts,
            balance=start if settings.balance == "gradient" else None,
            tile=settings.tile or None,
        )
        return Prepared(objective, start, beta, _price(objective, self.net, values, sizes), chroma)

    def _sizes(self, content):
        """{layer: mean of its features}: 1 by construction in the normalised network, else measured in the middle."""
        names = {**self.settings.content_layers, **self.settings.style_layers}
        if is_normalised(self.weights["sha256"]) and CONVENTIONS[self.settings.convention].white is None:
            return dict.fromkeys(names, 1.0)
        top, left = (max(side - MEASURED, 0) // 2 for side in content.shape[2:])
        part = content[..., top : top + MEASURED, left : left + MEASURED]
        found = self.net.plan(part.shape, names, dtype=part.dtype).forward(part).features
        return {name: max(float(features.mean()), 1e-6) for name, features in found.items()}

    def masks(self, shapes):
        """For each style where it goes, and which part of it is meant: two lists of arrays, or None for everywhere."""
        content, *styles = shapes
        everywhere = [masks.NONE] * len(styles)
        where = _masks("mask", self.settings.mask or everywhere, *content[2:])
        parts = zip(self.settings.style_mask or everywhere, styles, strict=True)
        return where, [_masks("style_mask", [part], *style[2:])[0] for part, style in parts]

    def facts(self):
        """What a manifest says about the pictures: names and hashes."""
        found = facts(self._given["content"], self._given["style"], self.settings)
        return found if self._init is None else {**found, "init": manifest.picture(self.settings.init)}


def facts(content, styles, settings):
    """What a manifest says about the pictures of a run, but for the one that it starts from: names and hashes."""
    style = [manifest.picture(each) for each in (styles if isinstance(styles, (list, tuple)) else [styles])]
    found = {"content": manifest.picture(content), "style": style[0] if len(style) == 1 else style}
    for name in ("mask", "style_mask"):
        if getattr(settings, name):
            found[name] = [masks.word(source) or manifest.picture(source) for source in getattr(settings, name)]
    return found


def network(name_or_path, pooling, convention="paper"):
    """VGG-19, as the convention wants it, and where its weights came from."""
    from nnbasics import weights
    from nnbasics.models.vgg import vgg19
    from nnbasics.weights.original import original

    loaded, white = weights.load(name_or_path), CONVENTIONS[convention].white
    if white is not None:
        if is_normalised(loaded.sha256):
            loaded = original(loaded)
        loaded["preprocess.weight"] *= np.float32(white / 255)
    return vgg19(loaded, pooling, rescale=True), {"name": loaded.name, "sha256": loaded.sha256}


def is_normalised(sha256):
    """Whether this is a file of normalised weights, wherever it lies."""
    from nnbasics.weights import registry

    return sha256 in [entry.sha256 for name, entry in registry.entries().items() if name.startswith(NORMALISED)]


def _roles(number):
    """How messages call the styles."""
    return ["the style picture"] if number == 1 else [f"style picture {i}" for i in range(1, number + 1)]


def _check_lists(settings, number):
    """Refuse weights and masks that are not one for each style."""
    styles = "1 style" if number == 1 else f"{number} styles"
    for name, what, hint in (
        ("blend", "weights", ""),
        ("mask", "masks", "; none stands for everywhere, rest for where no other is"),
        ("style_mask", "masks", "; none stands for the whole picture"),
    ):
        values = getattr(settings, name)
        if values is not None and len(values) != number:
            raise InvalidSetting(name, f"{len(values)} {what} for {styles}; one for each was expected{hint}")


def _check_layers(settings, net):
    """Refuse layers that the network has not, with the nearest that it has."""
    for name in ("content_layers", "style_layers"):
        for layer in getattr(settings, name):
            try:
                net.up_to([layer])
            except ValueError as problem:
                raise InvalidSetting(name, str(problem).partition(": ")[2]) from None


def _read(role, source):
    picture = pictures.read(source)
    pictures.check_size(picture, SMALLEST, role)
    return picture


def _masks(name, sources, height, width):
    try:
        return masks.read(sources, height, width)
    except PictureError as problem:
        raise InvalidSetting(name, problem) from None


def _init(init):
    """The picture to start from, or None where the setting names no picture."""
    if isinstance(init, str) and init in ("content", "noise"):
        return None
    try:
        return pictures.read(init)
    except PictureError as problem:
        raise InvalidSetting("init", f"{problem}; content, noise or a picture was expected") from None


def _start(settings, init, content):
    """The picture that the walk starts from, (H, W, 3) float32."""
    if init is not None:
        return pictures.resize_to(init, *content.shape[:2])
    if settings.init == "content":
        return content
    noise = np.random.default_rng(settings.seed).random((3, *content.shape[:2]), np.float32).transpose(1, 2, 0)
    return np.float32(0.5) + NOISE * (noise - np.float32(0.5))


def _as_array(picture, chroma=None):
    """(H, W, 3) as (1, 3, H, W); where its chroma is kept apart, only the luminance."""
    if chroma is not None:
        picture = color.grey(color.luminance(picture))
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)


def shortest_side(net, names):
    """Pixels of a side that leave one position in the deepest of the layers."""
    side = 1
    for name in net.up_to(names):
        side *= getattr(net.layers[name], "stride", (1, 1))[0]
    return max(side, SMALLEST)


def _values(settings, net, shape):
    """How many values the content's sum runs over: a mean over its layers."""
    weights = settings.content_layers
    if not sum(weights.values()):
        return math.prod(shape)
    shapes = outputs(net, weights, shape)
    return sum(weights[name] * math.prod(shapes[name]) for name in weights) / sum(weights.values())


def _beta(settings, convention, values, sizes):
    """The weight of the style in the loss. A relative one counts the values that the content's sum runs over.

    The lecture's content term is a sum over all positions and its style term a quotient that has forgotten them, so the
    beta that balances them grows with the picture. The one goes with the square of the features' size, the other with
    its fourth power.
    """
    if not isinstance(settings.style_weight, str):
        return settings.style_weight
    suits = STYLE_PER_VALUE * values * _mean(settings.content_layers, sizes, 2) / _mean(settings.style_layers, sizes, 4)
    return float(settings.style_weight[:-1]) * (convention.style_weight or suits)


def _mean(layers, sizes, power):
    """The mean of sizes^power over layers with weights."""
    total = sum(layers.values())
    return sum(weight * sizes[name] ** power for name, weight in layers.items()) / total if total else 1.0


def _price(objective, net, values, sizes):
    """What values outside [0, 1] pay: OUTSIDE for each alpha, and for each beta that `values` values share."""
    shapes = outputs(net, {**objective.content_layers, **objective.style_layers}, objective.shape)
    convention, pixels = objective.convention, math.prod(objective.shape[2:])
    paper = {name: convention.in_paper(n, h * w, pixels) for name, (_, n, h, w) in shapes.items()}
    alpha = sum(weight * paper[name][0] * sizes[name] ** 2 for name, weight in objective.content_layers.items())
    beta = sum(weight * paper[name][1] * sizes[name] ** 4 for name, weight in objective.style_layers.items())
    return OUTSIDE * (alpha + beta / STYLE_LAYERS / values)
