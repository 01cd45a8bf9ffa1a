"""What each idea of the engine buys: the same work with it and without it. Run: python -m benchmarks.ideas

Each idea is one function (with_it) -> a function without arguments that does the work once. Without it means what one
would write otherwise, or the library with that one decision turned the other way, in a process of its own.
"""

import os

import numpy as np

from benchmarks.interleave import race, ratio
from benchmarks.report import write

ONE = (1, 1)


def _maps(*shape):
    """Random (N, C, H, W), channels-last in memory."""
    n, c, h, w = (int(size) for size in shape)
    return np.random.default_rng(0).standard_normal((n, h, w, c), np.float32).transpose(0, 3, 1, 2)


def _weight(filters, channels, size=3):
    return np.random.default_rng(1).standard_normal((filters, channels, size, size), np.float32)


def _forward(kernels, channels, size):
    x, weight = _maps(1, channels, size, size), _weight(channels, channels)
    return lambda: kernels.conv2d(x, weight, None, ONE, ONE)


def product_of_matrices(with_it):
    """Convolution as a product of matrices, against its definition in plain loops."""
    from nnbasics.kernels import im2col, reference

    return _forward(im2col if with_it else reference, 64, 32)


def tiles(with_it):
    """im2col a tile at a time, against the whole matrix of windows."""
    from nnbasics.kernels import im2col

    if not with_it:
        im2col.COLUMNS_BYTES = 1 << 40
    return _forward(im2col, 128, 256)


def winograd(with_it):
    """Winograd's transform on our register tile, against tiled im2col on BLAS."""
    from nnbasics.kernels import conv3x3, im2col

    return _forward(conv3x3 if with_it else im2col, 128, 256)


def blocks(with_it):
    """A block of tiles through all steps in the cache, against all tiles through each step."""
    from nnbasics.kernels import conv3x3, schedule, winograd

    if not with_it:
        schedule.plan = lambda channels, filters, tiles: (winograd.PANELS, tiles)
    return _forward(conv3x3, 64, 512)


def panels(with_it):
    """512 channels: filters made panel by panel for shared tiles, against blocks of tiles with all filters."""
    from nnbasics.kernels import conv3x3, schedule, winograd
    from nnbasics.kernels.machine import VARIANT

    if not with_it:
        schedule.plan = lambda channels, filters, tiles: (winograd.BLOCKS, 2 * VARIANT.tall)
    return _forward(conv3x3, 512, 32)


def bits(with_it):
    """Convolution, ReLU and pooling, forward and back, as one step that keeps bits, against three layers."""
    from nnbasics import Conv2d, MaxPool2d, ReLU, Sequential

    net = Sequential({"conv": Conv2d(64, 64, 3, padding=1, rng=0), "relu": ReLU(), "pool": MaxPool2d(2)}).freeze()
    x, dy = _maps(1, 64, 512, 512), _maps(1, 64, 256, 256)
    plan = net.plan(x.shape, ["pool"])

    def walk():
        if with_it:
            plan.forward(x)
            plan.backward({"pool": dy})
        else:
            net.forward(x)
            net.backward(dy)

    return walk


def plan(with_it):
    """Loss and gradient at 512 px on a plan, against the network layer by layer (Winograd in both)."""
    from benchmarks.contenders import our_closure
    from nnbasics.layers import fused

    if not with_it:
        fused.runs = lambda layers, *rest: list(layers)
    return our_closure(512)


def joined(with_it):
    """The style's gradient added block by block where a convolution writes, against passes of its own."""
    from benchmarks.contenders import our_closure
    from nnbasics.layers import fused

    if not with_it:
        fused._fuses_style = lambda below, link: False
    return our_closure(512)


def vectors(with_it):
    """Loss and gradient at 256 px with this machine's vectors, against vectors of four numbers."""
    if not with_it:
        os.environ["NNBASICS_KERNELS"] = "plain"
    from benchmarks.contenders import our_closure

    return our_closure(256)


def lanes(with_it):
    """LeNet-5's training step, batch 256: one picture a lane, against im2col."""
    from benchmarks.contenders import our_training
    from nnbasics.kernels import direct

    if not with_it:
        direct.applies = lambda dtype, x_shape: False
    return our_training("lenet5", 256)


def own_threads(with_it):
    """LeNet-5's training step, batch 256: fully connected layers on our threads, against BLAS's."""
    from benchmarks.contenders import our_training
    from nnbasics.kernels import choose

    if not with_it:
        choose.WORTH = np.inf
    return our_training("lenet5", 256)


def passes(with_it):
    """Batch normalisation of 128 pictures, forward and back, in five passes, against one for each operation."""
    from nnbasics import BatchNorm2d

    x, dy = _maps(128, 16, 32, 32), _maps(128, 16, 32, 32)
    norm = BatchNorm2d(16)

    def ours():
        norm.forward(x)
        return norm.backward(dy)

    def numpys():
        def spread(values):
            return values.astype(np.float32)[:, None, None]

        axes, count = (0, 2, 3), x.size / x.shape[1]
        mean = x.mean(axis=axes)
        centred = x - spread(mean)
        scale = spread(1 / np.sqrt((centred**2).mean(axis=axes) + 1e-5))
        xhat = centred * scale
        y = spread(norm.params["weight"]) * xhat + spread(norm.params["bias"])
        dweight, dbias = (dy * xhat).sum(axis=axes), dy.sum(axis=axes)
        dx = dy - spread(dbias / count) - xhat * spread(dweight / count)
        return y, spread(norm.params["weight"]) * scale * dx

    return ours if with_it else numpys


IDEAS = {
    idea.__name__: (idea, where)
    for idea, where in (
        (product_of_matrices, "64 to 64, 32 px"),
        (tiles, "128 to 128, 256 px"),
        (winograd, "128 to 128, 256 px"),
        (blocks, "64 to 64, 512 px"),
        (panels, "512 to 512, 32 px"),
        (bits, "64 to 64, 512 px"),
        (plan, "VGG-19"),
        (joined, "VGG-19"),
        (vectors, "VGG-19"),
        (lanes, "LeNet-5"),
        (own_threads, "LeNet-5"),
        (passes, "16 maps of 32x32"),
    )
}


def make(name, with_it):
    """The contender "idea NAME with" or "idea NAME without"."""
    return IDEAS[name][0](with_it == "with")


def main(names=tuple(IDEAS), rounds=7):
    rows = []
    for name in names:
        idea, where = IDEAS[name]
        contenders = [f"idea {name} {how}" for how in ("without", "with")]
        found = race(contenders, rounds)
        times, memory = zip(*(found[words] for words in contenders), strict=True)
        milliseconds = [f"{np.median(t) * 1e3:.1f} ms" for t in times]
        megabytes = [f"{m:.0f} MB" for m in memory]
        rows.append([name.replace("_", " "), idea.__doc__, where, *milliseconds, ratio(*times), *megabytes])
    head = ["", "with it, against without", "measured on", "without", "with", "times as fast (range)"]
    write("ideas", "What each idea buys, two threads", [*head, "memory without", "with"], rows)


if __name__ == "__main__":
    main()
