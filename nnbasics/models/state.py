"""What a network has learned, as arrays by name: parameters, and the running statistics of its batch normalisation."""

from collections.abc import Mapping

import numpy as np

from nnbasics.errors import WeightsError
from nnbasics.layers.containers import Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.normalization import BatchNorm2d

STATISTICS = ("running_mean", "running_var")


def state(net):
    """Everything that a network has learned, for `weights.save` and `fill`.

    Parameters
    ----------
    net : Layer

    Returns
    -------
    dict of str to ndarray
        Under "layer.key" as in ``net.params``, then the running statistics under "layer.running_mean" and
        "layer.running_var"; the network's own arrays, not copies.
    """
    statistics = {f"{name}{key}": getattr(layer, key) for name, layer in _normalizations(net) for key in STATISTICS}
    return {**net.params, **statistics}


def fill(net, weights):
    """Give `net` the arrays of `weights`, named as `state` names them; refuse what is missing, misshapen or left over.

    The parameters are used as they are, not copied.

    Raises
    ------
    WeightsError
        Nothing has been changed then.
    """
    wanted = state(net)
    for key, array in wanted.items():
        if key not in weights:
            raise WeightsError(f"these weights have no {key}, of shape {array.shape}: they are of another network")
        shape = np.shape(weights[key])
        if shape != array.shape:
            raise WeightsError(
                f"{key} has shape {shape} in these weights, {array.shape} in the network: they are of another one"
            )
    unknown = [key for key in weights if key not in wanted]
    if unknown:
        raise WeightsError(f"these weights have {unknown[0]}, which the network has not: they are of another network")
    for key in net.params:
        net.params[key] = np.asarray(weights[key])
    for name, layer in _normalizations(net):
        for key in STATISTICS:
            setattr(layer, key, np.array(weights[f"{name}{key}"], np.float64))


def given(weights):
    """The arrays that somebody means by `weights`: a mapping as it is, a name or a file loaded and checked."""
    if isinstance(weights, Mapping):
        return weights
    from nnbasics.weights import load

    return load(weights)


def trained(net, weights):
    """`net` with the arrays of `weights`, frozen and in use; it begins with the layer "preprocess" if they have one.

    That layer is a 1x1 convolution, which turns RGB in [0, 1] into what the network was trained on.
    """
    if "preprocess.weight" in weights:
        made_for = net.input_shape
        net = Sequential({"preprocess": Conv2d(3, 3, 1, rng="zeros"), **net.layers})
        net.input_shape = made_for
    fill(net, weights)
    return net.freeze().eval()


def walk(net, name=""):
    """(name, layer) of a network and of every layer in it, however deep."""
    yield name, net
    for key, layer in getattr(net, "layers", {}).items():
        yield from walk(layer, f"{name}.{key}" if name else key)


def _normalizations(net):
    """(what its statistics are called up to their own name, layer) of each batch normalisation in a network."""
    return [(f"{name}." if name else "", layer) for name, layer in walk(net) if isinstance(layer, BatchNorm2d)]
