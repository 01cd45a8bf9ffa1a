"""A VGG-19 with few channels, and the files that other libraries would write of it."""

import numpy as np

from nnbasics.weights.architectures import VGG, vgg

SLOTS = vgg(VGG["vgg19"], widths=(4, 8, 8, 8, 8), hidden=16)
CLASSES = 10
TORCHVISION = "0 2 5 7 10 12 14 16 19 21 23 25 28 30 32 34".split()  # of the convolutions in `features`
CONVOLUTIONS = [slot.name for slot in SLOTS if not slot.top]
KERAS = [f"block{name[4]}_{name[:4]}{name[6]}" for name in CONVOLUTIONS] + ["fc1", "fc2", "predictions"]


def weights(seed=0, top=True):
    """Values by our names, float32."""
    rng = np.random.default_rng(seed)
    found = {}
    for slot in SLOTS:
        if top or not slot.top:
            shape = [CLASSES if size is None else size for size in slot.shape]
            found[f"{slot.name}.weight"] = rng.normal(0, 0.1, shape).astype(np.float32)
            found[f"{slot.name}.bias"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)
    return found


def renamed(values, names):
    """The same values with other names for the layers, in the order of the network."""
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in values))
    others = dict(zip(layers, names, strict=False))
    return {
        f"{others[layer]}.{kind}": array
        for (layer, _, kind), array in ((k.rpartition("."), v) for k, v in values.items())
    }


def torchvision(values):
    names = [f"features.{index}" for index in TORCHVISION] + ["classifier.0", "classifier.3", "classifier.6"]
    return renamed(values, names)


def channels_last(name, array):
    """A value as Keras and TensorFlow keep it: HWIO, and (in, out) after flattening height, width, channel."""
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if name == "fc6.weight":
        return array.reshape(len(array), -1, 7, 7).transpose(2, 3, 1, 0).reshape(-1, len(array))
    return array.T if array.ndim == 2 else array
