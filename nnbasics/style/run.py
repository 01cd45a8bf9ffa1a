"""One run of a style transfer: from two pictures and the settings to the painted picture, step by step."""

import itertools
import math
import time
from dataclasses import dataclass, field

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError
from nnbasics.optimizers import LBFGS, SGD, Adam, Diverged, descend, safe_learning_rate
from nnbasics.style import manifest, memory
from nnbasics.style.bounds import outside
from nnbasics.style.cosine import Cosine
from nnbasics.style.interrupt import gently
from nnbasics.style.objective import Objective
from nnbasics.style.settings import InvalidSetting, Settings

SMALLEST = 16  # pixels of a side: less than this has nothing to paint, and the deepest default layer sees none of it
STYLE_PER_VALUE = 60.0  # the default beta for one value of the content's features, where alpha is 1
OUTSIDE = 160.0  # what a value pays for the square of its way out of [0, 1], in units of what its features count
ADAM_LEARNING_RATE = 0.02
NOISE = np.float32(0.2)  # range of the white noise around grey: noise of full range is still seen after 500 steps


@dataclass(frozen=True)
class Progress:
    """What a callback is told after every step.

    Attributes
    ----------
    iteration, iterations : int
        Steps taken, and asked for.
    loss : float
    evaluations : int
        How often loss and gradient have been computed.
    seconds : float
        Since the walk began.
    note : str
        What was out of the ordinary, usually empty.
    """

    iteration: int
    iterations: int
    loss: float
    evaluations: int
    seconds: float
    note: str
    _image: object = field(repr=False)

    @property
    def image(self):
        """The picture now: (H, W, 3) float32 in [0, 1]."""
        return self._image()


@dataclass(frozen=True)
class Result:
    """A painted picture.

    Attributes
    ----------
    image : ndarray, (H, W, 3) float32 in [0, 1]
    losses : list of float
        The loss at the start and after every step.
    settings : Settings
    metadata : dict
        Settings, version and hashes: what is needed to make the picture again. `save` writes it into the file.
    stopped : str
        Why the run ended before its last iteration; empty if it did not.
    """

    image: np.ndarray
    losses: list
    settings: Settings
    metadata: dict = field(repr=False)
    stopped: str = ""

    def save(self, path, overwrite=True):
        """Write the picture (PNG, JPEG, WebP, TIFF, by the name's ending) with its `metadata` inside."""
        pictures.write(path, self.image, metadata=self.metadata, overwrite=overwrite)


class Run:
    """A style transfer that is ready to walk: everything that can be refused has been.

    Iterating walks downhill and yields `Progress`; `result` is the picture so far, whenever it is asked for, also after
    an interruption.

    Parameters
    ----------
    content, style : path, name of a shipped picture, Pillow image or array
    settings : Settings

    Raises
    ------
    UserError
        For pictures, weights or settings that cannot be used.
    """

    def __init__(self, content, style, settings):
        self.settings = settings
        self.net, self._weights = network(settings.weights, settings.pooling)
        _check_layers(settings, self.net)
        self.content_size, content_array = _prepared("content", content, settings, self.net)
        self.style_size, style_array = _prepared("style", style, settings, self.net)
        self.shape = content_array.shape
        memory.check(self.shape, style_array.shape, settings)
        self._start = _start(settings, content_array)
        values = _values(settings, self.net, self.shape)
        self.style_weight = _beta(settings, values)
        self._outside = OUTSIDE * (settings.content_weight + self.style_weight / values)
        self.objective = Objective(
            self.net,
            content_array,
            style_array,
            content_weight=settings.content_weight,
            style_weight=self.style_weight,
            content_layers=settings.content_layers,
            style_layers=settings.style_layers,
            tv_weight=settings.tv_weight,
        )
        self._given = {"content": manifest.picture(content), "style": manifest.picture(style)}
        self._step = None
        self._picture_of = _same
        self.losses = []
        self.stopped = ""
        self.diverged = False
        self.learning_rate = None

    @property
    def iteration(self):
        """Steps taken so far."""
        return max(len(self.losses) - 1, 0)

    def __iter__(self):
        began = time.perf_counter()
        total = self.settings.iterations
        try:
            for step in itertools.islice(self._walk(), total + 1):
                self._step = step
                self.losses.append(step.loss)
                seconds = time.perf_counter() - began
                image = _lazily(self._picture_of, step.x)
                yield Progress(step.iteration, total, step.loss, step.evaluations, seconds, step.note, image)
        except Diverged as problem:
            self.diverged = True
            self.stopped = f"{problem}; {_advice(self.settings)}"
            if self._step is None:
                raise Diverged(self.stopped) from None
            return
        if step.iteration < total:
            self.stopped = f"no lower point was found after {step.iteration} iterations: as low as float32 goes"

    def _walk(self):
        settings, x = self.settings, self._start
        if settings.optimizer == "lbfgs":
            coordinates = Cosine(x)
            self._picture_of = coordinates.picture
            return descend(coordinates.within(self._bounded), np.zeros_like(x), LBFGS(settings.history))
        if settings.optimizer == "adam":
            self.learning_rate = settings.learning_rate or ADAM_LEARNING_RATE
            return descend(self._bounded, x, Adam(self.learning_rate))
        # The lecture's x := x - lambda dL/dx, as written.
        self.learning_rate = settings.learning_rate or safe_learning_rate(self._evaluate, x)
        return descend(self._evaluate, x, SGD(self.learning_rate))

    def _evaluate(self, x):
        """Loss and gradient; where they overflow the walk sees it, and nobody needs NumPy's warnings."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.objective(x)

    def _bounded(self, x):
        """Loss and gradient, with a price on values that the saved picture cannot have."""
        loss, gradient = self._evaluate(x)
        with np.errstate(over="ignore", invalid="ignore"):
            excess, slope = outside(x)
            return loss + self._outside * excess, gradient + self._outside * slope

    @property
    def result(self):
        """The picture so far, as a `Result`; the start's, before the first step."""
        x = self._start if self._step is None else self._picture_of(self._step.x)
        return Result(_as_image(x), list(self.losses), self.settings, self._metadata(), self.stopped)

    def _metadata(self):
        height, width = self.shape[2:]
        return manifest.made(
            self.settings,
            weights=self._weights,
            size=[width, height],
            iterations_done=self.iteration,
            loss=self.losses[-1] if self.losses else None,
            style_weight=self.style_weight,
            learning_rate=self.learning_rate,
            **self._given,
        )


