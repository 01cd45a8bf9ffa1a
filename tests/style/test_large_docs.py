"""docs/large.md: its commands run, one after the other, at a small size."""

import re
import shlex
from pathlib import Path

from nnbasics.cli import main
from nnbasics.data import samples

PAGE = (Path(__file__).parents[2] / "docs" / "large.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(block)[1:] for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]
SMALL = ["--size", "48", "--iterations", "2"]


def test_its_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, sample in (("photo.jpg", "cat"), ("painting.jpg", "auvers")):
        (tmp_path / name).write_bytes(samples.path(sample).read_bytes())
    kinds = []
    for words in COMMANDS:
        if "--resume" in words:  # as after an interruption: the picture is not there yet
            (tmp_path / "out.png").unlink()
        small = SMALL if words[0] == "style" else []
        assert main([*words, *small]) == 0
        kinds.append(words[0])
    assert kinds == ["style", "style", "remake", "style"]
    assert {"out.png", "out.ckpt", "out-again.png", "huge.png"} <= {path.name for path in tmp_path.iterdir()}
