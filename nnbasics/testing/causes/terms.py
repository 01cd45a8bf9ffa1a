"""A sum with a term too many, too few or unfinished: the chain rule, shortcuts, overlaps, shared denominators."""

import numpy as np

from nnbasics.testing.causes.evidence import Guess, explained, grouped, location, over, same, short, subsets
from nnbasics.testing.causes.shapes import summed_over_others


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
        closed, slopes = e.numeric == 0, e.numeric / e.at(e.dy)
        if closed.sum() >= 2 and (~closed).sum() >= 2 and np.ptp(slopes[~closed]) < 1e-5 * np.abs(slopes).max():
            return Guess(
                "mask",
                f"dy is passed on unchanged, and for {closed.sum()} coordinates forward lets nothing through: no "
                f"mask. The others it multiplies by {short(float(np.median(slopes[~closed])))}.",
                "dropout: keep the mask of forward, with its 1 / (1 - p), and multiply dy by it.",
            )
        return Guess(
            "chain",
            "your gradient is dy, unchanged: the derivative of the layer itself is missing.",
            "the chain rule: dL/dx = dL/dy dy/dx, so dy is multiplied by the derivative of this layer.",
        )
    return None


def term_without_dy(e):
    """Whether something is left when nothing comes back."""
    if e.subject.is_loss or not e.fits:
        return None
    left = np.asarray(e.back(np.zeros_like(e.dy)), float)
    if left.shape != e.given.shape or not np.abs(left).max() > 1e-6 * np.abs(e.given).max():
        return None
    where = "" if left.all() else f" {location(e, e.at(left) != 0)}"
    return Guess(
        "chain",
        f"for a dy of zeros your gradient is not zero: a term of it is not multiplied by dy.{where}",
        "the chain rule: every term of dL/dx has dL/dy in it; log softmax: dx = dy - softmax * dy.sum(axis).",
    )


def extra_term(e):
    if not e.fits or e.given.size < 2:
        return None
    over, value = e.analytic - e.numeric, e.at(e.array)
    big = np.abs(value) > 1e-3 * np.abs(value).max(initial=0)
    if not big.any():
        return None
    factor = float(np.median(over[big] / value[big]))
    if np.isfinite(factor) and factor and same(factor * value, over):
        return Guess(
            "extra",
            f"your gradient is the slope plus {short(factor)} times {e.name} itself.",
            "a regulariser's gradient (weight decay) is in it, and its loss is not in forward's value.",
        )
    return None


def as_a_bias(e):
    axes = _summed(e, e.dy)
    if axes is None:
        return None
    return Guess(
        "chain",
        f"this is dy summed over {over(axes)}, the gradient of something added; {e.name} is not added.",
        "y = gain * xhat + bias: dgain = (dy * xhat).sum(axis), and only dbias = dy.sum(axis).",
    )


def as_another_gain(e):
    """Whether a parameter that multiplies something has the gradient of one that multiplies x, or y."""
    factors = {name: e.subject.arrays[name] for name in e.subject.inputs} | {"y": e.y}
    for name, factor in factors.items():
        fits = np.shape(factor) == np.shape(e.dy) and name != e.name
        axes = _summed(e, e.dy * factor) if fits else None
        if axes is not None:
            return Guess(
                "point",
                f"this is dy * {name} summed over {over(axes)}, and {e.name} multiplies something else.",
                "y = gain * xhat + bias: dgain = (dy * xhat).sum(axis), with the xhat that forward made of x.",
            )
    return None


def _summed(e, array):
    """The axes over which an array like dy was summed, if a parameter's gradient is such a sum; else None."""
    if e.is_x or e.subject.is_loss or not e.fits or e.given.size < 2:
        return None
    for axes in subsets(np.ndim(e.dy)):
        total = array.sum(axes)
        if total.size == e.given.size and same(e.analytic, e.at(total)):
            return axes
    return None


def one_hot(e):
    """Whether cross entropy's softmax - one_hot, or a part of it, has the wrong one of the two."""
    if not e.subject.is_loss or not e.is_x or not e.complete or e.array.ndim != 2 or min(e.array.shape) < 2:
        return None
    off = e.given - e.numeric.reshape(e.array.shape)
    scores = np.exp(e.array - e.array.max(1, keepdims=True))
    lacking = e.array - scores / scores.sum(1, keepdims=True)
    if same(lacking * (np.sum(off * lacking) / np.sum(lacking**2)), off):
        return Guess(
            "chain",
            "your gradient has the scores where the probabilities belong: the softmax is missing.",
            "the gradient of softmax and cross entropy together is (softmax(scores) - one_hot) / N.",
        )
    off = off / np.abs(off).max()
    up, down = (off > 0.5).sum(1), (off < -0.5).sum(1)
    if not np.allclose(off, np.round(off), atol=1e-4):
        return None
    if (up == 1).all() and (down == 1).all():
        return Guess(
            "misplaced",
            "in each row the 1 of the one-hot label stands in another class than forward's: it is in the wrong place.",
            "labels count from 0: one_hot[row, label] = 1, and forward takes the score of the same label.",
        )
    if (up == 1).all() and not down.any():
        return Guess(
            "missing",
            "each row is right but for one class, the label's: the 1 is not taken from its probability.",
            "d(loss)/d(scores) = (softmax(scores) - one_hot) / N: probabilities[row, label] -= 1.",
        )
    if (down == e.array.shape[1] - 1).all() and not up.any():
        return Guess(
            "mask",
            "each row is right in one class alone, the label's; from the others the same number was taken too.",
            "d(loss)/d(scores) = (softmax(scores) - one_hot) / N: the 1 is taken from the label's class alone.",
        )
    return None


