"""From Markdown to an outline, and from an outline with understood commands to a document.

The text is read by its line map and never rendered back. A runbook is the smallest section that holds steps; roles come
from headings or from lines that are only bold words and a colon; a contents list is no steps.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from markdown_it import MarkdownIt
from markdown_it.token import Token

from handrail.commands import Command, Finding, Severity, Span
from handrail.runbooks import mistakes
from handrail.runbooks.document import (
    Bullet,
    Document,
    Level,
    Link,
    Runbook,
    RunbookId,
    Step,
    StepKind,
    Symptom,
    TimeToResolve,
)

SHELL = ("bash", "sh", "shell", "console", "zsh", "")
ROLES = {
    "symptoms": "symptoms",
    "symptom": "symptoms",
    "meaning": "symptoms",
    "impact": "symptoms",
    "severity": "severity",
    "time to resolve": "time",
    "steps": "steps",
    "diagnosis": "steps",
    "mitigation": "steps",
    "resolution": "resolution",
}
ID = re.compile(r"^([A-Z][A-Z0-9]{1,9}-\d{1,5})\s*[:.–-]\s*(.+)$")
LEVEL = re.compile(r"^level\s+(\d+)\s*[:.–-]\s*(.+)$", re.IGNORECASE)
BOLD = re.compile(r"^\*\*(.+?)\*\*\s*:?\s*(.*)$|^\*\*(.+?):\*\*\s*(.*)$")
THRESHOLD = re.compile(r"([<>])\s*(\d+(?:\.\d+)?)\s*(%|ms|milliseconds?|s\b|seconds?|minutes?|[KMG]i?B)?")
DURATION = re.compile(
    r"(?:(<|up to)\s*)?(\d+)(?:\s*(?:-|–|to)\s*(\d+))?\s*(seconds?|minutes?|min|hours?|h|days?)\b", re.IGNORECASE
)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass
class RawStep:
    """A step before its commands are understood: blocks as indices into `Outline.blocks`."""

    number: int
    title: str
    line: int
    blocks: list[int] = field(default_factory=list)
    bullets: list[Bullet] = field(default_factory=list)


@dataclass
class RawRunbook:
    """A section that may be a runbook."""

    id: str
    title: str
    anchor: str
    group: str
    line: int
    end_line: int = 0
    severity: str | None = None
    time: TimeToResolve | None = None
    symptoms: list[Symptom] = field(default_factory=list)
    steps: list[RawStep] = field(default_factory=list)
    resolution: list[Bullet] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of shell: its text without the list's indentation, and where its first character stands."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Outline:
    """What the Markdown says, its blocks not yet understood."""

    path: str
    text: str
    title: str
    groups: tuple[str, ...]
    runbooks: tuple[RawRunbook, ...]
    levels: tuple[Level, ...]
    related: tuple[Link, ...]
    blocks: tuple[Block, ...]
    findings: tuple[Finding, ...]


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def outline(text: str, path: str) -> Outline:
    """Read the structure. Whatever is wrong is a finding with its line; the rest is read all the same."""
    return _Reading(text.replace("\r\n", "\n").replace("\r", "\n"), path).read()  # lines as the parser counts them


class _Reading:
    """One pass over the tokens of a document."""

    def __init__(self, text: str, path: str) -> None:
        self.path, self.text = path, text
        self.lines = text.split("\n")
        self.blocks: list[Block] = []
        self.findings: list[Finding] = []
        self.runbooks: list[RawRunbook] = []
        self.levels: list[tuple[int, str, int, list[Bullet]]] = []
        self.related: list[Link] = []
        self.groups: list[str] = []
        self.title = ""
        self.role = ""
        self.current: RawRunbook | None = None
        self.level: list[Bullet] | None = None
        self.in_related = False
        self.heading = ""

    def read(self) -> Outline:
        tokens = MarkdownIt("commonmark").enable("table").parse(self.text)
        index = 0
        while index < len(tokens):
            index = self._token(tokens, index)
        self._close(len(self.lines))
        self._complain()
        return Outline(
            path=self.path,
            text=self.text,
            title=self.title,
            groups=tuple(self.groups),
            runbooks=tuple(runbook for runbook in self.runbooks if runbook.steps or ID.match(f"{runbook.id}: x")),
            levels=tuple(
                Level(number=number, title=title, line=line, duties=tuple(duties))
                for number, title, line, duties in self.levels
            ),
            related=tuple(self.related),
            blocks=tuple(self.blocks),
            findings=tuple(self.findings),
        )

    def _token(self, tokens: Sequence[Token], index: int) -> int:
        token = tokens[index]
        if token.type == "heading_open":
            self._heading(int(token.tag[1]), tokens[index + 1].content, _line(token))
            return index + 3
        if token.type == "paragraph_open" and token.level == 0:
            self._paragraph(tokens[index + 1].content, _line(token))
            return index + 3
        if token.type in ("ordered_list_open", "bullet_list_open") and token.level == 0:
            end = _closing(tokens, index)
            self._list(tokens[index : end + 1], ordered=token.type.startswith("ordered"))
            return end + 1
        if token.type == "fence":
            self._fence(token)
        return index + 1

    def _heading(self, depth: int, heading: str, line: int) -> None:
        self.heading = heading
        level = LEVEL.match(heading)
        named = ID.match(heading)
        role = ROLES.get(heading.strip(" :").lower())
        self.in_related = heading.lower().startswith(("related", "see also"))
        if depth == 1 and not self.title:
            self.title = heading
        if role and self.current is not None and depth > 1:
            self.role = role
            return
        self._close(line - 1)
        self.role, self.level = "", None
        if level:
            self.level = []
            self.levels.append((int(level[1]), level[2].strip(), line, self.level))
            return
        identity, title = (named[1], named[2]) if named else (anchor(heading), heading)
        group = "" if depth <= 2 else self._section
        if depth <= 2:
            self._section = heading
        self.current = RawRunbook(id=identity, title=title.strip(), anchor=anchor(heading), group=group, line=line)
        self.runbooks.append(self.current)
        if named and group and group not in self.groups:
            self.groups.append(group)

    _section: str = ""

    def _close(self, line: int) -> None:
        if self.current is not None:
            self.current.end_line = line
        self.current = None

    def _paragraph(self, content: str, line: int) -> None:
        for offset, text in enumerate(content.split("\n")):
            found = BOLD.match(text.strip())
            if not found:
                continue
            name = (found[1] or found[3] or "").strip(" :").lower()
            value = (found[2] or found[4] or "").strip()
            role = ROLES.get(name)
            if role is None or self.current is None:
                continue
            self.role = role
            if role == "severity" and value:
                self.current.severity = value
            elif role == "time" and value:
                self.current.time = duration(value)
                if self.current.time is None:
                    self._find(
                        "time-unreadable",
                        Severity.STYLE,
                        f"“{value}” is no duration that can be read",
                        line + offset,
                        "write it as 10-20 minutes",
                    )

    def _list(self, tokens: Sequence[Token], *, ordered: bool) -> None:
        items = _items(tokens)
        if self.level is not None and not ordered:
            self.level += [Bullet(text=text, line=line) for _, text, line, _ in items]
            return
        if self.in_related:
            for content, _, line, _ in items:
                for found in re.finditer(r"\[([^\]]+)\]\(([^)]+)\)", content):
                    self.related.append(Link(text=found[1], target=found[2], line=line))
            return
        if self.current is None:
            return
        if self.role == "symptoms" and not ordered:
            self.current.symptoms += [symptom(text, line) for _, text, line, _ in items]
        elif self.role == "resolution" and not ordered:
            self.current.resolution += [Bullet(text=text, line=line) for _, text, line, _ in items]
        elif ordered and not _is_contents(items):
            for content, _, line, inner in items:
                self._step(content, line, inner)

    def _step(self, content: str, line: int, inner: Sequence[Token]) -> None:
        assert self.current is not None
        first = content.split("\n")[0]
        bold = re.match(r"^\*\*(.+?)\*\*", first)
        title = (bold[1] if bold else first).strip(" :")
        step = RawStep(number=len(self.current.steps) + 1, title=title, line=line)
        self.current.steps.append(step)
        index = 0
        while index < len(inner):
            token = inner[index]
            if token.type == "fence":
                self._fence(token, step)
            elif token.type in ("bullet_list_open", "ordered_list_open"):
                end = _closing(inner, index)
                step.bullets += [Bullet(text=text, line=at) for _, text, at, _ in _items(inner[index : end + 1])]
                for nested in inner[index:end]:
                    if nested.type == "fence":
                        self._fence(nested, step)
                index = end
            index += 1

    def _fence(self, token: Token, step: RawStep | None = None) -> None:
        start, end = token.map or (0, 0)
        closing = (
            rf"{re.escape(token.markup[0])}{{{len(token.markup)},}}"  # as many marks as it was opened with, or more
        )
        if end - start < 2 or not re.fullmatch(closing, self.lines[end - 1].lstrip("> \t").rstrip()):
            self._find(
                "unclosed-fence",
                Severity.ERROR,
                "this block is never closed: everything below it is taken for its text",
                start + 1,
                f"close it with {token.markup}",
            )
        language = token.info.strip().split()[0].lower() if token.info.strip() else ""
        if language not in SHELL or self.current is None or not token.content.strip():
            return
        if step is None:
            if self.role not in ("steps", "") and not self.current.steps:
                return
            if language == "" and self.role != "steps":
                return
            step = self._loose_step(start + 1)
        column = len(self.lines[start]) - len(self.lines[start].lstrip()) + 1
        step.blocks.append(len(self.blocks))
        self.blocks.append(Block(text=token.content, line=start + 2, column=column))

    def _loose_step(self, line: int) -> RawStep:
        """A block outside any list belongs to the step before it, or is a step of its own named by the heading."""
        assert self.current is not None
        if self.current.steps and self.current.steps[-1].title == self.heading:
            return self.current.steps[-1]
        step = RawStep(number=len(self.current.steps) + 1, title=self.heading, line=line)
        self.current.steps.append(step)
        return step

    def _complain(self) -> None:
        if not self.text.strip():
            self._find("empty-document", Severity.ERROR, "the document is empty", 1, "write a runbook into it")
            return
        seen: dict[str, int] = {}
        for runbook in self.runbooks:
            if not ID.match(f"{runbook.id}: x"):
                continue
            if runbook.id in seen:
                self._find(
                    "duplicate-id",
                    Severity.ERROR,
                    f"{runbook.id} stands here again: line {seen[runbook.id]} has it too",
                    runbook.line,
                    "give one of them another id",
                )
            seen.setdefault(runbook.id, runbook.line)
            if not runbook.steps:
                self._find(
                    "no-steps",
                    Severity.ERROR,
                    f"{runbook.id} has no steps: there is nothing to run",
                    runbook.line,
                    "number its steps as a list",
                )
        if not any(runbook.steps for runbook in self.runbooks):
            self._find(
                "no-runbook",
                Severity.ERROR,
                "no step was found in this document",
                1,
                "write steps as a numbered list under a heading",
            )

    def _find(self, rule: str, severity: Severity, message: str, line: int, suggestion: str) -> None:
        width = len(self.lines[line - 1]) if 0 < line <= len(self.lines) else 1
        span = Span(line=line, column=1, end_line=line, end_column=max(2, width + 1))
        self.findings.append(Finding(rule=rule, severity=severity, message=message, suggestion=suggestion, span=span))


def assemble(found: Outline, commands: Sequence[Sequence[Command]]) -> Document:
    """The document, with each block's commands in its step."""
    lines = found.text.split("\n")
    runbooks = mistakes.marked([_runbook(raw, commands, lines) for raw in found.runbooks if raw.steps])
    return Document(
        path=found.path,
        revision=hashlib.sha256(found.text.encode()).hexdigest(),
        title=found.title,
        groups=found.groups,
        runbooks=runbooks,
        escalation=found.levels,
        related=found.related,
        findings=(*found.findings, *mistakes.of_runbooks(runbooks, lines)),
    )


