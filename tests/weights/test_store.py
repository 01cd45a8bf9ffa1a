"""Weights found, saved, loaded and verified; and the format against the safetensors library."""

import hashlib
import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from nnbasics.errors import WeightsError
from nnbasics.weights import find, load, registry, save, verify


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def tensors(rng):
    return {
        "conv1_1.weight": rng.normal(size=(4, 3, 3, 3)).astype(np.float16),
        "conv1_1.bias": rng.normal(size=4).astype(np.float32),
        "scale": np.array(2.5, np.float64),
        "empty": np.zeros((0, 3), np.float32),
    }


def test_the_safetensors_library_reads_what_we_write(tmp_path, tensors):
    save(tmp_path / "a.safetensors", tensors, {"name": "a", "credits": "Königin"})
    theirs = load_file(tmp_path / "a.safetensors")
    assert set(theirs) == set(tensors)
    for name, array in tensors.items():
        assert theirs[name].dtype == array.dtype
        np.testing.assert_array_equal(theirs[name], array)
    with safe_open(tmp_path / "a.safetensors", framework="numpy") as file:
        assert file.metadata()["credits"] == "Königin"


def test_we_read_what_the_safetensors_library_writes(tmp_path, tensors):
    save_file(tensors, tmp_path / "a.safetensors", {"by": "them"})
    ours = load(tmp_path / "a.safetensors", dtype=None)
    assert ours.metadata == {"by": "them"} and ours.name is None
    for name, array in tensors.items():
        assert ours[name].dtype == array.dtype
        np.testing.assert_array_equal(ours[name], array)


def test_same_tensors_same_bytes_in_any_order_and_layout(tmp_path, tensors):
    first = save(tmp_path / "a", tensors, {"b": "1", "a": "2"})
    turned = {name: np.array(tensors[name], order="F") for name in reversed(tensors)}
    second = save(tmp_path / "b", turned, {"a": "2", "b": "1"})
    assert first == second == hashlib.sha256((tmp_path / "b").read_bytes()).hexdigest()


def test_big_endian_arrays_are_written_right(tmp_path):
    save(tmp_path / "a", {"x": np.arange(3, dtype=">f4")})
    np.testing.assert_array_equal(load(tmp_path / "a")["x"], [0, 1, 2])


def test_loaded_arrays_are_float32_fresh_and_writable(tmp_path, tensors):
    save(tmp_path / "a", tensors)
    first, second = load(tmp_path / "a"), load(tmp_path / "a")
    assert {array.dtype for array in first.values()} == {np.dtype(np.float32)}
    first["conv1_1.weight"][:] = 0
    assert second["conv1_1.weight"].any()
    assert first.sha256 == verify(tmp_path / "a")


def test_no_file_is_overwritten_unless_asked_and_none_is_left_half_written(tmp_path, tensors):
    save(tmp_path / "a", tensors)
    before = (tmp_path / "a").read_bytes()
    with pytest.raises(WeightsError, match="exists already"):
        save(tmp_path / "a", {"x": np.zeros(1, np.float32)}, overwrite=False)
    with pytest.raises(WeightsError, match="complex64"):
        save(tmp_path / "a", {"x": np.zeros(1, np.complex64)})
    assert (tmp_path / "a").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("tensors", "metadata", "says"),
    [
        ({"__metadata__": [1.0]}, {}, "keeps that name for itself"),
        ({"a\x1b": [1.0]}, {}, "which is no name"),
        ({"a": ["word"]}, {}, "a has dtype <U4"),
        ({"a": [1.0]}, {"epoch": 3}, r"'epoch' is 3; say str\(3\)"),
    ],
)
def test_what_cannot_be_saved(tmp_path, tensors, metadata, says):
    with pytest.raises(WeightsError, match=says):
        save(tmp_path / "a", tensors, metadata)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["folder", "missing/a", "pipe"])
def test_places_that_cannot_be_written(tmp_path, target):
    import os

    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsError, match=r"is a folder|does not exist|not an ordinary file but a pipe"):
        save(tmp_path / target, {"x": np.zeros(1, np.float32)})


def test_a_link_is_written_through(tmp_path, tensors):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    save(tmp_path / "link", tensors)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").is_file()


def test_any_changed_byte_is_noticed(tmp_path, tensors):
    """Of the header or of the values: never other numbers without an error."""
    save(tmp_path / "a", tensors, {"name": "a"})
    good = (tmp_path / "a").read_bytes()
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1
        (tmp_path / "b").write_bytes(bad)
        with pytest.raises(WeightsError, match=str(tmp_path / "b")):
            load(tmp_path / "b")


