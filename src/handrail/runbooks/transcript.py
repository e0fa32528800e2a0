"""Code of a document as a shell would be given it: prompts, printed output and prose around it made blank.

Nothing moves: what is left stands at the line and column where it stands in the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence

from markdown_it.token import Token

HOST = r"(?:\[[^\]\n]{1,60}\]|[\w.-]+@[\w.-]+(?::\S*)?|(?:ba|z|k|c)?sh-[\d.]+|/)?"
PROMPT = re.compile(rf"^(\s*{HOST}\s*\$\s+)(?=\S)")
ROOT = re.compile(rf"^(\s*(?!#){HOST.removesuffix('?')}\s*#\s+)(?=\S)")  # `sh-4.4# df -h`; a bare # is a comment
CONTINUES = re.compile(r"(\\|\||&&)\s*$")
HERE = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")
HEAD = re.compile(
    r"\s*[A-Z][A-Z0-9()/%-]*(?: [A-Z][A-Z0-9-]*)*(?:(?:\s{2,}|\t)[A-Z][A-Z0-9()/%-]*(?: [A-Z][A-Z0-9-]*)*)+\s*"
)
SHOWN = re.compile(r"[A-Za-z_][\w.-]*:|\.{3}")  # a key of YAML, or the rest left out: no shell has such a word first
PATH = re.compile(r"\.{0,2}/[\w./-]+$")
INLINE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
WORD = re.compile(r"\S+")


def typed(text: str, programs: Collection[str] = ()) -> str:
    """A block as it is typed: of a transcript the typed lines alone, every other line blank; else the text as it is.

    Where nothing marks what is typed, a table's head marks what was printed, up to the next of the known programs.
    """
    lines = text.split("\n")
    if not any(PROMPT.match(line) or ROOT.match(line) for line in lines):
        return _without_tables(lines, programs)
    found: list[str] = []
    going, until = False, ""
    so_far = ""
    for line in lines:
        prompt = None if going or until else PROMPT.match(line) or ROOT.match(line)
        if until:
            found.append(line)
            until = "" if line.strip() == until else until
            going = False
            continue
        if prompt:
            line = " " * len(prompt[1]) + line[len(prompt[1]) :]  # noqa: PLW2901 -- the same line without its prompt
            so_far = line
        elif going:
            so_far += "\n" + line
        else:
            found.append("")
            continue
        found.append(line)
        here = HERE.search(line)
        until = here[1] if here else ""
        going = bool(CONTINUES.search(line)) or _open_quote(so_far)
    return "\n".join(found)


def _without_tables(lines: Sequence[str], programs: Collection[str]) -> str:
    found: list[str] = []
    printed, until, so_far = False, "", ""
    answered = 0  # lines before this one are JSON that was printed
    listing = False  # the line before is YAML that was printed
    for at, line in enumerate(lines):
        if at < answered:
            found.append("")
            continue
        first = next(iter(line.split()), "")
        if until or so_far:  # inside a here-document, an open quote or joined lines: all of it is typed
            found.append(line)
            until = "" if until and line.strip() == until else until
            so_far = "" if until else _goes_on(f"{so_far}\n{line}") if so_far else ""
            continue
        if HEAD.fullmatch(line) and at:
            printed = True
        elif not first or first in programs or first.startswith("#"):
            printed = False
        if programs and at and first[:1] in ("{", "["):
            answered = _end_of_json(lines, at)
        listing = bool(programs and at and (SHOWN.fullmatch(first) or (listing and first == "-")))
        shown = printed or listing or at < answered
        found.append("" if shown else line)
        if not shown:
            here = HERE.search(line)
            until = here[1] if here else ""
            so_far = "" if here else _goes_on(line)
    return "\n".join(found)


def _end_of_json(lines: Sequence[str], at: int) -> int:
    """Behind the last line of the JSON that begins here; the same place where none does. A shell's groups are none."""
    text = "\n".join(lines[at:]).lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return at
    return at if text[end:].partition("\n")[0].strip() else at + text[:end].count("\n") + 1


def is_json(text: str) -> bool:
    """Whether all of a text is an object or a list of JSON: what a program printed, and nothing that is typed."""
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _goes_on(text: str) -> str:
    """What was typed so far, where its next line still belongs to it; else nothing."""
    return text if CONTINUES.search(text) or _open_quote(text) else ""


def is_typed(text: str, programs: Collection[str]) -> bool:
    """Whether a block without a language is a shell's: it has prompts, or begins with a program that is known."""
    lines = [line for line in text.split("\n") if line.strip()]
    if any(PROMPT.match(line) or ROOT.match(line) for line in lines):
        return True
    first = next((line.split() for line in lines if not line.lstrip().startswith("#")), [])
    while first and (first[0] == "sudo" or re.fullmatch(r"[A-Za-z_]\w*=\S*", first[0])):
        if first[0] != "sudo" and len(first) == 1:
            return True  # it sets a variable
        first = first[1:]
    return bool(first) and (
        first[0] in programs or bool(PATH.match(first[0])) or first[0] in ("export", "for", "while")
    )


def inline(token: Token, programs: Collection[str], *, several: Collection[str] = ()) -> list[str]:
    """The commands that stand as code in a sentence: a known program with something to do, not a mere name.

    Programs of `several` have verbs, so that two words alone (`kubectl edit`) only speak of one.
    """
    found = []
    for child in token.children or ():
        if child.type != "code_inline":
            continue
        text = child.content.strip()
        prompt = PROMPT.match(text)
        text = text[len(prompt[1]) :] if prompt else text
        words = WORD.findall(text)
        if not words or words[0] not in programs or len(words) < (3 if words[0] in several else 2):
            continue
        if text.rstrip().endswith(("...", "…")):
            continue  # the rest is left to the reader
        found.append(text)
    return found


def place(text: str, lines: Sequence[str], first: int, last: int, *, after: tuple[int, int]) -> tuple[int, int] | None:
    """1-based line and column of an inline command between two lines, behind `after`; None where it is not found.

    In the document it may be broken over two lines.
    """
    pattern = re.compile(r"\s+".join(re.escape(word) for word in WORD.findall(text)))
    start_line, start_column = after
    whole = "\n".join(lines[first - 1 : last])
    skip = sum(len(line) + 1 for line in lines[first - 1 : start_line - 1]) + start_column - 1
    match = pattern.search(whole, max(skip, 0))
    if match is None:
        return None
    before = whole[: match.start()]
    return first + before.count("\n"), match.start() - (before.rfind("\n") + 1) + 1


def _open_quote(text: str) -> bool:
    """Whether a quote is still open at the end of what was typed so far."""
    quote, skip, remark = "", False, False
    before = " "
    for char in text:
        if remark:
            remark = char != "\n"
        elif skip:
            skip = False
        elif char == "\\" and quote != "'":
            skip = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and before.isspace():
            remark = True
        before = char
    return bool(quote)
