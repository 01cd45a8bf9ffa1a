"""One run of a style transfer: from two pictures and the settings to the painted picture, step by step."""

import contextlib
import itertools
import math
import time
from dataclasses import dataclass, field, replace

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.errors import SettingsError
from nnbasics.interrupt import gently
from nnbasics.optimizers import Diverged
from nnbasics.style import manifest, plan
from nnbasics.style import trace as traces
from nnbasics.style.checkpoint import Keeping
from nnbasics.style.ingredients import Ingredients
from nnbasics.style.pyramid import enlarged
from nnbasics.style.settings import Settings
from nnbasics.style.trace import Row
from nnbasics.style.walk import Walk


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
    content : path, name of a shipped picture, Pillow image or array
    style : the same, or a list of them
    settings : Settings
    announce : callable, optional
        Called with the run when it is planned (`settings`, `plan`, `shape`), before the work of measuring begins.

    Raises
    ------
    UserError
        For pictures, weights or settings that cannot be used.
    """

    def __init__(self, content, style, settings, announce=None):
        self.ingredients = Ingredients(content, style, settings)
        self.net, self.weights = self.ingredients.net, self.ingredients.weights
        self.settings, self.plan = plan.fitted(self.ingredients, settings)
        self.ingredients.settings = settings = self.settings
        shapes = self.ingredients.shapes(settings.size)
        self.shape = shapes[0]
        self.ingredients.masks(shapes)
        self.given = self.ingredients.facts()
        if announce is not None:
            announce(self)
        self._sizes = [*settings.pyramid, settings.size]
        self._ends = [*itertools.accumulate(settings.pyramid.values()), math.inf]
        self._at(self._sizes[0])
        self.rows = []
        self.stopped = ""
        self.diverged = False

    def _at(self, size, before=None):
        """Stand at the beginning of the walk at one size, perhaps behind the walk at the size before."""
        self.walk = self.prepared = self.objective = None  # their memory goes before more is taken
        if before is not None:
            before.objective = None
        prepared = self.ingredients.at(size)
        start = prepared.start
        if before is not None:
            start = enlarged(before.picture(), *start.shape[2:])
        self.prepared, self._size = replace(prepared, objective=None), size  # a kept Progress holds no network
        self.objective, self.style_weight = prepared.objective, prepared.style_weight
        self.walk = Walk(prepared.objective, start, self.settings, prepared.price, before)

    def restore(self, rows, state):
        """Stand where a run stood that was kept: its rows, and what `walk.state` returned."""
        size = rows[-1].size
        if size not in self._sizes:
            raise SettingsError(f"it was at size {size}, where this run never is")
        if size != self._size:
            self._at(size)
        self.walk.load_state(state)
        if self.walk.step.iteration != rows[-1].iteration:
            raise SettingsError("its counts of steps differ")
        self.rows = rows

    @property
    def iteration(self):
        """Steps taken so far."""
        return self.rows[-1].iteration if self.rows else 0

    @property
    def losses(self):
        """The loss at the start and after every step."""
        return [row.total for row in self.rows]

    def __iter__(self):
        total, began = self.settings.iterations, time.perf_counter()
        began -= self.rows[-1].seconds if self.rows else 0.0
        try:
            for step in self._steps(total):
                if not self.rows or step.iteration > self.iteration:
                    seconds = time.perf_counter() - began
                    counts = step.iteration, step.evaluations, seconds, step.loss
                    self.rows.append(Row(*counts, *self.walk.parts, self._size))
                yield self._progress(step)
        except Diverged as problem:
            self.diverged = True
            what = str(problem).partition(";")[0]  # its advice is for all walks
            self.stopped = f"{what}; {_advice(self.settings)}"
            if not self.rows:
                raise Diverged(self.stopped) from None
            return
        if self.iteration < total:
            self.stopped = f"no lower point was found after {self.iteration} iterations: as low as float32 goes"

    def _steps(self, total):
        """The steps at every size, until there are `total`."""
        for stage in range(self._sizes.index(self._size), len(self._sizes)):
            enlarging = self._sizes[stage] != self._size
            if enlarging:
                self._at(self._sizes[stage], self.walk)
            end = min(self._ends[stage], total)
            # The first step at a size is the last at the one before, enlarged.
            for step in itertools.islice(self.walk, int(enlarging), None):
                yield step
                if step.iteration >= end:
                    break
            if self.iteration >= total:
                return

    def _progress(self, step):
        row = self.rows[-1]
        total = self.settings.iterations

        walk, prepared = self.walk, self.prepared

        def image():
            return self._full(prepared.finished(walk.picture(step)))

        return Progress(row.iteration, total, row.total, row.evaluations, row.seconds, step.note, row, image)

    @property
    def result(self):
        """The picture so far, as a `Result`; the start's, before the first step."""
        image = self._full(self.prepared.finished(self.walk.picture()))
        return Result(image, self.losses, self.settings, self.metadata(), self.stopped)

    def _full(self, image):
        """A picture on the way at the size that the result has."""
        return image if image.shape[:2] == self.shape[2:] else pictures.resize_to(image, *self.shape[2:])

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
    content : path, name of a shipped picture, Pillow image, or (H, W, 3) array
        Arrays are RGB, floats in [0, 1] or uint8.
    style : the same, or a list of them
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
        The fields of `Settings`: size, iterations, optimizer, style_weight, ...; and `preset`, a name for several.

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
    >>> stylize("cat", ["starry_night", "great_wave"], mask=["sky.png", "rest"], color="keep")
    """
    from nnbasics.style.progress import bar

    keeping = Keeping(checkpoint, resume, checkpoint_every)
    if trace is not None:
        traces.check(trace, overwrite=True)
    run = Run(content, style, keeping.settled(Settings.of(**settings)), keeping.check)
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


def _advice(settings):
    if settings.optimizer == "lbfgs":
        return "this should not happen with lbfgs: try smaller weights (style_weight, content_weight)"
    return "try a smaller learning_rate, or the optimizer lbfgs, which needs none"
