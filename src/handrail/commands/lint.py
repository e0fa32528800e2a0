"""Mistakes of one command and of a block's commands together, and what runs in their stead where the meaning is kept."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence

from handrail.commands.found import NOWHERE, plain
from handrail.commands.model import Command, Effect, Finding, Literal, Mend, Severity, Span, Sql, Stage

TTY = ("-it", "-ti", "-i", "-t", "--stdin", "--tty")


def single(command: Command) -> Command:
    """Findings of one command, and its `runs_as` with the reasons."""
    if not command.stages:
        return command
    findings = list(command.findings)
    first = plain(command.stages[0])
    if first[:2] == ["kubectl", "logs"]:
        findings += _logs(first)
    if first[:2] == ["kubectl", "delete"]:
        findings += _delete(first)
    if first[:2] == ["helm", "rollback"] and "1" in first[2:]:
        findings.append(
            _finding(
                "rollback-first",
                Severity.WRONG,
                "revision 1 is the first release ever made, not the one before this: it may lack services, or be gone",
                "name the last good revision, or leave it out for the one before",
                mark="1",
            )
        )
    if "--dry-run=client" in first:
        findings.append(
            _finding(
                "client-dry-run",
                Severity.RISK,
                "a client-side dry run never asks the server: it finds no quota, policy or field mistake",
                "--dry-run=server",
                mark="--dry-run=client",
                mend=Mend(old="--dry-run=client", new="--dry-run=server"),
            )
        )
    if first[:2] == ["kubectl", "patch"]:
        findings += _patch(first)
    return _mended(dataclasses.replace(command, findings=tuple(placed(found, command) for found in findings)))


def placed(finding: Finding, command: Command) -> Finding:
    """The finding at its mark inside the command, or at the whole command. Lines of a block begin at one column."""
    found = re.search(rf"(?<![\w-]){re.escape(finding.mark)}(?![\w-])", command.text) if finding.mark else None
    if found is None:
        return dataclasses.replace(finding, span=command.span)
    before = command.text[: found.start()]
    line = command.span.line + before.count("\n")
    column = command.span.column + found.start() - (before.rfind("\n") + 1)
    span = Span(line=line, column=column, end_line=line, end_column=column + len(found[0]))
    return dataclasses.replace(finding, span=span)


def across(commands: Sequence[Command]) -> list[Command]:
    """Findings that need the commands before: a commit with nothing staged."""
    found = []
    staged = False
    for command in commands:
        words = plain(command.stages[0]) if command.stages else []
        if words[:2] == ["git", "add"]:
            staged = True
        if words[:2] == ["git", "commit"] and not staged and not {"-a", "-am", "--all"} & set(words):
            finding = _finding(
                "nothing-staged",
                Severity.ERROR,
                "nothing is staged before this commit: git ends with an error and commits nothing",
                "git add the files first, or commit -a",
            )
            command = dataclasses.replace(  # noqa: PLW2901 -- the same command with one finding more
                command, findings=(*command.findings, dataclasses.replace(finding, span=command.span))
            )
        found.append(command)
    return found


def _logs(words: Sequence[str]) -> list[Finding]:
    flags = {word.partition("=")[0] for word in words if word.startswith("-")}
    operands = _operands(words)
    selector = flags & {"-l", "--selector"}
    if at := _two_words(words):
        return [
            _finding(
                "logs-two-words",
                Severity.ERROR,
                "kubectl logs takes the name of a pod, or kind and name as one word: the second word is an error",
                f"{words[at]}/{words[at + 1]}",
                mark=words[at],
            )
        ]
    if not operands and not selector:
        return [
            _finding(
                "logs-of-nothing",
                Severity.ERROR,
                "kubectl logs needs a pod, a workload or a selector: it ends with an error",
                "name a Deployment, or select pods with -l",
            )
        ]
    if selector and "--tail" not in flags:
        return [
            _finding(
                "logs-ten-lines",
                Severity.WRONG,
                "with a selector kubectl shows only the last 10 lines of each pod",
                "add --tail=-1 for all of them",
                mend=Mend(old="kubectl logs", new="kubectl logs --tail=-1"),
            )
        ]
    return []


def _delete(words: Sequence[str]) -> list[Finding]:
    flags = {word.partition("=")[0] for word in words if word.startswith("-")}
    at = _operands(words)
    if (
        len(at) != 1
        or "/" in words[at[0]]
        or flags & {"-l", "--selector", "--all", "-f", "--filename", "--field-selector", "-k"}
    ):
        return []
    return [
        _finding(
            "delete-of-kind",
            Severity.ERROR,
            "kubectl delete takes a kind and a name, and this is one word: it ends with an error",
            "name the kind too, as pod/NAME",
            mark=words[at[0]],
        )
    ]


VALUED = ("-n", "--namespace", "-l", "--selector", "-c", "--container", "--since", "--since-time", "--tail")
KINDS = ("pod", "pods", "po", "job", "jobs", "deployment", "deploy", "statefulset", "sts", "daemonset", "ds")


def _operands(words: Sequence[str]) -> list[int]:
    """Places of what `kubectl logs` is asked about."""
    found, index = [], 2
    while index < len(words):
        if words[index] in VALUED:
            index += 2
            continue
        if not words[index].startswith("-"):
            found.append(index)
        index += 1
    return found


def _two_words(words: Sequence[str]) -> int:
    """Where `kubectl logs pod NAME` names a kind as a word of its own; 0 where it does not."""
    at = _operands(words)
    return at[0] if len(at) > 1 and words[at[0]] in KINDS and at[1] == at[0] + 1 else 0


def _patch(words: Sequence[str]) -> list[Finding]:
    body = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-p", "--patch")), "")
    try:
        patch = json.loads(body)
    except (ValueError, RecursionError):
        return (
            []
            if not body or "<" in body
            else [
                _finding(
                    "patch-syntax",
                    Severity.ERROR,
                    "the patch is not valid JSON: kubectl ends with an error",
                    "mend the quotes",
                )
            ]
        )
    policy = _dig(patch, "spec", "template", "spec", "restartPolicy")
    if policy not in (None, "Always") and "deployment" in " ".join(words[2:4]).lower():
        return [
            _finding(
                "restart-policy",
                Severity.ERROR,
                f"the API server refuses restartPolicy {policy} on a Deployment: only Always is allowed",
                "leave the policy; to slow restarts down, mend what crashes",
                mark=str(policy),
            )
        ]
    return []


def _dig(value: object, *path: str) -> object:
    for part in path:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _mended(command: Command) -> Command:
    """What runs where the meaning is kept: no terminal, a watch once, a column by the name it has now.

    A column that got another name is a change of the text and none of its meaning: as written the read only fails.
    """
    stages = list(command.stages or ())
    told: list[str] = []
    rules: set[str] = set()
    again = command.repeats or any(finding.rule == "psql-watch" for finding in command.findings)
    native = command.analysis.native
    for finding in command.findings:
        if finding.rule == "renamed-column" and finding.mend is not None and command.analysis.effect is Effect.READS:
            stages = [_renamed(stage, finding.mend) for stage in stages]
            if isinstance(native, Sql):
                native = dataclasses.replace(native, text=_whole_words(native.text, finding.mend))
            told.append(f"{finding.mend.old} is called {finding.mend.new} now: as written it ends with an error")
            rules.add(finding.rule)
    for index, stage in enumerate(stages):
        words = plain(stage)
        if words[:2] == ["kubectl", "exec"]:
            end = words.index("--") if "--" in words else len(words)
            if any(reason.rule == "session" for reason in command.analysis.reasons):
                continue
            kept = [word for place, word in enumerate(stage.words) if place >= end or words[place] not in TTY]
            if len(kept) != len(stage.words):
                stages[index] = dataclasses.replace(stage, words=tuple(kept))
                told.append("without a terminal: nothing here is interactive")
                rules.add("exec-terminal")
        if words[:2] == ["kubectl", "logs"] and (at := _two_words(words)):
            joined = (Literal(text=f"{words[at]}/"), *stage.words[at + 1])
            stages[index] = dataclasses.replace(stage, words=(*stage.words[:at], joined, *stage.words[at + 2 :]))
            rules.add("logs-two-words")
            told.append("kind and name as one word, as kubectl logs takes them")
        for rule, flag in (("top", "-w"), ("logs", "-w")):
            if words[:2] == ["kubectl", rule] and flag in words:
                stages[index] = _watch(stage, words, rule)
                again = again or rule == "top"
                rules.add("unknown-flag")
                told.append(
                    "the flag -w does not exist: read again and again for a while"
                    if rule == "top"
                    else "followed for a moment with -f: -w does not exist"
                )
    again = again and command.analysis.effect is Effect.READS
    if not told:
        return dataclasses.replace(command, repeats=again)
    mended = dataclasses.replace(
        command,
        repeats=again,
        runs_as=tuple(stages),
        adjustments=(*command.adjustments, *told),
        mended=command.mended | rules,
        analysis=dataclasses.replace(command.analysis, native=native),
    )
    if "followed" in " ".join(told):
        return dataclasses.replace(mended, analysis=dataclasses.replace(mended.analysis, never_returns=True))
    return mended


def _renamed(stage: Stage, mend: Mend) -> Stage:
    """A stage whose literal text names the column as it is called now."""
    words = tuple(
        tuple(Literal(text=_whole_words(part.text, mend)) if isinstance(part, Literal) else part for part in word)
        for word in stage.words
    )
    return dataclasses.replace(stage, words=words)


def _whole_words(text: str, mend: Mend) -> str:
    return re.sub(rf"(?<![\w-]){re.escape(mend.old)}(?![\w-])", mend.new, text)


def _watch(stage: Stage, words: Sequence[str], rule: str) -> Stage:
    kept = [word for place, word in enumerate(stage.words) if words[place] != "-w"]
    if rule == "logs":
        kept.append((Literal(text="-f"),))
    return dataclasses.replace(stage, words=tuple(kept))


def _finding(
    rule: str, severity: Severity, message: str, suggestion: str, *, mark: str = "", mend: Mend | None = None
) -> Finding:
    return Finding(
        rule=rule, severity=severity, message=message, suggestion=suggestion, span=NOWHERE, mark=mark, mend=mend
    )
