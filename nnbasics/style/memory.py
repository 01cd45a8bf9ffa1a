"""The memory of a run, foreseen: bytes for a pixel of the content and of the style, and what the machine has left."""

import math
import os
from pathlib import Path

from nnbasics.errors import SettingsError

FIXED = 300e6  # the interpreter, the kernels, the weights and their transforms; measured, as the figures below
CONTENT_PIXEL = 870  # features, masks and gradients of one evaluation
STYLE_PIXEL = 720  # the same for the style's Gram matrices, which are measured before the walk
PICTURE_PIXEL = 12  # one float32 picture
PICTURES = 10  # those that are alive in a step, beside the history


def needed(shape, style_shape, settings):
    """Bytes that a run takes at its peak."""
    pixels = math.prod(shape[2:])
    pairs = 2 * (settings.history + 1) if settings.optimizer == "lbfgs" else 2
    walk = pixels * (CONTENT_PIXEL + PICTURE_PIXEL * (pairs + PICTURES))
    return FIXED + max(walk, math.prod(style_shape[2:]) * STYLE_PIXEL)


def available():
    """Bytes that can still be had, or None where the system does not tell."""
    found = []
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(1024 * int(next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))))
    except (OSError, ValueError, StopIteration):
        pass
    try:  # a container's limit
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii").strip()
        if limit != "max":
            found.append(max(int(limit) - int(used), 0))
    except (OSError, ValueError):
        pass
    if not found and hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found) if found else None


def check(shape, style_shape, settings):
    """Refuse a run that will not fit, and say which size would."""
    have, need = available(), needed(shape, style_shape, settings)
    if have is None or need <= have:
        return
    shrink = math.sqrt(max(have - FIXED, 0) / (need - FIXED))  # the rest grows with the pixels
    size = int(settings.size * shrink) // 16 * 16
    hint = f"a size of {size} would fit" if size >= 64 else "close other programs"
    raise SettingsError(
        f"not enough memory: {shape[3]} x {shape[2]} pixels need about {need / 1e9:.1f} GB, and {have / 1e9:.1f} GB "
        f"are free; {hint}"
    )
