"""A practice drives the loop's own acts over a recording; what the drill did not ask or make has no answer."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from handrail.cli import practise
from handrail.drills import recording, scoring
from handrail.drills.practice import NO_DATA, Answered, Decided, No, Plans, Practice, Proposed
from handrail.drills.recording import Entry, Recording, ReplayGround
from handrail.drills.scoring import Score, Yardstick
from handrail.errors import AskHuman, FixRunbook
from handrail.evidence import Look
from handrail.runbooks.document import CommandId
from handrail.targets import Ask, Permit
from tests.drills.test_recordings import FOLDER, RECORDINGS

LIBRARY = FOLDER.parent
Sitting = Callable[[str], Practice]


def load(name: str) -> Recording:
    """A recording of the library."""
    return recording.load(FOLDER / f"{name}.json.gz")


def settings_of(name: str) -> Path:
    """What it was drilled with."""
    return LIBRARY.parent / load(name).settings


@pytest.fixture
def sit() -> Iterator[Sitting]:
    """A practice whose clock only waits move."""
    tables = []

    def begin(name: str) -> Practice:
        tables.append(practise.table(load(name), settings_of(name), monotonic=lambda: 0.0))
        return tables[-1].__enter__()

    yield begin
    for table in tables:
        table.__exit__(None, None, None)


def remedy(here: Practice, called: str) -> Plans | No:
    """Propose what is called so."""
    found = here.remedy(called)
    return found if isinstance(found, No) else here.propose(found)


def heal(here: Practice, called: str, *, original: bool) -> None:
    """Propose, approve and verify."""
    answer = remedy(here, called)
    assert isinstance(answer, Plans), answer
    made = here.approve(next(plan for plan in answer.plans if plan.original == original))
    assert isinstance(made, Decided) and made.made
    assert here.verify(made.remedy).healed


def scored(here: Practice, name: str) -> Score:
    """The score against the drill."""
    return scoring.score(here.acts, practise.measured(load(name), settings_of(name)))


@pytest.mark.parametrize("name", [name.removesuffix(".json.gz") for name in RECORDINGS])
def test_every_recording_can_be_practised_and_its_own_course_is_without_fault(name: str) -> None:
    """The yardstick is the recorded course, played by the loop's acts: it must still go that way."""
    with practise.table(load(name), settings_of(name), monotonic=lambda: 0.0) as here:
        yardstick = scoring.measure(here)
        found = scoring.score(here.acts, yardstick)
    assert found.faultless, found
    assert [key for key in here.ground.missing if key.startswith("change ")] == []
    expect = load(name).expect["remedies"]
    assert [(one.step, one.ends) for one in yardstick.remedies] == [(one["step"], one["ends"]) for one in expect]
    times = [yardstick.times.looked, yardstick.times.diagnosed, yardstick.times.decided, yardstick.times.healed]
    told = [time for time in times if time is not None]
    assert told == sorted(told)
    assert all(one.says for one in yardstick.looks)


def test_the_loops_own_plan_is_proposed_with_its_better_aim(sit: Sitting) -> None:
    here = sit("RB-009-replay-paused")
    here.choose("RB-009")
    here.look(here.due())
    answer = remedy(here, "4")
    assert isinstance(answer, Plans)
    assert [plan.original for plan in answer.plans] == [False], "the primary refuses what the text says"
    (plan,) = answer.plans
    assert "replica-db.internal" in plan.commands[0].stages[0]
    assert len(plan.evidence) == 3, "it rests on what was looked at"
    row = here.store.plan(plan.hash)
    assert row is not None and row[0]["state"] == "waiting"


