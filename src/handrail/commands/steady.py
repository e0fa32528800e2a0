"""What PromQL gives over steady series: gauges that stay and counters that grow evenly. No time passes here.

Enough of the language to tell whether an alert's expression is true of a handful of series, and with which value.
What is not known here is said, never guessed: Prometheus itself remains the one who knows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser as parser

NAME = "__name__"
Labels = dict[str, str]
Sample = tuple[Labels, float]


@dataclass(frozen=True, kw_only=True)
class Steady:
    """A series: its labels with `__name__`, and the `level` of a gauge or the growth in a second of a counter."""

    labels: Mapping[str, str]
    level: float = 0.0
    slope: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CannotTell:
    """Why this expression is not read here."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Selector:
    """A place where an expression reads series: `ranged` inside `[…]`, with the function that takes it."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]  # label, one of = != =~ !~, value
    ranged: bool
    function: str = ""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series is read here."""
        return labels.get(NAME, "") == self.metric and all(
            _fits(labels.get(name, ""), op, value) for name, op, value in self.matchers
        )


class _Unknown(Exception):
    """A part of the language that is not read here."""


def read(query: str, series: Sequence[Steady]) -> tuple[Sample, ...] | CannotTell:
    """The samples that the query gives over these series, and no others."""
    try:
        found = _value(parser.parse(query), series)
    except (ValueError, _Unknown) as error:
        return CannotTell(reason=str(error))
    return (({}, found),) if isinstance(found, float) else tuple(found)


def selectors(query: str) -> tuple[Selector, ...] | CannotTell:
    """Every place where the query reads series, each once, in its order."""
    try:
        return tuple(dict.fromkeys(_selectors(parser.parse(query), "")))
    except (ValueError, _Unknown) as error:
        return CannotTell(reason=str(error))


def named_labels(query: str) -> tuple[str, ...]:
    """The labels that the query groups by, joins on or reads, but for those of its matchers."""
    return tuple(dict.fromkeys(_labels(parser.parse(query))))


def kept_labels(query: str) -> tuple[str, ...]:
    """The labels that a result surely has: those that its outermost grouping or its selectors name."""
    return tuple(dict.fromkeys(_kept(parser.parse(query))))


def grouped_labels(query: str) -> tuple[str, ...] | None:
    """Every label that a result can have, where its outermost grouping says so; None where series bring their own."""
    return _grouped(parser.parse(query))


def _grouped(node: Any) -> tuple[str, ...] | None:
    match node:
        case parser.ParenExpr() | parser.UnaryExpr():
            return _grouped(node.expr)
        case parser.AggregateExpr() if str(node.op) not in ("topk", "bottomk"):
            if node.modifier is None:
                return ()
            by = node.modifier.type == parser.AggModifierType.By
            return tuple(node.modifier.labels) if by else None
        case parser.Call() if node.func.name in ONE_BY_ONE or node.func.name in ("clamp_min", "clamp_max", "round"):
            return _grouped(node.args[0])
        case parser.Call() if node.func.name == "histogram_quantile":
            found = _grouped(node.args[1])
            return None if found is None else tuple(label for label in found if label != "le")
        case parser.BinaryExpr():
            if isinstance(node.lhs, parser.NumberLiteral):
                return _grouped(node.rhs)
            card = node.modifier.card if node.modifier is not None else parser.VectorMatchCardinality.OneToOne
            return _grouped(node.lhs) if card == parser.VectorMatchCardinality.OneToOne else None
    return None


def metrics(query: str) -> tuple[str, ...]:
    """The metrics that a query reads, in their order; what is selected by no name is left out."""
    return tuple(dict.fromkeys(_metrics(parser.parse(query))))


def _metrics(node: Any) -> Iterator[str]:
    if isinstance(node, parser.VectorSelector | parser.MatrixSelector):
        inner: Any = node.vector_selector if isinstance(node, parser.MatrixSelector) else node
        matchers = inner.matchers.matchers
        named = inner.name or next((one.value for one in matchers if one.name == NAME and OPS[str(one.op)] == "="), "")
        if named:
            yield named
        return
    for child in _children(node):
        yield from _metrics(child)


def asked_labels(query: str) -> tuple[tuple[str, str], ...]:
    """Metric and label of every matcher, in their order; the metric is empty where it is selected by no name."""
    return tuple(dict.fromkeys(_asked_labels(parser.parse(query))))


