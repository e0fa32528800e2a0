"""Crafted commands that must never be called reads, and reads that must stay reads. Both are data, understood and never run.

The first list only grows: whoever finds a way past the analysis adds it there. The second keeps the analysis from being closed
further than it has to be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from handrail import commands, syntax
from handrail.commands import Effect, Knowledge
from handrail.commands.found import plain

HERE = Path(__file__).parent
AT_LEAST = {"never_reads": 3067, "stays_reads": 432}
NO_WORD_OF_IT = "--no-such-option-of-it"


@cache
def knowledge() -> Knowledge:
    """The product's own: a list of what must never be a read knows no team."""
    return syntax.load_knowledge()


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    """The rows of a list, one JSON object a line."""
    return tuple(json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())


@cache
def understood(name: str) -> tuple[tuple[commands.Command, ...], ...]:
    """What the analysis makes of each row."""
    blocks = syntax.parse_blocks([row["command"] for row in rows(name)])
    return tuple(commands.understand(block, knowledge(), first_line=1, first_column=1) for block in blocks)


def worst(found: tuple[commands.Command, ...]) -> Effect:
    """The effect of a whole block."""
    return max((one.analysis.effect for one in found), key=lambda one: one.rank)


@cache
def effect(text: str) -> Effect:
    """What one text does."""
    (block,) = syntax.parse_blocks([text])
    return worst(commands.understand(block, knowledge(), first_line=1, first_column=1))


def test_none_of_what_must_never_be_a_read_is_one() -> None:
    freed = [
        f"{row['command']}  ({row['why']}; {row['shape']})"
        for row, found in zip(rows("never_reads"), understood("never_reads"), strict=True)
        if worst(found) is Effect.READS
    ]
    print(f"\n{len(freed)} of {len(rows('never_reads'))} commands that must never be reads are called reads")
    assert freed == []


def test_every_read_that_is_free_stays_free() -> None:
    held = [
        f"{row['command']}: {'; '.join(reason.text for one in found for reason in one.analysis.reasons)}"
        for row, found in zip(rows("stays_reads"), understood("stays_reads"), strict=True)
        if worst(found) is not Effect.READS
    ]
    print(f"\n{len(rows('stays_reads')) - len(held)} of {len(rows('stays_reads'))} reads are free")
    assert held == []


@pytest.mark.parametrize("name", AT_LEAST)
def test_the_lists_only_grow(name: str) -> None:
    assert len({row["command"] for row in rows(name)}) == len(rows(name)) >= AT_LEAST[name]
    assert all(row["command"] and row["kind"] for row in rows(name))


def test_no_command_stands_in_both_lists() -> None:
    assert not {row["command"] for row in rows("never_reads")} & {row["command"] for row in rows("stays_reads")}


# -- a negative one for each row that grants a read --------------------------------------------------------------------


def granting() -> Iterator[tuple[str, ...]]:
    """Every row of the knowledge that grants a read: a reader's name, or a program with a verb's path."""
    known = knowledge()
    yield from ((name,) for name in known.readers)
    for program in known.programs.values():
        if program.raw.get("reads") or "reads_with" in program.raw:
            yield (program.name,)
        for verb in program.verbs.values():
            if verb.effect is Effect.READS or verb.raw.get("dry_run") or verb.raw.get("bare_dry_run"):
                yield (program.name, *verb.path)


@cache
def refused() -> frozenset[tuple[str, ...]]:
    """The rows that a command of the first list stands under as it is written."""
    told: set[tuple[str, ...]] = set()
    for row, found in zip(rows("never_reads"), understood("never_reads"), strict=True):
        if row["shape"] != "as it is":
            continue
        for stage in (stage for one in found for stage in one.stages or ()):
            words = [word for word in plain(stage) if not word.startswith("-")]
            told |= {tuple(words[:count]) for count in (1, 2, 3)}
    return frozenset(told)


@pytest.mark.parametrize("row", sorted(set(granting())), ids=" ".join)
def test_a_row_that_grants_a_read_refuses_what_it_does_not_list(row: tuple[str, ...]) -> None:
    facts: Mapping[str, Any] = knowledge().readers.get(row[0], {})
    if facts.get("anything"):  # `echo` and the like take every word as text, so only what stands around them can act
        assert effect(f"{row[0]} x > /etc/motd") is Effect.CHANGES
        return
    assert effect(" ".join((*row, NO_WORD_OF_IT, "x"))) is not Effect.READS
    assert effect(" ".join((*row, "x", NO_WORD_OF_IT))) is not Effect.READS
    assert effect(" ".join((*row, "x", f"{NO_WORD_OF_IT}=x", "--dry-run=client"))) is not Effect.READS


@pytest.mark.parametrize("row", sorted(set(granting())), ids=" ".join)
def test_a_row_that_grants_a_read_has_a_crafted_command_against_it(row: tuple[str, ...]) -> None:
    if knowledge().readers.get(row[0], {}).get("anything"):
        return
    assert row in refused(), f"no command of never_reads.jsonl begins with {' '.join(row)}"
