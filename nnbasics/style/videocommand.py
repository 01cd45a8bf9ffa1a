"""`nnbasics video CLIP STYLE -o OUT`: a moving picture painted frame by frame."""

import contextlib
import signal
import sys
import time
from pathlib import Path

from nnbasics.data import moving
from nnbasics.data import picture as pictures
from nnbasics.data.output import check_apart
from nnbasics.errors import PictureError, SettingsError
from nnbasics.style import progress, video
from nnbasics.style.command import add_settings, flags, settings_of, sources
from nnbasics.style.settings import Real

DESCRIPTION = """Paint every frame of a moving picture in the style of a painting. CLIP is a folder of frames, an
animation (gif, webp, png) or a video (mp4, mov, mkv, webm, avi; those need pip install "nnbasics[video]"). Each frame
starts from the last one, moved along. OUT is a folder that gets the frames, or a gif, webp or mp4; its frames are kept
in OUT-frames until it is whole."""


def register(subparsers):
    """Add `video` to an argparse parser's `subparsers`."""
    parser = subparsers.add_parser("video", help="paint a moving picture", description=DESCRIPTION)
    parser.add_argument("clip", metavar="CLIP", help="the moving picture to paint")
    parser.add_argument("style", metavar="STYLE", nargs="+", help="the picture to paint it like, or several")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="a folder, or a gif, webp or mp4")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is a file that exists")
    parser.add_argument("--resume", action="store_true", help="go on behind the frames that are there")
    parser.add_argument(
        "--steadiness",
        metavar="X",
        default=str(video.STEADINESS),
        help="against flicker: how dear it is to leave the last frame's paint (default: %(default)s)",
    )
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """Paint, and return the exit code."""
    began = time.perf_counter()
    settings = settings_of(arguments)
    steadiness = _steadiness(arguments.steadiness)
    output = Path(arguments.output)
    is_film = bool(output.suffix)
    if is_film:
        moving.check_writable(output, arguments.overwrite)
    elif output.is_file():
        raise PictureError(f"{output} is a file: a folder, or a name that ends in .gif, .webp or .mp4, was expected")
    folder = output.with_name(f"{output.stem}-frames") if is_film else output
    check_apart({output, folder}, [arguments.clip, *sources(arguments)])
    clip = moving.read(arguments.clip)
    frames = _paint(arguments, settings, steadiness, folder)
    if is_film:
        moving.write(output, (pictures.read(frame) for frame in frames), clip.fps, arguments.overwrite)
        _take_away(frames)
    took = progress.duration(time.perf_counter() - began)
    print(f"{output}  {len(frames)} frames, {took}")


def _paint(arguments, settings, steadiness, folder):
    """Paint the frames, with a line for each; Ctrl-C says how to go on."""
    began, first = time.perf_counter(), None

    def tell(number, count):
        nonlocal first
        first = number if first is None else first
        left = ""
        if number > first + 1:  # the first one takes longer
            seconds = (time.perf_counter() - began) / (number - first)
            left = f", {progress.duration(seconds * (count - number + 1))} left"
        print(f"frame {number} of {count}{left}", file=sys.stderr, flush=True)

    def announce(run):
        height, width = run.shape[2:]
        print(f"{width} x {height} pixels a frame: {run.plan}", file=sys.stderr, flush=True)

    try:
        with flags():
            return video.paint(
                arguments.clip,
                arguments.style,
                folder,
                settings,
                steadiness=steadiness,
                resume=arguments.resume,
                on_frame=tell,
                announce=announce,
            )
    except KeyboardInterrupt:
        print(f"\nnnbasics: stopped; the frames so far are in {folder}, --resume goes on behind them", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT) from None


def _take_away(frames):
    """Remove frames that are in a film now, and their folder unless something else is in it."""
    for frame in frames:
        frame.unlink()
    with contextlib.suppress(OSError):
        frames[0].parent.rmdir()


def _steadiness(text):
    try:
        return Real()(text)
    except ValueError as problem:
        raise SettingsError(f"--steadiness: {problem}") from None
