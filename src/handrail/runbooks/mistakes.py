"""Mistakes that only the whole shows: a command against its runbook, a runbook against its document."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from handrail.commands import Command, Effect, Finding, Scope, Severity, Span, lint
from handrail.commands.found import plain
from handrail.runbooks.document import Document, Link, Runbook, Step

CRASHES = re.compile(r"crash|not start|fails? to start|restart (cycle|loop)", re.IGNORECASE)
HELM_NAMES = ("install", "upgrade", "template")  # helm VERB RELEASE CHART
HELM_RELEASES = ("rollback", "history", "status", "uninstall", "upgrade", "get")
LISTING_SECRETS = ("secret", "secrets")


def marked(runbooks: Sequence[Runbook]) -> tuple[Runbook, ...]:
    """The runbooks with what the whole says about each of their commands."""
    every = [command for runbook in runbooks for _, command in _commands(runbook)]
    releases = {name for command in every for name in _releases(command)}
    slots = any(_slot_patch(command) or _selects_slot(command) for command in every)
    return tuple(_marked(runbook, releases=releases, slots=slots) for runbook in runbooks)


def of_runbooks(runbooks: Sequence[Runbook], lines: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with a runbook as a whole."""
    for runbook in runbooks:
        changes = [
            (step, command)
            for step, command in _commands(runbook)
            if command.analysis.effect in (Effect.CHANGES, Effect.DESTROYS)
            and command.analysis.scope is Scope.TARGET
            and command.stages
            and not command.task
        ]
        if not changes:
            continue
        last, change = changes[-1]
        looks = [
            command
            for step, command in _commands(runbook)
            if command.analysis.effect in (Effect.READS, Effect.UNKNOWN)  # a script of the team's may well look
            and (step.number, command.span.line) > (last.number, change.span.line)
        ]
        if not looks:
            width = len(lines[last.line - 1]) if last.line <= len(lines) else 1
            yield Finding(
                rule="unverified-change",
                severity=Severity.RISK,
                message=f"step {last.number} of {runbook.id} changes something and no step after it looks whether that helped",
                suggestion="end with a read that shows the symptom gone, or bind a check",
                span=Span(line=last.line, column=1, end_line=last.line, end_column=max(2, width + 1)),
            )


def findings_of(document: Document) -> list[Finding]:
    """Everything wrong with a document and its commands, by place."""
    every = [*document.findings, *(one for runbook in document.runbooks for one in of_commands(runbook))]
    return sorted(every, key=lambda one: (one.span.line, one.span.column, one.rule))


def of_commands(runbook: Runbook) -> list[Finding]:
    """What is wrong with a runbook's commands."""
    return [finding for step in runbook.steps for command in step.commands for finding in command.findings]


def broken_links(links: Sequence[Link], *, there: Iterable[str]) -> Iterator[Finding]:
    """Links whose target is not among the files and headings that are there (`FILE`, `#heading`)."""
    known = set(there)
    for link in links:
        if "://" in link.target or link.target.startswith("mailto:") or link.target in known:
            continue
        yield Finding(
            rule="broken-link",
            severity=Severity.STYLE,
            message=f"“{link.text}” leads to {link.target}, which is not there",
            suggestion="write that document, or take the link out",
            span=Span(line=link.line, column=1, end_line=link.line, end_column=2),
        )


def _marked(runbook: Runbook, *, releases: set[str], slots: bool) -> Runbook:
    crashes = bool(CRASHES.search(" ".join((runbook.title, *(symptom.text for symptom in runbook.symptoms)))))
    told_of_slots = False
    steps = []
    for step in runbook.steps:
        commands = []
        for command in step.commands:
            found = [
                *_crashing(command, crashes=crashes),
                *_release(command, releases),
                *_slot(command),
                *_secrets(command),
            ]
            if slots and not told_of_slots and (name := _deployment(command)):
                told_of_slots = True
                found.append(
                    _finding(
                        "fixed-deployment",
                        Severity.RISK,
                        f"traffic goes to one of two slots here, and {name} is only one Deployment:"
                        " while the other slot is live this reaches the idle one",
                        "name the Deployment of the live slot, or select its pods by label",
                    )
                )
            placed = tuple(lint.placed(finding, command) for finding in found)
            commands.append(dataclasses.replace(command, findings=(*command.findings, *placed)) if placed else command)
        steps.append(dataclasses.replace(step, commands=tuple(commands)))
    return dataclasses.replace(runbook, steps=tuple(steps))


