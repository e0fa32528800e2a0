"""Which values a PromQL condition can see at all: one that all of them fulfil is always on, one that none does never is.

What a figure cannot be is known of few: a counter, what is counted, a rate of it, and `up`. Of all others nothing is said.
Where a series is there only while something is wrong, that it is there is the sign, and its value says nothing.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import promql_parser as parser

from handrail.commands.negate import MIRRORED, VANISHES
from handrail.commands.steady import GROWTH, NAME, NEVER, OPS


class When(enum.StrEnum):
    """When a condition is true."""

    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """`because` continues a sentence: `up is never below 0`."""

    when: When
    because: str


class _Sign(enum.IntEnum):
    """What it tells that there is a sample at all."""

    NONE = 0  # it is there as long as somebody is asked
    PERHAPS = 1  # nobody knows
    SURELY = 2  # something was filtered, so it is there for a reason


@dataclass(frozen=True, kw_only=True)
class _Range:
    low: float = -math.inf
    high: float = math.inf
    sign: _Sign = _Sign.PERHAPS
    reads: bool = True  # a series, or the clock: something that could be otherwise
    judged: Judged | None = None  # a comparison, of all that stands in it


NOTHING = "no series is in it"
NOT_BELOW = re.compile(
    r"up|probe_success|kube_(?!\w*(?:metric|priority))\w+|\w+(?:_total|_count|_bucket|_created|_info)"
)
ALWAYS_THERE = re.compile(r"up|probe_success|\w+(?:_total|_count|_bucket)")
YES_OR_NO = re.compile(r"up|probe_success")
MEASURES = re.compile(r"\w*(?:_seconds|_bytes|_duration\w*|_size)_bucket")  # no bucket of theirs lies below 0
CLOCK: Mapping[str, tuple[float, float]] = {
    "time": (0, math.inf),
    "timestamp": (0, math.inf),
    "minute": (0, 59),
    "hour": (0, 23),
    "day_of_week": (0, 6),
    "day_of_month": (1, 31),
    "day_of_year": (1, 366),
    "days_in_month": (28, 31),
    "month": (1, 12),
    "year": (1970, math.inf),
}
COUNTED = {*GROWTH, *NEVER, "count_over_time", "present_over_time"}
SAME = {"label_replace", "label_join", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc"}
OVER_TIME = {"max_over_time", "min_over_time", "avg_over_time", "last_over_time", "quantile_over_time"}
SUMMED = {"sum_over_time"}
SPREAD = {"stddev_over_time", "stdvar_over_time", "mad_over_time"}
LIMITS = {"min", "max", "avg", "topk", "bottomk", "quantile", "limitk", "limit_ratio"}
FILTERS = {">", "<", ">=", "<=", "==", "!="}


def judged(query: str) -> Judged | None:
    """Whether an alert's condition is true of all that can be, or of nothing; None where it depends, or nobody knows.

    >>> judged("up > -1").because
    'up is never below 0'
    >>> judged("up == 0")
    """
    tree = parser.parse(query)
    found = _range(tree)
    if found.judged is not None:
        return found.judged
    if not found.reads:
        return Judged(when=When.ALWAYS, because=NOTHING)
    if found.sign is _Sign.NONE:
        return Judged(when=When.ALWAYS, because="no limit is in it, and it has a value on good days too")
    return None


def _range(node: Any) -> _Range:
    match node:
        case parser.NumberLiteral():
            return _Range(low=node.val, high=node.val, sign=_Sign.NONE, reads=False)
        case parser.ParenExpr():
            return _range(node.expr)
        case parser.UnaryExpr():
            inner = _range(node.expr)
            return replace(inner, low=-inner.high, high=-inner.low, judged=None)
        case parser.VectorSelector():
            return _of_metric(_name(node))
        case parser.MatrixSelector():
            return _of_metric(_name(node.vector_selector))
        case parser.SubqueryExpr():
            return replace(_range(node.expr), judged=None)
        case parser.Call():
            return _of_call(node)
        case parser.AggregateExpr():
            return _of_aggregate(node)
        case parser.BinaryExpr():
            return _of_two(node)
    return _Range()


def _name(node: Any) -> str:
    equal = (one.value for one in node.matchers.matchers if one.name == NAME and OPS[str(one.op)] == "=")
    return str(node.name or next(equal, ""))


def _of_metric(name: str) -> _Range:
    sign = _Sign.NONE if ALWAYS_THERE.fullmatch(name) else _Sign.PERHAPS
    if VANISHES.fullmatch(name):
        sign = _Sign.SURELY
    low = 0.0 if NOT_BELOW.fullmatch(name) else -math.inf
    return _Range(low=low, high=1.0 if YES_OR_NO.fullmatch(name) else math.inf, sign=sign)


def _of_call(node: Any) -> _Range:
    name = node.func.name
    inner = [_range(one) for one in node.args if not isinstance(one, parser.StringLiteral)]
    first = replace(inner[0], judged=None) if inner else _Range(sign=_Sign.NONE, reads=False)
    if name in CLOCK:
        low, high = CLOCK[name]
        return _Range(low=low, high=high, sign=first.sign)
    if name in ("absent", "absent_over_time"):
        return _Range(low=1, high=1, sign=_Sign.SURELY)
    if name == "vector":
        return first
    if name in COUNTED:
        return replace(first, low=0.0, high=math.inf, sign=max(first.sign, _Sign.NONE))
    if name in SAME:
        return first
    if name in OVER_TIME:
        return replace(inner[-1], judged=None)
    if name in SUMMED:
        return replace(first, low=0.0 if first.low >= 0 else -math.inf, high=math.inf)
    if name in SPREAD or name in ("abs", "sqrt", "exp"):
        return replace(first, low=0.0, high=math.inf)
    if name in ("ceil", "floor", "round"):
        return replace(first, low=math.floor(first.low) if math.isfinite(first.low) else first.low, high=math.inf)
    if name in ("clamp_min", "clamp_max", "clamp") and all(one.low == one.high for one in inner[1:]):
        least = inner[1].low if name != "clamp_max" else -math.inf
        most = inner[-1].low if name != "clamp_min" else math.inf
        return replace(first, low=min(max(first.low, least), most), high=max(min(first.high, most), least))
    if name == "histogram_quantile":
        buckets = inner[-1]
        measures = any(MEASURES.fullmatch(one) for one in _names(node.args[-1]))
        return _Range(low=0.0 if measures else -math.inf, sign=max(buckets.sign, _Sign.PERHAPS))
    return _Range(sign=max([one.sign for one in inner], default=_Sign.PERHAPS))


def _names(node: Any) -> list[str]:
    found: list[str] = []

    def keep(one: Any) -> bool:
        if isinstance(one, parser.VectorSelector):
            found.append(_name(one))
        return True

    parser.walk(node, keep)
    return found


def _of_aggregate(node: Any) -> _Range:
    op, inner = str(node.op), replace(_range(node.expr), judged=None)
    if op in LIMITS:
        return inner
    if op == "sum":
        low, high = 0.0 if inner.low >= 0 else -math.inf, 0.0 if inner.high <= 0 else math.inf
        return replace(inner, low=low, high=high)
    if op in ("count", "count_values", "stddev", "stdvar"):
        return replace(
            inner, low=0.0, high=math.inf
        )  # of nothing there is no count: above 0 it tells that there is one
    if op == "group":
        return replace(inner, low=0.0, high=1.0)
    return _Range(sign=inner.sign)


def _of_two(node: Any) -> _Range:
    op, left, right = str(node.op), _range(node.lhs), _range(node.rhs)
    reads = left.reads or right.reads
    if op in FILTERS:
        return _compared(node, op, left, right)
    if op == "or":
        return _either(left, right)
    if op in ("and", "unless"):
        return _both(left, right) if op == "and" else replace(left, sign=_Sign.SURELY, reads=reads, judged=_never(left))
    sign = left.sign if op == "/" and _is_guard(node.rhs) else max(left.sign, right.sign)
    low, high = _reckoned(op, left, right)
    return _Range(low=low, high=high, sign=sign, reads=reads)


def _is_guard(node: Any) -> bool:
    """Whether a divisor is only kept from being too small: that it was large enough is no sign of trouble."""
    while isinstance(node, parser.ParenExpr):
        node = node.expr
    return isinstance(node, parser.BinaryExpr) and str(node.op) in (">", ">=", "!=")


def _either(left: _Range, right: _Range) -> _Range:
    sides = (left.judged, right.judged)
    always = next((one for one in sides if one is not None and one.when is When.ALWAYS), None)
    for one in (left, right):  # `… or vector(0)` as a condition: that side is there whatever the other says
        if always is None and one.judged is None and not one.reads:
            always = Judged(when=When.ALWAYS, because="one side of its `or` has a value whatever happens")
    never = sides[0] if all(one is not None and one.when is When.NEVER for one in sides) else None
    return _Range(
        low=min(left.low, right.low),
        high=max(left.high, right.high),
        sign=min(left.sign, right.sign),
        reads=left.reads or right.reads,
        judged=always or never,
    )


def _both(left: _Range, right: _Range) -> _Range:
    sides = (left.judged, right.judged)
    never = next((one for one in sides if one is not None and one.when is When.NEVER), None)
    always = sides[0] if all(one is not None and one.when is When.ALWAYS for one in sides) else None
    return replace(left, sign=_Sign.SURELY, reads=left.reads or right.reads, judged=never or always)


def _never(one: _Range) -> Judged | None:
    return one.judged if one.judged is not None and one.judged.when is When.NEVER else None


def _compared(node: Any, op: str, left: _Range, right: _Range) -> _Range:
    reads = left.reads or right.reads
    sign = max(left.sign, right.sign)
    if node.modifier is not None and node.modifier.return_bool:
        told = "`bool` makes 0 or 1 of it, and an alert is on for either"
        always = None if sign is _Sign.SURELY else Judged(when=When.ALWAYS, because=told)
        return _Range(low=0.0, high=1.0, sign=sign, reads=reads, judged=always)
    if left.low == left.high and not left.reads and right.reads:
        return _compared_with(node.rhs, MIRRORED[op], right, left.low)
    if right.low == right.high and not right.reads:
        return _compared_with(node.lhs, op, left, right.low)
    return replace(left, sign=_Sign.SURELY, reads=reads, judged=None)  # of two series: they match, or they do not


def _compared_with(node: Any, op: str, one: _Range, limit: float) -> _Range:
    true = _truth(op, one, limit)
    judged = None
    if true is not None and not (true and one.sign is _Sign.SURELY):
        judged = Judged(when=When.ALWAYS if true else When.NEVER, because=_because(node, op, one, limit))
    vacuous = true is True
    return replace(one, sign=one.sign if vacuous else _Sign.SURELY, judged=judged)


def _truth(op: str, one: _Range, limit: float) -> bool | None:
    """What the comparison says of every value that there can be; None where it depends on the value."""
    low, high = one.low, one.high
    match op:
        case ">":
            return True if low > limit else False if high <= limit else None
        case ">=":
            return True if low >= limit else False if high < limit else None
        case "<":
            return True if high < limit else False if low >= limit else None
        case "<=":
            return True if high <= limit else False if low > limit else None
        case "==":
            return True if low == high == limit else False if limit < low or limit > high else None
    return True if limit < low or limit > high else False if low == high == limit else None


def _because(node: Any, op: str, one: _Range, limit: float) -> str:
    names = list(dict.fromkeys(name for name in _names(node) if name))
    what = names[0] if isinstance(node, parser.VectorSelector) and names else "its figure"
    if not one.reads:
        return NOTHING
    if math.isfinite(one.low) and limit <= one.low:
        return f"{what} is never below {one.low:g}"
    return f"{what} is never above {one.high:g}"


def _reckoned(op: str, left: _Range, right: _Range) -> tuple[float, float]:
    """The least and the most that two ranges come to."""
    match op:
        case "+":
            return left.low + right.low, left.high + right.high
        case "-":
            return left.low - right.high, left.high - right.low
        case "*":
            return _spanned(left, right.low, right.high)
        case "/" if right.low == right.high and right.low:
            return _spanned(left, 1 / right.low, 1 / right.low)
        case "/" if left.low >= 0 and right.low >= 0:
            return 0.0, math.inf
    return -math.inf, math.inf


def _spanned(left: _Range, low: float, high: float) -> tuple[float, float]:
    every = [0.0 if 0 in (one, other) else one * other for one in (left.low, left.high) for other in (low, high)]
    return min(every), max(every)
