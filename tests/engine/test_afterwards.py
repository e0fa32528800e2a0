"""RB-012 and RB-013 whole, and the sixteen duties: each is done by the system, or somebody's until a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import pytest

from handrail import app, incidents
from handrail.engine.catalog import Catalog
from handrail.engine.outgoing import Outgoing
from handrail.incidents import retrospective
from handrail.notify import Addresses, Attached, Letter, Outbox
from handrail.remedies import Standing
from tests.engine.test_escalate import Stage, known  # noqa: F401 -- a fixture
from tests.factory import NOON

TWO_DAYS = datetime(2026, 5, 6, 10, tzinfo=UTC)  # the factory's noon is a Monday's
SERVICE_OWNER, ON_CALL, MANAGER, EXECUTIVE = "Ana", "Jon", "Ida", "Leo"
HANDRAIL = "Handrail"

# place: who does it, and what the note says of it or until when it is due
OUTAGE = {
    "RB-012.1.1": (HANDRAIL, "Told Ida"),
    "RB-012.1.2": (HANDRAIL, "Told #azora-platform"),
    "RB-012.1.3": (HANDRAIL, "Running since 12:00:00 UTC"),
    "RB-012.5.1": (HANDRAIL, "On the status page since 12:00:00 UTC"),
    "RB-012.5.2": (HANDRAIL, "Told at 12:00:00 UTC"),
    "RB-012.5.3": (HANDRAIL, "Given in the update, based on the runbook"),
    "RB-012.7.1": (HANDRAIL, "It is in the review"),
    "RB-012.7.2": (SERVICE_OWNER, TWO_DAYS),
    "RB-012.7.3": (HANDRAIL, "5 items for Ana, until 2026-05-13 10:00 UTC"),
    "RB-012.7.4": (HANDRAIL, "Wednesday 6 May 2026, 10:00 UTC; invited: Jon, Ana, Ida, Leo"),
    "RB-012.resolution.1": (HANDRAIL, "Send the traffic to slot blue: the checks hold since 12:04:00 UTC"),
    "RB-012.resolution.2": (SERVICE_OWNER, TWO_DAYS + timedelta(days=7)),
    "RB-012.resolution.3": (SERVICE_OWNER, TWO_DAYS + timedelta(days=7)),
    "RB-012.resolution.4": (SERVICE_OWNER, TWO_DAYS + timedelta(days=7)),
    "RB-012.document": (SERVICE_OWNER, TWO_DAYS + timedelta(days=7)),
}
SOON = NOON + timedelta(minutes=5)  # what the runbook allows for
DUTIES = {
    "level-1.1": (HANDRAIL, "Acknowledged by Jon"),
    "level-1.2": (ON_CALL, NOON + timedelta(minutes=15)),  # called before a runbook was chosen
    "level-1.3": (HANDRAIL, "Send the traffic to slot blue: the checks hold since 12:04:00 UTC"),
    "level-1.4": (HANDRAIL, "It is in the review"),
    "level-2.1": (SERVICE_OWNER, TWO_DAYS),
    "level-2.2": (SERVICE_OWNER, TWO_DAYS),
    "level-2.3": (SERVICE_OWNER, TWO_DAYS),
    "level-2.4": (HANDRAIL, "Told #azora-platform"),
    "level-3.1": (MANAGER, SOON),
    "level-3.2": (MANAGER, SOON),
    "level-3.3": (HANDRAIL, "Told at 12:00:00 UTC"),
    "level-3.4": (HANDRAIL, "Wednesday 6 May 2026, 10:00 UTC; invited: Jon, Ana, Ida, Leo"),
    "level-4.1": (HANDRAIL, "On the status page since 12:00:00 UTC"),
    "level-4.2": (EXECUTIVE, SOON),
    "level-4.3": (EXECUTIVE, TWO_DAYS),
    "level-4.4": (EXECUTIVE, TWO_DAYS),
}


def sent(stage: Stage, incident: str) -> None:
    """Everybody could be reached."""
    for row in stage.store.messages(incident=incident):
        stage.store.message_done(row["id"], state="sent")
    stage.side.settle(incident)


def over(stage: Stage, runbook: str, remedy: str, *, service: str = "api-gateway") -> str:
    """An incident from its alert to its end: all levels were called, a change helped, everybody was reached."""
    incident = stage.incident(service=service)
    run = stage.run(incident, runbook)
    sent(stage, incident)
    stage.clock.forward(minutes=3, seconds=50)
    stage.sweep()
    stage.store.acknowledge(incident, ON_CALL)
    stage.clock.forward(seconds=10)
    stage.store.set_remedy(run, remedy, standing=Standing.HEALED)
    stage.store.update_run(run, verified_at=stage.clock(), verified_since=stage.clock())
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    sent(stage, incident)
    return incident


def who(stage: Stage, incident: str) -> dict[str, tuple[str, object]]:
    """Place to who does it and the note, or the time."""
    return {
        task["place"]: (task["done_by"], task["note"]) if task["done_at"] else (task["owner"], task["due_at"])
        for task in stage.store.tasks_of(incident)
    }


@pytest.fixture
def stage(tmp_path: Path, known: Catalog) -> Stage:  # noqa: F811 -- the fixture above
    return Stage(tmp_path, known)


def test_each_bullet_of_the_outage_is_done_or_somebodys_until_a_time(stage: Stage) -> None:
    done = who(stage, over(stage, "RB-012", "RB-002/slot"))
    assert {place: done[place] for place in done if place.startswith("RB-012")} == OUTAGE


def test_each_of_the_sixteen_duties_is_done_or_somebodys_until_a_time(stage: Stage) -> None:
    done = who(stage, over(stage, "RB-012", "RB-002/slot"))
    duties = {place: done[place] for place in done if place.startswith("level-")}
    assert duties == DUTIES
    assert len(duties) == 16


def test_a_degradation_has_its_retrospective_and_action_items_though_no_bullet_says_so(stage: Stage) -> None:
    incident = over(stage, "RB-013", "RB-006/scale", service="invoices")
    done = who(stage, incident)
    items = {place: told for place, told in done.items() if place.startswith("RB-013.resolution")}
    assert items["RB-013.resolution.1"][0] == HANDRAIL
    assert {place: told[0] for place, told in items.items() if place != "RB-013.resolution.1"} == dict.fromkeys(
        [f"RB-013.resolution.{place}" for place in (2, 3, 4)], "Jon"
    )
    seen = app.seen(stage.store, stage.catalog, incident)
    assert seen.retrospective is not None
    assert seen.retrospective.at == TWO_DAYS


def test_a_runbook_that_asks_for_none_gets_none(stage: Stage) -> None:
    incident = stage.incident()
    stage.run(incident, "RB-005")
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    assert app.seen(stage.store, stage.catalog, incident).retrospective is None
    assert not [place for place in who(stage, incident) if "resolution" in place]


def test_the_date_is_set_once_however_often_it_is_settled(stage: Stage) -> None:
    incident = over(stage, "RB-012", "RB-002/slot")
    stage.clock.forward(days=9)
    stage.side.settle(incident)
    assert len(stage.store.events(incident=incident, kinds=("retrospective",))) == 1
    assert len(stage.told(incident, "retrospective/")) == 4


def test_who_could_not_be_reached_is_named_and_the_task_says_so(stage: Stage) -> None:
    other = stage.incident()
    stage.run(other, "RB-012")
    stage.store.close_incident(other)
    stage.side.settle(other)
    assert who(stage, other)["RB-012.7.4"] == (SERVICE_OWNER, TWO_DAYS), "not known yet"
    for row in stage.store.messages(incident=other):
        stage.store.message_done(row["id"], state="nowhere")
    stage.side.settle(other)
    assert who(stage, other)["RB-012.7.4"] == (
        HANDRAIL,
        "Wednesday 6 May 2026, 10:00 UTC; not reached: Jon, Ana, Ida, give them the file",
    )


def test_a_drill_invites_its_contacts_alone(stage: Stage) -> None:
    incident = stage.incident(drill=True)
    stage.run(incident, "RB-012")
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    assert stage.told(incident, "retrospective/") == ["Drill"]


def test_the_invitation_is_a_calendars_file_and_goes_with_the_message(stage: Stage) -> None:
    got: list[tuple[str, list[Attached]]] = []

    def keep(_address: str, letter: Letter) -> str:
        got.append((letter.title, list(letter.files)))
        return ""

    incident = stage.incident()
    stage.run(incident, "RB-012")
    stage.store.close_incident(incident)
    stage.side.settle(incident)
    box = Outbox(
        stage.store,
        addresses=Addresses(known={"Jon": ["json://jon"]}),
        send=keep,
        render=Outgoing(store=stage.store, catalog=stage.catalog, url="", zone=UTC).render,
        attached=stage.side.attached,
    )
    for _ in range(3):
        box.drain(5)
        stage.clock.forward(minutes=1)
    with_files = [(title, files) for title, files in got if files]
    assert [title for title, _ in with_files] == [
        "Retrospective of I-1: 5 % of requests fail, Wednesday 6 May 2026, 10:00 UTC"
    ]
    (file,) = with_files[0][1]
    assert (file.name, file.kind) == ("retrospective.ics", "text/calendar")
    (event,) = icalendar.Calendar.from_ical(file.content).walk("VEVENT")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (TWO_DAYS, TWO_DAYS + timedelta(minutes=45))
    assert event["uid"] == "i-1-20260504T120000Z@handrail"
    assert "Name the cause" in str(event["description"])
    seen = app.seen(stage.store, stage.catalog, incident)
    again = incidents.invitation(seen, link="https://handrail.example/incidents/I-1")
    assert icalendar.Calendar.from_ical(again).walk("VEVENT")[0]["uid"] == event["uid"]
    assert "The retrospective is set for Wednesday 6 May 2026, 10:00 UTC" in app.review_text(
        stage.store, stage.catalog, incident
    )


@pytest.mark.parametrize(
    ("over_at", "held"),
    [
        (datetime(2026, 5, 4, 3, tzinfo=UTC), datetime(2026, 5, 6, 10, tzinfo=UTC)),  # Monday to Wednesday
        (datetime(2026, 5, 7, 23, 59, tzinfo=UTC), datetime(2026, 5, 11, 10, tzinfo=UTC)),  # Thursday to Monday
        (datetime(2026, 5, 9, 12, tzinfo=UTC), datetime(2026, 5, 12, 10, tzinfo=UTC)),  # Saturday to Tuesday
    ],
)
def test_it_is_held_on_the_second_working_day(over_at: datetime, held: datetime) -> None:
    assert retrospective.when(over_at, zone=UTC) == held
