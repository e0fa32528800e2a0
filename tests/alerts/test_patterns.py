"""Regular expressions that cost what the text is long, and say the same as Python's."""

from __future__ import annotations

import re

import pytest

from handrail.alerts.patterns import Pattern, PatternError

PATTERNS = [
    "",
    "a",
    "abc",
    "a*",
    "a+b?c",
    "(a|b)*c",
    "a|bc|",
    "(?:ab){2,3}",
    "a{2}",
    "a{0,1}b{2,}",
    "x.*y",
    ".*",
    "[a-c]+",
    "[^a-c]+",
    "[]a]",
    "[a\\-z]+",
    "[\\d_]+",
    "[a-]",
    "\\d+\\.\\d+",
    "\\w+@\\w+",
    "\\s",
    "\\S+",
    "a+?b",
    "^a",
    "a$",
    "^a|b$",
    "^$",
    "(a*)*b",
    "(a|a)*b",
    "((a?){3}){2}",
    "\\(x\\)",
    "(?i)AbC",
    "web-[0-9]{1,3}",
    "(a+)+b",
]
TEXTS = [
    "",
    "a",
    "b",
    "c",
    "ab",
    "abc",
    "ABC",
    "aab",
    "xay",
    "aaaa",
    "bb",
    "abab",
    "a-z",
    "3.14",
    "me@x",
    " ",
    "(x)",
    "]",
]
TEXTS += ["web-7", "web-7777", "cab", "a\nb", "ab_9", "-", "bcbc", "aaaaaab", "x-y"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_fits_what_pythons_fits(pattern: str) -> None:
    made, theirs = Pattern(pattern), re.compile(pattern)
    for text in TEXTS:
        assert made.fullmatch(text) == bool(theirs.fullmatch(text)), text
        assert made.search(text) == bool(theirs.search(text)), text


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+$b", "a*a*a*a*a*b", "(.*)*x", "([a-z]+)*[0-9]"])
def test_each_letter_is_looked_at_once_whatever_the_pattern(pattern: str) -> None:
    """Python's engine needs 2 ** 5000 steps for some of these."""
    for ask in (Pattern.fullmatch, Pattern.search):
        made = Pattern(pattern)
        assert ask(made, "a" * 5000) is False
        assert made.steps <= 5000


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(a", "ends in the middle"),
        ("a)", "closed"),
        ("[a", "ends in the middle"),
        ("*a", "nothing is before"),
        ("a**", "repetition is repeated"),
        ("a{x}", "a repetition is written"),
        ("a{5,2}", "it repeats"),
        ("(a{1000}){1000}", "more than 2000 places"),
        ("(?=a)", "is not known here"),
        ("(?P<n>a)", "is not known here"),
        ("(a)\\1", "is not known here"),
        ("\\bword", "is not known here"),
        ("\\p{Greek}", "a category"),
        ("[z-a]", "no range"),
        ("(" * 40 + "a" + ")" * 40, "within each other"),
        ("a\\", "ends in the middle"),
    ],
)
def test_what_is_not_taken_says_why(pattern: str, says: str) -> None:
    with pytest.raises(PatternError, match=re.escape(says)):
        Pattern(pattern)


def test_a_category_of_letters() -> None:
    assert Pattern("\\p{Lu}\\p{L}+").fullmatch("Öl") and not Pattern("\\P{L}").search("abc")


def test_what_is_remembered_has_a_bound() -> None:
    made = Pattern("(.a|b.)*")
    for one in range(20_000):
        made.search(chr(0x4E00 + one))
    assert len(made._moves) <= 4096
