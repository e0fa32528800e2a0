"""`handrail check`: what is wrong with runbooks, where, why it matters and what to do, before an outage finds it.

Ends with 0 where nothing is wrong, 1 where something is, 2 where a file could not be read.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from handrail.cli import documents, looks, terminal
from handrail.cli.formats import Format
from handrail.commands import Finding, Knowledge, Severity, Span
from handrail.errors import FixRunbook
from handrail.runbooks import bindingfile
from handrail.runbooks.document import Document
from handrail.runbooks.rules import RULES
from handrail.syntax import files
from handrail.syntax.reading import read_document, wrong_with

ORDER = (Severity.ERROR, Severity.WRONG, Severity.RISK, Severity.STYLE)
MEANS = {
    Severity.ERROR: "cannot work",
    Severity.WRONG: "not what the step says",
    Severity.RISK: "risky",
    Severity.STYLE: "could be better",
}
MORE = 12  # further places of one mistake that are named


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A file with what is wrong with it. `empty` is a Markdown file without any step."""

    path: Path
    findings: tuple[Finding, ...]
    lines: tuple[str, ...]
    runbooks: int = 0
    steps: int = 0
    commands: int = 0
    empty: bool = False


def check(paths: Sequence[Path], *, format_: Format, fix: bool) -> None:
    """Read, mend where that was asked for, and write what is left."""
    found = checked(paths)
    if fix:
        for file in found:
            for told in mend(file):
                print(told, file=sys.stderr)
        found = checked(paths)
    written = {Format.TEXT: _text, Format.JSON: as_json, Format.SARIF: _sarif, Format.GITHUB: _github}[format_](found)
    for line in written:
        print(line)
    if any(file.findings for file in found):
        unread = any(finding.rule == "not-text" for file in found for finding in file.findings)
        raise typer.Exit(2 if unread else 1)


def checked(paths: Sequence[Path]) -> list[Checked]:
    """Every document of these paths, and the bindings beside them in folders."""
    found: list[Checked] = []
    read: list[Document] = []
    known: dict[Path, Knowledge] = {}
    markdown = documents.expand([path for path in paths if not _is_binding(path)]) if paths else []
    alone = [path for path in paths if path.is_file()]
    for path in markdown:
        if path.parent not in known:
            known[path.parent] = documents.knowledge_for(path.parent)
        document = read_document(path, known[path.parent])
        read.append(document)
        found.append(_checked(path, document))
    if any(file.runbooks for file in found):  # a read-me beside runbooks is no mistake; a folder without any is
        found = [_without_emptiness(file) if file.empty and file.path not in alone else file for file in found]
    bindings = [path for path in paths if _is_binding(path)]
    bindings += [file for path in paths if path.is_dir() for file in sorted(path.rglob("*.binding.yaml"))]
    folders = [path for path in paths if path.is_dir()]
    pairs = {one: document for path in folders for document, one in documents.bindings_of_folder(path).items()}
    return found + [_binding(path, read, named=pairs.get(path.resolve())) for path in dict.fromkeys(bindings)]


def _checked(path: Path, document: Document) -> Checked:
    try:
        text = files.bytes_of(path).decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    except OSError as error:
        raise FixRunbook(f"{path} cannot be read: {error.strerror}.") from error
    lines = tuple(text.split("\n"))
    return Checked(
        path=path,
        findings=wrong_with(document, path),
        lines=lines,
        runbooks=len(document.runbooks),
        steps=sum(len(runbook.steps) for runbook in document.runbooks),
        commands=sum(
            not command.task for runbook in document.runbooks for step in runbook.steps for command in step.commands
        ),
        empty=not document.runbooks,
    )


def _without_emptiness(file: Checked) -> Checked:
    kept = tuple(finding for finding in file.findings if finding.rule not in ("no-runbook", "empty-document"))
    return Checked(path=file.path, findings=kept, lines=file.lines, empty=True)


def _is_binding(path: Path) -> bool:
    return path.name.endswith(".binding.yaml") and path.is_file()


