"""Which runbook answers an alert: its URL, the bindings' triggers, a title that is its name, the words of symptoms and titles.

A name and words are always a guess, and a guess starts nothing that a person did not confirm. A tie or no match is a person's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from handrail.runbooks.binding import Binding, Trigger
from handrail.runbooks.document import Document, Runbook, RunbookId

WORD = re.compile(r"[a-z0-9]+")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
EMPTY = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "at",
        "is",
        "are",
        "be",
        "to",
        "for",
        "with",
        "after",
        "and",
        "or",
        "by",
        "from",
        "its",
        "it",
        "this",
        "that",
        "not",
        "no",
        "as",
        "was",
        "were",
        "has",
        "have",
        "being",
        "been",
        "time",
        "take",
        "takes",
        "up",
        "finds",
        "when",
        "before",
        "after",
        "high",
        "critical",
        "firing",
        "alert",
        "alerts",
        "error",
        "errors",
        "message",
        "messages",
        "state",
        "per",
        "over",
        "under",
        "limit",
        "above",
        "below",
        "more",
        "than",
        "minute",
        "minutes",
        "second",
        "seconds",
        "percent",
        "one",
        "other",
        "others",
        "many",
        "too",
        "again",
        "answer",
        "answers",
        "answered",
        "service",
        "services",
    ]
)
SAME = {
    "crashing": "crash",
    "crashloopbackoff": "crash",
    "crashes": "crash",
    "crashed": "crash",
    "looping": "loop",
    "restarts": "restart",
    "restarting": "restart",
    "connections": "connection",
    "pods": "pod",
    "queries": "query",
    "requests": "request",
    "slow": "slow",
    "latency": "slow",
    "exhausted": "exhaust",
    "exhaustion": "exhaust",
    "deployments": "deploy",
    "deployment": "deploy",
    "failing": "fail",
    "fails": "fail",
    "failed": "fail",
    "failures": "fail",
    "rate": "rate",
    "5xx": "fail",
    "replicas": "replica",
    "replication": "replica",
    "vulnerabilities": "vulnerability",
    "users": "user",
    "usage": "usage",
    "oom": "memory",
    "cycles": "loop",
    "stuck": "pending",
    "cpu": "cpu",
    "unavailable": "down",
    "outage": "down",
    "attempts": "attempt",
    "starting": "start",
    "starts": "start",
    "authentication": "auth",
}
LEAST = 2.0
MARGIN = 1.25


class Asked(Protocol):
    """What this room needs of an alert."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""

    @property
    def runbook_url(self) -> str:
        """Where its author says the runbook is."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The runbook, how it was found and why."""

    runbook: RunbookId
    document: str
    how: str  # url, trigger, symptom
    guess: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A runbook that a person may pick, with its reason."""

    runbook: RunbookId
    title: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Undecided:
    """Nobody but a person can tell."""

    candidates: tuple[Candidate, ...]
    reason: str


def select(alert: Asked, *, documents: Sequence[Document], bindings: Sequence[Binding]) -> Chosen | Undecided:
    """The runbook that answers, or the candidates for a person, best first."""
    every = [(document, runbook) for document in documents for runbook in document.runbooks]
    named = by_url(alert.runbook_url, every) if alert.runbook_url else []
    if len(named) == 1:
        document, runbook = named[0]
        return Chosen(
            runbook=runbook.id,
            document=document.path,
            how="url",
            guess=False,
            reasons=(f"The alert's runbook_url names {runbook.id}.",),
        )
    triggered = _by_trigger(alert, every, bindings)
    if len(triggered) == 1:
        document, runbook, told = triggered[0]
        return Chosen(runbook=runbook.id, document=document.path, how="trigger", guess=False, reasons=(told,))
    if len(triggered) > 1:
        return Undecided(
            candidates=tuple(Candidate(runbook=book.id, title=book.title, reason=told) for _, book, told in triggered),
            reason=f"{len(triggered)} runbooks have a trigger for {alert.name}.",
        )
    return _by_name(alert, every) or _by_words(alert, every)


def by_url(url: str, every: Sequence[tuple[Document, Runbook]]) -> list[tuple[Document, Runbook]]:
    """The runbooks that an address names: by its anchor, else by the last part of its path."""
    try:
        parts = urlsplit(url)
    except ValueError:  # an alert's author may have written anything there
        return []
    named = unquote(parts.fragment).lower()
    if named:
        exact = [pair for pair in every if pair[1].anchor == named]
        return exact or [
            pair for pair in every if named == pair[1].id.lower() or named.startswith(f"{pair[1].id.lower()}-")
        ]
    last = unquote(parts.path.rstrip("/").rpartition("/")[2]).lower().removesuffix(".md")
    return [pair for pair in every if last and last in (pair[1].id.lower(), pair[1].anchor)]


def _by_trigger(
    alert: Asked, every: Sequence[tuple[Document, Runbook]], bindings: Sequence[Binding]
) -> list[tuple[Document, Runbook, str]]:
    found = []
    for document, runbook in every:
        for binding in bindings:
            bound = binding.runbooks.get(runbook.id)
            for trigger in bound.triggers if bound else ():
                if matches(trigger, alert):
                    labels = ", ".join(f"{key}={value}" for key, value in trigger.labels.items())
                    told = f"{runbook.id} is bound to {alert.name}" + (f" with {labels}." if labels else ".")
                    found.append((document, runbook, told))
                    break
    return found


def matches(trigger: Trigger, alert: Asked) -> bool:
    """Whether a trigger answers this alert."""
    if trigger.event is not None and alert.labels.get("event") == trigger.event:
        return all(alert.labels.get(key) == value for key, value in trigger.labels.items())
    return alert.name in trigger.alerts and all(alert.labels.get(key) == value for key, value in trigger.labels.items())


def _by_name(alert: Asked, every: Sequence[tuple[Document, Runbook]]) -> Chosen | None:
    """The one runbook whose title or file is called what the alert is called: a custom, and as good as a guess."""
    name = _plain(alert.name)
    found = [
        (document, runbook)
        for document, runbook in every
        if name == _plain(runbook.title) or (name == _plain(_stem(document.path)) and len(document.runbooks) == 1)
    ]
    if not name or len(found) != 1:
        return None
    document, runbook = found[0]
    told = f"A guess: {runbook.id} is called what the alert is called."
    return Chosen(runbook=runbook.id, document=document.path, how="symptom", guess=True, reasons=(told,))


def _plain(name: str) -> str:
    return "".join(WORD.findall(name.lower()))


def _stem(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]


def _by_words(alert: Asked, every: Sequence[tuple[Document, Runbook]]) -> Chosen | Undecided:
    said = " ".join(
        (CAMEL.sub(" ", alert.name), alert.annotations.get("summary", ""), alert.annotations.get("description", ""))
    )
    asked = words(said)
    scored = []
    weight = _weights(every)
    for document, runbook in every:
        title, symptoms = words(runbook.title), words(" ".join(symptom.text for symptom in runbook.symptoms))
        shared = asked & (title | symptoms)
        score = sum(weight[word] * (1.5 if word in title else 1.0) for word in shared)
        score *= 1 + len(asked & title) / max(1, len(title))  # a title that the alert says in full fits best
        if shared:
            scored.append((score, document, runbook, sorted(shared)))
    scored.sort(key=lambda item: (-item[0], item[2].id))
    candidates = tuple(
        Candidate(runbook=runbook.id, title=runbook.title, reason=f"shares the words {', '.join(shared)}")
        for _, _, runbook, shared in scored[:5]
    )
    if not scored or scored[0][0] < LEAST or len(scored[0][3]) < 2:
        return Undecided(
            candidates=candidates, reason=f"No runbook is bound to {alert.name}, and its words fit none well."
        )
    best = scored[0]
    if len(scored) > 1 and best[0] < MARGIN * scored[1][0]:
        return Undecided(
            candidates=candidates,
            reason=f"{best[2].id} and {scored[1][2].id} fit the words of {alert.name} about equally.",
        )
    told = f"A guess: the alert and {best[2].id} share the words {', '.join(best[3])}."
    return Chosen(runbook=best[2].id, document=best[1].path, how="symptom", guess=True, reasons=(told,))


def words(text: str) -> frozenset[str]:
    """The words that tell runbooks apart, different forms of one as one."""
    found = {SAME.get(word, word) for word in WORD.findall(text.lower()) if not word.isdigit()}
    told = {word for word in found if word not in EMPTY and len(word) > 1}
    return frozenset(
        told | ({"fail"} if "error" in WORD.findall(text.lower()) or "errors" in WORD.findall(text.lower()) else set())
    )


def _weights(every: Sequence[tuple[Document, Runbook]]) -> dict[str, float]:
    """A word counts for more the fewer runbooks it stands in."""
    count: dict[str, int] = {}
    for _, runbook in every:
        for word in words(" ".join((runbook.title, *(symptom.text for symptom in runbook.symptoms)))):
            count[word] = count.get(word, 0) + 1
    return {word: 2.0 / number**0.5 for word, number in count.items()}
