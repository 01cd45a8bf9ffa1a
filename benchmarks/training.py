"""A training step of LeNet-5. Run: python -m benchmarks.training"""

import numpy as np

from benchmarks.interleave import race, ratio
from benchmarks.report import write


def main():
    rows = []
    for batch in (32, 256):
        found = race([f"ours training {batch}", f"torch training {batch}"], 15)
        ours, theirs = (times for times, _ in found.values())
        milliseconds = [f"{np.median(t) * 1e3:.1f} ms" for t in (ours, theirs)]
        rows.append([f"batch of {batch}", *milliseconds, ratio(theirs, ours)])
    write("training", "A training step of LeNet-5", ["", "nnbasics", "PyTorch", "times as fast (range)"], rows)


if __name__ == "__main__":
    main()
