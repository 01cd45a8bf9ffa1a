"""What all ways of seeing inside share: pictures as inputs and back, and whether a layer can be looked at."""

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.base import whole

PIXELS = 256  # of a side on which a layer's number of channels is asked for: any that is not too small would do


def as_x(image):
    """(H, W, 3) as (1, 3, H, W)."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None])


def image_of(x):
    """(1, 3, H, W) as (H, W, 3) float32 in [0, 1]."""
    return np.clip(x[0].transpose(1, 2, 0), 0, 1).astype(np.float32, copy=False)


def channel_of(net, layer, channel):
    """`channel` (or None), if that layer is there and has it; else a `UserError` says what there is."""
    shape = (1, 3, PIXELS, PIXELS)
    for name in net.up_to([layer]):
        shape = net.layers[name].output_shape(shape)
    if channel is None:
        return None
    channel = whole(channel, "channel", 0)
    if channel >= shape[1]:
        raise UserError(f"{layer} has no channel {channel}: its {shape[1]} are numbered from 0 to {shape[1] - 1}")
    return channel


def room_for(net, layer):
    """Pixels of a side that leave one position at a layer of this depth."""
    side = 1
    for name in net.up_to([layer]):
        side *= getattr(net.layers[name], "stride", (1, 1))[0]
    return side
