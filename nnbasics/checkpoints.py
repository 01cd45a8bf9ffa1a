"""Checkpoints: what it takes to go on with something that was interrupted, in one file.

A safetensors file, as weights are: arrays by name, and facts as JSON in its header. Nothing in it is ever executed. It
is written beside its place and renamed, so that whenever the process or the machine dies there is a whole checkpoint,
the last one or the one before.
"""

import json

from nnbasics.errors import CheckpointError, WeightsError

FORMAT = "nnbasics checkpoint 1"


def write(path, kind, facts, arrays, overwrite=True):
    """Write a checkpoint.

    Parameters
    ----------
    path : str or path
    kind : str
        Of what: "style", "training". Only the same kind reads it back.
    facts : dict
        What JSON can hold: settings, counts, hashes.
    arrays : dict of str to ndarray or number
        float64, float32, float16, int64, int32 or uint8, all finite. They are not copied.
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    CheckpointError
        If it cannot be written there.
    """
    from nnbasics.weights import tensors

    metadata = {"format": FORMAT, "kind": kind, "facts": json.dumps(facts, allow_nan=False)}
    try:
        tensors.write(path, arrays, metadata, overwrite, again=True)
    except WeightsError as problem:
        raise CheckpointError(str(problem)) from None


def read(path, kind):
    """The facts and arrays of a checkpoint, as they were written; what they mean is for the caller to check.

    Raises
    ------
    CheckpointError
        If there is no such file, it is damaged, no checkpoint, or one of another kind.
    """
    from nnbasics.weights import tensors

    try:
        arrays, metadata = tensors.read(path)
    except WeightsError as problem:
        raise CheckpointError(str(problem)) from None
    if metadata.get("format") != FORMAT or "digest" not in metadata:
        raise CheckpointError(f"{path} is no checkpoint, or one of another version of nnbasics")
    if metadata.get("kind") != kind:
        raise CheckpointError(f"{path} is a checkpoint of {metadata.get('kind')!a}, and one of {kind!a} was expected")
    try:
        facts = json.loads(metadata.get("facts", ""), parse_constant=_no_number)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise CheckpointError(f"{path} is damaged: what it says about itself cannot be read")
    return facts, arrays


def check_writable(path, overwrite=False):
    """Refuse early what `write` would refuse."""
    from nnbasics.weights import files

    try:
        files.check_writable(path, overwrite)
    except WeightsError as problem:
        raise CheckpointError(str(problem)) from None


def _no_number(word):
    raise ValueError(f"{word} is no number of JSON")
