"""Drafts of bindings: what is proposed for a stranger's document, how sure and why, and what is asked instead of guessed."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from handrail import syntax
from handrail.errors import FixRunbook
from handrail.runbooks import bindingfile, drafttext, promrules
from handrail.runbooks.binding import FromAim, FromLabel, FromQuery, FromTable, FromText
from handrail.runbooks.draft import Draft, ProposedParameter, RunbookDraft, Sure, draft
from handrail.syntax.reading import read_text

CRASHING = """# CartPodsRestart

## Meaning

A pod of the cart restarts again and again.

## Impact

Error rate > 1%

## Diagnosis

- Find the pod with `kubectl get pods -n $NAMESPACE`.
- Look at its container via `kubectl -n $NAMESPACE logs $POD -c $CONTAINER`.

## Mitigation

1. **Restart it**

   ```console
   $ oc -n $NAMESPACE delete pod $POD
   pod "cart-1" deleted
   ```

2. Either ask the owner or roll back:

   - ask the owner of the cart
   - roll the release back
"""
MANY = """# Shop

## Trouble

### RB-101: Cart Pods Crash Loop

**Symptoms**:
- Pods of the cart crash

**Steps**:

1. **Look**
   ```bash
   kubectl get pods -n shop
   ```

### RB-102: Stock Is Wrong

**Symptoms**:
- Stock < 3%

**Steps**:

1. **Ask**
   ```bash
   kubectl logs <pod-name> -n shop
   ```
2. **Throw it out**
   ```bash
   kubectl exec <pod-name> -n shop -- ./throw-out.sh <shop-password>
   ```
"""
RULES = """groups:
  - name: shop
    rules:
      - alert: CartPodsRestart
        expr: |
          max_over_time(
            kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[10m]
          ) >= 1
        annotations:
          description: '{{ $labels.namespace }}/{{ $labels.pod }} restarts'
      - alert: ByAddress
        expr: sum(rate(cart_errors_total[5m])) / sum(rate(cart_requests_total[5m])) > 0.01
        annotations:
          runbook_url: https://wiki.example/cartpodsrestart
      - alert: CartPodsCrashLooping
        expr: cart_crashes > 3
      - alert: StockLow
        labels: {handbook: RB-102}
        expr: stock_left < 3
      - alert: QueueIsFull
        expr: vector(1)
