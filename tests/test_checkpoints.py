"""Checkpoints: whole whatever happens, and hostile until checked."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from nnbasics import checkpoints
from nnbasics.errors import CheckpointError
from nnbasics.weights import tensors

FACTS = {"settings": {"size": 64, "layers": {"relu1_1": 0.1}}, "sha256": "00ff", "nothing": None, "name": "Königin"}


@pytest.fixture
def arrays(rng):
    return {
        "x": rng.normal(size=(1, 3, 4, 5)).astype(np.float32),
        "losses": rng.normal(size=7),
        "order": np.array([3, 0], np.int64),
        "steps": 12,
        "length": 0.1,
        "none": np.zeros((0, 60), np.float32),
    }


def test_what_is_read_is_what_was_written_to_the_last_bit(tmp_path, arrays):
    checkpoints.write(tmp_path / "c", "style", FACTS, arrays)
    facts, found = checkpoints.read(tmp_path / "c", "style")
    assert facts == FACTS and set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == np.asarray(array).dtype
        np.testing.assert_array_equal(found[name], array)


def test_the_safetensors_library_reads_it_too(tmp_path, arrays):
    checkpoints.write(tmp_path / "c", "style", FACTS, arrays)
    np.testing.assert_array_equal(load_file(tmp_path / "c")["x"], arrays["x"])


def test_an_existing_file_is_kept_if_asked_to(tmp_path, arrays):
    (tmp_path / "c").write_bytes(b"mine")
    with pytest.raises(CheckpointError, match="exists already"):
        checkpoints.write(tmp_path / "c", "style", FACTS, arrays, overwrite=False)
    with pytest.raises(CheckpointError, match="exists already"):
        checkpoints.check_writable(tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == b"mine"


def test_a_process_killed_in_the_middle_leaves_the_old_checkpoint_and_one_file_that_the_next_takes_away(tmp_path):
    """Dies as the values are half written: the worst instant there is."""
    script = """
import os, sys, numpy as np
from nnbasics import checkpoints
from nnbasics.weights import tensors
checkpoints.write(sys.argv[1], "style", {"n": 1}, {"x": np.arange(1000)})
whole = tensors._bytes
def half(array):
    if array.size > 1 and len(seen) > 1:
        os.kill(os.getpid(), 9)
    seen.append(array)
    return whole(array)
seen, tensors._bytes = [], half
checkpoints.write(sys.argv[1], "style", {"n": 2}, {"x": np.arange(1000), "y": np.arange(2000)})
"""
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", script, str(tmp_path / "c")]).returncode == -9
        assert sorted(os.listdir(tmp_path)) == [".c.new", "c"]
        assert checkpoints.read(tmp_path / "c", "style")[0] == {"n": 1}
    checkpoints.write(tmp_path / "c", "style", {"n": 3}, {})
    assert os.listdir(tmp_path) == ["c"]


def test_damage_anywhere_is_noticed(tmp_path, arrays):
    checkpoints.write(tmp_path / "c", "style", FACTS, arrays)
    good = (tmp_path / "c").read_bytes()
    rng = np.random.default_rng(0)
    for place in [*range(0, len(good), 7), len(good) - 1]:
        bad = bytearray(good)
        bad[place] ^= int(rng.integers(1, 256))
        (tmp_path / "c").write_bytes(bad)
        with pytest.raises(CheckpointError):
            checkpoints.read(tmp_path / "c", "style")
    for length in range(0, len(good), 11):
        (tmp_path / "c").write_bytes(good[:length])
        with pytest.raises(CheckpointError):
            checkpoints.read(tmp_path / "c", "style")


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({}, "no checkpoint"),
        ({"format": checkpoints.FORMAT}, "no checkpoint"),  # without a digest
        ({"format": "nnbasics weights 1", "kind": "style", "facts": "{}"}, "no checkpoint"),
        ({"format": checkpoints.FORMAT, "kind": "training", "facts": "{}"}, "of 'training'"),
        ({"format": checkpoints.FORMAT, "kind": "\x1b[2J", "facts": "{}"}, r"of '\\x1b"),
        ({"format": checkpoints.FORMAT, "facts": "{}"}, "of None"),
        *(
            ({"format": checkpoints.FORMAT, "kind": "style", **facts}, "damaged")
            for facts in ({}, {"facts": "[1]"}, {"facts": "{"}, {"facts": "[" * 90_000}, {"facts": '{"a": NaN}'})
        ),
    ],
)
def test_other_files_are_refused_with_what_they_are(tmp_path, metadata, says):
    if len(metadata) > 1:
        tensors.write(tmp_path / "c", {"x": np.ones(2)}, metadata)
    else:
        save_file({"x": np.ones(2)}, tmp_path / "c", metadata)
    with pytest.raises(CheckpointError, match=says):
        checkpoints.read(tmp_path / "c", "style")


def test_places_that_cannot_be_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing", tmp_path / "a" / "b"):
        with pytest.raises(CheckpointError):
            checkpoints.read(path, "style")
    for path in (tmp_path, tmp_path / "a" / "b"):
        with pytest.raises(CheckpointError):
            checkpoints.write(path, "style", {}, {})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="pipe"):
        checkpoints.read(tmp_path / "pipe", "style")


def test_what_could_not_be_read_back_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        checkpoints.write(tmp_path / "c", "style", {"loss": float("nan")}, {})
    assert json.loads("{}") == {} and not os.listdir(tmp_path)
