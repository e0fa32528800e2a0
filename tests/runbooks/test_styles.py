"""Documents in the styles that teams write beside the seed's: one runbook a file, commands in sentences, prompts, variables."""

from __future__ import annotations

from typing import Any

import pytest

from handrail.commands import Effect, Scope, show
from handrail.runbooks import Runbook
from handrail.runbooks.document import StepKind
from tests.runbooks import reading

ONE_A_FILE = """---
title: Cart Pods Restart
weight: 20
---

# CartPodsRestart

## Meaning

A pod of the cart restarts again and again, more than 90% of its `mem_limit` in use.

## Impact

- Orders are lost.

## Diagnosis

The alert names the pod:

```console
 - alertname = CartPodsRestart
 - pod = cart-1
```

- Look at the pod via `kubectl -n $NAMESPACE get pod $POD`.
- Read what it said with `kubectl -n $NAMESPACE logs
  $POD -c $CONTAINER`
- Compare the limits:
  - memory
  - processor

## Mitigation

### Restart it

Delete the pod, its Deployment makes another:

```shell
$ kubectl -n <namespace> delete pod <pod-name>
pod "cart-1" deleted
```

### Ask its owner

Ask the owner of the cart. The team's page names them.

## Prerequisites

1. Access to the cluster

## See also

- [Orders](orders.md)
"""
STEPS_AS_HEADINGS = """# Slow checkout

## Goal

Find out why the checkout is slow.

## Workflow

### Step 1: Look at the pods

```bash
kubectl get pods -n {namespace} -l app={app_name}
```

### 2. Ask the database

```bash
kubectl exec -n {namespace} {db_pod} -- psql -c "SELECT 1"
```

## Possible causes

1. The pool is empty
"""


def only(text: str) -> Runbook:
    """The one runbook of a text."""
    (found,) = reading.read(text).runbooks
    return found


def told(runbook: Runbook) -> list[tuple[str, list[str]]]:
    """Steps by title, with the commands of each, else with what people are told."""
    return [
        (step.title, [command.text for command in step.commands] or [bullet.text for bullet in step.bullets])
        for step in runbook.steps
    ]


def test_one_runbook_a_file_is_called_what_the_file_is_called() -> None:
    runbook = only(ONE_A_FILE)
    assert (runbook.id, runbook.title, runbook.anchor, runbook.line) == (
        "cartpodsrestart",
        "CartPodsRestart",
        "cartpodsrestart",
        6,
    )


def test_its_parts_are_symptoms_steps_and_what_is_only_read() -> None:
    runbook = only(ONE_A_FILE)
    assert [symptom.text for symptom in runbook.symptoms] == [
        "A pod of the cart restarts again and again, more than 90% of its mem_limit in use.",
        "Orders are lost.",
    ]
    assert (runbook.symptoms[0].comparison, runbook.symptoms[0].value, runbook.symptoms[0].unit) == (">", 90.0, "%")
    assert told(runbook) == [
        ("Look at the pod", ["kubectl -n $NAMESPACE get pod $POD"]),
        ("Read what it said", ["kubectl -n $NAMESPACE logs $POD -c $CONTAINER"]),
        ("Compare the limits", ["memory", "processor"]),
        ("Delete the pod, its Deployment makes another", ["kubectl -n <namespace> delete pod <pod-name>"]),
        ("Ask its owner", ["Ask the owner of the cart. The team's page names them."]),
    ]
    assert [step.kind for step in runbook.steps] == [
        StepKind.COMMANDS,
        StepKind.COMMANDS,
        StepKind.LIST,
        StepKind.COMMANDS,
        StepKind.LIST,
    ]


def test_a_command_in_a_sentence_stands_where_it_stands() -> None:
    lines = ONE_A_FILE.split("\n")
    for step in only(ONE_A_FILE).steps[:2]:
        for command in step.commands:
            at = lines[command.span.line - 1][command.span.column - 1 :]
            assert at.startswith("kubectl -n $NAMESPACE")
    prompted = only(ONE_A_FILE).steps[3].commands[0]
    assert lines[prompted.span.line - 1][prompted.span.column - 1 :] == prompted.text


