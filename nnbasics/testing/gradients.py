"""Is the backward pass the derivative of the forward pass? Measured, with a verdict and a guess at the cause.

Backward is compared with slopes (`slopes.py`) at several points:

- x as it was given: single coordinates and random directions. Coordinates at a kink are set aside there.
- a point nearby, drawn at random, where kinks have probability zero: what would hide behind a kink at x is seen here.
  The parameters are moved as well, so that a copy of a weight made too early shows.
- where x has one sign only, a point where it has both.
- x with its values drawn together to a few levels, so that there are ties everywhere, moved so that ties stay ties: a
  maximum that pays every winner in full is smooth along such a move, and wrong.

Beside the numbers there are manners (`manners.py`): dy and x are not written to, backward twice gives the same twice,
and nothing of an earlier forward is left over.
"""

import traceback
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from nnbasics.errors import UserError
from nnbasics.testing import causes
from nnbasics.testing.causes import Evidence, Guess
from nnbasics.testing.manners import manners, shrunk
from nnbasics.testing.parameters import is_frozen, listed
from nnbasics.testing.randomness import Randomness
from nnbasics.testing.report import ArrayResult, Coordinate, GradientReport
from nnbasics.testing.slopes import Slopes
from nnbasics.testing.subject import subject

ALL_UP_TO = 48
DIRECTIONS = 3


def check_gradients(thing, x, *more, seed=0, tolerance=1e-6, coordinates=24):
    """Compare a backward pass with the slopes of its forward pass, for the input and every parameter.

    Everything happens on a float64 copy: the layer that is given stays as it was. The upstream gradient dy is random,
    never ones, so that two mistakes cannot cancel. A layer that draws random numbers draws the same each time.

    Parameters
    ----------
    thing : layer, network, loss, pair of functions, or function
        Anything with `forward(x)` and `backward(dy)`; a loss, `forward(prediction, target)` and `backward()`; a pair
        `(forward, backward)` with `forward(x) -> y` and `backward(x, dy) -> dx` or `backward(dy) -> dx`; or one
        function that returns (value, gradient). No base class is needed. Parameters are found in `params`,
        their gradients in `grads`, under the same keys; or in attributes W and dW. y may be a dict of arrays: dy is
        then a dict with the same keys.
    x : array_like
        The input; its values matter: take some of either sign, and a batch of more than one row. Whole numbers stay
        what they are for a layer that takes nothing else, such as an embedding.
    *more
        Further inputs of forward: the target of a loss.
    seed : int
        Of the upstream gradient, the directions and the choice of coordinates.
    tolerance : float
        The relative error up to which a gradient holds. 1e-6 is far above the noise of float64 and below any mistake.
    coordinates : int
        How many single coordinates of each array are looked at (in arrays of up to 48 all of them).

    Returns
    -------
    GradientReport
        True when every gradient holds. `print(report)` tells what was found and a guess at the cause; a notebook shows
        it as a table.

    Raises
    ------
    UserError
        If `thing` has no forward and backward, or x is not made of finite real numbers.

    Examples
    --------
    >>> bool(check_gradients(lambda x: (np.sum(x**2), 2 * x), np.array([1.0, 2.0])))
    True
    >>> report = check_gradients((np.tanh, lambda x, dy: dy * (1 - x**2)), np.linspace(-0.9, 0.9, 7))
    >>> report.guess.family
    'point'
    """
    world = Randomness(None)
    try:
        with np.errstate(all="ignore"):
            copied = subject(thing, x, *more)
            world.rewind()  # so that what is drawn on the way is drawn alike for both
            fresh = subject(thing, x, *more) if hasattr(thing, "forward") else None
            return _Check(copied, fresh, seed, tolerance, coordinates).report()
    finally:
        world.rewind()


@dataclass
class _Point:
    """Values of the arrays at which gradients are compared with slopes."""

    name: str
    slopes: Slopes
    gradients: dict


