"""From Markdown to an outline, and from an outline with understood commands to a document.

The text is read by its line map and never rendered back. A runbook is the smallest section that holds steps, or, where
its parts are headings (`## Diagnosis`), the whole above them; a contents list is no steps. A step is a numbered item, a
bullet with a command in it, a block of code under the sentence that leads to it, or a part that is only prose.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from handrail.commands import Command, Finding, Knowledge, Severity, Span
from handrail.runbooks import mistakes, roles, sessions, transcript
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
from handrail.runbooks.roles import Role

SHELL = ("bash", "sh", "shell", "console", "zsh", "shell-session", "")
UNSURE = ("", "console", "text", "txt", "plaintext", "plain")  # commands, or what they print
ID = re.compile(r"^([A-Z][A-Z0-9]{1,9}-\d{1,5})\s*[:.–-]\s*(.+)$")
LEVEL = re.compile(r"^level\s+(\d+)\s*[:.–-]\s*(.+)$", re.IGNORECASE)
BOLD = re.compile(r"^\*\*(.+?)\*\*\s*:?\s*(.*)$|^\*\*(.+?):\*\*\s*(.*)$")
THRESHOLD = re.compile(r"([<>])\s*(\d+(?:\.\d+)?)\s*(%|ms|milliseconds?|s\b|seconds?|minutes?|[KMG]i?B)?")
IN_WORDS = re.compile(
    r"\b(more|greater|higher|less|fewer|lower|above|over|below|under|exceed(?:s|ed|ing)?|threshold of)\s+(?:than\s+)?"
    r"(\d+(?:\.\d+)?)\s*(%|ms\b|milliseconds?|[KMG]i?B)",
    re.IGNORECASE,
)
FEWER = ("less", "fewer", "lower", "below", "under")
DURATION = re.compile(
    r"(?:(<|up to)\s*)?(\d+)(?:\s*(?:-|–|to)\s*(\d+))?\s*(seconds?|minutes?|min|hours?|h|days?)\b", re.IGNORECASE
)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_TITLE = 100
STRONG = ("meaning", "impact", "symptoms", "diagnosis", "mitigation", "remediation", "resolution", "investigation")


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
    whole: bool = False  # its parts are headings
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


def outline(text: str, path: str, *, programs: Collection[str] = (), with_verbs: Collection[str] = ()) -> Outline:
    """Read the structure. Whatever is wrong is a finding with its line; the rest is read all the same.

    `programs` are the names of known programs, by which a command in a sentence is told from other code; those of
    `with_verbs` have verbs.
    """
    whole = text.replace("\r\n", "\n").replace("\r", "\n")  # lines as the parser counts them
    return _Reading(whole, path, programs=frozenset(programs), with_verbs=frozenset(with_verbs)).read()


@dataclass
class _Part:
    """The part of a runbook that is being read."""

    role: Role | None = None
    depth: int = 0  # of the heading that gave it its role; 0 for a bold word
    at: int = 0  # of its own heading
    heading: str = ""
    steps: int = 0  # how many steps the runbook had before it
    prose: list[Bullet] = field(default_factory=list)
    lead: Bullet | None = None  # the sentence right above
    after: str = ""  # what stood last: list, fence


class _Reading:
    """One pass over the tokens of a document."""

    def __init__(
        self, text: str, path: str, *, programs: frozenset[str] = frozenset(), with_verbs: frozenset[str] = frozenset()
    ) -> None:
        self.path, self.text, self.programs, self.with_verbs = path, text, programs, with_verbs
        self.lines = text.split("\n")
        self.blocks: list[Block] = []
        self.findings: list[Finding] = []
        self.runbooks: list[RawRunbook] = []
        self.levels: list[tuple[int, str, int, list[Bullet]]] = []
        self.related: list[Link] = []
        self.groups: list[str] = []
        self.title = ""
        self.current: RawRunbook | None = None
        self.depths: dict[int, RawRunbook] = {}  # what was opened at each depth of headings
        self.whole: dict[int, bool] = {}  # by line of a heading: its parts are headings
        self.titles: frozenset[int] = frozenset()  # lines of headings with bold parts right below
        self.is_whole = False
        self.part = _Part()
        self.anchors: dict[str, int] = {}
        self.level: list[Bullet] | None = None
        self.in_related = False

    def read(self) -> Outline:
        parser = MarkdownIt("commonmark").enable("table").use(front_matter_plugin)
        tokens = parser.parse(self.text)
        self.whole, self.titles = _wholes(tokens), _with_parts(tokens)
        index = 0
        while index < len(tokens):
            index = self._token(tokens, index)
        self._end_part(deeper=False)
        self._close(len(self.lines))
        self._name_by_title()
        self._complain()
        return Outline(
            path=self.path,
            text=self.text,
            title=self.title,
            groups=tuple(self.groups),
            runbooks=tuple(self._kept()),
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
            self._paragraph(tokens[index + 1], _line(token))
            return index + 3
        if token.type in ("ordered_list_open", "bullet_list_open") and token.level == 0:
            end = _closing(tokens, index)
            self._list(tokens[index : end + 1], ordered=token.type.startswith("ordered"))
            return end + 1
        if token.type in ("fence", "code_block"):
            self._fence(token)
        return index + 1

    # -- headings ------------------------------------------------------------------------------------------------------

    def _heading(self, depth: int, heading: str, line: int) -> None:
        level = LEVEL.match(heading)
        named = ID.match(heading)
        own = _unique(anchor(heading), self.anchors)
        self.in_related = heading.lower().startswith(("related", "see also"))
        if depth == 1 and not self.title:
            self.title = heading
        self._end_part(deeper=depth > self.part.at)
        if not named and not level and self._is_part(depth, heading, line):
            return
        self._close(line - 1)
        self.part, self.level = _Part(), None
        if level:
            self.level = []
            self.levels.append((int(level[1]), level[2].strip(), line, self.level))
            return
        identity, title = (named[1], named[2]) if named else (own.strip("-") or f"line-{line}", heading)
        group = "" if depth <= 2 else self._section
        if depth <= 2:
            self._section = heading
        self.is_whole = bool(named) or self.whole.get(line, False)
        self.current = RawRunbook(
            id=identity, title=title.strip(), anchor=own, group=group, line=line, whole=self.is_whole
        )
        self.part.heading = heading
        self.runbooks.append(self.current)
        self.depths = {at: one for at, one in self.depths.items() if at < depth} | {depth: self.current}
        if named and group and group not in self.groups:
            self.groups.append(group)

    _section: str = ""

    def _is_part(self, depth: int, heading: str, line: int) -> bool:
        """Whether a heading begins a part of the runbook that is read, and no runbook of its own; then it has begun."""
        if self.current is None or depth <= 1 or self.whole.get(line, False):
            return False
        role = roles.of_heading(heading) if self.is_whole else roles.of_bold(heading)
        step = "" if line in self.titles else roles.step_of(heading)
        if step and not self.is_whole:
            above = next((self.depths[at] for at in sorted(self.depths, reverse=True) if at < depth), None)
            if above is None:
                return False
            if above is not self.current:
                self._close(line - 1)
                self.current = above
            self.part = _Part(role=Role.STEPS, depth=depth - 1, at=depth, heading=step, steps=len(above.steps))
            return True
        if role is None and not self.is_whole:
            inside = self.part.role is Role.STEPS and 0 < self.part.depth < depth
            if not inside:
                return False
        own = min(at for at, one in self.depths.items() if one is self.current)
        if depth <= own:
            return False
        before = self.part
        inherited = before.role if depth > before.depth > 0 else None
        if role is Role.RESOLUTION:
            role = Role.STEPS if self.is_whole else role
        if role is None and depth > before.depth:
            role = inherited
        top = before.depth if role is inherited and inherited is not None and depth > before.depth else depth
        shown = (step or heading).strip(" :")
        self.part = _Part(role=role, depth=top, at=depth, heading=_plain(shown), steps=len(self.current.steps))
        return True

    def _end_part(self, *, deeper: bool) -> None:
        """A part that only tells in prose what to do is a list for people. What only leads to deeper parts is none."""
        part, current = self.part, self.current
        if current is None or part.role is not Role.STEPS or not self.is_whole or deeper:
            return
        told = part.prose
        if roles.is_diagnosis(part.heading):  # it explains; what tells to do something begins with a verb
            told = [one for one in told if roles.is_told(one.text)]
        if len(current.steps) == part.steps and told:
            self._new_step(part.heading, told[0].line).bullets += told

    def _close(self, line: int) -> None:
        if self.current is not None:
            self.current.end_line = max(line, self.current.end_line)
        self.current = None

    def _kept(self) -> list[RawRunbook]:
        """Sections that are runbooks. Where some hold commands, a numbered list elsewhere is no runbook by itself."""
        having = [one for one in self.runbooks if one.steps or _is_named(one)]
        doing = [one for one in having if _is_named(one) or one.whole or any(step.blocks for step in one.steps)]
        return doing or having

    def _name_by_title(self) -> None:
        """Where a file holds one runbook, it is called what the file is called."""
        first = self.depths.get(1) or next((one for one in self.runbooks if one.title == self.title), None)
        having = self._kept()
        if first is None or len(having) != 1 or having[0] is first or _is_named(having[0]):
            return
        (only,) = having
        first.symptoms += only.symptoms
        first.steps, first.resolution = only.steps, only.resolution
        first.severity, first.time = first.severity or only.severity, first.time or only.time
        first.end_line = max(first.end_line, only.end_line)
        only.steps, only.resolution = [], []

    # -- what stands below them ----------------------------------------------------------------------------------------

    def _paragraph(self, inline: Token, line: int) -> None:
        named = False
        for offset, text in enumerate(inline.content.split("\n")):
            found = BOLD.match(text.strip())
            if not found:
                continue
            name = (found[1] or found[3] or "").strip(" :").lower()
            value = (found[2] or found[4] or "").strip()
            role = roles.of_bold(name)
            if role is None or self.current is None:
                continue
            named, self.part.role = True, role
            if role is Role.SEVERITY and value:
                self.current.severity = value
            elif role is Role.TIME and value:
                self.current.time = duration(value)
                if self.current.time is None:
                    self._find(
                        "time-unreadable",
                        Severity.STYLE,
                        f"“{value}” is no duration that can be read",
                        line + offset,
                        "write it as 10-20 minutes",
                    )
        if self.current is None or named:
            return
        told = Bullet(text=" ".join(_plain(inline.content).split()), line=line)
        if self.part.role is Role.SYMPTOMS and self.is_whole:
            self.current.symptoms.append(symptom(told.text, line))
        elif self.part.role is Role.STEPS or (self.part.role is None and self.is_whole):
            self._sentence(inline, told)
        self.part.after = ""

    def _sentence(self, inline: Token, told: Bullet) -> None:
        """A paragraph among steps: a step where it holds a command, else what leads to the next."""
        assert self.current is not None
        if self.part.role is Role.STEPS and self._commands_in(inline):
            step = self._new_step(_title(inline.content), told.line)
            self._add_inline(inline, step, told.line)
            self.part.lead = None
            return
        self.part.lead = told
        if told.text and not told.text.endswith(":"):
            self.part.prose.append(told)

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
        if self.part.role is Role.SYMPTOMS and (not ordered or self.is_whole):
            self.current.symptoms += [symptom(text, line) for _, text, line, _ in items]
        elif self.part.role is Role.RESOLUTION and not ordered:
            self.current.resolution += [Bullet(text=text, line=line) for _, text, line, _ in items]
        elif self.part.role is Role.ABOUT or _is_contents(items):
            return
        elif ordered:
            self._steps(items)
        elif self.part.role is Role.STEPS:
            if any(self._has_commands(inner) for _, _, _, inner in items):
                self._steps(items)
            elif not _are_names(items):
                self._bullets(items)

    def _steps(self, items: Sequence[_Item]) -> None:
        for content, _, line, inner in items:
            self._step(content, line, inner)
        self.part.after, self.part.lead = "list", None

    def _bullets(self, items: Sequence[_Item]) -> None:
        """A list that names no command: one step, called what the sentence above it says."""
        lead = self.part.lead
        title = _title(lead.text) if lead is not None else self.part.heading
        step = self._new_step(title or "Steps", lead.line if lead is not None else items[0][2])
        for _, text, line, inner in items:
            below = [Bullet(text=told, line=at) for _, told, at, _ in _nested(inner)]
            step.bullets += [Bullet(text=_listed(text, below), line=line)]
        if lead is not None and lead in self.part.prose:
            self.part.prose.remove(lead)
        self.part.after, self.part.lead = "bullets", None

    def _step(self, content: str, line: int, inner: Sequence[Token]) -> None:
        bold = re.match(r"^\*\*(.+?)\*\*", content.split("\n")[0])
        title = bold[1].strip(" :") if bold else _title(content)
        step = self._new_step(title, line)
        index = 0
        own: list[Token] = []
        while index < len(inner):
            token = inner[index]
            if token.type in ("fence", "code_block"):
                self._fence(token, step)
            elif token.type == "inline":
                if own and self.is_whole:  # what stands below the command belongs to it, for whoever reads on
                    step.bullets.append(Bullet(text=" ".join(_plain(token.content).split()), line=_line(token)))
                own.append(token)
            elif token.type in ("bullet_list_open", "ordered_list_open"):
                end = _closing(inner, index)
                step.bullets += [Bullet(text=text, line=at) for _, text, at, _ in _items(inner[index : end + 1])]
                for nested in inner[index:end]:
                    if nested.type in ("fence", "code_block"):
                        self._fence(nested, step)
                    elif nested.type == "inline":
                        own.append(nested)
                index = end
            index += 1
        if not step.blocks:
            for token in own:
                self._add_inline(token, step, _line(token))
        if not step.blocks and not step.bullets and self.is_whole:
            step.bullets.append(Bullet(text=" ".join(_plain(content).split()), line=line))

    def _new_step(self, title: str, line: int) -> RawStep:
        assert self.current is not None
        step = RawStep(number=len(self.current.steps) + 1, title=title, line=line)
        self.current.steps.append(step)
        return step

    # -- code ----------------------------------------------------------------------------------------------------------

    def _commands_in(self, inline: Token) -> list[str]:
        return transcript.inline(inline, self.programs, several=self.with_verbs)

    def _has_commands(self, inner: Sequence[Token]) -> bool:
        return any(
            (token.type in ("fence", "code_block") and self._is_shell(token))
            or (token.type == "inline" and self._commands_in(token))
            for token in inner
        )

    def _add_inline(self, inline: Token, step: RawStep, line: int) -> None:
        last = inline.map[1] if inline.map else line
        after = (line, 1)
        for text in self._commands_in(inline):
            found = transcript.place(text, self.lines, line, last, after=after)
            at, column = found or after
            step.blocks.append(len(self.blocks))
            self.blocks.append(Block(text=text, line=at, column=column))
            after = (at, column + 1)

    def _is_shell(self, token: Token) -> bool:
        """Whether a block is a shell's. Of one without a language, or of a console, its text tells."""
        language = _language(token)
        if not token.content.strip():
            return False
        if not self.programs:
            return language in SHELL
        if re.match(r"(#.*\n|\s)*[\w.-]+:(\s|$)", token.content):
            return False  # it is YAML, whatever it is called
        if transcript.is_json(token.content):
            return False  # and this JSON
        if language in UNSURE:
            return transcript.is_typed(token.content, self.programs)
        return language in SHELL

    def _fence(self, token: Token, step: RawStep | None = None) -> None:
        start, end = token.map or (0, 0)
        if token.type == "fence":
            self._closed(token, start, end)
        if self.current is None or not self._is_shell(token):
            return
        if step is None:
            if self._is_beside(token):
                return
            step = self._loose_step(start + 1)
        first = start + (1 if token.type == "fence" else 0)
        lines = token.content.rstrip("\n").split("\n")
        column = len(self.lines[start]) - len(self.lines[start].lstrip()) + 1
        step.blocks.append(len(self.blocks))
        self.blocks.append(
            Block(text=transcript.typed("\n".join(lines), self.programs) + "\n", line=first + 1, column=column)
        )
        self.part.after, self.part.lead = "fence", None

    def _closed(self, token: Token, start: int, end: int) -> None:
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

    def _is_beside(self, token: Token) -> bool:
        """Whether a block outside any list is an example, and no step."""
        assert self.current is not None
        role = self.part.role
        if self.is_whole:
            return role not in (Role.STEPS, None)
        if role not in (Role.STEPS, None) and not self.current.steps:
            return True
        return _language(token) == "" and role is not Role.STEPS

    def _loose_step(self, line: int) -> RawStep:
        """A block outside any list belongs to the item or block right above it, or is a step of its own: named by the
        sentence that leads to it, else by the heading."""
        assert self.current is not None
        steps, part = self.current.steps, self.part
        if part.after in ("list", "fence") and len(steps) > part.steps:
            return steps[-1]
        if part.after == "bullets" and len(steps) > part.steps and steps[-1].bullets[-1].text.endswith(":"):
            leads = steps[-1].bullets.pop()  # the block belongs to the last bullet, and was not indented
            if not steps[-1].bullets:
                steps.pop()
            return self._new_step(_title(leads.text), leads.line)
        names = part.at > part.depth > 0 and len(steps) == part.steps  # a heading of its own says it better
        if part.lead is not None and (part.lead.text.endswith(":") or not names):
            step = self._new_step(_title(part.lead.text), part.lead.line)
            if part.lead in part.prose:
                part.prose.remove(part.lead)
            return step
        if steps and steps[-1].title == part.heading:
            return steps[-1]
        return self._new_step(part.heading, line)

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


