"""Alerting rules: what each form of a trigger becomes, whose limit it is, and what is left out with which reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml

from handrail.runbooks import alerting, bindingfile, ruletests
from handrail.runbooks.alerting import LAB, TEAM, Profile, Rule, Rules
from tests.runbooks import reading

DOCUMENT = """\
# Runbooks

### RB-001: {title}

**Symptoms**:
- Errors above {limit}
- Nobody is glad

**Severity**: {severity}
**Time to Resolve**: 5 minutes

**Steps**:

1. **Look**
   ```bash
   kubectl get pods -n shop
   ```
"""
ERRORS = {"name": "error rate", "query": "sum(rate(errors_total[$window]))", "below": 1, "unit": "%"}


def rules(
    *triggers: object,
    checks: tuple[object, ...] = (ERRORS,),
    severity: str = "High",
    limit: str = "> 2%",
    summary: str = "Requests fail",
    profile: Profile = TEAM,
) -> Rules:
    """The rules of one runbook with these triggers and checks."""
    document = reading.read(DOCUMENT.format(title="Errors", severity=severity, limit=limit))
    bound = {"triggers": list(triggers), "checks": list(checks), "summary": summary}
    text = yaml.safe_dump({"runbooks": {"RB-001": bound}})
    binding = bindingfile.read(text, path="a.yaml", documents=[document])
    return alerting.of(document, binding, url="https://docs.example/R.md", namespace="shop", profile=profile)


def rule(*triggers: object, **more: object) -> Rule:
    """The only rule there is."""
    found = rules(*triggers, **more)  # type: ignore[arg-type]
    assert found.left_out == ()
    (one,) = found.rules
    return one


def test_a_plain_trigger_is_the_negation_of_the_check() -> None:
    found = rule({"alert": "Errors"})
    assert found.expression == "sum(rate(errors_total[5m])) >= 1"
    assert found.lasts == timedelta(minutes=5)
    assert found.labels == {"severity": "warning", "namespace": "shop"}
    assert found.annotations == {
        "summary": "Requests fail",
        "description": 'Error rate: {{ printf "%.1f" $value }} % (limit 1 %).',
        "runbook_url": "https://docs.example/R.md#rb-001-errors",
    }


@pytest.mark.parametrize(
    ("trigger", "check", "expression"),
    [
        ({}, {"query": "x", "at_least": 1}, "x < 1"),
        ({}, {"query": "x", "below": 5, "scale": 100}, "x * 100 >= 5"),
        ({}, {"query": "a + b", "below": 5, "scale": 100}, "(a + b) * 100 >= 5"),
        ({"above": 0.1}, {"query": "x", "below": 1}, "x > 0.1"),
        ({"below": 3}, {"query": "x", "below": 1}, "x < 3"),
        ({}, {"query": "x", "denominator": "y", "below": 1, "enough": 0.2}, "x\n/ (y >= 0.2) >= 1"),
        ({}, {"query": "x", "denominator": "y", "below": 1}, "x\n/ (y > 0) >= 1"),
        ({}, {"query": "x", "denominator": "y", "at_least": 1}, "(x or y * 0)\n/ (y > 0) < 1"),
        ({}, {"query": "rate(x[$window])", "below": 1, "window": "30m"}, "rate(x[30m]) >= 1"),
        ({"query": 'y{n="$namespace"}', "above": 7}, {"query": "x", "below": 1}, 'y{n="shop"} > 7'),
        ({"query": "absent(y)"}, {"query": "x", "below": 1}, "absent(y)"),
        ({"query": "y", "unit": "%"}, {"query": "x", "below": 1}, "y > 2"),
        (
            {"query": "y", "denominator": "z", "scale": 100, "above": 7},
            {"query": "x", "below": 1},
            "y\n/ (z > 0) * 100 > 7",
        ),
    ],
)
def test_what_an_expression_becomes(trigger: dict[str, object], check: dict[str, object], expression: str) -> None:
    assert rule({"alert": "A", **trigger}, checks=(check,)).expression == expression


def test_any_check_that_does_not_hold_raises_the_alert() -> None:
    checks = ({"query": "a", "below": 1}, {"query": "rate(b[$window])", "at_least": 2, "window": "10m"})
    assert rule({"alert": "A"}, checks=checks).expression == "(a >= 1) or (rate(b[10m]) < 2)"


def test_several_alerts_share_a_query_and_have_their_own_limits() -> None:
    found = rules(
        {"alert": {"Critical": {"above": 5, "severity": "critical"}, "High": None}, "query": "y", "unit": "%"},
    ).rules
    assert [(one.alert, one.expression, one.labels["severity"], one.lasts) for one in found] == [
        ("Critical", "y > 5", "critical", timedelta(minutes=2)),
        ("High", "y > 2", "warning", timedelta(minutes=5)),
    ]


def test_the_limit_follows_the_document() -> None:
    """One binding serves every edition: where the text says 4 %, the alert begins at 4 %."""
    assert rule({"alert": "A", "query": "y", "unit": "%"}, limit="> 4%").expression == "y > 4"


@pytest.mark.parametrize(
    ("severity", "told", "becomes", "lasts"),
    [
        ("Critical", {}, "critical", "2m"),
        ("High", {}, "warning", "5m"),
        ("High", {"severity": "critical"}, "critical", "2m"),
        ("Critical", {"severity": "info"}, "info", "5m"),
        ("High", {"for": "90s"}, "warning", "90s"),
        ("High", {"for": "0s"}, "warning", "0s"),
    ],
)
def test_severity_and_for(severity: str, told: dict[str, object], becomes: str, lasts: str) -> None:
    found = rule({"alert": "A", **told}, severity=severity)
    assert (found.labels["severity"], alerting.seconds(found.lasts)) == (becomes, lasts)


@pytest.mark.parametrize(
    ("wanted", "lab"), [("0s", "0s"), ("30s", "3s"), ("31s", "6s"), ("2m", "6s"), ("5m", "12s"), ("1h", "12s")]
)
def test_the_labs_profile_shortens_for_and_windows(wanted: str, lab: str) -> None:
    found = rule({"alert": "A", "for": wanted}, profile=LAB)
    assert (alerting.seconds(found.lasts), found.expression) == (lab, "sum(rate(errors_total[20s])) >= 1")


@pytest.mark.parametrize(
    ("trigger", "label", "sentence"),
    [
        ({"service": "shop"}, "shop", "Requests to shop fail"),
        (
            {"query": "sum by (pod) (x) > 1", "service": {"label": "pod"}},
            "{{ $labels.pod }}",
            "Requests to {{ $labels.pod }} fail",
        ),
        ({"query": "sum by (job) (x) > 1"}, "{{ $labels.job }}", "Requests to {{ $labels.job }} fail"),
        ({"query": "sum by (service, job) (x) > 1"}, None, "Requests to {{ $labels.service }} fail"),
    ],
)
def test_whose_trouble_it_is(trigger: dict[str, object], label: str | None, sentence: str) -> None:
    found = rule({"alert": "A", **trigger}, summary="Requests to $service fail")
    assert found.labels.get("service") == label
    assert found.annotations["summary"] == sentence


def test_the_labels_that_a_trigger_waits_for_stand_in_its_rule() -> None:
    assert rule({"alert": "A", "labels": {"team": "shop"}}).labels["team"] == "shop"


def test_a_pod_is_named_before_its_figure() -> None:
    found = rule({"alert": "A", "query": "max by (namespace, pod) (x)", "above": 80, "name": "memory", "unit": "%"})
    assert found.annotations["description"] == '{{ $labels.pod }}: memory: {{ printf "%.0f" $value }} % (limit 80 %).'


@pytest.mark.parametrize(
    ("trigger", "more", "reason"),
    [
        ({}, {"checks": ()}, "no check to negate: give the trigger a `query`"),
        ({}, {"checks": ({"name": "up", "query": 'up{job="$service"}', "at_least": 1},)}, "asks of $service"),
        ({"above": 2}, {"checks": (ERRORS, ERRORS)}, "2 checks, and one limit cannot be meant for all"),
        ({"query": "y", "unit": "ms"}, {}, "no symptom states a threshold in ms: say `above` or `below`"),
        ({"query": "x[5m]", "above": 1}, {}, "not valid PromQL"),
        ({}, {"summary": "$service fails"}, "nothing tells whose trouble it is: say `service`"),
    ],
)
def test_what_cannot_be_written_is_left_out_with_its_reason(
    trigger: dict[str, object], more: dict[str, object], reason: str
) -> None:
    found = rules({"alert": "A", **trigger}, **more)  # type: ignore[arg-type]
    assert found.rules == ()
    (one,) = found.left_out
    assert (one.alert, one.runbook) == ("A", "RB-001")
    assert reason in one.reason


def test_two_alerts_that_always_fire_together_are_one_too_many() -> None:
    found = rules({"alert": ["A", "B"]})
    assert [one.alert for one in found.rules] == ["A"]
    assert [(one.alert, one.reason) for one in found.left_out] == [
        ("B", "it would fire exactly when A does: give one of them `above`, `below` or a `query`")
    ]


def test_an_event_raises_no_alert() -> None:
    assert rules({"event": "deployment.failed"}) == Rules()


def test_the_file_reads_back_as_what_was_meant() -> None:
    found = rules({"alert": "A", "service": "shop"}, summary='"$service": {fails} #1')
    (group,) = yaml.safe_load(alerting.text(found.rules, head="one\ntwo"))["groups"]
    assert group["name"] == "RB-001 Errors"
    (one,) = group["rules"]
    assert one == {
        "alert": "A",
        "expr": "sum(rate(errors_total[5m])) >= 1",
        "for": "5m",
        "labels": {"severity": "warning", "namespace": "shop", "service": "shop"},
        "annotations": dict(found.rules[0].annotations),
    }
    assert one["annotations"]["summary"] == '"shop": {fails} #1'
    assert yaml.safe_load(alerting.text([], head="none")) == {"groups": []}


# -- their tests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        'max by (pod) (used) / on (pod) max by (pod) (room{kind="memory"}) * 100 > 80',
        "absent(up)",
        'x{kind=~"a|b.*", other!=""} == 0',
        "increase(restarts_total[5m]) > 0 and on (pod) last_reason == 1",
        "histogram_quantile(0.95, sum by (le) (rate(seconds_bucket[5m]))) > 0.3",
        "a unless on (pod) b",
    ],
)
def test_series_are_found_that_fire_a_rule_and_series_that_do_not(query: str) -> None:
    found = ruletests.cases(rule({"alert": "A", "query": query}))
    assert isinstance(found, tuple), found
    fires, silent = found
    assert fires.samples
    assert not silent.samples


def test_the_series_that_do_not_fire_are_there_and_near_the_limit() -> None:
    """Silence for want of data would test nothing."""
    found = ruletests.cases(rule({"alert": "A", "query": "load", "above": 5}))
    assert isinstance(found, tuple)
    fires, silent = found
    assert [one.level for one in fires.series] == [10.0]
    assert [one.level for one in silent.series] == [2.0]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("deriv(x[5m]) > 1", "the function deriv is not read here"),
        ("x offset 5m > 1", "reads at another time"),
        ("vector(1) > 0", "no series were found that leave it silent"),
        ('x{a=~"[0-9]{3}"} > 1', "write its test by hand"),
    ],
)
def test_a_rule_whose_test_cannot_be_written_says_so(query: str, reason: str) -> None:
    made = ruletests.of([rule({"alert": "A", "query": query})], file="r.yaml", profile=TEAM, head="")
    assert made.tested == 0
    assert reason in made.left_out[0].reason
