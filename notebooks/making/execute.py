"""Run a notebook from top to bottom in a kernel of its own."""

import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from notebooks.making.kernel import NOTE
from notebooks.making.lecture import Fault

ROOT = Path(__file__).parents[2]
LONGEST_CELL = 300  # seconds; whatever takes longer hangs
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Cost:
    seconds: float
    gigabytes: float

    def __str__(self):
        return f"{self.seconds:5.1f} s of CPU, {self.gigabytes:.2f} GB"


class Manager(AsyncKernelManager):
    """Starts our kernel with this very Python, whatever kernels are installed for the user."""

    @property
    def kernel_spec(self):
        command = [sys.executable, "-m", "notebooks.making.kernel", "-f", "{connection_file}"]
        quiet = ["--HistoryManager.enabled=False", "--IPKernelApp.log_level=CRITICAL"]
        return KernelSpec(argv=[*command, *quiet], language="python")


def execute(lecture, notebook):
    """Fill in the outputs of `notebook`; return what it cost. A cell that fails is a `Fault` that shows it."""
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder, "cost.json")
        client = NotebookClient(
            notebook,
            kernel_manager_class=Manager,
            timeout=LONGEST_CELL,
            shutdown_kernel="graceful",
            store_widget_state=False,
            resources={"metadata": {"path": str(lecture.path.parent)}},
        )
        try:
            client.execute(env=environment(note))
        except CellExecutionError as error:
            raise Fault(told(lecture, notebook, error)) from None
        except CellTimeoutError:
            raise Fault(f"{place(lecture, notebook)} took more than {LONGEST_CELL} s:\n{quoted(notebook)}") from None
        except DeadKernelError:
            raise Fault(f"the kernel died in {place(lecture, notebook)}, for want of memory perhaps") from None
        except AssertionError:  # Ctrl-C: nbclient has put the kernel away, and then misses it
            raise KeyboardInterrupt from None
        cost = json.loads(note.read_text(encoding="utf-8"))
    return Cost(cost["seconds"], cost["bytes"] / 1e9)


def environment(note):
    """That of a lecture: two threads, this clone's library, no network, and nobody there to move a slider."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "all")}
    ours = {NOTE: str(note), "PYTHONPATH": path, "NNBASICS_STILL": "1"}
    return {**dict.fromkeys(THREADS, "2"), **os.environ, **nowhere, **ours}


def current(notebook):
    """The place of the cell where execution ended."""
    begun = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and "execution" in cell.metadata]
    return begun[-1] if begun else 0


def place(lecture, notebook):
    return f"the cell at {lecture.path.name}:{lecture.line(notebook, current(notebook))}"


def quoted(notebook):
    return "\n".join(f"    {line}" for line in notebook.cells[current(notebook)].source.splitlines())


def told(lecture, notebook, error):
    """The cell, and the last lines of what Python said about it."""
    trace = re.sub(r"\x1b\[[0-9;]*m", "", error.traceback).strip().splitlines()[-12:]
    said = "\n".join(f"    {line}" for line in trace)
    return f"{place(lecture, notebook)} fails:\n{quoted(notebook)}\n\n{said}"
