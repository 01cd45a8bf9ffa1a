"""docs/weights.md: its code runs, its commands are commands, its tables have what there is."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import numpy as np

from nnbasics.cli import parser
from nnbasics.weights import registry
from nnbasics.weights.architectures import ARCHITECTURES
from nnbasics.weights.preprocessing import PREPROCESSING

PAGE = (Path(__file__).parents[2] / "docs" / "weights.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def fetched(code):
    """Whether the weights that a block asks for by name are here; every name must be one that can be fetched."""
    names = re.findall(r'weights="(.*?)"', code)
    assert set(names) <= set(registry.entries()), names
    return all(registry.entry(name).path.exists() for name in names)


def test_its_code_runs(tmp_path, monkeypatch):
    """Block after block; of one that needs weights which are not here, that what it imports is there."""
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        if fetched(block):
            exec(compile(block, "docs/weights.md", "exec"), names)
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names)
    assert names["vgg"]["conv1_1.weight"].shape == (64, 3, 3, 3)
    assert names["mine"].metadata["trained on"] == "MNIST"
    np.testing.assert_array_equal(names["mine"]["conv1.weight"], names["net"].params["conv1.weight"])


def test_its_commands_are_commands():
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()
    lines = [line.split("#")[0].strip() for line in blocks] + re.findall(r"`(nnbasics .*?)`", PAGE)
    lines = [line for line in lines if line and not re.match(r"nnbasics/|nnbasics\.", line)]
    assert len(lines) >= 8
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "nnbasics" and parser().parse_args(words), line


def test_its_tables_have_what_there_is():
    flags = re.search(r"\| `--preprocessing` \|.*?\n\n", PAGE, re.DOTALL).group()
    assert re.findall(r"^\| `(\w+)` \|", flags, re.MULTILINE) == list(PREPROCESSING)
    assert {name for name in registry.entries() if f"`{name}`" in PAGE} >= set(registry.entries()) - {
        "vgg19-normalised",  # named by its file
        "vgg19-normalised-float32",  # asked for by --dtype
    }
    numbers = {re.match(r"[a-z]+-?(\d*)", name).group(1) for name in ARCHITECTURES} - {""}
    networks = re.search(r"`convert` reads the weights of (.*?) from these", PAGE, re.DOTALL).group(1)
    assert numbers == set(re.findall(r"\d+", networks)) and "AlexNet" in networks
