"""Pictures in and out: any file, Pillow image or array becomes (H, W, 3) float32, RGB in [0, 1], and goes back.

Whatever a picture carries is honoured on the way in: EXIF orientation, transparency (laid onto white), grey, palettes,
CMYK, 16 bits, colour profiles (to sRGB). Files come from outside and are hostile until checked: the kind of file and
the size in its header are looked at before anything is decoded, and whatever is wrong is one `PictureError`.
"""

import contextlib
import difflib
import io
import json
import logging
import os
import secrets
import stat
import threading
import warnings
from pathlib import Path

import numpy as np

from nnbasics.data import samples
from nnbasics.errors import PictureError

MAX_PIXELS = 100_000_000
"""The largest picture `read` takes unless told otherwise: 10,000 x 10,000 pixels, 1.2 GB once decoded."""

_READABLE = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "BMP", "PPM")
_WRITABLE = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_LARGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
_OPTIONS = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}

_METADATA_KEY = "nnbasics"  # the keyword of the iTXt chunk
_METADATA_LIMIT = 1_000_000  # bytes of JSON; settings are a few kilobytes
_EXIF_DESCRIPTION = 0x010E  # ImageDescription, where JPEG, WebP and TIFF carry the same text
_EXIF_LIMIT = 65_000  # bytes that fit into the one EXIF segment of a JPEG
_EXIF_ORIENTATION = 0x0112
_TIFF_BITS, _TIFF_PHOTOMETRIC = 0x0102, 0x0106


# ------------------------------------------------------------------------------------------------------------ reading


def read(source, *, max_pixels: int | None = MAX_PIXELS) -> np.ndarray:
    """Read a picture of any kind.

    Parameters
    ----------
    source : str, path, Pillow image or array
        A file (PNG, JPEG, WebP, TIFF, GIF, BMP, PNM), the bare name of a shipped picture such as ``"cat"``, an open
        Pillow image, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8, uint16 or floats in [0, 1].
    max_pixels : int or None
        Refuse files with more pixels, before decoding them; None takes any size.

    Returns
    -------
    ndarray
        (H, W, 3) float32, RGB in [0, 1], upright, in sRGB, always a copy.

    Raises
    ------
    PictureError
        When it is missing, empty, not a picture, damaged, too large, or an array of another shape, type or range.

    Notes
    -----
    Transparent parts lie on white, as a page or a viewer shows them. An embedded colour profile is converted to sRGB
    for 8-bit pictures; one that cannot be understood is ignored, as viewers do. Of an animation the first frame is
    read. CMYK in a JPEG is taken as Adobe writes it (inverted), which is what every viewer assumes.
    """
    if isinstance(source, np.ndarray):
        return _on_white(*_colour_and_alpha_of_array(source))
    if isinstance(source, (str, os.PathLike)):
        return _read_file(_find(source), max_pixels)
    if hasattr(source, "getbands"):  # a Pillow image, recognised without importing Pillow
        return _read_image(source, "the Pillow image", max_pixels)
    raise PictureError(
        f"a picture is a path, a Pillow image or an array, not {type(source).__name__}"
        + (": wrap the bytes as PIL.Image.open(io.BytesIO(...))" if isinstance(source, bytes) else "")
    )


def _find(source) -> Path:
    if isinstance(source, str):
        if not source:
            raise PictureError("the path of a picture is empty")
        if "://" in source:
            raise PictureError(f"{source!r} is an address, and nothing is downloaded: save the picture, give its path")
        return samples.resolve(source)
    name = os.fspath(source)
    if not isinstance(name, str):
        raise PictureError(f"the path {name!r} is made of bytes: give it as text (os.fsdecode)")
    return Path(name)


def _read_file(path: Path, max_pixels: int | None) -> np.ndarray:
    size = _check_regular_file(path)
    # Eight bytes a pixel is 16-bit RGBA unpacked; no honest picture within the limit is larger, and some decoders
    # take the whole file into memory.
    if max_pixels is not None and size > 8 * max_pixels + 2**26:
        raise PictureError(f"{_quoted(path)} has {size:,} bytes: too large for a picture of {max_pixels:,} pixels")
    with _opened(path) as image:
        return _read_image(image, _quoted(path), max_pixels)


