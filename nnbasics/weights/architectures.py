"""The networks whose weights can be converted: our names for their layers, the shapes, and what others call them."""

from typing import NamedTuple

VGG = {  # kernel sizes of the convolutions, block by block: configurations A to E of Simonyan and Zisserman
    "vgg11": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "vgg13": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "vgg16-c": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "vgg16": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "vgg19": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
ALEXNET = {  # maps, the channels that a filter sees, and its size, for each convolution; torchvision's, and the paper's
    "alexnet": ((64, 3, 11), (192, 64, 5), (384, 192, 3), (256, 384, 3), (256, 256, 3)),
    "alexnet-paper": ((96, 3, 11), (256, 48, 5), (384, 256, 3), (384, 192, 3), (256, 192, 3)),
}
RESNET = {  # blocks in each stage, and how many convolutions a block has
    "resnet18": ((2, 2, 2, 2), 2),
    "resnet34": ((3, 4, 6, 3), 2),
    "resnet50": ((3, 4, 6, 3), 3),
    "resnet101": ((3, 4, 23, 3), 3),
    "resnet152": ((3, 8, 36, 3), 3),
}


class Slot(NamedTuple):
    """A layer with weights: our name, the shape of its weight, and its name in each scheme of `SCHEMES`.

    None in a shape fits any number: a network may have been trained on classes of its own. A shape of one number is
    batch normalisation's, which has a running mean and variance too.
    """

    name: str
    shape: tuple
    aliases: dict
    maps: tuple = ()  # height and width of the maps that a fully connected layer is the first to flatten
    norm: str = ""  # the batch normalisation behind a convolution; it has the bias

    @property
    def top(self):
        """Whether it belongs to the fully connected top, which a network may go without."""
        return len(self.shape) == 2

    @property
    def is_norm(self):
        return len(self.shape) == 1


class Scheme(NamedTuple):
    """How a file names its layers: what to call that, the usual preprocessing, and batch normalisation's epsilon."""

    title: str
    preprocessing: str
    eps: float = 1e-5


SCHEMES = {
    "own": Scheme("Caffe's names", "caffe"),
    "torchvision": Scheme("torchvision's names", "torchvision"),
    "caffe": Scheme("the names of VGG converted from Caffe to PyTorch", "caffe"),
    "features": Scheme("the numbers of torchvision's `features`", "torchvision"),
    "keras": Scheme("Keras' names", "caffe", 1e-3),
    "keras 2": Scheme("the names of Keras since 2.2.5", "caffe", 1.001e-5),
    "flax": Scheme("Flax' names", "torchvision"),
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
    torchvision = ("classifier.0", "classifier.3", "classifier.6")
    caffe, keras = ("classifier.1", "classifier.4", "classifier.6"), ("fc1", "fc2", "predictions")
    return [*slots, *_top(channels, (7, 7), hidden, {"torchvision": torchvision, "caffe": caffe, "keras": keras})]


def _top(channels, maps, hidden, names):
    """The three fully connected layers that VGG and AlexNet have, and what the schemes call them."""
    shapes = (hidden, channels * maps[0] * maps[1]), (hidden, hidden), (None, hidden)
    for number, shape in enumerate(shapes):
        aliases = {scheme: found[number] for scheme, found in names.items()}
        yield Slot(f"fc{number + 6}", shape, aliases, maps if number == 0 else ())


def alexnet(convolutions, hidden=4096):
    """The slots of an AlexNet; torchvision's has the only other names."""
    slots = []
    for number, (place, (maps, seen, kernel)) in enumerate(zip((0, 3, 6, 8, 10), convolutions, strict=True), 1):
        aliases = {"torchvision": f"features.{place}", "features": str(place)}
        aliases["flax"] = f"AlexNet_0.Conv_{number - 1}"
        slots.append(Slot(f"conv{number}", (maps, seen, kernel, kernel), aliases))
    names = {"torchvision": ("classifier.1", "classifier.4", "classifier.6")}
    return [*slots, *_top(convolutions[-1][0], (6, 6), hidden, names)]


def resnet(blocks, convolutions, narrowest=64):
    """The slots of a residual network, given the blocks of each stage and the convolutions of a block."""
    slots = _normalized("conv1", "bn1", (narrowest, 3, 7, 7), _resnet_names(0, 0, "stem"))
    channels = narrowest
    for stage, count in enumerate(blocks, 2):
        width = narrowest * 2 ** (stage - 2)
        out = 4 * width if convolutions == 3 else width
        shapes = {2: ((width, None, 3, 3), (width, width, 3, 3))}
        shapes[3] = ((width, None, 1, 1), (width, width, 3, 3), (out, width, 1, 1))
        for block in range(1, count + 1):
            ours = f"block{stage}_{block}"
            for number, shape in enumerate(shapes[convolutions], 1):
                shape = tuple(channels if size is None else size for size in shape)
                names = _resnet_names(stage, block, number)
                slots += _normalized(f"{ours}.body.conv{number}", f"{ours}.body.bn{number}", shape, names)
            if channels != out:
                names = _resnet_names(stage, block, "shortcut")
                slots += _normalized(f"{ours}.shortcut.conv", f"{ours}.shortcut.bn", (out, channels, 1, 1), names)
            channels = out
    aliases = {"torchvision": "fc", "keras": "fc1000", "keras 2": "predictions"}
    return [*slots, Slot("fc", (None, channels), aliases)]


def _normalized(conv, norm, shape, names):
    """A convolution and its batch normalisation; `names` has both for each scheme."""
    convs, norms = ({scheme: both[place] for scheme, both in names.items()} for place in (0, 1))
    return [Slot(conv, shape, convs, norm=norm), Slot(norm, shape[:1], norms)]


def _resnet_names(stage, block, number):
    """What the schemes call a convolution and its normalisation: the stem's, a shortcut's, or by number in a block."""
    if number == "stem":
        return {"torchvision": ("conv1", "bn1"), "keras": ("conv1", "bn_conv1"), "keras 2": ("conv1_conv", "conv1_bn")}
    place = f"layer{stage - 1}.{block - 1}"
    theirs = (f"{place}.downsample.0", f"{place}.downsample.1")
    letter = chr(ord("a") + block - 1)  # of ResNet-50, the only one that is to be had under these names
    branch = f"{stage}{letter}_branch" + ("1" if number == "shortcut" else f"2{'abc'[number - 1]}")
    second = f"conv{stage}_block{block}_{0 if number == 'shortcut' else number}"
    return {
        "torchvision": theirs if number == "shortcut" else (f"{place}.conv{number}", f"{place}.bn{number}"),
        "keras": (f"res{branch}", f"bn{branch}"),
        "keras 2": (f"{second}_conv", f"{second}_bn"),
    }


def _resnets():
    """The deeper ones are there twice: torchvision's have the stride in another convolution than Keras' and Caffe's."""
    found = {}
    for name, plan in RESNET.items():
        slots = resnet(*plan)
        if plan[1] == 2:
            found[name] = slots
            continue
        found[name] = [_only(slot, ("keras", "keras 2")) for slot in slots]
        found[f"{name}-v1.5"] = [_only(slot, ("torchvision",)) for slot in slots]
    return found


def _only(slot, schemes):
    return slot._replace(aliases={scheme: slot.aliases[scheme] for scheme in schemes})


ARCHITECTURES = {name: vgg(configuration) for name, configuration in VGG.items()}
ARCHITECTURES |= {name: alexnet(convolutions) for name, convolutions in ALEXNET.items()}
ARCHITECTURES |= _resnets()


def shapes(architecture, classes=None):
    """The shape of each of our tensors by name; without the fully connected top, if there are no `classes`."""
    found = {"preprocess.weight": (3, 3, 1, 1), "preprocess.bias": (3,)}
    for slot in ARCHITECTURES[architecture]:
        if slot.top and classes is None:
            continue
        shape = tuple(classes if size is None else size for size in slot.shape)
        kinds = ["running_mean", "running_var"] if slot.is_norm else []
        found[f"{slot.name}.weight"] = shape
        found |= {f"{slot.name}.{kind}": shape[:1] for kind in (["bias"] if not slot.norm else []) + kinds}
    return found
