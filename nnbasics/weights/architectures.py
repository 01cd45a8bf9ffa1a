"""The networks whose weights can be converted: our names for their layers, the shapes, and what others call them."""

from typing import NamedTuple

VGG = {  # kernel sizes of the convolutions, block by block: configurations A to E of Simonyan and Zisserman
    "vgg11": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "vgg13": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "vgg16-c": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "vgg16": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "vgg19": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}


class Slot(NamedTuple):
    """A layer with weights: our name, the shape of its weight, and its name in each scheme of `SCHEMES`.

    None in a shape fits any number: a network may have been trained on classes of its own.
    """

    name: str
    shape: tuple
    aliases: dict

    @property
    def top(self):
        """Whether it belongs to the fully connected top, which a network may go without."""
        return len(self.shape) == 2


SCHEMES = {  # how a file names its layers: what to call that, and the preprocessing that usually goes with it
    "own": ("Caffe's names", "caffe"),
    "torchvision": ("torchvision's names", "torchvision"),
    "caffe": ("the names of VGG converted from Caffe to PyTorch", "caffe"),
    "features": ("the numbers of torchvision's `features`", "torchvision"),
    "keras": ("Keras' names", "caffe"),
}


def vgg(configuration, widths=(64, 128, 256, 512, 512), hidden=4096):
    """The slots of a VGG, given the kernel sizes of its convolutions block by block."""
    slots, index, channels = [], 0, 3
    for block, (kernels, width) in enumerate(zip(configuration, widths, strict=True), 1):
        for number, kernel in enumerate(kernels, 1):
            features = f"features.{index}"
            aliases = {"torchvision": features, "caffe": features, "features": str(index)}
            aliases["keras"] = f"block{block}_conv{number}"
            slots.append(Slot(f"conv{block}_{number}", (width, channels, kernel, kernel), aliases))
            index, channels = index + 2, width  # a convolution and its ReLU
        index += 1  # the pooling
    return [
        *slots,
        Slot(
            "fc6", (hidden, channels * 7 * 7), {"torchvision": "classifier.0", "caffe": "classifier.1", "keras": "fc1"}
        ),
        Slot("fc7", (hidden, hidden), {"torchvision": "classifier.3", "caffe": "classifier.4", "keras": "fc2"}),
        Slot("fc8", (None, hidden), {"torchvision": "classifier.6", "caffe": "classifier.6", "keras": "predictions"}),
    ]


ARCHITECTURES = {name: vgg(configuration) for name, configuration in VGG.items()}


def shapes(architecture):
    """The shape of each of our tensors by name, for a network without its fully connected top."""
    found = {"preprocess.weight": (3, 3, 1, 1), "preprocess.bias": (3,)}
    for slot in ARCHITECTURES[architecture]:
        if not slot.top:
            found |= {f"{slot.name}.weight": slot.shape, f"{slot.name}.bias": slot.shape[:1]}
    return found
