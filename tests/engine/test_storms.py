"""A storm from the first alert to its ebb: incidents gather, looks take turns, and people have one thing."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from handrail.alerts import Alert
from handrail.engine import durable
from handrail.engine.escalate import Contacts, Escalation
from handrail.engine.intake import Intake
from handrail.engine.openings import WAITS
from handrail.engine.outgoing import Outgoing
from handrail.engine.server import Server
from handrail.engine.storms import Storms
from handrail.engine.stormside import StormSide
from handrail.environments import Service
from handrail.errors import TryAgain
from handrail.incidents import messages
from handrail.oncall import Person, Schedule, StormLimits
from tests.engine.stage import ANA, Stage, catalog
from tests.engine.stage import BINDING as BOUND
from tests.engine.stage import DOCUMENT as TEXT


class Storm(Stage):
    """The loop with storms; what is quiet is measured by the same clock."""

    def __init__(self, folder: Path, *, limits: StormLimits | None = None) -> None:
        known = catalog(TEXT, BOUND)
        known.services = (
            Service(name="db", owner="data"),
            *(Service(name=f"s{number}", owner="shop", depends_on=("db",)) for number in range(40)),
        )
        super().__init__(folder, known=known)
        self.marked: list[str] = []
        self.storms = self.again(limits)
        self.intake = Intake(
            store=self.store, catalog=self.catalog, drilling=lambda: False, told=self._told, storms=self.storms
        )
        self.responder.succession = self.intake
        self.desk = Server(
            store=self.store,
            catalog=self.catalog,
            responder=self.responder,
            intake=self.intake,
            mask=lambda text: text,
            fire=self.side.fire,
            flush=lambda: None,
            told=self._told,
            remote=True,
            storms=self.storms,
        )

    def again(self, limits: StormLimits | None = None) -> Storms:
        """Another process of the same record."""
        return Storms(
            store=self.store,
            catalog=self.catalog,
            limits=limits or StormLimits(),
            told=self._told,
            steady=lambda: self.clock.now.timestamp(),
        )

    def _told(self, _kind: str, incident: str, _payload: dict[str, Any]) -> None:
        self.marked.append(incident)

    def fire(self, *scopes: str, severity: str = "high", name: str = "ShopFails", **labels: str) -> list[str]:
        """An alert for each scope; the runs that were started."""
        begun: list[str] = []
        with self.store.together():
            for scope in scopes:
                alert = Alert(
                    fingerprint=f"{name}/{scope}",
                    name=name,
                    status="firing",
                    labels={"alertname": name, "service": scope, "severity": severity, "pod": f"{scope}-0", **labels},
                    annotations={"summary": f"Requests to {scope} fail"},
                    starts_at=self.clock(),
                    ends_at=None,
                )
                begun += self.intake.take(alert, source="shop")
            self.intake.flush()
        return begun

    def row(self, incident: str) -> dict[str, Any]:
        """One incident."""
        return self.store.incident(incident) or {}

    def of(self, scope: str) -> dict[str, Any]:
        """The incident of a scope."""
        return next(row for row in self.store.incidents() if row["service"] == scope)


@pytest.fixture
def stage(tmp_path: Path) -> Storm:
    """Nothing depends on anything here: each scope is an incident of its own."""
    return Storm(tmp_path)


def scopes(count: int, *, first: int = 0) -> list[str]:
    """Names that the services file does not know."""
    return [f"x{number}" for number in range(first, first + count)]


def test_ten_are_told_one_by_one(stage: Storm) -> None:
    stage.fire(*scopes(10))
    assert [row["gathers"] for row in stage.store.incidents()] == [None] * 10
    assert stage.store.storms() == []
    assert len(stage.store.listed(most=50)) == 10


def test_the_eleventh_opens_a_storm_that_gathers_the_ten_before_it(stage: Storm) -> None:
    begun = stage.fire(*scopes(200))
    (storm,) = stage.store.storms()
    assert storm["number"] == 11
    assert len(stage.store.incidents()) == 201
    assert {row["storm"] for row in stage.store.incidents() if not row["gathers"]} == {11}
    assert [f"I-{row['number']}" for row in stage.store.listed(status="open", most=50)] == ["I-11"], "one entry"
    assert len(begun) == 10, "what began before the storm goes on, the rest waits"
    assert stage.store.turns_waiting() == {"shop": 190}
    (began,) = stage.store.events(kinds=("storm_began",))
    assert began.payload["incidents"] == [f"I-{number}" for number in range(1, 11)]


def test_incidents_that_come_slowly_are_no_storm(stage: Storm) -> None:
    for scope in scopes(30):
        stage.fire(scope)
        stage.clock.forward(seconds=7)
    assert stage.store.storms() == []


def test_a_clock_that_jumps_back_and_forth_makes_no_storm_and_ends_none(stage: Storm) -> None:
    stage.fire(*scopes(6))
    stage.clock.forward(hours=-1)
    stage.fire(*scopes(6, first=6))
    stage.clock.forward(hours=2)
    stage.fire(*scopes(6, first=12))
    assert stage.store.storms() == []
    stage.fire(*scopes(6, first=18))
    (storm,) = stage.store.storms()
    stage.storms._steady = lambda: 0.0  # the machine's own clock goes on evenly
    assert stage.storms.watch() == []
    for hours in (1, -2, 5):
        stage.clock.forward(hours=hours)
        assert stage.storms.watch() == []
    stage.fire(*scopes(2, first=40))
    assert stage.of("x40")["storm"] == storm["number"]


def test_a_joining_alert_does_not_count_as_an_incident(stage: Storm) -> None:
    stage.fire(*scopes(10))
    for number in range(20):
        stage.fire("x1", name=f"Other{number}")
    assert stage.store.storms() == []


def test_what_was_not_committed_is_not_counted(stage: Storm) -> None:
    with pytest.raises(ZeroDivisionError), stage.store.together():
        stage.fire(*scopes(30))
        raise ZeroDivisionError
    stage.intake.forget()
    stage.fire(*scopes(10))
    assert stage.store.storms() == []
    stage.fire("one-more")
    assert len(stage.store.storms()) == 1


def test_a_second_process_counts_and_gathers_on(stage: Storm) -> None:
    stage.fire(*scopes(10))
    stage.intake._storms = stage.again()
    stage.fire("y")
    assert [row["number"] for row in stage.store.storms()] == [11]
    stage.intake._storms = stage.again()
    stage.fire("z")
    assert stage.of("z")["storm"] == 11


def test_acknowledging_the_storm_acknowledges_all_and_what_comes_later(stage: Storm) -> None:
    stage.fire(*scopes(15))
    stage.store.acknowledge("I-3", "Jon")
    told = stage.desk.acknowledge("I-11", ANA)
    assert told.done
    assert told.says == "I-11 and 14 incidents in it: acknowledged by Ana."
    assert {row["acknowledged_by"] for row in stage.store.incidents()} == {"Ana", "Jon"}
    assert stage.row("I-3")["acknowledged_by"] == "Jon", "who had one before has it still"
    stage.fire("late")
    assert stage.of("late")["acknowledged_by"] == "Ana"
    assert not stage.desk.acknowledge("I-11", ANA).done


def test_taking_the_storm_over_takes_over_all_of_it(stage: Storm) -> None:
    stage.fire(*scopes(15))
    assert stage.desk.take_over("I-11", ANA).done
    assert {row["taken_over_by"] for row in stage.store.incidents()} == {"Ana"}
    stage.fire("late")
    assert stage.of("late")["taken_over_by"] == "Ana"
    assert stage.desk.hand_back("I-11", ANA).done
    assert {row["taken_over_by"] for row in stage.store.incidents()} == {None}


def test_what_all_of_them_need_is_told_as_a_fact(stage: Storm) -> None:
    for number in range(12):  # what needs one thing joins one incident, unless its rule is another
        stage.fire(f"s{number}", name=f"Rule{number}", node="w-3")
        stage.clock.forward(minutes=31 if number == 0 else 0)
    stage.fire(*(f"x{number}" for number in range(12)), node="w-3")
    (storm,) = stage.store.storms()
    facts = [(one.kind, one.value, one.all) for one in stage.storms.weather(storm).shared]
    assert ("node", "w-3", True) in facts
    assert all(kind != "needs" or value == "db" for kind, value, _ in facts)


def test_the_weather_counts_on_from_where_it_was(stage: Storm) -> None:
    stage.fire(*scopes(12), node="w-1", namespace="shop")
    stage.fire(*scopes(3, first=12), severity="critical", node="w-1", namespace="other")
    (storm,) = stage.store.storms()
    weather = stage.storms.weather(storm)
    assert (weather.total, weather.open) == (15, 15)
    assert list(weather.by_severity) == [("critical", 3), ("high", 12)]
    assert [hit.scope for hit in weather.critical] == ["x12", "x13", "x14"]
    assert [(one.kind, one.value, one.count) for one in weather.shared] == [
        ("node", "w-1", 15),
        ("namespace", "shop", 12),
    ]
    stage.fire("elsewhere", node="w-2")
    assert next((one.kind, one.count, one.of) for one in stage.storms.weather(storm).shared) == ("node", 15, 16)
    assert stage.again().weather(storm) == stage.storms.weather(storm), "however it was counted"


# -- turns to look -------------------------------------------------------------------------------------------------


def test_looks_take_turns_by_severity_and_a_person_may_start_one(stage: Storm) -> None:
    stage.fire(*scopes(12))
    stage.fire("low-one", severity="low")
    stage.fire("bad-one", severity="critical")
    waiting = [row for row in stage.store.runs() if row["waits_for"] == WAITS]
    assert len(waiting) == 4
    (bad,) = [f"R-{row['number']}" for row in waiting if row["incident"] == f"I-{stage.of('bad-one')['number']}"]
    (low,) = [f"R-{row['number']}" for row in waiting if row["incident"] == f"I-{stage.of('low-one')['number']}"]
    assert stage.store.next_turns("shop", most=1) == [bad]
    assert (stage.store.turns_before(bad), stage.store.turns_before(low)) == (0, 3)
    told = stage.desk.start(low, ANA)
    assert (told.done, told.says) == (True, f"{low} has started looking.")
    assert stage.store.turns_before(low) is None
    assert not stage.desk.start(low, ANA).done, "once"
    (began,) = [event for event in stage.store.events(kinds=("run_started",)) if event.run == low]
    assert began.actor.name == "Ana"
    assert stage.drive(low)


def test_no_more_look_at_once_than_the_budget_has(stage: Storm) -> None:
    woken: list[str] = []
    stage.fire(*scopes(30))
    budget = stage.desk._budget
    budget._wake = woken.append
    budget.begin_all()
    assert len(woken) == StormLimits().looks_at_once
    budget.begin_all()
    assert len(woken) == StormLimits().looks_at_once, "they still look"
    budget.rested(woken[0])
    assert budget.free.is_set()
    budget.rested("R-1")
    budget.begin_all()
    assert len(woken) == StormLimits().looks_at_once + 1
    assert len(set(woken)) == len(woken)
    assert stage.store.turns_waiting() == {"shop": 20 - len(woken)}


def test_one_looks_at_a_time_while_much_comes_in_and_only_for_what_is_critical(stage: Storm) -> None:
    woken: list[str] = []
    stage.fire(*scopes(30))
    budget = stage.desk._budget
    budget._wake = woken.append
    stage.desk._posts.backlog.entered(99, 1000)
    budget.begin_all()
    assert woken == []
    stage.fire("bad", "worse", severity="critical")
    budget.begin_all()
    assert len(woken) == 1
    stage.desk._posts.backlog.left(99, 0)
    budget.begin_all()
    assert len(woken) == StormLimits().looks_at_once


def test_a_turn_that_could_not_begin_leaves_its_place_free(stage: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.fire(*scopes(30))
    budget = stage.desk._budget
    woken: list[str] = []
    budget._wake = woken.append

    def busy(_run: str) -> bool:
        raise TryAgain("The database was busy.")

    with monkeypatch.context() as patch:
        patch.setattr(stage.store, "take_turn", busy)
        with pytest.raises(TryAgain):
            budget.begin_all()
    assert budget._looking == {}
    budget._most = 1
    budget.begin_all()
    assert len(woken) == 1


def test_an_alert_that_ends_in_the_same_piece_that_opened_it_has_ended(stage: Storm) -> None:
    stage.fire(*scopes(15))
    assert stage.desk.receive(source="shop", body=webhook("brief")).status == 202
    ended = webhook("brief").replace(b"firing", b"resolved")
    assert stage.desk.receive(source="shop", body=ended).status == 202
    while stage.desk._posts.round() is not None:
        pass
    (alert,) = stage.store.newest_alerts("shop", ["brief"]).values()
    assert (alert["status"], bool(alert["incident"])) == ("resolved", True)


def test_a_run_that_could_not_be_woken_is_woken_in_a_moment(stage: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.fire(*scopes(12))
    (run,) = stage.store.next_turns("shop", most=1)
    started: list[str] = []
    busy = [True, True]

    def start(run: str, _number: int) -> None:
        if busy:
            busy.pop()
            raise TryAgain("The database was busy.")
        started.append(run)

    monkeypatch.setattr(durable, "start", start)
    monkeypatch.setattr(stage.desk, "_remote", False)
    monkeypatch.setattr(stage.desk, "_durable", True)
    stage.desk._budget.begin_all()
    assert run not in started, "it is off the queue, and nobody else wakes it"
    stage.desk.rounds.wake_more()
    stage.desk.rounds.wake_more()
    assert run in started


def test_a_message_whose_end_fails_does_not_wait_for_ever(stage: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object, **_named: object) -> None:
        raise ValueError("its end")

    monkeypatch.setattr(stage.intake, "finish", fails)
    assert stage.desk.receive(source="shop", body=webhook("a", "b")).status == 202
    while stage.desk._posts.round() is not None:
        pass
    assert [row["state"] for row in stage.store.posts()] == ["stuck"]
    assert (stage.desk._posts.backlog.alerts, stage.desk._posts.backlog.posts) == (0, 0)


def test_a_turn_that_ends_is_told_to_the_budget(stage: Storm) -> None:
    stage.fire(*scopes(20))
    budget = stage.desk._budget
    budget._wake = lambda run: None
    budget.begin_all()
    (run, *_) = budget._looking
    budget.free.clear()
    while stage.desk._turn(run) == "again":
        pass
    assert run not in budget._looking
    assert budget.free.is_set()


# -- the ebb ---------------------------------------------------------------------------------------------------------


def ebb(stage: Storm, *, minutes: float = 5) -> list[str]:
    """Time passes without new incidents."""
    stage.storms.watch()
    stage.clock.forward(minutes=minutes)
    return stage.storms.watch()


def test_a_storm_that_ebbs_closes_and_what_is_open_goes_on_by_itself(stage: Storm) -> None:
    stage.fire(*scopes(15))
    stage.desk.acknowledge("I-11", ANA)
    assert ebb(stage, minutes=4) == []
    assert ebb(stage, minutes=1.1) == ["I-11"]
    assert stage.row("I-11")["status"] == "closed"
    assert len(stage.store.listed(status="open", most=50)) == 15
    (ended,) = stage.store.events(kinds=("storm_ended",))
    assert (ended.payload["incidents"], ended.payload["left"]) == (15, 15)
    assert len(stage.store.unsettled(most=50)) == 15
    stage.clock.forward(minutes=5)
    stage.fire("later")
    assert stage.of("later")["storm"] is None
    assert stage.storms.watch() == [], "once"


def test_a_storm_that_goes_on_does_not_ebb(stage: Storm) -> None:
    stage.fire(*scopes(15))
    stage.desk.acknowledge("I-11", ANA)
    stage.storms.watch()
    for minute in range(10):
        stage.clock.forward(minutes=1)
        stage.fire(*scopes(21, first=100 + 30 * minute))
        assert stage.storms.watch() == []


def test_few_new_incidents_do_not_keep_a_storm_alive(stage: Storm) -> None:
    stage.fire(*scopes(15))
    stage.desk.acknowledge("I-11", ANA)
    stage.storms.watch()
    ended: list[str] = []
    for minute in range(6):
        stage.clock.forward(minutes=1)
        stage.fire(f"late{minute}")
        ended += stage.storms.watch()
    assert ended == ["I-11"]


def test_a_storm_that_nobody_has_stays_one_while_it_is_many(stage: Storm) -> None:
    stage.fire(*scopes(15))
    assert ebb(stage, minutes=60) == []
    for number in range(1, 6):
        stage.store.close_incident(f"I-{number}")
    assert stage.storms.watch() == ["I-11"]


def test_a_person_who_closes_a_storm_has_what_is_left(stage: Storm) -> None:
    stage.fire(*scopes(15))
    told = stage.desk.close_incident("I-11", ANA, reason="one by one")
    assert told.says == "I-11 is closed. 15 incidents in it still open: Ana has them one by one."
    assert {row["acknowledged_by"] for row in stage.store.incidents() if not row["gathers"]} == {"Ana"}
    assert all(row["released_at"] for row in stage.store.incidents() if not row["gathers"])


def test_a_storm_after_a_storm_gathers_anew(stage: Storm) -> None:
    stage.fire(*scopes(15))
    stage.desk.acknowledge("I-11", ANA)
    stage.storms.watch()
    assert ebb(stage, minutes=6) == ["I-11"]
    stage.fire(*scopes(15, first=100))
    (storm,) = stage.store.storms()
    assert len(stage.store.members(f"I-{storm['number']}", most=50)) == 15, "not those of the first"


def test_limits_are_what_settings_say(tmp_path: Path) -> None:
    stage = Storm(tmp_path, limits=StormLimits(incidents=2, within=timedelta(hours=1)))
    for scope in scopes(3):
        stage.fire(scope)
        stage.clock.forward(minutes=10)
    assert len(stage.store.storms()) == 1


def test_what_an_incident_has_from_its_storm_is_known_by_every_row(stage: Storm) -> None:
    stage.fire("alone", node="w-1")
    row = stage.of("alone")
    assert (row["storm"], row["released_at"], row["facts"]) == (None, None, '{"node": ["w-1"], "scope": ["alone"]}')
    assert dataclasses.asdict(StormLimits()) == {
        "incidents": 10,
        "within": timedelta(minutes=1),
        "quiet": timedelta(minutes=5),
        "looks_at_once": 4,
    }


# -- people ----------------------------------------------------------------------------------------------------------


def settle(stage: Storm) -> None:
    """People's side of all that was marked."""
    for incident in dict.fromkeys(stage.marked):
        stage.side.settle(incident)
    stage.marked.clear()


