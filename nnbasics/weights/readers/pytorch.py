"""PyTorch's .pth and .pt files without PyTorch: those of today (a zip) and of before 1.6 (one pickle after another).

Both hold a pickle that describes tensors as views on numbered storages, and the storages as raw bytes. The pickle is
read by `nnbasics.weights.pickles`, which executes nothing.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from nnbasics.errors import WeightsError
from nnbasics.weights import pickles
from nnbasics.weights.bits import stored, widened
from nnbasics.weights.pickles import Call, Name, Persistent, PickleError
from nnbasics.weights.readers import Foreign, zips

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # the first thing in a file from before PyTorch 1.6, pickled
PICKLE_LIMIT = 4 << 20

_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
_ORDERED_DICT = Name("collections", "OrderedDict")
_TENSORS = {Name("torch._utils", "_rebuild_tensor_v2"), Name("torch._utils", "_rebuild_tensor")}
_PARAMETER = Name("torch._utils", "_rebuild_parameter")
_HARMLESS = {_ORDERED_DICT, _PARAMETER, *_TENSORS} | {  # the last few are beside the weights in many checkpoints
    Name("torch", "device"),
    Name("torch", "Size"),
    Name("argparse", "Namespace"),
    Name("_codecs", "encode"),
    Name("numpy", "dtype"),
    Name("numpy", "ndarray"),
    Name("numpy.core.multiarray", "_reconstruct"),
    Name("numpy._core.multiarray", "_reconstruct"),
    Name("numpy.core.multiarray", "scalar"),
    Name("numpy._core.multiarray", "scalar"),
}


class _Storage(NamedTuple):
    key: str
    dtype: str
    count: int


class _View(NamedTuple):
    """What `torch._utils._rebuild_tensor_v2` is told: a strided window on a storage."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


def recognises_legacy(start):
    return start[:1] == b"\x80" and LEGACY_MAGIC.to_bytes(10, "little") in start


def read_legacy(path, file, size):
    """The tensors of a file from before PyTorch 1.6, by name, as views on what was read."""
    limit = min(size, PICKLE_LIMIT)
    magic, protocol, system = (pickles.read(file, limit)[0] for _ in range(3))
    if magic != LEGACY_MAGIC or protocol != 1001:
        raise WeightsError("is an old PyTorch file of an unknown protocol")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise WeightsError("is an old PyTorch file from a big-endian machine; save it again with a newer PyTorch")
    views = _views(*pickles.read(file, limit))
    wanted = _storages(views)
    keys, _ = pickles.read(file, limit)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise PickleError("holds a damaged pickle: its list of storages cannot be read")
    found = {}
    for key in keys:
        storage = wanted.get(key)
        count = int.from_bytes(file.read(8), "little", signed=True)
        if storage is None or storage.count != count or key in found:
            raise WeightsError(f"is damaged: storage {key[:40]} has {count:,} values, against what its pickle says")
        found[key] = widened(_fill(file, size, storage), storage.dtype)
    return Foreign("PyTorch (before 1.6)", _tensors(views, found))


def _fill(file, size, storage):
    dtype = stored(storage.dtype)
    wanted = storage.count * dtype.itemsize
    left = size - file.tell()
    if wanted > left:
        raise WeightsError(f"is cut short: {wanted:,} bytes of values should follow where {left:,} are left")
    values = np.empty(storage.count, dtype)
    if values.size and file.readinto(memoryview(values).cast("B")) != wanted:
        raise WeightsError("is cut short")
    return values


