"""AlexNet and residual networks in other libraries' files: every layer in its place, batch normalisation the same."""

import json
import pickle

import numpy as np
import pytest

from nnbasics import Conv2d
from nnbasics.models import alexnet, resnet, state
from nnbasics.weights import architectures, convert, load
from nnbasics.weights.architectures import ARCHITECTURES, RESNET, shapes

MODELS = {"alexnet": lambda: alexnet("torchvision", rng="zeros"), "alexnet-paper": lambda: alexnet(rng="zeros")}
for _depth in (18, 34, 50, 101, 152):
    MODELS[f"resnet{_depth}"] = lambda depth=_depth: resnet(depth, rng="zeros")
    if _depth >= 50:
        MODELS[f"resnet{_depth}-v1.5"] = lambda depth=_depth: resnet(depth, stride_in="3x3", rng="zeros")


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if not name.startswith("vgg")])
def test_the_tables_are_those_of_the_models(name):
    expected = {key: array.shape for key, array in state(MODELS[name]()).items()}
    found = {key: shape for key, shape in shapes(name, classes=1000).items() if not key.startswith("preprocess")}
    assert found == expected


@pytest.fixture
def small(monkeypatch):
    """Both kinds of residual networks with four maps in the first stage, and an AlexNet of few, as known networks."""
    known = {"resnet18": architectures.resnet(*RESNET["resnet18"], narrowest=4)}
    for name in ("resnet50", "resnet50-v1.5"):
        slots = architectures.resnet(*RESNET["resnet50"], narrowest=4)
        known[name] = [slot._replace(aliases=big.aliases) for slot, big in zip(slots, ARCHITECTURES[name], strict=True)]
    few = [(8, 3, 11), (8, 8, 5), (8, 8, 3), (8, 8, 3), (8, 8, 3)]
    known["alexnet"] = architectures.alexnet(few, hidden=16)
    for name, slots in known.items():
        monkeypatch.setitem(ARCHITECTURES, name, slots)
    return known


def values(slots, rng, biases=False):
    """{slot name: (weight, bias, mean, variance)}, None for what it has not."""
    found = {}
    for slot in slots:
        shape = tuple(10 if size is None else size for size in slot.shape)
        vectors = [rng.normal(0, 0.2, shape[0]).astype(np.float32) for _ in range(3)]
        vectors[2] = np.abs(vectors[2]) + np.float32(0.5)
        weight = rng.normal(1 if slot.is_norm else 0, 0.1, shape).astype(np.float32)
        bias = vectors[0] if biases or not slot.norm else None
        found[slot.name] = (weight, bias, *(vectors[1:] if slot.is_norm else (None, None)))
    return found


KINDS = {
    "torchvision": ("weight", "bias", "running_mean", "running_var"),
    "keras": ("kernel", "bias", "moving_mean", "moving_variance"),
}


def named(slots, arrays, scheme, kinds):
    """The arrays as a file of this scheme calls them, in its layout."""
    found = {}
    for slot in slots:
        weight, bias, *statistics = arrays[slot.name]
        channels_last = kinds == "keras"
        if channels_last:
            weight = weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T
        first, second = ("gamma", "beta") if slot.is_norm and channels_last else KINDS[kinds][:2]
        for kind, array in zip((first, second, *KINDS[kinds][2:]), (weight, bias, *statistics), strict=True):
            if array is not None:
                found[f"{slot.aliases[scheme]}{'/' if channels_last else '.'}{kind}"] = array
    return found


@pytest.mark.parametrize("name", ["resnet18", "resnet50-v1.5"])
def test_torchvisions_names(name, small, tmp_path, rng):
    slots = small[name]
    arrays = values(slots, rng)
    file = named(slots, arrays, "torchvision", "torchvision")
    np.savez(tmp_path / "a.npz", **file, **{"bn1.num_batches_tracked": np.array(7)})
    assert any(key.startswith("layer4.0.downsample.1.running_var") for key in file)
    metadata = convert(tmp_path / "a.npz", tmp_path / "a.safetensors", dtype="float32")
    assert metadata["architecture"] == name and metadata["preprocessing"].startswith("torchvision")
    weights = load(tmp_path / "a.safetensors")
    for slot, (weight, bias, mean, variance) in arrays.items():
        np.testing.assert_array_equal(weights[f"{slot}.weight"], weight)
        if mean is not None:
            np.testing.assert_array_equal(weights[f"{slot}.bias"], bias)
            np.testing.assert_array_equal(weights[f"{slot}.running_mean"], mean)
            np.testing.assert_allclose(weights[f"{slot}.running_var"], variance)
    net = resnet(int(name[6:8]), weights, width=4)
    assert net.frozen and net.layers["preprocess"] is not None
    stride = net["block3_1"].layers["body"]["conv2"].stride
    assert stride == ((2, 2) if name == "resnet50-v1.5" else (1, 1))
    assert net.output_shape((2, 3, 64, 64)) == (2, 10)


