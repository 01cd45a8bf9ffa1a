"""The slope of a function by walking a little to both sides, and whether there is a slope at all.

For the scalar L = sum(dy * f(x)) and a move v, the centred difference (L(x + hv) - L(x - hv)) / 2h is dL/dx . v up to
a term in h^2 from the curve and a term in eps/h from rounding. The step h balances the two; where the result does not
agree with what it is compared with, a ladder of steps finds the plateau between them, and tells three cases apart:

- smooth: the differences settle, and the one-sided ones approach each other as h shrinks;
- a kink: the one-sided differences do not (ReLU at 0, two values tied for a maximum): there is no slope;
- noise: they settle nowhere, because something inside computes in less than float64 or draws random numbers.

A staircase (rounding of values in the millions) looks like a ramp to steps that are longer than its own: before
anything is called wrong, the slope is looked at with steps so fine that they stay between two edges.
"""

import itertools
from dataclasses import dataclass

import numpy as np

EPS = np.finfo(np.float64).eps
STEP = EPS ** (1 / 3)
RATIO = 4.0
LADDER = STEP * RATIO ** np.arange(2.0, -7.0, -1.0)
FINE = STEP * RATIO ** np.arange(-5.0, -12.0, -1.0)


@dataclass
class Slope:
    """A slope with its uncertainty; `kink` where there is none, and then the two one-sided slopes differ.

    `doubt` is the uncertainty that counts before anything is called wrong.
    """

    value: float
    error: float
    kink: bool = False
    left: float = np.nan
    right: float = np.nan
    doubt: float = 0.0


