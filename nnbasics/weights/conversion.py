"""Foreign weights to ours: which layer is which, the layout of its values, and the preprocessing as a layer.

A file is matched with every known network, by each scheme of names and at last by the order of its layers; the match
that fits most layers wins. Whether values lie (out, in, height, width) or (height, width, in, out) is plain from the
shapes, and a file of the second kind flattens height before channels too.
"""

import re
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nnbasics.errors import WeightsError, nearest
from nnbasics.weights import preprocessing as pre
from nnbasics.weights import tensors as own
from nnbasics.weights.architectures import ARCHITECTURES, SCHEMES
from nnbasics.weights.files import check_writable
from nnbasics.weights.readers import read

DTYPES = ("float16", "float32")
_KINDS = {"weight": "weight", "weights": "weight", "kernel": "weight", "w": "weight", "filters": "weight"}
_KINDS |= {"bias": "bias", "biases": "bias", "b": "bias"}
_KINDS |= {"gamma": "weight", "beta": "bias", "moving_mean": "mean", "moving_variance": "variance"}
_KINDS |= {"running_mean": "mean", "running_var": "variance"}
EPS = 1e-5  # of our batch normalisation


class Layer(NamedTuple):
    """A layer as the file has it."""

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    mean: np.ndarray | None = None
    variance: np.ndarray | None = None


class Match(NamedTuple):
    """One way to see a file as a network: its layer for each of our slots, and what is missing or left over."""

    architecture: str
    scheme: str | None  # None: by the order of the layers
    pairs: list  # (slot, layer)
    misfits: list  # (slot, layer that should be it but does not fit, or None)
    preprocess: Layer | None
    left_over: list

    @property
    def wrong(self):
        """The misfits that make it another network: all but the top, which may be absent."""
        return [(slot, layer) for slot, layer in self.misfits if not slot.top]

    @property
    def rank(self):
        """A VGG-19 with one broken layer is not a VGG-16 with three too many: both sides of a misfit count."""
        return len(self.pairs) - len(self.wrong) - len(self.left_over), self.scheme is not None


def convert(
    source, out, *, architecture=None, preprocessing=None, dtype="float16", overwrite=False, report=None, progress=None
):
    """Read a file of foreign weights and write them as ours.

    Parameters
    ----------
    source : path
        PyTorch (.pth, .pt), MatConvNet (.mat), Keras (.h5), ONNX, NumPy (.npz) or safetensors; told by its content.
    out : path
        Where to write, a safetensors file.
    architecture : str, optional
        One of `vgg11`, `vgg13`, `vgg16-c`, `vgg16`, `vgg19`, `alexnet`, `alexnet-paper`, `resnet18`, `resnet34`,
        `resnet50` (the paper's and Keras'), `resnet50-v1.5` (torchvision's) and so on; what fits best if not given.
    preprocessing : str, optional
        What pictures went through when the network was trained: `torchvision`, `caffe`, `matconvnet`, `signed` or
        `none`; if not given, what the file says or what is usual for its format.
    dtype : str
        `float16`, half the size and three decimal digits, or `float32`.
    report : callable, optional
        Called with each line of what was found.
    progress : callable, optional
        Called with the fraction that is done, from 0 to 1.

    Returns
    -------
    dict
        The metadata of the file written.

    Raises
    ------
    WeightsError
        If the file cannot be read, is unsafe or damaged, or is of no known network.
    """
    report, progress = report or _nothing, progress or _nothing
    if dtype not in DTYPES:
        raise WeightsError(f"no dtype is called {dtype!r}; {nearest(dtype, DTYPES)}")
    check_writable(out, overwrite)
    foreign, digest = read(source, lambda fraction: progress(0.5 * fraction))
    match = recognise(foreign.tensors, architecture)
    report(f"{source}: {foreign.format}, {_count(foreign.tensors)}")
    for line in (*describe(match), *_describe_others(foreign.tensors)):
        report(line)
    if match.wrong:
        raise WeightsError(f"{source} {_why_no_network(match, foreign.tensors)}")
    name, layer, why = choose_preprocessing(match, preprocessing, foreign.preprocessing)
    report(f"preprocessing {name} ({why})")
    metadata = {
        "architecture": match.architecture,
        "preprocessing": name,
        "dtype": dtype,
        "source": Path(source).name,
        "source_sha256": digest,
    }
    try:
        tensors = assemble(match, layer, dtype, lambda fraction: progress(0.5 + 0.4 * fraction))
    except WeightsError as error:
        raise WeightsError(f"{source} {error}") from None
    digest = own.write(out, tensors, metadata, overwrite)
    progress(1)
    report(f"wrote {out}: {dtype}, {Path(out).stat().st_size / 1e6:.1f} MB, sha256 {digest}")
    return metadata


