"""The command line: one module a verb, and only the module of the verb that was asked for is loaded.

Exit codes: 0 done, 1 found something or was told no, 2 could not read what it was given, 3 a bug of ours, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path

import typer

from handrail.errors import HandrailError

VERBS = {
    "init": "handrail.cli.init",
    "doctor": "handrail.cli.doctor",
    "check": "handrail.cli.check",
    "explain": "handrail.cli.explain",
    "show": "handrail.cli.show",
    "identities": "handrail.cli.identities",
    "rules": "handrail.cli.rules",
    "bind": "handrail.cli.bind",
    "serve": "handrail.cli.serve",
    "event": "handrail.cli.event",
    "incidents": "handrail.cli.incidents",
    "plan": "handrail.cli.plan",
    "approve": "handrail.cli.hands",
    "refuse": "handrail.cli.hands",
    "run": "handrail.cli.hands",
    "confirm": "handrail.cli.hands",
    "takeover": "handrail.cli.hands",
    "handback": "handrail.cli.hands",
    "pause": "handrail.cli.hands",
    "resume": "handrail.cli.hands",
    "stop": "handrail.cli.hands",
    "done": "handrail.cli.hands",
    "settle": "handrail.cli.hands",
    "undo": "handrail.cli.hands",
    "pick": "handrail.cli.hands",
    "fill": "handrail.cli.hands",
    "ack": "handrail.cli.hands",
    "task": "handrail.cli.hands",
    "close": "handrail.cli.hands",
    "review": "handrail.cli.incidents",
    "report": "handrail.cli.report",
    "drill": "handrail.cli.drill",
    "demo": "handrail.cli.demo",
    "practise": "handrail.cli.practise",
}


def build(verbs: dict[str, str]) -> typer.Typer:
    """The program with these verbs."""
    app = typer.Typer(
        name="handrail",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Handrail makes operational runbooks run.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root() -> None:
        """Handrail makes operational runbooks run."""

    for verb, module in verbs.items():
        app.command(verb)(getattr(importlib.import_module(module), verb))
    return app


def main() -> None:
    """The door of the command line: a sentence for what was expected, a trace for what was not."""
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    verbs = {asked: VERBS[asked]} if asked in VERBS else VERBS
    if sys.stdin is None:  # closed by whoever started us: nobody is there to be asked
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 -- it is ours until the end
    try:
        build(verbs)()
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
