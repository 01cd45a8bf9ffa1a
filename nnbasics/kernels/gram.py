"""Gram matrices G = F^T F of the pixels of a map, and the way back, dF = F S.

In the middle of a convolution they cost least: a block's pixels are still in the cache when its outputs are done. For
maps that a convolution makes panel by panel of channels there are `GRAM` and `TIMES` below, passes of their own.

Only the panels on and above the diagonal are computed; `SUM` adds the partial sums in their order, whoever computed
them, and mirrors the rest.
"""

from typing import NamedTuple

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.memory import scratch
from nnbasics.kernels.microkernel import (
    PANEL,
    SHORT,
    TALL,
    ZERO,
    add_inner_products,
    first_row,
    groups,
    multiply,
    tall_groups,
)
from nnbasics.kernels.simd import Register, address, clear, copy, emit, load, repeat, store, take_next, transposed
from nnbasics.kernels.threads import get_num_threads, run_together

CHUNK = 256  # pixels that GRAM takes at a time: one panel of them stays in the first-level cache
RUN = 4 * TALL  # pixels that TIMES takes at a time


def applies(channels):
    """Whether a Gram matrix of so many channels is made of whole register tiles."""
    return channels % PANEL == 0 and channels % SHORT == 0


@kernel
def add_gram(pixels, n, rows, row, channels, gram):
    """gram (channels x channels, panels on and above the diagonal) += inner products of `rows` runs of n pixels."""
    for j in range(0, channels, PANEL):
        for i in range(0, j + PANEL, SHORT):
            for r in range(rows):
                at = pixels + r * row
                add_inner_products(at + i, channels, at + j, channels, n, gram + i * channels + j, channels)


@emit
def _pack(source, target, step, vectors):
    with repeat(vectors) as i:
        store(target + i * step, load(source + i * LANES))


@kernel
def multiply_pixels(pixels, n, channels, packed, panels, y, y_pixel, room):
    """y = pixels @ packed for n neighbouring pixels; up to SHORT rows of y after them are overwritten.

    `room` is scratch for n + TALL pixels.
    """
    tall = tall_groups(n)
    for group in range(groups(n)):
        row = first_row(group, tall)
        size = first_row(group + 1, tall) - row
        for i in range(row, min(n, row + size)):
            to = room + row * channels + (i - row) * LANES
            _pack(pixels + i * channels, to, size * LANES, channels // LANES)
    for panel in range(panels):
        multiply(room, ZERO, groups(n), tall, channels, packed + panel * channels * PANEL, y + panel * PANEL, y_pixel)


@kernel
def times_matrix(pixels, n, channels, packed, y, room):
    """y = pixels @ S for n neighbouring pixels, y perhaps the pixels themselves; room for 2 (n + TALL) pixels."""
    product = room + (n + TALL) * channels
    multiply_pixels(pixels, n, channels, packed, channels // PANEL, product, channels, room)
    copy(product, y, n * channels // LANES)


GRAM, TIMES, SUM = range(3)


class PixelWork(NamedTuple):
    """One pass over the pixels of a map, or over partial sums; addresses as in `winograd.Work`."""

    stage: int
    counter: int
    room: int
    room_size: int
    pixels: int
    n: int
    channels: int
    matrix: int  # S, packed (TIMES); the partial sums (SUM)
    parts: int
    result: int


@kernel
def _gram_panels(task):
    panels = task.channels // PANEL
    while True:
        piece = take_next(task.counter)
        if piece >= panels:
            break
        j = (panels - 1 - piece) * PANEL  # the longest column first
        for i in range(j + PANEL):
            clear(task.result + i * task.channels + j, 2)
        for start in range(0, task.n, CHUNK):
            at = task.pixels + start * task.channels
            n = min(CHUNK, task.n - start)
            for i in range(0, j + PANEL, SHORT):
                to = task.result + i * task.channels + j
                add_inner_products(at + i, task.channels, at + j, task.channels, n, to, task.channels)


@kernel
def _times(task):
    room = task.room + take_next(task.counter + 8) * task.room_size
    while True:
        start = take_next(task.counter) * RUN
        if start >= task.n:
            break
        at = start * task.channels
        n = min(RUN, task.n - start)
        times_matrix(task.pixels + at, n, task.channels, task.matrix, task.result + at, room)


@emit
def _add_parts(parts, n, size, channels, result, mirrored):
    """A LANES x LANES block of the sum of n matrices, to its place and to the mirrored one."""
    rows = []
    for i in range(LANES):
        first = parts + channels * i
        total = Register(load(first))
        with repeat(n - 1) as part:
            total.value = total.value + load(first + (part + 1) * size)
        rows.append(total.value)
    for i in range(LANES):
        store(result + channels * i, rows[i])
    for i, row in enumerate(transposed(rows)):
        store(mirrored + channels * i, row)


@kernel
def _sum(task):
    c = task.channels
    while True:
        i = take_next(task.counter) * LANES
        if i >= c:
            break
        for j in range(i, c, LANES):
            _add_parts(task.matrix + i * c + j, task.parts, c * c, c, task.result + i * c + j, task.result + j * c + i)


@kernel
def _pixel_work(task):
    if task.stage == GRAM:
        _gram_panels(task)
    elif task.stage == TIMES:
        _times(task)
    else:
        _sum(task)


def _run(stage, pixels, n, channels, matrix, parts, result):
    counter = np.zeros(2, np.int64)
    threads = get_num_threads()
    own = 2 * (RUN + TALL) * channels if stage == TIMES else 0
    with scratch(threads * own + 1) as memory:
        task = PixelWork(
            stage,
            counter.ctypes.data,
            address(memory),
            own,
            address(pixels),
            n,
            channels,
            0 if matrix is None else address(matrix),
            parts,
            address(result),
        )
        run_together(_pixel_work, task, threads=threads)


def gram(pixels):
    """G = F^T F of pixels (n, C) that are contiguous."""
    n, channels = pixels.shape
    upper = np.empty((1, channels, channels), np.float32)
    _run(GRAM, pixels, n, channels, None, 1, upper)
    return sum_of_parts(upper)


def sum_of_parts(parts):
    """G from partial sums (parts, C, C) that are right on and above the diagonal of panels."""
    n, channels, _ = parts.shape
    total = np.empty((channels, channels), np.float32)
    _run(SUM, parts, 0, channels, parts, n, total)
    return total


def times(pixels, packed, out):
    """out = pixels @ S, all (n, C) and contiguous; S as `packed` makes it."""
    n, channels = pixels.shape
    _run(TIMES, pixels, n, channels, packed, 1, out)


def packed(matrix):
    """A matrix (depth, columns) as panels of B, zeros to the right: `[panel][row][2 LANES]`."""
    depth, columns = matrix.shape
    panels = -(-columns // PANEL)
    out = np.zeros((panels, depth, PANEL), np.float32)
    for panel in range(panels):
        some = matrix[:, panel * PANEL : (panel + 1) * PANEL]
        out[panel, :, : some.shape[1]] = some
    return out
