"""Files made to do harm: code in pickles, bombs, lies about sizes, things that are no files."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from nnbasics.errors import WeightsError
from nnbasics.weights import convert, load, pickles, readers
from nnbasics.weights.readers import pytorch
from tests.weights import fuzzing
from tests.weights.test_formats import keras, matconvnet
from tests.weights.tiny import weights

GOLDEN = Path(__file__).parent / "golden"


def refused(path, says):
    """Refused with a sentence, soon, and without much memory."""
    start = time.monotonic()
    with pytest.raises(WeightsError, match=says) as caught:
        readers.read(path)
    fuzzing.check_message(str(caught.value), path)
    assert time.monotonic() - start < 30


OF_2018 = {"weight": "{layer}/kernel:0", "bias": "{layer}/bias:0"}


class Evil:
    """Unpickled, it would leave a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def as_zip(path, pickled, storages=()):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, content in storages:
            archive.writestr(f"archive/data/{name}", content)
    return path


def as_legacy(path, pickled, keys=b"\x80\x02].", rest=b""):
    system = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, 2)
    path.write_bytes(pickle.dumps(pytorch.LEGACY_MAGIC, 2) + pickle.dumps(1001, 2) + system + pickled + keys + rest)
    return path


PROTOCOLS = [2, 3, 4, 5]


@pytest.mark.parametrize("write", [as_zip, as_legacy])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("where", ["alone", "beside", "within"])
def test_code_in_a_pickle_is_not_executed(tmp_path, write, protocol, where):
    evil = Evil(tmp_path / "mark")
    content = {
        "alone": evil,
        "beside": {"epoch": 1, "evil": evil},
        "within": {"state_dict": {"x": [evil]}},
    }
    pickled = pickle.dumps(content[where], protocol)
    refused(write(tmp_path / "evil.pth", pickled), r"wants to call (posix|nt)\.system: refused, nothing in a pickle")
    assert not (tmp_path / "mark").exists()
    pickle.loads(pickled)  # the mark is what it would have left
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("pickled", "says"),
    [
        (b"(S'touch x'\nios\nsystem\n.", "instruction b'S'"),
        (b"cos\nsystem\n(X\x07\x00\x00\x00touch xtR.", r"wants to call os\.system"),
        (b"(cos\nsystem\nX\x07\x00\x00\x00touch xo.", "instruction b'o'"),
        (b"\x82\x01.", "instruction"),
        (b"cbuiltins\neval\nX\x03\x00\x00\x001+1\x85R.", r"wants to call builtins\.eval"),
        (b"ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00acbuiltins\nexec\nsb.", r"builtins\.exec"),
        (b"ctorch\nload\n.", r"torch\.load"),
        (b"ccollections\nOrderedDict.__init__\n.", "OrderedDict.__init__"),
        (b"c" + b"a" * 5000 + b"\n", "more than 1,000 letters"),
        (b".", "damaged pickle"),
        (b"}X", "cut short"),
        (b"X\xff\xff\xff\xff", "cut short"),
        (b"\x8e" + b"\xff" * 8, "cut short"),
        (b"\x8b\xff\xff\xff\x7f", "absurdly long"),
        (b"X\x01\x00\x00\x00\xff.", "not UTF-8"),
        (b"}(K\x01u.", "damaged pickle"),
        (b"t.", "damaged pickle"),
        (b"h\x05.", "damaged pickle"),
        (b"}(]K\x01u.", "list as the key"),
        (b"]" * 300_000 + b".", "more than 250,000 instructions"),
        (b"r\xff\xff\xff\xff.", "damaged pickle"),
        (b"N.", "no state dict"),
        (b"}.", "no tensors with names"),
        (b"}X\x01\x00\x00\x00aK\x01s.", "no tensors with names"),
    ],
)
def test_pickles(tmp_path, pickled, says):
    refused(as_zip(tmp_path / "a.pth", pickled), says)
    refused(as_legacy(tmp_path / "b.pth", pickled), says)


