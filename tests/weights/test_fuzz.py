"""Honest files damaged at random, and files made up: no crash, no hang, no memory, one clear error."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.weights import fuzzing

SEEDS = fuzzing.seeds()
HERE = Path(__file__).parents[2]


NUMBERS = [0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]
PLACES = st.tuples(st.sampled_from([300, 3000, 1 << 20]), st.integers(0, 1 << 20), st.booleans())
DAMAGE = st.one_of(
    st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
    st.tuples(st.just("cut"), PLACES, st.sampled_from([1, 4, 100, 1 << 20])),
    st.tuples(st.just("insert"), PLACES, st.binary(max_size=20)),
    st.tuples(st.just("replace"), PLACES, st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("replace"), PLACES, st.sampled_from([number.to_bytes(8, "little") for number in NUMBERS])),
    st.tuples(st.just("double"), PLACES, st.sampled_from([1, 30, 3000])),
)
RECIPES = st.tuples(st.sampled_from(sorted(SEEDS)), st.lists(DAMAGE, min_size=1, max_size=4))


def damaged(recipe):
    """A seed with bytes flipped, cut, inserted, replaced or doubled, often near an end, where headers are."""
    name, steps = recipe
    content = bytearray(SEEDS[name])
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


STARTS = [
    b"",
    b"PK\x03\x04",
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    b"\x08\x07\x12\x00",
    b"\x10" + bytes(7) + b"{",
]


def fuzz(examples):
    return settings(max_examples=examples, deadline=60_000, suppress_health_check=list(HealthCheck))


@fuzz(150)
@given(RECIPES)
def test_damaged_files(tmp_path_factory, recipe):
    fuzzing.feed_measured(damaged(recipe), tmp_path_factory.getbasetemp())


@fuzz(100)
@given(st.sampled_from(STARTS), st.binary(min_size=1, max_size=300))
def test_made_up_files(tmp_path_factory, start, rest):
    fuzzing.feed_measured(start + rest, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@fuzz(4000)
@given(RECIPES)
def test_damaged_files_at_length(tmp_path_factory, recipe):
    fuzzing.feed_measured(damaged(recipe), tmp_path_factory.getbasetemp())


@pytest.mark.slow
def test_coverage_guided(tmp_path):
    """A minute of libFuzzer, by atheris; a crash, a hang of ten seconds or a gigabyte of memory fails it."""
    pytest.importorskip("atheris", reason="pip install atheris (Linux) for the coverage-guided fuzzer")
    (tmp_path / "corpus").mkdir()
    limits = ["-max_total_time=60", "-timeout=10", "-rss_limit_mb=1024", "-max_len=80000", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.weights.fuzzing", str(tmp_path / "corpus"), *limits]
    command += [f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
