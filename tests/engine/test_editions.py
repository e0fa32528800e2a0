"""One binding serves every edition: what another edition leaves open is filled by the environment, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail.engine.looking import accept
from handrail.runbooks.binding import ParameterBinding
from handrail.targets import Aim, Ask
from tests.engine.stage import ANA, BINDING, DOCUMENT, Stage, values

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