"""


def rules(text: str = RULES) -> tuple[promrules.AlertingRule, ...]:
    """The rules of a text."""
    return promrules.read(text, path="rules.yaml")


def drafted(text: str, *, known: str = "", stem: str = "shop") -> Draft:
    """A draft of a text, with rules or without."""
    knowledge = syntax.load_knowledge()
    document = read_text(text, f"{stem}.md", knowledge)
    return draft(document, rules=rules(known) if known else (), knowledge=knowledge, stem=stem)


def only(text: str, *, known: str = "", stem: str = "shop") -> RunbookDraft:
    """The draft of the one runbook of a text."""
    (found,) = drafted(text, known=known, stem=stem).runbooks
    return found


def parameter(found: RunbookDraft, name: str) -> ProposedParameter:
    """A parameter of a draft."""
    return next(one for one in found.parameters if one.name == name)


def triggers(found: RunbookDraft) -> dict[str, tuple[Sure, str]]:
    """Alerts of a draft with how sure and why."""
    return {one.alert: (one.sure, one.why) for one in found.triggers}


def asked(found: RunbookDraft, part: str) -> list[str]:
    """What is asked of one part."""
    return [one.text for one in found.questions if one.part == part]


# -- triggers ----------------------------------------------------------------------------------------------------------


def test_an_alert_is_matched_by_address_before_name_and_each_says_why() -> None:
    found = triggers(only(CRASHING, known=RULES))
    assert found["ByAddress"] == (Sure.SURE, "its runbook_url leads here: https://wiki.example/cartpodsrestart")
    assert found["CartPodsRestart"] == (Sure.SURE, "the alert is called what the runbook is called")
    assert set(found) == {"ByAddress", "CartPodsRestart"}


def test_a_file_is_found_by_its_own_name_where_its_title_is_another() -> None:
    text = CRASHING.replace("# CartPodsRestart", "# What to do when carts restart")
    found = triggers(only(text, known=RULES.replace("/cartpodsrestart", "/docs/carts.md"), stem="carts"))
    assert found["ByAddress"][1].startswith("its runbook_url leads to this file")
    assert "CartPodsRestart" in triggers(only(text, known=RULES, stem="cart-pods-restart"))


def test_labels_and_words_tell_runbooks_of_one_document_apart() -> None:
    first, second = drafted(MANY, known=RULES).runbooks
    assert triggers(second) == {"StockLow": (Sure.SURE, "it says so: handbook=RB-102")}
    sure, why = triggers(first)["CartPodsCrashLooping"]
    assert sure is Sure.LIKELY
    assert "the same words" in why


def test_a_guess_is_a_question_and_no_answer() -> None:
    known = """groups: [{name: a, rules: [
      {alert: PodsOfTheCart, expr: x > 1, annotations: {summary: 'The cart will crash, {{ $labels.pod }}'}}]}]"""
    first, _ = drafted(MANY, known=known).runbooks
    assert first.triggers == ()
    (text,) = asked(first, "triggers")
    assert text.startswith("Does PodsOfTheCart start it? Only a guess")


def test_every_alert_that_is_surely_answered_is_bound_however_many() -> None:
    names = [f"Stock{number}" for number in range(6)]
    listed = ", ".join(f"{{alert: {name}, expr: x > 1, labels: {{handbook: RB-102}}}}" for name in names)
    _, second = drafted(MANY, known=f"groups: [{{name: a, rules: [{listed}]}}]").runbooks
    assert sorted(triggers(second)) == names


def test_an_alert_with_a_page_of_its_own_is_not_guessed_at() -> None:
    known = """groups: [{name: a, rules: [
      {alert: CartPodsCrash, expr: x > 1, annotations: {runbook_url: 'https://wiki.example/CartPodsCrash'}}]}]"""
    first, _ = drafted(MANY, known=known).runbooks
    assert triggers(first) == {}


def test_without_rules_a_title_that_is_an_alerts_name_is_likely_one() -> None:
    assert triggers(only(CRASHING))["CartPodsRestart"][0] is Sure.LIKELY
    first, _ = drafted(MANY).runbooks
    assert first.triggers == ()
    assert asked(first, "triggers") == ["Which alert or event starts it? (no rules were given)"]


def test_rules_that_nothing_answers_are_told() -> None:
    assert [rule.alert for rule in drafted(CRASHING, known=RULES).unanswered] == [
        "CartPodsCrashLooping",
        "StockLow",
        "QueueIsFull",
    ]


# -- parameters --------------------------------------------------------------------------------------------------------


def test_a_parameter_has_its_type_by_its_place_and_its_label_by_the_rule() -> None:
    found = only(CRASHING, known=RULES)
    namespace, pod = parameter(found, "NAMESPACE"), parameter(found, "POD")
    assert (namespace.type, namespace.sources[0].source) == ("kubernetes.namespace", FromLabel(label="namespace"))
    assert namespace.sources[0].sure is Sure.SURE
    assert (pod.type, pod.sources[0].source) == ("kubernetes.name", FromLabel(label="pod"))
    assert pod.why == "after `kubectl logs` in 2.1, and in 3.1"


def test_the_failing_pod_of_a_table_comes_after_the_label() -> None:
    table = [one.source for one in parameter(only(CRASHING, known=RULES), "POD").sources[1:3]]
    assert all(isinstance(one, FromTable) and one.command == "1.1" and one.column == "NAME" for one in table)


def test_a_label_that_the_rules_alerts_cannot_have_is_not_proposed() -> None:
    known = RULES.replace("cart_crashes > 3", "sum by (job) (cart_crashes) > 3")
    first, _ = drafted(
        MANY.replace("kubectl get pods -n shop", "kubectl logs <pod-name> -n shop"), known=known
    ).runbooks
    assert not any(isinstance(one.source, FromLabel) for one in parameter(first, "pod-name").sources)
    assert parameter(first, "pod-name").asks.startswith("Where does <pod-name> come from?")


def test_the_exporters_own_pod_is_not_taken_for_the_failing_one() -> None:
    """An alert made of a job's series carries the pod of the exporter, if it carries one."""
    text = "# JobFails\n\n**Steps**:\n\n```bash\nkubectl describe job $JOB\nkubectl logs $POD\n```\n"
    known = "groups: [{name: a, rules: [{alert: JobFails, expr: 'kube_job_failed > 0'}]}]"
    pod = parameter(only(text, known=known), "POD")
    assert [type(one.source).__name__ for one in pod.sources] == ["FromText", "FromQuery"]
    assert pod.sources[0].source == FromText(command="1.1", pattern=r"Created pod: ([a-z0-9]\S*)")
    query = pod.sources[1].source
    assert isinstance(query, FromQuery)
    assert 'owner_name="$JOB"' in query.promql


