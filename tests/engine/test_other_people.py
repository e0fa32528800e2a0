"""The four documents of `library/strangers`: the alert finds them, they are filled in, looked with, and end as their fault says.

The documents are no part of the project; the variable HANDRAIL_COLLECTIONS names their folder.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from handrail import app, runbooks, settings
from handrail.alerts import Alert
from handrail.cli import bindcheck
from handrail.cli.bind import Known, bind, monitoring
from handrail.cli.rules import written
from handrail.drills import fault
from handrail.runbooks import alerting
from handrail.runbooks.alerting import PROFILES
from handrail.targets import Answer, Ask
from tests import cases
from tests.engine.stage import ANA, Stage, values

COLLECTIONS = os.environ.get("HANDRAIL_COLLECTIONS", "")
pytestmark = pytest.mark.skipif(not COLLECTIONS, reason="HANDRAIL_COLLECTIONS does not name a folder of collections")
FAULTS = cases.ROOT / "lab" / "faults" / "strangers"
LIBRARY = cases.ROOT / "library" / "strangers"
RULES = cases.ROOT / "lab" / "azora" / "rules"

PENDING = """Name:             renderer-7c9d8c6b5-x2x4q
Status:           Pending
Events:
  Type     Reason            Age  From               Message
  ----     ------            ---- ----               -------
  Warning  FailedScheduling  20s  default-scheduler  0/1 nodes are available: 1 Insufficient cpu.
"""
COLLECTOR = """Name:             collector-6f7d9-abcde
Namespace:        openshift-logging
Node:             lab/10.200.0.1
Volumes:
  programs:
    Type:      ConfigMap (a volume populated by a ConfigMap)
    Name:      programs
    Optional:  false
"""


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """What its alert says, what the cluster answers (the first line whose words are in the command), and what must come of it."""

    labels: Mapping[str, str]
    answers: Mapping[str, str]
    values: Mapping[str, str]
    runs_as: Mapping[str, str]  # command to what runs
    unseen: tuple[str, ...] = ()  # looks that a plain cluster cannot answer
    shows: tuple[str, str]  # the command in whose evidence the cause stands, and the words
    change: tuple[str, ...] = ()  # the one change; none where a person cures


STRANGERS: dict[str, Stranger] = {
    "crash-loop": Stranger(
        labels={"namespace": "mail", "pod": "mailer-5d9c8b7f-abcde", "container": "mailer"},
        answers={"logs": "mailer: MAIL_PORT is 'smtp', which is no number\n"},
        values={"NAMESPACE": "mail", "POD": "mailer-5d9c8b7f-abcde", "CONTAINER": "mailer"},
        runs_as={
            "1.1": "kubectl get pod mailer-5d9c8b7f-abcde -n mail",
            "2.1": "kubectl describe pod mailer-5d9c8b7f-abcde -n mail",
            "3.1": "kubectl logs mailer-5d9c8b7f-abcde -c mailer -n mail",
        },
        shows=("3.1", "MAIL_PORT is 'smtp'"),
    ),
    "job-failed": Stranger(
        labels={"namespace": "reports", "job_name": "nightly-report-today"},
        answers={
            "describe jobs": "Events:\n  Normal   SuccessfulCreate      40s  job-controller  Created pod: nightly-report-today-k2x9d\n",
            "logs": "report: there is no /data/orders-2026.csv; here are orders.csv\n",
        },
        values={"NAMESPACE": "reports", "JOB": "nightly-report-today", "POD_FROM_JOB": "nightly-report-today-k2x9d"},
        runs_as={
            "1.1": "kubectl describe jobs nightly-report-today -n reports",
            "2.1": "kubectl describe pod nightly-report-today-k2x9d -n reports",
            "3.1": "kubectl logs pod/nightly-report-today-k2x9d -n reports",
        },
        shows=("3.1", "there is no /data/orders-2026.csv"),
    ),
    "replicas-mismatch": Stranger(
        labels={"namespace": "studio", "deployment": "renderer"},
        answers={
            "get pods": (
                "NAME                       READY   STATUS    RESTARTS   AGE\n"
                "renderer-5b8f6c4d9-7r8tz   1/1     Running   0          5h\n"
                "renderer-7c9d8c6b5-x2x4q   0/1     Pending   0          20s\n"
            ),
            "describe pod": PENDING,
        },
        values={"NAMESPACE": "studio", "DEPLOYMENT": "renderer", "POD": "renderer-7c9d8c6b5-x2x4q"},
        runs_as={
            "1.1": "kubectl get deploy -n studio renderer",
            "2.1": "kubectl get events -n studio",
            "3.1": "kubectl get pods -n studio --selector=app=renderer",
            "4.1": "kubectl describe pod renderer-7c9d8c6b5-x2x4q",
            "5.1": "kubectl get nodes",
            "6.1": "kubectl top nodes",
        },
        shows=("4.1", "Insufficient cpu"),
    ),
    "collector-down": Stranger(
        labels={
            "namespace": "openshift-logging",
            "app_kubernetes_io_component": "collector",
            "app_kubernetes_io_part_of": "cluster-logging",
        },
        answers={
            "get pods": (
                "NAME                    READY   STATUS             RESTARTS      AGE\n"
                "collector-6f7d9-abcde   0/1     CrashLoopBackOff   3 (10s ago)   5h\n"
            ),
            "describe pod": COLLECTOR,
            "logs": "collector: /buffer/segment-0 has 3 bytes, its header alone has 12: the buffer is damaged\n",
        },
        values={
            "POD_NAME": "collector-6f7d9-abcde",
            "NODE_NAME": "lab",
            "NAMESPACE": "openshift-logging",
            "COLLECTOR_CONFIG_MAP": "programs",
        },
        runs_as={
            "1.1": "kubectl get pods -n openshift-logging -l app.kubernetes.io/component=collector",
            "3.1": "kubectl logs collector-6f7d9-abcde -n openshift-logging",
        },
        unseen=("6.1", "6.2"),
        shows=("3.1", "the buffer is damaged"),
        change=("kubectl", "delete", "pod", "collector-6f7d9-abcde", "-n", "openshift-logging"),
    ),
}
NAMES = sorted(STRANGERS)


def told(name: str) -> fault.Fault:
    path = FAULTS / f"{name}.yaml"
    return fault.read(path.read_text(encoding="utf-8"), path=str(path))


def alert(name: str, *, url: bool = True) -> Alert:
    """The alert as the lab's own rules raise it."""
    groups = yaml.safe_load((RULES / f"strangers-{name}.yaml").read_text(encoding="utf-8"))["groups"]
    (rule,) = [rule for group in groups for rule in group["rules"]]
    labels = dict(STRANGERS[name].labels)
    filled = {key: label(value, labels) for key, value in rule["labels"].items()}
    notes = {key: label(value, labels) for key, value in rule["annotations"].items()}
    return Alert(
        fingerprint="f",
        name=rule["alert"],
        status="firing",
        labels={"alertname": rule["alert"], **labels, **filled},
        annotations={key: value for key, value in notes.items() if key != "runbook_url"},
        runbook_url=notes["runbook_url"] if url else "",
        starts_at=datetime(2026, 11, 25, 3, 0, tzinfo=UTC),
        ends_at=None,
    )