def test_nothing_is_made_that_the_drill_did_not_make(sit: Sitting) -> None:
    """As written, a rollback to revision 1 loses two objects; the drill went back to the last good one."""
    here = sit("RB-003-missing-variable")
    here.choose("RB-003")
    answer = remedy(here, "7")
    assert isinstance(answer, Plans) and [plan.original for plan in answer.plans] == [True, False]
    made = here.approve(answer.plans[0])
    assert isinstance(made, Decided)
    assert (made.made, made.recorded, made.deletes) == (False, False, 2)
    assert here.ground.changed_at is None
    assert here.store.intents_of(here.run) == []
    assert here.waiting() == (), "its sibling does not wait behind it"
    heal(here, "7", original=False)
    found = scored(here, "RB-003-missing-variable")
    assert [(one.title, one.aim, one.approved) for one in found.needless] == [
        ("Roll azora-prod back", "as written", True)
    ]
    assert "Deployment catalog, Service catalog would be gone" in found.needless[0].cost
    assert not found.faultless and found.as_the_drill


def test_looks_that_matter_are_those_before_the_remedy_that_answered(sit: Sitting) -> None:
    here = sit("RB-003-missing-variable")
    here.choose("RB-003")
    here.look(here.called("2"))
    heal(here, "7", original=False)
    here.look(here.called("1.1"))
    found = scored(here, "RB-003-missing-variable")
    assert [one.place for one in found.looks] == ["1.1", "1.2", "2.1", "2.2", "4.1", "4.2", "5.1"], "3.1 could not look"
    assert [one.place for one in found.missed] == ["1.1", "1.2", "4.1", "4.2", "5.1"]
    late = next(one for one in found.looks if one.place == "1.1")
    assert late.at is not None and not late.in_time, "after the change it shows no cause"
    assert "CrashLoopBackOff" in late.says


def test_a_remedy_that_is_passed_over_or_refused_as_in_the_drill_is_no_fault(sit: Sitting) -> None:
    here = sit("RB-007-other-service-leak")
    here.choose("RB-007")
    here.look(here.due())
    for called in ("end-idle", "4"):
        assert isinstance(remedy(here, called), No)
    heal(here, "restart", original=False)
    found = scored(here, "RB-007-other-service-leak")
    assert found.faultless
    assert found.came_to_nothing_too == ("End idle sessions", "Give each pod of api-gateway a pool of 50")


def test_a_remedy_that_the_drill_did_not_try_is_needless(sit: Sitting) -> None:
    here = sit("RB-008-no-index")
    here.choose("RB-008")
    here.look(here.due())
    answer = remedy(here, "vacuum")
    assert isinstance(answer, No) and NO_DATA in answer.says
    heal(here, "index", original=True)
    found = scored(here, "RB-008-no-index")
    assert [one.title for one in found.needless] == ["Vacuum and analyze"]
    assert found.missed == ()


def test_a_choice_is_weighed_by_what_was_seen_and_picking_without_is_a_missed_look(sit: Sitting) -> None:
    here = sit("RB-004-throttled")
    here.choose("RB-004")
    here.look(here.due())
    assert isinstance(remedy(here, "7"), No), "a choice is a person's to pick from"
    assert isinstance(remedy(here, "7.2"), No)
    heal(here, "7.4", original=True)
    found = scored(here, "RB-004-throttled")
    (missed,) = found.missed
    assert missed.place == "7"
    assert re.fullmatch(r"api-gateway-\S+ is made to wait by its limit in [\d.]+ % of all periods", missed.says)


def test_the_runbook_of_the_first_alert_is_right_where_a_later_one_explains_it(sit: Sitting) -> None:
    here = sit("RB-006-busy-hour")
    here.choose("RB-004")
    answer = remedy(here, "7.3")
    assert isinstance(answer, Plans)
    here.wait_for_something(longest=60)
    here.wait_for_something(longest=60)
    assert here.waiting() == (), "what RB-006 explains proposes no more"
    here.choose("RB-006")
    here.look(here.due())
    heal(here, "4", original=True)
    found = scored(here, "RB-006-busy-hour")
    assert found.chosen == ("RB-004", "RB-006")
    assert found.right_at_first and found.faultless


