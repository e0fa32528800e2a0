"""From a remedy to plans: as written and, where there is a better aim, beside it; each previewed by the target itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail import commands, remedies
from handrail.commands import Command, Literal, curl
from handrail.engine import looking
from handrail.errors import TryAgain
from handrail.evidence import Evidence, reading
from handrail.plans import Guard, Plan, PlannedCommand, Preview, Reach, Undo
from handrail.remedies import Remedy
from handrail.runbooks.binding import Check, ParameterBinding, Sign
from handrail.runbooks.document import CommandId
from handrail.targets import Ask, Ground, Prospect

CHANGE_DEADLINE = remedies.limits.LEAST  # of a question; how long a change may take is told when it is made
UNDO = "undo-"  # before a remedy's name: its way back
AIMED = {  # each kind of aim that a binding may name, and how it is put into a command
    "last_good_revision": remedies.aim.revision,
    "degraded_deployment": remedies.aim.deployment,
    "live_deployment": remedies.aim.deployment,
    "service_deployment": remedies.aim.deployment,
    "ready_slot": remedies.aim.slot,
    "replica": remedies.aim.server,
}
Stages = tuple[tuple[str, ...], ...]
OPEN = "\0"  # stands for a parameter; no word of a document holds it


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What every plan of one run rests on."""

    environment: str
    incident: str
    run: str
    runbook: str
    document_revision: str
    binding_revision: str
    values: Mapping[str, str]
    place: Mapping[str, str]  # service, namespace, window
    evidence: Sequence[Evidence]
    alerts: Sequence[tuple[str, str]]  # fingerprint, name
    first_bad_at: datetime
    checks: Sequence[Check]
    hold: timedelta
    life: timedelta
    now: datetime
    made: frozenset[str] = frozenset()  # commands as shown that were already made in this run
    understood: Mapping[str, Command] = dataclasses.field(default_factory=dict)  # a binding's own commands, by text
    parameters: Sequence[ParameterBinding] = ()
    speaks_for: Mapping[str, str] = dataclasses.field(default_factory=dict)  # what was seen for a remedy of a choice
    prepared: Sequence[tuple[str, str]] = ()  # what was done in the workspace, as it ran, and what it showed
    unprepared: looking.Unprepared | None = None  # what had to succeed there and did not
    note: str = ""  # how a value was come by that is not the first that was seen


@dataclass(frozen=True, kw_only=True)
class PassedOver:
    """The remedy is not proposed, and why: `refused` where the target would not take it, `in_place` where all of it is
    so already."""

    reason: str
    refused: bool = False
    in_place: bool = False


@dataclass(frozen=True, kw_only=True)
class Proposals:
    """The plans of one remedy, with the one on the button first."""

    plans: tuple[tuple[Plan, bool], ...]


@dataclass(frozen=True, kw_only=True)
class _Draft:
    plan: Plan | None
    passed: PassedOver | None
    deletes: int
    rather: bool = False


def plan(remedy: Remedy, *, ground: Ground, basis: Basis) -> Proposals | PassedOver:
    """Plans for this remedy now, or why it is passed over. Nothing is changed: previews cannot."""
    for when in remedy.binding.when:
        answer = ground.instant(looking.filled_in(when.promql, basis.place))
        if answer is None:
            raise TryAgain(f"whether {remedy.name} applies could not be asked: no answer to {when.promql}")
        said = dataclasses.replace(when, says=looking.filled_in(when.says, basis.place))
        ok, says = remedies.checks.holds(said, answer)
        if not ok:
            return PassedOver(reason=says)
    missing = [name for name in remedy.binding.needs if name not in basis.values]
    if missing:
        return PassedOver(reason=f"<{missing[0]}> is not known: a person fills it in")
    if not remedy.commands:
        return PassedOver(reason="it names no command that changes anything")
    asks: list[Ask] = []
    made_of: list[tuple[CommandId, Command]] = []  # a command for each value, where a parameter has several
    for name, command in remedy.commands:
        for values in looking.spread(command, basis.values, basis.parameters):
            ask = looking.question(command, values, run=basis.run, identity="change", deadline=CHANGE_DEADLINE)
            if isinstance(ask, looking.CannotRun):
                return PassedOver(reason=ask.reason)
            asks.append(ask)
            made_of.append((name, command))
    failed = basis.unprepared
    if failed is not None and any(ask.target in looking.WORKING for ask in asks):
        says = f"{failed.command} did not succeed in the workspace, so nothing leaves it: {failed.text}: {failed.says}"
        return PassedOver(reason=says)
    remedy = dataclasses.replace(remedy, commands=tuple(made_of))
    original = _draft(remedy, asks, ground=ground, basis=basis, original=True, because="", title=remedy.title)
    better, unaimed = _better(remedy, asks, ground=ground, basis=basis)
    original = _with_word(_with_word(original, unaimed), basis.note)
    if better is not None and original.plan is None and original.passed is not None:
        better = _with_word(better, f"As written {original.passed.reason.rstrip('.')}.")
    drafts = [draft for draft in (original, better) if draft is not None and draft.plan is not None]
    if not drafts:
        first = (better if better is not None and better.passed else original).passed
        return original.passed or first or PassedOver(reason="it could not be planned")
    prefer_better = (
        better is not None
        and better.plan is not None
        and (original.plan is None or original.deletes > 0 or better.deletes < original.deletes or better.rather)
    )
    chosen = better if prefer_better else original
    return Proposals(
        plans=tuple(
            (draft.plan, draft is chosen) for draft in sorted(drafts, key=lambda d: d is not chosen) if draft.plan
        )
    )


