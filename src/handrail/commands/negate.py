"""The negation of an alert's condition: what is true when the trouble is gone, as a query with a limit.

The text of the rule's author is kept, cut at its operators; the parser confirms each cut. What cannot be turned into a
query with a limit is said, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from handrail.commands import promql, steady

RANK = {"or": 0, "and": 1, "unless": 1, ">": 2, "<": 2, ">=": 2, "<=": 2, "==": 2, "!=": 2}
OPPOSITE = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?P<comment>\#[^\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])"""
    r"""|(?P<word>[A-Za-z_:][\w:]*)|(?P<op>>=|<=|==|!=|=~|!~|>|<|[-+*/%^=,])|(?P<number>\d[\w.]*)""",
    re.DOTALL,
)
MODIFIER = re.compile(r"\s*(?:bool\b|(?:on|ignoring|group_left|group_right)\b\s*(?:\([^)]*\))?)", re.IGNORECASE)
RANGE = re.compile(r"\[\s*((?:\d+(?:ms|[smhdwy]))+)\s*\]")
PIECES = re.compile(r"(\d+)(ms|[smhdwy])")
LISTS = ("by", "without", "on", "ignoring", "group_left", "group_right")  # of labels, no metrics
COUNTS = re.compile(r"kube_\w+|count\s*\(.*|sum\s*\(\s*kube_.*", re.DOTALL)
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
VANISHES = re.compile(  # series that are only there while the trouble is: their absence is what proves that it is gone
    r"kube_pod_container_status_(waiting|last_terminated|terminated)(_reason)?|kube_pod_status_(unschedulable|reason)"
    r"|kube_job_(status_)?failed|ALERTS"
)
EXPORTER = "kube_pod_info"  # there as long as kube-state-metrics is asked


@dataclass(frozen=True, kw_only=True)
class Negated:
    """A query with the limit that it keeps when the trouble is gone. `notes` say what is not quite the negation.

    Several of them must all hold. `window` is what `$window` stands for; None where no range was replaced.
    """

    query: str
    below: float | None = None
    at_least: float | None = None
    denominator: str = ""
    window: timedelta | None = None
    limit: float | None = None  # the number in the rule itself
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CannotNegate:
    """Why no query with a limit can be read off the expression."""

    reason: str


def negated(expression: str) -> tuple[Negated, ...] | CannotNegate:
    """What must hold when the alert's condition is no longer true."""
    if promql.mistake(expression):
        return CannotNegate(reason=f"it is not valid PromQL: {promql.mistake(expression)}")
    found = _negated(_bare(_uncommented(expression)))
    if isinstance(found, CannotNegate):
        return found
    windowed = tuple(_windowed(one) for one in found)
    for one in windowed:
        for query in (one.query, one.denominator):
            plain = query.replace("$window", "5m").replace("$namespace", "namespace")
            if query and (mistake := promql.mistake(plain)):
                return CannotNegate(reason=f"what it comes to is not valid PromQL: {mistake}")
    return windowed


def narrowed(query: str, label: str, value: str) -> str:
    """The query with a matcher in every selector that has none for this label."""
    wanted = set(steady.metrics(query.replace("$window", "5m").replace("$namespace", "namespace")))
    out, at = [], 0
    tokens = list(_tokens(query))
    for place, (kind, text, start) in enumerate(tokens):
        if kind == "word" and text.lower() in LISTS and place + 1 < len(tokens) and tokens[place + 1][1] == "(":
            end = _closing(tokens, place + 1)
            out.append(query[at:end])
            at = end
            continue
        if kind != "word" or text not in wanted or start < at:
            continue
        end = start + len(text)
        inner = tokens[place + 1] if place + 1 < len(tokens) else None
        out.append(query[at:end])
        at = end
        if inner is not None and inner[1] == "{" and not query[end : inner[2]].strip():
            close = _closing(tokens, place + 1)
            body = query[inner[2] + 1 : close]
            if not re.search(rf"(?<!\w){label}\s*(=|!)", body):
                kept = body.strip().rstrip(",")
                out.append(f'{{{label}="{value}"' + (f", {kept}" if kept else "") + "}")
                at = close + 1
        else:
            out.append(f'{{{label}="{value}"}}')
    return "".join(out) + query[at:]


# -- cutting the text ----------------------------------------------------------------------------------------------------


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    for found in TOKEN.finditer(text):
        yield str(found.lastgroup), found[0], found.start()


def _closing(tokens: Sequence[tuple[str, str, int]], place: int) -> int:
    depth = 0
    for kind, _, start in tokens[place:]:
        depth += (kind == "open") - (kind == "close")
        if depth == 0:
            return start
    return tokens[-1][2]


def _uncommented(text: str) -> str:
    kept, at = [], 0
    for kind, found, start in _tokens(text):
        if kind == "comment":
            kept.append(text[at:start])
            at = start + len(found)
    return ("".join(kept) + text[at:]).strip()