def array_pickled(shape="K\x03\x85", values=b"C\x0c" + bytes(12), dtype="f4", order="<", module="numpy"):
    """The pickle of {"x": array}, put together by hand."""
    reconstruct = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
    kind = b"c" + module.encode() + b"\ndtype\nX\x02\x00\x00\x00" + dtype.encode() + b"\x89\x88\x87R"
    kind += b"(K\x03X\x01\x00\x00\x00" + order.encode() + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01" + shape.encode("latin-1") + kind + b"\x89" + values + b"tb"
    return b"\x80\x03}X\x01\x00\x00\x00x" + reconstruct + state + b"s."


def test_pickled_arrays_put_together_by_hand_are_read(tmp_path):
    (tmp_path / "a.pkl").write_bytes(array_pickled())
    np.testing.assert_array_equal(readers.read(tmp_path / "a.pkl")[0].tensors["x"], np.zeros(3))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"shape": "K\x04\x85"}, r"x \(4,\) has 12 bytes"),
        ({"shape": "J\xff\xff\xff\xff\x85"}, "array x in a way that makes no sense"),
        ({"shape": "K\x03"}, "array x in a way that makes no sense"),
        ({"values": b"]"}, "array x in a way that makes no sense"),
        ({"dtype": "O8"}, "x in a dtype that weights do not have"),
        ({"order": ">"}, "of a big-endian machine"),
        ({"module": "os"}, "wants to call os.dtype: refused"),
    ],
)
def test_pickled_arrays(settings, says, tmp_path):
    (tmp_path / "a.pkl").write_bytes(array_pickled(**settings))
    refused(tmp_path / "a.pkl", says)


def test_pickles_of_something_else(tmp_path):
    for value, says in [([1, 2], "something else than a dict of arrays"), (Evil(tmp_path / "mark"), "posix.system")]:
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(value, 2))
        refused(tmp_path / "a.pkl", says)
    nested = {}
    for _ in range(40):
        nested = {"x": nested}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(nested, 2))
    refused(tmp_path / "a.pkl", "dicts within dicts without end")
    assert not (tmp_path / "mark").exists()


def manifest(paths=("a.bin",), shape=(2, 2), **more):
    weights = [{"name": "fc/kernel", "shape": list(shape), "dtype": "float32", **more}]
    return {"weightsManifest": [{"paths": list(paths), "weights": weights}]}


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ({}, 'without a "weightsManifest"'),
        ({"weightsManifest": 3}, 'without a "weightsManifest"'),
        ({"weightsManifest": [1]}, "a manifest that makes no sense"),
        ({"weightsManifest": [{"paths": [], "weights": [1]}]}, "a manifest that makes no sense"),
        (manifest(paths=("../a.bin",)), "does not lie beside it: not followed"),
        (manifest(paths=("/etc/passwd",)), "does not lie beside it: not followed"),
        (manifest(paths=(3,)), "does not lie beside it: not followed"),
        (manifest(paths=("b.bin",)), "b.bin does not exist"),
        (manifest(paths=("a.bin", "a.bin")), "names its file of values a.bin twice"),
        (manifest(paths=("a.bin",) * 1000, shape=(1 << 30, 1 << 30)), "names its file of values a.bin twice"),
        (manifest(shape=(1 << 30, 1 << 30)), "its files have 16 bytes"),
        (manifest(shape=(-2, -2)), "a manifest that makes no sense"),
        (manifest(dtype="int32"), "values that are not float32"),
        (manifest(quantization={"dtype": "uint8"}), "quantised"),
    ],
)
def test_tensorflow_js(model, says, tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(16))
    (tmp_path / "model.json").write_text(json.dumps(model))
    refused(tmp_path / "model.json", says)


