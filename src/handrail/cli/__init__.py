"""The command line: one module a verb, loaded once the words for that verb were understood. A list or a help loads none.

Exit codes: 0 done, 1 found something or was told no, 2 could not read what it was given, 3 a bug of ours, 130 interrupted.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import click
import typer
import typer.core
import typer.main
from typer.core import TyperGroup

from handrail.errors import HandrailError

CONTEXT = {"help_option_names": ["-h", "--help"]}

BEGIN, LOOK = "handrail.cli.verbs.begin", "handrail.cli.verbs.look"
DECIDE, REHEARSE = "handrail.cli.verbs.decide", "handrail.cli.verbs.rehearse"
VERBS = {  # a verb to the module that knows what it takes
    "init": BEGIN,
    "doctor": BEGIN,
    "check": BEGIN,
    "explain": BEGIN,
    "show": BEGIN,
    "identities": BEGIN,
    "rules": BEGIN,
    "bind": BEGIN,
    "token": BEGIN,
    "serve": LOOK,
    "event": LOOK,
    "incidents": LOOK,
    "plan": LOOK,
    "approve": DECIDE,
    "refuse": DECIDE,
    "run": DECIDE,
    "confirm": DECIDE,
    "start": DECIDE,
    "takeover": DECIDE,
    "handback": DECIDE,
    "pause": DECIDE,
    "resume": DECIDE,
    "stop": DECIDE,
    "done": DECIDE,
    "settle": DECIDE,
    "release": DECIDE,
    "undo": DECIDE,
    "pick": DECIDE,
    "fill": DECIDE,
    "ack": DECIDE,
    "task": DECIDE,
    "close": DECIDE,
    "moveout": DECIDE,
    "review": LOOK,
    "report": LOOK,
    "drill": REHEARSE,
    "demo": REHEARSE,
    "practise": REHEARSE,
}
SAYS = {  # the first line of each verb's help, so that the list of all loads none of them
    "init": "Write settings beside your runbooks: handrail.yaml, people, schedule, services, environments, bindings.",
    "doctor": "Say what is reachable, as whom, what is missing and what to do. Exit 1 where something is wrong, 2 without settings.",
    "check": "Find the mistakes of runbooks before an outage does.",
    "explain": "Say what a command would do: reads, changes, destroys or unknown, with the reasons. Nothing is run.",
    "show": "Show a document or a runbook as Handrail reads it: steps, commands, what each does and why.",
    "identities": "Print manifests for `kubectl apply -f -`, or SQL for psql.",
    "rules": "Write Prometheus alerting rules for the alerts that your runbooks answer.",
    "bind": "Draft a binding for a document that nobody has bound, or check those that are there.",
    "token": "Make a token for people.yaml or a source: printed once; only its SHA-256 goes into the file.",
    "serve": "Take alerts, run runbooks, serve the pages. Ends with Ctrl-C; what runs is taken up again at the next start.",
    "event": "Tell Handrail of an event, as a pipeline would by the signed webhook.",
    "incidents": "List incidents, or show one with its steps, plan and timeline.",
    "plan": "Show the plans of an incident or run, or one plan: bytes, preview, reach, way back, what it rests on.",
    "approve": "Say yes to exactly this plan (the first letters of its hash).",
    "refuse": "Say no to a plan: the next remedy is proposed.",
    "run": "Run a runbook by hand: it looks at once, and proposes as it does for an alert.",
    "confirm": "Say that a guessed runbook is the right one: it begins to look.",
    "start": "Let a run look now that waits for its turn, while it storms.",
    "takeover": "Work by hand from now on: Handrail looks and checks, and changes nothing.",
    "handback": "Let Handrail propose again.",
    "pause": "Pause all automation, everywhere.",
    "resume": "End the pause.",
    "stop": "Stop one run for good.",
    "done": "Say that you made this step by hand: it is recorded and verified like any change.",
    "settle": "Say whether a change happened that nobody could know of.",
    "release": "Say that you looked at a change of unknown outcome and cannot tell: its target is free for other plans.",
    "undo": "Take back a change that did not help: its way back becomes a plan that waits for a yes.",
    "pick": "Pick another remedy of a choice than the evidence put first: it becomes a plan that waits for a yes.",
    "fill": "Say what a parameter of a run is, where nothing else could tell.",
    "ack": "Say that you have it: nobody further is called for want of an answer.",
    "task": "Say that a task is done.",
    "close": "Say that an incident is over.",
    "moveout": "Move an alert out of an incident into one of its own: it is another trouble.",
    "review": "Print the post-incident review as Markdown.",
    "report": "Tell when each runbook was last drilled and last used, how that ended, and how long it took.",
    "drill": "Inject a fault into the lab, let the loop run, and print how it went.",
    "demo": "Watch an alert become a healed incident: real processes on this machine, or a recording of the lab.",
    "practise": "Practise a runbook: a recorded alert comes, you look and decide, the recording answers, a score ends it.",
}

# Typer asks only whether Rich is there. Its help in boxes is half of what a verb may cost, and cannot be searched or piped.
typer.core.HAS_RICH = False


class Verbs(TyperGroup):
    """The verbs by name. One is read when it is asked for."""

    known: ClassVar[Mapping[str, str]] = VERBS

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(self.known)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Read now."""
        module = self.known.get(cmd_name)
        return command(cmd_name, module) if module is not None else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that was meant, or a sentence that names those like it."""
        if args and not args[0].startswith("-") and args[0] not in self.known:
            like = difflib.get_close_matches(args[0], self.known)
            told = f" Did you mean {' or '.join(like)}?" if like else " `handrail --help` lists them."
            ctx.fail(f"There is no verb {args[0]}.{told}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, SAYS[verb]) for verb in self.known])


def command(verb: str, module: str) -> click.Command:
    """One verb as the command line knows it."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=CONTEXT)
    alone.command(verb)(getattr(importlib.import_module(module), verb))
    return typer.main.get_command(alone)


def build(verbs: Mapping[str, str]) -> typer.Typer:
    """The program with these verbs."""
    app = typer.Typer(
        name="handrail",
        cls=type("Verbs", (Verbs,), {"known": verbs}),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Handrail makes operational runbooks run.",
        context_settings=CONTEXT,
    )

    @app.callback()
    def root(
        version: Annotated[
            bool, typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_version)
        ] = False,
    ) -> None:
        """Handrail makes operational runbooks run."""

    return app


def _version(asked: bool) -> None:
    if asked:
        from importlib import metadata

        print(f"handrail {metadata.version('handrail')}")
        raise typer.Exit


def main() -> None:
    """The door of the command line: a sentence for what was expected, a trace for what was not."""
    if sys.stdin is None:  # closed by whoever started us: nobody is there to be asked
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 -- it is ours until the end
    try:
        build(VERBS)()
    except HandrailError as error:
        print(f"handrail: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output left: nobody is there to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception:  # the last door: a bug of ours says so, with what is needed to report it
        traceback.print_exc()
        print(
            "handrail: this is a bug in Handrail, not in your runbooks. Nothing was changed after it.", file=sys.stderr
        )
        sys.exit(3)
