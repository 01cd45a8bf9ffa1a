"""Pickles of NumPy arrays, as programs in Flax and JAX leave them: dicts in dicts, with arrays at the ends.

The pickle is read by `nnbasics.weights.pickles`, which executes nothing; here stands what an array looks like in it.
"""

from math import prod

import numpy as np

from nnbasics.errors import WeightsError
from nnbasics.weights import pickles
from nnbasics.weights.pickles import Call, Name, PickleError
from nnbasics.weights.readers import Foreign

MAX_DEPTH = 16
MAX_DICTS = 10_000
_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_ARRAYS = {Name(module, "_reconstruct") for module in _MODULES}
_DTYPE, _NDARRAY = Name("numpy", "dtype"), Name("numpy", "ndarray")
_HARMLESS = {*_ARRAYS, _DTYPE, _NDARRAY}
_DTYPES = ("f2", "f4", "f8")


def read(path, file, size):
    """The arrays by name, "outer.inner.kernel" for {"outer": {"inner": {"kernel": array}}}."""
    loaded, names = pickles.read(file, size)
    for name in names:
        if name not in _HARMLESS:
            raise PickleError(f"wants to call {str(name)[:80]}: refused, nothing in a pickle is ever executed")
    if not isinstance(loaded, dict):
        raise WeightsError("is a pickle of something else than a dict of arrays, and nothing in it can be used")
    return Foreign("a pickle of NumPy arrays", dict(_flat(loaded, [MAX_DICTS])))


def _flat(items, left, prefix="", depth=0):
    """The arrays by name; `left` counts dicts, since those that stand in many places multiply."""
    left[0] -= 1
    if depth > MAX_DEPTH or left[0] < 0:
        raise WeightsError("has dicts within dicts without end")
    for key, value in items.items():
        if not isinstance(key, str):
            continue
        if isinstance(value, dict):
            yield from _flat(value, left, f"{prefix}{key}.", depth + 1)
        elif isinstance(value, Call) and value.function in _ARRAYS:
            yield prefix + key, _array(prefix + key, value.state)


def _array(name, state):
    """The array whose state is (version, shape, dtype, whether in Fortran's order, bytes)."""
    match state:
        case (1, tuple(shape), Call() as dtype, bool(fortran), bytes(values)):
            kind = _dtype(name, dtype)
            if len(shape) <= 8 and all(type(number) is int and 0 <= number < 1 << 40 for number in shape):
                if prod(shape) * kind.itemsize != len(values):
                    raise WeightsError(f"is damaged: {name[:80]} {shape} has {len(values):,} bytes")
                return np.frombuffer(values, kind).reshape(shape, order="F" if fortran else "C")
    raise PickleError(f"describes the array {name[:80]} in a way that makes no sense")


def _dtype(name, call):
    match call:
        case Call(function=Name(module="numpy", name="dtype"), arguments=(str(kind), *_), state=(_, "<", *_)):
            if kind in _DTYPES:
                return np.dtype(f"<{kind}")
    raise WeightsError(f"holds {name[:80]} in a dtype that weights do not have, or of a big-endian machine")