def test_tensorflow_js_with_keras_names_biases_and_epsilon(small, tmp_path, rng):
    """Convolutions with a bias and an epsilon of 0.001 give the same numbers in ours, which have neither."""
    slots = small["resnet50"]
    arrays = values(slots, rng, biases=True)
    file = named(slots, arrays, "keras", "keras")
    assert "bn2a_branch1/moving_variance" in file and "res4f_branch2c/bias" in file and "fc1000/kernel" in file
    entries = [{"name": key, "shape": list(array.shape), "dtype": "float32"} for key, array in file.items()]
    content = b"".join(array.astype("<f4").tobytes() for array in file.values())
    (tmp_path / "one.bin").write_bytes(content[:1000])
    (tmp_path / "two.bin").write_bytes(content[1000:])
    model = {"weightsManifest": [{"paths": ["one.bin", "two.bin"], "weights": entries}]}
    (tmp_path / "model.json").write_text(json.dumps(model))
    metadata = convert(tmp_path / "model.json", tmp_path / "a.safetensors", dtype="float32", preprocessing="none")
    assert metadata["architecture"] == "resnet50"
    net = resnet(50, load(tmp_path / "a.safetensors"), width=4)
    x = rng.random((1, 3, 32, 32))
    found = net.activations(x, ["bn1", "fc"])
    weight, bias, *_ = arrays["conv1"]
    conv = Conv2d(3, 4, 7, 2, 3, rng="zeros")
    conv.params.update(weight=weight, bias=bias)
    gamma, beta, mean, variance = (array[:, None, None].astype(float) for array in arrays["bn1"])
    y = gamma * (conv.forward(x) - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(found["bn1"], y, rtol=1e-5, atol=1e-6)
    assert found["fc"].shape == (1, 10)


def test_keras_h5(small, tmp_path, rng):
    import h5py

    slots = small["resnet50"]
    arrays = values(slots, rng, biases=True)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for key, array in named(slots, arrays, "keras 2", "keras").items():
            layer, _, kind = key.partition("/")
            file[f"{layer}/{layer}/{kind}:0"] = array
    convert(tmp_path / "a.h5", tmp_path / "a.safetensors", dtype="float32")
    weights = load(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(weights["block2_1.body.conv2.weight"], arrays["block2_1.body.conv2"][0])
    shifted = arrays["block5_3.body.bn3"][2] - arrays["block5_3.body.conv3"][1]
    np.testing.assert_allclose(weights["block5_3.body.bn3.running_mean"], shifted)
    np.testing.assert_allclose(weights["bn1.running_var"], arrays["bn1"][3] + 1e-8)


def test_alexnet_as_a_pickle_of_flax(small, tmp_path, rng):
    slots = [slot for slot in small["alexnet"] if not slot.top]
    arrays = values(slots, rng)
    tree = {}
    for slot in slots:
        kernel, bias, *_ = arrays[slot.name]
        tree[slot.aliases["flax"].partition(".")[2]] = {"kernel": kernel.transpose(2, 3, 1, 0).copy(), "bias": bias}
    head = {"Conv_0": {"kernel": np.zeros((1, 1, 8, 1), np.float32)}}
    with open(tmp_path / "a.ckpt", "wb") as file:
        pickle.dump({"AlexNet_0": tree, "NetLinLayer_0": head}, file, protocol=3)
    lines = []
    metadata = convert(tmp_path / "a.ckpt", tmp_path / "a.safetensors", dtype="float32", report=lines.append)
    assert metadata["architecture"] == "alexnet" and "alexnet, by Flax' names:" in lines
    assert any("left out: NetLinLayer_0.Conv_0" in line for line in lines)
    for name, (weight, bias, *_) in arrays.items():
        np.testing.assert_array_equal(load(tmp_path / "a.safetensors")[f"{name}.weight"], weight)
        np.testing.assert_array_equal(load(tmp_path / "a.safetensors")[f"{name}.bias"], bias)


def test_alexnets_top_behind_6x6_maps(small, tmp_path, rng):
    """Flattened height and width first, fully connected layers have their inputs in another order."""
    slots = small["alexnet"]
    arrays = values(slots, rng)
    file = {}
    for slot in slots:
        weight, bias, *_ = arrays[slot.name]
        if slot.name == "fc6":
            weight = weight.reshape(16, 8, 6, 6).transpose(2, 3, 1, 0).reshape(-1, 16)
        elif weight.ndim == 2:
            weight = weight.T
        else:
            weight = weight.transpose(2, 3, 1, 0)
        file |= {f"{slot.name}/kernel": weight, f"{slot.name}/bias": bias}
    np.savez(tmp_path / "a.npz", **{key.replace("/", "."): array for key, array in file.items()})
    convert(tmp_path / "a.npz", tmp_path / "a.safetensors", dtype="float32")
    weights = load(tmp_path / "a.safetensors")
    for name, (weight, *_) in arrays.items():
        np.testing.assert_array_equal(weights[f"{name}.weight"], weight)


def test_vgg_with_batch_normalisation_is_refused(tmp_path):
    file = {f"features.0.{key}": array for key, array in Conv2d(3, 64, 3, rng=0).params.items()}
    file |= {f"features.1.{kind}": np.ones(64, np.float32) for kind in KINDS["torchvision"]}
    np.savez(tmp_path / "a.npz", **file)
    with pytest.raises(ValueError, match=r"has batch normalisation, and the vgg.* here has none"):
        convert(tmp_path / "a.npz", tmp_path / "a.safetensors")


def test_statistics_that_are_missing(small, tmp_path, rng):
    file = named(small["resnet18"], values(small["resnet18"], rng), "torchvision", "torchvision")
    del file["layer2.0.bn1.running_var"]
    np.savez(tmp_path / "a.npz", **file)
    with pytest.raises(ValueError, match=r"block3_1.body.bn1 has no running statistics in layer2.0.bn1"):
        convert(tmp_path / "a.npz", tmp_path / "a.safetensors")
