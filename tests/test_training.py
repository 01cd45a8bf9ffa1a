"""Training: it is the loop one would write by hand, it learns, stops, goes on, and says what is wrong."""

import numpy as np
import pytest

from nnbasics import SGD, Adam, CrossEntropyLoss, Dropout, Flatten, Identity, Linear, ReLU, Sequential, SquaredErrorLoss
from nnbasics.data import digits
from nnbasics.errors import UserError
from nnbasics.models import MLP
from nnbasics.optimizers import Diverged
from nnbasics.training import evaluate, fit


@pytest.fixture
def few(rng):
    """Forty points in two classes."""
    x = rng.standard_normal((40, 2))
    return x, (x.sum(axis=1) > 0).astype(int)


def classifier(seed=0):
    return MLP((2, 8, 2), ReLU, output=Identity, rng=seed)


def test_the_digits_are_learned():
    x, labels = digits.load()
    net = Sequential(Flatten(), MLP((64, 32, 10), ReLU, output=Identity, rng=0))
    history = fit(
        net,
        x[:1400],
        labels[:1400],
        loss=CrossEntropyLoss(),
        optimizer=Adam(lr=3e-3),
        epochs=20,
        validation=(x[1400:], labels[1400:]),
    )
    assert len(history) == 20 and history.accuracy[-1] > 0.98
    assert history.validation_accuracy[-1] > 0.9  # thirteen people wrote them, and the last ones differ
    assert history.loss[-1] < history.loss[0] / 5
    value, accuracy = evaluate(net, x[1400:], labels[1400:], loss=CrossEntropyLoss(), batch_size=32)
    assert (value, accuracy) == (history.validation_loss[-1], history.validation_accuracy[-1])


def test_one_full_batch_is_one_step_by_hand(few):
    x, y = few
    net, twin, loss = classifier(), classifier(), CrossEntropyLoss()
    history = fit(net, x, y, loss=loss, optimizer=SGD(0.1), epochs=1, batch_size=100)
    assert history.loss == [pytest.approx(loss.forward(twin.forward(x), y), rel=1e-6)]
    twin.backward(loss.backward())
    for key, parameter in twin.params.items():
        np.testing.assert_allclose(net.params[key], parameter - 0.1 * twin.grads[key], rtol=1e-5, atol=1e-7)


def test_every_example_once_an_epoch_in_another_order():
    class Watcher(Identity):
        def forward(self, x):
            seen.append(x.ravel().tolist())
            return super().forward(x)

    seen = []
    net = Sequential(Watcher(), Linear(1, 1, rng=0))
    x = np.arange(10.0)[:, None]
    fit(net, x, x, loss=SquaredErrorLoss(), optimizer=SGD(1e-6), epochs=2, batch_size=4)
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(seen[:3]).tolist(), np.concatenate(seen[3:]).tolist()
    assert sorted(first) == sorted(second) == x.ravel().tolist()
    assert first != second != x.ravel().tolist()


def test_interrupted_and_gone_on_with_is_not_interrupted(few):
    results = []
    for parts in ([6], [2, 6], [1, 4, 6]):
        net, optimizer, history = classifier(), Adam(lr=0.01), None
        for epochs in parts:
            history = fit(
                net, *few, loss=CrossEntropyLoss(), optimizer=optimizer, epochs=epochs, batch_size=8, history=history
            )
        results.append((history.loss, net.params["fc1.weight"].copy()))
    for losses, weight in results[1:]:
        assert losses == results[0][0]
        np.testing.assert_array_equal(weight, results[0][1])


def test_patience_stops_and_goes_back(few, rng):
    x, y = few
    other = rng.standard_normal((30, 2)), rng.integers(0, 2, 30)  # labels by chance: they can only get worse
    net, best = classifier(), []

    def remember(history):
        if history.best == len(history) - 1:
            best[:] = [net.params["fc1.weight"].copy()]

    history = fit(
        net,
        x,
        y,
        loss=CrossEntropyLoss(),
        optimizer=Adam(0.05),
        epochs=200,
        validation=other,
        patience=3,
        callbacks=[remember],
    )
    assert len(history) == history.best + 1 + 3 < 200
    assert "no smaller validation loss for 3 epochs" in history.stopped
    np.testing.assert_array_equal(net.params["fc1.weight"], best[0])
    value, _ = evaluate(net, *other, loss=CrossEntropyLoss(), batch_size=32)
    assert value == pytest.approx(min(history.validation_loss))


def test_a_callback_sees_every_epoch_and_can_stop(few):
    lines = []

    def callback(history):
        lines.append(str(history))
        return len(history) == 3

    history = fit(classifier(), *few, loss=CrossEntropyLoss(), optimizer=SGD(0.1), epochs=9, callbacks=[callback])
    assert len(lines) == len(history) == 3 and history.stopped
    assert lines[0].startswith("epoch 1: loss ") and "accuracy" in lines[0]


def test_modes(few):
    """Training trains, validation uses, and afterwards all is as before."""

    class Watcher(Dropout):
        def forward(self, x):
            seen.append(self.training)
            return super().forward(x)

    seen = []
    net = Sequential(Linear(2, 2, rng=0), Watcher(0.5)).eval()
    fit(net, *few, loss=CrossEntropyLoss(), optimizer=SGD(0.1), epochs=1, batch_size=40, validation=few)
    assert seen == [True, False]
    assert not net.training


def test_regression_has_no_accuracy(rng):
    x = rng.standard_normal((50, 1))
    net = Linear(1, 1, rng=0)
    history = fit(net, x, 3 * x - 1, loss=SquaredErrorLoss(), optimizer=SGD(0.01), epochs=40, batch_size=10)
    assert not history.accuracy
    np.testing.assert_allclose([net.params["weight"].item(), net.params["bias"].item()], [3, -1], atol=1e-3)
    assert evaluate(net, x, 3 * x - 1, loss=SquaredErrorLoss())[1] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": np.zeros(3, int)}, r"inputs of shape \(40, 2\) and targets of \(3,\)"),
        ({"validation": (np.zeros((2, 2)), np.zeros(3))}, "the validation examples"),
        ({"patience": 2}, r"give validation=\(x, y\)"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"epochs": -1}, "epochs=-1"),
    ],
)
def test_refused(few, options, message):
    x, y = few
    options = {"x": x, "y": y, "loss": CrossEntropyLoss(), "optimizer": SGD(0.1)} | options
    with pytest.raises(UserError, match=message):
        fit(classifier(), **options)


def test_a_loss_that_is_no_number_stops_with_advice(rng):
    x = rng.standard_normal((8, 1))
    with pytest.raises(Diverged, match="smaller learning rate than 1e\\+30"), np.errstate(all="ignore"):
        fit(Linear(1, 1, rng=0), x, x + 1, loss=SquaredErrorLoss(), optimizer=SGD(1e30), epochs=50)


def test_frozen_layers_stay_as_they_are(few):
    net = Sequential({"first": Linear(2, 8, rng=0).freeze(), "relu": ReLU(), "last": Linear(8, 2, rng=0)})
    before = {key: array.copy() for key, array in net.params.items()}
    history = fit(net, *few, loss=CrossEntropyLoss(), optimizer=Adam(0.05), epochs=5)
    assert history.loss[-1] < history.loss[0]
    np.testing.assert_array_equal(net.params["first.weight"], before["first.weight"])
    assert not np.allclose(net.params["last.weight"], before["last.weight"])
