"""Drills whose surroundings fail: the incident says so, nothing is changed meanwhile, and it goes on afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab import leftovers
from tests.lab.disturbed import ROOT

pytestmark = pytest.mark.lab
OWN = ("/usr/local/bin", "/usr/bin", "/bin")
OF_BEING_AWAY = ("incidents were opened", "fired too, which the fault tells nothing of", " shows no ")
CHANGING = {"intent", "outcome", "verified", "incident_closed"}


def played(scenario: str) -> dict[str, Any]:
    """What a scenario's drill saw, in a process of its own."""
    if leftovers.runs() != "lab":
        pytest.skip("no lab with profile lab runs here; start it with `make lab`")
    found = subprocess.run(
        [sys.executable, "-m", "tests.lab.disturbed", scenario],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=420,
        check=False,
    )
    print(found.stdout, found.stderr)
    assert found.returncode == 0, found.stdout + found.stderr
    told: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    assert told["acted"], "the moment for the scenario never came"
    assert all(told["acted"].values()), f"the incident never said what is away: {told['acted']}"
    assert told["restored"]
    assert not any("without an approved plan" in problem or "no dry run" in problem for problem in told["problems"])
    return told


@pytest.mark.parametrize(
    ("scenario", "moments"),
    [("prometheus_away", 2), ("api_server_away", 2), ("kubectl_missing", 1)],
)
def test_what_is_away_is_said_nothing_is_changed_and_it_goes_on_when_it_is_back(scenario: str, moments: int) -> None:
    if scenario == "kubectl_missing" and any((Path(folder) / "kubectl").exists() for folder in OWN):
        pytest.skip("a kubectl of this machine's own stands where every environment looks")
    told = played(scenario)
    assert len(told["acted"]) == moments
    assert not CHANGING & set(told["while_away"])
    # a cluster that stood still may raise an alert of its own afterwards: another incident, and no other change. Nor does
    # a look that could not be made show the cause
    assert [one for one in told["problems"] if not any(words in one for words in OF_BEING_AWAY)] == []
    assert told["changes"] == 1
    assert told["judged"]
    assert told["passed"] or told["problems"]


def test_an_alert_that_resolves_while_the_plan_waits_makes_it_void_until_a_fresh_look() -> None:
    told = played("alert_resolves_while_a_plan_waits")
    assert told["notes"]["void"]
    assert "is void" in told["notes"]["decided"]
    assert not CHANGING & set(told["while_away"])
    assert told["problems"] == []
    assert told["changes"] == 1
    assert told["passed"]
