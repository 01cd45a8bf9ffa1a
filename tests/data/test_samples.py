"""The shipped pictures: there, readable, small, credited, and found by their bare name."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from nnbasics.data import picture, samples
from nnbasics.errors import PictureError

CREDITS = Path(__file__).parents[2] / "docs" / "credits.md"


@pytest.mark.parametrize("name", samples.names())
def test_shipped_picture_is_what_its_credits_say(name):
    entry = samples.credits(name)
    file = samples.path(name)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]
    assert file.stat().st_size <= 160_000
    assert picture.read(name).shape == (entry["height"], entry["width"], 3)
    assert entry["kind"] in ("photograph", "painting")
    assert all(entry[key] for key in ("title", "author", "package", "file", "file_sha256", "licence", "credit"))


def test_every_file_has_credits_and_every_credit_a_file():
    folder = samples.path("cat").parent
    assert sorted(file.stem for file in folder.glob("*.jpg")) == sorted(samples.names())


@pytest.mark.parametrize("name", samples.names())
def test_credits_page_says_what_the_table_says(name):
    entry = samples.credits(name)
    section = CREDITS.read_text(encoding="utf-8").split(f"## {name}\n")[1].split("\n## ")[0]
    for key in ("title", "author", "year", "package", "file", "file_sha256", "licence", "credit", "changes", "sha256"):
        assert entry[key] in section, key


def test_a_bare_name_is_a_sample_unless_a_file_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert samples.resolve("cat") == samples.path("cat")
    assert samples.resolve("cat.jpg") == Path("cat.jpg")
    assert samples.resolve("./cat") == Path("./cat")
    picture.write("red.png", np.full((4, 5, 3), [1.0, 0, 0]))
    Path("red.png").rename("cat")
    assert samples.resolve("cat") == Path("cat")
    assert picture.read("cat").shape == (4, 5, 3)


def test_a_folder_does_not_hide_a_sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("cat").mkdir()
    assert samples.resolve("cat") == samples.path("cat")


@pytest.mark.parametrize(
    "word, nearest", [("starry_nigth", "starry_night"), ("starry-night", "starry_night"), ("Cat", "cat")]
)
def test_unknown_word_names_the_nearest_and_all(word, nearest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PictureError) as caught:
        picture.read(word)
    message = str(caught.value)
    assert f"Did you mean {nearest}?" in message
    assert all(name in message for name in samples.names())
    with pytest.raises(PictureError, match=f"Did you mean {nearest}"):
        samples.path(word)
