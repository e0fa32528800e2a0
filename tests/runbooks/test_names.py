"""What a binding names and nobody has: each planted name is found at its line, with what was meant; what is there is not told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handrail import syntax
from handrail.commands import Finding, Severity
from handrail.runbooks import bindingfile, promrules, proof
from handrail.runbooks.document import Document
from handrail.runbooks.proof import Bound, Monitored, Recorded
from handrail.syntax.reading import read_text

DOCUMENT = """# Shop

### RB-101: Carts fail

**Steps**:

1. **Look**
   ```bash
   kubectl logs <pod-name> -n shop
   ```
2. **Restart**
   ```bash
   kubectl get pods -n shop
   kubectl rollout restart deployment/<deployment> -n shop
   ```
3. **Choose**
   - Restart it
   - Add replicas

**Resolution**:
- Mend the code

### RB-102: Stock is wrong

**Steps**:

1. **Look**
   ```bash
   kubectl get pods -n shop
   ```

## Escalation Procedures

### Level 1: On-Call Engineer
- Take the alert
- Write down what was done
"""
GOOD = """version: 1
runbooks:
  RB-101:
    triggers:
      - alert: CartsFail
        query: 'sum by (job) (rate(cart_errors_total{namespace="$namespace", code=~"5.."}[$window]))'
        denominator: 'sum by (job) (rate(cart_all_total{namespace="$namespace"}[$window]))'
        above: 0.1
        name: carts that fail
        service: {label: job}
      - event: deployment.failed
    summary: Carts of $service fail ({value} %)
    explains: [RB-102]
    parameters:
      pod-name:
        from:
          - {query: 'topk(1, cart_errors_total{namespace="$namespace"})', label: pod}
      deployment:
        from:
          - {query: 'max by (deployment) (cart_up{pod="$pod-name", name=~"$service-v1"})', label: deployment}
    checks:
      - name: errors
        query: 'sum(rate(cart_errors_total{namespace="$namespace", code=~"5.."}[$window]))'
        below: 1
    lists:
      3:
        kind: choice
        bullets:
          1:
            remedy: RB-101/restart
            signs:
              - query: 'max by (pod) (cart_up{namespace="$namespace"})'
                above: 0
                says: $service runs in {pod} ({value})
              - {released_within: 5m, says: 'after {value}'}
          2: a person
    remedies:
      - name: restart
        title: Restart $deployment
        step: 2
        needs: [deployment]
        undo: kubectl rollout undo deployment/<deployment> -n shop
        when:
          - query: 'label_replace(cart_up{job="$service"}, "$app", "$1", "pod", "(?P<app>.+)-.*")'
            above: 0
            says: no pod of $service runs
    resolution: {1: first_fix}
  RB-102:
    triggers: [{alert: StockIsWrong, service: stock}]
escalation:
  1: {1: acknowledge, 2: timeline}
"""
RULE = """groups:
  - name: shop
    rules:
      - {alert: CartsFail, expr: 'sum by (job) (rate(cart_errors_total{namespace="shop", container="cart"}[5m])) > 1'}
      - {alert: StockIsWrong, expr: 'stock_wrong{container="stock", warehouse="north"} > 0'}