def _asked_labels(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, parser.VectorSelector | parser.MatrixSelector):
        inner: Any = node.vector_selector if isinstance(node, parser.MatrixSelector) else node
        named = next(_metrics(inner), "")
        yield from ((named, one.name) for one in inner.matchers.matchers if one.name != NAME)
        return
    for child in _children(node):
        yield from _asked_labels(child)


def is_whole(query: str) -> bool:
    """Whether an operator can stand behind the query without parentheses around it."""
    return not isinstance(parser.parse(query), parser.BinaryExpr | parser.UnaryExpr)


# -- reading the tree ------------------------------------------------------------------------------------------------


def _children(node: Any) -> Iterator[Any]:
    for name in ("lhs", "rhs", "expr", "param"):
        found = getattr(node, name, None)
        if found is not None:
            yield found
    yield from getattr(node, "args", ())


def _selectors(node: Any, function: str) -> Iterator[Selector]:
    if isinstance(node, parser.VectorSelector | parser.MatrixSelector):
        ranged = isinstance(node, parser.MatrixSelector)
        inner: Any = node
        yield _selector(inner.vector_selector if ranged else inner, ranged=ranged, function=function)
        return
    name = node.func.name if isinstance(node, parser.Call) else ""
    for child in _children(node):
        yield from _selectors(child, name or function)


def _selector(node: Any, *, ranged: bool, function: str) -> Selector:
    if node.offset or node.at or node.matchers.or_matchers:
        raise _Unknown(f"{node} reads at another time")
    matchers = tuple((one.name, OPS[str(one.op)], one.value) for one in node.matchers.matchers)
    named = node.name or next((value for name, op, value in matchers if name == NAME and op == "="), "")
    if not named:
        raise _Unknown(f"{node} names no metric")
    kept = tuple(one for one in matchers if one[0] != NAME)
    return Selector(metric=named, matchers=kept, ranged=ranged, function=function)


OPS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


def _fits(value: str, op: str, wanted: str) -> bool:
    if op in ("=", "!="):
        return (value == wanted) is (op == "=")
    try:
        return (re.fullmatch(wanted, value) is not None) is (op == "=~")
    except re.error as error:
        raise _Unknown(f"{wanted} is not a regular expression that Handrail reads: {error}") from error


def _labels(node: Any) -> Iterator[str]:
    if isinstance(node, parser.AggregateExpr) and node.modifier is not None:
        yield from node.modifier.labels
    if isinstance(node, parser.BinaryExpr) and node.modifier is not None and node.modifier.matching is not None:
        yield from node.modifier.matching.labels
    if isinstance(node, parser.Call) and node.func.name == "label_replace":
        yield node.args[3].val
    for child in _children(node):
        yield from _labels(child)


def _kept(node: Any) -> Iterator[str]:
    match node:
        case parser.AggregateExpr():
            if node.modifier is not None and node.modifier.type == parser.AggModifierType.By:
                yield from node.modifier.labels
            elif str(node.op) in ("topk", "bottomk"):
                yield from _kept(node.expr)
        case parser.BinaryExpr():
            sides = (node.rhs, node.lhs) if isinstance(node.lhs, parser.NumberLiteral) else (node.lhs, node.rhs)
            matching = node.modifier.matching if node.modifier is not None else None
            one_to_one = node.modifier is None or node.modifier.card == parser.VectorMatchCardinality.OneToOne
            if matching is not None and one_to_one and matching.type == parser.LabelModifierType.Include:
                yield from matching.labels
            else:
                yield from _kept(sides[0])
        case parser.Call():
            found = [label for one in node.args for label in _kept(one) if label != "le"]
            yield from found
            if node.func.name == "label_replace":
                yield node.args[1].val
        case parser.ParenExpr() | parser.UnaryExpr():
            yield from _kept(node.expr)
        case parser.VectorSelector() | parser.MatrixSelector():
            inner = node.vector_selector if isinstance(node, parser.MatrixSelector) else node
            yield from (one.name for one in inner.matchers.matchers if str(one.op) in ("MatchOp.Equal", "MatchOp.Re"))


# -- values ------------------------------------------------------------------------------------------------------------


def _value(node: Any, series: Sequence[Steady]) -> float | list[Sample]:
    match node:
        case parser.NumberLiteral():
            return float(node.val)
        case parser.ParenExpr():
            return _value(node.expr, series)
        case parser.UnaryExpr():
            found = _value(node.expr, series)
            return -found if isinstance(found, float) else [(_bare(labels), -value) for labels, value in found]
        case parser.VectorSelector():
            wanted = _selector(node, ranged=False, function="")
            found = []
            for one in series:
                if wanted.matches(one.labels):
                    if one.slope:
                        raise _Unknown(f"{wanted.metric} grows: how high it is depends on the time")
                    found.append((dict(one.labels), float(one.level)))
            return found
        case parser.Call():
            return _call(node, series)
        case parser.AggregateExpr():
            return _aggregate(node, series)
        case parser.BinaryExpr():
            return _binary(node, series)
    raise _Unknown(f"{type(node).__name__} is not read here")


