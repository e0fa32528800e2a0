"""A binding read beside its document: what does not stand there is told with file, line and what to do.

Mistakes that a binding shows by itself are held together with its schema, in the tests of the reference.
"""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handrail.errors import FixRunbook
from handrail.runbooks import Binding, bindingfile
from tests import cases
from tests.runbooks import reading

edition = pytest.mark.parametrize("edition", reading.EDITIONS)
AZORA = (cases.AZORA / "azora.binding.yaml").read_text(encoding="utf-8")


def read(text: str) -> Binding:
    """A binding beside our edition."""
    return bindingfile.read(text, path="a.yaml", documents=[reading.document()])


@edition
def test_one_binding_serves_every_edition(edition: str) -> None:
    document = reading.document(edition)
    found = bindingfile.read(AZORA, path="a.yaml", documents=[document])
    assert set(found.runbooks) == {runbook.id for runbook in document.runbooks}
    for runbook in document.runbooks:
        bound = found.get(runbook.id)
        assert bound.triggers, runbook.id
        lists = {step.number for step in runbook.steps if not step.commands}
        assert {one.step for one in bound.lists} == lists, runbook.id
        parameters = {name for step in runbook.steps for command in step.commands for name in command.parameters}
        assert parameters <= {one.name for one in bound.parameters}, runbook.id


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("runbooks:\n  RB-0002: {}\n", 2, "no document has a runbook RB-0002. Did you mean RB-002?"),
        ("runbooks:\n  RB-001: {}\n  XX-1: {}\n", 3, "no document has a runbook XX-1"),
        ("runbooks:\n  RB-004:\n    lists:\n      9: {kind: choice}\n", 4, "RB-004 has no step 9; it has 1 to 7"),
        ("runbooks:\n  RB-001:\n    remedies:\n      - {name: a, step: 7}\n", 4, "RB-001 has no step 7; it has 1 to 6"),
        ("runbooks:\n  RB-001:\n    remedies:\n      - {name: a, step: 6, retarget: [nowhere]}\n", 4, "nowhere"),
        ("runbooks:\n  RB-001:\n    checks:\n      - {name: a, query: 'sum(', below: 1}\n", 4, "not valid PromQL"),
        ("runbooks:\n  RB-001:\n    hold: soon\n", 3, "soon is not a duration"),
        (
            "runbooks:\n  RB-004:\n    lists:\n      7: {kind: choice, bullets: {\n        2: RB-006/scael}}\n"
            "  RB-006:\n    remedies:\n      - {name: scale, step: 5}\n",
            5,
            "no remedy RB-006/scael is bound. Bind it, or write `a person`. Did you mean RB-006/scale?",
        ),
        *(
            (
                "runbooks:\n  RB-010:\n    parameters:\n      suspicious-ip:\n        type: ip\n"
                f"        from: [{{command: '2.1', pattern: '{pattern}'}}]\n",
                6,
                says,
            )
            for pattern, says in (
                ("(", "not a valid regular expression"),
                ("a(b)(c)", "has 2 groups"),
                ("abc", "has 0 groups"),
                ("(a+)+", "repeats a repetition"),
            )
        ),
        (
            "runbooks:\n  RB-004:\n    lists:\n      7: {kind: choice, bullets: {1: {remedy: scale}}}\n",
            4,
            "'scale' names no remedy",
        ),
        (
            "runbooks:\n  RB-004:\n    lists:\n      7: {kind: choice, bullets: {1: {remedy: a/b, signs: [{query: x}]}}}\n",
            4,
            "a sign needs `says`",
        ),
        (
            "runbooks:\n  RB-004:\n    lists:\n"
            "      7: {kind: choice, bullets: {1: {remedy: a/b, signs: [{query: x, says: y}]}}}\n",
            4,
            "a sign needs a `query` with a limit",
        ),
        (
            "runbooks:\n  RB-004:\n    lists:\n      7: {kind: choice, bullets: {\n        2: [{remedy: RB-006/scael}]}}\n"
            "  RB-006:\n    remedies:\n      - {name: scale, step: 5}\n",
            5,
            "no remedy RB-006/scael is bound. Bind it, or write `a person`. Did you mean RB-006/scale?",
        ),
        (
            "runbooks:\n  RB-004:\n    lists:\n      7: {kind: choice, bullets: {1: [RB-006/scale]}}\n",
            4,
            "'RB-006/scale' stands where a mapping belongs",
        ),
        (
            "runbooks:\n  RB-001:\n    remedies:\n      - {name: a, step: 6}\n      - {name: a, step: 5}\n",
            5,
            "two remedies of RB-001 are called a. Give one another `name`",
        ),
        (
            "runbooks:\n  RB-001:\n    remedies:\n      - step: 6\n      - step: 6\n",
            5,
            "two remedies of RB-001 are called step-6",
        ),
        (
            "runbooks:\n  RB-001:\n    remedies:\n      - {name: a, step: 6, commands: ['6.1', '5.1']}\n",
            4,
            "5.1 is not a command of step 6, for which this remedy stands. Write '6.1'",
        ),
        (
            "runbooks:\n  RB-001:\n    remedies:\n      - name: a\n        step: 6\n        commands: [RB-001.6.1]\n",
            6,
            "RB-001.6.1 is not a command of step 6, for which this remedy stands. Write '6.1'",
        ),
        (
            "runbooks:\n  RB-001:\n    summary: a\n    explains: [RB-002, RB-001]\n",
            4,
            "RB-001 explains itself. Name the runbooks whose alerts its trouble raises too",
        ),
        ("runbooks:\n  RB-001:\n    trigger: []\n", 3, "Did you mean triggers?"),
        ("runbooks:\n  RB-001:\n    parameters:\n      pod-name: {type: pod}\n", 4, "no parameter type is named pod"),
        ("runbooks:\n  RB-001:\n    time_limits: {9: 5m}\n", 3, "RB-001 has no step 9"),
        ("runbooks: {RB-001: {}, RB-001: {}}\n", 1, "bound twice"),
        ("- a\n", 1, "mapping"),
        ("", 1, "mapping"),
        ("a: [\n", 2, "not valid YAML"),
        ("\0", 1, "not valid YAML"),
    ],
)
def test_a_mistake_tells_its_file_its_line_and_what_to_do(text: str, line: int, says: str) -> None:
    with pytest.raises(FixRunbook) as caught:
        read(text)
    assert str(caught.value).startswith(f"a.yaml:{line}: ")
    assert says in str(caught.value)


