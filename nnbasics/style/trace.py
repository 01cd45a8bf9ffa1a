"""The trace of a run: a line of numbers for every step, in memory, and in a file if wanted."""

import contextlib
import csv
import json
from pathlib import Path
from typing import NamedTuple

from nnbasics.errors import SettingsError, WeightsError

KINDS = (".csv", ".jsonl")


class Row(NamedTuple):
    """A step: how far, how long, and the loss as total = content + style + tv + outside."""

    iteration: int
    evaluations: int
    seconds: float
    total: float
    content: float
    style: float
    tv: float
    outside: float  # the price of values that no picture file can hold
    size: int  # of the picture's longest side: losses at different sizes are different losses


def check(path, overwrite=False, resume=False):
    """Refuse early what `writing` could not write, or should not: a run that goes on may replace a trace only."""
    from nnbasics.weights import files

    if Path(path).suffix.lower() not in KINDS:
        raise SettingsError(f"the trace {path} must end in {' or '.join(KINDS)}, to say which kind of file to write")
    try:
        files.check_writable(path, overwrite or (resume and _is_trace(path)))
    except WeightsError as problem:
        raise SettingsError(str(problem)) from None


@contextlib.contextmanager
def writing(path, rows=()):
    """A callable that adds the line of a `Progress` to a file: CSV or JSON lines, by the name's ending.

    Parameters
    ----------
    path : str or path, or None
        None: nothing is written.
    rows : iterable of Row
        Steps taken before, when a run goes on from a checkpoint: they come first.
    """
    if path is None:
        yield lambda state: None
        return
    as_json = Path(path).suffix.lower() == ".jsonl"
    last = -1
    try:
        file = open(path, "w", encoding="utf-8", newline="")
    except OSError as problem:
        raise SettingsError(f"the trace {path} cannot be written: {problem.strerror}") from None
    with file:
        table = csv.writer(file)

        def add(row):
            nonlocal last
            if row.iteration > last:  # a run that goes on begins where it was
                last = row.iteration
                file.write(json.dumps(row._asdict()) + "\n") if as_json else table.writerow(row)

        def write(state):
            add(state.row)
            file.flush()

        if not as_json:
            table.writerow(Row._fields)
        for row in rows:
            add(row)
        yield write


def _is_trace(path):
    """Whether a file begins as ours do."""
    try:
        with open(path, "rb") as file:
            start = file.read(400).decode("utf-8", "replace").replace('"', "")
    except OSError:
        return False
    return start.startswith(",".join(Row._fields)) or start.startswith(f"{{{Row._fields[0]}: ")
