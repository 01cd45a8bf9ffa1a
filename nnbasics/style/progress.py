"""Signs of life: a bar with loss and time left where somebody is watching, a few quiet lines where nobody is."""

import contextlib
import sys
import time

LINES = 10  # of a whole run, when they go to a file


@contextlib.contextmanager
def bar(iterations, wanted=None, done=0):
    """A callable that shows a `Progress`: tqdm's bar, or nothing if it is not wanted.

    With `wanted` None a bar is shown in a terminal and in a notebook; `done` steps were taken before.
    """
    if not (_is_watched() if wanted is None else wanted):
        yield lambda state: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=iterations, initial=done, unit="step", smoothing=0.1) as shown:

        def show(state):
            shown.set_postfix_str(f"loss {state.loss:.4g}", refresh=False)
            if state.note:
                shown.write(f"iteration {state.iteration}: {state.note}", file=sys.stderr)
            shown.update(state.iteration - shown.n)

        yield show


def shown(iterations, done=0):
    """What the command line shows on stderr: the bar in a terminal, lines elsewhere."""
    return bar(iterations, True, done) if sys.stderr.isatty() else lines(iterations, sys.stderr, done)


@contextlib.contextmanager
def lines(iterations, file, done=0):
    """A callable that writes a line for every tenth of the run, with the time left."""
    marks = {round(iterations * part / LINES) for part in range(LINES + 1)}
    began = time.perf_counter()
    first = None

    def show(state):
        nonlocal first
        if state.note:
            print(f"iteration {state.iteration}: {state.note}", file=file, flush=True)
        if first is None:
            first = time.perf_counter()
        elif state.iteration == done + 1 < iterations:
            each = time.perf_counter() - first
            takes = f"{each:.2g} s" if each < 10 else duration(each)
            print(f"a step takes {takes}: about {duration(each * (iterations - done))}", file=file, flush=True)
        if state.iteration not in marks:
            return
        passed = time.perf_counter() - began
        left = ""
        if done < state.iteration < iterations:
            left = f", {duration(passed / (state.iteration - done) * (iterations - state.iteration))} left"
        print(
            f"step {state.iteration}/{iterations}  loss {state.loss:.4g}  {duration(passed)}{left}",
            file=file,
            flush=True,
        )

    yield show


def duration(seconds):
    """Seconds as a person says them: 48 s, 3 min 20 s, 2 h 5 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _is_watched():
    return sys.stderr.isatty() or _in_notebook()


def _in_notebook():
    """Whether IPython runs with a kernel, that is in a notebook."""
    shell = sys.modules.get("IPython")
    shell = shell and shell.get_ipython()
    return shell is not None and hasattr(shell, "kernel")