def pages(stage: Storm) -> list[tuple[str, str]]:
    """Who was paged for which incident."""
    return [(row["person"], row["incident"]) for row in stage.store.messages() if row["id"].startswith("page/")]


@pytest.fixture
def called(stage: Storm) -> Storm:
    """Ana is on call."""
    stage.catalog.people = (
        Person(name="Ana", roles=("responder", "approver"), teams=("shop",), reach=("json://ana",)),
        Person(name="Dan", teams=("data", "shop"), reach=("json://dan",)),
    )
    stage.side = Escalation(
        store=stage.store,
        catalog=stage.catalog,
        contacts=Contacts(schedule=Schedule(rotation=("Ana",), manager="Ana"), stakeholders=True),
        storms=StormSide(store=stage.store, catalog=stage.catalog),
    )
    return stage


def words(stage: Storm, id: str) -> messages.Message:
    """What a message says as of now."""
    out = Outgoing(store=stage.store, catalog=stage.catalog, url="", zone=UTC, weather=stage.storms.weather)
    (row,) = [row for row in stage.store.messages() if row["id"] == id]
    found = out.render(row)
    assert isinstance(found, messages.Message), found
    return found


def sent(stage: Storm, id: str) -> None:
    """It was taken by its service."""
    stage.store.claim_messages([id], "b")
    stage.store.messages_sent([id], title="t", body="b", way="json")