def _bare(text: str) -> str:
    """Without brackets around the whole."""
    text = text.strip()
    tokens = list(_tokens(text))
    while tokens and tokens[0][1] == "(" and _closing(tokens, 0) == len(text) - 1:
        text = text[1:-1].strip()
        tokens = list(_tokens(text))
    return text


def _split(text: str) -> tuple[str, str, str, str] | None:
    """Left side, operator, its modifiers and right side of the operator that binds least; None where there is none."""
    depth, best = 0, None
    for kind, found, start in _tokens(text):
        if kind in ("open", "close"):
            depth += 1 if kind == "open" else -1
        elif (
            depth == 0
            and kind in ("op", "word")
            and found.lower() in RANK
            and (best is None or RANK[found.lower()] <= RANK[best[0]])
        ):
            best = (found.lower(), start)
    if best is None:
        return None
    op, start = best
    rest, modifiers = text[start + len(op) :], ""
    while match := MODIFIER.match(rest):
        modifiers += " " + " ".join(match[0].split())
        rest = rest[match.end() :]
    return text[:start].strip(), op, modifiers.strip(), rest.strip()


def _number(text: str) -> float | None:
    found = steady.read(text, ()) if text else ()
    if isinstance(found, steady.CannotTell) or steady.metrics(text) or len(found) != 1:
        return None
    return found[0][1] if not re.search(r"[A-Za-z]\w*\(", text) else None


# -- turning it round ----------------------------------------------------------------------------------------------------


def _negated(text: str) -> tuple[Negated, ...] | CannotNegate:
    cut = _split(text)
    if cut is None:
        return _of_bare(text)
    left, op, modifiers, right = cut
    if op == "or":
        both = [_negated(_bare(side)) for side in (left, right)]
        failed = next((one for one in both if isinstance(one, CannotNegate)), None)
        return failed or tuple(one for side in both if not isinstance(side, CannotNegate) for one in side)
    if op in ("and", "unless"):
        return _of_joined(left, op, right)
    return _of_comparison(left, op, modifiers, right)


def _of_joined(left: str, op: str, right: str) -> tuple[Negated, ...] | CannotNegate:
    """`A and B` is over when A is: asking that alone asks for no less."""
    first = _negated(_bare(left))
    if isinstance(first, CannotNegate) and op == "and":
        other = _negated(_bare(right))
        return (
            other
            if isinstance(other, CannotNegate)
            else tuple(_noted(one, "the rule's other condition is left out") for one in other)
        )
    if isinstance(first, CannotNegate):
        return first
    told = "the rule also asks for more" if op == "and" else "the rule also makes exceptions"
    return tuple(_noted(one, f"{told}: this is its first condition, turned round") for one in first)


def _of_comparison(left: str, op: str, modifiers: str, right: str) -> tuple[Negated, ...] | CannotNegate:
    value = _number(right)
    if value is None and (mirrored := _number(left)) is not None:
        left, right, op, value = right, left, MIRRORED[op], mirrored
    if value is None:
        if "group_" in modifiers and op in ("==", "!="):
            return CannotNegate(reason="it compares many series with one")
        kept = modifiers.replace("bool", "").strip()
        query = f"{left} {OPPOSITE[op]} bool {kept} {right}".replace("  ", " ")
        return (Negated(query=query, at_least=1, notes=("1 where it is as it should be, 0 where it is not",)),)
    if "bool" in modifiers:
        return CannotNegate(reason="its comparison gives 0 or 1 and is no condition by itself")
    query = _bare(left)
    if op == ">" and value == 0:
        return _of_any(query)
    if op in (">", ">="):
        return (_vanishing(_divided(Negated(query=query, below=value, limit=value))),)
    if op in ("<", "<="):
        return (_divided(Negated(query=query, at_least=value, limit=value)),)
    if op == "==" and value == 0:
        return (Negated(query=query, at_least=1, limit=0.0, notes=("it counts, so that more than 0 is at least 1",)),)
    if op == "==" and value == 1:
        return (_vanishing(Negated(query=query, below=1, limit=1.0, notes=("it is 0 or 1",))),)
    return (
        Negated(
            query=f"{left} {OPPOSITE[op]} bool {right}",
            at_least=1,
            limit=value,
            notes=("1 where it is as it should be",),
        ),
    )


def _of_any(query: str) -> tuple[Negated, ...]:
    """`X > 0`: none of it. What counts is below 1; of anything else whether it is above 0 is asked."""
    names = steady.metrics(query)
    if COUNTS.fullmatch(query) or all(name.startswith("kube_") for name in names):
        return (_vanishing(Negated(query=query, below=1, limit=0.0, notes=("it counts, so that none is below 1",))),)
    return (
        Negated(
            query=f"({query}) > bool 0", below=1, limit=0.0, notes=("1 where there is any, 0 where there is none",)
        ),
    )


