"""A binding proposed for a document that nobody has bound: what is known, how sure and why, and what is left to ask.

Everything is read off the document and off Prometheus' own rules. What cannot be known becomes a question.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from handrail.commands import Command, Effect, Knowledge, Scope, negate, standing
from handrail.commands.negate import CannotNegate, Negated
from handrail.commands.standing import Place
from handrail.runbooks.binding import Check, FromAim, FromLabel, FromQuery, FromTable, FromText, Source
from handrail.runbooks.document import Document, Runbook, RunbookId, Step, StepKind, Symptom
from handrail.runbooks.promrules import AlertingRule
from handrail.runbooks.select import CAMEL, Chosen, by_url, select, words

ALERT = re.compile(r"[a-z]*[A-Z]?[a-z0-9]*(?:[A-Z][A-Za-z0-9]*)+")
TEMPLATE = re.compile(r"\{\{.*?\}\}")
SECRET = re.compile(r"pass(word|wd)?$|token|credential|api_?key", re.IGNORECASE)
FAILING = (
    "CrashLoopBackOff",
    "Error",
    "ImagePullBackOff",
    "ErrImagePull",
    "CreateContainerConfigError",
    "OOMKilled",
    "Evicted",
    "Pending",
)
LABELS = {  # where kube-state-metrics and the kubelet name a kind otherwise than it is called
    "job": "job_name",
    "release": "release",
    "package": "package",
    "ip": "ip",
}
PRINTED = (  # what `kubectl describe` of a kind tells of another: verb and kind, the other, the line
    ("persistentvolumeclaim", "pod", r"^Used By: +([a-z0-9]\S*)"),
    ("job", "pod", r"Created pod: ([a-z0-9]\S*)"),
    ("pod", "node", r"^Node: +([a-z0-9][^/ ]*)"),
)
ASKED = (  # what kube-state-metrics knows of a kind by another that the runbook names: kind, other, query, label
    ("pod", "job", 'kube_pod_owner{{namespace="$namespace", owner_kind="Job", owner_name="${0}"}}', "pod"),
    (
        "pod",
        "persistentvolumeclaim",
        'kube_pod_spec_volumes_persistentvolumeclaims_info{{namespace="$namespace", persistentvolumeclaim="${0}"}}',
        "pod",
    ),
    ("container", "pod", 'kube_pod_container_info{{namespace="$namespace", pod="${0}"}}', "container"),
    ("node", "pod", 'kube_pod_info{{namespace="$namespace", pod="${0}"}}', "node"),
)
OWN_NAMESPACE = 'label_replace(vector(1), "namespace", "$namespace", "", "")'
WORKLOADS = ("deployment", "statefulset", "daemonset", "replicaset")
MOST_GUESSES = 3
MOST_OF = 0.6  # of a title's words, that an alert called by some of them alone must have
DEFAULT_WINDOW = timedelta(minutes=5)


class Sure(enum.StrEnum):
    """How sure a proposal is. A guess is never written as an answer."""

    SURE = "sure"
    LIKELY = "likely"
    GUESS = "guess"


@dataclass(frozen=True, kw_only=True)
class ProposedTrigger:
    """An alert that the runbook answers."""

    alert: str
    sure: Sure
    why: str
    rule: AlertingRule | None = None


@dataclass(frozen=True, kw_only=True)
class ProposedSource:
    """Where a parameter's value may come from."""

    source: Source
    sure: Sure
    why: str


@dataclass(frozen=True, kw_only=True)
class ProposedParameter:
    """A placeholder with its type and sources, best first. Without any, `asks` says what to ask."""

    name: str
    type: str
    why: str
    sources: tuple[ProposedSource, ...] = ()
    asks: str = ""


@dataclass(frozen=True, kw_only=True)
class ProposedCheck:
    """What proves that the trouble is gone."""

    check: Check
    sure: Sure
    why: str
    stated: bool = False  # its limit is the document's own


