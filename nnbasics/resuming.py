"""Training in a file: everything that `fit` needs to go on as if nothing had happened.

That is what the network has learned with its running statistics, the random generators of its layers, the state of the
optimiser, the history, and the best epoch so far. The order of the examples needs no file: it follows from the seed.
"""

import numpy as np

from nnbasics import checkpoints
from nnbasics.errors import CheckpointError, SettingsError
from nnbasics.history import History
from nnbasics.models.state import fill, state, walk

KIND = "training"


def save(path, net, optimizer, history, best, setup):
    """Write training to a checkpoint.

    Parameters
    ----------
    path : str or path
    net : Layer
    optimizer : Optimizer
    history : History
    best : dict of str to ndarray or None
        The `state` of the network at its best epoch.
    setup : dict
        What must be the same when training goes on: plain words and numbers.
    """
    facts = {"setup": setup, "history": history.to_dict()}
    facts["generators"] = {name: _plain(rng.bit_generator.state) for name, rng in generators(net).items()}
    parts = {"net": state(net), "optimizer": optimizer.state_dict(copy=False), "best": best or {}}
    arrays = {f"{part}/{key}": array for part, of in parts.items() for key, array in of.items()}
    checkpoints.write(path, KIND, facts, arrays)


def restore(path, net, optimizer, setup):
    """Give network and optimiser what a checkpoint has, and return its history and best state.

    Raises
    ------
    CheckpointError
        If it is of another training, or damaged; network and optimiser are as they were then.
    """
    facts, arrays = checkpoints.read(path, KIND)
    _check_setup(path, facts.get("setup"), setup)
    parts = {"net": {}, "optimizer": {}, "best": {}}
    for name, array in arrays.items():
        part, _, key = name.partition("/")
        if part not in parts:
            raise CheckpointError(f"{path} is damaged: {name} does not belong to a training")
        parts[part][key] = array
    _check_arrays(path, parts["net"], state(net), "the network")
    if parts["best"]:
        _check_arrays(path, parts["best"], state(net), "the network at its best")
    _check_memory(path, parts["optimizer"], net.params)
    try:
        history = History.from_dict(facts.get("history"))
        states = _checked_generators(facts.get("generators"), generators(net))
        optimizer.load_state_dict(parts["optimizer"])
    except (SettingsError, ValueError) as problem:
        raise CheckpointError(f"{path} is damaged: {problem}") from None
    fill(net, parts["net"])
    for name, rng in generators(net).items():
        rng.bit_generator.state = states[name]
    return history, parts["best"] or None


def generators(net):
    """The random generators in a network by the names of the layers that own them; shared ones are there twice."""
    found = {}
    for name, layer in walk(net):
        for attribute, value in {"": layer, **vars(layer)}.items():
            rng = getattr(value, "rng", None)
            if isinstance(rng, np.random.Generator):
                found[f"{name}/{attribute}"] = rng
    return found


def _check_setup(path, found, expected):
    """Refuse what was trained otherwise, and say in what it differs."""
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is damaged: it does not say what was trained")
    for name, value in expected.items():
        if found.get(name) != value:
            raise CheckpointError(
                f"{path} was written with {name} {found.get(name)!a:.80}, and {name} is {value!a:.80} now; go on as it "
                "began, or give another file"
            )


def _check_arrays(path, found, expected, what):
    """Refuse arrays of other names, shapes or dtypes than `expected`."""
    for key in sorted(set(found) | set(expected)):
        if key not in found or key not in expected:
            where = "the file" if key in found else "this network"
            raise CheckpointError(f"{path} is not of {what}: only {where} has {key!a}")
        wanted = np.asarray(expected[key])
        if found[key].shape != wanted.shape or found[key].dtype != wanted.dtype:
            raise CheckpointError(
                f"{path} is not of {what}: {key!a} is {found[key].dtype} of shape {found[key].shape} in the file, "
                f"{wanted.dtype} of {wanted.shape} here"
            )


def _check_memory(path, found, params):
    """Refuse an optimiser's memory of parameters that are not the network's."""
    for name, array in found.items():
        _, slash, key = name.partition("/")
        if slash and (key not in params or array.shape != params[key].shape or array.dtype != params[key].dtype):
            raise CheckpointError(f"{path} is not of this network: its optimiser remembers {name!a}")


def _plain(value):
    """A generator's state as JSON can hold it."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _checked_generators(found, rngs):
    """States that generators of these kinds take, as a fresh one of each has shown."""
    if not isinstance(found, dict) or set(found) != set(rngs):
        raise ValueError("its random generators are not those of this network")
    for name, rng in rngs.items():
        try:
            type(rng.bit_generator)().state = found[name]
        except (TypeError, ValueError, OverflowError, LookupError):
            raise ValueError(f"the state of the random generator {name!a} is none") from None
    return found
