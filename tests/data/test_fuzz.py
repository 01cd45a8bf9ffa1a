"""Honest pictures damaged at random, and files made up: a picture or one error, no crash, no hang, no memory."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.damage import DAMAGE, damaged, guided
from tests.data import fuzzing

SEEDS = fuzzing.seeds() | fuzzing.rare()
RECIPES = st.tuples(st.sampled_from(sorted(SEEDS)), DAMAGE)
STARTS = [
    b"",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"RIFF",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"P6 ",
]


def fuzz(examples):
    return settings(max_examples=examples, suppress_health_check=list(HealthCheck))


def from_recipe(recipe):
    name, steps = recipe
    return damaged(SEEDS[name], steps)


@pytest.mark.parametrize("name", fuzzing.rare())
def test_rare_kinds_are_pictures(name, tmp_path):
    assert fuzzing.feed(SEEDS[name], tmp_path) is not None


@fuzz(300)
@given(RECIPES)
def test_damaged_files(tmp_path_factory, recipe):
    fuzzing.feed_measured(from_recipe(recipe), tmp_path_factory.getbasetemp())


@fuzz(150)
@given(st.sampled_from(STARTS), st.binary(min_size=1, max_size=300))
def test_made_up_files(tmp_path_factory, start, rest):
    fuzzing.feed_measured(start + rest, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@fuzz(10_000)
@given(RECIPES)
def test_damaged_files_at_length(tmp_path_factory, recipe):
    fuzzing.feed_measured(from_recipe(recipe), tmp_path_factory.getbasetemp())


@pytest.mark.slow
def test_coverage_guided(tmp_path):
    guided("tests.data.fuzzing", tmp_path, longest=20_000)
