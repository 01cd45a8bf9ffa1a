"""A small team of threads that run one compiled kernel together.

Every kernel takes its next piece of work from a shared counter until none is left, so a team is simple: all members
call the same function with the same arguments, and the work is done when all have come back. Compiled kernels let go of
the interpreter's lock, so ordinary Python threads do; between two kernels they sleep (BLAS's threads and Numba's OpenMP
ones spin, which costs whoever computes next dearly), and waking them takes about ten microseconds.

How many threads: `set_num_threads` here, else `numba.set_num_threads`, else NUMBA_NUM_THREADS, else OMP_NUM_THREADS,
else every processor this process may use. No result depends on it, to the last bit.
"""

import os
import queue
import threading

import numba
from numba.np.ufunc import parallel as numba_threads

_chosen = None
_busy = threading.Lock()
_members = []


def set_num_threads(n):
    """Compute with n threads from now on; None gives the choice back to the environment."""
    global _chosen
    if n is not None and (not isinstance(n, int) or n < 1):
        raise ValueError(f"set_num_threads({n!r}): an int of at least 1, or None, was expected")
    _chosen = n


def get_num_threads():
    """How many threads a kernel runs on."""
    if _chosen is not None:
        return _chosen
    most = numba.config.NUMBA_NUM_THREADS
    n = numba.get_num_threads() if numba_threads._is_initialized else most  # asking would start Numba's own threads
    if n == most and "NUMBA_NUM_THREADS" not in os.environ and os.environ.get("OMP_NUM_THREADS", "").isdecimal():
        return max(1, min(int(os.environ["OMP_NUM_THREADS"]), n))
    return n


def run_together(kernel, *args):
    """Call kernel(*args) on every thread at once; return when all are back.

    If the team is busy with another kernel (two Python threads use the library), the caller does the work alone.
    """
    helpers = get_num_threads() - 1
    if helpers < 1 or not kernel.signatures or not _busy.acquire(blocking=False):  # compile once, before anyone helps
        kernel(*args)
        return
    try:
        while len(_members) < helpers:
            _members.append(_Member())
        for member in _members[:helpers]:
            member.tasks.put((kernel, args))
        try:
            kernel(*args)
        finally:
            failures = [member.results.get() for member in _members[:helpers]]
    finally:
        _busy.release()
    for failure in filter(None, failures):
        raise failure


class _Member:
    def __init__(self):
        self.tasks = queue.SimpleQueue()
        self.results = queue.SimpleQueue()
        threading.Thread(target=self._work, name="nnbasics-kernels", daemon=True).start()

    def _work(self):
        while True:
            kernel, args = self.tasks.get()
            try:
                kernel(*args)
                self.results.put(None)
            except BaseException as failure:
                self.results.put(failure)
            del kernel, args


def _forget_the_parents_threads():
    """A forked child inherits none of them."""
    global _busy
    _busy = threading.Lock()
    _members.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents_threads)