@dataclass(frozen=True, kw_only=True)
class ProposedRemedy:
    """A changing step; `commands` where only some of its changes can be made by Handrail."""

    name: str
    title: str
    step: int
    commands: tuple[str, ...]
    says: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """What cannot be known. `example` is what an answer looks like, as lines of YAML; `part` is the key it belongs to."""

    part: str  # triggers, parameters, checks, remedies, lists
    text: str
    example: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunbookDraft:
    """The proposals of one runbook."""

    runbook: Runbook
    triggers: tuple[ProposedTrigger, ...] = ()
    parameters: tuple[ProposedParameter, ...] = ()
    checks: tuple[ProposedCheck, ...] = ()
    remedies: tuple[ProposedRemedy, ...] = ()
    lists: tuple[Step, ...] = ()
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """All of it. `unanswered` are rules that no runbook of the document answers."""

    document: Document
    runbooks: tuple[RunbookDraft, ...] = ()
    unanswered: tuple[AlertingRule, ...] = field(default_factory=tuple)


def draft(
    document: Document,
    *,
    rules: Sequence[AlertingRule],
    knowledge: Knowledge,
    stem: str,
    served: frozenset[str] | None = None,
) -> Draft:
    """A draft for every runbook of the document. `stem` is its file's name without the ending.

    `served` are the metrics that a Prometheus has, where one was asked: nothing is asked of it that it does not have.
    """
    books = bindable(document)
    found = _matched(document, books, rules, stem=stem)
    answered = {rule.alert for triggers in found.values() for one in triggers if (rule := one.rule)}
    drafts = []
    for runbook in books:
        named = _named(runbook, stem, alone=len(books) == 1)
        one = _Drafting(runbook, found.get(runbook.id, []), rules, knowledge, named=named, served=served)
        drafts.append(one.draft())
    return Draft(
        document=document,
        runbooks=tuple(drafts),
        unanswered=tuple(rule for rule in rules if rule.alert not in answered),
    )


def bindable(document: Document) -> tuple[Runbook, ...]:
    """The runbooks that a binding is for: those with commands; each id once."""
    having = [one for one in document.runbooks if any(step.commands for step in one.steps)] or list(document.runbooks)
    return tuple({one.id: one for one in reversed(having)}.values())[::-1]


def changes(command: Command) -> bool:
    """Whether a command needs an approval: all that is no read and reaches beyond the run's own workspace."""
    analysis = command.analysis
    return not command.task and analysis.effect is not Effect.READS and analysis.scope in (Scope.TARGET, Scope.SESSION)


def runnable(command: Command) -> bool:
    """Whether Handrail can run it; what only a shell or a terminal can do is a person's."""
    return command.stages is not None and (not command.analysis.needs_tty or "exec-terminal" in command.mended)


# -- triggers ----------------------------------------------------------------------------------------------------------


def _matched(
    document: Document, books: Sequence[Runbook], rules: Sequence[AlertingRule], *, stem: str
) -> dict[RunbookId, list[ProposedTrigger]]:
    """For each runbook the alerts that it answers, surest first; each alert at one runbook only, unless it is guessed."""
    found: dict[RunbookId, list[ProposedTrigger]] = {}
    narrowed = replace(document, runbooks=tuple(books))
    for rule in {one.alert: one for one in reversed(rules)}.values():
        for runbook, trigger in _match(narrowed, rule, stem=stem):
            found.setdefault(runbook, []).append(trigger)
    order = list(Sure)
    for runbook, triggers in found.items():
        triggers.sort(key=lambda one: (order.index(one.sure), one.alert))
        if any(one.sure is not Sure.GUESS for one in triggers):
            found[runbook] = [one for one in triggers if one.sure is not Sure.GUESS]
        else:
            found[runbook] = triggers[:MOST_GUESSES]
    return found