def test_a_storm_pages_once_and_its_members_nobody(called: Storm) -> None:
    called.fire(*scopes(200))
    settle(called)
    assert pages(called) == [("Ana", "I-11")]
    assert {timer["subject"] for timer in called.store.timers("")} == {"I-11"}
    assert called.store.tasks_of("I-1") == []


def test_what_was_paged_before_is_not_paged_again_and_its_levels_end(called: Storm) -> None:
    called.fire(*scopes(5))
    settle(called)
    assert len(pages(called)) == 5
    assert called.store.timers("page/I-1/")
    called.fire(*scopes(6, first=5))
    settle(called)
    assert pages(called)[5:] == [("Ana", "I-11")]
    assert called.store.timers("page/I-1/") == []


def test_after_the_ebb_levels_count_from_when_it_went_on_by_itself(called: Storm) -> None:
    called.fire(*scopes(5))
    settle(called)
    called.fire(*scopes(6, first=5))
    settle(called)
    for number in range(2, 11):
        called.store.close_incident(f"I-{number}")
    called.storms.watch()
    called.clock.forward(minutes=6)
    assert called.storms.watch() == ["I-11"]
    called.marked += [name for name, _ in called.store.unsettled(most=50)]
    settle(called)
    released = called.row("I-1")["released_at"]
    (level_2,) = called.store.timers("page/I-1/2")
    assert level_2["due_at"] - released == timedelta(minutes=5)
    assert ("Ana", "I-12") in pages(called), "it was not paged before"
    assert [page for page in pages(called) if page[1] == "I-1"] == [("Ana", "I-1")], "once"