def recognise(tensors, architecture=None):
    """The best match of named arrays with one architecture, or with any."""
    if architecture is not None and architecture not in ARCHITECTURES:
        raise WeightsError(f"no architecture is called {architecture!r}; {nearest(architecture, ARCHITECTURES)}")
    layers = _layers(tensors)
    candidates = [architecture] if architecture else ARCHITECTURES
    matches = [_match(layers, name, scheme) for name in candidates for scheme in (*SCHEMES, None)]
    return max(matches, key=lambda match: match.rank)


def choose_preprocessing(match, asked=None, of_the_file=None):
    """Name, weight and bias, and reason of the preprocessing: asked for, or in the file, or usual for its names."""
    if asked is not None:
        return pre.describe(asked), pre.named(asked).layer(), "as asked for"
    if match.preprocess is not None:
        layer = tuple(np.asarray(values, np.float32) for values in match.preprocess[1:3])
        return pre.recognised(*layer), layer, f"the file's own layer {match.preprocess.name}"
    if of_the_file is not None:
        return f"{of_the_file}", of_the_file.layer(), "as the file says"
    usual = SCHEMES[match.scheme].preprocessing if match.scheme else "torchvision"
    return (
        pre.describe(usual),
        pre.named(usual).layer(),
        "the file does not say; change it with --preprocessing",
    )


def assemble(match, preprocess, dtype, progress=None):
    """Our tensors by name, in `dtype`; `preprocess` in float32, where it is exact, and batch normalisation."""
    found = {"preprocess.weight": preprocess[0].reshape(3, 3, 1, 1), "preprocess.bias": preprocess[1].reshape(3)}
    layout, progress = _layout(match.pairs), progress or _nothing
    shifts = {slot.norm: layer.bias for slot, layer in match.pairs if slot.norm and layer.bias is not None}
    eps = SCHEMES[match.scheme].eps if match.scheme else EPS
    done, total = 0, sum(layer.weight.size for _, layer in match.pairs)
    for slot, layer in match.pairs:
        parts = {"weight": _arranged(slot, layer.weight, layout)}
        if slot.is_norm:
            parts |= _normalization(layer, shifts.get(slot.name, 0), eps)
        elif not slot.norm:
            parts["bias"] = layer.bias.reshape(-1)
        for kind, values in parts.items():
            name = f"{slot.name}.{kind}"
            if not np.isfinite(values).all():
                raise WeightsError(f"has values in {layer.name} ({name}) that are NaN or infinite: it is broken")
            values = _rounded(name, values, "float32" if slot.is_norm else dtype)
            found[name] = values.reshape(len(values), -1) if slot.top and kind == "weight" else values
        done += layer.weight.size
        progress(done / total)
    return found


def _normalization(layer, shift, eps):
    """Batch normalisation as ours: with our epsilon, behind a convolution whose bias is taken off the mean instead."""
    return {
        "bias": layer.bias.reshape(-1),
        "running_mean": layer.mean.reshape(-1) - shift,
        "running_var": layer.variance.reshape(-1) + (eps - EPS),
    }


def _nothing(what):
    """When nobody wants to know."""


def _rounded(name, values, dtype):
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(values, dtype)
    if not np.isfinite(rounded).all():
        raise WeightsError(
            f"has a value of {np.abs(values).max():g} in {name}, too large for {dtype}; say --dtype float32"
        )
    return rounded


def _layers(tensors):
    """Arrays grouped by layer, in the order of the file."""
    groups = {}
    for name, array in tensors.items():
        layer, kind = _split(name)
        if kind and array.dtype.kind == "f":
            groups.setdefault(layer, {})[kind] = array
    return {
        name: Layer(name, group["weight"], group.get("bias"), group.get("mean"), group.get("variance"))
        for name, group in groups.items()
        if "weight" in group
    }


def _split(name):
    """Layer and kind of `conv1_1.weight`, `conv1_1_W`, `conv1_1/kernel:0`; the kind of anything else is None."""
    parts = re.fullmatch(r"(.+?)[./_]((?:moving_|running_)?[A-Za-z]+)(:0)?", name)
    return (parts[1], _KINDS.get(parts[2].lower())) if parts else (name, None)


def _match(layers, architecture, scheme):
    slots = ARCHITECTURES[architecture]
    preprocess = layers.get("preprocess")
    if preprocess is None and layers:
        first = next(iter(layers.values()))
        preprocess = first if first.weight.shape == (3, 3, 1, 1) and first.bias is not None else None
    rest = {name: layer for name, layer in layers.items() if layer is not preprocess}
    if scheme is None:
        wanted = dict(zip((slot.name for slot in slots), rest.values(), strict=False))
    else:
        wanted = {slot.name: rest.get(slot.name if scheme == "own" else slot.aliases.get(scheme)) for slot in slots}
    pairs, misfits = [], []
    for slot in slots:
        layer = wanted.get(slot.name)
        (pairs if layer and _fits(slot, layer) else misfits).append((slot, layer))
    if any(slot.top for slot, _ in misfits):  # half a top is none
        misfits += [(slot, None) for slot, _ in pairs if slot.top]
        pairs = [(slot, layer) for slot, layer in pairs if not slot.top]
    used = {layer.name for _, layer in pairs}
    left_over = [layer for name, layer in rest.items() if name not in used]
    return Match(architecture, scheme, pairs, misfits, preprocess, left_over)


