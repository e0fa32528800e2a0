"""Reads a binding from YAML text. Every mistake names its file and line and says what to do."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import yaml

from handrail.commands import promql
from handrail.commands import types as parameter_types
from handrail.errors import FixRunbook
from handrail.runbooks.binding import (
    Binding,
    Check,
    FromJson,
    FromLabel,
    FromQuery,
    FromTable,
    ListBinding,
    ListKind,
    ParameterBinding,
    RemedyBinding,
    Retarget,
    RunbookBinding,
    Source,
    Trigger,
    When,
)
from handrail.runbooks.document import Document, RunbookId

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
AIMS = ("last_good_revision", "degraded_deployment", "live_deployment")
PLACEHOLDERS = {"$window": "1m", "$service": "service", "$namespace": "namespace"}


class _At(dict[str, Any]):
    """A mapping that knows its line and those of its keys."""

    line = 0
    lines: Mapping[str, int] = {}


class _Loader(yaml.SafeLoader):
    """A safe loader that keeps lines."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> _At:
    pairs = {
        str(loader.construct_object(key, deep=True)): loader.construct_object(value, deep=True)
        for key, value in node.value
    }
    found = _At(pairs)
    found.line = node.start_mark.line + 1
    found.lines = {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
    return found


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(text: str, *, path: str, documents: Sequence[Document] = ()) -> Binding:
    """The binding of a file; FixRunbook with `file:line: what is wrong. What to do.` at the first mistake."""
    return _File(text, path, documents).read()


class _File:
    def __init__(self, text: str, path: str, documents: Sequence[Document]) -> None:
        self.text, self.path = text, path
        self.runbooks = {runbook.id: runbook for document in documents for runbook in document.runbooks}

    def read(self) -> Binding:
        """All of it."""
        try:
            raw = yaml.load(self.text, Loader=_Loader)  # noqa: S506 -- a safe loader, with lines
        except yaml.YAMLError as error:
            raise FixRunbook(f"{self.path}: this is no YAML: {error}") from error
        if not isinstance(raw, _At):
            raise FixRunbook(f"{self.path}:1: a binding is a mapping with `runbooks`.")
        self._keys(raw, ("version", "runbooks", "title"))
        books = raw.get("runbooks")
        if not isinstance(books, _At):
            raise FixRunbook(f"{self.path}:1: `runbooks` is missing or no mapping of runbook ids.")
        lines = [line for line in self.text.split("\n") if re.match(r"^  [A-Za-z][\w-]*:", line)]
        ids = [line.strip().split(":")[0] for line in lines]
        for identity in {one for one in ids if ids.count(one) > 1 and one in books}:
            raise FixRunbook(f"{self.path}:{books.lines[identity]}: {identity} is bound twice. Make one of the two.")
        found = {RunbookId(identity): self._runbook(identity, books[identity] or _At(), books) for identity in books}
        return Binding(path=self.path, revision=hashlib.sha256(self.text.encode()).hexdigest(), runbooks=found)

    def _runbook(self, identity: str, raw: _At, books: _At) -> RunbookBinding:
        if self.runbooks and identity not in self.runbooks:
            self._no(books, identity, f"no document has a runbook {identity}", near=list(self.runbooks))
        self._keys(
            raw,
            (
                "triggers",
                "parameters",
                "checks",
                "hold",
                "lists",
                "remedies",
                "explains",
                "time_limits",
                "summary",
            ),
        )
        return RunbookBinding(
            runbook=RunbookId(identity),
            triggers=tuple(self._trigger(item) for item in raw.get("triggers", ())),
            parameters=tuple(
                self._parameter(name, item, raw["parameters"]) for name, item in (raw.get("parameters") or {}).items()
            ),
            checks=tuple(self._check(item) for item in raw.get("checks", ())),
            hold=self._duration(raw, "hold") if "hold" in raw else None,
            lists=tuple(
                self._list(identity, step, item, raw["lists"]) for step, item in (raw.get("lists") or {}).items()
            ),
            remedies=tuple(self._remedy(identity, item) for item in raw["remedies"]) if "remedies" in raw else None,
            explains=tuple(RunbookId(one) for one in raw.get("explains", ())),
            step_limits={int(step): self._duration(raw["time_limits"], step) for step in raw.get("time_limits") or {}},
            summary=raw.get("summary", ""),
        )

    def _trigger(self, raw: _At) -> Trigger:
        self._keys(raw, ("alert", "labels", "event"))
        alerts = raw.get("alert", ())
        names = (alerts,) if isinstance(alerts, str) else tuple(alerts)
        if not names and not raw.get("event"):
            self._no(raw, "", "this trigger matches everything: name an alert or an event")
        return Trigger(alerts=names, labels=dict(raw.get("labels") or {}), event=raw.get("event"))

    def _parameter(self, name: str, raw: _At, parent: _At) -> ParameterBinding:
        self._keys(raw, ("type", "from"))
        kind = raw.get("type") or parameter_types.infer(name)
        if kind not in (*parameter_types.PATTERNS, "ip", "text"):
            self._no(raw, "type", f"no parameter type is named {kind}", near=[*parameter_types.PATTERNS, "ip", "text"])
        sources = tuple(self._source(item) for item in raw.get("from", ()))
        if not sources:
            self._no(parent, name, f"<{name}> has no source: say `from`")
        return ParameterBinding(name=name, type=kind, sources=sources)

    def _source(self, raw: _At) -> Source:
        self._keys(raw, ("label", "query", "command", "column", "where", "values", "path"))
        if "query" in raw:
            self._promql(raw, "query")
            return FromQuery(promql=raw["query"], label=raw.get("label", ""))
        if "path" in raw:
            return FromJson(command=str(raw.get("command", "")), path=str(raw["path"]))
        if "column" in raw:
            values = raw.get("values", ())
            return FromTable(
                command=str(raw.get("command", "")),
                column=raw["column"],
                where=raw.get("where", raw["column"]),
                values=(values,) if isinstance(values, str) else tuple(values),
            )
        if "label" not in raw:
            self._no(raw, "", "a source is a `label`, a `query` with a `label`, a `column` or a `path` of a `command`")
        return FromLabel(label=raw["label"])

    def _check(self, raw: _At) -> Check:
        self._keys(raw, ("name", "query", "denominator", "below", "at_least", "unit", "scale", "enough", "window"))
        for key in ("query", "denominator"):
            if key in raw:
                self._promql(raw, key)
        if "query" not in raw or not ({"below", "at_least"} & set(raw)):
            self._no(raw, "", "a check needs a `query` and a limit: `below` or `at_least`")
        return Check(
            name=raw.get("name", "check"),
            query=raw["query"],
            denominator=raw.get("denominator"),
            below=raw.get("below"),
            at_least=raw.get("at_least"),
            unit=str(raw.get("unit", "")),
            scale=float(raw.get("scale", 1)),
            enough=float(raw.get("enough", 0)),
            window=self._duration(raw, "window") if "window" in raw else timedelta(minutes=5),
        )

    def _list(self, identity: str, step: str, raw: _At, parent: _At) -> ListBinding:
        self._keys(raw, ("kind", "bullets"))
        self._step(identity, step, parent)
        try:
            kind = ListKind(raw.get("kind", "checklist"))
        except ValueError:
            self._no(raw, "kind", f"a list is no {raw['kind']}", near=list(ListKind))
        return ListBinding(
            step=int(step),
            kind=kind,
            bullets={int(place): str(what) for place, what in (raw.get("bullets") or {}).items()},
        )

    def _remedy(self, identity: str, raw: _At) -> RemedyBinding:
        self._keys(
            raw,
            (
                "name",
                "title",
                "step",
                "commands",
                "when",
                "needs",
                "expected_effect",
                "preview",
                "undo",
                "retarget",
            ),
        )
        if "step" not in raw:
            self._no(raw, "", "a remedy names its `step`")
        self._step(identity, raw["step"], raw, "step")
        retarget = tuple(self._retarget(item, raw) for item in raw.get("retarget", ()))
        return RemedyBinding(
            name=raw.get("name", f"step-{raw['step']}"),
            title=raw.get("title", ""),
            step=int(raw["step"]),
            commands=tuple(str(place) for place in raw.get("commands", ())),
            when=tuple(self._when(item) for item in raw.get("when", ())),
            needs=tuple(raw.get("needs", ())),
            expected_effect=raw.get("expected_effect", ""),
            preview=raw.get("preview", ""),
            undo=raw.get("undo", ""),
            retarget=retarget,
        )

    def _retarget(self, raw: Any, parent: _At) -> Retarget:
        to = raw if isinstance(raw, str) else raw.get("to", "")
        if to not in AIMS:
            self._no(parent, "retarget", f"nothing can be retargeted to {to}", near=list(AIMS))
        return Retarget(to=to, because="" if isinstance(raw, str) else raw.get("because", ""))

    def _when(self, raw: _At) -> When:
        self._keys(raw, ("query", "above", "below", "says"))
        self._promql(raw, "query")
        return When(promql=raw["query"], above=raw.get("above"), below=raw.get("below"), says=raw.get("says", ""))

    def _step(self, identity: str, step: Any, raw: _At, key: str = "") -> None:
        runbook = self.runbooks.get(RunbookId(identity))
        if runbook is not None and int(step) not in {one.number for one in runbook.steps}:
            self._no(raw, key or str(step), f"{identity} has no step {step}; it has 1 to {len(runbook.steps)}")

    def _promql(self, raw: _At, key: str) -> None:
        query = str(raw[key])
        for name, value in PLACEHOLDERS.items():
            query = query.replace(name, value)
        if re.fullmatch(r"\w+:\w+", query):
            return  # a figure that the environment names itself
        mistake = promql.mistake(query)
        if mistake:
            self._no(raw, key, f"this query is no PromQL: {mistake}")

    def _duration(self, raw: _At, key: Any) -> timedelta:
        found = DURATION.fullmatch(str(raw[key]).strip())
        if not found:
            self._no(raw, str(key), f"{raw[key]} is no duration: write 15s, 2m or 1h")
        return timedelta(seconds=float(found[1]) * UNITS[found[2]])  # type: ignore[index]

    def _keys(self, raw: Any, known: Sequence[str]) -> None:
        if not isinstance(raw, _At):
            raise FixRunbook(f"{self.path}: {raw!r} stands where a mapping belongs.")
        for key in raw:
            if key not in known:
                self._no(raw, key, f"`{key}` is not known here", near=known)

    def _no(self, raw: _At, key: str, message: str, *, near: Sequence[str] = ()) -> Any:
        line = raw.lines.get(key, raw.line)
        close = difflib.get_close_matches(
            key if key not in ("type", "kind", "retarget") else str(raw.get(key)), near, n=1
        )
        hint = f" Did you mean {close[0]}?" if close else (f" Known: {', '.join(near)}." if near else "")
        raise FixRunbook(f"{self.path}:{line}: {message}.{hint}")
