"""What a team writes of its own commands and endpoints: whole words, in which `{unit}` is a typed place.

A place takes one word, or one part of a path, that is plain: no blank, no quote, nothing that a shell behind it (`ssh`)
would take for more than a word. A placeholder of a document may stand where a place stands; its value is checked later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

PLACE = re.compile(r"\{([a-z]+)\}")
MARK = r"<[A-Za-z][^<>]*>"  # a document's placeholder
KINDS = {
    "word": r"[A-Za-z0-9][A-Za-z0-9._:@%+,=-]*",
    "name": r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?",
    "unit": r"[A-Za-z0-9][A-Za-z0-9._@-]*",
    "host": r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?",
    "number": r"\d{1,18}",
    "duration": r"\d{1,9}(?:ms|s|m|h|d)?",
    "path": r"(?!.*\.\.)/?[A-Za-z0-9_][A-Za-z0-9_./-]*",
}


def compiled(text: str) -> re.Pattern[str]:
    """One word with its places as a pattern. Raises ValueError where a place has no such type."""
    found, at = "", 0
    for place in PLACE.finditer(text):
        if place[1] not in KINDS:
            raise ValueError(f"{place[0]} is no typed place: known are {', '.join(f'{{{one}}}' for one in KINDS)}")
        found += re.escape(text[at : place.start()]) + f"(?:{KINDS[place[1]]}|{MARK})"
        at = place.end()
    return re.compile(found + re.escape(text[at:]))


def matches(patterns: Sequence[re.Pattern[str]], words: Sequence[str]) -> bool:
    """Whether these are the words, all of them and no more."""
    return len(patterns) == len(words) and all(one.fullmatch(word) for one, word in zip(patterns, words, strict=True))