def _runbook(raw: RawRunbook, commands: Sequence[Sequence[Command]], lines: Sequence[str]) -> Runbook:
    own = "\n".join(lines[raw.line - 1 : raw.end_line])
    steps = tuple(
        Step(
            number=step.number,
            title=step.title,
            line=step.line,
            kind=StepKind.COMMANDS if step.blocks else StepKind.LIST,
            commands=tuple(command for block in step.blocks for command in commands[block]),
            bullets=tuple(step.bullets),
        )
        for step in raw.steps
    )
    return Runbook(
        id=RunbookId(raw.id),
        title=raw.title,
        anchor=raw.anchor,
        group=raw.group,
        line=raw.line,
        severity=raw.severity,
        time_to_resolve=raw.time,
        symptoms=tuple(raw.symptoms),
        steps=steps,
        resolution=tuple(raw.resolution),
        revision=hashlib.sha256(own.encode()).hexdigest(),
    )


def symptom(text: str, line: int) -> Symptom:
    """A symptom, with its threshold where it states one."""
    found = THRESHOLD.search(text)
    if not found:
        return Symptom(text=text, line=line)
    unit = {"second": "s", "seconds": "s", "millisecond": "ms", "milliseconds": "ms"}.get(found[3] or "", found[3])
    return Symptom(text=text, line=line, comparison=found[1], value=float(found[2]), unit=unit)


