"""Short flags written together."""

from __future__ import annotations

from collections.abc import Mapping


def cluster(word: str, arities: Mapping[str, int]) -> list[tuple[str, str | None]]:
    """`-nproduction` is `-n production`, `-Aw` is `-A -w`. None: the value is the word that follows."""
    found: list[tuple[str, str | None]] = []
    for place, letter in enumerate(word[1:], 1):
        name = f"-{letter}"
        if name not in arities:
            return [(word.partition("=")[0], "")]
        if arities[name]:
            return [*found, (name, word[place + 1 :] or None)]
        found.append((name, ""))
    return found
