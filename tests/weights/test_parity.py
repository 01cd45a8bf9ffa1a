"""Against PyTorch, live: every file it writes is read as it reads it, and a converted VGG-19 computes the same."""

import numpy as np
import pytest

from nnbasics.models import vgg19
from nnbasics.weights import convert, readers
from nnbasics.weights.preprocessing import PREPROCESSING

pytestmark = pytest.mark.parity
torch = safetensors = None  # imported by the fixture, so that nothing but these tests waits for it


@pytest.fixture(scope="module", autouse=True)
def import_torch():
    global torch, safetensors
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")


def tensors():
    """Of every dtype and layout."""
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(6, 5, 4, 3, generator=generator)
    found = {f"dtype.{dtype}".replace("torch.", ""): (base * 9).to(dtype) for dtype in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
        torch.uint8, torch.bool)}  # fmt: skip
    found |= {
        "transposed": base.permute(3, 1, 0, 2),
        "channels_last": base.contiguous(memory_format=torch.channels_last),
        "slice": base[1:5, ::2, :, 1],
        "row": base[3],
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(base[0]),
        "buffer": torch.tensor([1.0]).requires_grad_(False),
    }
    return found


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_files_are_read_as_pytorch_reads_them(tmp_path, protocol, zipped):
    torch.save(tensors(), tmp_path / "a.pth", pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    found = readers.read(tmp_path / "a.pth")[0].tensors
    assert set(found) == set(tensors())
    for name, theirs in tensors().items():
        theirs = theirs.detach().float() if theirs.dtype == torch.bfloat16 else theirs.detach()
        assert found[name].dtype == theirs.numpy().dtype, name
        np.testing.assert_array_equal(found[name], theirs.numpy(), err_msg=name)


def test_safetensors_are_read_as_pytorch_reads_them(tmp_path):
    given = {name: tensor.detach().contiguous() for name, tensor in tensors().items()}
    safetensors.save_file(given, tmp_path / "a.safetensors")
    found = readers.read(tmp_path / "a.safetensors")[0].tensors
    assert set(found) == set(given)
    for name, theirs in given.items():
        theirs = theirs.float() if theirs.dtype == torch.bfloat16 else theirs
        assert found[name].dtype == theirs.numpy().dtype, name
        np.testing.assert_array_equal(found[name], theirs.numpy(), err_msg=name)


class Torchvision:
    """VGG-19 with torchvision's names."""

    def __new__(cls):
        layers, channels = [], 3
        for count, width in zip((2, 2, 4, 4, 4), (64, 128, 256, 512, 512), strict=True):
            for _ in range(count):
                layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU()]
                channels = width
            layers.append(torch.nn.MaxPool2d(2))
        top = [torch.nn.Linear(512 * 7 * 7, 4096), torch.nn.ReLU(), torch.nn.Dropout()]
        top += [torch.nn.Linear(4096, 4096), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(4096, 1000)]
        net = torch.nn.ModuleDict({"features": torch.nn.Sequential(*layers), "classifier": torch.nn.Sequential(*top)})
        return net.eval()


def test_a_converted_vgg_19_computes_the_same(tmp_path, rng):
    torch.manual_seed(0)
    theirs = Torchvision()
    torch.save(theirs.state_dict(), tmp_path / "vgg19.pth")
    convert(tmp_path / "vgg19.pth", tmp_path / "vgg19.safetensors", dtype="float32")
    image = rng.random((1, 3, 224, 224), dtype=np.float32)
    weight, bias = (torch.from_numpy(array) for array in PREPROCESSING["torchvision"].layer())
    with torch.no_grad():
        x = torch.nn.functional.conv2d(torch.from_numpy(image), weight, bias)
        expected = theirs["classifier"](theirs["features"](x).flatten(1)).numpy()
    scores = vgg19(tmp_path / "vgg19.safetensors").activations(image, "fc8")["fc8"]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)
