"""What is wrong at first sight: no numbers, no gradient, another shape, fewer digits."""

import itertools

import numpy as np

from nnbasics.testing.causes.evidence import Guess, as_written, over, permuted_values, same, subsets


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
        f"forward gives the same y whatever stands in {e.name}, yet backward has a gradient for it.",
        f"forward should read {e.name} each time, not a copy made earlier.",
    )


def wrong_shape(e):
    if e.fits:
        return None
    shapes = f"it has shape {e.given.shape}, and {e.name} has shape {e.array.shape}"
    for axes in itertools.permutations(range(e.given.ndim)):
        if e.given.ndim == e.array.ndim and same(permuted_values(e, axes), e.numeric):
            return Guess("transposed", f"{shapes}: it is right once transposed.", "swap the two factors, or add .T.")
    if e.given.size == e.array.size and same(e.given.ravel()[e.where], e.numeric):
        return Guess(
            "axis",
            f"the numbers are right but {shapes}.",
            "a sum kept its axes (keepdims=True) or a reshape is missing: end with .reshape(the parameter's shape).",
        )
    for axes in subsets(e.given.ndim):
        total = e.given.sum(axes)
        if total.size == e.array.size and same(e.at(total), e.numeric):
            return Guess(
                "axis",
                f"{shapes}: summed over {over(axes)} it would be right.",
                f"what is added to every row collects the gradient of every row: .sum(axis={as_written(axes)}).",
            )
    found = summed_over_others(e)
    if found:
        return found
    if e.given.shape == e.array.shape[::-1]:
        return Guess(
            "transposed", f"{shapes}.", "the two factors of the product are in the wrong order, or .T is missing."
        )
    return Guess("axis", f"{shapes}.", "a gradient has the shape of what it is the gradient of; check axes and sums.")


def truncated(e):
    if not e.fits or e.given.dtype == np.float64:
        worst = e.fits and np.abs(e.analytic - e.numeric).max() <= 1e-5 * np.abs(e.numeric).max()
        if not (worst and np.array_equal(e.given, e.given.astype(np.float32))):
            return None
    elif not np.abs(e.analytic - e.numeric).max() <= 1e-2 * np.abs(e.numeric).max():
        return None
    digits = "is of float16" if e.given.dtype == np.float16 else "has only the digits of float32"
    return Guess(
        "float32",
        f"float64 went in, and what comes out {digits}.",
        "look for a buffer made without dtype, np.float32, or .astype: np.zeros(shape, x.dtype), np.empty_like(x).",
    )


def summed_over_others(e):
    """Parameters that act on one output each (bias, gamma): their gradient is a field over y summed over some axes."""
    if e.by_output is None or not e.complete or np.ndim(e.y) < 2 or e.is_x:
        return None
    terms = e.by_output.sum(0)
    sums = {axes: terms.sum(axes) for axes in subsets(terms.ndim)}
    right = [axes for axes, total in sums.items() if same(np.ravel(total), e.numeric)]
    for axes, total in sums.items():
        if right and total.size == e.given.size and same(np.ravel(total), np.ravel(e.given)):
            return Guess(
                "axis",
                f"it is summed over {over(axes)}, and belongs summed over {over(right[0])}: the wrong axis.",
                f"a parameter for each channel collects from all rows and places: .sum(axis={as_written(right[0])}).",
            )
    return None