def _match(document: Document, rule: AlertingRule, *, stem: str) -> list[tuple[RunbookId, ProposedTrigger]]:
    def told(runbook: Runbook, sure: Sure, why: str) -> list[tuple[RunbookId, ProposedTrigger]]:
        return [(runbook.id, ProposedTrigger(alert=rule.alert, sure=sure, why=why, rule=rule))]

    books = document.runbooks
    alone = len(books) == 1
    url = rule.runbook_url
    named = by_url(url, [(document, one) for one in books]) if url else []
    if len(named) == 1:
        return told(named[0][1], Sure.SURE, f"its runbook_url leads here: {url}")
    last = url.partition("#")[0].rstrip("/").rpartition("/")[2].lower().removesuffix(".md")
    if alone and last and last == stem.lower():
        return told(books[0], Sure.SURE, f"its runbook_url leads to this file: {url}")
    for runbook in books:
        if _plain(rule.alert) in _names(runbook, stem if alone else ""):
            return told(runbook, Sure.SURE, "the alert is called what the runbook is called")
    for runbook in books:
        label = next(
            (
                f"{key}={value}"
                for key, value in (*rule.labels.items(), *rule.annotations.items())
                if value.lower() == runbook.id.lower()
            ),
            "",
        )
        if label:
            return told(runbook, Sure.SURE, f"it says so: {label}")
    if last and last == rule.alert.lower():
        return []  # its runbook has a page of its own
    return _by_words(document, rule)


def _by_words(document: Document, rule: AlertingRule) -> list[tuple[RunbookId, ProposedTrigger]]:
    said = words(CAMEL.sub(" ", rule.alert))
    fits = []
    for runbook in document.runbooks:
        title = words(CAMEL.sub(" ", runbook.title))
        shared = said & title
        if len(shared) > 1 and (title <= said or (said <= title and len(shared) >= MOST_OF * len(title))):
            fits.append((runbook, shared))
    if len(fits) == 1:
        runbook, shared = fits[0]
        why = f"the alert and the title say the same words: {', '.join(sorted(shared))}"
        return [(runbook.id, ProposedTrigger(alert=rule.alert, sure=Sure.LIKELY, why=why, rule=rule))]
    if all(_named(one, "", alone=False) for one in document.runbooks):
        return []  # they are called after their alerts: another one is not theirs
    plain = {key: TEMPLATE.sub(" ", value) for key, value in rule.annotations.items()}
    chosen = select(replace(rule, annotations=plain), documents=[document], bindings=[])
    if isinstance(chosen, Chosen) and chosen.guess:
        why = chosen.reasons[0].removeprefix("A guess: ").rstrip(".")
        return [(chosen.runbook, ProposedTrigger(alert=rule.alert, sure=Sure.GUESS, why=why, rule=rule))]
    return []


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\[[^\]]*\]", "", name.lower()))


def _names(runbook: Runbook, stem: str) -> set[str]:
    found = {_plain(runbook.id), _plain(runbook.title), _plain(stem)}
    return {name for one in found for name in (one, one.removesuffix("alert")) if name}


def _named(runbook: Runbook, stem: str, *, alone: bool) -> str:
    """The alert that a runbook is called after, where its title or file is written as alerts are."""
    title = re.sub(r"\s*\[[^\]]*\]\s*", "", runbook.title).strip()
    return next((one for one in (title, stem if alone else "") if ALERT.fullmatch(one) and len(one) > 5), "")


# -- one runbook -------------------------------------------------------------------------------------------------------


