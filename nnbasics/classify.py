"""What is in a picture: the classes that a trained network gives it, most probable first."""

import numpy as np

from nnbasics.data import picture as pictures
from nnbasics.errors import WeightsError
from nnbasics.layers.activation import Softmax

MARGIN = 256 / 224  # the picture's shorter side is made so many times as long as what is looked at, its middle


def classify(source, weights="resnet50", count=5):
    """The most probable classes of a picture.

    Parameters
    ----------
    source : path, Pillow image or (H, W, 3) array
        Or the name of a shipped picture.
    weights : str, path or Weights
        A name that `nnbasics weights list` shows, or a file, of a network with its fully connected top.
    count : int

    Returns
    -------
    list of (str, float)
        Names and probabilities; "class 285" where the weights have no names.

    Raises
    ------
    WeightsError
        If the weights are not here, or of a network without a top.

    Examples
    --------
    >>> classify("cat")[0][0]
    'Egyptian cat'
    """
    from nnbasics.weights import load

    weights = load(weights) if not hasattr(weights, "metadata") else weights
    net = network(weights)
    return top(net.forward(crop(pictures.read(source), net.input_shape[1]))[0], names(weights), count)


def network(weights):
    """The network that these weights are of, frozen and in use, from RGB in [0, 1] to one number for each class."""
    from nnbasics.models import alexnet, resnet, vgg19

    architecture = weights.metadata.get("architecture", "")
    if architecture.startswith("resnet"):
        net = resnet(int(architecture.removeprefix("resnet").partition("-")[0]), weights)
    elif architecture.startswith("alexnet"):
        net = alexnet(weights=weights)
    elif architecture == "vgg19":
        net = vgg19(weights)
    else:
        raise WeightsError(
            f"{weights.path} is of {architecture or 'an unknown network'}, which cannot name pictures here"
        )
    if len(net.output_shape((1, *net.input_shape))) != 2:
        raise WeightsError(f"{weights.path} has no fully connected top: it finds features, and names no pictures")
    return net


def names(weights):
    """The names of the classes, if the weights have some."""
    return weights.metadata["classes"].split("\n") if "classes" in weights.metadata else None


def crop(picture, side):
    """The middle of a picture as a network is fed with it, (1, 3, side, side)."""
    shorter = round(MARGIN * side)
    scale = shorter / min(picture.shape[:2])
    picture = pictures.resize_to(picture, *(max(shorter, round(scale * size)) for size in picture.shape[:2]))
    up, left = ((size - side) // 2 for size in picture.shape[:2])
    return np.ascontiguousarray(picture[up : up + side, left : left + side].transpose(2, 0, 1)[None])


def top(scores, names=None, count=5):
    """The largest of a network's scores as probabilities, with the names of their classes.

    Parameters
    ----------
    scores : ndarray, (classes,)
        Scores, or probabilities already (none below 0, adding up to 1).
    names : sequence of str, optional
    count : int

    Returns
    -------
    list of (str, float)
    """
    probable = scores if _adds_up(scores) else Softmax().forward(scores[None])[0]
    best = np.argsort(-probable, kind="stable")[:count]
    return [(names[i] if names else f"class {i}", float(probable[i])) for i in best]


def _adds_up(scores):
    return scores.min() >= 0 and abs(float(scores.sum(dtype=np.float64)) - 1) < 1e-4


def register(subparsers):
    """Add `classify` to an argparse parser's `subparsers`."""
    parser = subparsers.add_parser(
        "classify",
        help="name what is in a picture",
        description="Name what is in a picture, one of 1000 kinds of things, by a ResNet-50; its weights are optional, "
        "and come by: nnbasics weights fetch resnet50",
    )
    parser.add_argument("picture", metavar="PICTURE", help="a file, or the name of a shipped picture")
    parser.add_argument("--weights", metavar="NAME|FILE", default="resnet50", help="(default: %(default)s)")
    parser.set_defaults(run=run)


def run(arguments):
    """Print the five most probable names with their probabilities."""
    for name, probability in classify(arguments.picture, arguments.weights):
        print(f"{probability:6.1%}  {name}")
