"""Runs of convolution, ReLU and max pooling as one step: what a plan does faster than its layers could.

Layer by layer, a network writes every map to the memory several times: the convolution's sums, ReLU's copy and its
mask, pooling's copy and its argmax. In a run all of that happens while a tile of the output is still in registers:

forward    a convolution adds its bias, applies ReLU, pools, and keeps one bit per value (does the gradient pass?), or
           four per pooled value (to which of the four?); the map before pooling never exists
backward   the convolution's gradient spreads a pooled map's gradient as it reads it, adds what is wanted of the layer
           below (the content's gradient; the style's, F S), and applies the mask of that layer's ReLU

What stays between forward and backward is bits, and the features that somebody wants. All other maps live in two
buffers that take turns. The rules are those of `Conv2d`, `ReLU` and `MaxPool2d`; tests compare. One thing differs: a
NaN or an infinity spreads over the whole tile of 4x4 outputs that it lies in, not the 3x3 alone that see it (`winograd`
says why).
"""

import math
from contextlib import contextmanager
from itertools import pairwise

import numpy as np

from nnbasics.errors import UserError
from nnbasics.kernels import conv3x3, first, gram, masks, schedule
from nnbasics.kernels.forced import forced
from nnbasics.kernels.memory import aligned, padded, scratch
from nnbasics.kernels.order import as_map, as_maps
from nnbasics.kernels.winograd import ADDED, ADDED_MASKED, BLOCKS, MASKED, PLAIN, RELU, RELU_POOL
from nnbasics.layers.activation import ReLU
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.pooling import MaxPool2d


