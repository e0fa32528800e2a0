"""From a parsed block to commands: stages of words, what each does and why, and what is wrong with it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Any

from handrail.commands import effects, lint, secrecy, translate, variables
from handrail.commands.block import ParsedBlock, names_of
from handrail.commands.knowledge import Knowledge
from handrail.commands.model import (
    Analysis,
    Command,
    Effect,
    Finding,
    Literal,
    Parameter,
    Reason,
    Scope,
    Severity,
    Span,
    Stage,
    Word,
)
from handrail.commands.variables import Variables

BRACED = re.compile(r"(?<![@$\\{])\{([A-Za-z][\w-]*)\}(?!\})")  # `{namespace}`, which no shell expands
HARMLESS_REDIRECTIONS = ("2>/dev/null", "2>&1", ">/dev/null")


def understand(
    block: ParsedBlock, knowledge: Knowledge, *, first_line: int, first_column: int, known: Variables | None = None
) -> tuple[Command, ...]:
    """The commands of a block whose first character stands at that line and column of the document.

    `known` are the variables of the whole document; without them each variable is left to the shell.
    """
    reader = _Reader(block, first_line=first_line, first_column=first_column, known=known)
    if block.error:
        return (_unreadable(block, reader),)
    commands = [_command(statement, reader, knowledge) for statement in block.statements]
    commands = lint.across(commands)
    return (*commands, *_tasks(block, reader))


class _Reader:
    """Positions and names of one block."""

    def __init__(
        self, block: ParsedBlock, *, first_line: int, first_column: int, known: Variables | None = None
    ) -> None:
        self.block, self._line, self._column, self.known = block, first_line, first_column, known
        self.names = names_of(block.text)
        self._bytes = block.hidden.encode()

    def characters(self, offset: int) -> int:
        """The character offset of a byte offset."""
        return len(self._bytes[:offset].decode(errors="ignore"))

    def text(self, start: int, end: int) -> str:
        """The document's own text between two byte offsets."""
        return self.block.text[self.characters(start) : self.characters(end)]

    def span(self, start: int, end: int) -> Span:
        """Where a stretch stands in the document; every line of a block begins at the same column."""
        line, column = self.place(start)
        end_line, end_column = self.place(end)
        return Span(line=line, column=column, end_line=end_line, end_column=end_column)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a byte offset."""
        before = self.block.text[: self.characters(offset)]
        return self._line + before.count("\n"), self._column + len(before) - (before.rfind("\n") + 1)


@dataclasses.dataclass
class _Flat:
    """What a statement's tree comes to: the stages of a pipeline, or that only a shell could run it."""

    stages: list[Stage] = dataclasses.field(default_factory=list)
    loose: list[Stage] = dataclasses.field(default_factory=list)  # simple commands outside a plain pipeline
    shell: str = ""  # why only a shell could run it
    told: list[str] = dataclasses.field(default_factory=list)  # what stands in place of what is written
    findings: list[Finding] = dataclasses.field(default_factory=list)
    redirected: list[str] = dataclasses.field(default_factory=list)  # what is read or written past the words


