"""Alerting rules of a document: what its symptoms and its binding say of each alert, as Prometheus reads it.

A rule's expression is the negation of the runbook's checks, or the binding's own query beyond a limit. Windows and `for`
come from a profile, so that a drill takes seconds and a team gets the minutes it can live with.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from handrail.commands import promql, steady
from handrail.runbooks.binding import AlertRule, Binding, Check, FromLabel, RunbookBinding, Trigger
from handrail.runbooks.document import Document, Runbook

QUICK, SLOW = timedelta(minutes=2), timedelta(minutes=5)  # `for` of critical alerts, and of others
WINDOW = timedelta(minutes=5)
OPENING = '{{ "{{" }}'  # what a template prints as two braces
WHOSE = ("service", "job", "app")  # by these labels Handrail knows the service of an alert that names none


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The times of rules. `shortens` maps the longest `for` of each kind to what stands in its place."""

    name: str
    says: str
    scrape: timedelta
    widest: timedelta  # no window is above it
    shortens: tuple[tuple[timedelta, timedelta], ...] = ()

    def lasts(self, wanted: timedelta) -> timedelta:
        """`for`, as this profile has it."""
        return next((short for longest, short in self.shortens if wanted <= longest), wanted)

    def window(self, wanted: timedelta) -> timedelta:
        """A range, as this profile has it."""
        return min(wanted, self.widest)


TEAM = Profile(
    name="team",
    says="the times that the binding says: times a team can live with",
    scrape=timedelta(seconds=15),
    widest=timedelta(hours=1),
)
LAB = Profile(
    name="lab",
    says="times so short that a drill takes seconds: for an environment where drills are allowed, and no other",
    scrape=timedelta(seconds=3),
    widest=timedelta(seconds=20),
    shortens=(
        (timedelta(0), timedelta(0)),
        (timedelta(seconds=30), timedelta(seconds=3)),
        (QUICK, timedelta(seconds=6)),
        (timedelta.max, timedelta(seconds=12)),
    ),
)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (TEAM, LAB)}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Where an alert begins: beyond `value`, in the words of the document or the binding."""

    op: str  # > >= < <=
    value: float

    @property
    def says(self) -> str:
        """`limit 1`, `at least 1`, as the checks say it."""
        return f"{'limit' if self.op.startswith('>') else 'at least'} {number(self.value)}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One alerting rule. Annotations may hold `{{ $labels.x }}` and the figure; `limit` is None for a bare condition."""

    alert: str
    runbook: str
    group: str
    expression: str
    lasts: timedelta
    window: timedelta
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    limit: Limit | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """An alert for which no rule could be written, and why, with what to do."""

    alert: str
    runbook: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What was written, in the document's order, and what was not."""

    rules: tuple[Rule, ...] = ()
    left_out: tuple[LeftOut, ...] = field(default_factory=tuple)


class _No(Exception):
    """No rule can be written; the text says why and what to do."""


def of(document: Document, binding: Binding, *, url: str, namespace: str, profile: Profile) -> Rules:
    """The rules of every alert that the document's runbooks answer. `url` is where people read the document."""
    found: list[Rule] = []
    left_out: list[LeftOut] = []
    for runbook in document.runbooks:
        bound = binding.get(runbook.id)
        for trigger in bound.triggers:
            for told in trigger.rules:
                try:
                    found.append(_rule(told, trigger, runbook, bound, url=url, namespace=namespace, profile=profile))
                except _No as error:
                    left_out.append(LeftOut(alert=told.alert, runbook=runbook.id, reason=str(error)))
    same = {id(rule): before for rule, before in _same(found)}
    left_out += [
        LeftOut(
            alert=rule.alert,
            runbook=rule.runbook,
            reason=f"it would fire exactly when {same[id(rule)]} does: give one of them `above`, `below` or a `query`",
        )
        for rule in found
        if id(rule) in same
    ]
    return Rules(rules=tuple(rule for rule in found if id(rule) not in same), left_out=tuple(left_out))


def _same(rules: Sequence[Rule]) -> Iterator[tuple[Rule, str]]:
    """Two alerts that would always fire together are one alert too many: someone forgot to tell them apart."""
    seen: dict[tuple[str, timedelta], Rule] = {}
    for rule in rules:
        before = seen.setdefault((rule.expression, rule.lasts), rule)
        if before is not rule:
            yield rule, before.alert


def _rule(
    told: AlertRule,
    trigger: Trigger,
    runbook: Runbook,
    bound: RunbookBinding,
    *,
    url: str,
    namespace: str,
    profile: Profile,
) -> Rule:
    severity = told.severity or ("critical" if (runbook.severity or "").lower() == "critical" else "warning")
    lasts = told.lasts if told.lasts is not None else (QUICK if severity == "critical" else SLOW)
    window, limit, expression = _condition(told, runbook, bound, namespace=namespace, profile=profile)
    if mistake := promql.mistake(expression):
        raise _No(f"what it comes to is not valid PromQL ({mistake}): correct its query")
    service, named = _service(told, bound, expression)
    about = _about(expression, service, bound, told, limit)
    summary = literal(bound.summary or runbook.title)
    return Rule(
        alert=told.alert,
        runbook=runbook.id,
        group=f"{runbook.id} {runbook.title}",
        expression=expression,
        lasts=profile.lasts(lasts),
        window=window,
        labels={
            "severity": severity,
            "namespace": namespace,
            **({"service": service} if service else {}),
            **{name: literal(value) for name, value in trigger.labels.items()},
        },
        annotations={
            "summary": _filled(summary, {"service": named, "namespace": namespace, "value": _figure(limit)}),
            "description": about,
            "runbook_url": literal(f"{url}#{runbook.anchor}"),
        },
        limit=limit,
    )


