"""Convolutions of a batch of small maps with few channels, such as LeNet's: one picture a lane.

With six filters im2col is nearly all copying: its matrix is 25 times the map, for a product with six columns; and
Winograd's vectors lie along the channels, where six leave most of a vector empty. What there is plenty of is pictures.
So here the lanes of a vector are LANES pictures of the batch at the same pixel, and a convolution is its definition:

    y[k, i, j] += weight[k, c, u, v] x[c, i S + u, j S + v]        for all those pictures at once

A few filters and a few neighbouring pixels make an outer product, as in `microkernel`, whose sums stay in registers for
all taps (c, u, v). A table says how far each tap's pixel lies from the first of the window, so the taps are one loop,
whatever the size of the filter.

To the input, dy is convolved with the filters turned by half a turn, channels and filters exchanged. With a stride S
each pixel of dx has met only every S-th tap, the same ones as the pixels S further on: S x S convolutions of stride 1.

To the weights, dy[k, i, j] x[c, i S + u, j S + v] is summed over the pixels, a few filters by a few taps in registers,
and at the end over the lanes. The bias is the weight of one more channel, of ones.

Results lie batch-last in memory, (C, H, W, N) seen as (N, C, H, W), where pooling and what goes number by number are
fast too. On the way in, LANES pictures at a time are copied to the thread's own memory with zeros around them, so no
step has a special case for borders.
"""

import functools
from typing import NamedTuple

import numpy as np

from nnbasics.kernels import im2col
from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES, VARIANT
from nnbasics.kernels.memory import lent, padded, scratch
from nnbasics.kernels.microkernel import SHORT, STRETCH, outer_product
from nnbasics.kernels.simd import (
    Register,
    address,
    broadcast,
    clear,
    emit,
    gather,
    load,
    load_number,
    repeat,
    store,
    take_next,
    transposed,
    when,
    zeros,
)
from nnbasics.kernels.threads import get_num_threads, run_together, team

