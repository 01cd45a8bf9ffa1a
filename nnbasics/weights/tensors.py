"""One file of named tensors, in and out: the safetensors format, with a digest of its own.

The file is written by hand, tensors sorted as the safetensors library sorts them and the header without freedom, so
that the same tensors make the same bytes with any version of anything. The library reads it back.
"""

import hashlib
import json

import numpy as np
from safetensors import SafetensorError, safe_open

from nnbasics.errors import WeightsError
from nnbasics.weights.bits import stored, widened
from nnbasics.weights.files import check_name, reading, writing

FORMAT = "nnbasics weights 1"
MAX_HEADER = 1 << 20  # names and shapes of a very large network; the format itself allows 100 MB of JSON
_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32", "U8": "uint8"}
_CODES = {name: code for code, name in _DTYPES.items()}
_READ = _DTYPES | {"BF16": "bfloat16", "I16": "int16", "I8": "int8", "BOOL": "bool"}
_READ |= {"U16": "uint16", "U32": "uint32", "U64": "uint64"}


def write(path, tensors, metadata=(), overwrite=True, expected=None, again=False):
    """Write named arrays and a dict of strings to `path`, and return the sha256 of the file.

    The digest of all that goes into the header. If the file would not have the sha256 `expected`, nothing is written.
    `again` as in `writing`.
    """
    arrays = {name: np.asarray(array) for name, array in tensors.items()}
    arrays = dict(sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])))
    metadata = {"format": FORMAT, **dict(metadata)}
    _check(arrays, metadata)
    metadata["digest"] = digest(arrays, metadata)
    header = _header(arrays, metadata)
    found = hashlib.sha256()
    with writing(path, overwrite, again) as file:
        for part in (header, *arrays.values()):
            part = part if part is header else _bytes(part)
            found.update(part)
            file.write(part)
        if expected not in (None, found.hexdigest()):
            raise WeightsError(
                f"{path} would have sha256 {found.hexdigest()}, and {expected} was expected: not written"
            )
    return found.hexdigest()


def _check(arrays, metadata):
    for name, array in arrays.items():
        check_name(name)
        if name == "__metadata__":
            raise WeightsError("no tensor can be called __metadata__: the format keeps that name for itself")
        if array.dtype.name not in _CODES:
            raise WeightsError(f"{name} has dtype {array.dtype}, which a file of weights cannot hold; use float32")
    for key, value in metadata.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise WeightsError(f"metadata is strings by name, and {key!r} is {value!r}; say str({value!r})")


def _header(arrays, metadata):
    header, position = {"__metadata__": dict(sorted(metadata.items()))}, 0
    for name, array in arrays.items():
        place = [position, position + array.nbytes]
        header[name] = {"dtype": _CODES[array.dtype.name], "shape": list(array.shape), "data_offsets": place}
        position += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _bytes(array):
    """The values row by row, little-endian as the format wants it; a copy only if they do not lie so."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)


def read(path, dtype=None):
    """All tensors of a safetensors file as arrays of `dtype` (None keeps the file's), and its metadata."""
    found, tensors = hashlib.sha256(), {}
    with reading(path) as (file, size):
        header, start = _read_header(path, file, size)
        metadata = header.pop("__metadata__", {})
        for name in sorted(header):
            values = _tensor(path, file, start, name, header[name])
            _feed(found, name, values)
            tensors[name] = values if dtype is None else values.astype(dtype, copy=False)
            _check_finite(path, name, tensors[name])
    _feed_metadata(found, metadata)
    ours = "digest" in metadata or metadata.get("format") == FORMAT
    if ours and metadata.get("digest") != found.hexdigest():
        raise WeightsError(f"{path} has changed since it was written: its tensors do not have the digest in its header")
    return tensors, metadata


def check(path, file, size):
    """Raise a `WeightsError` unless the header of an open file says where every byte of it belongs."""
    _read_header(path, file, size)


def _read_header(path, file, size):
    """The header, checked by us and by the library, and where the values start."""
    start = file.read(9)
    if start[8:] != b"{":
        raise WeightsError(
            f"{path} is no safetensors file; if it holds weights: nnbasics weights convert {path} -o OUT"
        )
    length = int.from_bytes(start[:8], "little")
    if length > size - 8:
        raise WeightsError(f"{path} is cut short: its header should have {length:,} bytes; fetch or copy it again")
    if length > MAX_HEADER:
        raise WeightsError(f"{path} has a header of {length:,} bytes; no more than {MAX_HEADER:,} are read")
    text = start[8:] + file.read(length - 1)
    try:
        with safe_open(path, framework="numpy"):  # refuses lying sizes, overlaps, holes; it maps, and touches no values
            return json.loads(text, object_pairs_hook=_checked), 8 + length
    except (SafetensorError, UnicodeError) as error:
        raise WeightsError(f"{path} {_why_not_read(str(error))}") from None
    except WeightsError as error:
        raise WeightsError(f"{path} {error}") from None


def _checked(pairs):
    """An object of the header, whose names are printable and not there twice."""
    found = {}
    for name, value in pairs:
        check_name(name)
        if name in found:
            raise WeightsError(f"names {name} twice in its header")
        found[name] = value
    return found


def _why_not_read(text):
    reason = text.partition("header: ")[2]  # in words since safetensors 0.6, before that in one of Rust's names
    if "not fully covered" in reason or reason == "MetadataIncompleteBuffer":
        return "is cut short, or has bytes that belong to no tensor; fetch or copy it again"
    if "JSON" in reason or "UTF-8" in reason or reason.startswith("InvalidHeader"):
        return "is no safetensors file: its header cannot be read"
    return f"is no sound safetensors file: {reason}"


def _tensor(path, file, start, name, place):
    """The values of one tensor, read straight into their array: a memory map would count twice."""
    if place["dtype"] not in _READ:
        raise WeightsError(
            f"{path}: {name} has dtype {place['dtype']}, which is not read here; save it as float32 or float16"
        )
    dtype = _READ[place["dtype"]]
    try:
        values = np.empty(place["shape"], stored(dtype))
    except ValueError:  # more dimensions or a greater length than NumPy can have
        raise WeightsError(f"{path}: the shape of {name} makes no sense") from None
    begin, end = place["data_offsets"]
    file.seek(start + begin)
    if values.nbytes != end - begin or file.readinto(values.reshape(-1).view(np.uint8)) != values.nbytes:
        raise WeightsError(f"{path} is cut short within {name}")
    return widened(values, dtype)


def _check_finite(path, name, values):
    finite = np.isfinite(values)
    if not finite.all():
        bad = values.size - np.count_nonzero(finite)
        raise WeightsError(f"{path}: {name} has {bad:,} values that are NaN or infinite; it cannot be used")


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
