"""The comparison of deep nets: what is measured, that it goes on where it was stopped, that its curves are whole."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments import deep
from experiments.deep import COMPARISONS, LOOKS, NETS, SEEDS

KEPT = Path(deep.__file__).with_name("results") / "deep.json"


@pytest.fixture
def few(monkeypatch):
    """Bright and dark pictures in place of clothes."""

    def pictures(part, count):
        labels = np.arange(min(count, 32)) % 2
        noise = np.random.default_rng(0).normal(0, 0.1, (len(labels), 1, 14, 14))
        return (labels[:, None, None, None] - 0.5 + noise).astype(np.float32), labels

    monkeypatch.setattr(deep, "pictures", pictures)


@pytest.mark.parametrize("name", ["resnet8", "droppath"])
def test_a_training_is_looked_at_in_use(few, name):
    found = deep.train(name, seed=0, trained=32, epochs=40, rate=0.05)
    assert found["epoch"] == list(range(2, 41, 2)) and len(found["epoch"]) == LOOKS
    assert found["test_accuracy"][-1] == 1 and found["test_loss"][-1] < 0.3
    assert found["test_loss"] == found["training_loss"], "here they are the same pictures"
    assert ("columns" in found) == (name == "droppath")


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    asked = []

    def train(name, seed, *settings):
        asked.append((name, seed, *settings))
        return {"training_loss": [1.0], "test_loss": [2.0], "test_accuracy": [0.5], "cpu_seconds": 1}

    monkeypatch.setattr(deep, "train", train)
    command = ["deep", "depth", "--nets", "plain8", "plain44", "-o", str(tmp_path / "deep.json")]
    monkeypatch.setattr("sys.argv", [*command, "--seeds", "0"])
    deep.main()
    monkeypatch.setattr("sys.argv", [*command, "--seeds", "0", "1"])
    deep.main()
    assert asked == [(name, seed, 4000, 20, 0.03) for seed in (0, 1) for name in ("plain8", "plain44")]
    assert set(json.loads((tmp_path / "deep.json").read_text())["depth"]["plain8"]) == {"0", "1"}


def test_the_kept_curves_are_whole():
    kept = json.loads(KEPT.read_text())
    for title, (nets, _, epochs, _) in COMPARISONS.items():
        assert set(kept[title]) == set(nets) <= set(NETS)
        for runs in kept[title].values():
            assert set(runs) == {str(seed) for seed in SEEDS}
            for run in runs.values():
                assert run["epoch"][-1] == epochs
                assert len(run["epoch"]) == len(run["training_loss"]) == len(run["test_accuracy"]) == LOOKS