def _vector(node: Any, series: Sequence[Steady]) -> list[Sample]:
    found = _value(node, series)
    if isinstance(found, float):
        raise _Unknown(f"{node} is a number, where series belong")
    return found


def _bare(labels: Mapping[str, str]) -> Labels:
    return {key: value for key, value in labels.items() if key != NAME}


GROWTH = {"rate", "irate", "increase"}
NEVER = {"changes", "resets"}  # of a figure that stays
STAYS = {"max_over_time", "min_over_time", "avg_over_time", "last_over_time", "quantile_over_time"}
ONE_BY_ONE: Mapping[str, Callable[[float], float]] = {"abs": abs, "ceil": math.ceil, "floor": math.floor}


def _call(node: Any, series: Sequence[Steady]) -> list[Sample]:
    name, args = node.func.name, node.args
    if name in GROWTH or name in STAYS or name in NEVER:
        matrix = args[-1]
        if not isinstance(matrix, parser.MatrixSelector):
            raise _Unknown(f"{name} of a subquery is not read here")
        wanted = _selector(matrix.vector_selector, ranged=True, function=name)
        over = matrix.range.total_seconds() if name == "increase" else 1.0
        read = [one for one in series if wanted.matches(one.labels)]
        if name not in GROWTH and any(one.slope for one in read):
            raise _Unknown(f"{wanted.metric} grows: what {name} tells of it depends on the time")
        if name in NEVER:
            return [(_bare(one.labels), 0.0) for one in read]
        return [(_bare(one.labels), float(one.slope * over if name in GROWTH else one.level)) for one in read]
    if name == "absent":
        found = _vector(args[0], series)
        told = _selector(args[0], ranged=False, function=name) if isinstance(args[0], parser.VectorSelector) else None
        equal = {label: value for label, op, value in told.matchers if op == "="} if told else {}
        return [] if found else [(equal, 1.0)]
    if name == "vector":
        return [({}, float(args[0].val))]
    if name == "label_replace":
        return [
            (_replaced(labels, *(one.val for one in args[1:])), value) for labels, value in _vector(args[0], series)
        ]
    if name == "histogram_quantile":
        return _quantile(float(args[0].val), _vector(args[1], series))
    if name in ("clamp_min", "clamp_max"):
        bound = max if name == "clamp_min" else min
        return [(_bare(labels), bound(value, float(args[1].val))) for labels, value in _vector(args[0], series)]
    if name in ONE_BY_ONE:
        return [(_bare(labels), float(ONE_BY_ONE[name](value))) for labels, value in _vector(args[0], series)]
    raise _Unknown(f"the function {name} is not read here")


def _replaced(labels: Mapping[str, str], to: str, replacement: str, source: str, pattern: str) -> Labels:
    found = re.fullmatch(pattern, labels.get(source, ""))
    if found is None:
        return dict(labels)
    text = re.sub(
        r"\$\{?(\w+)\}?", lambda group: found[int(group[1]) if group[1].isdigit() else group[1]] or "", replacement
    )
    return {**labels, to: text}


def _quantile(wanted: float, samples: Sequence[Sample]) -> list[Sample]:
    """As Prometheus does it: linear inside the bucket in which the rank falls, the lowest beginning at zero."""
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for labels, value in samples:
        rest = tuple(sorted((key, one) for key, one in labels.items() if key not in (NAME, "le")))
        groups.setdefault(rest, []).append((float(labels.get("le", "NaN").replace("+Inf", "inf")), value))
    found = []
    for rest, buckets in groups.items():
        buckets.sort()
        total = buckets[-1][1]
        if buckets[-1][0] != math.inf or len(buckets) < 2 or total <= 0:
            found.append((dict(rest), math.nan))
            continue
        rank = wanted * total
        at = next(index for index, (_, count) in enumerate(buckets) if count >= rank)
        if at == len(buckets) - 1:
            found.append((dict(rest), buckets[-2][0]))
            continue
        start, before = buckets[at - 1] if at else (0.0, 0.0)
        end, count = buckets[at]
        found.append((dict(rest), start + (end - start) * (rank - before) / (count - before)))
    return found