class _Drafting:
    """One runbook on its way to a draft."""

    def __init__(
        self,
        runbook: Runbook,
        triggers: Sequence[ProposedTrigger],
        rules: Sequence[AlertingRule],
        knowledge: Knowledge,
        *,
        named: str,
        served: frozenset[str] | None,
    ) -> None:
        self.runbook, self.knowledge, self.named, self.served = runbook, knowledge, named, served
        self.triggers = [one for one in triggers if one.sure is not Sure.GUESS]
        self.guesses = [one for one in triggers if one.sure is Sure.GUESS]
        names = {one.alert for one in self.triggers}
        self.rules = [rule for rule in rules if rule.alert in names]
        self.given = bool(rules)
        self.taken: dict[tuple[str, str], str] = {}  # a source of a kind of thing to the first that has it
        self.questions: list[Question] = []
        self.notes: list[str] = []
        self.commands = [
            (f"{step.number}.{index}", command)
            for step in runbook.steps
            for index, command in enumerate(step.commands, 1)
        ]
        self.places: dict[str, list[tuple[str, Place]]] = {}
        for at, command in self.commands:
            for name, places in standing.of(command, knowledge).items():
                self.places.setdefault(name, []).extend((at, place) for place in places)

    def draft(self) -> RunbookDraft:
        """All parts, in the order of a binding."""
        triggers = tuple(self._triggers())
        parameters = tuple(self._parameters())
        checks = tuple(self._checks())
        remedies = tuple(self._remedies())
        lists = tuple(step for step in self.runbook.steps if step.kind is StepKind.LIST and step.bullets)
        for step in lists:
            self._ask_of_list(step)
        return RunbookDraft(
            runbook=self.runbook,
            triggers=triggers,
            parameters=parameters,
            checks=checks,
            remedies=remedies,
            lists=lists,
            questions=tuple(self.questions),
            notes=tuple(self.notes),
        )

    def _triggers(self) -> Iterator[ProposedTrigger]:
        if self.triggers:
            yield from self.triggers
            return
        if self.guesses:
            for one in self.guesses:
                asked = f"Does {one.alert} start it? Only a guess: {one.why} ({one.rule.where if one.rule else ''})"
                self.questions.append(Question(part="triggers", text=asked, example=(f"- alert: {one.alert}",)))
            return
        if self.named and not self.given:
            why = "the title is written as an alert's name; no rules were given to look it up"
            yield ProposedTrigger(alert=self.named, sure=Sure.LIKELY, why=why)
            return
        told = (
            "no rule that was given fits it by address, name, label or words" if self.given else "no rules were given"
        )
        example = (f"- alert: {self.named or 'NameOfTheAlert'}", "- event: deployment.failed")
        self.questions.append(
            Question(part="triggers", text=f"Which alert or event starts it? ({told})", example=example)
        )

    # -- parameters ----------------------------------------------------------------------------------------------------

    def _parameters(self) -> Iterator[ProposedParameter]:
        for name, found in self.places.items():
            place = standing.best([one for _, one in found])
            at = next(at for at, one in found if one is place)
            others = [one for one, _ in dict.fromkeys((where, "") for where, _ in found) if one != at]
            where = "" if place.where == "its name" else f"{place.where} "
            why = f"{where}in {at}" + (f", and in {', '.join(others[:4])}" if others else "")
            if place.only_name:
                why += "; only its name tells its type"
            if SECRET.search(name):
                self.notes.append(f"<{name}> is a secret ({why}): a person types it, no binding holds it")
                continue
            sources = tuple(self._unshared(name, place, self._sources(name, place)))
            asks = (
                "" if sources else f"Where does <{name}> come from? It stands {why}. Until then a person fills it in."
            )
            yield ProposedParameter(name=name, type=place.type, why=why, sources=sources, asks=asks)

    def _unshared(self, name: str, place: Place, found: Iterator[ProposedSource]) -> Iterator[ProposedSource]:
        """Sources that no other thing of the kind has already: two pods of a runbook are not one."""
        if place.kind in ("namespace", "revision"):
            yield from found
            return
        thing = _thing(name, place.kind)
        for proposed in found:
            owner = self.taken.setdefault((place.kind, repr(proposed.source)), thing)
            if owner == thing:
                yield proposed

    def _sources(self, name: str, place: Place) -> Iterator[ProposedSource]:
        kind = place.kind
        printed = self._printed_variable(name)
        if printed:
            source = FromText(command=printed, pattern=r"(\S+)")
            yield ProposedSource(source=source, sure=Sure.SURE, why=f"the document sets it to what {printed} prints")
            return
        if place.type == "helm.revision":
            yield ProposedSource(
                source=FromAim(aim="last_good_revision"),
                sure=Sure.LIKELY,
                why="the last good one, as the environment tells",
            )
            return
        yield from self._labels(name, kind)
        yield from self._seen(name, kind)
        if kind == "namespace":
            source_ = FromQuery(promql=OWN_NAMESPACE, label="namespace")
            yield ProposedSource(source=source_, sure=Sure.LIKELY, why="else the environment's own")
        if kind == "deployment":
            yield ProposedSource(
                source=FromAim(aim="degraded_deployment"), sure=Sure.LIKELY, why="else the one that is degraded"
            )

    def _labels(self, name: str, kind: str) -> Iterator[ProposedSource]:
        """The alert's own label: as the document says, as the rule has it, or as alerts about such a thing usually do."""
        hint = self._hint(name)
        by_hint = re.search(r"\b([a-z_]+)\b[`'\"]? label\b|\blabel [`'\"]?([a-z_]+)", hint)
        wanted = [one for one in (by_hint[1] or by_hint[2] if by_hint else "", *_label_names(name, kind)) if one]
        said = {label for rule in self.rules for label in rule.said_labels}
        kept = {label for rule in self.rules for label in rule.kept_labels}
        every = [rule.all_labels for rule in self.rules]
        for label in dict.fromkeys(wanted):
            if by_hint and label in (by_hint[1], by_hint[2]):
                yield ProposedSource(source=FromLabel(label=label), sure=Sure.SURE, why=f"the document says so: {hint}")
            elif label in said:
                yield ProposedSource(
                    source=FromLabel(label=label), sure=Sure.SURE, why="the rule's own words name this label"
                )
            elif label in kept:
                yield ProposedSource(
                    source=FromLabel(label=label), sure=Sure.SURE, why="the rule's expression keeps this label"
                )
            elif every and all(one is not None and label not in one for one in every):
                continue  # the rule's alerts cannot have it
            elif kind == "namespace" or self._is_about(kind):
                why = f"alerts about a {kind} usually have it"
                yield ProposedSource(source=FromLabel(label=label), sure=Sure.LIKELY, why=why)

    def _is_about(self, kind: str) -> bool:
        """Whether the alerts are about such a thing. Only then its label is that of the thing: an alert made of another
        one's series may well carry the pod of the exporter.
        """
        if not kind:
            return False
        metrics = [name for rule in self.rules for name in rule.metrics]
        if metrics:
            own = {"container": r"kube_pod_container_|container_", "pod": r"kube_pod_|container_"}
            return any(re.match(own.get(kind, f"kube_{kind}_"), name) for name in metrics)
        names = {one.alert for one in self.triggers} | {self.named, self.runbook.title}
        told = {word for name in names for word in re.findall(r"[a-z]+", CAMEL.sub(" ", name).lower())}
        return bool({kind, f"{kind}s"} & told) or (kind == "container" and "pod" in told)

    def _seen(self, name: str, kind: str) -> Iterator[ProposedSource]:
        """What a look of this runbook shows, and what kube-state-metrics tells by another thing that the runbook names."""
        for at, command in self.commands:
            if name in command.parameters or command.analysis.effect is not Effect.READS:
                continue
            table = _table(command)
            if table == kind == "pod":
                where = FromTable(command=at, column="NAME", where="STATUS", values=FAILING)
                yield ProposedSource(source=where, sure=Sure.LIKELY, why=f"the failing pod in the table of {at}")
                ready = FromTable(command=at, column="NAME", where="READY", values=("0/",))
                yield ProposedSource(source=ready, sure=Sure.LIKELY, why="else the one of which nothing is ready")
                break
            if table == kind == "node":
                where = FromTable(command=at, column="NAME", where="STATUS", values=("NotReady",))
                yield ProposedSource(
                    source=where, sure=Sure.LIKELY, why=f"the node in the table of {at} that is not ready"
                )
                break
            if table == kind == "job":
                where = FromTable(command=at, column="NAME", where="STATUS", values=("Failed",))
                yield ProposedSource(source=where, sure=Sure.LIKELY, why=f"the job in the table of {at} that failed")
                break
            if table == kind == "persistentvolumeclaim":
                where = FromTable(command=at, column="NAME", where="STATUS", values=("Pending", "Lost"))
                yield ProposedSource(
                    source=where, sure=Sure.LIKELY, why=f"the claim in the table of {at} that is not bound"
                )
                break
            if table == "pod" and kind == "namespace" and _everywhere(command):
                where = FromTable(command=at, column="NAMESPACE", where="STATUS", values=FAILING)
                yield ProposedSource(
                    source=where, sure=Sure.LIKELY, why=f"that of the failing pod in the table of {at}"
                )
                break
        else:
            yield from self._first_of_table(name, kind)
        for described, other, pattern in PRINTED:
            if other != kind:
                continue
            at = next((at for at, command in self.commands if _described(command) == described), "")
            if at and not any(at == one and name in command.parameters for one, command in self.commands):
                source = FromText(command=at, pattern=pattern)
                yield ProposedSource(source=source, sure=Sure.LIKELY, why=f"{at} prints it")
        for wanted, other, query, label in ASKED:
            if wanted != kind or (self.served is not None and query.partition("{")[0] not in self.served):
                continue
            by = next((one for one, found in self.places.items() if one != name and self._is(found, other)), "")
            if by:
                asked = FromQuery(promql=query.format(by), label=label)
                yield ProposedSource(source=asked, sure=Sure.LIKELY, why=f"kube-state-metrics knows it by <{by}>")

    def _first_of_table(self, name: str, kind: str) -> Iterator[ProposedSource]:
        """The first row of a table of such things: good enough to look, never to change."""
        if not kind or any(changes(command) for _, command in self.commands if name in command.parameters):
            return
        for at, command in self.commands:
            if name in command.parameters or _table(command) != kind:
                continue
            pattern = r"^[a-z0-9]\S* +([a-z0-9]\S*)" if _everywhere(command) else r"^([a-z0-9]\S*) "
            why = f"the first in the table of {at}: see whether there are several"
            yield ProposedSource(source=FromText(command=at, pattern=pattern), sure=Sure.LIKELY, why=why)
            return

    def _is(self, found: Sequence[tuple[str, Place]], kind: str) -> bool:
        return standing.best([place for _, place in found]).kind == kind

    def _printed_variable(self, name: str) -> str:
        """Where the document sets a variable to what a command prints."""
        sets = re.compile(rf"(?:export\s+)?{re.escape(name)}=[\"']?(?:\$\(|`)")
        return next((at for at, one in self.commands if sets.match(one.text) and one.stages is not None), "")

    def _hint(self, name: str) -> str:
        """What the document says a variable is: `NODE=<instance label from alert>`; else the placeholder's own words."""
        sets = re.compile(rf"(?:export\s+)?{re.escape(name)}=[\"']?<([^<>]+)>")
        found = next((match[1] for _, one in self.commands if (match := sets.match(one.text))), "")
        return found or (name if " " in name else "")

    # -- checks --------------------------------------------------------------------------------------------------------

    def _checks(self) -> Iterator[ProposedCheck]:
        stated = [one for one in self.runbook.symptoms if one.value is not None and one.unit in ("%", "ms", "s")]
        proposed: list[ProposedCheck] = []
        some = False
        for rule in self.rules:
            found = negate.negated(rule.expression)
            if isinstance(found, CannotNegate):
                self.questions.append(
                    Question(
                        part="checks",
                        text=f"What proves that {rule.alert} is over? Its own expression does not tell: {found.reason}.",
                        example=_check_example(None),
                    )
                )
                some = True
                continue
            for number, one in enumerate(found):
                proposed.append(self._check(rule, one, stated, number=number if len(found) > 1 else 0))
        if proposed:
            some = True
            yield from _strictest(proposed)
        if some:
            return
        for symptom in stated:
            asked = f"Which query gives “{_comment(symptom.text)}” (line {symptom.line})?"
            self.questions.append(Question(part="checks", text=asked, example=_check_example(symptom)))
        if not stated:
            self.questions.append(
                Question(
                    part="checks",
                    text="What proves that the trouble is gone? The document states no figure, and no rule is known.",
                    example=_check_example(None),
                )
            )

    def _check(self, rule: AlertingRule, one: Negated, stated: Sequence[Symptom], *, number: int) -> ProposedCheck:
        scale, unit, same = _scale(one, stated)
        query, denominator, notes = one.query, one.denominator, list(one.notes)
        metrics = rule.metrics
        if self._has_namespace(rule, metrics):
            narrow = negate.narrowed(query, "namespace", "$namespace")
            if narrow != query:
                notes.append("narrowed to $namespace")
            query = narrow
            denominator = negate.narrowed(denominator, "namespace", "$namespace") if denominator else ""
        name = _check_name(same, rule) + (f" {number + 1}" if number else "")
        check = Check(
            name=name,
            query=_one_line(query),
            denominator=_one_line(denominator) or None,
            unit=unit,
            scale=scale,
            below=None if one.below is None else _rounded(one.below * scale),
            at_least=None if one.at_least is None else _rounded(one.at_least * scale),
            window=one.window or DEFAULT_WINDOW,
        )
        told = f"the negation of {rule.alert}" + (f" ({rule.where})" if rule.where else "")
        if same is not None:
            notes.append(f"its limit is the document's, line {same.line}")
        elif stated:
            notes.append(f"the document itself says “{_comment(stated[0].text)[:80]}”, line {stated[0].line}")
        loose = any("look behind" in note or "it counts" in note or "first condition" in note for note in notes)
        sure = Sure.LIKELY if loose else Sure.SURE
        return ProposedCheck(check=check, sure=sure, why="; ".join((told, *notes)), stated=same is not None)

    def _has_namespace(self, rule: AlertingRule, metrics: Sequence[str]) -> bool:
        """Whether the series surely have a namespace: the rule's own label of that name says nothing of them."""
        own = set(rule.labels)
        told = {label for label in (*rule.kept_labels, *rule.said_labels) if label not in own}
        return "namespace" in told or all(re.match(r"kube_|container_|kubelet_volume_", name) for name in metrics)

    # -- remedies and lists --------------------------------------------------------------------------------------------

    def _remedies(self) -> Iterator[ProposedRemedy]:
        """Each step that surely changes something. What nobody knows is asked about, and a person's until then."""
        some = False
        for step in self.runbook.steps:
            changing = [(index, one) for index, one in enumerate(step.commands, 1) if changes(one)]
            can = [(index, one) for index, one in changing if runnable(one)]
            for index, one in changing:
                if not runnable(one):
                    terminal = one.analysis.needs_tty and one.stages is not None
                    why = "it needs a terminal" if terminal else "only a shell can run it"
                    self.notes.append(f"{step.number}.{index} is a person's: {why}: {_comment(one.text)[:100]}")
            unknown = [one for _, one in can if one.analysis.effect is Effect.UNKNOWN]
            known = len(can) > len(unknown)
            if unknown:
                left = "it stands in the remedy, as a change" if known else "it is no remedy, and a person's"
                asked = (
                    f"What does `{_comment(unknown[0].text)[:60]}` of step {step.number} do? Nobody knows, so {left}:"
                    " the team's knowledge can say that it reads, or what it changes."
                )
                self.questions.append(Question(part="remedies", text=asked))
            if not known:
                continue
            some = True
            says = "; ".join(f"{one.analysis.effect}: {_comment(one.text)[:100]}" for _, one in can)
            places = tuple(f"{step.number}.{index}" for index, _ in can) if len(can) != len(changing) else ()
            name = f"step-{step.number}"
            yield ProposedRemedy(name=name, title=_comment(step.title), step=step.number, commands=places, says=says)
        if some:
            asked = "What should be better after each? Say it as `expected_effect`; `when` says when it applies."
            self.questions.append(Question(part="remedies", text=asked))
        else:
            self.notes.append(
                "no step surely changes anything: what helps is done by people, who say so (`handrail done`)"
            )

    def _ask_of_list(self, step: Step) -> None:
        text = " ".join((step.title, *(bullet.text for bullet in step.bullets))).lower()
        if len(step.bullets) > 1 and re.search(
            r"\b(either|choose|option|depend(s|ing)|one of|if possible|alternatively)\b", text
        ):
            self.questions.append(
                Question(
                    part="lists",
                    text=f"Is step {step.number} a choice between remedies? A checklist asks people for all of its"
                    f" {len(step.bullets)} items.",
                    example=(f"{step.number}: {{kind: choice, bullets: {{1: {self.runbook.id}/NAME}}}}",),
                )
            )


