"""A drill's contact can do nothing where drills are not allowed: every verb, whatever it is given."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest

from handrail.approvals import Approver
from handrail.engine.desk import Desk
from handrail.store.database import turns
from handrail.targets.masking import Masker
from tests.engine.stage import ANA, Stage

CONTACT = Approver(name="Drill", roles=("responder", "approver"), known_by="token", drill=True)
PLAINLY = {"receive"}  # no person's verb
VERBS = sorted(
    name for name, verb in inspect.getmembers(Desk, inspect.isfunction)
    if not name.startswith("_") and name not in PLAINLY and "who" in inspect.signature(verb).parameters
)  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An incident with a plan that waits, and a task."""
    made = Stage(tmp_path)
    made.alert()
    made.drive()
    made.store.add_task({"incident": "I-1", "run": "", "place": "x.1", "text": "Look", "owner": "Ana", "due_at": None})
    return made


def given(stage: Stage, name: str) -> tuple[list[object], dict[str, object]]:
    """Fitting arguments of a verb."""
    known = {
        "incident": "I-1", "run": "R-1", "plan": stage.waiting().hash, "task": 1, "runbook": "SH-001", "step": 2,
        "command": 0, "remedy": "step-2", "who": CONTACT, "yes": True, "happened": True, "values": {}, "service": "web",
    }  # fmt: skip
    args: list[object] = []
    named: dict[str, object] = {}
    for one in list(inspect.signature(getattr(Desk, name)).parameters.values())[1:]:
        if one.default is not inspect.Parameter.empty and one.name not in known:
            continue
        if one.kind is inspect.Parameter.KEYWORD_ONLY:
            named[one.name] = known.get(one.name, "I-1")
        else:
            args.append(known.get(one.name, 1))
    return args, named


@pytest.mark.parametrize("name", VERBS)
def test_no_verb_is_a_drill_contacts_where_drills_are_not_allowed(stage: Stage, name: str) -> None:
    """The environment is not a drill's, and nothing is changed in the record."""
    before = stage.kinds()
    args, named = given(stage, name)
    told = getattr(stage.desk, name)(*args, **named)
    assert not told.done
    assert "drills are not allowed" in told.says, told.says
    assert stage.kinds() == before


@pytest.mark.parametrize("name", VERBS)
def test_where_drills_are_allowed_the_verb_itself_answers(stage: Stage, name: str) -> None:
    """The same call is not barred."""
    stage.catalog.places = {
        key: dataclasses.replace(place, drills_allowed=True) for key, place in stage.catalog.places.items()
    }
    args, named = given(stage, name)
    assert "drills are not allowed" not in getattr(stage.desk, name)(*args, **named).says


def test_one_environment_that_allows_drills_is_not_enough_for_what_concerns_all(stage: Stage) -> None:
    """A pause is a pause everywhere."""
    place = next(iter(stage.catalog.places.values()))
    lab = dataclasses.replace(place, name="lab", drills_allowed=True)
    stage.catalog.places = {**stage.catalog.places, "lab": lab}
    assert not stage.desk.pause(CONTACT).done
    stage.catalog.places = {"lab": lab}
    assert stage.desk.pause(CONTACT).done


def test_what_a_person_writes_is_masked_before_it_is_kept(stage: Stage) -> None:
    """Somebody pastes the line that failed, password and all."""
    stage.desk.mask = Masker().mask
    told = "PGPASSWORD=hunter2 psql said no"
    stage.desk.decide(stage.waiting().hash, ANA, yes=False, reason=told)
    stage.desk.done_by_hand("R-1", 2, ANA, note=told)
    stage.desk.finish_task(1, ANA, note=told)
    stage.desk.close_incident("I-1", ANA, reason=told)
    kept = str([(event.kind, event.payload) for event in stage.store.events()])
    kept += str(stage.store.tasks_of("I-1")) + str(stage.store.remedies_of("R-1"))
    assert "hunter2" not in kept
    assert kept.count("PGPASSWORD=[masked]") >= 4


def test_all_that_a_person_says_goes_ahead_of_the_writes_that_wait(stage: Stage) -> None:
    """Also where the verb leaves word for a run to go on: a yes that then waits behind a storm is no yes yet."""
    lock = turns(stage.store.engine)
    before = lock.waits(urgent=False).writes
    told = stage.desk.decide(stage.waiting().hash, ANA, yes=True)
    assert told.done
    assert lock.waits(urgent=True).writes > 1
    assert lock.waits(urgent=False).writes == before
    stage.store.set_plan("none", was=("waiting",), state="void")
    assert lock.waits(urgent=False).writes == before + 1, "and what follows by itself is nobody's word"
