"""A moving picture painted frame by frame, each from the one before, moved along, so that the paint stays where it is.

Frames painted on their own flicker: every one is another of many good pictures. So each frame starts from the last
result, warped by the flow of the frames, and pays for leaving it where the flow can be trusted.
"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from nnbasics.data import moving, output
from nnbasics.data import picture as pictures
from nnbasics.errors import PictureError, SettingsError
from nnbasics.style.flow import flow, trust, warp
from nnbasics.style.ingredients import facts
from nnbasics.style.plan import SETTLED
from nnbasics.style.run import Run, follow

STEADINESS = 1.0
LATER = 0.4  # of the first frame's iterations: the others start near their end


class Steady:
    """An objective, and what it costs to leave the last frame's picture: weight x sum t (x - w)^2.

    Parameters
    ----------
    objective : Objective
    w : ndarray, (1, 3, H, W)
        The last frame's result, warped.
    t : ndarray, (H, W)
        How far it is to be trusted, from 0 to 1.
    weight : float
    """

    def __init__(self, objective, w, t, weight):
        self.objective, self.w, self.t, self.weight = objective, w, t, weight

    @property
    def shape(self):
        return self.objective.shape

    def evaluate(self, x):
        """The loss in its parts, "steady" among them, and the gradient of their sum."""
        terms, gradient = self.objective.evaluate(x)
        difference = x - self.w
        pull = self.t * difference
        terms["steady"] = self.weight * float(np.vdot(pull, difference))
        return terms, gradient + x.dtype.type(2 * self.weight) * pull


def paint(source, style, folder, settings, *, steadiness=STEADINESS, resume=False, on_frame=None, announce=None):
    """Paint the frames of `source`, and write each to `folder` as soon as it is done.

    Parameters
    ----------
    source : path
        A folder of frames, an animation or a video.
    style : path, name of a shipped picture, Pillow image or array
    folder : path
        Gets 00001.png, 00002.png, ...; made if it is not there.
    settings : Settings
        Iterations are of the first frame; the others, which start near their end, take 2/5 of them, at full size.
    steadiness : float
        How dear it is to leave the last frame, 0 for frames that only start from it.
    resume : bool
        Go on behind the frames that are in `folder`.
    on_frame : callable, optional
        Called as on_frame(number, count) before each frame.
    announce : callable, optional
        Called with the run of the first frame that is painted, when it is planned.

    Returns
    -------
    list of Path
        The frames.
    """
    clip = moving.read(source)
    folder = _folder(folder, resume)
    later = replace(settings, iterations=math.ceil(LATER * settings.iterations), pyramid={})
    painted, last, before = [], None, None
    for number, frame in enumerate(clip, 1):
        file = folder / f"{number:05}.png"
        frame = pictures.resize(frame, settings.size)
        place = {"frame": number, "steadiness": steadiness}
        if file.exists():
            here = settings if last is None else later
            _check_same(file, here, {**facts(frame, style, here), **place})
        else:
            if on_frame is not None:
                on_frame(number, clip.count)
            if last is None:
                run = Run(frame, style, settings, announce)
            else:
                run = _following(frame, before, last, style, later, steadiness, announce)
            if follow(run, []):
                raise KeyboardInterrupt
            result = run.result
            folder.mkdir(exist_ok=True)
            replace(result, metadata={**result.metadata, **place}).save(file)
            run = result = announce = None  # a run's memory is free before the next takes its own
        last, before = pictures.read(file), frame  # as the file has it, so that going on later changes nothing
        painted.append(file)
    return painted


def _following(frame, before, last, style, settings, steadiness, announce):
    """The run of a frame whose picture before the walk is the last one, moved."""
    moved = flow(before, frame)
    warped, trusted = warp(last, moved), trust(before, frame, moved)
    start = trusted[..., None] * warped + (1 - trusted[..., None]) * frame
    run = Run(frame, style, replace(settings, init=start.astype(np.float32)), announce)
    if steadiness:
        run.walk.objective = Steady(run.objective, run.prepared.walked(warped), trusted, steadiness * run.walk.price)
    return run


def _folder(folder, resume):
    folder = Path(folder)
    try:
        used = any(folder.iterdir())
    except FileNotFoundError:
        output.check_writable(folder)  # made for the first frame, so that nothing is left where there is none
        used = False
    except OSError as problem:
        raise PictureError(f"the folder {str(folder)!r} cannot be used: {problem.strerror}; choose another") from None
    if used and not resume:
        raise PictureError(f"the folder {str(folder)!r} is not empty: choose another, or go on in it (--resume)")
    return folder


def _check_same(file, settings, made_from):
    """Refuse to go on behind a frame that was painted otherwise, or from other pictures."""
    made = pictures.metadata(file)
    before = made.get("settings")
    if not isinstance(before, dict):
        raise SettingsError(f"{file} does not tell how it was painted: choose another folder")
    wanted, left_open = _plain(settings), {name for name in SETTLED if getattr(settings, name) is None}
    for name, value in wanted.items():
        if name not in ("init", "mask", "style_mask", *left_open) and name in before and before[name] != value:
            what = f"{name} {before[name]!a}"
            raise SettingsError(f"{file} was painted with {what}: the same settings are needed to go on")
    for name, fact in made_from.items():
        if _hashes(made.get(name)) != _hashes(fact):
            raise SettingsError(f"{file} was painted with another {name}: the same is needed to go on")


def _hashes(fact):
    """Of pictures their hashes: names and places may have changed."""
    if isinstance(fact, list):
        return [_hashes(one) for one in fact]
    return fact.get("sha256") if isinstance(fact, dict) else fact


def _plain(settings):
    import json

    from nnbasics.style import manifest

    return json.loads(json.dumps(manifest.made(settings)["settings"]))


def flicker(frames, painted):
    """How much painted frames change beyond the motion of their frames: the mean of |p_t - warp(p_t-1)|, trusted.

    Parameters
    ----------
    frames, painted : sequences of (H, W, 3)

    Returns
    -------
    float
        A mean change of a value, of 1; 0 where the paint moves with what it is on.
    """
    changes = []
    for before, after, p, q in zip(frames[:-1], frames[1:], painted[:-1], painted[1:], strict=True):
        moved = flow(before, after)
        weight = trust(before, after, moved)[..., None]
        changes.append(np.sum(weight * np.abs(q - warp(p, moved))) / (3 * weight.sum()))
    return float(np.mean(changes))
