"""docs/video.md: its commands run at a small size, its pictures are there."""

import re
import shlex
from pathlib import Path

import numpy as np

from nnbasics.cli import main
from nnbasics.data import moving
from nnbasics.data import picture as pictures

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "video.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(block)[1:] for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]


def test_its_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "frames").mkdir()
    for number in range(2):
        pictures.write(tmp_path / "frames" / f"{number}.png", np.full((40, 40, 3), 0.5))
    for words in COMMANDS:
        assert main([*words, "--size", "32", "--iterations", "1"]) == 0
    assert moving.read(tmp_path / "painted.mp4").count == 2
    assert moving.read(tmp_path / "walk.webp").count == 2  # frames that are alike are one


def test_its_pictures_are_there():
    for name in re.findall(r"!\[[^]]+\]\((.*?)\)", PAGE):
        assert moving.read(DOCS / name).count > 20
