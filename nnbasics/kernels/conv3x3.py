"""3x3 convolutions of stride 1 on arrays: what layers call. `winograd` says how they work."""

import numpy as np

from nnbasics.kernels import dweight, first, im2col, schedule
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.memory import lent, padded, scratch
from nnbasics.kernels.order import as_map, as_maps
from nnbasics.kernels.simd import address
from nnbasics.kernels.threads import get_num_threads, run_together
from nnbasics.kernels.winograd import BLOCKS, FILTERS, PANELS, PATCHES, PLAIN, TILE, Work, scratch_floats, work


def applies(dtype, kernel_size, stride, padding):
    """Whether a convolution can go this way: 3x3, stride 1, padding 0 to 2 on both axes alike, float32."""
    return dtype == np.float32 and kernel_size == (3, 3) and stride == (1, 1) and padding[0] == padding[1] <= 2


def conv2d(x, weight, bias, stride, padding):
    """y = weight * x + bias (cross-correlation).

    Parameters
    ----------
    x : ndarray, (N, C, H, W), float32, any memory order (channels-last is fastest)
    weight : ndarray, (K, C, 3, 3), float32
    bias : ndarray, (K,), or None
    stride, padding : pairs of int
        (1, 1), and (0, 0) to (2, 2).

    Returns
    -------
    ndarray, (N, K, H + 2 padding - 2, W + 2 padding - 2), channels-last in memory
    """
    n, _, height, width = x.shape
    pad, filters = padding[0], weight.shape[0]
    y = lent((n, height + 2 * pad - 2, width + 2 * pad - 2, padded(filters)))
    bias = padded_bias(bias, filters)
    if first.applies(*weight.shape[:2]):
        of_one = first.First(x.shape[1], height, width, pad)
        for i in range(n):
            of_one.forward(x[i], weight, bias, y[i])
    else:
        if not run(as_map(x), padded_weight(weight), pad, y, bias=bias):
            with np.errstate(invalid="ignore"):
                return im2col.conv2d(x, weight, bias[:filters], stride, padding)
    return as_maps(y, filters)


def conv2d_dx(dy, weight, x_shape, stride, padding):
    """dL/dx of `conv2d`, (N, C, H, W), channels-last in memory."""
    n, channels, height, width = x_shape
    dx = lent((n, height, width, padded(channels)))
    if not run(as_map(dy), padded_weight(weight), 2 - padding[0], dx, transposed=True):
        with np.errstate(invalid="ignore"):
            return im2col.conv2d_dx(dy, weight, x_shape, stride, padding)
    return as_maps(dx, channels)


def conv2d_dparams(dy, x, kernel_size, stride, padding):
    """(dL/dweight, dL/dbias) of `conv2d`, (K, C, 3, 3) and (K,)."""
    if dweight.applies(dy, x):
        found = dweight.dweight(dy, x, padding[0])
        if np.isfinite(found).all():
            return found, dy.sum(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)
    return im2col.conv2d_dparams(dy, x, kernel_size, stride, padding)


def padded_weight(weight):
    """The weights, contiguous, with zeros up to multiples of LANES on both channel axes."""
    k, c = weight.shape[:2]
    if (padded(k), padded(c)) == (k, c):
        return np.ascontiguousarray(weight)
    out = np.zeros((padded(k), padded(c), 3, 3), np.float32)
    out[:k, :c] = weight
    return out


def padded_bias(bias, filters):
    """The bias with zeros up to a multiple of LANES; None counts as zeros."""
    if bias is not None and bias.size == padded(filters):
        return np.ascontiguousarray(bias)
    out = np.zeros(padded(filters), np.float32)
    if bias is not None:
        out[:filters] = bias
    return out


def tiles(pictures, height, width):
    """How many tiles cover a map."""
    return pictures * -(-height // TILE) * -(-width // TILE)


def run(
    x,
    weight,
    padding,
    y,
    *,
    size=None,
    bias=None,
    transposed=False,
    finish=PLAIN,
    mask=None,
    extra=None,
    unpool=None,
    gram=None,
    blocks=1,
    features=None,
    style=None,
):
    """Convolve the map x into the map y; arrays are as `winograd.Work` says.

    Returns False if it met an infinity or a NaN (PLAIN only), which the transforms spread over their tile.
    `size` is (height, width) of x before it was pooled; `gram` has room for one matrix for every `blocks` blocks.
    """
    pictures, height, width, channels = x.shape
    if size is not None:
        height, width = size
    filters = weight.shape[1] if transposed else weight.shape[0]
    out_height, out_width = height + 2 * padding - 2, width + 2 * padding - 2
    down, across = -(-out_height // TILE), -(-out_width // TILE)
    n = tiles(pictures, out_height, out_width)
    if n == 0:
        return True
    threads = get_num_threads()
    stage, block = schedule.plan(channels, filters, n)
    counter = np.zeros(2, np.int64)
    strange = np.zeros(LANES, np.float32)
    bias = padded_bias(bias, filters)
    task = Work(
        stage=stage,
        counter=counter.ctypes.data,
        scratch=0,
        scratch_size=0,
        shared=0,
        x=address(x),
        height=height,
        width=width,
        channels=channels,
        unpool=0 if unpool is None else unpool.ctypes.data,
        weight=address(weight),
        weight_inputs=weight.shape[1],
        transposed=int(transposed),
        pad=padding,
        y=address(y),
        out_height=out_height,
        out_width=out_width,
        filters=filters,
        bias=address(bias),
        mask=0 if mask is None else mask.ctypes.data,
        extra=0 if extra is None else address(extra),
        finish=finish,
        strange=address(strange),
        across=across,
        down=down,
        first_tile=0,
        last_tile=n if stage == BLOCKS else block,
        block=block,
        run=blocks,
        gram=0 if gram is None else address(gram),
        features=0 if features is None else address(features),
        style=0 if style is None else address(style),
    )
    own, shared = scratch_floats(task)
    own, shared = padded(own, 16), padded(shared, 16)
    with scratch(threads * own + shared) as memory:
        base = address(memory)
        task = task._replace(scratch=base + shared, scratch_size=own, shared=base)

        def stages(**changes):
            counter[:] = 0
            run_together(work, task._replace(**changes), threads=threads)

        if stage == BLOCKS:
            stages(stage=FILTERS)
            stages(stage=BLOCKS)
        else:
            splits = schedule.parts(filters, block, threads)
            for start in range(0, n, block):
                last = min(n, start + block)
                stages(stage=PATCHES, first_tile=start, last_tile=last)
                stages(stage=PANELS, first_tile=start, last_tile=last, block=splits)
    return not strange.any()