# -- the condition -----------------------------------------------------------------------------------------------------


def condition(told: AlertRule, runbook: Runbook, bound: RunbookBinding) -> str:
    """The expression of the rule that this alert would be raised by, in a team's times; empty where none can be written."""
    try:
        _, _, expression = _condition(told, runbook, bound, namespace="namespace", profile=TEAM)
    except _No:
        return ""
    return "" if promql.mistake(expression) else expression


def broken(check: Check) -> tuple[str, ...]:
    """The conditions under which a check does not hold, one for each of its limits, in a team's times."""
    there = _in_its_window(check, TEAM)
    limits = [Limit(op=">=", value=check.below)] if check.below is not None else []
    limits += [Limit(op="<", value=check.at_least)] if check.at_least is not None else []
    told = (_filled(_beyond(there, one), {"service": "service", "namespace": "namespace"}) for one in limits)
    return tuple(one for one in told if not promql.mistake(one))


def _condition(
    told: AlertRule, runbook: Runbook, bound: RunbookBinding, *, namespace: str, profile: Profile
) -> tuple[timedelta, Limit | None, str]:
    """The window, the limit where there is one, and the expression with both in place."""
    window = max(profile.window(check.window) for check in bound.checks) if bound.checks else WINDOW
    if told.query:
        window = profile.window(WINDOW)
        limit, asked = _own(told, runbook)
    else:
        limit, asked = _negation(told, bound, profile)
    return window, limit, _filled(asked, {"window": seconds(window), "namespace": namespace})


def _own(told: AlertRule, runbook: Runbook) -> tuple[Limit | None, str]:
    """The binding's own query beyond the alert's limit, else beyond the document's, else the query alone."""
    asked = Check(
        name=told.name,
        query=told.query,
        unit=told.unit,
        denominator=told.denominator or None,
        scale=told.scale,
        enough=told.enough,
    )
    limit = _given(told) or _stated(told, runbook)
    return limit, _beyond(asked, limit) if limit else told.query


def _given(told: AlertRule) -> Limit | None:
    if told.above is not None:
        return Limit(op=">", value=told.above)
    return Limit(op="<", value=told.below) if told.below is not None else None


def _stated(told: AlertRule, runbook: Runbook) -> Limit | None:
    """The threshold of the document's symptom in the same unit; None where the query is a condition by itself."""
    if not told.unit:
        return None
    found = [one for one in runbook.symptoms if one.value is not None and one.unit == told.unit]
    if len(found) != 1:
        many = "no symptom states" if not found else "several symptoms state"
        raise _No(f"{many} a threshold in {told.unit}: say `above` or `below`")
    (symptom,) = found
    return Limit(op=symptom.comparison or ">", value=symptom.value or 0.0)


def _negation(told: AlertRule, bound: RunbookBinding, profile: Profile) -> tuple[Limit | None, str]:
    """Any check that does not hold, each in its own window. With one check the alert may have a limit of its own."""
    checks = [_in_its_window(check, profile) for check in bound.checks]
    if not checks:
        raise _No("its runbook has no check to negate: give the trigger a `query`")
    asks_of_one = next((one.name for one in checks if "$service" in one.query + (one.denominator or "")), None)
    if asks_of_one is not None:
        raise _No(f"the check “{asks_of_one}” asks of $service, which only an alert names: give the trigger a `query`")
    given = _given(told)
    if len(checks) > 1:
        if given is not None:
            raise _No(
                f"its runbook has {len(checks)} checks, and one limit cannot be meant for all: give the trigger a `query`"
            )
        return None, " or ".join(_bracketed(_beyond(one, _broken(one))) for one in checks)
    limit = given or _broken(checks[0])
    return limit, _beyond(checks[0], limit)


def _in_its_window(check: Check, profile: Profile) -> Check:
    place = {"window": seconds(profile.window(check.window))}
    denominator = None if check.denominator is None else _filled(check.denominator, place)
    return dataclasses.replace(check, query=_filled(check.query, place), denominator=denominator)


def _broken(check: Check) -> Limit:
    """Where a check does not hold any more."""
    if check.below is not None:
        return Limit(op=">=", value=check.below)
    return Limit(op="<", value=check.at_least or 0.0)


