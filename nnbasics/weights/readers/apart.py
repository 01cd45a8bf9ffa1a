"""Formats whose libraries are written in C, read in a process of their own.

A crafted .h5 or .mat file can make such a library crash, run for ever or ask for all the memory there is. Here that
costs a process with a time and a memory limit, which hands its arrays over in a file of ours.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nnbasics.errors import WeightsError
from nnbasics.weights import tensors as own
from nnbasics.weights.preprocessing import Preprocessing
from nnbasics.weights.readers import Foreign

SECONDS = 60  # and one more for each megabyte
_PREFIX = "nnbasics: "


def keras(path, file, size):
    """A Keras or TensorFlow .h5 file."""
    return _read("keras", "Keras .h5", path, size)


def matconvnet(path, file, size):
    """A MatConvNet .mat file."""
    return _read("matconvnet", "MatConvNet .mat", path, size)


def _read(reader, title, path, size):
    with tempfile.TemporaryDirectory(prefix="nnbasics-") as scratch:
        out = Path(scratch) / "tensors"
        command = [sys.executable, "-m", __name__, reader, os.path.abspath(path), str(out)]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[3]), *_python_path()])
        try:
            done = subprocess.run(
                command, cwd=scratch, env=environment, capture_output=True, timeout=SECONDS + size / 1e6
            )
        except subprocess.TimeoutExpired:
            raise WeightsError("takes too long to read; it is damaged, or made to be slow") from None
        if done.returncode:
            raise WeightsError(_why(done.stderr.decode(errors="replace")))
        try:
            found, metadata = own.read(out)
        except WeightsError as error:
            raise WeightsError(str(error).removeprefix(str(out))) from None
    order = metadata["order"].split("\n")
    mean = metadata.get("mean")
    return Foreign(title, {name: found[name] for name in order}, mean and _rgb(mean))


def _python_path():
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _why(text):
    last = (text.strip().splitlines() or [""])[-1]
    if last.startswith(_PREFIX):
        return last.removeprefix(_PREFIX)
    return "cannot be read: its library gave up on it, so it is damaged or made to do harm"


def _rgb(mean):
    return Preprocessing("RGB", 255.0, tuple(float(value) for value in mean.split()), (1, 1, 1))


def _main(reader, path, out):
    """In the process of its own."""
    import importlib

    module = importlib.import_module(f"nnbasics.weights.readers.{reader}")
    try:
        _limit_memory(os.path.getsize(path))
        tensors, metadata = module.read(path)
        if not tensors:
            raise WeightsError("has no weights inside")
        own.write(out, tensors, {"order": "\n".join(tensors), **metadata})
    except WeightsError as error:
        sys.exit(_PREFIX + " ".join(str(error).split()))
    except MemoryError:
        sys.exit(_PREFIX + "needs more memory than a file of its size should: it is damaged or made to do harm")
    except Exception as error:  # whatever a library raises on a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        sys.exit(f"{_PREFIX}cannot be read ({reason}): damaged or cut short; copy or download it again")


def _limit_memory(size):
    """No more than twice the file on top of what is in use, where the system can limit that (Linux)."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + 2 * size + (64 << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


if __name__ == "__main__":
    _main(*sys.argv[1:])