def test_json_that_is_none(tmp_path):
    for text in ('{"weightsManifest": ', "{" * 64, '{"a":' + "[" * 100_000):
        (tmp_path / "model.json").write_text(text)
        refused(tmp_path / "model.json", "begins like JSON, and is none")


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"PK\x03\x04", "damaged archive"),
        (b"\x02" + bytes(7) + b"{}", "bytes that belong to no tensor"),
        (b"?", "of no format"),
    ],
)
def test_a_long_file_of_something_else_is_not_hashed_first(tmp_path, start, says):
    """A terabyte that takes no room: what it is stands in its first bytes, and a digest of it would take an hour."""
    with open(tmp_path / "a", "wb") as file:
        file.write(start)
        file.truncate(1 << 40)
    refused(tmp_path / "a", says)
    with pytest.raises(WeightsError):
        load(tmp_path / "a")


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def test_dicts_that_stand_in_many_places(tmp_path):
    """Sixteen levels, in each a hundred times the next: 100^16 ways to an array."""
    inner = b"}"
    for _ in range(14):
        inner = inner + b"q\0" + b"0" + b"}" + b"".join(text(f"k{i}") + b"h\0s" for i in range(100))
    (tmp_path / "a.pkl").write_bytes(b"\x80\x03" + inner + b".")
    refused(tmp_path / "a.pkl", "dicts within dicts without end")


def test_a_dict_that_stands_in_one_dict_many_times(tmp_path):
    """Thirty thousand times thirty thousand names."""
    inner = b"}" + b"".join(text(f"n{i}") + b"Ns" for i in range(30_000)) + b"r\0\0\0\x010"
    outer = b"}" + b"".join(text(f"k{i}") + b"j\0\0\0\x01s" for i in range(30_000)) + b"."
    refused(as_zip(tmp_path / "a.pth", inner + outer), "no tensors with names")


def test_keys_that_take_for_ever_to_hash(tmp_path):
    """A tuple of a tuple twice of a tuple twice ...: hashing it visits 2^60 leaves."""
    refused(as_zip(tmp_path / "a.pth", b"})" + b"2\x86" * 60 + b"Ns."), "tuple as the key")


def test_a_large_memo_index_costs_nothing():
    value, _ = pickles.read(io.BytesIO(b"]r\xff\xff\xff\xff."), 100)
    assert value == []


def pytorch_tensor(key="0", count=4, offset=0, shape=(4,), strides=(1,), kind="FloatStorage"):
    """The pickle of {"x": tensor}, put together by hand."""

    def number(value):
        return b"\x8a\x08" + struct.pack("<q", value)

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    reference = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(count) + b"tQ"
    window = number(offset) + b"(" + b"".join(map(number, shape)) + b"t(" + b"".join(map(number, strides)) + b"t\x89N"
    return b"}" + text("x") + b"ctorch._utils\n_rebuild_tensor_v2\n(" + reference + window + b"tRs."


def test_a_tensor_by_hand_is_read(tmp_path):
    values = np.arange(4, dtype="<f4").tobytes()
    for path in (
        as_zip(tmp_path / "a.pth", pytorch_tensor(shape=(2, 2), strides=(1, 2)), [("0", values)]),
        as_legacy(tmp_path / "b.pth", pytorch_tensor(shape=(2, 2), strides=(1, 2)), b"\x80\x02]X\x01\x00\x00\x000a.",
                  struct.pack("<q", 4) + values),
    ):  # fmt: skip
        np.testing.assert_array_equal(readers.read(path)[0].tensors["x"], [[0, 2], [1, 3]])


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ({"offset": 1}, "reaches beyond"),
        ({"shape": (5,)}, "reaches beyond"),
        ({"strides": (2,)}, "reaches beyond"),
        ({"shape": (1 << 39,), "strides": (0,)}, r"repeats its 4 stored values: save tensor.contiguous\(\)"),
        ({"shape": (3, 2), "strides": (1, 1)}, "repeats its 4 stored values"),
        ({"shape": (-4,)}, "makes no sense"),
        ({"strides": (-1,)}, "makes no sense"),
        ({"shape": (1 << 62,)}, "makes no sense"),
        ({"shape": (1,) * 9, "strides": (1,) * 9}, "makes no sense"),
        ({"shape": (2, 2)}, "makes no sense"),
        ({"count": 5}, "should have 20 bytes"),
        ({"count": -1}, "makes no sense"),
        ({"count": 1 << 60}, "should have"),
        ({"key": "1"}, "values of storage 1 are missing"),
        ({"key": "../../../etc/passwd"}, "are missing"),
        ({"kind": "QInt8Storage"}, r"wants to call torch\.QInt8Storage"),
    ],
)
def test_tensors_that_lie(tmp_path, lie, says):
    refused(as_zip(tmp_path / "a.pth", pytorch_tensor(**lie), [("0", bytes(16))]), says)


