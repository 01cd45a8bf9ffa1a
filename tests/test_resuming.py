"""Training that goes on from a file: bit for bit, whatever stopped it, and never from one that lies."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from nnbasics import (
    SGD,
    Adam,
    BatchNorm2d,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    FractionalMaxPool2d,
    Linear,
    ReLU,
    Residual,
    Sequential,
    checkpoints,
    training,
)
from nnbasics.data.augment import wobble
from nnbasics.errors import CheckpointError, UserError
from nnbasics.models import fractalnet
from nnbasics.models.state import state
from nnbasics.schedules import cosine
from nnbasics.training import fit

RNG = np.random.default_rng(5)
X = RNG.random((22, 1, 8, 8)).astype(np.float32)
LABELS = RNG.integers(0, 3, 22)
OTHER = RNG.random((9, 1, 8, 8)).astype(np.float32), RNG.integers(0, 3, 9)


def network(seed=0):
    """Whatever keeps something between steps: parameters, running statistics, generators, also shared and nested."""
    rng = np.random.default_rng(seed)
    body = Sequential({"conv": Conv2d(4, 4, 3, padding=1, rng=rng), "bn": BatchNorm2d(4), "drop": Dropout(0.3, rng)})
    return Sequential(
        {
            "conv1": Conv2d(1, 4, 3, rng=rng),
            "bn1": BatchNorm2d(4),
            "relu1": ReLU(),
            "pool1": FractionalMaxPool2d(2, output_size=4, rng=7),
            "block": Residual(body),
            "flatten": Flatten(),
            "drop": Dropout(0.5, rng),
            "fc": Linear(64, 3, rng=rng),
        }
    )


def train(net, optimizer, epochs, **options):
    settings = {"validation": OTHER, "augment": wobble(10, 0.1, 1), "schedule": cosine(0.01, 4), "seed": 3}
    return fit(
        net, X, LABELS, loss=CrossEntropyLoss(), optimizer=optimizer, epochs=epochs, batch_size=5, **settings | options
    )


def same(net, other, history, of_other):
    assert history.to_dict() == of_other.to_dict()
    for key, array in state(net).items():
        np.testing.assert_array_equal(array, state(other)[key], err_msg=key)


@pytest.mark.parametrize("optimizer", [Adam, lambda: SGD(0.05, momentum=0.9), lambda: SGD(0.05)])
def test_two_and_two_epochs_are_four(tmp_path, optimizer):
    whole, parts, file = network(), network(), tmp_path / "run.safetensors"
    expected = train(whole, optimizer(), 4)
    train(parts, optimizer(), 2, checkpoint=file)
    fresh = network(seed=99)
    history = train(fresh, optimizer(), 4, checkpoint=file)
    same(fresh, whole, history, expected)
    assert not np.array_equal(state(parts)["fc.weight"], state(whole)["fc.weight"])
    assert train(network(), optimizer(), 4, checkpoint=file).to_dict() == expected.to_dict()  # nothing is left to do


def test_drop_path_of_a_fractal_goes_on(tmp_path):
    def trained(*parts):
        for epochs in parts:
            net = fractalnet(2, 2, widths=(3, 4), in_channels=1, size=8, classes=3, dropout=0.2, rng=0)
            file = tmp_path / str(parts)
            fit(
                net, X, LABELS, loss=CrossEntropyLoss(), optimizer=SGD(0.01), epochs=epochs, batch_size=4,
                checkpoint=file,
            )  # fmt: skip
        return state(net)

    expected, found = trained(3), trained(1, 3)
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


class Presses(Linear):
    """Presses Ctrl-C at one of its walks forward."""

    def __init__(self, *arguments, at, **options):
        super().__init__(*arguments, **options)
        self.walks, self.at = 0, at

    def forward(self, x):
        if self.training:
            self.walks += 1
            if self.walks == self.at:
                os.kill(os.getpid(), signal.SIGINT)
        return super().forward(x)


@pytest.mark.parametrize("at", [1, 7, 10, 15])
@pytest.mark.parametrize("kept", ["file", "memory"])
def test_ctrl_c_keeps_the_work_and_the_epoch_goes_on_where_it_was(tmp_path, at, kept):
    """Five mini-batches an epoch: interrupted in the first, in the middle, and at the end of the second and third."""

    def made(press):
        net = network()
        layers = dict(net.layers)
        layers["fc"] = Presses(64, 3, at=press, rng=0)
        return Sequential(layers)

    expected_net, net = made(0), made(at)
    expected, optimizer = train(expected_net, Adam(), 4), Adam()
    options = {"checkpoint": tmp_path / "c"} if kept == "file" else {}
    with pytest.warns(UserWarning, match="interrupted .*; go on by the same call with"):
        history = train(net, optimizer, 4, **options)
    assert len(history) == at // 5 and (history.unfinished is None) == (at % 5 == 0)
    assert "interrupted" in history.stopped and net.training
    if kept == "file":
        net, optimizer = made(0), Adam()
    else:
        options = {"history": history}
    same(net, expected_net, train(net, optimizer, 4, **options), expected)


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    class Twice(Presses):
        def forward(self, x):
            y = super().forward(x)
            if self.walks == self.at:
                os.kill(os.getpid(), signal.SIGINT)
            return y

    net = Sequential(Flatten(), Twice(64, 3, at=7, rng=0))
    with pytest.raises(KeyboardInterrupt):
        train(net, Adam(), 4, checkpoint=tmp_path / "c")
    assert len(train(Sequential(Flatten(), Linear(64, 3)), Adam(), 1, checkpoint=tmp_path / "c")) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_very_last_mini_batch_is_no_interruption(tmp_path):
    net = Sequential(Flatten(), Presses(64, 3, at=10, rng=0))
    assert not train(net, Adam(), 2, checkpoint=tmp_path / "c").stopped


def test_a_machine_that_dies_within_an_epoch(tmp_path, monkeypatch):
    """The process is killed, without a word, in its 13th mini-batch; every mini-batch had been saved."""
    file = tmp_path / "c"
    script = """
