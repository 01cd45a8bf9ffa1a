"""Guesses at the cause of a wrong gradient: each is a famous mistake, and a way to see whether it explains the numbers.

A hypothesis is a function from `Evidence` to a `Guess` or None. It says yes only if it reproduces what the student's
backward gave from what the slopes are, to several digits: a guess that only sounds right would cost more than none.
`HYPOTHESES` is in order of how specific they are, and the first that fits is told.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np

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

    def __post_init__(self):
        self.is_input = self.name in self.subject.inputs

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
        places = zip(*np.unravel_index(self.where, self.array.shape), strict=True)
        return {tuple(map(int, place)): bool(bad) for place, bad in zip(places, wrong, strict=True)}

    def slopes_elsewhere(self, **arrays):
        """The slopes at (some of) `where` if other arrays had other values."""
        before = {name: self.subject.arrays[name].copy() for name in arrays}
        y = self.subject.call_with(**arrays)
        if y.shape == np.shape(self.y) and np.isfinite(y).all():
            there = type(self.slopes)(self.subject, self.dy, trust_branches=False)
            found = np.array([there.along(self.name, int(i), close=lambda slope: True).value for i in self.where])
        else:
            found = np.full(len(self.where), np.nan)
        self.subject.call_with(**before)
        return found


def same(p, q):
    """Whether two sets of slopes are the same for all that finite differences can tell."""
    p, q = np.asarray(p, float), np.asarray(q, float)
    if p.shape != q.shape or not p.size or not (np.isfinite(p).all() and np.isfinite(q).all()):
        return False
    size = np.abs(q).max()
    return bool(size > 0 and np.abs(p - q).max() <= 1e-5 * size)


def guess(evidence):
    """The first hypothesis that explains the evidence, or where the error is when none does."""
    with np.errstate(all="ignore"):
        for hypothesis in HYPOTHESES:
            found = hypothesis(evidence)
            if found is not None:
                return found
    return nothing_known(evidence)


def not_finite(e):
    bad = ~np.isfinite(e.given)
    if not bad.any():
        return None
    return Guess(
        "overflow",
        f"{bad.sum()} of {e.given.size} values are NaN or infinite.",
        "look for a division by zero, a log of zero, or exp of something large; subtract the maximum before exp.",
    )


def all_zero(e):
    if e.given.any() or not np.abs(e.numeric).max(initial=0) > 0:
        return None
    return Guess(
        "missing",
        "your gradient is zero everywhere, and the output does depend on it.",
        f"the line that computes d{e.name} is missing, or its result is not stored.",
    )


def dead_parameter(e):
    if e.is_input or e.numeric.any():
        return None
    return Guess(
        "missing",
        f"forward gives the same y whatever stands in params[{e.name!r}], yet backward has a gradient for it.",
        f"forward should read params[{e.name!r}] each time, not a copy made earlier.",
    )


def wrong_shape(e):
    if e.fits:
        return None
    shapes = f"it has shape {e.given.shape}, and {e.name} has shape {e.array.shape}"
    for axes in itertools.permutations(range(e.given.ndim)):
        if e.given.ndim == e.array.ndim and same(_permuted(e, axes), e.numeric):
            return Guess("transposed", f"{shapes}: it is right once transposed.", "swap the two factors, or add .T.")
    if e.given.size == e.array.size and same(e.given.ravel()[e.where], e.numeric):
        return Guess(
            "axis",
            f"the numbers are right but {shapes}.",
            "a sum kept its axes (keepdims=True) or a reshape is missing: end with .reshape(the parameter's shape).",
        )
    for axes in _subsets(e.given.ndim):
        total = e.given.sum(axes)
        if total.size == e.array.size and same(e.at(total), e.numeric):
            return Guess(
                "axis",
                f"{shapes}: summed over {_axes(axes)} it would be right.",
                f"what is added to every row collects the gradient of every row: .sum(axis={_tuple(axes)}).",
            )
    found = _summed_over_others(e)
    if found:
        return found
    if e.given.shape == e.array.shape[::-1]:
        return Guess(
            "transposed", f"{shapes}.", "the two factors of the product are in the wrong order, or .T is missing."
        )
    return Guess("axis", f"{shapes}.", "a gradient has the shape of what it is the gradient of; check axes and sums.")


def _permuted(e, axes):
    moved = e.given.transpose(axes)
    return moved.ravel()[e.where] if moved.shape == e.array.shape else np.empty(0)


def truncated(e):
    if not e.fits or e.given.dtype == np.float64:
        worst = e.fits and np.abs(e.analytic - e.numeric).max() <= 1e-5 * np.abs(e.numeric).max()
        if not (worst and np.array_equal(e.given, e.given.astype(np.float32))):
            return None
    elif not np.abs(e.analytic - e.numeric).max() <= 1e-2 * np.abs(e.numeric).max():
        return None
    return Guess(
        "float32",
        "float64 went in, and what comes out has only the digits of float32.",
        "look for a buffer made without dtype, np.float32, or .astype: np.zeros(shape, x.dtype), np.empty_like(x).",
    )


def wrong_sign(e):
    if not same(-e.analytic, e.numeric):
        return None
    return Guess(
        "sign",
        "every value is right but for its sign: the opposite of the slope.",
        "look for a minus: d(a - b)/db = -1.",
    )


def constant_factor(e):
    big = np.abs(e.numeric) > 1e-3 * np.abs(e.numeric).max(initial=0)
    if not big.any():
        return None
    ratio = float(np.median(e.analytic[big] / e.numeric[big]))
    if not np.isfinite(ratio) or ratio == 0 or not same(e.analytic / ratio, e.numeric):
        return None
    minus = ", and the sign is wrong too" if ratio < 0 else ""
    ratio = abs(ratio)
    if _follows_batch(e, ratio):
        n = e.subject.arrays[e.subject.inputs[0]].shape[0]
        kind = "N" if ratio > 1 else "1/N"
        advice = "divide by the batch size N once" if ratio > 1 else "do not divide by the batch size N"
        return Guess(
            "count",
            f"every value is {_number(ratio)} times the slope: a factor {kind} (the batch has N = {n} rows, and the "
            f"factor moved with N when a row was added){minus}.",
            f"{advice}: the mean over the batch belongs to the loss, and to the loss alone.",
        )
    if abs(ratio - 2) < 1e-4 or abs(ratio - 0.5) < 1e-4:
        kind = "2" if ratio > 1 else "1/2"
        return Guess(
            "factor",
            f"every value is {_number(ratio)} times the slope: a factor of {kind}{minus}.",
            "d(x^2)/dx = 2x, d(x^2 / 2)/dx = x: which of the two does forward compute? Or something is added twice.",
        )
    for words, size in () if e.elementwise else _sizes(e):
        if size > 1 and (abs(ratio / size - 1) < 1e-4 or abs(ratio * size - 1) < 1e-4):
            kind = "times" if ratio > 1 else "divided by"
            return Guess(
                "count",
                f"every value is the slope {kind} {_number(size)}, which is {words}: a factor N or 1/N{minus}.",
                "a mean in forward divides by the number of terms, and so does its backward; a sum does not.",
            )
    return Guess(
        "factor",
        f"every value is {_number(ratio)} times the slope: a constant factor{minus}.",
        "a constant of forward (a scale, a slope, 1 / (1 - p)) is missing in backward, or stands there twice.",
    )


def _sizes(e):
    x, y = e.subject.arrays[e.subject.inputs[0]], np.asarray(e.y)
    yield "the number of outputs", y.size
    yield "the number of inputs", x.size
    if x.ndim == 4 and y.ndim == 4:
        yield "the number of places (H W) of the output", y.shape[2] * y.shape[3]
        yield "the number of places (H W) of the input", x.shape[2] * x.shape[3]
        yield "rows times places (N H W)", y.shape[0] * y.shape[2] * y.shape[3]
    if y.size and x.size % y.size == 0:
        yield "the number of inputs for each output (the window)", x.size // y.size
    for axis, size in enumerate(x.shape):
        yield f"the length of axis {axis} of x", size
    for axis, size in enumerate(y.shape):
        yield f"the length of axis {axis} of y", size
    thing = e.subject.thing
    kernel = getattr(thing, "kernel_size", None)
    if kernel is not None:
        yield "the size of the window", int(np.prod(np.broadcast_to(kernel, 2)))


def _follows_batch(e, ratio):
    """Whether the factor is tied to the number of rows: try again with one row more."""
    rows = len(e.subject.arrays[e.subject.inputs[0]]) if e.subject.arrays[e.subject.inputs[0]].ndim else 0
    if rows < 1 or not (abs(ratio - rows) < 1e-3 * rows or abs(ratio * rows - 1) < 1e-3):
        return False
    again = e.subject.with_one_row_more()
    try:
        y = again.run()
        dy = np.ones(()) if again.is_loss else np.resize(e.dy, y.shape)
        slopes = type(e.slopes)(again, dy, trust_branches=False)
        given = np.asarray(again.back(dy)[e.name], float)
        if given.shape != again.arrays[e.name].shape:
            return False
        index = int(np.argmax(np.abs(given)))
        now = abs(given.flat[index] / slopes.along(e.name, index).value)
    except Exception:  # the student's code may not take another batch size; then it cannot be told
        return rows > 2
    expected = ratio * (rows + 1) / rows if ratio > 1 else ratio * rows / (rows + 1)
    return abs(now / expected - 1) < 1e-3


def permuted(e):
    if not e.fits or e.given.ndim < 2:
        return None
    for axes in itertools.permutations(range(e.given.ndim)):
        if list(axes) != sorted(axes) and same(_permuted(e, axes), e.numeric):
            return Guess(
                "transposed",
                f"your gradient is right once its axes are swapped to {axes}: it is transposed.",
                "the two factors of a product changed places: dweight = dy.T @ x has the shape (out, in).",
            )
    for axes in _subsets(e.given.ndim):
        if e.given.ndim >= 3 and same(e.at(np.flip(e.given, axes)), e.numeric):
            return Guess(
                "flipped",
                f"your gradient is right once it is flipped along {_axes(axes)}: a flipped kernel.",
                "layers compute the cross-correlation; only the backward to the input turns the kernel round.",
            )
    return None


def mask(e):
    size = np.abs(e.numeric).max(initial=0)
    live = np.abs(e.numeric) > 1e-9 * size
    on = np.abs(e.analytic) > 1e-9 * np.abs(e.analytic).max(initial=0)
    if not size or not on.any():
        return None
    if (on & ~live).any() and live.any() and same(e.analytic[live], e.numeric[live]):
        return Guess(
            "mask",
            f"where the output moves your gradient is right, but {(on & ~live).sum()} coordinates that do not move it "
            "get a gradient too: a missing mask.",
            "keep what forward decided, and use it: dx = dy * (x > 0) for ReLU, the argmax for max pooling.",
        )
    if not e.is_input:
        return None
    if not (on & live).any() and live.any() and e.elementwise:
        return Guess(
            "mask",
            "your gradient is zero where the output moves, and not zero where it does not: the mask is upside down.",
            "dy passes where forward let x pass: x > 0, not x < 0.",
        )
    if e.elementwise:
        return _other_mask(e, live, on)
    return None


def _other_mask(e, live, on):
    ratio_given, ratio_slope = e.analytic / e.at(e.dy), e.numeric / e.at(e.dy)
    constants = [np.unique(np.round(r[r != 0], 5)) for r in (ratio_given * on, ratio_slope * live)]
    if (on != live).any() and all(len(c) == 1 for c in constants) and np.allclose(*constants, rtol=1e-4):
        return Guess(
            "mask",
            "the same factor, but in other places: backward uses another mask than forward did.",
            "draw the mask once, in forward, and keep it for backward.",
        )
    pairs = {tuple(p) for p in np.round(np.stack([ratio_given, ratio_slope], 1), 5)}
    values = {p for pair in pairs for p in pair}
    if len(pairs) == 2 and len(values) == 2 and all(a != b for a, b in pairs):
        return Guess(
            "mask",
            f"the two slopes {' and '.join(map(_number, sorted(values)))} changed places: the mask is upside down.",
            "the condition of np.where in backward is the one of forward.",
        )
    if (live & ~on).any() and same(e.analytic[on], e.numeric[on]) and on.any():
        return Guess(
            "mask",
            f"{(live & ~on).sum()} coordinates that do move the output get no gradient: the mask closes too much.",
            "look at what forward does on the other side of the kink: it may have a small slope there, not zero.",
        )
    return None


def unfinished_chain(e):
    if e.subject.is_loss:
        return None
    other = np.sin(np.arange(np.size(e.dy)) + 1.0).reshape(np.shape(e.dy))
    if same(np.ravel(e.back(other)), np.ravel(e.given)):
        return Guess(
            "chain",
            "your gradient is the same for two different dy: backward does not use dy.",
            "the chain rule: dL/dx = dL/dy dy/dx, so the derivative of the layer is multiplied by dy.",
        )
    if e.is_input and e.fits and e.elementwise and same(e.analytic, e.at(e.dy)):
        right = np.abs(e.analytic - e.numeric) <= 1e-5 * np.abs(e.numeric).max()
        if right.sum() >= 3:
            return Guess(
                "mask",
                f"dy is passed on unchanged. For {right.sum()} coordinates that is right; for the others "
                "forward took another branch, whose slope is missing: a missing mask.",
                "one slope for each branch of forward: np.where(x > 0, dy, dy * slope).",
            )
        return Guess(
            "chain",
            "your gradient is dy, unchanged: the derivative of the layer itself is missing.",
            "the chain rule: dL/dx = dL/dy dy/dx, so dy is multiplied by the derivative of this layer.",
        )
    return None


def one_path(e):
    if not e.is_input or e.subject.is_loss or not e.fits or e.array.shape != np.shape(e.y):
        return None
    dy = e.at(e.dy)
    if same(e.analytic + dy, e.numeric):
        missing = "dy itself, which flows through the shortcut"
    elif same(e.analytic, dy):
        missing = "what flows through the branch beside the shortcut"
    else:
        return None
    return Guess(
        "overlap",
        f"one term is missing: {missing}. x was used twice, and only one of its gradients came back.",
        "gradients of all uses of x are added: += where = stands.",
    )


def wrong_axis(e):
    return _summed_over_others(e)


def _summed_over_others(e):
    """Parameters that act on one output each (bias, gamma): their gradient is a field over y summed over some axes."""
    if e.by_output is None or not e.complete or np.ndim(e.y) < 2 or e.is_input:
        return None
    terms = e.by_output.sum(0)
    sums = {axes: terms.sum(axes) for axes in _subsets(terms.ndim)}
    right = [axes for axes, total in sums.items() if same(np.ravel(total), e.numeric)]
    for axes, total in sums.items():
        if right and total.size == e.given.size and same(np.ravel(total), np.ravel(e.given)):
            return Guess(
                "axis",
                f"it is summed over {_axes(axes)}, and belongs summed over {_axes(right[0])}: the wrong axis.",
                f"a parameter for each channel collects from all rows and places: .sum(axis={_tuple(right[0])}).",
            )
    return None


def softmax_axis(e):
    if not e.fits or e.subject.is_loss or e.array.shape != np.shape(e.y) or not e.complete:
        return None
    sum_given, sum_slope = e.dy - e.given / e.y, e.dy - e.numeric.reshape(e.y.shape) / e.y
    constant = [
        [a for a in range(s.ndim) if np.ptp(s, axis=a).max() < 1e-4 * np.abs(s).max()] for s in (sum_given, sum_slope)
    ]
    if all(len(c) == 1 for c in constant) and constant[0] != constant[1]:
        return Guess(
            "axis",
            f"the sum inside runs over axis {constant[0][0]}; forward's over axis {constant[1][0]}: the wrong axis.",
            "softmax sums over the classes, forward and backward: the same axis, keepdims=True.",
        )
    return None


def overwritten(e):
    """Whether each value is one term of the sum that it should be, for some way of cutting the sum into terms."""
    if e.by_output is None or not e.fits:
        return None
    scale = 1e-5 * np.abs(e.numeric).max(initial=0)
    for kept in sorted(_subsets(np.ndim(e.y)), key=len):
        others = tuple(1 + a for a in range(np.ndim(e.y)) if a not in kept)
        terms = e.by_output.sum(others).reshape(len(e.where), -1)
        several = (np.abs(terms) > scale).sum(1) > 1
        fits = (np.abs(terms - e.analytic[:, None]) <= scale).any(1)
        if several.any() and fits.all() and (np.abs(e.analytic[several]) > scale).any():
            return Guess(
                "overlap",
                f"each value is one of the terms (along {_axes(kept)} of y) that should be added: later ones overwrite "
                "earlier ones: = where += belongs.",
                "start from zeros, and write dx[window] += ..., dweight += ...: whoever is used twice is paid twice.",
            )
    return None


def coupled(e):
    if not e.is_input or e.subject.is_loss or not e.fits or e.by_output is None:
        return None
    if e.array.shape == np.shape(e.y) and not e.elementwise:
        flat = e.by_output.reshape(len(e.where), -1)
        if same(e.analytic, flat[np.arange(len(e.where)), e.where]):
            return Guess(
                "coupling",
                "each value is what x does to the output in its own place; the other outputs it moves are left out.",
                "softmax: dx = y * (dy - (dy * y).sum(axis)): the sum is there as all outputs share one denominator.",
            )
    return _statistics(e)


def _statistics(e):
    """Whether what is missing is affine in x (or proportional to y) in each group that shares a mean and a variance."""
    x = e.array
    if not e.complete or x.shape != np.shape(e.y) or x.ndim < 2:
        return None
    missing = e.given - e.numeric.reshape(x.shape)
    for axes in _subsets(x.ndim):
        size = int(np.prod([x.shape[a] for a in axes]))
        if size < 4:
            continue
        kept = [a for a in range(x.ndim) if a not in axes]
        rows = [np.transpose(v, [*kept, *axes]).reshape(-1, size) for v in (missing, x, e.y)]
        for regressors in rows[1:]:
            rest = np.array([_not_affine(m, v) for m, v in zip(rows[0], regressors, strict=True)])
            if np.abs(rest).max() < 1e-5 * np.abs(missing).max():
                return Guess(
                    "coupling",
                    f"what is missing follows mean or variance over {_axes(axes)}: statistics taken as constants.",
                    "mean and variance are functions of x: subtract mean(dxhat) and xhat * mean(dxhat * xhat).",
                )
    return None


def _not_affine(values, regressor):
    """What is left of values after the best a + b * regressor."""
    columns = np.stack([np.ones(len(values)), regressor], axis=1)
    return values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]


def turned_parameter(e):
    """Whether dx would be right if a parameter lay the other way round."""
    if not e.is_input:
        return None
    for key, value in e.subject.arrays.items():
        if key in e.subject.inputs or value.ndim < 2:
            continue
        for family, other, words, hint in _turnings(key, value):
            if other.shape == value.shape and same(e.slopes_elsewhere(**{key: other}), e.analytic):
                return Guess(family, f"your gradient would be right if {key} were {words}.", hint)
    return None


def _turnings(key, value):
    transposed = "forward multiplies by weight.T, so backward multiplies by weight (and the other way round)."
    yield "transposed", np.swapaxes(value, 0, 1), "transposed (its first two axes swapped)", transposed
    flipped = (
        "forward slides the kernel as it is; backward spreads dy with the same kernel: dx[place + tap] += dy * w[tap]."
    )
    if value.ndim > 2:
        yield (
            "transposed",
            np.swapaxes(value, -1, -2),
            "transposed (rows and columns of the kernel swapped)",
            transposed,
        )
    for axes in _subsets(value.ndim):
        if min(axes) >= value.ndim - 2 and value.ndim > 2:
            yield "flipped", np.flip(value, axes), f"a flipped kernel ({_axes(axes)})", flipped


def wrong_point(e):
    if not e.is_input or e.subject.is_loss or not e.fits or not e.elementwise:
        return None
    x = e.array.copy()
    if same(e.slopes_elsewhere(**{e.name: e.y}), e.analytic):
        return Guess(
            "point",
            "this is the derivative at y instead of at x.",
            "either the formula in x with x, or the one in y with y: sigmoid' = s(x) (1 - s(x)) = y (1 - y).",
        )
    inverse, inside = _inverse(e, x)
    if inside.sum() >= 3:
        there = e.slopes_elsewhere(**{e.name: inverse})
        inside = e.at(inside)
        if same(there[inside], e.analytic[inside]):
            return Guess(
                "point",
                "a formula in y was given x: the value stored is the input, and the rule wants the output.",
                "tanh' = 1 - y^2, sigmoid' = y (1 - y): keep y in forward.",
            )
    return None


def _inverse(e, target):
    """x such that y(x) = target, by bisection in all places at once, and where there is such an x."""
    low, high = np.full(target.shape, -30.0), np.full(target.shape, 30.0)
    at_low, at_high = e.subject.call_with(**{e.name: low}), e.subject.call_with(**{e.name: high})
    inside = (at_low < target) & (target < at_high)
    for _ in range(60):
        middle = (low + high) / 2
        below = e.subject.call_with(**{e.name: middle}) < target
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    e.subject.call_with(**{e.name: target})
    return np.where(inside, low, target), inside


def extra_term(e):
    if not e.fits:
        return None
    over, value = e.analytic - e.numeric, e.at(e.array)
    big = np.abs(value) > 1e-3 * np.abs(value).max(initial=0)
    if not big.any():
        return None
    factor = float(np.median(over[big] / value[big]))
    if np.isfinite(factor) and factor and same(factor * value, over):
        return Guess(
            "extra",
            f"your gradient is the slope plus {_number(factor)} times {e.name} itself.",
            "a regulariser's gradient (weight decay) is in it, and its loss is not in forward's value.",
        )
    return None


def clipped(e):
    top = np.abs(e.analytic).max()
    at_top = np.abs(e.analytic) >= top * (1 - 1e-9)
    if at_top.sum() < 2 or at_top.all() or not e.fits:
        return None
    beyond = (np.abs(e.numeric[at_top]) >= top * (1 - 1e-6)) & (
        np.sign(e.numeric[at_top]) == np.sign(e.analytic[at_top])
    )
    if beyond.all() and same(e.analytic[~at_top], e.numeric[~at_top]):
        return Guess(
            "clipped",
            f"values beyond ±{_number(top)} are cut off there; the others are right.",
            "clipping is the business of whoever takes the step; a backward pass tells the truth.",
        )
    return None


def misplaced(e):
    if not e.fits:
        return None
    for shift in itertools.product((-1, 0, 1), repeat=min(2, e.given.ndim)):
        axes = tuple(range(e.given.ndim - len(shift), e.given.ndim))
        if any(shift) and _shifted(e, shift, axes):
            return Guess(
                "misplaced",
                f"your gradient is right once it is moved by {shift} along {_axes(axes)}: right numbers, wrong places.",
                "the padding is cut off at the wrong place, or a window starts one too early or too late.",
            )
    if e.complete and same(np.sort(e.analytic), np.sort(e.numeric)):
        return Guess(
            "misplaced",
            "the same numbers as the slopes, in another order: right numbers in the wrong places.",
            "a reshape where a transpose belongs (or the reverse), or an index (argmax) that counts in another window.",
        )
    return None


def scrambled_dy(e):
    """Whether it would be right for a dy that was reshaped where it should have been transposed."""
    if e.by_output is None or not e.fits or np.ndim(e.y) < 2:
        return None
    shape = np.shape(e.y)
    weights = e.by_output.reshape(len(e.where), -1) / np.ravel(e.dy)
    for order in itertools.permutations(range(len(shape))):
        read = e.dy.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))
        if list(order) != sorted(order) and same(e.analytic, weights @ read.ravel()):
            return Guess(
                "misplaced",
                f"it would be right if dy's axes lay in the order {order}: right numbers in the wrong places.",
                f"reshape does not move axes, transpose does: dy.transpose{order} first, and then reshape.",
            )
    return None


def _shifted(e, shift, axes):
    moved = np.full(e.given.shape, np.nan)
    to = [slice(None)] * e.given.ndim
    source = [slice(None)] * e.given.ndim
    for axis, by in zip(axes, shift, strict=True):
        length = e.given.shape[axis]
        to[axis] = slice(max(by, 0), length + min(by, 0))
        source[axis] = slice(max(-by, 0), length + min(-by, 0))
    moved[tuple(to)] = e.given[tuple(source)]
    there = np.isfinite(e.at(moved))
    enough = there.sum() >= max(3, len(there) // 3) and np.count_nonzero(e.numeric[there]) >= 3
    return bool(enough and same(e.at(moved)[there], e.numeric[there]))


def nothing_known(e):
    """No famous mistake fits: say at least where the error is."""
    if not e.fits or not e.where.size:
        return Guess(
            "unknown", "no famous mistake explains it.", "write the rule for one output and one input by hand."
        )
    size = np.abs(e.numeric).max(initial=0)
    wrong = np.abs(e.analytic - e.numeric) > 1e-5 * max(size, np.abs(e.analytic).max(initial=0))
    if not wrong.any():
        return Guess(
            "unknown",
            "the values differ only in the last digits: nearly right.",
            "look for an epsilon that stands in forward and not in backward, or an approximation.",
        )
    return Guess(
        "unknown",
        f"no famous mistake explains it. {_location(e, wrong)}",
        "begin there, with the smallest x that shows it.",
    )


def _location(e, wrong):
    places = np.array(np.unravel_index(e.where, e.array.shape)).T.reshape(len(e.where), e.array.ndim)
    right = ~wrong
    if not right.any():
        return "It is wrong at every coordinate that was looked at."
    for words, here in [("x is negative", e.at(e.array) < 0), ("x is positive", e.at(e.array) > 0)]:
        if np.array_equal(here, wrong):
            return f"It is wrong exactly where {words}."
    for axis in range(e.array.ndim):
        hit = sorted(set(places[wrong, axis].tolist()))
        if set(hit).isdisjoint(places[right, axis].tolist()):
            shown = ", ".join(map(str, hit[:6])) + (", ..." if len(hit) > 6 else "")
            return f"It is wrong exactly at index {shown} of axis {axis} (of length {e.array.shape[axis]})."
    if e.array.ndim >= 3:
        edge = np.zeros(len(e.where), bool)
        for axis in (-1, -2):
            edge |= (places[:, axis] == 0) | (places[:, axis] == e.array.shape[axis] - 1)
        if not (wrong & ~edge).any():
            return "It is wrong only at the border: look at the padding."
        if not (right & ~edge).any():
            return "It is right only at the border, where windows overlap less."
    return f"It is wrong at {wrong.sum()} of the {wrong.size} coordinates that were looked at."


def _subsets(ndim):
    return [axes for size in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), size)]


def _axes(axes):
    return ("axis " if len(axes) == 1 else "axes ") + " and ".join(map(str, axes))


def _tuple(axes):
    return axes[0] if len(axes) == 1 else tuple(axes)


def _number(value):
    return f"{value:.6g}"


HYPOTHESES = [
    not_finite,
    wrong_shape,
    dead_parameter,
    all_zero,
    truncated,
    wrong_sign,
    constant_factor,
    mask,
    wrong_axis,
    softmax_axis,
    permuted,
    unfinished_chain,
    extra_term,
    coupled,
    one_path,
    overwritten,
    scrambled_dy,
    turned_parameter,
    wrong_point,
    clipped,
    misplaced,
]
