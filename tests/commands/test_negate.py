"""The negation of an alert's condition, as a query with a limit; and what a placeholder stands for by its place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handrail import syntax
from handrail.commands import negate, promql, standing, steady
from handrail.commands.negate import CannotNegate, Negated
from tests.runbooks import reading

FIVE, TEN = timedelta(minutes=5), timedelta(minutes=10)
NEGATED = [
    pytest.param("cart_waiting > 5", {"query": "cart_waiting", "below": 5}, id="too much"),
    pytest.param("cart_stock < 3", {"query": "cart_stock", "at_least": 3}, id="too little"),
    pytest.param("5 < cart_waiting", {"query": "cart_waiting", "below": 5}, id="the number first"),
    pytest.param("cart_age > 15 * 60", {"query": "cart_age", "below": 900}, id="a number that is reckoned"),
    pytest.param("(cart_waiting) > -1e-3", {"query": "cart_waiting", "below": -0.001}, id="brackets, a small number"),
    pytest.param("cart_waiting > 5 # and < 9", {"query": "cart_waiting", "below": 5}, id="a comment"),
    pytest.param(
        'cart{path=~"/a > 3.*"} > 5', {"query": 'cart{path=~"/a > 3.*"}', "below": 5}, id="an operator in a text"
    ),
    pytest.param(
        "rate(cart_errors[5m]) > 2", {"query": "rate(cart_errors[$window])", "below": 2, "window": FIVE}, id="a range"
    ),
    pytest.param(
        'sum(rate(e{s="5"}[10m])) / sum(rate(e[10m])) > 0.01',
        {
            "query": 'sum(rate(e{s="5"}[$window]))',
            "denominator": "sum(rate(e[$window]))",
            "below": 0.01,
            "window": TEN,
        },
        id="a ratio of two sums",
    ),
    pytest.param(
        "sum by (job) (a) / sum by (job) (b) > 1",
        {"query": "sum by (job) (a) / sum by (job) (b)", "below": 1},
        id="a ratio for each",
    ),
    pytest.param("up == 0", {"query": "up", "at_least": 1}, id="none"),
    pytest.param("probe_ok == 1", {"query": "probe_ok", "below": 1}, id="a state"),
    pytest.param("a != b", {"query": "a == bool b", "at_least": 1}, id="two that differ"),
    pytest.param(
        "spec > on(x) group_left live",
        {"query": "spec <= bool on(x) group_left live", "at_least": 1},
        id="two compared",
    ),
    pytest.param('absent(up{job="cart"})', {"query": 'count(up{job="cart"})', "at_least": 1}, id="absent"),
    pytest.param("rate(cart_errors[5m]) > 0", {"query": "(rate(cart_errors[$window])) > bool 0", "below": 1}, id="any"),
    pytest.param("sum(kube_pod_status_phase) > 0", {"query": "sum(kube_pod_status_phase)", "below": 1}, id="a count"),
    pytest.param(
        'kube_job_failed{a="b"} > 0',
        {"query": 'max(kube_job_failed{a="b"}) or 0 * count(kube_pod_info)', "below": 1},
        id="series that go with the trouble",
    ),
    pytest.param(
        "count(up == 0) > 2", {"query": "count(up == 0) or 0 * count(up)", "below": 2}, id="a count of the bad"
    ),
    pytest.param("cart_bad", {"query": "count(cart_bad) or 0 * count(up)", "below": 1}, id="whatever it gives"),
    pytest.param("a > 1 and b < 2", {"query": "a", "below": 1}, id="two conditions"),
    pytest.param("a > 1 unless b", {"query": "a", "below": 1}, id="an exception"),
    pytest.param("a > 1 > b", {"query": "a > 1 <= bool b", "at_least": 1}, id="a chain"),
]


@pytest.mark.parametrize(("expression", "wanted"), NEGATED)
def test_a_condition_turned_round_is_a_query_with_a_limit(expression: str, wanted: dict[str, object]) -> None:
    found = negate.negated(expression)
    assert not isinstance(found, CannotNegate)
    (one,) = found
    assert {key: getattr(one, key) for key in wanted} == wanted
    assert (one.below is None) != (one.at_least is None)


@pytest.mark.parametrize("expression", [case.values[0] for case in NEGATED])
def test_what_is_written_is_promql(expression: str) -> None:
    for one in _all(str(expression)):
        for query in (one.query, one.denominator):
            assert not promql.mistake(query.replace("$window", "5m") or "a"), query


@pytest.mark.parametrize("expression", [case.values[0] for case in NEGATED])
def test_an_alert_and_its_checks_are_never_true_together(expression: str) -> None:
    """Over steady series, as far as the language is read here."""
    names = (*steady.metrics(str(expression)), "up", "kube_pod_info")
    counts = any("it counts" in note for one in _all(str(expression)) for note in one.notes)
    for level in (0.0, 0.005, 0.5, 1.0, 4.0, 50.0, 1000.0):
        series = [
            steady.Steady(
                labels={"__name__": name, "s": "5", "a": "b"}, level=(level // 1 if counts else level / (1 + at))
            )
            for at, name in enumerate(dict.fromkeys(names))
        ]
        fires = steady.read(str(expression).partition(" #")[0], series)
        if not isinstance(fires, steady.CannotTell) and fires:
            assert not all(_holds(one, series) for one in _all(str(expression))), level


def _holds(one: Negated, series: list[steady.Steady]) -> bool:
    """As a check is read: every series within the limit, and no data holds nothing."""
    query = one.query if not one.denominator else f"({one.query}) / ({one.denominator})"
    found = steady.read(query.replace("$window", "5m"), series)
    assert not isinstance(found, steady.CannotTell), found.reason
    below, least = one.below, one.at_least
    return bool(found) and all(
        (below is None or value < below) and (least is None or value >= least) for _, value in found
    )


def _all(expression: str) -> tuple[Negated, ...]:
    found = negate.negated(expression)
    return () if isinstance(found, CannotNegate) else found


def test_either_of_two_conditions_gives_two_that_must_hold() -> None:
    found = _all("a > 1 or rate(b[5m]) > 2")
    assert [(one.query, one.below) for one in found] == [("a", 1.0), ("rate(b[$window])", 2.0)]


@pytest.mark.parametrize("expression", ["vector(1)", "a >", "1 > bool 0", "a > bool 2"])
def test_what_cannot_be_turned_round_says_why(expression: str) -> None:
    found = negate.negated(expression)
    assert isinstance(found, CannotNegate)
    assert found.reason


def test_ranges_that_differ_or_look_elsewhere_are_left_and_said_so() -> None:
    for expression in ("rate(a[5m]) + rate(b[1h]) > 1", "rate(a[5m] offset 1h) > 1"):
        (one,) = _all(expression)
        assert "$window" not in one.query
        assert "look behind" in one.notes[-1]


def test_a_query_is_narrowed_in_every_selector_and_nowhere_else() -> None:
    found = negate.narrowed('sum by (a) (a{x="y"}) / on(b) b + c{ns="z"} # a', "ns", "$ns")
    assert found == 'sum by (a) (a{ns="$ns", x="y"}) / on(b) b{ns="$ns"} + c{ns="z"} # a'


PLACES = [
    ("kubectl logs <x>", "kubernetes.name", "pod", "after `kubectl logs`"),
    ("kubectl -n <x> get pods", "kubernetes.namespace", "namespace", "after `-n`"),
    ("kubectl describe pod <x>", "kubernetes.name", "pod", "after `kubectl describe pod`"),
    ("kubectl get deployment/<x>", "kubernetes.name", "deployment", "after `kubectl get deployment/`"),
    ("kubectl rollout restart deploy <x>", "kubernetes.name", "deployment", "after `kubectl rollout restart deploy`"),
    ("kubectl delete ns <x>", "kubernetes.namespace", "namespace", "after `kubectl delete ns`"),
    ("kubectl logs web-0 -c <x>", "kubernetes.name", "container", "after `-c`"),
    ("kubectl get pods -l app=<x>", "kubernetes.label", "", "after `-l`"),
    ("kubectl get pods -l job-name=<x>", "kubernetes.name", "job", "after `-l` job-name="),
    ("kubectl logs job <x>", "kubernetes.name", "job", "after `kubectl logs job`"),
    ("grep <pod-of-job> file", "kubernetes.name", "pod", "after `grep`"),
    ("kubectl drain <x>", "kubernetes.name", "node", "after `kubectl drain`"),
    ("kubectl top pod <x>", "kubernetes.name", "pod", "after `kubectl top pods`"),
    ("kubectl exec <x> -- df -h", "kubernetes.name", "pod", "after `kubectl exec`"),
    ("kubectl exec web-0 -- cat <file>", "path", "", "after `cat`"),
    ("kubectl scale deploy web --replicas=<x>", "integer", "replicas", "after `--replicas`"),
    ("kubectl get virtualmachine <x>", "kubernetes.name", "virtualmachine", "after `kubectl get virtualmachine`"),
    ("helm rollback shop <x>", "helm.revision", "revision", "after `helm rollback`"),
    ("helm history <x>", "kubernetes.name", "release", "after `helm history`"),
    ("npm update <x>", "npm.package", "package", "after `npm update`"),
    ("iptables -A INPUT -s <x> -j DROP", "ip", "ip", "after `iptables -s`"),
    ("psql -c 'SELECT pg_terminate_backend(<x>)'", "integer", "", "inside a statement of SQL"),
    ("systemctl status <x>", "word", "unit", "after `systemctl`"),
    ("grep <x> file", "word", "", "after `grep`"),
]


@pytest.mark.parametrize(("text", "kind_of_value", "kind", "where"), PLACES)
def test_a_placeholder_is_told_by_where_it_stands(text: str, kind_of_value: str, kind: str, where: str) -> None:
    document = reading.read(f"# T\n\n**Steps**:\n\n```bash\n{text}\n```\n")
    (command,) = document.runbooks[0].steps[0].commands
    ((places),) = standing.of(command, syntax.load_knowledge()).values()
    found = standing.best(places)
    assert (found.type, found.kind, found.where) == (kind_of_value, kind, where)


def test_the_place_that_tells_most_counts() -> None:
    document = reading.read("# T\n\n**Steps**:\n\n```bash\nkubectl get pods -l app=<x>\nkubectl get svc <x>\n```\n")
    commands = document.runbooks[0].steps[0].commands
    every = [place for one in commands for place in standing.of(one, syntax.load_knowledge())["x"]]
    assert standing.best(every).kind == "service"
