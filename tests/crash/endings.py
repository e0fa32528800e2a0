"""Stop and close while a change is on, with a server that is killed in the middle of it; then a second incident's plan for the target.

The ledger says what happened; the tables, read from outside, what is held.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.crash.harness import Course, Kill, Machine, _tail
from tests.crash.ledger import thrown

LIMIT = 150.0  # seconds for one step of a course, on a machine that others keep busy
POLL = 0.15
NEVER = Kill(kind="boundary", at="no such boundary")


@dataclass(kw_only=True)
class Ended:
    """What one course showed."""

    kill: Kill
    verbs: tuple[str, ...]
    problems: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    waited: str = ""  # what the second plan waited for, where it did
    outcomes: list[str] = field(default_factory=list)  # of the first run's intents after the start
    killed: bool = False


def course(kill: Kill, *, verbs: tuple[str, ...], while_served: bool = False) -> Ended:
    """An alert, a yes, a kill in mid-change; then these verbs (`stop`, `close`), before the next start or while it serves."""
    told = Ended(kill=kill, verbs=verbs)
    folder = Path(tempfile.mkdtemp(prefix="handrail-ending-"))
    seen = Course(number=0, planned=(kill,))
    machine = Machine(folder, seen, terminal=not while_served)
    try:
        _course(machine, told, kill, while_served=while_served)
    except TimeoutError as error:
        told.problems.append(str(error))
    finally:
        machine.close()
        shutil.rmtree(folder, ignore_errors=True)
    told.killed = bool(seen.kills)
    told.problems += seen.faults
    return told


def _course(machine: Machine, told: Ended, kill: Kill, *, while_served: bool) -> None:
    if kill.kind == "child":
        machine.behave(**{"before": 0.0, "after": 0.0, kill.slow: 2.0})
    machine.serve(kill if kill.kind == "boundary" else None)
    _until(machine, "the alert is taken", machine.alert)
    machine.terminal, terminal = False, machine.terminal
    plan = _until(machine, "a plan waits", lambda: _waiting(machine, "R-1"))
    with contextlib.suppress(httpx.HTTPError):  # it may be killed before it answers
        machine.post(f"/plans/{plan}/decision", (), {"decision": "approve", "reason": "it is dark"})
    machine.terminal = terminal
    if kill.kind == "child":
        _until(machine, "the change is on", lambda: bool(machine.ledger_state()["busy"]))
        time.sleep(kill.after)
        machine.kill(kill)
    _until(None, "the server is killed", lambda: not machine.alive)
    machine.after_death()
    machine.behave(before=0.0, after=0.0)
    if while_served:
        machine.serve(None)
        _until(machine, "the next one serves", lambda: bool(machine.get("/incidents")))
    for verb in told.verbs:
        _say(machine, told, verb)
    if not while_served:
        machine.serve(None)
    machine.terminal = False
    _until(machine, "the run is over", lambda: bool(_row(machine, "runs")[0]["ending"]))
    _until(machine, "nothing is open", lambda: all(row["outcome"] for row in _row(machine, "intents")))
    if "close" in told.verbs:  # where the broken-off change kept it open
        _until(machine, "the incident is closed", lambda: _closed(machine, told))
    told.outcomes = [row["outcome"] for row in _row(machine, "intents")]
    _until(machine, "what is held is what nobody knows of", lambda: not _held_wrong(machine))
    told.problems += [
        f"plan {row['hash'][:8]} is {row['state']}" for row in _row(machine, "plans") if row["state"] == "running"
    ]
    _second(machine, told)
    told.problems += _held_wrong(machine)
    told.problems += _later(machine)
    intents = len(_row(machine, "intents"))
    if sum(thrown(machine.ledger_file).values()) > intents:
        told.problems.append(f"{thrown(machine.ledger_file)} with {intents} intents")


def _say(machine: Machine, told: Ended, verb: str) -> None:
    path = {"stop": "/runs/R-1/stop", "close": "/incidents/I-1/close"}[verb]
    words = {"stop": ("stop", "R-1"), "close": ("close", "I-1")}[verb]
    done = machine.post(path, words, {})
    told.said.append(f"{verb}: {'done' if done else 'no'}")


def _closed(machine: Machine, told: Ended) -> bool:
    if _row(machine, "incidents")[0]["status"] == "closed":
        return True
    _say(machine, told, "close")
    return False


def _second(machine: Machine, told: Ended) -> None:
    """Another incident's plan for the same target: it goes on, or says whom it waits for, and goes on once that is settled."""
    opened = {"runbook": "CRASH-001", "service": "switchboard", "environment": "bench"}
    _until(machine, "a second incident is there", lambda: machine.post("/open", (), opened))
    second = f"R-{_row(machine, 'runs')[-1]['number']}"
    plan = _until(machine, "the second plan waits", lambda: _waiting(machine, second))
    machine.post(f"/plans/{plan}/decision", (), {"decision": "approve", "reason": "it is dark again"})
    unknown = [row for row in _row(machine, "intents") if row["outcome"] == "unknown"]
    if unknown:
        told.waited = _until(machine, "the second plan says whom it waits for", lambda: _waits(machine, second))
        if not told.waited.startswith("I-1 (R-1, plan "):
            told.problems.append(f"it waits for: {told.waited}")
        body = {"plan": unknown[0]["plan"], "command": unknown[0]["command"], "happened": "no"}
        happened = machine.settled_truth("main") > 0 and unknown[0]["command"] == 0
        machine.post("/runs/R-1/settle", (), {**body, "happened": "yes" if happened else "no"})
    _until(
        machine,
        "the second plan is made",
        lambda: any(row["run"] == second and row["outcome"] == "succeeded" for row in _row(machine, "intents")),
    )
    _until(machine, "the second run lets go", lambda: not _row(machine, "locks"))


