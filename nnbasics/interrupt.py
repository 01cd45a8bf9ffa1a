"""Ctrl-C that lets the step under way finish, so that what has been done until then is whole and can be kept."""

import contextlib
import signal
import sys
import threading


@contextlib.contextmanager
def gently():
    """A callable that tells whether Ctrl-C has been pressed; pressed again, it interrupts at once.

    Only the main thread hears signals; elsewhere nothing changes and the answer is always no.
    """
    pressed = False

    def press(_signal, _frame):
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        print("\nnnbasics: finishing this step; Ctrl-C again stops at once", file=sys.stderr, flush=True)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
