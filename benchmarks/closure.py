"""Loss and gradient to the picture: `Objective` on VGG-19 against PyTorch. Run: python -m benchmarks.closure [sizes]"""

import sys

import numpy as np

from benchmarks.interleave import Process, race, ratio
from benchmarks.report import plot_closure, write

MODES = ("channels_last", "nchw", "bf16")
ROUNDS = {128: 15, 256: 11, 512: 7, 1024: 4}


def against_torch(sizes):
    """Rows of the table, and {size: (our seconds, PyTorch's, ratio)} for the plot."""
    rows, seconds = [], {}
    Process("ours closure 32").close()  # compiled now, if need be, so that nobody's memory has the compiler's in it
    for size in sizes:
        ours, modes = f"ours closure {size}", {mode: f"torch closure {size} 2 {mode}" for mode in MODES}
        found = race([ours, *modes.values()], ROUNDS.get(size, 5))
        float32 = [found[modes[mode]] for mode in ("channels_last", "nchw")]
        better = np.minimum(*(times for times, _ in float32))
        least_memory = min(memory for _, memory in float32)
        times, memory = found[ours]
        rows.append(
            [
                f"{size} px",
                f"{np.median(times):.2f} s",
                *(f"{np.median(found[modes[mode]][0]):.2f} s" for mode in MODES),
                ratio(better, times),
                f"{memory:.0f} MB",
                f"{least_memory:.0f} MB",
                f"{memory / least_memory:.2f}",
            ]
        )
        seconds[size] = np.median(times), np.median(better), np.median(better / times)
    return rows, seconds


def by_size_and_threads(sizes):
    """Rows: our own cost by size, with one thread and with two."""
    rows, last = [], None
    for size in sizes:
        words = [f"ours closure {size} {threads}" for threads in (1, 2)]
        found = race(words, 5 if size <= 512 else 3)
        one, two = (np.median(found[w][0]) for w in words)
        growth = f"{two / last:.2f}" if last else ""
        per_pixel = f"{two / size**2 * 1e6:.2f} µs"
        rows.append([f"{size} px", f"{one:.2f} s", f"{two:.2f} s", f"{one / two:.2f}", per_pixel, growth])
        last = two
    return rows


def main(sizes=(256, 512, 1024), own_sizes=(128, 256, 512, 1024, 2048)):
    if sizes:
        rows, seconds = against_torch(sizes)
        head = [
            "",
            "nnbasics",
            *(f"PyTorch {mode}" for mode in MODES),
            "times as fast as the better float32 mode (range)",
        ]
        head += ["peak memory", "PyTorch's", "ratio"]
        write("closure", "Loss and gradient to the picture, two threads", head, rows)
        summary = [
            ["times as fast as PyTorch", *(f"{times:.1f}" for *_, times in seconds.values())],
            ["memory of the process, of PyTorch's", *(row[-1] for row in rows)],
        ]
        write("summary", "Loss and gradient to the picture", ["", *(row[0] for row in rows)], summary)
        plot_closure(seconds)
    if own_sizes:
        head = ["", "one thread", "two threads", "gain", "a pixel", "times the size before"]
        write("sizes", "Cost by size of the picture", head, by_size_and_threads(own_sizes))


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or (256, 512, 1024), () if sys.argv[1:] else (128, 256, 512, 1024, 2048))
