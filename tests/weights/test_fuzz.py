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


@st.composite
def damaged(draw):
    """A seed with bytes flipped, cut, doubled or replaced; most of the damage at its two ends, where headers are."""
    content = bytearray(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    for _ in range(draw(st.integers(1, 4))):
        length = max(len(content), 1)
        far = draw(st.sampled_from([min(length, 300), min(length, 3000), length]))
        position = draw(st.integers(0, far - 1))
        position = length - 1 - position if draw(st.booleans()) else position
        kind = draw(st.sampled_from(["flip", "cut", "insert", "replace", "double", "number"]))
        if kind == "flip" and content:
            content[position] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[position : position + draw(st.sampled_from([1, 4, 100, length]))]
        elif kind == "insert":
            content[position:position] = draw(st.binary(max_size=20))
        elif kind == "replace":
            content[position : position + 8] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "double":
            content[position:position] = content[position : position + draw(st.sampled_from([1, 30, 3000]))]
        else:
            number = draw(st.sampled_from([0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]))
            content[position : position + 8] = number.to_bytes(8, "little")
    return bytes(content)


STARTS = [
    b"",
    b"PK\x03\x04",
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    b"\x08\x07\x12\x00",
    b"\x10" + bytes(7) + b"{",
]


def fuzz(examples):
    return settings(max_examples=examples, deadline=4000, suppress_health_check=list(HealthCheck))


@fuzz(150)
@given(damaged())
def test_damaged_files(tmp_path_factory, content):
    if content and not content.startswith(fuzzing.APART):
        fuzzing.feed_measured(content, tmp_path_factory.getbasetemp())


@fuzz(100)
@given(st.sampled_from(STARTS), st.binary(min_size=1, max_size=300))
def test_made_up_files(tmp_path_factory, start, rest):
    fuzzing.feed_measured(start + rest, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@fuzz(20_000)
@given(damaged())
def test_damaged_files_at_length(tmp_path_factory, content):
    if content and not content.startswith(fuzzing.APART):
        fuzzing.feed_measured(content, tmp_path_factory.getbasetemp())


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
