"""Each drill's alert finds its runbook by its URL, without it by the trigger, and without that as a guess."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import cache

import pytest

from handrail import alerts, app, runbooks, settings
from handrail.alerts import Alert
from handrail.drills import recording
from handrail.engine.catalog import Catalog
from handrail.runbooks import Binding
from tests.drills.replaying import without_url
from tests.drills.test_recordings import FOLDER, RECORDINGS, ROOT


@cache
def known() -> Catalog:
    """Our edition of the thirteen with its binding."""
    return app.catalog(settings.read(app.library() / "azora"))[0]


def first_alert(name: str, *, url: bool) -> tuple[str, Alert]:
    """The recorded alert that opened the incident, and the runbook it must find."""
    kept = recording.load(FOLDER / name)
    names = set(kept.expect["alerts"])
    for _, body in kept.posts:
        parsed = alerts.parse(
            (body if url else without_url(body)).encode(), source="lab", at=datetime.fromisoformat(kept.alert_at)
        )
        assert not isinstance(parsed, alerts.Refused)
        for alert in parsed.alerts:
            if alert.status == "firing" and alert.name in names:
                return str(kept.expect["proposes"]), alert
    raise AssertionError(f"{name} holds no alert of {names}")


def without_triggers(bound: Mapping[str, Binding]) -> tuple[Binding, ...]:
    """The same bindings, and nobody told them which alert is whose."""
    return tuple(
        dataclasses.replace(
            binding,
            runbooks={name: dataclasses.replace(one, triggers=()) for name, one in binding.runbooks.items()},
        )
        for binding in bound.values()
    )


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_url_decides_then_the_trigger_then_words_as_a_guess(name: str) -> None:
    documents, bound = known().documents, known().bindings
    wanted, alert = first_alert(name, url=True)
    by_url = runbooks.select(alert, documents=documents, bindings=without_triggers(bound))
    _, bare = first_alert(name, url=False)
    by_trigger = runbooks.select(bare, documents=documents, bindings=tuple(bound.values()))
    by_words = runbooks.select(bare, documents=documents, bindings=without_triggers(bound))
    for found in (by_url, by_trigger) if alert.runbook_url else (by_trigger,):
        assert not isinstance(found, runbooks.Undecided)
        assert (found.runbook, found.guess) == (wanted, False)
        assert found.reasons
    if isinstance(by_words, runbooks.Undecided):  # a person chooses, and is shown the right one among the candidates
        assert wanted in [candidate.runbook for candidate in by_words.candidates]
    else:
        assert (by_words.runbook, by_words.guess) == (wanted, True)
        assert by_words.reasons


@pytest.mark.slow
def test_a_guess_runs_nothing_until_a_person_confirmed_it_and_then_only_reads() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tests.drills.guessing", str(FOLDER / "RB-002-bad-code.json.gz")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    told = json.loads(found.stdout.splitlines()[-1])
    assert (told["runbook"], told["confirmed"], told["before"]) == ("RB-002", 0, 0)
    assert "guess" in told["because"].lower()
    assert "a person confirms it" in told["waits_for"]
    assert told["after"] > 0
    assert set(told["plans"]) <= {"waiting"}
    assert told["changes"] == 0
