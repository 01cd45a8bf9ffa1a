"""The history of a training: what it says, what it draws, and what is taken for one."""

import json

import pytest

from nnbasics.history import History

HISTORY = History([2.0, 1.0, 0.5], [0.1, 0.6, 0.7], [1.9, 1.2, 1.3], [0.2, 0.5, 0.4], unfinished=[3, 1.5, 20, 24])


def test_it_tells_of_its_last_and_its_best_epoch():
    assert str(HISTORY) == ("epoch 3: loss 0.5, accuracy 70.00%, validation loss 1.3, validation accuracy 40.00%")
    assert HISTORY.best == 1 and History(loss=[3.0, 1.0, 2.0]).best == 1
    assert str(History()) == "no epoch yet" and len(History()) == 0


def test_it_plots_itself():
    figure = HISTORY.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    drawn = [line.get_ydata().tolist() for axes in figure.axes for line in axes.lines]
    assert drawn == [HISTORY.loss, HISTORY.validation_loss, HISTORY.accuracy, HISTORY.validation_accuracy]
    assert [len(axes.lines) for axes in History(loss=[2.0, 1.0]).plot().axes] == [1]


def test_json_and_back():
    assert History.from_dict(json.loads(json.dumps(HISTORY.to_dict()))) == HISTORY
    assert History.from_dict(History().to_dict()) == History()


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"loss": None},
        {"loss": [1.0, 2.0, float("nan")]},
        {"accuracy": [0.5]},
        {"stopped": 3},
        {"unfinished": "yes"},
        {"unfinished": [0, 0.0, 0, 0]},
        {"unfinished": [3, 1.5, 25, 24]},
    ],
)
def test_what_is_no_history(change):
    with pytest.raises(ValueError, match="it"):
        History.from_dict(HISTORY.to_dict() | change)
