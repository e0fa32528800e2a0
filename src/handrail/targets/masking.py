"""Masks secrets before anything is kept: known values in the forms that programs print them in, what is left of one where
an output was cut, and what looks like a credential to anybody (`shapes`). What a statement itself calls a password is one,
whoever knows it.

Values that are too short to be told from ordinary words are left alone.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from handrail.targets import shapes

SHORTEST = 6
REST = 4  # so many characters of a value at a cut are already too many
MASK = "[masked]"
CUT = re.compile(r"\n\[\d+ bytes left out\]\n")  # as `process.left_out` writes it
# `CREATE ROLE x PASSWORD 'y'`, as a database remembers its statements; no further than a string of JSON that it stands in
STATED = re.compile(r"""(\bpassword\s+(?:e|u&)?)'(?!\[masked\])(?:[^'"\n\\]|\\\\'|\\.|''){1,512}""", re.IGNORECASE)
LINE = 16  # a line of a value of several lines that is as long as this is a secret of its own


class Masker:
    """Knows secret values and takes them out of text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._forms: tuple[str, ...] = ()
        self._digests: frozenset[str] = frozenset()

    def know_digests(self, digests: Iterable[str]) -> None:
        """SHA-256 (hex) of tokens whose values nobody keeps: a word that has one of them is masked."""
        self._digests = frozenset(one.lower() for one in digests if one)

    def update(self, values: Iterable[str], *, ordinary: Iterable[str] = ()) -> None:
        """Learn more secret values. `ordinary` are words that stand everywhere and are no secret even where one says so."""
        plain = {MASK, MASK[1:-1], *ordinary}
        with self._lock:
            self._known |= {value for value in values if len(value) >= SHORTEST and value not in plain}
            forms = {form for value in self._known for form in _forms(value) if len(form) >= SHORTEST}
            self._forms = tuple(sorted(forms - plain, key=lambda form: (-len(form), form)))

    def mask(self, text: str, *, cut: bool = False) -> str:
        """The text without any known secret. `cut`: it may begin or end in the middle of one."""
        text = STATED.sub(rf"\1'{MASK}", text)
        forms = self._forms
        for form in forms:
            if form in text:
                text = text.replace(form, MASK)
        text = shapes.masked(text, MASK, digests=self._digests)
        if not forms:
            return text
        parts = CUT.split(text)
        if len(parts) == 1 and not cut:
            return text
        marks = CUT.findall(text)
        shown = []
        for place, part in enumerate(parts):
            kept = _without_end(part, forms) if cut or place < len(parts) - 1 else part
            shown.append(_without_beginning(kept, forms) if cut or place > 0 else kept)
        return "".join(part + mark for part, mark in zip(shown, [*marks, ""], strict=True))


def _without_end(text: str, forms: tuple[str, ...]) -> str:
    """A value's beginning at the end of the text, and line ends behind it, which a cut brings along."""
    bare = text.rstrip("\n")
    longest = max((_overlap(bare, form) for form in forms), default=0)
    return f"{bare[: len(bare) - longest]}{MASK}{text[len(bare) :]}" if longest else text


def _without_beginning(text: str, forms: tuple[str, ...]) -> str:
    longest = max((_overlap(form, text) for form in forms), default=0)
    return f"{MASK}{text[longest:]}" if longest else text


def _overlap(left: str, right: str) -> int:
    """How much of the end of one is the beginning of the other; nothing where that is too little to tell."""
    for length in range(min(len(left), len(right)), REST - 1, -1):
        if left.endswith(right[:length]):
            return length
    return 0


def _forms(value: str) -> set[str]:
    encoded = value.encode()
    in_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    in_json |= {_as_go_writes(text) for text in in_json}
    in_json |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in in_json}  # an annotation keeps JSON within JSON
    quoted = {urllib.parse.quote(value, safe=""), urllib.parse.quote(value), urllib.parse.quote_plus(value)}
    forms = {
        value,
        value.replace("'", "'\\''"),
        value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        encoded.hex(),
        *in_json,
        *quoted,
        *(re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in quoted),
        *_in_base64(encoded),
    }
    if "\n" in value:  # a key or a certificate, printed indented or line by line
        forms |= {line.strip() for line in value.splitlines() if len(line.strip()) >= LINE and "-----" not in line}
        forms.add(value.strip())
    password = _password(value)
    return forms | (_forms(password) if password and password != value else set())


def _as_go_writes(text: str) -> str:
    """Go's JSON escapes what HTML would read."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _in_base64(value: bytes) -> set[str]:
    """By itself, and in the middle of something longer (`user:password`), where it begins at any of three places."""
    whole = base64.b64encode(value).decode()
    found = {whole, whole.rstrip("=")}
    for before in range(3):
        text = base64.b64encode(b"\0" * before + value).decode()
        first = -(-before * 8 // 6)  # letters that carry bits of what stands before
        last = (before + len(value)) * 8 // 6  # and those behind carry bits of what follows
        found.add(text[first:last])
    return found | {text.replace("+", "-").replace("/", "_") for text in found}


def _password(value: str) -> str:
    """The password within an address such as `postgresql://user:password@host/name`."""
    if "://" not in value:
        return ""
    try:
        found = urllib.parse.urlsplit(value).password or ""
    except ValueError:
        return ""
    return urllib.parse.unquote(found)


class _Masked(logging.Formatter):
    """Another formatter's lines, masked: also those of a traceback."""

    def __init__(self, inner: logging.Formatter, masker: Masker) -> None:
        super().__init__()
        self._inner, self._masker = inner, masker

    def format(self, record: logging.LogRecord) -> str:
        """One record, which may be several lines of JSON: each stays one."""
        text = self._inner.format(record)
        masked = self._masker.mask(text)
        lines = text.split("\n")
        if masked == text or not all(line[:1] == "{" and line[-1:] == "}" for line in lines):
            return masked
        return "\n".join(map(self._object, lines))

    def _object(self, line: str) -> str:
        """An object of JSON. Where a mask would reach beyond the value that it is for, that whole value is left out."""
        masked = self._masker.mask(line)
        if _is_json(masked) or not _is_json(line):
            return masked
        pairs = (json.dumps({key: value}, ensure_ascii=False) for key, value in json.loads(line).items())
        kept: dict[str, object] = {}
        for pair in pairs:
            shown = self._masker.mask(pair)
            kept |= json.loads(shown) if _is_json(shown) else dict.fromkeys(json.loads(pair), MASK)
        return json.dumps(kept, ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@contextmanager
def logs(masker: Masker) -> Iterator[None]:
    """Whatever this process logs within the block is masked."""
    handlers = [*logging.getLogger().handlers, *([logging.lastResort] if logging.lastResort else [])]
    before = [(handler, handler.formatter) for handler in handlers]
    for handler, formatter in before:
        handler.setFormatter(_Masked(formatter or logging.Formatter(), masker))
    try:
        yield
    finally:
        for handler, formatter in before:
            handler.setFormatter(formatter)
