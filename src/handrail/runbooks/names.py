"""What a binding names and nobody has: bullets, duties, parameters, runbooks, services, events, labels of a selector.

One binding serves several editions of a document: a name is wrong where no edition has it. Where nobody can know all
names, only what is nearly called like one that is known is told.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.commands import Effect, Severity, promql, steady
from handrail.runbooks import draft
from handrail.runbooks.binding import Binding, ListBinding, ListKind, RemedyBinding, RunbookBinding, Sign, Trigger
from handrail.runbooks.document import Document, Level, Runbook, Step, commands_of

PLACES = {"$window": "5m", "$service": "service", "$namespace": "namespace"}
FIGURE = re.compile(r"\w+:\w+")
EVENT = "deployment.failed"  # as the documentation calls it
FILLED = ("service", "namespace", "window")  # beside parameters, in every query of a runbook
RAISED = ("namespace", "window")  # where an alert is raised there is no service yet
PLACE = re.compile(r"\$([A-Za-z][\w-]*)")
BRACED = re.compile(r"\{([A-Za-z_][\w-]*)\}")
OPEN = re.compile(r"<([A-Za-z][\w-]*)>")
GROUP = re.compile(r"\?P?<(\w+)>")  # of a regular expression: label_replace knows it as $name
SLIP = 0.75  # how like two names are of which one is mistyped, where they are about one thing
CLEAR_SLIP = 0.85  # and where they need not be

Path = tuple[str, ...]
Queries = Sequence[tuple[Path, str]]


@dataclass(frozen=True, kw_only=True)
class Nowhere:
    """One name that is nowhere: where it stands below its runbook, which rule it breaks, and what to do."""

    path: Path
    rule: str
    message: str
    suggestion: str
    severity: Severity = Severity.WRONG


@dataclass(frozen=True, kw_only=True)
class Known:
    """What there is to be named.

    `editions` are all documents that the binding serves; `beside` gives the others of its settings, asked for only where
    something is in none of its own. `services` is None where nobody says which there are.
    """

    editions: tuple[Document, ...]
    beside: Callable[[], Sequence[Document]] = tuple
    services: frozenset[str] | None = None
    events: frozenset[str] = frozenset()  # that were told while a drill was recorded


def plain(query: str) -> str:
    """A binding's query as PromQL, with something in each place."""
    for name, value in PLACES.items():
        query = query.replace(name, value)
    return re.sub(r"\$[A-Za-z][\w-]*", "value", query)


def mistyped(name: str, other: str, *, alike: float = SLIP) -> bool:
    """Whether two names differ in one word only, and that by a slip: not by a word that means something else."""
    words, others = re.split(r"[._]", name), re.split(r"[._]", other)
    if len(words) != len(others):
        return False
    differ = [(one, two) for one, two in zip(words, others, strict=True) if one != two]
    if len(differ) != 1:
        return False
    ((one, two),) = differ
    return not one.endswith(two) and not two.endswith(one) and difflib.SequenceMatcher(None, one, two).ratio() > alike


