"""Whose colours the picture has: the painting's, the photograph's, or the painting's moved to the photograph's.

Pictures are (H, W, 3) in [0, 1]. Where weights (H, W) are given, a pixel counts as much: a region has its colours.

Gatys, Bethge, Hertzmann, Shechtman, "Preserving color in neural artistic style transfer", 2016.
"""

import numpy as np

YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""From RGB to luminance Y and the two numbers of chroma, I and Q."""

_RGB = np.linalg.inv(YIQ)
_LEAST = 1e-6  # variances below this part of the largest are rounding: a grey picture has one direction of colour


def luminance(picture):
    """Y of every pixel, (H, W)."""
    return picture @ YIQ[0].astype(picture.dtype)


def grey(luminances):
    """A picture of these luminances, (H, W, 3)."""
    return np.repeat(luminances[..., None], 3, axis=2)


def recolored(picture, content):
    """The luminance of the picture with the chroma of the content."""
    yiq = content @ YIQ.T.astype(content.dtype)
    yiq[..., 0] = luminance(picture)
    return np.clip(yiq @ _RGB.T.astype(content.dtype), 0, 1)


def match_luminance(style, content, weights=None, content_weights=None):
    """The style's luminances, as a grey picture, moved to the content's mean and spread.

    Y := (Y - mean_s) sigma_c / sigma_s + mean_c
    """
    y, like = luminance(style), luminance(content)
    mean, spread = _mean_and_spread(y, weights)
    mean_c, spread_c = _mean_and_spread(like, content_weights)
    moved = (y - mean) * (spread_c / spread if spread > 0 else 1.0) + mean_c
    return grey(np.clip(moved, 0, 1).astype(style.dtype))


def match_pca(style, content, weights=None, content_weights=None):
    """The style's colours moved so that their mean and covariance are the content's.

    p := A (p - mean_s) + mean_c with A = C^(1/2) S^(-1/2), C and S the covariances of content and style, and the roots
    taken along the principal axes: S = U diag(l) U^T, S^(-1/2) = U diag(l^(-1/2)) U^T. What leaves [0, 1] is cut off.
    """
    mean, covariance = _mean_and_covariance(style, weights)
    mean_c, covariance_c = _mean_and_covariance(content, content_weights)
    a = _power(covariance_c, 0.5) @ _power(covariance, -0.5)
    return np.clip((style - mean) @ a.T + mean_c, 0, 1).astype(style.dtype)


def match_histogram(style, content, weights=None, content_weights=None):
    """The style's colours moved so that, in each channel, their histogram is the content's.

    v := Q_c(R_s(v)), R the part of the pixels that are darker and half of those that are equal, Q its inverse.
    """
    moved = [_matched(style[..., channel], content[..., channel], weights, content_weights) for channel in range(3)]
    return np.stack(moved, axis=2).astype(style.dtype)


def _mean_and_spread(values, weights):
    mean = np.average(values, weights=weights)
    return float(mean), float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


def _mean_and_covariance(picture, weights):
    pixels = picture.reshape(-1, 3).astype(np.float64)
    weights = None if weights is None else weights.ravel()
    mean = np.average(pixels, axis=0, weights=weights)
    return mean, np.cov(pixels.T, aweights=weights, bias=True)


def _power(covariance, exponent):
    """A symmetric matrix to a power; directions in which nothing varies stay 0."""
    values, axes = np.linalg.eigh(covariance)
    varies = values > _LEAST * max(values[-1], 1e-12)
    powers = np.where(varies, np.where(varies, values, 1.0) ** exponent, 0.0)
    return (axes * powers) @ axes.T


def _matched(values, like, weights, like_weights):
    levels, ranks = _ranks(values, weights)
    levels_c, ranks_c = _ranks(like, like_weights)
    return np.interp(values, levels, np.interp(ranks, ranks_c, levels_c))


def _ranks(values, weights):
    """The values that occur, and the middle rank of each, from 0 to 1."""
    flat = values.ravel()
    weights = np.ones(flat.size) if weights is None else weights.ravel().astype(np.float64)
    levels, where = np.unique(flat[weights > 0], return_inverse=True)
    counts = np.bincount(where, weights=weights[weights > 0])
    return levels, (np.cumsum(counts) - counts / 2) / counts.sum()


MATCHES = {"style": None, "keep": match_luminance, "match-histogram": match_histogram, "match-pca": match_pca}
"""What is done to a style picture before it is used, by the setting `color`."""
