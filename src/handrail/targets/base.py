"""Two ways in to a target, and one question and answer for all of them.

`observe` and `preview` hold credentials that cannot write; `change` wants the permit that the intent row gave.
A recording stands at this seam: it keeps `Ask` to `Answer`, and replays them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from handrail.plans import Guard, Preview, Reach, Undo


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One question or change: argument vectors of a pipeline, or SQL, or a GET as its first stage.

    `stages` that follow a native first stage (`sql` or `url`) filter its answer.
    """

    target: str  # kubernetes, helm, postgresql, prometheus, http, git, npm, local
    identity: str  # look, look_inside, releases, preview, change, fault_injector, none
    stages: tuple[tuple[str, ...], ...] = ()
    sql: str | None = None
    url: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    deadline: timedelta = timedelta(seconds=20)
    window: timedelta | None = None  # a watch: ended after this and counted as an answer
    run: str = ""  # application name of database sessions, folder of the workspace
    server: str = "primary"  # which database server
    output: str = ""  # a file of the workspace that takes what is printed, as `> file` would
    writes: bool = False  # it writes in the run's workspace: never begun twice there
    heard: Callable[[str], None] | None = field(default=None, compare=False)  # told the newest line while it runs


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. `refused` is set where the target, or the machine, did not take the question at all."""

    stdout: str = ""
    stderr: str = ""
    exit_codes: tuple[int, ...] = ()
    started_at: datetime
    seconds: float
    truncated: bool = False
    timed_out: bool = False
    refused: str = ""
    lost: bool = False  # for a change: the connection broke, so nobody knows what became of it
    unsent: bool = False  # for a change: the connection was never made, so nothing happened
    absent: str = ""  # the program that is not installed on this machine, where that is why it was refused


@dataclass(frozen=True, kw_only=True)
class Permit:
    """That an intent row was written for this plan's command: nothing changes without one."""

    plan: str
    command_index: int
    approved_by: str


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """What a changing command would do, asked of the target before anyone is asked to approve."""

    ask: Ask
    target_key: str
    preview: Preview
    undo: Undo
    reach: Reach
    guards: tuple[Guard, ...]
    not_asked: str = ""  # why nobody could ask: a program or a credential that is not here


@dataclass(frozen=True, kw_only=True)
class Aim:
    """A better aim: the value to put in place, the sentence that says why, a title for the plan. Empty: for a person."""

    value: str
    says: str
    title: str = ""
    rather: bool = False  # the text's own target is not what the alert is about: this one goes on the button
    seconds_before: float | None = None  # of `newest_release`: how long before the trouble began


class Ground(Protocol):
    """The environment of an incident, as far as Handrail may touch it."""

    def observe(self, ask: Ask) -> Answer:
        """Look, with a credential that cannot write."""

    def prospect(self, ask: Ask) -> Prospect:
        """Preview a change: dry run, undo, reach and guards."""

    def guard_holds(self, guard: Guard) -> str:
        """Read a guard again: empty where it holds, else the sentence that says what moved."""

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """Make the change, once, with the credential that may."""

    def instant(self, promql: str) -> tuple[tuple[dict[str, str], float], ...] | None:
        """An instant query's series with their values; None where Prometheus gave no answer at all."""

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """The first series of a range query as (unix time, value), for a chart; empty where there is none."""

    def aim(self, kind: str, ask: Ask, *, first_bad_at: datetime, service: str) -> Aim | None:
        """A better aim for a change, by one of the kinds that a binding may name (`last_good_revision` …).

        None where this kind says nothing of this command (a patch has no revision). `newest_release` is no aim but a
        question of a choice: `value` names the release's newest revision, `seconds_before` its age at the first bad sample.
        """

    def begin(self, run: str) -> None:
        """Prepare what a run needs for itself: its workspace."""

    def end(self, run: str) -> None:
        """Throw away what `begin` prepared, and end what still runs for it."""