def _command(statement: dict[str, Any], reader: _Reader, knowledge: Knowledge) -> Command:
    start, end = statement["Pos"]["Offset"], statement["End"]["Offset"]
    flat = _Flat()
    text = reader.text(start, end)
    span = reader.span(start, end)
    sets = reader.known.names(statement) if reader.known else ()
    printing = _printing(statement, sets, reader)
    if sets and printing is None and _only_sets(statement, sets, reader):
        return _setting(text, span, sets)
    if printing is not None:
        flat.told.append(f"what it prints is ${sets[0]} in the commands after it")
    _flatten(printing or statement, reader, flat)
    flat.stages = [_translated(stage, knowledge, flat) for stage in flat.stages]
    watched = _watched(flat, knowledge)
    flat.loose = [_translated(stage, knowledge, _Flat()) for stage in flat.loose]
    parameters = tuple(
        dict.fromkeys(
            part.name
            for stage in (*flat.stages, *flat.loose)
            for word in (*stage.words, *([stage.output] if stage.output else []))
            for part in word
            if isinstance(part, Parameter)
        )
    )
    found = effects.of_stages(flat.stages, flat.loose, knowledge)
    analysis = effects.join(found, shell=flat.shell, output=any(stage.output for stage in flat.stages))
    if any(secrecy.told((whole,), knowledge.secrets) for whole in flat.redirected):
        analysis = dataclasses.replace(analysis, discloses_secrets=True)
    if watched:
        analysis = dataclasses.replace(analysis, never_returns=True)
    comments = " ".join(
        reader.text(comment["Pos"]["Offset"], comment["End"]["Offset"]).removeprefix("#").strip()
        for comment in statement.get("Comments") or ()
    )
    stages = (
        None
        if flat.shell
        else tuple(
            dataclasses.replace(stage, exit_meanings=one.exits, failures=one.failures)
            for stage, one in zip(flat.stages, found, strict=False)
        )
    )
    command = Command(
        text=text,
        span=span,
        stages=stages,
        parameters=parameters,
        analysis=analysis,
        comment=comments,
        adjustments=tuple(dict.fromkeys(flat.told)),
        mended=frozenset(finding.rule for finding in flat.findings),
        findings=(*flat.findings, *(finding for one in found for finding in one.findings)),
        repeats=watched,
    )
    return lint.single(command)


def _printing(statement: dict[str, Any], sets: tuple[str, ...], reader: _Reader) -> dict[str, Any] | None:
    """The command whose output the statement keeps as its one variable; None where it does something else."""
    if reader.known is None or len(sets) != 1 or sets[0] not in reader.known.printed:
        return None
    ((_, value),) = variables.assignments(statement)
    return variables.substituted(value) if value else None


def _only_sets(statement: dict[str, Any], sets: tuple[str, ...], reader: _Reader) -> bool:
    """Whether every value is known where it is used: then the statement itself has nothing to run."""
    assert reader.known is not None
    if not set(sets) <= {*reader.known.once, *reader.known.asked}:
        return False
    flat = _Flat()
    for name, value in variables.assignments(statement):
        if value and name in reader.known.once:
            _word(value, reader, flat)
    return not flat.shell


def _setting(text: str, span: Span, sets: tuple[str, ...]) -> Command:
    told = f"it only sets {' and '.join(f'${name}' for name in sets)} for the commands after it"
    return Command(
        text=text,
        span=span,
        stages=None,
        parameters=(),
        analysis=Analysis(effect=Effect.READS, scope=Scope.SESSION, reasons=(Reason(rule="variable", text=told),)),
    )


def _translated(stage: Stage, knowledge: Knowledge, flat: _Flat) -> Stage:
    found = translate.stage(stage, knowledge)
    if found is None:
        return stage
    flat.told += [found.says] if found.says else []
    flat.findings += found.findings
    return dataclasses.replace(stage, words=found.words)


WATCH_TAKES = ("-n", "--interval", "-q", "--equexit")
WATCH_ALONE = frozenset(
    {"-d", "--differences", "-t", "--no-title", "-b", "--beep", "-e", "--errexit", "-g", "--chgexit"}
)
WATCH_ALONE |= {"-c", "--color", "-p", "--precise", "-w", "--no-wrap", "-x", "--exec"}


def _watched(flat: _Flat, knowledge: Knowledge) -> bool:
    """`watch -n 5 COMMAND` is COMMAND, asked again and again; taken so only where that reads and needs no shell."""
    if len(flat.stages) != 1 or flat.loose or flat.shell:
        return False
    (stage,) = flat.stages
    plain = ["".join(part.text if isinstance(part, Literal) else "x" for part in word) for word in stage.words]
    if plain[:1] != ["watch"]:
        return False
    at = 1
    while at < len(plain) and plain[at].startswith("-"):
        name = plain[at].partition("=")[0]
        if name in WATCH_TAKES:
            at += 1 if "=" in plain[at] else 2
        elif plain[at] in WATCH_ALONE or re.fullmatch(r"-n\d+(?:\.\d+)?", plain[at]):
            at += 1
        else:
            return False
    rest = plain[at:]
    if len(rest) < 2 or any(re.search(r"[^\w./:=@%+,-]", word) for word in rest):
        return False  # watch hands its words to a shell
    inner = dataclasses.replace(stage, words=stage.words[at:])
    if effects.of_stage(inner, knowledge).effect is not Effect.READS:
        return False
    flat.stages = [inner]
    flat.told.append("watch repeats it: read again and again for a while")
    return True