def _check_regular_file(path: Path) -> int:
    """Size of the file in bytes; everything that is not a readable file with something in it is an error.

    Looking before opening is what keeps a FIFO from waiting for ever.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            target = os.readlink(path)
            raise PictureError(f"{_quoted(path)} is a symbolic link to {target!r}, which does not exist") from None
        raise PictureError(
            f"{_quoted(path)} does not exist: check the path. Shipped pictures need only their name, for example cat"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise PictureError(f"{_quoted(path)} cannot be read: {_reason(error)}") from None
    if stat.S_ISDIR(status.st_mode):
        raise PictureError(f"{_quoted(path)} is a folder: give one picture in it")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"{_quoted(path)} is a pipe or a device, not a file: save the picture to a file first")
    if status.st_size == 0:
        raise PictureError(f"{_quoted(path)} is empty (0 bytes): copy or download it again")
    return status.st_size


@contextlib.contextmanager
def _opened(path: Path):
    """The Pillow image of a file, its header read and nothing decoded; the file is closed whatever happens."""
    from PIL import Image, UnidentifiedImageError

    Image.init()
    formats = [name for name in _READABLE if name in Image.OPEN]
    try:
        file = open(path, "rb")
    except OSError as error:
        raise PictureError(f"{_quoted(path)} cannot be read: {_reason(error)}") from None
    with file:
        try:
            with _quiet_pillow():
                image = Image.open(file, formats=formats)
        except UnidentifiedImageError:
            file.seek(0)
            raise PictureError(f"{_quoted(path)} is not a picture we can read: {_looks_like(file.read(512))}") from None
        except Exception as error:  # a damaged header raises anything from KeyError to zlib.error
            raise PictureError(_damaged(_quoted(path), error)) from None
        with image:
            yield image


def _read_image(image, where: str, max_pixels: int | None) -> np.ndarray:
    width, height = image.size
    if width < 1 or height < 1:
        raise PictureError(f"{where} is {width} x {height} pixels: it has no pixels")
    if max_pixels is not None and width * height > max_pixels:
        raise PictureError(
            f"{where} is {width:,} x {height:,} pixels, more than the limit of {max_pixels:,} pixels: "
            "make it smaller, or read it with nnbasics.data.picture.read(path, max_pixels=None) and pass the array"
        )
    try:
        with _quiet_pillow(), _quiet_libtiff(image):
            image.load()
            return _on_white(*_colour_and_alpha(_upright(image), where))
    except PictureError:
        raise
    except MemoryError:
        raise PictureError(
            f"{where}, {width:,} x {height:,} pixels, does not fit into memory: make it smaller"
        ) from None
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, zlib.error, ValueError ...
        raise PictureError(_damaged(where, error)) from None


_PILLOW_SETTINGS = threading.RLock()


@contextlib.contextmanager
def _quiet_pillow():
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
def _quiet_libtiff(image):
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


def _upright(image):
    """The image turned as its EXIF orientation says (1 to 8; TIFF is turned by Pillow when it loads)."""
    from PIL import Image

    turns = Image.Transpose
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # damaged EXIF in a good picture: every viewer shows it as it lies
        return image
    turn = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_270,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_90,
    }.get(orientation)
    return image if turn is None else image.transpose(turn)


# ----------------------------------------------------------------------------- from what was decoded to RGB in [0, 1]


def _colour_and_alpha(image, where: str) -> tuple[np.ndarray, np.ndarray | None]:
    """(H, W) or (H, W, 3) float32 in [0, 1], and the (H, W) opacity or None, of a decoded Pillow image."""
    if image.mode.startswith(("I", "F")):
        return _deep_grey(image, where)
    profile, alpha = image.info.get("icc_profile"), None
    if image.mode == "LA":
        image, alpha = image.getchannel("L"), image.getchannel("A")
    elif image.has_transparency_data:
        image = _transparency_in_8_bits(image).convert("RGBA")
        image, alpha = image.convert("RGB"), image.getchannel("A")
    elif image.mode == "LAB":
        raise PictureError(f"{where} is in CIELAB colours, which are not supported: save it in RGB")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    image = _to_srgb(image, profile)
    return _unit(np.asarray(image)), None if alpha is None else _unit(np.asarray(alpha))


def _deep_grey(image, where: str) -> tuple[np.ndarray, np.ndarray | None]:
    """One channel of 16 bits or of floats. What is full white depends on the file, and Pillow leaves it as it was."""
    values, kind = np.asarray(image), image.format
    if image.mode == "F":
        colour, _ = _colour_and_alpha_of_array(values, where)
    elif image.mode.startswith("I;16"):
        white = 4095 if _tiff_tag(image, _TIFF_BITS) == (12,) else 65535
        colour = values.astype(np.float32) / white
    elif kind in ("PNG", "PPM"):  # Pillow gives 16 bits of these as 32
        colour = values.astype(np.float32) / 65535
    else:
        raise PictureError(
            f"{where} holds 32-bit or signed integers, whose white is unknown: save it with 8 or 16 bits"
        )
    if _tiff_tag(image, _TIFF_PHOTOMETRIC) == 0:
        colour = 1 - colour
    clear = image.info.get("transparency") if kind == "PNG" else None
    return colour, None if clear is None else (values != clear).astype(np.float32)


def _tiff_tag(image, tag: int):
    return image.tag_v2.get(tag) if hasattr(image, "tag_v2") else None


def _transparency_in_8_bits(image):
    """A 16-bit RGB PNG is read as its high bytes; its transparent colour has to follow."""
    clear = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(clear, tuple) and max(clear) > 255:
        image = image.copy()
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    return image


def _to_srgb(image, profile: bytes | None):
    """An L, RGB or CMYK image in sRGB; a profile that is missing, broken or of another mode changes nothing."""
    if profile:
        try:
            from PIL import ImageCms

            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}.get(given.profile.xcolor_space.strip())
            if mode == image.mode and not ImageCms.getProfileDescription(given).startswith("sRGB"):
                return ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except Exception:  # Pillow built without LittleCMS, or a profile that makes no sense
            pass
    return image.convert("RGB") if image.mode == "CMYK" else image


def _colour_and_alpha_of_array(array: np.ndarray, where: str = "the array") -> tuple[np.ndarray, np.ndarray | None]:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        hint = (
            ": put the channels last, array.transpose(1, 2, 0)" if array.ndim == 3 and array.shape[0] in (3, 4) else ""
        )
        raise PictureError(f"{where} has shape {array.shape}, a picture has (H, W), (H, W, 3) or (H, W, 4){hint}")
    if array.size == 0:
        raise PictureError(f"{where} has shape {array.shape}: it has no pixels")
    values = _unit(array, where)
    return (values[..., :3], values[..., 3]) if array.ndim == 3 and array.shape[2] == 4 else (values, None)


def _unit(values: np.ndarray, where: str = "the picture") -> np.ndarray:
    """A float32 copy in [0, 1] of uint8, uint16 or floats that already are, up to rounding."""
    if values.dtype in (np.uint8, np.uint16):
        white = np.float32(np.iinfo(values.dtype).max)
        return values.astype(np.float32) / white
    if values.dtype.kind != "f":
        raise PictureError(f"{where} has type {values.dtype}, a picture is uint8, uint16 or floats in [0, 1]")
    low, high = float(values.min()), float(values.max())  # a NaN anywhere makes both NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PictureError(f"{where} has NaN or infinite values, a picture has floats in [0, 1]")
    if low < -1e-4 or high > 1 + 1e-4:
        hint = ": divide it by 255" if low >= 0 and 2 < high <= 255 else ": scale or clip it"
        raise PictureError(f"{where} has values from {low:.4g} to {high:.4g}, a picture has floats in [0, 1]{hint}")
    return np.clip(values, 0, 1).astype(np.float32)


def _on_white(colour: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """(H, W, 3): grey in all three channels, and colour * alpha + white * (1 - alpha)."""
    if colour.ndim == 2:
        colour = np.repeat(colour[..., np.newaxis], 3, axis=2)
    if alpha is not None:
        alpha = alpha[..., np.newaxis]
        colour = colour * alpha + (1 - alpha)
    return np.ascontiguousarray(colour)


# ------------------------------------------------------------------------------------------------------------- sizes


def check_size(picture: np.ndarray, smallest: int, where: str = "the picture") -> None:
    """Raise a `PictureError` that says what to do unless both sides of `picture` have at least `smallest` pixels."""
    height, width = picture.shape[:2]
    if min(height, width) < smallest:
        raise PictureError(
            f"{where} is {width:,} x {height:,} pixels, and both sides must have at least {smallest}: "
            "use a larger picture, or a larger size"
        )


def target_size(height: int, width: int, longest: int) -> tuple[int, int]:
    """(height, width) with the longer side `longest` and the other in proportion, rounded half up, at least 1."""
    if longest < 1:
        raise PictureError(f"the longest side cannot have {longest} pixels: ask for 1 or more")
    scaled = [max(1, (2 * side * longest + max(height, width)) // (2 * max(height, width))) for side in (height, width)]
    return scaled[0], scaled[1]


def resize(picture: np.ndarray, longest: int) -> np.ndarray:
    """Scale so that the longer side has `longest` pixels, aspect kept; see `resize_to`."""
    return resize_to(picture, *target_size(*_check_rgb(picture).shape[:2], longest))


def resize_to(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale to exactly `height` x `width` with a Lanczos filter, in floats.

    When shrinking, the filter is as wide as a target pixel, so that nothing aliases. What the filter overshoots is cut
    off at the smallest and largest value of the picture. Always a copy, float32.
    """
    from PIL import Image

    picture = np.asarray(_check_rgb(picture), np.float32)
    if picture.shape[:2] == (height, width):
        return picture.copy()
    scaled = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        plane = Image.fromarray(np.ascontiguousarray(picture[..., channel]))
        scaled[..., channel] = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS))
    return np.clip(scaled, picture.min(), picture.max(), out=scaled)


