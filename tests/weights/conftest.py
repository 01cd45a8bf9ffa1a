"""A tiny VGG-19 beside the real networks, so that files of it stay small."""

import pytest

from nnbasics.weights import architectures
from tests.weights import tiny


@pytest.fixture
def known(monkeypatch):
    """Make the tiny network one that `convert` knows."""
    monkeypatch.setitem(architectures.ARCHITECTURES, "tiny", tiny.SLOTS)
