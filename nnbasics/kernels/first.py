"""The first convolution of a network, 3x3 on the few channels of a picture, and its gradient.

With 3 channels there is nothing for Winograd to save on: its transforms would cost more than the products. A pixel
takes four floats here, so the three pixels that a row of the filter looks at are one run of 12 numbers, and the three
runs are the 36 numbers of the product: an im2col that is never written down, since neighbouring windows overlap in
memory as they do in the picture.

Backward is the col2im of the same product: one row of dy becomes columns of 9 C numbers per pixel, and each pixel of dx
is the sum of nine of them, from three rows, which are kept in a ring.

A 1x1 convolution before it, as networks have that normalise their input, is applied on the way in and out.
"""

from typing import NamedTuple

import numpy as np

from nnbasics.kernels.compile import kernel
from nnbasics.kernels.gram import add_gram, multiply_pixels, packed
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.memory import aligned, padded, scratch
from nnbasics.kernels.microkernel import ONE, PANEL, TALL, ZERO, outer_product
from nnbasics.kernels.simd import (
    MASK_BYTES,
    Index,
    Register,
    address,
    broadcast,
    clear,
    emit,
    load,
    repeat,
    store,
    store_mask,
    take_next,
)
from nnbasics.kernels.threads import get_num_threads, run_together

PIXEL = 4  # floats
RUN = 3 * PIXEL  # of one row of a window
TAPS = 9


class FirstWork(NamedTuple):
    """Addresses as in `winograd.Work`."""

    stage: int
    counter: int
    room: int
    room_size: int
    picture: int  # FORWARD: (height + 2 pad, width + 2 pad, 4); BACKWARD: dx (height, width, 4)
    height: int
    width: int
    pad: int
    inputs: int  # channels of the picture
    filters: int
    weight: int  # packed
    bias: int
    map: int  # y or dy (out_height, out_width, filters)
    out_height: int
    out_width: int
    mask: int  # 0: no ReLU
    run: int  # rows in a piece of work
    gram: int
    colours: int  # 4 columns of 4 numbers, and an offset: what PAINT and, if not 0, BACKWARD multiply pixels by
    x: int  # PAINT: what the picture is painted from
    x_channel: int  # strides, in floats
    x_row: int
    x_pixel: int


PAINT, FORWARD, BACKWARD = range(3)


