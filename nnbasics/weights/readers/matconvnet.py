"""MatConvNet's .mat files, through SciPy: `imagenet-vgg-verydeep-19.mat` and its kin. Runs apart, see there."""

import numpy as np

from nnbasics.errors import WeightsError


def read(path):
    """Arrays as layer.weight (height, width, in, out) and layer.bias; the mean picture, RGB, as metadata."""
    from scipy.io import loadmat

    wanted = ["layers", "meta", "normalization"]
    file = loadmat(path, variable_names=wanted, struct_as_record=False)  # every value a matrix, every struct in one
    found = {}
    for number, layer in enumerate(np.ravel(file.get("layers", []))):
        layer = _only(layer)
        name = str(_only(getattr(layer, "name", number)))
        for kind, values in zip(("weight", "bias"), _weights(layer), strict=False):
            found[f"{name}.{kind}"] = values
    if not found:
        raise WeightsError("has no cell array `layers` with weights inside: no network of MatConvNet")
    return found, _metadata(file)


def _weights(layer):
    """Filters and biases of a layer: `weights` since 2015, `filters` and `biases` before."""
    weights = [getattr(layer, name, None) for name in ("filters", "biases")]
    weights = np.ravel(layer.weights) if hasattr(layer, "weights") else weights
    return [part for part in weights if isinstance(part, np.ndarray) and part.dtype.kind == "f"]


def _metadata(file):
    holder = getattr(_only(file.get("meta")), "normalization", file.get("normalization"))
    mean = getattr(_only(holder), "averageImage", np.empty(0))
    if mean.dtype.kind not in "fiu" or mean.size == 0 or mean.shape[-1] != 3 or not np.isfinite(mean).all():
        return {}
    return {"mean": " ".join(repr(float(value)) for value in mean.reshape(-1, 3).mean(axis=0, dtype=np.float64))}


def _only(value):
    """What is inside a matrix of one."""
    return value.flat[0] if isinstance(value, np.ndarray) and value.size == 1 else value
