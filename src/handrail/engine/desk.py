"""What people and pages may ask of the engine: one list of verbs for the web, the API and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from handrail.approvals import Approver


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a webhook. `status` is an HTTP status: 202 stored, 4xx refused, 503 try again."""

    status: int
    reason: str
    post: int = 0
    sender: str = ""
    """Whose message it was taken for."""
    alerts: int = 0
    set_aside: Sequence[str] = ()
    """Why each part that could not be read was set aside; a person is called."""
    truncated: int = 0
    """Alerts that the sender says it left out."""
    read: Sequence[str] = ()
    """What was read how, in sentences; the first of many."""
    flaws: Mapping[str, int] = field(default_factory=dict)
    """How often each flaw was read over."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of a person's wish: done or not, and the sentence that says so."""

    done: bool
    says: str
    incident: str = ""  # the one that it opened


class Desk(Protocol):
    """The verbs. Every one names the person; none of them waits for work to finish."""

    def receive(self, *, source: str, body: bytes, kind: str = "", headers: Mapping[str, str] | None = None) -> Receipt:
        """Take a webhook: read, masked, stored, answered; worked on afterwards. `kind` is whose the route says it is."""

    def acknowledge(self, incident: str, who: Approver) -> Told:
        """Someone has it: unanswered timers stop."""

    def decide(self, plan: str, who: Approver, *, yes: bool, reason: str = "") -> Told:
        """Yes or no to exactly this hash."""

    def take_over(self, incident: str, who: Approver) -> Told:
        """A person works by hand: no change is made by Handrail, looks and checks go on."""

    def hand_back(self, incident: str, who: Approver) -> Told:
        """Handrail may propose again."""

    def pause(self, who: Approver) -> Told:
        """Pause all automation everywhere."""

    def resume(self, who: Approver) -> Told:
        """End the pause."""

    def stop(self, run: str, who: Approver) -> Told:
        """Stop one run for good: nothing more is asked or changed for it. A change that is on runs to its end."""

    def done_by_hand(self, run: str, step: int, who: Approver, *, note: str = "") -> Told:
        """A person made this step by hand: it is recorded and verified like any change."""

    def settle(self, run: str, plan: str, command: int, who: Approver, *, happened: bool) -> Told:
        """A person says whether an unknown change happened."""

    def start(self, run: str, who: Approver) -> Told:
        """A run that waits for its turn to look, while it storms, looks now."""

    def release(self, run: str, plan: str, command: int, who: Approver, *, saw: str) -> Told:
        """A person looked at an unknown change and cannot say whether it happened: what they saw is recorded, its target is free."""

    def confirm(self, run: str, who: Approver) -> Told:
        """Yes, this guessed runbook is the right one: it may look."""

    def choose(self, incident: str, runbook: str, who: Approver, *, values: dict[str, str]) -> Told:
        """Start this runbook for this incident, with these parameters filled in."""

    def open_by_hand(
        self, runbook: str, who: Approver, *, service: str, values: dict[str, str], environment: str = ""
    ) -> Told:
        """Open an incident without an alert, and run this runbook. `says` ends with the incident's name.

        `environment` may be empty where there is only one.
        """

    def take_back(self, run: str, remedy: str, who: Approver) -> Told:
        """A person wants a change that did not help taken back: its way back is proposed as a plan of its own."""

    def pick(self, run: str, remedy: str, who: Approver) -> Told:
        """A person picks another remedy of a choice: it is proposed next, what waits makes room for it."""

    def fill(self, run: str, who: Approver, *, values: dict[str, str]) -> Told:
        """A person says what a parameter is: looks that lacked it are made, remedies that lacked it are planned."""

    def close_incident(self, incident: str, who: Approver, *, reason: str = "") -> Told:
        """A person says that it is over."""

    def move_out(self, incident: str, alert: str, who: Approver) -> Told:
        """An alert is another trouble: into an incident of its own, with the run that answers it. A running change forbids it."""

    def finish_task(self, task: int, who: Approver, *, note: str = "") -> Told:
        """A task is done."""
