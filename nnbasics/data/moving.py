"""Moving pictures in and out: folders of frames, GIF, WebP and PNG animations, and videos through ffmpeg.

Pillow reads and writes animations. Videos need ffmpeg, which the extra `video` brings along. What comes from outside is
checked as pictures are: kind and size before anything is decoded, frame by frame.
"""

import itertools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnbasics.data import output
from nnbasics.data import picture as pictures
from nnbasics.data.files import check_regular_file, damaged, opened, quiet_pillow, quoted
from nnbasics.errors import PictureError

WRITABLE = {".gif": "GIF", ".webp": "WEBP", ".mp4": "mp4"}
MOST_FRAMES = 100_000
FPS = 12.0  # of a folder of frames, which says nothing about it
_FRAMES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
_VIDEOS = (  # (offset, bytes there, the only demuxer that ffmpeg may use on it: a playlist could name other files)
    (4, b"ftyp", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"RIFF", "avi"),
)


@dataclass(frozen=True)
class Moving:
    """Frames in their order, read one at a time.

    Attributes
    ----------
    count : int
        How many there are, by what the file says.
    fps : float
        Frames a second.
    """

    _frames: object
    count: int
    fps: float

    def __iter__(self):
        """(H, W, 3) float32 in [0, 1], all of one size."""
        first = None
        for number, frame in enumerate(itertools.islice(self._frames(), MOST_FRAMES), 1):
            first = frame.shape if first is None else first
            if frame.shape != first:
                sizes = [f"{shape[1]} x {shape[0]}" for shape in (frame.shape, first)]
                raise PictureError(f"frame {number} is {sizes[0]} pixels, the first {sizes[1]}: make all of one size")
            yield frame


def read(source):
    """The frames of a folder (by name, numbers in their order), an animation (GIF, WebP, PNG) or a video.

    Raises
    ------
    PictureError
        When there are none, or they cannot be read; for a video also when ffmpeg is not installed.
    """
    path = Path(source)
    if path.is_dir():
        return _folder(path)
    if not os.path.lexists(path):
        raise PictureError(f"{quoted(path)} does not exist: a folder of frames, an animation or a video was expected")
    check_regular_file(path)
    with open(path, "rb") as file:
        head = file.read(16)
    for offset, magic, demuxer in _VIDEOS:
        if head[offset:].startswith(magic) and head[8:12] != b"WEBP":
            return _video(path, demuxer)
    return _animation(path)


def _folder(path):
    files = [file for file in path.iterdir() if file.suffix.lower() in _FRAMES and not file.name.startswith(".")]
    if not files:
        raise PictureError(f"{quoted(path)} has no pictures in it: frames are {', '.join(_FRAMES)}")
    files.sort(key=lambda file: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file.name)])
    return Moving(lambda: (pictures.read(file) for file in files), len(files), FPS)


def _animation(path):
    try:
        with opened(path) as image, quiet_pillow():
            count, size = getattr(image, "n_frames", 1), image.size
            if size[0] * size[1] > pictures.MAX_PIXELS:
                raise PictureError(f"{quoted(path)} is {size[0]:,} x {size[1]:,} pixels a frame: make it smaller")
            image.load()  # of a WebP nothing else tells how long it is shown
            milliseconds = image.info.get("duration") or 1000 / FPS
    except PictureError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error ...
        raise PictureError(damaged(quoted(path), error)) from None
    if count < 2:
        raise PictureError(f"{quoted(path)} is one picture: frames are a folder, an animation or a video")

    def frames():
        with opened(path) as image:
            for number in range(count):
                try:
                    with quiet_pillow():
                        image.seek(number)
                        frame = image.convert("RGBA")
                except Exception as error:
                    raise PictureError(damaged(f"frame {number + 1} of {quoted(path)}", error)) from None
                yield pictures.read(frame)

    return Moving(frames, count, min(max(1000 / milliseconds, 1), 60))


