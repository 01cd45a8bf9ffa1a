"""Damage done to a file at random: bytes flipped, cut, inserted, replaced or doubled, often near an end.

And damage that is guided by what the reader does with it: a run of libFuzzer for a bounded time.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st

# Linux hands a process's largest memory on to what it starts, and libFuzzer would take that of all tests for its own;
# from a process in between it gets that one's.
BETWEEN = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"

NUMBERS = [0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]
PLACES = st.tuples(st.sampled_from([300, 3000, 1 << 20]), st.integers(0, 1 << 20), st.booleans())
STEPS = st.one_of(
    st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
    st.tuples(st.just("cut"), PLACES, st.sampled_from([1, 4, 100, 1 << 20])),
    st.tuples(st.just("insert"), PLACES, st.binary(max_size=20)),
    st.tuples(st.just("replace"), PLACES, st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("replace"), PLACES, st.sampled_from([number.to_bytes(8, "little") for number in NUMBERS])),
    st.tuples(st.just("replace"), PLACES, st.sampled_from([number.to_bytes(8, "big") for number in NUMBERS])),
    st.tuples(st.just("double"), PLACES, st.sampled_from([1, 30, 3000])),
)
DAMAGE = st.lists(STEPS, min_size=1, max_size=4)


def damaged(content, steps):
    """The bytes after a few steps of `DAMAGE`; headers lie near an end, so that is where many of them go."""
    content = bytearray(content)
    for kind, (far, position, from_end), what in steps:
        position %= max(min(len(content), far), 1)
        position = max(len(content) - 1 - position, 0) if from_end else position
        if kind == "flip":
            content[position : position + 1] = bytes(byte ^ 1 << what for byte in content[position : position + 1])
        elif kind == "cut":
            del content[position : position + what]
        elif kind == "insert":
            content[position:position] = what
        elif kind == "replace":
            content[position : position + len(what)] = what
        else:
            content[position:position] = content[position : position + what]
    return bytes(content)


def guided(module, folder, longest):
    """A minute of libFuzzer, by atheris; a crash, an input that hangs or a gigabyte of memory fails the test."""
    pytest.importorskip("atheris", reason="pip install atheris (Linux) for the coverage-guided fuzzer")
    (folder / "corpus").mkdir()
    limits = ["-max_total_time=60", "-timeout=30", "-rss_limit_mb=1024", f"-max_len={longest}"]
    command = [sys.executable, "-m", module, str(folder / "corpus"), *limits, f"-artifact_prefix={folder}/"]
    top = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", BETWEEN, *command], cwd=top, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
