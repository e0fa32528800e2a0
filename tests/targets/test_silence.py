"""A cluster that gives no answer has refused nothing and nothing of it has moved: it is asked again."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.errors import TryAgain
from handrail.plans import Guard
from handrail.targets import Ask
from handrail.targets import ground as targets_ground
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker

RESTART = Ask(
    target="kubernetes",
    identity="change",
    stages=(("kubectl", "rollout", "restart", "deployment/web", "-n", "shop"),),
)
ROLLBACK = Ask(target="helm", identity="change", stages=(("helm", "rollback", "shop", "1", "-n", "shop"),))
GUARDS = (
    Guard(kind="generation", subject="shop/deployment/web", value="4", says="web is unchanged"),
    Guard(kind="release", subject="shop/shop", value="6", says="shop is at revision 6"),
)
SILENT = (
    "Unable to connect to the server: dial tcp 10.0.0.1:6443: connect: connection refused",
    "Error: Kubernetes cluster unreachable: Get https://10.0.0.1:6443/version: net/http: TLS handshake timeout",
    "Unable to connect to the server: net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
)
SAID = "Error from server (Forbidden): deployments.apps is forbidden"


def ground(folder: Path, says: str | None) -> RealGround:
    """A ground whose tools say this and end with 1; None: they are not there."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("kubectl", "helm") if says is not None else ():
        (tools / name).write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    config = folder / "kubeconfig"
    config.write_text("apiVersion: v1\nkind: Config\n", encoding="utf-8")
    known = {name: str(config) for name in ("look", "preview", "releases", "change")}
    settings = GroundSettings(name="test", namespace="shop", tools=str(tools), kubeconfigs=known)
    return RealGround(settings, masker=Masker(), scratch=folder / "scratch")


@pytest.mark.parametrize("says", SILENT)
def test_a_silence_is_no_refusal_and_moves_no_guard(tmp_path: Path, says: str) -> None:
    here = ground(tmp_path, says)
    for ask in (RESTART, ROLLBACK):
        with pytest.raises(TryAgain, match="test could not be asked with"):
            here.prospect(ask)
    for guard in GUARDS:
        with pytest.raises(TryAgain):
            here.guard_holds(guard)
    with pytest.raises(TryAgain):
        here.aim("last_good_revision", ROLLBACK, first_bad_at=datetime(2026, 5, 4, tzinfo=UTC), service="shop")


def test_what_the_server_says_is_an_answer(tmp_path: Path) -> None:
    here = ground(tmp_path, SAID)
    assert "forbidden" in here.prospect(RESTART).preview.refused
    assert "could not be read again" in here.guard_holds(GUARDS[0])


def test_a_tool_that_is_missing_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets_ground, "SYSTEM_PATH", str(tmp_path))
    here = ground(tmp_path, None)
    for ask, tool in ((RESTART, "kubectl"), (ROLLBACK, "helm")):
        says = f"{tool} is not installed here; install it or name its path in environments.yaml"
        assert here.prospect(ask).not_asked == says
        assert here.observe(dataclasses.replace(ask, identity="look")).refused == says
    assert "helm is not installed here" in here.guard_holds(GUARDS[1]), "nothing is changed on a guard nobody can read"
    aim = here.aim("last_good_revision", ROLLBACK, first_bad_at=datetime(2026, 5, 4, tzinfo=UTC), service="shop")
    assert aim is not None
    assert (aim.value, aim.says) == ("", here.prospect(ROLLBACK).not_asked)


def test_a_credential_that_is_missing_is_no_answer_of_the_target(tmp_path: Path) -> None:
    """Else a helm that was never asked would be said to know no such release."""
    here = RealGround(GroundSettings(name="test", namespace="shop"), masker=Masker(), scratch=tmp_path)
    assert here.prospect(ROLLBACK).not_asked.startswith("no credential for releases is known in test")
