"""Files from outside: whatever they are, a picture or one PictureError with a line that helps, and nothing else.

The suite turns warnings into errors, so a warning that Pillow prints fails the test too.
"""

import os
import struct
import subprocess
import sys
import threading
import tracemalloc
import zlib

import numpy as np
import pytest
from handmade import png, tiff
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from nnbasics.data import picture
from nnbasics.errors import PictureError, UserError
from tests.data import fuzzing

SEEDS = fuzzing.seeds()


def picture_or_error(path):
    try:
        found = picture.read(path)
    except PictureError as error:
        message = str(error)
        assert len(message) < 600 and "\n" not in message and os.path.basename(path) in message
        return None
    assert found.dtype == np.float32 and found.ndim == 3 and found.shape[2] == 3
    assert found.min() >= 0 and found.max() <= 1
    return found


# ------------------------------------------------------------------------------------------------- not a file at all


def test_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(PictureError, match=r"a\.png' does not exist: check the path"):
        picture.read(tmp_path / "a.png")
    assert issubclass(PictureError, UserError) and issubclass(UserError, ValueError)


def test_folder(tmp_path):
    with pytest.raises(PictureError, match="is a folder"):
        picture.read(tmp_path)


def test_fifo_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(PictureError, match="pipe or a device"):
        picture.read(tmp_path / "a.png")
    with pytest.raises(PictureError, match="pipe or a device"):
        picture.metadata(tmp_path / "a.png")
    with pytest.raises(PictureError, match="pipe or a device"):
        picture.write(tmp_path / "a.png", np.zeros((4, 4, 3)), overwrite=True)


def test_device():
    with pytest.raises(PictureError, match="pipe or a device"):
        picture.read("/dev/zero")


def test_symbolic_links(tmp_path):
    (tmp_path / "dangling.png").symlink_to("nowhere.png")
    with pytest.raises(PictureError, match=r"symbolic link to 'nowhere\.png', which does not exist"):
        picture.read(tmp_path / "dangling.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(PictureError, match=r"loop\.png' cannot be read"):
        picture.read(tmp_path / "loop.png")
    (tmp_path / "real.png").write_bytes(SEEDS["png"])
    (tmp_path / "good.png").symlink_to("real.png")
    assert picture.read(tmp_path / "good.png").shape == (16, 12, 3)  # turned by its EXIF


@pytest.mark.parametrize(
    "name, message",
    [
        ("a\0b.png", "null"),
        ("x" * 5000 + ".png", "too long"),
        ("https://example.org/a.png", "nothing is downloaded"),
        ("", "empty"),
    ],
)
def test_names_that_cannot_be_files(name, message):
    with pytest.raises(PictureError, match=message) as caught:
        picture.read(name)
    assert len(str(caught.value)) < 600


def test_name_with_a_newline_stays_one_line(tmp_path):
    with pytest.raises(PictureError) as caught:
        picture.read(tmp_path / "two\nlines\udcff.png")
    assert "\n" not in str(caught.value)
    str(caught.value).encode()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_file_without_permission(tmp_path):
    (tmp_path / "a.png").write_bytes(SEEDS["png"])
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(PictureError, match="Permission denied"):
        picture.read(tmp_path / "a.png")


# -------------------------------------------------------------------------------------------------- not a picture


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty"),
        (b"\0", "should be PNG, JPEG"),
        (b"hello world\n", "should be PNG, JPEG"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"<?xml version='1.0'?><svg xmlns=''>", "SVG"),
        (b"%PDF-1.4 ...", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"PK\x03\x04........", "zip archive"),
        (b"\0\0\0\x20ftypheic....", "HEIC"),
        (b"\0\0\0\x20ftypavif....", "AVIF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a....", "JPEG XL"),
        (b"\0\0\1\0\1\0", "icon"),
        (b"P7\nWIDTH 2\n", "PAM"),
        (b"PF\n2 2\n-1.0\n" + bytes(48), "PFM"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"GIF89a", "GIF"),
    ],
)
def test_not_a_picture(tmp_path, content, message):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError, match=message):
        picture.read(tmp_path / "a.png")
    with pytest.raises(PictureError):
        picture.metadata(tmp_path / "a.png")


def test_suffix_does_not_matter(tmp_path):
    (tmp_path / "a.png").write_bytes(SEEDS["jpg"])
    assert picture_or_error(tmp_path / "a.png") is not None


# --------------------------------------------------------------------------------------------------- too much of it