class Names:
    """The names of one binding, against what is known."""

    def __init__(self, binding: Binding, known: Known, *, queries: Mapping[str, Queries], rules: Sequence[str]) -> None:
        """`queries` are a runbook's with their paths; `rules` are the expressions of alerting rules."""
        self.binding, self.known, self.queries = binding, known, queries
        self.events = Counter(
            one.event for bound in binding.runbooks.values() for one in bound.triggers if one.event is not None
        )
        every = dict.fromkeys(plain(query) for those in queries.values() for _, query in those)
        self.asked = Counter(pair for query in every for pair in dict.fromkeys(_asked(query)))
        self.ruled = frozenset(pair for rule in rules for pair in _asked(rule))

    def editions(self, identity: str) -> list[Runbook]:
        """The runbook as each edition has it."""
        return [one for document in self.known.editions for one in document.runbooks if one.id == identity]

    def of_runbook(self, runbook: Runbook, bound: RunbookBinding) -> Iterator[Nowhere]:
        """Names of one runbook's binding, in its order."""
        editions = self.editions(runbook.id)
        for at, trigger in enumerate(bound.triggers):
            yield from self._trigger(at, trigger)
        yield from self._parameters(editions, bound)
        yield from self._lists(editions, bound)
        yield from self._remedies(editions, bound)
        for other in bound.explains:
            yield from self._runbook(other, ("explains",), "whose alerts this trouble raises too")
        most = max((len(one.resolution) for one in editions), default=0)
        for place in bound.resolution:
            if place > most:
                yield _bullet(("resolution", str(place)), place, most, f"the Resolution of {bound.runbook}")
        for path, query in self.queries.get(bound.runbook, ()):
            yield from self._selectors(path, query)

    # -- what starts it ------------------------------------------------------------------------------------------------

    def _trigger(self, at: int, trigger: Trigger) -> Iterator[Nowhere]:
        services = self.known.services
        for name in dict.fromkeys(one.service for one in trigger.rules if isinstance(one.service, str) and one.service):
            if services and name not in services:
                near = difflib.get_close_matches(name, services, n=1)
                yield Nowhere(
                    path=("triggers", str(at), "service"),
                    rule="no-such-service",
                    severity=Severity.WRONG if near else Severity.RISK,
                    message=f"no service is called {name}: nobody owns it, and it needs nothing",
                    suggestion=f"did you mean {near[0]}?"
                    if near
                    else f"name one of {listed(services)}, or write it there",
                )
        event = trigger.event
        if event is None or event in self.known.events or event == EVENT:
            return
        others = sorted({EVENT, *self.known.events, *self.events} - {event})
        near = [other for other in others if mistyped(event, other)]
        if near:
            yield Nowhere(
                path=("triggers", str(at), "event"),
                rule="no-such-event",
                severity=Severity.RISK,
                message=f"nothing else tells of an event {event}, and {near[0]} is known",
                suggestion=f"did you mean {near[0]}?",
            )

    # -- parameters, and what names them -------------------------------------------------------------------------------

    def _parameters(self, editions: Sequence[Runbook], bound: RunbookBinding) -> Iterator[Nowhere]:
        wanted = dict.fromkeys(name for runbook in editions for name in _placeholders(runbook))
        sourced = {one.name: one for one in bound.parameters}
        known = {*wanted, *sourced}
        used = {name for _, text in _sentences(bound) for name in (*PLACE.findall(text), *OPEN.findall(text))}
        used |= {name for _, query in self.queries.get(bound.runbook, ()) for name in PLACE.findall(query)}
        used |= {name for remedy in bound.remedies or () for name in remedy.needs}
        open_ = {name.lower().replace("_", "-"): name for name in wanted if name not in sourced}
        for name in sourced:
            near = difflib.get_close_matches(name.lower().replace("_", "-"), open_, n=1, cutoff=SLIP)
            if name not in wanted and name not in used and near:
                yield Nowhere(
                    path=("parameters", name),
                    rule="no-such-parameter",
                    message=f"no edition of {bound.runbook} has a placeholder <{name}>, and <{open_[near[0]]}> has no source",
                    suggestion=f"did you mean {open_[near[0]]}?",
                )
        for path, query in self.queries.get(bound.runbook, ()):
            filled = RAISED if path[0] == "triggers" else (*FILLED, *known)
            groups = GROUP.findall(query)
            yield from _unfilled(path, [one for one in PLACE.findall(query) if one not in groups], filled)
        for path, text in _sentences(bound):
            if path[-1] in ("preview", "undo"):
                yield from _unfilled(path, OPEN.findall(text), tuple(known), shown="<{}>")
                continue
            filled = (*FILLED, "value", *known)
            yield from _unfilled(path, PLACE.findall(text), filled)
            if path[-1] == "summary":
                yield from _unfilled(path, BRACED.findall(text), filled, shown="{{{}}}")

    # -- lists ---------------------------------------------------------------------------------------------------------

    def _lists(self, editions: Sequence[Runbook], bound: RunbookBinding) -> Iterator[Nowhere]:
        for listed in bound.lists:
            steps = _steps(editions, listed.step)
            most = max((len(step.bullets) for step in steps), default=0)
            here = ("lists", str(listed.step))
            if steps and not most:
                others = dict.fromkeys(step.number for one in editions for step in one.steps if step.bullets)
                yield Nowhere(
                    path=here,
                    rule="no-such-list",
                    message=f"step {listed.step} of {bound.runbook} is no {listed.kind}: no edition has a bullet in it",
                    suggestion=f"name one of the steps with bullets: {', '.join(map(str, others))}"
                    if others
                    else "take it out",
                )
                continue
            for place in listed.bullets:
                if steps and place > most:
                    told = f"step {listed.step} of {bound.runbook}"
                    yield _bullet((*here, "bullets", str(place)), place, most, told)
            for place, one in listed.every:
                where, slash, _ = one.name.partition("/")
                if listed.kind is ListKind.CHOICE and slash:
                    yield from self._runbook(where, (*here, "bullets", str(place)), "for which this bullet stands")

    # -- remedies ------------------------------------------------------------------------------------------------------

    def _remedies(self, editions: Sequence[Runbook], bound: RunbookBinding) -> Iterator[Nowhere]:
        for at, remedy in enumerate(bound.remedies or ()):
            here = ("remedies", str(at))
            known = {*(name for one in editions for name in _placeholders(one)), *self._sourced(bound, remedy)}
            for name in remedy.needs:
                if name not in known:
                    yield Nowhere(
                        path=(*here, "needs"),
                        rule="no-such-parameter",
                        message=f"no parameter of {bound.runbook} is called {name}, so {remedy.name} could never be made",
                        suggestion=_did_you_mean(name, known, otherwise="name one that its commands have"),
                    )
            having = [(one, step) for one in editions for step in one.steps if step.number == remedy.step]
            if having and not any(_changes_something(one, step, remedy) for one, step in having):
                nothing = not any(step.commands for _, step in having)
                changing = dict.fromkeys(
                    str(step.number) for one in editions for step in one.steps if any(map(draft.changes, step.commands))
                )
                yield Nowhere(
                    path=(*here, "step"),
                    rule="changes-nothing",
                    message=f"{remedy.name} of {bound.runbook} changes nothing: step {remedy.step} "
                    + ("has no command" if nothing else "only reads"),
                    suggestion=f"name a step that changes something: {', '.join(changing)}"
                    if changing
                    else "take it out",
                )

    def _sourced(self, bound: RunbookBinding, remedy: RemedyBinding) -> set[str]:
        """Parameters with a source where the remedy may be made: in its own runbook and where a choice names it."""
        name = f"{bound.runbook}/{remedy.name}"
        return {
            parameter.name
            for one in self.binding.runbooks.values()
            if one is bound or any(meant.name == name for listed in one.lists for _, meant in listed.every)
            for parameter in one.parameters
        }

    # -- what stands elsewhere -----------------------------------------------------------------------------------------

    def _runbook(self, name: str, path: Path, what: str) -> Iterator[Nowhere]:
        known = [str(one.id) for document in self.known.editions for one in document.runbooks]
        if not known or name in known:
            return
        known += [str(one.id) for document in self.known.beside() for one in document.runbooks]
        if name not in known:
            yield Nowhere(
                path=path,
                rule="no-such-runbook",
                severity=Severity.ERROR,
                message=f"no document has a runbook {name}, {what}",
                suggestion=_did_you_mean(name, known, otherwise="name one that is there, or take it out"),
            )

    def duties(self) -> Iterator[Nowhere]:
        """Levels of the escalation procedure that no document has, and duties that a level does not have."""
        levels, told = _levels(self.known.editions), set()
        for level, place in self.binding.duties:
            if place > len(levels.get(level, ())):
                levels = _levels((*self.known.editions, *self.known.beside()))
            many = levels.get(level)
            if many is None and level not in told:
                told.add(level)
                has = f"it has {_from_one(levels)}" if levels else "no document has one"
                yield Nowhere(
                    path=("escalation", str(level)),
                    rule="no-such-duty",
                    message=f"the escalation procedure has no level {level}: {has}",
                    suggestion=f"name one of {_from_one(levels)}" if levels else "take it out",
                )
            elif many is not None and place > len(many):
                yield Nowhere(
                    path=("escalation", str(level), str(place)),
                    rule="no-such-duty",
                    message=f"level {level} of the escalation procedure has {_count(len(many), 'duty', 'duties')}, and no {place}",
                    suggestion=f"name one of 1 to {len(many)}" if many else "take it out",
                )

    # -- labels --------------------------------------------------------------------------------------------------------

    def _selectors(self, path: Path, query: str) -> Iterator[Nowhere]:
        """Labels of a selector that nothing else asks for, and nearly so: no series has them, so nothing is selected."""
        for metric, label in dict.fromkeys(_asked(plain(query))):
            if self.asked[metric, label] > 1 or (metric, label) in self.ruled:
                continue
            near = self._near_label(metric, label)
            if near:
                yield Nowhere(
                    path=path,
                    rule="no-such-label",
                    severity=Severity.RISK,
                    message=f"nothing else asks for a label {label} of {metric}, and another selector asks for {near}",
                    suggestion=f"did you mean {near}?",
                )

    def _near_label(self, metric: str, label: str) -> str:
        every = {*self.asked, *self.ruled}
        mine = self.asked[metric, label]
        same = sorted(
            other
            for name, other in every
            if name == metric
            and mistyped(label, other)
            and ((name, other) in self.ruled or self.asked[name, other] >= mine)
        )
        if same or sum(self.asked[pair] for pair in self.asked if pair[1] == label) > 1:
            return same[0] if same else ""
        if any(other == label for _, other in self.ruled):
            return ""
        far = Counter(other for _, other in (*self.asked.elements(), *self.ruled) if other != label)
        likely = [other for other, times in far.most_common() if times > 1 and mistyped(label, other, alike=CLEAR_SLIP)]
        return likely[0] if likely else ""


