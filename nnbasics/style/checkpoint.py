"""The checkpoint of a run: written as it goes, and gone on from as if nothing had happened."""

import contextlib
import math
import os
import time
from dataclasses import replace

import numpy as np

from nnbasics import checkpoints
from nnbasics.errors import CheckpointError, UserError
from nnbasics.style import cosine, manifest
from nnbasics.style.plan import SETTLED
from nnbasics.style.settings import InvalidSetting
from nnbasics.style.trace import Row
from nnbasics.version import __version__

KIND = "style"
AUTO = "auto"  # every SECONDS, or less often where writing would take more than SHARE of the time
SECONDS = 30.0
SHARE = 0.05
COORDINATES = [*cosine.GREY, *cosine.COLOUR, cosine.LONGEST]  # what is kept of a walk means nothing in others
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Every:
    """An interval: "50" steps, "30s", "5m", "2h", or "auto"."""

    def __init__(self, value=AUTO):
        text = str(value).strip().lower()
        self.steps, self.seconds, self.auto = math.inf, math.inf, text == AUTO
        number, unit = (text[:-1], text[-1:]) if text[-1:] in UNITS else (text, "")
        try:
            amount = math.nan if self.auto else float(number)
        except ValueError:
            amount = math.nan
        if self.auto:
            self.seconds = SECONDS
        elif unit and 0 <= amount < math.inf:
            self.seconds = amount * UNITS[unit]
        elif not unit and amount.is_integer() and amount >= 1:
            self.steps = amount
        else:
            raise ValueError(f"{value!r} is no interval; 50 (steps), 30s, 5m, 2h or auto was expected")


class Keeping:
    """Whether, where and how often a run is kept; checked before any work.

    Parameters
    ----------
    path : str, path or None
        None: not at all.
    resume : bool
        Go on from the file, which must be there; otherwise it must not.
    every : int or str
        As for `Every`.

    Raises
    ------
    UserError
        If the file is there and should not be, or the other way round, or cannot be used.
    """

    def __init__(self, path, resume=False, every=AUTO):
        try:
            self.every = Every(every)
        except ValueError as problem:
            raise InvalidSetting("checkpoint_every", problem) from None
        if path is None and resume:
            raise InvalidSetting("resume", "from which file? The checkpoint was expected as well")
        if path is not None and not resume and os.path.lexists(path):
            raise InvalidSetting("checkpoint", f"{path} exists already; say resume to go on from it, or delete it")
        self.path = path
        self.saved = None
        if path is not None:
            checkpoints.check_writable(path, overwrite=True)
        if resume:
            self.saved = Saved(path)

    @property
    def iteration(self):
        """Steps that were taken before."""
        return self.saved.iteration if self.saved else 0

    def settled(self, settings):
        """The settings, with what was left open as the run that is gone on with settled it."""
        if not self.saved:
            return settings
        try:
            return replace(settings, **self.saved.settled(settings))
        except UserError as problem:
            raise CheckpointError(f"{self.path} is damaged: {problem}") from None

    def check(self, run):
        """Refuse to go on with a run, planned and not yet begun, that is another than the one that was kept."""
        if self.saved:
            self.saved.check(run)

    @contextlib.contextmanager
    def of(self, run):
        """Restore the run if it is to go on; a callable for its every step; write it at the end."""
        if self.saved:
            self.saved.restore(run)
        if self.path is None:
            yield None
            return
        keeper = Keeper(run, self.path, self.every, written=bool(self.saved))
        yield keeper
        keeper.write()


class Keeper:
    """Writes the checkpoint of a run when it is time: a callable for every step."""

    def __init__(self, run, path, every, written=False):
        self._run, self._path, self._every = run, path, every
        self._written = (run.iteration, time.monotonic(), 0.0) if written else None  # what, when, how long it took

    def __call__(self, state):
        if self._is_due(state.iteration):
            self.write()

    def _is_due(self, iteration):
        if self._written is None:
            return True
        then, when, took = self._written
        seconds = max(self._every.seconds, took / SHARE if self._every.auto else 0.0)
        return iteration - then >= self._every.steps or time.monotonic() - when >= seconds

    def write(self):
        """Write the run as it is between two steps, unless that has been written."""
        run = self._run
        if not run.rows or (self._written and self._written[0] == run.iteration):
            return
        began = time.monotonic()
        facts = {"version": __version__, "coordinates": COORDINATES, "identity": identity(run)}
        checkpoints.write(self._path, KIND, facts, {"rows": np.array(run.rows), **run.walk.state()})
        now = time.monotonic()
        self._written = run.iteration, now, now - began


def identity(run):
    """What must be the same for a run to go on, by name: settings, and hashes of pictures and weights."""
    files = {"weights": run.weights, **run.given}
    settings = manifest.made(run.settings)["settings"]
    settings = {name: value for name, value in settings.items() if name not in ("iterations", *files)}
    return dict(_leaves({**settings, **files}))


def _leaves(value, name=""):
    """(name, plain value) of everything in nested dicts and lists; of a file its hash."""
    if isinstance(value, dict) and "sha256" in value:
        yield name, f"sha256 {value['sha256']}"
    elif isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value, 1):
            yield from _leaves(inner, f"{name} {key}".strip())
    else:
        yield name, value


class Saved:
    """A checkpoint that has been read, and not yet used.

    Raises
    ------
    CheckpointError
        If it cannot be read.
    """

    def __init__(self, path):
        self._path = path
        self._facts, self._state = checkpoints.read(path, KIND)
        rows = self._state.pop("rows", np.zeros(0))
        if rows.ndim != 2 or rows.shape[1] != len(Row._fields) or rows.dtype != np.float64 or not len(rows):
            raise CheckpointError(f"{path} is damaged: it has no trace of the steps taken")
        self._rows = [Row(int(row[0]), int(row[1]), *map(float, row[2:-1]), int(row[-1])) for row in rows]
        if not isinstance(self._facts.get("identity"), dict):
            raise CheckpointError(f"{path} is damaged: it does not say what it is of")
        self.version = self._facts.get("version")

    def settled(self, settings):
        """{name: value} of the settings that a plan settles, where these leave them open."""
        identity = self._facts["identity"]
        return {name: identity.get(name) for name in SETTLED if getattr(settings, name) is None}

    @property
    def iteration(self):
        """Steps taken when it was written."""
        return self._rows[-1].iteration

    def check(self, run):
        """Refuse another run.

        Raises
        ------
        CheckpointError
            With the name of what differs.
        """
        if self._facts.get("coordinates") != COORDINATES:
            raise CheckpointError(
                f"{self._path} is of a version of nnbasics that walks in other coordinates, and no use to this one; "
                "begin anew, from the picture that it came to if there is one: init"
            )
        then, now = self._facts["identity"], identity(run)
        for name in sorted({*then, *now}):
            was, is_now = (_short(values.get(name)) for values in (then, now))
            if was != is_now:
                raise CheckpointError(f"{self._path} is of another run: {name[:80]!a} was {was}, and is {is_now} now")
        if run.settings.iterations < self.iteration:
            raise CheckpointError(
                f"{self._path} has {self.iteration} steps already, more than iterations: {run.settings.iterations}"
            )

    def restore(self, run):
        """Put a run that has not begun where this one was; once.

        Raises
        ------
        CheckpointError
            If it is damaged.
        """
        try:
            run.restore(self._rows, self._state)
        except UserError as problem:
            raise CheckpointError(f"{self._path} is damaged: {problem}") from None
        self._state = None  # as large as the walk itself


def _short(value):
    """A value in a message; what comes from the file may be anything."""
    text = ascii(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