def bomb(width, height):
    """A PNG of a few hundred bytes whose header promises width x height pixels."""
    return png(width, height, 8, 2, [b"\0" * 30])


@pytest.mark.parametrize("width, height", [(30_000, 30_000), (2**31 - 1, 2**31 - 1), (100_000_001, 1)])
def test_decompression_bomb_is_refused_by_its_header(tmp_path, width, height):
    (tmp_path / "bomb.png").write_bytes(bomb(width, height))
    with pytest.raises(PictureError, match=f"{width:,} x {height:,} pixels, more than the limit of 100,000,000"):
        picture.read(tmp_path / "bomb.png")


def test_bombs_of_other_kinds(tmp_path):
    jpeg = bytearray(SEEDS["jpg"])
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    webp = bytearray(SEEDS["lossless.webp"])
    at = webp.index(b"VP8X")
    webp[at + 12 : at + 18] = b"\xfe\x3f\0\xfe\x3f\0"
    gif = bytearray(SEEDS["gif"])
    gif[6:10] = struct.pack("<HH", 65_000, 65_000)
    bmp = bytearray(SEEDS["bmp"])
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    bombs = {"a.jpg": jpeg, "a.gif": gif, "a.bmp": bmp, "a.ppm": b"P6 60000 60000 255\n", "a.webp": webp}
    for name, content in bombs.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PictureError, match=r"more than the limit|damaged"):
            picture.read(tmp_path / name)


def test_limit_can_be_moved(tmp_path):
    (tmp_path / "a.png").write_bytes(png(16, 12, 8, 0, [b"\x80" * 16] * 12))
    with pytest.raises(PictureError, match="more than the limit of 191 pixels"):
        picture.read(tmp_path / "a.png", max_pixels=191)
    assert picture.read(tmp_path / "a.png", max_pixels=192).shape == (12, 16, 3)
    assert picture.read(tmp_path / "a.png", max_pixels=None).shape == (12, 16, 3)


def test_limit_of_pillow_is_left_alone_and_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    (tmp_path / "a.png").write_bytes(SEEDS["png"])
    assert picture_or_error(tmp_path / "a.png") is not None
    assert Image.MAX_IMAGE_PIXELS == 10


def test_file_larger_than_any_picture_is_not_opened(tmp_path):
    with open(tmp_path / "a.webp", "wb") as file:
        file.write(SEEDS["lossless.webp"])
        file.truncate(2**40)  # sparse: a terabyte that takes no room
    with pytest.raises(PictureError, match=r"1,099,511,627,776 bytes: too large"):
        picture.read(tmp_path / "a.webp")


PEAK = """if True:
    import sys
    from nnbasics.data import picture
    from nnbasics.errors import PictureError
    def peak():  # of this process alone, in bytes; what getrusage says may be the largest of who started it
        with open("/proc/self/status") as file:
            return 1024 * int(next(line for line in file if line.startswith("VmHWM")).split()[1])
    picture.read("cat")
    before = peak()
    for use in (picture.read, picture.metadata):
        try:
            use(sys.argv[1])
        except PictureError as error:
            pass
    print(peak() - before)
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the largest memory so")


def memory_of(path):
    """How much larger a process grows, in bytes, that reads a file."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", PEAK, str(path)], capture_output=True)
    assert done.returncode == 0 and done.stderr == b"", done.stderr.decode()
    return int(done.stdout)


MEGABYTE = 2**20


def deflated(size):
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(size // MEGABYTE)) + packer.flush()


BOMB = deflated(256 * MEGABYTE)


@linux
@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"Comment\0\0" + BOMB),
        (b"iTXt", b"nnbasics\0\1\0\0\0" + BOMB),
        (b"iCCP", b"profile\0\0" + BOMB),
    ],
    ids=["zTXt", "iTXt", "iCCP"],
)
def test_zip_bomb_in_a_chunk_stays_packed(tmp_path, chunk):
    """256 MB of zeros in 256 KB, in a process whose memory grows by less than a quarter of that."""
    (tmp_path / "a.png").write_bytes(png(2, 2, 8, 0, [b"\0\0"] * 2, [chunk]))
    assert memory_of(tmp_path / "a.png") < 64 * MEGABYTE


