"""docs/seeing.md: its Python runs, its commands are understood, its pictures are there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nnbasics.cli import parser
from nnbasics.data import samples
from nnbasics.weights import registry

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "seeing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=lambda code: code.strip().splitlines()[-1])
def test_its_python_runs(code, tmp_path):
    """A block that needs weights which have to be fetched says so where they are not."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    if 'weights="alexnet"' in code and not registry.entry("alexnet").path.exists():
        assert done.stderr.strip().endswith("get it by: nnbasics weights fetch alexnet")
        return
    assert done.returncode == 0, done.stderr
    (picture,) = tmp_path.glob("*.png")
    assert picture.stat().st_size > 5000


def test_its_commands_are_understood():
    """`test_command` runs the same commands at a small size."""
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(commands) == 4
    for command in commands:
        arguments = parser().parse_args(shlex.split(command)[1:])
        assert arguments.picture in samples.names()


def test_its_pictures_are_there():
    pictures = re.findall(r"!\[[^]]+\]\((.*?)\)", PAGE)
    assert sorted(pictures) == sorted(f"seeing/{path.name}" for path in (DOCS / "seeing").iterdir())
