"""What is asked of files and of this machine: documents, the state folder, the record, the parser."""

from __future__ import annotations

import os
import shutil
import stat
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from handrail import app, store, syntax
from handrail.cli import terminal
from handrail.cli.doctor.telling import OK, QUICK, WARNING, WRONG, Line, Looked, last
from handrail.commands import Command, Severity
from handrail.commands.found import plain
from handrail.engine.catalog import Catalog
from handrail.errors import HandrailError
from handrail.settings import Settings
from handrail.targets import process, sandbox

ELSEWHERE = frozenset({"kubectl", "helm", "psql", "git", "npm"})  # run with credentials of their own, or in a workspace
LITTLE_DISK, NO_DISK = 1024**3, 200 * 1024**2


def documents(known: Settings, config: Path) -> tuple[Catalog | None, list[Line]]:
    if not known.documents:
        return None, [
            Line(
                area="documents",
                level=WRONG,
                says="no document is named",
                do="name one in handrail.yaml: documents: [{path: RUNBOOKS.md}]",
            )
        ]
    try:
        catalog, _ = app.catalog(known)
    except (HandrailError, OSError) as error:
        return None, [
            Line(area="documents", level=WRONG, says=str(error), do="handrail serve starts when it is mended")
        ]
    lines = []
    for document in catalog.documents:
        name = _near(Path(document.path), known.folder)
        broken = [one for one in document.findings if one.severity is Severity.ERROR]
        bound = catalog.binding(document).runbooks
        count = len(document.runbooks)
        if not count:
            lines.append(
                Line(area="documents", level=WRONG, says=f"{name} has no runbook", do=f"see handrail check {name}")
            )
            continue
        without = [book.id for book in document.runbooks if not (book.id in bound and bound[book.id].triggers)]
        says = f"{name}: {terminal.count(count, 'runbook')}, {count - len(without)} with a trigger"
        if broken:
            lines.append(
                Line(
                    area="documents",
                    level=WARNING,
                    says=f"{says}; {broken[0].message}" + (f" and {len(broken) - 1} more" if broken[1:] else ""),
                    do=f"handrail check {name}",
                )
            )
        elif without:
            lines.append(
                Line(
                    area="documents",
                    level=WARNING,
                    says=f"{says}; no alert starts {', '.join(without[:5])}{' …' if without[5:] else ''} by itself",
                    do="add `triggers` to the binding, or a runbook_url to the alert",
                )
            )
        else:
            lines.append(Line(area="documents", level=OK, says=says))
    return catalog, lines


def programs(catalog: Catalog) -> Iterator[str]:
    for document in catalog.documents:
        for book in document.runbooks:
            for step in book.steps:
                for command in step.commands:
                    yield from _first_words(command)


def _first_words(command: Command) -> Iterator[str]:
    for stage in command.runs_as or command.stages or ():
        words = plain(stage)
        if words and words[0]:
            yield words[0]


def _near(path: Path, folder: Path) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:
        return str(path)


def unwritable(folder: Path) -> str:
    """Why nothing can be written there, empty where it can. A folder that is not there yet is made in its parent."""
    there = folder
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as error:
        return f"{there}: {error.strerror}"


def state(state: Path) -> Iterator[Line]:
    there = state
    while not there.exists():
        there = there.parent
    if trouble := unwritable(state):
        yield Line(
            area="state",
            level=WRONG,
            says=f"the state folder cannot be written: {trouble}",
            do="make it writable for whoever runs handrail serve, or set another `state` in handrail.yaml",
        )
    else:
        yield Line(area="state", level=OK, says=f"{state} can be written")
    free = shutil.disk_usage(there).free
    level = WRONG if free < NO_DISK else WARNING if free < LITTLE_DISK else OK
    yield Line(
        area="state",
        level=level,
        says=f"{free / 1024**3:.1f} GiB are free there",
        do="make room: without it no alert can be stored" if level != OK else "",
    )
    if state.exists() and stat.S_IMODE(state.stat().st_mode) & 0o007:
        yield Line(
            area="state",
            level=WARNING,
            says=f"everybody on this machine can read {state}: evidence is there, masked as far as values are known",
            do=f"chmod 700 {state}",
        )
    yield from _sqlite(state / "handrail.db")


def _sqlite(path: Path) -> Iterator[Line]:
    sqlite = store.driver()
    version = sqlite.sqlite_version
    if store.wal_is_safe(sqlite.sqlite_version_info):
        yield Line(area="state", level=OK, says=f"SQLite {version}")
    else:
        yield Line(
            area="state",
            level=OK,
            says=f"SQLite {version}; its write-ahead log can lose a page, so the slower journal is used",
        )
    if not path.exists():
        return
    try:
        with closing(sqlite.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as record:
            says = str(record.execute("PRAGMA quick_check").fetchone()[0])
    except sqlite.Error as error:
        says = str(error)
    if says == "ok":
        yield _chain(path)
    else:
        yield Line(
            area="state",
            level=WRONG,
            says=f"the record is damaged: {says.splitlines()[0]}",
            do="stop Handrail and put back the last copy of the state folder",
        )


def _chain(path: Path) -> Line:
    """Whether any line of the record was edited: each carries the hash of the one before it."""
    engine = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", module=store.driver())
    try:
        broken = store.Store(engine, clock=app.now).broken_line()
    except (sa.exc.SQLAlchemyError, HandrailError) as error:
        says, do = f"the record cannot be read: {type(error).__name__}", "stop Handrail and put back the last copy"
        return Line(area="state", level=WRONG, says=says, do=do)
    finally:
        engine.dispose()
    if broken is None:
        return Line(area="state", level=OK, says="the record is whole, and its chain of hashes fits")
    return Line(
        area="state",
        level=WRONG,
        says=f"line {broken} of the record is not what was written there",
        do="compare with a copy: somebody, or the disk, changed it",
    )


def looks(looked: Looked) -> Iterator[Line]:
    """Whether what looks at this machine is held by the kernel, or by the analysis alone."""
    if not looked.programs - ELSEWHERE:
        return
    words = (*sandbox.look_front(str(looked.scratch)), "true")
    answer = process.run([words], env={}, deadline=QUICK, cwd=looked.scratch)
    if answer.exit_codes == (0,):
        yield Line(area="tools", level=OK, says="looks at this machine run where nothing can be written")
        return
    yield Line(
        area="tools",
        level=WARNING,
        says=f"no sandbox: {last(answer)}. Looks at this machine are left to people; only filters behind another look run",
        do="allow user namespaces to whoever runs handrail serve",
    )


def shfmt(looked: Looked) -> Iterator[Line]:
    try:
        (parsed,) = syntax.parse_blocks(["true"])
    except HandrailError as error:
        yield Line(area="tools", level=WRONG, says=str(error), do="install Handrail again: shfmt comes with it")
        return
    if parsed.error:
        yield Line(area="tools", level=WRONG, says=f"shfmt does not parse: {parsed.error}", do="install shfmt-py again")
        return
    path = f"{sysconfig.get_path('scripts')}:{os.environ.get('PATH', process.PATH)}"
    answer = process.run([("shfmt", "--version")], env={"PATH": path}, deadline=QUICK, cwd=looked.scratch)
    yield Line(area="tools", level=OK, says=f"shfmt {answer.stdout.strip() or 'answers'}")