def weigh(choice: Sequence[Remedy], *, ground: Ground, basis: Basis) -> tuple[remedies.choice.Weighed, ...]:
    """What the evidence says of the remedies of one choice: those that fit first. Only questions are asked."""
    options = []
    for remedy in choice:
        signs = tuple(_seen(sign, remedy, ground=ground, basis=basis) for sign in remedy.signs)
        options.append(remedies.choice.Option(name=remedy.name, bullet=remedy.bullet, signs=signs))
    return remedies.choice.weigh(options)


def _seen(sign: Sign, remedy: Remedy, *, ground: Ground, basis: Basis) -> remedies.choice.Seen:
    sign = dataclasses.replace(sign, says=looking.filled_in(sign.says, basis.place))
    if sign.released_within is None:
        answer = ground.instant(looking.filled_in(sign.promql, basis.place))
        return remedies.choice.figure(sign, answer)
    for _, command in remedy.commands:
        ask = looking.question(
            command, basis.values, run=basis.run, identity="releases", deadline=looking.READ_DEADLINE
        )
        if isinstance(ask, Ask):
            found = ground.aim(
                "newest_release", ask, first_bad_at=basis.first_bad_at, service=basis.place.get("service", "")
            )
            if found is not None:
                return remedies.choice.release(sign, name=found.value, seconds_before=found.seconds_before)
    return remedies.choice.release(sign, name="", seconds_before=None)


def take_back(made: Plan, *, succeeded: AbstractSet[int], ground: Ground, basis: Basis) -> Proposals | PassedOver:
    """A plan of the ways back of a plan's commands that were made, last one first."""
    asks: list[tuple[PlannedCommand, Ask]] = []
    left_out = []
    for index, command in reversed(list(enumerate(made.commands))):
        if index not in succeeded:
            continue
        if not command.undo.stages:
            left_out.append(f"{command.command} cannot be taken back: {command.undo.says}")
            continue
        back = Ask(
            target=command.target,
            identity="change",
            stages=command.undo.stages,
            deadline=CHANGE_DEADLINE,
            run=basis.run,
        )
        asks.append((command, back))
    planned: list[PlannedCommand] = []
    guards: list[Guard] = []
    reaches: list[Reach] = []
    for command, ask in asks:
        prospect = ground.prospect(ask)
        if prospect.not_asked:
            return PassedOver(reason=f"could not look: {prospect.not_asked}")
        if prospect.preview.refused:
            return PassedOver(reason=f"the way back is refused by the target: {prospect.preview.refused}", refused=True)
        if prospect.preview.changes_nothing:
            left_out.append(f"{command.command} is back already: {prospect.preview.says}")
            continue
        planned.append(
            PlannedCommand(
                command=command.command,
                as_written=command.as_written,
                stages=ask.stages,
                target=ask.target,
                identity=ask.identity,
                target_key=prospect.target_key,
                because="this takes back what the step did",
                preview=prospect.preview,
                undo=prospect.undo,
                depends_on_earlier=bool(planned),
            )
        )
        guards.extend(prospect.guards)
        reaches.append(prospect.reach)
    if not planned:
        return PassedOver(reason="; ".join(left_out) or "there is nothing to take back")
    plan = _built(
        basis,
        remedy=f"{UNDO}{made.remedy}",
        original=False,
        title=f"Take back: {made.title[:1].lower()}{made.title[1:]}",
        because="it was made and did not help",
        planned=planned,
        left_out=left_out,
        reaches=reaches,
        guards=guards,
        healed="it proves nothing by itself: the state before is back",
    )
    return Proposals(plans=((plan, True),))


