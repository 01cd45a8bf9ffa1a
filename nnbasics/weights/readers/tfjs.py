"""TensorFlow.js' layers models: a `model.json` that says what is where, and the values in files beside it."""

import json
from math import prod
from pathlib import Path

import numpy as np

from nnbasics.errors import WeightsError
from nnbasics.weights.files import reading
from nnbasics.weights.readers import Foreign

MAX_JSON = 16 << 20


def read(path, file, size):
    """The arrays by name, as Keras has them, in the order of the manifest."""
    if size > MAX_JSON:
        raise WeightsError(f"is JSON of {size:,} bytes; no more than {MAX_JSON:,} are read")
    try:
        model = json.loads(file.read())
    except (ValueError, RecursionError):
        raise WeightsError("begins like JSON, and is none") from None
    groups = model.get("weightsManifest") if isinstance(model, dict) else None
    if not isinstance(groups, list):
        raise WeightsError('is JSON without a "weightsManifest": no model.json of TensorFlow.js')
    found, seen = {}, set()
    for group in groups:
        match group:
            case {"paths": list(paths), "weights": list(weights)}:
                found |= _group(Path(path).parent, paths, weights, seen)
            case _:
                raise WeightsError("has a manifest that makes no sense")
    return Foreign("TensorFlow.js", found)


def _group(folder, paths, weights, seen):
    """The arrays that lie one after the other in some files; `seen` are the files that were read before."""
    plan = [_entry(entry) for entry in weights]
    needed, values = 4 * sum(prod(shape) for _, shape in plan), bytearray()
    for name in paths:
        if not isinstance(name, str) or Path(name).name != name or not name.isprintable():
            raise WeightsError("names a file of values that does not lie beside it: not followed")
        if name in seen:  # again and again it would be as much memory as one likes
            raise WeightsError(f"names its file of values {name[:80]} twice")
        seen.add(name)
        with reading(folder / name) as (file, size):
            if len(values) + size > needed:
                raise WeightsError(f"is damaged: its files have more than the {needed:,} bytes of its values")
            values += file.read()
    if len(values) < needed:
        raise WeightsError(f"is damaged: its files have {len(values):,} bytes, and its values {needed:,}")
    found, place = {}, 0
    for name, shape in plan:
        found[name] = np.frombuffer(values, "<f4", prod(shape), place).reshape(shape)
        place += 4 * prod(shape)
    return found


def _entry(entry):
    match entry:
        case {"quantization": _}:
            raise WeightsError("has quantised values, which are not read: convert the model without quantisation")
        case {"name": str(name), "shape": list(shape), "dtype": "float32"}:
            if len(shape) <= 8 and all(type(number) is int and 0 <= number < 1 << 40 for number in shape):
                return name, tuple(shape)
    raise WeightsError("has a manifest that makes no sense, or values that are not float32")
