"""What comes in: numbers as float arrays of the right shape, or one line that says what is wrong with them."""

import numpy as np

from nnbasics.errors import UserError


def numbers(values, name, *, ndim, like):
    """`values` as a finite float array with one of the numbers of axes in `ndim`; float32 stays float32.

    Parameters
    ----------
    values : array_like
    name : str
        What messages call it.
    ndim : tuple of int
    like : str
        The shape that was expected, for the message: "(m, n)".
    """
    try:
        array = np.asarray(values)
        real = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64, casting="safe")
    except (TypeError, ValueError):
        raise UserError(f"{name}: real numbers in an array {like} were expected") from None
    if real.ndim not in ndim or real.size == 0:
        raise UserError(f"{name} has shape {real.shape}; {like} with at least one number was expected")
    if not np.isfinite(real).all():
        raise UserError(f"{name} has {np.count_nonzero(~np.isfinite(real))} values that are NaN or infinite")
    return real


def matrix(values, name="A"):
    """A matrix (m, n) of finite numbers."""
    return numbers(values, name, ndim=(2,), like="(m, n)")


def right_side(values, rows, name="b"):
    """A right side (m,), or several as columns (m, k), with one row for each row of A."""
    b = numbers(values, name, ndim=(1, 2), like=f"({rows},) or ({rows}, k)")
    if b.shape[0] != rows:
        raise UserError(f"{name} has shape {b.shape}, and A has {rows} rows; ({rows},) or ({rows}, k) was expected")
    return b
