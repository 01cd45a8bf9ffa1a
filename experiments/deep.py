"""Deep nets on Fashion-MNIST: plain and residual, stochastic depth on and off, FractalNet with and without drop-path.

Run: python -m experiments.deep (all, a quarter of an hour) or python -m experiments.deep depth --nets plain44 --seeds 0
It may be stopped: what is done is kept, and the same command goes on with the rest. The curves that the lecture shows
are kept in results/deep.json.

Small on purpose: pictures of 14x14, 2000 of them to be tested on, and few channels. All nets of a comparison and a
seed see the same mini-batches in the same order. The training loss is measured in use, on 1000 of the examples trained
on, so that what is random in training does not count in it. Rates and epochs were chosen with another seed and by
training pictures that are not used here, never by the test set; the rate of the first comparison is the one that suits
the plain net.
"""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nnbasics import SGD, AvgPool2d, CrossEntropyLoss
from nnbasics.data import fashion_mnist
from nnbasics.models import fractalnet, resnet
from nnbasics.models.fractalnet import column
from nnbasics.schedules import cosine
from nnbasics.training import evaluate, fit

MADE = Path(__file__).with_name("made") / "deep.json"
TESTED, BATCH, SEEDS, LOOKS = 2000, 64, (0, 1, 2), 20


class Comparison(NamedTuple):
    nets: tuple
    trained: int  # pictures
    epochs: int
    rate: float


COMPARISONS = {
    "depth": Comparison(("plain8", "plain44", "resnet8", "resnet44"), trained=4000, epochs=20, rate=0.03),
    "chance": Comparison(("resnet44", "stochastic44", "fractal", "droppath"), trained=1000, epochs=120, rate=0.1),
}


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


def train(name, seed, trained, epochs, rate):
    """Train one net; its curves, and for FractalNet what its columns are worth alone."""
    net, (x, labels), test = NETS[name](seed), pictures("train", trained), pictures("test", TESTED)
    curves = {"epoch": [], "training_loss": [], "test_loss": [], "test_accuracy": []}

    def look(history):
        if len(history) % (epochs // LOOKS):
            return
        loss, _ = evaluate(net, x[:1000], labels[:1000], loss=CrossEntropyLoss())
        found = (len(history), loss, *evaluate(net, *test, loss=CrossEntropyLoss()))
        for values, value in zip(curves.values(), found, strict=True):
            values.append(value)

    began = time.process_time()
    fit(
        net,
        x,
        labels,
        loss=CrossEntropyLoss(),
        optimizer=SGD(rate, momentum=0.9),
        schedule=cosine(rate, epochs),
        epochs=epochs,
        batch_size=BATCH,
        callbacks=[look],
        seed=seed,
        progress=False,
    )
    found = curves | {"parameters": net.num_parameters(), "cpu_seconds": round(time.process_time() - began)}
    if name in ("fractal", "droppath"):
        found["columns"] = [evaluate(column(net, c), *test, loss=CrossEntropyLoss())[1] for c in (1, 2, 3)]
    return found


def rounded(found):
    return {key: np.round(value, 4).tolist() for key, value in found.items()}


def main():
    parser = ArgumentParser(description="Train deep nets on Fashion-MNIST and keep their curves.")
    parser.add_argument("comparison", nargs="*", help=f"some of {', '.join(COMPARISONS)} (default: all)")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="some of them (default: all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of weights, order and what is dropped")
    parser.add_argument("-o", "--output", type=Path, default=MADE, help="file of the curves (default: %(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.comparison) - set(COMPARISONS):
        parser.error(f"no comparison is called {min(unknown)}; choose from {', '.join(COMPARISONS)}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    for seed in arguments.seeds:
        for title in arguments.comparison or COMPARISONS:
            nets, *settings = COMPARISONS[title]
            for name in (name for name in nets if name in arguments.nets):
                done = found.setdefault(title, {}).setdefault(name, {})
                if str(seed) not in done:
                    done[str(seed)] = rounded(train(name, seed, *settings))
                    arguments.output.write_text(json.dumps(found, indent=1) + "\n")
                last = {key: done[str(seed)][key][-1] for key in ("training_loss", "test_loss", "test_accuracy")}
                print(f"{title}: {name}, seed {seed}: {last}, {done[str(seed)]['cpu_seconds']} s of CPU", flush=True)


if __name__ == "__main__":
    main()
