"""What every fuzzer of the pictures does with a file: read it, or get one `PictureError` with a line that helps.

Run by itself it is a coverage-guided fuzzer (it needs the package atheris): `python -m tests.data.fuzzing CORPUS
-max_total_time=60`; libFuzzer's options apply. `tests/data/test_fuzz.py` runs it for a bounded time.
"""

import functools
import io
import os
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np

from nnbasics.errors import PictureError
from tests.data.handmade import png, profile, tiff

MAX_PIXELS = 250_000  # what an honest file may unpack to here
ALLOWANCE = 24 << 20  # for what Python and Pillow themselves need on the way


def encoded(kind, mode="RGB", frames=1, **options):
    """A small picture as Pillow writes it, turned by its EXIF and with a colour profile where the format has them."""
    from PIL import Image  # imported late, so that the coverage-guided fuzzer can watch it

    array = np.random.default_rng(11).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = Image.fromarray(array)
    image = image.quantize(16) if mode == "P" else image.convert(mode)
    if kind in ("PNG", "JPEG", "WEBP", "TIFF") and mode == "RGB":
        options |= {"exif": Image.Exif(), "icc_profile": profile(b"RGB ", 2.2)}
        options["exif"][0x0112] = 6
    if frames > 1:
        options |= {"save_all": True, "append_images": [image.rotate(180)] * (frames - 1)}
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


@functools.cache
def seeds():
    """One file of every kind that people have."""
    return {
        "png": encoded("PNG"),
        "jpg": encoded("JPEG"),
        "progressive.jpg": encoded("JPEG", progressive=True),
        "lossy.webp": encoded("WEBP"),
        "lossless.webp": encoded("WEBP", lossless=True),
        "raw.tif": encoded("TIFF"),
        "lzw.tif": encoded("TIFF", compression="tiff_lzw"),
        "deflate.tif": encoded("TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tif": encoded("TIFF", compression="jpeg"),
        "16bit.tif": tiff(np.arange(24, dtype="<u2").reshape(4, 6) * 2000, 16, 1),
        "gif": encoded("GIF", "P"),
        "bmp": encoded("BMP"),
        "ppm": encoded("PPM"),
    }


@functools.cache
def rare():
    """More ways to write a picture."""
    return {
        "palette.png": encoded("PNG", "P"),
        "1bit.png": encoded("PNG", "1"),
        "alpha.png": encoded("PNG", "RGBA"),
        "deep.png": png(4, 4, 16, 6, [bytes(range(32))] * 4, [(b"gAMA", b"\0\0\xb1\x8f")]),
        "animated.png": encoded("PNG", frames=2),
        "cmyk.jpg": encoded("JPEG", "CMYK"),
        "grey.jpg": encoded("JPEG", "L"),
        "animated.webp": encoded("WEBP", frames=2),
        "alpha.webp": encoded("WEBP", "RGBA"),
        "cmyk.tif": encoded("TIFF", "CMYK", compression="packbits"),
        "fax.tif": encoded("TIFF", "1", compression="group4"),
        "animated.gif": encoded("GIF", "P", frames=2),
        "palette.bmp": encoded("BMP", "P"),
        "pgm": encoded("PPM", "L"),
        "plain.ppm": b"P3 2 2 255\n" + b"12 " * 12,
    }


def feed(content, folder):
    """Read `content` and its settings; anything but a `PictureError` is a defect."""
    from nnbasics.data import picture

    path = Path(folder) / "file"
    path.write_bytes(content)
    try:
        picture.metadata(path)
    except PictureError as error:
        check_message(str(error), path)
    try:
        found = picture.read(path, max_pixels=MAX_PIXELS)
    except PictureError as error:
        check_message(str(error), path)
        return None
    assert found.dtype == np.float32 and found.ndim == 3 and found.shape[2] == 3
    assert found.size <= 3 * MAX_PIXELS and found.min() >= 0 and found.max() <= 1
    return found


def check_message(text, path):
    """One line that names the file and holds nothing a terminal would obey."""
    assert repr(str(path)) in text, text
    assert text.isprintable() and len(text) < 600, text


def feed_measured(content, folder):
    """As `feed`, and no more of Python's memory than twice the file and the picture that it may hold."""
    tracemalloc.start()
    try:
        feed(content, folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(content) + 2 * 12 * MAX_PIXELS + ALLOWANCE, f"{peak:,} bytes for {len(content):,}"


def main():
    import atheris

    with atheris.instrument_imports(include=["nnbasics.data", "PIL"]):
        from PIL import Image

        import nnbasics.data.picture  # noqa: F401

        Image.init()

    corpus = Path(sys.argv[1])
    for name, content in (seeds() | rare()).items():
        (corpus / name).write_bytes(content)
    folder = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    atheris.Setup(sys.argv, lambda data: feed(data, folder))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
