"""One file of named tensors, in and out: the safetensors format, with a digest of its own.

The file is written by hand, tensors sorted as the safetensors library sorts them and the header without freedom, so
that the same tensors make the same bytes with any version of anything. The library reads it back.
"""

import hashlib
import json
from contextlib import contextmanager

import numpy as np
from safetensors import SafetensorError, safe_open

from nnbasics.errors import WeightsError
from nnbasics.weights.files import reading, writing

FORMAT = "nnbasics weights 1"
MAX_HEADER = 4 << 20  # names and shapes of a very large network; the format itself allows 100 MB of JSON
_CODES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "uint8": "U8"}


def write(path, tensors, metadata=(), overwrite=True, expected=None):
    """Write named arrays and a dict of strings to `path`, and return the sha256 of the file.

    The digest of all that goes into the header. If the file would not have the sha256 `expected`, nothing is written.
    """
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    arrays = {name: tensors[name] for name in order}
    metadata = {"format": FORMAT, **dict(metadata)}
    metadata["digest"] = digest(arrays, metadata)
    header = _header(arrays, metadata)
    found = hashlib.sha256()
    with writing(path, overwrite) as file:
        for part in (header, *arrays.values()):
            part = part if part is header else _bytes(part)
            found.update(part)
            file.write(part)
        if expected not in (None, found.hexdigest()):
            raise WeightsError(
                f"{path} would have sha256 {found.hexdigest()}, and {expected} was expected: not written"
            )
    return found.hexdigest()


def _header(arrays, metadata):
    header, position = {"__metadata__": dict(sorted(metadata.items()))}, 0
    for name, array in arrays.items():
        code = _CODES.get(array.dtype.name)
        if code is None:
            raise WeightsError(f"{name} has dtype {array.dtype}, which a file of weights cannot hold; use float32")
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [position, position + array.nbytes]}
        position += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _bytes(array):
    """The values row by row, little-endian as the format wants it; a copy only if they do not lie so."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)


def read(path, dtype=None):
    """All tensors of a safetensors file as arrays of `dtype` (None keeps the file's), and its metadata."""
    with _opened(path) as file:
        metadata = file.metadata() or {}
        found = hashlib.sha256()
        tensors = {}
        for name in sorted(file.keys()):
            tensors[name], stored = _tensor(path, file, name, dtype)
            _feed(found, name, stored)
    _feed_metadata(found, metadata)
    if metadata.get("digest", found.hexdigest()) != found.hexdigest():
        raise WeightsError(f"{path} has changed since it was written: its tensors do not have the digest in its header")
    return tensors, metadata


@contextmanager
def _opened(path):
    """The library's view of a safetensors file, after the checks that it leaves to its callers."""
    with reading(path) as (file, size):
        header = int.from_bytes(file.read(8), "little")
        if size < 8 or header > size - 8:
            raise WeightsError(
                f"{path} is cut short or is no safetensors file: its header should have {header:,} bytes"
            )
        if header > MAX_HEADER:
            raise WeightsError(f"{path} has a header of {header:,} bytes; no more than {MAX_HEADER:,} are read")
        text = file.read(header)
        try:
            with safe_open(path, framework="numpy") as tensors:
                json.loads(text, object_pairs_hook=_no_twins)
                yield tensors
        except (SafetensorError, UnicodeError) as error:
            raise WeightsError(f"{path} {_why_not_read(str(error))}") from None
        except _TwiceError as error:
            raise WeightsError(f"{path} names {error} twice in its header") from None


class _TwiceError(Exception):
    """A name that is there twice."""


def _no_twins(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return found


def _why_not_read(text):
    if "not fully covered" in text:
        return "is cut short, or has bytes that belong to no tensor; fetch or copy it again"
    if "JSON" in text or "UTF-8" in text:
        return "is no safetensors file: its header cannot be read"
    return f"is no sound safetensors file: {text.rpartition('header: ')[2]}"


def _tensor(path, file, name, dtype):
    """One tensor, as asked for and as stored."""
    try:
        stored = file.get_tensor(name)
    except (TypeError, AttributeError):  # bfloat16 and smaller: NumPy has no such type
        kind = file.get_slice(name).get_dtype()
        raise WeightsError(
            f"{path}: {name} has dtype {kind}, which NumPy lacks; save it as float32 or float16"
        ) from None
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        bad = int(np.size(stored) - np.isfinite(stored).sum())
        raise WeightsError(f"{path}: {name} has {bad:,} values that are NaN or infinite; these weights cannot be used")
    return (stored if dtype is None else stored.astype(dtype, copy=False)), stored


def digest(arrays, metadata):
    """The sha256 over names, dtypes, shapes and values of all tensors, and over the metadata but its digest."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        _feed(found, name, arrays[name])
    _feed_metadata(found, metadata)
    return found.hexdigest()


def _feed(found, name, array):
    found.update(json.dumps([name, array.dtype.name, list(array.shape)]).encode())
    found.update(_bytes(array))


def _feed_metadata(found, metadata):
    found.update(json.dumps({key: metadata[key] for key in sorted(metadata) if key != "digest"}).encode())
