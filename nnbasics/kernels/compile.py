"""`@kernel`: a function compiled once for this machine, kept on disk, compiled again when what it rests on changes.

Numba's own cache looks at the file of the function alone: it misses an edit in a kernel that is called from another
file, and knows nothing of the vector width that was chosen. Here the folder's name has a hash of all of that, so an
upgrade never runs yesterday's code.
"""

import functools
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numba
from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, _CacheLocator

from nnbasics.kernels.machine import VARIANT

UNUSED_DAYS = 14

_HERE = Path(__file__).parent
_NAME = re.compile(r"kernels-[a-z0-9]+-[0-9a-f]{16}(-unused-\d+)?")
_announced = False


def kernel(function=None, *, fastmath=False):
    """Compile `function` by Numba: no Python inside, the interpreter's lock released, cached.

    With `fastmath` (True or LLVM's names) sums may be reordered, which lets the compiler use vectors for them.
    """
    if function is None:
        return functools.partial(kernel, fastmath=fastmath)
    compiled = njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)
    compiled._cache = _Cache(function)
    return compiled


def _fingerprint():
    digest = hashlib.sha256(f"{numba.__version__} {VARIANT.name}".encode())
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return f"{VARIANT.name}-{digest.hexdigest()[:16]}"


def _folder():
    """Beside the sources if that can be written, else among the user's cached files, else in the temporary folder."""
    import platformdirs

    places = [
        numba.config.CACHE_DIR,
        _HERE / "__pycache__",
        platformdirs.user_cache_dir("nnbasics"),
        Path(tempfile.gettempdir()) / f"nnbasics-{os.getuid() if hasattr(os, 'getuid') else 'cache'}",
    ]
    for place in filter(None, places):
        folder = Path(place) / f"kernels-{_fingerprint()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                os.utime(folder)
        except OSError:
            continue
        _remove_unused(folder)
        return str(folder)
    raise OSError("no folder for compiled kernels can be written; set NUMBA_CACHE_DIR to one that can")


def _remove_unused(mine):
    """Remove the folders beside mine, of other versions, that nobody has used for UNUSED_DAYS.

    One that is being removed has another name first, so whoever looks for it finds it whole or not at all. A process
    that began before and still runs from there compiles again what it has not loaded yet.
    """
    for other in mine.parent.glob("kernels-*"):
        try:
            if other != mine and _NAME.fullmatch(other.name) and not other.is_symlink():
                if time.time() - other.stat().st_mtime > UNUSED_DAYS * 24 * 3600:
                    doomed = other.with_name(f"{other.name}-unused-{os.getpid()}")
                    other.rename(doomed)
                    shutil.rmtree(doomed)
        except OSError:
            continue  # somebody else was faster, or may and we may not


class _Locator(_CacheLocator):
    folder = None

    def __init__(self, function, source):
        self._line = function.__code__.co_firstlineno

    def get_cache_path(self):
        if _Locator.folder is None:
            _Locator.folder = _folder()
        return _Locator.folder

    def get_source_stamp(self):
        return ""  # the folder's name has it

    def get_disambiguator(self):
        return str(self._line)

    @classmethod
    def from_function(cls, function, source):
        return cls(function, source)


class _Implementation(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _File(IndexDataCacheFile):
    """A file for each signature and no index, so that of two processes that compile at once neither disturbs the other.

    In Numba's index what one of them saves may be forgotten, or even stand under the other's signature.
    """

    def save(self, key, data):
        self._save_data(self._name(key), (key, data))

    def load(self, key):
        try:
            found, data = self._load_data(self._name(key))
        except OSError:
            return None
        return data if found == key else None

    def _name(self, key):
        return self._data_name(int(hashlib.sha256(repr(key).encode()).hexdigest()[:16], 16))


class _Cache(FunctionCache):
    _impl_class = _Implementation

    def __init__(self, function):
        super().__init__(function)
        self._cache_file = _File(self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp())

    def load_overload(self, signature, target_context):
        found = super().load_overload(signature, target_context)
        if found is None:
            _announce()
        return found


def _announce():
    global _announced
    if not _announced:
        _announced = True
        print("nnbasics: compiling for this machine; this happens once and takes about 20 seconds", file=sys.stderr)
