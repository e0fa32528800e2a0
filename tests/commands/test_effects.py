"""What commands do, as a table: no change is ever called a read, and what cannot be told is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from handrail import commands, syntax
from handrail.commands import Command, Knowledge
from tests import cases

FACTS = {"tty": "needs_tty", "endless": "never_returns", "secrets": "discloses_secrets"}


@cache
def knowledge() -> Knowledge:
    """The product's own, with the Azora team's words."""
    return syntax.load_knowledge([cases.AZORA / "knowledge"])


@cache
def understood(text: str) -> tuple[Command, ...]:
    """The commands of a block."""
    (block,) = syntax.parse_blocks([text])
    return commands.understand(block, knowledge(), first_line=1, first_column=1)


def _rows() -> Iterator[Any]:
    for group in cases.table("commands"):
        for row in group["rows"]:
            facts = {**group, **(row if isinstance(row, dict) else {"text": row})}
            yield pytest.param(facts, id=f"{group['what']}: {facts['text']}"[:90])


ROWS = list(_rows())


@pytest.mark.parametrize("row", ROWS)
def test_a_command_does_what_the_table_says(row: dict[str, Any]) -> None:
    found = understood(row["text"])
    worst = max((one.analysis for one in found), key=lambda one: one.effect.rank)
    told = "; ".join(reason.text for reason in worst.reasons)
    assert (worst.effect, told) == (row["effect"], told)
    assert all(one.analysis.reasons for one in found)
    if "scope" in row:
        assert worst.scope == row["scope"]
    for word, fact in FACTS.items():
        if word in row:
            assert any(getattr(one.analysis, fact) for one in found) is row[word], fact
    if "findings" in row:
        assert sorted({finding.rule for one in found for finding in one.findings}) == sorted(row["findings"])


def test_the_table_is_long_enough_and_holds_every_effect() -> None:
    rows = [row.values[0] for row in ROWS]
    assert len(rows) >= 150
    assert {row["effect"] for row in rows} == {"reads", "unknown", "changes", "destroys"}
    assert len({row["text"] for row in rows}) == len(rows)
