"""What the sender of a webhook is told of it: taken whole, set aside in part, read how."""

from __future__ import annotations

from handrail import alerts
from handrail.engine.desk import Receipt
from handrail.incidents.words import count

TOLD = 20  # sentences of one answer


def of(found: alerts.Notification, *, post: int) -> Receipt:
    """For a message that is stored."""
    flaws = found.read_how()
    aside = [_aside(one) for one in found.aside[:TOLD]]
    notes = (note for notes in (found.notes, *(one.notes for one in found.alerts)) for note in notes)
    read = [f"alert {note.alert}: {note.says}" if note.alert >= 0 else note.says for note, _ in zip(notes, range(TOLD))]  # noqa: B905
    said = [f"{count(len(found.alerts), 'alert')} stored"]
    if found.aside:
        said.append(f"{len(found.aside)} set aside for a person: {aside[0]}")
    if flaws:
        said.append(f"{count(sum(flaws.values()), 'flaw')} read over: {read[0]}")
    if found.truncated:
        said.append(f"its sender left out {count(found.truncated, 'alert')}")
    return Receipt(
        status=202,
        reason="; ".join(said),
        post=post,
        sender=found.sender,
        alerts=len(found.alerts),
        set_aside=aside,
        truncated=found.truncated,
        read=read,
        flaws=dict(flaws),
    )


def _aside(one: alerts.Aside) -> str:
    return f"alert {one.alert}: {one.reason}" if one.alert >= 0 else one.reason