def _video(path, demuxer):
    read = [_ffmpeg(), "-v", "error", "-f", demuxer, "-protocol_whitelist", "file", "-i", str(path.absolute())]
    picture = ["-map", "0:v:0", "-frames:v", "1", "-pix_fmt", "yuv444p", "-f", "yuv4mpegpipe", "-"]
    header = _said(path, [*read, *picture]).partition(b"\n")[0].decode("ascii", "replace")
    facts = {word[0]: word[1:] for word in header.split()[1:]}  # YUV4MPEG2 W320 H240 F25:1 ...
    width, height = int(facts["W"]), int(facts["H"])
    if width * height > pictures.MAX_PIXELS:
        raise PictureError(f"{quoted(path)} is {width:,} x {height:,} pixels a frame: make it smaller")
    beats, seconds = (int(part) for part in facts["F"].split(":"))
    packets = _said(path, [*read, "-map", "0:v:0", "-c", "copy", "-progress", "-", "-f", "null", os.devnull])
    count = int(re.findall(rb"frame=(\d+)", packets)[-1])

    def frames():
        raw = [*read, "-map", "0:v:0", "-vf", f"scale={width}:{height}", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
        with subprocess.Popen(
            raw, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as ffmpeg:
            try:
                while len(frame := ffmpeg.stdout.read(3 * width * height)) == 3 * width * height:
                    yield np.frombuffer(frame, np.uint8).reshape(height, width, 3).astype(np.float32) / 255
            finally:
                ffmpeg.kill()

    return Moving(frames, count, beats / seconds if seconds and 1 <= beats / seconds <= 1000 else FPS)


def _said(path, command):
    """What a run of ffmpeg wrote to its standard output; nothing, or an exit code, means a file that it cannot read."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode or not done.stdout:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise PictureError(damaged(quoted(path), OSError(lines[-1] if lines else "no picture in it")))
    return done.stdout


def check_writable(path, overwrite=False):
    """Raise, before a long run, the `PictureError` that `write` would raise for this path."""
    found, kind = output.target(path, WRITABLE, overwrite)
    if kind == "mp4":
        _ffmpeg()
    output.check_writable(found)


def write(path, frames, fps, overwrite=False):
    """Write frames as GIF, WebP or MP4, by the suffix of `path`; all of it or nothing.

    Parameters
    ----------
    path : str or path
    frames : iterable of (H, W, 3) arrays
        Floats in [0, 1] or uint8, all of one size. An MP4 loses a row or column where the number is odd.
    fps : float
        Frames a second.
    overwrite : bool
        Replace a file that is there.
    """
    found, kind = output.target(path, WRITABLE, overwrite)
    levels = (pictures.eight_bits(frame) for frame in frames)
    with output.replacing(found) as temporary:
        (_write_video if kind == "mp4" else _write_animation)(temporary, kind, levels, fps)


def _write_animation(path, kind, frames, fps):
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    if not images:
        raise PictureError("there are no frames to write")
    options = {"quality": 90} if kind == "WEBP" else {"optimize": False}
    images[0].save(path, kind, save_all=True, append_images=images[1:], duration=round(1000 / fps), loop=0, **options)


def _write_video(path, kind, frames, fps):
    first = next(iter(frames), None)
    if first is None:
        raise PictureError("there are no frames to write")
    height, width = (side - side % 2 for side in first.shape[:2])  # the colours of an MP4 are of 2x2 pixels each
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "-"]
    film = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4", str(path)]
    command = [_ffmpeg(), "-v", "error", *raw, *film]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as ffmpeg:
        try:
            for frame in itertools.chain([first], frames):
                ffmpeg.stdin.write(np.ascontiguousarray(frame[:height, :width]).data)
            said = ffmpeg.communicate()[1]
        except BrokenPipeError:
            said = ffmpeg.stderr.read()
        except BaseException:
            ffmpeg.kill()
            raise
    if ffmpeg.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines()
        raise PictureError(f"the video cannot be written: {lines[-1] if lines else 'ffmpeg gave no reason'}")


def _ffmpeg():
    """The program: the machine's own, else the one that the extra `video` brings along."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise PictureError(
            'a video needs ffmpeg: pip install "nnbasics[video]"; GIF, WebP and folders of frames need nothing'
        ) from None