PARAMETERS: list[tuple[str, str, Any]] = [
    ("NS=$(kubectl get ns -o name)\nkubectl get pods -n $NS", "NS", FromText(command="1.1", pattern=r"(\S+)")),
    ("NODE=<instance label from alert>\nkubectl describe node $NODE", "NODE", FromLabel(label="instance")),
    (
        "kubectl get nodes\nkubectl describe node <n>",
        "n",
        FromTable(command="1.1", column="NAME", where="STATUS", values=("NotReady",)),
    ),
    (
        "kubectl describe pvc <c>\nkubectl exec <p> -- df -h",
        "p",
        FromText(command="1.1", pattern=r"^Used By: +([a-z0-9]\S*)"),
    ),
    ("kubectl get svc\nkubectl describe svc <s>", "s", FromText(command="1.1", pattern=r"^([a-z0-9]\S*) ")),
    (
        "kubectl get svc -A\nkubectl describe svc <s>",
        "s",
        FromText(command="1.1", pattern=r"^[a-z0-9]\S* +([a-z0-9]\S*)"),
    ),
    ("helm rollback shop <r>", "r", FromAim(aim="last_good_revision")),
    ("kubectl scale deploy <d> --replicas=3", "d", FromAim(aim="degraded_deployment")),
]


@pytest.mark.parametrize(("block", "name", "source"), PARAMETERS)
def test_a_source_is_what_the_document_itself_shows(block: str, name: str, source: Any) -> None:
    found = parameter(only(f"# Trouble\n\n**Steps**:\n\n```bash\n{block}\n```\n"), name)
    assert found.sources[0].source == source


def test_the_first_of_a_table_is_good_enough_to_look_and_never_to_change() -> None:
    text = "# Trouble\n\n**Steps**:\n\n```bash\nkubectl get svc\nkubectl delete svc <s>\n```\n"
    found = parameter(only(text), "s")
    assert found.sources == ()
    assert found.asks


def test_a_secret_is_never_bound() -> None:
    _, second = drafted(MANY, known=RULES).runbooks
    assert "shop-password" not in {one.name for one in second.parameters}
    assert any("is a secret" in note for note in second.notes)


# -- checks and remedies -----------------------------------------------------------------------------------------------


def test_a_check_is_the_negation_of_the_rule_with_the_documents_limit() -> None:
    checks = {one.check.name: one for one in only(CRASHING, known=RULES).checks}
    rate = checks["error rate"]
    assert (rate.check.query, rate.check.denominator) == (
        "sum(rate(cart_errors_total[$window]))",
        "sum(rate(cart_requests_total[$window]))",
    )
    assert (rate.check.scale, rate.check.below, rate.check.unit, rate.stated) == (100, 1, "%", True)
    assert "the negation of ByAddress (rules.yaml:11)" in rate.why
    crash = checks["cart pods restart"].check
    assert 'namespace="$namespace"' in crash.query
    assert crash.window.total_seconds() == 600


