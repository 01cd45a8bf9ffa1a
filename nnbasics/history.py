"""What training measured on its way, epoch by epoch: told in a line, drawn, and kept in files."""

import math
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass
class History:
    """What `fit` measured, one number for each epoch.

    Attributes
    ----------
    loss, accuracy : list of float
        On the training examples, measured on the way, while the network still changes. A loss is the mean over the
        mini-batches; accuracies are there only if targets are labels.
    validation_loss, validation_accuracy : list of float
        On the validation examples, after the epoch.
    best : int
        The epoch (from 0) with the smallest validation loss, or, without validation, the smallest loss.
    stopped : str
        Why training ended before its last epoch; usually empty.
    unfinished : list or None
        Of an epoch that was interrupted: how many mini-batches are done, and over their examples the sum of the losses,
        how many were right, and how many they are.
    """

    loss: list = field(default_factory=list)
    accuracy: list = field(default_factory=list)
    validation_loss: list = field(default_factory=list)
    validation_accuracy: list = field(default_factory=list)
    stopped: str = ""
    unfinished: list | None = None

    def __len__(self):
        return len(self.loss)

    @property
    def best(self):
        return int(np.argmin(self.validation_loss or self.loss))

    def __str__(self):
        """The last epoch in a line."""
        if not self.loss:
            return "no epoch yet"
        words = [f"epoch {len(self)}: loss {self.loss[-1]:.4g}"]
        words += [f"accuracy {self.accuracy[-1]:.2%}"] if self.accuracy else []
        words += [f"validation loss {self.validation_loss[-1]:.4g}"] if self.validation_loss else []
        words += [f"validation accuracy {self.validation_accuracy[-1]:.2%}"] if self.validation_accuracy else []
        return ", ".join(words)

    def plot(self):
        """The losses, and the accuracies if there are any, over the epochs: a matplotlib Figure."""
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        panels = {"loss": (self.loss, self.validation_loss)}
        if self.accuracy:
            panels["accuracy"] = (self.accuracy, self.validation_accuracy)
        figure = Figure(figsize=(5 * len(panels), 3.5), layout="constrained")
        for axes, (name, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
            for label, curve in zip(("training", "validation"), curves, strict=True):
                if curve:
                    axes.plot(range(1, len(curve) + 1), curve, marker=".", label=label)
            axes.set(xlabel="epoch", ylabel=name)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.3)
            axes.legend()
        return figure

    def to_dict(self):
        """What JSON can hold of it: everything."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found):
        """The history that `to_dict` told of.

        Raises
        ------
        ValueError
            If what was found is not one; it may come from a file that anybody wrote.
        """
        if not isinstance(found, dict) or set(found) != set(cls().to_dict()):
            raise ValueError("it has not the entries of a history")
        history = cls(**found)
        curves = (history.loss, history.accuracy, history.validation_loss, history.validation_accuracy)
        if not all(isinstance(curve, list) and all(map(_is_number, curve)) for curve in curves):
            raise ValueError("its curves are not lists of finite numbers")
        if not all(len(curve) in (0, len(history)) for curve in curves):
            raise ValueError("its curves are not of the same length")
        if not isinstance(history.stopped, str) or not history.stopped.isprintable():
            raise ValueError("it does not say in words why training stopped")
        if history.unfinished is not None:
            _check_unfinished(history.unfinished)
        return history


def _is_number(value):
    return type(value) in (int, float) and math.isfinite(value)


def _check_unfinished(unfinished):
    if not isinstance(unfinished, list) or len(unfinished) != 4 or not all(map(_is_number, unfinished)):
        raise ValueError("its unfinished epoch is not four numbers")
    batches, _, right, count = unfinished
    if not all(type(number) is int for number in (batches, right, count)) or not 0 < batches <= count >= right >= 0:
        raise ValueError("its unfinished epoch does not fit together")