def read_zip(path, file, size):
    """The tensors of a PyTorch file by name, as views on what was read."""
    with zips.opened(file, size) as archive:
        names = [name for name in archive.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(names) != 1:
            raise WeightsError("is a zip archive, but not one of PyTorch's: it has no data.pkl inside")
        root = names[0].removesuffix("data.pkl")
        if any(name.startswith(root + "code/") for name in archive.namelist()):
            raise WeightsError("is a TorchScript program; torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth')")
        if root + "byteorder" in archive.NameToInfo:
            with archive.open(root + "byteorder") as order:
                if order.read(6) != b"little":
                    raise WeightsError("is a PyTorch file from a big-endian machine, which is not read")
        pickled = archive.getinfo(names[0]).file_size
        with archive.open(names[0]) as data:
            views = _views(*pickles.read(data, min(pickled, PICKLE_LIMIT)))
        found = {}
        for key, storage in _storages(views).items():
            name = f"{root}data/{key}"
            if name not in archive.NameToInfo:
                raise WeightsError(f"is damaged: the values of storage {key[:40]} are missing")
            values = zips.array(archive, archive.getinfo(name), stored(storage.dtype), storage.count)
            found[key] = widened(values, storage.dtype)
        return Foreign("PyTorch", _tensors(views, found))


def _views(loaded, names):
    """The tensors of a state dict, or of a checkpoint that has one inside, described by name."""
    outer = _items(loaded)
    if any(_is_module(value) for value in (loaded, *(outer or {}).values())):
        raise PickleError(
            "holds a whole pickled model, and reading that would execute code; "
            "in PyTorch: torch.save(model.state_dict(), 'weights.pth'), and convert that"
        )
    for name in names:
        if name not in _HARMLESS and not (name.module == "torch" and name.name in _STORAGES):
            raise PickleError(f"wants to call {str(name)[:80]}: refused, nothing in a pickle is ever executed")
    if outer is None:
        raise WeightsError("holds no state dict: a dict of names and tensors was expected")
    candidates = [outer, *(inner for value in outer.values() if (inner := _items(value)) is not None)]
    candidates = {id(items): items for items in candidates}  # one that stands there a thousand times is looked at once
    found = max((_described(items) for items in candidates.values()), key=len)
    if not found:
        raise WeightsError("holds no tensors with names: a PyTorch state dict was expected")
    return found


def _is_module(value):
    return isinstance(value, Call) and isinstance(value.state, dict) and "_modules" in value.state


def _items(value):
    """The items of a dict or OrderedDict."""
    if isinstance(value, dict):
        return value
    return value.items if isinstance(value, Call) and value.function == _ORDERED_DICT else None


def _described(items):
    views = {name: _view(name, value) for name, value in items.items() if isinstance(name, str)}
    return {name.removeprefix("module."): view for name, view in views.items() if view is not None}


def _view(name, value):
    if isinstance(value, Call) and value.function == _PARAMETER and value.arguments:
        value = value.arguments[0]
    if not isinstance(value, Call) or value.function not in _TENSORS:
        return None  # an epoch, a learning rate ...
    match value.arguments:
        case (Persistent() as reference, offset, tuple(shape), tuple(strides), *_):
            whole = all(type(number) is int and 0 <= number < 1 << 40 for number in (offset, *shape, *strides))
            if whole and len(shape) == len(strides) <= 8:
                return _View(_storage(reference), offset, shape, strides)
    raise PickleError(f"describes the tensor {name[:80]} in a way that makes no sense")


def _storage(reference):
    match reference.key:
        case ("storage", Name(module="torch", name=kind), str(key), _, count, *_) if kind in _STORAGES:
            if type(count) is int and count >= 0:
                return _Storage(key, _STORAGES[kind], count)
    raise PickleError("describes a storage in a way that makes no sense")


def _storages(views):
    found = {}
    for view in views.values():
        if found.setdefault(view.storage.key, view.storage) != view.storage:
            raise PickleError("describes one storage in two ways")
    return found


def _tensors(views, storages):
    return {name: _window(name, view, storages.get(view.storage.key)) for name, view in views.items()}


def _window(name, view, values):
    if values is None:
        raise WeightsError(f"is damaged: the values of {name[:80]} are missing")
    count = prod(view.shape)
    last = view.offset + sum((n - 1) * step for n, step in zip(view.shape, view.strides, strict=True))
    if count > values.size > last:
        raise WeightsError(
            f"has {name[:80]} {view.shape}, which repeats its {values.size:,} stored values: save tensor.contiguous()"
        )
    if count and last >= values.size:
        raise WeightsError(f"is damaged: {name[:80]} {view.shape} reaches beyond its {values.size:,} stored values")
    window = np.lib.stride_tricks.as_strided(
        values[view.offset :], view.shape, [step * values.itemsize for step in view.strides], writeable=False
    )
    return window