def _check_rgb(picture: np.ndarray) -> np.ndarray:
    if np.ndim(picture) != 3 or np.shape(picture)[2] != 3 or np.size(picture) == 0:
        raise PictureError(f"a picture has shape (H, W, 3), not {np.shape(picture)}")
    return picture


# ----------------------------------------------------------------------------------------------------------- writing


def write(path, picture: np.ndarray, *, metadata: dict | None = None, overwrite: bool = False) -> None:
    """Write a picture as PNG, JPEG, WebP or TIFF, by the suffix of `path`; all of it or nothing.

    Parameters
    ----------
    path : str or path
        Where to; a symbolic link is followed.
    picture : (H, W, 3) array
        Floats, 1 being white: floor(255 x + 1/2), clipped to 0..255. uint8 goes as it is.
    metadata : dict, optional
        Kept inside the file as JSON (PNG: an iTXt chunk, otherwise the EXIF description); `metadata` reads it back.
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    PictureError
        When the suffix is unknown, the folder is missing or not writable, the file exists, the disk is full, or the
        picture is not finite.
    """
    target, kind = _target(path, overwrite)
    encoded = _encode(picture, kind, metadata)
    temporary = _temporary(target)
    try:
        with open(temporary, "xb") as file:
            file.write(encoded)
        os.replace(temporary, target)
    except OSError as error:
        raise _cannot_write(target, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path, overwrite: bool = False) -> None:
    """Raise the `PictureError` that `write` would raise for this path, before a long run; leaves nothing behind."""
    target, _ = _target(path, overwrite)
    temporary = _temporary(target)
    try:
        open(temporary, "xb").close()  # access rights alone do not tell: full disks, read-only mounts, quotas
    except OSError as error:
        raise _cannot_write(target, error) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def metadata(path) -> dict:
    """What `write` kept inside the file `path`; {} when there is nothing. Decodes no pixel.

    Raises
    ------
    PictureError
        When the file is not a picture, or what it carries under our name is not what `write` writes.
    """
    path = _find(path)
    _check_regular_file(path)
    with _opened(path) as image, _quiet_pillow():
        text = _metadata_text(image)
    if text is None:
        return {}
    try:
        if len(text) > _METADATA_LIMIT:
            raise ValueError(f"{len(text):,} characters, more than {_METADATA_LIMIT:,}")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"a {type(found).__name__} where a dict should be")
    except (ValueError, RecursionError) as error:
        raise PictureError(f"{_quoted(path)} carries settings that cannot be read: {_reason(error)}") from None
    return found