BAND_FLOATS = 1 << 16  # of the input that a thread copies at once: 256 KB, a part of its second-level cache
RUNS = 16  # the most partial sums of a weight gradient
MOST = SHORT  # filters at once
NEIGHBOURS = tuple((2 * VARIANT.tall + 2) // (n + 1) for n in range(MOST + 1))  # pixels by n filters fill the registers
A_NANOSECOND = 64  # multiplications of one thread, roughly
TAP_FILTERS = 4  # filters at once for the gradient to the weights, by
TAPS = NEIGHBOURS[TAP_FILTERS]


class Maps(NamedTuple):
    """(N, C, H, W) anywhere in memory: its address, counted in floats as its strides are."""

    at: int
    pictures: int
    channels: int
    height: int
    width: int
    picture: int
    channel: int
    row: int
    pixel: int


class Work(NamedTuple):
    """One convolution or one gradient of weights; addresses as in `simd`."""

    counter: int  # two int64, in bytes: the next piece of work, the next thread's number
    room: int  # each thread's own memory
    room_size: int
    taps: int  # int64: how far each tap lies from the first; int64 counted by eight bytes
    n_taps: int
    columns: int  # of x with padding
    top: int  # rows of padding
    left: int
    stride_h: int
    stride_w: int
    kernel_h: int
    out_height: int
    out_width: int
    band: int  # rows of y at once
    block: int  # filters at once
    weight: int  # [block of filters][tap][filter]
    bias: int
    filters: int
    y: int  # its lanes are side by side
    y_filter: int
    y_row: int
    y_pixel: int
    run: int  # groups of LANES pictures in a partial sum
    sums: int  # [run][block of filters][block of taps][filter][tap]
    sums_size: int


# ---- the way in --------------------------------------------------------------------------------------------------


@emit
def _copy_pixels(source, step, target, n):
    with repeat(n) as j:
        store(target + j * LANES, load(source + j * step))


@emit
def _gather_pixels(source, step, picture, pictures, nothing, target, n):
    """The same from pictures that lie apart; if they are less than LANES, the other lanes are zero."""
    there = [pictures >= lane + 1 for lane in range(LANES)]
    with repeat(n) as j:
        at = source + j * step
        store(target + j * LANES, gather([is_.choose(at + picture * i, nothing) for i, is_ in enumerate(there)]))


@emit
def _ones(target, vectors):
    with repeat(vectors) as i:
        store(target + i * LANES, zeros(target) + 1.0)


@kernel
def _fetch(maps, first, top, left, rows, columns, channels, nothing, room):
    """LANES pictures as [row][channel][column][LANES], zeros where there is no pixel; further channels are left."""
    start, stop = max(0, -left), min(columns, maps.width - left)
    for r in range(rows):
        for c in range(maps.channels):
            to = room + (r * channels + c) * columns * LANES
            if not 0 <= top + r < maps.height or start >= stop:
                clear(to, columns)
                continue
            at = maps.at + first * maps.picture + c * maps.channel + (top + r) * maps.row + (left + start) * maps.pixel
            clear(to, start)
            if maps.picture == 1 and first + LANES <= maps.pictures:
                _copy_pixels(at, maps.pixel, to + start * LANES, stop - start)
            else:
                there = maps.pictures - first
                _gather_pixels(at, maps.pixel, maps.picture, there, nothing, to + start * LANES, stop - start)
            clear(to + stop * LANES, columns - stop)


# ---- forward, and the gradient to the input ----------------------------------------------------------------------


@emit
def _outputs(block, x, step, taps, n_taps, w, bias, y, y_filter, y_pixel, some_filters, some_pixels, waste):
    """y of `block` filters at neighbouring pixels, so many of which count; one piece of code for each size of block."""
    for filters in range(1, MOST + 1):
        with when(block.equals(filters)):
            pixels = range(NEIGHBOURS[filters])
            sums = [[Register(broadcast(bias + k)) for _ in pixels] for k in range(filters)]
            with repeat(n_taps) as tap:
                at = x + load_number(taps + tap)
                row = [load(at + step * j) for j in pixels]
                outer_product(sums, lambda k, w=w + tap * filters: broadcast(w + k), row)
            for k, row in enumerate(sums):
                for j, total in enumerate(row):
                    inside = (some_filters >= k + 1) & (some_pixels >= j + 1)
                    store(inside.choose(y + y_filter * k + y_pixel * j, waste), total.value)


@kernel
def _convolve(work, x):
    nothing = work.room + take_next(work.counter + 8) * work.room_size
    waste, room = nothing + LANES, nothing + 2 * LANES
    clear(nothing, 1)
    bands = (work.out_height + work.band - 1) // work.band
    step = work.stride_w * LANES
    while True:
        piece = take_next(work.counter)
        first = piece // bands * LANES
        if first >= x.pictures:
            break
        start = piece % bands * work.band
        stop = min(work.out_height, start + work.band)
        rows = (stop - start - 1) * work.stride_h + work.kernel_h
        top = start * work.stride_h - work.top
        _fetch(x, first, top, -work.left, rows, work.columns, x.channels, nothing, room)
        for k in range(0, work.filters, work.block):
            w = work.weight + k * work.n_taps
            for i in range(start, stop):
                row = room + (i - start) * work.stride_h * x.channels * work.columns * LANES
                y = work.y + k * work.y_filter + i * work.y_row + first
                for j in range(0, work.out_width, NEIGHBOURS[work.block]):
                    _outputs(
                        work.block,
                        row + j * step,
                        step,
                        work.taps,
                        work.n_taps,
                        w,
                        work.bias + k,
                        y + j * work.y_pixel,
                        work.y_filter,
                        work.y_pixel,
                        work.filters - k,
                        work.out_width - j,
                        waste,
                    )


# ---- the gradient to the weights -----------------------------------------------------------------------------------


@emit
def _add_products(x, x_row, x_pixel, taps, dy, dy_row, dy_filter, rows, columns, sums):
    """sums[k][tap] += dy[k] x[tap] over some pixels, lane by lane, for TAP_FILTERS filters and TAPS taps."""
    offsets = [load_number(taps + tap) for tap in range(TAPS)]
    totals = [[Register(zeros(x)) for _ in range(TAPS)] for _ in range(TAP_FILTERS)]
    with repeat(rows) as i, repeat(columns) as j:
        at_x, at_dy = x + i * x_row + j * x_pixel, dy + i * dy_row + j * LANES
        outer_product(totals, lambda k: load(at_dy + dy_filter * k), [load(at_x + offset) for offset in offsets])
    for n, total in enumerate(total for row in totals for total in row):
        store(sums + n * LANES, total.value + load(sums + n * LANES))


@emit
def _add_lanes(vectors, n, sums):
    """The sum of the lanes of n vectors, n a multiple of LANES."""
    with repeat((n + LANES - 1) // LANES) as i:
        rows = transposed([load(vectors + (i * LANES + j) * LANES) for j in range(LANES)])
        while len(rows) > 1:
            rows = [a + b for a, b in zip(rows[::2], rows[1::2], strict=True)]
        store(sums + i * LANES, rows[0])


@kernel
def _correlate(work, x, dy):
    nothing = work.room + take_next(work.counter + 8) * work.room_size
    clear(nothing, 1)
    sums = nothing + LANES
    filters = work.filters
    channels = x.channels + 1  # the last is ones
    step = work.columns * LANES
    room_x = sums + work.sums_size * LANES
    room_dy = room_x + ((work.band - 1) * work.stride_h + work.kernel_h) * channels * step
    x_row, dy_row = work.stride_h * channels * step, filters * work.out_width * LANES
    stretch = max(1, STRETCH // work.out_width)
    tile = TAP_FILTERS * TAPS * LANES
    while True:
        piece = take_next(work.counter)
        begin = piece * work.run * LANES
        if begin >= x.pictures:
            break
        clear(sums, work.sums_size)
        for first in range(begin, min(x.pictures, begin + work.run * LANES), LANES):
            for start in range(0, work.out_height, work.band):
                height = min(work.band, work.out_height - start)
                rows = (height - 1) * work.stride_h + work.kernel_h
                top = start * work.stride_h - work.top
                _fetch(x, first, top, -work.left, rows, work.columns, channels, nothing, room_x)
                for r in range(rows):
                    _ones(room_x + (r * channels + x.channels) * step, work.columns)
                _fetch(dy, first, start, 0, height, work.out_width, filters, nothing, room_dy)
                for k in range(0, filters, TAP_FILTERS):
                    for tap in range(0, work.n_taps, TAPS):
                        to = sums + (k // TAP_FILTERS * (work.n_taps // TAPS) + tap // TAPS) * tile
                        for i in range(0, height, stretch):
                            _add_products(
                                room_x + i * x_row,
                                x_row,
                                work.stride_w * LANES,
                                work.taps + tap,
                                room_dy + i * dy_row + k * work.out_width * LANES,
                                dy_row,
                                work.out_width * LANES,
                                min(stretch, height - i),
                                work.out_width,
                                to,
                            )
        _add_lanes(sums, work.sums_size, work.sums + piece * work.sums_size)


# ---- what layers call ----------------------------------------------------------------------------------------------


def applies(dtype, x_shape):
    """Whether there are pictures for all lanes, or at least for half of them: float32."""
    return dtype == np.float32 and 2 * x_shape[0] >= LANES


def conv2d(x, weight, bias, stride, padding):
    """y = weight * x + bias (cross-correlation).

    Parameters
    ----------
    x : ndarray, (N, C, H, W), float32, any memory order (batch-last is fastest)
    weight : ndarray, (K, C, kH, kW), float32
    bias : ndarray, (K,), or None
    stride, padding : pairs of int

    Returns
    -------
    ndarray, (N, K, (H + 2 pH - kH) // sH + 1, (W + 2 pW - kW) // sW + 1), batch-last in memory
    """
    out = [(s + 2 * p - k) // t + 1 for s, p, k, t in zip(x.shape[2:], padding, weight.shape[2:], stride, strict=True)]
    y = lent((weight.shape[0], *out, padded(len(x))))
    _convolve_into(y, x, weight, bias, stride, padding)
    return y[..., : len(x)].transpose(3, 0, 1, 2)


def conv2d_dx(dy, weight, x_shape, stride, padding):
    """dL/dx of `conv2d`, (N, C, H, W), batch-last in memory."""
    if not np.isfinite(weight).all():  # times the zeros around dy it would be NaN where no output looked
        return im2col.conv2d_dx(dy, weight, x_shape, stride, padding)
    n, channels, *sizes = x_shape
    dx = lent((channels, *sizes, padded(n)))
    rows, columns = (list(_classes(*axis)) for axis in zip(weight.shape[2:], stride, padding, strict=True))
    for pixel_row, tap_row, top in rows:
        for pixel_column, tap_column, left in columns:
            turned = weight[:, :, tap_row :: stride[0], tap_column :: stride[1]][:, :, ::-1, ::-1].swapaxes(0, 1)
            some = dx[:, pixel_row :: stride[0], pixel_column :: stride[1]]
            _convolve_into(some, dy, turned, None, (1, 1), (top, left))
    return dx[..., :n].transpose(3, 0, 1, 2)


def _classes(kernel_size, stride, padding):
    """Along one axis, for each class of pixels: its first one, the first tap it met, and the padding of dy for it."""
    for tap in range(stride):
        taps = len(range(tap, kernel_size, stride))
        first = (tap - padding) % stride
        yield first, tap, taps - 1 - (first + padding - tap) // stride


def conv2d_dparams(dy, x, kernel_size, stride, padding):
    """(dL/dweight, dL/dbias) of `conv2d`, (K, C, kH, kW) and (K,)."""
    filters, channels = dy.shape[1], x.shape[1]
    blocks = -(-filters // TAP_FILTERS)
    n = channels * kernel_size[0] * kernel_size[1] + 1  # the last tap is the bias's, in the channel of ones
    taps = np.zeros(padded(n, TAPS), np.int64)
    columns = (dy.shape[3] - 1) * stride[1] + kernel_size[1]
    taps[:n] = _offsets((channels + 1, *kernel_size), columns).reshape(-1)[:n]
    sums = padded(blocks * TAP_FILTERS * taps.size)
    groups = -(-len(x) // LANES)
    run = max(1, -(-groups // RUNS))
    parts = np.zeros((-(-groups // run), sums), np.float32)
    of_dy = blocks * TAP_FILTERS * dy.shape[3]
    band, floats = _band(dy.shape[2], stride[0], kernel_size[0], (channels + 1) * columns, of_dy)
    work = Work(**dict.fromkeys(Work._fields, 0))._replace(
        taps=taps.ctypes.data // 8,
        n_taps=taps.size,
        columns=columns,
        top=padding[0],
        left=padding[1],
        stride_h=stride[0],
        stride_w=stride[1],
        kernel_h=kernel_size[0],
        out_height=dy.shape[2],
        out_width=dy.shape[3],
        band=band,
        filters=blocks * TAP_FILTERS,
        run=run,
        sums=address(parts),
        sums_size=sums,
    )
    _run(_correlate, work, (1 + sums) * LANES + floats, dy.size * taps.size, _maps(x), _maps(dy))
    found = parts.sum(axis=0)[: blocks * TAP_FILTERS * taps.size].reshape(blocks, -1, TAP_FILTERS, TAPS)
    found = found.transpose(0, 2, 1, 3).reshape(blocks * TAP_FILTERS, -1)[:filters]
    return found[:, : n - 1].reshape(filters, channels, *kernel_size).copy(), found[:, n - 1].copy()


def _convolve_into(y, x, weight, bias, stride, padding):
    """y (K, H2, W2, padded N), perhaps a view; the padding is that before the first row and column."""
    filters, channels, *kernel_size = weight.shape
    _, height, width, lanes = y.shape
    if 0 in (*y.shape, *kernel_size):
        y[:] = 0
        return
    blocks = max(1, -(-filters // MOST))
    block = -(-filters // blocks)
    packed = np.zeros((blocks * block, channels * kernel_size[0] * kernel_size[1]), np.float32)
    packed[:filters] = weight.reshape(filters, -1)
    packed = np.ascontiguousarray(packed.reshape(blocks, block, -1).swapaxes(1, 2))
    biases = np.zeros(blocks * block, np.float32)
    if bias is not None:
        biases[:filters] = bias
    columns = (width - 1) * stride[1] + kernel_size[1]
    taps = _offsets((channels, *kernel_size), columns)
    pieces = -(-2 * get_num_threads() * LANES // max(1, lanes))  # of each picture, so that every thread finds some
    band, floats = _band(-(-height // pieces), stride[0], kernel_size[0], channels * columns)
    slack = NEIGHBOURS[1] * stride[1]
    work = Work(**dict.fromkeys(Work._fields, 0))._replace(
        taps=taps.ctypes.data // 8,
        n_taps=taps.size,
        columns=columns,
        top=padding[0],
        left=padding[1],
        stride_h=stride[0],
        stride_w=stride[1],
        kernel_h=kernel_size[0],
        out_height=height,
        out_width=width,
        band=band,
        block=block,
        weight=address(packed),
        bias=address(biases),
        filters=filters,
        y=address(y),
        y_filter=y.strides[0] // 4,
        y_row=y.strides[1] // 4,
        y_pixel=y.strides[2] // 4,
    )
    _run(_convolve, work, (2 + slack) * LANES + floats, y.size * taps.size, _maps(x))


@functools.lru_cache(maxsize=256)
def _offsets(window, columns):
    """How far each tap (c, u, v) lies from the first, in floats of [row][channel][column][LANES]."""
    c, u, v = np.indices(window)
    offsets = ((u * window[0] + c) * columns + v) * LANES
    offsets.setflags(write=False)
    return offsets


def _band(height, stride, kernel_size, row, y_row=0):
    """(rows of y to make at once, floats of the input that they look at and of y), for rows of so many pixels."""
    most = (BAND_FLOATS // LANES - (kernel_size - stride) * row) // max(1, stride * row + y_row)
    band = max(1, min(height, most))
    return band, (((band - 1) * stride + kernel_size) * row + band * y_row) * LANES


def _maps(x):
    return Maps(address(x), *x.shape, *(stride // 4 for stride in x.strides))


def _run(kernel, work, floats, multiplications, *maps):
    counter = np.zeros(2, np.int64)
    threads = team(multiplications / A_NANOSECOND)
    with scratch(threads * floats) as memory:
        task = work._replace(counter=counter.ctypes.data, room=address(memory), room_size=floats)
        run_together(kernel, task, *maps, threads=threads)
