"""What all trainings share: examples held out, a file to go on from, and one look at the test set at the end.

Whatever there was to choose (how many epochs, which rate) was chosen by the examples held out, never by the test set.
"""

import json
import platform
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import nnbasics
from nnbasics import CrossEntropyLoss, weights
from nnbasics.errors import UserError
from nnbasics.models.state import state
from nnbasics.training import evaluate, fit

MADE = Path(__file__).with_name("made")


@dataclass(frozen=True)
class Experiment:
    """A training.

    Attributes
    ----------
    name : str
        Of its weights and its results: "lenet5-mnist".
    command : str
        What runs it: "python -m experiments.mnist lenet5".
    architecture : str
        The function in `nnbasics.models` that makes the network.
    net : callable
        Seed -> network.
    load : callable
        "train" or "test" -> pictures and labels.
    optimizer : callable
        Makes the optimiser.
    epochs, batch_size : int
    how : str
        What was done beside that, in words: rates, augmentation.
    credits : tuple of str
        Whose network it is, and whose pictures.
    preprocessing : str
        What `load` gives, in words.
    schedule, augment : callable, optional
        As `fit` takes them.
    held_out : int
        How many of the training examples are not trained on.
    seed : int
        Of the first weights, of which examples are held out, and of everything that is random in training.
    """

    name: str
    command: str
    architecture: str
    net: Callable
    load: Callable
    optimizer: Callable
    epochs: int
    batch_size: int
    how: str
    credits: tuple
    preprocessing: str = "ink from 0 to 1"
    schedule: Callable | None = None
    augment: Callable | None = None
    held_out: int = 5000
    seed: int = 0

    def run(self, folder, epochs=None):
        """Train, measure once, and leave curve, numbers and weights in a folder.

        Parameters
        ----------
        folder : Path
        epochs : int, optional
            Stop after so many, to look at it: nothing is measured on the test set then.
        """
        net = self.net(self.seed)
        x, labels = self.load("train")
        order = np.random.default_rng(self.seed).permutation(len(x))
        kept, held = order[self.held_out :], order[: self.held_out]
        folder.mkdir(parents=True, exist_ok=True)
        running = folder / f"{self.name}.running"
        history = fit(
            net,
            x[kept],
            labels[kept],
            loss=CrossEntropyLoss(),
            optimizer=self.optimizer(),
            epochs=epochs or self.epochs,
            batch_size=self.batch_size,
            validation=(x[held], labels[held]),
            schedule=self.schedule,
            augment=self.augment,
            callbacks=[lambda history: print(history, flush=True)],
            checkpoint=running,
            seed=self.seed,
        )
        if len(history) < self.epochs:
            print(f"{len(history)} of {self.epochs} epochs are done; the same command goes on from {running}")
            return
        self._leave(net, history, folder)
        running.unlink()

    @property
    def metadata(self):
        """What the header of the weights says, as the registry has it."""
        return {
            "name": self.name,
            "architecture": self.architecture,
            "preprocessing": self.preprocessing,
            "dtype": "float32",
            "source": f"{self.command}, seed {self.seed}",
            "licence": "MIT",
            "credits": "\n".join(self.credits),
        }

    def _leave(self, net, history, folder):
        loss, accuracy = evaluate(net, *self.load("test"), loss=CrossEntropyLoss())
        report = {
            "name": self.name,
            "command": self.command,
            "parameters": net.num_parameters(),
            "seed": self.seed,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "optimizer": type(self.optimizer()).__name__,
            "how": self.how,
            "held_out": self.held_out,
            "validation_accuracy": history.validation_accuracy[-1],
            "test_accuracy": accuracy,
            "test_loss": loss,
            "versions": {
                "nnbasics": nnbasics.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
            "history": history.to_dict(),
        }
        (folder / f"{self.name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        history.plot().savefig(folder / f"{self.name}.png", dpi=100)
        path = folder / f"{self.name}.safetensors"
        digest = weights.save(path, state(net), self.metadata)
        print(f"{self.name}: {accuracy:.2%} of the test set, {history.validation_accuracy[-1]:.2%} of those held out")
        print(f"{path}: {path.stat().st_size} bytes, sha256 {digest}")


def main(experiments):
    """The command line of a file of experiments, given by the words that choose them."""
    parser = ArgumentParser(description="Train a network; Ctrl-C interrupts, and the same command goes on.")
    parser.add_argument("experiment", choices=experiments)
    parser.add_argument("-o", "--output", type=Path, default=MADE, help="folder for all of it (default: %(default)s)")
    parser.add_argument("--epochs", type=int, help="stop after so many; later the same command without it goes on")
    arguments = parser.parse_args()
    try:
        experiments[arguments.experiment].run(arguments.output, arguments.epochs)
    except UserError as error:
        parser.exit(2, f"{error}\n")
