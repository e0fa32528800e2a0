"""What Handrail sends to people who are paged. The subject says what is wanted; the first line alone must do.

A message is made when it is sent, from what is known at that moment: `About` holds that in plain values. What waits and
is not worth sending any more is `Moot`, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from handrail.incidents import words

SUBJECT, LINE = 90, 200  # characters of what is wrong in a subject, and of a line of what was found
FOUND = 2  # lines of what was found
WORST_FIRST = ("critical", "high", "unknown", "medium", "warning", "low", "info")


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is sent. `line` tells it among others; `rank` puts what asks for more before what asks for less."""

    title: str
    body: str
    severity: str = ""  # empty where nothing is wrong any more
    incident: str = ""
    line: str = ""
    rank: int = 9
    alone: bool = False  # it is never gathered with others: a file goes with it
    details: Sequence[str] = ()  # of its body, what is told among others too: what a storm has hit


@dataclass(frozen=True, kw_only=True)
class Moot:
    """Not worth sending any more, and why."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A plan that waits, in words."""

    hash: str
    title: str
    effect: Sequence[str] = ()  # what the target says would differ, what it reaches
    expected: str = ""  # what it is expected to do
    way_back: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class About:
    """The incident that a message is about, as it stands now. `link` is empty where the server has no public address."""

    incident: str
    title: str
    severity: str
    environment: str
    scope: str = ""
    runbook: str = ""  # `RB-002`, empty where none was chosen
    has_it: str = ""
    drill: bool = False
    since: datetime | None = None
    now: datetime | None = None
    zone: tzinfo = UTC  # where the people are
    found: Sequence[str] = ()
    plan: Proposal | None = None
    link: str = ""


# -- one for each occasion ------------------------------------------------------------------------------------------


def page(
    about: About, *, level: int, role: str, because: str, duties: Sequence[str] = (), lists: Sequence[str] = ()
) -> Message:
    """Someone is paged. Where a plan waits, the page asks for that. `lists` is what a storm has hit."""
    called = f"Page, level {level} ({role.lower()}): {because}." if role else f"Page, level {level}: {because}."
    lines = ["What is expected of you:", *(f"- {duty}" for duty in duties)] if duties else []
    asks = "Approve?" if about.plan else "Acknowledge?"
    what = about.plan.title if about.plan else about.title
    told = _message(about, asks, what, [called, *(["", *lists] if lists else [])], rank=2, then=lines)
    return replace(told, details=tuple(lists))


def storm(about: About, *, lists: Sequence[str]) -> Message:
    """A storm goes on: all of it, with what is critical by now."""
    asks = "The storm grows" if about.has_it else "Acknowledge?"
    told = _message(about, asks, about.title, ["Critical scopes joined since the last message.", "", *lists], rank=2)
    return replace(told, details=tuple(lists))


def digest(about: About, *, services: Sequence[str], lists: Sequence[str]) -> Message:
    """Who answers for services hears once which of them a storm has hit."""
    told = f"{words.count(len(services), 'service')} of yours: {', '.join(services)}."
    says = [told, *lists, "Who is on call is paged for all of it; you are not asked to do anything by this message."]
    return _message(about, "Your services", about.title, says, rank=5, acts=False)


def proposal(about: About) -> Message:
    """The plan of `about` waits for an approval."""
    assert about.plan is not None
    return _message(about, "Approve?", about.plan.title, ["A plan waits for approval."], rank=0)


def unknown(about: About, *, title: str, command: str) -> Message:
    """Nobody can know from here whether a change happened. `command` is how a person says so at a terminal."""
    says = [f"Outcome unknown: {_stopped(title)} It may or may not have happened; Handrail does not repeat it."]
    return _message(
        replace(about, plan=None), "Outcome unknown", title, says, rank=1, does=f"Check the target, then run: {command}"
    )


def did_not_help(about: About, *, title: str, says: str, undo: str = "") -> Message:
    """A change was made and its checks do not hold. `undo` is the command that takes it back, where it can be."""
    lines = [f"Not fixed: {_stopped(title)} The change was made and verification failed{_because(says)}"]
    return _message(about, "Not fixed", title, lines, rank=3, does=f"To roll back, run: {undo}" if undo else "")


