"""3x3 convolution, stride 1, by Winograd's transform (`transforms` derives it): y = A^T [sum over c of U_c * V_c] A.

    V = B^T d B     each 6x6 patch of each input channel, 36 numbers
    U = G g G^T     each 3x3 filter, 36 numbers, for every pair of channels
    M = V U         36 products of matrices (tiles, channels) @ (channels, filters)
    y = A^T M A     4x4 outputs of each tile, with whatever follows folded in: bias, ReLU, pooling

What decides the speed is where V, U and M are between these steps. There are two plans (`schedule` picks one):

blocks   A thread takes a few dozen tiles through all steps; their V and M never leave its second-level cache, while U
         passes by. For many tiles and few channels, when U is small.
panels   All threads transform a hundred tiles or more (V, shared, in the third-level cache); then each takes panels of
         2 LANES filters through the rest: it makes the panel's U from the weights, row by row of the 36, multiplies,
         transforms back. For many channels: U, which is four times the weights, never exists as a whole.

The weights are transformed at every call, a few hundredths of its time: nothing is cached, so nothing can be stale.

The gradient of a convolution with respect to its input is a convolution of dy, with the filters turned by half a turn
and the roles of the channels exchanged. So backward is forward with `transposed` set, and where forward pads by p,
backward pads by 2 - p.

Maps are channels-last, their channels a multiple of LANES. Patches that reach over the edge read from a run of zeros;
tiles that hang over it write what nobody wants to a place of their own: no step has a special case for borders.

An infinity or a NaN in a patch makes the whole tile NaN (infinity minus infinity is in the transform), where a sum of
products would have kept it to the pixels that see it. PLAIN, which layers use, tells when it happened, and they compute
again in the plain way; the other finishes leave it at that: nothing strange ever becomes a number.
"""

from typing import NamedTuple

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.gram import add_gram, times_matrix
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.microkernel import (
    PANEL,
    TALL,
    ZERO,
    first_row,
    groups,
    multiply,
    tall_groups,
)
from nnbasics.kernels.simd import (
    MASK_BYTES,
    Index,
    Register,
    clear,
    emit,
    load,
    load_mask,
    repeat,
    store,
    store_mask,
    take_next,
    transpose,
    zeros,
)
from nnbasics.kernels.transforms import (
    PATCH,
    TILE,
    filter_transform,
    in_two_dimensions,
    input_transform,
    output_transform,
)

PRODUCTS = PATCH * PATCH
TAPS = 9

# What the output transform does with its 16 numbers.
PLAIN, RELU, RELU_POOL, MASKED, ADDED, ADDED_MASKED = range(6)


class Work(NamedTuple):
    """One convolution, in whole numbers: addresses count floats, but those of masks and the counter count bytes."""

    stage: int  # what `work` does: FILTERS, BLOCKS, PATCHES, PANELS
    counter: int  # two int64: the next piece of work, the next thread's number
    scratch: int  # each thread's own memory
    scratch_size: int
    shared: int  # U of all filters (blocks) or V of all tiles (panels)
    x: int
    height: int
    width: int
    channels: int
    unpool: int  # if not 0, x is the gradient of a pooled map, and here are the bits of its argmax
    weight: int  # (K, C, 3, 3)
    weight_inputs: int  # C of the weights
    transposed: int
    pad: int
    y: int
    out_height: int
    out_width: int
    filters: int
    bias: int
    mask: int  # ReLU's mask (written by RELU, read by MASKED), or the argmax bits (written by RELU_POOL)
    extra: int  # the map that ADDED adds
    finish: int
    strange: int  # where PLAIN leaves a number that is not zero if it met an infinity or a NaN
    across: int  # tiles in a row
    down: int
    first_tile: int  # this call's range of tiles
    last_tile: int
    block: int  # tiles in a block, or parts that the tiles are split into for each panel
    run: int  # blocks in a piece of work
    gram: int  # if not 0, where each piece of work leaves its part of the Gram matrix of y
    features: int  # if not 0, the map F, and the packed matrix S, of a style gradient F S that goes to y first
    style: int


