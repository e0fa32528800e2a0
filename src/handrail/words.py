"""Figures and lists as people read them: durations in human form, local time with the date when it is not today."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any


def duration(span: timedelta) -> str:
    """Two units at most: `34 s`, `1 min 34 s`, `2 h 5 min`, `3 d 4 h`; tenths below ten seconds.

    >>> duration(timedelta(seconds=94)), duration(timedelta(seconds=0.25)), duration(timedelta(hours=2))
    ('1 min 34 s', '0.2 s', '2 h')
    """
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 9.95 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = int(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def clock(moment: datetime, *, now: datetime, zone: tzinfo, seconds: bool = True) -> str:
    """The time of day where the reader is; with the date when that is not today's."""
    there, today = moment.astimezone(zone), now.astimezone(zone).date()
    text = f"{there:%H:%M:%S}" if seconds else f"{there:%H:%M}"
    return text if there.date() == today else f"{there:%Y-%m-%d} {text}"


def local(moment: datetime, *, now: datetime) -> str:
    """A time in its own time zone, with the zone's name: `09:00 Europe/Berlin`, `2026-03-30 09:00 Europe/Berlin`."""
    zone = moment.tzinfo or UTC
    return f"{clock(moment, now=now, zone=zone, seconds=False)} {zone}"


def count(figure: int, one: str, many: str = "") -> str:
    """`1 row`, `3 rows`."""
    return f"{figure} {one if figure == 1 else many or one + 's'}"


def short(digest: str) -> str:
    """The beginning of a hash in two groups of four, as people say it: `7f3a 91c2`."""
    return f"{digest[:4]} {digest[4:8]}"


def shell(stages: Sequence[Sequence[str]], sql: str | None = None) -> str:
    """Argument vectors as one line to read; quoting shows where each argument ends."""
    shown = " | ".join(shlex.join(stage) for stage in stages)
    return shown or (sql or "")


def listed(items: Sequence[str], *, last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f" {last} ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


TOOLS = frozenset(
    [
        "aws",
        "cat",
        "chmod",
        "chown",
        "cp",
        "curl",
        "docker",
        "git",
        "grep",
        "helm",
        "iptables",
        "jq",
        "kubectl",
        "mv",
        "npm",
        "oc",
        "ping",
        "psql",
        "rm",
        "rsync",
        "sed",
        "ssh",
        "systemctl",
        "terraform",
        "top",
    ]
)


def sentence(text: str) -> str:
    """With a capital at its start, unless that is a program's name, and a stop at its end."""
    text = text.strip()
    if not text:
        return ""
    first = text.split()[0]
    keep = first in TOOLS or not first.rstrip(",:.?").isalpha()
    return (text[0] if keep else text[0].upper()) + text[1:] + ("" if text[-1] in ".?!:" else ".")


def waits(run: Mapping[str, Any]) -> str:
    """What a run waits for, in words; while checks are read, also for how long they hold."""
    told = str(run["waits_for"] or "")
    if run["verifying"] and run.get("hold") is not None:
        return f"{told}; held {run['held']} of {run['hold']} s"
    return told
