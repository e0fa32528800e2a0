"""Blocks of shell through shfmt's own parser: one bounded process for a whole document, trees as plain values.

`<pod-name>` is a redirection to a shell, so each placeholder is replaced, character for character, by characters of a
private-use plane before parsing: positions stay as they are and the parser sees one opaque word.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handrail import commands
from handrail.commands import Command, Knowledge
from handrail.commands.block import ParsedBlock, hide
from handrail.errors import FixSettings

SECONDS = 20
SEPARATOR = ": handrail-block-{}-ends"


def parse_blocks(blocks: Sequence[str]) -> list[ParsedBlock]:
    """A tree for each block, or the parser's complaint.

    All blocks go through one process, each followed by a separator statement. A block that swallows its separator (an
    open quote, an open here-document) makes the whole fall back to a process a block.
    """
    hidden = [hide(block) for block in blocks]
    found = _together(hidden) if hidden else []
    if found is None:
        found = [_alone(text) for text in hidden]
    return [
        ParsedBlock(text=block, hidden=text, statements=statements, comments=comments, error=error)
        for block, text, (statements, comments, error) in zip(blocks, hidden, found, strict=True)
    ]


Nodes = tuple[dict[str, Any], ...]
Parsed = tuple[Nodes, Nodes, str]


def _together(hidden: Sequence[str]) -> list[Parsed] | None:
    script, starts, offset = "", [], 0
    for number, text in enumerate(hidden):
        starts.append(offset)
        piece = text.rstrip("\n") + "\n" + SEPARATOR.format(number) + "\n"
        script += piece
        offset += len(piece.encode())
    tree, error = _shfmt(script)
    if tree is None or error:
        return None
    marks = {SEPARATOR.format(number)[2:]: number for number in range(len(hidden))}
    ends: dict[int, int] = {}
    for statement in tree.get("Stmts", ()):
        args: Sequence[Any] = (statement.get("Cmd") or {}).get("Args") or ()
        if len(args) == 2 and args[0]["Parts"][0].get("Value") == ":":
            mark = marks.get(args[1]["Parts"][0].get("Value", ""))
            if mark is not None:
                ends[mark] = statement["Pos"]["Offset"]
    if len(ends) != len(hidden):
        return None
    result: list[Parsed] = []
    for number, start in enumerate(starts):
        end = ends[number]
        inside = tuple(
            _shift(statement, start) for statement in tree.get("Stmts", ()) if start <= statement["Pos"]["Offset"] < end
        )
        comments = [comment for statement in tree.get("Stmts", ()) for comment in statement.get("Comments") or ()]
        comments += tree.get("Last") or ()
        own = tuple(_shift(comment, start) for comment in comments if start <= comment["Pos"]["Offset"] < end)
        result.append((inside, own, ""))
    return result


def _alone(text: str) -> Parsed:
    tree, error = _shfmt(text)
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
    found = subprocess.run(
        [_binary(), "-ln", "bash", "--to-json"],
        input=text.encode(),
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env={},
    )
    if found.returncode:
        return None, found.stderr.decode(errors="replace").removeprefix("<standard input>:").strip()
    tree: dict[str, Any] = json.loads(found.stdout)
    return tree, ""


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
