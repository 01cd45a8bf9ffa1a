"""Convolution as a product of matrices: im2col forward, col2im back.

Every window that the filter looks at becomes a row of a matrix, every filter a column of another, and the convolution
is their product:

    columns (positions, kH kW C)  @  filters (kH kW C, K)  =  y (positions, K)

Its two gradients are products of the same matrices: dcolumns = dy filters^T, whose rows are then added back to where
they came from (col2im), and dfilters = columns^T dy.

The matrix of columns is kH kW times the picture, so it is never made whole: a tile of positions at a time, small enough
to stay in the cache. Inside, a pixel's channels lie side by side (channels-last), which makes a row of a window one run
of kW C numbers; results are returned as (N, C, H, W) views of that memory.

The copying is plain NumPy on purpose. BLAS keeps its threads spinning for a moment after each product, and a parallel
Numba loop between two products fights them for the processor: the whole convolution became several times slower.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

COLUMNS_BYTES = 2 << 20  # for the columns of one tile: about a core's second-level cache


def conv2d(x, weight, bias, stride, padding, dilation=(1, 1)):
    """y = weight * x + bias (cross-correlation).

    Parameters
    ----------
    x : ndarray, (N, C, H, W), any memory order
    weight : ndarray, (K, C, kH, kW), of x's dtype
    bias : ndarray, (K,), or None
    stride, padding, dilation : pairs of int

    Returns
    -------
    ndarray, (N, K, (H + 2 pH - fH) // sH + 1, (W + 2 pW - fW) // sW + 1), channels-last in memory
        f = d (k - 1) + 1 is what a filter of k taps that lie d apart spans.
    """
    kernel_size = weight.shape[2:]
    spans = _spans(kernel_size, dilation)
    out = [(s + 2 * p - f) // t + 1 for s, p, f, t in zip(x.shape[2:], padding, spans, stride, strict=True)]
    filters = _as_matrix(weight)
    y = np.empty((x.shape[0], *out, weight.shape[0]), x.dtype)
    for tile in _tiles(y.shape, filters):
        product = _columns(x, tile, kernel_size, stride, padding, dilation) @ filters
        if bias is not None:
            product += bias
        y[tile] = product.reshape(y[tile].shape)
    return y.transpose(0, 3, 1, 2)


def conv2d_dx(dy, weight, x_shape, stride, padding, dilation=(1, 1)):
    """dL/dx of `conv2d`, (N, C, H, W), channels-last in memory."""
    kernel_size = weight.shape[2:]
    filters = _as_matrix(weight)
    dy = dy.transpose(0, 2, 3, 1)
    dx = np.zeros((x_shape[0], *x_shape[2:], x_shape[1]), weight.dtype)
    for tile in _tiles(dy.shape, filters):
        dcolumns = dy[tile].reshape(-1, filters.shape[1]) @ filters.T
        _add_columns(dcolumns, dx, tile, kernel_size, stride, padding, dilation)
    return dx.transpose(0, 3, 1, 2)


def conv2d_dparams(dy, x, kernel_size, stride, padding, dilation=(1, 1)):
    """(dL/dweight, dL/dbias) of `conv2d`, (K, C, kH, kW) and (K,)."""
    dy = dy.transpose(0, 2, 3, 1)
    k, c = dy.shape[3], x.shape[1]
    dfilters = np.zeros((kernel_size[0] * kernel_size[1] * c, k), x.dtype)
    dbias = np.zeros(k, x.dtype)
    for tile in _tiles(dy.shape, dfilters):
        dy_tile = dy[tile].reshape(-1, k)
        dfilters += _columns(x, tile, kernel_size, stride, padding, dilation).T @ dy_tile
        dbias += dy_tile.sum(axis=0)
    dweight = dfilters.reshape(*kernel_size, c, k).transpose(3, 2, 0, 1)
    return np.ascontiguousarray(dweight), dbias


def _as_matrix(weight):
    """(K, C, kH, kW) as the matrix (kH kW C, K), one filter a column."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(-1, weight.shape[0]))


def _tiles(y_shape, filters):
    """Cut y (N, H, W, K) into tiles whose columns fit COLUMNS_BYTES: whole pictures, else whole rows, else pixels."""
    n, height, width, _ = y_shape
    positions = max(1, COLUMNS_BYTES // max(1, filters.shape[0] * filters.itemsize))
    columns = min(width, positions)
    rows = min(height, max(1, positions // width))
    pictures = max(1, positions // (width * height))
    for picture in range(0, n, pictures):
        for row in range(0, height, rows):
            for column in range(0, width, columns):
                yield (
                    slice(picture, min(picture + pictures, n)),
                    slice(row, min(row + rows, height)),
                    slice(column, min(column + columns, width)),
                )


def _spans(kernel_size, dilation):
    """How many rows and columns lie from the first tap of a filter to its last, both counted."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True))


def _looked_at(outputs, span, stride, padding, size):
    """For a slice of outputs along one axis: how many inputs it looks at, padding included, and which of them exist.

    Returns the length, the slice of the input, and the same slice counted from the first input that is looked at.
    """
    start = outputs.start * stride - padding
    length = (outputs.stop - outputs.start - 1) * stride + span
    first, last = min(max(start, 0), size), min(max(start + length, 0), size)
    return length, slice(first, last), slice(first - start, last - start)


def _columns(x, tile, kernel_size, stride, padding, dilation):
    """The windows of one tile of outputs as rows of a matrix (positions, kH kW C)."""
    pictures, rows, columns = tile
    spans = _spans(kernel_size, dilation)
    height, from_rows, to_rows = _looked_at(rows, spans[0], stride[0], padding[0], x.shape[2])
    width, from_columns, to_columns = _looked_at(columns, spans[1], stride[1], padding[1], x.shape[3])
    strip = np.zeros((pictures.stop - pictures.start, height, width, x.shape[1]), x.dtype)
    strip[:, to_rows, to_columns] = x[pictures, :, from_rows, from_columns].transpose(0, 2, 3, 1)
    seen = sliding_window_view(strip, spans, axis=(1, 2))[:, :: stride[0], :: stride[1]]
    seen = seen[..., :: dilation[0], :: dilation[1]]
    return seen.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel_size[0] * kernel_size[1] * x.shape[1])


def _add_columns(dcolumns, dx, tile, kernel_size, stride, padding, dilation):
    """The way back: add every row of the matrix to the window of dx (N, H, W, C) that it came from."""
    pictures, rows, columns = tile
    spans = _spans(kernel_size, dilation)
    height, to_rows, from_rows = _looked_at(rows, spans[0], stride[0], padding[0], dx.shape[1])
    width, to_columns, from_columns = _looked_at(columns, spans[1], stride[1], padding[1], dx.shape[2])
    shape = [s.stop - s.start for s in tile]
    dwindows = dcolumns.reshape(*shape, *kernel_size, dx.shape[3])
    strip = np.zeros((shape[0], height, width, dx.shape[3]), dx.dtype)
    for u in range(kernel_size[0]):
        for v in range(kernel_size[1]):
            top, left = u * dilation[0], v * dilation[1]
            bottom, right = top + height - spans[0] + 1, left + width - spans[1] + 1
            strip[:, top : bottom : stride[0], left : right : stride[1]] += dwindows[:, :, :, u, v]
    dx[pictures, to_rows, to_columns] += strip[:, from_rows, from_columns]
