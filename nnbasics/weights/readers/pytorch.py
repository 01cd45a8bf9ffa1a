"""PyTorch's .pth and .pt files without PyTorch: those of today (a zip) and of before 1.6 (one pickle after another).

Both hold a pickle that describes tensors as views on numbered storages, and the storages as raw bytes. The pickle is
read by `nnbasics.weights.pickles`, which executes nothing.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from nnbasics.errors import WeightsError
from nnbasics.weights import pickles
from nnbasics.weights.pickles import Call, Name, Persistent, PickleError
from nnbasics.weights.readers import Foreign, zips

LEGACY_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
PICKLE_LIMIT = 4 << 20

_STORAGES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
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


def recognises(start):
    return start.startswith(LEGACY_MAGIC)


def read(file, size):
    """The tensors of a PyTorch file by name, as views on what was read."""
    file.seek(0)
    if file.read(4) == b"PK\x03\x04":
        return Foreign("PyTorch", _read_zip(file, size))
    return Foreign("PyTorch (before 1.6)", _read_legacy(file, size))


def _read_legacy(file, size):
    file.seek(len(LEGACY_MAGIC))
    limit = min(size, PICKLE_LIMIT)
    if pickles.read(file, limit) != 1001:
        raise WeightsError("is an old PyTorch file of an unknown protocol")
    system = pickles.read(file, limit)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise WeightsError("is an old PyTorch file from a big-endian machine; save it again with a newer PyTorch")
    views = _views(pickles.read(file, limit))
    wanted = _storages(views)
    keys = pickles.read(file, limit)
    if not isinstance(keys, list) or len(keys) > len(wanted) or not all(isinstance(key, str) for key in keys):
        raise PickleError("holds a damaged pickle: its list of storages does not fit its tensors")
    found = {}
    for key in keys:
        storage = wanted.get(key)
        count = int.from_bytes(file.read(8), "little", signed=True)
        if storage is None or storage.count != count:
            raise WeightsError(f"is damaged: storage {key[:40]} has {count:,} values, against what its pickle says")
        found[key] = _fill(file, size, storage)
    return _tensors(views, found)


def _fill(file, size, storage):
    dtype = np.dtype(_raw(storage.dtype))
    wanted = storage.count * dtype.itemsize
    left = size - file.tell()
    if wanted > left:
        raise WeightsError(f"is cut short: {wanted:,} bytes of values should follow where {left:,} are left")
    values = np.empty(storage.count, dtype)
    if values.size and file.readinto(memoryview(values).cast("B")) != wanted:
        raise WeightsError("is cut short")
    return values


def _read_zip(file, size):
    with zips.opened(file, size) as archive:
        names = [name for name in archive.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(names) != 1:
            raise WeightsError("is a zip archive, but not one of PyTorch's: it has no data.pkl inside")
        root = names[0].removesuffix("data.pkl")
        order = archive.read(root + "byteorder") if root + "byteorder" in archive.NameToInfo else b"little"
        if order != b"little":
            raise WeightsError("is a PyTorch file from a big-endian machine, which is not read")
        pickled = archive.getinfo(names[0]).file_size
        with archive.open(names[0]) as data:
            views = _views(pickles.read(data, min(pickled, PICKLE_LIMIT)))
        found = {}
        for key, storage in _storages(views).items():
            name = f"{root}data/{key}"
            if name not in archive.NameToInfo:
                raise WeightsError(f"is damaged: the values of storage {key[:40]} are missing")
            found[key] = zips.array(archive, name, _raw(storage.dtype), storage.count)
        return _tensors(views, found)


def _views(loaded):
    """The tensors of a state dict, or of a checkpoint that has one inside, described by name."""
    outer = _items(loaded)
    if outer is None:
        if isinstance(loaded, Call):
            raise PickleError(
                f"holds a whole pickled model ({_said(loaded.function)}), and reading that would execute code; "
                "in PyTorch: torch.save(model.state_dict(), 'weights.pth'), and convert that"
            )
        raise WeightsError("holds no state dict: a dict of names and tensors was expected")
    candidates = [outer, *(inner for value in outer.values() if (inner := _items(value)) is not None)]
    found = max((_described(items) for items in candidates), key=len)
    if not found:
        raise WeightsError("holds no tensors with names: a PyTorch state dict was expected")
    return found


def _items(value):
    if isinstance(value, dict):
        return value
    if isinstance(value, Call) and value.function == Name("collections", "OrderedDict"):
        return value.items
    return None


def _described(items):
    found = {}
    for name, value in items.items():
        if isinstance(value, Call) and isinstance(name, str):
            found[name.removeprefix("module.")] = _view(name, value)
    return found


def _view(name, value):
    if value.function == Name("torch._utils", "_rebuild_parameter") and value.arguments:
        value = value.arguments[0]
    rebuilds = (Name("torch._utils", "_rebuild_tensor_v2"), Name("torch._utils", "_rebuild_tensor"))
    if not isinstance(value, Call) or value.function not in rebuilds:
        function = value.function if isinstance(value, Call) else type(value).__name__
        raise PickleError(f"wants to call {_said(function)} for {name[:80]}: refused, nothing in a pickle is executed")
    match value.arguments:
        case (Persistent() as reference, int(offset), tuple(shape), tuple(strides), *_):
            whole = all(type(number) is int and 0 <= number < 1 << 40 for number in (offset, *shape, *strides))
            if whole and len(shape) == len(strides) <= 8:
                return _View(_storage(reference), offset, shape, strides)
    raise PickleError(f"describes the tensor {name[:80]} in a way that makes no sense")


def _storage(reference):
    match reference.key:
        case ("storage", Name(module="torch", name=kind), str(key), _, int(count), *_) if (
            kind in _STORAGES and count >= 0
        ):
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
    if count > values.size or (count and last >= values.size):
        raise WeightsError(f"is damaged: {name[:80]} {view.shape} reaches beyond its {values.size:,} stored values")
    if view.storage.dtype == "bfloat16":  # the upper half of a float32
        values = (values.astype(np.uint32) << 16).view(np.float32)
    window = np.lib.stride_tricks.as_strided(
        values[view.offset :], view.shape, [step * values.itemsize for step in view.strides], writeable=False
    )
    return window


def _raw(dtype):
    return "<u2" if dtype == "bfloat16" else np.dtype(dtype).newbyteorder("<")


def _said(function):
    return str(function)[:80] if isinstance(function, Name) else "something without a name"
