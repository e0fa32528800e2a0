"""Masks known secrets before anything is kept: exact values and their usual encodings."""

from __future__ import annotations

import base64
import json
import re
import threading
import urllib.parse
from collections.abc import Iterable

SHORTEST = 6
MASK = "[masked]"


class Masker:
    """Knows secret values and takes them out of text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def update(self, values: Iterable[str]) -> None:
        """Learn more secret values; those too short to tell from ordinary words are left alone."""
        with self._lock:
            self._known |= {value for value in values if len(value) >= SHORTEST}
            forms = {form for value in self._known for form in _forms(value) if len(form) >= SHORTEST}
            ordered = sorted(forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def mask(self, text: str) -> str:
        """The text without any known secret."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text


def _forms(value: str) -> set[str]:
    encoded = base64.b64encode(value.encode()).decode()
    forms = {value, encoded, encoded.rstrip("="), urllib.parse.quote(value, safe=""), json.dumps(value)[1:-1]}
    password = urllib.parse.urlsplit(value).password if "://" in value else None
    return forms | (_forms(password) if password else set())