def _flatten(statement: dict[str, Any], reader: _Reader, flat: _Flat) -> None:
    command = statement.get("Cmd") or {}
    output: Word | None = None
    for redirection in statement.get("Redirs") or ():
        operator = redirection.get("Op")
        if isinstance(operator, int):
            raise TypeError("the shell parser gives operators as numbers: shfmt-py before 4.2 is not supported")
        whole = reader.text(redirection["Pos"]["Offset"], redirection["End"]["Offset"]).replace(" ", "")
        if whole in HARMLESS_REDIRECTIONS:
            continue
        if operator == ">" and "N" not in redirection:
            output = _word(redirection["Word"], reader, flat)
            continue
        flat.shell = flat.shell or f"it redirects with {operator}"
        for inner in _calls(redirection):
            flat.loose.append(Stage(words=tuple(_word(arg, reader, _Flat()) for arg in inner.get("Args") or ())))
        flat.redirected.append(whole)
    if statement.get("Background") or statement.get("Coprocess") or statement.get("Negated"):
        flat.shell = flat.shell or "it runs in the background or is negated"
    kind = command.get("Type")
    if kind == "BinaryCmd" and command.get("Op") == "|":
        _flatten(command["X"], reader, flat)
        _flatten(command["Y"], reader, flat)
    elif kind == "CallExpr" and command.get("Args") and not command.get("Assigns"):
        words = tuple(_word(arg, reader, flat) for arg in command["Args"])
        flat.stages.append(Stage(words=words, output=output))
        return
    else:
        told = {"BinaryCmd": "it joins commands", "CallExpr": "it sets a variable", None: "it is empty"}
        flat.shell = flat.shell or told.get(kind, f"it is a {str(kind).removesuffix('Clause').lower()}")
        for inner in _calls(command):
            args = inner.get("Args") or ()
            if args:
                flat.loose.append(Stage(words=tuple(_word(arg, reader, flat) for arg in args)))
    if output is not None and flat.stages:
        flat.stages[-1] = dataclasses.replace(flat.stages[-1], output=output)


