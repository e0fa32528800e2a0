"""What people are told at the moment it is sent, over the real edition: whom, in which words, and what is not sent."""

from __future__ import annotations

import dataclasses
from datetime import UTC
from pathlib import Path

import pytest

from handrail.engine.catalog import Catalog
from handrail.engine.escalate import REPEAT
from handrail.engine.outgoing import Outgoing
from handrail.evidence import Evidence, Look
from handrail.incidents.messages import Message, Moot, gathered
from handrail.incidents.storms import Hit, Weather
from handrail.oncall import Person, Schedule
from handrail.plans import Undo
from tests.engine.test_escalate import PEOPLE, SCHEDULE, Stage, known, stage
from tests.factory import NOON, command, plan

__all__ = ["known", "stage"]

PAGE = """\
Critical: Requests to api-gateway fail (lab). RB-002 waits for approval; nobody has acknowledged.
Page, level 1 (on-call engineer): the incident was opened by hand.

Incident: I-1
Scope: api-gateway
Since: 12:00 UTC (40 s)
Found: 2 Check error rate: 4.8 % of requests fail
Found: 1 Check pod status: api-gateway-6d9f CrashLoopBackOff, 6 restarts

Plan: Roll back to revision 7 ({digest})
Effect: 1 object differs
Effect: 2 pods restart
Expected: the release before it served without these errors
Rollback: back to revision 8
Expires: 12:15 UTC (in 14 min 20 s)

Full plan and rollback: {link}
To approve, run: handrail approve {digest}

What is expected of you:
"""


def evidence(run: str, name: str, says: str, **changes: object) -> Evidence:
    base = Evidence(
        id=f"{run}/{name}",
        run=run,
        command=name,
        as_written="kubectl get pods",
        runs_as="kubectl get pods",
        identity="look",
        target="kubernetes",
        look=Look.SEEN,
        says=says,
        started_at=NOON,
        seconds=0.1,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]  # the fields are the test's own words


def waits(stage: Stage, incident: str, run: str, **changes: object) -> str:
    """A plan that waits; its hash."""
    made = plan(incident=incident, run=run, **changes)
    assert stage.store.propose([(made, True)])
    stage.side.settle(incident)
    return made.hash


@pytest.mark.parametrize(
    ("url", "link"), [("", "handrail plan I-1"), ("https://handrail.example", "https://handrail.example/incidents/I-1")]
)
def test_a_page_while_a_plan_waits_asks_for_the_plan_and_tells_what_was_found(
    stage: Stage, url: str, link: str
) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    stage.store.keep_evidence(evidence(run, "RB-002.1.1", "api-gateway-6d9f CrashLoopBackOff, 6 restarts"))
    stage.store.keep_evidence(evidence(run, "RB-002.2.1", "4.8 % of requests fail"))
    stage.store.keep_evidence(evidence(run, "RB-002.3.1", "no", look=Look.COULD_NOT_LOOK))
    digest = waits(stage, incident, run, evidence=(f"{run}/RB-002.2.1",))[:8]
    stage.clock.forward(seconds=40)
    told = stage.letter(incident, "page/", url=url)
    assert told.title == "Approve? api-gateway: Roll back to revision 7 · I-1 · critical"
    names = {"2 Check error rate": steps(stage, "RB-002", 2), "1 Check pod status": steps(stage, "RB-002", 1)}
    wanted = PAGE.format(digest=digest, link=link)
    for name, real in names.items():
        wanted = wanted.replace(name, real)
    assert told.body[: len(wanted)] == wanted
    asked = stage.letter(incident, "plan/", url=url)
    assert asked.title == told.title
    assert asked.body.split("\n")[1] == "A plan waits for approval."


def steps(stage: Stage, runbook: str, number: int) -> str:
    _, found, _ = stage.catalog.runbook(runbook)
    return f"{number} {found.steps[number - 1].title}"


