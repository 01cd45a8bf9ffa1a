"""Guesses at the cause of a wrong gradient: each is a famous mistake, and a way to see whether it explains the numbers.

A hypothesis is a function from `Evidence` to a `Guess` or None. It says yes only if it reproduces what the student's
backward gave from what the slopes are, to several digits: a guess that only sounds right would cost more than none.
`HYPOTHESES` is in order of how specific they are, and the first that fits is told.
"""

import numpy as np

from nnbasics.testing.causes.evidence import EXPLAINED, FAMILIES, Evidence, Guess, location, same
from nnbasics.testing.causes.factors import constant_factor, factor_by_group, wrong_sign
from nnbasics.testing.causes.masks import clipped, dropped, mask
from nnbasics.testing.causes.places import (
    misplaced,
    permuted,
    scrambled_dy,
    stride_forgotten,
    swapped,
    turned_jacobian,
    turned_parameter,
    wrong_point,
)
from nnbasics.testing.causes.shapes import all_zero, dead_parameter, not_finite, truncated, wrong_shape
from nnbasics.testing.causes.terms import (
    as_a_bias,
    as_another_gain,
    coupled,
    extra_term,
    one_hot,
    one_path,
    overwritten,
    quadratic,
    softmax_axis,
    term_without_dy,
    unfinished_chain,
    wrong_axis,
)

__all__ = ["EXPLAINED", "FAMILIES", "HYPOTHESES", "Evidence", "Guess", "guess", "same"]

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
    one_hot,
    extra_term,
    term_without_dy,
    as_a_bias,
    as_another_gain,
    swapped,
    dropped,
    factor_by_group,
    coupled,
    one_path,
    quadratic,
    overwritten,
    scrambled_dy,
    stride_forgotten,
    turned_parameter,
    turned_jacobian,
    wrong_point,
    clipped,
    misplaced,
]


def guess(evidence):
    """The first hypothesis that explains the evidence, or where the error is when none does."""
    with np.errstate(all="ignore"):
        for hypothesis in HYPOTHESES:
            found = hypothesis(evidence)
            if found is not None:
                return found
    return nothing_known(evidence)


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
        f"no famous mistake explains it. {location(e, wrong)}",
        "begin there, with the smallest x that shows it.",
    )
