"""What a curl does, by its request: which flags and files stand there, and whether the request only reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote

from handrail.commands import curl, promql, requests
from handrail.commands.block import PLACEHOLDER
from handrail.commands.found import NOWHERE, StageEffect, unknown
from handrail.commands.model import Effect, Finding, HttpGet, Reason, Scope, Severity, Target
from handrail.commands.requests import Requests

PROMETHEUS_READS = ("/api/v1/query", "/api/v1/query_range", "/api/v1/series", "/api/v1/labels")  # POST reads there too
PROMETHEUS_KEYS = {"query", "time", "start", "end", "step", "timeout", "limit", "match[]"}
NETLOC = re.compile(r"(?:[^@/\s]*@)?(?:[\w.-]|<[^<>]+>)+(?::(?:\d+|<[^<>]+>))?|\[[0-9A-Fa-f:.]+\](?::\d+)?")
OTHER_SCHEMES = re.compile(r"(?:ftp|dict|ldap|imap|smtp|pop3)\.", re.IGNORECASE)  # curl takes them for the protocol


def effect(words: Sequence[str], known: Requests) -> StageEffect:
    """What a curl does; a GET is a read by its path or by a team's word, never by being a GET."""
    told = curl.read(words)
    if isinstance(told, curl.Unread):
        return unknown(told.rule, told.text)
    sent = _files(told)
    parts, verb = told.parts, told.verb
    target = Target(system="http", name=parts.netloc, detail=parts.path)
    pairs = _pairs(told)
    # what stands in the body of a request that is no query is no part of its query
    query = [*parse_qsl(parts.query, keep_blank_values=True), *pairs]
    posts = verb == "POST" and not told.as_query and _asks_prometheus(parts.path, [key for key, _ in query])
    if (verb not in requests.METHODS_OF_ANSWERS and not posts) or told.used & set(curl.UPLOADS):
        worst = Effect.DESTROYS if verb == "DELETE" else Effect.CHANGES
        why = Reason(rule="http-method", text=f"{verb} to {parts.netloc} changes something there")
        return StageEffect(effect=worst, scope=Scope.TARGET, reasons=(why,), targets=(target,))
    doubt = _doubt(told, known, sent=sent, posts=posts, pairs=pairs)
    if doubt:
        return doubt
    findings = []
    if parts.path.endswith(("/api/v1/query", "/api/v1/query_range")):
        for key, value in query:
            mistake = promql.mistake(unquote(value)) if key == "query" else ""
            if mistake:
                findings.append(
                    Finding(
                        rule="promql-syntax",
                        severity=Severity.ERROR,
                        span=NOWHERE,
                        suggestion="mend the query",
                        message=f"Prometheus will not take this query: {mistake}",
                    )
                )
    bare = told.url.partition("?")[0]
    whole = " ".join((bare, *(text for pair in query for text in pair)))
    plain_get = not PLACEHOLDER.search(whole) and not told.used & set(curl.SHAPED)
    return StageEffect(
        effect=Effect.READS,
        scope=Scope.TARGET,
        targets=(target,),
        findings=tuple(findings),
        reasons=(Reason(rule="http-read", text=f"{verb} of {parts.path or '/'} only reads"),),
        native=HttpGet(url=bare, query=tuple(query)) if plain_get and (told.as_query or posts or not pairs) else None,
    )


def _doubt(
    told: curl.Told, known: Requests, *, sent: str, posts: bool, pairs: Sequence[tuple[str, str]]
) -> StageEffect | None:
    if sent:
        return unknown("curl-file", f"curl would send the file {sent} away")
    if told.writes:
        return unknown("curl-output", "curl writes what it gets to a file")
    typed = told.typed[0] if told.typed else told.url
    other = "://" not in typed and OTHER_SCHEMES.match(typed)
    if other or typed.startswith("@") or not NETLOC.fullmatch(told.parts.netloc):  # `@file` holds addresses
        return unknown("curl-address", f"where {told.url} leads is not plain")
    in_query = told.as_query or posts
    why = requests.doubt(
        known,
        told.parts,
        data=pairs if in_query else (),
        body="" if in_query else " ".join(value for _, value in told.data),
        headers=told.headers,
    )
    return (
        unknown("http-get", f"a {told.verb} may act: {why}. Declare it as an endpoint where it only reads")
        if why
        else None
    )


def _files(told: curl.Told) -> str:
    """The file whose text would go out with the request; empty where none would."""
    for line in told.headers:
        if line.startswith("@"):
            return line[1:]
    for name, value in told.data:
        if name == "--data-urlencode":
            key, equals, _ = value.partition("=")
            if "@" in key:  # `name@file`, `@file`; behind a `=` an @ is text
                return key.partition("@")[2] if not equals else value
        elif value.startswith("@") and name != "--data-raw":
            return value[1:]
    return ""


def _pairs(told: curl.Told) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in told.data:
        if name == "--data-urlencode":
            key, _, text = value.partition("=")
            pairs.append((key, text))
        else:
            pairs += parse_qsl(value, keep_blank_values=True)
    return pairs


def _asks_prometheus(path: str, keys: Sequence[str]) -> bool:
    """Whether a POST is a question to Prometheus: its path, with nothing but what it knows as a question."""
    return path.endswith(PROMETHEUS_READS) and set(keys) <= PROMETHEUS_KEYS and bool({"query", "match[]"} & set(keys))
