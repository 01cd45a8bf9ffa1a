"""Who gets dy and who does not: masks that are missing, upside down or others, loops that end too early."""

import numpy as np

from nnbasics.testing.causes.evidence import Guess, location, same, short


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
            f"the two slopes {' and '.join(map(short, sorted(values)))} changed places: the mask is upside down.",
            "the condition of np.where in backward is the one of forward.",
        )
    if (live & ~on).any() and same(e.analytic[on], e.numeric[on]) and on.any():
        return Guess(
            "mask",
            f"{(live & ~on).sum()} coordinates that do move the output get no gradient: the mask closes too much.",
            "look at what forward does on the other side of the kink: it may have a small slope there, not zero.",
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
            f"values beyond ±{short(top)} are cut off there; the others are right.",
            "clipping is the business of whoever takes the step; a backward pass tells the truth.",
        )
    return None


def dropped(e):
    """Whether the gradient is right but for coordinates that get none."""
    size = np.abs(e.numeric).max(initial=0)
    live, on = np.abs(e.numeric) > 1e-9 * size, e.analytic != 0
    lost = live & ~on
    if not e.fits or not lost.any() or not on.any() or not same(e.analytic[on], e.numeric[on]):
        return None
    return Guess(
        "missing",
        f"where your gradient is not zero it is right, but {lost.sum()} coordinates that move the output get none. "
        f"{location(e, lost)}",
        "look at the limits of the loop or the slice in backward: they are those of forward.",
    )
