"""Picture files from outside, hostile until checked: opened so that nothing hangs, explodes or stays open.

What a file is and the size in its header are known before a pixel is decoded; whatever is wrong with it is one
`PictureError`, a single line.
"""

import contextlib
import logging
import os
import stat
import threading
import warnings
from pathlib import Path

from nnbasics.errors import PictureError

_READABLE = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "BMP", "PPM")
_MOST_SCANS = 200  # encoders write about ten
_PIECE = 2**16  # bytes; what is read in larger pieces is read quickly
_HEADER_COST = 2**24  # of all small pieces before the pixels, see `_Guarded`
_PIXEL_COST = 400  # for each pixel; a run-length encoded BMP is read byte by byte


def check_regular_file(path: Path) -> int:
    """Size of the file in bytes; everything that is not a readable file with something in it is an error.

    Looking before opening is what keeps a FIFO from waiting for ever.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            target = os.readlink(path)
            raise PictureError(f"{quoted(path)} is a symbolic link to {target!r}, which does not exist") from None
        raise PictureError(
            f"{quoted(path)} does not exist: check the path. Shipped pictures need only their name, for example cat"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise PictureError(f"{quoted(path)} cannot be read: {reason(error)}") from None
    if stat.S_ISDIR(status.st_mode):
        raise PictureError(f"{quoted(path)} is a folder: give one picture in it")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"{quoted(path)} is a pipe or a device, not a file: save the picture to a file first")
    if status.st_size == 0:
        raise PictureError(f"{quoted(path)} is empty (0 bytes): copy or download it again")
    return status.st_size


class _Guarded:
    """A file that is not read on for ever in small pieces, as fill bytes, comments or a thousand chunks would have it.

    Each piece costs its bytes and 100 more; whoever has spent `left` gets an error. Nor is memory taken for more bytes
    than there are, whatever the length of a chunk claims.
    """

    def __init__(self, file):
        self._file, self.left = file, _HEADER_COST
        self._size = os.fstat(file.fileno()).st_size

    def read(self, count=-1):
        if count > _PIECE:
            count = min(count, max(self._size - self._file.tell(), 0))
        data = self._file.read(count)
        if len(data) < _PIECE:
            self.left -= len(data) + 100
            if self.left < 0:
                raise OSError("made of small pieces without end")
        return data

    def __getattr__(self, name):
        return getattr(self._file, name)


@contextlib.contextmanager
def opened(path: Path):
    """The Pillow image of a file, its header read and nothing decoded; the file is closed whatever happens."""
    from PIL import Image, UnidentifiedImageError

    Image.init()
    formats = [name for name in _READABLE if name in Image.OPEN]
    try:
        file = open(path, "rb")
    except OSError as error:
        raise PictureError(f"{quoted(path)} cannot be read: {reason(error)}") from None
    with file:
        guarded = _Guarded(file)
        try:
            with quiet_pillow():
                image = Image.open(guarded, formats=formats)
        except UnidentifiedImageError:
            file.seek(0)
            raise PictureError(f"{quoted(path)} is not a picture we can read: {_looks_like(file.read(512))}") from None
        except Exception as error:  # a damaged header raises anything from KeyError to zlib.error
            raise PictureError(damaged(quoted(path), error)) from None
        with image:
            _check_scans(file, image, path)
            guarded.left = _HEADER_COST + _PIXEL_COST * image.width * image.height
            yield image


def release_decoder(image) -> None:
    """Free what Pillow keeps beside the pixels of a decoded WebP: two canvases for frames to come."""
    if image.format == "WEBP" and getattr(image, "n_frames", 1) == 1:
        image._decoder = None


def _check_scans(file, image, path: Path) -> None:
    """Refuse a progressive JPEG of endless scans: each costs some 60 bytes, and a pass over all pixels to decode."""
    if not image.info.get("progressive"):
        return
    file.seek(0)
    scans = sum(part.count(b"\xff\xda") for part in iter(lambda: file.read(2**20), b""))
    if scans > _MOST_SCANS:
        raise PictureError(f"{quoted(path)} is a progressive JPEG of {scans:,} scans, made to waste time: save it anew")


_PILLOW_SETTINGS = threading.RLock()


@contextlib.contextmanager
def quiet_pillow():
    """Pillow without warnings, log lines and its own size limit: ours stands in `_read_image`, before decoding.

    Pillow's limit is a global and would refuse what a caller of ours allowed.
    """
    from PIL import Image

    logger = logging.getLogger("PIL")
    with _PILLOW_SETTINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
            logger.setLevel(level)


@contextlib.contextmanager
def quiet_libtiff(image):
    """Keeps libtiff, which Pillow gives no way to silence, from printing on file descriptor 2 what our error says."""
    if image.format != "TIFF":
        yield
        return
    with contextlib.ExitStack() as restore:
        with contextlib.suppress(OSError):  # a process without standard error has nothing to keep quiet
            kept = os.dup(2)
            restore.callback(os.close, kept)
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            restore.callback(os.dup2, kept, 2)
        yield


def quoted(path) -> str:
    name = os.fspath(path)
    return repr(name if len(name) <= 200 else f"{name[:100]}...{name[-100:]}")  # one line, whatever the characters


def reason(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split())[:160]


def damaged(where: str, error: Exception) -> str:
    return (
        f"{where} is damaged, cut short, or of a rare kind ({reason(error)}): "
        "copy or download it again, or save it anew as PNG or JPEG"
    )


_KINDS = (  # (offset, bytes there, what it is then and what to do)
    (4, b"ftypavif", "it is AVIF; save it as JPEG or PNG"),
    (4, b"ftyphei", "it is HEIC, as phones write it; export it as JPEG"),
    (4, b"ftypmif1", "it is HEIF; export it as JPEG"),
    (0, b"%PDF", "it is a PDF; export the page as PNG"),
    (0, b"%!PS", "it is PostScript; export it as PNG"),
    (0, b"8BPS", "it is a Photoshop document; export it as PNG"),
    (4, b"jP  ", "it is JPEG 2000; save it as JPEG or PNG"),
    (4, b"JXL ", "it is JPEG XL; save it as JPEG or PNG"),
    (0, b"\xff\x0a", "it is JPEG XL; save it as JPEG or PNG"),
    (0, b"\0\0\1\0", "it is an icon; save it as PNG"),
    (0, b"P7\n", "it is a PAM; save it as PNG"),
    (0, b"PF\n", "it is a PFM in colours; save it as TIFF or PNG"),
    (0, b"PK", "it is a zip archive; unpack it"),
    (0, b"\x89PNG", "it begins like a PNG, and its header is damaged"),
    (0, b"\xff\xd8", "it begins like a JPEG, and its header is damaged"),
    (8, b"WEBP", "it begins like a WebP, and its header is damaged"),
    (0, b"GIF8", "it begins like a GIF, and its header is damaged"),
    (0, b"BM", "it begins like a BMP, and its header is damaged"),
    (0, b"II*\0", "it begins like a TIFF, damaged or of a rare kind; save it anew with 8 or 16 bits"),
    (0, b"MM\0*", "it begins like a TIFF, damaged or of a rare kind; save it anew with 8 or 16 bits"),
)


def _looks_like(head: bytes) -> str:
    for offset, magic, verdict in _KINDS:
        if head[offset:].startswith(magic):
            return verdict
    start = head.lstrip()[:200].lower()
    if b"<svg" in start:
        return "it is SVG; export it as PNG"
    if start.startswith((b"<!doctype", b"<html")):
        return "it is a web page; download the picture itself"
    return "it should be PNG, JPEG, WebP, TIFF, GIF, BMP or PNM"
