"""What Handrail is told beside the prose: triggers, parameters, checks, lists, remedies, time limits.

One binding serves every edition of a document, by runbook id and step number.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from handrail.runbooks.document import RunbookId


@dataclass(frozen=True, kw_only=True)
class FromLabel:
    """The value of an alert's label."""

    label: str


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """How one alert of a trigger is raised. What is left open is read off the runbook's checks and symptoms.

    Without `query` the alert is the negation of the checks, or their value `above` or `below` another limit. With one,
    the limit is the alert's own, else that of the document's symptom in this `unit`; without either, the query itself
    is the condition. `denominator`, `scale` and `enough` are a check's.
    """

    alert: str
    query: str = ""
    denominator: str = ""
    scale: float = 1.0
    enough: float = 0.0
    name: str = ""  # what is measured, in words; left out: the first check's
    unit: str = ""
    above: float | None = None
    below: float | None = None
    lasts: timedelta | None = None  # `for`: how long it is true before the alert fires
    severity: str = ""  # left out: told by the runbook's
    service: FromLabel | str = ""  # whose trouble it is: a label of what is watched, or a service's name


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """An alert that this runbook answers: any of `alerts` (all of `labels` equal), or a pipeline `event`.

    `rules` say of each alert how it is raised, in the same order.
    """

    alerts: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    event: str | None = None
    rules: tuple[AlertRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FromQuery:
    """The value of `label` on the first series of an instant PromQL query. `$service` and `$namespace` are filled in."""

    promql: str
    label: str


@dataclass(frozen=True, kw_only=True)
class FromTable:
    """A cell of a table that a command printed: `column` of the row whose `where` column matches one of `values`.

    `command` is `1.1`: step and index. Ties go to the first row; `owner` keeps rows whose name begins with the service.
    """

    command: str
    column: str
    where: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FromJson:
    """A value of the JSON that a command printed, by a dotted path (`slots.0.name`)."""

    command: str
    path: str


@dataclass(frozen=True, kw_only=True)
class FromText:
    """The first line of what a command printed that matches `pattern`: the value is the pattern's one group."""

    command: str
    pattern: str


@dataclass(frozen=True, kw_only=True)
class FromAim:
    """What the environment itself knows to aim at: a kind that `Retarget` names, such as `last_good_revision`.

    It is what is offered beside a text that names another aim; here the text leaves it open.
    """

    aim: str


Source = FromLabel | FromQuery | FromTable | FromJson | FromText | FromAim


@dataclass(frozen=True, kw_only=True)
class ParameterBinding:
    """A parameter: its strict type (a name that `commands.types` knows) and where its value comes from, best first.

    With `each` it has several values, and a changing command that names it is planned once for every one of them.
    """

    name: str
    type: str
    sources: tuple[Source, ...]
    each: bool = False


@dataclass(frozen=True, kw_only=True)
class Check:
    """Proof of success: `query` must be below (or at least) the limit for the hold.

    With `denominator`, the value is query / denominator × scale, and an absent numerator over a denominator of at least
    `enough` counts as 0; an absent denominator is no data, and no data is not success. `$window`, `$service` and
    `$namespace` are filled in.
    """

    name: str
    query: str
    unit: str
    below: float | None = None
    at_least: float | None = None
    denominator: str | None = None
    enough: float = 0.0
    scale: float = 1.0
    window: timedelta = timedelta(minutes=1)


class ListKind(enum.StrEnum):
    """What a list step is."""

    CHECKLIST = "checklist"
    CHOICE = "choice"
    LOOK = "look"


@dataclass(frozen=True, kw_only=True)
class ListBinding:
    """What a list is and what each bullet stands for.

    `bullets` maps a bullet's 1-based place to what answers it: for a choice remedies (`RB-001/rollback`), for a look
    commands (`RB-004.1.1`), for a checklist what Handrail does itself (`timer`, `channel`, `status_page`, `stakeholders`,
    `commander`, `timeline`, `eta`, `acknowledge`, `first_fix`, `action_items`, `retrospective`), or `later`: a person's,
    due when there is time for it. A bullet that is not named is a person's task, due while it lasts.
    """

    step: int
    kind: ListKind
    bullets: Mapping[int, tuple[StandsFor, ...]] = field(default_factory=dict)

    @property
    def every(self) -> tuple[tuple[int, StandsFor], ...]:
        """All that its bullets stand for, each with its bullet's place, in the order of the document."""
        return tuple((place, one) for place, meant in sorted(self.bullets.items()) for one in meant)

    def names(self, place: int) -> tuple[str, ...]:
        """What one bullet stands for; nothing where it is not named."""
        return tuple(one.name for one in self.bullets.get(place, ()))


@dataclass(frozen=True, kw_only=True)
class StandsFor:
    """One thing that a bullet stands for, and for a remedy the signs that speak for it."""

    name: str
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sign:
    """What in the evidence speaks for one bullet of a choice, and the sentence that says so.

    Either an instant PromQL value past a limit, or that the newest release came at most `released_within` before the
    trouble began. In `says`, `{value}` is the figure or the release, and `{label}` a label of the series that has it.
    """

    says: str
    promql: str = ""
    above: float | None = None
    below: float | None = None
    released_within: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class When:
    """A condition on what was seen: an instant PromQL value compared with a limit. Reads like `promql above 0`."""

    promql: str
    above: float | None = None
    below: float | None = None
    says: str = ""  # the sentence shown where it is false


@dataclass(frozen=True, kw_only=True)
class Retarget:
    """A better aim than the text's: what kind, and the sentence that says why.

    `to` is one of `last_good_revision`, `degraded_deployment`, `live_deployment`, `service_deployment`, `ready_slot`,
    `replica`.
    """

    to: str
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class RemedyBinding:
    """Steps or commands that belong together: what is planned and approved as one.

    `commands` are `5.1`-like places; empty means every changing command of `step`.
    """

    name: str
    title: str
    step: int
    commands: tuple[str, ...] = ()
    when: tuple[When, ...] = ()
    needs: tuple[str, ...] = ()
    expected_effect: str = ""
    preview: str = ""  # a reading command that shows what would happen, where the target has no dry run
    undo: str = ""  # the command that takes it back, where the target cannot tell
    retarget: tuple[Retarget, ...] = ()
    only_by_choice: bool = False  # it stands for a bullet of a choice somewhere, and is no remedy of its own runbook


@dataclass(frozen=True, kw_only=True)
class RunbookBinding:
    """Everything bound to one runbook."""

    runbook: RunbookId
    triggers: tuple[Trigger, ...] = ()
    parameters: tuple[ParameterBinding, ...] = ()
    checks: tuple[Check, ...] = ()
    hold: timedelta | None = None
    lists: tuple[ListBinding, ...] = ()
    remedies: tuple[RemedyBinding, ...] | None = None  # None: each changing step is one remedy, in order
    explains: tuple[RunbookId, ...] = ()
    stays_in_charge: bool = False  # with nothing left it goes to a person, not to the next runbook that an alert names
    step_limits: Mapping[int, timedelta] = field(default_factory=dict)
    summary: str = ""  # "{value} % of requests to {service} fail": the incident's sentence
    resolution: Mapping[int, str] = field(default_factory=dict)  # bullets of its Resolution that Handrail does itself
    afterwards: tuple[str, ...] = ()  # retrospective, action_items: when it is over, though no bullet says so


@dataclass(frozen=True, kw_only=True)
class Binding:
    """A binding file. `revision` is the SHA-256 of its bytes.

    `duties` maps (level, place of the duty) to what Handrail does itself, in the words of a checklist's bullets.
    """

    path: str
    revision: str
    runbooks: Mapping[RunbookId, RunbookBinding]
    duties: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def get(self, runbook: str) -> RunbookBinding:
        """The runbook's binding, empty where nobody bound it."""
        key = RunbookId(runbook)
        return self.runbooks.get(key, RunbookBinding(runbook=key))
