"""Files of every foreign format, written by that format's own library, read by ours and mapped onto our names."""

import json
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.io import savemat

from nnbasics.errors import WeightsError
from nnbasics.weights import convert, load
from nnbasics.weights.preprocessing import PREPROCESSING
from tests.weights import tiny

GOLDEN = Path(__file__).parent / "golden"  # written by PyTorch and onnx, see make_foreign.py there
pytestmark = pytest.mark.usefixtures("known")


def converted(source, tmp_path, **options):
    """What `convert` makes of a file, in float32, and the lines it says."""
    lines = []
    convert(source, tmp_path / "out.safetensors", dtype="float32", report=lines.append, **options)
    return load(tmp_path / "out.safetensors"), "\n".join(lines)


def check(found, expected, preprocessing):
    weight, bias = PREPROCESSING[preprocessing].layer()
    expected = {**expected, "preprocess.weight": weight, "preprocess.bias": bias}
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert found.metadata["preprocessing"].startswith(preprocessing)


@pytest.mark.parametrize("name", ["zip.pth", "legacy.pth", "protocol4.pth", "checkpoint.pth"])
def test_pytorch(name, tmp_path):
    found, lines = converted(GOLDEN / name, tmp_path)
    check(found, tiny.weights(), "torchvision")
    assert "conv5_4    <- features.34  (8, 8, 3, 3)" in lines
    assert "fc8        <- classifier.6  (10, 16)" in lines


def test_pytorch_views_and_other_dtypes(tmp_path):
    found, _ = converted(GOLDEN / "odd.pth", tmp_path)
    exact = {name: array for name, array in tiny.weights().items() if name not in ("conv3_3.weight", "conv3_4.weight")}
    for name, array in exact.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    np.testing.assert_allclose(found["conv3_3.weight"], tiny.weights()["conv3_3.weight"], rtol=2**-8)  # bfloat16
    np.testing.assert_allclose(found["conv3_4.weight"], tiny.weights()["conv3_4.weight"], rtol=2**-11, atol=1e-7)


def test_pytorch_whole_model_says_how_to_save_its_weights(tmp_path):
    with pytest.raises(WeightsError, match=r"whole pickled model.*state_dict"):
        convert(GOLDEN / "whole_model.pth", tmp_path / "out")


@pytest.mark.parametrize("name", ["raw.onnx", "fields.onnx"])
def test_onnx(name, tmp_path):
    found, lines = converted(GOLDEN / name, tmp_path, preprocessing="none")
    check(found, tiny.weights(), "none")
    assert "by the order of the layers" in lines and "conv1_1    <- onnx::W_100" in lines


def test_safetensors_in_bfloat16(tmp_path):
    """The upper halves of float32 values: what is read back has the same bits, and zeros below."""
    tensors, header, values = tiny.torchvision(tiny.weights()), {}, b""
    for name, array in tensors.items():
        upper = np.ascontiguousarray(array, np.float32).view(np.uint16)[..., 1::2].tobytes()
        place = [len(values), len(values) + len(upper)]
        header[name] = {"dtype": "BF16", "shape": array.shape, "data_offsets": place}
        values += upper
    text = json.dumps(header).encode()
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + values)
    found, _ = converted(tmp_path / "model.safetensors", tmp_path)
    upper = {name: (array.view(np.uint32) & 0xFFFF0000).view(np.float32) for name, array in tiny.weights().items()}
    check(found, upper, "torchvision")


def test_safetensors_with_names_of_torchvision(tmp_path):
    save_file(tiny.torchvision(tiny.weights()), tmp_path / "model.safetensors")
    found, _ = converted(tmp_path / "model.safetensors", tmp_path)
    check(found, tiny.weights(), "torchvision")


def test_features_alone_numbered(tmp_path):
    values = tiny.weights(top=False)
    save_file(tiny.renamed(values, tiny.TORCHVISION), tmp_path / "features.safetensors")
    found, lines = converted(tmp_path / "features.safetensors", tmp_path)
    check(found, values, "torchvision")
    assert "no fully connected layers" in lines


def test_names_of_vgg_converted_from_caffe(tmp_path):
    """The PyTorch files that neural style programs use: torchvision's convolutions, but Caffe's pictures."""
    names = [f"features.{index}" for index in tiny.TORCHVISION] + ["classifier.1", "classifier.4", "classifier.6"]
    np.savez(tmp_path / "caffe.npz", **tiny.renamed(tiny.weights(), names))
    found, _ = converted(tmp_path / "caffe.npz", tmp_path)
    check(found, tiny.weights(), "caffe")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_gatys_names(save, tmp_path):
    save(tmp_path / "vgg.npz", **tiny.weights())
    found, _ = converted(tmp_path / "vgg.npz", tmp_path)
    check(found, tiny.weights(), "caffe")


def test_npz_channels_last_with_underscores(tmp_path):
    """conv1_1_W, conv1_1_b: the VGG-16 that many TensorFlow lessons use."""
    values = {name: tiny.channels_last(name, array) for name, array in tiny.weights().items()}
    short = {"weight": "W", "bias": "b"}
    np.savez(
        tmp_path / "v.npz", **{f"{n.partition('.')[0]}_{short[n.partition('.')[2]]}": a for n, a in values.items()}
    )
    found, _ = converted(tmp_path / "v.npz", tmp_path)
    check(found, tiny.weights(), "caffe")