def _metadata_text(image) -> str | None:
    if image.format == "PNG":
        text = image.info.get(_METADATA_KEY)
        return None if text is None else str(text)
    try:
        text = str(image.getexif().get(_EXIF_DESCRIPTION, ""))
    except Exception:  # damaged EXIF carries nothing
        return None
    return text.removeprefix(f"{_METADATA_KEY}:") if text.startswith(f"{_METADATA_KEY}:") else None


def _target(path, overwrite: bool) -> tuple[Path, str]:
    """The file to write and its format, when it may be written."""
    path = Path(path)
    kind = _WRITABLE.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(_WRITABLE)
        near = difflib.get_close_matches(path.suffix.lower(), _WRITABLE, n=1)
        guess = f"; did you mean {near[0]}?" if near else ""
        raise PictureError(f"{_quoted(path)} must end in one of {known}, to say which kind of file to write{guess}")
    try:
        target = Path(os.path.realpath(path))
        mode = _mode(target)
        folder = target.parent.is_dir()
    except (OSError, ValueError) as error:  # a loop of links, a name too long or with a zero byte
        raise _cannot_write(path, error) from None
    if not folder:
        raise PictureError(
            f"{_quoted(path)} cannot be written: the folder {_quoted(target.parent)} does not exist, make it first"
        )
    if mode is not None and not stat.S_ISREG(mode):
        raise PictureError(
            f"{_quoted(path)} cannot be written: it is a folder, a pipe or a device; choose another name"
        )
    if mode is not None and not overwrite:
        raise PictureError(
            f"{_quoted(path)} exists already: choose another name, or overwrite it (--overwrite, overwrite=True)"
        )
    return target, kind