class Slopes:
    """Slopes of sum(dy * y) for one subject at the point where its arrays are now.

    Parameters
    ----------
    subject : Subject
    dy : ndarray or float
        The upstream gradient (1.0 for a loss).
    trust_branches : bool
        Whether a decision that changes (a mask, an argmax) counts as a kink without further proof. It does at the
        point the student gave; at points chosen at random a layer that calls everything a kink must prove it.
    """

    def __init__(self, subject, dy, trust_branches=True):
        self.subject = subject
        self.dy = dy
        self.y = subject.run()
        self.branches = subject.branches() if trust_branches else None
        self.natural = float(np.sum(np.abs(dy * self.y)))

    def along(self, name, move, expected=None, close=None):
        """The slope for a move of one array: a flat index, or a direction of the array's shape.

        If `close(slope)` is true of the first centred difference, that is the answer; otherwise the ladder is climbed,
        and where it disagrees with `expected`, steps between the edges of a staircase are tried.
        """
        scale = self._scale(name, move)
        first = self._difference(name, move, STEP * scale)
        if close is not None and not first.changed:
            quick = Slope(first.centred, first.noise)
            if close(quick):
                return quick
        slope = self._settle([self._difference(name, move, h * scale) for h in LADDER])
        if expected is None or close(slope):
            return slope
        found = self._between_edges(name, move, scale, expected, slope)
        if found is not None and (found.kink or close(found)):
            return found
        slope.error = max(slope.error, slope.doubt)
        return slope

    def by_output(self, name, index):
        """The slope for one coordinate, split into what each output contributes to it."""
        step = STEP * self._scale(name, index)
        return self._difference(name, index, step, split=True).split

    def natural_scale(self, name):
        """The size a slope would have if the outputs grew in proportion to this array."""
        return self.natural / _rms(self.subject.arrays[name])

    def _scale(self, name, move):
        array = self.subject.arrays[name]
        if isinstance(move, np.ndarray):
            return _rms(array)
        return max(abs(array.flat[move]), _rms(array))

    def _difference(self, name, move, h, split=False):
        array = self.subject.arrays[name]
        before = array.copy()
        if isinstance(move, np.ndarray):
            up, down, width = before + h * move, before - h * move, 2 * h
        else:
            up, down = before.copy(), before.copy()
            up.flat[move] += h
            down.flat[move] -= h
            width = up.flat[move] - down.flat[move]
        array[...] = up
        y_up, changed_up = self._look()
        array[...] = down
        y_down, changed_down = self._look()
        array[...] = before
        return Difference.of(self.dy, y_up, self.y, y_down, width, changed_up or changed_down, split)

    def _look(self):
        y = self.subject.run()
        if self.branches is None:
            return y, False
        now = self.subject.branches()
        same = len(now) == len(self.branches) and all(map(np.array_equal, now, self.branches))
        return y, not same

    def _settle(self, tried):
        """The plateau of the ladder, by Richardson's extrapolation of neighbouring steps."""
        good = [d for d in tried if not d.changed and np.isfinite(d.centred)]
        if len(good) <= len(tried) // 2:
            last = tried[-1]
            return Slope(last.centred, abs(last.right - last.left), True, last.left, last.right)
        gain = 1 / (RATIO**2 - 1)
        refined = [b.centred + (b.centred - a.centred) * gain for a, b in itertools.pairwise(good)]
        spread = [abs(q - p) + d.noise for p, q, d in zip(refined, refined[1:], good[2:], strict=False)]
        best = int(np.argmin(spread))
        # The one-sided differences of a smooth function differ in proportion to h; at a kink they differ regardless.
        small, large = good[best + 2], good[best]
        gap = abs(small.right - small.left)
        kink = gap > abs(large.right - large.left) / RATIO and gap > 32 * small.noise
        return Slope(refined[best + 1], spread[best], kink, small.left, small.right, self._rounding(good) / small.width)

    def _rounding(self, tried):
        """What L is rounded to, as all steps together show it.

        An output that moves with long steps and not with short ones is rounded, not constant; and if none moves at all,
        any of them may be. What the short steps scatter by is rounding too, however much has cancelled on the way.
        """
        moves = np.any([d.moves for d in tried], axis=0)
        rounding = 4 * EPS * (float(np.sum(np.abs(self.dy * self.y) * moves)) if moves.any() else self.natural)
        scatter = [abs(b.centred - a.centred) * b.width for a, b in itertools.pairwise(tried[-5:])]
        return max(rounding, float(np.median(scatter)))

    def _between_edges(self, name, move, scale, expected, ramp):
        """The slope that is `expected`, or a kink, where fine steps tell a staircase from the ramp that it looked like.

        A smooth function has the slope of the ramp here too, but for rounding: a thousandth of what the two slopes
        differ by is more than rounding may be, and less than any mistake.
        """
        differ = abs(expected - ramp.value)
        found = None
        for h in FINE * scale:
            if 4 * EPS * self.natural / (2 * h) > 1e-3 * differ:
                break
            found = self._difference(name, move, h)
            off = abs(found.centred - expected)
            if off <= 1e-3 * differ and not found.changed:
                return Slope(found.centred, max(found.noise, off))
        if found is None or not abs(found.right - found.left) > differ:
            return None
        return Slope(found.centred, differ, True, found.left, found.right)


@dataclass
class Difference:
    """One step to both sides."""

    centred: float
    left: float
    right: float
    noise: float
    width: float
    moves: np.ndarray
    changed: bool
    split: np.ndarray | None = None

    @classmethod
    def of(cls, dy, y_up, y, y_down, width, changed, split):
        moved = y_up - y_down
        size = np.abs(dy) * np.maximum(np.abs(y_up), np.abs(y_down)) * (moved != 0)
        return cls(
            centred=float(np.sum(dy * moved)) / width,
            left=float(np.sum(dy * (y - y_down))) / (width / 2),
            right=float(np.sum(dy * (y_up - y))) / (width / 2),
            noise=4 * EPS * float(np.sum(size)) / width,
            width=width,
            moves=moved != 0,
            changed=changed,
            split=dy * moved / width if split else None,
        )


def _rms(array):
    size = float(np.sqrt(np.mean(array**2))) if array.size else 0.0
    return size if size > 0 else 1.0
