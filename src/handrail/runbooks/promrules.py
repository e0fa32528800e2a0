"""Prometheus' own alerting rules, as a file or a server gives them: what a draft of a binding is matched against.

Files of groups, PrometheusRule manifests and lists of either are read; so is the answer of `GET /api/v1/rules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from handrail.commands import promql, steady
from handrail.errors import FixRunbook

LABEL = re.compile(r"\$labels\.([A-Za-z_]\w*)|\$labels\s+\"(\w+)\"")
URLS = ("runbook_url", "runbook", "runbookURL", "runbook_uri", "runbookUrl", "runbook_link")
DEEPEST = 3  # a list of manifests, each with its spec
TEMPLATED = re.compile(r"\{\{.*?\}\}")


class NoRules(FixRunbook):
    """A file that can be read and holds no alerting rule."""


@dataclass(frozen=True, kw_only=True)
class AlertingRule:
    """One alerting rule. `where` is file and line, or the address of the server that serves it."""

    alert: str
    expression: str
    group: str = ""
    lasts: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    where: str = ""

    @property
    def name(self) -> str:
        """As `select` asks an alert."""
        return self.alert

    @property
    def runbook_url(self) -> str:
        """Where its author says the runbook is; empty where only a template would tell."""
        found = next((self.annotations[key] for key in URLS if self.annotations.get(key)), "")
        found = found or next((self.labels[key] for key in URLS if self.labels.get(key)), "")
        return "" if TEMPLATED.search(found) else found

    @property
    def said_labels(self) -> tuple[str, ...]:
        """Labels that its annotations name: its author knows that they are there."""
        told = " ".join((*self.annotations.values(), *self.labels.values()))
        return tuple(dict.fromkeys(one or two for one, two in LABEL.findall(told)))

    @property
    def kept_labels(self) -> tuple[str, ...]:
        """Labels that its alerts surely have, by its expression and its own labels."""
        kept = () if promql.mistake(self.expression) else steady.kept_labels(self.expression)
        return tuple(dict.fromkeys((*kept, *self.labels)))

    @property
    def all_labels(self) -> frozenset[str] | None:
        """Every label that its alerts can have; None where its expression keeps what its series bring."""
        grouped = None if promql.mistake(self.expression) else steady.grouped_labels(self.expression)
        return None if grouped is None else frozenset({*grouped, *self.labels, "alertname"})

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that its expression reads."""
        return metrics(self.expression)


def metrics(expression: str) -> tuple[str, ...]:
    """The names of the metrics that a query reads, in their order."""
    return () if promql.mistake(expression) else steady.metrics(expression)


def read(text: str, *, path: str) -> tuple[AlertingRule, ...]:
    """The alerting rules of a file; FixRunbook with its line where it is no file of rules."""
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FixRunbook(f"{path}:{line}: this is not valid YAML: {error.problem}. Mend that line.") from error
    except yaml.YAMLError as error:
        raise FixRunbook(f"{path}:1: this is not valid YAML: {error}. Write it as UTF-8 text.") from error
    except RecursionError as error:
        raise FixRunbook(f"{path}:1: this is nested too deep for a file of rules. Name another.") from error
    found = [rule for document in documents if document is not None for rule in _of_document(document, path)]
    if not found:
        raise NoRules(
            f"{path}:1: no alerting rule is in it. Name a file with `groups:` of `rules:`, or a PrometheusRule."
        )
    return tuple(found)


def from_api(data: Any, *, where: str) -> tuple[AlertingRule, ...]:
    """The alerting rules of the data that a Prometheus answers with; FixRunbook where they are none."""
    try:
        groups = data["groups"]
        return tuple(
            AlertingRule(
                alert=str(rule["name"]),
                expression=str(rule["query"]),
                group=str(group.get("name", "")),
                lasts=f"{float(rule.get('duration') or 0):.0f}s",
                labels=_texts(rule.get("labels")),
                annotations=_texts(rule.get("annotations")),
                where=where,
            )
            for group in groups
            for rule in group["rules"]
            if rule.get("type") == "alerting"
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FixRunbook(
            f"{where} answers with no rules ({type(error).__name__}: {error}). Name a Prometheus."
        ) from error


def _texts(raw: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (raw or {}).items()}


def _of_document(node: yaml.Node, path: str, *, deep: int = 0) -> Iterator[AlertingRule]:
    """`groups:`, below `spec:` of a manifest, or below `items:` of a list of them."""
    if deep > DEEPEST:  # an alias may name what it stands in
        return
    for group in _list(_child(node, "groups")):
        name = _text(_child(group, "name"))
        for rule in _list(_child(group, "rules")):
            alert = _child(rule, "alert")
            if alert is None:
                continue
            expression = _text(_child(rule, "expr"))
            line = alert.start_mark.line + 1
            if not expression:
                raise FixRunbook(f"{path}:{line}: the alert {_text(alert)} has no `expr`. Write one.")
            yield AlertingRule(
                alert=_text(alert),
                expression=expression,
                group=name,
                lasts=_text(_child(rule, "for")),
                labels=_pairs(_child(rule, "labels")),
                annotations=_pairs(_child(rule, "annotations")),
                where=f"{path}:{line}",
            )
    spec = _child(node, "spec")
    if spec is not None:
        yield from _of_document(spec, path, deep=deep + 1)
    for item in _list(_child(node, "items")):
        yield from _of_document(item, path, deep=deep + 1)


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if getattr(name, "value", None) == key), None)


def _list(node: yaml.Node | None) -> Sequence[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def _text(node: yaml.Node | None) -> str:
    return str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""


def _pairs(node: yaml.Node | None) -> dict[str, str]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return {_text(name): _text(value) for name, value in pairs}
