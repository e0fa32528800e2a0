"""Secrets by position: files, tables, addresses and programs that hand out credentials, whatever command names them.

A command that matches is told as one that may print secrets. Nothing is refused for it: it is asked with the identity
that may see them, and what is known of their values is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True, kw_only=True)
class Held:
    """Where secrets stand: a pattern over a command's words, of one program or of any."""

    pattern: re.Pattern[str]
    says: str
    programs: frozenset[str] = frozenset()


def from_raw(rows: Iterable[Mapping[str, Any]]) -> tuple[Held, ...]:
    """The rows of the knowledge."""
    return tuple(
        Held(
            pattern=re.compile(row["pattern"], re.IGNORECASE if row.get("any_case", True) else 0),
            says=row["says"],
            programs=frozenset(row.get("programs") or ()),
        )
        for row in rows
    )


def told(words: Sequence[str], held: Sequence[Held]) -> str:
    """What secret a command's words reach, in a sentence's words; empty where none is known."""
    if not words:
        return ""
    whole = " ".join(words)
    for _ in range(3):  # an address may be escaped, and its escapes too
        whole, before = unquote(whole), whole
        if whole == before:
            break
    plain = re.sub(r"/(?:\./|/)+", "/", whole)
    name = words[0].rpartition("/")[2]
    inner = {word.rpartition("/")[2] for word in words}  # `kubectl exec … -- jq env`
    return next(
        (
            one.says
            for one in held
            if (not one.programs or name in one.programs or one.programs & inner)
            and (one.pattern.search(whole) or one.pattern.search(plain))
        ),
        "",
    )
