"""A storm on the pages: one entry in the list, its facts and its incidents inside, and looks that wait."""

from __future__ import annotations

import json
from pathlib import Path

from handrail.engine.openings import WAITS
from handrail.web import gather
from handrail.web.pages import PAGE
from tests.web.seed import SeedCatalog
from tests.web.site import ANA, Site, site


def storm(here: Site, count: int) -> str:
    """A storm with so many incidents."""
    now = here.store.now()
    row = {"environment": "production", "service": "", "severity": "critical", "opened_at": now, "drill": 0}
    name = here.store.open_incident({**row, "title": "Storm: many incidents", "gathers": 1})
    for number in range(count):
        facts = {"scope": [f"svc-{number:03}"], "node": ["w-1"], "needs": ["postgres", f"svc-{number:03}"]}
        member = {
            **row,
            "service": f"svc-{number:03}",
            "title": f"Requests to svc-{number:03} wait",
            "severity": "critical" if number < 2 else "warning",
            "storm": int(name[2:]),
            "facts": json.dumps(facts),
        }
        here.store.open_incident(member)
    return name


def test_a_storm_is_one_entry_of_the_list_with_its_incidents_inside(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    name = storm(here, PAGE + 5)
    text = here.client.get("/").text
    assert f"{PAGE + 5} incidents inside" in text
    assert "svc-004" not in text
    page = here.client.get(f"/incidents/{name}").text
    assert f"{PAGE + 5} incidents open in this storm" in page
    assert f"All {PAGE + 5} are on node w-1." in page
    assert f"All {PAGE + 5} need postgres or are it, by the services file." in page
    assert ">svc-000</a>" in page
    first, second = (here.client.get(f"/incidents/{name}/members?skip={skip}").text for skip in (0, PAGE))
    assert first.count("<li>") == PAGE
    assert second.count("<li>") == 5
    assert first.index("svc-001") < first.index("svc-010"), "the worst first"
    assert here.client.get("/incidents/I-999/members").status_code == 404


def test_an_incident_of_a_storm_says_so(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    name = storm(here, 3)
    inside = f"I-{int(name[2:]) + 1}"
    assert f'Part of the storm <a href="/incidents/{name}">{name}</a>' in here.client.get(f"/incidents/{inside}").text
    here.store.release_members(name)
    assert "Part of the storm" not in here.client.get(f"/incidents/{inside}").text


def test_the_api_lists_by_pages_and_what_is_inside_a_storm(tmp_path: Path) -> None:
    here = site(tmp_path)
    name = storm(here, 7)
    listed = here.client.get("/api/v1/incidents?status=open&most=3", headers=ANA).json()
    assert [one["id"] for one in listed["incidents"]][:1] == [name]
    assert listed["counted"]["open"] >= 8
    inside = here.client.get(f"/api/v1/incidents?storm={name}&most=5&skip=4", headers=ANA).json()["incidents"]
    assert [one["service"] for one in inside] == ["svc-004", "svc-005", "svc-006"]
    for wrong in ("most=100000", "most=x", "before=I-x", "status=none"):
        assert here.client.get(f"/api/v1/incidents?{wrong}", headers=ANA).status_code == 422


def test_a_run_that_waits_for_its_turn_says_how_many_are_before_it_and_can_be_started(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    incident, run, _ = here.waiting()
    assert gather.WAITS == WAITS
    here.store.update_run(run, waits_for=WAITS)
    here.store.wait_for_turn([("R-900", "production", 0), ("R-901", "production", 0), (run, "production", 2)])
    page = here.client.get(f"/incidents/{incident}").text
    assert "Look now" in page
    assert f'action="/runs/{run}/start"' in page
    facts = gather.facts(here.store, SeedCatalog(), incident)
    assert facts is not None
    assert facts.runs[0].row["waits_for"] == "waits for its turn to look: 2 before it"
