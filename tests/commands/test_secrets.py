"""Secrets by position: what reaches them is told, and ordinary looks are not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from handrail import commands, syntax

ROWS: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "secrets.yaml").read_text(encoding="utf-8"))


def tells(text: str) -> bool:
    """Whether one of its commands is told as one that may print secrets."""
    (block,) = syntax.parse_blocks([text])
    found = commands.understand(block, syntax.load_knowledge(), first_line=1, first_column=1)
    return any(one.analysis.discloses_secrets for one in found)


@pytest.mark.parametrize("text", ROWS["flagged"])
def test_what_reaches_a_secret_is_told(text: str) -> None:
    assert tells(text)


@pytest.mark.parametrize("text", ROWS["plain"])
def test_what_reaches_none_is_not(text: str) -> None:
    assert not tells(text)
