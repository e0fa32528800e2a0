"""The verbs of someone who begins: settings, what is wrong with a document, what a command does, a binding."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.formats import Format
from handrail.cli.verbs.options import HERE, AsJson, Config


def init(
    folder: Annotated[Path, typer.Argument(help="Where the runbooks are.")] = HERE,
    environment: Annotated[
        str, typer.Option("--environment", "-e", help="What the environment is called that alerts come from.")
    ] = "production",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where your services run.")] = "default",
    json_: AsJson = False,
) -> None:
    """Write settings beside your runbooks: handrail.yaml, people, schedule, services, environments, bindings."""
    from handrail.cli import init as doing

    doing.init(folder, environment=environment, namespace=namespace, json_=json_)


def doctor(config: Config = HERE, json_: AsJson = False) -> None:
    """Say what is reachable, as whom, what is missing and what to do. Exit 1 where something is wrong, 2 without settings."""
    from handrail.cli import doctor as doing

    doing.doctor(config, json_=json_)


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Markdown files, or folders that hold some.")],
    format_: Annotated[Format, typer.Option("--format", help="How to write findings.")] = Format.TEXT,
    fix: Annotated[bool, typer.Option("--fix", help="Write the corrections that need no judgement.")] = False,
) -> None:
    """Find the mistakes of runbooks before an outage does.

    Ends with 0 where nothing is wrong, with 1 where something is, with 2 where a file could not be read.
    """
    from handrail.cli import check as doing

    doing.check(paths, format_=format_, fix=fix)


def explain(
    command: Annotated[str, typer.Argument(help="The command as one word; - reads JSON lines from standard input.")],
    json_: AsJson = False,
) -> None:
    """Say what a command would do: reads, changes, destroys or unknown, with the reasons. Nothing is run.

    With - every line of standard input is an object {"command": …} and gets one line of JSON.
    """
    from handrail.cli import explain as doing

    doing.explain(command, json_=json_)


def show(
    what: Annotated[str, typer.Argument(metavar="PATH|ID", help="A document, or a runbook such as RB-003.")],
    json_: AsJson = False,
) -> None:
    """Show a document or a runbook as Handrail reads it: steps, commands, what each does and why.

    Ends with 0, with 1 where no runbook was found in the document, with 2 where it could not be read.
    """
    from handrail.cli import show as doing

    doing.show(what, json_=json_)


def identities(
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where your services run.")] = "default",
    secret: Annotated[
        list[str] | None, typer.Option("--secret", help="A Secret whose values are masked, and may be described.")
    ] = None,
    drills: Annotated[
        bool, typer.Option("--drills", help="With the fault injector, for an environment where drills are allowed.")
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="The roles of PostgreSQL instead.")] = False,
    database: Annotated[str, typer.Option(help="The application's database, for its connection limit.")] = "",
    limit: Annotated[int, typer.Option(help="Its connection limit, below max_connections.")] = 0,
) -> None:
    """Print manifests for `kubectl apply -f -`, or SQL for psql."""
    from handrail.cli import identities as doing

    doing.identities(namespace, secrets=secret or [], drills=drills, sql=sql, database=database, limit=limit)


def rules(
    folder: Annotated[Path, typer.Argument(help="Where handrail.yaml is.")] = HERE,
    profile: Annotated[
        str, typer.Option(help="`team`: the times of the binding. `lab`: so short that a drill takes seconds.")
    ] = "team",
    environment: Annotated[
        str, typer.Option("--environment", "-e", help="Whose namespace is meant, where there are several.")
    ] = "",
    tests: Annotated[
        bool, typer.Option("--tests", help="Write promtool's unit tests: beside FILE, else instead of the rules.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write to FILE instead of standard output.")
    ] = None,
) -> None:
    """Write Prometheus alerting rules for the alerts that your runbooks answer.

    promtool checks them where it is installed. Ends with 1 where an alert was left out; standard error says why.
    """
    from handrail.cli import rules as doing

    doing.rules(folder, profile=profile, environment=environment, tests=tests, out=out)


def bind(
    what: Annotated[Path, typer.Argument(metavar="DOC|FOLDER", help="A document, or a folder that holds some.")] = HERE,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", "-r", metavar="FILE", help="Prometheus' alerting rules; also a folder."),
    ] = None,
    prometheus: Annotated[
        str, typer.Option("--prometheus", "-p", metavar="URL", help="A Prometheus that serves the rules.")
    ] = "",
    write: Annotated[
        bool, typer.Option("--write", "-w", help="Write it beside the document; nothing is overwritten.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Say what is still open, what is wrong and what proves nothing.")
    ] = False,
    json_: AsJson = False,
) -> None:
    """Draft a binding for a document that nobody has bound, or check those that are there.

    What is known is proposed, marked how sure and why; what cannot be known is left as a question, `# ?`. With --check:
    0 where nothing is open and nothing wrong, 1 where something is, 2 where a file could not be read.
    """
    from handrail.cli import bind as doing

    doing.bind(what, rules=rules, prometheus=prometheus, write=write, check=check, json_=json_)


def token(json_: AsJson = False) -> None:
    """Make a token for people.yaml or a source: printed once; only its SHA-256 goes into the file."""
    from handrail.cli import token as doing

    doing.token(json_=json_)