TOGETHER: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "avg": lambda values: sum(values) / len(values),
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
}


def _aggregate(node: Any, series: Sequence[Steady]) -> list[Sample]:
    op, samples = str(node.op), _vector(node.expr, series)
    by = node.modifier is not None and node.modifier.type == parser.AggModifierType.By
    named = set(node.modifier.labels) if node.modifier is not None else set()
    groups: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for labels, value in samples:
        kept = {
            key: one
            for key, one in _bare(labels).items()
            if (key in named if node.modifier is None or by else key not in named)
        }
        groups.setdefault(tuple(sorted(kept.items())), []).append((labels, value))
    if op in ("topk", "bottomk"):
        many = int(node.param.val)
        order = sorted if op == "bottomk" else lambda all_, key: sorted(all_, key=key, reverse=True)
        return [sample for group in groups.values() for sample in order(group, key=lambda one: one[1])[:many]]
    if op not in TOGETHER:
        raise _Unknown(f"the aggregation {op} is not read here")
    return [(dict(kept), float(TOGETHER[op]([value for _, value in group]))) for kept, group in groups.items()]


def _divided(left: float, right: float) -> float:
    return left / right if right else (math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left))


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divided,
    "^": lambda left, right: left**right,
}
COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


def _binary(node: Any, series: Sequence[Steady]) -> float | list[Sample]:
    op, left, right = str(node.op), _value(node.lhs, series), _value(node.rhs, series)
    returns_bool = node.modifier is not None and node.modifier.return_bool
    if isinstance(left, float) and isinstance(right, float):
        if op in ARITHMETIC:
            return ARITHMETIC[op](left, right)
        if op in COMPARED:
            return float(COMPARED[op](left, right))
    elif isinstance(left, float) or isinstance(right, float):
        return _with_number(op, left, right, returns_bool=returns_bool)
    else:
        return _matched(op, node.modifier, left, right, returns_bool=returns_bool)
    raise _Unknown(f"the operator {op} is not read here")


def _with_number(
    op: str, left: float | list[Sample], right: float | list[Sample], *, returns_bool: bool
) -> list[Sample]:
    samples = right if isinstance(left, float) else left
    assert isinstance(samples, list)
    found = []
    for labels, value in samples:
        pair = (left, value) if isinstance(left, float) else (value, right)
        found += _combined(op, pair, labels, value, returns_bool=returns_bool)
    return found


def _combined(op: str, pair: Any, labels: Labels, value: float, *, returns_bool: bool) -> list[Sample]:
    if op in ARITHMETIC:
        return [(_bare(labels), ARITHMETIC[op](*pair))]
    if op not in COMPARED:
        raise _Unknown(f"the operator {op} is not read here")
    if returns_bool:
        return [(_bare(labels), float(COMPARED[op](*pair)))]
    return [(labels, value)] if COMPARED[op](*pair) else []


def _matched(op: str, modifier: Any, left: list[Sample], right: list[Sample], *, returns_bool: bool) -> list[Sample]:
    matching = modifier.matching if modifier is not None else None
    only = matching is not None and matching.type == parser.LabelModifierType.Include
    named = set(matching.labels) if matching is not None else set()

    def key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        kept = _bare(labels)
        return tuple(
            sorted((one, value) for one, value in kept.items() if (one in named) is only or (not named and not only))
        )

    there = {key(labels) for labels, _ in right}
    if op == "and":
        return [sample for sample in left if key(sample[0]) in there]
    if op == "unless":
        return [sample for sample in left if key(sample[0]) not in there]
    if op == "or":
        here = {key(labels) for labels, _ in left}
        return [*left, *(sample for sample in right if key(sample[0]) not in here)]
    cards = parser.VectorMatchCardinality
    card = modifier.card if modifier is not None else cards.OneToOne
    if card == cards.OneToMany:
        raise _Unknown("group_right is not read here")
    others = {key(labels): (labels, value) for labels, value in right}
    if len(others) != len(right) or (card == cards.OneToOne and len({key(labels) for labels, _ in left}) != len(left)):
        raise _Unknown(f"several series stand on one side of {op} and nothing says which belongs to which")
    found = []
    for labels, value in left:
        if key(labels) not in others:
            continue
        other, figure = others[key(labels)]
        if card == cards.ManyToOne:
            told = labels | {name: other[name] for name in modifier.group_labels or () if name in other}
        else:
            told = dict(key(labels)) if only else {name: one for name, one in labels.items() if name not in named}
        found += _combined(op, (value, figure), told, value, returns_bool=returns_bool)
    return found
