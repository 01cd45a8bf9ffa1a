"""Honest files damaged at random, and files made up: no crash, no hang, no memory, one clear error."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.damage import DAMAGE, damaged
from tests.weights import fuzzing

SEEDS = fuzzing.seeds()
HERE = Path(__file__).parents[2]
RECIPES = st.tuples(st.sampled_from(sorted(SEEDS)), DAMAGE)


def from_recipe(recipe):
    name, steps = recipe
    return damaged(SEEDS[name], steps)


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
    fuzzing.feed_measured(from_recipe(recipe), tmp_path_factory.getbasetemp())


@fuzz(100)
@given(st.sampled_from(STARTS), st.binary(min_size=1, max_size=300))
def test_made_up_files(tmp_path_factory, start, rest):
    fuzzing.feed_measured(start + rest, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@fuzz(4000)
@given(RECIPES)
def test_damaged_files_at_length(tmp_path_factory, recipe):
    fuzzing.feed_measured(from_recipe(recipe), tmp_path_factory.getbasetemp())


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
