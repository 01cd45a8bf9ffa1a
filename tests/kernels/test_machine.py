"""Every width of vectors, forced on this machine: LLVM cuts up those that are wider than it has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTED = ["tests/kernels", "tests/layers/test_fused.py", "tests/layers/test_golden.py", "tests/style/test_objective.py"]


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["avx512", "avx2", "neon", "plain"])
def test_every_width_of_vectors(variant):
    command = [sys.executable, "-m", "pytest", *TESTED, "-p", "no:cacheprovider"]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "NNBASICS_KERNELS": variant}
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=1800)
    assert result.returncode == 0, result.stdout