def test_another_runbook_is_wrong_at_first_and_knows_nothing(sit: Sitting) -> None:
    here = sit("RB-009-replay-paused")
    here.choose("RB-003")
    seen = here.look(here.due()).evidence
    assert seen and all(item.look is not Look.SEEN for item in seen)
    here.choose("RB-009")
    here.look(here.due())
    heal(here, "4", original=False)
    found = scored(here, "RB-009-replay-paused")
    assert not found.right_at_first and found.chosen == ("RB-003", "RB-009")
    assert found.without_data > 0


def test_the_drills_change_by_another_runbooks_step_is_verified_by_the_checks_that_were_asked(sit: Sitting) -> None:
    here = sit("RB-013-never-ready")
    here.choose("RB-001")
    heal(here, "6", original=False)
    found = scored(here, "RB-013-never-ready")
    assert found.ended == "healed" and not found.right_at_first
    assert found.you.diagnosed is not None


def test_answers_come_at_their_offsets_and_after_the_change_from_it(sit: Sitting) -> None:
    here = sit("RB-009-replay-paused")
    here.choose("RB-009")
    (before,) = here.look([CommandId("RB-009.5.1")]).evidence
    assert before.look is Look.COULD_NOT_LOOK, "it was only asked after the change"
    here.wait(300)
    heal(here, "4", original=False)
    (after,) = here.look([CommandId("RB-009.5.1")]).evidence
    assert after.look is Look.SEEN
    found = scored(here, "RB-009-replay-paused")
    assert found.you.healed is not None and found.drill.healed is not None
    assert found.you.healed - found.you.decided == pytest.approx(  # type: ignore[operator]  # both were reached
        found.drill.healed - (found.drill.decided or 0), abs=0.5
    )
    assert found.you.healed > 300


def test_levels_are_called_while_nobody_has_it(sit: Sitting) -> None:
    here = sit("RB-012-selects-nothing")
    here.wait(100)
    levels = [event.payload["level"] for event in here.store.events(kinds=("page",))]
    assert levels == [1, 2], "a quarter of five minutes"
    here.acknowledge()
    here.wait(250)
    assert [event.payload["because"] for event in here.store.events(kinds=("page",))][2:] == [
        "the runbook's time to resolve is over: 5 min of 5 min"
    ], "nobody is called for want of an answer any more, but it is late"


# -- what is typed -----------------------------------------------------------------------------------------------------


