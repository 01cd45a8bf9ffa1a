"""What a backward pass does beside its numbers: to dy, to x, to its own memory, and in how many digits."""

import numpy as np

from nnbasics.testing.causes import Guess, same
from nnbasics.testing.slopes import Slopes


def manners(subject, dy, fresh, rng):
    """Call backward in the ways in which careless ones differ.

    Parameters
    ----------
    subject : Subject
    dy : ndarray
    fresh : Subject or None
        Another copy that has seen no input yet; functions have no copies.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to ndarray
        The gradients at the arrays' present values, after an honest forward.
    list of Guess
        What was wrong besides.
    """
    found = []
    start = {name: array.copy() for name, array in subject.arrays.items()}
    fixed = subject.inputs[1:]  # a target stays as it is: one-hot labels would be none any more
    elsewhere = {name: shrunk(array, rng, 0.5) for name, array in start.items() if name not in fixed}
    y = subject.try_with(**elsewhere)
    if y is None:
        elsewhere = start
        y = subject.call_with(**start)
    there = subject.back(dy.copy())
    found += _digits(subject, y, there)
    found += _stale(subject, there, fresh, elsewhere, dy)
    y = subject.call_with(**start)
    spoiled = dy.copy()
    drawn = subject.randomness.now()
    given = subject.back(spoiled)
    found += _caller(subject, dy, spoiled)
    if subject.randomness.now() != drawn:
        found.append(
            Guess(
                "mask",
                "backward draws random numbers of its own, so its mask is another one than forward's.",
                "draw once, in forward, keep the mask, and use it in backward.",
            )
        )
    found += _stepped(subject, y)
    if not found:
        found += _twice(subject, given, dy)
    if not found and not subject.is_loss:
        found += _linear(subject, given, dy)
    return given, found


def shrunk(array, rng, by):
    """The array with each value drawn towards zero by a random part; zeros get a little (of the array's sign)."""
    size = np.sqrt(np.mean(array**2)) if array.any() else 1.0
    little = by / 2 * size * rng.uniform(0.2, 1, array.shape)
    if not array.any() or array.min() < 0 < array.max():
        little = little * rng.choice([-1.0, 1.0], array.shape)
    return np.where(array == 0, little, array * (1 - by * rng.uniform(0.1, 1, array.shape)))


def alike(one, other, tolerance=1e-9):
    """Whether two sets of gradients are the same but for rounding."""
    for name in one:
        p, q = one[name], other[name]
        if p is None or q is None:
            if p is not q:
                return False
        elif p.shape != q.shape or not np.allclose(
            p, q, tolerance, tolerance * np.abs(q).max(initial=0), equal_nan=True
        ):
            return False
    return True


def _caller(subject, dy, spoiled):
    if subject.touched_x:
        yield Guess(
            "mutated",
            "forward writes into x: the caller's array has other values afterwards.",
            "work on a new array: np.maximum(x, 0) instead of x[x < 0] = 0.",
        )
    if not np.array_equal(dy, spoiled):
        yield Guess(
            "mutated",
            "backward writes into dy: whoever else uses that gradient (a shortcut, a tap) finds it changed.",
            "make a new array: dx = dy * mask instead of dy[~mask] = 0 or dy *= mask.",
        )


def _stale(subject, given, fresh, values, dy):
    """Compare with a copy that has seen nothing before: what differs is left over from the forward before."""
    if fresh is None:
        return []
    fresh.call_with(**values)
    honest = fresh.back(dy.copy())
    if alike(honest, given):
        return []
    return [
        Guess(
            "stale",
            "after a forward with other values, backward gives another answer for the same x than a fresh layer does: "
            "it still works with something of the earlier forward.",
            "everything that backward uses is set anew by every forward (no `if self.x is None`).",
        )
    ]


def _stepped(subject, y):
    """Whether backward has changed what forward computes, as one does that takes the step downhill itself."""
    if np.array_equal(subject.run(), y, equal_nan=True):
        return []
    return [
        Guess(
            "stepped",
            "after a backward, forward gives another y for the same x: backward changes the parameters.",
            "backward leaves gradients; the step downhill (weight -= lr * dweight) belongs to whoever calls it.",
        )
    ]


