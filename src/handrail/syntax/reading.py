"""Reads a document from a file: its outline, its blocks through the shell parser, its commands understood."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from handrail import commands
from handrail.commands import Finding, Knowledge, Severity, Span
from handrail.errors import FixRunbook
from handrail.runbooks import markdown, mistakes
from handrail.runbooks.document import Document
from handrail.syntax import files
from handrail.syntax.shell import parse_blocks

LARGEST = 4 * 1024 * 1024


def read_document(path: Path, knowledge: Knowledge) -> Document:
    """The document of a file. What cannot be read as text is a document with one finding."""
    try:
        raw = files.bytes_of(path)
    except OSError as error:
        raise FixRunbook(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > LARGEST:
        return _unreadable(str(path), raw, f"the file has {len(raw)} bytes; documents of up to {LARGEST} are read")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unreadable(str(path), raw, f"this is not UTF-8 text (byte {error.start})")
    if "\0" in text:
        return _unreadable(str(path), raw, "this is a binary file")
    return read_text(text, str(path), knowledge)


def read_whole(path: Path, knowledge: Knowledge) -> Document:
    """The document of a file; FixRunbook where it is no text, for who would take it for a document without runbooks."""
    document = read_document(path, knowledge)
    unread = next((one for one in document.findings if one.rule == "not-text"), None)
    if unread is not None:
        raise FixRunbook(f"{path} cannot be read: {unread.message}. Keep runbooks as UTF-8 Markdown.")
    return document


def read_text(text: str, path: str, knowledge: Knowledge) -> Document:
    """The document of a text."""
    found = markdown.outline(
        text.replace("\r\n", "\n"), path, programs=knowledge.names, with_verbs=knowledge.with_verbs
    )
    parsed = parse_blocks([block.text for block in found.blocks])
    known = commands.variables.of(parsed)
    understood = [
        commands.understand(one, knowledge, first_line=block.line, first_column=block.column, known=known)
        for one, block in zip(parsed, found.blocks, strict=True)
    ]
    return markdown.assemble(found, understood, knowledge=knowledge)


def _unreadable(path: str, raw: bytes, message: str) -> Document:
    span = Span(line=1, column=1, end_line=1, end_column=2)
    finding = Finding(
        rule="not-text",
        severity=Severity.ERROR,
        message=message,
        suggestion="keep runbooks as UTF-8 Markdown",
        span=span,
    )
    return Document(
        path=path,
        revision=hashlib.sha256(raw).hexdigest(),
        title="",
        groups=(),
        runbooks=(),
        escalation=(),
        related=(),
        findings=(finding,),
    )


def wrong_with(document: Document, path: Path) -> tuple[Finding, ...]:
    """Everything wrong with a document, by place: with itself, its commands, and its links to what is not beside it."""
    links = mistakes.broken_links(document.related, there=_there(path, document))
    return tuple(
        sorted([*mistakes.findings_of(document), *links], key=lambda one: (one.span.line, one.span.column, one.rule))
    )


def _there(path: Path, document: Document) -> Iterator[str]:
    """Targets of links that lead somewhere: a file beside the document, a runbook in it."""
    anchors = {runbook.anchor for runbook in document.runbooks}
    for link in document.related:
        target, _, heading = link.target.partition("#")
        if (path.parent / target).exists() if target else heading in anchors:
            yield link.target
