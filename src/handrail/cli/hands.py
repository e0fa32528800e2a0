"""What a person does to a run from a terminal: approve, refuse, run, take over, hand back, pause, stop, done by hand.

The wish is written into the record that the server reads; the server takes it up within a second.
"""

from __future__ import annotations

import json
from pathlib import Path

import typer

from handrail import app
from handrail.cli import follow as following
from handrail.engine.desk import Told
from handrail.engine.server import Server


def approve(plan: str, *, config: Path, reason: str, follow: bool, json_: bool) -> None:
    """Yes."""
    with app.terminal(config) as (desk, me):
        found = desk.store.plan(plan)
        _told(desk.decide(plan, me, yes=True, reason=reason), as_json=json_)
        if follow and found is not None:
            raise typer.Exit(
                following.follow(
                    desk.store, found[1].incident, catalog=desk.catalog, after=_last(desk, found[1].incident)
                )
            )


def refuse(plan: str, *, config: Path, reason: str, json_: bool) -> None:
    """No."""
    with app.terminal(config) as (desk, me):
        _told(desk.decide(plan, me, yes=False, reason=reason), as_json=json_)


def run(
    runbook: str,
    *,
    config: Path,
    incident: str,
    service: str,
    environment: str,
    values: dict[str, str],
    follow: bool,
    json_: bool,
) -> None:
    """For an incident that there is, or a new one."""
    with app.terminal(config) as (desk, me):
        if incident:
            told = desk.choose(incident, runbook, me, values=values)
        else:
            told = desk.open_by_hand(runbook, me, service=service, environment=environment, values=values)
            incident = told.says.split()[-1]
        _told(told, as_json=json_)
        if follow:
            raise typer.Exit(following.follow(desk.store, incident, catalog=desk.catalog))


def confirm(run: str, *, config: Path, json_: bool) -> None:
    """The guess is right."""
    with app.terminal(config) as (desk, me):
        _told(desk.confirm(run, me), as_json=json_)


def takeover(incident: str, *, config: Path, json_: bool) -> None:
    """By hand."""
    with app.terminal(config) as (desk, me):
        _told(desk.take_over(incident, me), as_json=json_)


def handback(incident: str, *, config: Path, json_: bool) -> None:
    """No longer by hand."""
    with app.terminal(config) as (desk, me):
        _told(desk.hand_back(incident, me), as_json=json_)


def pause(*, config: Path, json_: bool) -> None:
    """Everything rests."""
    with app.terminal(config) as (desk, me):
        _told(desk.pause(me), as_json=json_)


def resume(*, config: Path, json_: bool) -> None:
    """Everything goes on."""
    with app.terminal(config) as (desk, me):
        _told(desk.resume(me), as_json=json_)


def stop(run: str, *, config: Path, json_: bool) -> None:
    """One run, for good."""
    with app.terminal(config) as (desk, me):
        _told(desk.stop(run, me), as_json=json_)


def done(run: str, step: int, *, config: Path, note: str, json_: bool) -> None:
    """Made by hand."""
    with app.terminal(config) as (desk, me):
        _told(desk.done_by_hand(run, step, me, note=note), as_json=json_)


def undo(run: str, remedy: str, *, config: Path, json_: bool) -> None:
    """The way back."""
    with app.terminal(config) as (desk, me):
        name = remedy or app.only_offer(desk, run)
        _told(desk.take_back(run, name, me), as_json=json_)


def pick(run: str, remedy: str, *, config: Path, json_: bool) -> None:
    """Another remedy first."""
    with app.terminal(config) as (desk, me):
        _told(desk.pick(run, remedy, me), as_json=json_)


def fill(run: str, values: dict[str, str], *, config: Path, json_: bool) -> None:
    """What parameters are."""
    with app.terminal(config) as (desk, me):
        _told(desk.fill(run, me, values=values), as_json=json_)


def ack(incident: str, *, config: Path, json_: bool) -> None:
    """Somebody has it."""
    with app.terminal(config) as (desk, me):
        _told(desk.acknowledge(incident, me), as_json=json_)


def close(incident: str, *, config: Path, reason: str, json_: bool) -> None:
    """It is over."""
    with app.terminal(config) as (desk, me):
        _told(desk.close_incident(incident, me, reason=reason), as_json=json_)


def task(number: int, *, config: Path, note: str, json_: bool) -> None:
    """It is done."""
    with app.terminal(config) as (desk, me):
        _told(desk.finish_task(number, me, note=note), as_json=json_)


def settle(run: str, plan: str, command: int, *, happened: bool, config: Path, json_: bool) -> None:
    """What a person saw."""
    with app.terminal(config) as (desk, me):
        _told(desk.settle(run, plan, command, me, happened=happened), as_json=json_)


def release(run: str, plan: str, command: int, *, saw: str, config: Path, json_: bool) -> None:
    """What a person saw who cannot tell."""
    with app.terminal(config) as (desk, me):
        _told(desk.release(run, plan, command, me, saw=saw), as_json=json_)


def _last(desk: Server, incident: str) -> int:
    """The newest line of the record before now."""
    return max((event.sequence for event in desk.store.events(incident=incident)), default=0)


def _told(told: Told, *, as_json: bool) -> None:
    print(json.dumps({"done": told.done, "says": told.says}) if as_json else told.says)
    if not told.done:
        raise typer.Exit(1)