def _twice(subject, given, dy):
    first = subject.back(dy.copy())
    try:
        second = subject.back(dy.copy())
    except Exception as error:
        return [
            Guess(
                "stale",
                f"the second backward after one forward stops with {type(error).__name__}: {error}.",
                "backward reads what forward kept, and leaves it there.",
            )
        ]
    if alike(first, second):
        return []
    third = subject.back(dy.copy())
    added = [name for name in given if _steadily(first[name], second[name], third[name])]
    if added:
        subject.accumulates = True  # so that its numbers can be compared all the same
        given.update(subject.back(dy.copy()))
        return [
            Guess(
                "accumulated",
                f"every backward adds to the gradient of {', '.join(added)} that was there before.",
                "backward sets its gradients, grads[key] = ..., or starts from zeros each time: += where = belongs.",
            )
        ]
    return [
        Guess(
            "mutated",
            "the second backward after one forward gives other values: the first has changed what forward kept.",
            "backward reads what forward kept, and works on new arrays.",
        )
    ]


def _steadily(first, second, third):
    """Whether a gradient grows by the same with every backward."""
    if first is None or second is None or third is None or not first.shape == second.shape == third.shape:
        return False
    return same(third - second, second - first)


def _linear(subject, given, dy):
    """Whether twice dy gives twice the gradients, by a factor so large that clipping would bite."""
    subject.run()
    if _is_derivative(subject, dy):
        return [
            Guess(
                "chain",
                "your backward takes one argument, which is dy, and treats it as x: it gives the derivative at dy.",
                "write backward(x, dy) and multiply: return dy * (...), or keep x in forward.",
            )
        ]
    larger, largest, turned = (
        subject.back(other * dy) for other in (1024.0, 2048.0, np.cos(np.arange(dy.size)).reshape(dy.shape))
    )
    clipped = [
        name
        for name, gradient in given.items()
        if gradient is not None and _bent(gradient, larger[name], largest[name], turned[name])
    ]
    if not clipped:
        return []
    return [
        Guess(
            "clipped",
            f"1024 times dy does not give 1024 times the gradient of {', '.join(clipped)}: it is clipped.",
            "backward is linear in dy; clipping belongs to whoever takes the step.",
        )
    ]


def _is_derivative(subject, dy):
    """Whether backward of x times dy is the slope along some direction."""
    derivative = subject.derivative()
    if derivative is None or derivative.shape != dy.shape:
        return False
    name = subject.inputs[0]
    move = np.cos(np.arange(dy.size)).reshape(dy.shape)
    slope = Slopes(subject, dy, trust_branches=False).along(name, move)
    subject.run()
    return same([np.sum(derivative * dy * move)], [slope.value])


def _bent(gradient, larger, largest, turned):
    """Whether a gradient is not linear in dy. Not to use dy at all, or to add a constant, is for the slopes to tell."""

    def close(one, other):
        return alike({"": one}, {"": other}, 1e-7)

    if larger is None or largest is None or close(larger, 1024.0 * gradient):
        return False
    if close(larger, gradient):
        return not close(turned, gradient)
    return not close(largest - larger, (larger - gradient) * (1024 / 1023))


def _digits(subject, y, gradients):
    """Whether float64 comes out of float64, in y and in every gradient, at values that need all its digits."""
    short = ["y"] if subject.y_dtype == np.float32 or _single(y) else []
    for name, gradient in gradients.items():
        if gradient is not None and (gradient.dtype == np.float32 or _single(gradient)):
            short.append(f"d{name}")
    if short:
        yield Guess(
            "float32",
            f"float64 went in, and {', '.join(short)} has only the digits of float32: a float32 truncation.",
            "look for a buffer made without dtype, np.float32, or .astype: write np.zeros(shape, x.dtype).",
        )


def _single(array):
    """Whether float64 values look as if they had been float32 on the way: no digit beyond its 24 bits."""
    values = array[array != 0] if array.dtype == np.float64 else np.empty(0)
    if values.size < 4 or not np.isfinite(values).all() or not np.array_equal(values, values.astype(np.float32)):
        return False
    if np.array_equal(values, np.rint(values)):
        return False
    mantissa, exponent = np.frexp(values)
    many_digits = np.mean(mantissa * 2**16 % 1 != 0) > 0.5
    # Multiples of 1/4 in the millions have few digits by nature: below the largest of them the last bit is never set.
    lower = exponent < exponent.max()
    last_bits = mantissa[lower if lower.sum() >= 8 else slice(None)] * 2**24 % 2
    return bool(many_digits and last_bits.any())
