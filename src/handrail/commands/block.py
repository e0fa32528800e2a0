"""A block of shell after the parser: its statements, comments and the placeholders that were hidden from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

# `<` glued to a letter … `>` glued to a non-space: true `< file >` redirections stand with spaces.
PLACEHOLDER = re.compile(r"(?<![<\w])<([A-Za-z][A-Za-z0-9 _./:-]*?)>(?!>)")
PRIVATE = 0xE000


@dataclass(frozen=True, kw_only=True)
class ParsedBlock:
    """`statements` and `comments` are the parser's nodes, offsets in bytes of `hidden`."""

    text: str
    hidden: str
    statements: tuple[dict[str, Any], ...]
    comments: tuple[dict[str, Any], ...]
    error: str = ""


def hide(text: str) -> str:
    """Each placeholder as private-use characters, one for each of its own; the same name the same character."""
    names: dict[str, str] = {}

    def opaque(match: re.Match[str]) -> str:
        mark = names.setdefault(match[1], chr(PRIVATE + len(names)))
        return mark * len(match[0])

    return PLACEHOLDER.sub(opaque, text)


def names_of(text: str) -> dict[str, str]:
    """Private-use character to placeholder name, as `hide` gives them."""
    names: dict[str, str] = {}
    for match in PLACEHOLDER.finditer(text):
        names.setdefault(match[1], chr(PRIVATE + len(names)))
    return {mark: name for name, mark in names.items()}
