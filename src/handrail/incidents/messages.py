"""What Handrail sends to people who are called. The first line alone must do; nothing asks to approve what is not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Message:
    """A title that stands alone, and a body."""

    title: str
    body: str


@dataclass(frozen=True, kw_only=True)
class About:
    """The incident that a message is about, in plain values. `link` is empty where the server has no public address."""

    incident: str
    title: str
    severity: str
    environment: str
    runbook: str = ""  # `RB-002`, empty where none was chosen
    has_it: str = ""
    drill: bool = False
    link: str = ""


def headline(about: About) -> str:
    """`Critical: 4.8 % of requests to api-gateway fail (production). RB-002 is looking; Ana Ruiz has it.`"""
    drill = "Drill. " if about.drill else ""
    looking = f"{about.runbook} is looking" if about.runbook else "No runbook was chosen yet"
    has_it = f"{about.has_it} has it" if about.has_it else "nobody has it yet"
    severity = about.severity[:1].upper() + about.severity[1:] or "Unknown severity"
    return f"{drill}{severity}: {about.title.rstrip('.')} ({about.environment}). {looking}; {has_it}."


def page(about: About, *, level: int, role: str, because: str, duties: Sequence[str]) -> Message:
    """Someone is called."""
    called = f"You are called as level {level}, {role.lower()}" if role else f"You are called as level {level}"
    lines = [f"{called}: {because}."]
    if duties:
        lines += ["", "What is expected of you:", *(f"- {duty}" for duty in duties)]
    return Message(title=headline(about), body="\n".join([*lines, *_link(about)]))


def proposal(about: About, *, title: str, effect: str, plan: str) -> Message:
    """A plan waits. What it would do is shown where the button is, not here."""
    expected = f" It is expected that {effect}." if effect else ""
    body = f"A plan waits for a decision: {title} (plan {plan[:4]} {plan[4:8]}).{expected}"
    shown = (
        f"It is shown whole, with its way back, at {about.link}."
        if about.link
        else (f"See it whole, with its way back: handrail plan {about.incident}")
    )
    return Message(title=headline(about), body=f"{body}\n{shown}")


def unknown(about: About, *, title: str) -> Message:
    """Nobody can know from here whether a change happened."""
    body = f"{title}: it may or may not have happened, and Handrail will not repeat it. A person must look and say."
    return Message(title=headline(about), body="\n".join([body, *_link(about)]))


def closed(about: About, *, took: str, reason: str) -> Message:
    """It is over."""
    drill = "Drill. " if about.drill else ""
    title = f"{drill}Over: {about.title.rstrip('.')} ({about.environment}), after {took}."
    return Message(title=title, body="\n".join([f"{reason[:1].upper()}{reason[1:].rstrip('.')}.", *_link(about)]))


def channel(about: About) -> Message:
    """A team's channel hears that an incident is on."""
    return Message(title=headline(about), body="\n".join(["This incident is dealt with here.", *_link(about)]))


def commander(about: About) -> Message:
    """Someone is asked to command."""
    body = "You are asked to command this incident: decide, keep an overview, keep hands off the keyboard."
    return Message(title=headline(about), body="\n".join([body, *_link(about)]))


def _link(about: About) -> list[str]:
    return ["", about.link] if about.link else []
