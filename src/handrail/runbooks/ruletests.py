"""Unit tests of alerting rules, as `promtool test rules` takes them: for each rule series that fire it, and some that do not.

The series are found by trying: of each metric that a rule reads a few steady figures, until the expression is true with
figures near its limit, and until it is not. Whether Prometheus agrees is for promtool to say.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml

from handrail.commands import steady
from handrail.commands.steady import CannotTell, Sample, Selector, Steady
from handrail.runbooks import alerting
from handrail.runbooks.alerting import LeftOut, Profile, Rule

PLAIN = {  # a value for a label of which the rule says nothing
    "job": "web",
    "service": "web",
    "deployment": "web",
    "container": "web",
    "pod": "web-5d9c8",
    "status": "200",
    "route": "/",
    "method": "GET",
    "instance": "10.0.0.7:8080",
}
FIGURES = (1.0, 0.0, 2.0, 10.0, 100.0, 0.05, 0.5, 0.001)
MOST = 20_000  # combinations of figures that are tried for one rule
NEAR = 0.02  # a figure that is nearer to the limit than this part of it is too near for a test


@dataclass(frozen=True, kw_only=True)
class Case:
    """Series under which a rule fires with these samples; none where it must stay silent."""

    series: tuple[Steady, ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class Tests:
    """The file's text, how many rules it tests, and those that it cannot."""

    text: str
    tested: int
    left_out: tuple[LeftOut, ...]


