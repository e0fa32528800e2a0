"""Blocks of shell through shfmt's own parser: one bounded process for a whole document, trees as plain values.

`<pod-name>` is a redirection to a shell, so each placeholder is replaced, character for character, by characters of a
private-use plane before parsing: positions stay as they are and the parser sees one opaque word.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handrail import commands
from handrail.commands import Command, Knowledge
from handrail.commands.block import ParsedBlock, hide
from handrail.errors import FixSettings

SECONDS = 10
SEPARATOR = ": handrail-block-{}-ends"
LONGEST = 64 * 1024  # characters of one block
LARGEST = 64 * 1024 * 1024  # bytes of a tree; shfmt indents it, so one that is deep is huge long before it is long
MOST_JOINED = 100  # commands joined in one statement: each is a level of the tree
JOINS = re.compile(r"\|\|?|&&")
DEEPEST = 250  # levels of the tree; runbooks have about twenty


def parse_blocks(blocks: Sequence[str]) -> list[ParsedBlock]:
    """A tree for each block, or the parser's complaint.

    All blocks go through one process, each followed by a separator statement. A block that swallows its separator (an
    open quote, an open here-document) makes the whole fall back to a process a block.
    """
    hidden = [hide(block).encode(errors="replace").decode() for block in blocks]  # half a pair is no character
    refused = [_too_much(text) for text in hidden]
    short = ["" if why else text for text, why in zip(hidden, refused, strict=True)]
    found = _together(short) if short else []
    if found is None:
        found = [_alone(text) for text in short]
    found = [((), (), why) if why else one for one, why in zip(found, refused, strict=True)]
    return [
        ParsedBlock(text=block, hidden=text, statements=statements, comments=comments, error=error)
        for block, text, (statements, comments, error) in zip(blocks, hidden, found, strict=True)
    ]


def _too_much(text: str) -> str:
    """Why a block is not given to the parser: it would answer with a tree that is far larger than the text."""
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    joined = 0
    for line in text.split("\n"):
        joined += len(JOINS.findall(line))
        if joined > MOST_JOINED:
            return f"it joins more than {MOST_JOINED} commands"
        if not line.rstrip().endswith(("\\", "|", "&&")):
            joined = 0
    return ""


Nodes = tuple[dict[str, Any], ...]
Parsed = tuple[Nodes, Nodes, str]


def _together(hidden: Sequence[str]) -> list[Parsed] | None:
    if any(text.rstrip("\n").endswith("\\") for text in hidden):
        return None  # it would join our own statement to itself
    pieces: list[str] = []
    starts: list[int] = []
    marks: dict[int, int] = {}
    offset = 0
    for number, text in enumerate(hidden):
        starts.append(offset)
        piece, mark = text.rstrip("\n") + "\n", SEPARATOR.format(number) + "\n"
        pieces += [piece, mark]
        marks[offset + len(piece.encode())] = number
        offset += len(piece.encode()) + len(mark)
    script = "".join(pieces)
    tree, error = _shfmt(script)
    if tree is None or error:
        return None
    raw = script.encode()
    ends: dict[int, int] = {}
    for statement in tree.get("Stmts", ()):
        place = statement["Pos"]["Offset"]
        if place in marks and raw[place : statement["End"]["Offset"]] == SEPARATOR.format(marks[place]).encode():
            ends[marks[place]] = place
    if len(ends) != len(hidden):
        return None
    result: list[Parsed] = []
    for number, start in enumerate(starts):
        end = ends[number]
        inside: Nodes = tuple(
            _shift(statement, start) for statement in tree.get("Stmts", ()) if start <= statement["Pos"]["Offset"] < end
        )
        comments = [comment for statement in tree.get("Stmts", ()) for comment in statement.get("Comments") or ()]
        comments += tree.get("Last") or ()
        own = tuple(_shift(comment, start) for comment in comments if start <= comment["Pos"]["Offset"] < end)
        result.append((inside, own, ""))
    return result


def _alone(text: str) -> Parsed:
    tree, error = _shfmt(text.rstrip("\n") + "\n")  # as among others: a carriage return before a line's end is no word
    if tree is None:
        return (), (), error
    statements = tuple(tree.get("Stmts", ()))
    comments = [comment for statement in statements for comment in statement.get("Comments") or ()]
    return statements, (*comments, *(tree.get("Last") or ())), ""


def _shift(node: Any, by: int) -> Any:
    """A copy of a node whose offsets count from the block's own beginning."""
    if isinstance(node, dict):
        return {
            key: value - by if key == "Offset" and isinstance(value, int) else _shift(value, by)
            for key, value in node.items()
        }
    return [_shift(item, by) for item in node] if isinstance(node, list) else node


def _shfmt(text: str) -> tuple[dict[str, Any] | None, str]:
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as told:
        asked.write(text.encode())
        asked.seek(0)
        command = [_binary(), "-ln", "bash", "--to-json"]
        with subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, stderr=told, env={}) as process:
            assert process.stdout is not None
            deadline = threading.Timer(SECONDS, process.kill)
            deadline.start()
            answer = process.stdout.read(LARGEST)
            if len(answer) == LARGEST:
                process.kill()
            process.wait()
            deadline.cancel()
        told.seek(0)
        complaint = told.read(2000).decode(errors="replace").removeprefix("<standard input>:").strip()
    if len(answer) == LARGEST or process.returncode < 0:
        return None, "it is too large, or nested too deeply, for the parser"
    if process.returncode:
        return None, complaint
    try:
        tree: dict[str, Any] = json.loads(answer)
    except RecursionError:
        return None, "it is nested too deeply"
    return (tree, "") if _depth(tree) <= DEEPEST else (None, "it is nested too deeply")


def _depth(tree: Any) -> int:
    """How deep a tree is, level by level, so that no depth is too much for it."""
    level, depth = [tree], 0
    while level:
        depth += 1
        level = [
            inner
            for node in level
            for inner in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(inner, (dict, list))
        ]
    return depth


_found = ""


def _binary() -> str:
    global _found  # noqa: PLW0603 -- looked up once a process
    if not _found:
        beside = Path(sysconfig.get_path("scripts")) / "shfmt"
        where = str(beside) if beside.exists() else shutil.which("shfmt")
        if not where:
            raise FixSettings("The shell parser shfmt is missing. It comes with Handrail: install it again.")
        _found = where
    return _found


def understand_one(block: ParsedBlock, knowledge: Knowledge) -> Command | None:
    """The one command of a block of a binding's own; None where it is not exactly one."""
    found = commands.understand(block, knowledge, first_line=1, first_column=1)
    return found[0] if len(found) == 1 else None
