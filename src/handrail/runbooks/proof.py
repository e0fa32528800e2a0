"""What is still open in a binding, and what in it is wrong or proves nothing: against its document, the rules, what was seen.

A finding names the line and what to do. Open is what a person does instead, as without a binding; wrong is what looks
done and is not.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from handrail.commands import Finding, Severity, Span, bounds, promql, steady
from handrail.runbooks import alerting, draft, names
from handrail.runbooks.binding import (
    AlertRule,
    Binding,
    Check,
    FromAim,
    FromLabel,
    FromQuery,
    FromTable,
    ListKind,
    ParameterBinding,
    RunbookBinding,
    Trigger,
)
from handrail.runbooks.document import Document, Runbook, commands_of
from handrail.runbooks.drafttext import QUESTION
from handrail.runbooks.promrules import AlertingRule, metrics

RULES: Mapping[str, str] = {
    "adds-nothing": "A check that was true while the fault was on, beside others that were not.",
    "always-on": "A trigger on an alert that is always on, by its rule or by the one that the trigger makes: it matches everything.",
    "binding": "A binding that cannot be read: a key, label, step, query or aim that is none.",
    "blind-check": "A check that is true whatever happens, or as well where nothing is seen at all.",
    "bound-twice": "Two bindings for one runbook: nobody can tell which counts.",
    "changes-nothing": "A remedy whose step only reads, in every edition: nothing could be proposed.",
    "never-holds": "A check that can never hold.",
    "never-matches": "A trigger that fits no alert that its rule can make.",
    "no-check": "A remedy without a check: whether it helped, a person says.",
    "no-data": "A check that never had data while its drills were recorded.",
    "no-source": "A placeholder without a source: a person fills it in.",
    "no-such-alert": "An alert that no rule raises.",
    "no-such-bullet": "A bullet of a list or of the Resolution that no edition of the document has.",
    "no-such-column": "A column that no recorded table of that command has.",
    "no-such-command": "A command that no edition of the document has.",
    "no-such-duty": "A level of the escalation procedure, or a duty of one, that no edition of the document has.",
    "no-such-event": "An event that is nearly called like one that is known.",
    "no-such-label": "A label that neither the alert nor the query has, or that looks mistyped in a selector.",
    "no-such-list": "A list at a step that has no bullet in any edition of the document.",
    "no-such-metric": "A metric that monitoring does not have.",
    "no-such-parameter": "A parameter that neither the document nor the binding has, or a place in a query or sentence for which nothing stands.",
    "no-such-runbook": "A runbook that no document has.",
    "no-such-service": "A service of a trigger that the file of services does not have.",
    "no-trigger": "A runbook that no alert starts: it is found by its address, or guessed and confirmed.",
    "not-a-proof": "A recording that cannot be used.",
    "open-question": "A question of a draft that nobody has answered.",
    "same-trigger": "One alert starts two runbooks: a person has to choose.",
    "true-in-fault": "Checks that were true while the fault was on: they prove nothing.",
    "unbound": "A document without a binding.",
}
OPEN = frozenset({"no-check", "no-source", "no-trigger", "open-question", "unbound"})
BLIND = re.compile(r"\bor\s+(on\s*\(\s*\)\s*)?vector\s*\(\s*0\s*\)\s*$")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One check's newest reading while a fault was on. `ok` is None where it cannot be told."""

    runbook: str
    query: str  # as the binding has it
    ok: bool | None
    says: str
    recording: str


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a library's recordings show: readings in the fault, alerts with their labels, checks that never had data.

    `columns` are the heads of all tables that a command printed; one that printed none is not there. `metrics` are
    those of all queries that had an answer.
    """

    seen: tuple[Seen, ...] = ()
    alerts: Mapping[str, tuple[frozenset[str], ...]] = field(default_factory=dict)  # name to the labels it came with
    without_data: frozenset[tuple[str, str]] = frozenset()  # runbook and query
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by `RB-001.1.1`
    events: frozenset[str] = frozenset()  # that pipelines told of
    metrics: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """What monitoring knows. `metrics` are all that a server has; without one, those that rules read are hints only.

    `labels` asks a server for a metric's labels; it answers None where it cannot.
    """

    rules: tuple[AlertingRule, ...] = ()
    metrics: frozenset[str] | None = None
    labels: Callable[[str], frozenset[str] | None] = lambda name: None


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A binding with its text, the documents that it serves, and what else it may name."""

    binding: Binding
    text: str
    documents: tuple[Document, ...]
    others: tuple[Document, ...] = ()  # editions that it serves by settings of their own: what they have is there
    beside: Callable[[], Sequence[Document]] = tuple  # documents with other bindings, or none
    services: frozenset[str] | None = None  # None where no settings name them

    @property
    def runbooks(self) -> tuple[Runbook, ...]:
        """Every runbook that it may bind, of every edition."""
        return tuple(runbook for document in self.documents for runbook in draft.bindable(document))


