"""Regular expressions that cost no more than the text is long: RFC 9485, and what people write beside it.

Python's own engine tries every way in which a pattern may fit, and the text is anybody's: `(a+)+b` on forty letters takes
hours. Here all ways are followed at once, each letter once. What only the other kind of engine can do (`\\1`, `(?=…)`, `\\b`)
is refused when the pattern is read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

MOST = 2000  # places that a pattern may have, its repetitions written out
DEEPEST = 30  # brackets within brackets
REMEMBERED = 4096  # moves from a set of places by a letter
SPECIAL = "()*+?{}[]|."
CONTROL = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
Test = Callable[[str], bool]
CLASSES: dict[str, Test] = {
    "d": str.isdecimal,
    "D": lambda one: not one.isdecimal(),
    "s": str.isspace,
    "S": lambda one: not one.isspace(),
    "w": lambda one: one.isalnum() or one == "_",
    "W": lambda one: not (one.isalnum() or one == "_"),
}


class PatternError(ValueError):
    """A pattern that is none, or one that cannot be followed in a time that the text's length bounds."""


@dataclass(frozen=True)
class One:
    """One letter that passes."""

    passes: Test


@dataclass(frozen=True)
class Edge:
    """The beginning or the end of the text."""

    end: bool


@dataclass(frozen=True)
class Row:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    """Any of these."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """So many times; without end where `most` is None."""

    part: Node
    least: int
    most: int | None


Node = One | Edge | Row | Either | Repeat


class _Reader:
    """A pattern, read from left to right."""

    def __init__(self, text: str, *, small: bool) -> None:
        self._text, self._at, self._small, self._depth = text, 0, small, 0

    def whole(self) -> Node:
        found = self._either()
        if self._at < len(self._text):
            raise PatternError("a bracket is closed that was not opened")
        return found

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        if self._at >= len(self._text):
            raise PatternError("it ends in the middle")
        self._at += 1
        return self._text[self._at - 1]

    def _either(self) -> Node:
        parts = [self._row()]
        while self._next() == "|":
            self._at += 1
            parts.append(self._row())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _row(self) -> Node:
        parts: list[Node] = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))
        return Row(tuple(parts))

    def _atom(self) -> Node:
        letter = self._take()
        match letter:
            case "(":
                return self._group()
            case "[":
                return One(self._class())
            case ".":
                return One(lambda one: one not in "\r\n")
            case "^" | "$":
                return Edge(end=letter == "$")
            case "\\":
                return One(self._folded(self._escaped()))
            case "*" | "+" | "?" | "{" | "}" | "]":
                raise PatternError(f"{letter} stands where nothing is before it: write \\{letter} for the character")
        return One(self._folded(letter))

    def _group(self) -> Node:
        if self._next() == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise PatternError("(?…) is not known here, (?:…) is")
            self._at += 2
        self._depth += 1
        if self._depth > DEEPEST:
            raise PatternError(f"more than {DEEPEST} brackets stand within each other")
        found = self._either()
        if self._take() != ")":
            raise PatternError("a bracket is not closed")
        self._depth -= 1
        return found

    def _repeated(self, part: Node) -> Node:
        match self._next():
            case "*":
                least, most = 0, None
            case "+":
                least, most = 1, None
            case "?":
                least, most = 0, 1
            case "{":
                least, most = self._count()
            case _:
                return part
        self._at += 1
        if self._next() == "?":  # the shortest first: which of them is found first makes no difference to whether
            self._at += 1
        if self._next() in ("*", "+", "?", "{"):
            raise PatternError("a repetition is repeated: put brackets around it")
        return Repeat(part, least, most)

    def _count(self) -> tuple[int, int | None]:
        """`{2}`, `{2,}`, `{2,5}`; up to its closing brace."""
        ends = self._text.find("}", self._at)
        first, comma, last = self._text[self._at + 1 : max(ends, 0)].partition(",")
        if ends < 0 or not _is_count(first) or (last and not _is_count(last)):
            raise PatternError("a repetition is written {2}, {2,} or {2,5}")
        self._at = ends
        least, most = int(first), (int(last) if last else None) if comma else int(first)
        if max(least, most or 0) > MOST or (most is not None and most < least):
            raise PatternError(f"it repeats {{{first}{comma}{last}}} times")
        return least, most

    def _escaped(self) -> str | Test:
        """What stands behind a backslash: a letter, or a test."""
        letter = self._take()
        if letter in CLASSES:
            return CLASSES[letter]
        if letter in CONTROL:
            return CONTROL[letter]
        if letter in "pP":
            ends = self._text.find("}", self._at)
            kind = self._text[self._at + 1 : max(ends, 0)]
            if self._next() != "{" or ends < 0 or kind[:1] not in tuple("LMNPZSC") or len(kind) > 2:
                raise PatternError("a category is written \\p{L}")
            self._at = ends + 1
            within = letter == "p"
            return lambda one: unicodedata.category(one).startswith(kind) == within
        if letter.isalnum():
            raise PatternError(f"\\{letter} is not known here")
        return letter

    def _folded(self, found: str | Test) -> Test:
        if not isinstance(found, str):
            return found
        if not self._small:
            return found.__eq__
        both = {found, found.lower(), found.upper()}
        return lambda one: one in both

    def _class(self) -> Test:
        """`[a-z_\\d]`, `[^,]`; up to its closing bracket."""
        other = self._next() == "^"
        self._at += other
        letters, tests, ranges = set[str](), list[Test](), list[tuple[str, str]]()
        first = True
        while (letter := self._take()) != "]" or first:
            first = False
            found = self._escaped() if letter == "\\" else letter
            if not isinstance(found, str):
                tests.append(found)
            elif self._next() == "-" and self._text[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                last = self._take()
                end = self._escaped() if last == "\\" else last
                if not isinstance(end, str) or end < found:
                    raise PatternError(f"{found}-{last} is no range")
                ranges.append((found, end))
            else:
                letters.add(found)

        def within(one: str) -> bool:
            return one in letters or any(low <= one <= high for low, high in ranges) or any(test(one) for test in tests)

        if self._small:
            return lambda one: any(within(form) for form in (one, one.lower(), one.upper())) != other
        return lambda one: within(one) != other


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 4


Places = frozenset[int]


class Pattern:
    """A pattern that was read; it may be asked from any thread."""

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        if text.startswith("(?i)"):
            text, ignore_case = text[4:], True
        node = _Reader(text, small=ignore_case).whole()
        if _size(node) > MOST:
            raise PatternError(f"it has more than {MOST} places once its repetitions are written out")
        self.steps = 0  # moves made so far, which is what it costs
        self._tests: list[Test | None] = []  # a place's letter; None where it only leads on
        self._next: list[list[int]] = []
        self._edges: dict[int, bool] = {}  # places that only the beginning (False) or the end (True) lets through
        self._goal = self._place()
        self._first = self._built(node, self._goal)
        self._moves: dict[tuple[Places, str], Places] = {}

    def fullmatch(self, text: str) -> bool:
        """Whether all of the text fits."""
        places = self._closure([self._first], begin=True)
        for letter in text:
            if not places:
                return False
            places = self._moved(places, letter)
        return self._is_over(places, empty=not text)

    def search(self, text: str) -> bool:
        """Whether some part of the text fits."""
        anew = self._closure([self._first])
        places = self._closure([self._first], begin=True) | anew
        for letter in text:
            if self._goal in places:
                return True
            places = self._moved(places, letter) | anew
        return self._is_over(places, empty=not text)

    def _is_over(self, places: Places, *, empty: bool) -> bool:
        return self._goal in self._closure(list(places), begin=empty, end=True)

    def _moved(self, places: Places, letter: str) -> Places:
        self.steps += 1
        known = self._moves.get((places, letter))
        if known is not None:
            return known
        reached = []
        for place in places:
            test = self._tests[place]
            if test is not None and test(letter):
                reached += self._next[place]
        found = self._closure(reached)
        if len(self._moves) >= REMEMBERED:
            self._moves.clear()
        self._moves[places, letter] = found
        return found

    def _closure(self, begins: list[int], *, begin: bool = False, end: bool = False) -> Places:
        """All places that are reached without a letter."""
        found, waiting = set(begins), list(begins)
        while waiting:
            place = waiting.pop()
            edge = self._edges.get(place)
            if self._tests[place] is not None or (edge is False and not begin) or (edge is True and not end):
                continue
            for one in self._next[place]:
                if one not in found:
                    found.add(one)
                    waiting.append(one)
        return frozenset(found)

    def _place(self, test: Test | None = None, after: list[int] | None = None) -> int:
        self._tests.append(test)
        self._next.append(after or [])
        return len(self._tests) - 1

    def _built(self, node: Node, after: int) -> int:
        """The place where a node begins that leads on to `after`."""
        match node:
            case One(passes=passes):
                return self._place(passes, [after])
            case Edge(end=end):
                place = self._place(None, [after])
                self._edges[place] = end
                return place
            case Row(parts=parts):
                for part in reversed(parts):
                    after = self._built(part, after)
                return after
            case Either(parts=parts):
                return self._place(None, [self._built(part, after) for part in parts])
            case Repeat():
                return self._repeated(node, after)

    def _repeated(self, node: Repeat, after: int) -> int:
        if node.most is None:
            loop = self._place(None, [after])
            self._next[loop].append(self._built(node.part, loop))
            after = loop
        for _ in range((node.most or node.least) - node.least):
            after = self._place(None, [after, self._built(node.part, after)])
        for _ in range(node.least):
            after = self._built(node.part, after)
        return after


def _size(node: Node) -> int:
    match node:
        case One() | Edge():
            return 1
        case Row(parts=parts) | Either(parts=parts):
            return 1 + sum(_size(part) for part in parts)
        case Repeat():
            return 1 + (_size(node.part) + 1) * max(node.least + 1, node.most or 0)
