"""Pictures in and out: any file, Pillow image or array becomes (H, W, 3) float32, RGB in [0, 1], and goes back.

Whatever a picture carries is honoured on the way in: EXIF orientation, transparency (laid onto white), grey, palettes,
CMYK, 16 bits, colour profiles (to sRGB). Files come from outside and are hostile until checked: the kind of file and
the size in its header are looked at before anything is decoded, and whatever is wrong is one `PictureError`.
"""

import io
import json
import os
from pathlib import Path

import numpy as np

from nnbasics.data import output, pixels, samples
from nnbasics.data.files import (
    check_regular_file,
    damaged,
    opened,
    quiet_libtiff,
    quiet_pillow,
    quoted,
    reason,
    release_decoder,
)
from nnbasics.errors import PictureError

MAX_PIXELS = 100_000_000
"""The largest picture `read` takes unless told otherwise: 10,000 x 10,000 pixels, 1.2 GB once decoded."""

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
# ------------------------------------------------------------------------------------------------------------ reading


def read(source, *, max_pixels: int | None = MAX_PIXELS) -> np.ndarray:
    """Read a picture of any kind.

    Parameters
    ----------
    source : str, path, Pillow image or array
        A file (PNG, JPEG, WebP, TIFF, GIF, BMP, PNM), the bare name of a shipped picture such as ``"cat"``, an open
        Pillow image, or an array (H, W), (H, W, 3) or (H, W, 4) of booleans, uint8, uint16 or floats in
        [0, 1].
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
        return pixels.on_white(*pixels.colour_and_alpha_of_array(source))
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
    size = check_regular_file(path)
    # Eight bytes a pixel is 16-bit RGBA unpacked; no honest picture within the limit is larger, and some decoders
    # take the whole file into memory.
    if max_pixels is not None and size > 8 * max_pixels + 2**26:
        raise PictureError(f"{quoted(path)} has {size:,} bytes: too large for a picture of {max_pixels:,} pixels")
    with opened(path) as image:
        return _read_image(image, quoted(path), max_pixels)


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
        with quiet_pillow(), quiet_libtiff(image):
            image.load()
            release_decoder(image)
            return pixels.on_white(*pixels.colour_and_alpha(pixels.upright(image), where))
    except PictureError:
        raise
    except MemoryError:
        raise PictureError(
            f"{where}, {width:,} x {height:,} pixels, does not fit into memory: make it smaller"
        ) from None
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, zlib.error, ValueError ...
        raise PictureError(damaged(where, error)) from None


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
    target, kind = output.target(path, _WRITABLE, overwrite)
    encoded = _encode(picture, kind, metadata)
    with output.replacing(target) as temporary:
        temporary.write_bytes(encoded)


def check_writable(path, overwrite: bool = False) -> None:
    """Raise the `PictureError` that `write` would raise for this path, before a long run; leaves nothing behind."""
    output.check_writable(output.target(path, _WRITABLE, overwrite)[0])


def metadata(path) -> dict:
    """What `write` kept inside the file `path`; {} when there is nothing. Decodes no pixel.

    Raises
    ------
    PictureError
        When the file is not a picture, or what it carries under our name is not what `write` writes.
    """
    path = _find(path)
    check_regular_file(path)
    with opened(path) as image, quiet_pillow():
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
        raise PictureError(f"{quoted(path)} carries settings that cannot be read: {reason(error)}") from None
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


def _encode(picture: np.ndarray, kind: str, metadata: dict | None) -> bytes:
    from PIL import Image, PngImagePlugin

    levels = eight_bits(_check_rgb(picture))
    if max(levels.shape) > (side := _LARGEST_SIDE.get(kind, max(levels.shape))):
        raise PictureError(f"{kind} holds at most {side:,} pixels a side, not {max(levels.shape):,}: write a PNG")
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
        Image.fromarray(levels).save(encoded, format=kind, **options)
    except (OSError, ValueError, KeyError) as error:
        raise PictureError(f"Pillow cannot write {kind} here: {reason(error)}. Write a PNG") from None
    return encoded.getvalue()


def eight_bits(picture: np.ndarray) -> np.ndarray:
    picture = np.asarray(picture)
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture)
    if picture.dtype.kind != "f":
        raise PictureError(f"a picture to write is floats in [0, 1] or uint8, not {picture.dtype}")
    if not np.isfinite(picture).all():
        raise PictureError("the picture has NaN or infinite values, so it is not written")
    levels = np.empty(picture.shape, np.uint8)
    for row, line in enumerate(picture):  # by rows: double precision for the rounding without doubling the memory
        levels[row] = np.floor(255 * np.clip(line.astype(np.float64), 0, 1) + 0.5)
    return levels


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