@pytest.mark.parametrize(
    ("lie", "rest", "says"),
    [
        ({}, struct.pack("<q", 4) + bytes(15), "cut short"),
        ({}, struct.pack("<q", 5) + bytes(20), "against what its pickle says"),
        ({"count": 1 << 60}, struct.pack("<q", 1 << 60), "cut short"),
        ({"count": 0}, struct.pack("<q", 0), "reaches beyond"),
        ({"key": "1"}, struct.pack("<q", 4) + bytes(16), "against what its pickle says"),
    ],
)
def test_legacy_tensors_that_lie(tmp_path, lie, rest, says):
    refused(as_legacy(tmp_path / "a.pth", pytorch_tensor(**lie), b"\x80\x02]X\x01\x00\x00\x000a.", rest), says)


def test_zip_bombs(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(50 << 20))
    refused(tmp_path / "a.npz", "zip bomb")
    with zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50 << 20))
    refused(tmp_path / "b.pth", "zip bomb")


def test_a_table_of_contents_without_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for number in range(70_000):
            archive.writestr(f"{number}.npy", b"")
    refused(tmp_path / "a.npz", "table of contents")


def npz(path, member):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member)
    return path


def npy(header, data=b""):
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}", bytes(8)), "should have 4,000,000"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", bytes(8)), "should have -4"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", pickle.dumps(1)), "Python objects"),
        (npy("{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", bytes(16)), "not the values of a network"),
        (npy("__import__('os').system('true')"), "header cannot be read"),
        (npy("("), "header cannot be read"),
        (b"\x93NUMPY\x09\x00", "header cannot be read"),
        (b"hello", "header cannot be read"),
    ],
)
def test_npz(tmp_path, member, says):
    refused(npz(tmp_path / "a.npz", member), says)


def test_npz_of_python_objects(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([Evil(tmp_path / "mark")], object))
    refused(tmp_path / "a.npz", "Python objects in x")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x08\x07\x12" + b"\xff" * 20, "does not end"),
        (b"\x08\x07\x12\x7fabc" + bytes(4), "cut short"),
        (b"\x08\x07\x3a\x04\x2a\x02\x0b\x00" + bytes(4), "no known kind|cut short|no layers"),
        (b"\x08\x07\x12\x00" + b"\x08\x00" * 300_000, "more than 250,000 fields"),
    ],
)
def test_onnx(tmp_path, content, says):
    (tmp_path / "a.onnx").write_bytes(content)
    refused(tmp_path / "a.onnx", says)