def failed(about: About, *, title: str, says: str) -> Message:
    """A change failed."""
    return _message(about, "Failed", title, [f"The change failed: {title.rstrip('.')}{_because(says)}"], rank=3)


def refused(about: About, *, title: str, by: str, says: str) -> Message:
    """A plan was refused, by a person or by the target."""
    return _message(about, "Refused", title, [f"{by} refused: {title.rstrip('.')}{_because(says)}"], rank=5)


def handed_over(about: About, *, says: str) -> Message:
    """Handrail has nothing left to propose."""
    lines = [f"Handrail has nothing left to propose{_because(says)}"]
    does = f"To work by hand, run: handrail takeover {about.incident}"
    return _message(about, "Take over?", about.title, lines, rank=1, does=does)


def closed(about: About, *, took: str, reason: str) -> Message:
    """It is over."""
    title = f"{_drill(about)}Over: {_subject(about, about.title)} · {about.incident} · after {took}"
    says = f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
    line = f"Over after {took} · {about.incident} · {_cut(_subject(about, about.title), LINE)}"
    return Message(title=title, body="\n".join([says, *_link(about, "")]), incident=about.incident, line=line, rank=6)


def channel(about: About) -> Message:
    """A team's channel hears that an incident is on."""
    return _message(about, "Incident", about.title, ["Coordinate this incident here."], rank=4, acts=False)


def commander(about: About) -> Message:
    """Someone is asked to command."""
    says = "You are asked to command this incident: decide, keep an overview, keep your hands off the keyboard."
    return _message(about, "Command?", about.title, [says], rank=2)


def told(title: str, body: str, *, incident: str, alone: bool = False) -> Message:
    """A text that stands by itself: an update for stakeholders, an invitation."""
    return Message(title=title, body=body, incident=incident, line=title, alone=alone, rank=7)


# -- several at once --------------------------------------------------------------------------------------------------


def gathered(several: Sequence[Message]) -> Message:
    """Messages that wait for one person, as one: of one incident the most urgent with the others below it, of several a
    line for each, worst first. None is left out."""
    ordered = sorted(several, key=lambda one: (_badness(one.severity), one.rank))
    first = ordered[0]
    if len(ordered) == 1:
        return first
    if len({one.incident for one in ordered}) == 1:
        first = min(ordered, key=lambda one: one.rank)
        rest = [one for one in ordered if one is not first]
        also = ["", "Also:", *(f"- {one.line}" for one in rest), *_details(rest)]
        return replace(first, body="\n".join([first.body, *also]))
    incidents = len({one.incident for one in ordered})
    counts = [
        f"{count} {severity}"
        for severity in dict.fromkeys(one.severity.lower() for one in ordered)
        if severity and (count := len({one.incident for one in ordered if one.severity.lower() == severity}))
    ]
    over = all(not one.severity for one in ordered)
    told = f"{words.count(incidents, 'incident')}{': ' if counts else ''}{', '.join(counts)}"
    drill = "Drill. " if all(one.title.startswith("Drill. ") for one in ordered) else ""
    return Message(
        title=f"{drill}{told}. {_cut(first.line, SUBJECT)}",
        body="\n".join([f"{told}.", "", *(f"- {one.line}" for one in ordered), *_details(ordered)]),
        severity="" if over else first.severity,
        rank=first.rank,
    )


def _details(several: Sequence[Message]) -> list[str]:
    return [line for one in several if one.details for line in ("", f"{one.incident}:", *one.details)]


# -- its parts --------------------------------------------------------------------------------------------------------