def _binding(path: Path, read: Sequence[Document], *, named: Path | None) -> Checked:
    """Against the documents beside it and, wherever that lies, the one that settings name it for."""
    try:
        text = files.text_of(path)
        beside = [
            document
            for document in read
            if Path(document.path).parent.resolve() == path.parent.resolve() or Path(document.path).resolve() == named
        ]
        bindingfile.read(text, path=str(path), documents=beside)
    except FixRunbook as error:
        told = str(error).removeprefix(f"{path}:").strip()
        line = re.match(r"(\d+): ", told)
        at = int(line[1]) if line else 1
        finding = Finding(
            rule="binding",
            severity=Severity.ERROR,
            message=told[line.end() :] if line else told,
            suggestion="see docs/reference/bindings.md",
            span=Span(line=at, column=1, end_line=at, end_column=2),
        )
        return Checked(path=path, findings=(finding,), lines=tuple(text.split("\n")))
    except (OSError, UnicodeDecodeError) as error:
        raise FixRunbook(f"{path} cannot be read: {error}") from error
    return Checked(path=path, findings=(), lines=())


# -- correcting --------------------------------------------------------------------------------------------------------


def mend(file: Checked) -> Iterator[str]:
    """Write the corrections that need no judgement into the file; a line for each."""
    wanted = [(finding, finding.mend) for finding in file.findings if finding.mend is not None]
    if not wanted:
        return
    raw = files.bytes_of(file.path).decode("utf-8")
    lines = raw.split("\n")
    for finding, one in wanted:
        old = re.compile(rf"(?<![\w-]){re.escape(one.old)}(?![\w-])")
        first, last = _stretch(file, finding)
        done = 0
        for at in range(first - 1, min(last, len(lines))):
            lines[at], times = old.subn(one.new.replace("\\", r"\\"), lines[at])
            done += times
        if done:
            yield f"{file.path}:{finding.span.line}: {one.old} → {one.new}  ({finding.rule})"
    handle, name = tempfile.mkstemp(dir=file.path.parent, prefix=f".{file.path.name}.")
    with os.fdopen(handle, "wb") as new:
        new.write("\n".join(lines).encode("utf-8"))
    Path(name).chmod(file.path.stat().st_mode)
    Path(name).replace(file.path)


def _stretch(file: Checked, finding: Finding) -> tuple[int, int]:
    """The lines of the command around a finding: joined lines end with a backslash, and SQL may stand over several."""
    first = last = finding.span.line
    while first > 1 and file.lines[first - 2].rstrip().endswith("\\"):
        first -= 1
    while last < len(file.lines) and file.lines[last - 1].rstrip().endswith("\\"):
        last += 1
    return first, max(last, finding.span.end_line)


# -- writing -----------------------------------------------------------------------------------------------------------


def _text(found: Sequence[Checked]) -> Iterator[str]:
    for file in found:
        yield from file_text(file)
    count = Counter(finding.severity for file in found for finding in file.findings)
    read = [file for file in found if file.runbooks]
    scale = (
        f"{terminal.count(sum(file.runbooks for file in read), 'runbook')}, "
        f"{terminal.count(sum(file.steps for file in read), 'step')}, "
        f"{terminal.count(sum(file.commands for file in read), 'command')} read in {terminal.count(len(read), 'document')}"
    )
    beside = [str(file.path) for file in found if file.empty and not file.findings]
    if beside:
        scale += f"; no runbook in {', '.join(beside)}"
    if not count:
        yield f"Nothing wrong was found: {scale}."
        return
    yield ", ".join(f"{count[severity]} {MEANS[severity]}" for severity in ORDER if count[severity]) + f". {scale}."
    mechanical = sum(finding.mend is not None for file in found for finding in file.findings)
    worst = next(severity for severity in ORDER if count[severity])
    first = next(
        f"{file.path}:{finding.span.line}" for file in found for finding in file.findings if finding.severity is worst
    )
    told = f" `handrail check --fix` corrects {mechanical} of them." if mechanical else ""
    yield f"Begin with {first} ({MEANS[worst]}).{told}"


