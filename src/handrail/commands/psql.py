"""What a psql does: its options, whom it asks, and the statements that it hands over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from handrail.commands import sql
from handrail.commands.block import PLACEHOLDER
from handrail.commands.flags import cluster
from handrail.commands.found import NOWHERE, StageEffect, unknown
from handrail.commands.model import Finding, Mend, Reason, Scope, Severity, Sql, Target

# Options that print, and whom is asked. Left out: what reads a file (-f), writes one (-o, -L), sets what psql runs (-v of
# PROMPT1, -P pager) or waits for a person (-s, -W).
FLAGS: Mapping[str, int] = {
    **dict.fromkeys(("-t", "-A", "-x", "-X", "-q", "-w", "-1", "-l", "-z", "-0", "-e", "-b", "-E", "-a", "-n"), 0),
    **dict.fromkeys(("-c", "-d", "-h", "-U", "-p", "-F", "-R", "-v", "-P"), 1),
}
LONG: Mapping[str, str] = {
    "--command": "-c",
    "--dbname": "-d",
    "--host": "-h",
    "--username": "-U",
    "--port": "-p",
    "--set": "-v",
    "--variable": "-v",
    "--pset": "-P",
    "--field-separator": "-F",
    "--no-password": "-w",
    "--no-align": "-A",
    "--tuples-only": "-t",
    "--expanded": "-x",
    "--no-psqlrc": "-X",
    "--quiet": "-q",
    "--csv": "-A",
}
SETTINGS = re.compile(r"(?:ON_ERROR_STOP|ON_ERROR_ROLLBACK|VERBOSITY|FETCH_COUNT|QUIET)(?:=\w*)?")
SHAPES = re.compile(
    r"(?:format|border|expanded|null|tuples_only|footer|fieldsep|recordsep|linestyle|columns|numericlocale)(?:=.*)?|pager=(?:off|0)|x|t"
)
KEYS = frozenset(
    (
        "host",
        "hostaddr",
        "port",
        "user",
        "dbname",
        "password",
        "sslmode",
        "connect_timeout",
        "application_name",
        "target_session_attrs",
    )
)
OPTIONS = re.compile(r"(?:\s*-c\s*(?:default_transaction_read_only=(?:on|true|1)|(?:statement|lock)_timeout=\w+))+\s*")
PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))")


def effect(words: Sequence[str]) -> StageEffect:
    """What psql does with these words."""
    statements: list[str] = []
    findings: list[Finding] = []
    rest, operands = list(words[1:]), 0
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            operands += 1
            if not _plain_database(word) or operands > 2:
                return unknown("psql-database", f"{word} says more than which database is asked")
            continue
        for name, given in _options(word):
            if name not in FLAGS:
                return unknown("psql-flag", f"psql with {word} may read a file, write one or be interactive")
            value = (given if given is not None else rest.pop(0) if rest else "") if FLAGS[name] else ""
            doubt = _of_option(name, value)
            if doubt:
                return unknown("psql-flag", doubt)
            if name == "-c":
                statements.append(value)
            if name == "-w":
                findings.append(
                    Finding(
                        rule="psql-watch",
                        severity=Severity.WRONG,
                        span=NOWHERE,
                        message="psql's -w means “never ask for a password”: it runs once and watches nothing",
                        suggestion="to repeat a query end it with \\watch 5",
                        mark="-w",
                    )
                )
    if not statements:
        return unknown("psql-interactive", "psql without -c is interactive")
    if any(text.lstrip().startswith("\\") for text in statements):
        return unknown("psql-meta", "a backslash command of psql may do anything")
    found = max((sql.understand(text) for text in statements), key=lambda one: one.effect.rank)
    for text in statements:
        for column, view, since, now in sql.renamed_columns(text):
            findings.append(
                Finding(
                    rule="renamed-column",
                    severity=Severity.ERROR,
                    span=NOWHERE,
                    mark=column,
                    mend=Mend(old=column, new=now),
                    message=f"{view} has no column {column} since PostgreSQL {since}: the query ends with an error",
                    suggestion=f"it is called {now} now",
                )
            )
        if "create index" in text.lower() and "concurrently" not in text.lower():
            findings.append(
                Finding(
                    rule="index-locks",
                    severity=Severity.RISK,
                    span=NOWHERE,
                    mend=_concurrently(text),
                    message="CREATE INDEX without CONCURRENTLY keeps every write to the table waiting until it is done",
                    suggestion="CREATE INDEX CONCURRENTLY",
                )
            )
    one = statements[0] if len(statements) == 1 and not PLACEHOLDER.search(statements[0]) else None
    return StageEffect(
        effect=found.effect,
        scope=Scope.TARGET,
        reasons=(Reason(rule="sql", text=found.reason),),
        findings=tuple(findings),
        targets=(Target(system="postgresql"),),
        native=Sql(text=one, effect=found.effect) if one else None,
    )


def _concurrently(text: str) -> Mend | None:
    found = re.search(r"create\s+(?:unique\s+)?index", text, re.IGNORECASE)
    return (
        Mend(old=found[0], new=f"{found[0]} {'CONCURRENTLY' if found[0].isupper() else 'concurrently'}")
        if found
        else None
    )


def _options(word: str) -> list[tuple[str, str | None]]:
    """A word's options by their short names, with the value that is glued to one."""
    if not word.startswith("--"):
        return cluster(word, FLAGS)
    name, equals, value = word.partition("=")
    return [(LONG.get(name, name), value if equals else None)]


def _of_option(name: str, value: str) -> str:
    """Why an option's value makes psql more than a question; empty where it does not."""
    if name == "-v" and not SETTINGS.fullmatch(value):
        return f"what psql does with the variable {value.partition('=')[0]} is not known"
    if name == "-P" and not SHAPES.fullmatch(value):
        return f"what psql does with -P {value} is not known"
    if name == "-d" and not _plain_database(value):
        return f"{value} says more than which database is asked"
    return ""


def _plain_database(text: str) -> bool:
    """Whether it only says which database is asked: no file, no program and no setting that lets more happen."""
    if "://" in text:
        parts = urlsplit(text)
        return parts.scheme in ("postgresql", "postgres") and all(
            key in KEYS for key, _ in parse_qsl(parts.query, keep_blank_values=True)
        )
    if "=" not in text:
        return True
    at = 0
    while at < len(text.rstrip()):
        pair = PAIR.match(text, at)
        if pair is None:
            return False
        value = pair[2] if pair[2] is not None else pair[3]
        if pair[1] not in KEYS and not (pair[1] == "options" and OPTIONS.fullmatch(value)):
            return False
        at = pair.end()
    return True
