"""One run of a style transfer: from two pictures and the settings to the painted picture, step by step."""

import contextlib
import itertools
import math
import time
from dataclasses import dataclass, field

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError
from nnbasics.interrupt import gently
from nnbasics.optimizers import Diverged
from nnbasics.style import manifest, memory
from nnbasics.style import trace as traces
from nnbasics.style.checkpoint import Keeping
from nnbasics.style.objective import Objective
from nnbasics.style.settings import InvalidSetting, Settings
from nnbasics.style.trace import Row
from nnbasics.style.walk import Walk

SMALLEST = 16  # pixels of a side: less than this has nothing to paint, and the deepest default layer sees none of it
STYLE_PER_VALUE = 60.0  # the default beta for one value of the content's features, where alpha is 1
OUTSIDE = 160.0  # what a value pays for the square of its way out of [0, 1], in units of what its features count
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
        Since the walk began; after a resume without the time in between.
    note : str
        What was out of the ordinary, usually empty.
    row : Row
        All numbers of this step, the loss in its parts among them: a line of the trace.
    """

    iteration: int
    iterations: int
    loss: float
    evaluations: int
    seconds: float
    note: str
    row: Row = field(repr=False)
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
        self.net, self.weights = network(settings.weights, settings.pooling)
        _check_layers(settings, self.net)
        self.content_size, content_array = _prepared("content", content, settings, self.net)
        self.style_size, style_array = _prepared("style", style, settings, self.net)
        self.shape = content_array.shape
        memory.check(self.shape, style_array.shape, settings)
        values = _values(settings, self.net, self.shape)
        self.style_weight = _beta(settings, values)
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
        price = OUTSIDE * (settings.content_weight + self.style_weight / values)
        self.walk = Walk(self.objective, _start(settings, content_array), settings, price)
        self.given = {"content": manifest.picture(content), "style": manifest.picture(style)}
        if not (isinstance(settings.init, str) and settings.init in ("content", "noise")):
            self.given["init"] = manifest.picture(settings.init)
        self.rows = []
        self.stopped = ""
        self.diverged = False

    @property
    def iteration(self):
        """Steps taken so far."""
        return self.rows[-1].iteration if self.rows else 0

    @property
    def losses(self):
        """The loss at the start and after every step."""
        return [row.total for row in self.rows]

    def __iter__(self):
        total, step = self.settings.iterations, self.walk.step
        began = time.perf_counter() - (self.rows[-1].seconds if self.rows else 0.0)
        try:
            for step in itertools.islice(self.walk, total + 1 - self.iteration):
                if not self.rows or step.iteration > self.iteration:
                    seconds = time.perf_counter() - began
                    self.rows.append(Row(step.iteration, step.evaluations, seconds, step.loss, *self.walk.parts))
                yield self._progress(step)
        except Diverged as problem:
            self.diverged = True
            self.stopped = f"{problem}; {_advice(self.settings)}"
            if step is None:
                raise Diverged(self.stopped) from None
            return
        if step.iteration < total:
            self.stopped = f"no lower point was found after {step.iteration} iterations: as low as float32 goes"

    def _progress(self, step):
        row = self.rows[-1]
        image = _lazily(self.walk, step)
        total = self.settings.iterations
        return Progress(row.iteration, total, row.total, row.evaluations, row.seconds, step.note, row, image)

    @property
    def result(self):
        """The picture so far, as a `Result`; the start's, before the first step."""
        return Result(_as_image(self.walk.picture()), self.losses, self.settings, self.metadata(), self.stopped)

    def metadata(self):
        """What it takes to make the picture again, as the picture will carry it."""
        height, width = self.shape[2:]
        return manifest.made(
            self.settings,
            weights=self.weights,
            size=[width, height],
            iterations_done=self.iteration,
            loss=self.losses[-1] if self.losses else None,
            style_weight=self.style_weight,
            learning_rate=self.walk.learning_rate,
            **self.given,
        )


def stylize(
    content,
    style,
    callback=None,
    *,
    progress=None,
    checkpoint=None,
    resume=False,
    checkpoint_every="auto",
    trace=None,
    **settings,
):
    """Paint the content of one picture in the style of another.

    Parameters
    ----------
    content, style : path, name of a shipped picture, Pillow image, or (H, W, 3) array
        Arrays are RGB, floats in [0, 1] or uint8.
    callback : callable, optional
        Called with a `Progress` at the start and after every step; its `.image` is the picture then.
    progress : bool, optional
        Whether to show a progress bar; if not said, where somebody is watching: in a terminal or a notebook.
    checkpoint : path, optional
        A file that is written as the run goes, and at its end: what it takes to go on, bit for bit.
    resume : bool
        Go on from the checkpoint; pictures and settings must be the same, but for more iterations.
    checkpoint_every : int or str
        Steps, or a time such as "30s" or "5m"; "auto" is 30 seconds, or more where writing takes long.
    trace : path, optional
        A .csv or .jsonl file that gets the losses of every step as it is taken. One that is there is replaced.
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

    keeping = Keeping(checkpoint, resume, checkpoint_every)
    if trace is not None:
        traces.check(trace, overwrite=True)
    run = Run(content, style, Settings.of(**settings))
    stopped = True
    with contextlib.suppress(KeyboardInterrupt), keeping.of(run) as keep, traces.writing(trace, run.rows) as note:
        with bar(run.settings.iterations, progress, run.iteration) as show:
            stopped = follow(run, [show, note, keep, callback])
    if stopped:
        run.stopped = f"interrupted after {run.iteration} of {run.settings.iterations} iterations"
    if run.stopped:
        import warnings

        warnings.warn(run.stopped, stacklevel=2)
    return run.result


def follow(run, callbacks):
    """Walk a run to its end or to Ctrl-C, which lets the step under way finish; return whether it was stopped."""
    with gently() as asked_to_stop:
        for state in run:
            for callback in filter(None, callbacks):
                callback(state)
            if asked_to_stop() and state.iteration < run.settings.iterations:
                return True
    return False


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
        return content
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


def _as_image(x):
    return np.clip(x[0].transpose(1, 2, 0), 0, 1)


def _lazily(walk, step):
    return lambda: _as_image(walk.picture(step))
