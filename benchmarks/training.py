"""A training step of small networks. Run: python -m benchmarks.training"""

import numpy as np

from benchmarks.interleave import race, ratio
from benchmarks.report import write

NETS = {"lenet5": "LeNet-5", "two_stage_cnn": "two stages of 5x5, 6 and 12 maps", "resnet20": "ResNet-20, 32x32"}
STEPS = (("lenet5", (32, 64, 128, 256)), ("two_stage_cnn", (32, 256)), ("resnet20", (128,)))
MODES = ("nchw", "channels_last")


def main(steps=STEPS, rounds=9):
    rows = []
    for name, batches in steps:
        for batch in batches:
            for threads in (1, 2):
                ours, settings = f"ours training {name} {batch} {threads}", f"torch training {name} {batch} {threads}"
                found = race([ours, *(f"{settings} {mode}" for mode in MODES)], rounds)
                times, memory = found[ours]
                theirs = [found[f"{settings} {mode}"] for mode in MODES]
                better, least = (np.minimum(*column) for column in zip(*theirs, strict=True))
                milliseconds = [f"{np.median(t) * 1e3:.1f} ms" for t in (times, better)]
                megabytes = [f"{m:.0f} MB" for m in (memory, least)]
                rows.append([NETS[name], f"{batch}", f"{threads}", *milliseconds, ratio(better, times), *megabytes])
    head = ["", "batch", "threads", "nnbasics", "PyTorch's better mode", "times as fast (range)"]
    head += ["peak memory", "PyTorch's"]
    write("training", "A training step: forward, backward, descent", head, rows)


if __name__ == "__main__":
    main()