class _Check:
    def __init__(self, subject, fresh, seed, tolerance, coordinates):
        self.subject = subject
        self.fresh = fresh
        self.rng = np.random.default_rng(seed)
        self.tolerance = tolerance
        self.coordinates = coordinates
        self.start = {name: array.copy() for name, array in subject.arrays.items()}
        self.outcome = GradientReport(subject.title, tolerance)
        self.outcome.unlisted = subject.unlisted()

    def report(self):
        y = self.subject.run()
        unusable = self._unusable(y)
        if unusable is not None:
            self.outcome.findings.append(unusable)
            return self.outcome
        self.outcome.is_loss = self.subject.is_loss
        self.dy = np.array(1.0) if self.subject.is_loss else self._upstream(y.shape)
        try:
            self._check()
        except Exception as error:
            if not _in_backward(error):
                raise
            self.outcome.findings.append(_crash(error))
        return self.outcome

    def _check(self):
        given, found = manners(self.subject, self.dy, self.fresh, self.rng)
        self.outcome.findings += found
        if any(finding.family == "stepped" for finding in found):
            return  # each backward would move the ground under the slopes
        for name, array in self.subject.arrays.items():
            if self._wanted(name, given):
                self.outcome.results[name] = ArrayResult(name, array.shape, name in self.subject.inputs)
        if not self.outcome.results:
            raise UserError(
                f"{self.subject.title}: x is whole numbers, which have no gradient, and there are no parameters in "
                "params; there is nothing to check"
            )
        self._compare(given)
        self._overflow()

    def _upstream(self, shape):
        """Random, of both signs, and nowhere near zero, so that no error is hidden by a small factor."""
        return self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1.0, 1.0], shape)

    def _unusable(self, y):
        if y.size == 0:
            raise UserError(f"{self.subject.title}: y has shape {y.shape}, no values at all; give a larger x")
        if not np.isfinite(y).all():
            return Guess(
                "overflow",
                f"forward gives {np.sum(~np.isfinite(y))} values that are NaN or infinite for this x.",
                "start with the forward pass: there is no slope to compare with yet.",
            )
        if not np.array_equal(self.subject.run(), y):
            return Guess(
                "random",
                "two forward passes over the same x give different y, so there is no slope to compare with.",
                "let it draw from a generator that it keeps (self.rng = np.random.default_rng(0)), or call eval().",
            )
        return None

    def _wanted(self, name, given):
        """Inputs whose gradient came back (the first always), and parameters unless they are frozen."""
        if name in self.subject.inputs[:1]:
            return True
        if name in self.subject.inputs:
            return given[name] is not None
        return not is_frozen(self.subject.thing, name.removeprefix("params."))

    def _compare(self, given):
        here = self._visit("x", self.start, trust_branches=True)
        here.gradients = given
        results = self.outcome.results
        for name, result in results.items():
            if not result.accepts(given[name]):
                result.guess = self._explain(here, name)
        sound = [name for name, result in results.items() if result.guess is None]
        looks = sum(len(self._choice(given[name])) + 8 + 2 * DIRECTIONS for name in sound)
        with tqdm(total=looks, desc="checking gradients", delay=2, leave=False, disable=None) as self.bar:
            for name in sound:
                self._coordinates(here, name, self._choice(given[name]))
                self._directions(here, name)
            near = self._near()
            if near is not None:
                for name in sound:
                    at_kink = [c.index for c in results[name].looked if c.status == "kink" and c.index is not None]
                    self._coordinates(near, name, sorted({*at_kink[:16], *self._choice(given[name], 8)}))
                    self._directions(near, name)
                self._forgive_isolated(sound)
                near = self._visit("near", self._near_values)
            else:
                near = self._visit("x", self.start)
            for name in sound:
                if results[name].wrong:
                    results[name].guess = self._explain(near, name)
            self._either_sign()
            self._ties()
        self.subject.call_with(**self.start)

    # Looking at one point -------------------------------------------------------------------------------------------

    def _visit(self, name, values, trust_branches=False):
        """Move the arrays to these values; None where the function, or its derivative, is not defined there."""
        y = self.subject.try_with(**values)
        if y is None or np.shape(y) != self.dy.shape or not np.isfinite(y).all():
            return None
        slopes = Slopes(self.subject, self.dy, trust_branches)
        try:
            return _Point(name, slopes, self.subject.back(self.dy.copy()))
        except Exception:
            if name in ("signs", "ties"):  # such as the inverse of a matrix whose rows have become the same
                return None
            raise

    def _choice(self, given, count=None):
        """Coordinates to look at: all when few; else the ends, the largest value, and some at random."""
        if given.size <= (count or max(ALL_UP_TO, self.coordinates)):
            return list(range(given.size))
        fixed = {0, given.size - 1, int(np.argmax(np.abs(given)))}
        drawn = self.rng.choice(given.size, max((count or self.coordinates) - len(fixed), 1), replace=False)
        return sorted(fixed | set(drawn.tolist()))

    def _coordinates(self, point, name, indices):
        given = point.gradients[name]
        for index in indices if self.outcome.results[name].accepts(given) else ():
            self._look(point, name, index, float(given.flat[index]), float(np.abs(given).max()))

    def _directions(self, point, name, moves=None):
        given = point.gradients[name]
        if not self.outcome.results[name].accepts(given):
            return
        for move in moves or [self.rng.standard_normal(given.shape) for _ in range(DIRECTIONS)]:
            self._look(point, name, move, float(np.sum(given * move)), float(np.sqrt(np.sum((given * move) ** 2))))

    def _look(self, point, name, move, analytic, size):
        natural = point.slopes.natural_scale(name)

        def status(slope):
            return self._status(analytic, slope, size, natural)

        slope = point.slopes.along(name, move, analytic, close=lambda slope: status(slope) == "holds")
        index = None if isinstance(move, np.ndarray) else int(move)
        self.outcome.results[name].looked.append(Coordinate(point.name, index, analytic, slope, status(slope)))
        self.bar.update()

    def _status(self, analytic, slope, size, natural):
        if slope.kink:
            return "kink"
        if not np.isfinite(slope.value):
            return "noisy"
        off = abs(analytic - slope.value)
        if slope.error > max(1e-5 * size, 1e-8 * natural):
            return "wrong" if off > 1e3 * slope.error else "noisy"
        allowed = self.tolerance * max(abs(analytic), abs(slope.value)) + 1e-9 * size + 4 * slope.error
        allowed += 1e-12 * natural  # what is left of numbers of this size that cancel
        return "holds" if off <= allowed else "wrong"

    # The other points -----------------------------------------------------------------------------------------------

    def _near(self, reach=0.02):
        """A point close by where nothing is special; None if the function is not defined around x."""
        for _ in range(3):
            moved = {name: shrunk(self.start[name], self.rng, reach) for name in self.outcome.results}
            self._near_values = {**self.start, **moved}
            point = self._visit("near", self._near_values)
            if point is not None:
                return point
        return None

    def _forgive_isolated(self, names):
        """A coordinate that is wrong at x and right at the points around it sits at a kink that was not seen at x."""
        for name in names:
            result = self.outcome.results[name]
            suspects = [c for c in result.wrong if c.point == "x"]
            if not suspects or len(suspects) < len(result.wrong):
                continue
            indices = [c.index for c in suspects if c.index is not None][:16]
            before = len(result.looked)
            for reach in (1e-2, 1e-3):
                point = self._near(reach)
                if point is None:
                    return
                self._coordinates(point, name, indices)
                self._directions(point, name)
            if all(c.status in ("holds", "kink") for c in result.looked[before:]):
                for c in suspects:
                    c.status = "kink"

    def _either_sign(self):
        """x of one sign alone would leave half of a ReLU unseen: give it both, if the function is defined there."""
        if not self.subject.inputs:
            return
        name = self.subject.inputs[0]
        result, x = self.outcome.results[name], self.start[name]
        if result.guess or self.subject.is_loss or x.size < 2 or not x.any() or x.min() < 0 < x.max():
            return
        signs = np.resize([1.0, -1.0], x.size)[self.rng.permutation(x.size)].reshape(x.shape)
        point = self._visit("signs", {**self.start, name: signs * shrunk(x, self.rng, 0.02)})
        if point is None:
            return
        self._coordinates(point, name, self._choice(x, 8))
        self._directions(point, name)
        if result.wrong:
            result.guess = self._explain(point, name)

    def _ties(self):
        """Draw the values of x together to a few levels, and move each level as one."""
        if not self.subject.inputs:
            return
        name = self.subject.inputs[0]
        result, x = self.outcome.results[name], self.start[name]
        values = np.unique(x[x != 0])
        if result.guess or x.size < 4 or not values.size:
            return
        levels = self.rng.choice(values, min(4, len(values)), replace=False)
        nearest = np.abs(x[..., None] - levels).argmin(-1)
        nearest = np.where(self.rng.random(x.shape) < 0.5, nearest, self.rng.integers(len(levels), size=x.shape))
        point = self._visit("ties", {**self.start, name: levels[nearest]})
        if point is None:
            return
        self._directions(point, name, [self.rng.uniform(0.5, 1.5, len(levels))[nearest] for _ in range(DIRECTIONS)])
        if result.wrong:
            result.guess = Guess(
                "ties",
                "where all values of x differ your gradient is right, and where several are equal it is not: they are "
                "moved together, y follows one of them, and more than one was paid: ties given twice.",
                "of equal maxima one gets dy (argmax), or each gets a share of it; x == x.max() pays all of them.",
            )

    def _overflow(self):
        """Large inputs: nothing special for a score, while exp(710) is infinite already."""
        if not self.subject.inputs:
            return
        name = self.subject.inputs[0]
        x = self.start[name]
        top = np.abs(x).max(initial=0)
        if not 0 < top <= 50 or any(result.verdict == "wrong" for result in self.outcome.results.values()):
            return
        modest, large = (self.subject.try_with(**{name: x * (reach / top)}) for reach in (50, 10_000))
        if modest is None or large is None:
            self.subject.call_with(**{name: x})
            return
        dx = self.subject.back(np.array(self.dy))[name]
        self.subject.call_with(**{name: x})
        bad = np.isnan(large).any() or (np.isfinite(large).all() and dx is not None and np.isnan(dx).any())
        bad |= np.isinf(large).any() and np.abs(modest).max() < 1e4  # grew as slowly as x: nothing infinite about it
        if np.isfinite(modest).all() and bad:
            self.outcome.findings.append(
                Guess(
                    "overflow",
                    "with |x| up to 50 all is well, and with |x| up to 10000 there are NaNs or infinities: overflow.",
                    "softmax stays the same when one number is taken from all scores: subtract the maximum before exp; "
                    "and log softmax is score - max - log(sum(exp(score - max))): no logarithm of a p that became 0.",
                )
            )

    # Explaining -----------------------------------------------------------------------------------------------------

    def _explain(self, point, name):
        """Slopes at as many coordinates as can be afforded, and the first hypothesis that explains what was given."""
        given, array = point.gradients[name], self.subject.arrays[name]
        if given is None:
            return _missing(self.subject, name)
        where = np.sort(self.rng.choice(array.size, min(array.size, causes.EXPLAINED), replace=False))
        split = len(where) * self.dy.size <= 4_000_000
        seen = [point.slopes.along(name, int(index), close=lambda slope: True) for index in where]
        usable = np.array([np.isfinite(slope.value) and not slope.kink for slope in seen], bool)
        where, numeric = where[usable], np.array([slope.value for slope in seen])[usable]
        terms = np.array([point.slopes.by_output(name, int(i)) for i in where]) if split and len(where) else None
        evidence = Evidence(
            self.subject, point.slopes, name, given, where, numeric, terms, lambda dy: self.subject.back(dy)[name]
        )
        if evidence.fits:
            self.outcome.results[name].wrong_at = evidence.wrong_at()
        return causes.guess(evidence)


def _missing(subject, name):
    if name in subject.inputs:
        what = "None" if subject.returned == "NoneType" else f"a {subject.returned} that is no array of numbers"
        return Guess("missing", f"backward returned {what}.", "its last line should be `return dx`, as large as x.")
    keys = ", ".join(map(repr, listed(getattr(subject.thing, "grads", {})))) or "none"
    return Guess(
        "missing",
        f"backward left nothing in grads[{name!r}] (keys that are there: {keys}).",
        f"every parameter has its gradient: self.grads[{name!r}] = ...; a bias gets dy summed over rows and places.",
    )


def _in_backward(error):
    """Whether the student's backward is on the stack of an exception; one of forward is theirs to see as it is."""
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1].filename != subject.__code__.co_filename and any(f.name == "_backward" for f in frames)


def _crash(error):
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return Guess(
        "crash",
        f"backward stops with {type(error).__name__}: {error} ({frame.filename}, line {frame.lineno}: {frame.line})",
        "print the shapes of the arrays in that line: a gradient has the shape of what it is the gradient of.",
    )
