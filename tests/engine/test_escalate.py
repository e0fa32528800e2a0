"""Who is called when, what they are told and what is left for them, over the real edition and a clock moved by hand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail import app, settings
from handrail.engine.catalog import Catalog
from handrail.engine.escalate import COMPANY_SCRAPES, Contacts, Escalation
from handrail.engine.intake import Intake
from handrail.engine.outgoing import Outgoing
from handrail.engine.settling import Settling
from handrail.incidents.messages import Message, Moot
from handrail.oncall import Person, Schedule
from handrail.runs import Mode
from handrail.store import Store
from tests.factory import NOON, Clock, fresh_store, plan

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = (
    Person(name="Ana", roles=("responder",), teams=("platform",), reach=("json://ana",)),
    Person(name="Jon", roles=("responder",), teams=("payments",), reach=("json://jon",)),
    Person(name="Ida", roles=("manager",), reach=("json://ida",)),
    Person(name="Leo", roles=("executive",), reach=("json://leo",)),
    Person(name="Drill", roles=("approver",), drill=True, reach=("json://drill",)),
)
SCHEDULE = Schedule(rotation=("Jon", "Ana"), starts=date(2026, 5, 4), manager="Ida", executive="Leo")


@pytest.fixture(scope="session")
def known() -> Catalog:
    """The product's own edition, bound."""
    found, _ = app.catalog(settings.read(ROOT / "library" / "azora"))
    return dataclasses.replace(found, people=PEOPLE)


class Stage:
    """A record, a clock and the people's side over both."""

    def __init__(self, folder: Path, known: Catalog, **contacts: Any) -> None:
        self.clock = Clock()
        self.store: Store = fresh_store(folder, self.clock)
        self.published: list[tuple[list[dict[str, Any]], bool]] = []
        self.catalog = known
        self.side = Escalation(
            store=self.store,
            catalog=known,
            contacts=Contacts(**{"schedule": SCHEDULE, "publish": self._publish, "stakeholders": True, **contacts}),
        )

    def _publish(
        self, rows: Sequence[Mapping[str, Any]], told: Mapping[str, Sequence[Mapping[str, Any]]], drill: bool
    ) -> None:
        self.published.append(([{**row, "told": told[f"I-{row['number']}"]} for row in rows], drill))

    def incident(self, *, service: str = "api-gateway", severity: str = "critical", drill: bool = False) -> str:
        """An open incident, as intake opens it."""
        name = self.store.open_incident(
            {
                "environment": "lab",
                "service": service,
                "title": "5 % of requests fail",
                "severity": severity,
                "opened_at": self.clock(),
                "drill": int(drill),
            }
        )
        self.side.settle(name)
        return name

    def run(self, incident: str, runbook: str) -> str:
        """A run, as intake begins it."""
        return Intake(store=self.store, catalog=self.catalog, drilling=lambda: False, told=self.side.told).begin(
            runbook,
            incident=incident,
            environment="lab",
            mode=Mode.PROPOSES,
            confirmed=True,
            because="test",
            how="test",
        )

    def sweep(self) -> None:
        """What a server does each half second."""
        for timer in self.store.due_timers(self.clock()):
            self.side.fire(timer)
            self.store.fire(timer["id"])

    def says(self, incident: str, begins: str, *, url: str = "") -> Message | Moot:
        """What a message of an incident would say if it were sent now."""
        (row,) = [one for one in self.store.messages(incident=incident) if one["id"].startswith(begins)]
        return Outgoing(store=self.store, catalog=self.catalog, url=url, zone=self.side.zone).render(row)

    def letter(self, incident: str, begins: str, *, url: str = "") -> Message:
        """The same of one that is worth sending."""
        found = self.says(incident, begins, url=url)
        assert isinstance(found, Message), found
        return found

    def moot(self, incident: str, begins: str) -> str:
        """Why one is not worth sending."""
        found = self.says(incident, begins)
        assert isinstance(found, Moot), found
        return found.reason

    def pages(self, incident: str) -> list[tuple[int, str]]:
        """Levels that were called, with who."""
        return [
            (event.payload["level"], event.payload["person"])
            for event in self.store.events(incident=incident)
            if event.kind == "page"
        ]

    def told(self, incident: str, prefix: str) -> list[str]:
        """Who got messages of a kind."""
        return [row["person"] for row in self.store.messages(incident=incident) if row["id"].startswith(prefix)]

    def tasks(self, incident: str) -> dict[str, tuple[str, str]]:
        """Place to (owner, who did it)."""
        return {task["place"]: (task["owner"], task["done_by"] or "") for task in self.store.tasks_of(incident)}