def test_of_two_alerts_on_one_figure_the_documents_limit_counts() -> None:
    known = """groups: [{name: a, rules: [
      {alert: Worse, expr: stock_percent < 1, labels: {handbook: RB-102}},
      {alert: Bad, expr: stock_percent < 3, labels: {handbook: RB-102}},
      {alert: Early, expr: stock_percent < 9, labels: {handbook: RB-102}}]}]"""
    _, second = drafted(MANY, known=known).runbooks
    assert [(one.check.at_least, one.stated) for one in second.checks] == [(3, True)]


def test_without_a_rule_a_threshold_is_asked_about_with_an_example() -> None:
    _, second = drafted(MANY).runbooks
    (question,) = (one for one in second.questions if one.part == "checks")
    assert question.text == "Which query gives “Stock < 3%” (line 20)?"
    assert question.example == ("- {name: stock, query: '…', at_least: 3, unit: '%'}",)


def test_an_alert_that_is_always_on_proves_nothing() -> None:
    first, _ = drafted(MANY, known=RULES.replace("QueueIsFull", "CartPodsCrash")).runbooks
    assert any("it is always true" in text for text in asked(first, "checks"))


def test_each_changing_step_is_a_remedy_and_what_nobody_knows_is_asked() -> None:
    found = only(CRASHING, known=RULES)
    assert [(one.name, one.title, one.step, one.commands) for one in found.remedies] == [
        ("step-3", "Restart it", 3, ())
    ]
    assert found.remedies[0].says == "destroys: oc -n $NAMESPACE delete pod $POD"
    _, second = drafted(MANY).runbooks
    assert second.remedies == ()
    (question,) = asked(second, "remedies")
    assert "of step 2 do? Nobody knows, so it is no remedy, and a person's" in question
    assert "remedies: []" in drafttext.text(drafted(MANY), head="Drafted.")


def test_two_things_of_a_kind_do_not_share_a_source() -> None:
    block = "kubectl get pods\nkubectl logs <web-pod>\nkubectl delete pod <handler-pod>\nkubectl logs <web-pod-name>"
    found = only(f"# Trouble\n\n**Steps**:\n\n```bash\n{block}\n```\n")
    assert [bool(parameter(found, name).sources) for name in ("web-pod", "handler-pod", "web-pod-name")] == [
        True,
        False,
        True,
    ]


def test_what_only_a_shell_or_a_terminal_can_do_is_a_persons() -> None:
    text = """# Trouble

**Steps**:

```bash
kubectl delete pod web-0
kubectl delete pod `kubectl get pods -o name`
kubectl edit svc web
```
"""
    found = only(text)
    assert [one.commands for one in found.remedies] == [("1.1",)]
    assert [note.split(":")[0] for note in found.notes] == ["1.2 is a person's", "1.3 is a person's"]


def test_a_list_of_alternatives_is_asked_about() -> None:
    assert any("step 4 a choice" in text for text in asked(only(CRASHING), "lists"))


# -- the text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", ["", RULES], ids=["without rules", "with rules"])
@pytest.mark.parametrize("text", [CRASHING, MANY], ids=["one runbook", "many"])
def test_a_draft_is_a_binding_that_loads(text: str, known: str) -> None:
    document = read_text(text, "shop.md", syntax.load_knowledge())
    made = drafted(text, known=known)
    written = drafttext.text(made, head="Drafted.")
    loaded = bindingfile.read(written, path="shop.binding.yaml", documents=[document])
    for one in made.runbooks:
        bound = loaded.get(one.runbook.id)
        assert [name for trigger in bound.triggers for name in trigger.alerts] == [
            found.alert for found in one.triggers
        ]
        assert list(bound.checks) == [found.check for found in one.checks]
        sourced = {
            found.name: tuple(each.source for each in found.sources) for found in one.parameters if found.sources
        }
        assert {found.name: found.sources for found in bound.parameters} == sourced
        assert [found.name for found in bound.remedies or ()] == [found.name for found in one.remedies]


