"""`handrail event`: what a pipeline saw becomes an incident, and what is wrong with it is one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from handrail import app
from handrail.settings import Settings
from handrail.targets import Ground
from handrail.targets.masking import Masker
from tests.engine.stage import Scripted
from tests.factory import Clock

AZORA = Path(__file__).resolve().parents[2] / "library/azora"
SECRET = "two words, and no newline"
FAILED = ("deployment.failed", "--service", "api-gateway", "--summary", "The deployment of release/2.18.0 failed")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """The sample's documents with settings of their own: one environment, one pipeline that signs."""
    (tmp_path / "pipeline.secret").write_text(f"{SECRET}\n")
    (tmp_path / "wrong.secret").write_text("another\n")
    files: dict[str, Any] = {
        "environments.yaml": {"environments": {"here": {"namespace": "production"}, "there": {"namespace": "staging"}}},
        "handrail.yaml": {
            "documents": [{"path": str(AZORA / "RUNBOOKS.md"), "binding": str(AZORA / "azora.binding.yaml")}],
            "knowledge": [str(AZORA / "knowledge")],
            "environments": "environments.yaml",
            "sources": {
                "pipeline": {"environment": "there", "secret_file": "pipeline.secret"},
                "alertmanager": {"environment": "here", "token_file": "no-token"},
            },
            "state": "state",
        },
    }
    for name, facts in files.items():
        (tmp_path / name).write_text(json.dumps(facts))  # JSON is YAML
    return tmp_path


@contextmanager
def serving(team: Path) -> Iterator[app.Running]:
    """The real loop over a ground that answers as it is told."""

    def grounds(known: Settings, masker: Masker) -> Mapping[str, Ground]:
        return {"here": Scripted(Clock()), "there": Scripted(Clock())}

    with app.running(team, port=0, grounds=grounds) as here:
        yield here


def event(*words: str, team: Path) -> subprocess.CompletedProcess[str]:
    """The program as a pipeline calls it."""
    return subprocess.run(
        [sys.executable, "-m", "handrail", "event", *words],
        cwd=team,
        env={name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def signed(here: str, team: Path, *, by: str = "pipeline.secret", source: str = "pipeline") -> tuple[str, ...]:
    return ("--to", here, "--source", source, "--secret-file", str(team / by))


def soon(true: Callable[[], object], *, within: float = 60) -> None:
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def answered(here: app.Running) -> tuple[str, str, str]:
    """Where the one incident is, what it is called and which runbook answers it."""
    soon(lambda: here.store.runs(incident="I-1"))
    assert len(here.store.incidents()) == 1
    row = here.store.incidents()[0]
    return row["environment"], row["title"], here.store.runs(incident="I-1")[0]["runbook"]


def is_one_sentence(done: subprocess.CompletedProcess[str], *says: str) -> None:
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("handrail: ")
    assert done.stderr.endswith(".\n")
    assert done.stderr.count("\n") == 1, done.stderr
    assert SECRET not in done.stderr
    for text in says:
        assert text in done.stderr


def test_a_signed_event_of_a_pipeline_elsewhere_becomes_the_incident_that_its_runbook_answers(team: Path) -> None:
    with serving(team) as here:
        done = event(*FAILED, "--data", "revision=1a2b3c4", *signed(here.url, team), team=team)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"deployment.failed is stored. {here.url} takes it up.\n"
        assert answered(here) == ("there", "The deployment of release/2.18.0 failed", "RB-001")
        body = json.loads(here.store.alerts_of("I-1")[0]["body"])
        assert body["labels"]["revision"] == "1a2b3c4"
        again = event(*FAILED, "--json", *signed(f"{here.url}/", team), team=team)  # it failed once more: one trouble
        assert json.loads(again.stdout)["reason"] == "1 alert stored"
        soon(lambda: not here.store.new_posts())
        assert len(here.store.incidents()) == 1
        assert len(here.store.runs(incident="I-1")) == 1


def test_an_event_at_the_terminal_waits_in_the_record_for_whoever_serves_it(team: Path) -> None:
    """Nobody serves yet; nothing is lost."""
    done = event(*FAILED, "--source", "pipeline", team=team)
    assert (done.returncode, done.stderr) == (0, "")
    with serving(team) as here:
        assert answered(here) == ("there", "The deployment of release/2.18.0 failed", "RB-001")


def test_what_is_printed_is_what_would_be_sent(team: Path) -> None:
    told = json.loads(event(*FAILED, "--key", "k", "--resolved", "--print", team=team).stdout)
    assert told["type"] == "deployment.failed"
    assert told["data"] == {"key": "k", "summary": FAILED[-1], "status": "resolved"}
    assert not (team / "state").exists()


def test_a_wrong_secret_an_unknown_source_and_one_with_a_token_are_refused_alike(team: Path) -> None:
    with serving(team) as here:
        for words in (
            signed(here.url, team, by="wrong.secret"),
            signed(here.url, team, source="nobody"),
            signed(here.url, team, source="alertmanager"),
        ):
            is_one_sentence(event(*FAILED, *words, team=team), "The event was not taken: The source is not known, or ")
        assert here.store.incidents() == []


def test_a_handrail_that_is_away_is_told(team: Path) -> None:
    with serving(team) as here:
        url = here.url
    is_one_sentence(event(*FAILED, *signed(url, team), team=team), f"{url} gave no answer: ", "Send it again")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("$(touch x)",), "$(touch x) is not a name such as deployment.failed"),
        (("deployment.failed", "--data", "revision"), "revision is not name=value"),
        (("deployment.failed", "--data", "status=resolved"), "--data does not say status: --resolved does"),
        (("deployment.failed", "--service", "x" * 20_000), "--service is longer than 250 characters"),
        (("deployment.failed", "--source", "pipelin"), "There is no source pipelin in handrail.yaml. Known: pipeline"),
        (("deployment.failed", "--to", "http://127.0.0.1:9"), "name the secret's file with --secret-file"),
        (("deployment.failed", "--to", "here", "--secret-file", "pipeline.secret"), "here gave no answer"),
        (("deployment.failed", "--to", "http://h", "--secret-file", "none.secret"), "none.secret cannot be read"),
        (("deployment.failed", "--config", "nowhere"), "nowhere"),
    ],
)
def test_nonsense_is_one_sentence_and_leaves_nothing_behind(team: Path, words: tuple[str, ...], says: str) -> None:
    is_one_sentence(event(*words, team=team), says)
    assert not (team / "x").exists()
    if (team / "state").exists():
        assert app.record(team)[0].new_posts() == []


def test_nonsense_is_not_sent_elsewhere(team: Path) -> None:
    with serving(team) as here:
        is_one_sentence(event("a b", *signed(here.url, team), team=team), "a b is not a name")
        assert here.store.new_posts() == []
