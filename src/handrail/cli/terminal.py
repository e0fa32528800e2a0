"""How Handrail looks in a terminal: aligned columns, colour where there is a terminal and nobody asked for none."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

COLOURS = {"bad": "31", "good": "32", "warn": "33", "read": "36", "soft": "2", "strong": "1"}


def coloured() -> bool:
    """Whether standard output is a terminal that may be coloured."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, tone: str) -> str:
    """The text in a tone, plain where colours are off."""
    return f"\x1b[{COLOURS[tone]}m{text}\x1b[0m" if coloured() and tone in COLOURS else text


def columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with aligned columns; the last one is not padded."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row[:-1], widths[:-1], strict=True)]
        print("  ".join([*cells, row[-1]]).rstrip())


def ask(question: str) -> bool:
    """A yes or no from the person at the terminal; anything but y is no."""
    print(question, end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