import os, sys
from nnbasics import training
from tests import test_resuming as here
training.SAVE_EVERY = 0
class Dies(here.Presses):
    def forward(self, x):
        y = super().forward(x)
        if self.walks == 13:
            os._exit(9)
        return y
net = here.network()
net.layers["fc"] = Dies(64, 3, at=0, rng=0)
here.train(net, here.Adam(), 4, checkpoint=sys.argv[1])
"""
    assert subprocess.run([sys.executable, "-c", script, file], timeout=300).returncode == 9
    net, twin = network(), network()
    for one in (net, twin):
        one.layers["fc"] = Linear(64, 3, rng=0)
    seen = []
    monkeypatch.setattr(training._Training, "step", _counted(training._Training.step, seen))
    history = train(net, Adam(), 4, checkpoint=file)
    assert len(seen) == 20 - 12
    same(net, twin, history, train(twin, Adam(), 4))


def _counted(step, seen):
    def counting(*arguments):
        seen.append(1)
        return step(*arguments)

    return counting


def test_patience_and_its_best_epoch_go_on(tmp_path):
    """The best epoch lies before the interruption, the end after it; what is gone back to has its statistics too."""
    labels = np.roll(OTHER[1], 1)
    options = {"patience": 3, "schedule": None, "validation": (OTHER[0], labels)}
    whole, parts, file = network(), network(), tmp_path / "c"
    expected = train(whole, Adam(0.03), 30, **options)
    assert "no smaller" in expected.stopped and expected.best < len(expected) - 3
    train(parts, Adam(0.03), expected.best + 2, **options, checkpoint=file)
    again = network(seed=8)
    same(again, whole, train(again, Adam(0.03), 30, **options, checkpoint=file), expected)
    finished = network(seed=9)
    same(finished, whole, train(finished, Adam(0.03), 30, **options, checkpoint=file), expected)
    loss, _ = training.evaluate(again, OTHER[0], labels, loss=CrossEntropyLoss())
    assert loss == pytest.approx(min(expected.validation_loss))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    file = tmp_path_factory.mktemp("written") / "c"
    train(network(), Adam(), 2, checkpoint=file)
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": SGD(0.1)}, "optimiser 'Adam', and optimiser is 'SGD' now; go on as it began"),
        ({"batch_size": 4}, "batch_size 5, and batch_size is 4"),
        ({"seed": 4}, "seed 3, and seed is 4"),
        ({"x": X[:20], "y": LABELS[:20]}, "examples .*22, 1, 8, 8"),
        ({"net": Sequential(Flatten(), Linear(64, 3))}, "not of the network: only"),
        ({"validation": None}, "validation loss in all of its epochs, or in none"),
    ],
)
def test_another_training_is_refused(written, change, message):
    settings = {"net": network(), "x": X, "y": LABELS, "optimizer": Adam(), "batch_size": 5, "validation": OTHER}
    with pytest.raises(UserError, match=message):
        fit(**{**settings, "seed": 3, **change}, loss=CrossEntropyLoss(), checkpoint=written)


def test_a_network_of_other_shapes_is_refused_and_left_alone(written):
    net = network()
    net.layers["fc"] = Linear(64, 4, rng=0)
    before = {key: np.array(array) for key, array in state(net).items()}
    with pytest.raises(CheckpointError, match=r"fc.bias' is float32 of shape \(3,\) in the file, float32 of \(4,\)"):
        train(net, Adam(), 4, checkpoint=written)
    for key, array in before.items():
        np.testing.assert_array_equal(state(net)[key], array)


def test_a_history_and_a_file_are_two_pasts(written):
    history = train(network(), Adam(), 1)
    with pytest.raises(UserError, match="not from both"):
        train(network(), Adam(), 4, checkpoint=written, history=history)


def test_another_file_is_never_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("a thesis")
    with pytest.raises(CheckpointError, match=r"mine\.txt"):
        train(network(), Adam(), 1, checkpoint=tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "a thesis"
    with pytest.raises(CheckpointError, match="does not exist"):
        train(network(), Adam(), 1, checkpoint=tmp_path / "no" / "c")


def _set(*path_and_value):
    *path, value = path_and_value

    def change(facts, arrays):
        at = facts
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("setup", None),
        _set("history", None),
        _set("history", {"loss": []}),
        _set("history", "loss", "many"),
        _set("history", "loss", [1.0, "2"]),
        _set("history", "loss", [1.0, True]),
        _set("history", "loss", [1.0]),
        _set("history", "validation_loss", [1.0] * 9),
        _set("history", "stopped", "\x1b[2J"),
        _set("history", "unfinished", [1, 2.0, 3]),
        _set("history", "unfinished", [-1, 2.0, 3, 4]),
        _set("history", "unfinished", [1.5, 2.0, 3, 4]),
        _set("history", "unfinished", [50, 2.0, 3, 400]),
        _set("generators", {}),
        _set("generators", "drop/", None),
        _set("generators", "drop/", "bit_generator", "MT19937"),
        _set("generators", "drop/", "state", "state", -1),
        _set("generators", "drop/", "state", "inc", 1 << 200),
        _set("generators", "drop/", "uinteger", "x"),
        lambda facts, arrays: arrays.pop("net/bn1.running_var"),
        lambda facts, arrays: arrays.pop("optimizer/steps"),
        lambda facts, arrays: arrays.update({"optimizer/m/fc.weight": np.zeros(3, np.float32)}),
        lambda facts, arrays: arrays.update({"optimizer/m/other": np.zeros(3, np.float32)}),
        lambda facts, arrays: arrays.update({"best/fc.weight": np.zeros(3, np.float32)}),
        lambda facts, arrays: arrays.update({"elsewhere": np.zeros(3)}),
        lambda facts, arrays: arrays.update({"net/fc.weight": arrays["net/fc.weight"].astype(np.float64)}),
    ],
)
def test_a_file_that_lies_is_refused_in_one_line(written, tmp_path, change):
    """Each has a right digest: somebody has made it with care."""
    facts, arrays = checkpoints.read(written, "training")
    facts = json.loads(json.dumps(facts))
    change(facts, arrays)
    checkpoints.write(tmp_path / "c", "training", facts, arrays)
    with pytest.raises(UserError) as error:
        train(network(), Adam(), 4, checkpoint=tmp_path / "c")
    assert "\n" not in str(error.value) and str(error.value).isprintable()


def test_a_damaged_file_is_refused(written, tmp_path):
    data = bytearray(written.read_bytes())
    data[-20] ^= 1
    (tmp_path / "c").write_bytes(data)
    with pytest.raises(CheckpointError, match="has changed"):
        train(network(), Adam(), 4, checkpoint=tmp_path / "c")


def test_other_generators_go_on_too(tmp_path):
    """MT19937 has an array of 624 numbers for its state."""
    nets = []
    for parts in ([4], [2, 4]):
        for epochs in parts:
            drop = Dropout(0.5, np.random.Generator(np.random.MT19937(1)))
            net = Sequential(Flatten(), drop, Linear(64, 3, rng=0))
            train(net, SGD(0.1), epochs, checkpoint=tmp_path / str(len(parts)))
        nets.append(net)
    np.testing.assert_array_equal(nets[0].params["2.weight"], nets[1].params["2.weight"])