def test_a_variable_that_nobody_sets_is_a_placeholder() -> None:
    first, second = (step.commands[0] for step in only(ONE_A_FILE).steps[:2])
    assert first.parameters == ("POD", "NAMESPACE")
    assert second.parameters == ("POD", "CONTAINER", "NAMESPACE")
    assert first.stages is not None
    assert show(first.stages) == "kubectl get pod <POD> -n <NAMESPACE>"


def test_headings_that_are_numbered_are_steps() -> None:
    runbook = only(STEPS_AS_HEADINGS)
    assert runbook.id == "slow-checkout"
    assert [(step.title, step.commands[0].parameters) for step in runbook.steps] == [
        ("Look at the pods", ("namespace", "app_name")),
        ("Ask the database", ("namespace", "db_pod")),
    ]


def test_numbered_headings_with_parts_of_their_own_are_runbooks() -> None:
    text = "# Shop\n\n" + "\n".join(
        f"## {number}. {name}\n\n**Symptoms**:\n- > 1%\n\n**Steps**:\n\n1. **Look**\n   ```bash\n   kubectl get pods\n   ```\n"
        for number, name in ((1, "Orders fail"), (2, "Orders are slow"))
    )
    found = reading.read(text).runbooks
    assert [len(runbook.steps) for runbook in found] == [1, 1]


def test_many_troubles_below_one_heading_stay_runbooks_of_their_own() -> None:
    text = """# Handbook

## Overview

About the shop.

## Troubleshooting

### Orders fail

```bash
kubectl get pods -n shop
```

### Orders are slow

```bash
kubectl top pods -n shop
```
"""
    assert [runbook.id for runbook in reading.read(text).runbooks] == ["orders-fail", "orders-are-slow"]


def test_two_headings_of_one_text_have_two_ids() -> None:
    text = "# A\n\n## Again\n\n1. **x**\n   ```bash\n   ls\n   ```\n\n## Again\n\n1. **x**\n   ```bash\n   ls\n   ```\n"
    assert [runbook.anchor for runbook in reading.read(text).runbooks] == ["again", "again-1"]


def commands(block: str, *, language: str = "bash") -> list[Any]:
    """The commands of a block in a runbook."""
    text = f"# Trouble\n\n## Steps to take\n\n**Steps**:\n\n```{language}\n{block}\n```\n"
    return [command for runbook in reading.read(text).runbooks for step in runbook.steps for command in step.commands]


