"""The events as sentences, newest first; what comes in numbers is one line that opens."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.evidence import Event, Look
from handrail.incidents import sentences, words

TIMELINE = 120

TONES = {
    "verified": "good",
    "incident_closed": "good",
    "did_not_help": "bad",
    "still_wrong": "bad",
    "checks_hold": "good",
    "unknown": "bad",
    "trouble": "bad",
    "decision": "accent",
    "plan_proposed": "accent",
    "outcome": "accent",
}

FOLDED = ("evidence", "message", "task_done")  # what comes in numbers: one line that opens


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the timeline. `more` are the sentences that were folded into it."""

    at: datetime
    says: str
    tone: str = ""
    more: tuple[str, ...] = ()
    known_by: str = ""


def timeline(events: Sequence[Event], names: sentences.Names) -> Iterable[Line]:
    """The events as sentences, newest first; looks, messages and tasks that came together are one line that opens."""
    lines: list[Line] = []
    together: list[Event] = []

    def fold() -> None:
        if len(together) == 1 and together[0].kind != "message":
            lines.append(_line(together[0], names))
        elif together:
            told = tuple(sentences.sentence(event, names) for event in together)
            lines.append(Line(at=together[-1].at, says=_together(together), more=told))
        together.clear()

    for event in _said_once(events):
        if event.kind in ("series", "watched"):
            continue
        if together and (event.kind != together[0].kind or event.actor != together[0].actor):
            fold()
        if event.kind in FOLDED:
            together.append(event)
        else:
            lines.append(_line(event, names))
    fold()
    return lines[: -TIMELINE - 1 : -1]


def _said_once(events: Sequence[Event]) -> Iterable[Event]:
    """Without the reason of an incident's end where it is that of its run's, which stands a line below."""
    ended = ""
    for event in events:
        if event.kind == "run_ended":
            ended = str(event.payload.get("reason", ""))
        if event.kind == "incident_closed" and ended and event.payload.get("reason") == ended:
            yield dataclasses.replace(event, payload={**event.payload, "reason": ""})
        else:
            yield event


def _together(events: Sequence[Event]) -> str:
    """`6 looks: 5 answered, 1 did not`, `Told Ana Ruiz and stakeholders`, `3 tasks were completed by Handrail`."""
    if events[0].kind == "evidence":
        answered = sum(event.payload.get("look") == Look.SEEN for event in events)
        rest = len(events) - answered
        return f"{words.count(len(events), 'look')}: {answered} answered" + (f", {rest} did not" if rest else "") + "."
    who = list(dict.fromkeys(str(event.payload.get("person", "")) for event in events))
    if events[0].kind == "message":
        return f"Told {words.listed(who)}."
    return f"{len(events)} tasks were completed by {words.listed(who)}."


def _line(event: Event, names: sentences.Names) -> Line:
    if event.kind == "update":  # what was said stands in full where users' words stand
        says = words.sentence(f"stakeholders told: {event.payload['status']}")
        return Line(at=event.at, says=says, more=(str(event.payload["text"]),))
    return Line(
        at=event.at,
        says=sentences.sentence(event, names),
        tone=TONES.get(event.kind, ""),
        known_by=event.actor.known_by if event.actor.kind in ("person", "drill") else "",
    )
