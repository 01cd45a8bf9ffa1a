"""Products of matrices, C = A B, on the micro-kernel and the library's own threads: for fully connected layers.

BLAS is as fast, but its threads keep spinning for a moment after each product, and whoever computes next, a convolution
of the same network, has to share the processor with them.

A is packed once, in groups of rows as `microkernel` wants them; then each thread takes a panel of 2 LANES columns of B,
packs it, and multiplies all groups by it. Packing is also where transposed matrices are put right, and where zeros are
added, so that rows, columns and depth may be any number.
"""

from typing import NamedTuple

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.memory import lent, padded, scratch
from nnbasics.kernels.microkernel import PANEL, TALL, first_row, groups, multiply, tall_groups
from nnbasics.kernels.simd import address, clear, emit, load, repeat, store, take_next
from nnbasics.kernels.threads import run_together, team


class Product(NamedTuple):
    """Addresses and strides in floats."""

    stage: int
    counter: int  # three int64, in bytes: the next group to pack, the next panel, the next thread's number
    a: int
    a_row: int
    a_column: int
    b: int
    b_row: int
    b_column: int
    c: int  # (rows, columns), contiguous
    rows: int
    depth: int
    columns: int
    packed: int  # A, [group][depth // LANES][row in group][LANES]
    room: int  # each thread's: a panel of B, and of C
    room_size: int


PACK, MULTIPLY, BOTH = range(3)
A_NANOSECOND = 64  # multiplications of one thread, roughly


@emit
def _copy_numbers(source, step, target, target_step, n):
    with repeat(n) as i:
        store(target + i * target_step, load(source + i * step, 1))


@kernel
def _pack(task):
    """A, group by group; its padding is zero already."""
    all_groups, tall = groups(task.rows), tall_groups(task.rows)
    depth = (task.depth + LANES - 1) // LANES * LANES
    while True:
        group = take_next(task.counter)
        if group >= all_groups:
            break
        row = first_row(group, tall)
        size = first_row(group + 1, tall) - row
        to = task.packed + row * depth
        clear(to, size * depth // LANES)
        for i in range(min(size, task.rows - row)):
            for k in range(0, task.depth, LANES):
                at = task.a + (row + i) * task.a_row + k * task.a_column
                _copy_numbers(at, task.a_column, to + k * size + i * LANES, 1, min(LANES, task.depth - k))


@kernel
def _multiply(task):
    room = task.room + take_next(task.counter + 16) * task.room_size
    all_groups, tall = groups(task.rows), tall_groups(task.rows)
    depth = (task.depth + LANES - 1) // LANES * LANES
    c = room + depth * PANEL
    while True:
        start = take_next(task.counter + 8) * PANEL
        if start >= task.columns:
            break
        n = min(PANEL, task.columns - start)
        at = task.b + start * task.b_column
        clear(room, depth * PANEL // LANES)
        if task.b_column == 1:
            for k in range(task.depth):
                _copy_numbers(at + k * task.b_row, 1, room + k * PANEL, 1, n)
        else:
            for j in range(n):
                _copy_numbers(at + j * task.b_column, task.b_row, room + j, PANEL, task.depth)
        for group in range(all_groups):
            row = first_row(group, tall)
            multiply(task.packed, group, group + 1, tall, depth, room, c, PANEL)
            for i in range(min(first_row(group + 1, tall), task.rows) - row):
                _copy_numbers(c + i * PANEL, 1, task.c + (row + i) * task.columns + start, 1, n)


@kernel
def _work(task):
    if task.stage != MULTIPLY:
        _pack(task)
    if task.stage != PACK:
        _multiply(task)


def product(a, b):
    """C = A B, contiguous, for A (rows, depth) and B (depth, columns), float32, of any strides and depth 1 at least."""
    (rows, depth), columns = a.shape, b.shape[1]
    c = lent((rows, columns))
    deep = padded(depth)
    packed, own = (rows + TALL) * deep, padded((deep + TALL) * PANEL, 16)
    counter = np.zeros(3, np.int64)
    threads = team(rows * depth * columns / A_NANOSECOND)
    with scratch(padded(packed, 16) + threads * own) as memory:
        task = Product(
            stage=PACK,
            counter=counter.ctypes.data,
            a=address(a),
            a_row=a.strides[0] // 4,
            a_column=a.strides[1] // 4,
            b=address(b),
            b_row=b.strides[0] // 4,
            b_column=b.strides[1] // 4,
            c=address(c),
            rows=rows,
            depth=depth,
            columns=columns,
            packed=address(memory),
            room=address(memory) + padded(packed, 16),
            room_size=own,
        )
        for stage in (BOTH,) if threads == 1 else (PACK, MULTIPLY):
            run_together(_work, task._replace(stage=stage), threads=threads)
    return c
