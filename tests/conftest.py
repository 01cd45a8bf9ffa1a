"""What every test may ask for."""

import os
import signal

if "PYTEST_XDIST_WORKER" in os.environ:  # BLAS's idle threads spin, on the processors of the other workers
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest

hypothesis.settings.register_profile("nnbasics", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("nnbasics")

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests in the background ignores Ctrl-C


@pytest.fixture
def rng():
    """The same random numbers in every run."""
    return np.random.default_rng(20150826)