def assemble(found: Outline, commands: Sequence[Sequence[Command]], *, knowledge: Knowledge | None = None) -> Document:
    """The document, with each block's commands in its step, and with `knowledge` each command where it is typed."""
    lines = found.text.split("\n")
    if knowledge is not None:
        commands = _where_typed(found, commands, knowledge)
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


def _where_typed(
    found: Outline, commands: Sequence[Sequence[Command]], knowledge: Knowledge
) -> Sequence[Sequence[Command]]:
    kept = list(commands)
    for raw in found.runbooks:
        places = [place for step in raw.steps for place in step.blocks]
        for place, one in zip(places, sessions.followed([kept[at] for at in places], knowledge), strict=True):
            kept[place] = one
    return kept


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
        told = IN_WORDS.search(text)
        if not told:
            return Symptom(text=text, line=line)
        comparison, unit = "<" if told[1].lower() in FEWER else ">", "ms" if told[3].startswith("milli") else told[3]
        return Symptom(text=text, line=line, comparison=comparison, value=float(told[2]), unit=unit)
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


_Item = tuple[str, str, int, Sequence[Token]]


def _items(tokens: Sequence[Token]) -> list[_Item]:
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
        found.append((content, _plain(content), _line(tokens[index]), inner))
        index = end + 1
    return found