def test_every_answer_says_how_sure_it_is_and_every_question_stands_alone() -> None:
    lines = drafttext.text(drafted(MANY, known=RULES), head="Drafted.").split("\n")
    for at, line in enumerate(lines):
        if re.match(r"\s+- (alert:|\{(label|query|command|aim):)", line):
            assert re.search(r"# (sure|likely): \S", line), line
        if re.match(r"\s+- name:", line):
            assert re.match(r"\s+# (sure|likely): ", lines[at - 1]), line
    questions = [line for line in lines if drafttext.QUESTION.match(line)]
    assert questions
    assert all(line.lstrip().startswith("# ? ") for line in questions)


HOSTILE = [
    "yes",
    "on: off",
    "a: b",
    "# no",
    "it's",
    "a\nb",
    "\x07bell",
    "- x",
    "{a: b}",
    "'",
    '"',
    "%",
    "&x",
    "*x",
    "1e3",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_text_is_read_back_as_it_was(value: str) -> None:
    assert yaml.safe_load(f"a: {drafttext.scalar(value)}  # x") == {"a": value}


def test_a_hostile_document_makes_no_key_and_no_line_of_yaml() -> None:
    text = MANY.replace("Cart Pods Crash Loop", "Cart # ? ' : {").replace("**Throw it out**", "**Throw: 'it' # out**")
    text = text.replace("exec <pod-name> -n shop -- ./throw-out.sh <shop-password>", "delete pod <pod-name> -n shop")
    document = read_text(text, "shop.md", syntax.load_knowledge())
    written = drafttext.text(drafted(text, known=RULES), head="Drafted.\nA line.")
    loaded = bindingfile.read(written, path="shop.binding.yaml", documents=[document])
    assert set(loaded.runbooks) == {"RB-101", "RB-102"}
    (remedy,) = loaded.get("RB-102").remedies or ()
    assert remedy.title == "Throw: 'it' # out"


# -- rules -------------------------------------------------------------------------------------------------------------


def test_rules_are_read_from_manifests_and_lists_of_them_with_their_lines() -> None:
    manifest = """apiVersion: v1
kind: List
items:
  - kind: PrometheusRule
    spec:
      groups:
        - name: a
          rules:
            - record: x:y
              expr: x
            - alert: A
              expr: x > 1
---
groups: []
"""
    (rule,) = rules(manifest)
    assert (rule.alert, rule.where, rule.group) == ("A", "rules.yaml:11", "a")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("groups: [", "rules.yaml:1: this is not valid YAML"),
        ("a: b", "no alerting rule is in it"),
        ("groups: [{rules: [{alert: A}]}]", "rules.yaml:1: the alert A has no `expr`"),
    ],
)
def test_a_file_that_is_no_file_of_rules_says_so(text: str, says: str) -> None:
    with pytest.raises(FixRunbook, match=re.escape(says)):
        rules(text)


def test_rules_are_read_from_a_servers_answer() -> None:
    served = {
        "groups": [
            {
                "name": "a",
                "rules": [
                    {"type": "recording", "name": "x:y", "query": "x"},
                    {"type": "alerting", "name": "A", "query": "x > 1", "duration": 60, "labels": {"severity": "info"}},
                ],
            }
        ]
    }
    (rule,) = promrules.from_api(served, where="http://prometheus")
    assert (rule.alert, rule.expression, rule.lasts, rule.labels) == ("A", "x > 1", "60s", {"severity": "info"})
    with pytest.raises(FixRunbook, match="answers with no rules"):
        promrules.from_api({"groups": [{"rules": [{"type": "alerting"}]}]}, where="http://prometheus")


def test_an_address_that_only_a_template_knows_is_none() -> None:
    (rule,) = rules(
        "groups: [{rules: [{alert: A, expr: x > 1, annotations: {runbook_url: 'https://w/{{ $labels.job }}'}}]}]"
    )
    assert rule.runbook_url == ""
    assert rule.said_labels == ("job",)
