"""Programs that only read and print, by a closed grammar: an option that their row does not list makes them unknown.

Nothing is taken for harmless because it looks so. An option may be shortened, glued or clustered as the program's own
parser allows; whatever then is not in the row, or names something whose reading acts, is unknown.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handrail.commands.found import StageEffect, unknown
from handrail.commands.model import Effect, Reason, Scope

# Files whose reading does something, or takes from others what they wait for: devices, pipes of the kernel, other
# processes' descriptors.
ACTS_WHEN_READ = re.compile(
    r"/dev/(?!(?:null|stdin|shm/[\w./-]+)$).*|/proc/(?:kmsg|sysrq-trigger|[^/]+/(?:fd|mem|clear_refs|task/.*/fd)\b.*)"
    r"|/sys/kernel/debug/.*|.*/trace_pipe(?:_raw)?|.*\.(?:fifo|sock|pipe)",
)
RECURSIVE = {"-r", "-R", "--recursive", "--dereference-recursive"}
WHOLE = re.compile(r"/|/(?:proc|sys|dev)(?:/.*)?")
HOST = re.compile(r"(?:[A-Za-z0-9_<>]|[A-Za-z0-9_<>][\w.:<> -]*[\w.<>])\.?|\.")
PLUS = re.compile(r"\+[a-z\d]+(?:=[\w.:-]+)?")


class Unlisted(ValueError):
    """A word that the row does not know; says which."""


@dataclass(kw_only=True)
class Parted:
    """A reader's words taken apart. Long options stand without their value, short ones one by one."""

    flags: list[str] = field(default_factory=list)
    values: list[tuple[str, str]] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)


def effect(words: Sequence[str], name: str, row: Mapping[str, Any]) -> StageEffect:
    """What a reader does with these words."""
    try:
        parted = _parted(words[1:], row)
    except Unlisted as error:
        return unknown(f"{name}-option", f"whether {name} with {error} only reads is not known")
    doubt = _doubt(name, row, parted)
    if doubt:
        return doubt
    watch, bound = row.get("watch") or (), str(row.get("watch_without", ""))
    return StageEffect(
        effect=Effect.READS,
        scope=Scope.NONE,
        reasons=(Reason(rule=name, text=f"{name} only reads"),),
        discloses=bool(row.get("discloses")),
        never_returns=any(flag in watch for flag in parted.flags) or bool(bound and bound not in parted.flags),
        exits=row.get("exits") or {},
    )


def _doubt(name: str, row: Mapping[str, Any], parted: Parted) -> StageEffect | None:
    kind, operands = row.get("operands", "files"), parted.operands
    if kind == "none" and operands:
        return unknown(f"{name}-operand", f"{name} with an operand runs or sets something")
    if kind == "plus" and not all(operand.startswith("+") for operand in operands):
        return unknown(f"{name}-operand", f"{name} with an operand sets something")
    if len(operands) > row.get("most", len(operands)):
        return unknown(f"{name}-operand", f"{name} writes or asks something else with {len(operands)} operands")
    if len(operands) < row.get("least", 0):
        return unknown(f"{name}-operand", f"{name} without an operand waits for more")
    if kind == "hosts" and not all(HOST.fullmatch(operand.removeprefix("@")) for operand in operands):
        return unknown(f"{name}-operand", f"an operand of {name} is no plain name")
    if kind == "program":
        doubt = _programs(name, row, parted)
        if doubt:
            return doubt
    if kind in ("files", "program", "plus"):
        acting = next((one for one in (*operands, *(value for _, value in parted.values)) if _acts(one)), "")
        if acting:
            return unknown(f"{name}-file", f"reading {acting} may do something by itself")
    if kind == "files" and RECURSIVE & set(parted.flags) and any(WHOLE.fullmatch(_rooted(one)) for one in operands):
        return unknown(f"{name}-file", f"{name} would read every device and every pipe of the kernel there")
    needs = row.get("needs")
    if needs and not any(need in parted.flags for need in needs):
        return unknown(f"{name}-interactive", f"{name} is interactive here")
    return None


def _rooted(file: str) -> str:
    """A path without its detours; `..` may lead anywhere, so to the root."""
    return re.sub(r"^/*(?:\.\.(?:/|$))+|^//+", "/", posixpath.normpath(file))


def _acts(file: str) -> bool:
    """Whether reading a file may do something."""
    return bool(ACTS_WHEN_READ.fullmatch(_rooted(file)))


# -- taking apart ----------------------------------------------------------------------------------------------------


