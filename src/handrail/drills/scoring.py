"""What a practice was worth: what was missed, what was needless, how long it took, by the drill's own course.

The yardstick is the recorded course itself, played again at the same table (`measure`). `score` only compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from handrail.drills import recording
from handrail.drills.practice import (
    Act,
    ByHand,
    Chose,
    Decided,
    HandedOver,
    Looked,
    No,
    Plans,
    Practice,
    Proposed,
    Verified,
)
from handrail.drills.recording import Recording
from handrail.errors import FixRunbook
from handrail.evidence import Look
from handrail.plans import Plan
from handrail.remedies import BY_HAND, Remedy
from handrail.runbooks.document import Runbook, commands_of

COURSE = ("passed_over", "refused")  # ends of a remedy that change nothing


@dataclass(frozen=True, kw_only=True)
class KeyLook:
    """A look that stands before the remedy which heals, and that answered in the drill. `place` is what `look` takes."""

    command: str
    place: str
    title: str
    runs_as: str
    says: str


@dataclass(frozen=True, kw_only=True)
class CourseRemedy:
    """One remedy of the drill's course: how it ended, and where a plan was approved, which."""

    name: str
    step: int
    title: str
    ends: str
    original: bool = True
    by_hand: bool = False


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds from the alert; None where it was not reached."""

    looked: float | None = None
    diagnosed: float | None = None
    decided: float | None = None
    healed: float | None = None


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What the drill did."""

    recording: str
    trouble: str
    runbook: str
    title: str
    shortest: timedelta | None
    longest: timedelta | None
    looks: tuple[KeyLook, ...]
    remedies: tuple[CourseRemedy, ...]
    times: Times

    @property
    def cure(self) -> CourseRemedy | None:
        """The remedy that healed; None where the drill ended with a person."""
        return next((one for one in self.remedies if one.ends == "healed"), None)


@dataclass(frozen=True, kw_only=True)
class ScoredLook:
    """A look that matters, and when it was made. `in_time` where that was before the first yes to a change, or the hands."""

    command: str
    place: str
    title: str
    says: str
    at: float | None
    in_time: bool