def _ways(slot, shape):
    """Whether `shape` fits the slot as it is, and whether it fits with the last axes first: (in, out) or HWIO."""
    turned = (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape[::-1]
    return tuple(_same(slot, candidate) for candidate in (shape, turned))


def _same(slot, shape):
    if slot.top and len(shape) == 4:  # a fully connected layer kept as a convolution over the whole map
        shape = (shape[0], prod(shape[1:]))
    return len(shape) == len(slot.shape) and all(
        want in (None, got) for want, got in zip(slot.shape, shape, strict=True)
    )


def _fits(slot, layer):
    vectors = [layer.bias, layer.mean, layer.variance] if slot.is_norm else [layer.bias]
    if slot.norm and layer.bias is None:
        vectors = []
    sizes = [None if vector is None else vector.size for vector in vectors]
    return any(_ways(slot, layer.weight.shape)) and all(size in _outs(slot, layer) for size in sizes)


def _outs(slot, layer):
    return [shape for shape in (slot.shape[0],) if shape] or list(layer.weight.shape)


def _layout(pairs):
    """Whether the convolutions are (height, width, in, out), and whether the matrices are (in, out)."""
    turned = [(layer.weight.ndim, not _ways(slot, layer.weight.shape)[0]) for slot, layer in pairs]
    return (4, True) in turned, (2, True) in turned


def _arranged(slot, weight, layout):
    """The weight as (out, in, height, width) or (out, in); that behind maps may be (out, channel, height, width) too.

    Always a view: what is going to be rounded to float16 should not be copied in float32 before.
    """
    channels_last, in_first = layout
    if weight.ndim == 4:
        return weight.transpose(3, 2, 0, 1) if channels_last else weight
    weight = weight.T if in_first else weight
    if slot.maps and channels_last:
        if in_first:
            return weight.T.reshape(*slot.maps, -1, len(weight)).transpose(3, 2, 0, 1)
        return weight.reshape(len(weight), *slot.maps, -1).transpose(0, 3, 1, 2)
    return weight


def describe(match):
    """What was found, a line for each layer, and what does not fit."""
    by = SCHEMES[match.scheme].title if match.scheme else "the order of the layers"
    yield f"{match.architecture}, by {by}:"
    if match.preprocess is not None:
        yield f"  preprocess <- {match.preprocess.name}  {match.preprocess.weight.shape}"
    width = max([10, *(len(slot.name) for slot, _ in match.pairs)])
    for slot, layer in match.pairs:
        yield f"  {slot.name:{width}} <- {layer.name}  {layer.weight.shape}"
    for slot, layer in match.misfits:
        if not slot.top or layer is not None:
            yield f"  {_misfit(slot, layer)}"
    if any(slot.top for slot, _ in match.misfits):
        yield "  no fully connected layers: the network gives features, not classes"
    for layer in match.left_over:
        yield f"  left out: {layer.name}  {layer.weight.shape}"


def _describe_others(tensors):
    layers = _layers(tensors)
    others = [name for name in tensors if _split(name)[0] not in layers or _split(name)[1] is None]
    if others:
        more = ", ..." if len(others) > 4 else ""
        yield f"  left out, as no layer's weight or bias: {', '.join(name[:80] for name in others[:4])}{more}"


def _misfit(slot, layer):
    if layer is None:
        return f"{slot.name} {slot.shape} is missing"
    if layer.bias is None and not slot.norm:
        return f"{slot.name} has no bias in {layer.name}"
    if slot.is_norm and (layer.mean is None or layer.variance is None):
        return f"{slot.name} has no running statistics in {layer.name}"
    return f"{slot.name} should be {slot.shape}, and {layer.name} is {layer.weight.shape}"


def _why_no_network(match, tensors):
    normalized = any(name.endswith(("running_mean", "moving_mean")) for name in tensors)
    if normalized and not match.architecture.startswith("resnet"):
        return f"has batch normalisation, and the {match.architecture} here has none: convert one trained without"
    if not match.pairs:
        return f"has no layers of a known network ({', '.join(ARCHITECTURES)})"
    more = f", and {len(match.wrong) - 1} more" if len(match.wrong) > 1 else ""
    return f"is no whole {match.architecture}: {_misfit(*match.wrong[0])}{more}"


def _count(tensors):
    return f"{len(tensors)} tensors, {sum(array.size for array in tensors.values()):,} values"
