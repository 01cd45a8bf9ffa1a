"""`--animate`: the walk from the start to the picture, as a GIF, a WebP or an MP4."""

import contextlib
import itertools
import tempfile

import numpy as np

from nnbasics.data import moving
from nnbasics.data import picture as pictures

FRAMES = 60  # denser at the start, where most happens
FPS = 12.0
HELD = 18  # times that the last picture is shown: a second and a half to look at it
LARGEST = {".gif": 480, ".webp": 640}  # pixels of a side; a GIF of a larger picture has tens of megabytes


@contextlib.contextmanager
def writing(path, iterations, overwrite=False):
    """A callable that takes the `Progress` of every step, and keeps the frames that are written at the end.

    Parameters
    ----------
    path : str or path, or None
        By its ending a GIF, a WebP or an MP4. None: nothing is kept.
    iterations : int
        Steps of the whole run.
    overwrite : bool
    """
    if path is None:
        yield lambda state: None
        return
    moving.check_writable(path, overwrite)
    wanted = {round(iterations * (part / FRAMES) ** 2) for part in range(FRAMES + 1)}
    last = None
    largest = LARGEST.get(str(path)[str(path).rfind(".") :].lower())
    with tempfile.TemporaryFile() as file:  # in memory, those of a large picture would double what the run takes
        frames = _Frames(file)

        def keep(state):
            nonlocal last
            last = state
            if state.iteration in wanted:
                frames.append(_frame(state.image, largest))

        try:
            yield keep
        finally:
            if last is not None:
                if last.iteration not in wanted:  # the walk was stopped
                    frames.append(_frame(last.image, largest))
                held = itertools.repeat(frames.last, HELD)
                moving.write(path, itertools.chain(frames, held), FPS, overwrite)


class _Frames:
    """Frames of one size, in a file."""

    def __init__(self, file):
        self._file = file
        self.last = None

    def append(self, frame):
        self._file.write(frame.tobytes())
        self.last = frame

    def __iter__(self):
        self._file.seek(0)
        while part := self._file.read(self.last.nbytes):
            yield np.frombuffer(part, np.uint8).reshape(self.last.shape)


def _frame(image, largest):
    if largest is not None and max(image.shape) > largest:
        image = pictures.resize(image, largest)
    return (255 * np.clip(image, 0, 1) + 0.5).astype(np.uint8)