def test_a_runbook_that_nobody_bound_is_empty_and_works() -> None:
    found = read("runbooks:\n  RB-001:\n").get("RB-005")
    assert (found.triggers, found.parameters, found.checks, found.remedies) == ((), (), (), None)


WORDS = st.sampled_from(
    [
        "runbooks",
        "RB-001",
        "triggers",
        "alert",
        "checks",
        "query",
        "below",
        "remedies",
        "step",
        "lists",
        "kind",
        "hold",
        "1",
        "up",
        "from",
    ]
)
YAML = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 9) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.integers(0, 9), inner, max_size=3),
    max_leaves=12,
)
KEYS = [
    "triggers",
    "parameters",
    "checks",
    "hold",
    "lists",
    "remedies",
    "explains",
    "time_limits",
    "summary",
    "resolution",
    "afterwards",
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KEYS), YAML)
@example("triggers", [{"alert": [["a"]]}])
@example("parameters", {"pod-name": {"from": [{"label": ["x"]}]}})
@example("explains", [{"a": 1}])
def test_whatever_stands_under_a_key_is_taken_or_told_with_its_line(key: str, value: object) -> None:
    text = yaml.safe_dump({"runbooks": {"RB-001": {key: value}}})
    try:
        read(text)
    except FixRunbook as error:
        assert re.match(r"a\.yaml:\d+: ", str(error)), error


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("runbooks:\n  RB-001:\n    hold: 99999999999999999999h\n", 3, "`hold` is longer than a year"),
        ("runbooks:\n  RB-001:\n    triggers:\n      - {alert: A, for: 9000h}\n", 4, "`for` is longer than a year"),
        (
            "runbooks:\n  RB-001:\n    checks:\n      - {query: 'sum(rate(a[$window]))', below: 1, window: 0s}\n",
            4,
            "no series is read over 0s: write a `window` of at least 1s",
        ),
        (
            "runbooks:\n  RB-001:\n    checks:\n      - {query: a, below: .inf}\n",
            4,
            "not a limit that anything can reach",
        ),
        (
            "runbooks:\n  RB-001:\n    checks:\n      - {query: a, below: 1, at_least: 5}\n",
            4,
            "nothing is both below 1 and at least 5: it can never hold",
        ),
        (
            "runbooks:\n  RB-001:\n    checks:\n      - {query: a, below: .nan}\n",
            4,
            "not a limit that anything can reach",
        ),
        (
            f"runbooks:\n  RB-001:\n    checks:\n      - {{query: a, below: 1{'0' * 400}}}\n",
            4,
            "not a limit that anything",
        ),
        (f"runbooks:\n  RB-001:\n    remedies: [{{step: {'9' * 5000}}}]\n", 1, "this cannot be read"),
        (f"runbooks: {'[' * 5000}", 1, "it is nested too deep"),
    ],
)
def test_figures_that_no_program_can_reckon_with_are_told(text: str, line: int, says: str) -> None:
    with pytest.raises(FixRunbook) as told:
        read(text)
    assert str(told.value).startswith(f"a.yaml:{line}: ")
    assert says in str(told.value)
