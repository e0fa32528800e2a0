"""The published schema of bindings and the reader agree: on what is right, and on what is wrong."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from handrail.errors import FixRunbook
from handrail.runbooks import bindingfile
from handrail.runbooks.binding import ListKind

ROOT = Path(__file__).resolve().parents[2]
SCHEMA: dict[str, Any] = json.loads(
    resources.files("handrail").joinpath("schemas", "binding.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
MISTAKES = yaml.safe_load((Path(__file__).parent / "binding_mistakes.yaml").read_text(encoding="utf-8"))
# What no JSON Schema can see: only the reader refuses these.
READER_ALONE = [
    ("runbooks:\n  RB-001:\n    checks: [{query: 'sum(', below: 1}]\n", 3, "not valid PromQL"),
    ("runbooks:\n  RB-001:\n    summary: a\n  RB-002:\n  RB-001:\n", 5, "bound twice"),
    ("runbooks:\n  RB-001:\n    summary: a\n    summary: b\n", 4, "stands there twice"),
    ("runbooks:\n  RB-001: [\n", 3, "not valid YAML"),
]


def texts(value: Any) -> Any:
    """YAML with keys as text, as editors and JSON have them."""
    if isinstance(value, dict):
        return {str(key): texts(item) for key, item in value.items()}
    return [texts(item) for item in value] if isinstance(value, list) else value


def test_the_schema_is_a_schema_and_says_what_each_part_is_for() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    silent = [
        f"{name}.{key}"
        for name, part in SCHEMA["$defs"].items()
        for shape in [part, *part.get("oneOf", [])]
        for key, value in shape.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]
    assert silent == []


@pytest.mark.parametrize("name", ["library/azora/azora.binding.yaml", "library/demo/demo.binding.yaml"])
def test_the_librarys_bindings_are_taken_by_both(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    VALIDATOR.validate(texts(yaml.safe_load(text)))
    assert bindingfile.read(text, path=name).runbooks


def test_a_runbook_that_is_left_empty_is_taken_by_both() -> None:
    """What `handrail init` writes."""
    text = "version: 1\nrunbooks:\n  RB-001:\n  RB-002:\n"
    VALIDATOR.validate(texts(yaml.safe_load(text)))
    assert set(bindingfile.read(text, path="x").runbooks) == {"RB-001", "RB-002"}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["name"])
def test_a_mistake_is_refused_by_both_and_the_reader_names_its_line_and_what_to_do(mistake: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(texts(yaml.safe_load(mistake["binding"])))
    with pytest.raises(FixRunbook) as told:
        bindingfile.read(mistake["binding"], path="team.binding.yaml")
    assert str(told.value).startswith(f"team.binding.yaml:{mistake['line']}: ")
    assert mistake["says"] in str(told.value)


@pytest.mark.parametrize(("text", "line", "says"), READER_ALONE)
def test_what_no_schema_can_see_the_reader_refuses(text: str, line: int, says: str) -> None:
    with pytest.raises(FixRunbook, match=re.escape(says)) as told:
        bindingfile.read(text, path="team.binding.yaml")
    assert str(told.value).startswith(f"team.binding.yaml:{line}: ")


def test_the_schema_lists_the_readers_own_words() -> None:
    defs = SCHEMA["$defs"]
    assert defs["parameter"]["properties"]["type"]["enum"] == list(bindingfile.TYPES)
    assert defs["action"]["enum"] == list(bindingfile.ACTIONS)
    assert defs["aim"]["enum"] == list(bindingfile.AIMS)
    assert defs["list"]["properties"]["kind"]["enum"] == [kind.value for kind in ListKind]
    assert {tuple(sorted(shape["properties"])) for shape in defs["source"]["oneOf"]} == {
        tuple(sorted(known)) for known, _ in bindingfile.SOURCES.values()
    }


@pytest.mark.parametrize("part", ["runbook", "trigger", "parameter", "check", "list", "remedy", "when"])
def test_each_key_of_the_schema_is_known_to_the_reader(part: str) -> None:
    """The reader names every key it knows when it meets one that it does not: the schema has exactly those."""
    unknown = {"zzzzzzzz": 1}
    shapes: dict[str, Any] = {
        "runbook": unknown,
        "trigger": {"triggers": [unknown]},
        "parameter": {"parameters": {"a": unknown}},
        "check": {"checks": [unknown]},
        "list": {"lists": {1: unknown}},
        "remedy": {"remedies": [unknown]},
        "when": {"remedies": [{"step": 1, "when": [unknown]}]},
    }
    with pytest.raises(FixRunbook) as told:
        bindingfile.read(yaml.safe_dump({"runbooks": {"RB-001": shapes[part]}}), path="x")
    known = str(told.value).partition("Known: ")[2].rstrip(".").split(", ")
    assert sorted(known) == sorted(SCHEMA["$defs"][part]["properties"])
