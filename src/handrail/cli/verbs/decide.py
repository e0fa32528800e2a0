"""The verbs of someone who decides and acts: each is asked of the server, which does it as a page's button does."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.cli.verbs.options import HERE, AsJson, Config, Follow, Reason, To

Incident = Annotated[str, typer.Argument(help="Which incident, such as I-12.")]
Run = Annotated[str, typer.Argument(help="Which run, such as R-12.")]
PlanHash = Annotated[str, typer.Argument(help="Which plan: its hash, or the first letters of it.")]
Note = Annotated[str, typer.Option("--note", "-m", help="What was done.")]


def approve(
    plan: PlanHash,
    config: Config = HERE,
    reason: Reason = "",
    follow: Follow = False,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Say yes to exactly this plan (the first letters of its hash)."""
    from handrail.cli import hands
    from handrail.cli.asked import At

    hands.decide(plan, yes=True, at=At(config=config, to=to), reason=reason, follow=follow, json_=json_)


def refuse(plan: PlanHash, config: Config = HERE, reason: Reason = "", to: To = "", json_: AsJson = False) -> None:
    """Say no to a plan: the next remedy is proposed."""
    from handrail.cli import hands
    from handrail.cli.asked import At

    hands.decide(plan, yes=False, at=At(config=config, to=to), reason=reason, follow=False, json_=json_)


def run(
    runbook: Annotated[str, typer.Argument(help="Which runbook, such as RB-003.")],
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
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Run a runbook by hand: it looks at once, and proposes as it does for an alert."""
    from handrail.cli import hands
    from handrail.cli.asked import At

    hands.run(
        runbook,
        at=At(config=config, to=to),
        incident=incident,
        service=service,
        environment=environment,
        values=_pairs(value or []),
        follow=follow,
        json_=json_,
    )


def confirm(run: Run, config: Config = HERE, to: To = "", json_: AsJson = False) -> None:
    """Say that a guessed runbook is the right one: it begins to look."""
    _ask("runs", run, "confirm", {}, config=config, to=to, json_=json_)


def start(run: Run, config: Config = HERE, to: To = "", json_: AsJson = False) -> None:
    """Let a run look now that waits for its turn, while it storms."""
    _ask("runs", run, "start", {}, config=config, to=to, json_=json_)


def takeover(incident: Incident, config: Config = HERE, to: To = "", json_: AsJson = False) -> None:
    """Work by hand from now on: Handrail looks and checks, and changes nothing."""
    _ask("incidents", incident, "takeover", {}, config=config, to=to, json_=json_, kept="takeover")


def handback(incident: Incident, config: Config = HERE, to: To = "", json_: AsJson = False) -> None:
    """Let Handrail propose again."""
    _ask("incidents", incident, "handback", {}, config=config, to=to, json_=json_)


def pause(config: Config = HERE, to: To = "", json_: AsJson = False) -> None:
    """Pause all automation, everywhere."""
    _ask("pause", "", "", {}, config=config, to=to, json_=json_, kept="pause")


def resume(config: Config = HERE, to: To = "", json_: AsJson = False) -> None:
    """End the pause."""
    _ask("resume", "", "", {}, config=config, to=to, json_=json_)


def stop(run: Run, config: Config = HERE, to: To = "", json_: AsJson = False) -> None:
    """Stop one run for good."""
    _ask("runs", run, "stop", {}, config=config, to=to, json_=json_, kept="stop")


def done(
    run: Run,
    step: Annotated[int, typer.Argument(help="The step's number.")],
    config: Config = HERE,
    note: Note = "",
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Say that you made this step by hand: it is recorded and verified like any change."""
    _ask("runs", run, "done", {"step": step, "note": note}, config=config, to=to, json_=json_)


def undo(
    run: Run,
    remedy: Annotated[str, typer.Argument(help="Which change; the only one where it is left out.")] = "",
    config: Config = HERE,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Take back a change that did not help: its way back becomes a plan that waits for a yes."""
    _ask("runs", run, "undo", {"remedy": remedy}, config=config, to=to, json_=json_)


def pick(
    run: Run,
    remedy: Annotated[str, typer.Argument(help="Which remedy of a choice, such as RB-006/scale.")],
    config: Config = HERE,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Pick another remedy of a choice than the evidence put first: it becomes a plan that waits for a yes."""
    _ask("runs", run, "pick", {"remedy": remedy}, config=config, to=to, json_=json_)


def fill(
    run: Run,
    value: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…", help="What a parameter is.")],
    config: Config = HERE,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Say what a parameter of a run is, where nothing else could tell."""
    _ask("runs", run, "values", {"values": _pairs(value)}, config=config, to=to, json_=json_)


def ack(incident: Incident, config: Config = HERE, to: To = "", json_: AsJson = False) -> None:
    """Say that you have it: nobody further is called for want of an answer."""
    _ask("incidents", incident, "acknowledge", {}, config=config, to=to, json_=json_, kept="ack")


def close(incident: Incident, config: Config = HERE, reason: Reason = "", to: To = "", json_: AsJson = False) -> None:
    """Say that an incident is over."""
    _ask("incidents", incident, "close", {"reason": reason}, config=config, to=to, json_=json_)


def moveout(
    incident: Incident,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="Its name, or its number where several have that.")],
    config: Config = HERE,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Move an alert out of an incident into one of its own: it is another trouble."""
    _ask("incidents", incident, "move-out", {"alert": alert}, config=config, to=to, json_=json_)


def task(
    number: Annotated[int, typer.Argument(help="The task's number.")],
    config: Config = HERE,
    note: Note = "",
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Say that a task is done."""
    _ask("tasks", str(number), "done", {"note": note}, config=config, to=to, json_=json_)


def settle(
    run: Run,
    plan: PlanHash,
    command: Annotated[int, typer.Argument(help="Its place in the plan, from 0.")],
    happened: Annotated[bool, typer.Option("--happened/--did-not-happen", help="What you saw.")],
    config: Config = HERE,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Say whether a change happened that nobody could know of."""
    fields = {"plan": plan, "command": command, "happened": "yes" if happened else "no"}
    _ask("runs", run, "settle", fields, config=config, to=to, json_=json_)


def _ask(
    kind: str, name: str, verb: str, fields: dict[str, object], *, config: Config, to: str, json_: bool, kept: str = ""
) -> None:
    """`kept` is the verb under which it is left for the next server, where none runs."""
    from handrail.cli import hands
    from handrail.cli.asked import At
    from handrail.client.asking import part

    path = "/" + "/".join(part(one) for one in (kind, name, verb) if one)
    at = At(config=config, to=to)
    if kept:
        hands.ask_or_leave(path, verb=kept, about=name, at=at, json_=json_)
    else:
        hands.ask(path, fields, at=at, json_=json_)


def release(
    run: Run,
    plan: PlanHash,
    command: Annotated[int, typer.Argument(help="Its place in the plan, from 0.")],
    saw: Annotated[str, typer.Option("--saw", help="What you saw at the target, for the record.")],
    config: Config = HERE,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Say that you looked at a change of unknown outcome and cannot tell: its target is free for other plans."""
    _ask("runs", run, "release", {"plan": plan, "command": command, "saw": saw}, config=config, to=to, json_=json_)


def _pairs(given: list[str]) -> dict[str, str]:
    wrong = next((pair for pair in given if "=" not in pair), "")
    if wrong:
        raise typer.BadParameter(f"{wrong!r} has no =. Give each as name=value.")
    return dict(pair.split("=", 1) for pair in given)