def _nested(inner: Sequence[Token]) -> list[_Item]:
    """The items of the first list inside an item."""
    at = next((index for index, token in enumerate(inner) if token.type.endswith("_list_open")), None)
    return _items(inner[at : _closing(inner, at) + 1]) if at is not None else []


def _listed(text: str, below: Sequence[Bullet]) -> str:
    """A bullet with what stands below it, as one line for a person's task."""
    told = "; ".join(" ".join(one.text.split()) for one in below)
    return " ".join(f"{text} {told}".split())


CODE = re.compile(r"(,?\s*(?:\b(?:via|with|by running|running|run|using|by using|by|for example))?:?\s*)`([^`]*)`")
MARKS = re.compile(r"(`+)(.+?)\1|\*+|(?<![^\W_])_+|_+(?![^\W_])|`|\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", re.DOTALL)


def _plain(content: str) -> str:
    """Text without its marks; what stands as code stays as it is."""
    return MARKS.sub(lambda match: match[2] or match[3] or "", content).strip()


def _title(content: str) -> str:
    """What a sentence calls a step: the one that leads to a block, else the first; without a command in it."""
    text = " ".join(content.split())
    bare = CODE.sub(lambda match: match[0] if " " not in match[2] else "", text)
    text = bare if len(bare.split()) > 1 else text
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", _plain(text))
    told = sentences[-1 if text.rstrip().endswith(":") else 0].strip(" :.,;")
    if len(told) <= LONGEST_TITLE:
        return told
    return told[:LONGEST_TITLE].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def _are_names(items: Sequence[_Item]) -> bool:
    """Whether a list only enumerates: single words, or links."""
    return all(re.fullmatch(r"\[[^\]]+\](?:\([^)]*\)|\[[^\]]*\])?|\S+", content.strip()) for content, _, _, _ in items)