def _pixels(relu):
    @emit
    def pixels(x, x_row, w, bias, y, y_pixel, n, bits, waste):
        """TALL neighbouring outputs, one panel of filters; n of them count."""
        sums = [[Register(load(bias + j * LANES)) for j in range(2)] for _ in range(TALL)]
        with repeat(Index.constant(x, 3)) as u, repeat(Index.constant(x, RUN)) as k:
            at = x + u * x_row + k
            row = w + (u * RUN + k) * PANEL
            outer_product(sums, lambda i: broadcast(at + i * PIXEL), [load(row), load(row + LANES)])
        for i, both in enumerate(sums):
            inside = n >= i + 1
            at_y = inside.choose(y + y_pixel * i, waste)
            at_bits = inside.choose(bits + y_pixel // LANES * i * MASK_BYTES, waste * 4)
            for j, value in enumerate(r.value for r in both):
                if relu:
                    positive = value.not_at_most(0.0)
                    store_mask(at_bits + j * MASK_BYTES, positive)
                    value = positive.choose(value, 0.0)
                store(at_y + j * LANES, value)

    return pixels


_pixels_plain, _pixels_relu = _pixels(relu=False), _pixels(relu=True)


@kernel
def _forward(task):
    waste = task.room + take_next(task.counter + 8) * task.room_size
    x_row = (task.width + 2 * task.pad) * PIXEL
    while True:
        piece = take_next(task.counter)
        start = piece * task.run
        if start >= task.out_height:
            break
        gram = task.gram + piece * task.filters * task.filters
        if task.gram:
            clear(gram, task.filters * task.filters // LANES)
        for r in range(start, min(task.out_height, start + task.run)):
            for c in range(0, task.out_width, TALL):
                for k in range(0, task.filters, PANEL):
                    offset = (r * task.out_width + c) * task.filters + k
                    x = task.picture + r * x_row + c * PIXEL
                    w = task.weight + k * 3 * RUN
                    y, n = task.map + offset, task.out_width - c
                    if task.mask:
                        bits = task.mask + offset // LANES * MASK_BYTES
                        _pixels_relu(x, x_row, w, task.bias + k, y, task.filters, n, bits, waste)
                    else:
                        _pixels_plain(x, x_row, w, task.bias + k, y, task.filters, n, waste, waste)
            if task.gram:
                row = task.map + r * task.out_width * task.filters
                add_gram(row, task.out_width, ONE, ZERO, task.filters, gram)


@emit
def _add_columns(above, here, below, columns, inputs, pad, dx, n):
    """n pixels of dx, each the sum of its nine columns; only the first `inputs` of 4 numbers mean something."""
    with repeat(n) as j:
        total = None
        for u, row in enumerate([below, here, above]):
            for v in range(3):
                column = load(row + (j + pad + (2 - v)) * columns + inputs * (3 * u + v), PIXEL)
                total = column if total is None else total + column
        store(dx + j * PIXEL, total)


@emit
def _change_colours(x, x_channel, x_pixel, inputs, matrix, y, n):
    """y = matrix x + offset for n pixels; matrix: 4 columns and the offset, each 4 numbers."""
    columns = [load(matrix + PIXEL * i, PIXEL) for i in range(PIXEL + 1)]
    last = inputs - 1
    with repeat(n) as j:
        total = columns[PIXEL]
        for channel in range(PIXEL):  # past the last channel the column is zero, and the last is read again
            which = (last >= channel).choose(last * 0 + channel, last)
            total = broadcast(x + j * x_pixel + which * x_channel, PIXEL) * columns[channel] + total
        store(y + j * PIXEL, total)


@kernel
def _paint(task):
    while True:
        r = take_next(task.counter)
        if r >= task.height:
            break
        row = task.picture + ((r + task.pad) * (task.width + 2 * task.pad) + task.pad) * PIXEL
        x = task.x + r * task.x_row
        _change_colours(x, task.x_channel, task.x_pixel, task.inputs, task.colours, row, task.width)


@kernel
def _backward(task):
    room = task.room + take_next(task.counter + 8) * task.room_size
    panels = (TAPS * task.inputs + PANEL - 1) // PANEL
    columns = panels * PANEL
    ring = room + (task.out_width + TALL) * task.filters
    line = (task.width + 6 + TALL) * columns
    while True:
        start = take_next(task.counter) * task.run
        if start >= task.height:
            break
        stop = min(task.height, start + task.run)
        for r in range(start + task.pad - 2, stop + task.pad):
            row = ring + (r + 3) % 3 * line
            if 0 <= r < task.out_height:
                clear(row, 2 * columns // LANES)
                dy = task.map + r * task.out_width * task.filters
                multiply_pixels(dy, task.out_width, task.filters, task.weight, panels, row + 2 * columns, columns, room)
                end = 2 + task.out_width
                clear(row + end * columns, (task.width + 6 - end) * columns // LANES)
            else:
                clear(row, (task.width + 6) * columns // LANES)
            i = r - task.pad
            if i < start:
                continue
            dx = task.picture + i * task.width * PIXEL
            above, here = ring + (r + 1) % 3 * line, ring + (r + 2) % 3 * line
            _add_columns(above, here, row, columns, task.inputs, task.pad, dx, task.width)
            if task.colours:
                _change_colours(dx, 1, PIXEL, task.inputs, task.colours, dx, task.width)


@kernel
def _first_work(task):
    if task.stage == PAINT:
        _paint(task)
    elif task.stage == FORWARD:
        _forward(task)
    else:
        _backward(task)


def applies(filters, inputs):
    """Whether a convolution is one of these: few inputs, and whole panels of filters."""
    return inputs <= PIXEL and filters % PANEL == 0


class First:
    """That convolution for one picture (C, height, width), C at most 4.

    `colours`, a matrix (C, C) and an offset (C,), are those of a 1x1 convolution before it.
    """

    def __init__(self, inputs, height, width, pad):
        self.inputs, self.height, self.width, self.pad = inputs, height, width, pad
        whole = np.zeros((height + 2 * pad) * (width + 2 * pad) * PIXEL + TALL * PIXEL, np.float32)
        self._picture = whole  # with TALL pixels that the last tile reads and does not use
        self._inside = whole[: -TALL * PIXEL].reshape(height + 2 * pad, width + 2 * pad, PIXEL)[
            pad : pad + height, pad : pad + width
        ]

    def forward(self, x, weight, bias, y, *, mask=None, gram=None, run=1, colours=None):
        """y (out_height, out_width, filters) = weight * x + bias, then ReLU if there is a mask to write."""
        if colours is None:
            for channel in range(self.inputs):
                self._inside[:, :, channel] = x[channel]
        else:
            x_strides = [stride // x.itemsize for stride in x.strides]
            self._run(PAINT, self._picture, y, colours=_columns(*colours), x=x, x_strides=x_strides)
        taps = np.zeros((3, 3, PIXEL, weight.shape[0]), np.float32)
        taps[:, :, : self.inputs] = weight.transpose(2, 3, 1, 0)
        filters = packed(taps.reshape(3 * RUN, -1))
        self._run(FORWARD, self._picture, y, filters=filters, bias=bias, mask=mask, run=run, gram=gram)

    def backward(self, dy, weight, *, colours=None):
        """dL/dx, a fresh array (C, height, width), for a map dy (out_height, out_width, filters)."""
        dx = aligned((self.height, self.width, PIXEL))
        filters = packed(weight.transpose(0, 2, 3, 1).reshape(weight.shape[0], -1))
        turned = None if colours is None else _columns(colours[0].T, np.zeros(self.inputs, np.float32))
        self._run(BACKWARD, dx, dy, filters=filters, run=16, colours=turned)
        return np.ascontiguousarray(dx[:, :, : self.inputs].transpose(2, 0, 1))

    def _run(
        self,
        stage,
        picture,
        map_,
        filters=None,
        bias=None,
        mask=None,
        run=1,
        gram=None,
        colours=None,
        x=None,
        x_strides=(0, 0, 0),
    ):
        counter = np.zeros(2, np.int64)
        threads = get_num_threads()
        out_height, out_width, channels = map_.shape
        columns = -(-TAPS * self.inputs // PANEL) * PANEL
        own = padded((out_width + TALL) * channels + 3 * (self.width + 6 + TALL) * columns, 16)
        with scratch(threads * own) as memory:
            task = FirstWork(
                stage=stage,
                counter=counter.ctypes.data,
                room=address(memory),
                room_size=own,
                picture=address(picture),
                height=self.height,
                width=self.width,
                pad=self.pad,
                inputs=self.inputs,
                filters=channels,
                weight=_address(filters),
                bias=_address(bias),
                map=address(map_),
                out_height=out_height,
                out_width=out_width,
                mask=0 if mask is None else mask.ctypes.data,
                run=run,
                gram=_address(gram),
                colours=_address(colours),
                x=_address(x),
                x_channel=x_strides[0],
                x_row=x_strides[1],
                x_pixel=x_strides[2],
            )
            run_together(_first_work, task, threads=threads)


def _address(array):
    return 0 if array is None else address(array)


def _columns(matrix, offset):
    """A (C, C) matrix as 4 columns of 4 numbers, and the offset as a fifth."""
    out = np.zeros((PIXEL + 1, PIXEL), np.float32)
    out[: len(offset), : len(offset)] = matrix.T
    out[PIXEL, : len(offset)] = offset
    return out