def of(rules: Sequence[Rule], *, file: str, profile: Profile, head: str) -> Tests:
    """Tests of these rules, which stand in `file` beside the tests."""
    groups: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    for rule in rules:
        other = next((one for one in rules if one.alert == rule.alert and one is not rule), None)
        if other is not None:  # a test of an alert takes all that are called so for one
            reason = f"{other.runbook} raises an alert of that name too: give each a name of its own"
            left_out.append(LeftOut(alert=rule.alert, runbook=rule.runbook, reason=reason))
            continue
        found = cases(rule)
        if isinstance(found, CannotTell):
            left_out.append(LeftOut(alert=rule.alert, runbook=rule.runbook, reason=found.reason))
            continue
        fires, quiet = found
        groups += [_group(rule, fires, profile=profile), _group(rule, quiet, profile=profile)]
    body = {"rule_files": [file], "evaluation_interval": alerting.seconds(profile.scrape), "tests": groups}
    text = "".join(f"# {line}\n" for line in head.splitlines())
    text += yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=1_000)
    return Tests(text=text, tested=len(groups) // 2, left_out=tuple(left_out))


def cases(rule: Rule) -> tuple[Case, Case] | CannotTell:
    """Series that fire the rule, and series that do not; or why none were found."""
    wanted = steady.selectors(rule.expression)
    if isinstance(wanted, CannotTell):
        return CannotTell(reason=f"its expression is not read here: {wanted.reason}")
    labels = _labels(rule, wanted)
    if isinstance(labels, CannotTell):
        return labels
    limit = rule.limit.value if rule.limit else None
    options = [_options(selector, labels[selector], limit) for selector in wanted]
    best: dict[bool, tuple[Any, Case]] = {}
    for combination in itertools.islice(itertools.product(*options), MOST):
        series = tuple(one for option in combination for one in option.series)
        samples = steady.read(rule.expression, series)
        if isinstance(samples, CannotTell):
            return CannotTell(reason=f"its expression is not read here: {samples.reason}")
        fires = bool(samples)
        figure = _figure(rule, series)
        if rule.limit is not None and figure is None and fires:
            continue
        if rule.limit is not None and figure is not None and _too_near(figure, rule.limit.value):
            continue
        cost = _cost(combination, figure, limit, fires=fires)
        if fires not in best or cost < best[fires][0]:
            best[fires] = (cost, Case(series=series, samples=samples))
    for fires, what in ((True, "fire it"), (False, "leave it silent")):
        if fires not in best:
            return CannotTell(reason=f"no series were found that {what}: write its test by hand")
    return best[True][1], best[False][1]


# -- series ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Option:
    """One way a metric may stand: no series, or some with a figure."""

    series: tuple[Steady, ...]
    figure: float


def _options(selector: Selector, labels: Mapping[str, str], limit: float | None) -> tuple[_Option, ...]:
    named = {steady.NAME: selector.metric, **labels}
    absent = _Option(series=(), figure=0.0)
    if selector.metric.endswith("_bucket"):
        return (*_histograms(named, limit or 1.0), absent)
    figures = dict.fromkeys([*FIGURES, *([limit / 2, limit * 2] if limit else [])])
    grows = selector.function in steady.GROWTH
    found = [
        _Option(series=(Steady(labels=named, slope=one) if grows else Steady(labels=named, level=one),), figure=one)
        for one in figures
    ]
    return (*found, absent)


def _histograms(labels: Mapping[str, str], limit: float) -> Iterator[_Option]:
    """One observation in a second, all of them in one bucket: the one above the limit, or the one below it."""
    bounds = [limit / 2, limit, limit * 2, limit * 4]
    for low in bounds[:-1]:
        yield _Option(
            series=tuple(
                Steady(labels={**labels, "le": bound}, slope=1.0 if value > low else 0.0)
                for bound, value in [*((alerting.number(one), one) for one in bounds), ("+Inf", float("inf"))]
            ),
            figure=low,
        )


def _labels(rule: Rule, wanted: Sequence[Selector]) -> dict[Selector, dict[str, str]] | CannotTell:
    """Labels for each selector: what it asks for, and what the rule joins or groups by, alike wherever nothing is asked."""
    mentioned = [label for label in steady.named_labels(rule.expression) if label != "le"]
    mentioned += re.findall(r"\$labels\.(\w+)", " ".join((*rule.labels.values(), *rule.annotations.values())))
    said: dict[str, str] = {}
    asked: dict[Selector, dict[str, str]] = {}
    for selector in wanted:
        asked[selector] = {}
        for label, op, value in selector.matchers:
            example = value if op == "=" else _example(value) if op == "=~" else None
            if example is None and op == "=~":
                return CannotTell(reason=f'no value was found that {label}=~"{value}" takes: write its test by hand')
            if example:
                asked[selector].setdefault(label, example)
                said.setdefault(label, example)
    found = {}
    for selector in wanted:
        labels = dict(asked[selector])
        others = [one for one in wanted if one is not selector and one.metric == selector.metric]
        for label in dict.fromkeys((*mentioned, *(name for name, _, _ in selector.matchers), *_told_apart(others))):
            apart = any(label in asked[one] for one in others)
            fitting = PLAIN.get(label, f"a-{label}") if apart else said.get(label, PLAIN.get(label, f"a-{label}"))
            labels.setdefault(label, fitting)
        if not selector.matches({steady.NAME: selector.metric, **labels}):
            return CannotTell(
                reason=f"no labels were found that {selector.metric} is read with: write its test by hand"
            )
        found[selector] = labels
    return found


def _told_apart(others: Sequence[Selector]) -> Iterator[str]:
    for one in others:
        yield from (name for name, _, _ in one.matchers)


def _example(pattern: str) -> str | None:
    """A text that a simple pattern takes: its first alternative, with the least that its dots allow."""
    text = pattern.split("|")[0]
    for sign, least in ((".*", ""), (".+", "1"), (r"\d", "1"), (".", "0")):
        text = text.replace(sign, least)
    try:
        return text if text and re.fullmatch(pattern, text) else None
    except re.error:
        return None


# -- choosing ----------------------------------------------------------------------------------------------------------


def _figure(rule: Rule, series: Sequence[Steady]) -> float | None:
    """What the rule compares with its limit: the largest, or where little is bad the smallest."""
    if rule.limit is None:
        return None
    value, _, _ = rule.expression.rpartition(f" {rule.limit.op} ")
    found = steady.read(value, series)
    if isinstance(found, CannotTell) or not found:
        return None
    worst: Callable[[Iterator[float]], float] = max if rule.limit.op.startswith(">") else min
    return worst(value for _, value in found)


def _too_near(figure: float, limit: float) -> bool:
    return figure != figure or (limit != 0 and abs(figure / limit - 1) < NEAR)


def _cost(combination: Sequence[_Option], figure: float | None, limit: float | None, *, fires: bool) -> tuple[Any, ...]:
    """The likeliest series first: all there, whole numbers other than 0, a figure near the limit."""
    absent = sum(not option.series for option in combination)
    unknown = figure is None and limit is not None
    zeros = sum(option.figure == 0 for option in combination if option.series)
    broken = sum(option.figure != round(option.figure) for option in combination)
    distance = abs(figure - limit) / (abs(limit) or 1.0) if figure is not None and limit is not None else 0.0
    return (absent, unknown, zeros, broken, round(distance, 6))


# -- the file ----------------------------------------------------------------------------------------------------------


def _group(rule: Rule, case: Case, *, profile: Profile) -> dict[str, Any]:
    fires = bool(case.samples)
    late = rule.window + rule.lasts + profile.scrape * 4
    steps = round(late / profile.scrape) + 1
    at = profile.scrape * (steps - 1)
    expected = [_alert(rule, labels, value) for labels, value in case.samples]
    tests = [
        {"eval_time": alerting.seconds(at), "alertname": rule.alert, **({"exp_alerts": expected} if fires else {})}
    ]
    early = rule.lasts - profile.scrape
    if fires and early > timedelta(0):
        tests.insert(0, {"eval_time": alerting.seconds(early), "alertname": rule.alert})
    return {
        "name": f"{rule.runbook} {rule.alert} {'fires' if fires else 'stays silent'}",
        "interval": alerting.seconds(profile.scrape),
        "input_series": [_series(one, steps=steps, profile=profile) for one in case.series],
        "alert_rule_test": tests,
    }


def _series(one: Steady, *, steps: int, profile: Profile) -> dict[str, str]:
    name = one.labels[steady.NAME]
    inside = ", ".join(f'{key}="{value}"' for key, value in one.labels.items() if key != steady.NAME)
    step = one.slope * profile.scrape.total_seconds()
    values = f"0+{alerting.number(step)}x{steps}" if one.slope else f"{alerting.number(one.level)}x{steps}"
    return {"series": f"{name}{{{inside}}}", "values": values}


def _alert(rule: Rule, labels: Mapping[str, str], value: float) -> dict[str, Any]:
    kept = {name: one for name, one in labels.items() if name != steady.NAME}

    def told(text: str) -> str:
        text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: kept.get(found[1], ""), text)
        text = re.sub(r'\{\{ printf "%(\.\d[fg])" \$value \}\}', lambda found: format(value, found[1]), text)
        return text.replace(alerting.OPENING, "{{")

    return {
        "exp_labels": kept | {name: told(one) for name, one in rule.labels.items()},
        "exp_annotations": {name: told(one) for name, one in rule.annotations.items()},
    }
