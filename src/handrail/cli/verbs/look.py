"""The verbs of someone who serves, or looks at what was and is going on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.verbs.options import HERE, AsJson, Config, To

SOURCE = "terminal"


def serve(
    config: Config = HERE,
    host: Annotated[str, typer.Option(help="Address to listen on; beyond loopback people need tokens.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 0,
) -> None:
    """Take alerts, run runbooks, serve the pages. Ends with Ctrl-C; what runs is taken up again at the next start."""
    from handrail.cli import serve as doing

    doing.serve(config, host=host, port=port)


def event(
    kind: Annotated[
        str, typer.Argument(metavar="TYPE", help="What happened, as a binding's trigger names it: deployment.failed.")
    ],
    service: Annotated[str, typer.Option("--service", "-s", help="What it is about.")] = "",
    summary: Annotated[str, typer.Option("--summary", "-m", help="One sentence for people.")] = "",
    data: Annotated[
        list[str] | None, typer.Option("--data", "-d", help="What else is known, as name=value; becomes a label.")
    ] = None,
    key: Annotated[str, typer.Option(help="Tells this trouble from another of the same kind and service.")] = "",
    resolved: Annotated[bool, typer.Option("--resolved", help="It is over.")] = False,
    source: Annotated[
        str, typer.Option(help="Who says so: a source of handrail.yaml, which names the environment.")
    ] = SOURCE,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the CloudEvent, to be sent by something else.")
    ] = False,
    to: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Send it signed to a Handrail elsewhere, by its address: https://handrail.example.org. Needs `--source` and `--secret-file`.",
        ),
    ] = "",
    secret_file: Annotated[
        Path | None, typer.Option(help="With `--to`: the file with the source's secret, which signs it.")
    ] = None,
    config: Config = HERE,
    json_: AsJson = False,
) -> None:
    """Tell Handrail of an event, as a pipeline would by the signed webhook."""
    from handrail.cli import event as doing
    from handrail.cli.asked import At

    body = doing.made(kind, service, summary, doing.pairs(data or []), key=key, resolved=resolved)
    doing.event(
        body, source=source, print_only=print_only, to=to, secret_file=secret_file, at=At(config=config), json_=json_
    )


def incidents(
    incident: Annotated[str, typer.Argument(help="One incident, such as I-12; else all.")] = "",
    config: Config = HERE,
    open_: Annotated[bool, typer.Option("--open", help="Only those that are not over.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Not the newest 200 only.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Of one: go on printing what happens.")] = False,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """List incidents, or show one with its steps, plan and timeline."""
    from handrail.cli import incidents as doing
    from handrail.cli.asked import At

    doing.incidents(incident, at=At(config=config, to=to), open_=open_, every=every, follow=follow, json_=json_)


def plan(
    what: Annotated[str, typer.Argument(help="An incident (I-12), a run (R-12) or the beginning of a plan's hash.")],
    config: Config = HERE,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Show the plans of an incident or run, or one plan: bytes, preview, reach, way back, what it rests on."""
    from handrail.cli import plan as doing
    from handrail.cli.asked import At

    doing.plan(what, at=At(config=config, to=to), json_=json_)


def review(
    incident: Annotated[str, typer.Argument(help="Which incident, such as I-12.")],
    config: Config = HERE,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
    calendar: Annotated[
        Path | None, typer.Option("--calendar", help="Write the retrospective's date to this .ics file instead.")
    ] = None,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Print the post-incident review as Markdown."""
    from handrail.cli import review as doing
    from handrail.cli.asked import At

    doing.review(incident, at=At(config=config, to=to), output=output, calendar=calendar, json_=json_)


def report(
    runbook: Annotated[str, typer.Argument(help="One runbook, such as RB-003; else all.")] = "",
    config: Config = HERE,
    badge: Annotated[bool, typer.Option("--badge", help="Of one runbook: its badge, an SVG.")] = False,
    rule: Annotated[
        int | None,
        typer.Option(
            "--rule",
            help="Print alerting rules for what was not drilled for so many days.",
            metavar="DAYS",
            min=1,
            max=3650,
        ),
    ] = None,
    to: To = "",
    json_: AsJson = False,
) -> None:
    """Tell when each runbook was last drilled and last used, how that ended, and how long it took.

    Where the record has no drill of a runbook, the newest recording of a drill of its present text counts, and says so.
    """
    from handrail.cli import report as doing
    from handrail.cli.asked import At

    doing.report(runbook, at=At(config=config, to=to), badge=badge, rule=rule, json_=json_)