def stylize(content, style, callback=None, *, progress=None, **settings):
    """Paint the content of one picture in the style of another.

    Parameters
    ----------
    content, style : path, name of a shipped picture, Pillow image, or (H, W, 3) array
        Arrays are RGB, floats in [0, 1] or uint8.
    callback : callable, optional
        Called with a `Progress` at the start and after every step; its `.image` is the picture then.
    progress : bool, optional
        Whether to show a progress bar; if not said, where somebody is watching: in a terminal or a notebook.
    **settings
        The fields of `Settings`: size, iterations, optimizer, style_weight, ...

    Returns
    -------
    Result
        With `.image`, `.losses` and `.save(path)`. After Ctrl-C (or a notebook's stop button) it holds the picture so
        far, and `.stopped` says so.

    Raises
    ------
    UserError
        For a picture or a setting that cannot be used; the message says what to do.

    Examples
    --------
    >>> result = stylize("cat", "starry_night", size=256, iterations=100)
    >>> result.save("cat.png")
    """
    from nnbasics.style.progress import bar

    run = Run(content, style, Settings.of(**settings))
    with bar(run.settings.iterations, progress) as show, gently() as asked_to_stop:
        try:
            for state in run:
                show(state)
                if callback is not None:
                    callback(state)
                if asked_to_stop() and state.iteration < run.settings.iterations:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            run.stopped = f"interrupted after {run.iteration} of {run.settings.iterations} iterations"
    if run.stopped:
        import warnings

        warnings.warn(run.stopped, stacklevel=2)
    return run.result


def network(name_or_path, pooling):
    """VGG-19, and where its weights came from."""
    from nnbasics import weights
    from nnbasics.models.vgg import vgg19

    loaded = weights.load(name_or_path)
    return vgg19(loaded, pooling), {"name": loaded.name, "sha256": loaded.sha256}


def _check_layers(settings, net):
    """Refuse layers that the network has not, with the nearest that it has."""
    for name in ("content_layers", "style_layers"):
        for layer in getattr(settings, name):
            try:
                net.up_to([layer])
            except ValueError as problem:
                raise InvalidSetting(name, str(problem).partition(": ")[2]) from None


def _prepared(role, source, settings, net):
    """The size of a picture as given, and the picture at the run's size as (1, 3, H, W) float32."""
    given = pictures.read(source)
    pictures.check_size(given, SMALLEST, f"the {role} picture")
    scaled = pictures.resize(given, settings.size)
    height, width = scaled.shape[:2]
    needed = _shortest_side(net, [*settings.content_layers, *settings.style_layers])
    if min(height, width) < needed:
        full = f"{given.shape[1]} x {given.shape[0]}"
        raise PictureError(
            f"the {role} picture, {full} pixels, becomes {width} x {height} at size {settings.size}, and the deepest "
            f"layer needs {needed} pixels a side: use a larger size, or a picture that is less narrow"
        )
    return given.shape[:2], np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def _shortest_side(net, names):
    """Pixels of a side that leave one position in the deepest of the layers."""
    side = 1
    for name in net.up_to(names):
        side *= getattr(net.layers[name], "stride", (1, 1))[0]
    return max(side, SMALLEST)


def _start(settings, content):
    """The picture that the walk starts from, (1, 3, H, W) float32."""
    init = settings.init
    if isinstance(init, str) and init == "content":
        return content.copy()
    if isinstance(init, str) and init == "noise":
        noise = np.random.default_rng(settings.seed).random(content.shape, np.float32)
        return np.float32(0.5) + NOISE * (noise - np.float32(0.5))
    try:
        given = pictures.read(init)
    except PictureError as problem:
        raise InvalidSetting("init", f"{problem}; content, noise or a picture was expected") from None
    return np.ascontiguousarray(pictures.resize_to(given, *content.shape[2:]).transpose(2, 0, 1)[None])


def _values(settings, net, shape):
    """How many values the content's sum runs over: a mean over its layers."""
    layers = settings.content_layers
    if not sum(layers.values()):
        return math.prod(shape)
    values = 0.0
    for name in net.up_to(layers):
        shape = net.layers[name].output_shape(shape)
        values += layers.get(name, 0.0) * math.prod(shape)
    return values / sum(layers.values())


def _beta(settings, values):
    """The weight of the style in the loss. A relative one counts the values that the content's sum runs over.

    The lecture's content term is a sum over all positions and its style term a quotient that has forgotten them, so the
    beta that balances them grows with the picture.
    """
    if not isinstance(settings.style_weight, str):
        return settings.style_weight
    return float(settings.style_weight[:-1]) * STYLE_PER_VALUE * values


def _advice(settings):
    if settings.optimizer == "lbfgs":
        return "this should not happen with lbfgs: try smaller weights (style_weight, content_weight)"
    return "try a smaller learning_rate, or the optimizer lbfgs, which needs none"


def _same(x):
    return x


def _as_image(x):
    return np.clip(x[0].transpose(1, 2, 0), 0, 1)


def _lazily(picture_of, x):
    return lambda: _as_image(picture_of(x))
