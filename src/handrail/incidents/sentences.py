"""The timeline in sentences: one for each kind of event. A kind that nobody wrote a sentence for shows its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.evidence import Event, reading
from handrail.incidents import words
from handrail.runbooks.document import Runbook, command_id

QUIET = (
    "series",
    "watched",
    "message",
)  # kept for the page and for people elsewhere: nothing that someone at a terminal reads
AS_IT_CAME = 300  # characters of what could not be read
COMMAND = re.compile(r"\b[A-Za-z]+-\d+\.\d+\.\d+\b")


@dataclass(frozen=True, kw_only=True)
class Names:
    """What hashes and ids are called: a plan's title by its hash, a command's step by its id, a remedy's title by its key."""

    plans: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)
    remedies: Mapping[str, str] = field(default_factory=dict)

    def plan(self, digest: str) -> str:
        """`Roll back to revision 7 (plan 7f3a 91c2)`."""
        title = self.plans.get(digest, "")
        name = f"plan {words.short(digest)}" if digest else "a plan"
        return f"{title} ({name})" if title else name

    def command(self, command: str) -> str:
        """`3 Identify affected service`, or the id itself."""
        return self.steps.get(command, command)

    def within(self, text: str) -> str:
        """A text that names commands by their ids, with what they are called instead."""
        return COMMAND.sub(lambda found: f"“{self.steps[found[0]]}”" if found[0] in self.steps else found[0], text)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a sentence is made from: payload values as text, whatever they were stored as."""

    payload: Mapping[str, Any]
    actor: str
    names: Names

    def __getitem__(self, key: str) -> str:
        value = self.payload.get(key, "")
        if isinstance(value, list):
            return words.listed([str(item) for item in value])
        return "" if value is None else str(value)

    def true(self, key: str) -> bool:
        """Yes and no are stored as booleans or as words."""
        return self[key].lower() in ("true", "1", "yes")

    def after(self, mark: str, key: str) -> str:
        """The value behind `mark`, nothing where there is none."""
        return f"{mark}{self[key]}" if self[key] else ""

    @property
    def plan(self) -> str:
        """The plan that this is about, by the title that the event itself brings where nothing else names it."""
        names = self.names if self["plan"] in self.names.plans else Names(plans={self["plan"]: self["title"]})
        return names.plan(self["plan"])

    @property
    def remedy(self) -> str:
        """The remedy by its title; empty where none is meant."""
        return self.names.remedies.get(self["remedy"], self["remedy"])

    @property
    def person(self) -> str:
        """Who did it."""
        return self["person"] or self.actor


def _alert(told: Told) -> str:
    did = {"opens": "It opens this incident", "joins": "It joins this incident"}.get(told["decision"], told["decision"])
    said = f"Alert {told['name']} received from {told.actor}. {did}{told.after(': ', 'reason')}"
    return f"{said}{told.after('. Not all of it was as it should be: ', 'read')}"


def _set_aside(told: Told) -> str:
    raw = told.payload.get("parts")
    first = raw[0] if isinstance(raw, list) and raw and isinstance(raw[0], dict) else {}
    number = first.get("alert", -1)
    what = words.count(int(told["count"]), "alert") if told["count"].isdecimal() and number != -1 else "A message"
    why = f": {first['reason']}" if first.get("reason") else ""
    text = " ".join(str(first.get("text", "")).split())
    came = f". As it came: {text[:AS_IT_CAME]}{'…' if len(text) > AS_IT_CAME else ''}" if text else ""
    return f"{what} from {told['source']} could not be read and {'was' if what[:2] in ('A ', '1 ') else 'were'} set aside{why}{came}"


def _truncated(told: Told) -> str:
    return (
        f"{told['count']} alerts of this group were left out by {told['source']}, which sent {told['came']}: "
        "more is wrong than is listed here"
    )


def _evidence(told: Told) -> str:
    return f"{told.names.command(told['command'])}: {_seen(told)}"


def _seen(told: Told) -> str:
    if told["look"] in ("could not look", "not run", "left to a person"):
        return f"{told['look']}{told.after(', ', 'says')}"
    return told["says"]


def _decision(told: Told) -> str:
    return f"{told.person} {'approved' if told.true('yes') else 'refused'} {told.plan}{told.after(': ', 'reason')}"


def _outcome(told: Told) -> str:
    # a remedy that another runbook has written down is made by its own command: there the plan's title says more
    what = told.names.steps.get(told["command"]) or told.names.plans.get(told["plan"]) or told["command"]
    back = "Rollback of " if told.true("way_back") else ""  # else it reads as if the change was made twice
    return f"{back}{what} {_came_out(told)}"


def _came_out(told: Told) -> str:
    did = {
        "succeeded": "succeeded",
        "failed": "failed",
        "unknown": "has an unknown outcome",
    }.get(told["outcome"], told["outcome"])
    said = reading.short(told["detail"])
    return f"{did}{f': {said}' if said else ''}"


def _verified(told: Told) -> str:
    try:
        return f"Verified: the checks held for {words.duration(timedelta(seconds=float(told['held'])))}"
    except ValueError:
        return f"Verified: the checks held{told.after(' ', 'held')}"


def _weighed(told: Told) -> str:
    raw = told.payload.get("fits", [])
    named = [str(one).partition(": ") for one in (raw if isinstance(raw, list) else [raw] if raw else [])]
    fits = words.listed([f"{told.names.remedies.get(name, name)}{colon}{reason}" for name, colon, reason in named])
    return (
        f"Step {told['step']} weighed: {fits}"
        if fits
        else f"Step {told['step']} weighed: no evidence supports any option"
    )


def _clock(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%H:%M:%S} UTC"
    except ValueError:
        return text


SENTENCES: Mapping[str, Callable[[Told], str]] = {
    "alert_received": _alert,
    "alerts_set_aside": _set_aside,
    "alerts_truncated": _truncated,
    "alert_resolved": lambda told: f"Alert {told['name']} resolved",
    "alert_moved": lambda told: f"Alert {told['name']} goes on: its start is told as {_clock(told['starts_at'])} now",
    "alert_moved_out": lambda told: (
        f"{told.person} moved {told['name']} out: it is {told['to']} now{told.after(', with ', 'runs')}"
    ),
    "run_moved": lambda told: f"{told['run']} came along from {told['was']} with its alert",
    "severity_raised": lambda told: (
        f"Severity raised to {told['severity']}{told.after(' from ', 'was')}: {told['title']}"
        f"{told.after('. Paged again: ', 'had_by')}"
    ),
    "incident_opened": lambda told: f"Incident opened: {told['title']}{told.after(', ', 'severity')}",
    "storm_began": lambda told: (
        f"A storm began: {len(told.payload.get('incidents') or ())} incidents and one more opened within"
        f" {words.duration(timedelta(seconds=float(told.payload.get('within') or 0)))}, and gather here"
    ),
    "storm_ended": lambda told: (
        f"The storm ended{told.after(': ', 'reason')}. {told['incidents']} incidents gathered, {told['left']} go on"
    ),
    "incident_closed": lambda told: f"Incident closed{told.after(': ', 'reason')}",
    "runbook_chosen": lambda told: f"{told['runbook']} chosen{told.after(': ', 'reason')}",
    "runbook_undecided": lambda told: (
        f"No runbook was chosen{told.after(': ', 'reason').rstrip('.')}{told.after('. Candidates: ', 'candidates')}"
    ),
    "confirmed": lambda told: f"{told.person} confirmed the guessed runbook",
    "run_started": lambda told: (
        f"{told['run'] or 'A run'} began {told['runbook']}{' and only looks' if told['mode'] == 'looks' else ''}"
    ),
    "sign_in_failed": lambda told: f"Wrong credentials from {told['client']}: {told['wrong']} in 5 min",
    "documents_read": lambda told: f"Reloaded after an edit: {told['files']}",
    "handed_over": lambda told: f"Handed over to a person{told.after(': ', 'reason')}",
    "choice_weighed": _weighed,
    "picked": lambda told: f"{told.person} picked {told['title']}",
    "undo_wanted": lambda told: f"{told.person} asked for: {told['title']}",
    "values_given": lambda told: f"{told.person} filled in {told['values']}",
    "run_ended": lambda told: f"The run ended: {told['ending']}{told.after(', ', 'reason')}",
    "evidence": _evidence,
    "watched": lambda told: f"{told.names.command(told['command'])} was read again",
    "retrospective": lambda told: f"The retrospective is set for {told['says']}{told.after(', with ', 'people')}",
    "series": lambda told: f"The metric of the last minutes was kept{told.after(': ', 'name')}",
    "parameter_filled": lambda told: (
        f"<{told['name']}> is {told['value']}{told.names.within(told.after(', from ', 'source'))}"
    ),
    "parameter_refused": lambda told: f"A value for <{told['name']}> was refused{told.after(': ', 'reason')}",
    "plan_proposed": lambda told: (
        f"{'Beside it' if told['recommended'].lower() in ('false', '0') else 'Proposed'}: {told.plan}"
    ),
    "remedy_passed_over": lambda told: f"{told.remedy} passed over{told.names.within(told.after(': ', 'reason'))}",
    "plan_void": lambda told: f"No longer applies: {told.plan}{told.after('. ', 'reason')}",
    "decision": _decision,
    "intent": lambda told: (
        f"Running {told['runs_as'] or told.names.command(told['command'])}{told.after(' as ', 'identity')}"
    ),
    "outcome": _outcome,
    "unknown": lambda told: f"Outcome unknown: {told.names.command(told['command'])}{told.after(': ', 'detail')}",
    "settled": lambda told: (
        f"{told.person} confirmed that it {'happened' if told.true('happened') else 'did not happen'}"
    ),
    "looked": lambda told: (
        f"{told.person} looked and let the target go; nobody knows whether {told.names.command(told['command'])}"
        f" happened{told.after(': ', 'saw')}"
    ),
    "check": lambda told: f"{'Checks hold' if told.true('ok') else 'Checks do not hold'}{told.after(': ', 'says')}",
    "verified": _verified,
    "did_not_help": lambda told: f"{told.remedy or 'It'} did not help{told.after(': ', 'says')}",
    "held_back": lambda told: (
        f"{told.remedy} is held back: the alert fires, but its checks hold{told.after(': ', 'says')}"
    ),
    "still_wrong": lambda told: f"The alert resolved, but the checks still fail{told.after(': ', 'says')}",
    "checks_hold": lambda told: "The checks hold now",
    "acknowledged": lambda told: f"Acknowledged by {told.person}",
    "taken_over": lambda told: f"{told.person} took over and is working by hand",
    "handed_back": lambda told: f"{told.person} handed the incident back to Handrail",
    "paused": lambda told: f"{told.person} paused automation",
    "resumed": lambda told: f"{told.person} resumed automation",
    "left_word": lambda told: (
        f"{told.person} left word at {told['at']} while no server ran: {told['verb']}{told.after(' ', 'about')}"
        f"{told.after('. ', 'says')}"
    ),
    "stopped": lambda told: f"{told.person} stopped {told['run'] or 'the run'}",
    "done_by_hand": lambda told: f"{told.person} did step {told['step']} by hand{told.after(': ', 'note')}",
    "page": lambda told: f"Level {told['level']}: {told['person'] or 'nobody'} called{told.after(', ', 'because')}",
    "message": lambda told: f"Message to {told['person']}{told.after(': ', 'title')}",
    "update": lambda told: f"Stakeholders told ({told['status']}): {told['text']}",
    "task_done": lambda told: f"{told.person} completed a task: {told['text']}",
    "trouble": lambda told: f"Trouble: {told['says']}",
}


def steps_of(runbook: Runbook) -> dict[str, str]:
    """What the commands of a runbook, and the bullets of its lists, are called by their ids: `3 Check the logs`."""
    return {
        command_id(runbook.id, step.number, index): f"{step.number} {step.title}"
        for step in runbook.steps
        for index in range(1, max(len(step.commands), len(step.bullets)) + 1)
    }


def apart(event: Event, names: Names) -> tuple[str, str]:
    """The command that a line is about, where it looked or was made, and what is said of it; for columns."""
    told = Told(payload=event.payload, actor=event.actor.name, names=names)
    match event.kind:
        case "evidence":
            return names.command(told["command"]), words.sentence(_seen(told))
        case "outcome":
            back = "rollback " if told.true("way_back") else ""
            return names.command(told["command"]), words.sentence(f"{back}{_came_out(told)}")
    return "", sentence(event, names)


def sentence(event: Event, names: Names) -> str:
    """One sentence for people."""
    told = Told(payload={"run": event.run, **event.payload}, actor=event.actor.name, names=names)
    write = SENTENCES.get(event.kind)
    return words.sentence(write(told) if write else event.kind.replace("_", " "))