JPEG = SEEDS["jpg"]
ENDLESS = {
    "comment.ppm": b"P6 #" + b"x" * 3_000_000 + b"\n2 2 255\n" + b"1" * 12,
    "blanks.ppm": b"P6" + b" " * 3_000_000 + b"2 2 255\n" + b"1" * 12,
    "fill.jpg": JPEG[:2] + b"\xff" * 3_000_000 + JPEG[2:],
    "segments.jpg": JPEG[:2] + (b"\xff\xe1\xff\xffExif\0\0" + b"x" * 65_527) * 300 + JPEG[2:],
    "text.png": png(2, 2, 8, 0, [b"\0\0"] * 2, [(b"tEXt", b"key%d\0b" % i) for i in range(60_000)]),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_small_pieces_without_end(tmp_path, name):
    """Pillow looks at each of them in turn, and joins some: minutes and hours for a file of some hundred megabytes."""
    (tmp_path / name).write_bytes(ENDLESS[name])
    with pytest.raises(PictureError, match=r"small pieces without end|begins like"):
        picture.read(tmp_path / name)


def test_a_chunk_that_claims_to_be_long_takes_no_memory(tmp_path):
    content = bytearray(png(4, 4, 8, 0, [b"\x80" * 4] * 4))
    content[content.index(b"IDAT") - 4] = 0x02  # 33 megabytes
    (tmp_path / "a.png").write_bytes(content)
    tracemalloc.start()
    try:
        picture_or_error(tmp_path / "a.png")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@linux
def test_a_picture_with_transparency_is_not_there_three_times(tmp_path):
    """Decoded as floats it has 16 bytes a pixel, so that is the honest size."""
    Image.new("RGBA", (3000, 3000), (10, 20, 30, 40)).save(tmp_path / "a.png")
    assert memory_of(tmp_path / "a.png") < 2 * 16 * 3000**2 + 2**25


@linux
def test_a_webp_does_not_keep_its_decoder(tmp_path):
    Image.new("RGB", (3000, 3000), (10, 20, 30)).save(tmp_path / "a.webp")
    assert memory_of(tmp_path / "a.webp") < 2 * 12 * 3000**2 + 2**23


def test_a_webp_of_the_caller_goes_on(tmp_path):
    frames = [Image.new("RGB", (8, 8), (value, 0, 0)) for value in (0, 100, 200)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    frames[0].save(tmp_path / "b.webp", lossless=True)
    with Image.open(tmp_path / "a.webp") as image:
        for level in (0, 1, 2, 0):
            image.seek(level)
            assert picture.read(image)[0, 0, 0] == np.float32(100 * level) / 255
    with Image.open(tmp_path / "b.webp") as image:
        assert picture.read(image).max() == 0 and picture.read(image).max() == 0
        image.seek(0)
        assert image.convert("RGB").getpixel((0, 0)) == (0, 0, 0)


def test_too_much_text_altogether(tmp_path):
    chunks = [(b"tEXt", b"key%d\0" % i + b"x" * MEGABYTE) for i in range(80)]
    (tmp_path / "a.png").write_bytes(png(2, 2, 8, 0, [b"\0\0"] * 2, chunks))
    picture_or_error(tmp_path / "a.png")


def test_deep_pixels_but_no_data(tmp_path):
    """Headers that promise an honest size and hold nothing."""
    (tmp_path / "a.png").write_bytes(bomb(4000, 4000))
    with pytest.raises(PictureError, match="damaged, cut short"):
        picture.read(tmp_path / "a.png")


# --------------------------------------------------------------------------------------------------- headers that lie


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 273, 277, 278, 279, 339])
@pytest.mark.parametrize("value", [0, 1, 7, 255, 65_535, 2**31 - 1, 2**31, 2**32 - 1])
def test_tiff_with_a_lying_tag(tmp_path, tag, value, capfd):
    content = bytearray(tiff(np.arange(24, dtype=np.uint8).reshape(4, 6), 8, 1))
    entry = content.rindex(struct.pack("<HH", tag, 3 if tag in (258, 259, 262, 277, 339) else 4))
    content[entry + 2 : entry + 12] = struct.pack("<HII", 4, 1, value)
    (tmp_path / "a.tif").write_bytes(content)
    picture_or_error(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("count", [2, 1000, 2**20, 2**31, 2**32 - 1])
def test_tiff_whose_tag_promises_many_values(tmp_path, count, capfd):
    content = bytearray(SEEDS["lzw.tif"])
    entry = content.rindex(struct.pack("<HH", 273, 4))
    content[entry + 4 : entry + 8] = struct.pack("<I", count)
    (tmp_path / "a.tif").write_bytes(content)
    picture_or_error(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")


def test_tiff_whose_directories_go_in_a_circle(tmp_path):
    content = bytearray(tiff(np.zeros((4, 6), np.uint8), 8, 1))
    content[-4:] = content[4:8]
    (tmp_path / "a.tif").write_bytes(content)
    assert picture_or_error(tmp_path / "a.tif") is not None


# ---------------------------------------------------------------------------------------------------------- fuzzing


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_are_pictures(tmp_path, name):
    (tmp_path / f"a.{name}").write_bytes(SEEDS[name])
    assert picture_or_error(tmp_path / f"a.{name}") is not None


@pytest.mark.parametrize("name", SEEDS)
def test_every_truncation(tmp_path, name, capfd):
    content, path = SEEDS[name], tmp_path / f"a.{name}"
    for length in range(0, len(content), max(1, len(content) // 150)):
        path.write_bytes(content[:length])
        picture_or_error(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=100)
@given(data=st.data())
def test_flipped_bits(tmp_path_factory, name, data):
    content = bytearray(SEEDS[name])
    for at in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=6)):
        content[at // 8] ^= 1 << at % 8
    path = tmp_path_factory.getbasetemp() / f"flipped.{name}"
    path.write_bytes(content)
    picture_or_error(path)


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=40)
@given(data=st.data())
def test_bytes_in_the_header_replaced(tmp_path_factory, name, data):
    content = bytearray(SEEDS[name])
    at = data.draw(st.integers(0, min(len(content), 250) - 4))
    content[at : at + 4] = data.draw(
        st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])
    )
    path = tmp_path_factory.getbasetemp() / f"replaced.{name}"
    path.write_bytes(content)
    picture_or_error(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=500)
