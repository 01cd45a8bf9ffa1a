"""MNIST, CIFAR-10, Fashion-MNIST and the faces: how their packages are read, on small ones made here."""

import gzip
import io
import json
import lzma
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from nnbasics.data import cache, cifar10, faces, fashion_mnist, mnist
from nnbasics.errors import UserError


def nothing(fraction):
    pass


def test_mnist_is_tables_in_a_wheel(tmp_path, rng, monkeypatch):
    """A header, then a label and 784 pixels in a row."""
    images, labels = rng.integers(0, 256, (5, 28, 28)).astype(np.uint8), np.array([5, 0, 4, 1, 9], np.uint8)
    with zipfile.ZipFile(tmp_path / "small.whl", "w") as file:
        for member, _ in mnist.PARTS.values():
            text = io.StringIO()
            np.savetxt(text, np.column_stack([labels, images.reshape(5, -1)]), "%d", ",", header="label,...")
            file.writestr(member, text.getvalue())
    monkeypatch.setattr(mnist, "PARTS", {part: (member, 5) for part, (member, _) in mnist.PARTS.items()})
    arrays = mnist._parse(tmp_path / "small.whl", nothing)
    for part in mnist.PARTS:
        np.testing.assert_array_equal(arrays[f"{part}_images"], images)
        np.testing.assert_array_equal(arrays[f"{part}_labels"], labels)


def tar(path, mode, files):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_cifar_is_sheets_of_photographs(tmp_path, rng):
    """A row of the sheet is one photograph, its pixels row by row."""
    photographs = rng.integers(0, 256, (6, 3, 4, 32, 32)).astype(np.uint8)[:, :, 0]  # sheet, photograph: (32, 32)
    photographs = np.stack([photographs, photographs // 2, 255 - photographs], axis=2)  # sheet, photograph, colour
    files, names = {}, [*cifar10.PARTS["train"][0], *cifar10.PARTS["test"][0]]
    for name, sheet in zip(names, photographs, strict=True):
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(sheet.transpose(0, 2, 3, 1)).reshape(3, 1024, 3)).save(out, "PNG")
        files[name] = out.getvalue()
    for part, labels in (("train", list(range(10)) + [0] * 5), ("test", [3, 8, 0])):
        files[cifar10.PARTS[part][1]] = json.dumps(labels).encode()
    tar(tmp_path / "small.tgz", "w:gz", files)
    arrays = cifar10._parse(tmp_path / "small.tgz", nothing)
    np.testing.assert_array_equal(arrays["train_images"], photographs[:5].reshape(15, 3, 32, 32))
    np.testing.assert_array_equal(arrays["test_images"], photographs[5])
    np.testing.assert_array_equal(arrays["test_labels"], [3, 8, 0])


@pytest.fixture
def clothes(rng):
    """The four files by name, in the format of MNIST's own, and the arrays in them."""
    files, arrays = {}, {}
    for part, (images, labels) in fashion_mnist.PARTS.items():
        arrays[f"{part}_images"] = rng.integers(0, 256, (5, 28, 28)).astype(np.uint8)
        arrays[f"{part}_labels"] = rng.integers(0, 10, 5).astype(np.uint8)
        header = np.array([0x803, 5, 28, 28], ">i4").tobytes()
        files[images] = gzip.compress(header + arrays[f"{part}_images"].tobytes())
        files[labels] = gzip.compress(np.array([0x801, 5], ">i4").tobytes() + arrays[f"{part}_labels"].tobytes())
    return files, arrays


def same(found, arrays):
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_fashion_is_a_package_of_debian(tmp_path, clothes):
    files, arrays = clothes
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./usr/share/datasets/fashion-mnist/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    package = b"!<arch>\n"
    for name, content in {"debian-binary": b"2.0", "data.tar.xz": lzma.compress(inner.getvalue())}.items():
        package += f"{name + '/':16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        package += b"\n" * (len(package) % 2)
    (tmp_path / "small.deb").write_bytes(package)
    same(fashion_mnist._parse(tmp_path / "small.deb", nothing), arrays)


def test_a_package_without_the_files(tmp_path):
    (tmp_path / "small.deb").write_bytes(b"!<arch>\n")
    with pytest.raises(UserError, match=r"no data.tar.xz in the package"):
        fashion_mnist._parse(tmp_path / "small.deb", nothing)


def test_fashion_from_files_that_are_here(tmp_path, clothes, monkeypatch):
    files, arrays = clothes
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(fashion_mnist, "INSTALLED", tmp_path / "installed")
    assert fashion_mnist._local() is None
    for folder in ("installed", "fashion-mnist"):
        (tmp_path / folder).mkdir()
        for name, content in files.items():
            (tmp_path / folder / name).write_bytes(content)
        same(fashion_mnist._local(), arrays)
    (tmp_path / "fashion-mnist" / "train-labels-idx1-ubyte.gz").write_bytes(b"no gzip")
    with pytest.raises(UserError, match=r"the files in .*fashion-mnist cannot be read"):
        fashion_mnist._local()


def test_where_there_is_no_apt(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(fashion_mnist, "INSTALLED", tmp_path / "installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    words = "^Fashion-MNIST: apt-get is needed .* or put train-images-idx3-ubyte.gz, .* of NNBASICS_DATA$"
    with pytest.raises(UserError, match=words):
        fashion_mnist.load("train")


def test_faces_are_an_array_in_a_wheel(tmp_path, rng, monkeypatch):
    pictures, out = rng.random((200, 25, 25)), io.BytesIO()
    np.save(out, pictures)
    with zipfile.ZipFile(tmp_path / "small.whl", "w") as file:
        file.writestr("skimage/data/lfw_subset.npy", out.getvalue())
    monkeypatch.setattr(
        faces.SET.__class__, "arrays", lambda self, progress: self.parse(tmp_path / "small.whl", nothing)
    )
    people, others = faces.load()
    assert people.dtype == others.dtype == np.float32
    np.testing.assert_allclose(np.concatenate([people, others]), pictures, atol=1e-7)


@pytest.mark.slow
def test_the_faces_are_the_real_ones(tmp_path, monkeypatch):
    """From the package index, so with a network. Eyes are darker than cheeks, which is not so of the others."""
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    for pictures, least, most in zip(faces.load(), (0.85, 0), (1, 0.6), strict=True):
        eyes, cheeks = pictures[:, 8:10, 6:19].mean(axis=(1, 2)), pictures[:, 13:16, 6:19].mean(axis=(1, 2))
        assert least <= (eyes < cheeks).mean() <= most


@pytest.mark.slow
def test_cifar_is_the_real_one():
    """From the package index, so with a network: every class has as many photographs, of the known mean and spread."""
    x, labels = cifar10.load("train")
    assert np.bincount(labels).tolist() == [5000] * 10
    np.testing.assert_allclose(x.mean(axis=(0, 2, 3), dtype=np.float64), [0.4914, 0.4822, 0.4465], atol=1e-4)
    np.testing.assert_allclose(x.std(axis=(0, 2, 3), dtype=np.float64), [0.2470, 0.2435, 0.2616], atol=1e-4)
    assert cifar10.load("test")[1][:4].tolist() == [3, 8, 8, 0], "a cat, two ships, an airplane"