# -- small readings ----------------------------------------------------------------------------------------------------


def _label_names(name: str, kind: str) -> list[str]:
    own = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    own = re.sub(r"^(my|your|the)_|_(name|id)$", "", own)
    return [LABELS.get(kind, kind)] if kind else [own]


def _thing(name: str, kind: str) -> str:
    """What a placeholder names, without the words that only say that it is a name: `pod-name` and `POD` are one."""
    said = re.sub(r"[^a-z0-9]", "", name.lower()).replace("name", "")
    return said.replace(kind, "") if kind else said


def _kubectl(command: Command) -> list[str]:
    if command.stages is None or len(command.stages) != 1:
        return []
    words = ["".join(getattr(part, "text", "<>") for part in word) for word in command.stages[0].words]
    return words if words[0] == "kubectl" else []


def _table(command: Command) -> str:
    """The kind whose table a look prints, `pod` of `kubectl get pods`; empty where it prints something else."""
    words = _kubectl(command)
    if words[1:2] != ["get"] or len(words) < 3:
        return ""
    flags = " ".join(words[3:])
    if "--no-headers" in flags or re.search(r"(^|\s)(-o|--output)[ =]?(?!wide\b)", flags):
        return ""
    return standing.KINDS.get(words[2].lower(), words[2].lower()) if not words[2].startswith("-") else ""


