"""The lecture's two rows of pictures: what each depth of a network keeps of a picture's content, and of its style."""

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.layers.base import whole
from nnbasics.style.objective import Objective
from nnbasics.visualize.inversion import invert, start, walk
from nnbasics.visualize.looking import as_x

CONTENT_LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def content_reconstructions(net, picture, layers=CONTENT_LAYERS, **settings):
    """(a) to (e): the picture found again from each layer alone.

    The deeper layers let go of pixels and keep what is where.

    Parameters
    ----------
    net : Sequential
    picture : path, name of a shipped picture, Pillow image, or (H, W, 3) array
    layers : sequence of str
    **settings
        Of `invert`: size, iterations, seed, and the prior. Without any of those, alpha_weight and tv_weight are 0: the
        lecture's content loss alone.

    Returns
    -------
    list of (str, ndarray)
        Captions and (H, W, 3) pictures.
    """
    prior = {"alpha_weight": 0.0, "tv_weight": 0.0}
    return [(layer, invert(net, picture, layer, **{**prior, **settings})) for layer in layers]


def style_reconstructions(
    net, picture, layers=STYLE_LAYERS, *, size=224, iterations=200, seed=0, progress=None, callback=None
):
    """(a) to (e): from white noise to the style of the picture, on the first layer, the first two, ..., on all.

    The more layers, the larger the pieces of the picture that come back; nothing says where they belong.

    Returns
    -------
    list of (str, ndarray)
        Captions and (H, W, 3) pictures.
    """
    x0 = as_x(pictures.resize(pictures.read(picture), whole(size, "size")))
    rows = []
    for depth in range(1, len(layers) + 1):
        weights = {layer: 1 / depth for layer in layers[:depth]}
        objective = Objective(
            net,
            x0,
            x0,
            content_weight=0,
            style_weight=1 / _gram_size(net, x0, weights),
            content_layers={},
            style_layers=weights,
        )
        x = start("noise", (*x0.shape[2:], 3), seed)
        caption = layers[0] if depth == 1 else f"{layers[0]} to {layers[depth - 1]}"
        rows.append((caption, walk(objective, x, iterations, progress, callback)))
    return rows


def _gram_size(net, x0, weights):
    """The style loss of a grey picture, which makes the loss about 1 at the start, whatever the layers."""
    objective = Objective(net, x0, x0, content_weight=0, style_weight=1, content_layers={}, style_layers=weights)
    return objective(np.full_like(x0, 0.5))[0] or 1.0
