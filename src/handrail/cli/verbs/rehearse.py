"""The verbs of someone who rehearses: a drill in the lab, a demo, a practice against a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def drill(
    name: Annotated[
        str,
        typer.Argument(
            help="A fault (RB-003-missing-variable), a runbook (RB-003: its first fault) or a course (comes-back)."
        ),
    ],
    wait: Annotated[float, typer.Option(help="Seconds that the approver lets a plan wait.")] = 0.0,
    edition: Annotated[
        str, typer.Option(help="Another edition of the document, such as corrected; original is the one as written.")
    ] = "",
    record: Annotated[
        bool,
        typer.Option("--record/--no-record", help="Leave a recording in the folder recordings beside the settings."),
    ] = True,
    config: Annotated[
        Path | None,
        typer.Option(help="A folder of settings with faults of its own, drilled in its own environment; else the lab."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="The score as JSON.")] = False,
) -> None:
    """Inject a fault into the lab, let the loop run, and print how it went."""
    from handrail.cli import drill as doing

    doing.drill(name, wait=wait, edition=edition, record=record, config=config, json_=json_)


def demo(
    recording: Annotated[
        str,
        typer.Argument(
            help="A recorded drill, such as RB-003, RB-003-bad-probe@corrected or the course two-at-once; else the small shop runs for real."
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="A demo approver says yes; the record says so.")] = False,
    speed: Annotated[
        float, typer.Option(help="How many times faster than the drill a recording is replayed.", min=0.1, max=1000.0)
    ] = 10.0,
    config: Annotated[
        Path | None, typer.Option(help="The folder of settings beside whose recordings it lies; else the library's.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the recordings that can be replayed.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep serving the page when it is over, until Ctrl-C.")] = False,
) -> None:
    """Watch an alert become a healed incident: real processes on this machine, or a recording of the lab."""
    from handrail.cli import demo as doing

    doing.demo(recording, yes=yes, speed=speed, config=config, list_=list_, keep=keep)


def practise(
    name: Annotated[
        str, typer.Argument(help="A runbook (RB-009), a recording or its file; without it any runbook, drawn.")
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List which runbooks can be practised.")] = False,
    speed: Annotated[float, typer.Option(help="How many times faster than the clock a wait passes.", min=1.0)] = 10.0,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Whose documents it goes by; else the library's.")
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="Print the score alone, as JSON; the rest goes to standard error.")
    ] = False,
) -> None:
    """Practise a runbook: a recorded alert comes, you look and decide, the recording answers, a score ends it.

    Ends with 0 where it ended as the drill did, else with 1.
    """
    from handrail.cli import practise as doing

    doing.practise(name, list_=list_, speed=speed, config=config, json_=json_)