def test_a_command_that_is_typed_is_found_by_its_bytes_and_never_run(
    sit: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    for tool in ("kubectl", "helm"):
        program = tmp_path / tool
        program.write_text(f"#!/bin/sh\necho {tool} >> {ran}\n", encoding="utf-8")
        program.chmod(0o755)
    here = sit("RB-003-missing-variable")
    here.choose("RB-003")
    monkeypatch.setenv("PATH", f"{tmp_path}")
    seen = here.typed("kubectl get pods -n production")
    assert isinstance(seen, Answered) and seen.evidence[0].command == "RB-003.1.1"
    assert "CrashLoopBackOff" in seen.evidence[0].stdout
    other = here.typed("kubectl get services -n production")
    assert isinstance(other, Answered) and other.evidence[0].says == recording.NOT_RECORDED
    unknown = here.typed("kubectl scale deployment api-gateway --replicas=0 -n production")
    assert isinstance(unknown, No) and NO_DATA in unknown.says
    nonsense = here.typed("frobnicate")
    assert isinstance(nonsense, No) and "help" in nonsense.says
    torn = here.typed("kubectl get 'pods")
    assert isinstance(torn, No) and "not understood" in torn.says
    assert not ran.exists()
    outside = [act for act in here.acts if isinstance(act, Proposed)]
    assert [act.ends for act in outside] == ["outside"], "a word that nobody knows is no change"


def test_a_change_that_is_typed_becomes_the_plan_that_makes_it(sit: Sitting) -> None:
    here = sit("RB-003-missing-variable")
    here.choose("RB-003")
    written = here.typed("helm rollback azora-prod 1 -n production")
    assert isinstance(written, Plans) and written.meant is not None and written.meant.original
    better = here.typed("helm rollback azora-prod 5 -n production")
    assert isinstance(better, Plans) and better.meant is not None and not better.meant.original
    neither = here.typed("helm rollback azora-prod 4 -n production")
    assert isinstance(neither, Plans) and neither.meant is None and len(neither.plans) == 2
    assert here.ground.changed_at is None, "typing is no yes"


def test_before_a_runbook_is_chosen_only_commands_can_be_looked_with(sit: Sitting) -> None:
    here = sit("RB-003-missing-variable")
    seen = here.typed("kubectl get pods -n production")
    assert isinstance(seen, Answered) and seen.evidence[0].look is Look.SEEN
    with pytest.raises(AskHuman, match="No runbook is chosen yet"):
        here.called("1.1")
    here.choose("RB-003")
    heal(here, "7", original=False)
    found = scored(here, "RB-003-missing-variable")
    assert "1.1" not in [one.place for one in found.missed], "the same bytes are the same look"


# -- courses that a person ends ----------------------------------------------------------------------------------------


def test_where_the_drill_ended_with_a_person_handing_over_is_right() -> None:
    kept = load("RB-009-replay-paused")
    kept = dataclasses.replace(kept, expect={**kept.expect, "remedies": [], "healed_by": "person"})
    yardstick = practise.measured(kept, LIBRARY)
    assert yardstick.cure is None
    with practise.table(kept, LIBRARY, monotonic=lambda: 0.0) as here:
        here.choose("RB-009")
        here.look(here.due())
        here.hand_over()
        found = scoring.score(here.acts, yardstick)
    assert (found.ended, found.faultless) == ("handed over", True)


def test_where_it_can_be_healed_handing_over_is_not_what_the_drill_did(sit: Sitting) -> None:
    here = sit("RB-009-replay-paused")
    here.hand_over()
    found = scored(here, "RB-009-replay-paused")
    assert (found.ended, found.as_the_drill) == ("handed over", False)
    assert isinstance(sit("RB-009-replay-paused").by_hand(4, note=""), No), "nobody made it by hand in the drill"


def by_hand(kept: Recording) -> Recording:
    """The same trouble, cured by a person without Handrail: no change of ours, the rest at its offset from the alert."""
    entries = tuple(
        dataclasses.replace(entry, after_change=None) for entry in kept.entries if not entry.key.startswith("change ")
    )
    expect = {**kept.expect, "remedies": [{"step": 4, "ends": "healed", "choose": "", "remedy": "", "by_hand": True}]}
    return dataclasses.replace(kept, entries=entries, expect=expect)


def test_a_step_made_by_hand_is_verified() -> None:
    kept = by_hand(load("RB-009-replay-paused"))
    yardstick = practise.measured(kept, LIBRARY)
    with practise.table(kept, LIBRARY, monotonic=lambda: 0.0) as here:
        here.choose("RB-009")
        here.look(here.due())
        here.by_hand(4, note="resumed on the replica")
        found = scoring.score(here.acts, yardstick)
    assert found.faultless, found
    assert found.you.diagnosed is not None


PERSONS = ("RB-004-slow-dependency", "RB-009-cut-off", "RB-011-fix-breaks-test", "RB-012-no-database")


@pytest.mark.parametrize("name", [*PERSONS, "original/RB-011-advisory"])
def test_what_a_persons_hands_healed_in_the_drill_comes_once_it_is_told_and_not_by_itself(
    sit: Sitting, name: str
) -> None:
    """Whoever waits would else see the alert resolve by the drill's own cure."""
    here = sit(name)
    expect = load(name).expect
    here.wait(400)
    assert here.store.events(kinds=("alert_resolved",)) == []
    here.choose(str(expect["proposes"]))
    step = next(int(item["step"]) for item in expect["remedies"] if item["by_hand"])
    assert isinstance(here.by_hand(step + 1, note=""), No), "of another step nobody knows anything"
    verdict = here.by_hand(step, note="")
    assert not isinstance(verdict, No) and verdict.healed
    here.wait(60)
    assert here.store.events(kinds=("alert_resolved",)) != []
    found = scored(here, name)
    assert found.change == f"step {step}, made by hand"
    assert found.you.decided == found.you.diagnosed == pytest.approx(400, abs=5)
    assert found.you.healed is not None and found.you.healed > 400


def test_looks_that_are_made_after_the_hands_are_too_late(sit: Sitting) -> None:
    here = sit("RB-009-cut-off")
    here.choose("RB-009")
    here.by_hand(4, note="")
    here.look(here.due())
    found = scored(here, "RB-009-cut-off")
    assert found.missed and not found.faultless


# -- recordings that do not fit ------------------------------------------------------------------------------------------


def test_a_recording_that_its_binding_outgrew_says_so_and_is_not_practised(tmp_path: Path) -> None:
    kept = load("RB-009-replay-paused")
    other = dataclasses.replace(
        kept, expect={**kept.expect, "remedies": [{**kept.expect["remedies"][0], "choose": "original"}]}
    )
    with pytest.raises(FixRunbook, match="no longer fits its document and binding"):
        practise.measured(other, LIBRARY)


def test_a_change_that_no_recording_has_moves_nothing_and_the_last_one_moves_the_answers() -> None:
    kept = load("RB-009-replay-paused")
    change = next(entry for entry in kept.entries if entry.key.startswith("change "))
    first = Entry(
        key=change.key.replace("replica-db", "other-db"), after_alert=2.0, after_change=None, answer=change.answer
    )
    start = datetime.fromisoformat(kept.alert_at)
    ground = ReplayGround(
        dataclasses.replace(kept, entries=(first, *kept.entries)), clock=lambda: start, alert_at=lambda: start
    )
    permit = Permit(plan="p", command_index=0, approved_by="Ana")
    for host, moved in (("nowhere", False), ("other-db.internal", False), ("replica-db.internal", True)):
        raw = json.loads(change.key.removeprefix("change "))
        words = [host if word == "replica-db.internal" else word for word in raw["stages"][0]]
        answer = ground.change(Ask(target="postgresql", identity="change", stages=(tuple(words),)), permit)
        assert bool(answer.refused) == (host == "nowhere")
        assert (ground.changed_at is not None) == moved


def test_a_metric_is_replayed_where_it_was_and_not_again_and_again() -> None:
    """A chart of it has one rise, however long somebody takes to decide."""
    kept = load("RB-003-missing-variable")
    query = json.loads(next(e.key for e in kept.entries if e.key.startswith("series ")).removeprefix("series "))
    start = datetime.fromisoformat(kept.alert_at)

    def drawn(after: float) -> tuple[tuple[float, float], ...]:
        clock = start + timedelta(seconds=after)
        ground = ReplayGround(kept, clock=lambda: clock, alert_at=lambda: start)
        return ground.series(query, minutes=60, step_seconds=5)

    assert len(drawn(1)) > 100, "the answer that has all of it counts beside the newest, which has one sample"
    assert drawn(300) == drawn(2)
    assert max(at for at, _ in drawn(0.1)) <= start.timestamp() + 0.1


def test_a_name_means_a_recording_or_all_of_a_runbook(tmp_path: Path) -> None:
    for name in ("RB-003-a", "RB-003-b", "RB-0030-c"):
        (tmp_path / f"{name}.json.gz").touch()
    assert [path.name[:8] for path in recording.named(tmp_path, "rb-003")] == ["RB-003-a", "RB-003-b"]
    assert [path.name[:8] for path in recording.named(tmp_path, "RB-003-b")] == ["RB-003-b"]
    assert len(recording.named(tmp_path, "")) == 3
    assert recording.named(tmp_path, "RB-00") == ()


def test_the_score_is_a_comparison_of_values() -> None:
    """Nothing was done: nothing is claimed."""
    yardstick = Yardstick(
        recording="RB-001-x",
        trouble="x",
        runbook="RB-001",
        title="X",
        shortest=None,
        longest=None,
        looks=(),
        remedies=(),
        times=scoring.Times(),
    )
    found = scoring.score([], yardstick)
    assert (found.ended, found.right_at_first, found.as_the_drill) == ("not healed", False, False)
    assert found.you == scoring.Times()
