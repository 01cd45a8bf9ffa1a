"""Memory: what this process has, and what it can still get."""

import os
import sys
from pathlib import Path

UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_UNLIMITED = 1 << 60  # cgroups of version 1 say so with a number near 2^63


def resident():
    """Bytes of this process in memory now; where the system does not tell, those that it had at most."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return peak()


def peak():
    """Bytes of this process in memory at most so far; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    except (OSError, ValueError, StopIteration):
        pass
    try:  # on Linux this would count the process that started ours, too
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def available():
    """Bytes that can still be had, or None where the system does not tell: of the machine, and of every container."""
    found = [_machine(), *_containers(), _limit()]
    found = [number for number in found if number is not None]
    return max(min(found), 0) if found else None


def _machine():
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("MemAvailable:")))
    except (OSError, ValueError, StopIteration):
        pass
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _containers(root="/sys/fs/cgroup", groups="/proc/self/cgroup"):
    """What is left in the control groups of this process, and in those around them."""
    try:
        lines = Path(groups).read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers == "":
            base, names = Path(root), ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = Path(root) / "memory"
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        folder = base / place.strip("/")
        for each in (folder, *folder.parents):
            if each == base.parent:
                break
            yield _left(each, *names)


def _left(folder, limit, used, cache):
    """The limit less what is in use; a cache of files gives way."""
    try:
        most = (folder / limit).read_text(encoding="ascii").strip()
        if most == "max" or int(most) >= _UNLIMITED:
            return None
        in_use = int((folder / used).read_text(encoding="ascii"))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        return int(most) - in_use + int(stat.get(cache, 0))
    except (OSError, ValueError):
        return None


def _limit():
    """What `ulimit -v` leaves."""
    try:
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most == resource.RLIM_INFINITY:
            return None
        return most - int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return None


def shown(number):
    """Bytes as a person says them: 480 MB, 3.9 GB."""
    return f"{number / 1e9:.1f} GB" if number >= 0.9995e9 else f"{number / 1e6:.0f} MB"