def _of_bare(text: str) -> tuple[Negated, ...] | CannotNegate:
    inside = re.fullmatch(r"absent\s*\((.*)\)", text, re.DOTALL)
    if inside and _closing(list(_tokens(text)), 1) == len(text) - 1:
        return (Negated(query=f"count({inside[1].strip()})", at_least=1),)
    names = steady.metrics(text)
    if not names:
        return CannotNegate(reason="it reads no series: it is always true")
    exporter = EXPORTER if all(VANISHES.fullmatch(name) for name in names) else "up"
    told = f"the rule fires for whatever this gives: none of it, as long as {exporter} is there"
    return (Negated(query=f"count({text}) or 0 * count({exporter})", below=1, limit=0.0, notes=(told,)),)


def _divided(one: Negated) -> Negated:
    """A ratio of two sums as query and denominator, so that no traffic is not taken for no errors."""
    depth, found = 0, None
    for kind, text, start in _tokens(one.query):
        if kind in ("open", "close"):
            depth += 1 if kind == "open" else -1
        elif depth == 0 and kind == "op" and text in "+-*/%^":
            if found is not None or text != "/":
                return one
            found = start
    if found is None:
        return one
    above, below = one.query[:found].strip(), one.query[found + 1 :].strip()
    if promql.mistake(above) or promql.mistake(below) or _number(below) is not None:
        return one
    if steady.grouped_labels(above) != () or steady.grouped_labels(below) != ():
        return one  # one ratio for each series: a single one for all would say less
    return replace(one, query=_bare(above), denominator=_bare(below))


def _vanishing(one: Negated) -> Negated:
    """Where the series themselves go with the trouble, 0 is only told while their exporter is asked."""
    names = steady.metrics(one.query)
    if names and _is_total(one.query) and _filters(one.query):
        query = f"{one.query} or 0 * count({names[0]})"
        return _noted(
            replace(one, query=query), f"nothing is counted where nothing is wrong: 0 as long as {names[0]} is there"
        )
    if not names or not all(VANISHES.fullmatch(name) for name in names):
        return one
    query = f"max({one.query}) or 0 * count({EXPORTER})"
    return _noted(replace(one, query=query), f"its series go with the trouble: 0 as long as {EXPORTER} is there")


def _is_total(query: str) -> bool:
    """Whether the whole is one sum or count."""
    tokens = list(_tokens(query))
    if not tokens or tokens[0][1] not in ("sum", "count"):
        return False
    place = 1
    while place < len(tokens) and tokens[place][1] in LISTS:  # `by (…)` before what is counted
        end = _closing(tokens, place + 1)
        place = next((at for at, token in enumerate(tokens) if token[2] > end), len(tokens))
    if place >= len(tokens) or tokens[place][1] != "(":
        return False
    rest = query[_closing(tokens, place) + 1 :].strip()
    return not rest or bool(re.fullmatch(r"(by|without)\s*\([^)]*\)", rest))


def _filters(query: str) -> bool:
    """Whether an aggregation is made of what passed a comparison: of nothing, where all is well."""
    tokens = list(_tokens(query))
    return any(
        kind == "op" and text in OPPOSITE and tokens[at + 1 : at + 2] and tokens[at + 1][1] != "bool"
        for at, (kind, text, _) in enumerate(tokens)
        if not _in_braces(tokens, at)
    )


def _in_braces(tokens: Sequence[tuple[str, str, int]], place: int) -> bool:
    opened = sum((text == "{") - (text == "}") for _, text, _ in tokens[:place])
    return opened > 0


def _windowed(one: Negated) -> Negated:
    """With `$window` for its ranges, where they are all alike: a check never looks behind the change."""
    told = " ".join((one.query, one.denominator))
    ranges = RANGE.findall(_without_strings(told))
    if not ranges:
        return one
    if len(set(ranges)) > 1 or re.search(r"\boffset\b|@", _without_strings(told)):
        return _noted(one, "its ranges may look behind the change: write `$window` where they should not")
    window = timedelta(seconds=sum(float(many) * SECONDS[unit] for many, unit in PIECES.findall(ranges[0])))
    query, denominator = (RANGE.sub("[$window]", text) for text in (one.query, one.denominator))
    return replace(one, query=query, denominator=denominator, window=window)


def _without_strings(text: str) -> str:
    return "".join(" " if kind == "string" else found + " " for kind, found, _ in _tokens(text) if kind != "close") + (
        " ".join(re.findall(r"\[[^\]]*\]", re.sub(r"\"(?:\\.|[^\"\\])*\"", "", text)))
    )


def _noted(one: Negated, note: str) -> Negated:
    return replace(one, notes=(*one.notes, note))
