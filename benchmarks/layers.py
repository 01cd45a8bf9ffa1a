"""Each kind of VGG-19's convolutions at 512 px, forward and gradient to the input. Run: python -m benchmarks.layers"""

import numpy as np

from benchmarks.interleave import race, ratio
from benchmarks.report import write

LAYERS = (
    ("conv1_2", 64, 64, 512),
    ("conv2_1", 64, 128, 256),
    ("conv2_2", 128, 128, 256),
    ("conv3_1", 128, 256, 128),
    ("conv3_2", 256, 256, 128),
    ("conv4_1", 256, 512, 64),
    ("conv4_2", 512, 512, 64),
    ("conv5_1", 512, 512, 32),
)


def main():
    rows = []
    for name, channels, filters, size in LAYERS:
        settings = f"{channels} {filters} {size}"
        ours, theirs = (
            f"ours layer {settings}",
            [f"torch layer {settings} {mode}" for mode in ("channels_last", "nchw")],
        )
        found = race([ours, *theirs], 7)
        times = found[ours][0]
        better = np.minimum(*(found[words][0] for words in theirs))
        direct = 2 * 2 * 9 * channels * filters * size**2 / np.median(times) / 1e9
        milliseconds = [f"{np.median(t) * 1e3:.1f} ms" for t in (times, better)]
        rows.append([name, f"{channels} to {filters}, {size} px", *milliseconds, ratio(better, times), f"{direct:.0f}"])
    head = [
        "",
        "",
        "nnbasics",
        "PyTorch's better mode",
        "times as fast (range)",
        "GFLOP/s, counted as the definition does",
    ]
    write("layers", "One convolution and its gradient to the input, two threads", head, rows)


if __name__ == "__main__":
    main()