@dataclass(frozen=True, kw_only=True)
class Needless:
    """A change that came to nothing or that the drill healed without; `cost` is what it would have done."""

    title: str
    aim: str  # as written, at another aim, or empty where there was no plan
    why: str
    approved: bool
    cost: str = ""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a practice went. `ended` is healed, handed over or not healed."""

    recording: str
    trouble: str
    runbook: str
    ended: str
    as_the_drill: bool
    chosen: tuple[str, ...]
    right_at_first: bool
    looks: tuple[ScoredLook, ...]
    further_looks: int
    without_data: int
    change: str
    needless: tuple[Needless, ...]
    came_to_nothing_too: tuple[str, ...]  # proposed and passed over or refused, as in the drill
    you: Times
    drill: Times
    shortest_seconds: float | None
    longest_seconds: float | None
    called: tuple[str, ...]

    @property
    def missed(self) -> tuple[ScoredLook, ...]:
        """Looks that matter and were not made before the change."""
        return tuple(look for look in self.looks if not look.in_time)

    @property
    def faultless(self) -> bool:
        """It ended as the drill did, with nothing missed and nothing needless."""
        return self.as_the_drill and self.right_at_first and not self.missed and not self.needless


# -- the drill's course at the same table ------------------------------------------------------------------------------


def measure(practice: Practice) -> Yardstick:
    """Play what the drill did. A recording that the document and its binding no longer follow says so."""
    kept = practice.kept
    changed = recording.changed_after(kept)
    last = max((entry.after_alert for entry in kept.entries), default=0.0)
    practice.wait(max((last if changed is None else changed) - 0.1, 0.0))  # what came before the change is there
    book = practice.choose(str(kept.expect["proposes"]))
    if isinstance(book, No):
        raise _outgrown(kept, book.says)
    practice.look(practice.due())
    evidence = practice.scene.evidence
    reasons = _weighed(practice)
    course = tuple(_made(practice, item) for item in kept.expect["remedies"])
    cure = next((one for one in course if one.ends == "healed"), None)
    remedy = next((one for one in practice.scene.remedies if cure and one.name == cure.name), None)
    steps = {step.number: step.title for step in book.steps}
    looks = [
        KeyLook(
            command=item.command,
            place=practice.place_of(item.command),
            title=steps.get(_step(practice, item.command), ""),
            runs_as=item.runs_as,
            says=item.says,
        )
        for name in practice.looks()
        for item in evidence
        if item.command == name and item.look is Look.SEEN and _stands_before(practice, name, book, remedy)
    ]
    if remedy is not None and remedy.bullet:
        says = reasons.get((remedy.step, remedy.bullet), "")
        looks.append(
            KeyLook(
                command=f"{book.id}.{remedy.step}",
                place=str(remedy.step),
                title=steps.get(remedy.step, ""),
                runs_as="",
                says=says,
            )
        )
    limit = book.time_to_resolve
    return Yardstick(
        recording=kept.fault,
        trouble=str(kept.expect["title"]),
        runbook=book.id,
        title=book.title,
        shortest=limit.minimum if limit else None,
        longest=limit.maximum if limit else None,
        looks=tuple(looks),
        remedies=course,
        times=_times(practice, changed),
    )


def _weighed(practice: Practice) -> dict[tuple[int, int], str]:
    """What speaks for each bullet of the choices that the course picks from, by step and bullet."""
    choices = {one.step for one in practice.scene.remedies if one.bullet}
    found: dict[tuple[int, int], str] = {}
    for step in sorted(choices & {int(item["step"]) for item in practice.kept.expect["remedies"]}):
        weighed = practice.weigh(step)
        if not isinstance(weighed, No):
            found |= {(step, one.bullet): one.reason for one in weighed}
    return found


def _made(practice: Practice, item: Mapping[str, Any]) -> CourseRemedy:
    step, ends = int(item["step"]), str(item["ends"])
    if item.get("by_hand"):
        verdict = practice.by_hand(step, note="as in the drill")
        if isinstance(verdict, No) or verdict.healed != (ends == "healed"):
            raise _outgrown(practice.kept, f"step {step} made by hand did not end as recorded")
        title = next((one.title for one in practice.scene.runbook.steps if one.number == step), "")
        return CourseRemedy(name=f"{BY_HAND}{step}", step=step, title=f"{title}, by hand", ends=ends, by_hand=True)
    remedy = _next(practice, item)
    answer = practice.propose(remedy)
    act = practice.acts[-1]
    if ends in COURSE:
        if not isinstance(act, Proposed) or act.ends != ends:
            raise _outgrown(practice.kept, f"step {step} did not end as {ends.replace('_', ' ')}")
        return CourseRemedy(name=remedy.name, step=step, title=remedy.title, ends=ends)
    if not isinstance(answer, Plans):
        raise _outgrown(practice.kept, answer.says)
    plan = _chosen(practice, answer, str(item["choose"]))
    made = practice.approve(plan)
    if isinstance(made, No) or not made.made:
        raise _outgrown(practice.kept, f"the change of step {step} is not in it")
    verdict = practice.verify(remedy.name)
    if verdict.healed != (ends == "healed"):
        raise _outgrown(practice.kept, verdict.says or f"step {step} heals")
    return CourseRemedy(name=remedy.name, step=step, title=plan.title, ends=ends, original=plan.original)


def _next(practice: Practice, item: Mapping[str, Any]) -> Remedy:
    """The remedy that the course names, or the next one of its step that was not tried."""
    tried = {act.remedy for act in practice.acts if isinstance(act, Proposed)}
    for one in practice.scene.remedies:
        if one.name == item["remedy"] or (not item["remedy"] and one.step == item["step"] and one.name not in tried):
            return one
    raise _outgrown(practice.kept, f"step {item['step']} has no such remedy now")


def _chosen(practice: Practice, answer: Plans, choose: str) -> Plan:
    recommended = {row["hash"] for row, _ in practice.store.waiting_plans() if row["recommended"]}
    for plan in answer.plans:
        if plan.hash in recommended if choose == "recommended" else plan.original == (choose == "original"):
            return plan
    raise _outgrown(practice.kept, f"no plan is {choose} now")


def _outgrown(kept: Recording, says: str) -> FixRunbook:
    return FixRunbook(
        f"The recording {kept.fault} no longer fits its document and binding ({says.rstrip('.')}). "
        f"Make it anew: handrail drill {kept.fault}"
    )


def _step(practice: Practice, command: str) -> int:
    """The step that a look belongs to: its own, or the list's that it stands for."""
    first = practice.place_of(command).split(".")[0]
    return int(first) if first.isdigit() else 0


