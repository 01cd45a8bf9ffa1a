"""Tables in markdown and plots, written to benchmarks/results and into the pages that show them.

A page shows a table between the comments <!-- table: NAME --> and <!-- end -->; nobody copies a figure by hand.
"""

import platform
import re
from pathlib import Path

TOP = Path(__file__).parent.parent
RESULTS = TOP / "benchmarks" / "results"
PAGES = (TOP / "README.md", *(TOP / "docs" / f"{name}.md" for name in ("engine", "large", "seeing", "video")))
NOT_YET = "(`make bench` writes this table.)"


def write(name, title, head, rows, note=None):
    """Write a table to results/<name>.md, and show it; below it stands where it was measured, or the note."""
    lines = [" | ".join(row) for row in ([*head], ["---"] * len(head), *rows)]
    table = "\n".join(f"| {line} |" for line in lines)
    text = f"**{title}**\n\n{table}\n\n{note or machine()}\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    for page in PAGES:
        page.write_text(with_table(page.read_text(encoding="utf-8"), name, table), encoding="utf-8")
    print(text, flush=True)


def with_table(page, name, table):
    """The text of a page with this table in its place, if it has one."""
    return re.sub(rf"(<!-- table: {name} -->\n).*?(\n<!-- end -->)", lambda m: m[1] + table + m[2], page, flags=re.S)


def shown_tables(page):
    """{name: what the text of a page shows in its place}."""
    return dict(re.findall(r"<!-- table: (\w+) -->\n(.*?)\n<!-- end -->", page, flags=re.S))


def table_of(name):
    """The table that was written last, without title and note."""
    path = RESULTS / f"{name}.md"
    return path.read_text(encoding="utf-8").split("\n\n")[1] if path.exists() else NOT_YET


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
