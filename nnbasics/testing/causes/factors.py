"""Right but for a factor: a sign, a 2, the number of rows, one that differs from group to group."""

import numpy as np

from nnbasics.testing.causes.evidence import Guess, explained, grouped, over, same, short, subsets


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
    if big.sum() == 1 and not _ratio_stays(e, ratio):
        return None
    minus = ", and the sign is wrong too" if ratio < 0 else ""
    ratio = abs(ratio)
    if _follows_batch(e, ratio):
        n = len(e.subject.x)
        kind = "N" if ratio > 1 else "1/N"
        advice = "divide by the batch size N once" if ratio > 1 else "do not divide by the batch size N"
        return Guess(
            "count",
            f"every value is {short(ratio)} times the slope: a factor {kind} (the batch has N = {n} rows, and the "
            f"factor moved with N when a row was added){minus}.",
            f"{advice}: the mean over the batch belongs to the loss, and to the loss alone.",
        )
    if abs(ratio - 2) < 1e-4 or abs(ratio - 0.5) < 1e-4:
        kind = "2" if ratio > 1 else "1/2"
        return Guess(
            "factor",
            f"every value is {short(ratio)} times the slope: a factor of {kind}{minus}.",
            "d(x^2)/dx = 2x, d(x^2 / 2)/dx = x: which of the two does forward compute? Or something is added twice.",
        )
    for words, size in () if e.elementwise else _sizes(e):
        if size > 1 and (abs(ratio / size - 1) < 1e-4 or abs(ratio * size - 1) < 1e-4):
            kind = "times" if ratio > 1 else "divided by"
            return Guess(
                "count",
                f"every value is the slope {kind} {short(size)}, which is {words}: a factor N or 1/N{minus}.",
                "a mean in forward divides by the number of terms, and so does its backward; a sum does not.",
            )
    return Guess(
        "factor",
        f"every value is {short(ratio)} times the slope: a constant factor{minus}.",
        "a constant of forward (a scale, a slope, 1 / (1 - p)) is missing in backward, or stands there twice.",
    )


def _ratio_stays(e, ratio):
    """Whether a single number is off by the same factor for another dy; any two numbers have a ratio."""
    if e.subject.is_loss:
        return True
    other = np.sin(np.arange(np.size(e.dy)) + 1.0).reshape(np.shape(e.dy))
    index = int(e.where[np.argmax(np.abs(e.numeric))])
    e.subject.run()
    given = float(np.ravel(e.back(other))[index])
    return same([given], [ratio * type(e.slopes)(e.subject, other, trust_branches=False).along(e.name, index).value])


def _sizes(e):
    x, y = e.subject.x, np.asarray(e.y)
    yield "the number of outputs", y.size
    yield "the number of inputs", x.size
    if x.ndim == 4 and y.ndim == 4:
        yield "the number of places (H W) of the output", y.shape[2] * y.shape[3]
        yield "the number of places (H W) of the input", x.shape[2] * x.shape[3]
        yield "rows times places (N H W)", y.shape[0] * y.shape[2] * y.shape[3]
    if y.size and x.size % y.size == 0:
        yield "the number of inputs for each output (the window)", x.size // y.size
    if x.size and y.size % x.size == 0:
        yield "the number of outputs that each input has", y.size // x.size
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
    rows = len(e.subject.x) if e.subject.x.ndim else 0
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


def factor_by_group(e):
    if not e.fits or not e.complete:
        return None
    for axes in subsets(e.given.ndim)[:-1]:
        given, numeric = (grouped(v, axes) for v in (e.given, e.numeric.reshape(e.array.shape)))
        if explained(given, numeric, constant=False):
            with_slope = np.abs(numeric).max(1) > 0
            factors = np.sum(given * numeric, 1)[with_slope] / np.sum(numeric**2, 1)[with_slope]
            return Guess(
                "factor",
                f"in each group over {over(axes)} every value is the slope times one number, from "
                f"{short(factors.min())} to {short(factors.max())}: a factor that is not the same everywhere.",
                "a denominator of forward (a norm, a sum, a count at the border) is missing in backward, or it stands "
                "there twice.",
            )
    return None
