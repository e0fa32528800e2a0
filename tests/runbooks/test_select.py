"""Which runbook answers an alert: by URL, by trigger, by words; always with reasons, and words are always a guess."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail import syntax
from handrail.alerts import Alert
from handrail.runbooks import Binding, Chosen, Undecided, bindingfile, select
from handrail.runbooks.binding import RunbookBinding, Trigger
from handrail.runbooks.document import RunbookId
from handrail.syntax.reading import read_text
from tests import cases
from tests.runbooks import reading, selecting

TABLE: dict[str, Any] = cases.table("selection")
edition = pytest.mark.parametrize("edition", reading.EDITIONS)
each = pytest.mark.parametrize("name", list(TABLE["lab"]))
PERSON = "a person"


@cache
def binding(edition: str = "ours") -> Binding:
    """The Azora binding, read against an edition."""
    path = cases.AZORA / "azora.binding.yaml"
    return bindingfile.read(path.read_text(encoding="utf-8"), path=path.name, documents=[reading.document(edition)])


def ask(alert: Alert, edition: str = "ours", *bindings: Binding) -> Chosen | Undecided:
    """The answer over one document."""
    return select(alert, documents=[reading.document(edition)], bindings=bindings)


def without_url(alert: Alert) -> Alert:
    """The same alert, its URL taken away."""
    annotations = {key: value for key, value in alert.annotations.items() if key != "runbook_url"}
    return dataclasses.replace(alert, runbook_url="", annotations=annotations)


def allowed(guess: str | list[str]) -> list[str]:
    """What the table allows."""
    return [guess] if isinstance(guess, str) else guess


def told(found: Chosen | Undecided) -> str:
    """The runbook, or a person; every answer has its reasons."""
    if isinstance(found, Chosen):
        assert found.reasons
        assert all(reason.endswith(".") for reason in found.reasons)
        return found.runbook
    assert found.reason
    assert all(candidate.reason and candidate.title for candidate in found.candidates)
    return PERSON


def test_the_table_holds_every_alert_of_the_lab_and_reaches_all_thirteen() -> None:
    assert set(TABLE["lab"]) == set(selecting.alerts())
    assert {row["runbook"] for row in TABLE["lab"].values()} == {runbook.id for runbook in reading.document().runbooks}


@edition
@each
def test_the_url_names_the_runbook_even_without_a_binding(edition: str, name: str) -> None:
    for bindings in ([], [binding(edition)]):
        found = ask(selecting.alerts()[name], edition, *bindings)
        assert told(found) == TABLE["lab"][name]["runbook"]
        assert isinstance(found, Chosen)
        assert (found.how, found.guess) == ("url", False)


@edition
@each
def test_without_its_url_the_trigger_decides(edition: str, name: str) -> None:
    found = ask(without_url(selecting.alerts()[name]), edition, binding(edition))
    assert told(found) == TABLE["lab"][name]["runbook"]
    assert isinstance(found, Chosen)
    assert (found.how, found.guess) == ("trigger", False)
    assert name in found.reasons[0]


@edition
@each
def test_without_url_and_trigger_the_words_are_a_guess_or_a_persons(edition: str, name: str) -> None:
    found = ask(without_url(selecting.alerts()[name]), edition)
    assert told(found) in allowed(TABLE["lab"][name]["guess"])
    if isinstance(found, Chosen):
        assert (found.how, found.guess) == ("symptom", True)
    else:
        assert TABLE["lab"][name]["runbook"] in {candidate.runbook for candidate in found.candidates}


@edition
@pytest.mark.parametrize("row", TABLE["unbound"], ids=lambda row: row["alert"])
def test_an_alert_that_nobody_bound_is_a_guess_or_a_persons(edition: str, row: dict[str, Any]) -> None:
    found = ask(selecting.alert(row["alert"], summary=row["summary"]), edition, binding(edition))
    assert told(found) in allowed(row["guess"])
    assert isinstance(found, Undecided) or found.guess


@pytest.mark.parametrize("row", TABLE["urls"], ids=lambda row: repr(row["url"]))
def test_how_a_url_names_a_runbook(row: dict[str, Any]) -> None:
    found = ask(selecting.alert("X", runbook_url=row["url"]), "ours", binding())
    by_url = found.runbook if isinstance(found, Chosen) and found.how == "url" else None
    assert by_url == row["runbook"]


def _bound(**triggers: Trigger) -> Binding:
    return Binding(
        path="b",
        revision="r",
        runbooks={
            RunbookId(name.replace("_", "-")): RunbookBinding(
                runbook=RunbookId(name.replace("_", "-")), triggers=(one,)
            )
            for name, one in triggers.items()
        },
    )


def test_two_triggers_for_one_alert_go_to_a_person_with_both() -> None:
    found = ask(
        selecting.alert("Odd"), "ours", _bound(RB_002=Trigger(alerts=("Odd",)), RB_007=Trigger(alerts=("Odd",)))
    )
    assert isinstance(found, Undecided)
    assert [candidate.runbook for candidate in found.candidates] == ["RB-002", "RB-007"]
    assert "2 runbooks have a trigger for Odd" in found.reason


@pytest.mark.parametrize(
    ("trigger", "how"),
    [
        (Trigger(alerts=("Odd",)), "trigger"),
        (Trigger(alerts=("Odd", "Even"), labels={"service": "api-gateway"}), "trigger"),
        (Trigger(alerts=("Odd",), labels={"service": "payments"}), PERSON),
        (Trigger(alerts=("odd",)), PERSON),
        (Trigger(event="deployment.failed"), PERSON),
        (Trigger(), PERSON),
    ],
)
def test_a_trigger_answers_by_name_and_every_label(trigger: Trigger, how: str) -> None:
    found = ask(selecting.alert("Odd"), "ours", _bound(RB_002=trigger))
    assert (found.how if isinstance(found, Chosen) else PERSON) == how


def test_a_pipelines_event_is_a_trigger() -> None:
    event = dataclasses.replace(selecting.alert("Pipeline"), labels={"event": "deployment.failed"})
    found = ask(event, "ours", binding())
    assert told(found) == "RB-001"
    other = dataclasses.replace(event, labels={"event": "deployment.finished"})
    assert told(ask(other, "ours", binding())) == PERSON


def test_a_url_that_two_documents_answer_does_not_decide() -> None:
    alert = selecting.alerts()["CriticalErrorRate"]
    twice = [reading.document(), dataclasses.replace(reading.document(), path="other.md")]
    found = select(alert, documents=twice, bindings=[])
    assert isinstance(found, Undecided)
    assert [candidate.runbook for candidate in found.candidates[:2]] == ["RB-002", "RB-002"]


def test_without_any_document_it_is_a_persons() -> None:
    found = select(selecting.alerts()["CriticalErrorRate"], documents=[], bindings=[binding()])
    assert isinstance(found, Undecided)
    assert found.reason


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=40), summary=st.text(max_size=80), url=st.text(max_size=60))
def test_no_alert_whatever_breaks_it_and_words_never_decide(name: str, summary: str, url: str) -> None:
    found = ask(selecting.alert(name, summary=summary, runbook_url=url), "ours", binding())
    told(found)
    if isinstance(found, Chosen) and found.how == "symptom":
        assert found.guess


@pytest.mark.parametrize(
    ("alert", "path", "guess"),
    [
        ("KubeNodeGone", "gone.md", True),  # as its title
        ("kube_node_gone", "gone.md", True),
        ("NodeAway", "runbooks/NodeAway.md", True),  # as its file
        ("KubeNode", "gone.md", False),
        ("Gone", "docs/away.md", False),
    ],
)
def test_a_runbook_that_is_called_what_the_alert_is_called_is_a_guess(alert: str, path: str, guess: bool) -> None:
    """Other people's runbooks are a file each, named after its alert; with one word in common nothing else finds them."""
    text = "# KubeNodeGone\n\n## Diagnosis\n\n1. Look\n   ```bash\n   kubectl get nodes\n   ```\n"
    document = read_text(text, path, syntax.load_knowledge())
    found = select(selecting.alert(alert), documents=[document], bindings=[])
    assert isinstance(found, Chosen) == guess
    if isinstance(found, Chosen):
        assert found.guess
        assert "is called what the alert is called" in found.reasons[0]
