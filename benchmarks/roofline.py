"""How near the engine comes to what this machine can do. Run: python -m benchmarks.roofline

A kernel that does I operations for each byte it moves cannot be faster than min(peak, I x bandwidth). The peak is
measured by the register tile on data in the cache, the bandwidth by copying; each convolution's products (a quarter of
the definition's, by Winograd) stand at the intensity of a layer whose input, output and weights move once.
"""

import threading
import time

import numpy as np

from benchmarks import report
from benchmarks.layers import LAYERS
from benchmarks.report import write

DEPTH, CALLS = 256, 20000


def peak():
    """GFLOP/s of the register tile, all threads together."""
    from nnbasics.kernels.compile import kernel
    from nnbasics.kernels.microkernel import PANEL, TALL, multiply_tall
    from nnbasics.kernels.simd import address
    from nnbasics.kernels.threads import get_num_threads

    @kernel
    def many(a, b, c, depth, calls):
        for _ in range(calls):
            multiply_tall(a, b, c, PANEL, depth)

    threads = get_num_threads()
    data = [[np.ones(size, np.float32) for size in (TALL * DEPTH, PANEL * DEPTH, TALL * PANEL)] for _ in range(threads)]
    many(*map(address, data[0]), DEPTH, 1)
    team = [threading.Thread(target=many, args=(*map(address, arrays), DEPTH, CALLS)) for arrays in data]
    start = time.perf_counter()
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    return 2 * TALL * PANEL * DEPTH * CALLS * threads / (time.perf_counter() - start) / 1e9


def bandwidth():
    """GB/s of copying 256 MB."""
    source = np.ones(1 << 26, np.float32)
    target = np.empty_like(source)
    best = min(_seconds(lambda: np.copyto(target, source)) for _ in range(5))
    return 2 * source.nbytes / best / 1e9


def _seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def points():
    """[(name, operations a byte, GFLOP/s)] of each convolution's products, forward."""
    from nnbasics import Conv2d

    found = []
    for name, channels, filters, size in LAYERS:
        conv = Conv2d(channels, filters, 3, padding=1, rng=0).freeze()
        x = np.ones((1, size, size, channels), np.float32).transpose(0, 3, 1, 2)
        conv.forward(x)
        seconds = min(_seconds(lambda conv=conv, x=x: conv.forward(x)) for _ in range(7))
        operations = 2 * 36 * channels * filters * (size // 4) ** 2
        moved = 4 * (size**2 * (channels + filters) + 9 * channels * filters)
        found.append((name, operations / moved, operations / seconds / 1e9))
    return found


def main():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    top, slope = max(peak() for _ in range(3)), bandwidth()
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    rows, found = [], sorted(points(), key=lambda point: point[1])
    intensity = np.geomspace(5, 500, 200)
    axes.semilogx(intensity, np.minimum(top, slope * intensity), color="tab:grey")
    axes.annotate(f"{top:.0f} GFLOP/s: the register tile alone", (25, top * 1.03), color="tab:grey")
    axes.annotate(f"{slope:.0f} GB/s: copying", (8.5, slope * 7), color="tab:grey")
    for (name, x, y), colour in zip(found, plt.cm.viridis(np.linspace(0, 1, len(found))), strict=True):
        axes.plot(x, y, "o", color=colour, label=name)
        rows.append([name, f"{x:.0f}", f"{y:.0f}", f"{y / top:.0%}"])
    axes.set(xlabel="operations for each byte of input, output and weights", ylabel="GFLOP/s", ylim=(0, top * 1.15))
    axes.legend(loc="lower right")
    figure.savefig(report.RESULTS / "roofline.png", dpi=110)
    plt.close(figure)
    head = ["", "operations a byte", "GFLOP/s", "of the peak"]
    title = f"The products of VGG-19's convolutions at 512 px: peak {top:.0f} GFLOP/s, copying {slope:.0f} GB/s"
    write("roofline", title, head, rows)


if __name__ == "__main__":
    main()
