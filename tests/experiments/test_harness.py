"""Trainings that can be repeated: what they leave, that they go on, and that the test set has no say."""

import json

import numpy as np
import pytest

from experiments import harness, mnist
from experiments.harness import Experiment, main
from nnbasics import Adam, Dropout, Flatten, Linear, Sequential, weights
from nnbasics.data import digits
from nnbasics.weights import registry

X, LABELS = digits.load()


def load(part):
    return (X[:400], LABELS[:400]) if part == "train" else (X[400:600], LABELS[400:600])


def experiment(epochs=3, seed=2):
    return Experiment(
        name="digits",
        command="python -m experiments.digits",
        architecture="none",
        net=lambda seed: Sequential(
            {"flatten": Flatten(), "drop": Dropout(0.1, rng=seed), "fc": Linear(64, 10, rng=seed)}
        ),
        load=load,
        optimizer=lambda: Adam(0.01),
        epochs=epochs,
        batch_size=32,
        how="Adam with a rate of 0.01",
        credits=("whoever wrote them",),
        held_out=100,
        seed=seed,
    )


def test_a_training_leaves_its_curve_its_numbers_and_its_weights(tmp_path, capsys):
    experiment().run(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.json", "digits.png", "digits.safetensors"]
    report = json.loads((tmp_path / "digits.json").read_text())
    assert len(report["history"]["validation_accuracy"]) == 3 and report["seed"] == 2
    x, labels = load("test")
    found = weights.load(tmp_path / "digits.safetensors")
    scores = x.reshape(-1, 64) @ found["fc.weight"].T + found["fc.bias"]
    assert report["test_accuracy"] == np.mean(scores.argmax(axis=1) == labels) > 0.5
    assert f"{report['test_accuracy']:.2%} of the test set" in capsys.readouterr().out


def test_interrupted_it_looks_at_no_test_set_and_goes_on(tmp_path, capsys):
    def guarded(part):
        assert part == "train"
        return load(part)

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    experiment().run(whole)
    Experiment(**{**vars(experiment()), "load": guarded}).run(parts, epochs=2)
    assert [path.name for path in parts.iterdir()] == ["digits.running"]
    assert "2 of 3 epochs are done" in capsys.readouterr().out
    experiment().run(parts)
    assert (parts / "digits.safetensors").read_bytes() == (whole / "digits.safetensors").read_bytes()


def test_the_seed_decides(tmp_path):
    for seed in (1, 2):
        experiment(epochs=1, seed=seed).run(tmp_path / str(seed))
    one, two = (weights.load(tmp_path / seed / "digits.safetensors") for seed in "12")
    assert not np.allclose(one["fc.weight"], two["fc.weight"])


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["experiments", "digits", "-o", str(tmp_path), "--epochs", "1"])
    main({"digits": experiment()})
    assert (tmp_path / "digits.running").exists()
    (tmp_path / "digits.running").write_text("something else")
    with pytest.raises(SystemExit, match="2"):
        main({"digits": experiment()})
    assert "digits.running" in capsys.readouterr().err


@pytest.mark.parametrize("name", mnist.EXPERIMENTS)
def test_the_experiments_fit_together(name):
    """Networks take the pictures, schedules end where training does, and `made` is no place of git's."""
    known = mnist.EXPERIMENTS[name]
    assert known.net(0).output_shape((1, 1, 28, 28)) == (1, 10)
    assert known.schedule(0) > 0 and known.schedule(known.epochs) == pytest.approx(0)
    assert harness.MADE.name == "made"
    assert known.metadata == registry.entry(known.name).metadata