def signs(listed: ListBinding) -> Iterator[tuple[Path, Sign]]:
    """The signs of a choice's bullets, each with its path."""
    for place, options in listed.bullets.items():
        for at, option in enumerate(options):
            one_of = (str(at),) if len(options) > 1 else ()  # written as a list
            here = ("lists", str(listed.step), "bullets", str(place), *one_of, "signs")
            yield from (((*here, str(number)), sign) for number, sign in enumerate(option.signs))


def _asked(query: str) -> tuple[tuple[str, str], ...]:
    """Metric and label of every matcher in a query that can be read."""
    return () if FIGURE.fullmatch(query) or promql.mistake(query) else steady.asked_labels(query)


def _placeholders(runbook: Runbook) -> Iterator[str]:
    for _, command in commands_of(runbook):
        yield from command.parameters


def _steps(editions: Sequence[Runbook], number: int) -> list[Step]:
    return [step for one in editions for step in one.steps if step.number == number]


def _changes_something(runbook: Runbook, step: Step, remedy: RemedyBinding) -> bool:
    """Whether there would be something to approve; a command that the binding names is taken as it is."""
    if not remedy.commands:
        return any(map(draft.changes, step.commands))
    named = [one for name, one in commands_of(runbook) if name.removeprefix(f"{runbook.id}.") in remedy.commands]
    return not named or any(one.analysis.effect is not Effect.READS for one in named)