def file_text(file: Checked, *, called: Mapping[Severity, str] | None = None) -> Iterator[str]:
    """One mistake in full at its first place; where it stands again, the places alone. `called` renames severities."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in file.findings:
        groups.setdefault((finding.rule, finding.message), []).append(finding)
    for same in groups.values():
        finding = same[0]
        place = f"{file.path}:{finding.span.line}:{finding.span.column}"
        look = looks.SEVERITIES[finding.severity]
        yield f"{terminal.paint(place, 'strong')}  {terminal.paint((called or {}).get(finding.severity, finding.severity), look)}  {finding.rule}"
        for line in terminal.wrapped(terminal.clean(f"{finding.message}."), terminal.width() - 2):
            yield f"  {line}"
        if 0 < finding.span.line <= len(file.lines) and file.lines[finding.span.line - 1].strip():
            yield from _marked(file.lines[finding.span.line - 1], finding, look)
        yield f"  fix: {terminal.clean(finding.suggestion)}"
        others = [str(other.span.line) for other in same[1:]]
        if others:
            named = ", ".join(others[:MORE]) + (f" and {len(others) - MORE} more" if len(others) > MORE else "")
            yield f"  the same in {terminal.count(len(others), 'line')}: {named}"
        yield ""


def _marked(line: str, finding: Finding, look: str) -> Iterator[str]:
    """The line itself, with the place marked beneath."""
    number = str(finding.span.line)
    end = finding.span.end_column if finding.span.end_line == finding.span.line else len(line) + 1
    start = min(finding.span.column, len(line))
    if start == 1:
        start = len(line) - len(line.lstrip()) + 1
    marks = "^" * max(1, min(end, len(line) + 1) - start)
    before = terminal.cells(terminal.clean(line[: start - 1]))
    yield f"  {terminal.paint(number + ' |', 'soft')} {terminal.clean(line.rstrip())}"
    yield f"  {terminal.paint(' ' * len(number) + ' |', 'soft')} {' ' * before}{terminal.paint(marks, look)}"


def as_json(found: Sequence[Checked]) -> Iterator[str]:
    yield json.dumps(
        [
            {
                "file": str(file.path),
                "line": finding.span.line,
                "column": finding.span.column,
                "end_line": finding.span.end_line,
                "end_column": finding.span.end_column,
                "rule": finding.rule,
                "severity": finding.severity,
                "message": finding.message,
                "suggestion": finding.suggestion,
                "fixable": finding.mend is not None,
            }
            for file in found
            for finding in file.findings
        ],
        indent=2,
        ensure_ascii=False,
    )


LEVELS = {Severity.ERROR: "error", Severity.WRONG: "error", Severity.RISK: "warning", Severity.STYLE: "note"}


def _sarif(found: Sequence[Checked]) -> Iterator[str]:
    """SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), as code scanning takes it."""
    used = sorted({finding.rule for file in found for finding in file.findings})
    rules = [
        {"id": rule, "shortDescription": {"text": RULES.get(rule, "A binding that cannot be used.")}} for rule in used
    ]
    results: list[dict[str, Any]] = [
        {
            "ruleId": finding.rule,
            "ruleIndex": used.index(finding.rule),
            "level": LEVELS[finding.severity],
            "message": {"text": f"{finding.message}. {finding.suggestion}."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": file.path.as_posix()},
                        "region": {
                            "startLine": finding.span.line,
                            "startColumn": finding.span.column,
                            "endLine": finding.span.end_line,
                            "endColumn": max(finding.span.end_column, 1),
                        },
                    }
                }
            ],
        }
        for file in found
        for finding in file.findings
    ]
    yield json.dumps(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": {"name": "handrail", "rules": rules}},
                    "columnKind": "unicodeCodePoints",
                    "results": results,
                }
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _github(found: Sequence[Checked]) -> Iterator[str]:
    """Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    words = {"error": "error", "warning": "warning", "note": "notice"}
    for file in found:
        for finding in file.findings:
            place = f"file={_escaped(str(file.path), inside=True)},line={finding.span.line},col={finding.span.column}"
            title = _escaped(finding.rule, inside=True)
            told = _escaped(f"{finding.message}. {finding.suggestion}.")
            yield f"::{words[LEVELS[finding.severity]]} {place},title={title}::{told}"


def _escaped(text: str, *, inside: bool = False) -> str:
    for plain, coded in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(plain, coded)
    return text.replace(":", "%3A").replace(",", "%2C") if inside else text
