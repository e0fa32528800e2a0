"""How bad an alert says it is: the words that people send, in five that have an order."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

LABELS = ("severity", "priority")


class Severity(enum.IntEnum):
    """The five, in order."""

    INFO = 1
    LOW = 2
    WARNING = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """As it is written: `critical`."""
        return self.name.lower()


UNKNOWN_WORD = Severity.HIGH  # counts as above warning: what nobody can order is not slept through
ROWS: Mapping[Severity, str] = {  # what people send for each, after the field's tools
    Severity.CRITICAL: "critical crit page p0 p1 sev0 sev1 sev-1 s1 disaster emergency emerg fatal panic blocker outage down",
    Severity.HIGH: "high error err major p2 sev2 sev-2 s2 urgent alert severe",
    Severity.WARNING: "warning warn medium moderate average minor p3 sev3 sev-3 s3 ticket",
    Severity.LOW: "low p4 sev4 sev-4 s4 trivial",
    Severity.INFO: "info information informational notice none ok debug p5 sev5 s5",
}
WORDS: Mapping[str, Severity] = {word: five for five, words in ROWS.items() for word in words.split()}


def severity_of(labels: Mapping[str, str], *, words: Mapping[str, Severity] = WORDS) -> Severity:
    """How bad an alert's labels say it is; a word that nobody knows, or none, counts as above warning."""
    return of_word(said_in(labels), words=words)


def said_in(labels: Mapping[str, str]) -> str:
    """The word that an alert says it in, empty where it says none."""
    return next((labels[label] for label in LABELS if labels.get(label)), "")


def of_word(word: str, *, words: Mapping[str, Severity] = WORDS) -> Severity:
    """A word's severity, in whatever case it comes."""
    return words.get(word.strip().lower(), UNKNOWN_WORD)


def words_with(own: Mapping[str, str]) -> dict[str, Severity]:
    """The words table with a team's own words before it: word to one of the five. ValueError names what is none."""
    found = dict(WORDS)
    for word, five in own.items():
        try:
            found[word.strip().lower()] = Severity[str(five).upper()]
        except KeyError:
            known = ", ".join(one.word for one in reversed(Severity))
            raise ValueError(f"`{word}: {five}`: {five} is none of {known}") from None
    return found


def by_word(five: Any) -> Severity:
    """The severity that an incident has, as the record keeps it; what older records hold is read like a sender's word."""
    return of_word(str(five))