PROMPTS = [
    pytest.param("$ kubectl get pods\nNAME  READY\nweb-0  1/1", ["kubectl get pods"], id="a dollar"),
    pytest.param("root@n1:~# kubectl get pods\nNAME", ["kubectl get pods"], id="root at a host"),
    pytest.param("[core@n1 ~]$ df -h\nFilesystem", ["df -h"], id="a host in brackets"),
    pytest.param("sh-4.4# df -h", ["df -h"], id="a shell's name"),
    pytest.param("$ kubectl get pods \\\n    -n shop\nNAME", ["kubectl get pods \\\n    -n shop"], id="joined lines"),
    pytest.param("$ kubectl get pods |\n  grep web\nweb-0", ["kubectl get pods |\n  grep web"], id="an open pipe"),
    pytest.param("$ echo 'a\nb'\nout", ["echo 'a\nb'"], id="an open quote"),
    pytest.param("$ cat <<EOF\na\nEOF\nout", ["cat <<EOF\na\nEOF"], id="a here-document"),
    pytest.param("$ # a remark\n$ ls", ["ls"], id="a remark"),
    pytest.param(
        "kubectl get pods\n\nNAME    READY   STATUS\nweb-0   1/1     Running", ["kubectl get pods"], id="a table"
    ),
    pytest.param(
        "kubectl apply -f - <<EOF\nkind: Pod\nEOF\nkubectl get pods",
        ["kubectl apply -f - <<EOF\nkind: Pod\nEOF", "kubectl get pods"],
        id="a text that is handed in",
    ),
    pytest.param(
        "kubectl patch pod a -p '\nspec:\n  x: 1'\nspec: shown",
        ["kubectl patch pod a -p '\nspec:\n  x: 1'"],
        id="a text in quotes",
    ),
    pytest.param("# don't\nls # isn't\nNAME  AGE\na     5d", ["ls"], id="an apostrophe in a remark"),
    pytest.param("kubectl edit cm a\n...\nkey: value\n...", ["kubectl edit cm a"], id="an edited text"),
    pytest.param(
        'kubectl get pod a -o json | jq .status\n[\n  {\n    "type": "Ready"\n  }\n]\nkubectl get nodes',
        ["kubectl get pod a -o json | jq .status", "kubectl get nodes"],
        id="JSON",
    ),
    pytest.param('kubectl get pod a -o json\n  {"a": [1]}', ["kubectl get pod a -o json"], id="JSON in a line"),
    pytest.param("kubectl get a -o yaml\nitems:\n- name: b\n  uid: c", ["kubectl get a -o yaml"], id="a list of YAML"),
    pytest.param("ls\n- a", ["ls", "- a"], id="a hyphen alone"),
    pytest.param("ls\n{ kubectl get pods; }", ["ls", "{ kubectl get pods; }"], id="a group of commands"),
    pytest.param("ls\n[ -f a ] && cat a", ["ls", "[ -f a ] && cat a"], id="a test"),
    pytest.param(
        "kubectl patch pod a -p '\n{\n\"spec\": 1}'",
        ["kubectl patch pod a -p '\n{\n\"spec\": 1}'"],
        id="JSON in quotes",
    ),
    pytest.param("kubectl get pods\n# then\nkubectl get nodes", ["kubectl get pods", "kubectl get nodes"], id="none"),
]


@pytest.mark.parametrize(("block", "wanted"), PROMPTS)
def test_what_is_typed_is_told_from_what_is_printed(block: str, wanted: list[str]) -> None:
    assert [command.text for command in commands(block) if not command.task] == wanted


@pytest.mark.parametrize("language", ["", "console", "text"])
def test_a_block_without_a_language_is_a_shells_where_its_text_says_so(language: str) -> None:
    assert len(commands("kubectl get pods", language=language)) == 1
    assert commands(" - pod = web-0", language=language) == []
    assert commands("apiVersion: v1\nkind: Pod", language="bash") == []
    assert commands('  [\n    {"type": "Ready"}\n  ]', language="bash") == []


def test_a_variable_that_is_set_once_is_what_it_is_set_to() -> None:
    first, used = commands("NS=shop\nkubectl get pods -n $NS")
    assert (first.analysis.effect, first.analysis.scope, first.stages) == (Effect.READS, Scope.SESSION, None)
    assert show(used.stages) == "kubectl get pods -n shop"
    assert used.adjustments == ("$NS is shop in this document",)


def test_a_variable_that_a_command_prints_is_a_placeholder_and_the_command_is_a_look() -> None:
    printing, used = commands('export NS="$(kubectl get pods -A -o name | head -1)"\nkubectl get pods -n "$NS"')
    assert printing.analysis.effect is Effect.READS
    assert show(printing.stages) == "kubectl get pods -A -o name | head -1"
    assert printing.adjustments == ("what it prints is $NS in the commands after it",)
    assert used.parameters == ("NS",)


def test_a_variable_that_is_set_to_a_placeholder_is_one() -> None:
    first, used = commands("NODE=<instance label from alert>\nkubectl describe node $NODE")
    assert first.stages is None
    assert used.parameters == ("NODE",)


SHELLS_OWN = [
    "for pod in a b; do echo $pod; done\nkubectl get pod $pod",
    "read -r pod\nkubectl get pod $pod",
    "pod=a\npod=b\nkubectl get pod $pod",
    "pod=$pod-1\nkubectl get pod $pod",
    "pod='a b'\nkubectl get pod $pod",
    "kubectl get pod ${pod:-web}",
    "kubectl get pod $1",
    "kubectl get pod -f $HOME/pod.yaml",
]


