"""Where compiled kernels are kept, and for how long."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from nnbasics.kernels import compile as compiling
from nnbasics.kernels.simd import address

OLD = time.time() - (compiling.UNUSED_DAYS + 1) * 24 * 3600
NAMES = {
    "mine": "kernels-avx512-0123456789abcdef",
    "unused": "kernels-avx2-1111111111111111",
    "used": "kernels-avx512-2222222222222222",
    "half removed": "kernels-avx512-3333333333333333-unused-77",
    "not ours": "kernels-of-wheat",
    "nor this": "objective.cpython-311.pyc",
}


@pytest.fixture
def place(tmp_path):
    for name in NAMES.values():
        (tmp_path / name).mkdir()
        (tmp_path / name / "kernel.nbi").write_bytes(b"code")
        os.utime(tmp_path / name, (OLD, OLD))
    os.utime(tmp_path / NAMES["used"])
    return tmp_path


def test_folders_that_nobody_uses_any_more_are_removed(place):
    compiling._remove_unused(place / NAMES["mine"])
    left = {path.name for path in place.iterdir()}
    assert left == set(NAMES.values()) - {NAMES["unused"], NAMES["half removed"]}


def test_a_link_is_left_alone(place):
    other = place / "kernels-neon-4444444444444444"
    try:
        other.symlink_to(place / NAMES["used"], target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    os.utime(place / NAMES["used"], (OLD, OLD))
    compiling._remove_unused(place / NAMES["used"])
    assert other.is_symlink() and (place / NAMES["used"] / "kernel.nbi").exists()


def test_one_that_cannot_be_removed_disturbs_nobody(place, monkeypatch):
    def refuse(path, target):
        raise PermissionError(f"{path}: not yours")

    monkeypatch.setattr(compiling.Path, "rename", refuse)
    compiling._remove_unused(place / NAMES["mine"])
    assert (place / NAMES["unused"] / "kernel.nbi").exists()


CODE = """
import numpy as np
from nnbasics.kernels import masks, compile
x = np.ones((1, 1, 1, 64), np.float32)
masks.apply(masks.empty(x.shape), x)
assert not x.any()
print(compile._Locator.folder)
"""


def test_a_process_marks_its_folder_and_keeps_another_versions_that_is_in_use(place):
    def run():
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(place)}
        result = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return compiling.Path(result.stdout.strip()), result.stderr

    folder, said = run()
    assert folder.parent == place and "compiling for this machine" in said
    assert not (place / NAMES["unused"]).exists() and (place / NAMES["used"]).exists()
    os.utime(folder, (OLD, OLD))
    again, said = run()
    assert again == folder and not said, "from the cache"
    assert time.time() - folder.stat().st_mtime < 3600, "marked as used"


def test_code_is_found_by_its_signature_alone(tmp_path):
    """Two processes that compile at once save as if each were alone, and whoever finds another's code compiles."""
    ours, theirs = (compiling._File(str(tmp_path), "kernel-7.py311", "") for _ in range(2))
    theirs._load_index = ours._load_index = lambda: {}  # as if the other were just about to write
    ours.save(("float32",), "four bytes")
    theirs.save(("float64",), "eight bytes")
    for file in (ours, theirs):
        assert [file.load((dtype,)) for dtype in ("float32", "float64")] == ["four bytes", "eight bytes"]
        assert file.load(("int64",)) is None
    (tmp_path / ours._name(("float64",))).replace(tmp_path / ours._name(("float32",)))
    assert ours.load(("float32",)) is None


def test_numbers_between_the_places_of_floats_are_refused():
    raw = np.zeros(33, np.uint8)
    between = raw[1 + (-raw.ctypes.data) % 4 :][:28].view(np.float32)
    with pytest.raises(ValueError, match=r"use a copy of it: x\.copy\(\)"):
        address(between)