def _built(
    basis: Basis,
    *,
    remedy: str,
    original: bool,
    title: str,
    because: str,
    planned: Sequence[PlannedCommand],
    left_out: Sequence[str],
    reaches: Sequence[Reach],
    guards: Sequence[Guard],
    healed: str,
) -> Plan:
    """The plan of what was asked of the target: what it rests on is the same for every plan of a run."""
    return Plan(
        environment=basis.environment,
        incident=basis.incident,
        run=basis.run,
        runbook=basis.runbook,
        document_revision=basis.document_revision,
        binding_revision=basis.binding_revision,
        remedy=remedy,
        original=original,
        title=title,
        because=because,
        commands=tuple(planned),
        left_out=tuple(left_out),
        values=dict(basis.values),
        reach=_together(reaches),
        guards=tuple(dict.fromkeys(guards)),
        healed_when=healed,
        evidence=tuple(item.digest for item in basis.evidence if item.digest),
        made_at=basis.now,
        expires_at=basis.now + basis.life,
    )


def _together(reaches: Sequence[Reach]) -> Reach:
    counts: dict[str, int] = {}
    for reach in reaches:
        for key, count in reach.counts.items():
            counts[key] = counts.get(key, 0) + count
    return Reach(says="; ".join(dict.fromkeys(reach.says for reach in reaches if reach.says)), counts=counts)


def _with_word(draft: _Draft, word: str) -> _Draft:
    """The draft with what is to be said beside its reason."""
    if not word:
        return draft
    if draft.plan is not None:
        because = f"{draft.plan.because.rstrip('.')}. {word}" if draft.plan.because else word
        return dataclasses.replace(draft, plan=dataclasses.replace(draft.plan, because=because))
    passed = draft.passed or PassedOver(reason="")
    return dataclasses.replace(draft, passed=dataclasses.replace(passed, reason=f"{passed.reason.rstrip('.')}. {word}"))


def _better(remedy: Remedy, asks: Sequence[Ask], *, ground: Ground, basis: Basis) -> tuple[_Draft | None, str]:
    """The better aimed draft, and where there is none why it could not be told."""
    aimed: list[Ask] = []
    told: list[str] = []
    changed = rather = False
    title = ""
    for (_, command), written in zip(remedy.commands, asks, strict=True):
        ask = written
        for retarget in remedy.binding.retarget:
            if _left_open(command, retarget.to):
                continue  # the text names none that could be the wrong one: what filled it in is the aim
            aim = ground.aim(retarget.to, ask, first_bad_at=basis.first_bad_at, service=basis.place.get("service", ""))
            if aim is None or not aim.value:
                if aim is not None and aim.says:
                    told.append(aim.says)
                continue
            stages = AIMED[retarget.to](ask.stages, aim.value)
            if stages != ask.stages:
                ask = dataclasses.replace(ask, stages=stages)
                told.append(" ".join(part for part in (retarget.because, aim.says) if part))
                title = title or _entitled(aim.title, remedy.title)
                changed = True
                rather = rather or aim.rather
        aimed.append(ask)
    if not changed:
        return None, " ".join(dict.fromkeys(told))
    draft = _draft(
        remedy,
        aimed,
        ground=ground,
        basis=basis,
        original=False,
        because=" ".join(dict.fromkeys([*_sentence(basis.speaks_for.get(remedy.name, "")), *told])),
        title=title or remedy.title,
    )
    return dataclasses.replace(draft, rather=rather), ""


def _sentence(text: str) -> tuple[str, ...]:
    """What was seen, as a sentence of its own; nothing where nothing was."""
    return (f"{text[:1].upper()}{text[1:].rstrip('.')}.",) if text else ()


def _left_open(command: Command, kind: str) -> bool:
    """Whether the word that this kind of aim would exchange is one that the text leaves open."""
    stages = command.runs_as or command.stages or ()
    plain = tuple(
        tuple("".join(part.text if isinstance(part, Literal) else OPEN for part in word) for word in stage.words)
        for stage in stages
    )
    exchanged = AIMED[kind](plain, "") if plain else plain
    return any(
        OPEN in before and before != after
        for old, new in zip(plain, exchanged, strict=True)
        if len(old) == len(new)
        for before, after in zip(old, new, strict=True)
    )


def _entitled(aimed: str, remedy: str) -> str:
    """`The same for invoices` says nothing on a button: the remedy's own title with the place it is aimed at."""
    the_same = "The same for "
    return f"{remedy}, for {aimed.removeprefix(the_same)}" if aimed.startswith(the_same) else aimed