@given(data=st.data())
def test_fuzz_for_longer(tmp_path_factory, name, data):
    content = bytearray(SEEDS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 8))
        content[at : at + cut] = data.draw(st.binary(max_size=8))
    path = tmp_path_factory.getbasetemp() / f"fuzzed.{name}"
    path.write_bytes(content)
    picture_or_error(path)


# ------------------------------------------------------------------------------------------------ what it leaves behind


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files where the system lists them")
@pytest.mark.parametrize("name", SEEDS)
def test_no_file_stays_open(tmp_path, name):
    path = tmp_path / f"a.{name}"
    for length in (len(SEEDS[name]), len(SEEDS[name]) // 2, 12):
        path.write_bytes(SEEDS[name][:length])
        before = os.listdir("/proc/self/fd")
        picture_or_error(path)
        assert len(os.listdir("/proc/self/fd")) == len(before)


def test_progressive_jpeg_of_endless_scans_is_refused(tmp_path):
    content = SEEDS["progressive.jpg"]
    scan = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "a.jpg").write_bytes(content[:-2] + 30 * scan + content[-2:])
    assert picture_or_error(tmp_path / "a.jpg") is not None
    (tmp_path / "a.jpg").write_bytes(content[:-2] + 5000 * scan + content[-2:])
    with pytest.raises(PictureError, match="scans, made to waste time"):
        picture.read(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    "raised", [OSError, SyntaxError, MemoryError, struct.error, RecursionError, OverflowError, KeyError]
)
def test_whatever_a_decoder_raises_is_one_error(tmp_path, raised, monkeypatch):
    (tmp_path / "a.png").write_bytes(SEEDS["png"])

    def explode(self):
        raise raised("boom")

    monkeypatch.setattr(ImageFile.ImageFile, "load", explode)
    with pytest.raises(PictureError, match=r"a\.png"):
        picture.read(tmp_path / "a.png")


def test_threads_can_read_at_once(tmp_path):
    limit, results = Image.MAX_IMAGE_PIXELS, []
    threads = [threading.Thread(target=lambda: results.append(picture.read("cat").mean())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and len(set(results)) == 1
    assert Image.MAX_IMAGE_PIXELS == limit


def test_thin_and_tiny_pictures_are_read(tmp_path):
    for height, width in ((10, 10), (1, 5000), (5000, 1), (1, 1)):
        picture.write(tmp_path / "a.png", np.full((height, width, 3), 0.5), overwrite=True)
        assert picture.read(tmp_path / "a.png").shape == (height, width, 3)


@pytest.mark.parametrize("chunks", [[], [(b"PLTE", b"")]])
def test_a_palette_of_no_colours(tmp_path, chunks):
    path = tmp_path / "a.png"
    path.write_bytes(png(4, 3, 8, 3, [bytes(4)] * 3, chunks))
    with pytest.raises(PictureError, match=r"a.png' is damaged: its palette has no colours"):
        picture.read(path)