def _message(
    about: About,
    asks: str,
    what: str,
    says: Sequence[str],
    *,
    rank: int,
    then: Sequence[str] = (),
    does: str = "",
    acts: bool = True,
) -> Message:
    """Subject `asks what · incident · severity`; then the sentence, the facts, the plan, what to do and where."""
    severity = about.severity.lower() or "unknown"
    title = f"{_drill(about)}{asks}{'' if asks.endswith('?') else ':'} {_subject(about, what)} · {about.incident} · {severity}"
    action = does or (_action(about) if acts else "")
    body = [headline(about), *says, "", *_facts(about), *_plan(about), *_link(about, action)]
    if then:
        body += ["", *then]
    short = action.rpartition(": ")[2] if acts else ""
    line = f"{_drill(about)}{severity.capitalize()} · {about.incident} · {asks} {_subject(about, what)}"
    return Message(
        title=title,
        body="\n".join(body),
        severity=severity,
        incident=about.incident,
        line=" · ".join(part for part in (line, short, about.link) if part),
        rank=rank,
    )


def headline(about: About) -> str:
    """`Critical: 4.8 % of requests to api-gateway fail (production). RB-002 is looking; Ana Ruiz has it.`"""
    looking = f"{about.runbook} is looking" if about.runbook else "No runbook is chosen yet"
    looking = f"{about.runbook} waits for approval" if about.plan and about.runbook else looking
    has_it = f"{about.has_it} has it" if about.has_it else "nobody has acknowledged"
    severity = about.severity[:1].upper() + about.severity[1:] or "Unknown severity"
    return f"{_drill(about)}{severity}: {_flat(about.title).rstrip('.')} ({about.environment}). {looking}; {has_it}."


def _facts(about: About) -> list[str]:
    lines = [f"Incident: {about.incident}"]
    if about.scope:
        lines.append(f"Scope: {_cut(about.scope, LINE)}")
    if about.since and about.now:
        at = words.local(about.since.astimezone(about.zone), now=about.now)
        lines.append(f"Since: {at} ({words.duration(about.now - about.since)})")
    return [*lines, *(f"Found: {_cut(found, LINE)}" for found in about.found[:FOUND])]


def _plan(about: About) -> list[str]:
    plan = about.plan
    if plan is None:
        return []
    lines = ["", f"Plan: {_flat(plan.title).rstrip('.')} ({plan.hash[:8]})"]
    lines += [f"Effect: {_cut(effect, LINE)}" for effect in plan.effect]
    lines += [f"Expected: {_cut(plan.expected, LINE)}"] if plan.expected else []
    lines.append(f"Rollback: {_cut(plan.way_back, LINE)}")
    if plan.expires_at and about.now:
        at = words.local(plan.expires_at.astimezone(about.zone), now=about.now)
        lines.append(f"Expires: {at} (in {words.duration(plan.expires_at - about.now)})")
    return lines


def _action(about: About) -> str:
    if about.plan:
        return f"To approve, run: handrail approve {about.plan.hash[:8]}"
    return "" if about.has_it else f"To acknowledge, run: handrail ack {about.incident}"


def _link(about: About, action: str) -> list[str]:
    """Where all of it is shown, and what to type at a terminal; without an address to link to, the command that shows it."""
    shown = (
        f"{'Full plan and rollback' if about.plan else 'Incident'}: {about.link or f'handrail plan {about.incident}'}"
    )
    return ["", shown, *([action] if action else [])]


def _drill(about: About) -> str:
    return "Drill. " if about.drill else ""


def _subject(about: About, what: str) -> str:
    """`shop-web: restart it`: the scope once, however the sentence begins."""
    text = _cut(_flat(what).rstrip("."), SUBJECT)
    scope = _flat(about.scope)
    return text if not scope or scope.lower() in text.lower() else f"{_cut(scope, SUBJECT // 2)}: {text}"


def _stopped(text: str) -> str:
    return f"{_flat(text).rstrip('.')}."


def _because(says: str) -> str:
    text = _cut(_flat(says).rstrip("."), LINE)
    return f": {text}." if text else "."


def _flat(text: str) -> str:
    """One line: an alert's author may have put others there."""
    return " ".join(text.split())


def _cut(text: str, most: int) -> str:
    flat = _flat(text)
    return flat if len(flat) <= most else f"{flat[: most - 1].rstrip()}…"


def _badness(severity: str) -> int:
    """The worst first; what nobody knows counts as above warning; what is over is last."""
    word = severity.lower()
    if not word:
        return len(WORST_FIRST)
    return WORST_FIRST.index(word) if word in WORST_FIRST else WORST_FIRST.index("unknown")
