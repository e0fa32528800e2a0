"""What the API server's own log says Handrail's identities did, held against what was approved in the record.

The log is the target's, not ours: it is what tells whether a promise was kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from handrail.store import Store

ACCOUNTS = "system:serviceaccount:handrail:"
CHANGES = "change"
INSIDE = "look-inside"
OTHERS = ("fault-injector",)  # the trouble is its own to make
WRITES = ("create", "update", "patch", "delete", "deletecollection")
WAYS_IN = ("exec", "attach", "portforward", "proxy")
SLACK = timedelta(seconds=1)  # the server notes a request when it comes, we note ours before and after


@dataclass(frozen=True, kw_only=True)
class Permitted:
    """The time in which an approved command ran: from its intent to its outcome."""

    plan: str
    since: datetime
    until: datetime | None  # None where its outcome is not known


def size(path: Path) -> int:
    """How long the log is now, so that only what comes after is judged."""
    return path.stat().st_size if path.exists() else 0


def lines_since(path: Path, size_before: int) -> list[str]:
    """The whole lines written since; all of the new file where the log was begun anew in the middle, and the old's rest."""
    if not path.exists():
        return []
    parts = [(path, size_before)]
    if size(path) < size_before:
        rotated = sorted(path.parent.glob(f"{path.stem}-*{path.suffix}"))
        parts = [*((one, size_before) for one in rotated[-1:]), (path, 0)]
    return [line for one, start in parts for line in _from(one, start)]


def _from(path: Path, start: int) -> Iterator[str]:
    """Line by line from there on: the whole log may be larger than all that a drill needs, and its memory is measured."""
    with path.open("rb") as log:
        log.seek(start)
        for raw in log:
            if line := raw.decode(errors="replace").strip():
                yield line


def permits(store: Store) -> list[Permitted]:
    """Every command that may have changed something, if a person said yes to its plan before it began."""
    found = []
    for run in store.runs():
        for row in store.intents_of(f"R-{run['number']}"):
            said = [decision for decision in store.decisions_of(row["plan"]) if decision["yes"]]
            if any(decision["at"] <= row["at"] for decision in said):
                found.append(Permitted(plan=row["plan"], since=row["at"], until=row["outcome_at"]))
    return found


def problems(lines: Iterable[str], permitted: Sequence[Permitted]) -> list[str]:
    """Writes by Handrail's identities that nothing allowed, a sentence each; a line that cannot be read is one."""
    found: dict[str, None] = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            found["a line of the API server's log cannot be read"] = None
            continue
        if says := _problem(entry, permitted):
            found[says] = None
    return list(found)


def writes(lines: Iterable[str]) -> dict[str, int]:
    """How many real writes each of Handrail's identities made: what a drill prints, and what shows that the log is on.

    One that the server refused changed nothing: it is no write. `handrail doctor` tries one on purpose.
    """
    counted: dict[str, int] = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        who = _account(entry)
        inside = who == CHANGES and entry.get("objectRef", {}).get("subresource") in WAYS_IN
        if who and (inside or entry.get("verb") in WRITES) and not _dry(entry) and not _refused(entry):
            counted[who] = counted.get(who, 0) + 1
    return counted


def _problem(entry: dict[str, Any], permitted: Sequence[Permitted]) -> str:
    who = _account(entry)
    way_in = entry.get("objectRef", {}).get("subresource") in WAYS_IN
    if not who or who in OTHERS or _refused(entry) or (entry.get("verb") not in WRITES and not way_in):
        return ""
    what = f"{who}: {entry.get('verb')} {_address(entry)}"
    if who == CHANGES:
        at = datetime.fromisoformat(entry["requestReceivedTimestamp"])
        if _dry(entry) or any(within(at, permit) for permit in permitted):
            return ""
        return f"{what} at {at:%H:%M:%S} without an approved plan at that time"
    if way_in:
        return "" if who == INSIDE else f"{what} goes into a container, which is not for {who}"
    return "" if _dry(entry) else f"{what} is a write that is no dry run, by an identity that may only look or preview"


def _account(entry: dict[str, Any]) -> str:
    name = str(entry.get("user", {}).get("username", ""))
    return name.removeprefix(ACCOUNTS) if name.startswith(ACCOUNTS) else ""


def _address(entry: dict[str, Any]) -> str:
    about = entry.get("objectRef", {})
    parts = (about.get("resource"), about.get("subresource"), about.get("namespace"), about.get("name"))
    return "/".join(str(part) for part in parts if part)


def _dry(entry: dict[str, Any]) -> bool:
    """A dry run shows in the request's address; that of a deletion in its body."""
    if parse_qs(urlsplit(str(entry.get("requestURI", ""))).query).get("dryRun") == ["All"]:
        return True
    body = entry.get("requestObject")
    return entry.get("verb") == "delete" and isinstance(body, dict) and body.get("dryRun") == ["All"]


def _refused(entry: dict[str, Any]) -> bool:
    return int(entry.get("responseStatus", {}).get("code", 0)) >= 400


def within(at: datetime, permit: Permitted) -> bool:
    """Whether a moment of the target's log lies in the time of an approved command."""
    return permit.since - SLACK <= at and (permit.until is None or at <= permit.until + SLACK)
