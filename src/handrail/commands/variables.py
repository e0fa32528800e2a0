"""Shell variables of a document: which it sets once, which a command prints, and which it leaves open.

State crosses the blocks of a document: `NAMESPACE=shop` in its first block is meant in its last. A variable that nobody
sets is a placeholder like `<namespace>`. What only a shell could follow (a loop, `read`, two values) stays the shell's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handrail.commands.block import ParsedBlock

Node = dict[str, Any]
SHELLS_OWN = frozenset(
    {
        *("HOME", "PATH", "USER", "LOGNAME", "PWD", "OLDPWD", "SHELL", "HOSTNAME", "LANG", "TERM", "TMPDIR", "EDITOR"),
        *("IFS", "UID", "EUID", "PPID", "RANDOM", "SECONDS", "LINENO", "REPLY", "OPTARG", "OPTIND", "FUNCNAME"),
    }
)
STEERS = re.compile(  # programs read these by themselves: setting one is more than naming a value
    r"KUBECONFIG|PATH|HOME|EDITOR|.*_PROXY|.*_proxy|(LD|PG|AWS|HELM|GIT|NPM|DOCKER|ETCDCTL|KUBE|VAULT|PYTHON|BASH)_?.*"
)
ASKED = re.compile(r"""["']?<[^<>\n]+>["']?""")
DECLARES = ("export", "declare", "typeset", "local", "readonly")
READS_INTO = ("read", "mapfile", "readarray", "getopts")


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """Where a variable gets its one value: the block, and the parser's node of the value."""

    block: ParsedBlock
    value: Node


@dataclass(frozen=True, kw_only=True)
class Variables:
    """What is known of the variables of one document."""

    once: Mapping[str, Assigned] = field(default_factory=dict)
    printed: frozenset[str] = frozenset()  # what one command prints becomes it
    asked: frozenset[str] = frozenset()  # set to a placeholder: `NODE=<instance label from alert>`
    computed: frozenset[str] = frozenset()

    def is_open(self, name: str) -> bool:
        """Whether a value comes from outside: nobody sets it, a command prints it, or a placeholder stands for it."""
        return name not in self.once and name not in self.computed and name not in SHELLS_OWN

    def names(self, statement: Node) -> tuple[str, ...]:
        """The variables that a statement sets and does nothing else; empty where it does more."""
        pairs = assignments(statement)
        if not pairs or any(STEERS.fullmatch(name) or name in SHELLS_OWN for name, _ in pairs):
            return ()
        return tuple(name for name, _ in pairs)


def of(blocks: Sequence[ParsedBlock]) -> Variables:
    """The variables of a document, from all of its blocks."""
    found: dict[str, list[Assigned | None]] = {}
    for block in blocks:
        for statement in block.statements:
            own = assignments(statement)
            for name, value in own:
                found.setdefault(name, []).append(Assigned(block=block, value=value) if value else None)
            if not own:
                for name in _inside(statement):
                    found.setdefault(name, []).append(None)
    once, printed, asked, computed = {}, set(), set(), set()
    for name, values in found.items():
        first = values[0]
        if first is None or any(one is None or _text(one) != _text(first) for one in values):
            computed.add(name)
        elif substituted(first.value) is not None:
            printed.add(name)
        elif ASKED.fullmatch(_text(first)):
            asked.add(name)
        else:
            once[name] = first
    return Variables(once=once, printed=frozenset(printed), asked=frozenset(asked), computed=frozenset(computed))


def assignments(statement: Node) -> list[tuple[str, Node | None]]:
    """Names and values of a statement that only sets variables: `A=1`, `export B=2`. A bare `export A` sets none."""
    command = statement.get("Cmd") or {}
    if statement.get("Redirs") or statement.get("Background") or statement.get("Negated"):
        return []
    if command.get("Type") == "CallExpr" and not command.get("Args"):
        pairs = command.get("Assigns") or []
    elif command.get("Type") == "DeclClause" and (command.get("Variant") or {}).get("Value") in DECLARES:
        pairs = command.get("Args") or []
    else:
        return []
    if any("Name" not in pair or pair.get("Array") or pair.get("Index") or pair.get("Append") for pair in pairs):
        return []
    return [(pair["Name"]["Value"], pair.get("Value")) for pair in pairs]


def substituted(value: Node) -> Node | None:
    """The statement whose output is the whole value, `$(kubectl get …)`; None where it is anything else."""
    parts = value.get("Parts") or []
    if len(parts) == 1 and parts[0].get("Type") == "DblQuoted":
        parts = parts[0].get("Parts") or []
    if len(parts) != 1 or parts[0].get("Type") != "CmdSubst":
        return None
    statements = parts[0].get("Stmts") or []
    return statements[0] if len(statements) == 1 else None


def named(part: Node) -> str:
    """The variable of a plain `$NAME` or `${NAME}`; empty for what else a shell can do with one."""
    if part.get("Type") != "ParamExp" or set(part) - {"Type", "Pos", "End", "Dollar", "Rbrace", "Short", "Param"}:
        return ""
    name = str((part.get("Param") or {}).get("Value", ""))
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else ""


def _inside(node: Any) -> Iterator[str]:
    """Every name that is set somewhere in a statement, for that statement or later ones."""
    if isinstance(node, list):
        for one in node:
            yield from _inside(one)
        return
    if not isinstance(node, dict):
        return
    if node.get("Type") == "WordIter" and "Name" in node:
        yield node["Name"]["Value"]
    for pair in [*(node.get("Assigns") or ()), *(node.get("Args") or () if node.get("Type") == "DeclClause" else ())]:
        if "Name" in pair:
            yield pair["Name"]["Value"]
    words = [_literal(word) for word in node.get("Args") or ()] if node.get("Type") == "CallExpr" else []
    if words and words[0] in READS_INTO:
        yield from (word for word in words[1:] if re.fullmatch(r"[A-Za-z_]\w*", word))
    for value in node.values():
        yield from _inside(value)


def _literal(word: Node) -> str:
    parts = word.get("Parts") or []
    return str(parts[0].get("Value", "")) if len(parts) == 1 and parts[0].get("Type") == "Lit" else ""


def _text(one: Assigned) -> str:
    raw = one.block.hidden.encode()
    start, end = one.value["Pos"]["Offset"], one.value["End"]["Offset"]
    before, inside = raw[:start].decode(errors="ignore"), raw[start:end].decode(errors="ignore")
    return one.block.text[len(before) : len(before) + len(inside)]
