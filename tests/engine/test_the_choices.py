"""The choices of the thirteen, each on sets of evidence with different winners: RB-004.7, RB-012.4, RB-013.4, RB-013.5."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from handrail.alerts import Alert
from handrail.targets import Aim, Ask
from tests import cases
from tests.engine.stage import Stage
from tests.runbooks import selecting

RELEASE = "a release"  # seconds before the trouble at which the newest came
ALERTS = {"RB-004": "HighAPILatency", "RB-012": "ProductionDown", "RB-013": "ServiceUnavailable"}
# What Prometheus answers, by words of the query; the first that is in it counts. Nothing for another one.
ILL = {
    'histogram_quantile(0.95, sum(rate(http_request_duration_ms_bucket{job="api-gateway"}': 480.0,
    "probe_success": 0.0,
    "kube_deployment_status_replicas_unavailable": 1.0,
}
SLOW_LOOKUP = {'model="user"': 220.0, "pg_stat_user_tables_seq_tup_read_total": 900_000.0}
CROWD = {"offset 10m": 3.2, "container_cpu_usage_seconds_total": 96.0}
THROTTLED = {"container_cpu_cfs_throttled_periods_total": 76.0}
BUSY = {"container_cpu_usage_seconds_total": 94.0}
HUNG = {"unless on(pod)": 2.0}
NOWHERE = {
    "absent(kube_endpoint_address": 1.0,
    'topk(1, kube_deployment_status_replicas_available{namespace="shop"} * on': 2.0,
}
KILLED = {"OOMKilled": 1.0}
FULL = {"pg_stat_activity_count": 97.0}
FRESH = {RELEASE: 60.0}
OLD = {RELEASE: 86_400.0}
NOBODY = ""  # a person picks
SETS = [
    ("RB-004", 7, "RB-008/index", SLOW_LOOKUP),
    ("RB-004", 7, "RB-006/scale", CROWD),
    ("RB-004", 7, "RB-006/cpu-limit", THROTTLED),
    ("RB-004", 7, "RB-008/index", {**SLOW_LOOKUP, **THROTTLED}),  # more speaks for it
    ("RB-004", 7, NOBODY, BUSY),  # busy as always: there are no more requests than before
    ("RB-012", 4, "RB-001/rollback", FRESH),
    ("RB-012", 4, "RB-006/scale", {**BUSY, **OLD}),
    ("RB-012", 4, "RB-005/restart", {**HUNG, **OLD}),
    ("RB-012", 4, "RB-002/slot", {**NOWHERE, **OLD}),
    ("RB-012", 4, "RB-002/slot", {**NOWHERE, **FRESH}),
    ("RB-012", 4, NOBODY, OLD),
    ("RB-013", 4, "RB-006/scale", BUSY),
    ("RB-013", 4, "RB-006/cpu-limit", THROTTLED),  # one bullet, and two limits that it may mean
    ("RB-013", 4, "RB-005/memory-limit", {**KILLED, **FULL, **FRESH}),
    ("RB-013", 4, NOBODY, OLD),
    ("RB-013", 5, "RB-007/end-idle", {**FULL, **OLD}),
    ("RB-013", 5, "RB-001/rollback", FRESH),
    ("RB-013", 5, NOBODY, OLD),
]


def stage(folder: Path, world: Mapping[str, float]) -> Stage:
    """The library's document and binding over a world of figures."""
    azora = cases.ROOT / "library" / "azora"
    made = Stage(
        folder,
        document=(azora / "RUNBOOKS.md").read_text(encoding="utf-8"),
        binding=(azora / "azora.binding.yaml").read_text(encoding="utf-8"),
    )
    figures = {**world, **ILL}
    labels = {"pod": "payments-5d9c8", "deployment": "payments", "model": "user", "relname": "users"}

    def instant(promql: str) -> tuple[tuple[dict[str, str], float], ...]:
        return next((((labels, value),) for words, value in figures.items() if words in promql), ())

    def aim(kind: str, ask: Ask, *, first_bad_at: object, service: str) -> Aim | None:
        if kind != "newest_release" or RELEASE not in world:
            return None
        return Aim(value="revision 8 of azora-prod", says="", seconds_before=world[RELEASE])

    made.ground.instant = instant  # type: ignore[method-assign]
    made.ground.aim = aim  # type: ignore[method-assign]
    return made


def alert(runbook: str) -> Alert:
    """The lab's own alert, about the payments service."""
    found = selecting.alerts()[ALERTS[runbook]]
    return dataclasses.replace(found, labels={**found.labels, "service": "payments", "deployment": "payments"})


@pytest.mark.parametrize(
    ("runbook", "step", "winner", "world"),
    SETS,
    ids=[
        f"{book}.{step}-{(winner or 'a person').replace('/', ' ')}-{place}"
        for place, (book, step, winner, _) in enumerate(SETS)
    ],
)
def test_each_choice_is_won_by_what_the_evidence_speaks_for(
    runbook: str, step: int, winner: str, world: Mapping[str, float], tmp_path: Path
) -> None:
    one = stage(tmp_path, world)
    assert one.intake.take(alert(runbook), source="shop") == ["R-1"]
    one.drive()
    weighed = {
        event.payload["step"]: event.payload["fits"] for event in one.store.events() if event.kind == "choice_weighed"
    }
    first = [fit.partition(": ") for fit in weighed.get(step, [])]
    assert (first[0][0] if first else NOBODY) == winner
    if winner:
        assert first[0][2], "the reason, in words"
        assert one.waiting().remedy == winner
        assert one.ground.changes == [], "a person picks"


def test_each_choice_has_at_least_three_winners() -> None:
    for choice in (("RB-004", 7), ("RB-012", 4), ("RB-013", 4), ("RB-013", 5)):
        assert len({winner for *place, winner, _ in SETS if tuple(place) == choice}) >= 3, choice
