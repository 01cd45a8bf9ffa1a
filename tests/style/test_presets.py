"""Presets: each is a set of settings that can be, and what is given beside it counts more."""

from pathlib import Path

import pytest

from nnbasics.style import Settings
from nnbasics.style.presets import PRESETS
from nnbasics.style.settings import flag, shown

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_settings_and_given_ones_count_more(name):
    values = PRESETS[name]
    assert Settings.of(preset=name) == Settings(**values) != Settings()
    changed = Settings.of(preset=name, seed=5, **{key: getattr(Settings(), key) for key in values})
    assert changed == Settings(seed=5)


@pytest.mark.parametrize("name", PRESETS)
def test_the_page_says_what_it_is(name):
    assert " ".join(f"{flag(key)} {shown(value)}" for key, value in PRESETS[name].items()) in PAGE


def test_a_preset_beside_a_convention_is_relative_to_its_weight():
    settings = Settings.of(preset="strong", convention="johnson")
    assert settings.style_weight == PRESETS["strong"]["style_weight"] and settings.content_weight == 5