def field(number, value):
    """A field of protobuf: a number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def onnx_file(path, *graph):
    path.write_bytes(field(1, 7) + field(7, b"".join(graph)))
    return path


def test_onnx_sums_of_all_with_all(tmp_path):
    """Thirty thousand products, to each of which the one sum adds fifty thousand names."""
    product = field(1, field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"MatMul"))
    total = field(1, field(1, b"y") * 50_000 + field(4, b"Add"))
    weight = field(5, field(1, 1) + field(2, 1) + field(8, b"w") + field(9, bytes(4)))
    found, _ = readers.read(onnx_file(tmp_path / "a.onnx", weight, product * 30_000, total))
    assert list(found.tensors) == ["w.weight"]


def test_onnx_float16_one_to_a_number(tmp_path, rng):
    """As many as a convolution has: not a part of the file each."""
    values = rng.standard_normal(600_000).astype(np.float16)
    packed = b"".join(varint(int(bits)) for bits in values.view(np.uint16))
    node = field(1, field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"MatMul"))

    def tensor(data):
        return field(5, field(1, values.size) + field(2, 10) + field(8, b"w") + field(5, data))

    found, _ = readers.read(onnx_file(tmp_path / "a.onnx", tensor(packed), node))
    np.testing.assert_array_equal(found.tensors["w.weight"], values)
    refused(onnx_file(tmp_path / "b.onnx", tensor(packed[:-1] + b"\xff"), node), "does not end")
    refused(onnx_file(tmp_path / "c.onnx", tensor(packed[:-3] + b"\xff" * 4 + b"\1"), node), "does not end")


def test_keras_of_many_small_layers(tmp_path):
    """Each open dataset takes memory of its own, so they are opened one after the other."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(3000):
            file.create_dataset(f"conv{number}/kernel:0", data=np.full((2, 2), number, np.float32))
        file.create_dataset("nothing/kernel:0", data=h5py.Empty("f4"))
    found, _ = readers.read(tmp_path / "a.h5")
    assert len(found.tensors) == 3000 and found.tensors["conv2999.weight"][0, 0] == 2999


def test_messages_name_the_file_once(tmp_path):
    """And never a file of ours in between."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("conv/kernel:0", data=np.array([np.nan]))
    header = b'{"x":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}'
    (tmp_path / "b.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(2))
    for name, says in [("a.h5", ": conv.weight has 1 values"), ("b.safetensors", ": x has dtype F8_E4M3")]:
        with pytest.raises(WeightsError) as caught:
            readers.read(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}{says}")


def test_keras_bomb(tmp_path):
    """A terabyte declared, of which not one byte is stored."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("conv/kernel:0", (1 << 20, 1 << 18), "f4", chunks=(64, 64))
    refused(tmp_path / "a.h5", "a bomb")


def test_keras_links_to_other_files_are_not_followed(tmp_path):
    keras(tmp_path / "secret.h5", "of 2018", OF_2018, weights())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["block1_conv1"] = h5py.ExternalLink("secret.h5", "/block1_conv1")
    refused(tmp_path / "a.h5", "a link to elsewhere")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("conv/kernel:0", (8,), "f4", external=[(str(tmp_path / "secret.h5"), 0, 32)])
    refused(tmp_path / "b.h5", "in other files")
    layout = h5py.VirtualLayout((8,), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "fc1/bias:0", (8,))
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_virtual_dataset("conv/kernel:0", layout)
    refused(tmp_path / "c.h5", "in other files")


