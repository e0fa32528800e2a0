"""`handrail demo`: an alert becomes a healed incident, before your eyes; with a name, a recorded drill is replayed."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from handrail import app
from handrail.cli import plan as plans
from handrail.cli import replay, terminal
from handrail.cli.telling import Telling
from handrail.drills import recording as recordings
from handrail.drills.shop import Shop
from handrail.errors import FixSettings

LIMIT_SECONDS = 120
NEXT = "handrail demo RB-003 replays a drill that was recorded on a real cluster, through the same loop."


def demo(recording: str, *, yes: bool, speed: float, config: Path | None, list_: bool, keep: bool) -> None:
    """The small shop, or a recording."""
    if list_:
        _list(config)
        return
    if recording:
        raise typer.Exit(0 if replay.replay(recording, speed=speed, say=terminal.say, config=config) else 1)
    _shop(yes=yes or not sys.stdin.isatty(), keep=keep)


def _list(config: Path | None) -> None:
    every = [recordings.load(path) for path in replay.every(config)]
    width = max((len(kept.fault) for kept in every), default=0)
    lacking = {} if config else {kept.settings: _lacking(kept.settings) for kept in every}
    for kept in sorted(every, key=lambda kept: bool(lacking.get(kept.settings))):
        title = str(kept.expect.get("title") or kept.script.get("title") or "")
        title += lacking.get(kept.settings, "")
        for line in terminal.hanging(f"{kept.fault:<{width}}  ", title):
            print(line)
    if not every:
        print("There is no recording yet. `handrail drill` makes one.")


def _lacking(place: str) -> str:
    """What a recording needs that is not here: a stranger's runbook is not ours to bring."""
    named = re.findall(r"\$\{(HANDRAIL_COLLECTIONS)\}", (app.library() / place).read_text(encoding="utf-8"))
    return f" (needs {named[0]})" if named and not os.environ.get(named[0]) else ""


def _shop(*, yes: bool, keep: bool) -> None:
    folder = app.library() / "demo"
    scratch = Path(".handrail") / "demo" / f"{app.now():%Y%m%d-%H%M%S}"  # a record of its own for each showing
    began = time.monotonic()
    with (
        _shop_running(folder / "shop", scratch / "shop") as shop,
        app.running(folder, state=scratch.resolve(), port=0, drill=yes) as running,
    ):
        terminal.say("A shop runs here: two slots behind a front, with customers. Blue is live.")
        shop.watch(f"{running.url}/api/v1/hooks/alertmanager/demo", running.hook_token)
        shop.release("blue", "1_5_0")
        terminal.say("Version 1.5.0 goes to the live slot. It has a bug. Nobody has told Handrail.")
        incident = _follow(running, yes=yes)
        healed = time.monotonic() - began
        terminal.say("")
        terminal.say(f"Healed {healed:.0f} s after the start. The front counts {len(shop.switches())} switch of slots.")
        review = scratch / f"{incident}-review.md"
        review.write_text(app.review_text(running.store, running.catalog, incident), encoding="utf-8")
        print(f"Review:  {review}")
        print(f"Page:    {running.url}/incidents/{incident}")
        for line in terminal.hanging(
            "Next:    ", NEXT if keep else f"handrail demo --keep leaves the page open. {NEXT}"
        ):
            print(line, flush=True)
        if keep:
            terminal.say("Ctrl-C ends it.")
            while True:
                time.sleep(1)


@contextmanager
def _shop_running(source: Path, scratch: Path) -> Iterator[Shop]:
    shop = Shop(source, scratch)
    try:
        shop.start()
        yield shop
    finally:
        shop.stop()


def _follow(running: app.Running, *, yes: bool) -> str:
    """Print the record as it grows; ask for the approval once; the incident's name when it is closed."""
    until = time.monotonic() + LIMIT_SECONDS
    seen, asked = 0, ""
    telling = Telling(running.store, running.catalog)
    while time.monotonic() < until:
        for event in running.store.events(after=seen):
            seen = event.sequence
            for line in telling.lines(event):
                print(line, flush=True)
            if event.kind == "incident_closed":
                return event.incident
        for row, plan in running.store.waiting_plans():
            if row["recommended"] and plan.hash != asked:
                asked = plan.hash
                print("", plans.text(plan, state="waiting", recommended=True), "", sep="\n", flush=True)
                until += _ask(running, plan.hash, yes=yes)
        time.sleep(0.1)
    raise FixSettings(f"The demo did not heal within {LIMIT_SECONDS} s. Its record stays below .handrail/demo.")


def _ask(running: app.Running, plan: str, *, yes: bool) -> float:
    """Ask the person at the terminal, or let the demo's approver say yes; the seconds that were spent asking."""
    began = time.monotonic()
    if yes:
        terminal.say("Nobody was asked: the demo's own approver says yes, and the record says so.")
        who = running.demo_approver
        answer = True
    else:
        who = running.me
        answer = terminal.ask("Approve this change? [y/N] ")
    told = running.desk.decide(plan, who, yes=answer)
    terminal.say(told.says)
    return time.monotonic() - began