def _beyond(check: Check, limit: Limit) -> str:
    """The check's value beyond a limit. Where too little was asked to tell, the alert stays silent."""
    value = _bracketed(check.query)
    if check.denominator is not None:
        if limit.op.startswith("<"):  # a numerator that is not there is 0, and 0 may well be too little
            value = f"({value} or {_bracketed(check.denominator)} * 0)"
        enough = f">= {number(check.enough)}" if check.enough > 0 else "> 0"
        value = f"{value}\n/ ({_bracketed(check.denominator)} {enough})"
    if check.scale != 1:
        value = f"{value} * {number(check.scale)}"
    return f"{value} {limit.op} {number(limit.value)}"


def _bracketed(query: str) -> str:
    """The query so that an operator may follow it; a figure's name and a query with `$window` are read too."""
    plain = _filled(query, {"window": "1m", "service": "service", "namespace": "namespace"})
    return query if steady.is_whole(plain) else f"({query})"


# -- the words ---------------------------------------------------------------------------------------------------------


def _service(told: AlertRule, bound: RunbookBinding, expression: str) -> tuple[str, str]:
    """The label `service` of the rule, and the service in a sentence."""
    if isinstance(told.service, FromLabel):
        wanted = told.service.label
        there = steady.grouped_labels(expression)
        if there is not None and wanted not in there:
            known = f"keeps {', '.join(there)}" if there else "keeps none"
            raise _No(f"`service` is its label {wanted}, and what is watched {known}: name a label that it keeps")
        name = f"{{{{ $labels.{wanted} }}}}"
        return name, name
    if told.service:
        return literal(told.service), literal(told.service)
    kept = steady.kept_labels(expression)
    label = next((one for one in WHOSE if one in kept), None)
    if label is None:
        if "$service" in bound.summary:
            raise _No("its summary names $service and nothing tells whose trouble it is: say `service` at the trigger")
        return "", ""
    name = f"{{{{ $labels.{label} }}}}"
    return (name if label != "service" else ""), name


def _about(expression: str, service: str, bound: RunbookBinding, told: AlertRule, limit: Limit | None) -> str:
    """What was measured, of what, against which limit; as the checks say it: `error rate: 4.8 % (limit 1 %)`."""
    which = [label for label in steady.kept_labels(expression) if label not in ("namespace", "le", *WHOSE)]
    subject = next((f"{{{{ $labels.{one} }}}}" for one in which if f"$labels.{one} " not in service), "")
    first = bound.checks[0] if bound.checks and not told.query else None
    name, unit = told.name or (first.name if first else told.alert), told.unit or (first.unit if first else "")
    name, unit = literal(name), literal(unit)
    if limit is not None:
        measured = f"{name}: {_figure(limit)} {unit}".rstrip() + f" ({limit.says} {unit}".rstrip() + ")"
    else:
        measured = name
    return f"{subject}: {measured}." if subject else f"{measured[0].upper()}{measured[1:]}."


def literal(text: str) -> str:
    """A text as Prometheus' templates print it: a title may tell of Helm's own `{{ .Values }}`."""
    return text.replace("{{", OPENING)


def _figure(limit: Limit | None) -> str:
    """The value, with as many places as its limit needs: 4.8 of 1, 93 of 80, 0.35 of 0.1."""
    size = abs(limit.value) if limit is not None else 0.0
    form = ".3g" if not size else ".0f" if size >= 10 else ".1f" if size >= 1 else ".2f"
    return f'{{{{ printf "%{form}" $value }}}}'


def _filled(text: str, place: Mapping[str, str]) -> str:
    for name in sorted(place, key=len, reverse=True):
        text = text.replace(f"${name}", place[name])
    return text


def number(value: float) -> str:
    """A number as PromQL and people read it."""
    return f"{value:.12g}"


def seconds(duration: timedelta) -> str:
    """`20s`, `5m`, `1h`: the largest unit that keeps it whole."""
    whole = round(duration.total_seconds())
    for size, unit in ((3600, "h"), (60, "m")):
        if whole and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


# -- the file ----------------------------------------------------------------------------------------------------------


def text(rules: Sequence[Rule], *, head: str) -> str:
    """The rules as a file that Prometheus reads; `head` is its comment."""
    lines = [*(f"# {line}" for line in head.splitlines()), "groups:"]
    before = ""
    for rule in rules:
        if rule.group != before:
            lines += [f"  - name: {_scalar(rule.group)}", "    rules:"]
            before = rule.group
        lines += [f"      - alert: {_scalar(rule.alert)}", "        expr: |-"]
        lines += [f"          {line}" for line in rule.expression.splitlines()]
        if rule.lasts:
            lines.append(f"        for: {seconds(rule.lasts)}")
        for key, values in (("labels", rule.labels), ("annotations", rule.annotations)):
            lines.append(f"        {key}:")
            lines += [f"          {name}: {_scalar(value)}" for name, value in values.items()]
    if not rules:
        lines[-1] = "groups: []"
    return "\n".join(lines) + "\n"


def _scalar(value: str) -> str:
    """JSON's strings are YAML's, but for the characters that YAML takes only when they are written by their number."""
    return "".join(
        one if one.isprintable() else f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"
        for one in json.dumps(value, ensure_ascii=False)
    )
