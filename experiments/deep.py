"""Deep nets on Fashion-MNIST: plain and residual, stochastic depth on and off, FractalNet with and without drop-path.

Run: python -m experiments.deep (all, some minutes of CPU) or python -m experiments.deep plain44 resnet44
The curves that the lecture shows are kept in results/deep.json.

Small on purpose: 4000 pictures of 14x14 to learn from, 2000 to be tested on, and few channels. All nets of a comparison
see the same mini-batches in the same order. The training loss is measured in use, on the examples trained on, so that
what is random in training does not count in it.
"""

import json
import time
from argparse import ArgumentParser
from pathlib import Path

import numpy as np

from nnbasics import SGD, AvgPool2d, CrossEntropyLoss
from nnbasics.data import fashion_mnist
from nnbasics.models import fractalnet, resnet
from nnbasics.models.fractalnet import column
from nnbasics.training import evaluate, fit

MADE = Path(__file__).with_name("made") / "deep.json"
TRAINED, TESTED, EPOCHS, BATCH, RATE = 4000, 2000, 10, 64, 0.05


def residual(depth, **settings):
    return lambda seed: resnet(depth, in_channels=1, width=8, rng=seed, **settings)


def fractal(**settings):
    return lambda seed: fractalnet(3, 3, widths=(8, 16, 32), in_channels=1, size=14, rng=seed, **settings)


NETS = {
    "plain8": residual(8, shortcut="none"),
    "plain44": residual(44, shortcut="none"),
    "resnet8": residual(8),
    "resnet44": residual(44),
    "stochastic44": residual(44, survival=0.5),
    "fractal": fractal(drop_path=0),
    "droppath": fractal(drop_path=0.15),
}


def pictures(part, count):
    """Fashion-MNIST at half the size: the mean of every 2x2 pixels, about 0."""
    x, labels = fashion_mnist.load(part)
    return AvgPool2d(2).forward(x[:count]) - np.float32(0.286), labels[:count]


def train(name, seed, epochs=EPOCHS):
    """Train one net; its curves, and for FractalNet what its deepest column is worth alone."""
    net, (x, labels), test = NETS[name](seed), pictures("train", TRAINED), pictures("test", TESTED)
    curves = {"training_loss": [], "test_accuracy": [], "batch_loss": []}

    def measure(history):
        curves["training_loss"].append(evaluate(net, x, labels, loss=CrossEntropyLoss())[0])
        curves["test_accuracy"].append(evaluate(net, *test, loss=CrossEntropyLoss())[1])
        curves["batch_loss"].append(history.loss[-1])
        print(f"{name}, seed {seed}: {history}, {curves['test_accuracy'][-1]:.2%} of the test set", flush=True)

    began = time.process_time()
    fit(
        net,
        x,
        labels,
        loss=CrossEntropyLoss(),
        optimizer=SGD(RATE, momentum=0.9),
        epochs=epochs,
        batch_size=BATCH,
        callbacks=[measure],
        seed=seed,
        progress=False,
    )
    curves |= {"parameters": net.num_parameters(), "cpu_seconds": round(time.process_time() - began)}
    if name in ("fractal", "droppath"):
        curves["columns"] = [evaluate(column(net, c), *test, loss=CrossEntropyLoss())[1] for c in (1, 2, 3)]
    return curves


def main():
    parser = ArgumentParser(description="Train deep nets on Fashion-MNIST and keep their curves.")
    parser.add_argument("nets", nargs="*", metavar="NET", help=f"some of {', '.join(NETS)} (default: all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of weights, order and what is dropped")
    parser.add_argument("-o", "--output", type=Path, default=MADE, help="file of the curves (default: %(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.nets) - set(NETS):
        parser.error(f"no net is called {min(unknown)}; choose from {', '.join(NETS)}")
    found = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    for seed in arguments.seeds:
        for name in arguments.nets or NETS:
            found.setdefault(name, {})[str(seed)] = train(name, seed)
            arguments.output.parent.mkdir(parents=True, exist_ok=True)
            arguments.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
