"""Filters and feature maps drawn side by side."""

import math

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.base import whole

GREY = 0.5


def grid(tiles, columns=None, gap=1, background=1.0):
    """Pictures of one size in rows and columns.

    Parameters
    ----------
    tiles : ndarray, (N, H, W) or (N, H, W, 3), in [0, 1]
    columns : int, optional
        About as many as rows if not given.
    gap : int
        Pixels between two.
    background : float
        Grey value of the gaps.

    Returns
    -------
    ndarray, (H', W') or (H', W', 3) float32
    """
    tiles = np.asarray(tiles, np.float32)
    if tiles.ndim not in (3, 4) or tiles.size == 0:
        raise UserError(f"grid: tiles have shape {tiles.shape}; (N, H, W) or (N, H, W, 3) was expected")
    n, height, width = tiles.shape[:3]
    columns = min(n, whole(columns, "columns") if columns is not None else math.ceil(math.sqrt(n)))
    rows = -(-n // columns)
    shape = rows * (height + gap) - gap, columns * (width + gap) - gap, *tiles.shape[3:]
    whole_picture = np.full(shape, background, np.float32)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top, left = row * (height + gap), column * (width + gap)
        whole_picture[top : top + height, left : left + width] = tile
    return whole_picture


def filter_grid(weight, columns=None):
    """The filters of a first layer as pictures: (out, 3, kH, kW) in colour, (out, 1, kH, kW) in grey.

    Each filter is scaled on its own, so that 0 is grey and its largest weight black or white. Filters over more than
    three channels have no colours; their channels are averaged by size: sqrt of the mean square, dark for none.
    """
    weight = np.asarray(weight, np.float32)
    if weight.ndim != 4:
        raise UserError(f"filter_grid: weight has shape {weight.shape}; (out, in, kH, kW) was expected")
    if weight.shape[1] not in (1, 3):
        sizes = np.sqrt(np.mean(weight**2, axis=1))
        return grid(_by_largest(sizes), columns)
    tiles = GREY + GREY * _by_largest(weight)
    return grid(tiles[:, 0] if weight.shape[1] == 1 else tiles.transpose(0, 2, 3, 1), columns)


def map_grid(features, columns=None, most=64):
    """The feature maps (1, C, H, W) or (C, H, W) of one picture in grey, each from its smallest value to its largest.

    Parameters
    ----------
    features : ndarray
    columns : int, optional
    most : int
        Maps shown, the first ones.
    """
    features = np.asarray(features, np.float32)
    maps = features[0] if features.ndim == 4 and len(features) == 1 else features
    if maps.ndim != 3:
        raise UserError(f"map_grid: features have shape {features.shape}; (1, C, H, W) or (C, H, W) was expected")
    maps = maps[: whole(most, "most")]
    low = maps.min(axis=(1, 2), keepdims=True)
    return grid(_by_largest(maps - low), columns)


def _by_largest(tiles):
    largest = np.abs(tiles).reshape(len(tiles), -1).max(axis=1)
    return tiles / np.where(largest > 0, largest, 1).reshape(-1, *[1] * (tiles.ndim - 1))
