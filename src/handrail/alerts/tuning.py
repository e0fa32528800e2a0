"""What a team changes about alerts in its settings: the words of severities, and the table of what an alert is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.alerts.scopetable import DEFAULT, Exporter, Rules, changed
from handrail.alerts.severity import WORDS, Severity, words_with
from handrail.errors import FixSettings

KEYS = ("severity", "scope")
SCOPE = ("labels", "order", "exporters")
EXPORTER = ("jobs", "theirs", "judged", "beside", "ports", "because")
OURS = "A team's settings say so."


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Both tables, with a team's changes."""

    rules: Rules = DEFAULT
    words: Mapping[str, Severity] = field(default_factory=lambda: WORDS)


def read(raw: Any, *, where: str) -> Tuning:
    """`{severity: {word: one of five}, scope: {labels, order, exporters}}`; FixSettings names what is wrong."""
    told = _mapping(raw, where)
    _known(told, KEYS, where)
    try:
        words = words_with(
            {str(word): str(five) for word, five in _mapping(told.get("severity"), f"{where}.severity").items()}
        )
    except ValueError as error:
        raise FixSettings(f"{where}.severity: {error}.") from error
    return Tuning(rules=_rules(_mapping(told.get("scope"), f"{where}.scope"), f"{where}.scope"), words=words)


def _rules(told: Mapping[str, Any], where: str) -> Rules:
    _known(told, SCOPE, where)
    names = tuple(rule.name for rule in DEFAULT.rules)
    labels = _mapping(told.get("labels"), f"{where}.labels")
    _known(labels, (*names, "cluster", "namespace"), f"{where}.labels")
    order = _texts(told.get("order") or [], f"{where}.order")
    for name in order:
        if name not in names or order.count(name) > 1:
            raise FixSettings(f"{where}.order: `{name}` is no rule, or stands there twice. Known: {', '.join(names)}.")
    exporters = _mapping(told.get("exporters"), f"{where}.exporters")
    return changed(
        labels={name: _texts(value, f"{where}.labels.{name}") for name, value in labels.items()},
        order=order,
        exporters={
            str(name): _exporter(str(name), facts, f"{where}.exporters.{name}") for name, facts in exporters.items()
        },
    )


def _exporter(name: str, raw: Any, where: str) -> Exporter | None:
    """A job that measures others; without facts it is one no longer."""
    if raw is None:
        if name not in {one.name for one in DEFAULT.exporters}:
            known = ", ".join(one.name for one in DEFAULT.exporters)
            raise FixSettings(f"{where}: there is none to take out. Known: {known}.")
        return None
    facts = _mapping(raw, where)
    _known(facts, EXPORTER, where)
    jobs = _texts(facts.get("jobs") or [], f"{where}.jobs")
    if not jobs:
        raise FixSettings(
            f"{where}: `jobs` is missing. Write the names of the job, with * for what varies: [vendor-*]."
        )
    return Exporter(
        name=name,
        jobs=tuple(job.lower().replace("_", "-") for job in jobs),
        because=str(facts.get("because") or OURS),
        theirs=_texts(facts.get("theirs") or [], f"{where}.theirs"),
        judged=_texts(facts.get("judged") or [], f"{where}.judged"),
        beside=_texts(facts.get("beside") or [], f"{where}.beside"),
        ports=_texts(facts.get("ports") or [], f"{where}.ports"),
    )


def _mapping(raw: Any, where: str) -> Mapping[str, Any]:
    if raw is not None and not isinstance(raw, dict):
        raise FixSettings(f"{where}: `{raw}` stands where a mapping belongs.")
    return raw or {}


def _texts(raw: Any, where: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in raw):
        raise FixSettings(f"{where} has to be a list of texts: [one, other].")
    return tuple(str(one) for one in raw)


def _known(told: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in told:
        if key not in keys:
            raise FixSettings(f"{where}: `{key}` is not known. Known: {', '.join(keys)}.")
