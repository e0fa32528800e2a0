"""How Handrail looks in a terminal: colour where it is wanted, columns that align, plain lines when piped.

Text from documents is data: a character that would steer the terminal is shown, never sent.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TextIO

CODES = {"strong": "1", "soft": "2", "bad": "31", "good": "32", "changes": "33", "reads": "34"}
GAP = "  "
NARROWEST = 40


def columns(rows: Sequence[Sequence[str]], *, heads: Sequence[str] = (), out: TextIO | None = None) -> None:
    """Print rows as aligned columns. In a terminal the last column is wrapped inside itself; piped, nothing is."""
    out = out or sys.stdout
    every = [[clean(cell) for cell in row] for row in rows]
    titled = [[clean(cell) for cell in heads], *every] if heads else every
    if not titled:
        return
    widths = [max(cells(row[at]) for row in titled if at < len(row)) for at in range(max(map(len, titled)) - 1)]
    before = sum(widths) + len(GAP) * len(widths)
    room = max(width(out) - before, NARROWEST // 2) if out.isatty() else 0
    for number, row in enumerate(titled):
        *first, last = row
        start = "".join(pad(cell, widths[at]) + GAP for at, cell in enumerate(first))
        lines = wrapped(last, room) if room else [last]
        print(paint((start + lines[0]).rstrip(), "soft" if heads and number == 0 else "", out=out), file=out)
        for line in lines[1:]:
            print(" " * before + line, file=out)


def ask(question: str) -> bool:
    """Ask the person at the terminal; only a plain yes is a yes, and nobody there is a no."""
    print(question, end="", flush=True)
    try:
        answer = input()
    except EOFError:
        print()
        return False
    return answer.strip().lower() in ("y", "yes")


def note(text: str) -> None:
    """Progress, on standard error and only where someone looks at it."""
    if sys.stderr.isatty():
        print(paint(text, "soft", out=sys.stderr), file=sys.stderr, flush=True)


def aside(text: str) -> None:
    """What someone should know beside what was asked for: on standard error, so that what is piped stays what it is."""
    say(text, out=sys.stderr)


def paint(text: str, look: str, *, out: TextIO | None = None) -> str:
    """The text in a look of `CODES`, or as it is where colour is not wanted."""
    return f"\033[{CODES[look]}m{text}\033[0m" if look and text and coloured(out or sys.stdout) else text


def coloured(out: TextIO) -> bool:
    """Whether this stream gets colour: a terminal that can, and nobody asked for none (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return out.isatty()


def width(out: TextIO | None = None) -> int:
    """How many cells a line has: the terminal's, else COLUMNS, else 100 for what is piped."""
    out = out or sys.stdout
    if out.isatty():
        return max(shutil.get_terminal_size((80, 24)).columns, NARROWEST)
    told = os.environ.get("COLUMNS", "")
    return max(int(told), NARROWEST) if told.isdigit() else 100


def clean(text: str) -> str:
    """The text with every control, bidirectional or invisible character made visible, tabs as four spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char == "\t":
        return " " * 4
    if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"):
        return char
    if char < " ":
        return chr(0x2400 + ord(char))
    return f"\\u{{{ord(char):x}}}"


def cells(text: str) -> int:
    """How many cells a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def pad(text: str, to: int) -> str:
    """The text, filled with spaces up to so many cells."""
    return text + " " * (to - cells(text))


def wrapped(text: str, room: int) -> list[str]:
    """The lines of a text in so much room. Nothing is cut away; a word longer than a line goes on in the next."""
    return textwrap.wrap(text, max(room, NARROWEST // 2), break_on_hyphens=False, drop_whitespace=True) or [""]


def hanging(start: str, text: str, *, out: TextIO | None = None, least: int = NARROWEST // 2) -> list[str]:
    """`start` with the text behind it. In a terminal it keeps to its width, and further lines begin under the text.

    Where fewer than `least` cells are left behind `start`, what does not fit there stands below, further to the left.
    """
    out = out or sys.stdout
    start, text = clean(start), clean(text.replace("\n", " "))
    before = cells(start)
    if not out.isatty() or before + cells(text) <= width(out):
        return [(start + text).rstrip()]
    if width(out) - before < least:
        before = len(start) - len(start.lstrip()) + 4
        return [start.rstrip(), *(" " * before + line for line in wrapped(text, width(out) - before))]
    first, *more = wrapped(text, width(out) - before)
    return [(start + first).rstrip(), *(" " * before + line for line in more)]


def say(text: str, *, out: TextIO | None = None) -> None:
    """Print prose, at once and within the terminal's width; what is indented keeps its indent."""
    out = out or sys.stdout
    for line in text.split("\n"):
        told = line.lstrip(" ")
        print("\n".join(hanging(line[: len(line) - len(told)], told, out=out)), file=out, flush=True)


def flowing(text: str, *, out: TextIO | None = None) -> str:
    """Markdown whose paragraphs and list items keep to the terminal's width; code, tables and headings stay as they are."""
    told, in_code = [], False
    for line in text.split("\n"):
        in_code ^= line.lstrip().startswith("```")
        if in_code or not line or line.lstrip().startswith(("```", "|", "#", "    ")):
            told.append(line)
            continue
        item = re.match(r"\s*(?:(?:[-*>]|\d+[.)])\s+(?:\[[ x]\]\s+)?)?", line)
        start = item[0] if item else ""
        told += hanging(start, line[len(start) :], out=out)
    return "\n".join(told)


def span_of_time(low: float | None, high: float) -> str:
    """`10 to 20 min`, `up to 5 min`, `1 to 4 h`, `90 s`, from seconds."""
    size, unit = next(((size, unit) for size, unit in ((3600, "h"), (60, "min")) if not high % size), (1, "s"))
    if low is not None and low % size:
        size, unit = (60, "min") if not low % 60 else (1, "s")
    top = f"{high / size:g} {unit}"
    if low is None:
        return f"up to {top}"
    return top if low == high else f"{low / size:g} to {top}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
