"""Every fault of the lab fits its published form, says how it is healed, and names what is there; a bad one is refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from handrail.drills import fault
from handrail.drills.fault import ExpectedRemedy
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


EXPECT = GOOD["expect"]
REMEDY = EXPECT["remedies"][0]
BAD = [
    pytest.param({"heal": None}, "", "a fault without `heal` is refused. Say how it is taken back before it is injected.", id="no heal"),
    pytest.param({"heal": []}, "", "a fault without `heal` is refused.", id="an empty heal"),
    pytest.param({"healed_by": "luck"}, "healed_by", "`healed_by` is luck; it is one of document, retargeted, corrected, person.", id="healed by luck"),
    pytest.param({"expect": None}, "by_hand", "`expect` is missing. Write it", id="nothing expected"),
    pytest.param({"environment": None}, "by_hand", "`environment` is missing. Write it", id="anywhere"),
    pytest.param({"inject": [{"shell": "rm -rf /"}]}, "- shell", "`shell` is not known in `inject`. Known: run.", id="a shell"),
    pytest.param({"expect": {**EXPECT, "shows": {"2.1": "("}}}, "", "is not a valid fault", id="no pattern"),
    pytest.param({"expect": {**EXPECT, "shows": {"step 2": "a"}}}, "  shows", "`shows`: step 2 does not have the form", id="no place"),
    pytest.param({"heal": [{"run": "kubectl rollout undo"}]}, "- run: kubectl rollout undo", "`run: kubectl rollout undo` is no list of words. Write [program", id="a heal in one text"),
    pytest.param({"heal": [{"run": []}]}, "- run: []", "`run: []` is no list of words. Write [program", id="a heal of nothing"),
    pytest.param({"expect": {"alerts": ["A"], "incident_runs": ["RB-003"]}}, "  incident_runs", "`incident_runs` is no mapping", id="a list of runs"),
    pytest.param({"editions": ["corrected"]}, "editions", "`editions` is no mapping", id="a list of editions"),
    pytest.param({"expect": {**EXPECT, "remedies": [{**REMEDY, "ends": "heald"}]}}, "    ends", "`ends` is heald; it is one of passed_over, refused, did_not_help, healed. Did you mean healed?", id="an end that is none"),
    pytest.param({"expect": {**EXPECT, "remedies": [{**REMEDY, "choose": "retargetted"}]}}, "  - choose", "`choose` is retargetted; it is one of original, retargeted, recommended. Did you mean retargeted?", id="a plan that is none"),
    pytest.param({"editions": {"corrected": {"remedies": [{**REMEDY, "ends": "heald"}]}}}, "      ends", "`ends` is heald", id="another edition's end"),
    pytest.param({"expect": {**EXPECT, "may_fires": ["A"]}}, "  may_fires", "`may_fires` is not known in `expect`. Did you mean may_fire?", id="a key that is spelt wrong"),
    pytest.param({"time_limit": 3}, "time_limit:", "`time_limit` is not known. Did you mean time_limit_seconds?", id="a key of the whole"),
    pytest.param({"judge": []}, "judge", "`judge` is empty. Write at least one", id="nobody judges"),
    pytest.param({"judge": [{"trafic": {}}]}, "- trafic", "`trafic` is not known in `judge`. Did you mean traffic?", id="a judge that is none"),
    pytest.param({"judge": [{"run": ["true"], "storm": {"over_seconds": 1}}]}, "- run:\n  - 'true'\n  storm", "run and storm stand in one item of `judge`. Write an item for each.", id="two judges in one"),
    pytest.param({"time_limit_seconds": "soon"}, "time_limit_seconds", "`time_limit_seconds` is no whole number: soon", id="a time that is none"),
    pytest.param({"by_hand": None, "expect": {**EXPECT, "remedies": [{**REMEDY, "by_hand": True}]}}, "", "a remedy is made by hand, and nothing says how. Write the cure under `by_hand`.", id="by hand, and nobody knows how"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "at", "says"), BAD)
def test_a_fault_that_does_not_have_its_form_is_refused_at_its_line(change: dict[str, Any], at: str, says: str) -> None:
    text = yaml.safe_dump({key: value for key, value in {**GOOD, **change}.items() if value is not None})
    with pytest.raises(FixRunbook) as told:
        fault.read(text, path="lab/faults/bad.yaml")
    line = text[: text.index(f"\n{at}") + 1].count("\n") + 1 if at and not text.startswith(at) else int(bool(at))
    assert str(told.value).startswith(f"lab/faults/bad.yaml:{line}: " if line else "lab/faults/bad.yaml")
    assert says in str(told.value)


@pytest.mark.parametrize("text", ["", "- a", "a: [", "fault: a\nheal: 1", "heal: [{run: [a]}]"])
def test_what_is_no_fault_at_all_is_told(text: str) -> None:
    with pytest.raises(FixRunbook, match=r"^lab/faults/bad\.yaml"):
        fault.read(text, path="lab/faults/bad.yaml")


def shapes(part: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object and every value of the form, by the path of its keys."""
    part = SCHEMA["$defs"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
    yield path, part
    for key, value in part.get("properties", {}).items():
        yield from shapes(value, (*path, key))
    if "items" in part:
        yield from shapes(part["items"], (*path, "0"))
    if isinstance(part.get("additionalProperties"), dict):
        yield from shapes(part["additionalProperties"], (*path, "*"))


def sample(part: dict[str, Any], *, choice: Any = None) -> Any:
    """A value that has the form, with every key that stands beside the others."""
    part = SCHEMA["$defs"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
    if "enum" in part or "const" in part:
        return part.get("const", part.get("enum", [None])[0])
    kind = part["type"] if isinstance(part["type"], str) else part["type"][0]
    if kind == "array":
        kinds = part["items"].get("properties", {}) if part["items"].get("maxProperties") == 1 else {}
        return [{name: sample(one)} for name, one in kinds.items()] or [sample(part["items"])]
    if kind == "object":
        told = {key: sample(value) for key, value in part.get("properties", {}).items()}
        free = part.get("additionalProperties")
        return told or ({"2.1": sample(free)} if isinstance(free, dict) else {})
    return {"integer": 1, "number": 1, "boolean": False, "string": "1"}[kind]


def test_all_that_the_form_knows_is_taken_and_nothing_else() -> None:
    """The reader is held to the form itself: each key, each word of a list of words."""
    whole = sample(SCHEMA)
    one = fault.read(yaml.safe_dump(whole), path="all.yaml")
    assert one.levels == (1,)
    assert one.editions["2.1"][0].ends == "passed_over"
    assert {field.name for field in dataclasses.fields(ExpectedRemedy)} == set(whole["expect"]["remedies"][0])
    for path, part in shapes(SCHEMA):
        for word in part.get("enum", ()):
            fault.read(yaml.safe_dump(changed(whole, path, word)), path="all.yaml")
        if "enum" in part or part.get("additionalProperties") is False:
            with pytest.raises(FixRunbook, match="zzz"):
                fault.read(yaml.safe_dump(changed(whole, path, "zzz", inside="enum" not in part)), path="all.yaml")


def changed(whole: Any, path: tuple[str, ...], value: str, *, inside: bool = False) -> Any:
    """The same with one value put in at a path; or with an unknown key inside what is there."""
    if not path:
        return {**whole, value: 1} if inside else value
    if isinstance(whole, list):
        at = next((at for at, one in enumerate(whole) if isinstance(one, dict) and path[1:2] and path[1] in one), 0)
        return [changed(one, path[1:], value, inside=inside) if n == at else one for n, one in enumerate(whole)]
    key = next(iter(whole)) if path[0] == "*" else path[0]
    return {**whole, key: changed(whole[key], path[1:], value, inside=inside)}


def test_a_fault_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"fault: \xff")
    with pytest.raises(FixRunbook, match=r"bad\.yaml cannot be read: this is not UTF-8 text"):
        fault.of(tmp_path / "bad.yaml")
