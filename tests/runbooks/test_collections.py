"""Documents that no one here wrote: each is read, drafted a binding for, and the draft loads. Nothing of them is run.

They are no part of the project; the variable HANDRAIL_COLLECTIONS names their folder.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from handrail import syntax
from handrail.commands import Effect, show
from handrail.runbooks import Document, bindingfile, drafttext
from handrail.runbooks.draft import Draft, bindable, changes, draft, runnable
from handrail.syntax.reading import read_document

COLLECTIONS = os.environ.get("HANDRAIL_COLLECTIONS", "")
pytestmark = pytest.mark.skipif(not COLLECTIONS, reason="HANDRAIL_COLLECTIONS does not name a folder of collections")
KUBERNETES = "prometheus-operator/content/runbooks/kubernetes"
MONITORING = "openshift/alerts/cluster-monitoring-operator"
# document -> steps, commands, the parameters with the first source of each, how many remedies
DRAFTS = {
    f"{KUBERNETES}/KubePodCrashLooping.md": (6, 3, {"NAMESPACE": "label", "POD": "label", "CONTAINER": "label"}, 0),
    f"{KUBERNETES}/KubeJobFailed.md": (4, 3, {"NAMESPACE": "label", "JOB": "label", "POD_FROM_JOB": "pattern"}, 0),
    f"{KUBERNETES}/KubeDeploymentReplicasMismatch.md": (7, 1, {"NAMESPACE": "label", "NAME": "label"}, 0),
    f"{KUBERNETES}/KubePersistentVolumeFillingUp.md": (12, 4, {"my-namespace": "label", "my-pvc": ""}, 0),
    f"{MONITORING}/KubeDeploymentReplicasMismatch.md": (
        7,
        6,
        {"NAMESPACE": "label", "DEPLOYMENT": "label", "POD": "column"},
        0,
    ),
    f"{MONITORING}/KubeJobFailed.md": (2, 2, {"NAMESPACE": "label", "JOBNAME": "label"}, 0),
    f"{MONITORING}/KubePersistentVolumeFillingUp.md": (
        2,
        6,
        {"NAMESPACE": "label", "PVC_NAME": "label", "POD_NAME": "pattern"},
        0,
    ),
    "openshift/alerts/cluster-logging-operator/CollectorNodeDown.md": (
        20,
        17,
        {"POD_NAME": "column", "NODE_NAME": "label", "NAMESPACE": "label", "NAME": "pattern"},
        1,
    ),
    "kubevirt/docs/runbooks/NoLeadingVirtController.md": (
        12,
        15,
        {"NAMESPACE": "pattern", "virt-controller": "column"},
        2,
    ),
    "kubevirt/docs/runbooks/VirtControllerRESTErrorsBurst.md": (
        4,
        4,
        {"NAMESPACE": "pattern", "virt-controller": "column"},
        1,
    ),
    "holmesgpt/tests/llm/fixtures/test_ask_holmes/94_runbook_transparency/database_troubleshooting.md": (
        6,
        9,
        {"namespace": "label", "app_name": "aim", "db_pod": "column"},
        0,
    ),
    "holmesgpt/tests/llm/fixtures/test_ask_holmes/90_runbook_basic_selection/application_gateway_troubleshooting.md": (
        5,
        5,
        {"namespace": "label", "application-gateway-pod": ""},
        0,
    ),
}


@cache
def every() -> dict[str, Document]:
    """All documents by their path."""
    root, knowledge = Path(COLLECTIONS), syntax.load_knowledge()
    return {path.relative_to(root).as_posix(): read_document(path, knowledge) for path in sorted(root.rglob("*.md"))}


def drafted(name: str) -> Draft:
    """A draft without any rules."""
    return draft(every()[name], rules=(), knowledge=syntax.load_knowledge(), stem=Path(name).stem)


def test_most_of_them_hold_one_runbook_and_it_is_found() -> None:
    found = {
        name: document
        for name, document in every().items()
        if "/runbooks/" in f"/{name}" or ("/alerts/" in f"/{name}" and "/helpers/" not in name)
    }
    one = [name for name, document in found.items() if len(bindable(document)) == 1]
    commands = sum(
        len(step.commands) for document in found.values() for book in document.runbooks for step in book.steps
    )
    print(f"\n{len(found)} documents, {len(one)} of one runbook, {commands} commands")
    assert len(found) > 400
    assert len(one) > 0.95 * len(found)
    assert commands >= 1500


def test_every_draft_is_a_binding_that_loads() -> None:
    for name, document in every().items():
        if not bindable(document):
            continue
        text = drafttext.text(drafted(name), head="Drafted.")
        loaded = bindingfile.read(text, path=f"{name}.binding.yaml", documents=[document])
        assert set(loaded.runbooks) == {book.id for book in bindable(document)}, name


@pytest.mark.parametrize("name", DRAFTS, ids=lambda name: Path(name).stem)
def test_a_strangers_document_is_read_and_drafted_as_a_person_would(name: str) -> None:
    steps, commands, sources, remedies = DRAFTS[name]
    (one,) = drafted(name).runbooks
    assert len(one.runbook.steps) == steps
    assert sum(len(step.commands) for step in one.runbook.steps) == commands
    found = {
        each.name: next((drafttext.source(first.source) for first in each.sources), "")
        for each in one.parameters
        if each.name in sources
    }
    assert {key: _kind(source) for key, source in found.items()} == sources
    assert len(one.remedies) == remedies


def _kind(source: str) -> str:
    return next((word for word in ("pattern", "column", "aim", "query", "label") if f"{word}:" in source), "")


def test_what_is_typed_in_a_pods_shell_is_asked_of_the_pod() -> None:
    document = every()[f"{MONITORING}/KubePersistentVolumeFillingUp.md"]
    *_, last = document.runbooks[0].steps[0].commands
    assert last.text == "df -h"
    assert last.stages is not None
    assert show(last.stages) == "kubectl exec <POD_NAME> -n <NAMESPACE> -- df -h"


def test_no_read_of_theirs_deletes_writes_or_opens_a_session() -> None:
    """By words that can hardly stand in a read: a net below the analysis, not the analysis."""
    telling = (
        " delete ",
        " apply ",
        " patch ",
        " scale ",
        " edit ",
        " cordon ",
        " drain ",
        " rollout restart ",
        " rsh ",
    )
    for name, document in every().items():
        for book in document.runbooks:
            for step in book.steps:
                for command in step.commands:
                    if command.analysis.effect is Effect.READS and command.stages is not None:
                        shown = show(command.runs_as or command.stages).split(" | ")[0]
                        assert not any(word in f" {shown} " for word in telling) or "can-i" in shown, (name, shown)
                        assert not changes(command)
                        assert runnable(command) or command.analysis.needs_tty
