"""Follows an incident in a terminal: the record as it grows, what it waits for, until it is over or a person is asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol, TextIO

from handrail.cli import terminal
from handrail.client.asking import part

EVERY = 0.5


class Tells(Protocol):
    """What is asked for the news."""

    def get(self, path: str, **query: str | int) -> Any:
        """What stands there."""


def follow(desk: Tells, incident: str, *, after: int = 0, until_asked: bool = True, out: TextIO | None = None) -> int:
    """Print events as they come. Returns 0 when the incident is over, 1 when a person is asked or has to act.

    `until_asked` False goes on while a plan waits. What it waits for stands on standard error, where someone looks.
    """
    out = out or sys.stdout
    seen, told = after, ""
    while True:
        news = desk.get(f"/incidents/{part(incident)}/news", after=seen)
        seen = int(news["last"])
        for line in news["lines"]:
            at = datetime.fromisoformat(line["at"])
            for text in laid_out(at, line["about"], line["says"], steps=news["steps"], out=out):
                print(text, file=out, flush=True)
        if not news["open"]:
            _clear()
            return 0
        asked = news["asked"]
        if asked and until_asked:
            _clear()
            terminal.say(
                f"Waiting for your approval: {asked['title']}. handrail plan {news['incident']}, "
                f"then handrail approve {asked['hash'][:8]}"
            )
            return 1
        if news["handed_over"] and until_asked:
            _clear()
            return 1
        says = f"{news['incident']}  {news['open_for']}  {news['waits_for']}"
        if says != told:
            told = says
            _progress(says)
        time.sleep(EVERY)


def laid_out(at: datetime, about: str, says: str, *, steps: Collection[str], out: TextIO) -> list[str]:
    """One line of the record: when, which step, what; the steps under one another. In a terminal it keeps to its width."""
    start = f"  {at.astimezone():%H:%M:%S}  "
    if not about:
        return terminal.hanging(start, says, out=out)
    widest = max(map(terminal.cells, [about, *steps]))
    if not out.isatty() or widest <= (terminal.width(out) - len(start)) // 2:
        return terminal.hanging(start + terminal.pad(about, widest) + "  ", says, out=out)
    # titles too long for two columns: what they say stands below, for all of them alike
    return [*terminal.hanging(start, about, out=out), *terminal.hanging(" " * len(start) + "  ", says, out=out)]


def _progress(says: str) -> None:
    """One line that is written over, only where someone looks at standard error."""
    if sys.stderr.isatty():
        room = terminal.width(sys.stderr) - 1
        print(f"\r\033[K{terminal.clean(says)[:room]}", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