class Link:
    """One convolution of a run with its ReLU, perhaps its pooling, perhaps a 1x1 convolution of colours before it."""

    def __init__(self, names, layers, x_shape, features, grams):
        chosen = [layers[name] for name in names]
        self.names = names
        self.name = names[-1]
        self.colours = chosen.pop(0) if chosen[0].kernel_size == (1, 1) else None
        self.conv = chosen[0]
        self.pooled = len(chosen) == 3
        self.pad = self.conv.padding[0]
        self.x_shape = x_shape
        pictures, self.filters, *size = self.conv.output_shape(x_shape)
        if self.pooled:
            size = [side // 2 for side in size]
        self.y_shape = (pictures, *size, padded(self.filters))  # as a map
        self.is_first = first.applies(self.filters, self.conv.in_channels)
        self.wants_features = self.name in features
        self.wants_gram = self.name in grams
        self.keeps = self.wants_features or self.wants_gram
        self.mask = self.y = None

    def allocate(self):
        self.mask = masks.empty(self.y_shape, self.bits)
        self.y = aligned(self.y_shape) if self.keeps else None

    @property
    def bits(self):
        """Those of the mask for one value."""
        return 4 if self.pooled else 1

    @property
    def nbytes(self):
        """What `allocate` takes."""
        return math.prod(self.y_shape) * (self.bits / 8 + 4 * self.keeps)

    def weight(self):
        """The weights as the kernels want them; read at every walk, so that changed weights are seen."""
        weight = self.conv.param("weight", np.float32)
        return weight if self.is_first else conv3x3.padded_weight(weight)

    def bias(self):
        bias = self.conv.param("bias", np.float32) if "bias" in self.conv.params else None
        return conv3x3.padded_bias(bias, self.filters)

    def colours_matrix(self):
        """(matrix, offset) of the 1x1 convolution, or None."""
        if self.colours is None:
            return None
        matrix = self.colours.param("weight", np.float32)[:, :, 0, 0]
        offset = self.colours.params.get("bias", np.zeros(len(matrix)))
        return matrix, offset.astype(np.float32)


def runs(layers, shape, dtype, features, grams):
    """Cut {name: layer} into runs of links and single layers, in their order: lists of `Link`, and names."""
    pieces, names, at = [], list(layers), 0
    taken = {*features, *grams}
    while at < len(names):
        found = _link_at(names[at : at + 4], layers, shape, dtype, taken)
        if found:
            link = Link(found, layers, shape, features, grams)
            if not pieces or not isinstance(pieces[-1], list) or link.is_first:
                pieces.append([])
            pieces[-1].append(link)
        else:
            found = names[at : at + 1]
            pieces.append(found[0])
        for name in found:
            shape = layers[name].output_shape(shape)
        at += len(found)
    return pieces


def _link_at(names, layers, shape, dtype, taken):
    """Those of the first names that make up a link, or none."""
    if dtype != np.float32 or forced() == "reference" or len(shape) != 4 or 0 in shape:
        return []
    found, whole = [], {"dilation": (1, 1), "groups": 1}
    if _is(Conv2d, names, layers, kernel_size=(1, 1), stride=(1, 1), padding=(0, 0), groups=1):
        colours, after = layers[names[0]], names[1:]
        few = colours.in_channels == colours.out_channels <= first.PIXEL
        if not few or names[0] in taken or not _is(Conv2d, after, layers, **whole):
            return []
        if not first.applies(layers[after[0]].out_channels, colours.in_channels):
            return []
        found, names = names[:1], after
    if not _is(Conv2d, names, layers, **whole) or not _is(ReLU, names[1:], layers) or names[0] in taken:
        return []
    conv = layers[names[0]]
    if not conv3x3.applies(dtype, conv.kernel_size, conv.stride, conv.padding):
        return []
    found = found + names[:2]
    height, width = conv.output_shape(shape)[2:]
    window = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    if first.applies(conv.out_channels, conv.in_channels):
        return found
    if _is(MaxPool2d, names[2:], layers, **window) and names[1] not in taken and min(height, width) > 1:
        if not layers[names[2]].ceil_mode or height % 2 == width % 2 == 0:
            found.append(names[2])
    return found


def _is(kind, names, layers, **settings):
    """Whether the first name is of a layer of exactly this kind, with these settings."""
    if not names or type(layers[names[0]]) is not kind:
        return False
    return all(getattr(layers[names[0]], key) == value for key, value in settings.items())


class Run:
    """A walk over consecutive links, forward and back; see the top of this file."""

    def __init__(self, links, last):
        """`last`: the plan ends here, so that nobody but this run will look at its last map."""
        self.links = links
        for below, link in pairwise(links):
            # A gradient may take the place of features that only the style wants: each block has read its own by then.
            below.in_place = below.wants_gram and not below.wants_features and _fuses_style(below, link)
        links[-1].in_place = False
        links[-1].keeps = links[-1].keeps or not last
        taking_turns = [link.y_shape for link in links if not (link.keeps and link.in_place)]
        self._turn_size = max(map(math.prod, taking_turns))
        # Forward those that nobody keeps, backward the gradient from above and those that find no place.
        uses = 1 + sum(not link.keeps for link in links) + sum(not link.in_place for link in links[:-1])
        self._turns, self._turn = [None] * min(uses, 2), 0
        head = links[0]
        self._first = first.First(*head.x_shape[1:], head.pad) if head.is_first else None
        self._walked = False

    @property
    def nbytes(self):
        """The memory that stays, once there has been a walk."""
        return sum(link.nbytes for link in self.links) + len(self._turns) * 4 * self._turn_size

    def _allocate(self):
        for link in self.links:
            link.allocate()
        self._turns = [aligned(self._turn_size) for _ in self._turns]

    def _next_turn(self, shape):
        self._turn = (self._turn + 1) % len(self._turns)
        return self._turns[self._turn][: math.prod(shape)].reshape(shape)

    def forward(self, x, outputs, sums=True):
        """The last link's output, (N, C, H, W); features, and if wanted Gram matrices, go to `outputs`."""
        self._walked = False  # until the end is reached: half a walk has nothing to go back on
        if self._turns[0] is None:
            self._allocate()
        flow = x if self._first else as_map(x)
        for link in self.links:
            y = self._next_turn(link.y_shape) if link.y is None else link.y
            forward = self._forward_first if link.is_first else self._forward_one
            found = forward(link, flow, y, link.wants_gram and sums)
            if link.wants_features:
                outputs.features[link.name] = as_maps(y, link.filters)
            if link.wants_gram and sums:
                outputs.grams[link.name] = _gram(y, link) if found is None else found
                outputs.positions[link.name] = y.shape[1] * y.shape[2]
            flow = y
        self._walked = True
        return as_maps(flow, self.links[-1].filters)

    def restrict(self, windows, outputs, sums):
        """Leave out of the Gram matrices what is not in their windows: features that are 0 count for nothing."""
        for link in self.links:
            if link.wants_gram:
                rows, columns = windows[link.name]
                for outside in (slice(None, rows.start), slice(rows.stop, None)):
                    link.y[:, outside] = 0
                for outside in (slice(None, columns.start), slice(columns.stop, None)):
                    link.y[:, rows, outside] = 0
                if sums:
                    outputs.grams[link.name] = _gram(link.y[:, rows], link)
                    outputs.positions[link.name] = (rows.stop - rows.start) * (columns.stop - columns.start)

    def _forward_first(self, link, x, y, wants_gram):
        """Returns the Gram matrix if it is wanted and was made on the way."""
        weight, bias, colours = link.weight(), link.bias(), link.colours_matrix()
        masks_of = link.mask.reshape(len(x), -1)
        if not wants_gram or not _fast_gram(link):
            for i in range(len(x)):
                self._first.forward(x[i], weight, bias, y[i], mask=masks_of[i], colours=colours)
            return None
        rows = schedule.gram_run(link.filters, y.shape[1])
        with _parts(-(-y.shape[1] // rows), link.filters) as parts:
            self._first.forward(x[0], weight, bias, y[0], mask=masks_of[0], colours=colours, run=rows, gram=parts)
            return gram.sum_of_parts(parts)

    def _forward_one(self, link, x, y, wants_gram):
        """Returns the Gram matrix if it is wanted and was made on the way."""
        how = {"bias": link.bias(), "mask": link.mask, "finish": RELU_POOL if link.pooled else RELU}
        stage, block = _plan(link, backward=False)
        if not wants_gram or link.pooled or stage != BLOCKS or not _fast_gram(link):
            conv3x3.run(x, link.weight(), link.pad, y, **how)
            return None
        blocks = -(-_tiles(link, backward=False) // block)
        run = schedule.gram_run(link.filters, blocks)
        with _parts(-(-blocks // run), link.filters) as parts:
            conv3x3.run(x, link.weight(), link.pad, y, **how, gram=parts, blocks=run)
            return gram.sum_of_parts(parts)

    def backward(self, flow, features, grams):
        """dL/dx, or None if no gradient came: the flow from above, by features, by Gram matrices."""
        if not self._walked:
            raise UserError("plan: backward takes place once after each forward, whose memory it uses up")
        self._walked = False
        gradient = None
        for link, below in zip(self.links[::-1], [*self.links[-2::-1], None], strict=True):
            if gradient is None:
                gradient = self._gathered(link, flow, features, grams)
                flow = None
            if gradient is not None:
                gradient = self._backward_one(link, below, gradient, features, grams)
        return gradient

    def _gathered(self, link, flow, features, grams):
        """The gradient of a link's convolution (if pooled, of its output), where nothing comes from a link above."""
        wanted = [g for g in (flow, features.get(link.name)) if g is not None]
        if not wanted and link.name not in grams:
            return None
        fits = math.prod(link.y_shape) <= self._turn_size  # else a gradient that begins here is rare, and has its own
        total = self._next_turn(link.y_shape) if fits else aligned(link.y_shape)
        if link.name in grams:
            _times(link, grams[link.name], total)
        else:
            total[:] = 0
        for gradient in wanted:
            total[..., : link.filters] += gradient.transpose(0, 2, 3, 1)
        if not link.pooled:
            masks.apply(link.mask, total)
        return total

    def _backward_one(self, link, below, gradient, features, grams):
        """From the gradient of one link's convolution to that of the link below, or to dx."""
        if link.is_first:
            weight, colours = link.weight(), link.colours_matrix()
            return np.stack([self._first.backward(dy, weight, colours=colours) for dy in gradient])
        how = {"transposed": True}
        if link.pooled:
            how |= {"unpool": link.mask, "size": link.conv.output_shape(link.x_shape)[2:]}
        if below is None:
            pictures, channels, height, width = link.x_shape
            dx = aligned((pictures, height, width, padded(channels)))
            conv3x3.run(gradient, link.weight(), 2 - link.pad, dx, **how)
            return as_maps(dx, channels)
        y = below.y if below.in_place else self._next_turn(below.y_shape)
        added = features.get(below.name)
        if below.name in grams:
            how["extra"] = y
            if _fuses_style(below, link) and added is None:
                how |= {"features": below.y, "style": gram.packed(_both_ways(grams[below.name]))}
            else:
                _times(below, grams[below.name], y)
                if added is not None:
                    y[..., : below.filters] += added.transpose(0, 2, 3, 1)
        elif added is not None:
            how["extra"] = as_map(added)
        if below.pooled:
            how["finish"] = ADDED if "extra" in how else PLAIN
        else:
            how |= {"finish": ADDED_MASKED if "extra" in how else MASKED, "mask": below.mask}
        conv3x3.run(gradient, link.weight(), 2 - link.pad, y, **how)
        return y


def _tiles(link, backward):
    height, width = link.x_shape[2:] if backward else link.conv.output_shape(link.x_shape)[2:]
    return conv3x3.tiles(link.x_shape[0], height, width)


def _plan(link, backward):
    """The kernel's plan for this convolution or its gradient: (BLOCKS or PANELS, tiles)."""
    both = padded(link.conv.in_channels), padded(link.filters)
    return schedule.plan(*(both[::-1] if backward else both), _tiles(link, backward))


def _fast_gram(link):
    return padded(link.filters) == link.filters and gram.applies(link.filters)


def _fuses_style(below, link):
    """Whether the gradient of `link` can add the style's gradient of the link below on its way."""
    return _fast_gram(below) and not link.is_first and _plan(link, backward=True)[0] == BLOCKS


@contextmanager
def _parts(parts, channels):
    with scratch(parts * channels * channels) as memory:
        yield memory[: parts * channels * channels].reshape(parts, channels, channels)


def _gram(y, link):
    pixels = y.reshape(-1, y.shape[3])
    if _fast_gram(link):
        return gram.gram(pixels)
    pixels = pixels[:, : link.filters]
    return pixels.T @ pixels


def _both_ways(d_gram):
    """dL/dF = (dL/dG + dL/dG^T) F."""
    return d_gram + d_gram.T


def _times(link, d_gram, out):
    """out = the gradient that a Gram matrix passes on to its features."""
    pixels, result = link.y.reshape(-1, link.y_shape[3]), out.reshape(-1, link.y_shape[3])
    if _fast_gram(link):
        gram.times(pixels, gram.packed(_both_ways(d_gram)), result)
    else:
        result[:] = 0
        result[:, : link.filters] = pixels[:, : link.filters] @ _both_ways(d_gram)
