"""A firewall rule inside a pod: what it would do, how far it reaches, and whom it must never hit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from handrail.targets import firewall
from handrail.targets.base import Answer, Ask, Prospect

BLOCK = "kubectl exec deployment/api-gateway -n production -- iptables -A INPUT -s 10.200.0.66 -j DROP"
NEVER = {"10.200.0.1/32": "the health checker", "10.96.0.0/16": "our own network"}


def look(text: str, *, code: int = 1, pods: int | None = 2, refused: str = "") -> tuple[Prospect, list[str]]:
    asked: list[str] = []

    def check(stages: tuple[tuple[str, ...], ...]) -> Answer:
        asked.append(" ".join(stages[0]))
        codes = () if refused else (code,)
        return Answer(exit_codes=codes, started_at=datetime.now(UTC), seconds=0.1, refused=refused)

    ask = Ask(target="kubernetes", identity="change", stages=(tuple(text.split()),))
    return firewall.prospect(ask, check=check, pods=pods, never=NEVER, key="lab/production"), asked


def test_a_rule_in_one_of_several_pods_is_said_to_be_no_block() -> None:
    found, asked = look(BLOCK)
    assert asked == [BLOCK.replace("-A", "-C")]
    assert found.reach.says == "1 of 2 pods: the others go on answering, and the rule is gone when its pod is"
    assert found.preview.says == "the rule is not there: it would be added"
    assert [" ".join(stage) for stage in found.undo.stages] == [BLOCK.replace("-A", "-D")]
    assert look(BLOCK, pods=1)[0].reach.says == "one pod; the rule is gone when it is"


def test_a_rule_that_is_there_already_changes_nothing() -> None:
    assert look(BLOCK, code=0)[0].preview.changes_nothing


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.200.0.1", "10.200.0.1 is never blocked here: 10.200.0.1/32 is the health checker"),
        ("10.200.0.0/24", "10.200.0.0/24 is never blocked here: 10.200.0.1/32 is the health checker"),
        ("10.96.3.4", "10.96.3.4 is never blocked here: 10.96.0.0/16 is our own network"),
        ("0.0.0.0/0", "0.0.0.0/0 is never blocked here: 10.200.0.1/32 is the health checker"),
    ],
)
def test_what_must_be_served_is_never_blocked(address: str, why: str) -> None:
    assert look(BLOCK.replace("10.200.0.66", address))[0].preview.refused == why


def test_a_place_in_the_chain_is_for_inserting_alone() -> None:
    found, asked = look(BLOCK.replace("-A INPUT", "-I INPUT 1"))
    assert asked == [BLOCK.replace("-A", "-C")]
    assert [" ".join(stage) for stage in found.undo.stages] == [BLOCK.replace("-A", "-D")]


def test_rules_that_cannot_be_read_are_not_guessed() -> None:
    assert "cannot be read" in look(BLOCK, code=4)[0].preview.refused
    assert "cannot be read" in look(BLOCK, refused="no such pod")[0].preview.refused


def test_other_verbs_have_no_preview_and_other_commands_are_none_of_its_business() -> None:
    assert look(BLOCK.replace("-A INPUT -s 10.200.0.66 -j DROP", "-F"))[0].undo.irreversible
    assert not firewall.is_rule(["kubectl", "exec", "deployment/api-gateway", "--", "psql", "-c", "SELECT"])
    assert not firewall.is_rule(["kubectl", "get", "pods"])
