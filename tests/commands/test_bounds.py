"""Whether an alert's condition can be otherwise at all: what is always on, what is never on, and what nobody can tell."""

from __future__ import annotations

import pytest

from handrail.commands import bounds
from handrail.commands.bounds import When

ALWAYS = [
    "vector(1)",
    "1",
    'label_replace(vector(1), "a", "b", "", "")',
    "up > -1",
    "-1 < up",
    "up >= 0",
    "up < 2",
    "up != 7",
    "max_over_time(up[5m]) >= 0",
    "count(up) > -1",
    "rate(x[5m]) >= 0",
    "increase(x_total[5m]) > -5",
    "sum by (job) (rate(e[5m])) / (sum by (job) (rate(a[5m])) > 0) * 100 > -1",
    "100 - up * 100 > -1",
    "histogram_quantile(0.99, sum by (le) (rate(h_seconds_bucket[5m]))) > -1",
    "sum(kube_pod_status_phase) >= 0",
    "up == bool 0",
    "temperature > bool 30",
    "sum(x_total)",
    "up == 0 or vector(0)",
    "sum(x) > 1 or up > -1",
    "(sum(x_total) or vector(0)) >= 0",
    "up >= 0 and up < 5",
    "hour() < 24",
]
NEVER = [
    "vector(0) > 1",
    "up > 1",
    "up < 0",
    "up == 3",
    "rate(x[5m]) < 0",
    "clamp_max(up, 0) > 0",
    "up > 1 or count(up) < 0",
    "up > 1 and temperature > 5",
    "up > 1 unless temperature",
]
DEPENDS = [
    "up == 0",
    "up < 1",
    "count(up) > 0",
    "sum(rate(e[5m])) / (sum(rate(a[5m])) > 0) * 100 > 1",
    "temperature > -1",
    "deriv(x_total[5m]) > -1",
    "1 - avg(rate(idle[5m])) > -1",
    "(up == bool 0) == 1",
    "(sum(x_total) or vector(0)) > 5",
    '{job="x"} == 0',  # of no metric that is named, and no less a series
    'sum(rate({__name__=~"a|b"}[5m])) > 3',
    "hour() >= 22",
    "vector(1) and on() (hour() >= 22)",
    "vector(1) unless on() up == 1",
    "vector(1) > scalar(x)",
    "a > b",
    "rate(x[5m])",  # a bare figure of which nobody knows whether it is there on good days
    # that there is a series at all is the sign
    "absent(up)",
    "absent(up) == 1",
    "kube_job_failed",
    "sum(kube_job_failed) >= 0",
    'ALERTS{alertstate="firing"}',
    "count(up == 0)",
    "count(up == 0) > -1",
    "up unless up offset 5m",
]


@pytest.mark.parametrize("query", ALWAYS)
def test_a_condition_that_all_values_fulfil_is_always_on(query: str) -> None:
    told = bounds.judged(query)
    assert told is not None
    assert told.when is When.ALWAYS
    assert told.because


@pytest.mark.parametrize("query", NEVER)
def test_a_condition_that_no_value_fulfils_is_never_on(query: str) -> None:
    told = bounds.judged(query)
    assert told is not None
    assert told.when is When.NEVER
    assert told.because


@pytest.mark.parametrize("query", DEPENDS)
def test_where_it_depends_or_nobody_knows_nothing_is_said(query: str) -> None:
    assert bounds.judged(query) is None


def test_the_reason_names_the_metric_and_what_it_cannot_be() -> None:
    told = {query: judged.because for query in (*ALWAYS, *NEVER) if (judged := bounds.judged(query))}
    assert told["up > -1"] == "up is never below 0"
    assert told["up > 1"] == "up is never above 1"
    assert told["count(up) > -1"] == "its figure is never below 0"
    assert told["vector(1)"] == bounds.NOTHING
