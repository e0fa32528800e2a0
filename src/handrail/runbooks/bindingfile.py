"""Reads a binding from YAML text. Every mistake names its file and line and says what to do."""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn

import yaml

from handrail.commands import promql
from handrail.commands import types as parameter_types
from handrail.errors import FixRunbook
from handrail.runbooks.binding import (
    AlertRule,
    Binding,
    Check,
    FromAim,
    FromJson,
    FromLabel,
    FromQuery,
    FromTable,
    FromText,
    ListBinding,
    ListKind,
    ParameterBinding,
    RemedyBinding,
    Retarget,
    RunbookBinding,
    Sign,
    Source,
    StandsFor,
    Trigger,
    When,
)
from handrail.runbooks.document import Document, RunbookId

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
LONGEST = timedelta(days=365)  # what is longer is mistyped, and no Prometheus takes it
AIMS = (
    "last_good_revision",
    "degraded_deployment",
    "live_deployment",
    "service_deployment",
    "ready_slot",
    "replica",
)
TYPES = (*parameter_types.PATTERNS, "ip", "text")
PLACE = re.compile(r"([A-Za-z][\w-]*\.)?[1-9]\d*\.[1-9]\d*")
AFTERWARDS = ("retrospective", "action_items")
ACTIONS = (
    "timer",
    "channel",
    "status_page",
    "stakeholders",
    "commander",
    "timeline",
    "eta",
    "acknowledge",
    "first_fix",
    *AFTERWARDS,
    "later",
)
SOURCES: Mapping[
    str, tuple[tuple[str, ...], tuple[str, ...]]
] = {  # what tells it apart: the keys it has, those it needs
    "query": (("query", "label"), ("label",)),
    "path": (("path", "command"), ("command",)),
    "column": (("column", "command", "where", "values"), ("command", "values")),
    "pattern": (("pattern", "command"), ("command",)),
    "aim": (("aim",), ()),
    "label": (("label",), ()),
}
LEVEL_KEYS = ("above", "below", "for", "severity")
SEVERITIES = ("critical", "warning", "info")
RULE_KEYS = ("query", "denominator", "scale", "enough", "name", "unit", *LEVEL_KEYS, "service")
PLACEHOLDERS = {"$window": "1m", "$service": "service", "$namespace": "namespace"}


