"""Training: mini-batches, epochs, a look at examples that are not trained on, and a file to go on from."""

import math
import os
import time
import warnings
from contextlib import contextmanager

import numpy as np

from nnbasics.errors import UserError
from nnbasics.history import History
from nnbasics.interrupt import gently
from nnbasics.layers.base import whole
from nnbasics.optimizers import Diverged

SAVE_EVERY = 300.0  # seconds within an epoch: so much work at most is lost when the machine dies


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
    augment=None,
    schedule=None,
    callbacks=(),
    history=None,
    checkpoint=None,
    seed=0,
    progress=None,
):
    """Train a network on examples, in mini-batches, epoch after epoch.

    ::

        for every mini-batch:  L = loss(net(x), y),  dL/dx backwards,  one step of the optimiser

    Ctrl-C ends it after the mini-batch under way, with a warning: what was learned is in the network, and the same call
    with the `history` that came back, or with the `checkpoint`, goes on in the middle of the epoch.

    Parameters
    ----------
    net : Layer
        Ends in what `loss` takes: scores for `CrossEntropyLoss`. Layers that are frozen stay as they are.
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
        callback, then goes back to what the network was at the best epoch it did.
    augment : callable, optional
        Makes other examples of a mini-batch, x, rng -> x; see `nnbasics.data.augment`.
    schedule : callable, optional
        Epochs done so far -> learning rate; see `nnbasics.schedules`.
    callbacks : iterable of callable
        Each is called with the `History` after every epoch; one that returns True ends the training.
    history : History, optional
        Go on from it. All that is random depends only on `seed` and on the number of the epoch and the mini-batch, so
        training that was interrupted comes out as if it had not been, given the same network and optimiser.
    checkpoint : str or path, optional
        A file that is written after every epoch and when training is interrupted. If it is there already, training goes
        on from it: the same call again finishes what was begun, bit for bit.
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
    CheckpointError
        If the file cannot be written, is damaged, or is of another training.

    Examples
    --------
    >>> x, labels = digits.load()
    >>> net = Sequential(Flatten(), MLP((64, 32, 10), ReLU, output=Identity, rng=0))
    >>> history = fit(net, x[:1500], labels[:1500], loss=CrossEntropyLoss(), optimizer=Adam(),
    ...               validation=(x[1500:], labels[1500:]), checkpoint="digits.safetensors")
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
    training = _Training(net, x, y, loss, optimizer, batch_size, augment, schedule, seed, checkpoint)
    training.begin(history)
    history = training.history
    if len(history) and bool(history.validation_loss) != (validation is not None):
        raise UserError("fit: the history that is gone on with has a validation loss in all of its epochs, or in none")
    with _as_it_was(net), gently() as pressed, training.bar(epochs, progress) as bar:
        history.stopped = _why_patience_ends(history, patience)
        while len(history) < epochs and not history.stopped and not pressed():
            net.train()
            if not training.epoch(bar, pressed):
                break
            if validation is not None:
                measured = _measured(net.eval(), *validation, loss, batch_size)
                measured.note(history.validation_loss, history.validation_accuracy)
            bar.set_postfix_str(str(history).partition(": ")[2], refresh=False)
            if patience is not None and history.best == len(history) - 1:
                training.remember()
            history.stopped = _why_stop(history, patience, callbacks)
            training.save()
    if history.stopped:
        training.go_back()
    elif len(history) < epochs:
        history.stopped = f"interrupted {training.place()}"
        again = "history=..." if checkpoint is None else f"checkpoint={os.fspath(checkpoint)!r}"
        warnings.warn(f"fit: {history.stopped}; go on by the same call with {again}", stacklevel=2)
    return history


def _why_stop(history, patience, callbacks):
    """Why training should end after this epoch, or nothing."""
    said = [callback(history) for callback in callbacks]
    return "a callback said so" if any(answer is True for answer in said) else _why_patience_ends(history, patience)


def _why_patience_ends(history, patience):
    if patience is not None and len(history) and len(history) - 1 - history.best >= patience:
        return f"no smaller validation loss for {patience} epochs than that of epoch {history.best + 1}"
    return ""


class _Training:
    """One call of `fit`: what is trained, on what, and how far it has come."""

    def __init__(self, net, x, y, loss, optimizer, batch_size, augment, schedule, seed, checkpoint):
        self.net, self.x, self.y, self.loss, self.optimizer = net, x, y, loss, optimizer
        self.batch_size, self.augment, self.schedule, self.seed = batch_size, augment, schedule, seed
        self.checkpoint = checkpoint
        self.history, self.best = History(), None
        self.batches = -(-len(x) // batch_size)

    @property
    def setup(self):
        """What must be the same for training to go on bit for bit."""
        examples = [list(self.x.shape), str(self.x.dtype), list(self.y.shape), str(self.y.dtype)]
        return {
            "optimiser": type(self.optimizer).__name__,
            "examples": examples,
            "batch_size": self.batch_size,
            "seed": self.seed,
        }

    def begin(self, history):
        """Start anew, or go on from a history or a file."""
        if history is not None:
            self.history = history
        if self.checkpoint is None:
            pass
        elif not os.path.lexists(self.checkpoint):
            from nnbasics import checkpoints

            checkpoints.check_writable(self.checkpoint)
        elif history is not None and (len(history) or history.unfinished):
            raise UserError(f"fit: {self.checkpoint} is there already; go on from it or from history, not from both")
        else:
            from nnbasics import resuming

            self.history, self.best = resuming.restore(self.checkpoint, self.net, self.optimizer, self.setup)
        if self.history.unfinished and self.history.unfinished[0] >= self.batches:
            raise UserError(
                f"fit: {self.history.unfinished[0]} mini-batches of the unfinished epoch are done, and an epoch has "
                f"{self.batches} now; go on with the same examples and batch_size"
            )

    def epoch(self, bar, pressed):
        """Every example once, in random order, a step after each mini-batch; False if Ctrl-C came before the end."""
        number, history = len(self.history), self.history
        order = np.random.default_rng([self.seed, number]).permutation(len(self.x))
        done, *sums = history.unfinished or [0]
        means, trainable, saved = _Means(self.y, *sums), _trainable(self.net), time.monotonic()
        for batch in range(done, self.batches):
            which = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            x, y = self.x[which], self.y[which]
            if self.augment is not None:
                x = self.augment(x, np.random.default_rng([self.seed, number, batch + 1]))
            if self.schedule is not None:
                self.optimizer.lr = self.schedule(number + batch / self.batches)
            means.add(*self.step(x, y, trainable), y)
            bar.update()
            history.unfinished = [batch + 1, *means.sums()]
            if batch + 1 < self.batches and (pressed() or time.monotonic() - saved > SAVE_EVERY):
                self.save()
                saved = time.monotonic()
                if pressed():
                    return False
        history.unfinished = None
        means.note(history.loss, history.accuracy)
        return True

    def step(self, x, y, trainable):
        """One step downhill; the loss and the prediction before it."""
        prediction = self.net.forward(x)
        value = self.loss.forward(prediction, y)
        if not math.isfinite(value):
            raise Diverged(
                f"epoch {len(self.history) + 1}: the loss of a mini-batch is {value}; a smaller learning rate than "
                f"{getattr(self.optimizer, 'lr', 'this')} may help"
            )
        self.net.backward(self.loss.backward())
        params = self.net.params
        self.optimizer.step({key: params[key] for key in trainable}, self.net.grads)
        return value, prediction

    def remember(self):
        """Keep what the network is now, as its best."""
        from nnbasics.models.state import state

        self.best = {key: np.array(array) for key, array in state(self.net).items()}

    def go_back(self):
        """Make the network what it was at its best, if that was remembered."""
        from nnbasics.models.state import fill

        if self.best is not None:
            fill(self.net, self.best)

    def save(self):
        """Write the file to go on from, if there is to be one."""
        if self.checkpoint is not None:
            from nnbasics import resuming

            resuming.save(self.checkpoint, self.net, self.optimizer, self.history, self.best, self.setup)

    def place(self):
        """How far training has come, in words."""
        if self.history.unfinished is None:
            return f"after epoch {len(self.history)}"
        return f"in epoch {len(self.history) + 1}, after {self.history.unfinished[0]} of {self.batches} mini-batches"

    def bar(self, epochs, progress):
        """tqdm's bar over all mini-batches to come."""
        from tqdm import tqdm

        total = max(epochs - len(self.history), 0) * self.batches - (self.history.unfinished or [0])[0]
        disable = None if progress is None else not progress
        return tqdm(total=max(total, 0), delay=2, disable=disable, unit="batch", leave=False)


