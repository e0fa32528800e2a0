"""A desk in memory: the verbs over a store, without an engine. What was asked of it can be read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.approvals import Approver
from handrail.engine.desk import Receipt, Told
from handrail.errors import TryAgain
from handrail.evidence import Actor
from handrail.store import Store


@dataclass
class MemoryDesk:
    """Does what the record needs and starts nothing. `locked` makes every write fail, as a busy database does."""

    store: Store
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    locked: bool = False
    surprise: Exception | None = None

    def receive(self, *, source: str, body: bytes, kind: str = "", headers: Mapping[str, str] | None = None) -> Receipt:
        """Store a webhook that reads as Alertmanager's."""
        if self.surprise is not None:
            raise self.surprise
        if self.locked:
            raise TryAgain("The database did not take a write: it is locked. Nothing was changed.")
        try:
            alerts = json.loads(body)["alerts"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return Receipt(status=400, reason="The body is not an Alertmanager message: it has no list of alerts.")
        post = self.store.keep_post(source=source, body=body.decode())
        self.asked.append(("receive", source, len(alerts)))
        return Receipt(status=202, reason=f"{len(alerts)} alerts stored", post=post)

    def acknowledge(self, incident: str, who: Approver) -> Told:
        """First one wins."""
        self._note("acknowledge", who, incident)
        if not self.store.acknowledge(incident, who.name):
            return Told(done=False, says="Already acknowledged by somebody.")
        return self._event("acknowledged", who, incident=incident)

    def decide(self, plan: str, who: Approver, *, yes: bool, reason: str = "") -> Told:
        """Exactly this hash."""
        self._note("decide", who, (plan, yes, reason))
        if not self.store.keep_decision(plan=plan, person=who.name, yes=yes, known_by=who.known_by, reason=reason):
            return Told(done=False, says=f"Plan {plan[:8]} was decided a moment ago.")
        found = self.store.plan(plan)
        incident = found[1].incident if found else ""
        return self._event("decision", who, incident=incident, plan=plan, yes=yes, reason=reason)

    def take_over(self, incident: str, who: Approver) -> Told:
        """By hand from now on."""
        self._note("take_over", who, incident)
        self.store.update_incident(incident, taken_over_by=who.name)
        return self._event("taken_over", who, incident=incident)

    def hand_back(self, incident: str, who: Approver) -> Told:
        """Back to the run."""
        self._note("hand_back", who, incident)
        self.store.update_incident(incident, taken_over_by=None)
        return self._event("handed_back", who, incident=incident)

    def pause(self, who: Approver) -> Told:
        """Everything rests."""
        self._note("pause", who, None)
        self.store.set_setting("paused_by", who.name)
        return self._event("paused", who)

    def resume(self, who: Approver) -> Told:
        """Everything goes on."""
        self._note("resume", who, None)
        self.store.set_setting("paused_by", "")
        return self._event("resumed", who)

    def stop(self, run: str, who: Approver) -> Told:
        """One run, for good."""
        self._note("stop", who, run)
        self.store.end_run(run, ending="stopped", reason=f"stopped by {who.name}")
        return Told(done=True, says=f"{run} is stopped.")

    def done_by_hand(self, run: str, step: int, who: Approver, *, note: str = "") -> Told:
        """Noted."""
        self._note("done_by_hand", who, (run, step, note))
        return Told(done=True, says="Recorded.")

    def settle(self, run: str, plan: str, command: int, who: Approver, *, happened: bool) -> Told:
        """Noted."""
        self._note("settle", who, (run, plan, command, happened))
        self.store.outcome(run=run, plan=plan, command=command, outcome="succeeded" if happened else "failed")
        return Told(done=True, says="Recorded.")

    def start(self, run: str, who: Approver) -> Told:
        """Its turn is now."""
        self._note("start", who, run)
        return Told(done=True, says=f"{run} has started looking.")

    def release(self, run: str, plan: str, command: int, who: Approver, *, saw: str) -> Told:
        """Noted."""
        self._note("release", who, (run, plan, command, saw))
        return Told(done=True, says="Recorded.")

    def confirm(self, run: str, who: Approver) -> Told:
        """The guess is right."""
        self._note("confirm", who, run)
        self.store.update_run(run, confirmed=1)
        return Told(done=True, says=f"{run} goes on.")

    def choose(self, incident: str, runbook: str, who: Approver, *, values: dict[str, str]) -> Told:
        """Noted."""
        self._note("choose", who, (incident, runbook, values))
        return Told(done=True, says=f"R-1 runs {runbook} for {incident}.")

    def open_by_hand(
        self, runbook: str, who: Approver, *, service: str, values: dict[str, str], environment: str = ""
    ) -> Told:
        """A bare incident."""
        self._note("open_by_hand", who, (runbook, service, values, environment))
        incident = self.store.open_incident(
            {
                "environment": environment or "production",
                "service": service,
                "title": f"{runbook} (opened by {who.name})",
                "severity": "high",
                "opened_at": self.store.now(),
                "drill": 0,
            }
        )
        return Told(done=True, incident=incident, says=f"{runbook} runs for {incident}")

    def pick(self, run: str, remedy: str, who: Approver) -> Told:
        """Notes it."""
        self._note("pick", who, (run, remedy))
        return Told(done=True, says="It is made into a plan.")

    def take_back(self, run: str, remedy: str, who: Approver) -> Told:
        """Noted."""
        self._note("take_back", who, (run, remedy))
        return Told(done=True, says="It is made into a plan.")

    def fill(self, run: str, who: Approver, *, values: dict[str, str]) -> Told:
        """Noted."""
        self._note("fill", who, (run, values))
        return Told(done=True, says=f"{run} goes on.")

    def close_incident(self, incident: str, who: Approver, *, reason: str = "") -> Told:
        """Noted."""
        self._note("close_incident", who, (incident, reason))
        return Told(done=True, says=f"{incident} is closed.")

    def move_out(self, incident: str, alert: str, who: Approver) -> Told:
        """Noted."""
        self._note("move_out", who, (incident, alert))
        return Told(done=True, says=f"{alert} is moved out of {incident}.")

    def finish_task(self, task: int, who: Approver, *, note: str = "") -> Told:
        """Done, once."""
        self._note("finish_task", who, (task, note))
        done = self.store.finish_task(task, by=who.name, note=note)
        return Told(done=done, says=f"Task {task} is done." if done else "It is done already.")

    def _note(self, verb: str, who: Approver, what: Any) -> None:
        if self.locked:
            raise TryAgain("The database did not take a write: it is locked. Nothing was changed.")
        self.asked.append((verb, who.name, what))

    def _event(self, kind: str, who: Approver, *, incident: str = "", **payload: Any) -> Told:
        actor = Actor(kind="person", name=who.name, known_by=who.known_by)
        self.store.append(kind, {"person": who.name, **payload}, incident=incident, actor=actor)
        return Told(done=True, says=f"{kind.replace('_', ' ')} by {who.name}.")