def label(text: str, labels: Mapping[str, str]) -> str:
    """Prometheus' own templates, as far as these rules have them."""
    for key, value in labels.items():
        text = text.replace(f"{{{{ $labels.{key} }}}}", value)
    return text


def stage(folder: Path, name: str, *, binding: str = "") -> Stage:
    """The loop over the stranger and its binding, the cluster's answers written down."""
    known = settings.read(LIBRARY / name)
    (one,) = known.documents
    assert one.binding is not None
    made = Stage(
        folder,
        document=one.path.read_text(encoding="utf-8"),
        binding=binding or one.binding.read_text(encoding="utf-8"),
    )
    answers = STRANGERS[name].answers

    def observe(ask: Ask) -> Answer:
        words = " ".join(word for stage in ask.stages for word in stage)
        if "servicemonitor" in words or "clusterlogforwarder" in words:  # a plain cluster does not know these
            return Answer(stderr="error: no such resource type", exit_codes=(1,), started_at=made.clock(), seconds=0.1)
        found = next((answer for asked, answer in answers.items() if asked in words), "fine\n")
        return Answer(stdout=found, exit_codes=(0,) * len(ask.stages), started_at=made.clock(), seconds=0.1)

    def instant(promql: str) -> tuple[tuple[dict[str, str], float], ...]:
        good = 1.0 if "bool" in promql or "up{" in promql else 0.0  # what is counted as well, and what as ill
        return (({}, good if made.ground.value else 1.0 - good),)

    made.ground.observe = observe  # type: ignore[method-assign]  # this ground is scripted anyway
    made.ground.instant = instant  # type: ignore[method-assign]
    made.ground.value = 0.0  # the fault is on
    return made


