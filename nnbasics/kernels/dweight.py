"""The gradient of a 3x3 convolution with respect to its filters, by the same transforms.

In y = A^T [(G g G^T) * V] A, with V = B^T d B as in `winograd`, y is linear in the filter g; its transpose is

    dg = G^T [ sum over tiles of (A dy A^T) * V ] G

so the sums over tiles are 36 products of matrices (filters, tiles) @ (tiles, channels), for a quarter of the
multiplications of the definition. Tiles are transformed a few hundred at a time; the sums stay in between.
"""

from typing import NamedTuple

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.memory import padded, scratch
from nnbasics.kernels.microkernel import PANEL, SHORT, ZERO, add_inner_products
from nnbasics.kernels.order import as_map
from nnbasics.kernels.simd import address, clear, emit, load, repeat, store, take_next
from nnbasics.kernels.threads import get_num_threads, run_together
from nnbasics.kernels.transforms import (
    PATCH,
    TILE,
    filter_gradient_transform,
    in_two_dimensions,
    output_gradient_transform,
)
from nnbasics.kernels.winograd import PRODUCTS, TAPS, Work, transform_patch

CHUNK = 256  # tiles at a time


class Sums(NamedTuple):
    """Where the tiles are transformed to, and the sums; addresses as in `winograd.Work`."""

    stage: int
    counter: int
    nothing: int  # zeros, for each thread
    room: int  # floats of them
    z: int  # [product][tile][filters]
    z_row: int
    v: int  # [product][tile][channels]
    v_row: int
    sums: int  # [product][filters][channels]
    rows: int  # filters of the sums
    dweight: int  # [tap][filters][channels]


TRANSFORM, MULTIPLY, FINISH = range(3)


@emit
def _gradient_tile(dy, rows, columns, row, pixel, nothing, z, z_product, vectors):
    """A dy A^T of one tile, whose top left pixel is at dy and which has so many rows and columns."""
    addresses = [
        [((rows >= i + 1) & (columns >= j + 1)).choose(dy + row * i + pixel * j, nothing) for j in range(TILE)]
        for i in range(TILE)
    ]
    with repeat(vectors) as k:
        square = [[load(at + k * LANES) for at in line] for line in addresses]
        for i, line in enumerate(in_two_dimensions(output_gradient_transform, square)):
            for j, value in enumerate(line):
                store(z + z_product * (PATCH * i + j) + k * LANES, value)


@emit
def _finish_row(sums, product, channels, dweight, tap):
    """G^T S G for the channels of one filter."""
    with repeat(channels // LANES) as c:
        at = sums + c * LANES
        square = [[load(at + product * (PATCH * i + j)) for j in range(PATCH)] for i in range(PATCH)]
        for i, line in enumerate(in_two_dimensions(filter_gradient_transform, square)):
            for j, value in enumerate(line):
                store(dweight + tap * (3 * i + j) + c * LANES, value)


@kernel
def _transform(work, sums):
    nothing = sums.nothing + take_next(sums.counter + 8) * sums.room
    clear(nothing, sums.room // LANES)
    n = work.last_tile - work.first_tile
    while True:
        i = take_next(sums.counter)
        if i >= n:
            break
        tile = work.first_tile + i
        v = sums.v + i * sums.v_row
        transform_patch(work, tile, ZERO, work.channels // LANES, v, n * sums.v_row, np.int64(LANES), nothing)
        picture = tile // (work.down * work.across)
        tile -= picture * work.down * work.across
        top, left = tile // work.across * TILE, tile % work.across * TILE
        at = work.y + ((picture * work.out_height + top) * work.out_width + left) * work.filters
        _gradient_tile(
            at,
            work.out_height - top,
            work.out_width - left,
            work.out_width * work.filters,
            work.filters,
            nothing,
            sums.z + i * sums.z_row,
            n * sums.z_row,
            work.filters // LANES,
        )


@kernel
def _multiply(work, sums):
    n = work.last_tile - work.first_tile
    parts = sums.rows // SHORT
    while True:
        piece = take_next(sums.counter)
        product = piece // parts
        if product >= PRODUCTS:
            break
        k = piece % parts * SHORT
        z, v = sums.z + product * n * sums.z_row + k, sums.v + product * n * sums.v_row
        to = sums.sums + (product * sums.rows + k) * sums.v_row
        for c in range(0, work.channels, PANEL):
            add_inner_products(z, sums.z_row, v + c, sums.v_row, n, to + c, sums.v_row)


@kernel
def _finish(work, sums):
    while True:
        k = take_next(sums.counter)
        if k >= work.filters:
            break
        size = sums.rows * sums.v_row
        _finish_row(sums.sums + k * sums.v_row, size, work.channels, sums.dweight + k * sums.v_row, size)


@kernel
def _sums(work, sums):
    if sums.stage == TRANSFORM:
        _transform(work, sums)
    elif sums.stage == MULTIPLY:
        _multiply(work, sums)
    else:
        _finish(work, sums)


def applies(dy, x):
    """Whether both have channels enough to fill vectors."""
    return min(dy.shape[1], x.shape[1]) >= LANES


def dweight(dy, x, pad):
    """dL/dweight, (K, C, 3, 3), for dy (N, K, H2, W2) and x (N, C, H, W)."""
    filters, inputs = dy.shape[1], x.shape[1]
    x, dy = as_map(x), as_map(dy)
    pictures, out_height, out_width, k = dy.shape
    c = x.shape[3]
    down, across = -(-out_height // TILE), -(-out_width // TILE)
    tiles = pictures * down * across
    rows, columns = padded(k, max(SHORT, LANES)), padded(c, PANEL)
    counter = np.zeros(2, np.int64)
    totals = np.zeros((PRODUCTS, rows, columns), np.float32)
    found = np.empty((TAPS, rows, columns), np.float32)
    threads = get_num_threads()
    room = max(c, k)
    chunk = max(1, min(CHUNK, tiles))
    with scratch(threads * room + PRODUCTS * chunk * (rows + columns) + PANEL) as memory:
        base = address(memory)
        work = Work(**dict.fromkeys(Work._fields, 0))._replace(
            x=address(x),
            height=x.shape[1],
            width=x.shape[2],
            channels=c,
            pad=pad,
            y=address(dy),
            out_height=out_height,
            out_width=out_width,
            filters=k,
            across=across,
            down=down,
        )
        sums = Sums(
            stage=TRANSFORM,
            counter=counter.ctypes.data,
            nothing=base,
            room=room,
            z=base + threads * room,
            z_row=rows,
            v=base + threads * room + PRODUCTS * chunk * rows,
            v_row=columns,
            sums=address(totals),
            rows=rows,
            dweight=address(found),
        )

        def stage(number, first=0, last=0):
            counter[:] = 0
            now = work._replace(first_tile=first, last_tile=last), sums._replace(stage=number)
            run_together(_sums, *now, threads=threads)

        for first in range(0, tiles, chunk):
            last = min(tiles, first + chunk)
            stage(TRANSFORM, first, last)
            stage(MULTIPLY, first, last)
        stage(FINISH)
    return np.ascontiguousarray(found[:, :filters, :inputs].transpose(1, 2, 0)).reshape(filters, inputs, 3, 3)