def _calls(node: Any) -> Iterable[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("Type") == "CallExpr":
            yield node
        for value in node.values():
            yield from _calls(value)
    elif isinstance(node, list):
        for value in node:
            yield from _calls(value)


def _word(word: dict[str, Any], reader: _Reader, flat: _Flat) -> Word:
    parts: list[Literal | Parameter] = []
    for part in word.get("Parts") or ():
        _part(part, reader, flat, parts, quoted=False)
    return tuple(parts) or (Literal(text=""),)


def _part(part: dict[str, Any], reader: _Reader, flat: _Flat, into: list[Literal | Parameter], *, quoted: bool) -> None:
    kind = part.get("Type")
    if kind == "Lit":
        value = str(part.get("Value", ""))
        if not quoted and reader.known is not None and BRACED.search(value):
            for at, piece in enumerate(BRACED.split(value)):
                if at % 2:
                    into.append(Parameter(name=piece))
                elif piece:
                    _part({**part, "Value": piece}, reader, flat, into, quoted=quoted)
            return
        if not quoted and (any(char in value for char in "*?[{") or (value.startswith("~") and not into)):
            flat.shell = flat.shell or "the shell would expand a pattern"
        _literal(_unescape(value, quoted=quoted), reader, into)
    elif kind == "SglQuoted" and not part.get("Dollar"):
        _literal(str(part.get("Value", "")), reader, into)
    elif kind == "DblQuoted" and not part.get("Dollar"):
        for inner in part.get("Parts") or ():
            _part(inner, reader, flat, into, quoted=True)
        if not part.get("Parts"):
            into.append(Literal(text=""))
    elif (name := variables.named(part)) and _variable(name, reader, flat, into, quoted=quoted):
        pass
    else:
        flat.shell = flat.shell or "a word is computed by the shell"
        for inner in _calls(part):
            flat.loose.append(Stage(words=tuple(_word(arg, reader, _Flat()) for arg in inner.get("Args") or ())))
        into.append(Literal(text=reader.text(part["Pos"]["Offset"], part["End"]["Offset"])))


def _variable(name: str, reader: _Reader, flat: _Flat, into: list[Literal | Parameter], *, quoted: bool) -> bool:
    """`$NAME` as what the document sets it to, or as a placeholder where it comes from outside. False: the shell's."""
    known = reader.known
    if known is None:
        return False
    if known.is_open(name):
        into.append(Parameter(name=name))
        return True
    if name not in known.once:
        return False
    assigned = known.once[name]
    others = {other: one for other, one in known.once.items() if other != name}
    computed = known.computed | {name}
    there = _Reader(
        assigned.block,
        first_line=1,
        first_column=1,
        known=dataclasses.replace(known, once=others, computed=computed),  # a variable made of itself is the shell's
    )
    inner = _Flat()
    word = _word(assigned.value, there, inner)
    text = "".join(part.text for part in word if isinstance(part, Literal))
    if inner.shell or (not quoted and (re.search(r"[\s*?\[]", text) or not text) and not _has_parameter(word)):
        return False  # unquoted, a shell would split it or expand it
    into.extend(word)
    shown = "".join(part.text if isinstance(part, Literal) else f"<{part.name}>" for part in word)
    flat.told.append(f"${name} is {shown} in this document")
    flat.told += inner.told
    return True


def _has_parameter(word: Word) -> bool:
    return any(isinstance(part, Parameter) for part in word)


def _unescape(value: str, *, quoted: bool) -> str:
    out, skip = [], False
    for index, char in enumerate(value):
        if skip:
            skip = False
            if char == "\n":
                continue
            out.append(char)
            continue
        if char == "\\" and index + 1 < len(value):
            following = value[index + 1]
            if not quoted or following in '"\\$`\n':
                skip = True
                continue
        out.append(char)
    return "".join(out)


def _literal(value: str, reader: _Reader, into: list[Literal | Parameter]) -> None:
    text = ""
    index = 0
    while index < len(value):
        name = reader.names.get(value[index])
        if name is None:
            text += value[index]
            index += 1
            continue
        if text:
            into.append(Literal(text=text))
            text = ""
        into.append(Parameter(name=name))
        index += len(name) + 2
    if text or not value:
        into.append(Literal(text=text))


def _tasks(block: ParsedBlock, reader: _Reader) -> list[Command]:
    """Comments after the last command: an action was meant to stand there."""
    last = max((statement["End"]["Offset"] for statement in block.statements), default=-1)
    found = []
    for comment in block.comments:
        start, end = comment["Pos"]["Offset"], comment["End"]["Offset"]
        line_start = block.hidden.encode().rfind(b"\n", 0, start) + 1
        alone = not block.hidden.encode()[line_start:start].strip()
        if start < last or not alone:
            continue
        span = reader.span(start, end)
        text = reader.text(start, end).removeprefix("#").strip()
        found.append(
            Command(
                text=f"# {text}",
                span=span,
                stages=None,
                parameters=(),
                comment=text,
                task=True,
                analysis=Analysis(
                    effect=Effect.UNKNOWN,
                    scope=Scope.NONE,
                    reasons=(Reason(rule="task", text="a comment stands where an action belongs: a person does it"),),
                ),
                findings=(
                    Finding(
                        rule="comment-for-action",
                        severity=Severity.RISK,
                        span=span,
                        message=f"“{text}” is only a comment: nothing runs here, and the step looks done",
                        suggestion="write the command, or make it a list item with an owner",
                    ),
                ),
            )
        )
    return found


def _unreadable(block: ParsedBlock, reader: _Reader) -> Command:
    end = len(block.hidden.encode())
    span = reader.span(0, end)
    return Command(
        text=block.text.rstrip("\n"),
        span=span,
        stages=None,
        parameters=(),
        analysis=Analysis(
            effect=Effect.UNKNOWN,
            scope=Scope.TARGET,
            reasons=(Reason(rule="no-shell", text=f"no shell reads it: {block.error}"),),
        ),
        findings=(
            Finding(
                rule="shell-syntax",
                severity=Severity.ERROR,
                span=span,
                message=f"the shell cannot read this: {block.error}",
                suggestion="mend the quotes, or mark the block with another language",
            ),
        ),
    )
