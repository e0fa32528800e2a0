"""Documents that tests of this room read: our own edition always, the other one where a variable names it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from handrail import syntax
from handrail.commands import Knowledge
from handrail.runbooks import Document
from handrail.syntax.reading import read_document, read_text
from tests import cases

SEED = os.environ.get("HANDRAIL_SEED", "")
EDITIONS: list[Any] = [
    pytest.param("ours", id="our edition"),
    pytest.param(
        "seed",
        id="the seed",
        marks=pytest.mark.skipif(not SEED, reason="HANDRAIL_SEED does not name the seed's RUNBOOKS.md"),
    ),
]


@cache
def knowledge() -> Knowledge:
    """The product's own, with the Azora team's words."""
    return syntax.load_knowledge([cases.AZORA / "knowledge"])


def path_of(edition: str) -> Path:
    """Where an edition is."""
    return Path(SEED) if edition == "seed" else cases.AZORA / "RUNBOOKS.md"


@cache
def document(edition: str = "ours") -> Document:
    """An edition as it is read."""
    return read_document(path_of(edition), knowledge())


def read(text: str) -> Document:
    """A document of a test's own."""
    return read_text(text, "RUNBOOKS.md", knowledge())