@pytest.mark.parametrize("name", NAMES)
def test_its_rule_is_what_the_verb_writes(name: str) -> None:
    """Whoever edits the binding writes it anew: handrail rules library/strangers/X --profile lab --tests --out FILE."""
    known = settings.read(LIBRARY / name)
    (place,) = known.environments
    found, left_out, sources = written(known, namespace=place.namespace, profile=PROFILES["lab"])
    assert not left_out
    head = f"Written by `handrail rules` from {' and '.join(sources)}: edit those, not this.\nThe profile lab: {PROFILES['lab'].says}."
    assert (RULES / f"strangers-{name}.yaml").read_text(encoding="utf-8") == alerting.text(found, head=head)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_its_binding_is_open_or_wrong(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bindcheck.run(LIBRARY / name, Known(), json_=False) == 0, capsys.readouterr().out


def test_the_tutorial_goes_from_a_strangers_document_to_its_drills_course_without_a_line_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Drafted from the rule, named in settings, nothing open, and over the loop it takes the course that its fault expects."""
    (one,) = settings.read(LIBRARY / "crash-loop").documents
    rules = RULES / "strangers-crash-loop.yaml"
    bind(one.path, rules=[rules], prometheus="", write=False, check=False, json_=False)
    drafted = capsys.readouterr().out
    for path in (LIBRARY / "crash-loop").glob("*.yaml"):
        (tmp_path / path.name).write_text(drafted if path == one.binding else path.read_text(encoding="utf-8"))
    assert bindcheck.run(tmp_path, monitoring([rules], ""), json_=False) == 0, capsys.readouterr().out
    made = stage(tmp_path, "crash-loop", binding=drafted)
    made.intake.take(alert("crash-loop"), source="shop")
    assert made.drive() == "the runbook has no change to propose: a person decides"
    assert values(made.store) == STRANGERS["crash-loop"].values
    made.ground.value = 1.0
    assert made.desk.done_by_hand("R-1", 6, ANA, note="the port is a number again").done
    assert made.drive() == "healed"


@pytest.mark.parametrize("name", NAMES)
def test_its_alert_finds_it_by_its_address_then_by_the_trigger_then_by_its_name(name: str) -> None:
    known = app.catalog(settings.read(LIBRARY / name))[0]
    bound = tuple(known.bindings.values())
    untold = tuple(
        dataclasses.replace(
            one, runbooks={key: dataclasses.replace(book, triggers=()) for key, book in one.runbooks.items()}
        )
        for one in bound
    )
    by_url = runbooks.select(alert(name), documents=known.documents, bindings=untold)
    by_trigger = runbooks.select(alert(name, url=False), documents=known.documents, bindings=bound)
    by_name = runbooks.select(alert(name, url=False), documents=known.documents, bindings=untold)
    for found in (by_url, by_trigger, by_name):
        assert not isinstance(found, runbooks.Undecided)
        assert found.runbook == told(name).runbook
        assert found.reasons
    assert [found.how for found in (by_url, by_trigger)] == ["url", "trigger"]  # type: ignore[union-attr]
    assert by_name.guess  # type: ignore[union-attr]  # a person confirms it


@pytest.mark.parametrize("name", NAMES)
def test_it_is_filled_in_looks_and_shows_the_cause(name: str, tmp_path: Path) -> None:
    one, wanted, book = stage(tmp_path, name), STRANGERS[name], told(name).runbook
    assert one.intake.take(alert(name), source="shop") == ["R-1"]
    one.drive()
    found = values(one.store)
    assert {key: found.get(key) for key in wanted.values} == wanted.values
    evidence = {item.command.removeprefix(f"{book}."): item for item in one.store.evidence_of("R-1")}
    assert {key: evidence[key].runs_as for key in wanted.runs_as} == wanted.runs_as
    command, words = wanted.shows
    assert words in str(evidence[command])
    looks = {key.removeprefix(f"{book}."): state for key, state in one.looks().items()}
    assert {key for key, state in looks.items() if state != "seen"} == set(wanted.unseen)


@pytest.mark.parametrize("name", NAMES)
def test_it_ends_as_its_fault_says(name: str, tmp_path: Path) -> None:
    one, wanted, expected = stage(tmp_path, name), STRANGERS[name], told(name)

    def cured() -> None:
        one.ground.value = 1.0

    one.intake.take(alert(name), source="shop")
    if expected.healed_by == "document":
        assert one.drive() == "a plan waits for approval"
        one.ground.on_change = cured
        one.approve()
        assert one.drive() == "healed"
        assert one.ground.changes == [(wanted.change,)]
        return
    assert one.drive() == "the runbook has no change to propose: a person decides"
    assert [task["text"] for task in one.store.tasks_of("I-1")]
    (by_hand,) = [remedy for remedy in expected.remedies if remedy.by_hand]
    cured()
    answer = one.desk.done_by_hand("R-1", by_hand.step, ANA, note="cured by hand")
    assert answer.done, answer.says
    assert one.drive() == "healed"
    assert one.ground.changes == []