def test_the_page_names_every_critical_scope_and_what_is_in_common(called: Storm) -> None:
    called.fire(*scopes(12), namespace="shop", node="w-1")
    called.fire(*(f"crit{number}" for number in range(40)), severity="critical", namespace="pay", node="w-1")
    settle(called)
    told = words(called, "page/I-11/1/Ana")
    assert told.title == "Acknowledge? Storm: 52 incidents in shop, 40 critical · I-11 · critical"
    assert all(f"crit{number}" in told.body for number in range(40))
    assert "All 52 are on node w-1." in told.body
    assert "To acknowledge, run: handrail ack I-11" in told.body
    assert called.row("I-11")["title"] == "Storm: 52 incidents in shop, 40 critical"
    assert called.row("I-11")["severity"] == "critical"


def test_critical_scopes_that_come_later_are_told_once_more_after_a_pause(called: Storm) -> None:
    called.fire(*scopes(12))
    settle(called)
    sent(called, "page/I-11/1/Ana")
    called.clock.forward(seconds=10)
    called.fire("late", severity="critical")
    settle(called)
    (row,) = [row for row in called.store.messages() if row["kind"] == "storm"]
    assert (row["person"], row["next_at"] - called.clock()) == ("Ana", timedelta(seconds=5))
    called.fire("later", severity="critical")
    settle(called)
    assert len([row for row in called.store.messages() if row["kind"] == "storm"]) == 1, "it waits, and will tell both"
    told = words(called, row["id"])
    assert "late" in told.body
    assert "later" in told.body
    called.clock.forward(seconds=10)
    sent(called, row["id"])
    called.clock.forward(seconds=10)
    called.fire(*scopes(5, first=100))
    settle(called)
    assert len([row for row in called.store.messages() if row["kind"] == "storm"]) == 1, "nothing critical came"
    called.fire("latest", severity="critical")
    settle(called)
    second = [row for row in called.store.messages() if row["kind"] == "storm"][-1]
    assert second["next_at"] - called.clock() == timedelta(seconds=20), "30 s after the one before"


