"""Every fault of the lab fits its published form, says how it is healed, and names what is there; a bad one is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from handrail.drills import fault
from handrail.errors import FixRunbook
from tests import cases

FAULTS = cases.ROOT / "lab" / "faults"
SCHEMA = json.loads((FAULTS / "fault.schema.json").read_text(encoding="utf-8"))
EVERY = sorted(FAULTS.rglob("*.yaml"))
GOOD: dict[str, Any] = yaml.safe_load((FAULTS / "RB-003-bad-probe.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_a_fault_fits_its_form_and_names_what_is_there(path: Path) -> None:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    jsonschema.validate(raw, SCHEMA)
    one = fault.read(path.read_text(encoding="utf-8"), path=str(path))
    assert one.id == path.stem
    assert one.heal
    settings = cases.ROOT / "library" / raw.get("library", "azora")
    assert (settings / "handrail.yaml").is_file()
    programs = [vector[0] for vector in (*one.inject, *one.by_hand, *one.heal) if "{lab}" in vector[0]]
    assert all(Path(program.replace("{lab}", str(cases.ROOT / "lab"))).is_file() for program in programs)


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_who_must_be_called_is_said_where_only_a_person_heals(path: Path) -> None:
    one = fault.of(path)
    if one.healed_by == "person" and path.parent == FAULTS:
        assert one.levels == (1, 2)


@pytest.mark.parametrize("path", sorted(FAULTS.glob("RB-*.yaml")), ids=lambda path: path.stem)
def test_a_fault_says_where_its_cause_is_seen(path: Path) -> None:
    one = fault.of(path)
    assert one.shows or one.says or one.id == "RB-008-stale-statistics", "no look of the text shows stale statistics"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"heal": None}, "a fault without `heal` is refused. Say how it is taken back before it is injected."),
        ({"heal": []}, "a fault without `heal` is refused."),
        ({"healed_by": "luck"}, "healed_by is luck; it is one of document, retargeted, corrected, person."),
        ({"expect": None}, "is no fault"),
        ({"inject": [{"shell": "rm -rf /"}]}, "is no fault"),
        ({"environment": None}, "is no fault: KeyError 'environment'"),
        ({"expect": {**GOOD["expect"], "shows": {"2.1": "("}}}, "is no fault"),
        (
            {"heal": [{"run": "kubectl rollout undo"}]},
            "`run: kubectl rollout undo` is no list of words. Write [program",
        ),
        ({"heal": [{"run": []}]}, "`run: []` is no list of words. Write [program"),
        ({"expect": {"alerts": ["A"], "incident_runs": ["RB-003"]}}, "is no fault"),
        ({"editions": ["corrected"]}, "is no fault"),
    ],
    ids=[
        "no heal",
        "an empty heal",
        "healed by luck",
        "nothing expected",
        "a shell",
        "anywhere",
        "no pattern",
        "a heal in one text",
        "a heal of nothing",
        "a list of runs",
        "a list of editions",
    ],
)
def test_a_fault_that_could_not_be_healed_or_judged_is_refused(change: dict[str, Any], says: str) -> None:
    raw = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(FixRunbook) as told:
        fault.read(yaml.safe_dump(raw), path="lab/faults/bad.yaml")
    assert str(told.value).startswith("lab/faults/bad.yaml")
    assert says in str(told.value)


def test_a_fault_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"fault: \xff")
    with pytest.raises(FixRunbook, match=r"bad\.yaml cannot be read: this is no UTF-8 text"):
        fault.of(tmp_path / "bad.yaml")
