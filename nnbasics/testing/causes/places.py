"""Right numbers in the wrong places: transposed, flipped, shifted, swapped, or taken at another value."""

import itertools

import numpy as np

from nnbasics.testing.causes.evidence import EXPLAINED, Guess, over, permuted_values, same, subsets


def permuted(e):
    if not e.fits or e.given.ndim < 2:
        return None
    for axes in itertools.permutations(range(e.given.ndim)):
        if list(axes) != sorted(axes) and same(permuted_values(e, axes), e.numeric):
            return Guess(
                "transposed",
                f"your gradient is right once its axes are swapped to {axes}: it is transposed.",
                "the two factors of a product changed places: dweight = dy.T @ x has the shape (out, in).",
            )
    for axes in subsets(e.given.ndim):
        if e.given.ndim >= 3 and same(e.at(np.flip(e.given, axes)), e.numeric):
            return Guess(
                "flipped",
                f"your gradient is right once it is flipped along {over(axes)}: a flipped kernel.",
                "layers compute the cross-correlation; only the backward to the input turns the kernel round.",
            )
    return None


def swapped(e):
    """Whether this is the gradient of another array of the same shape."""
    some = e.where[:8]
    for other, array in e.subject.arrays.items():
        if other == e.name or array.shape != e.array.shape or len(some) < 3:
            continue
        slopes = [e.slopes.along(other, int(index), close=lambda slope: True).value for index in some]
        if same(e.given.ravel()[some], slopes):
            return Guess(
                "misplaced",
                f"this is the gradient of {other}: right numbers under the wrong name.",
                "gradients come back in the order of forward's inputs, and under the keys of their own parameters.",
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
    return _pieces_of_dy(e, weights)


def _pieces_of_dy(e, weights):
    """Whether it would be right if the values of dy stood in other places, whichever: solve for them."""
    if not e.complete or e.dy.size > EXPLAINED:
        return None
    read, _, rank, _ = np.linalg.lstsq(weights, e.analytic, rcond=None)
    if rank < e.dy.size or not same(weights @ read, e.analytic) or not same(np.sort(read), np.sort(e.dy.ravel())):
        return None
    return Guess(
        "misplaced",
        "it would be right if the values of dy stood in other places: pieces of dy went to the wrong inputs.",
        "what forward put first (concatenate, shuffle, roll) is first in dy too: undo it in the opposite direction.",
    )


def stride_forgotten(e):
    """Whether it would be right if the windows of backward stood side by side, where forward's are a stride apart."""
    if e.by_output is None or not e.complete or not e.fits or not e.array.ndim == np.ndim(e.y) >= 3:
        return None
    height, width = e.array.shape[-2:]
    rows, columns = np.shape(e.y)[-2:]
    windows = e.by_output.reshape(*e.array.shape, -1, rows, columns).sum(-3)
    for stride in (2, 3, 4):
        total = np.zeros(e.array.shape)
        for i, j in np.ndindex(min(rows, height // (stride - 1)), min(columns, width // (stride - 1))):
            down, right = (stride - 1) * i, (stride - 1) * j
            total[..., : height - down, : width - right] += windows[..., down:, right:, i, j]
        if same(total.ravel(), e.analytic):
            return Guess(
                "misplaced",
                f"it would be right if windows moved by 1, and forward's move by {stride}: the stride is forgotten.",
                "output [i, j] came from x[i * stride : i * stride + kernel], and there goes its gradient.",
            )
    return None


def turned_parameter(e):
    """Whether dx would be right if a parameter lay the other way round."""
    if not e.is_input:
        return None
    for key, value in e.subject.arrays.items():
        if key == e.name or value.ndim < 2:
            continue
        for family, other, words, hint in _turnings(key, value):
            if other.shape == value.shape and same(e.slopes_elsewhere(**{key: other}), e.analytic):
                return Guess(family, f"your gradient would be right if {key} were {words}.", hint)
    return None


def turned_jacobian(e):
    """Whether backward does to dy what forward does to x: J dy in place of J^T dy."""
    if e.by_output is None or not e.complete or e.array.size != np.size(e.y) or not e.fits:
        return None
    jacobian = (e.by_output.reshape(len(e.where), -1) / np.ravel(e.dy)).T
    if not same(e.analytic, jacobian @ np.ravel(e.dy)):
        return None
    return Guess(
        "transposed",
        "backward does to dy what forward does to x; it should do the transpose of that.",
        "y = A x gives dx = A^T dy: what a sum collects from the left, its backward collects from the right.",
    )


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
    for axes in subsets(value.ndim):
        if min(axes) >= value.ndim - 2 and value.ndim > 2:
            yield "flipped", np.flip(value, axes), f"a flipped kernel ({over(axes)})", flipped


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
    inside = np.zeros(target.shape, bool)
    at_low, at_high = e.subject.try_with(**{e.name: low}), e.subject.try_with(**{e.name: high})
    if at_low is not None and at_high is not None:
        inside = (at_low < target) & (target < at_high)
        for _ in range(60):
            middle = (low + high) / 2
            below = e.subject.call_with(**{e.name: middle}) < target
            low, high = np.where(below, middle, low), np.where(below, high, middle)
    e.subject.call_with(**{e.name: target})
    return np.where(inside, low, target), inside


def misplaced(e):
    if not e.fits:
        return None
    for shift in itertools.product((-1, 0, 1), repeat=min(2, e.given.ndim)):
        axes = tuple(range(e.given.ndim - len(shift), e.given.ndim))
        if any(shift) and _shifted(e, shift, axes):
            return Guess(
                "misplaced",
                f"your gradient is right once it is moved by {shift} along {over(axes)}: right numbers, wrong places.",
                "the padding is cut off at the wrong place, or a window starts one too early or too late.",
            )
    if e.complete and same(np.sort(e.analytic), np.sort(e.numeric)):
        return Guess(
            "misplaced",
            "the same numbers as the slopes, in another order: right numbers in the wrong places.",
            "a reshape where a transpose belongs (or the reverse), or an index (argmax) that counts in another window.",
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