def _stands_before(practice: Practice, look: str, book: Runbook, remedy: Remedy | None) -> bool:
    """Whether a look stands before what heals; all of them where nothing of the runbook does."""
    if remedy is None:
        return True
    order = [name for name, _ in commands_of(book)]
    first = [order.index(name) for name, _ in remedy.commands if name in order and not remedy.bullet]
    if first and look in order:
        return order.index(look) < min(first)  # type: ignore[arg-type]  # it is in the order
    return _step(practice, look) < remedy.step


def _times(practice: Practice, changed: float | None) -> Times:
    """What the drill itself took, by its recording; the rest by its checks, read again from the change."""
    entries = practice.kept.entries
    looks = [entry.after_alert for entry in entries if entry.key.startswith("observe ")]
    made = [entry for entry in entries if entry.key.startswith("change ")]
    change = max(made, key=lambda entry: entry.after_alert, default=None)  # the last one healed
    asked = [
        entry.after_alert
        for entry in entries
        if change is not None and entry.key == f"prospect {change.key.removeprefix('change ')}"
    ]
    verdict = next((act for act in practice.acts if isinstance(act, Verified) and act.healed), None)
    at = practice.ground.changed_at
    healed = None
    if changed is not None and verdict is not None and verdict.since is not None and at is not None:
        healed = changed + verdict.since - practice.since_alert(at)
    return Times(
        looked=min(looks, default=None),
        diagnosed=max(asked, default=None),
        decided=None if changed is None else round(changed, 2),
        healed=None if healed is None else round(healed, 1),
    )


# -- comparing -----------------------------------------------------------------------------------------------------


def score(acts: Sequence[Act], yardstick: Yardstick, *, called: Sequence[str] = ()) -> Score:
    """What these acts were worth. `called` are the levels beyond the first that were called meanwhile."""
    cure = yardstick.cure
    choices = [act for act in acts if isinstance(act, Chose)]
    looks = [act for act in acts if isinstance(act, Looked)]
    yes = [act for act in acts if isinstance(act, Decided) and act.yes]
    hands = next((act for act in reversed(acts) if isinstance(act, ByHand)), None)
    first_change = min((act.at for act in acts if act in yes or isinstance(act, ByHand)), default=None)
    healed = next((act for act in acts if isinstance(act, Verified) and act.healed), None)
    handed = any(isinstance(act, HandedOver) for act in acts)
    ended = "healed" if healed else "handed over" if handed else "not healed"
    made = next((act for act in reversed(yes) if act.made), None)
    change, decided = "", None
    if healed and hands is not None and (made is None or hands.at >= made.at):
        change, decided = f"step {hands.step}, made by hand", hands.at
    elif healed and made is not None:
        change, decided = made.title, made.at
    key = {name for one in yardstick.looks for name in (one.command, one.runs_as) if name}
    return Score(
        recording=yardstick.recording,
        trouble=yardstick.trouble,
        runbook=yardstick.runbook,
        ended=ended,
        as_the_drill=ended == ("healed" if cure else "handed over"),
        chosen=tuple(dict.fromkeys(act.runbook for act in choices)),
        right_at_first=bool(choices) and choices[0].runbook in (yardstick.runbook, *choices[0].named),
        looks=tuple(_scored(one, looks, before=first_change) for one in yardstick.looks),
        further_looks=len(
            {act.command + act.runs_as for act in looks if act.recorded and key.isdisjoint((act.command, act.runs_as))}
        ),
        without_data=sum(not act.recorded for act in looks),
        change=change,
        needless=(*_nothing(acts, yardstick), *_unmade(yes, yardstick)),
        came_to_nothing_too=tuple(
            dict.fromkeys(act.title for act in acts if isinstance(act, Proposed) and _as_the_drill(act, yardstick))
        ),
        you=Times(
            looked=min((act.at for act in looks), default=None),
            diagnosed=_diagnosed(acts, yardstick, made if healed else None),
            decided=decided,
            healed=healed.since if healed else None,
        ),
        drill=yardstick.times,
        shortest_seconds=None if yardstick.shortest is None else yardstick.shortest.total_seconds(),
        longest_seconds=None if yardstick.longest is None else yardstick.longest.total_seconds(),
        called=tuple(called),
    )