def test_a_scope_that_becomes_critical_in_a_storm_is_told(called: Storm) -> None:
    called.fire(*scopes(12))
    settle(called)
    called.clock.forward(seconds=10)
    sent(called, "page/I-11/1/Ana")
    called.clock.forward(seconds=10)
    called.fire("x11", severity="critical", name="ShopIsGone")
    settle(called)
    assert called.of("x11")["severity"] == "critical"
    assert [row["person"] for row in called.store.messages() if row["kind"] == "storm"] == ["Ana"]


def test_an_alert_that_outlasts_its_incident_raises_the_one_that_it_joins(called: Storm) -> None:
    called.fire("x1", severity="critical")
    called.desk.close_incident("I-1", ANA, reason="enough")
    called.fire("x1", severity="low", name="ShopSlow")
    assert called.row("I-2")["severity"] == "low"
    called.clock.forward(seconds=7200)
    called.fire("x1", severity="critical")
    assert called.store.newest_alerts("shop", ["ShopFails/x1"])["ShopFails/x1"]["incident"] == "I-2"
    assert called.row("I-2")["severity"] == "critical"


def test_who_has_the_storm_hears_of_it_and_nobody_else(called: Storm) -> None:
    called.fire(*scopes(12))
    settle(called)
    sent(called, "page/I-11/1/Ana")
    called.desk.acknowledge("I-11", dataclasses.replace(ANA, name="Dan"))
    called.clock.forward(seconds=10)
    called.fire("late", severity="critical")
    settle(called)
    (row,) = [row for row in called.store.messages() if row["kind"] == "storm"]
    assert row["person"] == "Dan", "who has it was never paged for it, and hears all the same"
    assert "late" in words(called, row["id"]).body


