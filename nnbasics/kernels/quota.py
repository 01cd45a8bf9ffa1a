"""How many processors this process may keep busy: not always those the machine has.

A process can be bound to some of the processors (its affinity). And a container usually sees all 64 of them but has a
quota: so many microseconds of processor time in each period. Threads beyond it would only wait in turns.
"""

import math
import os
from functools import cache
from pathlib import Path


def processors():
    """Those this process may run on, and not more than its quota allows."""
    if hasattr(os, "sched_getaffinity"):
        mine = len(os.sched_getaffinity(0))
    else:
        mine = os.cpu_count() or 1
    return max(1, min(mine, quota()))


@cache
def quota(root="/"):
    """The smallest quota of all the control groups this process is in, rounded up to whole processors; inf if none.

    `root` is where the files lie: sys/fs/cgroup/.../cpu.max (version 2), or cpu.cfs_quota_us and cpu.cfs_period_us
    (version 1), in the group's folder and those above it.
    """
    root = Path(root)
    least = math.inf
    for mounted, group in _groups(root):
        for folder in (mounted / group, *(mounted / group).parents):
            if folder.is_relative_to(mounted):
                least = min(least, _of(folder))
    return least if least == math.inf else math.ceil(least)


def _groups(root):
    """(mount point, group) of every hierarchy that may limit processor time; in a container a group may look like /."""
    mounts = root / "sys/fs/cgroup"
    for line in _words(root / "proc/self/cgroup", "\n"):
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            yield mounts, group.lstrip("/")
        elif "cpu" in controllers.split(","):
            yield mounts / controllers, group.lstrip("/")


def _of(folder):
    """The quota that a folder's files tell, in processors."""
    limit = _words(folder / "cpu.max")
    if not limit:
        limit = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
    if len(limit) != 2 or not (limit[0].isdecimal() and limit[1].isdecimal()) or int(limit[1]) == 0:
        return math.inf  # "max", -1, or no such file
    return int(limit[0]) / int(limit[1])


def _words(path, between=None):
    try:
        return path.read_text().strip().split(between)
    except OSError:
        return []
