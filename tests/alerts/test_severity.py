"""The words that people send, and the five that have an order."""

from __future__ import annotations

import pytest

from handrail.alerts import Severity, severity, severity_of

ROWS = {
    "critical": "critical page P1 SEV1 sev-1 Disaster emergency fatal",
    "high": "high error ERR major P2 sev2 mystery",
    "warning": "warning Warn medium moderate average minor P3 sev3 ticket",
    "low": "low P4 sev4",
    "info": "info Information none notice P5",
}


@pytest.mark.parametrize(("word", "five"), [(word, five) for five, words in ROWS.items() for word in words.split()])
def test_a_word_is_one_of_five(word: str, five: str) -> None:
    assert severity_of({"severity": word}).word == five


def test_they_have_an_order() -> None:
    assert [one.word for one in sorted(Severity)] == ["info", "low", "warning", "high", "critical"]


@pytest.mark.parametrize("labels", [{}, {"severity": ""}, {"severity": "purple"}])
def test_what_nobody_can_order_counts_as_above_warning(labels: dict[str, str]) -> None:
    assert severity_of(labels) > Severity.WARNING


def test_a_priority_says_it_where_no_severity_does() -> None:
    assert severity_of({"priority": "P1"}) is Severity.CRITICAL
    assert severity_of({"priority": "P1", "severity": "info"}) is Severity.INFO


def test_a_team_has_its_own_words() -> None:
    words = severity.words_with({"Purple": "low", "error": "critical"})
    assert severity_of({"severity": "purple"}, words=words) is Severity.LOW
    assert severity_of({"severity": "ERROR"}, words=words) is Severity.CRITICAL
    assert severity_of({"severity": "page"}, words=words) is Severity.CRITICAL
    with pytest.raises(ValueError, match="worst is none of critical, high, warning, low, info"):
        severity.words_with({"purple": "worst"})