def _draft(
    remedy: Remedy, asks: Sequence[Ask], *, ground: Ground, basis: Basis, original: bool, because: str, title: str
) -> _Draft:
    planned: list[PlannedCommand] = []
    left_out: list[str] = []
    guards: list[Guard] = []
    reaches: list[Reach] = []
    deletes = in_place = 0
    for (name, command), ask in zip(remedy.commands, asks, strict=True):
        asked = ground.prospect(ask)
        if asked.not_asked:
            return _Draft(plan=None, passed=PassedOver(reason=f"could not look: {asked.not_asked}"), deletes=0)
        prospect = _with_bound_ways(remedy, asked, ground=ground, basis=basis)
        preview = _with_what_was_prepared(prospect.preview, ask, basis.prepared)
        if preview.refused:
            reason = f"{name} is refused by the target: {preview.refused}"
            return _Draft(plan=None, passed=PassedOver(reason=reason, refused=True), deletes=0)
        if preview.changes_nothing:
            left_out.append(f"{name} would change nothing: {preview.says}")
            in_place += 1
            continue
        if commands.show_argv(ask.stages) in basis.made:
            left_out.append(f"{name} was already made in this run")
            continue
        deletes += prospect.reach.counts.get("deleted", 0)
        planned.append(
            PlannedCommand(
                command=name,
                as_written=command.text,
                stages=ask.stages,
                target=ask.target,
                identity=ask.identity,
                target_key=prospect.target_key,
                because=because if not original else "; ".join((*command.adjustments, *_directly(ask))),
                preview=preview,
                undo=prospect.undo,
                depends_on_earlier=bool(planned),
                sql=ask.sql,
            )
        )
        guards.extend(prospect.guards)
        reaches.append(prospect.reach)
    if not planned:
        passed = PassedOver(reason="; ".join(left_out) or "nothing would change", in_place=in_place == len(asks) > 0)
        return _Draft(plan=None, passed=passed, deletes=0)
    guards.extend(
        Guard(kind="alert", subject=fingerprint, value="firing", says=f"{alert} fires")
        for fingerprint, alert in basis.alerts[:1]
    )
    made = _built(
        basis,
        remedy=remedy.name,
        original=original,
        title=looking.filled_in(title, basis.place),
        because=because or _reason(remedy, basis),
        planned=planned,
        left_out=left_out,
        reaches=reaches,
        guards=guards,
        healed=healed_when(basis.checks, basis.hold),
    )
    return _Draft(plan=made, passed=None, deletes=deletes)


def _directly(ask: Ask) -> tuple[str, ...]:
    """That a curl is sent by Handrail itself, where it is."""
    method = curl.sent_directly(ask.stages)
    return (f"sent directly, as an HTTP {method}",) if method else ()


def _reason(remedy: Remedy, basis: Basis) -> str:
    """Why this remedy: what the evidence said for it, and what is expected of it, said as such."""
    expected = remedy.binding.expected_effect
    told = [basis.speaks_for.get(remedy.name, ""), f"expected: {expected}" if expected else ""]
    return ". ".join(f"{one[:1].upper()}{one[1:]}" if place else one for place, one in enumerate(filter(None, told)))


def _with_what_was_prepared(preview: Preview, ask: Ask, prepared: Sequence[tuple[str, str]]) -> Preview:
    """Whoever approves what leaves a workspace sees what was done there, and how the tests ended."""
    if ask.target not in looking.WORKING or not prepared:
        return preview
    done = [f"{runs_as}: {says}" for runs_as, says in prepared]
    detail = "\n".join(["Done in the workspace:", *done, "", preview.detail]).strip()
    return dataclasses.replace(preview, detail=detail)


def _with_bound_ways(remedy: Remedy, prospect: Prospect, *, ground: Ground, basis: Basis) -> Prospect:
    """The binding's own preview and undo, where the target has none: read with the run's values in place."""
    bound = remedy.binding
    preview, undo = prospect.preview, prospect.undo
    shows, back_again = basis.understood.get(bound.preview), basis.understood.get(bound.undo)
    if shows is not None and not preview.by:
        ask = looking.question(shows, basis.values, run=basis.run, identity="", deadline=looking.READ_DEADLINE)
        if isinstance(ask, Ask):
            answer = ground.observe(ask)
            refused = answer.refused or (answer.stderr.strip()[-200:] if any(answer.exit_codes) else "")
            preview = Preview(
                says=reading.says(answer.stdout, reading.kind(answer.stdout))[:200],
                detail=answer.stdout,
                by=ask.identity,
                refused=f"its preview failed: {refused}" if refused else "",
            )
    if back_again is not None and undo.irreversible:
        back = looking.question(back_again, basis.values, run=basis.run, identity="change", deadline=CHANGE_DEADLINE)
        if isinstance(back, Ask):
            undo = Undo(stages=back.stages, says="the way back that the binding names")
    return dataclasses.replace(prospect, preview=preview, undo=undo)


def healed_when(checks: Sequence[Check], hold: timedelta) -> str:
    """What will count as healed, as a sentence."""
    if not checks:
        return "no check is bound: a person must say whether it helped"
    told = []
    for check in checks:
        if check.below is not None:
            told.append(f"{check.name} under {remedies.checks.amount(check.below, check.unit)}")
        else:
            told.append(f"{check.name} at least {remedies.checks.amount(check.at_least or 0, check.unit)}")
    return f"{' and '.join(told)} for {hold.total_seconds():.0f} s"