def keras(path, name, layout, values):
    """An .h5 file as Keras lays it out."""
    values = {key: tiny.channels_last(key, array) for key, array in values.items()}
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if name == "whole model" else file
        for (layer, _, kind), array in zip(
            (key.rpartition(".") for key in tiny.renamed(values, tiny.KERAS)), values.values(), strict=True
        ):
            root.require_group(layer)[layout[kind].format(layer=layer)] = array
        root.create_group("flatten")


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("of 2016", {"weight": "{layer}_W_1:0", "bias": "{layer}_b_1:0"}),
        ("of 2018", {"weight": "{layer}/kernel:0", "bias": "{layer}/bias:0"}),
        ("whole model", {"weight": "{layer}/kernel:0", "bias": "{layer}/bias:0"}),
    ],
)
def test_keras(name, layout, tmp_path):
    keras(tmp_path / "vgg.h5", name, layout, tiny.weights())
    found, lines = converted(tmp_path / "vgg.h5", tmp_path)
    check(found, tiny.weights(), "caffe")
    assert "conv1_1    <- block1_conv1  (3, 3, 3, 4)" in lines


def test_keras_3(tmp_path):
    """layers/conv2d_7/vars/0: numbered, since Keras 3 names nothing after the user's layers."""
    values = tiny.weights()
    names = ["conv2d", *(f"conv2d_{n}" for n in range(1, 16)), "dense", "dense_1", "dense_2"]
    with h5py.File(tmp_path / "vgg.weights.h5", "w") as file:
        for key, array in tiny.renamed(values, names).items():
            layer, kind = key.split(".")
            original = next(old for old, new in zip(values, tiny.renamed(values, names), strict=True) if new == key)
            file[f"layers/{layer}/vars/{'0' if kind == 'weight' else '1'}"] = tiny.channels_last(original, array)
        file["optimizer/vars/0"] = np.float32(3)
    found, _ = converted(tmp_path / "vgg.weights.h5", tmp_path, preprocessing="caffe")
    check(found, values, "caffe")


def test_keras_flattens_height_before_channels(rng):
    """The same map through Keras' fc6 and through ours gives the same numbers."""
    maps = rng.normal(size=(1, 8, 7, 7))
    weight = tiny.weights()["fc6.weight"]
    theirs = maps.transpose(0, 2, 3, 1).reshape(1, -1) @ tiny.channels_last("fc6.weight", weight)
    np.testing.assert_allclose(maps.reshape(1, -1) @ weight.T, theirs, rtol=1e-6)


def matconvnet(path, values, old=False, compress=False, mean=(123.68, 116.779, 103.939)):
    """A .mat file as MatConvNet lays it out: a cell array of structs."""
    layers = []
    for layer in dict.fromkeys(name.rpartition(".")[0] for name in values):
        weight, bias = values[f"{layer}.weight"], values[f"{layer}.bias"]
        if layer == "fc6":
            weight = weight.reshape(len(weight), -1, 7, 7)
        elif weight.ndim == 2:
            weight = weight.reshape(*weight.shape, 1, 1)
        pair = weight.transpose(2, 3, 1, 0), bias.reshape(1, -1)
        cell = np.empty((1, 2), object)
        cell[0, :] = pair
        inside = {"filters": pair[0], "biases": pair[1]} if old else {"weights": cell}
        layers += [{"name": layer, "type": "conv", "pad": 1.0, "stride": 1.0, **inside}]
        layers += [{"name": f"relu{layer[4:]}", "type": "relu"}]
    cells = np.empty((1, len(layers)), object)
    cells[0, :] = layers
    average = np.array(mean).reshape(1, 1, 3) * np.ones((5, 5, 1))
    normalization = {"averageImage": average if old else average[:1, :1], "imageSize": np.array([224.0, 224, 3])}
    beside = {"normalization": normalization} if old else {"meta": {"normalization": normalization}}
    savemat(path, {"layers": cells, **beside}, do_compression=compress)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("compress", [False, True])
def test_matconvnet(old, compress, tmp_path):
    matconvnet(tmp_path / "vgg.mat", tiny.weights(), old, compress)
    found, lines = converted(tmp_path / "vgg.mat", tmp_path)
    expected = tiny.weights()
    weight, bias = PREPROCESSING["matconvnet"].layer()
    np.testing.assert_allclose(found.pop("preprocess.weight"), weight)
    np.testing.assert_allclose(found.pop("preprocess.bias"), bias, rtol=1e-6)
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert "as the file says" in lines and "RGB times 255 minus (123.68" in lines


def test_preprocessing_asked_for_wins(tmp_path):
    found, lines = converted(GOLDEN / "zip.pth", tmp_path, preprocessing="caffe")
    check(found, tiny.weights(), "caffe")
    assert "as asked for" in lines


def test_a_converted_file_converts_to_itself(tmp_path):
    converted(GOLDEN / "zip.pth", tmp_path, preprocessing="caffe")
    once = tmp_path / "out.safetensors"
    once.rename(tmp_path / "once.safetensors")
    found, _ = converted(tmp_path / "once.safetensors", tmp_path)
    check(found, tiny.weights(), "caffe")
