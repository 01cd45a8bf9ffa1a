"""Optical flow by blocks: where each piece of a picture has moved to in the next."""

import numpy as np

BLOCK = 8  # pixels of a side of what is moved as one
REACH = 4  # pixels a block is looked for around its place, at each scale
SCALES = 4  # each half the size of the one before: reach 4 + 8 + 16 + 32 pixels in all
TRUSTED = 0.08  # difference of a pixel, of 1, at which half of the trust is gone


def flow(before, after, block=BLOCK, reach=REACH, scales=SCALES):
    """For each pixel of `after` where it was in `before`, by block matching from coarse to fine.

    At every scale each block of `after` is compared with `before` at all displacements within the reach around what the
    coarser scale found, by the sum of absolute differences; ties go to the smallest move.

    Parameters
    ----------
    before, after : ndarray, (H, W, 3) float
        In [0, 1].

    Returns
    -------
    ndarray, (H, W, 2) float32
        Rows and columns to add to a pixel's place to find it in `before`.
    """
    before, after = _grey(before), _grey(after)
    pyramid = [(before, after)]
    while len(pyramid) < scales and min(pyramid[-1][0].shape) >= 4 * block:
        pyramid.append(tuple(_half(picture) for picture in pyramid[-1]))
    moved = None
    for earlier, later in reversed(pyramid):
        if moved is None:
            moved = np.zeros((*earlier.shape, 2), np.int64)
        else:
            moved = _twice(moved, later.shape)
        moved = _matched(earlier, later, moved, block, reach)
    return _smooth(moved.astype(np.float32), block)


def warp(picture, moved):
    """The picture as it looks after the move: each pixel fetched from where it was, between pixels by interpolation."""
    from scipy.ndimage import map_coordinates

    rows, columns = np.indices(picture.shape[:2], dtype=np.float32)
    places = np.stack([rows + moved[..., 0], columns + moved[..., 1]])
    warped = np.empty_like(picture)
    for channel in range(picture.shape[2]):
        warped[..., channel] = map_coordinates(picture[..., channel], places, order=1, mode="nearest")
    return warped


def trust(before, after, moved):
    """From 0 to 1 for each pixel: how well `before`, warped, agrees with `after`; 0 where it came from outside.

    What was hidden before, or has changed, is not to be held on to.
    """
    difference = np.abs(warp(before, moved) - after).max(axis=2)
    rows, columns = np.indices(after.shape[:2])
    rows, columns = rows + moved[..., 0], columns + moved[..., 1]
    inside = (rows >= 0) & (rows <= after.shape[0] - 1) & (columns >= 0) & (columns <= after.shape[1] - 1)
    return (inside / (1 + (difference / TRUSTED) ** 2)).astype(np.float32)


def _matched(earlier, later, moved, block, reach):
    """Each block's best displacement around the one it has."""
    height, width = later.shape
    rows, columns = np.indices(later.shape)
    best = np.full((-(-height // block), -(-width // block)), np.inf, np.float32)
    found = np.zeros((*best.shape, 2), np.int64)
    guess = moved[block // 2 :: block, block // 2 :: block]
    guess = np.pad(guess, [(0, a - b) for a, b in zip(best.shape, guess.shape, strict=False)] + [(0, 0)], mode="edge")
    base = np.repeat(np.repeat(guess, block, axis=0), block, axis=1)[:height, :width]
    steps = [(i, j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)]
    for step in sorted(steps, key=lambda step: step[0] ** 2 + step[1] ** 2):
        from_rows = np.clip(rows + base[..., 0] + step[0], 0, height - 1)
        from_columns = np.clip(columns + base[..., 1] + step[1], 0, width - 1)
        cost = _by_block(np.abs(earlier[from_rows, from_columns] - later), block)
        better = cost < best - 1e-6
        best[better] = cost[better]
        found[better] = guess[better] + step
    return np.repeat(np.repeat(found, block, axis=0), block, axis=1)[:height, :width]


def _by_block(values, block):
    """The sum over each block; those at the far edges are smaller."""
    height, width = values.shape
    by_rows = np.add.reduceat(values, np.arange(0, height, block), axis=0)
    return np.add.reduceat(by_rows, np.arange(0, width, block), axis=1)


def _grey(picture):
    return np.asarray(picture, np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def _half(picture):
    height, width = (side - side % 2 for side in picture.shape)
    picture = picture[:height, :width]
    return (picture[::2, ::2] + picture[1::2, ::2] + picture[::2, 1::2] + picture[1::2, 1::2]) / 4


def _twice(moved, shape):
    """Displacements at twice the scale, for a picture of this shape."""
    larger = 2 * np.repeat(np.repeat(moved, 2, axis=0), 2, axis=1)
    missing = [(0, max(0, a - b)) for a, b in zip(shape, larger.shape, strict=False)]
    return np.pad(larger, [*missing, (0, 0)], mode="edge")[: shape[0], : shape[1]]


def _smooth(moved, block):
    """Blocks without their edges: a median against outliers, then a mean, both as wide as a block."""
    from scipy.ndimage import median_filter, uniform_filter

    every = [median_filter(moved[block // 2 :: block, block // 2 :: block, axis], 3, mode="nearest") for axis in (0, 1)]
    blocks = [np.repeat(np.repeat(one, block, axis=0), block, axis=1) for one in every]
    full = [
        np.pad(one, [(0, max(0, a - b)) for a, b in zip(moved.shape, one.shape, strict=False)], mode="edge")
        for one in blocks
    ]
    return np.stack(
        [uniform_filter(one[: moved.shape[0], : moved.shape[1]], block, mode="nearest") for one in full], axis=-1
    )
