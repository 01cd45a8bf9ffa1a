"""Flicker of a painted film, by how frames are tied to the one before. Run: python -m benchmarks.flicker"""

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


def main():
    frames = clip()
    alone = [stylize(f, STYLE, size=192, iterations=ITERATIONS, progress=False).image for f in frames]
    rows = [
        ["the frames themselves", f"{flicker(frames, frames):.3f}"],
        ["each on its own", f"{flicker(frames, alone):.3f}"],
    ]
    settings = Settings(size=192, iterations=ITERATIONS)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "clip"
        source.mkdir()
        for number, frame in enumerate(frames):
            pictures.write(source / f"{number}.png", frame)
        for steadiness in (0.0, 0.3, 1.0, 3.0):
            files = paint(source, STYLE, Path(folder) / f"{steadiness}", settings, steadiness=steadiness)
            painted = [pictures.read(file) for file in files]
            rows.append([f"from the last one, steadiness {steadiness:g}", f"{flicker(frames, painted):.3f}"])
    write("flicker", "Mean change of a value beyond the motion, of 1", ["frames painted", "flicker"], rows)


def clip():
    """A camera that pans over a photograph."""
    photograph, rng = pictures.resize(pictures.read("china"), 300), np.random.default_rng(0)
    frames = []
    for t in range(FRAMES):
        frame = photograph[10 + t : 150 + t, 20 + 3 * t : 212 + 3 * t]
        frames.append(np.clip(frame + NOISE * rng.standard_normal(frame.shape), 0, 1).astype(np.float32))
    return frames


if __name__ == "__main__":
    main()