def places(text: str) -> dict[tuple[str, ...], int]:
    """Lines of a YAML text by the path to each value: `("runbooks", "RB-001", "checks", "0", "query")`."""
    found: dict[tuple[str, ...], int] = {}

    def walk(node: yaml.Node, path: tuple[str, ...]) -> None:
        found.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, str(key.value))
                found[inner] = key.start_mark.line + 1
                walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for at, value in enumerate(node.value):
                walk(value, (*path, str(at)))

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        walk(root, ())
    return found


def of_binding(bound: Bound, *, monitored: Monitored, recorded: Recorded) -> Iterator[Finding]:
    """What one binding leaves open and what is wrong with it."""
    yield from questions(bound.text)
    one = _One(bound, monitored, recorded)
    told: set[tuple[str, int, str]] = set()
    for runbook in bound.runbooks:
        for finding in one.runbook(runbook, bound.binding.get(runbook.id)):
            key = (finding.rule, finding.span.line, finding.message)
            if key not in told:  # two editions share most of it
                told.add(key)
                yield finding
    if bound.documents:
        yield from one.duties()


def questions(text: str) -> Iterator[Finding]:
    """The lines `# ?` of a draft."""
    for line, told in enumerate(text.split("\n"), 1):
        found = QUESTION.match(told)
        if found:
            yield _finding(
                "open-question",
                Severity.STYLE,
                found[1].rstrip(" ."),
                "answer it in the binding, and take this comment out",
                line=line,
                column=len(told) - len(told.lstrip()) + 1,
                width=len(told),
            )


def across(every: Sequence[Bound]) -> Iterator[tuple[Bound, Finding]]:
    """What only several bindings together show: one runbook bound twice, one alert that starts two runbooks."""
    first: dict[str, tuple[Bound, int]] = {}
    triggers: list[tuple[Bound, str, Trigger, int]] = []
    for bound in every:
        lines = places(bound.text)
        for identity, one in ((str(name), one) for name, one in bound.binding.runbooks.items()):
            line = lines.get(("runbooks", identity), 1)
            before = first.setdefault(identity, (bound, line))
            if before[0] is not bound:
                where = f"{before[0].binding.path}:{before[1]}"
                yield (
                    bound,
                    _finding(
                        "bound-twice",
                        Severity.ERROR,
                        f"{identity} is bound here and in {where}: nobody can tell which counts",
                        "make one of the two",
                        line=line,
                    ),
                )
            for at, trigger in enumerate(one.triggers):
                place = lines.get(("runbooks", identity, "triggers", str(at)), line)
                triggers.append((bound, identity, trigger, place))
    for at, (bound, identity, trigger, line) in enumerate(triggers):
        for _, other, before_trigger, _ in triggers[:at]:
            shared = sorted({*trigger.alerts} & {*before_trigger.alerts})
            labels = {**before_trigger.labels, **trigger.labels}
            agree = all(labels[key] == value for one in (trigger, before_trigger) for key, value in one.labels.items())
            if other != identity and shared and agree:
                yield (
                    bound,
                    _finding(
                        "same-trigger",
                        Severity.RISK,
                        f"{shared[0]} starts {identity} and {other}: where its address does not tell, a person has to choose",
                        "tell them apart by `labels`, or say at one of them that it `explains` the other",
                        line=line,
                    ),
                )
                break