@pytest.fixture
def stage(tmp_path: Path, known: Catalog) -> Stage:
    return Stage(tmp_path, known)


def test_level_one_is_called_at_once_with_its_duties(stage: Stage) -> None:
    incident = stage.incident()
    assert stage.pages(incident) == [(1, "Jon")]
    (message,) = stage.store.messages(incident=incident)
    assert (message["person"], message["state"]) == ("Jon", "waiting")
    told = stage.letter(incident, "page/")
    assert told.title == "Acknowledge? api-gateway: 5 % of requests fail · I-1 · critical"
    first, second, *_ = told.body.split("\n")
    assert first == "Critical: 5 % of requests fail (lab). No runbook is chosen yet; nobody has acknowledged."
    assert second == "Page, level 1 (on-call engineer): the incident was opened by hand."
    assert told.body.count("\n- ") == 4
    assert "To acknowledge, run: handrail ack I-1" in told.body
    assert stage.tasks(incident) == {f"level-1.{place}": ("Jon", "") for place in (1, 2, 3, 4)}


def test_nobody_answers_and_the_levels_are_called_one_after_another(stage: Stage) -> None:
    incident = stage.incident()
    course: list[tuple[int, int]] = []
    for minute in range(1, 21):
        stage.clock.forward(minutes=1)
        stage.sweep()
        course += [(minute, level) for level, _ in stage.pages(incident)[len(course) + 1 :]]
    assert course == [(5, 2), (10, 3), (15, 4)]
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana"), (3, "Ida"), (4, "Leo")]
    assert len(stage.tasks(incident)) == 16, "all sixteen duties"


def test_a_short_runbook_brings_the_levels_forward_and_late_comes_too(stage: Stage) -> None:
    incident = stage.incident()
    stage.run(incident, "RB-012")  # up to 5 minutes
    due = {timer["id"]: (timer["due_at"] - NOON).total_seconds() for timer in stage.store.timers("")}
    assert {due[f"page/{incident}/{level}"] for level in (2, 3, 4)} == {75, 150, 225}
    assert {due[f"late/{incident}/{level}"] for level in (2, 3, 4)} == {150, 300, 450}


def test_an_acknowledgement_ends_the_unanswered_timers_and_late_goes_on(stage: Stage) -> None:
    incident = stage.incident()
    stage.run(incident, "RB-002")  # 5 to 10 minutes
    stage.store.acknowledge(incident, "Jon")
    stage.side.settle(incident)
    stage.clock.forward(minutes=4, seconds=59)
    stage.sweep()
    assert stage.pages(incident) == [(1, "Jon")]
    stage.clock.forward(seconds=1)
    stage.sweep()
    assert stage.pages(incident)[1:] == [(2, "Ana")], "late at half of its time"


def test_a_level_that_is_called_for_lateness_says_how_late_it_is(stage: Stage) -> None:
    """Level 2 comes at half of the runbook's time: nothing takes longer than the runbook lets it by then."""
    incident = stage.incident()
    stage.run(incident, "RB-002")  # 5 to 10 minutes
    stage.store.acknowledge(incident, "Jon")
    stage.side.settle(incident)
    for _ in range(15):
        stage.clock.forward(minutes=1)
        stage.sweep()
    assert [event.payload["because"] for event in stage.store.events(kinds=("page",))][1:] == [
        "half of the runbook's time to resolve is over: 5 min of 10 min",
        "the runbook's time to resolve is over: 10 min of 10 min",
        "it has taken half as long again as the runbook allows: 15 min of 10 min",
    ]


