"""Honest files damaged at random, and files made up: no crash, no hang, no memory, one clear error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.damage import DAMAGE, damaged, guided
from tests.weights import fuzzing

SEEDS = fuzzing.seeds()
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
    guided("tests.weights.fuzzing", tmp_path, longest=80_000)