def _language(token: Token) -> str:
    info = token.info.strip()
    return info.split()[0].lower().strip("{}.") if info else ""


def _unique(name: str, used: dict[str, int]) -> str:
    """As GitHub tells two headings of one text apart: the second ends with -1."""
    count = used.get(name, 0)
    used[name] = count + 1
    return f"{name}-{count}" if count else name


def _wholes(tokens: Sequence[Token]) -> dict[int, bool]:
    """Headings whose parts are headings too, `## Diagnosis` and `## Mitigation` right below: by their lines."""
    found: dict[int, set[str]] = {}
    open_: list[tuple[int, int]] = []  # depth and line
    for at, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        depth, line = int(token.tag[1]), _line(token)
        text = re.sub(r"[*_`:]", "", tokens[at + 1].content).strip().lower()
        while open_ and open_[-1][0] >= depth:
            open_.pop()
        if open_:
            word = next((word for word in STRONG if text.startswith(word.removesuffix("s"))), "")
            if word and roles.of_heading(text) is not None:
                found.setdefault(open_[-1][1], set()).add(word)
        open_.append((depth, line))
    return {line: True for line, words in found.items() if len(words) > 1}


def _with_parts(tokens: Sequence[Token]) -> frozenset[int]:
    """Headings right above bold parts (`**Symptoms**:`): titles of runbooks, numbered or not. By their lines."""
    found: set[int] = set()
    heading = 0
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = _line(token)
        elif token.type == "inline" and tokens[at - 1].type == "paragraph_open" and heading:
            named = (BOLD.match(line.strip()) for line in token.content.split("\n"))
            if any(one and roles.of_bold(one[1] or one[3] or "") is not None for one in named):
                found.add(heading)
    return frozenset(found)


def _is_named(runbook: RawRunbook) -> bool:
    return bool(ID.match(f"{runbook.id}: x"))


def _is_contents(items: Sequence[_Item]) -> bool:
    """A contents list: every item is only a link into this document."""
    return bool(items) and all(re.fullmatch(r"\[[^\]]+\]\(#[^)]*\)", content.strip()) for content, _, _, _ in items)
