"""A small team of threads that run one compiled kernel together.

Every kernel takes its next piece of work from a shared counter until none is left, so a team is simple: all members
call the same function with the same arguments, and the work is done when all have come back. Compiled kernels let go of
the interpreter's lock, so ordinary Python threads do; between two kernels they sleep (BLAS's threads and Numba's OpenMP
ones spin, which costs whoever computes next dearly), and waking them takes about ten microseconds.

How many threads: `set_num_threads` here, else `numba.set_num_threads`, else NUMBA_NUM_THREADS, else OMP_NUM_THREADS,
else every processor this process may use (`quota`). No result of a kernel depends on it, to the last bit.
"""

import math
import os
import queue
import threading

import numba
from numba.np.ufunc import parallel as numba_threads

from nnbasics.kernels import quota

SHARE = 100_000  # nanoseconds of work that are worth waking a thread for

_chosen = None
_calls = queue.SimpleQueue()
_members = []
_growing = threading.Lock()


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
    if n != most or "NUMBA_NUM_THREADS" in os.environ:
        return n
    omp = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # "8,2": 8, and 2 in each of them
    return max(1, min(n, int(omp) if omp.isdecimal() else quota.processors()))


def team(work):
    """How many threads for what takes one thread about `work` nanoseconds: each has SHARE of it at least."""
    return 1 if work < 2 * SHARE else int(min(get_num_threads(), work / SHARE))


def run_together(kernel, *args, threads=None, work=math.inf):
    """Call kernel(*args) on so many threads at once (`team(work)` if not said); return when all are back.

    Members who are busy with another kernel, because two Python threads use the library, come later or not at all.
    """
    helpers = (threads or team(work)) - 1
    if helpers < 1 or not kernel.signatures:  # compile once, before anyone helps
        kernel(*args)
        return
    _grow(helpers)
    call, failure = _Call(kernel, args), None
    try:
        for _ in range(helpers):
            _calls.put(call)
        kernel(*args)
    except BaseException as raised:
        failure = raised
    while True:
        try:
            call.close()
            break
        except BaseException as raised:  # Ctrl-C, say; but helpers still work in the caller's memory
            failure = raised
    if failure or call.failure:
        raise failure or call.failure


class _Call:
    """One kernel, called by whoever comes before it is closed."""

    def __init__(self, kernel, args):
        self._kernel, self._args = kernel, args
        self._open, self._helpers = True, 0
        self._lock, self._all_gone = threading.Lock(), threading.Lock()
        self._all_gone.acquire()
        self.failure = None

    def help(self):
        """Run the kernel, if the call is still open."""
        with self._lock:
            if not self._open:
                return
            self._helpers += 1
        try:
            self._kernel(*self._args)
        except BaseException as failure:
            self.failure = failure
        with self._lock:
            self._helpers -= 1
            if not self._open and not self._helpers:
                self._all_gone.release()

    def close(self):
        """Let nobody in any more, and wait until everybody is gone. May be interrupted and called again."""
        with self._lock:
            self._open = False
        while self._helpers:
            self._all_gone.acquire()


def _grow(helpers):
    with _growing:
        while len(_members) < helpers:
            _members.append(threading.Thread(target=_serve, args=(_calls,), name="nnbasics-kernels", daemon=True))
            _members[-1].start()


def _serve(calls):
    while True:
        calls.get().help()


def _forget_the_parents_threads():
    """A forked child inherits none of them."""
    global _calls, _growing
    _calls, _growing = queue.SimpleQueue(), threading.Lock()
    _members.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents_threads)