def test_owners_hear_one_digest_of_their_services(called: Storm) -> None:
    called.catalog.services = tuple(dataclasses.replace(one, depends_on=()) for one in called.catalog.services)
    called.fire(*(f"s{number}" for number in range(12)), "db")
    settle(called)
    (timer,) = called.store.timers("digest/")
    assert timer["due_at"] - called.row("I-11")["opened_at"] == timedelta(seconds=30)
    for _ in range(2):
        called.side.fire(timer)
    digests = [row for row in called.store.messages() if row["kind"] == "digest"]
    assert [row["person"] for row in digests] == ["Dan"], "Ana was paged"
    told = words(called, digests[0]["id"])
    assert "13 services of yours: db, s0, s1, s10, s11, s2" in told.body


def test_stakeholders_hear_of_a_storm_once_and_that_it_is_over(called: Storm) -> None:
    called.fire(*scopes(60))
    settle(called)
    settle(called)
    told = [row["text"] for row in called.store.updates()]
    assert len(told) == 1
    assert told[0].startswith("Several parts of the service do not work as they should, since ")
    called.desk.acknowledge("I-11", ANA)
    called.storms.watch()
    called.clock.forward(minutes=6)
    assert called.storms.watch() == ["I-11"]
    settle(called)
    assert [row["status"] for row in called.store.updates(incident="I-11")] == ["investigating", "resolved"]