def _crashing(command: Command, *, crashes: bool) -> Iterator[Finding]:
    words = _words(command)
    if crashes and words[:2] == ["kubectl", "exec"]:
        yield _finding(
            "exec-crashing",
            Severity.WRONG,
            "this runbook is for pods that crash, and nothing can be run in a container that is not running",
            "read it from the pod's description or its Deployment: kubectl set env deployment/NAME --list",
        )


def _release(command: Command, releases: set[str]) -> Iterator[Finding]:
    words = _words(command)
    if words[:2] == ["helm", "template"] and len(words) > 3 and releases and words[2] not in releases:
        yield _finding(
            "release-name",
            Severity.WRONG,
            f"the chart is rendered as {words[2]}, and the release is called {' or '.join(sorted(releases))}:"
            " names made from the release differ from those that run",
            f"helm template {min(releases)}",
            mark=words[2],
        )


def _slot(command: Command) -> Iterator[Finding]:
    slot = _slot_patch(command)
    if slot and not slot.startswith("<"):
        yield _finding(
            "slot-literal",
            Severity.WRONG,
            f"this always sends traffic to {slot}, also when {slot} is the slot that is bad",
            "send it to the slot that was live before, which the Service tells",
            mark=slot,
        )


def _secrets(command: Command) -> Iterator[Finding]:
    words = _words(command)
    if words[:2] == ["kubectl", "get"] and any(word in LISTING_SECRETS for word in words[2:3]):
        named = [word for word in words[3:] if not word.startswith("-")]
        if not named or words[words.index(named[0]) - 1] in ("-n", "--namespace"):
            yield _finding(
                "lists-secrets",
                Severity.RISK,
                "this lists every Secret of the namespace: whoever may do that may read them all",
                "name the Secrets that matter here",
            )
    names_alone = words[:1] == ["kubectl"] and words[1:2] in (["get"], ["describe"])
    if names_alone and any(word.startswith(("-o", "--output")) for word in words):
        names_alone = False
    if command.analysis.discloses_secrets and not names_alone:
        yield _finding(
            "prints-secrets",
            Severity.RISK,
            "this prints values of Secrets to wherever the output goes",
            "print the names alone, as kubectl describe does",
        )


def _releases(command: Command) -> Iterator[str]:
    words = _words(command)
    if words[:1] == ["helm"] and len(words) > 2 and words[1] in HELM_RELEASES:
        place = 3 if words[1] == "get" else 2
        if len(words) > place and not words[place].startswith(("-", "<")):
            yield words[place]


def _slot_patch(command: Command) -> str:
    """The slot that a patch of a Service's selector names."""
    words = _words(command)
    if words[:2] != ["kubectl", "patch"]:
        return ""
    body = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-p", "--patch")), "")
    try:
        selector = json.loads(body)["spec"]["selector"]
        return str(selector.get("slot") or selector.get("color") or selector.get("colour") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _selects_slot(command: Command) -> bool:
    return any(re.search(r"\b(slot|colou?r)=(blue\b|green\b|<)", word) for word in _words(command))


def _deployment(command: Command) -> str:
    words = _words(command)
    if words[:1] != ["kubectl"]:
        return ""
    for at, word in enumerate(words):
        kind, slash, name = word.partition("/")
        if slash and kind in ("deployment", "deploy", "deployments") and not name.startswith("<"):
            return f"{kind}/{name}"
        if word in ("deployment", "deploy") and at + 1 < len(words) and not words[at + 1].startswith(("-", "<")):
            return f"deployment {words[at + 1]}"
    return ""


def _words(command: Command) -> list[str]:
    return plain(command.stages[0]) if command.stages else []


def _commands(runbook: Runbook) -> Iterator[tuple[Step, Command]]:
    for step in runbook.steps:
        for command in step.commands:
            yield step, command


def _finding(rule: str, severity: Severity, message: str, suggestion: str, *, mark: str = "") -> Finding:
    return Finding(
        mark=mark,
        rule=rule,
        severity=severity,
        message=message,
        suggestion=suggestion,
        span=Span(line=0, column=0, end_line=0, end_column=0),
    )
