"""The original VGG-19 from the normalised one: the scale that every filter had before its mean was made 1.

A filter of a ReLU network can be made m times as large, and what reads it m times as small, and the network computes
the same. The normalised VGG-19 was made so, and its file does not tell the m of a filter. But training leaves a trace
of it. Weight decay pulls at what goes into a filter and at what comes out of it, while the loss does not care how a
factor is shared between the two; so after long training they are equal::

    sum of w^2 going in (and the bias's)  =  sum of w^2 coming out

These equations, one for each filter, have one solution where the ends of the chain are known. Pixels are one end. How
large the features of a layer are on the whole is known for some layers from outside, and held to.
"""

import numpy as np

from nnbasics.weights.store import Weights

MEANS = {"conv1_1": 18.1, "conv2_1": 62.1, "conv3_1": 57.5, "conv4_1": 273.0, "conv4_2": 276.0, "conv5_1": 24.0}
"""How large features are in the original VGG-19, as means over the filters of a layer.

The installation notes of neural-style and neural-style-pt print the losses of a grey picture. With these means the
shipped pictures have the same, on average; from picture to picture they differ by a tenth.
"""
LAST = {"conv5_4": 0.25}  # the other end: so that relu5_1's is what it is without being held
ROUNDS = 200  # more than enough; each is a few products of 512 x 512 matrices


def original(weights):
    """The weights of a normalised VGG-19 as they were before: a network of the same outputs, scaled.

    Parameters
    ----------
    weights : Weights
        As `load("vgg19-normalised")` returns them.

    Returns
    -------
    Weights
        Of the same name and sha256: what they were made from.
    """
    scales = filter_scales(weights)
    found, before = Weights(weights, weights.name, weights.path, weights.sha256, weights.metadata), 1.0
    for name, scale in scales.items():
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        by = (scale[:, None] / before)[..., None, None]
        found[f"{name}.weight"] = (weight * by).astype(weight.dtype)
        found[f"{name}.bias"] = (bias * scale).astype(bias.dtype)
        before = scale
    return found


def filter_scales(weights, means=None):
    """{convolution: m of each of its filters}, in the order of the network.

    Parameters
    ----------
    weights : dict of str to ndarray
        "conv1_1.weight", "conv1_1.bias", ...; those called "preprocess" do not count.
    means : dict of str to float, optional
        What the mean of m is in some of the layers, the last among them.
    """
    means = {**MEANS, **LAST} if means is None else means
    names = sorted(name.removesuffix(".weight") for name in weights if name.startswith("conv") and "weight" in name)
    squares = [np.square(weights[f"{name}.weight"], dtype=np.float64).sum(axis=(2, 3)) for name in names]
    biases = [np.square(weights[f"{name}.bias"], dtype=np.float64) for name in names]
    pixels = np.ones(squares[0].shape[1])
    scales = {name: np.full(len(bias), means.get(name, 1.0)) for name, bias in zip(names, biases, strict=True)}
    for _ in range(ROUNDS):
        for i, name in enumerate(names[:-1]):
            before = scales[names[i - 1]] if i else pixels
            going_in = squares[i] @ before**-2.0 + biases[i]
            coming_out = scales[names[i + 1]] ** 2 @ squares[i + 1]
            scale = (coming_out / going_in) ** 0.25
            scales[name] = scale * (means[name] / scale.mean()) if name in means else scale
    return scales