# -- what it costs ---------------------------------------------------------------------------------------------------


def statements(stage: Storm, *scope: str, **labels: str) -> int:
    """How many statements taking these alerts needs."""
    seen: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(stage.store.engine, "before_cursor_execute", count)
    try:
        stage.fire(*scope, **labels)
    finally:
        sa.event.remove(stage.store.engine, "before_cursor_execute", count)
    return len(seen)


def test_what_an_alert_costs_does_not_grow_with_what_is_open(stage: Storm) -> None:
    stage.fire(*scopes(20))
    few = statements(stage, *scopes(30, first=100))
    stage.fire(*scopes(300, first=1000))
    many = statements(stage, *scopes(30, first=200))
    assert many == few
    assert many < 1.6 * 30, "a row of each kind for all of them in one statement; one question for each alert"


def test_many_at_once_are_what_they_are_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    one, many = Storm(tmp_path / "one"), Storm(tmp_path / "many")
    for stage in (one, many):
        stage.fire(*scopes(12))
    names = [*scopes(8, first=50), "x52", "s1", "s2", *scopes(3, first=70)]
    for name in names:
        one.fire(name, severity="critical", node="w-1")
    many.fire(*names, severity="critical", node="w-1")
    told = [
        (
            [
                (row["service"], row["severity"], row["storm"], row["facts"], row["scope"])
                for row in stage.store.incidents()
            ],
            [(row["fingerprint"], row["decision"], row["status"]) for row in stage.store.alerts_of("I-15")],
            [(run["incident"], run["runbook"], run["waits_for"], run["confirmed"]) for run in stage.store.runs()],
            [row["name"] for row in stage.store.remedies_of("R-14")],
            sorted((event.incident, event.kind, event.run) for event in stage.store.events()),
            stage.store.next_turns("shop", most=100),
            stage.store.broken_line(),
        )
        for stage in (one, many)
    ]
    assert told[0] == told[1]


