"""Residual networks: every block adds a correction to what it was given, so that depth costs nothing to pass through.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015.
"""

import numpy as np

from nnbasics.errors import UserError, nearest
from nnbasics.layers.activation import Identity, ReLU
from nnbasics.layers.base import whole
from nnbasics.layers.containers import Residual, Sequential
from nnbasics.layers.convolution import Conv2d
from nnbasics.layers.linear import Flatten, Linear
from nnbasics.layers.normalization import BatchNorm2d
from nnbasics.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from nnbasics.layers.residual import PadChannels, StochasticDepth
from nnbasics.models.state import given, trained

IMAGENET = {  # how many blocks each of the four stages has, and whether they are bottlenecks: the paper's table 1
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
SHORTCUTS = ("A", "B", "none")


def resnet(
    depth,
    weights=None,
    *,
    classes=None,
    top=True,
    shortcut=None,
    survival=1.0,
    in_channels=3,
    width=None,
    stride_in="1x1",
    rng=None,
):
    """A residual network: for ImageNet (depth 18, 34, 50, 101, 152) or for CIFAR (6 n + 2: 20, 32, 44, 56, 110 ...).

    Its layers are conv1 bn1 relu1 (pool1) block2_1 relu2_1 block2_2 relu2_2 ... avgpool flatten fc, named after the
    paper's stages; fc gives the scores that `CrossEntropyLoss` takes. Each block is a `Residual` of conv1 bn1 relu1
    conv2 bn2, or of three convolutions, the bottleneck, from depth 50. 50 and 152 are the ImageNet networks.

    Parameters
    ----------
    depth : int
        How many layers with weights lie on the longest way, shortcuts not counted.
    weights : str, path or mapping, optional
        A name that `nnbasics weights list` shows ("resnet50"), a file, or {"conv1.weight": array, ...}: then the
        network is frozen and in use, takes RGB in [0, 1], and has its top if they have one; see `vgg19`. Random
        weights, if not given.
    classes : int, optional
        1000 for ImageNet, 10 for CIFAR.
    top : bool
        Whether there are avgpool, flatten and fc.
    shortcut : "A", "B" or "none", optional
        What a block adds to its body where the shape changes: every second pixel and maps of zeros (A, no parameters;
        CIFAR's default), or a 1x1 convolution with batch normalisation (B, ImageNet's). "none" leaves all shortcuts
        out: the plain network that the paper compares with.
    survival : float
        Stochastic depth, if less than 1: block l of L is open with probability 1 - l / L (1 - survival); Huang has 0.5.
    in_channels : int
    width : int, optional
        Maps of the first stage; 64 for ImageNet, 16 for CIFAR.
    stride_in : "1x1" or "3x3"
        Which convolution of a bottleneck takes the stride: the paper's, or torchvision's.
    rng : None, int, numpy.random.Generator or "zeros"
        Where the first weights come from, layer after layer; see `he`.

    Returns
    -------
    Sequential
        x (N, in_channels, H, W), made for 224x224 or 32x32, to scores (N, classes).

    Raises
    ------
    UserError
        If there is no network of this depth.

    Examples
    --------
    >>> net = resnet(34, shortcut="A", rng="zeros")
    >>> round(net.multiply_adds((1, 3, 224, 224)) / 1e9, 1)
    3.6
    """
    if weights is not None:
        weights = given(weights)
        torchvision = getattr(weights, "metadata", {}).get("architecture", "").endswith("-v1.5")
        settings = {"shortcut": shortcut, "width": width, "stride_in": "3x3" if torchvision else stride_in}
        classes = [*np.shape(weights.get("fc.weight")), classes][0]
        net = resnet(
            depth, classes=classes, top="fc.weight" in weights, in_channels=in_channels, **settings, rng="zeros"
        )
        return trained(net, weights)
    counts, bottleneck, imagenet = _table(depth)
    shortcut = shortcut or ("B" if imagenet else "A")
    if shortcut not in SHORTCUTS:
        raise UserError(f"resnet: no shortcut is called {shortcut!r}; {nearest(shortcut, SHORTCUTS)}")
    if stride_in not in ("1x1", "3x3"):
        raise UserError(f'resnet: stride_in={stride_in!r}; "1x1" or "3x3" was expected')
    rng = rng if isinstance(rng, str) else np.random.default_rng(rng)
    width = whole(width or (64 if imagenet else 16), "width")
    layers = _stem(in_channels, width, imagenet, rng)
    channels, number = width, 0
    for stage, count in enumerate(counts):
        for block in range(count):
            number += 1
            out = width * 2**stage * (4 if bottleneck else 1)
            stride = 2 if stage > 0 and block == 0 else 1
            body = (_bottleneck if bottleneck else _basic)(channels, out, stride, stride_in, rng)
            open_with = 1 - number / sum(counts) * (1 - survival)
            name = f"{stage + 2}_{block + 1}"
            layers[f"block{name}"] = _block(body, _shortcut(shortcut, channels, out, stride, rng), open_with, rng)
            layers[f"relu{name}"] = ReLU()
            channels = out
    if top:
        fc = Linear(channels, classes or (1000 if imagenet else 10), rng=rng)
        layers |= {"avgpool": GlobalAvgPool2d(), "flatten": Flatten(), "fc": fc}
    net = Sequential(layers)
    net.input_shape = (in_channels, *((224, 224) if imagenet else (32, 32)))
    return net


def _table(depth):
    """Blocks of each stage, whether they are bottlenecks, and whether the network is one for ImageNet."""
    depth = whole(depth, "depth")
    if depth in IMAGENET:
        return *IMAGENET[depth], True
    if depth < 8 or depth % 6 != 2:
        raise UserError(
            f"resnet: there is no network of depth {depth}; {', '.join(map(str, IMAGENET))} are for ImageNet, "
            "6 n + 2 (8, 14, 20, 26, 32 ...) for CIFAR"
        )
    return (depth // 6,) * 3, False, False


def _stem(in_channels, width, imagenet, rng):
    """What comes before the blocks: for large pictures two halvings, for 32x32 none."""
    kernel, stride = (7, 2) if imagenet else (3, 1)
    layers = _convolved("1", in_channels, width, kernel, stride, rng) | {"relu1": ReLU()}
    return layers | ({"pool1": MaxPool2d(3, stride=2, padding=1)} if imagenet else {})


def _convolved(number, in_channels, out_channels, kernel, stride, rng):
    """A convolution and its batch normalisation, which has the bias."""
    conv = Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False, rng=rng)
    return {f"conv{number}": conv, f"bn{number}": BatchNorm2d(out_channels)}


def _basic(channels, out, stride, stride_in, rng):
    first = _convolved("1", channels, out, 3, stride, rng)
    return Sequential(first | {"relu1": ReLU()} | _convolved("2", out, out, 3, 1, rng))


def _bottleneck(channels, out, stride, stride_in, rng):
    narrow, strides = out // 4, (stride, 1) if stride_in == "1x1" else (1, stride)
    first = _convolved("1", channels, narrow, 1, strides[0], rng)
    second = _convolved("2", narrow, narrow, 3, strides[1], rng)
    third = _convolved("3", narrow, out, 1, 1, rng)
    return Sequential(first | {"relu1": ReLU()} | second | {"relu2": ReLU()} | third)


def _shortcut(option, channels, out, stride, rng):
    """The way around a block, None if there is none."""
    if option == "none":
        return None
    if channels == out and stride == 1:
        return Identity()
    if option == "B":
        return Sequential(_convolved("", channels, out, 1, stride, rng))
    return Sequential({"every": AvgPool2d(1, stride), "pad": PadChannels(out)})


def _block(body, shortcut, open_with, rng):
    if shortcut is None:
        return body
    if open_with == 1:
        return Residual(body, shortcut)
    return StochasticDepth(body, shortcut, open_with, rng if isinstance(rng, np.random.Generator) else None)
