"""What a person does to a run from a terminal: approve, refuse, run, take over, hand back, pause, stop, done by hand.

The wish is written into the record that the server reads; the server takes it up within a second.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from handrail import app
from handrail.cli import follow as following
from handrail.engine.desk import Told
from handrail.engine.server import Server

Config = Annotated[Path, typer.Option("--config", "-c", help="handrail.yaml, or the folder it stands in.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for the record.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what happens, until it is over.")]
HERE = Path()


def approve(
    plan: str, config: Config = HERE, reason: Reason = "", follow: Follow = False, json_: AsJson = False
) -> None:
    """Say yes to exactly this plan (the first letters of its hash)."""
    with app.terminal(config) as (desk, me):
        found = desk.store.plan(plan)
        _told(desk.decide(plan, me, yes=True, reason=reason), as_json=json_)
        if follow and found is not None:
            raise typer.Exit(
                following.follow(
                    desk.store, found[1].incident, catalog=desk.catalog, after=_last(desk, found[1].incident)
                )
            )


def refuse(plan: str, config: Config = HERE, reason: Reason = "", json_: AsJson = False) -> None:
    """Say no to a plan: the next remedy is proposed."""
    with app.terminal(config) as (desk, me):
        _told(desk.decide(plan, me, yes=False, reason=reason), as_json=json_)


def run(
    runbook: str,
    config: Config = HERE,
    incident: Annotated[
        str, typer.Option("--incident", "-i", help="For this incident; else a new one is opened.")
    ] = "",
    service: Annotated[str, typer.Option("--service", "-s", help="What it is about.")] = "",
    environment: Annotated[
        str, typer.Option("--environment", "-e", help="Where a new incident is; needed where there are several.")
    ] = "",
    value: Annotated[list[str] | None, typer.Option("--value", "-v", help="A parameter, as name=value.")] = None,
    follow: Follow = False,
    json_: AsJson = False,
) -> None:
    """Run a runbook by hand: it looks at once, and proposes as it does for an alert."""
    values = _pairs(value or [])
    with app.terminal(config) as (desk, me):
        if incident:
            told = desk.choose(incident, runbook, me, values=values)
        else:
            told = desk.open_by_hand(runbook, me, service=service, environment=environment, values=values)
            incident = told.says.split()[-1]
        _told(told, as_json=json_)
        if follow:
            raise typer.Exit(following.follow(desk.store, incident, catalog=desk.catalog))


def confirm(run: str, config: Config = HERE, json_: AsJson = False) -> None:
    """Say that a guessed runbook is the right one: it begins to look."""
    with app.terminal(config) as (desk, me):
        _told(desk.confirm(run, me), as_json=json_)


def takeover(incident: str, config: Config = HERE, json_: AsJson = False) -> None:
    """Work by hand from now on: Handrail looks and checks, and changes nothing."""
    with app.terminal(config) as (desk, me):
        _told(desk.take_over(incident, me), as_json=json_)


def handback(incident: str, config: Config = HERE, json_: AsJson = False) -> None:
    """Let Handrail propose again."""
    with app.terminal(config) as (desk, me):
        _told(desk.hand_back(incident, me), as_json=json_)


def pause(config: Config = HERE, json_: AsJson = False) -> None:
    """Pause all automation, everywhere."""
    with app.terminal(config) as (desk, me):
        _told(desk.pause(me), as_json=json_)


def resume(config: Config = HERE, json_: AsJson = False) -> None:
    """End the pause."""
    with app.terminal(config) as (desk, me):
        _told(desk.resume(me), as_json=json_)


def stop(run: str, config: Config = HERE, json_: AsJson = False) -> None:
    """Stop one run for good."""
    with app.terminal(config) as (desk, me):
        _told(desk.stop(run, me), as_json=json_)


def done(
    run: str,
    step: int,
    config: Config = HERE,
    note: Annotated[str, typer.Option("--note", "-m", help="What was done.")] = "",
    json_: AsJson = False,
) -> None:
    """Say that you made this step by hand: it is recorded and verified like any change."""
    with app.terminal(config) as (desk, me):
        _told(desk.done_by_hand(run, step, me, note=note), as_json=json_)


def undo(
    run: str,
    remedy: Annotated[str, typer.Argument(help="Which change; the only one where it is left out.")] = "",
    config: Config = HERE,
    json_: AsJson = False,
) -> None:
    """Take back a change that did not help: its way back becomes a plan that waits for a yes."""
    with app.terminal(config) as (desk, me):
        name = remedy or app.only_offer(desk, run)
        _told(desk.take_back(run, name, me), as_json=json_)


def pick(
    run: str,
    remedy: Annotated[str, typer.Argument(help="Which remedy of a choice, such as RB-006/scale.")],
    config: Config = HERE,
    json_: AsJson = False,
) -> None:
    """Pick another remedy of a choice than the evidence put first: it becomes a plan that waits for a yes."""
    with app.terminal(config) as (desk, me):
        _told(desk.pick(run, remedy, me), as_json=json_)


def fill(
    run: str,
    value: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…", help="What a parameter is.")],
    config: Config = HERE,
    json_: AsJson = False,
) -> None:
    """Say what a parameter of a run is, where nothing else could tell."""
    values = _pairs(value)
    with app.terminal(config) as (desk, me):
        _told(desk.fill(run, me, values=values), as_json=json_)


def ack(incident: str, config: Config = HERE, json_: AsJson = False) -> None:
    """Say that you have it: nobody further is called for want of an answer."""
    with app.terminal(config) as (desk, me):
        _told(desk.acknowledge(incident, me), as_json=json_)


def close(incident: str, config: Config = HERE, reason: Reason = "", json_: AsJson = False) -> None:
    """Say that an incident is over."""
    with app.terminal(config) as (desk, me):
        _told(desk.close_incident(incident, me, reason=reason), as_json=json_)


def task(
    number: int,
    config: Config = HERE,
    note: Annotated[str, typer.Option("--note", "-m", help="What was done.")] = "",
    json_: AsJson = False,
) -> None:
    """Say that a task is done."""
    with app.terminal(config) as (desk, me):
        _told(desk.finish_task(number, me, note=note), as_json=json_)


def settle(
    run: str,
    plan: str,
    command: int,
    happened: Annotated[bool, typer.Option("--happened/--did-not-happen", help="What you saw.")],
    config: Config = HERE,
    json_: AsJson = False,
) -> None:
    """Say whether a change happened that nobody could know of."""
    with app.terminal(config) as (desk, me):
        _told(desk.settle(run, plan, command, me, happened=happened), as_json=json_)


def _last(desk: Server, incident: str) -> int:
    """The newest line of the record before now."""
    return max((event.sequence for event in desk.store.events(incident=incident)), default=0)


def _pairs(given: list[str]) -> dict[str, str]:
    wrong = next((pair for pair in given if "=" not in pair), "")
    if wrong:
        raise typer.BadParameter(f"{wrong!r} has no =. Give each as name=value.")
    return dict(pair.split("=", 1) for pair in given)


def _told(told: Told, *, as_json: bool) -> None:
    print(json.dumps({"done": told.done, "says": told.says}) if as_json else told.says)
    if not told.done:
        raise typer.Exit(1)