def test_any_cut_is_noticed(tmp_path, tensors):
    save(tmp_path / "a", tensors)
    good = (tmp_path / "a").read_bytes()
    for length in range(len(good)):
        (tmp_path / "b").write_bytes(good[:length])
        with pytest.raises(WeightsError):
            load(tmp_path / "b")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(tmp_path, bad):
    save(tmp_path / "a", {"conv1_1.bias": np.array([0, bad, bad], np.float16)})
    with pytest.raises(WeightsError, match=r"conv1_1.bias has 2 values that are NaN or infinite"):
        load(tmp_path / "a")


def test_an_unknown_name_says_the_nearest():
    with pytest.raises(WeightsError, match="did you mean 'vgg19-normalised'"):
        load("vgg19-normalized")


def test_missing_weights_say_the_command(folder):
    with pytest.raises(WeightsError, match="nnbasics weights fetch vgg19-normalised-float32"):
        load("vgg19-normalised-float32")


@pytest.mark.parametrize("content", [b"short", bytes(40_052_664)])
def test_known_weights_of_the_wrong_hash(folder, content):
    entry = registry.entry("vgg19-normalised")
    entry.path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"(bytes instead of|sha256 is).*nnbasics weights fetch vgg19-normalised"):
        load("vgg19-normalised")


def test_where_weights_lie(monkeypatch, tmp_path):
    """The variable wins; then the folder of a clone; an installed package has a folder in the user's cache."""
    monkeypatch.delenv("NNBASICS_WEIGHTS", raising=False)
    assert (registry.folder() / "manifest.json").is_file()
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "site-packages/nnbasics/weights/registry.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert registry.folder().parts[-2:] == ("nnbasics", "weights")
    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path / "mine"))
    assert registry.folder() == tmp_path / "mine"
    save(tmp_path / "mine.safetensors", {"x": np.zeros(1, np.float32)})
    assert find(str(tmp_path / "mine.safetensors")) == (None, tmp_path / "mine.safetensors")


def test_a_foreign_file_says_how_to_convert_it(tmp_path):
    np.savez(tmp_path / "vgg.npz", x=np.zeros(3))
    with pytest.raises(WeightsError, match=r"nnbasics weights convert .*vgg\.npz"):
        load(tmp_path / "vgg.npz")


def header(entries, data=b""):
    text = json.dumps(entries).encode() if isinstance(entries, dict) else entries
    return len(text).to_bytes(8, "little") + text + data


def tensor(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x00" * 4, "no safetensors file"),
        (header({"x": tensor([2], 0, 8)}, bytes(7)), "cut short"),
        (header({"x": tensor([2], 0, 8)}, bytes(9)), "belong to no tensor"),
        (header({"x": tensor([3], 0, 8)}, bytes(8)), "no sound"),
        (header({"x": tensor([2**62, 2**62], 0, 8)}, bytes(8)), "no sound"),
        (header({"x": tensor([0, 2**62], 0, 0)}), "makes no sense"),
        (header({"x": tensor([1] * 70, 0, 4)}, bytes(4)), "makes no sense"),
        (header({"x": tensor([-2], 0, 8)}, bytes(8)), "header cannot be read"),
        (header({"x": tensor([2], 4, 12)}, bytes(12)), "no sound"),
        (header({"x": tensor([2], 0, 8), "y": tensor([2], 4, 12)}, bytes(12)), "no sound"),
        (header({"x": tensor([2], 0, 2**63)}, bytes(8)), "no sound"),
        (header({"x": tensor([4], 0, 4, "F8_E4M3")}, bytes(4)), "x has dtype F8_E4M3"),
        (header({"x": tensor([1], 0, 2, "BF16")}, b"\xc0\x7f"), "NaN"),
        (header({"x": tensor([2], 0, 8, "Q8")}, bytes(8)), "header cannot be read"),
        (header(b'{"x":' + b"[" * 100_000), "header cannot be read"),
        (b"\xff" * 7 + b"\x7f{", "cut short: its header"),
        ((1 << 21).to_bytes(8, "little") + b"{" + bytes(1 << 21), "no more than"),
    ],
)
def test_lying_headers(tmp_path, content, says):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(WeightsError, match=says):
        load(tmp_path / "a")


def test_duplicate_names(tmp_path):
    entry = json.dumps(tensor([2], 0, 8))
    (tmp_path / "a").write_bytes(header(f'{{"x":{entry},"x":{entry}}}'.encode(), bytes(8)))
    with pytest.raises(WeightsError, match="names x twice"):
        load(tmp_path / "a")
