"""A block of shell after the parser: its statements, comments and the placeholders that were hidden from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

# `<` glued to a letter … `>` glued to a non-space: true `< file >` redirections stand with spaces.
PLACEHOLDER = re.compile(r"(?<![<\w])<([A-Za-z][A-Za-z0-9 _./:-]*?)>(?!>)")
PRIVATE = (*range(0xE000, 0xF900), *range(0xF0000, 0xFFFFE))


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
    marks = {name: mark for mark, name in names_of(text).items()}
    return PLACEHOLDER.sub(lambda match: marks[match[1]] * len(match[0]) if match[1] in marks else match[0], text)


def names_of(text: str) -> dict[str, str]:
    """Private-use character to placeholder name, as `hide` gives them: none that stands in the text itself."""
    used = set(text)
    free = (chr(code) for code in PRIVATE if chr(code) not in used)
    names = dict.fromkeys(match[1] for match in PLACEHOLDER.finditer(text))
    return dict(zip(free, names, strict=False))
