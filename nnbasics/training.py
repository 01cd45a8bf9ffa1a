"""Training: mini-batches, epochs, and a look at examples that are not trained on."""

import copy
import math
from dataclasses import dataclass, field

import numpy as np

from nnbasics.errors import UserError
from nnbasics.layers.base import whole
from nnbasics.optimizers import Diverged


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
    """

    loss: list = field(default_factory=list)
    accuracy: list = field(default_factory=list)
    validation_loss: list = field(default_factory=list)
    validation_accuracy: list = field(default_factory=list)
    stopped: str = ""

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


def fit(
    net,
    x,
    y,
    *,
    loss,
    optimizer,
    epochs=10,
    batch_size=32,
    validation=None,
    patience=None,
    callbacks=(),
    history=None,
    seed=0,
    progress=None,
):
    """Train a network on examples, in mini-batches, epoch after epoch.

    ::

        for every mini-batch:  L = loss(net(x), y),  dL/dx backwards,  one step of the optimiser

    Parameters
    ----------
    net : Layer
        Ends in what `loss` takes: scores for `CrossEntropyLoss`.
    x : ndarray, (N, ...)
    y : ndarray, (N, ...)
        Targets; integers (N,) are labels, for which accuracies are measured.
    loss : Loss
    optimizer : SGD or Adam
    epochs : int
        How often every example is seen, in all: with a `history` of 3 epochs and epochs=10, 7 more are done.
    batch_size : int
    validation : pair of ndarray, optional
        Other examples (x, y), on which the network is measured in its state of use, but not trained.
    patience : int, optional
        Stop after so many epochs without a smaller validation loss. Training that is stopped early, by this or by a
        callback, then goes back to the parameters of the best epoch it did.
    callbacks : iterable of callable
        Each is called with the `History` after every epoch; one that returns True ends the training.
    history : History, optional
        Go on from it. The order of the examples depends only on `seed` and the number of the epoch, so training that
        was interrupted comes out as if it had not been, given the same network and optimiser.
    seed : int
    progress : bool, optional
        Whether a bar is shown; if not said, on a terminal when it takes more than two seconds.

    Returns
    -------
    History

    Raises
    ------
    Diverged
        If the loss is no longer finite.

    Examples
    --------
    >>> x, labels = digits.load()
    >>> net = Sequential(Flatten(), MLP((64, 32, 10), ReLU, output=Identity, rng=0))
    >>> history = fit(net, x[:1500], labels[:1500], loss=CrossEntropyLoss(), optimizer=Adam(),
    ...               validation=(x[1500:], labels[1500:]))
    >>> history.plot()
    """
    x, y = _examples(x, y, "the examples")
    epochs, batch_size = whole(epochs, "epochs", least=0), whole(batch_size, "batch_size")
    if validation is not None:
        validation = _examples(*validation, "the validation examples")
    if patience is not None:
        patience = whole(patience, "patience")
        if validation is None:
            raise UserError("fit: patience watches the validation loss; give validation=(x, y) as well")
    history = History() if history is None else history
    was_training, best = net.training, None
    try:
        with _bar(epochs - len(history), -(-len(x) // batch_size), progress) as bar:
            for epoch in range(len(history), epochs):
                net.train()
                _one_epoch(net, x, y, loss, optimizer, batch_size, np.random.default_rng([seed, epoch]), history, bar)
                if validation is not None:
                    _validate(net.eval(), *validation, loss, batch_size, history)
                bar.set_postfix_str(str(history).partition(": ")[2], refresh=False)
                if patience is not None and history.best == epoch:
                    best = copy.deepcopy(dict(net.params))
                history.stopped = _why_stop(history, patience, callbacks)
                if history.stopped:
                    break
    finally:
        net.train(was_training)
    if best is not None and history.stopped:
        for key, parameter in best.items():
            net.params[key][...] = parameter
    return history


def _why_stop(history, patience, callbacks):
    """Why training should end after this epoch, or nothing."""
    said = [callback(history) for callback in callbacks]
    if any(answer is True for answer in said):
        return "a callback said so"
    if patience is not None and len(history) - 1 - history.best >= patience:
        return f"no smaller validation loss for {patience} epochs than that of epoch {history.best + 1}"
    return ""


def evaluate(net, x, y, *, loss, batch_size=256):
    """The loss of a network in use, and its accuracy (None if targets are no labels), on examples (x, y)."""
    x, y = _examples(x, y, "the examples")
    was_training, history = net.training, History()
    _validate(net.eval(), x, y, loss, whole(batch_size, "batch_size"), history)
    net.train(was_training)
    return history.validation_loss[0], (history.validation_accuracy or [None])[0]


def _one_epoch(net, x, y, loss, optimizer, batch_size, rng, history, bar):
    """Every example once, in random order, and a step after each mini-batch."""
    means = _Means(y)
    order = rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        batch = order[start : start + batch_size]
        prediction = net.forward(x[batch])
        value = loss.forward(prediction, y[batch])
        if not math.isfinite(value):
            raise Diverged(
                f"epoch {len(history) + 1}: the loss of a mini-batch is {value}; a smaller learning rate than "
                f"{getattr(optimizer, 'lr', 'this')} may help"
            )
        net.backward(loss.backward())
        optimizer.step(net.params, net.grads)
        means.add(value, prediction, y[batch])
        bar.update()
    means.note(history.loss, history.accuracy)


def _validate(net, x, y, loss, batch_size, history):
    means = _Means(y)
    for start in range(0, len(x), batch_size):
        batch = slice(start, start + batch_size)
        prediction = net.forward(x[batch])
        means.add(loss.forward(prediction, y[batch]), prediction, y[batch])
    means.note(history.validation_loss, history.validation_accuracy)


class _Means:
    """Loss and accuracy over mini-batches, each with the weight of its size."""

    def __init__(self, y):
        self.labelled = y.ndim == 1 and np.issubdtype(y.dtype, np.integer)
        self.loss = self.right = self.count = 0

    def add(self, value, prediction, y):
        self.loss += value * len(y)
        self.count += len(y)
        if self.labelled:
            self.right += np.count_nonzero(prediction.argmax(axis=1) == y)

    def note(self, losses, accuracies):
        losses.append(float(self.loss / self.count))
        if self.labelled:
            accuracies.append(float(self.right / self.count))


def _examples(x, y, what):
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or len(x) == 0:
        raise UserError(
            f"fit: {what} have inputs of shape {x.shape} and targets of {y.shape}; as many of both were expected"
        )
    return x, y


def _bar(epochs, batches, progress):
    """tqdm's bar over all mini-batches to come."""
    from tqdm import tqdm

    disable = None if progress is None else not progress
    return tqdm(total=max(epochs, 0) * batches, delay=2, disable=disable, unit="batch", leave=False)