# -- what is seen from outside -----------------------------------------------------------------------------------------


def _row(machine: Machine, table: str) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(machine.state / "handrail.db", timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def _waiting(machine: Machine, run: str) -> str:
    facts = machine.client.get(f"/api/v1/runs/{run}")
    if facts.status_code != 200:
        return ""
    plans = facts.json()["plans"]
    return next((one["hash"] for one in plans if one["state"] == "waiting" and one["recommended"]), "")


def _waits(machine: Machine, run: str) -> str:
    said = next(row["waits_for"] for row in _row(machine, "runs") if f"R-{row['number']}" == run)
    return str(said) if " holds " in str(said) else ""


def _held_wrong(machine: Machine) -> list[str]:
    """Of the first run nothing may be held but what nobody knows of."""
    plans = {row["hash"]: row["run"] for row in _row(machine, "plans")}
    nobody_knows = {
        (row["target"], row["plan"]) for row in _row(machine, "intents") if row["outcome"] in (None, "unknown")
    }
    held = {(row["target"], row["plan"]) for row in _row(machine, "locks") if plans[row["plan"]] == "R-1"}
    own = {(target, plan) for target, plan in nobody_knows if plans[plan] == "R-1"}
    return [f"held {held}, and nobody knows of {own}"] if held != own else []


def _later(machine: Machine) -> list[str]:
    """What was said in the first incident after it was closed, beside what became of its change."""
    kinds = [row["kind"] for row in _row(machine, "events") if row["incident"] == "I-1"]
    if "incident_closed" not in kinds:
        return []
    silent = {"verified", "plan_proposed", "run_started", "did_not_help", "handed_over", "check", "evidence", "page"}
    return [f"{kind} in a closed incident" for kind in kinds[kinds.index("incident_closed") :] if kind in silent]


def _until(machine: Machine | None, what: str, done: Callable[[], Any]) -> Any:
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        if machine is not None and machine.server is not None and not machine.alive:
            raise TimeoutError(f"the server ended before {what}: {_tail(machine)}")
        with contextlib.suppress(httpx.HTTPError, OSError, KeyError, ValueError, IndexError, sqlite3.OperationalError):
            found = done()
            if found:
                return found
        time.sleep(POLL)
    raise TimeoutError(f"not within {LIMIT:.0f} s: {what}")
