"""3x3 convolutions of stride 1 on arrays: what layers call. `winograd` says how they work."""

import numpy as np

from nnbasics.kernels import schedule
from nnbasics.kernels.machine import LANES, VARIANT
from nnbasics.kernels.memory import aligned, as_map, padded, scratch
from nnbasics.kernels.simd import address
from nnbasics.kernels.threads import get_num_threads, run_together
from nnbasics.kernels.winograd import BLOCKS, FILTERS, PANELS, PATCHES, PLAIN, TILE, Work, scratch_floats, work


def applies(kernel_size, stride, padding, dtype):
    """Whether a convolution can go this way: 3x3, stride 1, padding 0 to 2 on both axes alike, float32."""
    return (
        VARIANT.name != "reference"
        and dtype == np.float32
        and tuple(kernel_size) == (3, 3)
        and tuple(stride) == (1, 1)
        and padding[0] == padding[1] <= 2
    )


def conv2d(x, weight, bias, padding):
    """y = weight * x + bias (cross-correlation, stride 1).

    Parameters
    ----------
    x : ndarray, (N, C, H, W), float32, any memory order (channels-last is fastest)
    weight : ndarray, (K, C, 3, 3), float32
    bias : ndarray, (K,), or None
    padding : int, 0 to 2

    Returns
    -------
    ndarray, (N, K, H + 2 padding - 2, W + 2 padding - 2), channels-last in memory
    """
    return _convolved(x, weight, bias, padding, transposed=False)


def conv2d_dx(dy, weight, padding):
    """dL/dx of `conv2d`, (N, C, H, W), channels-last in memory."""
    return _convolved(dy, weight, None, 2 - padding, transposed=True)


def _convolved(x, weight, bias, padding, transposed):
    n, _, height, width = x.shape
    filters = weight.shape[1] if transposed else weight.shape[0]
    y = aligned((n, height + 2 * padding - 2, width + 2 * padding - 2, padded(filters)))
    run(as_map(x), padded_weight(weight), padding, y, bias=padded_bias(bias, filters), transposed=transposed)
    return y[..., :filters].transpose(0, 3, 1, 2)


def padded_weight(weight):
    """The weights, contiguous, with zeros up to multiples of LANES on both channel axes."""
    k, c = weight.shape[:2]
    if (padded(k), padded(c)) == (k, c):
        return np.ascontiguousarray(weight)
    out = np.zeros((padded(k), padded(c), 3, 3), np.float32)
    out[:k, :c] = weight
    return out


def padded_bias(bias, filters):
    out = np.zeros(padded(filters), np.float32)
    if bias is not None:
        out[:filters] = bias
    return out


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
    features=None,
    style=None,
):
    """Convolve the map x into the map y; all arrays are as `winograd` wants them. `size` is x's before it was pooled."""
    pictures, height, width, channels = x.shape
    if size is not None:
        height, width = size
    filters = weight.shape[1] if transposed else weight.shape[0]
    out_height, out_width = height + 2 * padding - 2, width + 2 * padding - 2
    down, across = -(-out_height // TILE), -(-out_width // TILE)
    tiles = pictures * down * across
    if tiles == 0:
        return
    threads = get_num_threads()
    stage, block = schedule.plan(channels, filters, tiles)
    counter = np.zeros(2, np.int64)
    bias = np.zeros(filters, np.float32) if bias is None else bias
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
        across=across,
        down=down,
        first_tile=0,
        last_tile=tiles if stage == BLOCKS else block,
        block=block,
        run=1,
        gram=0,
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
            run_together(work, task._replace(**changes))

        if stage == BLOCKS:
            stages(stage=FILTERS)
            stages(stage=BLOCKS)
        else:
            splits = schedule.parts(filters, block, threads)
            for first in range(0, tiles, block):
                last = min(tiles, first + block)
                stages(stage=PATCHES, first_tile=first, last_tile=last)
                stages(stage=PANELS, first_tile=first, last_tile=last, block=splits)