def duration(text: str) -> TimeToResolve | None:
    """`15-30 minutes`, `< 5 minutes`, `1-4 hours`."""
    found = DURATION.search(text)
    if not found:
        return None
    unit = UNITS[found[4][0].lower()]
    low, high = int(found[2]), int(found[3] or found[2])
    minimum = None if found[1] else timedelta(seconds=low * unit)
    return TimeToResolve(minimum=minimum, maximum=timedelta(seconds=high * unit), text=text)


def _line(token: Token) -> int:
    return (token.map or [0])[0] + 1


def _closing(tokens: Sequence[Token], index: int) -> int:
    depth = 0
    for place in range(index, len(tokens)):
        depth += tokens[place].nesting
        if depth == 0:
            return place
    return len(tokens) - 1


def _items(tokens: Sequence[Token]) -> list[tuple[str, str, int, Sequence[Token]]]:
    """Items of the outermost list: raw content, plain text, 1-based line, inner tokens."""
    found = []
    index = 1
    while index < len(tokens) - 1:
        if tokens[index].type != "list_item_open":
            index += 1
            continue
        end = _closing(tokens, index)
        inner = tokens[index + 1 : end]
        content = next((token.content for token in inner if token.type == "inline"), "")
        plain = re.sub(r"[*_`]|\[([^\]]*)\]\([^)]*\)", lambda match: match[1] or "", content).strip()
        found.append((content, plain, _line(tokens[index]), inner))
        index = end + 1
    return found


def _is_contents(items: Sequence[tuple[str, str, int, Sequence[Token]]]) -> bool:
    """A contents list: every item is only a link into this document."""
    return bool(items) and all(re.fullmatch(r"\[[^\]]+\]\(#[^)]*\)", content.strip()) for content, _, _, _ in items)