"""
OTHER = "# Sites\n\n### RB-201: A site is away\n\n**Steps**:\n\n1. **Look**\n   ```bash\n   kubectl get nodes\n   ```\n"
DEFINED = frozenset({"cart", "stock"})


def document(text: str = DOCUMENT) -> Document:
    """A document as it is read."""
    return read_text(text, "shop.md", syntax.load_knowledge())


def found(
    text: str,
    *,
    others: tuple[Document, ...] = (),
    beside: Callable[[], tuple[Document, ...]] = tuple,
    services: frozenset[str] | None = DEFINED,
    events: frozenset[str] = frozenset(),
    rules: str = "",
) -> list[Finding]:
    """The findings of a binding."""
    read = document()
    bound = Bound(
        binding=bindingfile.read(text, path="shop.binding.yaml", documents=[read]),
        text=text,
        documents=(read,),
        others=others,
        beside=beside,
        services=services,
    )
    monitored = Monitored(rules=promrules.read(rules, path="rules.yaml") if rules else ())
    return list(proof.of_binding(bound, monitored=monitored, recorded=Recorded(events=events)))


def line_of(text: str, what: str) -> int:
    """The line on which something stands first."""
    return text[: text.index(what)].count("\n") + 1


def test_names_that_are_there_are_not_told() -> None:
    assert found(GOOD) == []
    assert found(GOOD, rules=RULE) == []
    assert found(GOOD, services=None) == []


# what stands in GOOD, what is written for it, where it is found, the rule and the suggestion
PLANTED = [
    pytest.param("          2: a person", "          9: a person", "9: a person", "no-such-bullet", "name one of 1 to 2", id="a bullet"),
    pytest.param("      3:\n        kind: choice\n        bullets:\n          1:\n", "      2:\n        kind: choice\n        bullets:\n          1:\n", "2:\n        kind", "no-such-list", "name one of the steps with bullets: 3", id="a choice where commands are"),
    pytest.param("    lists:\n", "    lists:\n      1: {kind: look}\n", "1: {kind: look}", "no-such-list", "name one of the steps with bullets: 3", id="a list of looks where commands are"),
    pytest.param("    lists:\n", "    lists:\n      1: {kind: checklist}\n", "1: {kind: checklist}", "no-such-list", "name one of the steps with bullets: 3", id="a checklist where commands are"),
    pytest.param("        step: 2\n", "        step: 1\n", "step: 1", "changes-nothing", "name a step that changes something: 2", id="a remedy that only reads"),
    pytest.param("        step: 2\n", "        step: 3\n", "step: 3", "changes-nothing", "name a step that changes something: 2", id="a remedy of a list"),
    pytest.param("        step: 2\n", "        step: 2\n        commands: ['2.1']\n", "step: 2", "changes-nothing", "name a step that changes something: 2", id="a remedy's reading command"),
    pytest.param("[RB-102]", "[RB-102, RB-112]", "explains", "no-such-runbook", "did you mean RB-102?", id="what is explained"),
    pytest.param("remedy: RB-101/restart", "remedy: RB-111/restart", "1:\n            remedy", "no-such-runbook", "did you mean RB-101?", id="whose remedy a bullet stands for"),
    pytest.param("needs: [deployment]", "needs: [deploymnet]", "needs", "no-such-parameter", "did you mean deployment?", id="what a remedy needs"),
    pytest.param("      pod-name:\n", "      pod_nam:\n", "pod_nam:", "no-such-parameter", "did you mean pod-name?", id="a parameter"),
    pytest.param('cart_errors_total{namespace="$namespace"})', 'cart_errors_total{namespace="$nmspace"})', "- {query: 'topk", "no-such-parameter", "did you mean $namespace?", id="a place in a source"),
    pytest.param("        query: 'sum(rate(cart_errors_total{namespace=\"$namespace\"", "        query: 'sum(rate(cart_errors_total{namespace=\"$nmspace\"", "query: 'sum(rate", "no-such-parameter", "did you mean $namespace?", id="a place in a check"),
    pytest.param("$pod-name", "$pod-nam", "- {query: 'max by (deployment)", "no-such-parameter", "did you mean $pod-name?", id="a parameter in a query"),
    pytest.param('cart_all_total{namespace="$namespace"}', 'cart_all_total{namespace="$service"}', "denominator", "no-such-parameter", "ask for every one, grouped by a label", id="a service where an alert is raised"),
    pytest.param("says: $service runs", "says: $servce runs", "says: $servce", "no-such-parameter", "did you mean $service?", id="a place in a sign's sentence"),
    pytest.param("no pod of $service", "no pod of $services", "says: no pod", "no-such-parameter", "did you mean $service?", id="a place in a condition's sentence"),
    pytest.param("summary: Carts of $service", "summary: Carts of $servce", "summary", "no-such-parameter", "did you mean $service?", id="a place in the summary"),
    pytest.param("fail ({value} %)", "fail ({vaule} %)", "summary", "no-such-parameter", "did you mean {value}?", id="a figure in the summary"),
    pytest.param("title: Restart $deployment", "title: Restart $deploymnt", "title", "no-such-parameter", "did you mean $deployment?", id="a place in a title"),
    pytest.param("undo deployment/<deployment>", "undo deployment/<deploymnt>", "undo", "no-such-parameter", "did you mean <deployment>?", id="a placeholder in an undo"),
    pytest.param("service: stock", "service: stok", "triggers: [{alert", "no-such-service", "did you mean stock?", id="a service"),
    pytest.param("event: deployment.failed", "event: deployment.faild", "- event", "no-such-event", "did you mean deployment.failed?", id="an event"),
    pytest.param("event: deployment.failed", "event: audit.fond", "- event", "no-such-event", "did you mean audit.found?", id="an event that a drill has shown"),
    pytest.param("service: {label: job}", "service: {label: jobb}", "service: {label", "no-such-label", "did you mean job? Else group it by jobb", id="whose trouble it is"),
    pytest.param("runs in {pod}", "runs in {podd}", "says: $service runs", "no-such-label", "did you mean pod? Else group it by podd", id="a label in a sign's sentence"),
    pytest.param("({value})\n", "({vaule})\n", "says: $service runs", "no-such-label", "did you mean value? Else group it by vaule", id="the figure in a sign's sentence"),
    pytest.param("after {value}", "after {release}", "- {released_within", "no-such-label", "write {value}, or take it out", id="a label of a release"),
    pytest.param('cart_up{namespace="$namespace"}', 'cart_up{namspace="$namespace"}', "- query: 'max by (pod)", "no-such-label", "did you mean namespace?", id="a label of a selector that others have"),
    pytest.param("  1: {1: acknowledge", "  7: {1: acknowledge", "7: {1", "no-such-duty", "name one of 1", id="a level"),
    pytest.param("2: timeline}", "11: timeline}", "1: {1", "no-such-duty", "name one of 1 to 2", id="a duty"),
    pytest.param("resolution: {1: first_fix}", "resolution: {19: first_fix}", "resolution", "no-such-bullet", "name one of 1 to 1", id="a bullet of the Resolution"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "at", "rule", "suggestion"), PLANTED)
def test_a_name_that_nobody_has_is_found_at_its_line_with_what_was_meant(
    before: str, after: str, at: str, rule: str, suggestion: str
) -> None:
    assert before in GOOD
    text = GOOD.replace(before, after, 1)
    told = [one for one in found(text, events=frozenset({"audit.found"})) if one.rule not in proof.OPEN]
    wanted = [(line_of(text, at), rule, suggestion)] if rule else []
    assert [(one.span.line, one.rule, one.suggestion) for one in told] == wanted
    assert all(one.rule in proof.RULES and one.message and one.severity is not Severity.STYLE for one in told)


def test_what_another_edition_has_is_there() -> None:
    """One binding serves several editions, each with settings of its own."""
    more = (
        DOCUMENT.replace("   - Add replicas\n", "   - Add replicas\n   - Wait\n")
        .replace("- Mend the code\n", "- Mend the code\n- Try it\n")
        .replace("- Write down what was done\n", "- Write down what was done\n- Say so\n")
        .replace("   kubectl logs <pod-name> -n shop\n", "   kubectl delete pod <pod> -n shop\n")
    )
    text = (
        GOOD.replace("          2: a person", "          3: a person")
        .replace("resolution: {1:", "resolution: {2:")
        .replace("{1: acknowledge, 2:", "{1: acknowledge, 3:")
        .replace("        step: 2\n        needs: [deployment]", "        step: 1\n        needs: [pod]")
    )
    told = sorted(one.rule for one in found(text))
    assert told == ["changes-nothing", "no-such-bullet", "no-such-bullet", "no-such-duty", "no-such-parameter"]
    assert found(text, others=(document(more),)) == []


def test_a_runbook_of_another_document_is_there_and_is_only_looked_for_where_it_must_be() -> None:
    asked: list[int] = []

    def beside() -> tuple[Document, ...]:
        asked.append(1)
        return (document(OTHER),)

    assert found(GOOD, beside=beside) == []
    assert asked == []
    text = GOOD.replace("[RB-102]", "[RB-102, RB-201]").replace("2: a person", "2: RB-201/step-1")
    assert found(text, beside=beside) == []
    assert [one.rule for one in found(text)] == ["no-such-runbook", "no-such-runbook"]


def test_a_service_that_is_like_no_other_is_doubtful_and_an_event_like_no_other_is_new() -> None:
    (one,) = found(GOOD.replace("service: stock", "service: warehouse-7"))
    assert (one.rule, one.severity) == ("no-such-service", Severity.RISK)
    assert one.suggestion == "name one of cart, stock, or write it there"
    assert found(GOOD.replace("event: deployment.failed", "event: deployment.finished")) == []
    assert found(GOOD.replace("event: deployment.failed", "event: backup.late")) == []


def test_where_two_selectors_ask_for_nearly_the_same_label_of_one_metric_both_are_told_and_the_rarer_where_one_is() -> (
    None
):
    text = GOOD.replace('code=~"5.."}[$window]))\'\n        below', 'codde=~"5.."}[$window]))\'\n        below')
    assert sorted((one.span.line, one.suggestion) for one in found(text)) == [
        (line_of(text, "query: 'sum by (job)"), "did you mean codde?"),
        (line_of(text, "query: 'sum(rate"), "did you mean code?"),
    ]
    more = "      - {name: more, query: 'max(cart_errors_total{code=\"500\"})', below: 1}\n    lists:\n"
    assert [one.suggestion for one in found(text.replace("    lists:\n", more))] == ["did you mean code?"]


def test_a_label_that_rules_ask_for_is_none_that_is_mistyped() -> None:
    text = GOOD.replace('cart_up{namespace="$namespace"}', 'cart_up{contaner="x"}')
    assert [one.suggestion for one in found(text, rules=RULE)] == ["did you mean container?"]
    text = GOOD.replace('code=~"5.."}[$window]))\'\n        below', 'container="x"}[$window]))\'\n        below')
    assert found(text, rules=RULE) == []


def test_a_source_of_series_that_bring_their_labels_is_held_to_those_that_are_asked_for() -> None:
    query = 'rate(cart_rows{relname="users", namespace="$namespace"}[$window])'
    sign = f"              - {{query: '{query}', above: 1, says: 'rows of {{relnam}}'}}\n"
    text = GOOD.replace("              - {released_within", sign + "              - {released_within")
    (one,) = found(text)
    assert (one.rule, one.severity, one.suggestion) == ("no-such-label", Severity.RISK, "did you mean relname?")
    assert one.span.line == line_of(text, sign)
    assert found(text.replace("{relnam}", "{schemaname}")) == []
