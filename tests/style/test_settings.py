"""Settings: what is understood, what is refused, and that flags and docs come from the same place."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from nnbasics.errors import SettingsError
from nnbasics.style.settings import Choice, Layers, Real, Relative, Settings, Whole, table


def test_texts_and_values_mean_the_same():
    typed = Settings.of(size="300", style_layers="relu1_1:0.5, relu2_1", style_weight="1e4", seed="7", tv_weight="0.5")
    given = Settings.of(size=300, style_layers={"relu1_1": 0.5, "relu2_1": 1}, style_weight=1e4, seed=7, tv_weight=0.5)
    assert typed == given
    assert Settings(content_layers=["relu4_2"]) == Settings(content_layers="relu4_2")


def test_defaults_are_valid_and_frozen():
    settings = Settings()
    assert settings == Settings(**{item.name: getattr(settings, item.name) for item in fields(Settings)})
    with pytest.raises(FrozenInstanceError):
        settings.size = 3


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Whole(1, 9), "3.0"),
        (Whole(1, 9), 2.0),
        (Whole(1, 9), True),
        (Whole(1, 9), 10),
        (Whole(1, 9), "0"),
        (Whole(1, 9), None),
        (Real(), "-0.1"),
        (Real(), "inf"),
        (Real(), float("nan")),
        (Real(), True),
        (Real(), [1]),
        (Real(positive=True), 0),
        (Relative(), "x"),
        (Relative(), "-2x"),
        (Relative(), "twice"),
        (Choice(("max", "average")), "Max pooling"),
        (Choice(("max", "average")), None),
        (Choice(("max", "average")), ["max"]),
        (Layers(), ""),
        (Layers(), ","),
        (Layers(), {}),
        (Layers(), 4),
        (Layers(), "relu1_1,relu1_1"),
        (Layers(), "relu1_1:"),
        (Layers(), {"relu1_1": -1}),
    ],
)
def test_what_cannot_be_is_refused_with_the_value_in_the_message(kind, value):
    with pytest.raises(ValueError, match=r"expected|not a|unknown|twice|weight of"):
        kind(value)


def test_a_wrong_setting_names_itself_and_an_unknown_one_its_neighbour():
    with pytest.raises(SettingsError, match="style_weight: '-1' is not a finite number of 0 or more"):
        Settings(style_weight="-1")
    with pytest.raises(SettingsError, match="'iteration'; did you mean 'iterations'"):
        Settings.of(iteration=3)


def test_a_loss_of_nothing_is_refused():
    with pytest.raises(SettingsError, match="nothing to do"):
        Settings(content_weight=0, style_weight="0x")
    assert Settings(content_weight=0, style_weight=0, tv_weight=1).tv_weight == 1


def test_the_table_has_a_row_for_every_setting():
    rows = table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [item.name for item in fields(Settings)]


def test_the_settings_page_has_the_table():
    """If this fails, put what `settings.table()` returns into docs/settings.md."""
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert table() in page.read_text(encoding="utf-8")