def test_keras_groups_that_hold_themselves(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("a")
        group["a"] = group
    refused(tmp_path / "a.h5", "without end")


def test_keras_without_h5py_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "h5py.py").write_text("raise ImportError('no such thing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["conv/kernel:0"] = np.zeros(3, np.float32)
    refused(tmp_path / "a.h5", "pip install h5py")


def test_matconvnet_bombs_and_lies(tmp_path):
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    size = 150 << 20
    cells = struct.pack("<4I", 6, 8, 7, 0) + struct.pack("<4I", 5, 8, 1, size // 4)  # the flags and shape of `layers`
    matrix = cells + struct.pack("<II", 1, 6) + b"layers\0\0" + struct.pack("<II", 7, size)
    bomb = zlib.compress(struct.pack("<II", 14, size + len(matrix)) + matrix + bytes(size), 9)
    (tmp_path / "a.mat").write_bytes(header + struct.pack("<II", 15, len(bomb)) + bomb)
    refused(tmp_path / "a.mat", "needs more memory than a file of its size should")
    (tmp_path / "b.mat").write_bytes(header + struct.pack("<II", 14, 0xFFFFFFF0) + bytes(100))
    refused(tmp_path / "b.mat", "cannot be read|no cell array")
    (tmp_path / "c.mat").write_bytes(header)
    refused(tmp_path / "c.mat", "no cell array `layers`")


@pytest.mark.parametrize("kind", ["h5", "mat"])
def test_damaged_files_of_other_libraries(kind, tmp_path, rng):
    """Few, since each is read in a process of its own; none may take ours down."""
    path = tmp_path / "good"
    keras(path, "of 2018", OF_2018, weights()) if kind == "h5" else matconvnet(path, weights())
    good = path.read_bytes()
    for number in range(4):
        bad = bytearray(good[: len(good) // 2] if number == 0 else good)
        for position in rng.integers(20, 3000, 8 * number):
            bad[position] ^= 1 << int(rng.integers(8))
        (tmp_path / "bad").write_bytes(bad)
        try:
            readers.read(tmp_path / "bad")
        except WeightsError as error:
            fuzzing.check_message(str(error), tmp_path / "bad")


@pytest.mark.parametrize("read", [load, readers.read, lambda path: convert(path, "out")])
def test_what_is_no_file(tmp_path, read, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "empty").touch()
    for name, says in [
        (".", "not an ordinary file but a folder"),
        ("pipe", "not an ordinary file but a pipe"),
        ("dangling", r"is a link to .*gone, which does not exist"),
        ("loop", "cannot be opened: Too many levels of symbolic links"),
        ("empty", "is empty"),
        ("gone", "does not exist"),
        ("empty/gone", "does not exist"),
        ("a\0b", "cannot be the name of a file"),
        ("/dev/zero", "not an ordinary file but a device"),
    ]:
        with pytest.raises(WeightsError, match=says):
            read(tmp_path / name)


def test_a_link_to_a_file_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(GOLDEN / "zip.pth")
    assert readers.read(tmp_path / "link")[0].format == "PyTorch"


def test_names_that_command_a_terminal_are_not_printed(tmp_path):
    np.savez(tmp_path / "a.npz", **{"\x1b[2Jconv.weight": np.zeros(3)})
    refused(tmp_path / "a.npz", "which is no name")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"MATLAB 7.3 MAT-file".ljust(128), "save it with -v7"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "no format known here"),
        (b"PK\x03\x04" + bytes(50), "damaged archive"),
    ],
)
def test_other_things(tmp_path, content, says):
    (tmp_path / "a").write_bytes(content)
    refused(tmp_path / "a", says)


LIMITED = """
import resource, sys
from nnbasics.weights import readers, load
from nnbasics.errors import WeightsError
kib = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
limit = kib + 2 * int(sys.argv[2]) + (48 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    readers.read(sys.argv[1])
except WeightsError as error:
    print(error)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits memory so")
@pytest.mark.parametrize("kind", ["npz", "pth", "safetensors"])
def test_lies_about_sizes_fit_into_twice_the_file(tmp_path, kind):
    """Under a memory limit of twice the file, a file that claims much more is refused by us and not by the system."""
    path = tmp_path / f"a.{kind}"
    if kind == "npz":
        npz(path, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (300000000,)}", bytes(1 << 20)))
    elif kind == "pth":
        as_zip(path, pytorch_tensor(count=300_000_000, shape=(300_000_000,)), [("0", bytes(1 << 20))])
    else:
        text = b'{"x":{"dtype":"F32","shape":[300000000],"data_offsets":[0,1200000000]}}'
        path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(1 << 20))
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LIMITED, str(path), str(path.stat().st_size)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(path))