def _everywhere(command: Command) -> bool:
    return bool({"-A", "--all-namespaces"} & set(_kubectl(command)))


def _described(command: Command) -> str:
    words = _kubectl(command)
    return (
        standing.KINDS.get(words[2].lower().partition("/")[0], "")
        if words[1:2] == ["describe"] and len(words) > 2
        else ""
    )


def _strictest(proposed: Sequence[ProposedCheck]) -> Iterator[ProposedCheck]:
    """Of checks that ask the same, the one that asks for most: where two alerts watch one figure, both must be over."""
    found: dict[tuple[str, str | None], ProposedCheck] = {}
    for one in proposed:
        key = one.check.query, one.check.denominator
        before = found.get(key)
        if before is None:
            found[key] = one
            continue
        first, second = before.check, one.check
        if before.stated or one.stated:  # the limit that the document states is the one that counts
            found[key] = before if before.stated else one
            continue
        lower = second.below is not None and first.below is not None and second.below < first.below
        higher = second.at_least is not None and first.at_least is not None and second.at_least > first.at_least
        if lower or higher:
            found[key] = one
    yield from found.values()


def _scale(one: Negated, stated: Sequence[Symptom]) -> tuple[float, str, Symptom | None]:
    """Scale and unit, where the rule's limit is the document's in another unit: 0.01 and 1 %, 0.1 and 100 ms."""
    asked = " ".join((one.query, one.denominator))
    fits = (  # unit, scale, and what in the query says that it is measured so: two figures may be alike by chance
        ("%", 100.0, bool(one.denominator) or "/" in asked),
        ("%", 1.0, bool(re.search(r"\*\s*100\b|percent", asked))),
        ("ms", 1000.0, "_seconds" in asked),
        ("ms", 1.0, bool(re.search(r"_ms\b|_ms_|milliseconds", asked))),
        ("s", 1.0, bool(re.search(r"_seconds|time\(\)", asked))),
    )
    for symptom in stated:
        for unit, scale, is_so in fits:
            told = one.limit is not None and abs(one.limit * scale - (symptom.value or 0)) < 1e-9
            if is_so and told and symptom.unit == unit:
                return scale, unit, symptom
    return 1.0, "", None


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")


def _check_name(symptom: Symptom | None, rule: AlertingRule) -> str:
    if symptom is not None:
        before = re.split(r"[<>]", symptom.text)[0].strip(" :(-")
        if re.search(r"[<>]", symptom.text) and 0 < len(before) <= 40:
            return before if before[1:2].isupper() else before[:1].lower() + before[1:]
    return CAMEL.sub(" ", rule.alert).lower()


def _check_example(symptom: Symptom | None) -> tuple[str, ...]:
    if symptom is None:
        return ("- {name: what is measured, query: 'a query that shows it', below: 1, unit: '%'}",)
    name = re.split(r"[<>]", symptom.text)[0].strip(" :(-").lower()
    name = name if re.search(r"[<>]", symptom.text) and len(name) <= 40 else "what is measured"
    limit = "below" if symptom.comparison == ">" else "at_least"
    return (f"- {{name: {_comment(name)}, query: '…', {limit}: {symptom.value:g}, unit: '{symptom.unit}'}}",)


def _one_line(query: str) -> str:
    return re.sub(r"\s*\n\s*", " ", query).strip()


def _comment(text: str) -> str:
    joined = " ".join(re.sub(r"\\\n", " ", text).split())
    return "".join(char if char.isprintable() else "�" for char in joined)