def one_path(e):
    if not e.is_input or e.subject.is_loss or not e.fits or e.array.shape != np.shape(e.y):
        return None
    dy, ratio = e.at(e.dy), e.at(e.y) / e.at(e.array)
    if same(e.analytic + dy, e.numeric):
        missing = "dy itself, which flows through the shortcut"
    elif same(e.analytic, dy):
        missing = "what flows through the branch beside the shortcut"
    elif e.elementwise and same(e.analytic + dy * ratio, e.numeric):
        missing = "dy * y / x; in the product y = x * (...), x is a factor too"
    elif e.elementwise and same(e.analytic, dy * ratio):
        missing = (
            "that of the other factor of the product y = x * (...), which depends on x and was taken as a constant"
        )
    else:
        return None
    return Guess(
        "overlap",
        f"one term is missing: {missing}. x was used twice, and only one of its gradients came back.",
        "gradients of all uses of x are added: += where = stands; (u v)' = u' v + u v'.",
    )


def quadratic(e):
    """Whether y is made of products of two values of the array, and the gradient of one factor alone came back.

    Euler: where y grows fourfold with twice the array, the slope along the array itself is 2 y; one factor gives y.
    """
    if not e.fits or e.given.size < 2:
        return None
    start = e.array.copy()
    places = [start, start * (1 + 0.5 * np.sin(np.arange(start.size) + 1.0).reshape(start.shape))]
    found = [_along_itself(e, place) for place in places]
    e.subject.call_with(**{e.name: start})
    if all(same([part], [1.0]) for part in found):
        return Guess(
            "overlap",
            f"{e.name} is a factor twice in each product of y, and the gradient of one factor alone came back.",
            "both are added: x'Ax has the gradient (A + A') x, and F F' of dG has (dG + dG') F.",
        )
    if all(same([part], [2.0]) for part in found):
        return Guess(
            "overlap",
            f"{e.name} is a factor twice in each product of y, and both factors got the gradient of the same one, "
            "twice: right only if the matrix between them (or dy) were symmetric.",
            "x'Ax has the gradient (A + A') x, which is 2 A x for A = A' alone; F F' of dG has (dG + dG') F.",
        )
    return None


def _along_itself(e, place):
    """The slope that was given along the array itself, in units of y, if y is quadratic in it; else NaN."""
    double, y = (e.subject.try_with(**{e.name: factor * place}) for factor in (2.0, 1.0))
    if y is None or double is None or not same(double, 4 * y):
        return np.nan
    total = np.sum(e.dy * y)
    given = np.asarray(e.back(e.dy.copy()), float)
    return np.sum(given * place) / total if given.shape == place.shape and total else np.nan


def overwritten(e):
    """Whether each value is one term of the sum that it should be, for some way of cutting the sum into terms."""
    if e.by_output is None or not e.fits:
        return None
    scale = 1e-5 * np.abs(e.numeric).max(initial=0)
    for kept in sorted(subsets(np.ndim(e.y)), key=len):
        others = tuple(1 + a for a in range(np.ndim(e.y)) if a not in kept)
        terms = e.by_output.sum(others).reshape(len(e.where), -1)
        several = (np.abs(terms) > scale).sum(1) > 1
        fits = (np.abs(terms - e.analytic[:, None]) <= scale).any(1)
        if several.any() and fits.all() and (np.abs(e.analytic[several]) > scale).any():
            return Guess(
                "overlap",
                f"each value is one of the terms (along {over(kept)} of y) that should be added: later ones overwrite "
                "earlier ones: = where += belongs.",
                "start from zeros, and write dx[window] += ..., dweight += ...: whoever is used twice is paid twice.",
            )
    return None


def coupled(e):
    if e.subject.is_loss or not e.fits or e.by_output is None:
        return None
    if e.is_input and e.array.shape == np.shape(e.y) and not e.elementwise:
        flat = e.by_output.reshape(len(e.where), -1)
        if same(e.analytic, flat[np.arange(len(e.where)), e.where]):
            return Guess(
                "coupling",
                "each value is what x does to the output in its own place; the other outputs it moves are left out.",
                "softmax: dx = y * (dy - (dy * y).sum(axis)): the sum is there as all outputs share one denominator.",
            )
    return _norm(e) or _statistics(e)


def _norm(e):
    """Whether what is missing is proportional to the array itself in each group that shares a length or a sum."""
    missing = e.given - e.numeric.reshape(e.array.shape) if e.complete else np.zeros(())
    for axes in subsets(missing.ndim):
        rows = [grouped(values, axes) for values in (missing, e.array)]
        if explained(*rows, constant=False):
            return Guess(
                "coupling",
                f"what is missing is {e.name} times one number for each group over {over(axes)}: a norm or a sum that "
                f"depends on {e.name}, taken as a constant.",
                "y = v / |v| divides by a function of v: dv = (dy - y (y . dy)) / |v|, and so for every denominator.",
            )
    return None


def _statistics(e):
    """Whether what is missing is affine in x (or in y) in each group that shares a mean and a variance."""
    if not e.is_input or not e.complete or e.array.shape != np.shape(e.y) or e.array.ndim < 2:
        return None
    missing = e.given - e.numeric.reshape(e.array.shape)
    for axes in subsets(e.array.ndim):
        rows, *regressors = (grouped(values, axes) for values in (missing, e.array, e.y))
        if any(explained(rows, regressor, constant=True) for regressor in regressors):
            return Guess(
                "coupling",
                f"what is missing follows mean or variance over {over(axes)}: statistics taken as constants.",
                "mean and variance are functions of x: subtract mean(dxhat) and xhat * mean(dxhat * xhat).",
            )
    return None


def wrong_axis(e):
    return summed_over_others(e)


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
