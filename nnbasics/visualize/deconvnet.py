"""Deconvnet: what in a picture made a filter speak, found by walking the network backwards."""

import numpy as np

from nnbasics.errors import UserError, nearest
from nnbasics.layers.activation import ReLU
from nnbasics.layers.base import whole
from nnbasics.visualize.looking import channel_of, image_of
from nnbasics.visualize.receptive import receptive_field

RULES = ("deconvnet", "gradient", "guided")


def deconvnet(net, x, layer, channel=None, position=None, rule="deconvnet"):
    """Project one activation back to the picture.

    All other activations of the layer are set to 0; then, downwards, each layer is undone: a convolution by its
    transpose, max pooling by putting values back where the maximum was (the switches of the forward walk), and ReLU ::

        deconvnet   by a ReLU:  what is negative on the way down stops         max(dy, 0)
        gradient    by its derivative:  what was stopped on the way up stops   dy [x > 0]
        guided      by both

    Parameters
    ----------
    net : Sequential
    x : ndarray, (1, 3, H, W)
    layer : str
    channel : int, optional
        The filter; the one that speaks loudest of all if not given.
    position : (int, int), optional
        Row and column in the layer's map; where the filter speaks loudest if not given.
    rule : "deconvnet", "gradient" or "guided"

    Returns
    -------
    ndarray, (1, 3, H, W)
        The pattern, of both signs; `as_picture` makes it visible.

    References
    ----------
    Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2013. Guided: Springenberg et al., "Striving
    for simplicity: the all convolutional net", 2014.
    """
    if rule not in RULES:
        raise UserError(f"deconvnet: no rule is called {rule!r}; {nearest(rule, RULES)}")
    channel = channel_of(net, layer, channel)
    walk = [net.layers[name].sharing().freeze() for name in net.up_to([layer])]
    y = x
    for passed in walk:
        y = passed.forward(y)
    channel, position = _place(y, layer, channel, position)
    dy = np.zeros_like(y)
    dy[(0, channel, *position)] = y[(0, channel, *position)]
    for passed in reversed(walk):
        if isinstance(passed, ReLU) and rule != "gradient":
            dy = np.maximum(dy if rule == "deconvnet" else passed.backward(dy), 0)
        else:
            dy = passed.backward(dy)
    return dy


def _place(y, layer, channel, position):
    """Which channel and position is meant, where these speak loudest if they are not given."""
    if y.ndim != 4 or len(y) != 1:
        raise UserError(f"deconvnet: {layer} gives {y.shape}; one picture, and a layer of maps, were expected")
    maps = y[0] if channel is None else y[0, channel : channel + 1]
    if position is not None:
        position = tuple(whole(at, "position", 0) for at in position)
        if len(position) != 2 or position[0] >= y.shape[2] or position[1] >= y.shape[3]:
            raise UserError(f"deconvnet: {layer} has maps of {y.shape[2:]}, and no position {position}")
        found = maps[:, position[0], position[1]].argmax()
        return found if channel is None else channel, position
    found, row, column = np.unravel_index(maps.argmax(), maps.shape)
    return found if channel is None else channel, (row, column)


def saliency(net, x, label=None):
    """How much each pixel moves the score of a class: the largest |dscore/dx| over the colours.

    Parameters
    ----------
    net : Sequential
        Whose last layer gives scores (1, classes).
    x : ndarray, (1, 3, H, W)
    label : int, optional
        The class; the winning one if not given.

    Returns
    -------
    ndarray, (H, W)

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks", 2013.
    """
    scores = net.forward(x)
    if scores.ndim != 2 or len(scores) != 1:
        raise UserError(
            f"saliency: the network gives {scores.shape}; scores of one picture, (1, classes), were expected"
        )
    label = int(scores.argmax()) if label is None else whole(label, "label", 0)
    if label >= scores.shape[1]:
        raise UserError(f"saliency: there is no class {label}; they are numbered from 0 to {scores.shape[1] - 1}")
    dy = np.zeros_like(scores)
    dy[0, label] = 1
    return np.abs(net.backward(dy)[0]).max(axis=0)


def top_patches(net, xs, layer, channel, most=9, rule="deconvnet"):
    """The pieces of pictures that a filter likes best, each from another picture, with what in them it was.

    Parameters
    ----------
    net : Sequential
    xs : iterable of ndarray, (1, 3, H, W)
        Pictures, which may differ in size.
    layer : str
    channel : int
    most : int

    Returns
    -------
    list of (float, ndarray, ndarray)
        Activation, the piece of the picture (h, w, 3) that the filter saw, and the projection of the activation there,
        loudest first. Pieces at a border are smaller.
    """
    channel = channel_of(net, layer, channel)
    field = receptive_field(net, layer)
    found = []
    for x in xs:
        y = net.activations(x, [layer])[layer][0, channel]
        position = np.unravel_index(y.argmax(), y.shape)
        found.append((float(y[position]), position, x))
    found.sort(key=lambda one: -one[0])
    patches = []
    for loudness, position, x in found[: whole(most, "most")]:
        rows, columns = field.patch(position, x.shape[2:])
        projected = as_picture(deconvnet(net, x, layer, channel, position, rule)[:, :, rows, columns])
        patches.append((loudness, image_of(x)[rows, columns], projected))
    return patches


def as_picture(pattern):
    """A pattern of both signs, (1, 3, H, W), as a picture (H, W, 3): 0 is grey, the largest size black or white."""
    largest = np.abs(pattern).max()
    return image_of(0.5 + pattern / (2 * largest) if largest > 0 else np.full_like(pattern, 0.5))
