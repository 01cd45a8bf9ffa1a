"""The team of threads: who helps, who is waited for, how many there are, and what Ctrl-C may not do."""

import os
import queue
import signal
import threading
import time

import pytest

from nnbasics.kernels import threads


class Kernel:
    """What `run_together` takes for a compiled kernel."""

    signatures = ("compiled",)

    def __init__(self, caller, helper):
        self._caller, self._helper = caller, helper

    def __call__(self):
        return (self._caller if threading.current_thread() is threading.main_thread() else self._helper)()


def all_of(n):
    """Fails unless n threads call it together."""
    meet = threading.Barrier(n, timeout=60)
    threads.run_together(Kernel(meet.wait, meet.wait), threads=n)


def test_everybody_calls_the_kernel():
    all_of(4)
    all_of(2)


def test_who_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(threads, "_calls", queue.SimpleQueue())  # nobody looks at this one
    calls = []
    threads.run_together(Kernel(lambda: calls.append("caller"), None), threads=3)
    assert calls == ["caller"]
    threads._calls.get(timeout=60).help()
    assert calls == ["caller"], "too late to help"


def test_a_helpers_failure_is_the_callers():
    begun = threading.Event()

    def fail():
        begun.set()
        raise ZeroDivisionError("in a helper")

    with pytest.raises(ZeroDivisionError, match="in a helper"):
        threads.run_together(Kernel(lambda: begun.wait(60), fail), threads=2)
    all_of(2)


def slow_helper(begun, finished, *signals):
    def work():
        begun.set()
        for number in signals:
            os.kill(os.getpid(), number)
            time.sleep(0.05)
        time.sleep(0.1)
        finished.append(True)

    return work


def test_an_interrupted_caller_waits_for_the_helpers():
    """They compute in memory that he would give back."""
    begun, finished = threading.Event(), []

    def interrupted():
        begun.wait(60)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        threads.run_together(Kernel(interrupted, slow_helper(begun, finished)), threads=2)
    assert finished
    all_of(2)


@pytest.mark.skipif(os.name != "posix", reason="a process can send itself Ctrl-C there only")
def test_a_caller_interrupted_again_and_again_still_waits():
    begun, finished = threading.Event(), []
    helper = slow_helper(begun, finished, signal.SIGINT, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        threads.run_together(Kernel(lambda: begun.wait(60), helper), threads=2)
    assert finished
    all_of(2)


def test_the_next_kernel_has_no_answer_of_the_last():
    for n in range(200):
        begun, seen = threading.Event(), []

        def interrupted(begun=begun):
            begun.wait(60)
            raise KeyboardInterrupt

        def helper(begun=begun, seen=seen, n=n):
            begun.set()
            seen.append(n)

        with pytest.raises(KeyboardInterrupt):
            threads.run_together(Kernel(interrupted, helper), threads=2)
        assert seen == [n]


def test_a_quota_counts_where_the_environment_says_nothing(monkeypatch):
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads.numba.config, "NUMBA_NUM_THREADS", 64)
    monkeypatch.setattr(threads.numba_threads, "_is_initialized", False)
    monkeypatch.setattr(threads.quota, "processors", lambda: 3)
    assert threads.get_num_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "8,2")
    assert threads.get_num_threads() == 8
    monkeypatch.setenv("NUMBA_NUM_THREADS", "64")
    assert threads.get_num_threads() == 64


@pytest.mark.parametrize(
    ("work", "comers"), [(0, 1), (0.9, 1), (1.9, 1), (2, 2), (3.5, 3), (1e9, 4), (float("inf"), 4)]
)
def test_nobody_is_woken_for_less_than_a_share_of_work(monkeypatch, work, comers):
    calls = queue.SimpleQueue()
    monkeypatch.setattr(threads, "_calls", calls)
    monkeypatch.setattr(threads, "_chosen", 4)
    threads.run_together(Kernel(lambda: None, None), work=work * threads.SHARE)
    assert 1 + calls.qsize() == comers
