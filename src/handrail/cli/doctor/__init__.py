"""`handrail doctor`: what is reachable, as whom, what is missing, and what to do. It writes nothing anywhere.

A module for each that is asked: files and this machine, people, a cluster, Prometheus, a database; `telling` says it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import typer
import yaml

from handrail import settings
from handrail.cli.doctor import cluster, database, files, monitoring, people, telling
from handrail.environments import Environment
from handrail.errors import HandrailError
from handrail.settings import Settings
from handrail.syntax.files import text_of


def doctor(config: Path, *, json_: bool) -> None:
    """Look at everything in turn, and tell each line as it is known."""
    try:
        known = settings.read(config)
    except HandrailError as error:
        telling.tell(
            [
                telling.Line(
                    area="settings",
                    level=telling.WRONG,
                    says=str(error),
                    do="mend that first: nothing else can be looked at before",
                )
            ],
            json_,
        )
        raise typer.Exit(2) from error
    except Exception as error:  # a file that holds something else than its reader expects: told, never a trace
        says = f"the settings at {config} cannot be read: {type(error).__name__}: {error}"
        telling.tell(
            [
                telling.Line(
                    area="settings", level=telling.WRONG, says=says, do="compare with what handrail init writes"
                )
            ],
            json_,
        )
        raise typer.Exit(2) from error
    found: list[telling.Line] = []
    with tempfile.TemporaryDirectory(prefix="handrail-doctor-") as scratch:
        for line in _lines(known, config, Path(scratch)):
            found.append(line)
            if not json_:
                telling.show(line)
    if json_:
        telling.tell(found, as_json=True)
    else:
        print(telling.summary(found))
    if any(line.level == telling.WRONG for line in found):
        raise typer.Exit(1)


def _lines(known: Settings, config: Path, scratch: Path) -> Iterator[telling.Line]:
    raw = yaml.safe_load(text_of(settings.find(config))) or {}
    catalog, lines = files.documents(known, config)
    yield from lines
    programs = frozenset(files.programs(catalog)) if catalog else frozenset()
    looked = telling.Looked(settings=known, raw=raw, catalog=catalog, programs=programs, scratch=scratch)
    yield from people.people(looked)
    yield from people.messages(looked)
    yield from people.sources(looked)
    yield from people.serving(looked)
    yield from files.state(known.state.resolve())
    yield from files.shfmt(looked)
    yield from files.looks(looked)
    for environment in known.environments:
        yield from _environment(looked, environment)


def _environment(looked: telling.Looked, place: Environment) -> Iterator[telling.Line]:
    asked = cluster.Cluster(looked, place)
    yield from cluster.tools(looked, place)
    yield from asked.lines()
    yield from monitoring.monitoring(looked, place)
    for server, dsn in place.databases.items():
        yield from database.database(place.name, server, dsn)
    yield from cluster.drills(looked, place, asked)