class _At(dict[str, Any]):
    """A mapping that knows its line and those of its keys."""

    line = 1
    lines: Mapping[str, int] = {}
    twice: Sequence[tuple[str, int]] = ()


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
    names = [str(key.value) for key, _ in node.value]
    found.twice = [(name, found.lines[name]) for place, name in enumerate(names) if name in names[:place]]
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
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise FixRunbook(f"{self.path}:{line}: this is not valid YAML: {error.problem}. Mend that line.") from error
        except yaml.YAMLError as error:
            raise FixRunbook(f"{self.path}:1: this is not valid YAML: {error}. Write it as UTF-8 text.") from error
        except (RecursionError, ValueError) as error:  # nested without end; a number or date that is none
            told = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
            raise FixRunbook(
                f"{self.path}:1: this cannot be read: {told}. Write it as docs/reference/bindings.md shows."
            ) from error
        if not isinstance(raw, _At):
            raise FixRunbook(f"{self.path}:1: a binding is a mapping. Begin it with `runbooks:`.")
        self._keys(raw, ("version", "runbooks", "title", "escalation"))
        if raw.get("version", 1) != 1:
            self._no(raw, "version", "only version 1 of bindings is known. Write `version: 1`")
        self._text(raw, "title")
        books = raw.get("runbooks")
        if not isinstance(books, _At):
            self._no(raw, "runbooks", "`runbooks` is missing, or no mapping of runbook ids. Write `RB-001:` under it")
        for identity, line in books.twice:
            raise FixRunbook(f"{self.path}:{line}: {identity} is bound twice. Make one of the two.")
        found = {RunbookId(identity): self._runbook(identity, books) for identity in books}
        self._stand_for_something(books, found)
        revision = hashlib.sha256(self.text.encode()).hexdigest()
        return Binding(path=self.path, revision=revision, runbooks=found, duties=self._duties(raw))

    def _stand_for_something(self, books: _At, found: Mapping[RunbookId, RunbookBinding]) -> None:
        """A bullet of a choice that names a remedy of a runbook bound here names one that it has."""
        known = [f"{one.runbook}/{remedy.name}" for one in found.values() for remedy in one.remedies or ()]
        for one in found.values():
            for bound in one.lists:
                lists = self._mapping(self._mapping(books, one.runbook), "lists")
                for place, stands_for in [(place, one.name) for place, one in bound.every]:
                    named = RunbookId(stands_for.partition("/")[0])
                    if bound.kind is not ListKind.CHOICE or stands_for in known or named not in found:
                        continue
                    if found[named].remedies is None:
                        continue  # each of its changing steps is one, and only the document knows them
                    bullets = self._mapping(self._mapping(lists, str(bound.step)), "bullets")
                    line = bullets.lines.get(str(place), lists.line)
                    near = difflib.get_close_matches(stands_for, known, n=1)
                    hint = f" Did you mean {near[0]}?" if near else ""
                    raise FixRunbook(
                        f"{self.path}:{line}: no remedy {stands_for} is bound. Bind it, or write `a person`.{hint}"
                    )

    def _duties(self, raw: _At) -> dict[tuple[int, int], str]:
        """Levels of the escalation procedure, and which of their duties Handrail does itself."""
        levels = self._mapping(raw, "escalation")
        found = {}
        for level in levels:
            places = self._mapping(levels, level)
            for place in places:
                where = (self._whole(levels, level, level), self._whole(places, place, place))
                found[where] = self._action(places, place)
        return found

    def _action(self, raw: _At, key: str) -> str:
        text = self._text(raw, key)
        if text not in ACTIONS:
            self._no(raw, key, f"Handrail does no `{text}` by itself. It does {', '.join(ACTIONS)}")
        return text

    def _runbook(self, identity: str, books: _At) -> RunbookBinding:
        if self.runbooks and identity not in self.runbooks:
            self._no(books, identity, f"no document has a runbook {identity}", near=list(self.runbooks))
        raw = _At() if books[identity] is None else self._mapping(books, identity)
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
                "stays_in_charge",
                "time_limits",
                "summary",
                "resolution",
                "afterwards",
            ),
        )
        after = self._texts(raw, "afterwards")
        if unknown := next((one for one in after if one not in AFTERWARDS), ""):
            self._no(
                raw,
                "afterwards",
                f"`{unknown}` is nothing that is done when it is over. {' and '.join(AFTERWARDS)} are",
            )
        explains = self._texts(raw, "explains")
        if identity in explains:
            self._no(
                raw, "explains", f"{identity} explains itself. Name the runbooks whose alerts its trouble raises too"
            )
        resolution = self._mapping(raw, "resolution")
        parameters, lists = self._mapping(raw, "parameters"), self._mapping(raw, "lists")
        limits = self._mapping(raw, "time_limits")
        return RunbookBinding(
            runbook=RunbookId(identity),
            triggers=tuple(self._trigger(item) for item in self._items(raw, "triggers")),
            parameters=tuple(self._parameter(name, parameters) for name in parameters),
            checks=tuple(self._check(item) for item in self._items(raw, "checks")),
            hold=self._duration(raw, "hold") if "hold" in raw else None,
            lists=tuple(self._list(identity, step, lists) for step in lists),
            remedies=self._remedies(identity, raw) if "remedies" in raw else None,
            explains=tuple(RunbookId(one) for one in explains),
            stays_in_charge=self._yes_or_no(raw, "stays_in_charge"),
            step_limits={self._step(identity, step, limits, step): self._duration(limits, step) for step in limits},
            summary=self._text(raw, "summary"),
            resolution={self._whole(resolution, place, place): self._action(resolution, place) for place in resolution},
            afterwards=tuple(after),
        )

    def _trigger(self, raw: _At) -> Trigger:
        self._keys(raw, ("alert", "labels", "event", *RULE_KEYS))
        event = self._text(raw, "event") or None
        said = raw.get("alert")
        named = said if isinstance(said, _At) else _At()
        names = tuple(named) if named else self._texts(raw, "alert", one=True)
        if not names and not event:
            self._no(raw, "", "this trigger matches everything: name an `alert` or an `event`")
        stray = next((key for key in RULE_KEYS if key in raw and not names), "")
        if stray:
            self._no(raw, stray, f"`{stray}` says how an alert is raised, and this trigger names none: name an `alert`")
        labels = self._mapping(raw, "labels")
        for name, line in named.twice:
            raise FixRunbook(f"{self.path}:{line}: {name} stands there twice. Keep one of the two.")
        return Trigger(
            alerts=names,
            labels={key: self._text(labels, key) for key in labels},
            event=event,
            rules=tuple(self._rule(name, raw, named) for name in names),
        )

    def _rule(self, name: str, raw: _At, named: _At) -> AlertRule:
        """How an alert is raised: what stands under its name counts before what stands beside `alert`."""
        own = self._mapping(named, name) if named and named[name] is not None else _At()
        self._keys(own, LEVEL_KEYS)
        for place in (own, raw):
            if {"above", "below"} <= set(place):
                self._no(place, "below", "an alert has one limit: `above` or `below`")
            if self._text(place, "severity") not in ("", *SEVERITIES):
                self._no(place, "severity", f"`severity` is {' or '.join(SEVERITIES)}")
        limit = own if {"above", "below"} & set(own) else raw
        for key in ("denominator", "scale", "enough"):
            if key in raw and "query" not in raw:
                self._no(raw, key, f"`{key}` belongs to a `query` of the trigger's own; the checks have theirs")
        lasts = next((self._duration(place, "for") for place in (own, raw) if "for" in place), None)
        return AlertRule(
            alert=name,
            query=self._promql(raw, "query") if "query" in raw else "",
            denominator=self._promql(raw, "denominator") if "denominator" in raw else "",
            scale=self._number(raw, "scale", 1.0),
            enough=self._number(raw, "enough", 0.0),
            name=self._text(raw, "name"),
            unit=self._text(raw, "unit"),
            above=self._number(limit, "above"),
            below=self._number(limit, "below"),
            lasts=lasts,
            severity=self._text(own if "severity" in own else raw, "severity"),
            service=self._whose(raw),
        )

    def _whose(self, raw: _At) -> FromLabel | str:
        if not isinstance(raw.get("service"), _At):
            return self._text(raw, "service")
        label = self._mapping(raw, "service")
        self._keys(label, ("label",))
        if "label" not in label:
            self._no(label, "", "a `service` is a name, or the `label` of what is watched that names it")
        return FromLabel(label=self._text(label, "label"))

    def _parameter(self, name: str, parent: _At) -> ParameterBinding:
        raw = self._mapping(parent, name)
        self._keys(raw, ("type", "from", "each"))
        kind = self._text(raw, "type") or parameter_types.infer(name)
        if kind not in TYPES:
            self._no(raw, "type", f"no parameter type is named {kind}", near=TYPES)
        sources = tuple(self._source(item) for item in self._items(raw, "from"))
        if not sources:
            self._no(parent, name, f"<{name}> has no source: say `from`")
        return ParameterBinding(name=name, type=kind, sources=sources, each=self._yes_or_no(raw, "each"))

    def _source(self, raw: _At) -> Source:
        kind = next((kind for kind in SOURCES if kind in raw), "")
        if not kind:
            self._keys(raw, ("label", "query", "command", "column", "where", "values", "path", "pattern", "aim"))
            self._no(
                raw,
                "",
                "a source is a `label`, a `query` with a `label`, a `column`, a `path` or a `pattern` of a `command`, an `aim`",
            )
        known, needed = SOURCES[kind]
        self._keys(raw, known)
        for key in needed:
            if key not in raw:
                self._no(raw, kind, f"a source with `{kind}` needs `{key}` too")
        if kind == "query":
            return FromQuery(promql=self._promql(raw, "query"), label=self._text(raw, "label"))
        if kind == "label":
            return FromLabel(label=self._text(raw, "label"))
        if kind == "aim":
            return FromAim(aim=self._aim(raw, "aim", self._text(raw, "aim")))
        command = self._place(raw, "command", raw["command"])
        if kind == "path":
            return FromJson(command=command, path=self._text(raw, "path"))
        if kind == "pattern":
            return FromText(command=command, pattern=self._pattern(raw, "pattern"))
        column = self._text(raw, "column")
        values = self._texts(raw, "values", one=True)
        return FromTable(command=command, column=column, where=self._text(raw, "where") or column, values=values)

    def _check(self, raw: _At) -> Check:
        self._keys(raw, ("name", "query", "denominator", "below", "at_least", "unit", "scale", "enough", "window"))
        if "query" not in raw or not ({"below", "at_least"} & set(raw)):
            self._no(raw, "", "a check needs a `query` and a limit: `below` or `at_least`")
        below, at_least = self._number(raw, "below"), self._number(raw, "at_least")
        if below is not None and at_least is not None and at_least >= below:
            self._no(raw, "at_least", f"nothing is both below {below:g} and at least {at_least:g}: it can never hold")
        return Check(
            name=self._text(raw, "name") or "check",
            query=self._promql(raw, "query"),
            denominator=self._promql(raw, "denominator") if "denominator" in raw else None,
            below=below,
            at_least=at_least,
            unit=self._text(raw, "unit"),
            scale=self._number(raw, "scale", 1.0),
            enough=self._number(raw, "enough", 0.0),
            window=self._window(raw, "window") if "window" in raw else timedelta(minutes=5),
        )

    def _list(self, identity: str, step: str, parent: _At) -> ListBinding:
        raw = self._mapping(parent, step)
        self._keys(raw, ("kind", "bullets"))
        number = self._step(identity, step, parent, step)
        kind = self._text(raw, "kind") or ListKind.CHECKLIST
        if kind not in set(ListKind):
            self._no(raw, "kind", f"a list is not a {kind}", near=list(ListKind))
        bullets = self._mapping(raw, "bullets")
        stands_for: dict[int, tuple[StandsFor, ...]] = {}
        for place in bullets:
            at = self._whole(bullets, place, place)
            if kind == ListKind.CHECKLIST:
                stands_for[at] = (StandsFor(name=self._action(bullets, place)),)
            elif kind == ListKind.CHOICE and isinstance(bullets[place], _At):
                stands_for[at] = (self._option(bullets[place]),)
            elif kind == ListKind.CHOICE and isinstance(bullets[place], list):
                stands_for[at] = tuple(self._option(item) for item in self._items(bullets, place))
            else:
                stands_for[at] = (StandsFor(name=self._text(bullets, place)),)
        return ListBinding(step=number, kind=ListKind(kind), bullets=stands_for)

    def _option(self, raw: _At) -> StandsFor:
        """One remedy that a bullet of a choice stands for, and the signs that speak for it."""
        self._keys(raw, ("remedy", "signs"))
        remedy = self._text(raw, "remedy")
        if "/" not in remedy:
            self._no(raw, "remedy", f"{remedy!r} names no remedy. Write runbook and remedy, as RB-001/rollback")
        return StandsFor(name=remedy, signs=tuple(self._sign(item) for item in self._items(raw, "signs")))

    def _sign(self, raw: _At) -> Sign:
        self._keys(raw, ("query", "above", "below", "released_within", "says"))
        says = self._text(raw, "says")
        if not says:
            self._no(raw, "", "a sign needs `says`: the sentence a person reads when it is seen")
        if "released_within" in raw:
            return Sign(says=says, released_within=self._duration(raw, "released_within"))
        if "query" not in raw or not ({"above", "below"} & set(raw)):
            self._no(raw, "", "a sign needs a `query` with a limit, `above` or `below`, or `released_within`")
        return Sign(
            says=says,
            promql=self._promql(raw, "query"),
            above=self._number(raw, "above"),
            below=self._number(raw, "below"),
        )

    def _remedies(self, identity: str, raw: _At) -> tuple[RemedyBinding, ...]:
        """Each under a name of its own, by which choices, plans and the record tell them apart."""
        items = self._items(raw, "remedies")
        found = tuple(self._remedy(identity, item) for item in items)
        names = [one.name for one in found]
        for at, (one, item) in enumerate(zip(found, items, strict=True)):
            if one.name in names[:at]:
                self._no(item, "name", f"two remedies of {identity} are called {one.name}. Give one another `name`")
        return found

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
                "only_by_choice",
            ),
        )
        if "step" not in raw:
            self._no(raw, "", "a remedy names its `step`: write its number")
        step = self._step(identity, raw["step"], raw, "step")
        return RemedyBinding(
            name=self._text(raw, "name") or f"step-{step}",
            title=self._text(raw, "title"),
            step=step,
            commands=tuple(self._own_place(raw, step, place) for place in self._list_of(raw, "commands")),
            when=tuple(self._when(item) for item in self._items(raw, "when")),
            needs=self._texts(raw, "needs"),
            expected_effect=self._text(raw, "expected_effect"),
            preview=self._text(raw, "preview"),
            undo=self._text(raw, "undo"),
            retarget=tuple(self._retarget(item, raw) for item in self._list_of(raw, "retarget")),
            only_by_choice=self._yes_or_no(raw, "only_by_choice"),
        )

    def _retarget(self, raw: Any, parent: _At) -> Retarget:
        if isinstance(raw, _At):
            self._keys(raw, ("to", "because"))
            to, because = self._text(raw, "to"), self._text(raw, "because")
        else:
            to, because = str(raw), ""
        return Retarget(to=self._aim(parent, "retarget", to), because=because)

    def _aim(self, raw: _At, key: str, to: str) -> str:
        if to not in AIMS:
            self._no(raw, key, f"nothing can be aimed at {to or 'nothing'}", near=AIMS)
        return to

    def _when(self, raw: _At) -> When:
        self._keys(raw, ("query", "above", "below", "says"))
        if "query" not in raw or not ({"above", "below"} & set(raw)):
            self._no(raw, "", "a condition needs a `query` and a limit: `above` or `below`")
        return When(
            promql=self._promql(raw, "query"),
            above=self._number(raw, "above"),
            below=self._number(raw, "below"),
            says=self._text(raw, "says"),
        )

    # -- the kinds of value: each is what it should be, or its line is named ---------------------------------------

    def _step(self, identity: str, step: Any, raw: _At, key: str) -> int:
        number = self._whole(raw, key, step)
        runbook = self.runbooks.get(RunbookId(identity))
        if runbook is not None and number not in {one.number for one in runbook.steps}:
            self._no(raw, key, f"{identity} has no step {number}; it has 1 to {len(runbook.steps)}. Name one of them")
        return number

    def _whole(self, raw: _At, key: str, value: Any) -> int:
        """A step's or bullet's number; as a key of YAML it comes as text."""
        if isinstance(value, bool) or not re.fullmatch(r"[1-9]\d*", str(value)):
            self._no(raw, key, f"{value!r} is not the number of a step or bullet. Write 1, 2 or 3")
        return int(value)

    def _place(self, raw: _At, key: str, value: Any) -> str:
        """Where a command stands: `5.1`, perhaps with its runbook before it. Unquoted, YAML would read 5.10 as 5.1."""
        if not isinstance(value, str) or not PLACE.fullmatch(value):
            self._no(raw, key, f"{value!r} is not the place of a command. Write step and number in quotes, as '5.1'")
        return str(value)

    def _own_place(self, raw: _At, step: int, value: Any) -> str:
        """A command of the remedy's own step."""
        place = self._place(raw, "commands", value)
        if not place.startswith(f"{step}."):
            self._no(
                raw,
                "commands",
                f"{place} is not a command of step {step}, for which this remedy stands. Write '{step}.1'",
            )
        return place

    def _number(self, raw: _At, key: str, default: Any = None) -> Any:
        value = raw.get(key, default)
        if key in raw and (isinstance(value, bool) or not isinstance(value, int | float)):
            self._no(
                raw,
                key,
                f"`{key}` is not a number: {value!r}. Write one such as 1 or 0.5, the unit beside it in `unit`",
            )
        if key in raw and not _is_finite(value):
            self._no(
                raw,
                key,
                f"`{key}` is not a limit that anything can reach: {str(value)[:20]}. Write one such as 1 or 0.5",
            )
        return value

    def _text(self, raw: _At, key: str) -> str:
        value = raw.get(key, "")
        if not isinstance(value, str) or (key in raw and not value):
            self._no(raw, key, f"`{key}` is not text: {value!r}. Write some, in quotes where it looks like a number")
        return str(value)

    def _yes_or_no(self, raw: _At, key: str) -> bool:
        value = raw.get(key, False)
        if not isinstance(value, bool):
            self._no(raw, key, f"`{key}` is true or false, not {value!r}")
        return bool(value)

    def _texts(self, raw: _At, key: str, *, one: bool = False) -> tuple[str, ...]:
        """A list of texts; a single one may stand alone where `one` says so."""
        value = raw.get(key, [])
        every = [value] if one and isinstance(value, str) else value
        if not isinstance(every, list) or not all(isinstance(item, str) and item for item in every):
            self._no(raw, key, f"`{key}` is not a list of texts: {value!r}. Write [first, second]")
        return tuple(every)

    def _list_of(self, raw: _At, key: str) -> list[Any]:
        value = raw.get(key, [])
        if not isinstance(value, list):
            self._no(raw, key, f"`{key}` is not a list. Write each item after a hyphen, or all between [ and ]")
        return list(value)

    def _items(self, raw: _At, key: str) -> list[_At]:
        """A list of mappings."""
        found = self._list_of(raw, key)
        for item in found:
            if not isinstance(item, _At):
                self._no(raw, key, f"{item!r} stands where a mapping belongs. Write `key: value` pairs")
        return found

    def _mapping(self, raw: _At, key: str) -> _At:
        """A mapping, empty where it is left out."""
        value = raw.get(key, _At())
        if not isinstance(value, _At):
            self._no(raw, key, f"`{key}` is not a mapping. Write `name: value` pairs under it")
        return value

    def _promql(self, raw: _At, key: str) -> str:
        text = self._text(raw, key)
        query = text
        for name, value in PLACEHOLDERS.items():
            query = query.replace(name, value)
        if re.fullmatch(r"\w+:\w+", query):
            return text  # a figure that the environment names itself
        mistake = promql.mistake(query)
        if mistake:
            self._no(raw, key, f"this query is not valid PromQL: {mistake}. Try it in Prometheus first")
        return text

    def _pattern(self, raw: _At, key: str) -> str:
        """A regular expression with one group. It meets what a program printed: nested repetition is refused."""
        text = self._text(raw, key)
        try:
            groups = re.compile(text).groups
        except re.error as error:
            self._no(
                raw,
                key,
                f"{text} is not a valid regular expression: {error}. Write one with one group, as '^ *\\d+ (.+)$'",
            )
        if groups != 1:
            self._no(raw, key, f"{text} has {groups} groups, and the value is the one group. Write (?:…) for others")
        if re.search(r"[*+}]\)?[*+{]", text):
            self._no(raw, key, f"{text} repeats a repetition, which can take for ever. Write it without")
        return text

    def _duration(self, raw: _At, key: str) -> timedelta:
        found = DURATION.fullmatch(raw[key].strip()) if isinstance(raw[key], str) else None
        if found is None:
            self._no(raw, key, f"{raw[key]} is not a duration: write 15s, 2m or 1h")
        seconds = float(found[1]) * UNITS[found[2]]
        if seconds > LONGEST.total_seconds():
            self._no(raw, key, f"`{key}` is longer than a year: {raw[key][:20]}. Write 15s, 2m or 1h")
        return timedelta(seconds=seconds)

    def _window(self, raw: _At, key: str) -> timedelta:
        """A range of PromQL, which must have a length: whole seconds, since that is what is asked with."""
        found = self._duration(raw, key)
        if found < timedelta(seconds=1):
            self._no(raw, key, f"no series is read over {raw[key]}: write a `{key}` of at least 1s, such as 5m")
        return found

    def _keys(self, raw: _At, known: Sequence[str]) -> None:
        for key, line in raw.twice:
            raise FixRunbook(f"{self.path}:{line}: `{key}` stands there twice. Keep one of the two.")
        for key in raw:
            if key not in known:
                self._no(raw, key, f"`{key}` is not known here", near=known)

    def _no(self, raw: _At, key: str, message: str, *, near: Sequence[str] = ()) -> NoReturn:
        line = raw.lines.get(key, raw.line)
        close = difflib.get_close_matches(
            key if key not in ("type", "kind", "retarget", "aim") else str(raw.get(key)), near, n=1
        )
        hint = f" Did you mean {close[0]}?" if close else (f" Known: {', '.join(near)}." if near else "")
        raise FixRunbook(f"{self.path}:{line}: {message}.{hint}")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False
