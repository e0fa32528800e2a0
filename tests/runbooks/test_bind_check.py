"""What is open in a binding, and what in it is wrong or proves nothing: each planted mistake is found at its line."""

from __future__ import annotations

import dataclasses

import pytest

from handrail import syntax
from handrail.commands import Finding, Severity
from handrail.runbooks import bindingfile, promrules, proof
from handrail.runbooks.proof import Bound, Monitored, Recorded, Seen
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
   kubectl rollout restart deployment/cart -n shop
   ```

### RB-102: Stock is wrong

**Steps**:

1. **Look**
   ```bash
   kubectl get pods -n shop
   ```
"""
RULES = """groups:
  - name: shop
    rules:
      - alert: CartsFail
        expr: sum by (job) (rate(cart_errors_total[5m])) > 1
        labels: {severity: critical}
      - alert: StockIsWrong
        expr: stock_wrong > 0
        annotations: {summary: "Stock of {{ $labels.sku_name }} is wrong"}
      - alert: AlwaysOn
        expr: vector(1)
"""
GOOD = """version: 1
runbooks:
  RB-101:
    triggers:
      - alert: CartsFail
        labels: {severity: critical}
    parameters:
      pod-name:
        from:
          - {query: 'sum by (pod) (cart_errors_total)', label: pod}
    checks:
      - {name: errors, query: 'sum(rate(cart_errors_total[$window]))', below: 1}
  RB-102:
    triggers: [{alert: StockIsWrong}]
"""


def bound(text: str, *, path: str = "shop.binding.yaml", document: str = DOCUMENT) -> Bound:
    """A binding with its document."""
    read = read_text(document, "shop.md", syntax.load_knowledge())
    return Bound(binding=bindingfile.read(text, path=path, documents=[read]), text=text, documents=(read,))


def found(
    text: str, *, rules: str = RULES, recorded: Recorded | None = None, **server: frozenset[str]
) -> list[Finding]:
    """The findings of a binding."""
    monitored = Monitored(
        rules=promrules.read(rules, path="rules.yaml") if rules else (),
        metrics=server.get("metrics"),
        labels=lambda name: server.get(name),
    )
    return list(proof.of_binding(bound(text), monitored=monitored, recorded=recorded or Recorded()))


def lines(findings: list[Finding]) -> list[tuple[int, str]]:
    """Findings as line and rule."""
    return [(one.span.line, one.rule) for one in findings]


def test_a_good_binding_has_nothing_open_and_nothing_wrong() -> None:
    assert found(GOOD) == []
    assert found(GOOD, rules="") == []


PLANTED = [
    pytest.param("version: 1\nrunbooks:\n  RB-101:\n  RB-102:\n", [(3, "no-trigger"), (3, "no-source"), (3, "no-check"), (4, "no-trigger")], id="all is open"),
    pytest.param(GOOD + "    # ? Which one?\n    #   - x\n", [(15, "open-question")], id="a question"),
    pytest.param(GOOD.replace("- alert: CartsFail", "- alert: CartFails"), [(5, "no-such-alert")], id="an alert that no rule raises"),
    pytest.param(GOOD.replace("- alert: CartsFail", "- alert: Carts.*"), [(5, "never-matches")], id="an alert as a pattern"),
    pytest.param(GOOD.replace("[{alert: StockIsWrong}]", "[{event: 'deployment.*'}]"), [(14, "never-matches")], id="an event as a pattern"),
    pytest.param(GOOD.replace("- alert: CartsFail", "- alert: AlwaysOn").replace("        labels: {severity: critical}\n", ""), [(5, "always-on")], id="an alert that is always on"),
    pytest.param(GOOD.replace("severity: critical", "severity: warning"), [(6, "never-matches")], id="a label's other value"),
    pytest.param(GOOD.replace("severity: critical", "pod: cart-1"), [(6, "no-such-label")], id="a label that the rule drops"),
    pytest.param(GOOD.replace("- {query: 'sum by (pod) (cart_errors_total)', label: pod}", "- {label: pod}"), [(10, "no-such-label")], id="a parameter's label"),
    pytest.param(GOOD.replace("label: pod}", "label: pods}"), [(10, "no-such-label")], id="a query's label"),
    pytest.param(GOOD.replace("- {query: 'sum by (pod) (cart_errors_total)', label: pod}", "- {command: '7.1', pattern: '(x)'}"), [(10, "no-such-command")], id="a command of a step that is none"),
    pytest.param(GOOD.replace("- {query: 'sum by (pod) (cart_errors_total)', label: pod}", "- {command: '1.2', pattern: '(x)'}"), [(10, "no-such-command")], id="a command that the step does not have"),
    pytest.param(GOOD.replace("- {query: 'sum by (pod) (cart_errors_total)', label: pod}", "- {command: RB-102.1.1, pattern: '(x)'}"), [], id="a command of another runbook"),
    pytest.param(GOOD.replace("    checks:\n", "    remedies: [{name: r, step: 2, commands: ['2.1', '2.2']}]\n    checks:\n"), [(11, "no-such-command")], id="a remedy's command"),
    pytest.param(GOOD.replace("[{alert: StockIsWrong}]", "[{alert: StockIsWrong}]\n    checks: [{name: s, query: stock_wrong, below: 1}]\n    parameters: {shop_id: {from: [{label: sku_nam}]}}"), [(16, "no-such-label")], id="a label that looks mistyped"),
    pytest.param(GOOD.replace("sum(rate(cart_errors_total[$window]))", "vector(0)"), [(12, "blind-check")], id="a check of nothing"),
    pytest.param(GOOD.replace("[{alert: StockIsWrong}]", "[{alert: StockIsWrong}, {alert: Watchdog, query: 'vector(1)', name: x}]"), [(14, "always-on")], id="a trigger whose own rule reads no series"),
    pytest.param(GOOD.replace("[{alert: StockIsWrong}]", "[{alert: StockIsWrong}, {alert: Up, query: up, above: -1, name: x}]"), [(14, "always-on")], id="a trigger whose own limit everything is beyond"),
    pytest.param(GOOD.replace("[{alert: StockIsWrong}]", "[{alert: StockIsWrong}, {alert: {High: {above: -1}}, query: 'sum(rate(x[$window]))', denominator: 'sum(rate(y[$window]))', name: x}]"), [(14, "always-on")], id="a ratio that is always beyond"),
    pytest.param(GOOD.replace("[{alert: StockIsWrong}]", "[{alert: StockIsWrong}, {alert: Up, query: up, above: 1, name: x}]"), [(14, "never-matches")], id="a trigger whose own limit nothing is beyond"),
    pytest.param(GOOD.replace("[{alert: StockIsWrong}]", "[{alert: StockIsWrong}, {alert: Few, query: up, below: 1, name: x}, {alert: Gone, query: 'absent(up)', name: x}]"), [], id="triggers whose own rules may be true or not"),
    pytest.param(GOOD.replace("below: 1}", "at_least: 0}"), [(12, "blind-check")], id="a check that is true whatever happens"),
    pytest.param(GOOD.replace("below: 1}", "below: 0}"), [(12, "never-holds")], id="a check that can never hold"),
    pytest.param(GOOD.replace("[$window]))", "[$window])) or vector(0)"), [(12, "blind-check")], id="a check that needs no data"),
    pytest.param(GOOD.replace("rate(cart_errors_total", "rate(cart_erors_total"), [(12, "no-such-metric")], id="a metric that looks mistyped"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), PLANTED)
def test_a_planted_mistake_is_found_at_its_line_and_says_what_to_do(text: str, wanted: list[tuple[int, str]]) -> None:
    told = found(text)
    assert lines(told) == wanted
    for finding in told:
        assert finding.message
        assert finding.suggestion
        assert finding.rule in proof.RULES
        assert (finding.severity is Severity.STYLE) == (finding.rule in proof.OPEN)


def test_an_always_on_rule_of_a_file_is_told_and_one_that_selects_by_no_name_is_none() -> None:
    for expression, wanted in (
        ("stock_wrong_total >= 0", [(14, "always-on")]),
        ("up > 1", [(14, "never-matches")]),
        ("{job='stock'} == 0", []),
        ("hour() >= 22", []),
    ):
        told = found(GOOD, rules=RULES.replace("stock_wrong > 0", f'"{expression}"'))
        assert lines(told) == wanted, expression


def test_a_trigger_of_its_own_rule_is_told_at_its_limit_or_its_query() -> None:
    trigger = (
        "\n      - alert:\n          High: {above: 5}\n          Any: {above: -1}\n        name: x\n        query: %s\n"
    )
    (limit,) = found(GOOD.replace(" [{alert: StockIsWrong}]\n", trigger % "up * 10"))
    assert (limit.span.line, limit.rule) == (17, "always-on")
    assert (
        limit.message == "the rule that this makes of Any is always true ((up * 10) > -1): its figure is never below 0"
    )
    both = found(GOOD.replace(" [{alert: StockIsWrong}]\n", trigger % "vector(1)"))
    assert [(one.span.line, one.rule, one.message.partition(": ")[2]) for one in both] == [
        (19, "never-matches", "no series is in it"),
        (19, "always-on", "no series is in it"),
    ]


def test_a_check_beside_one_that_needs_data_may_be_blind() -> None:
    text = GOOD.replace("    checks:\n", "    checks:\n      - {name: more, query: 'sum(x) or vector(0)', below: 1}\n")
    assert found(text) == []


def test_without_rules_or_a_server_two_queries_of_one_binding_tell_that_one_of_them_is_mistyped() -> None:
    told = found(GOOD.replace("rate(cart_errors_total", "rate(cart_erors_total"), rules="")
    assert lines(told) == [(12, "no-such-metric"), (10, "no-such-metric")]
    assert (
        told[0].message
        == "nothing else reads cart_erors_total, and another query of this binding reads cart_errors_total"
    )


def test_what_recorded_queries_read_tells_what_is_mistyped() -> None:
    once = GOOD.replace("sum by (pod) (cart_errors_total)", "kube_pod_info").replace(
        "rate(cart_errors", "rate(cart_erors"
    )
    known = Recorded(metrics=frozenset({"cart_errors_total"}))
    assert found(once, rules="") == []
    told = found(once, rules="", recorded=known)
    assert lines(told) == [(12, "no-such-metric")]
    assert told[0].message == "nothing else reads cart_erors_total, and a recorded query reads cart_errors_total"
    both = dataclasses.replace(known, metrics=known.metrics | {"cart_erors_total"})
    assert found(once, rules="", recorded=both) == [], "it was asked for in a drill, and there was an answer"


def test_a_sign_of_one_of_the_remedies_that_a_bullet_means_is_found_at_its_line() -> None:
    document = DOCUMENT + "2. **Choose**\n   - Raise a limit\n"
    text = GOOD + (
        "    lists:\n      2:\n        kind: choice\n        bullets:\n          1:\n"
        "            - {remedy: RB-101/a, signs: [{query: cart_errors_total, above: 1, says: a}]}\n"
        "            - remedy: RB-101/b\n"
        "              signs:\n"
        "                - {query: cart_erors_total, above: 1, says: b}\n"
    )
    with_document = Bound(
        binding=bindingfile.read(
            text, path="shop.binding.yaml", documents=[read_text(document, "shop.md", syntax.load_knowledge())]
        ),
        text=text,
        documents=(read_text(document, "shop.md", syntax.load_knowledge()),),
    )
    told = proof.of_binding(with_document, monitored=Monitored(), recorded=Recorded())
    assert [(one.span.line, one.rule) for one in told if one.rule == "no-such-metric"] == [(23, "no-such-metric")]


def test_what_a_server_has_counts_and_not_what_rules_read() -> None:
    every = frozenset({"cart_errors_total", "stock_wrong"})
    assert found(GOOD, metrics=every) == []
    told = found(GOOD, metrics=frozenset({"cart_error_total"}))
    assert lines(told) == [(12, "no-such-metric"), (10, "no-such-metric")]
    assert told[0].suggestion == "did you mean cart_error_total?"
    text = GOOD.replace("sum by (pod) (cart_errors_total)", "cart_errors_total == 1")
    assert found(text, metrics=every, cart_errors_total=frozenset({"__name__", "pod"})) == []
    assert lines(found(text, metrics=every, cart_errors_total=frozenset({"job"}))) == [(10, "no-such-label")]


def test_metrics_that_mean_something_else_are_no_slip() -> None:
    text = GOOD.replace("cart_errors_total[$window]", "cart_unavailable[$window]")
    assert found(text, rules=RULES.replace("stock_wrong > 0", "cart_available > 0")) == []


def seen(
    *, ok: bool | None, query: str = "sum(rate(cart_errors_total[$window]))", recording: str = "bad-release"
) -> Seen:
    """A reading of a recording."""
    return Seen(runbook="RB-101", query=query, ok=ok, says="errors: 0.2 (limit 1)", recording=recording)


def test_a_check_that_was_true_while_the_fault_was_on_proves_nothing() -> None:
    (finding,) = found(GOOD, recorded=Recorded(seen=(seen(ok=True), seen(ok=False, recording="other"))))
    assert (finding.rule, finding.severity, finding.span.line) == ("true-in-fault", Severity.WRONG, 12)
    assert finding.message.startswith("errors: 0.2 (limit 1) while the fault of bad-release was on")
    assert found(GOOD, recorded=Recorded(seen=(seen(ok=False), seen(ok=None)))) == []


def test_a_check_that_never_tells_the_fault_only_rests_on_the_others() -> None:
    text = GOOD.replace("    checks:\n", "    checks:\n      - {name: more, query: more, below: 1}\n")
    told = found(text, recorded=Recorded(seen=(seen(ok=False), seen(ok=True, query="more"))))
    assert lines(told) == [(12, "adds-nothing")]
    other = (seen(ok=False), seen(ok=True, query="more"), seen(ok=False, query="more", recording="other"))
    assert found(text, recorded=Recorded(seen=other)) == []


def test_a_check_without_data_and_a_label_that_never_came_are_told_from_recordings() -> None:
    query = "sum(rate(cart_errors_total[$window]))"
    recorded = Recorded(without_data=frozenset({("RB-101", query)}))
    assert lines(found(GOOD, recorded=recorded)) == [(12, "no-data")]
    text = GOOD.replace("- {query: 'sum by (pod) (cart_errors_total)', label: pod}", "- {label: pod}")
    came = Recorded(alerts={"CartsFail": (frozenset({"job", "alertname"}),)})
    assert lines(found(text, rules="", recorded=came)) == [(10, "no-such-label")]
    came = Recorded(alerts={"CartsFail": (frozenset({"job", "alertname", "pod"}),)})
    assert found(text, rules="", recorded=came) == []


def test_a_column_that_no_recorded_table_has_is_told_with_the_nearest_head() -> None:
    source = "- {command: '2.1', column: NAMEE, where: STATUSS, values: [Error]}"
    text = GOOD.replace("- {query: 'sum by (pod) (cart_errors_total)', label: pod}", source)
    heads = ("NAME", "READY", "STATUS", "RESTARTS", "AGE")
    told = found(text, recorded=Recorded(columns={"RB-101.2.1": heads}))
    assert lines(told) == [(10, "no-such-column"), (10, "no-such-column")]
    assert told[0].message == f"no recorded table of RB-101.2.1 has a column NAMEE: it has {', '.join(heads)}"
    assert [one.suggestion for one in told] == ["did you mean NAME?", "did you mean STATUS or RESTARTS?"]
    spread = text.replace("STATUSS", "\n             STATUS").replace("NAMEE", "NODE_OF")
    (one,) = found(spread, recorded=Recorded(columns={"RB-101.2.1": heads}))
    assert (one.span.line, one.suggestion) == (10, "name one that it has")


@pytest.mark.parametrize("columns", [{}, {"RB-101.2.1": ()}, {"RB-101.1.1": ("A",), "RB-102.2.1": ("A",)}])
def test_where_no_table_of_the_command_was_recorded_nothing_is_said(columns: dict[str, tuple[str, ...]]) -> None:
    source = "- {command: '2.1', column: NAMEE, values: [Error]}"
    text = GOOD.replace("- {query: 'sum by (pod) (cart_errors_total)', label: pod}", source)
    assert found(text, recorded=Recorded(columns=columns)) == []


def test_a_runbook_that_another_ones_choice_leads_to_needs_no_trigger() -> None:
    document = DOCUMENT + "2. **Choose**\n   - restart it\n"
    text = GOOD.replace("    triggers:\n      - alert: CartsFail\n        labels: {severity: critical}\n", "")
    text += "    lists: {2: {kind: choice, bullets: {1: RB-101/step-2}}}\n"
    one = bound(text, document=document)
    told = list(proof.of_binding(one, monitored=Monitored(), recorded=Recorded()))
    assert told == []


def test_two_bindings_of_one_runbook_and_one_alert_of_two_are_found_in_the_later() -> None:
    first = bound(GOOD)
    second = bound("runbooks:\n  RB-102:\n    triggers:\n      - {alert: CartsFail}\n", path="other.binding.yaml")
    told = [(one.binding.path, finding.span.line, finding.rule) for one, finding in proof.across([first, second])]
    assert told == [("other.binding.yaml", 2, "bound-twice"), ("other.binding.yaml", 4, "same-trigger")]
    told_apart = bound("runbooks:\n  RB-102:\n    triggers:\n      - {alert: CartsFail, labels: {severity: info}}\n")
    assert [finding.rule for _, finding in proof.across([first, told_apart])] == ["bound-twice"]


def test_a_query_is_known_again_as_it_was_asked() -> None:
    pattern = proof.as_asked('sum(rate(x{namespace="$namespace", job="$service"}[$window])) * $NODE')
    assert pattern.fullmatch('sum(rate(x{namespace="shop", job="cart"}[18s])) * n-1')
    assert not pattern.fullmatch('sum(rate(x{namespace="shop", job="cart"}[18s])) + n-1')
