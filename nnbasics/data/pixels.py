"""From what a decoder or a user gives (grey, palette, CMYK, alpha, 16 bits, any profile) to RGB in [0, 1]."""

import io

import numpy as np

from nnbasics.errors import PictureError

_EXIF_ORIENTATION = 0x0112
_TIFF_BITS, _TIFF_PHOTOMETRIC = 0x0102, 0x0106


def upright(image):
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


def colour_and_alpha(image, where: str) -> tuple[np.ndarray, np.ndarray | None]:
    """(H, W) or (H, W, 3) float32 in [0, 1], and the (H, W) opacity or None, of a decoded Pillow image."""
    if image.mode.startswith(("I", "F")):
        return _deep_grey(image, where)
    if image.mode == "P" and not (image.palette and image.palette.palette):
        raise PictureError(f"{where} is damaged: its palette has no colours. Copy or download it again")
    profile, alpha = image.info.get("icc_profile"), None
    if image.mode == "LA":
        image, alpha = image.getchannel("L"), image.getchannel("A")
    elif image.has_transparency_data:
        image = image if image.mode == "RGBA" else _transparency_in_8_bits(image).convert("RGBA")
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
        colour, _ = colour_and_alpha_of_array(values, where)
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


def colour_and_alpha_of_array(array: np.ndarray, where: str = "the array") -> tuple[np.ndarray, np.ndarray | None]:
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
    """A float32 copy in [0, 1] of booleans, uint8, uint16 or floats that already are, up to rounding."""
    if values.dtype == bool:
        return values.astype(np.float32)
    if values.dtype in (np.uint8, np.uint16):
        unit = values.astype(np.float32)
        unit /= np.iinfo(values.dtype).max
        return unit
    if values.dtype.kind != "f":
        raise PictureError(f"{where} has type {values.dtype}, a picture is uint8, uint16 or floats in [0, 1]")
    low, high = float(values.min()), float(values.max())  # a NaN anywhere makes both NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PictureError(f"{where} has NaN or infinite values, a picture has floats in [0, 1]")
    if low < -1e-4 or high > 1 + 1e-4:
        hint = ": divide it by 255" if low >= 0 and 2 < high <= 255 else ": scale or clip it"
        raise PictureError(f"{where} has values from {low:.4g} to {high:.4g}, a picture has floats in [0, 1]{hint}")
    return np.clip(values, 0, 1).astype(np.float32)


def on_white(colour: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """(H, W, 3): grey in all three channels, and colour * alpha + white * (1 - alpha)."""
    if colour.ndim == 2:
        colour = np.repeat(colour[..., np.newaxis], 3, axis=2)
    colour = np.ascontiguousarray(colour)
    if alpha is not None:  # in place: a picture of a hundred megapixels should not be there three times
        colour *= alpha[..., np.newaxis]
        colour += (1 - alpha)[..., np.newaxis]
    return colour