def _scored(one: KeyLook, looks: Sequence[Looked], *, before: float | None) -> ScoredLook:
    """When a look that matters was made: by its id, or the same bytes by another way."""
    at = min(
        (
            act.at
            for act in looks
            if act.command == one.command or (act.runs_as == one.runs_as and act.runs_as and act.recorded)
        ),
        default=None,
    )
    in_time = at is not None and (before is None or at <= before)
    return ScoredLook(command=one.command, place=one.place, title=one.title, says=one.says, at=at, in_time=in_time)


def _diagnosed(acts: Sequence[Act], yardstick: Yardstick, made: Decided | None) -> float | None:
    """When the remedy that heals was named for the first time: nothing before that shows what a person thought."""
    cure = yardstick.cure
    healing = {cure.name} if cure is not None else set()
    for act in acts:
        if isinstance(act, Proposed) and (
            act.remedy in healing or (made is not None and (act.runbook, act.remedy) == (made.runbook, made.remedy))
        ):
            return act.at
        if isinstance(act, ByHand | HandedOver) and (cure is None or cure.by_hand):
            return act.at
    return None


def _as_the_drill(act: Proposed, yardstick: Yardstick) -> bool:
    return act.ends in COURSE and any(
        one.name == act.remedy and one.ends == act.ends and act.runbook == yardstick.runbook
        for one in yardstick.remedies
    )


def _nothing(acts: Sequence[Act], yardstick: Yardstick) -> list[Needless]:
    """Proposals that came to nothing, and did not in the drill; each once."""
    without = "the drill healed without it" if yardstick.cure else "the drill did not try it"
    found: dict[str, Needless] = {}
    for act in acts:
        if not isinstance(act, Proposed) or act.ends == "plan" or _as_the_drill(act, yardstick):
            continue
        why = {
            "passed_over": f"it would be passed over: {act.reason}",
            "refused": act.reason,
            "no_data": f"{without}; what it would do is not in the recording",
        }.get(act.ends, f"no remedy of {act.runbook} makes it")
        found[act.title] = Needless(title=act.title, aim="", why=why, approved=False)
    return list(found.values())


def _unmade(yes: Sequence[Decided], yardstick: Yardstick) -> list[Needless]:
    """Changes that were approved and that the drill did not make: what each would have cost."""
    cure = yardstick.cure
    found = []
    for act in yes:
        if act.made:
            continue
        if cure is not None and act.remedy == cure.name:
            why = f"the drill healed with this: {cure.title}"
        else:
            why = "the drill healed without it" if cure else "the drill did not make it"
        cost = act.reach or "; ".join(act.previews)
        if act.irreversible:
            cost = f"{cost}; nothing takes it back" if cost else "nothing takes it back"
        aim = "as written" if act.original else "at another aim"
        found.append(Needless(title=act.title, aim=aim, why=why, approved=True, cost=cost))
    return found
