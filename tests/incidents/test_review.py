"""The review, drafted from the record."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from handrail import web
from handrail.incidents import review
from tests.incidents.test_view import Scene
from tests.web import seed
from tests.web.seed import SeedCatalog
from tests.web.site import NOW


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def text(scene: Scene, incident: str) -> str:
    """The review as Markdown."""
    found = web.facts(scene.kept, SeedCatalog(), incident)
    assert found is not None
    return review.review(found, now=NOW, zone=UTC)


def test_a_healed_incidents_review_has_every_part(scene: Scene) -> None:
    incident, _, plan = seed.healed(scene.seeder, ago=5)
    told = text(scene, incident)
    headings = [line for line in told.splitlines() if line.startswith("#")]
    assert headings == [
        "# Review of I-1: 4.8 % of requests to api-gateway fail",
        "## Times", "## Timeline", "## Evidence", "## What changed", f"### {plan.title}",
        "## What the document got wrong", "## For people to add",
    ]  # fmt: skip
    for fact in (
        "Outcome: Healed. “rollback” helped and the checks held.",
        "| healed | 03:06:22 | 1 min 47 s |",
        "RB-002 states 5 to 10 min: 1 min 47 s is within it.",
        "they were watched for 31 s",
        "Approved by Ana Ruiz.",
        f"Plan SHA-256 `{plan.hash}`",
        "helm rollback azora-prod 7 -n production",
        "helm rollback azora-prod 8 -n production",
        "library/azora/RUNBOOKS.md:10:4 step 5 Trigger Rollback: revision 1 is the first one ever".replace(
            "revision", "Revision"
        ),
        "RB-002.3.1 not run: kubectl logs needs a pod",
        "- From the runbook's resolution list: Find the cause in the logs",
    ):
        assert fact in told
    assert seed.sha(seed.LOG) in told, "evidence is named by its digest"


def test_an_open_incidents_review_says_that_it_is_a_draft_and_what_did_not_happen(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    told = text(scene, incident)
    assert "It is not over: this draft was made after 1 min 34 s." in told
    assert "Handrail changed nothing." in told
    assert "it was not seen to heal" in told
    assert "- Still open: Tell support what to answer" in told


def test_text_from_outside_makes_no_heading_link_image_or_html(scene: Scene) -> None:
    evil = "# x\n\n[a](http://evil) ![b](http://evil/i.png) <img src=x> `c` | d | **e** ~~~"
    incident = scene.seeder.open(ago=5, title=evil, service=evil)
    run = scene.seeder.run(incident, "RB-002", [("rollback", evil, 5)])
    scene.seeder.look(incident, run, "RB-002.1.1", "echo ```\n````\n# out", evil)
    scene.kept.add_task({"incident": incident, "run": run, "place": "p", "text": evil, "owner": evil, "due_at": None})
    tokens = MarkdownIt().enable("table").parse(text(scene, incident))
    kinds = {token.type for token in tokens} | {
        child.type for token in tokens for child in token.children or () if child.type != "code_inline"
    }
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}
    headings = [tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "heading_open"]
    assert all("out" not in heading for heading in headings)
    assert sum(token.type == "heading_open" and token.tag == "h1" for token in tokens) == 1


def test_an_incident_without_a_run_has_a_review(scene: Scene) -> None:
    told = text(scene, seed.undecided(scene.seeder))
    assert "answered by no runbook" in told
    assert "Nothing was looked at." in told


def test_a_runbook_that_looked_first_and_proposed_later_is_named_once(scene: Scene) -> None:
    incident, _, _ = seed.healed(scene.seeder, ago=5)
    scene.seeder.run(incident, "RB-002", [("rollback", "Roll back", 5)])
    told = text(scene, incident)
    assert told.split("answered by ")[1].splitlines()[0].count("RB-002") == 1
    assert len([line for line in told.splitlines() if line.startswith("RB-002 states ")]) == 1
