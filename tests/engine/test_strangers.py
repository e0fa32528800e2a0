"""A document in another team's style, its binding drafted and not touched: alert in, evidence, and the right end."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail import syntax
from handrail.alerts import Alert
from handrail.runbooks import drafttext, promrules
from handrail.runbooks.draft import draft
from handrail.syntax.reading import read_text
from handrail.targets import Answer, Ask
from tests.engine.stage import Stage, values

COLLECTOR = """# CollectorIsDown

## Meaning

A collector's pod cannot be asked.

## Diagnosis

- Find it via `oc get pods -n $NAMESPACE -l app=collector`.
- Read its logs via `oc -n $NAMESPACE logs $POD`.
- See how full its disk is:

  ```console
  $ oc -n $NAMESPACE rsh $POD
  sh-4.4# df -h /data
  ```

## Mitigation

1. Delete the pod, so that another one starts:

   ```console
   $ oc -n $NAMESPACE delete pod $POD
   pod "collector-1" deleted
   ```

2. Tell the owner of the collector.
"""
JOB = """# NightlyJobFails

## Meaning

The nightly job ended without success.

## Diagnosis

- Look at the job with `kubectl -n $NAMESPACE describe job $JOB`.
- Read what its pod said with `kubectl -n $NAMESPACE log pod $POD_OF_JOB`.

## Mitigation

Ask the team of the warehouse. Its data may be late.
"""
RULES = """groups:
  - name: collectors
    rules:
      - alert: CollectorIsDown
        expr: up{job="collector"} == 0
        annotations: {summary: 'A collector in {{ $labels.namespace }} is down'}
      - alert: NightlyJobFails
        expr: kube_job_failed{job="kube-state-metrics"} > 0
        annotations: {summary: '{{ $labels.namespace }}/{{ $labels.job_name }} failed'}
"""
PODS = """NAME          READY   STATUS             RESTARTS   AGE
collector-0   1/1     Running            0          5d
collector-1   0/1     CrashLoopBackOff   9          1h
"""


def stage(folder: Path, text: str, answers: dict[str, str]) -> Stage:
    """The loop over a document with the binding that is drafted for it."""
    knowledge = syntax.load_knowledge()
    known = promrules.read(RULES, path="rules.yaml")
    made = draft(read_text(text, "shop.md", knowledge), rules=known, knowledge=knowledge, stem="shop")
    one = Stage(folder, document=text, binding=drafttext.text(made, head="Drafted."))

    def observe(ask: Ask) -> Answer:
        words = " ".join(word for stage in ask.stages for word in stage)
        told = next((answer for asked, answer in answers.items() if asked in words), "fine")
        return Answer(stdout=told, exit_codes=(0,) * len(ask.stages), started_at=one.clock(), seconds=0.1)

    one.ground.observe = observe  # type: ignore[method-assign]  # this ground is scripted anyway
    return one


def fires(one: Stage, name: str, **labels: str) -> None:
    """An alert of that name comes."""
    alert = Alert(
        fingerprint="f",
        name=name,
        status="firing",
        labels={"alertname": name, "service": "web", **labels},
        annotations={"summary": "It is down"},
        starts_at=one.clock(),
        ends_at=None,
    )
    assert one.intake.take(alert, source="shop") == ["R-1"]


def test_a_draft_alone_takes_a_stranger_from_the_alert_to_a_healed_incident(tmp_path: Path) -> None:
    one = stage(tmp_path, COLLECTOR, {"get pods": PODS})
    one.ground.value = 0.0
    fires(one, "CollectorIsDown", namespace="logging")
    assert one.drive() == "a plan waits for approval"
    assert values(one.store) == {"NAMESPACE": "logging", "POD": "collector-1"}
    assert one.looks() == {
        "collectorisdown.1.1": "seen",
        "collectorisdown.2.1": "seen",
        "collectorisdown.3.1": "left to a person",  # a shell is a person's
        "collectorisdown.3.2": "seen",  # what is typed in it is not
    }
    shown = next(item.runs_as for item in one.store.evidence_of("R-1") if item.command == "collectorisdown.3.2")
    assert shown == "kubectl exec collector-1 -n logging -- df -h /data"

    def cured() -> None:
        one.ground.value = 1.0

    one.ground.on_change = cured
    one.approve()
    assert one.drive() == "healed"
    assert one.ground.changes == [(("kubectl", "delete", "pod", "collector-1", "-n", "logging"),)]


def test_a_stranger_without_a_change_ends_at_a_person_with_the_evidence_and_what_to_do(tmp_path: Path) -> None:
    told = "Events:\n  Normal  SuccessfulCreate  5m  job-controller  Created pod: nightly-1-abcde\n"
    one = stage(tmp_path, JOB, {"describe job": told})
    fires(one, "NightlyJobFails", namespace="shop", job_name="nightly-1", pod="kube-state-metrics-0")
    assert one.drive() == "the runbook has no change to propose: a person decides"
    assert values(one.store) == {"NAMESPACE": "shop", "JOB": "nightly-1", "POD_OF_JOB": "nightly-1-abcde"}
    asked = {item.command: item.runs_as for item in one.store.evidence_of("R-1")}
    assert asked["nightlyjobfails.2.1"] == "kubectl logs pod/nightly-1-abcde -n shop"
    assert one.ground.changes == []
    tasks = [task["text"] for task in one.store.tasks_of("I-1")]
    assert tasks == ["Ask the team of the warehouse. Its data may be late."]


@pytest.mark.parametrize("text", [COLLECTOR, JOB], ids=["a collector", "a job"])
def test_nothing_of_a_draft_changes_anything_without_a_yes(text: str, tmp_path: Path) -> None:
    one = stage(tmp_path, text, {"get pods": PODS})
    one.ground.value = 0.0
    fires(one, "CollectorIsDown" if text is COLLECTOR else "NightlyJobFails", namespace="shop")
    for _ in range(4):
        one.drive()
    assert one.ground.changes == []