class _One:
    def __init__(self, bound: Bound, monitored: Monitored, recorded: Recorded) -> None:
        self.bound, self.monitored, self.recorded = bound, monitored, recorded
        self.lines = places(bound.text)
        self.rules: dict[str, list[AlertingRule]] = {}
        for rule in monitored.rules:
            self.rules.setdefault(rule.alert, []).append(rule)
        self.read = frozenset(name for rule in monitored.rules for name in rule.metrics)
        every = [query for one in bound.binding.runbooks.values() for _, query in self._queries(one)]
        self.names = names.Names(
            bound.binding,
            names.Known(
                editions=(*bound.documents, *bound.others),
                beside=bound.beside,
                services=bound.services,
                events=recorded.events,
            ),
            queries={str(name): tuple(self._queries(one)) for name, one in bound.binding.runbooks.items()},
            rules=[rule.expression for rule in monitored.rules],
        )
        self.asked = Counter(name for query in every for name in set(metrics(names.plain(query))))

    def runbook(self, runbook: Runbook, bound: RunbookBinding) -> Iterator[Finding]:
        """Findings of one runbook, in the order of a binding."""
        self.id = runbook.id
        self.here = self.lines.get(("runbooks", runbook.id), 1)
        if not bound.triggers and not self._by_choice_only(runbook, bound):
            yield self._open(
                "no-trigger",
                f"no alert starts {runbook.id}: it is found by its address, or guessed and confirmed by a person",
                "write `triggers: [{alert: NameOfTheAlert}]`",
            )
        for at, trigger in enumerate(bound.triggers):
            yield from self._trigger(at, trigger)
            for told in trigger.rules:
                yield from self._own_rule(told, at, runbook, bound)
                if told.query and isinstance(told.service, FromLabel):
                    yield from self._label_of_query(
                        told.query, told.service.label, self._nearest("triggers", str(at), "service")
                    )
        yield from self._parameters(runbook, bound)
        yield from self._commands(runbook, bound)
        yield from self._checks(runbook, bound)
        yield from self._labels_of_signs(bound)
        yield from map(self._nowhere, self.names.of_runbook(runbook, bound))
        for path, query in self._queries(bound):
            yield from self._metrics(path, query)

    def duties(self) -> Iterator[Finding]:
        """Findings of what Handrail does of the escalation procedure."""
        yield from map(self._nowhere, self.names.duties())

    def _by_choice_only(self, runbook: Runbook, bound: RunbookBinding) -> bool:
        """Whether a runbook is there for others: another one's choice leads to it."""
        del bound
        every = self.bound.binding.runbooks.values()
        return any(
            stands_for.name.partition("/")[0] == runbook.id
            for one in every
            if one.runbook != runbook.id
            for listed in one.lists
            for _, stands_for in listed.every
        )

    # -- triggers --------------------------------------------------------------------------------------------------

    def _trigger(self, at: int, trigger: Trigger) -> Iterator[Finding]:
        line = self._line("triggers", str(at), "alert") or self._line("triggers", str(at)) or self.here
        if trigger.event is not None and re.search(r"[*+?|()\[\]^$]", trigger.event):
            yield self._wrong(
                "never-matches",
                f"{trigger.event} is compared as it stands, and no event is called so",
                "name the event, with a trigger for each",
                self._line("triggers", str(at), "event") or line,
            )
        for name in trigger.alerts:
            if re.search(r"[*+?|()\[\]^$]", name):
                yield self._wrong(
                    "never-matches",
                    f"{name} is compared as it stands, and no alert is called so",
                    "name each alert, as a list",
                    line,
                )
                continue
            known = self.rules.get(name)
            if known is None and self.rules:
                near = difflib.get_close_matches(name, self.rules, n=1)
                own = any(one.query for one in trigger.rules if one.alert == name)
                if not own:
                    yield self._wrong(
                        "no-such-alert",
                        f"no rule raises {name}",
                        f"did you mean {near[0]}?" if near else "write its rule, or take it out",
                        line,
                    )
                continue
            for rule in known or ():
                yield from self._against(rule, trigger, at, line)

    def _against(self, rule: AlertingRule, trigger: Trigger, at: int, line: int) -> Iterator[Finding]:
        judged = None if promql.mistake(rule.expression) else bounds.judged(rule.expression)
        if judged is not None and judged.when is bounds.When.ALWAYS:
            yield self._wrong(
                "always-on",
                f"{rule.alert} is always on ({_one_line(rule.expression)}: {judged.because}): this trigger matches everything",
                "name the alert of this trouble",
                line,
            )
        elif judged is not None:
            yield self._wrong(
                "never-matches",
                f"{rule.alert} is never on ({_one_line(rule.expression)}: {judged.because}; {rule.where})",
                "mend its rule, or name another alert",
                line,
            )
        every = rule.all_labels
        for key, value in trigger.labels.items():
            there = self._line("triggers", str(at), "labels", key) or line
            said = rule.labels.get(key)
            if said is not None and "{{" not in said and said != value:
                yield self._wrong(
                    "never-matches",
                    f"{rule.alert} always has {key}={said}, never {value} ({rule.where})",
                    f"write {said}, or take the label out",
                    there,
                )
            elif every is not None and key not in every:
                yield self._wrong(
                    "no-such-label",
                    f"{rule.alert} never has a label {key}: its rule keeps {names.listed(every - {'alertname'})} ({rule.where})",
                    "name one that it has",
                    there,
                )

    def _own_rule(self, told: AlertRule, at: int, runbook: Runbook, bound: RunbookBinding) -> Iterator[Finding]:
        """The rule that `handrail rules` would write for this alert; one that only negates the checks is judged with them."""
        limits = [key for key, value in (("above", told.above), ("below", told.below)) if value is not None]
        if not told.query and not limits:
            return
        expression = alerting.condition(told, runbook, bound)
        judged = bounds.judged(expression) if expression else None
        if judged is None:
            return
        places = [("alert", told.alert, limits[0]), (limits[0],)] if limits and judged.because != bounds.NOTHING else []
        lines = (self._line("triggers", str(at), *place) for place in (*places, ("query",), ("alert",), ()))
        always = judged.when is bounds.When.ALWAYS
        yield self._wrong(
            "always-on" if always else "never-matches",
            f"the rule that this makes of {told.alert} is {judged.when} true ({_one_line(expression)}): {judged.because}",
            "write a limit that a good day keeps and this trouble does not"
            if places
            else "ask for a figure of this trouble, and give its limit",
            next((line for line in lines if line), self.here),
        )

    # -- parameters ------------------------------------------------------------------------------------------------

    def _parameters(self, runbook: Runbook, bound: RunbookBinding) -> Iterator[Finding]:
        sourced = {one.name for one in bound.parameters}
        wanted: dict[str, int] = {}
        for step in runbook.steps:
            for command in step.commands:
                for name in command.parameters if draft.runnable(command) else ():
                    wanted.setdefault(name, command.span.line)
        for name, line in wanted.items():
            if name in sourced or draft.SECRET.search(name):
                continue
            yield self._open(
                "no-source",
                f"<{name}> of {runbook.id} has no source: a person fills it in (line {line} of the document)",
                f"write it under `parameters`: {name}: {{from: [{{label: …}}]}}",
            )
        for one in bound.parameters:
            yield from self._sources(bound, one)

    def _sources(self, bound: RunbookBinding, parameter: ParameterBinding) -> Iterator[Finding]:
        alerts = [name for trigger in bound.triggers for name in trigger.alerts]
        rules = [rule for name in alerts for rule in self.rules.get(name, ())]
        came = [labels for name in alerts for labels in self.recorded.alerts.get(name, ())]
        alone = len(parameter.sources) == 1
        for at, source in enumerate(parameter.sources):
            line = self._line("parameters", parameter.name, "from", str(at)) or self.here
            if isinstance(source, FromLabel):
                sets = [rule.all_labels for rule in rules]
                known = bool(sets) and all(one is not None for one in sets)
                by_rule = known and not any(source.label in (one or ()) for one in sets)
                by_record = bool(came) and not any(source.label in labels for labels in came)
                if by_rule or (by_record and not any(one is None or source.label in one for one in sets)):
                    told = "its rule keeps" if by_rule else "it came with"
                    has = frozenset().union(*(one or () for one in sets)) if by_rule else frozenset().union(*came)
                    yield self._finding(
                        "no-such-label",
                        Severity.WRONG if alone else Severity.RISK,
                        f"{' and '.join(alerts[:2])} never {'has' if len(alerts) == 1 else 'have'} a label {source.label}"
                        f" for <{parameter.name}>: {told} {names.listed(has - {'alertname'})}",
                        "name one that is there, or another source",
                        line,
                    )
                elif not known and not any(source.label in labels for labels in came):
                    yield from self._mistyped_label(parameter, source.label, rules, line)
            elif isinstance(source, FromQuery):
                yield from self._label_of_query(source.promql, source.label, line)
            elif isinstance(source, FromTable):
                yield from self._columns(source, ("parameters", parameter.name, "from", str(at)))

    def _columns(self, source: FromTable, path: tuple[str, ...]) -> Iterator[Finding]:
        """Heads that the command's table was never seen with: the source never gives a value."""
        command = whole_place(self.id, source.command)
        has = self.recorded.columns.get(command, ())
        for key, name in (("column", source.column), ("where", source.where)):
            if not has or name in has:
                continue
            near = difflib.get_close_matches(name.upper(), [head.upper() for head in has], n=2)
            told = " or ".join(head for one in near for head in has if head.upper() == one)
            yield self._wrong(
                "no-such-column",
                f"no recorded table of {command} has a column {name}: it has {', '.join(has[:8])}",
                f"did you mean {told}?" if told else "name one that it has",
                self._line(*path, key) or self._line(*path) or self.here,
            )

    def _mistyped_label(
        self, parameter: ParameterBinding, label: str, rules: Sequence[AlertingRule], line: int
    ) -> Iterator[Finding]:
        """Where nobody knows all labels of an alert: one that its rule does not name, and nearly so."""
        said = dict.fromkeys(name for rule in rules for name in (*rule.said_labels, *rule.kept_labels))
        near = [other for other in said if names.mistyped(label, other)]
        if label not in said and near:
            yield self._finding(
                "no-such-label",
                Severity.RISK,
                f"no rule of its alerts speaks of a label {label} for <{parameter.name}>, and one speaks of {near[0]}",
                f"did you mean {near[0]}?",
                line,
            )

    # -- commands --------------------------------------------------------------------------------------------------

    def _commands(self, runbook: Runbook, bound: RunbookBinding) -> Iterator[Finding]:
        """Places that the binding names and no edition has: nothing would ever be seen there, or done."""
        documents = (*self.bound.documents, *self.bound.others)
        there = {
            str(name): one for document in documents for every in document.runbooks for name, one in commands_of(every)
        }
        named: list[tuple[tuple[str, ...], str]] = []
        for parameter in bound.parameters:
            for at, source in enumerate(parameter.sources):
                if not isinstance(source, FromLabel | FromQuery | FromAim):
                    named.append((("parameters", parameter.name, "from", str(at)), source.command))
        for at, remedy in enumerate(bound.remedies or ()):
            named += [(("remedies", str(at), "commands"), place) for place in remedy.commands]
        for listed in bound.lists:
            if listed.kind is ListKind.LOOK:
                named += [
                    (("lists", str(listed.step), "bullets", str(bullet)), look.name) for bullet, look in listed.every
                ]
        for path, place in named:
            whole = whole_place(runbook.id, place)
            if place in there or whole in there:
                continue
            mine = [name for name, _ in commands_of(runbook)]
            yield self._wrong(
                "no-such-command",
                f"{whole} is no command of the document",
                f"name one of {mine[0]} to {mine[-1]}" if mine else f"{runbook.id} has no command: take it out",
                self._line(*path) or self._line(*path[:-1]) or self.here,
            )

    def _labels_of_signs(self, bound: RunbookBinding) -> Iterator[Finding]:
        """What a sign's sentence names beside the figure is a label of its query."""
        for listed in bound.lists:
            for path, sign in names.signs(listed):
                line = self._nearest(*path, "says")
                for label in dict.fromkeys(names.BRACED.findall(sign.says)):
                    if label == "value":
                        continue
                    if sign.promql:
                        yield from self._label_of_query(sign.promql, label, line, also=("value",))
                    else:
                        yield self._wrong(
                            "no-such-label",
                            f"a release has no {{{label}}}: {{value}} is its name",
                            "write {value}, or take it out",
                            line,
                        )

    def _label_of_query(self, query: str, label: str, line: int, *, also: Sequence[str] = ()) -> Iterator[Finding]:
        plain = names.plain(query)
        if names.FIGURE.fullmatch(plain) or promql.mistake(plain):
            return
        grouped = steady.grouped_labels(plain)
        if grouped is not None and label not in grouped:
            close = difflib.get_close_matches(label, (*grouped, *also), n=1)
            yield self._wrong(
                "no-such-label",
                f"this query keeps {names.listed(frozenset(grouped))}, and not {label}",
                f"did you mean {close[0]}? Else group it by {label}" if close else f"group it by {label}",
                line,
            )
            return
        read = steady.metrics(plain)
        if grouped is None and len(read) == 1 and "label_replace" not in plain and "label_join" not in plain:
            there = self.monitored.labels(read[0])
            if there and label not in there:
                yield self._wrong(
                    "no-such-label",
                    f"{read[0]} has no label {label}: it has {names.listed(there - {'__name__'})}",
                    "name one that it has",
                    line,
                )
                return
        near = [one for one in (*steady.kept_labels(plain), *also) if names.mistyped(label, one)]
        if grouped is None and near and label not in steady.named_labels(plain):
            yield self._finding(
                "no-such-label",
                Severity.RISK,
                f"nothing says that this query has a label {label}, and it has {near[0]}",
                f"did you mean {near[0]}?",
                line,
            )

    # -- checks ----------------------------------------------------------------------------------------------------

    def _checks(self, runbook: Runbook, bound: RunbookBinding) -> Iterator[Finding]:
        if not bound.checks:
            if self._has_remedies(runbook, bound):
                yield self._open(
                    "no-check",
                    f"{runbook.id} has remedies and no check: whether one helped, a person says",
                    "write `checks` with a query and a limit that shows the symptom gone",
                )
            return
        blind = [_is_blind(check) for check in bound.checks]
        for at, check in enumerate(bound.checks):
            line = self._line("checks", str(at)) or self.here
            plain = names.plain(check.query)
            if not names.FIGURE.fullmatch(plain) and not promql.mistake(plain) and not steady.metrics(plain):
                yield self._wrong(
                    "blind-check", f"“{check.name}” reads no series: it is always the same", "ask for a metric", line
                )
            elif (judged := _whatever_happens(check)) is not None:
                always = judged.when is bounds.When.NEVER  # what is never broken always holds
                yield self._wrong(
                    "blind-check" if always else "never-holds",
                    f"“{check.name}” {'is true whatever happens' if always else 'can never hold'}: {judged.because}",
                    "write a limit that a good day keeps and this trouble does not",
                    line,
                )
            elif all(blind):
                yield self._wrong(
                    "blind-check",
                    f"“{check.name}” is true as well where nothing is seen at all: `or vector(0)` makes no data a 0",
                    "write `or 0 * count(up)` with a metric that is always there, or add a check that needs data",
                    line,
                )
            if (runbook.id, check.query) in self.recorded.without_data:
                yield self._wrong(
                    "no-data",
                    f"“{check.name}” had no data in any recorded sample: it can never hold",
                    "try its query in Prometheus",
                    line,
                )
        yield from self._in_faults(bound)

    def _has_remedies(self, runbook: Runbook, bound: RunbookBinding) -> bool:
        if bound.remedies is not None:
            return any(not one.only_by_choice for one in bound.remedies)
        return any(
            draft.changes(command) and draft.runnable(command) for step in runbook.steps for command in step.commands
        )

    def _in_faults(self, bound: RunbookBinding) -> Iterator[Finding]:
        """Checks against what was read while a fault was on: all of them true is no proof of anything."""
        mine = [one for one in self.recorded.seen if one.runbook == bound.runbook]
        for recording in dict.fromkeys(one.recording for one in mine):
            found = {one.query: one for one in mine if one.recording == recording}
            known = [found[check.query] for check in bound.checks if check.query in found]
            told = len(known) == len(bound.checks) and all(one.ok for one in known)
            for at, check in enumerate(bound.checks):
                one = found.get(check.query)
                if one is None or not one.ok:
                    continue
                line = self._line("checks", str(at)) or self.here
                if told:
                    yield self._wrong(
                        "true-in-fault",
                        f"{one.says} while the fault of {recording} was on: that it holds proves nothing",
                        "ask for what the alert's own rule asks for, or tighten the limit",
                        line,
                    )
                elif all(other.ok for other in mine if other.query == check.query):
                    yield self._finding(
                        "adds-nothing",
                        Severity.RISK,
                        f"{one.says} while the fault of {recording} was on: only the other checks tell it",
                        "leave it out, or ask for what goes wrong",
                        line,
                    )

    # -- metrics ---------------------------------------------------------------------------------------------------

    def _queries(self, bound: RunbookBinding) -> Iterator[tuple[tuple[str, ...], str]]:
        for at, check in enumerate(bound.checks):
            yield ("checks", str(at), "query"), check.query
            if check.denominator:
                yield ("checks", str(at), "denominator"), check.denominator
        for parameter in bound.parameters:
            for at, source in enumerate(parameter.sources):
                if isinstance(source, FromQuery):
                    yield ("parameters", parameter.name, "from", str(at)), source.promql
        for at, remedy in enumerate(bound.remedies or ()):
            for number, when in enumerate(remedy.when):
                yield ("remedies", str(at), "when", str(number), "query"), when.promql
        for listed in bound.lists:
            yield from (((*path, "query"), sign.promql) for path, sign in names.signs(listed) if sign.promql)
        for at, trigger in enumerate(bound.triggers):
            for key in ("query", "denominator"):
                for query in dict.fromkeys(getattr(one, key) for one in trigger.rules if getattr(one, key)):
                    yield ("triggers", str(at), key), query

    def _metrics(self, path: tuple[str, ...], query: str) -> Iterator[Finding]:
        plain = names.plain(query)
        if names.FIGURE.fullmatch(plain):
            return
        line = self._line(*path) or self._line(*path[:-1]) or self.here
        for name in metrics(plain):
            if self.monitored.metrics is not None:
                if name not in self.monitored.metrics:
                    near = difflib.get_close_matches(name, self.monitored.metrics, n=1)
                    yield self._wrong(
                        "no-such-metric",
                        f"Prometheus has no metric {name}",
                        f"did you mean {near[0]}?" if near else "have it scraped, or ask for another",
                        line,
                    )
            elif name not in self.read | self.recorded.metrics and self.asked[name] == 1:
                others = self.read | self.recorded.metrics | (self.asked.keys() - {name})
                near = [other for other in sorted(others) if names.mistyped(name, other)]
                if near:
                    where = "a rule" if near[0] in self.read else "another query of this binding"
                    where = "a recorded query" if where != "a rule" and near[0] in self.recorded.metrics else where
                    yield self._finding(
                        "no-such-metric",
                        Severity.RISK,
                        f"nothing else reads {name}, and {where} reads {near[0]}",
                        f"did you mean {near[0]}? A Prometheus could tell: --prometheus URL",
                        line,
                    )

    # -- findings --------------------------------------------------------------------------------------------------

    def _nearest(self, *path: str) -> int:
        """The line of a path, else of what it stands in."""
        return _nearest(self.lines, ("runbooks", self.id, *path), least=3) or self.here

    def _nowhere(self, told: names.Nowhere) -> Finding:
        duty = told.path[0] == "escalation"  # which stands below no runbook
        line = _nearest(self.lines, told.path) or 1 if duty else self._nearest(*told.path)
        return self._finding(told.rule, told.severity, told.message, told.suggestion, line)

    def _line(self, *path: str) -> int:
        return self.lines.get(("runbooks", self.id, *path), 0)

    def _open(self, rule: str, message: str, suggestion: str) -> Finding:
        return self._finding(rule, Severity.STYLE, message, suggestion, self.here)

    def _wrong(self, rule: str, message: str, suggestion: str, line: int) -> Finding:
        return self._finding(rule, Severity.WRONG, message, suggestion, line)

    def _finding(self, rule: str, severity: Severity, message: str, suggestion: str, line: int) -> Finding:
        text = self.bound.text.split("\n")
        told = text[line - 1] if 0 < line <= len(text) else ""
        return _finding(
            rule, severity, message, suggestion, line=line, column=len(told) - len(told.lstrip()) + 1, width=len(told)
        )