def test_a_verification_ends_the_late_timers(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    stage.store.acknowledge(incident, "Jon")
    stage.store.update_run(run, verified_at=stage.clock())
    stage.side.settle(incident)
    stage.clock.forward(hours=1)
    stage.sweep()
    assert stage.pages(incident) == [(1, "Jon")]


def test_one_page_for_each_level_however_often_it_is_due(stage: Stage) -> None:
    incident = stage.incident()
    stage.run(incident, "RB-002")
    for _ in range(3):
        stage.clock.forward(minutes=20)
        stage.sweep()
        stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana"), (3, "Ida"), (4, "Leo")]
    assert stage.told(incident, "page/") == ["Jon", "Ana", "Ida", "Leo"]


def test_a_crash_between_doing_and_marking_a_timer_calls_nobody_twice(stage: Stage) -> None:
    incident = stage.incident()
    stage.clock.forward(minutes=5)
    (timer,) = stage.store.due_timers(stage.clock())
    stage.side.fire(timer)  # and here the process ended: it is still armed
    stage.sweep()
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana")]


def test_what_nobody_heard_before_a_crash_is_told_at_the_next_start(tmp_path: Path, known: Catalog) -> None:
    stage = Stage(tmp_path, known)
    name = stage.store.open_incident(
        {
            "environment": "lab",
            "service": "api-gateway",
            "title": "t",
            "severity": "high",
            "opened_at": NOON,
            "drill": 0,
        }
    )
    assert stage.pages(name) == []
    settling = Settling(store=stage.store, settle=stage.side.settle, publish=stage.side.publish_stale)
    settling.begin()
    assert settling.round() == 1
    assert stage.pages(name) == [(1, "Jon")]
    assert [timer["id"] for timer in stage.store.timers("page/")] == [f"page/{name}/{level}" for level in (2, 3, 4)]


def test_a_drill_reaches_drill_contacts_alone(stage: Stage) -> None:
    incident = stage.incident(drill=True)
    stage.run(incident, "RB-012")
    stage.clock.forward(hours=2)
    stage.sweep()
    assert {row["person"] for row in stage.store.messages(incident=incident)} == {"Drill"}
    assert stage.published
    assert all(drill for _, drill in stage.published), "a drill's status page is its own"


def test_a_remedy_that_did_not_help_calls_the_next_level(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-007")
    stage.store.set_remedy(run, "end-idle", standing="did not help", reason="still full")
    stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana")]


def test_a_hand_over_calls_the_next_level_once_other_alerts_had_time_to_come(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-004")
    stage.store.update_run(run, handed_over_at=stage.clock())
    stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon")]
    company = COMPANY_SCRAPES * stage.catalog.places["lab"].scrape.total_seconds()
    stage.clock.forward(seconds=company - 1)
    stage.sweep()
    assert stage.pages(incident) == [(1, "Jon")]
    stage.clock.forward(seconds=2)
    stage.sweep()
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana")]


def test_a_hand_over_calls_nobody_where_another_runbook_took_over(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-004")
    stage.store.update_run(run, handed_over_at=stage.clock())
    stage.side.settle(incident)
    stage.store.update_run(run, mode=Mode.LOOKS)  # what explains this trouble came a moment later
    stage.clock.forward(minutes=2)
    stage.sweep()
    stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon")]


def test_a_page_that_reached_nobody_calls_the_next_level(stage: Stage) -> None:
    incident = stage.incident()
    for row in stage.store.messages(incident=incident):
        stage.store.message_done(row["id"], state="failed", detail="refused")
    stage.side.settle(incident)
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana")]


def test_whoever_has_it_hears_of_a_waiting_plan_once(stage: Stage) -> None:
    incident = stage.incident()
    run = stage.run(incident, "RB-002")
    stage.store.acknowledge(incident, "Ana")
    assert stage.store.propose([(plan(incident=incident, run=run), True)])
    for _ in range(3):
        stage.side.settle(incident)
    (row,) = [row for row in stage.store.messages(incident=incident) if row["id"].startswith("plan/")]
    assert row["person"] == "Ana"
    told = stage.letter(incident, "plan/", url="https://handrail.example")
    assert "Plan: Roll back to revision 7" in told.body
    assert "helm" not in told.body, "a message never asks to approve what it does not show whole"
    assert "Full plan and rollback: https://handrail.example/incidents/I-1" in told.body


def test_rb_012_opened_by_hand_makes_its_lists_tasks_and_does_what_it_can(stage: Stage) -> None:
    incident = stage.incident()
    stage.run(incident, "RB-012")
    stage.side.settle(incident)
    tasks = stage.tasks(incident)
    lists = {place: who for place, who in tasks.items() if place.startswith("RB-012")}
    assert sorted(lists) == [
        f"RB-012.{step}.{place}" for step, count in ((1, 3), (5, 3), (7, 4)) for place in range(1, count + 1)
    ]
    assert lists["RB-012.1.3"] == ("Jon", "Handrail"), "the timer runs"
    assert lists["RB-012.5.1"] == ("Jon", "Handrail"), "it is on the status page"
    assert lists["RB-012.5.3"] == ("Jon", "Handrail"), "the estimate is in the update"
    assert [lists[f"RB-012.7.{place}"][1] for place in (2, 3, 4)] == ["", "", ""], "people's"
    assert lists["RB-012.1.2"][1] == "", "the channel's message waits"
    for row in stage.store.messages(incident=incident):
        stage.store.message_done(row["id"], state="sent")
    stage.side.settle(incident)
    tasks = stage.tasks(incident)
    assert tasks["RB-012.1.2"][1] == "Handrail"
    assert tasks["RB-012.5.2"][1] == "Handrail"
    assert tasks["RB-012.1.1"][1] == "Handrail", "the commander was told"
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    assert stage.tasks(incident)["RB-012.7.1"][1] == "Handrail", "the timeline is in the review"


def test_an_acknowledgement_finishes_its_duty(stage: Stage) -> None:
    incident = stage.incident()
    stage.store.acknowledge(incident, "Jon")
    stage.side.settle(incident)
    assert stage.tasks(incident)["level-1.1"] == ("Jon", "Handrail")


def test_a_comment_for_an_action_is_a_task(stage: Stage) -> None:
    incident = stage.incident()
    stage.run(incident, "RB-011")
    assert [place for place in stage.tasks(incident) if place.startswith("RB-011.5")] == ["RB-011.5.3"]


def test_updates_tell_what_users_notice_and_when_the_next_word_comes(stage: Stage) -> None:
    incident = stage.incident(severity="critical")
    run = stage.run(incident, "RB-012")
    (first,) = stage.store.updates(incident=incident)
    assert first["status"] == "investigating"
    assert first["text"] == (
        "Nobody is served, since 12:00 UTC. We are investigating the cause. We expect it to be resolved by 12:05 UTC, based "
        "on its runbook's time to resolve. Next update by 12:15 UTC."
    )
    stage.clock.forward(minutes=15)
    stage.sweep()
    assert [row["status"] for row in stage.store.updates(incident=incident)] == ["investigating"] * 2
    stage.store.update_run(run, changed_at=stage.clock(), verifying="restore")
    stage.side.settle(incident)
    stage.store.update_run(run, verified_at=stage.clock())
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    stage.side.settle(incident)
    told = stage.store.updates(incident=incident)
    assert [row["status"] for row in told] == ["investigating", "investigating", "monitoring", "resolved"]
    assert told[-1]["text"] == "Service restored. It began at 12:00 UTC."
    assert stage.told(incident, "update/") == ["stakeholders"] * 4
    for row in told:
        for word in ("Jon", "kubectl", "helm", "api-gateway-"):
            assert word not in row["text"]
    assert [timer for timer in stage.store.timers("") if timer["state"] == "armed"] == []


def test_those_who_were_called_hear_that_it_is_over(stage: Stage) -> None:
    incident = stage.incident()
    stage.clock.forward(minutes=6)
    stage.sweep()
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    stage.side.settle(incident)
    assert stage.told(incident, "over/") == ["Jon", "Ana"]
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana")], "nobody is called for what is over"


def test_what_they_hear_is_the_last_word_on_it(stage: Stage) -> None:
    incident = stage.incident()
    first, last = stage.run(incident, "RB-001"), stage.run(incident, "RB-002")
    stage.store.end_run(first, ending="healed", reason="“Roll back” helped and the checks held")
    stage.store.end_run(last, ending="healed", reason="“Back to revision 4” helped and the checks held")
    reason = "“Back to revision 4” helped and the checks held"
    stage.store.append("incident_closed", {"reason": reason}, incident=incident)
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    assert stage.moot(incident, "over/") == "Jon was told nothing of I-1 before"
    stage.store.message_done("page/I-1/1/Jon", state="sent")
    assert reason in stage.letter(incident, "over/").body


def test_a_run_that_goes_on_after_another_healed_keeps_the_late_timers(stage: Stage) -> None:
    incident = stage.incident()
    first = stage.run(incident, "RB-001")
    stage.store.acknowledge(incident, "Jon")
    stage.run(incident, "RB-002")
    stage.store.update_run(first, verified_at=stage.clock(), changed_at=stage.clock())
    stage.side.settle(incident)
    assert [row["status"] for row in stage.store.updates(incident=incident)][-1] != "monitoring"
    stage.clock.forward(hours=1)
    stage.sweep()
    assert stage.pages(incident) == [(1, "Jon"), (2, "Ana"), (3, "Ida"), (4, "Leo")]


def test_a_level_that_names_nobody_is_said_and_the_next_one_comes(tmp_path: Path, known: Catalog) -> None:
    stage = Stage(tmp_path, known, schedule=Schedule())
    incident = stage.incident()
    assert stage.pages(incident) == [(1, ""), (2, "Ana")], "at once, the service's owner"
    reasons = [event.payload["because"] for event in stage.store.events(kinds=("page",))]
    assert reasons == ["the incident was opened by hand", "nobody is named for level 1"]


def test_two_processes_that_settle_at_once_call_each_level_once(stage: Stage, known: Catalog) -> None:
    incident = stage.incident()
    other = Escalation(store=stage.store, catalog=known, contacts=stage.side.contacts)
    stage.clock.forward(minutes=30)
    for timer in stage.store.due_timers(stage.clock()):
        stage.side.fire(timer)
        other.fire(timer)
    levels = [level for level, _ in stage.pages(incident)]
    assert levels == sorted(set(levels))


def test_the_page_shows_tasks_of_lists_and_duties(stage: Stage) -> None:
    incident = stage.incident()
    stage.run(incident, "RB-012")
    shown = json.loads(app.as_json(app.seen(stage.store, stage.catalog, incident)))
    texts = [task["text"] for task in shown["tasks"]]
    assert "Open a channel for the incident" in texts
    assert len(texts) == 10 + 4
    assert shown["clock"]["next_says"].startswith("Level 2")


def test_time_between_updates_follows_severity(stage: Stage) -> None:
    low = stage.incident(severity="low", service="invoices")
    stage.run(low, "RB-013")
    (told,) = stage.store.updates(incident=low)
    assert told["next_at"] - NOON == timedelta(hours=1)