FILTERS, BLOCKS, PATCHES, PANELS = range(4)


# ---- U: the filters ----------------------------------------------------------------------------------------------


@kernel
def fetch_filters(work, panel, w, corner):
    """The weights of one panel as w, `[channel][tap][2 LANES filters]`; `corner` is scratch, LANES x 9 LANES."""
    row = work.weight_inputs * TAPS
    for half in range(2):
        k = panel * PANEL + half * LANES
        to = w + half * LANES
        if k >= work.filters:
            for i in range(work.channels * TAPS):
                clear(to + i * PANEL, 1)
        elif work.transposed:
            for c in range(0, work.channels, LANES):
                for i in range(TAPS):  # (LANES rows of weights, 9 LANES) -> [filter][tap][LANES rows]
                    transpose(work.weight + c * row + k * TAPS + i * LANES, row, corner + i * LANES * LANES, LANES)
                for tap in range(TAPS):  # -> [row][8 - tap][LANES filters]
                    transpose(
                        corner + tap * LANES, TAPS * LANES, to + (c * TAPS + TAPS - 1 - tap) * PANEL, TAPS * PANEL
                    )
        else:
            for i in range(0, work.channels * TAPS, LANES):
                transpose(work.weight + k * row + i, row, to + i * PANEL, PANEL)


def _filter_row(a):
    """Row a of the 6x6 transforms of one panel of filters, for `count` channels."""

    @emit
    def filter_row(w, u, u_product, count):
        with repeat(count) as c, repeat(Index.constant(w, 2)) as half:
            at = w + c * (TAPS * PANEL) + half * LANES
            columns = [[load(at + (3 * i + j) * PANEL) for i in range(3)] for j in range(3)]
            row = [filter_transform(column)[a] for column in columns]  # what the other rows need, LLVM drops
            for b, value in enumerate(filter_transform(row)):
                store(u + u_product * b + c * PANEL + half * LANES, value)

    return filter_row


_filter_row_0, _filter_row_1, _filter_row_2, _filter_row_3, _filter_row_4, _filter_row_5 = map(
    _filter_row, range(PATCH)
)


@kernel
def transform_filters(a, w, u, u_product, count):
    """Row a of U: products 6 a to 6 a + 5, each `[channel][2 LANES filters]`."""
    if a == 0:
        _filter_row_0(w, u, u_product, count)
    elif a == 1:
        _filter_row_1(w, u, u_product, count)
    elif a == 2:
        _filter_row_2(w, u, u_product, count)
    elif a == 3:
        _filter_row_3(w, u, u_product, count)
    elif a == 4:
        _filter_row_4(w, u, u_product, count)
    else:
        _filter_row_5(w, u, u_product, count)


# ---- V: the patches ----------------------------------------------------------------------------------------------


def _store_patch(patch, v, v_product):
    for i, row in enumerate(in_two_dimensions(input_transform, patch)):
        for j, value in enumerate(row):
            store(v + v_product * (PATCH * i + j), value)


@emit
def _patch(x, top, left, height, width, channels, nothing, v, v_product, v_vector, vectors):
    """V of one patch whose corner is pixel (top, left) of the map x; `vectors` of its channels."""
    inside_rows = [(top + i >= 0) & (top + i < height) for i in range(PATCH)]
    inside_columns = [(left + j >= 0) & (left + j < width) for j in range(PATCH)]
    addresses = [
        [
            (inside_rows[i] & inside_columns[j]).choose(x + ((top + i) * width + left + j) * channels, nothing)
            for j in range(PATCH)
        ]
        for i in range(PATCH)
    ]
    with repeat(vectors) as c:
        patch = [[load(address + c * LANES) for address in row] for row in addresses]
        _store_patch(patch, v + v_vector * c, v_product)


