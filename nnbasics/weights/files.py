"""Files from outside: opened without hanging, hashed, and written whole or not at all."""

import errno
import hashlib
import os
import secrets
import stat
from contextlib import contextmanager
from pathlib import Path

from nnbasics.errors import WeightsError

CHUNK = 1 << 20
_NON_BLOCKING = getattr(os, "O_NONBLOCK", 0)  # opening a FIFO that nobody writes to would otherwise wait for ever


@contextmanager
def reading(path):
    """Open `path` for reading in binary, if it is an ordinary file; yields (file, size in bytes)."""
    try:
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NON_BLOCKING))
    except OSError as error:
        raise WeightsError(_why_not_open(path, error)) from None
    except ValueError as error:  # a NUL byte in the name
        raise WeightsError(f"{str(path)!r} cannot be the name of a file ({error})") from None
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise WeightsError(f"{path} is not an ordinary file but a {_kind(status.st_mode)}; give another name")
        if status.st_size == 0:
            raise WeightsError(f"{path} is empty")
        yield file, status.st_size


def sha256(file, progress=None):
    """The sha256 of an open file from its beginning, in hexadecimal; `progress(bytes so far)` is called on the way."""
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        if progress:
            progress(file.tell())
    return digest.hexdigest()


@contextmanager
def writing(path, overwrite=True, again=False):
    """Write `path` through a temporary file beside it, renamed at the end: there is never half a file.

    Neither after a kill nor after a power cut. A file that is written `again` and again has always the same temporary
    file, so that one kill leaves no more than one behind, and the next writing takes it away.
    """
    path = check_writable(path, overwrite)
    temporary = path.with_name(f".{path.name[:200]}.{'new' if again else secrets.token_hex(4)}")
    try:
        if again:
            temporary.unlink(missing_ok=True)
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise WeightsError(_why_not_write(path, error)) from None
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path, overwrite=True):
    """Refuse early what `writing` would refuse at the end; the path with its links followed."""
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; give the name of the file to write")
    if path.exists():
        if not path.is_file():
            raise WeightsError(f"{path} is not an ordinary file but a {_kind(path.stat().st_mode)}; give another name")
        if not overwrite:
            raise WeightsError(f"{path} exists already; choose another name or say --overwrite")
    if not path.parent.is_dir():
        raise WeightsError(f"{path} cannot be written: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise WeightsError(f"{path} cannot be written: no permission to write in {path.parent}")
    return path


def check_name(name):
    """Refuse the name of a tensor that should not be printed: it could hold commands to a terminal."""
    if len(name) > 300 or not name.isprintable():
        raise WeightsError(f"names a tensor {name[:80]!a}, which is no name")


def _kind(mode):
    names = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return names.get(stat.S_IFMT(mode), "device")


def _why_not_open(path, error):
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        return f"{path} is a link to {os.readlink(path)}, which does not exist"
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return f"{path} does not exist"
    if isinstance(error, IsADirectoryError) or os.path.isdir(path):
        return f"{path} is not an ordinary file but a folder; give the name of a file"
    if isinstance(error, PermissionError):
        return f"{path} may not be read: no permission"
    return f"{path} cannot be opened: {_reason(error)}"


def _why_not_write(path, error):
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path} cannot be written: the disk is full"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"{path} cannot be written: no permission to write in {path.parent}"
    return f"{path} cannot be written: {_reason(error)}"


def _reason(error):
    return error.strerror or str(error)