def _mode(target: Path) -> int | None:
    try:
        return os.stat(target).st_mode
    except FileNotFoundError:
        return None


def _temporary(target: Path) -> Path:
    """A name in the same folder, so that os.replace is one step; hidden, and short whatever the target's name."""
    return target.with_name(f".nnbasics-{secrets.token_hex(6)}.tmp")


def _encode(picture: np.ndarray, kind: str, metadata: dict | None) -> bytes:
    from PIL import Image, PngImagePlugin

    pixels = _eight_bits(_check_rgb(picture))
    if max(pixels.shape) > (side := _LARGEST_SIDE.get(kind, max(pixels.shape))):
        raise PictureError(f"{kind} holds at most {side:,} pixels a side, not {max(pixels.shape):,}: write a PNG")
    options = dict(_OPTIONS[kind])
    if metadata is not None:
        text = _json(metadata)
        if kind == "PNG":
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_itxt(_METADATA_KEY, text, zip=False)
        else:
            if len(text) > _EXIF_LIMIT:
                raise PictureError(f"metadata of {len(text):,} bytes does not fit into a {kind}: write a PNG")
            options["exif"] = Image.Exif()
            options["exif"][_EXIF_DESCRIPTION] = f"{_METADATA_KEY}:{text}"
    encoded = io.BytesIO()
    try:
        Image.fromarray(pixels).save(encoded, format=kind, **options)
    except (OSError, ValueError, KeyError) as error:
        raise PictureError(f"Pillow cannot write {kind} here: {_reason(error)}. Write a PNG") from None
    return encoded.getvalue()


def _eight_bits(picture: np.ndarray) -> np.ndarray:
    picture = np.asarray(picture)
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture)
    if picture.dtype.kind != "f":
        raise PictureError(f"a picture to write is floats in [0, 1] or uint8, not {picture.dtype}")
    if not np.isfinite(picture).all():
        raise PictureError("the picture has NaN or infinite values, so it is not written")
    pixels = np.empty(picture.shape, np.uint8)
    for row, line in enumerate(picture):  # by rows: double precision for the rounding without doubling the memory
        pixels[row] = np.floor(255 * np.clip(line.astype(np.float64), 0, 1) + 0.5)
    return pixels


def _json(metadata: dict) -> str:
    def plain(value):
        if isinstance(value, (np.generic, np.ndarray)):
            return value.tolist()
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        raise TypeError(f"{type(value).__name__} is not JSON")

    try:
        text = json.dumps(metadata, default=plain)
    except (TypeError, ValueError) as error:
        raise PictureError(f"the metadata cannot be written as JSON: {error}") from None
    if len(text) > _METADATA_LIMIT:
        raise PictureError(f"metadata of {len(text):,} bytes is more than the {_METADATA_LIMIT:,} a picture may carry")
    return text


# ---------------------------------------------------------------------------------------------------------- messages


def _quoted(path) -> str:
    name = os.fspath(path)
    return repr(name if len(name) <= 200 else f"{name[:100]}...{name[-100:]}")  # one line, whatever the characters


def _reason(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split())[:160]


def _damaged(where: str, error: Exception) -> str:
    return (
        f"{where} is damaged, cut short, or of a rare kind ({_reason(error)}): "
        "copy or download it again, or save it anew as PNG or JPEG"
    )


def _cannot_write(path, error: Exception) -> PictureError:
    return PictureError(f"{_quoted(path)} cannot be written: {_reason(error)}. Choose another folder or name")


_KINDS = (  # (offset, bytes there, what it is then and what to do)
    (4, b"ftypavif", "it is AVIF; save it as JPEG or PNG"),
    (4, b"ftyphei", "it is HEIC, as phones write it; export it as JPEG"),
    (4, b"ftypmif1", "it is HEIF; export it as JPEG"),
    (0, b"%PDF", "it is a PDF; export the page as PNG"),
    (0, b"%!PS", "it is PostScript; export it as PNG"),
    (0, b"8BPS", "it is a Photoshop document; export it as PNG"),
    (0, b"PK", "it is a zip archive; unpack it"),
    (0, b"\x89PNG", "it begins like a PNG, and its header is damaged"),
    (0, b"\xff\xd8", "it begins like a JPEG, and its header is damaged"),
    (0, b"RIFF", "it begins like a WebP, and its header is damaged"),
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
