"""Flicker of a painted film, by how frames are tied to the one before. Run: python -m benchmarks.flicker

Twice: beyond the motion that is found in the frames, where it can be trusted, as the walk sees it; and beyond the
motion that the camera made, everywhere.
"""

import itertools
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.report import write
from nnbasics.data import picture as pictures
from nnbasics.style import stylize
from nnbasics.style.settings import Settings
from nnbasics.style.video import flicker, paint

FRAMES, ITERATIONS, STYLE = 5, 60, "starry_night"
NOISE = 0.01  # as a camera has it
DOWN, RIGHT = 1, 3  # pixels that the camera moves from frame to frame


def main():
    frames = clip()
    alone = [stylize(f, STYLE, size=192, iterations=ITERATIONS, progress=False).image for f in frames]
    rows = [row("the frames themselves", frames, frames), row("each on its own", frames, alone)]
    settings = Settings(size=192, iterations=ITERATIONS)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "clip"
        source.mkdir()
        for number, frame in enumerate(frames):
            pictures.write(source / f"{number}.png", frame)
        for steadiness in (0.0, 0.3, 1.0, 3.0):
            files = paint(source, STYLE, Path(folder) / f"{steadiness}", settings, steadiness=steadiness)
            painted = [pictures.read(file) for file in files]
            rows.append(row(f"from the last one, steadiness {steadiness:g}", frames, painted))
    head = ["frames painted", "by the motion that is found", "by the camera's"]
    write("flicker", "Mean change of a value beyond the motion, of 1", head, rows, "One film each.")


def row(name, frames, painted):
    return [name, f"{flicker(frames, painted):.3f}", f"{flicker_of_pan(painted):.3f}"]


def flicker_of_pan(painted):
    """The mean of |p_t - p_t-1|, each compared with what the camera saw at the same place of the photograph."""
    pairs = itertools.pairwise(painted)
    return float(np.mean([np.abs(after[:-DOWN, :-RIGHT] - before[DOWN:, RIGHT:]) for before, after in pairs]))


def clip():
    """A camera that pans over a photograph."""
    photograph, rng = pictures.resize(pictures.read("china"), 300), np.random.default_rng(0)
    frames = []
    for t in range(FRAMES):
        frame = photograph[10 + DOWN * t : 150 + DOWN * t, 20 + RIGHT * t : 212 + RIGHT * t]
        frames.append(np.clip(frame + NOISE * rng.standard_normal(frame.shape), 0, 1).astype(np.float32))
    return frames


if __name__ == "__main__":
    main()
