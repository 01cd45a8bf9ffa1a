"""What a network's pictures went through in training, as a 1x1 convolution on RGB in [0, 1]: the layer `preprocess`."""

from typing import NamedTuple

import numpy as np

from nnbasics.errors import WeightsError, nearest


class Preprocessing(NamedTuple):
    """y = (order(x) * scale - mean) / std, channel by channel; mean and std in the order of the network's channels."""

    order: str
    scale: float
    mean: tuple
    std: tuple

    def layer(self):
        """Weight (3, 3, 1, 1) and bias (3,) of the convolution, float32."""
        weight = np.zeros((3, 3, 1, 1))
        for channel, colour in enumerate(self.order):
            weight[channel, "RGB".index(colour), 0, 0] = self.scale / self.std[channel]
        bias = -np.array(self.mean) / np.array(self.std)
        return weight.astype(np.float32), bias.astype(np.float32)

    def __str__(self):
        text = f"{self.order} times {self.scale:g}" if self.scale != 1 else f"{self.order} in [0, 1]"
        if any(self.mean):
            text += " minus (" + ", ".join(f"{value:g}" for value in self.mean) + ")"
        if self.std != (1, 1, 1):
            text += " divided by (" + ", ".join(f"{value:g}" for value in self.std) + ")"
        return text


PREPROCESSING = {
    "caffe": Preprocessing("BGR", 255.0, (103.939, 116.779, 123.68), (1, 1, 1)),
    "torchvision": Preprocessing("RGB", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "matconvnet": Preprocessing("RGB", 255.0, (123.68, 116.779, 103.939), (1, 1, 1)),
    "signed": Preprocessing("RGB", 2.0, (1, 1, 1), (1, 1, 1)),
    "none": Preprocessing("RGB", 1.0, (0, 0, 0), (1, 1, 1)),
}


def named(name):
    """The preprocessing called `name`."""
    if name not in PREPROCESSING:
        raise WeightsError(f"no preprocessing is called {name!r}; {nearest(name, PREPROCESSING)}")
    return PREPROCESSING[name]


def describe(name):
    """A preprocessing in words: its name, and what it does."""
    return f"{name}: {named(name)}"


def recognised(weight, bias):
    """What a preprocessing layer does, in words: one of ours by name, or only that it is the file's own."""
    for name, known in PREPROCESSING.items():
        if all(np.allclose(*pair, rtol=1e-6) for pair in zip(known.layer(), (weight, bias), strict=True)):
            return describe(name)
    return "the file's own layer"
