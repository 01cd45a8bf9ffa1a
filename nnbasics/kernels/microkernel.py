"""The register tile: where nearly all of the arithmetic of a network happens.

C (rows x 2 vectors) = A (rows x depth) @ B (depth x 2 vectors)

For each k, one column of A and one row of B make an outer product, which is added to C. All of C stays in registers
from the first k to the last, so with 14 rows each step takes 14 broadcast numbers and 2 vectors from the first-level
cache and does 28 multiply-adds with them: the multipliers are never idle. 14 x 2 sums, two vectors of B and one of A
are 31 of AVX-512's 32 registers; `machine` has the shapes for the others.

Every STRETCH terms the sums are added to C in memory and start from zero again. That takes a hundredth of the time and
rounds less: with 512 channels the error of a layer is 10e-7 of its output in place of 18e-7.

A matrix product is made of such tiles. B lies in *panels* two vectors wide, k after k; A in *groups* of a tile's rows,
blocks of LANES columns:

    A: [group][column // LANES][row in group][column % LANES]        B: [panel][k][2 LANES]

so that both are read from front to back. Rows are cut into `tall` groups and a few `short` ones, so that nothing, or
little, is padded.
"""

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES, VARIANT
from nnbasics.kernels.simd import Index, Register, broadcast, emit, least, load, repeat, store, zeros

PANEL = 2 * LANES
STRETCH = 128  # how many terms a sum in a register takes before it is added to C
TALL, SHORT = VARIANT.tall, VARIANT.short
ZERO, ONE = np.int64(0), np.int64(1)  # as arguments; for a literal 0 Numba would compile the called kernel once more


def outer_product(sums, column, row):
    """`sums[i][j] += column[i] * row[j]`; a column is asked for number by number, since registers are few."""
    row = list(row)
    for i, sums_of_row in enumerate(sums):
        a = column(i)
        for j, b in enumerate(row):
            sums_of_row[j].value = a * b + sums_of_row[j].value


def _tile(rows):
    @emit
    def tile(a, b, c, c_row, depth):
        nothing = zeros(a)
        with repeat((depth + (STRETCH - 1)) // STRETCH) as stretch:
            sums = [[Register(nothing) for _ in range(2)] for _ in range(rows)]
            start = stretch * (STRETCH // LANES)
            left = depth // LANES - start
            with repeat(least(left, STRETCH // LANES)) as n, repeat(Index.constant(a, LANES)) as k:
                block = start + n
                a_k = a + block * (rows * LANES) + k
                b_k = b + (block * LANES + k) * PANEL
                outer_product(sums, lambda i: broadcast(a_k + i * LANES), [load(b_k), load(b_k + LANES)])
            for i, row in enumerate(sums):
                for j, total in enumerate(row):
                    at = c + c_row * i + j * LANES
                    store(at, total.value + (stretch >= 1).choose(load(at), nothing))

    return tile


_tall, _short = _tile(TALL), _tile(SHORT)


def _inner(rows):
    @emit
    def inner(a, a_step, b, b_step, n, c, c_row):
        sums = [[Register(zeros(a)) for _ in range(2)] for _ in range(rows)]
        with repeat(n) as k:
            a_k, b_k = a + k * a_step, b + k * b_step
            outer_product(sums, lambda i: broadcast(a_k + i), [load(b_k), load(b_k + LANES)])
        for i, row in enumerate(sums):
            for j, total in enumerate(row):
                at = c + c_row * i + j * LANES
                store(at, total.value + load(at))

    return inner


_add_inner = _inner(SHORT)


@kernel
def multiply_tall(a, b, c, c_row, depth):
    _tall(a, b, c, c_row, depth)


@kernel
def multiply_short(a, b, c, c_row, depth):
    _short(a, b, c, c_row, depth)


@kernel
def add_inner_products(a, a_step, b, b_step, n, c, c_row):
    """C (SHORT x PANEL) += A^T B, whose n rows are so far apart: sums over pixels, as Gram matrices have them."""
    _add_inner(a, a_step, b, b_step, n, c, c_row)


@kernel
def tall_groups(n):
    """How many of the groups that n rows are cut into are tall; short ones take the rest."""
    most = n // TALL
    for tall in range(most, max(most - 4, -1), -1):
        if (n - TALL * tall) % SHORT == 0:
            return tall
    return most + 1 if n - TALL * most > SHORT else most


@kernel
def groups(n):
    """How many groups n rows are cut into."""
    tall = tall_groups(n)
    return tall + max(0, n - TALL * tall + SHORT - 1) // SHORT


@kernel
def first_row(group, tall):
    """The first row of a group; of the group after the last, the number of rows with padding."""
    return group * TALL if group < tall else tall * TALL + (group - tall) * SHORT


@kernel
def multiply(a, first, last, tall, depth, b, c, c_row):
    """Groups first ... last - 1 of A by one panel of B; c is where the first of these rows goes."""
    start = first_row(first, tall)
    for group in range(first, last):
        row = first_row(group, tall)
        if group < tall:
            multiply_tall(a + row * depth, b, c + (row - start) * c_row, c_row, depth)
        else:
            multiply_short(a + row * depth, b, c + (row - start) * c_row, c_row, depth)
