"""Tables in markdown and plots, written to benchmarks/results."""

import platform
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def write(name, title, head, rows):
    """Write a table to results/<name>.md, and show it."""
    lines = [" | ".join(row) for row in ([*head], ["---"] * len(head), *rows)]
    table = "\n".join(f"| {line} |" for line in lines)
    text = f"**{title}**\n\n{table}\n\n{machine()}\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    print(text, flush=True)


def machine():
    """One line about what this was measured on."""
    import os

    from nnbasics.kernels.machine import VARIANT

    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    kernels = f"{VARIANT.name} kernels, Python {platform.python_version()}"
    return (
        f"Measured on {model}, {os.cpu_count()} processors, {kernels}. Medians of interleaved runs, one process each."
    )


def plot_closure(seconds):
    """results/closure.png: seconds by size, ours and PyTorch's better float32 mode."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    sizes = list(seconds)
    for label, values, colour in (
        ("PyTorch, float32", [theirs for _, theirs, _ in seconds.values()], "tab:grey"),
        ("nnbasics", [ours for ours, _, _ in seconds.values()], "tab:blue"),
    ):
        axes.loglog(sizes, values, "o-", label=label, color=colour)
    for size, (ours, _, ratio) in seconds.items():
        axes.annotate(f"{ratio:.1f} ×", (size, ours), textcoords="offset points", xytext=(-10, 8))
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set(xlabel="picture, pixels a side", ylabel="seconds for loss and gradient")
    axes.legend()
    figure.savefig(RESULTS / "closure.png", dpi=110)
    plt.close(figure)
