"""What is known about one wrong gradient, and what a guess at its cause is."""

import itertools
from dataclasses import dataclass, field

import numpy as np

EXPLAINED = 300  # coordinates of which all slopes are measured once something is wrong


FAMILIES = {
    "sign": "wrong sign",
    "factor": "a constant factor",
    "count": "a factor N or 1/N: sum and mean mixed up",
    "mask": "a missing or wrong mask",
    "transposed": "transposed",
    "flipped": "flipped kernel",
    "axis": "summed over the wrong axis",
    "overlap": "= where += belongs",
    "accumulated": "+= where = belongs",
    "ties": "ties given twice",
    "stale": "stale cache",
    "mutated": "an array of the caller is written to",
    "stepped": "backward changes the parameters",
    "float32": "float32 truncation",
    "missing": "missing gradient",
    "misplaced": "right numbers in the wrong places",
    "coupling": "outputs that share a sum",
    "chain": "the chain rule is not finished",
    "point": "the derivative taken at the wrong value",
    "extra": "a term too many",
    "clipped": "clipped or normalised gradient",
    "overflow": "overflow, or a division by zero",
    "random": "forward draws something new each time",
    "crash": "backward stops with an error",
    "unknown": "none of the famous mistakes",
}


@dataclass(frozen=True)
class Guess:
    """A famous mistake that explains the numbers: its family, what was seen, and where to look."""

    family: str
    seen: str
    hint: str

    @property
    def title(self):
        return FAMILIES[self.family]


@dataclass
class Evidence:
    """One wrong gradient at one point: what backward gave, and the slopes at as many coordinates as could be afforded.

    `where` are flat indices without those at a kink, `numeric` the slopes there; `by_output[k]` splits the k-th slope
    into the contributions of the outputs (None when that would be too large).
    """

    subject: object
    slopes: object
    name: str
    given: np.ndarray
    where: np.ndarray
    numeric: np.ndarray
    by_output: np.ndarray | None
    back: object
    is_input: bool = field(init=False)
    is_x: bool = field(init=False)

    def __post_init__(self):
        self.is_input = self.name in self.subject.inputs
        self.is_x = self.name == self.subject.names[0]

    @property
    def array(self):
        return self.subject.arrays[self.name]

    @property
    def dy(self):
        return self.slopes.dy

    @property
    def y(self):
        return self.slopes.y

    @property
    def fits(self):
        return self.given.shape == self.array.shape

    @property
    def complete(self):
        return len(self.where) == self.array.size

    @property
    def analytic(self):
        """What backward gave at `where`."""
        return self.given.ravel()[self.where]

    @property
    def elementwise(self):
        """Whether each output depends on the input in its own place and on no other."""
        if self.by_output is None or self.array.shape != np.shape(self.y):
            return False
        flat = self.by_output.reshape(len(self.where), -1).copy()
        flat[np.arange(len(self.where)), self.where] = 0
        return not flat.any()

    def at(self, array):
        """Another array of the same size at the coordinates that were looked at."""
        return np.asarray(array).ravel()[self.where]

    def wrong_at(self):
        """{place: whether it is wrong} for the coordinates that were looked at."""
        size = max(np.abs(self.numeric).max(initial=0), np.abs(self.analytic).max(initial=0))
        wrong = ~(np.abs(self.analytic - self.numeric) <= 1e-6 * size)
        return {place: bool(bad) for place, bad in zip(self.places(), wrong, strict=True)}

    def places(self):
        """The coordinates that were looked at as tuples of indices."""
        return [tuple(map(int, np.unravel_index(int(index), self.array.shape))) for index in self.where]

    def slopes_elsewhere(self, **arrays):
        """The slopes at `where` if other arrays had other values; NaN where forward is not defined there."""
        before = {name: self.subject.arrays[name].copy() for name in arrays}
        found = np.full(len(self.where), np.nan)
        try:
            y = self.subject.call_with(**arrays)
            if y.shape == np.shape(self.y) and np.isfinite(y).all():
                there = type(self.slopes)(self.subject, self.dy, trust_branches=False)
                found = np.array([there.along(self.name, int(i), close=lambda slope: True).value for i in self.where])
        except Exception:  # forward refuses these values, or values nearby
            pass
        self.subject.call_with(**before)
        return found


