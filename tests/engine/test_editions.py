"""One binding serves every edition: what another edition leaves open is filled by the environment, and only there."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handrail import app, commands, remedies, settings
from handrail.engine import looking, planning
from handrail.engine.looking import accept
from handrail.errors import FixRunbook
from handrail.runbooks.binding import ParameterBinding
from handrail.targets import Aim, Ask, Prospect
from tests import cases
from tests.engine.stage import ANA, BINDING, DOCUMENT, Scripted, Stage, values
from tests.factory import Clock

OPEN = DOCUMENT.replace("deployment/web -n", "deployment/<deployment> -n").replace(
    "kubectl scale deployment/web --replicas=4 -n shop",
    "kubectl exec <member> -n shop -- iptables -A INPUT -s 192.0.2.7 -j DROP",
)
BOUND = BINDING.replace(
    "    checks:",
    """\
      deployment: {type: kubernetes.name, from: [{aim: live_deployment}, {label: deployment}]}
      member: {type: kubernetes.name, each: true, from: [{query: members, label: pod}]}
    remedies:
      - {name: restart, step: 2}
      - {name: block, step: 3}
    checks:""",
)
Labels = tuple[tuple[dict[str, str], float], ...]


class Aiming(Stage):
    """A stage whose environment knows which Deployment is live, and whose Prometheus knows the members."""

    def __init__(self, folder: Path, *, document: str = OPEN, live: str = "web-green") -> None:
        super().__init__(folder, document=document, binding=BOUND)
        self.live, self.asked, self.queries = live, [], []  # type: ignore[var-annotated]
        self.members: Labels = (({"pod": "web-0"}, 1.0), ({"pod": "web-1"}, 1.0), ({"pod": "web-0"}, 1.0))
        self.ground.aim = self._aim  # type: ignore[method-assign]
        self._instant = self.ground.instant
        self.ground.instant = self._members  # type: ignore[method-assign]

    def _aim(self, kind: str, ask: Ask, *, first_bad_at: object, service: str) -> Aim | None:
        self.asked.append((kind, ask.stages[0]))
        return Aim(value=self.live, says="web-green serves now.", title="") if self.live else None

    def _members(self, promql: str) -> Labels | None:
        self.queries.append(promql)
        return self.members if promql == "members" else self._instant(promql)


def test_the_environment_fills_in_what_the_text_leaves_open(tmp_path: Path) -> None:
    stage = Aiming(tmp_path)
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert stage.waiting().commands[0].stages[0][3] == "deployment/web-green"
    assert stage.asked[0] == (
        "live_deployment",
        ("kubectl", "rollout", "restart", "deployment/<deployment>", "-n", "shop"),
    )
    filled = [event.payload for event in stage.store.events() if event.kind == "parameter_filled"]
    assert {"name": "deployment", "value": "web-green", "source": "web-green serves now."} in filled


def test_where_the_environment_knows_none_the_next_source_is_asked(tmp_path: Path) -> None:
    stage = Aiming(tmp_path, live="")
    stage.alert(deployment="web-blue")
    stage.drive()
    assert values(stage.store)["deployment"] == "web-blue"


def test_a_value_that_is_none_of_its_type_is_not_taken_from_the_environment_either(tmp_path: Path) -> None:
    stage = Aiming(tmp_path, live="--all")
    stage.alert()
    stage.drive()
    assert "deployment" not in values(stage.store)
    assert "parameter_refused" in stage.kinds()
    assert stage.standings()["restart"] == "passed over"


def test_a_change_is_planned_for_every_value_and_made_in_each(tmp_path: Path) -> None:
    """A firewall rule in one pod of two is no block."""
    stage = Aiming(tmp_path, document=OPEN.replace("deployment/<deployment>", "deployment/web"))
    stage.alert()
    stage.drive()
    assert stage.desk.pick("R-1", "block", ANA).done
    stage.drive()
    plan = stage.waiting()
    assert plan.remedy == "block"
    assert [command.stages[0][2] for command in plan.commands] == ["web-0", "web-1"]
    assert [command.command for command in plan.commands] == ["SH-001.3.1", "SH-001.3.1"]
    stage.approve()
    stage.drive()
    assert [stages[0][2] for stages in stage.ground.changes] == ["web-0", "web-1"]


def test_a_person_may_give_several_values_and_each_is_checked(tmp_path: Path) -> None:
    stage = Aiming(tmp_path)
    stage.members = ()
    stage.alert()
    stage.drive()
    assert not stage.desk.fill("R-1", ANA, values={"member": "web-0 --all"}).done
    assert stage.desk.fill("R-1", ANA, values={"member": "web-0  web-1"}).done
    assert not stage.desk.fill("R-1", ANA, values={"deployment": "web-0 web-1"}).done


def test_what_this_edition_does_not_need_is_not_asked_for(tmp_path: Path) -> None:
    stage = Aiming(tmp_path, document=DOCUMENT)
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert values(stage.store) == {"pod-name": "web-0"}
    assert stage.asked == []
    assert "members" not in stage.queries
    assert not stage.desk.fill("R-1", ANA, values={"member": "web-0"}).done, "nobody is asked for it either"


@pytest.mark.parametrize(("value", "becomes"), [("a b", "a b"), (" a ", "a"), ("a  b", "a b")])
def test_several_values_are_kept_side_by_side(value: str, becomes: str) -> None:
    parameter = ParameterBinding(name="pod", type="kubernetes.name", sources=(), each=True)
    assert accept(parameter, value) == becomes


# -- the corrected edition of the library -----------------------------------------------------------------------------

AIMS = {
    "last_good_revision": "5",
    "live_deployment": "api-gateway-green",
    "degraded_deployment": "invoices",
    "service_deployment": "payments",
    "replica": "replica-db.internal",
}
SEEN = {"deployment": "payments", "label_slot": "green"}
PLANNED = {
    "RB-001/rollback": ["helm rollback azora-prod 5 -n production"],
    "RB-002/rollback": ["helm rollback azora-prod 5 -n production", '{"spec":{"selector":{"slot":"green"}}}'],
    "RB-003/rollback": ["helm rollback azora-prod 5 -n production"],
    "RB-004/RB-008/index": ["exec deployment/api-gateway-green"],
    "RB-004/RB-006/scale": ["scale deployment api-gateway-green --replicas=5"],
    "RB-004/RB-006/cpu-limit": ["set resources deployment api-gateway-green"],
    "RB-005/memory-limit": ["set resources deployment payments"],
    "RB-005/restart": ["rollout restart deployment/payments"],
    "RB-006/scale": ["scale deployment payments"],
    "RB-007/end-idle": ["exec deployment/api-gateway-green -n production -- psql -d postgres -c"],
    "RB-007/bigger-pool": ["set env deployment/invoices DATABASE_POOL_SIZE=50"],
    "RB-007/restart": ["rollout restart deployment/invoices"],
    "RB-008/index": ["CREATE INDEX CONCURRENTLY"],
    "RB-008/vacuum": ["VACUUM ANALYZE"],
    "RB-009/resume": ["psql -h replica-db.internal -c 'SELECT pg_wal_replay_resume();'"],
    "RB-010/block": ["exec gateway-a -n production -- iptables", "exec gateway-b -n production -- iptables"],
    "RB-010/rate-limit": ["set env deployment/api-gateway-green RATE_LIMIT_ENABLED=true"],
    "RB-011/deploy": ["git push origin fix/left-pad"],
    "RB-012/restore": ["helm rollback azora-prod 5 -n production"],
    "RB-012/RB-001/rollback": ["helm rollback azora-prod 5 -n production"],
    "RB-012/RB-006/scale": ["scale deployment api-gateway-green"],
    "RB-012/RB-005/restart": ["rollout restart deployment/api-gateway-green"],
    "RB-012/RB-002/slot": ['{"spec":{"selector":{"slot":"green"}}}'],
    "RB-013/RB-006/scale": ["scale deployment payments"],
    "RB-013/RB-005/memory-limit": ["set resources deployment payments"],
    "RB-013/RB-006/cpu-limit": ["set resources deployment payments"],
    "RB-013/RB-007/end-idle": ["exec deployment/api-gateway-green"],
    "RB-013/RB-001/rollback": ["helm rollback azora-prod 5 -n production"],
}


class Azora(Scripted):
    """Knows what to aim at, and answers every query with one series that has the labels which bindings ask for."""

    def aim(self, kind: str, ask: Ask, *, first_bad_at: object, service: str) -> Aim | None:
        """As the table says, where the command leaves something open."""
        words = " ".join(ask.stages[0])
        fits = {"last_good_revision": "helm rollback", "replica": "psql"}.get(kind, "deployment")
        return Aim(value=AIMS[kind], says="the environment knows", title="") if fits in words else None

    def instant(self, promql: str) -> tuple[tuple[dict[str, str], float], ...] | None:
        """Two pods, else one series."""
        if promql.startswith("kube_pod_info"):
            return (({"pod": "gateway-a"}, 1.0), ({"pod": "gateway-b"}, 1.0))
        return (({**SEEN}, 1.0),)

    def prospect(self, ask: Ask) -> Prospect:
        """Each change would change something."""
        return dataclasses.replace(super().prospect(ask), ask=ask)


@pytest.mark.parametrize("name", PLANNED)
def test_the_corrected_edition_is_planned_with_the_environments_values(name: str) -> None:
    """Every remedy, those that stand elsewhere too, with nothing but the text and the one binding; no second plan beside it."""
    known = app.catalog(settings.read(cases.AZORA / "handrail.corrected.yaml"))[0]
    book, _, remedy_name = name.partition("/")
    _, runbook, binding = known.runbook(book)
    ground = Azora(Clock())
    place = {"service": "payments", "namespace": "production", "window": "20s"}
    seen = {"suspicious-ip": "203.0.113.9"}  # what the logs would show
    labels = {"package": "left-pad", "pod": "payments-0", "service": "payments"}
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    filled = looking.fill(
        runbook,
        binding,
        known=seen,
        labels=labels,
        evidence=[],
        ground=ground,
        place=place,
        first_bad_at=now,
        elsewhere=known.elsewhere,
    )
    basis = planning.Basis(
        environment="lab",
        incident="I-1",
        run="R-1",
        runbook=book,
        document_revision="d",
        binding_revision="b",
        values={**seen, **{one.name: one.value for one in filled if one.value}},
        place=place,
        evidence=[],
        alerts=[],
        first_bad_at=now,
        checks=binding.checks,
        hold=timedelta(seconds=15),
        life=timedelta(minutes=15),
        now=now,
        parameters=binding.parameters,
    )
    remedy = next(one for one in remedies.of(runbook, binding, known.elsewhere) if one.name == remedy_name)
    found = planning.plan(remedy, ground=ground, basis=basis)
    assert isinstance(found, planning.Proposals), found
    ((plan, recommended),) = found.plans
    assert recommended
    shown = [commands.show_argv(command.stages) for command in plan.commands]
    assert len(shown) == len(PLANNED[name])
    for part, command in zip(PLANNED[name], shown, strict=True):
        assert part in command


def test_every_remedy_of_the_corrected_edition_is_tried_but_for_the_one_that_changes_nothing() -> None:
    known = app.catalog(settings.read(cases.AZORA / "handrail.corrected.yaml"))[0]
    every = {
        f"{runbook.id}/{one.name}": bool(one.commands)
        for runbook in known.documents[0].runbooks
        for one in remedies.of(runbook, known.runbook(runbook.id)[2], known.elsewhere)
    }
    assert {name for name, changes in every.items() if not changes} == {"RB-003/slower-restarts"}
    assert set(every) - {"RB-003/slower-restarts"} <= set(PLANNED) | {"RB-006/cpu-limit"}


def test_a_run_whose_kept_text_lacks_its_runbook_says_so_and_what_to_do(tmp_path: Path) -> None:
    """What another version kept may be read otherwise by this one."""
    stage = Stage(tmp_path)
    stage.alert()
    stage.store.update_run("R-1", runbook="SH-999")
    with pytest.raises(FixRunbook, match=r"R-1 cannot go on: .* has no runbook SH-999\. Stop it"):
        stage.responder.turn("R-1")