@pytest.mark.parametrize("block", SHELLS_OWN)
def test_what_only_a_shell_can_follow_stays_the_shells(block: str) -> None:
    assert commands(block)[-1].stages is None


def test_a_variable_that_steers_programs_is_more_than_a_name() -> None:
    (first,) = commands("export KUBECONFIG=/tmp/other")
    assert first.analysis.effect is Effect.UNKNOWN


def test_a_variable_never_makes_a_change_a_read() -> None:
    destroying, verb, program = commands("kubectl delete pod $POD\nkubectl $VERB pod web-0\n$KUBECTL get pods")
    assert destroying.analysis.effect is Effect.DESTROYS
    assert verb.analysis.effect is Effect.UNKNOWN
    assert program.analysis.effect is Effect.UNKNOWN


TRANSLATED = [
    ("oc get pods -n shop", "kubectl get pods -n shop", Effect.READS),
    ("oc -n shop logs web-0", "kubectl logs web-0 -n shop", Effect.READS),
    ("oc adm top nodes", "kubectl top nodes", Effect.READS),
    ("oc adm cordon n1", "kubectl cordon n1", Effect.CHANGES),
    ("oc delete pod <pod>", "kubectl delete pod <pod>", Effect.DESTROYS),
    ("oc -n shop rsh web-0 df -h", "kubectl exec web-0 -n shop -- df -h", Effect.READS),
    ("oc rsh -c cart web-0", "kubectl exec -c cart -it web-0 -- sh", Effect.UNKNOWN),
    ("kubectl -n shop log pod web-0", "kubectl logs pod web-0 -n shop", Effect.READS),
    ("helm -n shop history cart", "helm history cart -n shop", Effect.READS),
]


@pytest.mark.parametrize(("text", "runs", "effect"), TRANSLATED)
def test_words_of_another_program_run_as_those_they_mean(text: str, runs: str, effect: Effect) -> None:
    (command,) = commands(text)
    assert show(command.stages) == runs
    assert command.analysis.effect is effect


@pytest.mark.parametrize("text", ["oc debug node/n1", "oc logs dc/web", "oc project shop", "oc rollout latest dc/web"])
def test_words_that_are_a_programs_own_are_left_alone(text: str) -> None:
    (command,) = commands(text)
    assert show(command.stages) == text
    assert command.analysis.effect is Effect.UNKNOWN


def test_kind_and_name_of_logs_are_joined_where_they_run() -> None:
    (command,) = commands("kubectl logs pod web-0")
    assert command.runs_as is not None
    assert show(command.runs_as) == "kubectl logs pod/web-0"
    assert {finding.rule for finding in command.findings} == {"logs-two-words"}


def test_what_is_typed_in_a_containers_shell_runs_there() -> None:
    opening, inside, piped, after = commands(
        "kubectl exec -it <pod> -n shop -- bash\ndf -h\nps aux | grep java\nkubectl get nodes"
    )
    assert (opening.analysis.effect, opening.analysis.scope, opening.analysis.needs_tty) == (
        Effect.UNKNOWN,
        Scope.NONE,
        True,
    )
    assert show(inside.stages) == "kubectl exec <pod> -n shop -- df -h"
    assert inside.parameters == ("pod",)
    assert inside.analysis.effect is Effect.READS
    assert show(piped.stages) == "kubectl exec <pod> -n shop -- ps aux | grep java"
    assert show(after.stages) == "kubectl get nodes"


def test_what_is_typed_in_another_session_is_a_persons() -> None:
    opening, inside, leaving, after = commands("oc debug node/n1\ndf -h\nexit\ndf -h")
    assert opening.analysis.effect is Effect.UNKNOWN
    assert (inside.stages, inside.analysis.effect, inside.analysis.scope) == (None, Effect.UNKNOWN, Scope.NONE)
    assert leaving.analysis.effect is Effect.READS
    assert show(after.stages) == "df -h"


def test_a_comment_shows_its_placeholders_as_they_are_written() -> None:
    *_, task = commands("ls\n# then ask <owner>")
    assert (task.task, task.text) == (True, "# then ask <owner>")