def _sentences(bound: RunbookBinding) -> Iterator[tuple[Path, str]]:
    """The texts of a runbook's binding that places are filled in in."""
    if bound.summary:
        yield ("summary",), bound.summary
    for listed in bound.lists:
        yield from (((*path, "says"), sign.says) for path, sign in signs(listed))
    for at, remedy in enumerate(bound.remedies or ()):
        here = ("remedies", str(at))
        yield from (((*here, "when", str(number), "says"), when.says) for number, when in enumerate(remedy.when))
        told = (("title", remedy.title), ("preview", remedy.preview), ("undo", remedy.undo))
        yield from (((*here, key), text) for key, text in told if text)


def _unfilled(path: Path, named: Sequence[str], filled: Collection[str], *, shown: str = "${}") -> Iterator[Nowhere]:
    for name in dict.fromkeys(named):
        # `$service-v1` is the service and more; `$services` is neither
        if any(name == one or (shown == "${}" and name.startswith((f"{one}-", f"{one}_"))) for one in filled):
            continue
        told = shown.format(name)
        near = difflib.get_close_matches(name, filled, n=1)
        raised = path[0] == "triggers"
        why = ": where an alert is raised only $window and $namespace are known" if raised else ""
        otherwise = (
            "ask for every one, grouped by a label" if raised else "bind a parameter of that name, or take it out"
        )
        yield Nowhere(
            path=path,
            rule="no-such-parameter",
            message=f"nothing stands for {told}{why}",
            suggestion=f"did you mean {shown.format(near[0])}?" if near else otherwise,
        )


def _levels(documents: Sequence[Document]) -> dict[int, Sequence[object]]:
    """Levels of the escalation procedure to the duties of the edition that has most."""
    found: dict[int, Sequence[object]] = {}
    every: Iterator[Level] = (level for document in documents for level in document.escalation)
    for level in every:
        found[level.number] = max(found.get(level.number, ()), level.duties, key=len)
    return found


def _bullet(path: Path, place: int, most: int, where: str) -> Nowhere:
    return Nowhere(
        path=path,
        rule="no-such-bullet",
        message=f"{where} has {_count(most, 'bullet', 'bullets')}, and no {place}",
        suggestion=f"name one of 1 to {most}" if most else "take it out",
    )


def _did_you_mean(name: str, known: Collection[str], *, otherwise: str) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def _count(many: int, one: str, several: str) -> str:
    return f"{many or 'no'} {one if many == 1 else several}"


def _from_one(levels: Mapping[int, object]) -> str:
    return f"{min(levels)} to {max(levels)}" if len(levels) > 1 else str(min(levels))


def listed(names: Collection[str]) -> str:
    """The first of them, as people read them."""
    return ", ".join(sorted(names)[:8]) or "none"