def same(p, q):
    """Whether two sets of slopes are the same for all that finite differences can tell."""
    p, q = np.asarray(p, float), np.asarray(q, float)
    if p.shape != q.shape or not p.size or not (np.isfinite(p).all() and np.isfinite(q).all()):
        return False
    size = np.abs(q).max()
    return bool(size > 0 and np.abs(p - q).max() <= 1e-5 * size)


def location(e, wrong):
    """Where it is wrong, in a sentence: for which values, at which index, or at the border."""
    places = np.array(e.places()).reshape(len(e.where), e.array.ndim)
    right = ~wrong
    if not right.any():
        return "It is wrong at every coordinate that was looked at."
    values = e.at(e.array)
    for words, here in [("negative", values < 0), ("positive", values > 0)]:
        if np.array_equal(here, wrong):
            return f"It is wrong exactly where {e.name} is {words}."
    for axis in range(e.array.ndim):
        hit = sorted(set(places[wrong, axis].tolist()))
        if set(hit).isdisjoint(places[right, axis].tolist()):
            shown = ", ".join(map(str, hit[:6])) + (", ..." if len(hit) > 6 else "")
            return f"It is wrong exactly at index {shown} of axis {axis} (of length {e.array.shape[axis]})."
    for words, size in [("above", values), ("below", -values), ("further from 0 than", np.abs(values))]:
        if min(wrong.sum(), right.sum()) >= 3 and size[wrong].min() > size[right].max():
            limit = values[right][size[right].argmax()]
            return f"It is wrong exactly where {e.name} is {words} {abs(limit) if words[0] == 'f' else limit:.3g}."
    if e.array.ndim >= 3:
        edge = np.zeros(len(e.where), bool)
        for axis in (-1, -2):
            edge |= (places[:, axis] == 0) | (places[:, axis] == e.array.shape[axis] - 1)
        if not (wrong & ~edge).any():
            return "It is wrong only at the border: look at the padding."
        if not (right & ~edge).any():
            return "It is right only at the border, where windows overlap less."
    return f"It is wrong at {wrong.sum()} of the {wrong.size} coordinates that were looked at."


def subsets(ndim):
    """All choices of one axis or more."""
    return [axes for size in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), size)]


def over(axes):
    """Axes in words."""
    return ("axis " if len(axes) == 1 else "axes ") + " and ".join(map(str, axes))


def as_written(axes):
    """Axes as one would type them behind axis=."""
    return axes[0] if len(axes) == 1 else tuple(axes)


def short(value):
    """A number in at most six digits."""
    return f"{value:.6g}"


def grouped(values, axes):
    """One row for each group that lies along these axes."""
    kept = [axis for axis in range(values.ndim) if axis not in axes]
    size = int(np.prod([values.shape[axis] for axis in axes]))
    return np.transpose(values, [*kept, *axes]).reshape(-1, size)


def explained(rows, regressors, constant):
    """Whether each row is a multiple of its regressor (plus a constant), in more numbers than could be by chance."""
    spare = len(rows) * (rows.shape[1] - 1 - constant)
    if spare < 4 or not np.abs(rows).max() > 0:
        return False
    rest = 0.0
    for row, regressor in zip(rows, regressors, strict=True):
        columns = np.stack([regressor, np.ones(len(row))][: 1 + constant], axis=1)
        rest = max(rest, np.abs(row - columns @ np.linalg.lstsq(columns, row, rcond=None)[0]).max())
    return bool(rest < 1e-5 * np.abs(rows).max())


def permuted_values(e, axes):
    """What was given with its axes in another order, where it was looked at; empty if it does not fit."""
    moved = e.given.transpose(axes)
    return moved.ravel()[e.where] if moved.shape == e.array.shape else np.empty(0)
