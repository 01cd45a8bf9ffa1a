"""Products of matrices, C = A B, on the micro-kernel and the library's own threads: for fully connected layers.

BLAS is as fast alone. But its last bits depend on how many threads it has, since each number of threads cuts matrices
elsewhere; here every number of C is the same sum in the same order, so that a network learns the same on any number of
processors. And BLAS's threads keep spinning for a moment after each product, on a processor that whoever computes next,
a convolution of the same network or another program, has to share with them.

A is packed once, in groups of rows as `microkernel` wants them; then each thread takes a panel of 2 LANES columns of B,
packs it, and multiplies all groups by it. Packing is also where transposed matrices are put right, square by square in
registers, and where zeros are added, so that rows, columns and depth may be any number.
"""

from typing import NamedTuple

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.memory import lent, padded, scratch
from nnbasics.kernels.microkernel import PANEL, TALL, first_row, groups, multiply, tall_groups
from nnbasics.kernels.simd import (
    address,
    clear,
    copy,
    copy_numbers,
    emit,
    load,
    store,
    take_next,
    transpose,
    transposed,
)
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
def _turn_rows(source, source_step, target, rows):
    """The first rows of a transposed square; what the others would overwrite is written after them."""
    turned = transposed([load(source + source_step * i) for i in range(LANES)])
    for i, row in reversed(list(enumerate(turned))):
        store((rows >= i + 1).choose(target + i * LANES, target), row)


@kernel
def _copy_run(source, target, n):
    whole = n // LANES
    copy(source, target, whole)
    copy_numbers(source + whole * LANES, 1, target + whole * LANES, 1, n - whole * LANES)


@kernel
def _pack_rows(task, row, size, to):
    """One group of A."""
    there = min(size, task.rows - row)
    for k in range(0, task.depth, LANES):
        at = task.a + row * task.a_row + k * task.a_column
        columns = min(LANES, task.depth - k)
        for i in range(0, there, LANES):
            if task.a_row == 1 and columns == LANES and row + i + LANES <= task.rows:
                _turn_rows(at + i, task.a_column, to + k * size + i * LANES, there - i)
                continue
            for j in range(i, min(there, i + LANES)):
                if task.a_column == 1:
                    _copy_run(at + j * task.a_row, to + k * size + j * LANES, columns)
                else:
                    copy_numbers(at + j * task.a_row, task.a_column, to + k * size + j * LANES, 1, columns)


@kernel
def _pack_columns(task, start, n, to):
    """One panel of B, of n columns."""
    at = task.b + start * task.b_column
    if task.b_column == 1:
        for k in range(task.depth):
            _copy_run(at + k * task.b_row, to + k * PANEL, n)
        return
    deep, wide = (task.depth // LANES * LANES, n // LANES * LANES) if task.b_row == 1 else (0, 0)
    for j in range(0, wide, LANES):
        for k in range(0, deep, LANES):
            transpose(at + j * task.b_column + k, task.b_column, to + k * PANEL + j, PANEL)
    for j in range(n):
        k = deep if j < wide else 0
        copy_numbers(at + j * task.b_column + k * task.b_row, task.b_row, to + k * PANEL + j, PANEL, task.depth - k)


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
        _pack_rows(task, row, size, to)


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
        clear(room, depth * PANEL // LANES)
        _pack_columns(task, start, n, room)
        for group in range(all_groups):
            row, stop = first_row(group, tall), first_row(group + 1, tall)
            to = task.c + row * task.columns + start
            if n == PANEL and stop <= task.rows:
                multiply(task.packed, group, group + 1, tall, depth, room, to, task.columns)
                continue
            multiply(task.packed, group, group + 1, tall, depth, room, c, PANEL)
            for i in range(min(stop, task.rows) - row):
                _copy_run(c + i * PANEL, to + i * task.columns, n)


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