@emit
def _unpooled_patch(x, bits, top, left, height, width, channels, nothing, v, v_product, v_vector, vectors):
    """The same, where x (height // 2, width // 2) is the gradient of a pooled map: each value goes where its bit is."""
    rows, columns = height // 2, width // 2
    inside_rows = [(top + i >= 0) & ((top + i) // 2 < rows) for i in range(PATCH)]
    inside_columns = [(left + j >= 0) & ((left + j) // 2 < columns) for j in range(PATCH)]
    none = top - top
    pixels = [[((top + i) // 2 * columns + (left + j) // 2) * channels for j in range(PATCH)] for i in range(PATCH)]
    inside = [[inside_rows[i] & inside_columns[j] for j in range(PATCH)] for i in range(PATCH)]
    values = [[inside[i][j].choose(x + pixels[i][j], nothing) for j in range(PATCH)] for i in range(PATCH)]
    places = [
        [
            bits
            + inside[i][j].choose((pixels[i][j] // LANES * 4 + (top + i) % 2 * 2 + (left + j) % 2), none) * MASK_BYTES
            for j in range(PATCH)
        ]
        for i in range(PATCH)
    ]
    with repeat(vectors) as c:
        patch = [
            [
                load_mask(place + c * (4 * MASK_BYTES)).choose(load(value + c * LANES), 0.0)
                for value, place in zip(*row, strict=True)
            ]
            for row in zip(values, places, strict=True)
        ]
        _store_patch(patch, v + v_vector * c, v_product)


@kernel
def transform_patch(work, tile, first_channel, vectors, v, v_product, v_vector, nothing):
    """V of one tile: the first vector of its first product goes to v."""
    picture = tile // (work.down * work.across)
    tile -= picture * work.down * work.across
    top = tile // work.across * TILE - work.pad
    left = tile % work.across * TILE - work.pad
    if work.unpool:
        offset = picture * (work.height // 2) * (work.width // 2) * work.channels + first_channel
        _unpooled_patch(
            work.x + offset,
            work.unpool + offset // LANES * 4 * MASK_BYTES,
            top,
            left,
            work.height,
            work.width,
            work.channels,
            nothing,
            v,
            v_product,
            v_vector,
            vectors,
        )
    else:
        x = work.x + picture * work.height * work.width * work.channels + first_channel
        _patch(x, top, left, work.height, work.width, work.channels, nothing, v, v_product, v_vector, vectors)


# ---- y: the outputs ----------------------------------------------------------------------------------------------


def _outputs(relu=False, add=False, mask=False, watch=False):
    """An output transform for one tile; what follows it is decided here, when the code is written."""

    @emit
    def outputs(m, m_product, m_panel, vectors, bias, y, y_row, y_pixel, rows, columns, bits, extra, strange, waste):
        watched = Register(zeros(m))
        offsets = [y_row * i + y_pixel * j for i in range(TILE) for j in range(TILE)]
        inside = [(rows >= i + 1) & (columns >= j + 1) for i in range(TILE) for j in range(TILE)]
        at_y = [inside[n].choose(y + offsets[n], waste) for n in range(TILE * TILE)]
        at_extra = [inside[n].choose(extra + offsets[n], waste) for n in range(TILE * TILE)]
        at_bits = [inside[n].choose(bits + offsets[n] // LANES * MASK_BYTES, waste * 4) for n in range(TILE * TILE)]
        with repeat(vectors) as k:
            at = m + m_panel * (k // 2) + k % 2 * LANES
            square = [[load(at + m_product * (PATCH * i + j)) for j in range(PATCH)] for i in range(PATCH)]
            b = load(bias + k * LANES)
            for n, value in enumerate(v for row in in_two_dimensions(output_transform, square) for v in row):
                value = value + b
                if watch:
                    watched.value = value * 0.0 + watched.value  # stays 0 unless the value is infinite or NaN
                if add:
                    value = value + load(at_extra[n] + k * LANES)
                if relu:
                    positive = value.not_at_most(0.0)  # a NaN stays one, and lets gradients through, as in PyTorch
                    store_mask(at_bits[n] + k * MASK_BYTES, positive)
                    value = positive.choose(value, 0.0)
                if mask:
                    value = load_mask(at_bits[n] + k * MASK_BYTES).choose(value, 0.0)
                store(at_y[n] + k * LANES, value)
        if watch:
            found = watched.value.is_nan()
            store(found.any().choose(strange, waste), found.choose(watched.value, 1.0))  # a vector: NaN or 1

    return outputs


_plain, _relu = _outputs(watch=True), _outputs(relu=True)
_masked, _added, _added_masked = _outputs(mask=True), _outputs(add=True), _outputs(add=True, mask=True)


def larger(a, b):
    """(which of a, b max pooling takes: set for b; the one it takes): the first of two equals, and the last NaN."""
    second = (b > a) | b.is_nan()
    return second, second.choose(b, a)


@emit
def _relu_pool(m, m_product, m_panel, vectors, bias, y, y_row, y_pixel, rows, columns, bits, waste):
    """Bias, ReLU and the largest of each 2x2 square; four bits per value say which it was, none if ReLU stopped it."""
    offsets = [y_row * i + y_pixel * j for i in range(2) for j in range(2)]
    inside = [(rows >= i + 1) & (columns >= j + 1) for i in range(2) for j in range(2)]
    at_y = [inside[n].choose(y + offsets[n], waste) for n in range(4)]
    at_bits = [inside[n].choose(bits + offsets[n] // LANES * (4 * MASK_BYTES), waste * 4) for n in range(4)]
    with repeat(vectors) as k:
        at = m + m_panel * (k // 2) + k % 2 * LANES
        square = [[load(at + m_product * (PATCH * i + j)) for j in range(PATCH)] for i in range(PATCH)]
        b = load(bias + k * LANES)
        values = [[value + b for value in row] for row in in_two_dimensions(output_transform, square)]
        for n in range(4):
            i, j = n // 2 * 2, n % 2 * 2
            right_above, above = larger(values[i][j], values[i][j + 1])
            right_below, below = larger(values[i + 1][j], values[i + 1][j + 1])
            is_below, value = larger(above, below)
            positive = value.not_at_most(0.0)
            store(at_y[n] + k * LANES, positive.choose(value, 0.0))
            upper, lower = positive & ~is_below, positive & is_below
            for place, bit in enumerate(
                [upper & ~right_above, upper & right_above, lower & ~right_below, lower & right_below]
            ):
                store_mask(at_bits[n] + (k * 4 + place) * MASK_BYTES, bit)


@kernel
def transform_outputs(work, tile, first_filter, vectors, m, m_product, m_panel, waste):
    """y of one tile, filters from `first_filter`, whose first vector of the first product is at m."""
    picture = tile // (work.down * work.across)
    tile -= picture * work.down * work.across
    scale = 2 if work.finish == RELU_POOL else 1
    height, width = work.out_height // scale, work.out_width // scale
    top, left = tile // work.across * (TILE // scale), tile % work.across * (TILE // scale)
    offset = ((picture * height + top) * width + left) * work.filters + first_filter
    bias, y, extra = work.bias + first_filter, work.y + offset, work.extra + offset
    row, rows, columns = width * work.filters, height - top, width - left
    bits = work.mask + offset // LANES * MASK_BYTES
    if work.finish == PLAIN:
        _plain(
            m, m_product, m_panel, vectors, bias, y, row, work.filters, rows, columns, bits, extra, work.strange, waste
        )
    elif work.finish == RELU:
        _relu(
            m, m_product, m_panel, vectors, bias, y, row, work.filters, rows, columns, bits, extra, work.strange, waste
        )
    elif work.finish == RELU_POOL:
        bits = work.mask + offset // LANES * 4 * MASK_BYTES
        _relu_pool(m, m_product, m_panel, vectors, bias, y, row, work.filters, rows, columns, bits, waste)
    elif work.finish == MASKED:
        _masked(
            m, m_product, m_panel, vectors, bias, y, row, work.filters, rows, columns, bits, extra, work.strange, waste
        )
    elif work.finish == ADDED:
        _added(
            m, m_product, m_panel, vectors, bias, y, row, work.filters, rows, columns, bits, extra, work.strange, waste
        )
    else:
        _added_masked(
            m, m_product, m_panel, vectors, bias, y, row, work.filters, rows, columns, bits, extra, work.strange, waste
        )


# ---- the two plans -----------------------------------------------------------------------------------------------


def scratch_floats(work):
    """How many floats each thread needs for itself, and how many all share, for a plan with these sizes."""
    panels = -(-work.filters // PANEL)
    edges = work.channels + 2 * work.filters
    if work.stage == BLOCKS:
        rows = work.block + TALL
        fetched = work.channels * TAPS * PANEL + TAPS * LANES * LANES
        own = PRODUCTS * (rows * work.channels + LANES) + panels * PRODUCTS * (rows * PANEL + LANES)
        style = 2 * (TILE * work.block + TALL) * work.filters
        return edges + max(own, style, fetched), panels * PRODUCTS * work.channels * PANEL
    rows = work.last_tile - work.first_tile + TALL
    own = work.channels * (TAPS + PATCH) * PANEL + TAPS * LANES * LANES + PRODUCTS * (rows * PANEL + LANES)
    return edges + own, PRODUCTS * (rows * work.channels + LANES)


@kernel
def _all_filters(work):
    """Stage FILTERS: U of every panel, [product][panel][channel][2 LANES]."""
    scratch = work.scratch + take_next(work.counter + 8) * work.scratch_size
    panels = (work.filters + PANEL - 1) // PANEL
    w = scratch + TAPS * LANES * LANES
    u_product = panels * work.channels * PANEL
    while True:
        panel = take_next(work.counter)
        if panel >= panels:
            break
        fetch_filters(work, panel, w, scratch)
        for a in range(PATCH):
            u = work.shared + PATCH * a * u_product + panel * work.channels * PANEL
            transform_filters(a, w, u, u_product, work.channels)


@kernel
def _blocks(work):
    """Stage BLOCKS: whole blocks of tiles, one after another; U is there already."""
    nothing = work.scratch + take_next(work.counter + 8) * work.scratch_size
    waste = nothing + work.channels
    v = waste + 2 * work.filters
    clear(nothing, work.channels // LANES)
    panels = (work.filters + PANEL - 1) // PANEL
    rows = first_row(groups(work.block), tall_groups(work.block))
    v_product = rows * work.channels + LANES  # the LANES extra keep the 36 from falling on the same lines of the cache
    m_product = rows * PANEL + LANES
    m_panel = PRODUCTS * m_product
    m = v + PRODUCTS * v_product
    tiles = work.last_tile
    while True:
        piece = take_next(work.counter)
        first = piece * work.run * work.block
        if first >= tiles:
            break
        if work.gram:
            clear(work.gram + piece * work.filters * work.filters, work.filters * work.filters // LANES)
        for start in range(first, min(tiles, first + work.run * work.block), work.block):
            n = min(work.block, tiles - start)
            tall = tall_groups(n)
            for group in range(groups(n)):
                row = first_row(group, tall)
                size = first_row(group + 1, tall) - row
                for i in range(row, min(n, row + size)):
                    to = v + row * work.channels + (i - row) * LANES
                    transform_patch(work, start + i, ZERO, work.channels // LANES, to, v_product, size * LANES, nothing)
            for product in range(PRODUCTS):
                for panel in range(panels):
                    u = work.shared + (product * panels + panel) * work.channels * PANEL
                    to = m + panel * m_panel + product * m_product
                    multiply(v + product * v_product, ZERO, groups(n), tall, work.channels, u, to, PANEL)
            if work.style:
                _style_gradient(work, start, n, v)
            for i in range(n):
                transform_outputs(
                    work, start + i, ZERO, work.filters // LANES, m + i * PANEL, m_product, m_panel, waste
                )
            if work.gram:
                _gram(work, start, n, work.gram + piece * work.filters * work.filters)


@kernel
def _style_gradient(work, start, n, scratch):
    """y = F S on the pixels of n tiles: runs of tiles in one row, pixel row by pixel row."""
    i = start
    while i < start + n:
        top, left = i // work.across * TILE, i % work.across * TILE
        tiles = min(start + n - i, work.across - i % work.across)
        for r in range(top, min(top + TILE, work.out_height)):
            at = (r * work.out_width + left) * work.filters
            pixels = min(TILE * tiles, work.out_width - left)
            times_matrix(work.features + at, pixels, work.filters, work.style, work.y + at, scratch)
        i += tiles


@kernel
def _gram(work, start, n, gram):
    """Add the pixels of n tiles of y to a Gram matrix."""
    i = start
    while i < start + n:
        top, left = i // work.across * TILE, i % work.across * TILE
        tiles = min(start + n - i, work.across - i % work.across)
        pixels = min(TILE * tiles, work.out_width - left)
        rows = min(TILE, work.out_height - top)
        at = work.y + (top * work.out_width + left) * work.filters
        add_gram(at, pixels, rows, work.out_width * work.filters, work.filters, gram)
        i += tiles


@kernel
def _patches(work):
    """Stage PATCHES: V of all tiles, [product][group of tiles][vector of channels][tile of the group][LANES]."""
    nothing = work.scratch + take_next(work.counter + 8) * work.scratch_size
    clear(nothing, work.channels // LANES)
    n = work.last_tile - work.first_tile
    tall = tall_groups(n)
    v_product = first_row(groups(n), tall) * work.channels + LANES
    vectors = work.channels // LANES
    parts = (vectors + 7) // 8
    while True:
        piece = take_next(work.counter)
        group = piece // parts
        if group >= groups(n):
            break
        c = piece % parts * 8
        row = first_row(group, tall)
        size = first_row(group + 1, tall) - row
        for i in range(row, min(n, row + size)):
            to = work.shared + row * work.channels + c * size * LANES + (i - row) * LANES
            some = min(8, vectors - c)
            transform_patch(work, work.first_tile + i, c * LANES, some, to, v_product, size * LANES, nothing)


@kernel
def _panels(work):
    """Stage PANELS: for each panel of filters (and each of `block` parts of the tiles), U, products and outputs."""
    waste = work.scratch + take_next(work.counter + 8) * work.scratch_size
    w = waste + 2 * work.filters
    u = w + work.channels * TAPS * PANEL
    u_product = work.channels * PANEL
    corner = u + PATCH * u_product
    m = corner + TAPS * LANES * LANES
    n = work.last_tile - work.first_tile
    tall = tall_groups(n)
    all_groups = groups(n)
    v_product = first_row(all_groups, tall) * work.channels + LANES
    panels = (work.filters + PANEL - 1) // PANEL
    while True:
        piece = take_next(work.counter)
        panel = piece // work.block
        if panel >= panels:
            break
        part = piece % work.block
        first, last = all_groups * part // work.block, all_groups * (part + 1) // work.block
        start, stop = first_row(first, tall), first_row(last, tall)
        m_product = (stop - start) * PANEL + LANES
        fetch_filters(work, panel, w, corner)
        for a in range(PATCH):
            transform_filters(a, w, u, u_product, work.channels)
            for b in range(PATCH):
                product = PATCH * a + b
                v = work.shared + product * v_product
                multiply(v, first, last, tall, work.channels, u + b * u_product, m + product * m_product, PANEL)
        vectors = min(2, work.filters // LANES - 2 * panel)
        for i in range(start, min(n, stop)):
            at = m + (i - start) * PANEL
            transform_outputs(work, work.first_tile + i, panel * PANEL, vectors, at, m_product, ZERO, waste)


@kernel
def work(task):
    """One stage of one convolution, on as many threads as call it."""
    if task.stage == FILTERS:
        _all_filters(task)
    elif task.stage == BLOCKS:
        _blocks(task)
    elif task.stage == PATCHES:
        _patches(task)
    else:
        _panels(task)