def _parted(words: Sequence[str], row: Mapping[str, Any]) -> Parted:
    if row.get("anything"):
        return Parted(operands=list(words))
    parted, rest = Parted(), list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            parted.operands += rest
            break
        if row.get("plus") and PLUS.fullmatch(word):
            parted.flags.append(word)
        elif word == "-" or not word.startswith("-"):
            parted.operands.append(word)
        elif row.get("long_single"):
            _single(word, row, parted)
        elif word.startswith("--") or word in (row.get("own_arity") or {}):
            _long(word, rest, row, parted)
        else:
            _short(word, rest, row, parted)
    return parted


def _single(word: str, row: Mapping[str, Any], parted: Parted) -> None:
    """`nslookup -type=mx`."""
    name = word[1:].partition("=")[0]
    if name not in row["long_single"].split() or word.startswith("--"):
        raise Unlisted(word)
    parted.flags.append(word.partition("=")[0])


def _long(word: str, rest: list[str], row: Mapping[str, Any], parted: Parted) -> None:
    name, equals, value = word[2:].partition("=")
    own = row.get("own_arity") or {}
    if f"--{name}" in own:
        if equals or len(rest) < own[f"--{name}"]:
            raise Unlisted(word)
        parted.flags.append(f"--{name}")
        parted.values += [(f"--{name}", rest.pop(0)) for _ in range(own[f"--{name}"])]
    elif name in row.get("long", "").split():
        parted.flags.append(f"--{name}")
    elif name in row.get("long_takes", "").split():
        parted.flags.append(f"--{name}")
        if not equals and not rest:
            raise Unlisted(word)
        parted.values.append((f"--{name}", value if equals else rest.pop(0)))
    else:
        raise Unlisted(word)


def _short(word: str, rest: list[str], row: Mapping[str, Any], parted: Parted) -> None:
    letters = word[1:]
    if row.get("digits"):
        letters = re.sub(r"^\d+", "", letters)
    for place, letter in enumerate(letters, 1):
        if letter in row.get("glued", ""):
            parted.flags.append(f"-{letter}")
            return
        if letter in row.get("takes", ""):
            parted.flags.append(f"-{letter}")
            glued = letters[place:]
            if not glued and not rest:
                raise Unlisted(word)
            parted.values.append((f"-{letter}", glued or rest.pop(0)))
            return
        if letter not in row.get("flags", ""):
            raise Unlisted(f"-{letter}")
        parted.flags.append(f"-{letter}")


# -- readers that are given a program ----------------------------------------------------------------------------------


def _programs(name: str, row: Mapping[str, Any], parted: Parted) -> StageEffect | None:
    """Takes the program out of the operands, which leaves the files; an answer where it may do more than print."""
    given = [value for flag, value in parted.values if flag == f"-{row.get('program_in', '')}"]
    if not given:
        if not parted.operands:
            return unknown(f"{name}-program", f"{name} is given no program")
        given = [parted.operands.pop(0)]
    values = [value for _, value in parted.values]
    if not PRINTS[row["language"]](given, values, parted.operands):
        return unknown(f"{name}-program", f"the program given to {name} may write or run something")
    return None


def _sed_expression() -> re.Pattern[str]:
    """sed programs that only print: addresses, s without the flags w and e, and commands of one letter that write nowhere.

    A bracket may not hold the delimiter, because editions of sed differ in where such a pattern ends.
    """

    def until(end: str) -> str:
        return rf"(?:[^{end}\\\n\[]|\\[^\n]|\[[^{end}\\\n\]]*\])*{re.escape(end)}"

    place = rf"(?:\d+|\$|/{until('/')}I?)"
    address = rf"(?:{place}(?:,\+?{place})?[ \t]*!?[ \t]*)?"
    swap = "|".join(rf"s{re.escape(one)}{until(one)}{until(one)}[gpiI0-9]*" for one in "/|#,@:")
    command = rf"[ \t]*{address}(?:[pdqPDNnhHgGx=]|{swap})?[ \t]*"
    return re.compile(rf"{command}(?:[;\n]{command})*")


SED_PRINTS = _sed_expression()
AWK_MARKS = ("system", ">", "|", "getline", "close", "@", "\\\n", "fflush", "extension", "/inet", "ARGV", "ARGC")
JQ_MODULES = re.compile(r"\b(?:import|include|modulemeta)\b")


def _sed(programs: Sequence[str], values: Sequence[str], files: Sequence[str]) -> bool:
    del values, files
    return all(SED_PRINTS.fullmatch(program) for program in programs)


def _awk(programs: Sequence[str], values: Sequence[str], files: Sequence[str]) -> bool:
    """A mark in a value or in an assignment among the files may become part of a name that is called."""
    return not any(mark in one for mark in AWK_MARKS for one in (*programs, *values, *files))


def _jq(programs: Sequence[str], values: Sequence[str], files: Sequence[str]) -> bool:
    del values, files
    return not any(JQ_MODULES.search(program) for program in programs)


PRINTS = {"sed": _sed, "awk": _awk, "jq": _jq}
