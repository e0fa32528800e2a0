"""Which reads are asked, as what, and what is said where one cannot be."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from handrail import commands, syntax
from handrail.engine import looking, scene
from handrail.evidence import Look
from handrail.runbooks.binding import RunbookBinding, Trigger
from handrail.runbooks.document import RunbookId
from handrail.syntax.reading import read_text
from handrail.targets import Answer, Ask

KNOWLEDGE = syntax.load_knowledge()


def understood(text: str) -> commands.Command:
    (parsed,) = syntax.parse_blocks([text])
    found = syntax.understand_one(parsed, KNOWLEDGE)
    assert found is not None
    return found


def asked(text: str) -> Ask | looking.CannotRun:
    return looking.ask_for(understood(text), {}, run="R-1")


def test_a_column_that_has_another_name_now_is_asked_by_that_name_and_said() -> None:
    text = 'kubectl exec -it deploy/db -- psql -c "SELECT query, mean_time FROM pg_stat_statements ORDER BY mean_time DESC;"'
    ask = asked(text)
    assert isinstance(ask, Ask)
    assert ask.sql == "SELECT query, mean_exec_time FROM pg_stat_statements ORDER BY mean_exec_time DESC;"
    assert "mean_time is called mean_exec_time now" in "; ".join(understood(text).adjustments)


def test_a_change_keeps_its_text_whatever_is_wrong_with_it() -> None:
    text = 'psql -c "DELETE FROM pg_stat_statements WHERE mean_time > 5;"'
    assert understood(text).runs_as is None
    assert isinstance(asked(text), looking.CannotRun)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("kubectl top pods -n shop -w", ("kubectl", "top", "pods", "-n", "shop")),
        ("kubectl logs -n shop -l app=web -w", ("kubectl", "logs", "-n", "shop", "-l", "app=web", "-f")),
        ("kubectl exec -it web-0 -- env", ("kubectl", "exec", "web-0", "--", "env")),
    ],
)
def test_what_keeps_the_meaning_happens_by_itself(text: str, runs: tuple[str, ...]) -> None:
    ask = asked(text)
    assert isinstance(ask, Ask)
    assert ask.stages[0] == runs


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kubectl logs -n shop --all-containers=true", "needs a pod, a workload or a selector"),
        ("kubectl delete pod web-0", "only as part of an approved plan"),
        ("kubectl get pods --nonsense", "only as part of an approved plan"),
        ("for i in 1 2; do kubectl get pods; done", ""),
    ],
)
def test_what_cannot_work_is_not_asked_and_says_why(text: str, why: str) -> None:
    ask = asked(text)
    assert isinstance(ask, looking.CannotRun), ask
    assert why in ask.reason


def test_a_watch_that_never_ends_gets_a_window() -> None:
    ask = asked("kubectl get pods -n shop -w")
    assert isinstance(ask, Ask)
    assert ask.window == looking.WATCH_WINDOW


def _alert(name: str, *, service: str, url: str = "") -> dict[str, object]:
    body = {"labels": {"alertname": name, "service": service}, "annotations": {"runbook_url": url}}
    return {"name": name, "body": json.dumps(body)}


@pytest.mark.parametrize(
    ("alerts", "service"),
    [
        ([_alert("Unavailable", service="catalog"), _alert("Errors", service="gateway")], "catalog"),
        ([_alert("Errors", service="gateway"), _alert("Other", service="x", url="https://d/#rb-013-degraded")], "x"),
        ([_alert("Unavailable", service="a"), _alert("Unavailable", service="b")], "b"),
        ([_alert("Errors", service="catalog"), _alert("Slow", service="gateway")], "catalog"),
        ([_alert("Errors", service="gateway"), _alert("Slow", service="invoices")], "invoices"),
        ([], None),
    ],
)
def test_a_run_takes_its_values_from_the_alert_it_answers(alerts: list[dict[str, object]], service: str | None) -> None:
    """An alert of another runbook that joined a moment later had sent its looks to the wrong service."""
    binding = RunbookBinding(runbook=RunbookId("RB-013"), triggers=(Trigger(alerts=("Unavailable",)),))
    labels = scene.labels_of(alerts, runbook="RB-013", binding=binding, service="catalog")
    assert labels.get("service") == service


CHART = "the chart does not render (mend it in the repository; nothing of it was applied): "
LINT = "the chart has mistakes (mend it in the repository; nothing of it was applied): "
POINTER = 'template: azora/templates/gateway.yaml:4:20: executing "azora/templates/gateway.yaml" at <.Values.b.c>: nil pointer evaluating interface {}.c'


@pytest.mark.parametrize(
    ("text", "stdout", "stderr", "look", "says"),
    [
        (
            "helm template helm/azora",
            "",
            f"Error: {POINTER}\n\nUse --debug flag to render out invalid YAML\n",
            Look.SEEN,
            f"{CHART}Error: {POINTER}",
        ),
        (
            "helm lint helm/azora",
            f"==> Linting helm/azora\n[INFO] Chart.yaml: icon is recommended\n[ERROR] templates/: {POINTER}\n",
            "Error: 1 chart(s) linted, 1 chart(s) failed\n",
            Look.SEEN,
            f"{LINT}[ERROR] templates/: {POINTER}",
        ),
        (
            "git log",
            "",
            "hint: something\nfatal: not a git repository\nPlease make sure\n",
            Look.COULD_NOT_LOOK,
            "git ended with 1: fatal: not a git repository",
        ),
        ("grep -c x file", "0\n", "", Look.SEEN, "0"),
    ],
)
def test_what_a_program_complains_of_is_told_in_one_sentence(
    text: str, stdout: str, stderr: str, look: Look, says: str
) -> None:
    command, ask = understood(text), asked(text)
    assert isinstance(ask, Ask)
    answer = Answer(stdout=stdout, stderr=stderr, exit_codes=(1,), started_at=datetime.now(UTC), seconds=0.1)
    found = looking.as_evidence("X.1.1", command, ask, answer, run="R-1", first="X.1.1")
    assert (found.look, found.says) == (look, says[:300])


def test_a_question_that_never_ends_is_told_with_what_to_do() -> None:
    text = "kubectl get pods -n shop"
    command, ask = understood(text), asked(text)
    assert isinstance(ask, Ask)
    answer = Answer(started_at=datetime.now(UTC), seconds=20.0, timed_out=True)
    found = looking.as_evidence("X.1.1", command, ask, answer, run="R-1", first="X.1.1")
    assert (found.look, found.says) == (Look.COULD_NOT_LOOK, "no answer within 20 s")
    assert "its binding's `time_limits` can give its step longer" in found.because


def test_the_trouble_of_a_run_began_with_the_alert_that_names_it() -> None:
    """A vague alert came first, then a bad release, then the alert of it: the release is not taken for good."""
    binding = RunbookBinding(runbook=RunbookId("RB-002"), triggers=(Trigger(alerts=("Errors",)),))
    vague, own, again = _alert("Complaints", service="g"), _alert("Errors", service="g"), _alert("Errors", service="g")
    assert scene.those_naming([vague, own, again], runbook="RB-002", binding=binding) == [own, again]
    assert scene.those_naming([vague], runbook="RB-002", binding=binding) == []


def test_what_the_database_refuses_is_not_said_to_be_kubectls() -> None:
    command = understood('kubectl exec -it deploy/db -- psql -c "EXPLAIN SELECT * FROM users;"')
    ask = asked('kubectl exec -it deploy/db -- psql -c "EXPLAIN SELECT * FROM users;"')
    assert isinstance(ask, Ask)
    assert ask.sql
    answer = Answer(
        stderr="permission denied for table users", exit_codes=(1,), started_at=datetime.now(UTC), seconds=0.1
    )
    found = looking.as_evidence("X.1.1", command, ask, answer, run="R-1", first="X.1.1")
    assert found.says == "the database refused it: permission denied for table users"


def test_a_value_may_stand_in_what_another_runbooks_look_showed() -> None:
    document = read_text(
        "# A\n\n### RB-101: One\n\n1. **Look**\n   ```bash\n   kubectl get pods\n   ```\n", "a.md", KNOWLEDGE
    )
    (runbook,) = document.runbooks
    command, ask = understood("kubectl get pods"), asked("kubectl get pods")
    assert isinstance(ask, Ask)
    answer = Answer(stdout="NAME\nweb-0\n", exit_codes=(0,), started_at=datetime.now(UTC), seconds=0.1)
    other = looking.as_evidence("RB-102.1.1", command, ask, answer, run="R-1", first="RB-102.1.1")
    assert looking._seen("RB-102.1.1", runbook, [other]) == ("RB-102.1.1", other)
    assert looking._seen("1.1", runbook, [other]) == ("RB-101.1.1", None)
