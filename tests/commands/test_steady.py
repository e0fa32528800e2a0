"""What PromQL gives over steady series, held against Prometheus' own engine where promtool is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from handrail.commands import steady
from handrail.commands.steady import CannotTell, Steady

# name of the series with its labels, and its level, or `+` and its growth in a second
WORLD: dict[str, str] = {
    'http{job="a", status="500"}': "+1",
    'http{job="a", status="200"}': "+49",
    'http{job="b", status="200"}': "+10",
    'used{pod="p1", container="c"}': "90",
    'used{pod="p2", container="c"}': "30",
    'limit{pod="p1", container="c"}': "100",
    'limit{pod="p2", container="c"}': "50",
    'info{pod="p1", node="n1"}': "1",
    'ms_bucket{job="a", le="50"}': "+0",
    'ms_bucket{job="a", le="100"}': "+8",
    'ms_bucket{job="a", le="200"}': "+10",
    'ms_bucket{job="a", le="+Inf"}': "+10",
    'ms_bucket{job="b", le="50"}': "+4",
    'ms_bucket{job="b", le="100"}': "+4",
    'ms_bucket{job="b", le="200"}': "+4",
    'ms_bucket{job="b", le="+Inf"}': "+5",
    "alone": "3",
}
QUERIES = [
    "alone",
    "alone > 2",
    "alone > 3",
    "alone > bool 3",
    "2 < alone",
    "-alone",
    "alone * 2 + 1",
    "alone ^ 2",
    "alone / 0",
    "2 * 3 - 1",
    "used",
    'used{pod=~"p.", container!=""} >= 90',
    'used{pod!~"p2|p3"}',
    "used / limit * 100 > 80",
    "max by (pod) (used) / on (pod) max by (pod) (limit)",
    "used / on (pod) group_left (node) info",
    "used / ignoring (node) group_left (node) info",
    "used > limit",
    "used > on (pod) alone",
    "used and on (pod) info",
    "used unless on (pod) info",
    "used or alone",
    "used and limit",
    "sum(used)",
    "sum without (pod) (used)",
    "avg by (container) (used)",
    "min(used) < 50",
    "count by (container) (used)",
    "group(used)",
    "topk(1, used)",
    "bottomk(1, used)",
    'sum by (job) (rate(http{status=~"5.."}[1m])) / (sum by (job) (rate(http[1m])) >= 0.2) * 100 > 1',
    "sum(increase(http[1m]))",
    "irate(http[1m])",
    "max_over_time(used[1m])",
    "avg_over_time(used[1m]) == 30",
    "changes(used[1m]) == 0",
    "resets(used[1m])",
    "histogram_quantile(0.95, sum by (job, le) (rate(ms_bucket[1m])))",
    "histogram_quantile(0.5, rate(ms_bucket[1m]))",
    "histogram_quantile(0.2, rate(ms_bucket[1m]))",
    'absent(alone{x="y"})',
    "absent(alone)",
    'absent(sum(nothing{job="a"}))',
    "vector(7)",
    'label_replace(used, "name", "$1-x", "pod", "p(.)")',
    'label_replace(used, "name", "x", "pod", "q(.)")',
    "clamp_min(used, 50)",
    "clamp_max(used, 50)",
    "abs(-alone)",
    "nothing > 1",
]
UNKNOWN = [
    "deriv(used[1m])",
    "changes(http[1m])",
    "used offset 5m",
    "max_over_time(used[5m:1m])",
    "http > 1",
    "quantile(0.9, used)",
    "http{",
]


def world() -> list[Steady]:
    """The series as values."""
    found = []
    for name, figure in WORLD.items():
        metric, _, inside = name.removesuffix("}").partition("{")
        labels = {"__name__": metric, **dict(one.split("=") for one in inside.split(", ") if one)}
        labels = {key: value.strip('"') for key, value in labels.items()}
        grows = figure.startswith("+")
        value = float(figure)
        found.append(Steady(labels=labels, slope=value) if grows else Steady(labels=labels, level=value))
    return found


def read(query: str) -> tuple[steady.Sample, ...]:
    """The samples; never `cannot tell` here."""
    found = steady.read(query, world())
    assert not isinstance(found, CannotTell), found.reason
    return found


def as_promtool_has_it(labels: dict[str, str], value: float) -> dict[str, Any]:
    """A sample as its tests write it down."""
    name = labels.get("__name__", "")
    inside = ", ".join(f'{key}="{one}"' for key, one in labels.items() if key != "__name__")
    return {"labels": f"{name}{{{inside}}}", "value": value}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_says_the_same_of_every_query(tmp_path: Path) -> None:
    tests = [
        {
            "expr": query,
            "eval_time": "5m",
            "exp_samples": [as_promtool_has_it(labels, round(value, 9)) for labels, value in read(query)],
        }
        for query in QUERIES
    ]
    series = [
        {"series": name, "values": f"0+{float(figure) * 15:g}x40" if figure.startswith("+") else f"{figure}x40"}
        for name, figure in WORLD.items()
    ]
    body = {"tests": [{"interval": "15s", "input_series": series, "promql_expr_test": tests}]}
    (tmp_path / "steady.yaml").write_text(yaml.safe_dump(body))
    done = subprocess.run(
        ["promtool", "test", "rules", "steady.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("query", UNKNOWN)
def test_what_is_not_read_here_is_said_and_not_guessed(query: str) -> None:
    found = steady.read(query, world())
    assert isinstance(found, CannotTell)
    assert found.reason


def test_the_places_where_a_query_reads_series() -> None:
    found = steady.selectors('sum(rate(http{status=~"5.."}[1m])) / sum(rate(http[1m])) > alone')
    assert not isinstance(found, CannotTell)
    assert [(one.metric, one.matchers, one.ranged, one.function) for one in found] == [
        ("http", (("status", "=~", "5.."),), True, "rate"),
        ("http", (), True, "rate"),
        ("alone", (), False, ""),
    ]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("sum by (job) (rate(http[1m])) / sum by (job) (rate(http[1m])) > 1", ("job",)),
        ("histogram_quantile(0.95, sum by (job, le) (rate(ms_bucket[1m])))", ("job",)),
        ("max(used)", ()),
        ('used{pod="p1"} == 0', ("pod",)),
        ("a / on (pod) b", ("pod",)),
        ("100 - sum by (x) (used)", ("x",)),
        ('label_replace(max by (pod) (used), "name", "$1", "pod", "(.+)")', ("pod", "name")),
        ("sum without (pod) (used)", ()),
    ],
)
def test_the_labels_that_a_result_surely_has(query: str, labels: tuple[str, ...]) -> None:
    assert steady.kept_labels(query) == labels
