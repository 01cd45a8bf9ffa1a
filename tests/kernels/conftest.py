"""What tests of kernels share."""

import pytest

from nnbasics.kernels import threads


@pytest.fixture
def use_threads(monkeypatch):
    """Called with n: from now on n threads compute, also what is so little that one would do it alone."""
    monkeypatch.setattr(threads, "SHARE", 1)
    yield threads.set_num_threads
    threads.set_num_threads(None)