def test_a_known_alert_that_fires_again_writes_nothing_and_asks_nothing(stage: Storm) -> None:
    stage.fire(*scopes(30))
    alerts = [
        Alert(
            fingerprint=f"ShopFails/x{number}",
            name="ShopFails",
            status="firing",
            labels={"alertname": "ShopFails", "service": f"x{number}"},
            annotations={},
            starts_at=stage.clock(),
            ends_at=None,
        )
        for number in range(30)
    ]

    def again() -> tuple[int, int]:
        seen: list[str] = []
        sa.event.listen(stage.store.engine, "before_cursor_execute", lambda _c, _k, text, *_r: seen.append(text))
        with stage.store.together():
            stage.intake.expect(alerts, source="shop")
            assert [run for alert in alerts for run in stage.intake.take(alert, source="shop")] == []
            stage.intake.flush()
        writes = [text for text in seen if text.split()[0] in ("INSERT", "UPDATE", "DELETE")]
        return len(seen), len(writes)

    again()
    last = stage.store.last_line()
    assert again() == (2, 0), "a begin, and one question for all of them"
    assert stage.store.last_line() == last


# -- a full disk -----------------------------------------------------------------------------------------------------


def webhook(*scope: str) -> bytes:
    """An Alertmanager's message."""
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": "ShopFails", "deployment": one, "namespace": "n", "severity": "high"},
            "annotations": {"summary": "x" * 500},
            "startsAt": "2026-05-04T11:00:00Z",
            "fingerprint": one,
        }
        for one in scope
    ]
    return json.dumps({"version": "4", "groupKey": "{}", "alerts": alerts}).encode()


def test_a_full_disk_in_a_storm_loses_nothing_and_it_goes_on_by_itself(stage: Storm) -> None:
    stage.fire(*scopes(15))
    room = {"pages": 0}

    @sa.event.listens_for(stage.store.engine, "begin")
    def bounded(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={room['pages'] or 2**30}")

    assert stage.desk.receive(source="shop", body=webhook(*scopes(400, first=1000))).status == 202
    with stage.store.engine.connect() as connection:
        room["pages"] = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one()) + 4
    posts, before = stage.desk._posts, stage.store.last_line()
    for _ in range(3):
        with pytest.raises(TryAgain):
            while posts.round() is not None:
                pass
    kept = len([row for row in stage.store.incidents() if row["title"].startswith("xxx")])
    assert kept < 400
    refused = stage.desk.receive(source="shop", body=webhook(*scopes(400, first=5000)))
    assert refused.status == 503, refused
    assert stage.store.listed(status="open", most=5), "pages are read"
    assert stage.store.events(after=before, kinds=("trouble", "alerts_set_aside")) == []
    room["pages"] = 0
    while posts.round() is not None:
        pass
    fired = [row["fingerprint"] for row in stage.store.firing_of([f"I-{n}" for n in range(1, 500)])]
    assert sorted(one for one in fired if one.startswith("x1")) == sorted(scopes(400, first=1000))
    assert len({row["service"] for row in stage.store.incidents() if row["service"] in scopes(400, first=1000)}) == 400
    assert stage.store.broken_line() is None
    assert stage.desk.receive(source="shop", body=webhook("again")).status == 202
