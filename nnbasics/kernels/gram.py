"""Gram matrices G = F^T F of the pixels of a map, and the way back, dF = F S.

In the middle of a convolution they cost least: a block's pixels are still in the cache when its outputs are done.
"""

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.microkernel import (
    PANEL,
    SHORT,
    add_inner_products,
    first_row,
    groups,
    multiply,
    tall_groups,
)
from nnbasics.kernels.simd import emit, load, repeat, store


@kernel
def add_gram(pixels, n, rows, row, channels, gram):
    """gram (channels x channels, upper triangle of panels) += the inner products of `rows` runs of n pixels."""
    for j in range(0, channels, PANEL):
        for i in range(0, min(channels, j + PANEL), SHORT):
            for r in range(rows):
                at = pixels + r * row
                add_inner_products(at + i, at + j, channels, n, gram + i * channels + j, channels)


@emit
def copy(source, target, vectors):
    with repeat(vectors) as i:
        store(target + i * LANES, load(source + i * LANES))


@emit
def _pack(source, target, step, vectors):
    with repeat(vectors) as i:
        store(target + i * step, load(source + i * LANES))


@kernel
def times_matrix(pixels, n, channels, packed, y, scratch):
    """y = pixels @ S for n neighbouring pixels (in place if y is pixels); scratch: 2 (n + TALL) channels."""
    tall = tall_groups(n)
    for group in range(groups(n)):
        row = first_row(group, tall)
        size = first_row(group + 1, tall) - row
        for i in range(row, min(n, row + size)):
            to = scratch + row * channels + (i - row) * LANES
            _pack(pixels + i * channels, to, size * LANES, channels // LANES)
    product = scratch + first_row(groups(n), tall) * channels
    for panel in range(channels // PANEL):
        to = product + panel * PANEL
        multiply(scratch, 0, groups(n), tall, channels, packed + panel * channels * PANEL, to, channels)
    copy(product, y, n * channels // LANES)