def test_a_change_without_a_way_back_says_so_where_the_way_back_stands(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    waits(stage, incident, run, commands=(command(undo=Undo(says="deleted rows do not come back")),))
    assert "Rollback: none: deleted rows do not come back" in stage.letter(incident, "plan/").body


def test_hostile_words_of_an_alert_stay_one_line_each(stage: Stage) -> None:
    incident = stage.incident(service="api\r\nBcc: all@example.org")
    told = stage.letter(incident, "page/")
    assert "\n" not in told.title
    assert "\r" not in told.title + told.body
    assert not [line for line in told.body.split("\n") if line.startswith("Bcc")]


def test_a_plan_that_is_over_is_not_sent_and_says_why(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    digest = waits(stage, incident, run)
    short = f"plan {digest[:4]} {digest[4:8]}"
    stage.clock.forward(minutes=15)
    assert stage.moot(incident, "plan/") == f"{short} expired"
    stage.store.set_plan(digest, was=("waiting",), state="void", reason="the release moved on")
    assert stage.moot(incident, "plan/") == f"{short} is void: the release moved on"
    assert stage.letter(incident, "page/").title.startswith("Acknowledge?"), "the page asks for no plan any more"


def test_a_page_ends_with_an_acknowledgement_and_one_for_lateness_does_not(stage: Stage) -> None:
    incident = stage.incident()
    stage.run(incident, "RB-002")
    stage.store.acknowledge(incident, "Ida")
    assert stage.moot(incident, "page/I-1/1") == "Ida acknowledged I-1"
    stage.clock.forward(minutes=5)
    stage.sweep()
    told = stage.letter(incident, "page/I-1/2")
    assert "half of the runbook's time to resolve is over" in told.body
    assert "Ida has it." in told.body
    assert "handrail ack" not in told.body
    stage.store.update_incident(incident, acknowledged_by="Ana")
    assert stage.moot(incident, "page/I-1/2") == "Ana has I-1 already"


@pytest.mark.parametrize("begins", ["page/", "plan/"])
def test_what_is_over_is_not_sent(stage: Stage, begins: str) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    waits(stage, incident, run)
    stage.store.close_incident(incident)
    assert stage.moot(incident, begins) == "I-1 is over"


def test_that_it_is_over_is_told_to_who_was_told_of_it(stage: Stage) -> None:
    incident = stage.incident()
    stage.clock.forward(minutes=5)
    stage.sweep()
    stage.store.message_done("page/I-1/1/Jon", state="sent")
    stage.store.append("incident_closed", {"reason": "“Roll back” helped and the checks held"}, incident=incident)
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    told = stage.letter(incident, "over/I-1/Jon")
    assert told.title == "Over: api-gateway: 5 % of requests fail · I-1 · after 5 min"
    assert told.severity == ""
    assert stage.moot(incident, "over/I-1/Ana") == "Ana was told nothing of I-1 before"


@pytest.mark.parametrize(
    ("standing", "kind", "title", "says"),
    [
        ("did not help", "did_not_help", "Not fixed: api-gateway: rollback · I-1 · critical", "verification failed"),
        (
            "failed",
            "failed",
            "Failed: api-gateway: rollback · I-1 · critical",
            "The change failed: rollback: timed out.",
        ),
        ("refused by the target", "refused", "Refused: api-gateway: rollback · I-1 · critical", "The target refused"),
        (
            "unknown",
            "unknown",
            "Outcome unknown: api-gateway: rollback · I-1 · critical",
            "Check the target, then run:",
        ),
    ],
)
def test_what_became_of_a_change_is_told_to_who_has_it(
    stage: Stage, standing: str, kind: str, title: str, says: str
) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    remedy = stage.store.remedies_of(run)[0]["name"]
    stage.store.acknowledge(incident, "Ida")
    stage.store.set_remedy(run, remedy, standing=standing, reason="timed out", title="rollback")
    for _ in range(2):
        stage.side.settle(incident)
    assert stage.told(incident, f"{kind}/") == ["Ida"]
    told = stage.letter(incident, f"{kind}/")
    assert told.title == title
    assert says in told.body


def test_an_outcome_that_is_known_by_now_is_not_asked_for(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    remedy = stage.store.remedies_of(run)[0]["name"]
    stage.store.set_remedy(run, remedy, standing="unknown")
    stage.side.settle(incident)
    stage.store.set_remedy(run, remedy, standing="made")
    assert stage.moot(incident, f"unknown/{run}/{remedy}/Jon") == "the outcome is known by now"


def test_a_refusal_is_told_to_who_has_it_but_not_to_who_refused(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    remedy = stage.store.remedies_of(run)[0]["name"]
    digest = waits(stage, incident, run, remedy=remedy)
    stage.store.acknowledge(incident, "Jon")
    stage.store.keep_decision(plan=digest, person="Ana", yes=False, known_by="token", reason="not on a Friday")
    stage.store.set_remedy(run, remedy, standing="refused", reason="not on a Friday")
    stage.side.settle(incident)
    assert stage.told(incident, "refused/") == ["Jon"]
    assert "Ana refused: " in stage.letter(incident, "refused/").body
    stage.store.update_incident(incident, acknowledged_by="Ana")
    stage.side.settle(incident)
    assert stage.told(incident, "refused/") == ["Jon"], "Ana knows"


def test_a_hand_over_is_told_with_what_to_do(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    stage.store.update_run(run, handed_over_at=stage.clock(), waits_for="every remedy was passed over")
    stage.clock.forward(minutes=2)
    stage.side.settle(incident)
    told = stage.letter(incident, "handed_over/R-1/20260504T120000/Jon")
    assert told.title == "Take over? Requests to api-gateway fail · I-1 · critical"
    assert "Handrail has nothing left to propose: every remedy was passed over." in told.body
    assert "To work by hand, run: handrail takeover I-1" in told.body
    stage.store.update_run(run, handed_over_at=None)
    assert stage.moot(incident, "handed_over/R-1/20260504T120000/Jon") == "R-1 goes on"


def test_news_goes_to_everybody_who_was_paged_where_who_has_it_cannot_be_reached(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    stage.clock.forward(minutes=5)
    stage.sweep()
    stage.store.acknowledge(incident, "ops at the terminal")
    waits(stage, incident, run)
    assert stage.told(incident, "plan/") == ["Jon", "Ana", "Ida", "ops at the terminal"], (
        "RB-002 takes 10 minutes: level 3 at half of them"
    )


def test_a_drill_says_drill(stage: Stage) -> None:
    incident = stage.incident(drill=True)
    run = stage.run(incident, "RB-002")
    waits(stage, incident, run)
    for begins in ("page/", "plan/"):
        told = stage.letter(incident, begins)
        assert told.title.startswith("Drill. ")
        assert told.body.startswith("Drill. ")
        assert told.line.startswith("Drill. ")


# -- levels ----------------------------------------------------------------------------------------------------------


def test_who_was_paged_a_moment_ago_is_not_paged_again_at_once(tmp_path: Path, known: Catalog) -> None:
    """Jon is on call and owns the service: a hand-over after some seconds reaches level 2, which is Jon."""
    people = [dataclasses.replace(one, teams=("platform",) if one.name == "Jon" else ()) for one in PEOPLE]
    stage = Stage(tmp_path, dataclasses.replace(known, people=tuple(people)))
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    remedy = stage.store.remedies_of(run)[0]["name"]
    stage.clock.forward(seconds=20)
    stage.store.set_remedy(run, remedy, standing="did not help", reason="still 5 %")
    stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon"), (2, "Jon")], "the level counts"
    page = stage.store.events(kinds=("page",))[-1]
    assert page.payload["waits"] == "Jon was paged 20 s ago"
    (row,) = [one for one in stage.store.messages(incident=incident) if one["id"] == "page/I-1/2/Jon"]
    assert row["next_at"] == NOON + REPEAT, "and the page waits"
    assert stage.told(incident, "did_not_help/") == ["Jon"], "what happened is told at once"
    due = [one["id"] for one in stage.store.due_messages("Jon", None, stage.clock())]
    assert "page/I-1/2/Jon" not in due
    stage.store.acknowledge(incident, "Jon")
    stage.clock.forward(minutes=5)
    assert stage.moot(incident, "page/I-1/2/Jon") == "Jon has I-1 already"


def test_levels_five_minutes_apart_page_the_same_person_each_time(tmp_path: Path, known: Catalog) -> None:
    schedule = Schedule(rotation=("Jon",), manager="Jon", executive="Jon")
    stage = Stage(tmp_path, known, schedule=schedule)
    incident = stage.incident()
    for _ in range(15):
        stage.clock.forward(minutes=1)
        stage.sweep()
    rows = [row for row in stage.store.messages(incident=incident) if row["person"] == "Jon"]
    assert [row["next_at"] for row in rows] == [None, None, None], "none of them waits"


def test_a_page_to_people_without_an_address_pages_the_next_level_at_once(tmp_path: Path, known: Catalog) -> None:
    stage = Stage(tmp_path, known)
    incident = stage.incident()
    stage.store.message_done("page/I-1/1/Jon", state="nowhere", detail="Jon has no contact address")
    stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana")]
    assert stage.store.events(kinds=("page",))[-1].payload["because"] == "Jon has no contact address"


def test_levels_that_name_nobody_are_all_said(tmp_path: Path, known: Catalog) -> None:
    nobody = dataclasses.replace(known, people=())
    stage = Stage(tmp_path, nobody, schedule=Schedule())
    incident = stage.incident()
    stage.side.settle(incident)
    told = [(event.payload["level"], event.payload["because"]) for event in stage.store.events(kinds=("page",))]
    assert told == [(1, "the incident was opened by hand")] + [
        (level, f"nobody is named for level {level - 1}") for level in (2, 3, 4)
    ]


def test_a_page_that_does_not_get_through_pages_the_next_level_and_goes_on(stage: Stage) -> None:
    incident = stage.incident()
    for tries in (1, 2, 3):
        assert stage.pages(incident) == [(1, "Jon")]
        stage.store.message_again(["page/I-1/1/Jon"], tries=tries, next_at=stage.clock(), detail="no answer")
        stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana")]
    assert stage.store.events(kinds=("page",))[-1].payload["because"] == "level 1 could not be reached"
    assert stage.letter(incident, "page/I-1/1/Jon"), "it is still worth sending"


def test_nobody_further_is_paged_for_want_of_an_address_once_somebody_has_it(stage: Stage) -> None:
    incident = stage.incident()
    stage.store.acknowledge(incident, "Ana")
    stage.store.message_done("page/I-1/1/Jon", state="nowhere")
    stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon")]


def test_a_person_of_a_drill_without_an_address_is_no_reason_to_page_further(tmp_path: Path, known: Catalog) -> None:
    contact = Person(name="Drill", roles=("approver",), drill=True)
    stage = Stage(tmp_path, dataclasses.replace(known, people=(*PEOPLE[:4], contact)), schedule=SCHEDULE)
    incident = stage.incident(drill=True)
    stage.store.message_done("page/I-1/1/Drill", state="nowhere")
    stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Drill")]


# -- a storm ---------------------------------------------------------------------------------------------------------


def test_a_storms_page_names_what_is_critical_and_a_page_of_its_own_is_not_sent_for_what_gathers(
    stage: Stage,
) -> None:
    incident = stage.incident()
    storm = stage.store.open_incident(
        {
            "environment": "lab",
            "service": "",
            "title": "Storm",
            "severity": "critical",
            "opened_at": stage.clock(),
            "drill": 0,
            "gathers": 1,
        }
    )
    stage.store.gather(storm, [incident])
    stage.side.settle(storm)
    weather = Weather(
        incident=storm,
        environment="lab",
        since=NOON,
        now=NOON,
        total=212,
        open=212,
        by_severity=[("critical", 2), ("high", 210)],
        critical=[
            Hit(incident="I-1", scope="api-gateway", severity="critical"),
            Hit(incident="I-7", scope="pay", severity="critical"),
        ],
    )
    outgoing = Outgoing(store=stage.store, catalog=stage.catalog, url="", zone=UTC, weather=lambda row: weather)
    rows = {row["incident"]: row for row in stage.store.messages() if row["id"].startswith("page/")}
    assert outgoing.render(rows[incident]) == Moot(reason=f"I-1 is part of the storm {storm}")
    told = outgoing.render(rows[storm])
    assert isinstance(told, Message)
    assert told.title == f"Acknowledge? Storm: 212 incidents in lab, 2 critical · {storm} · critical"
    other = Message(title="t", body="b", severity="high", incident="I-9", line="High · I-9 · Acknowledge? x")
    for message in (told, gathered([other, told])):
        assert "- api-gateway, pay" in message.body
