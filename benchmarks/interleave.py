"""Contenders in turns, each in a process of its own, so that a machine that slows down slows all of them.

A contender is a line of words, such as "ours 512 2": `benchmarks.contenders` makes a function without arguments of it.
"""

import resource
import subprocess
import sys
import time

import numpy as np

TURN = 0.2  # seconds that a contender runs at least, again and again, before the next has its turn


class Process:
    """A contender that waits to be told to run, by the module that serves it."""

    def __init__(self, words, server="benchmarks.interleave"):
        self.words = words
        command = [sys.executable, "-m", server, *words.split()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        if self._answer() != "ready":
            self.close()
            raise SystemExit(f"the contender {words!r} did not start")

    def _answer(self):
        return self._process.stdout.readline().strip()

    def ask(self, question):
        """Seconds of one run, the mean of a turn ("run"), or the process' largest resident memory in MB ("memory")."""
        return float(self.tell(question))

    def tell(self, question):
        """The line that it answers."""
        print(question, file=self._process.stdin, flush=True)
        answer = self._answer()
        if not answer:
            raise SystemExit(f"the contender {self.words!r} died")
        return answer

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def race(contenders, rounds):
    """{words: (seconds of each round, MB)}; every second round goes backwards."""
    processes, seconds = [], {words: [] for words in contenders}
    try:
        for words in contenders:
            processes.append(Process(words))
        for turn in range(rounds):
            for process in processes[:: 1 if turn % 2 == 0 else -1]:
                seconds[process.words].append(process.ask("run"))
        return {process.words: (np.array(seconds[process.words]), process.ask("memory")) for process in processes}
    finally:
        for process in processes:
            process.close()


def ratio(theirs, ours):
    """The median of the ratios of each round, with their range, as words."""
    ratios = theirs / ours
    return f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"


def _serve(words):
    from benchmarks.contenders import make

    run = make(*words)
    run()
    times = max(1, int(TURN / _seconds(run, 1)))
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "memory":
            largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(largest / (2**20 if sys.platform == "darwin" else 2**10), flush=True)
        else:
            print(_seconds(run, times) / times, flush=True)


def _seconds(run, times):
    start = time.perf_counter()
    for _ in range(times):
        run()
    return time.perf_counter() - start


if __name__ == "__main__":
    _serve(sys.argv[1:])
