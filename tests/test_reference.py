"""The reference has every public name, once, and its first page leads to the others."""

import importlib
import re
from pathlib import Path

import pytest

PAGES = {path.name: path.read_text(encoding="utf-8") for path in (Path(__file__).parents[1] / "docs" / "api").iterdir()}
SHOWN = re.findall(r"^::: (\S+)$", "\n".join(PAGES.values()), re.MULTILINE)
PACKAGES = ["nnbasics", *(f"nnbasics.{name}" for name in "models weights style visualize linalg testing".split())]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there(package):
    public = importlib.import_module(package)
    homes = {name: getattr(getattr(public, name), "__module__", package) for name in public.__all__}
    homes.pop("__version__", None)
    assert homes
    assert [name for name, home in homes.items() if package not in SHOWN and home not in SHOWN] == []


def test_every_module_is_there_once():
    assert sorted(SHOWN) == sorted(set(SHOWN))
    for module in SHOWN:
        importlib.import_module(module)


def test_the_first_page_leads_to_the_others():
    linked = re.findall(r"^\| \[.*?\]\((.*?)\)", PAGES["index.md"], re.MULTILINE)
    assert sorted([*linked, "index.md"]) == sorted(PAGES)
