"""Where an object of anybody's has its parameters and their gradients, and a copy of it in float64.

In `params` and `grads`, dicts with the same keys or lists in the same order; or in attributes, the gradient beside its
parameter: W and dW.
"""

import copy
from collections.abc import Mapping, Sequence

import numpy as np

from nnbasics.errors import UserError
from nnbasics.testing.signatures import needed, title

GRADIENT_NAMES = ("d{}", "grad_{}", "{}_grad")


def parameters(layer):
    """The parameters in `params` that are arrays of real numbers, by key."""
    return {key: value for key, value in listed(getattr(layer, "params", {})).items() if is_float(value)}


def listed(collection):
    """A dict of whatever holds parameters: a mapping as it is, a list under params[0], params[1] ..."""
    if isinstance(collection, Mapping):
        return {str(key): value for key, value in collection.items()}
    if isinstance(collection, Sequence):
        return {f"params[{i}]": value for i, value in enumerate(collection)}
    return {}


def attributes(layer):
    """The attributes of an object that are arrays of real numbers."""
    return {name: value for name, value in getattr(layer, "__dict__", {}).items() if is_float(value)}


def gradient_names(layer, inputs):
    """{"W": "dW"} for attributes whose gradients backward leaves beside them, seen on a copy that is walked once."""
    if hasattr(layer, "params"):
        return {}
    trial = duplicate(layer)
    before = attributes(trial)
    try:
        with np.errstate(all="ignore"):
            y = trial.forward(*(np.array(value) if isinstance(value, np.ndarray) else value for value in inputs))
            kept = [name for name, value in before.items() if getattr(trial, name) is value]  # no memory of forward's
            trial.backward(*([np.ones(np.shape(y))] if needed(trial.backward) else []))
    except Exception:  # what is wrong with it comes out later, where it can be told
        return {}
    pairs = [(name, pattern.format(name)) for name in kept for pattern in GRADIENT_NAMES]
    return {name: other for name, other in pairs if numbers(getattr(trial, other, None)) is not None}


def is_frozen(layer, key):
    """Whether nobody wants the gradient of a parameter: the layer is frozen, or that in it to which the key belongs."""
    if getattr(layer, "frozen", False):
        return True
    name, _, rest = key.partition(".")
    inner = listed(getattr(layer, "layers", {})).get(name)
    return inner is not None and is_frozen(inner, rest)


def with_dtype(layer, dtype, inputs, names=()):
    """A deep copy whose parameters (and the attributes `names`) are of `dtype`, wherever in it they are referred to."""
    layer = duplicate(layer)
    if not parameters(layer) and hasattr(layer, "params"):
        with np.errstate(all="ignore"):
            layer.forward(*inputs)  # some layers make their parameters when they first see x
    originals = [*parameters(layer).values(), *(getattr(layer, name) for name in names)]
    return copy.deepcopy(layer, {id(value): value.astype(dtype) for value in originals})


def duplicate(layer):
    """A deep copy, or an error that says what else can be done."""
    try:
        return copy.deepcopy(layer)
    except Exception as error:
        raise UserError(
            f"{title(layer)}: the check works on a copy, and this cannot be copied ({type(error).__name__}: {error}); "
            "check_gradients((layer.forward, layer.backward), x) works on the object itself"
        ) from None


def numbers(value):
    """An array of its own, or None for what is no array of real numbers."""
    try:
        array = np.array(value)
    except ValueError:  # lists of different lengths
        return None
    return array if array.dtype.kind in "fiub" else None


def is_float(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"