def whole_place(runbook: str, place: str) -> str:
    """The whole name of a command as a binding names it: `1.1` is that of its own runbook."""
    return place if re.match(r"\D", place) else f"{runbook}.{place}"


def as_asked(query: str) -> re.Pattern[str]:
    """What a binding's query looks like when it was asked: any window, service, namespace or value in its place."""
    parts = re.split(r"(\$[A-Za-z][\w-]*)", query)
    told = []
    for part in parts:
        if part == "$window":
            told.append(r"\d+(?:ms|s|m|h)")
        elif part.startswith("$") and len(part) > 1:
            told.append(r'[^"\s]*')
        else:
            told.append(re.escape(part))
    return re.compile("".join(told))


def _is_blind(check: Check) -> bool:
    return check.below is not None and check.denominator is None and bool(BLIND.search(names.plain(check.query)))


def _whatever_happens(check: Check) -> bounds.Judged | None:
    """When a check is broken, where that does not depend on what it reads."""
    every = [bounds.judged(one) for one in alerting.broken(check)]
    always = next((one for one in every if one is not None and one.when is bounds.When.ALWAYS), None)
    never = every[0] if every and all(one is not None and one.when is bounds.When.NEVER for one in every) else None
    return always or never


def _one_line(expression: str) -> str:
    told = " ".join(expression.split())
    return told if len(told) <= 60 else f"{told[:59]}…"


def _nearest(lines: Mapping[tuple[str, ...], int], path: tuple[str, ...], *, least: int = 1) -> int:
    """The line of a path, else of what it stands in, down to its `least` first words; 0 where nothing of it is there."""
    return next((line for end in range(len(path), least - 1, -1) if (line := lines.get(path[:end], 0))), 0)


def _finding(
    rule: str, severity: Severity, message: str, suggestion: str, *, line: int, column: int = 1, width: int = 1
) -> Finding:
    span = Span(line=line, column=column, end_line=line, end_column=max(column + 1, width + 1))
    return Finding(rule=rule, severity=severity, message=message, suggestion=suggestion, span=span)
