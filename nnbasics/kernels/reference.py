"""The slow twins: every kernel once more, from its definition, with plain loops.

Nothing here is clever, so nothing here can hide a mistake; the fast kernels are tested against these. They are used
everywhere when the environment says `NNBASICS_KERNELS=reference`. Sizes are (N, C, H, W), weights (out, in, kH, kW).
"""

import math

import numpy as np


def pad(x, padding, value=0.0):
    """x with `padding` (rows, columns) of `value` on all four sides."""
    (pad_h, pad_w), (n, c, h, w) = padding, x.shape
    padded = np.full((n, c, h + 2 * pad_h, w + 2 * pad_w), value, x.dtype)
    padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w] = x
    return padded


def unpad(x, padding):
    """The inverse of `pad`: the inner part of x."""
    pad_h, pad_w = padding
    return x[:, :, pad_h : x.shape[2] - pad_h, pad_w : x.shape[3] - pad_w].copy()


def windows(height, width, kernel_size, stride, dilation):
    """Every output position (i, j) with the rows and columns of the padded input it looks at."""
    span_h, span_w = (d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True))
    for i in range((height - span_h) // stride[0] + 1):
        for j in range((width - span_w) // stride[1] + 1):
            top, left = i * stride[0], j * stride[1]
            yield i, j, slice(top, top + span_h, dilation[0]), slice(left, left + span_w, dilation[1])


def conv2d(x, weight, bias, stride, padding, dilation=(1, 1)):
    """y[n, k, i, j] = bias[k] + sum over c, u, v of weight[k, c, u, v] x[n, c, i s + u d - p, j s + v d - p]."""
    x = pad(x, padding)
    n, _, height, width = x.shape
    k, _, *kernel_size = weight.shape
    spans = [d * (size - 1) + 1 for size, d in zip(kernel_size, dilation, strict=True)]
    out = [(size - span) // step + 1 for size, span, step in zip((height, width), spans, stride, strict=True)]
    y = np.zeros((n, k, *out), x.dtype)
    for i, j, rows, columns in windows(height, width, kernel_size, stride, dilation):
        for picture in range(n):
            for channel in range(k):
                y[picture, channel, i, j] = np.sum(weight[channel] * x[picture, :, rows, columns])
                if bias is not None:
                    y[picture, channel, i, j] += bias[channel]
    return y


def conv2d_dx(dy, weight, x_shape, stride, padding, dilation=(1, 1)):
    """Every output hands its gradient back to the inputs it looked at, times the weight it looked through."""
    dx = pad(np.zeros(x_shape, dy.dtype), padding)
    for i, j, rows, columns in windows(*dx.shape[2:], weight.shape[2:], stride, dilation):
        for picture in range(dy.shape[0]):
            for channel in range(dy.shape[1]):
                dx[picture, :, rows, columns] += dy[picture, channel, i, j] * weight[channel]
    return unpad(dx, padding)


def conv2d_dparams(dy, x, kernel_size, stride, padding, dilation=(1, 1)):
    """dL/dw = the sum over positions of dL/dy times the input that the weight met there; dL/db = the sum of dL/dy."""
    x = pad(x, padding)
    dweight = np.zeros((dy.shape[1], x.shape[1], *kernel_size), dy.dtype)
    dbias = np.zeros(dy.shape[1], dy.dtype)
    for i, j, rows, columns in windows(*x.shape[2:], kernel_size, stride, dilation):
        for picture in range(dy.shape[0]):
            for channel in range(dy.shape[1]):
                dweight[channel] += dy[picture, channel, i, j] * x[picture, :, rows, columns]
                dbias[channel] += dy[picture, channel, i, j]
    return dweight, dbias


def product(a, b):
    """C = A B, which NumPy leaves to BLAS."""
    return a @ b


def relu(x):
    """y = x where x > 0, else 0, and where it was stopped; NaN passes."""
    y, stopped = x.copy(), np.zeros(x.shape, bool)
    for at in np.ndindex(x.shape):
        if x[at] <= 0:
            y[at], stopped[at] = 0, True
    return y, stopped


def relu_dx(dy, stopped):
    """dL/dx = dy where x was not stopped, else 0."""
    dx = dy.copy()
    for at in np.ndindex(dy.shape):
        if stopped[at]:
            dx[at] = 0
    return dx


def moments(x):
    """The mean and the variance of each channel, in float64."""
    channels = [x[:, c].astype(np.float64) for c in range(x.shape[1])]
    return np.array([channel.mean() for channel in channels]), np.array([channel.var() for channel in channels])


def sums(a, b, of_a, of_b):
    """For each channel the sum of a - of_a and that of (a - of_a) (b - of_b), in float64."""
    first, second = np.zeros(a.shape[1]), np.zeros(a.shape[1])
    for c in range(a.shape[1]):
        from_a, from_b = a[:, c].astype(np.float64) - of_a[c], b[:, c].astype(np.float64) - of_b[c]
        first[c], second[c] = from_a.sum(), (from_a * from_b).sum()
    return first, second


def line(x, mean, factor, offset):
    """(x - mean) factor + offset, channel by channel."""
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        y[:, c] = (x[:, c] - mean[c]) * factor[c] + offset[c]
    return y


def plane(dy, x, mean, factor, offset, slope):
    """(dy - offset - (x - mean) slope) factor, channel by channel."""
    dx = np.empty_like(x)
    for c in range(x.shape[1]):
        dx[:, c] = (dy[:, c] - offset[c] - (x[:, c] - mean[c]) * slope[c]) * factor[c]
    return dx


def total(arrays):
    """The sum of several arrays."""
    return sum(arrays[1:], start=arrays[0])


def pool_windows(x_shape, y_shape, kernel_size, stride, padding):
    """Every output (n, c, i, j) with its window: first row and column (of x, may be negative), and the valid ranges."""
    n, c, height, width = x_shape
    for picture, channel, i, j in np.ndindex(n, c, *y_shape[2:]):
        top = i * stride[0] - padding[0]
        left = j * stride[1] - padding[1]
        rows = range(max(top, 0), min(top + kernel_size[0], height))
        columns = range(max(left, 0), min(left + kernel_size[1], width))
        yield (picture, channel, i, j), top, left, rows, columns


def max_pool2d(x, kernel_size, stride, padding, out):
    """The largest value of every window, and its place u kW + v in the window.

    The first of several equal values wins. A NaN is larger than everything; the last NaN wins, as in PyTorch.
    """
    y = np.empty((*x.shape[:2], *out), x.dtype)
    argmax = np.empty(y.shape, np.int32)
    for at, top, left, rows, columns in pool_windows(x.shape, y.shape, kernel_size, stride, padding):
        best, place = -math.inf, (rows[0] - top) * kernel_size[1] + columns[0] - left
        for row in rows:
            for column in columns:
                value = x[at[0], at[1], row, column]
                if value > best or math.isnan(value):
                    best, place = value, (row - top) * kernel_size[1] + column - left
        y[at], argmax[at] = best, place
    return y, argmax


def max_pool2d_dx(dy, argmax, x_shape, kernel_size, stride, padding):
    """Only the largest value of a window moves y, so it gets all of dy; overlapping windows add up."""
    dx = np.zeros(x_shape, dy.dtype)
    for at, top, left, _, _ in pool_windows(x_shape, dy.shape, kernel_size, stride, padding):
        u, v = divmod(int(argmax[at]), kernel_size[1])
        dx[at[0], at[1], top + u, left + v] += dy[at]
    return dx


def _divisor(top, left, rows, columns, x_shape, kernel_size, padding, count_include_pad):
    """The number of values an average is taken over; a window that leaves the padded input loses what is outside."""
    if not count_include_pad:
        return len(rows) * len(columns)
    height = min(top + kernel_size[0], x_shape[2] + padding[0]) - top
    width = min(left + kernel_size[1], x_shape[3] + padding[1]) - left
    return height * width


def avg_pool2d(x, kernel_size, stride, padding, count_include_pad, out):
    """The mean of every window; padding counts as zeros, or not at all."""
    y = np.empty((*x.shape[:2], *out), x.dtype)
    for at, top, left, rows, columns in pool_windows(x.shape, y.shape, kernel_size, stride, padding):
        total = 0.0
        for row in rows:
            for column in columns:
                total += x[at[0], at[1], row, column]
        y[at] = total / _divisor(top, left, rows, columns, x.shape, kernel_size, padding, count_include_pad)
    return y


def avg_pool2d_dx(dy, x_shape, kernel_size, stride, padding, count_include_pad):
    """Every value of a window moves its mean by 1/count, so each gets dy / count."""
    dx = np.zeros(x_shape, dy.dtype)
    for at, top, left, rows, columns in pool_windows(x_shape, dy.shape, kernel_size, stride, padding):
        count = _divisor(top, left, rows, columns, x_shape, kernel_size, padding, count_include_pad)
        for row in rows:
            for column in columns:
                dx[at[0], at[1], row, column] += dy[at] / count
    return dx


def lp_pool2d(x, norm_type, kernel_size, stride, padding, out):
    """The p-norm of every window: y = (sum of |x|^p)^(1/p), the largest |x| taken out so that nothing overflows."""
    y = np.empty((*x.shape[:2], *out), x.dtype)
    for at, _, _, rows, columns in pool_windows(x.shape, y.shape, kernel_size, stride, padding):
        window = [abs(float(x[at[0], at[1], row, column])) for row in rows for column in columns]
        largest = math.nan if any(map(math.isnan, window)) else max(window)
        if largest == 0 or not math.isfinite(largest):
            y[at] = largest
        else:
            y[at] = largest * sum((value / largest) ** norm_type for value in window) ** (1 / norm_type)
    return y


def lp_pool2d_dx(dy, x, y, norm_type, kernel_size, stride, padding):
    """dy/dx = sign(x) (|x| / y)^(p - 1), and 0 where the whole window is 0."""
    dx = np.zeros(x.shape, dy.dtype)
    for at, _, _, rows, columns in pool_windows(x.shape, dy.shape, kernel_size, stride, padding):
        if y[at] == 0:
            continue
        for row in rows:
            for column in columns:
                value = x[at[0], at[1], row, column]
                dx[at[0], at[1], row, column] += dy[at] * np.sign(value) * (abs(value) / y[at]) ** (norm_type - 1)
    return dx


def affinities(squared, perplexity):
    """Each row's neighbours as a distribution of this perplexity: its width found by halving."""
    p = np.zeros_like(squared)
    for i, row in enumerate(squared):
        others = np.delete(row, i) - np.delete(row, i).min()
        low, high = -40.0, 40.0  # of the logarithm of beta, in units of the mean distance
        unit = others.mean() or 1.0
        for _ in range(64):
            middle = (low + high) / 2
            w = np.exp(-others * np.exp(middle) / unit)
            share = w[w > 0] / w.sum()
            entropy = -np.sum(share * np.log(share))
            low, high = (middle, high) if entropy > np.log(perplexity) else (low, middle)
        p[i, np.arange(len(row)) != i] = w / w.sum()
    return p


def forces(y, p):
    """For every point, by plain loops: sum of p_ij w_ij (y_i - y_j), sum of w_ij^2 (y_i - y_j), sum of w_ij."""
    pull, push, z = np.zeros_like(y), np.zeros_like(y), np.zeros_like(y[0])
    for i in range(y.shape[1]):
        for j in range(y.shape[1]):
            if i != j:
                way = y[:, i] - y[:, j]
                w = 1 / (1 + way @ way)
                pull[:, i] += p[i, j] * w * way
                push[:, i] += w * w * way
                z[i] += w
    return pull, push, z
