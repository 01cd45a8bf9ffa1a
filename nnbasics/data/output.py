"""Where a picture may be written, looked at before any work, and files that are written whole or not at all."""

import contextlib
import difflib
import os
import secrets
import stat
from pathlib import Path

from nnbasics.data.files import quoted, reason
from nnbasics.errors import PictureError


def target(path, kinds: dict, overwrite: bool) -> tuple[Path, str]:
    """The file to write, its links followed, and its format, when it may be written.

    Parameters
    ----------
    path : str or path
    kinds : dict of str to str
        What each suffix stands for.
    overwrite : bool

    Raises
    ------
    PictureError
        When the suffix is unknown, the folder is missing, or something is there already.
    """
    path = Path(path)
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(kinds)
        raise PictureError(
            f"{quoted(path)} must end in one of {known}, to say which kind of file to write{_guess(path.suffix, kinds)}"
        )
    try:
        found = Path(os.path.realpath(path))
        mode = _mode(found)
        folder = found.parent.is_dir()
    except (OSError, ValueError) as error:  # a loop of links, a name too long or with a zero byte
        raise cannot_write(path, error) from None
    if not folder:
        raise PictureError(
            f"{quoted(path)} cannot be written: the folder {quoted(found.parent)} does not exist, make it first"
        )
    if mode is not None and not stat.S_ISREG(mode):
        raise PictureError(f"{quoted(path)} cannot be written: it is a folder, a pipe or a device; choose another name")
    if mode is not None and not overwrite:
        raise PictureError(
            f"{quoted(path)} exists already: choose another name, or overwrite it (--overwrite, overwrite=True)"
        )
    return found, kind


def check_writable(found: Path) -> None:
    """Raise the `PictureError` that writing there would raise, before a long run; leaves nothing behind."""
    temporary = _temporary(found)
    try:
        open(temporary, "xb").close()  # access rights alone do not tell: full disks, read-only mounts, quotas
    except OSError as error:
        raise cannot_write(found, error) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def check_apart(written, read=()) -> None:
    """Refuse, before a long run, names of which one would be written twice, or written and read: `overwrite` is for old
    results. None stands for no file.
    """
    taken = set()
    for path in filter(None, written):
        place = os.path.realpath(path)
        if place in taken:
            raise PictureError(f"{quoted(path)} would be written twice: choose another name for one of the two")
        taken.add(place)
    for path in filter(None, read):
        if os.path.exists(path) and os.path.realpath(path) in taken:
            raise PictureError(f"{quoted(path)} is read as well: choose another name to write to")


@contextlib.contextmanager
def replacing(found: Path):
    """A name beside `found` to write to, which takes its place at the end; after an error nothing has changed."""
    temporary = _temporary(found)
    try:
        yield temporary
        os.replace(temporary, found)
    except OSError as error:
        raise cannot_write(found, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def cannot_write(path, error: Exception) -> PictureError:
    return PictureError(f"{quoted(path)} cannot be written: {reason(error)}. Choose another folder or name")


def _guess(suffix: str, kinds) -> str:
    """What was meant by a slip of the fingers; .bmp is none, but a kind of file that is not written here."""
    from PIL import Image

    near = difflib.get_close_matches(suffix.lower(), kinds, n=1)
    return f"; did you mean {near[0]}?" if near and suffix.lower() not in Image.registered_extensions() else ""


def _mode(found: Path) -> int | None:
    try:
        return os.stat(found).st_mode
    except FileNotFoundError:
        return None


def _temporary(found: Path) -> Path:
    """A name in the same folder, so that os.replace is one step; hidden, and short whatever the target's name."""
    return found.with_name(f".nnbasics-{secrets.token_hex(6)}.tmp{found.suffix}")