@contextmanager
def _as_it_was(net):
    """The network in training or in use, afterwards, as it was before."""
    was_training = net.training
    try:
        yield
    finally:
        net.train(was_training)


def _trainable(net):
    """The keys of the parameters of layers that are not frozen."""
    from nnbasics.models.state import walk

    leaves = [(name, layer) for name, layer in walk(net) if not hasattr(layer, "layers") and not layer.frozen]
    return [f"{name}.{key}" if name else key for name, layer in leaves for key in layer.params]


def evaluate(net, x, y, *, loss, batch_size=256):
    """The loss of a network in use, and its accuracy (None if targets are no labels), on examples (x, y)."""
    x, y = _examples(x, y, "the examples")
    losses, accuracies = [], [None]
    with _as_it_was(net):
        _measured(net.eval(), x, y, loss, whole(batch_size, "batch_size")).note(losses, accuracies)
    return losses[0], accuracies[-1]


def _measured(net, x, y, loss, batch_size):
    means = _Means(y)
    for start in range(0, len(x), batch_size):
        batch = slice(start, start + batch_size)
        prediction = net.forward(x[batch])
        means.add(loss.forward(prediction, y[batch]), prediction, y[batch])
    return means


class _Means:
    """Loss and accuracy over mini-batches, each with the weight of its size."""

    def __init__(self, y, loss=0.0, right=0, count=0):
        self.labelled = y.ndim == 1 and np.issubdtype(y.dtype, np.integer)
        self.loss, self.right, self.count = loss, right, count

    def add(self, value, prediction, y):
        self.loss += value * len(y)
        self.count += len(y)
        if self.labelled:
            self.right += int(np.count_nonzero(prediction.argmax(axis=1) == y))

    def sums(self):
        return [self.loss, self.right, self.count]

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
