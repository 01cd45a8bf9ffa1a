"""Keras' .h5 files: weights alone, whole models, and the .weights.h5 of Keras 3. Runs apart, see there."""

import numpy as np

from nnbasics.errors import WeightsError
from nnbasics.weights.readers.own import counted

MAX_GROWTH = 4  # weights hardly compress
MAX_NODES = 20_000
_KINDS = {"kernel": "weight", "W": "weight", "bias": "bias", "b": "bias", "gamma": "weight", "beta": "bias"}
_STATISTICS = ("moving_mean", "moving_variance")


def read(path):
    """Arrays as layer.weight and layer.bias, (height, width, in, out) or (in, out); and no metadata."""
    try:
        import h5py
    except ImportError:
        raise WeightsError("is an HDF5 file, and h5py is needed to read it: pip install h5py") from None
    with h5py.File(path, "r") as file:
        top = file["model_weights"] if "model_weights" in file else file
        sizes = {where: node.nbytes for where, node in _datasets(h5py, top) if _is_array(node)}
        if sum(sizes.values()) > MAX_GROWTH * file.id.get_filesize() + (4 << 20):
            raise WeightsError(f"unpacks to {sum(sizes.values()):,} bytes: a bomb, or no file of weights")
        places = [where for where in sorted(sizes, key=counted) if _name(where)]
        return {_name(where): np.asarray(top[where.removeprefix("/")][()]) for where in places}, {}


def _is_array(dataset):
    """Whether it holds real numbers, and not strings, references or nothing."""
    return dataset.dtype.kind == "f" and dataset.shape is not None


def _datasets(h5py, group, where="", left=None):
    """Every dataset of the file itself and its place: no link to other files or places is followed."""
    left = [MAX_NODES] if left is None else left
    if where.count("/") > 8:
        raise WeightsError("has groups within groups without end")
    for name in group:
        left[0] -= 1
        if left[0] < 0:
            raise WeightsError(f"has more than {MAX_NODES:,} entries, too many for a file of weights")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise WeightsError(f"has a link to elsewhere at {where}/{name}, which is not followed"[:200])
        node = group[name]
        if isinstance(node, h5py.Group):
            yield from _datasets(h5py, node, f"{where}/{name}", left)
        elif isinstance(node, h5py.Dataset):
            if node.external or node.is_virtual:
                raise WeightsError(f"keeps the values of {where}/{name} in other files, which are not read"[:200])
            yield f"{where}/{name}", node


def _name(where):
    """`/block1_conv1/block1_conv1_W_1:0`, `/fc1/fc1/kernel:0` and `/layers/conv2d/vars/0` as layer.weight."""
    *groups, last = where.strip("/").split("/")
    if groups[-1:] == ["vars"] and last in ("0", "1"):
        return f"{groups[-2]}.{'weight' if last == '0' else 'bias'}" if len(groups) > 1 else None
    last = last.removesuffix(":0")
    statistic = next((name for name in _STATISTICS if last.endswith(name)), None)
    words = last.removesuffix("_1").split("_")
    kind = statistic or _KINDS.get(words[-1])
    layer = groups[0] if groups else "_".join(words[:-1])
    return f"{layer}.{kind}" if kind and layer else None
