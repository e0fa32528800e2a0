"""What the tests of the targets share."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator

import pytest

from tests.targets import leaving


@pytest.fixture
def stamp() -> Iterator[str]:
    """A word that every process of one test carries among its arguments; whatever still carries it is ended."""
    word = f"stamp-{uuid.uuid4().hex}"
    yield word
    for pid in leaving.carrying(word):
        os.kill(pid, signal.SIGKILL)
