"""`handrail doctor`: what is reachable, as whom, what is missing, and what to do. It writes nothing anywhere.

Every credential is asked for what it must be able to do and for what it must be refused. That the preview identity can
only dry-run is proven by asking it to create a ConfigMap that exists: the API server's policy refuses it, or the name is
taken; either way nothing is written.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import sqlite3
import stat
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import psycopg
import sqlalchemy as sa
import typer
import yaml
from psycopg.conninfo import conninfo_to_dict

from handrail import app, settings, store, syntax
from handrail.cli import terminal
from handrail.commands import Command, Severity
from handrail.commands.effects import plain
from handrail.engine.catalog import Catalog
from handrail.environments import Environment, IdentityKind
from handrail.errors import FixSettings, HandrailError
from handrail.settings import Settings
from handrail.store.database import wal_is_safe
from handrail.targets import process, sandbox
from handrail.targets.base import Answer
from handrail.targets.masking import Masker
from handrail.web.settings import WebSettings, refuse_to_serve

OK, WARNING, WRONG = "ok", "warning", "wrong"
LOOKS = {OK: "good", WARNING: "changes", WRONG: "bad"}
QUICK = timedelta(seconds=10)
DRILLS_LABEL = "handrail.dev/drills"
EXISTS = "kube-root-ca.crt"  # a ConfigMap that every namespace has
LITTLE_DISK, NO_DISK = 1024**3, 200 * 1024**2
Can = tuple[str, ...]

# What each identity must be able to do in its namespace, and what it must be refused.
MAY: Mapping[IdentityKind, tuple[Can, ...]] = {
    IdentityKind.LOOK: (
        ("list", "pods"),
        ("get", "pods", "--subresource=log"),
        ("list", "deployments.apps"),
        ("list", "events"),
    ),
    IdentityKind.LOOK_INSIDE: (("create", "pods", "--subresource=exec"),),
    IdentityKind.RELEASES: (("list", "secrets"),),
    IdentityKind.PREVIEW: (("patch", "deployments.apps"),),
    IdentityKind.CHANGE: (("patch", "deployments.apps"), ("delete", "pods")),
    IdentityKind.FAULT_INJECTOR: (("patch", "deployments.apps"),),
}
WIDE: tuple[Can, ...] = (
    ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
    ("delete", "nodes"),
    ("list", "secrets", "--namespace=kube-system"),
)
MUST_NOT: Mapping[IdentityKind, tuple[Can, ...]] = {
    IdentityKind.LOOK: (
        ("create", "pods"),
        ("delete", "pods"),
        ("patch", "deployments.apps"),
        ("get", "secrets"),
        ("create", "pods", "--subresource=exec"),
    ),
    IdentityKind.LOOK_INSIDE: (("delete", "pods"), ("patch", "deployments.apps"), ("list", "secrets")),
    IdentityKind.RELEASES: (
        ("create", "secrets"),
        ("delete", "secrets"),
        ("create", "pods", "--subresource=exec"),
        ("patch", "deployments.apps"),
    ),
    IdentityKind.PREVIEW: (("create", "pods", "--subresource=exec"), ("get", "secrets")),
    IdentityKind.CHANGE: WIDE,
    IdentityKind.FAULT_INJECTOR: WIDE,
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One finding: what was looked at, how it is, and what to do where it is not well."""

    area: str
    level: str
    says: str
    do: str = ""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What the checks rest on."""

    settings: Settings
    raw: Mapping[str, Any]
    catalog: Catalog | None
    programs: frozenset[str]
    scratch: Path


def doctor(
    config: Annotated[Path, typer.Option("--config", "-c", help="handrail.yaml, or the folder it stands in.")] = Path(),
    json_: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Say what is reachable, as whom, what is missing and what to do. Exit 1 where something is wrong, 2 without settings."""
    try:
        known = settings.read(config)
    except HandrailError as error:
        _print(
            [
                Line(
                    area="settings",
                    level=WRONG,
                    says=str(error),
                    do="mend that first: nothing else can be looked at before",
                )
            ],
            json_,
        )
        raise typer.Exit(2) from error
    except Exception as error:  # a file that holds something else than its reader expects: told, never a trace
        says = f"the settings at {config} cannot be read: {type(error).__name__}: {error}"
        _print([Line(area="settings", level=WRONG, says=says, do="compare with what handrail init writes")], json_)
        raise typer.Exit(2) from error
    found: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="handrail-doctor-") as scratch:
        for line in _lines(known, config, Path(scratch)):
            found.append(line)
            if not json_:
                _show(line)
    if json_:
        _print(found, as_json=True)
    else:
        print(_summary(found))
    if any(line.level == WRONG for line in found):
        raise typer.Exit(1)


def _lines(known: Settings, config: Path, scratch: Path) -> Iterator[Line]:
    raw = yaml.safe_load(settings.find(config).read_text(encoding="utf-8")) or {}
    catalog, lines = _documents(known, config)
    yield from lines
    programs = frozenset(_programs(catalog)) if catalog else frozenset()
    looked = Looked(settings=known, raw=raw, catalog=catalog, programs=programs, scratch=scratch)
    yield from _people(looked)
    yield from _messages(looked)
    yield from _sources(looked)
    yield from _serving(looked)
    yield from _state(known.state.resolve())
    yield from _shfmt(looked)
    for environment in known.environments:
        yield from _environment(looked, environment)


# -- documents, people, sources ------------------------------------------------------------------------------------


def _documents(known: Settings, config: Path) -> tuple[Catalog | None, list[Line]]:
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


def _programs(catalog: Catalog) -> Iterator[str]:
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


def _people(looked: Looked) -> Iterator[Line]:
    known = looked.settings
    people = [person for person in known.people if person.name != settings.terminal_person().name]
    approvers = [person for person in people if "approver" in person.roles and person.token_sha256 and not person.drill]
    if approvers:
        yield Line(
            area="people",
            level=OK,
            says=f"{terminal.count(len(approvers), 'person', 'people')} can approve at the page",
        )
    else:
        yield Line(
            area="people",
            level=WARNING,
            says="nobody can approve at the page: no approver has a token. At the terminal of this machine you can",
            do="give somebody in people.yaml the role approver and a token_sha256",
        )
    silent = [person.name for person in people if not person.reach and not person.drill]
    if silent:
        yield Line(
            area="people",
            level=WARNING,
            says=f"no message reaches {', '.join(silent[:5])}{' …' if silent[5:] else ''}",
            do="add `reach` to them in people.yaml",
        )
    plan = known.schedule
    missing = [
        says
        for says, there in (
            ("level 1 (on call)", plan.rotation),
            ("level 3 (manager)", plan.manager),
            ("level 4 (executive)", plan.executive),
        )
        if not there
    ]
    if missing:
        yield Line(
            area="schedule",
            level=WARNING,
            says=f"nobody is called at {', '.join(missing)}",
            do="name them in schedule.yaml: rotation, manager, executive",
        )
    else:
        yield Line(area="schedule", level=OK, says=f"{len(plan.rotation)} take turns, levels 3 and 4 are named")
    teams = {team for person in people for team in person.teams}
    orphans = [service.name for service in known.services if service.owner not in teams]
    if orphans:
        yield Line(
            area="services",
            level=WARNING,
            says=f"level 2 reaches nobody for {', '.join(orphans[:5])}{' …' if orphans[5:] else ''}: nobody is in the team that owns it",
            do="add the team to somebody's `teams` in people.yaml",
        )


def _messages(looked: Looked) -> Iterator[Line]:
    """Channels that services name and nobody gave an address for; the status page's folder."""
    known = looked.settings
    wanted = {service.channel for service in known.services if service.channel}
    if silent := sorted(wanted - set(known.channels)):
        yield Line(
            area="messages",
            level=WARNING,
            says=f"no message reaches the channels {', '.join(silent[:5])}{' …' if silent[5:] else ''}",
            do="give them addresses in handrail.yaml: notify: {channels: {…}}",
        )
    if not known.stakeholders and not known.status_page:
        yield Line(
            area="messages",
            level=WARNING,
            says="stakeholders are told nothing: neither an address nor a status page is named",
            do="add `notify: {stakeholders: […]}` or `status_page` to handrail.yaml",
        )
    if known.status_page is not None and (trouble := _unwritable(known.status_page)):
        yield Line(
            area="messages",
            level=WRONG,
            says=f"the status page cannot be written: {trouble}",
            do="make that folder writable, or set another `status_page` in handrail.yaml",
        )


def _unwritable(folder: Path) -> str:
    """Why nothing can be written there, empty where it can. A folder that is not there yet is made in its parent."""
    there = folder
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as error:
        return f"{there}: {error.strerror}"


def _sources(looked: Looked) -> Iterator[Line]:
    known = looked.settings
    if not known.sources:
        yield Line(
            area="sources",
            level=WRONG,
            says="nobody may post alerts",
            do="add a source to handrail.yaml: sources: {alertmanager: {environment: …, token_file: …}}",
        )
    names = {place.name for place in known.environments}
    for name, source in known.sources.items():
        facts = looked.raw.get("sources", {}).get(name) or {}
        path = known.folder / str(facts["token_file"]) if facts.get("token_file") else None
        if source.environment not in names:
            yield Line(
                area="sources",
                level=WRONG,
                says=f"{name} posts alerts of {source.environment or 'no environment'}, which environments.yaml does not name",
                do=f"name one of {', '.join(sorted(names))}",
            )
        elif not source.token_sha256:
            yield Line(
                area="sources",
                level=WARNING,
                says=f"{name} has no token: {facts.get('token_file')} is not there, so all that it posts is refused",
                do="write a token into that file, and give it to the sender",
            )
        elif not re.fullmatch(r"[0-9a-fA-F]{64}", source.token_sha256):
            yield Line(
                area="sources",
                level=WRONG,
                says=f"the token_sha256 of {name} is no SHA-256",
                do="write the hash of its token there, never the token",
            )
        elif path is not None and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Line(
                area="sources",
                level=WARNING,
                says=f"the token of {name} can be read by others on this machine",
                do=f"chmod 600 {path}",
            )
        else:
            yield Line(area="sources", level=OK, says=f"{name} posts alerts of {source.environment}, with a token")


def _serving(looked: Looked) -> Iterator[Line]:
    known = looked.settings
    web = WebSettings(host=known.host, port=known.port, names=known.names, open_reading=known.open_reading)
    try:
        refuse_to_serve(web, known.people)
    except FixSettings as error:
        yield Line(area="serving", level=WRONG, says=str(error), do="handrail serve refuses to start before")
        return
    where = f"{known.host}:{known.port}"
    with socket.socket(socket.AF_INET6 if ":" in known.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((known.host, known.port))
        except OSError as error:
            if _healthy(f"http://{where}/healthz"):
                yield Line(area="serving", level=OK, says=f"Handrail serves at {where} now")
            else:
                yield Line(
                    area="serving",
                    level=WRONG,
                    says=f"{where} cannot be listened on: {error.strerror}",
                    do="choose another `port` under `server` in handrail.yaml",
                )
            return
    yield Line(area="serving", level=OK, says=f"{where} is free")


def _healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).text.strip() == "ok"
    except httpx.HTTPError:
        return False


# -- this machine ---------------------------------------------------------------------------------------------------


def _state(state: Path) -> Iterator[Line]:
    there = state
    while not there.exists():
        there = there.parent
    if trouble := _unwritable(state):
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
    version = sqlite3.sqlite_version
    if wal_is_safe(sqlite3.sqlite_version_info):
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
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as record:
            says = str(record.execute("PRAGMA quick_check").fetchone()[0])
    except sqlite3.Error as error:
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
    engine = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
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


def _shfmt(looked: Looked) -> Iterator[Line]:
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


# -- an environment -------------------------------------------------------------------------------------------------


def _environment(looked: Looked, place: Environment) -> Iterator[Line]:
    cluster = Cluster(looked, place)
    yield from _tools(looked, place, cluster)
    yield from cluster.lines()
    yield from _monitoring(looked, place)
    for server, dsn in place.databases.items():
        yield from _database(place.name, server, dsn)
    yield from _drills(looked, place, cluster)


def _tools(looked: Looked, place: Environment, cluster: Cluster) -> Iterator[Line]:
    path = ":".join(part for part in (place.tools, process.PATH) if part)
    for tool, words in (
        ("kubectl", ("version", "-o", "json")),
        ("helm", ("version", "--short")),
        ("git", ("--version",)),
    ):
        needed = tool in looked.programs
        if not shutil.which(tool, path=path):
            if needed or (tool == "kubectl" and place.kubeconfigs):
                yield Line(
                    area=place.name,
                    level=WRONG if tool == "kubectl" and place.kubeconfigs else WARNING,
                    says=f"{tool} is not there, and runbooks use it",
                    do=f"install it, or name the folder it is in as `tools` of {place.name} in environments.yaml",
                )
            continue
        if not needed and not (tool == "kubectl" and place.kubeconfigs):
            continue
        look = place.kubeconfigs.get(IdentityKind.LOOK)
        alone = ("--client",) if tool == "kubectl" and not (look and Path(look).exists()) else ()
        env = {"PATH": path, "HOME": str(looked.scratch), **({"KUBECONFIG": look} if look else {})}
        answer = process.run([(tool, *words, *alone)], env=env, deadline=QUICK, cwd=looked.scratch)
        yield version_line(place.name, tool, answer)
    if place.repository and looked.programs & {"git", "npm"}:
        yield _sandboxed(looked, place)


def _sandboxed(looked: Looked, place: Environment) -> Line:
    """Commands in a run's workspace run in a sandbox, or not at all."""
    workspace = looked.scratch / "workspace"
    workspace.mkdir(exist_ok=True)
    words = (*sandbox.front(str(workspace)), "true")
    answer = process.run([words], env={"HOME": str(looked.scratch)}, deadline=QUICK, cwd=looked.scratch)
    if answer.exit_codes == (0,):
        return Line(area=place.name, level=OK, says="commands in a workspace run in a sandbox")
    return Line(
        area=place.name,
        level=WARNING,
        says=f"no sandbox: {_last(answer)}. git and npm of the workspace are left to people",
        do="allow user namespaces to whoever runs handrail serve",
    )


def version_line(area: str, tool: str, answer: Answer) -> Line:
    """A tool's version, and whether it fits."""
    if tool == "kubectl":
        try:
            told = json.loads(answer.stdout)
            client, server = told["clientVersion"], told.get("serverVersion")
            apart = abs(_minor(client) - _minor(server)) if server else 0
        except (ValueError, KeyError, TypeError):
            return Line(area=area, level=WARNING, says="kubectl does not tell its version", do="try kubectl version")
        says = f"kubectl {client['gitVersion']}" + (f", the cluster {server['gitVersion']}" if server else "")
        if apart > 1:
            do = "use a kubectl within one minor version of the cluster: set `tools` in environments.yaml"
            return Line(area=area, level=WARNING, says=f"{says}: {apart} minor versions apart", do=do)
        return Line(area=area, level=OK, says=says)
    found = re.search(r"v?(\d+)\.(\d+)[.\d]*", answer.stdout)
    if not found:
        return Line(area=area, level=WARNING, says=f"{tool} does not tell its version", do=f"try {tool} --version")
    if tool == "helm" and int(found[1]) < 3:
        return Line(area=area, level=WRONG, says=f"helm {found[0]} keeps its releases elsewhere", do="use helm 3")
    return Line(area=area, level=OK, says=f"{tool} {found[0]}")


def _minor(version: Mapping[str, str]) -> int:
    return int(re.sub(r"\D", "", version["minor"]))


class Cluster:
    """An environment's cluster, asked through each of its identities."""

    def __init__(self, looked: Looked, place: Environment) -> None:
        self.looked, self.place = looked, place
        self.ground = app.ground(place, masker=Masker(), state=looked.scratch)
        self.answers = False
        self.uid = ""
        self.labelled = False

    def lines(self) -> Iterator[Line]:
        """A line for each identity, and one for the cluster."""
        place = self.place
        if not place.kubeconfigs:
            if self.looked.programs & {"kubectl", "helm"}:
                yield Line(
                    area=place.name,
                    level=WARNING,
                    says="no identity is known: kubectl and helm cannot be asked, so their steps show no evidence",
                    do="apply what `handrail identities` prints, and name `kubeconfigs` in environments.yaml",
                )
            return
        kinds = [kind for kind in IdentityKind if kind is not IdentityKind.FAULT_INJECTOR or kind in place.kubeconfigs]
        with ThreadPoolExecutor(max_workers=4) as pool:
            for lines in pool.map(self._identity, kinds):
                yield from lines
        yield from self._known()

    def _known(self) -> Iterator[Line]:
        answer = self._ask(IdentityKind.LOOK, "get", "namespace", "kube-system", "-o", "json")
        try:
            meta = json.loads(answer.stdout)["metadata"]
        except (ValueError, KeyError):
            return
        self.answers, self.uid = True, meta["uid"]
        self.labelled = meta.get("labels", {}).get(DRILLS_LABEL) == "allowed"
        if self.place.cluster_uid and self.place.cluster_uid != self.uid:
            yield Line(
                area=self.place.name,
                level=WRONG,
                says=f"another cluster answers: {self.uid}, not {self.place.cluster_uid}",
                do="give each environment its own kubeconfigs, or correct cluster_uid in environments.yaml",
            )

    def _ask(self, kind: IdentityKind, *words: str) -> Answer:
        return self.ground.run(kind, ("kubectl", *words))

    def _identity(self, kind: IdentityKind) -> list[Line]:
        place, path = self.place, self.place.kubeconfigs.get(kind)
        if not path:
            return [
                Line(
                    area=place.name,
                    level=WARNING,
                    says=f"{shown(kind)}: no credential. {WITHOUT[kind]}",
                    do="apply what `handrail identities` prints, and name it under `kubeconfigs`",
                )
            ]
        file = Path(path)
        if not file.exists():
            return [
                Line(
                    area=place.name,
                    level=WRONG,
                    says=f"{shown(kind)}: {path} is not there. {WITHOUT[kind]}",
                    do="write the kubeconfig there (docs/how-to/identities.md)",
                )
            ]
        lines = list(self._file(kind, file))
        may = list(MAY[kind])
        if kind is IdentityKind.LOOK_INSIDE:
            may += [("get", f"secret/{name}") for name in place.secrets]
        can: list[Can] = []
        cannot: list[Can] = []
        for words in (*may, *MUST_NOT[kind]):
            said = self._can(kind, words)
            if said is None:
                return [*lines, self._silent(kind, words)]
            (can if said else cannot).append(words)
        return [*lines, *judged(place.name, kind, can=can, cannot=cannot, may=may), *self._previews(kind)]

    def _file(self, kind: IdentityKind, file: Path) -> Iterator[Line]:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Line(
                area=self.place.name,
                level=WARNING,
                says=f"{shown(kind)}: its kubeconfig can be read by others on this machine",
                do=f"chmod 600 {file}",
            )
        ends = token_ends(file.read_text(encoding="utf-8", errors="replace"))
        if ends is not None and ends < app.now() + timedelta(hours=4):
            over = ends < app.now()
            yield Line(
                area=self.place.name,
                level=WRONG if over else WARNING,
                says=f"{shown(kind)}: its token {'ended' if over else 'ends'} {ends:%Y-%m-%d %H:%M} UTC",
                do="make a new one: kubectl create token, with a longer --duration",
            )

    def _can(self, kind: IdentityKind, words: Can) -> bool | None:
        where = (
            () if any(word.startswith("--namespace") for word in words) else (f"--namespace={self.place.namespace}",)
        )
        answer = self._ask(kind, "auth", "can-i", *words, *where)
        first = answer.stdout.strip().split(" ")[0].split("\n")[0]
        return {"yes": True, "no": False}.get(first)

    def _silent(self, kind: IdentityKind, words: Can) -> Line:
        answer = self._ask(kind, "auth", "can-i", *words)
        return Line(
            area=self.place.name,
            level=WRONG,
            says=f"{shown(kind)}: the cluster did not answer: {_last(answer)}",
            do="is it running, and is the credential still good? Try it: kubectl auth whoami with this kubeconfig",
        )

    def _previews(self, kind: IdentityKind) -> Iterator[Line]:
        """Proof that the preview identity can only dry-run."""
        if kind is not IdentityKind.PREVIEW:
            return
        where = f"--namespace={self.place.namespace}"
        if any(self._ask(IdentityKind.LOOK, "get", "configmap", EXISTS, where, "-o", "name").exit_codes or (1,)):
            yield Line(
                area=self.place.name,
                level=WARNING,
                says=f"preview: not proven to be held to dry runs, since {self.place.namespace} has no ConfigMap {EXISTS} to try it with",
                do="look whether the ValidatingAdmissionPolicy handrail-preview-only is there",
            )
            return
        answer = self._ask(kind, "create", "configmap", EXISTS, where)
        if "dry run" in answer.stderr:
            yield Line(area=self.place.name, level=OK, says="preview: the API server lets nothing through but dry runs")
        elif "AlreadyExists" in answer.stderr or "already exists" in answer.stderr:
            yield Line(
                area=self.place.name,
                level=WRONG,
                says="preview: it could write. Nothing keeps it to dry runs (it was tried on a ConfigMap that exists, so nothing was written)",
                do="apply the ValidatingAdmissionPolicy and its binding, which `handrail identities` prints",
            )
        else:
            yield Line(
                area=self.place.name,
                level=WARNING,
                says=f"preview: it is not known whether it is held to dry runs: {_last(answer)}",
                do="look whether the ValidatingAdmissionPolicy handrail-preview-only is there",
            )


WITHOUT: Mapping[IdentityKind, str] = {
    IdentityKind.LOOK: "The cluster cannot be looked at.",
    IdentityKind.LOOK_INSIDE: "No command inside a container runs, and the values of Secrets cannot be masked.",
    IdentityKind.RELEASES: "Helm's history cannot be read, so no last good revision is found.",
    IdentityKind.PREVIEW: "No change is previewed, so its plan says that nobody knows what it does.",
    IdentityKind.CHANGE: "No approved change can be made.",
    IdentityKind.FAULT_INJECTOR: "No drill can be run.",
}


def shown(kind: IdentityKind) -> str:
    """An identity's name as people say it."""
    return kind.replace("_", " ")


def _last(answer: Answer) -> str:
    return (answer.refused or answer.stderr.strip() or "no answer").splitlines()[-1][-200:]


def judged(
    area: str, kind: IdentityKind, *, can: Sequence[Can], cannot: Sequence[Can], may: Sequence[Can]
) -> Iterator[Line]:
    """From what it can and cannot do to lines: too much is wrong, too little is wrong."""
    much = [words for words in can if words not in may]
    little = [words for words in cannot if words in may]
    for words in much:
        yield Line(
            area=area,
            level=WRONG,
            says=f"{shown(kind)}: it can {said(words)}, and must not",
            do="take that away: apply what `handrail identities` prints, and use no other credential here",
        )
    for words in little:
        yield Line(
            area=area,
            level=WRONG,
            says=f"{shown(kind)}: it cannot {said(words)}",
            do="apply what `handrail identities` prints, with the same --namespace and --secret",
        )
    if not much and not little:
        held = terminal.count(len(cannot), "thing")
        yield Line(area=area, level=OK, says=f"{shown(kind)}: can {said(can[0])}; refused {held} that it must not do")


def said(words: Can) -> str:
    """What is asked, in words: `create pods/exec`."""
    verb, what, *more = words
    part = next((one.partition("=")[2] for one in more if one.startswith("--subresource")), "")
    place = next((one.partition("=")[2] for one in more if one.startswith("--namespace")), "")
    return f"{verb} {what}{'/' + part if part else ''}{' in ' + place if place else ''}"


def token_ends(kubeconfig: str) -> datetime | None:
    """When the token of a kubeconfig ends, where it has one that says so."""
    try:
        raw = yaml.safe_load(kubeconfig)
        token = raw["users"][0]["user"]["token"]
        body = token.split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"]
        return datetime.fromtimestamp(int(ends), UTC)
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


# -- monitoring and databases ----------------------------------------------------------------------------------------


def _monitoring(looked: Looked, place: Environment) -> Iterator[Line]:
    for name, (url, _) in place.metrics.items():
        if not _responds(url):
            yield Line(
                area=place.name,
                level=WRONG,
                says=f"the figure {name} is not there: {_bare(url)} does not answer",
                do="start what serves it, or correct `metrics` in environments.yaml",
            )
    checks = looked.catalog is not None and any(
        bound.checks for binding in looked.catalog.bindings.values() for bound in binding.runbooks.values()
    )
    if not place.prometheus_url:
        if not place.metrics:
            yield Line(
                area=place.name,
                level=WARNING,
                says="no Prometheus is named: "
                + ("the bindings' checks have no data, so nothing" if checks else "nothing")
                + " is ever seen to be healed",
                do="name it as `prometheus_url` in environments.yaml",
            )
        return
    url = _bare(place.prometheus_url)
    try:
        with httpx.Client(base_url=place.prometheus_url, timeout=5, trust_env=False) as client:
            up = client.get("/api/v1/query", params={"query": "count(up)"}).json()["data"]["result"]
            groups = client.get("/api/v1/rules", params={"type": "alert"}).json()["data"]["groups"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        yield Line(
            area=place.name,
            level=WRONG,
            says=f"Prometheus at {url} does not answer: {type(error).__name__}",
            do="correct `prometheus_url` in environments.yaml, or let this machine reach it",
        )
        return
    count = int(float(up[0]["value"][1])) if up else 0
    yield Line(
        area=place.name,
        level=OK if count else WARNING,
        says=f"Prometheus at {url} answers, with {terminal.count(count, 'target')}",
        do="" if count else "let it scrape something: without samples nothing is seen to be healed",
    )
    raised = {str(rule.get("name")) for group in groups for rule in group.get("rules", ())}
    bound = {
        alert
        for binding in (looked.catalog.bindings.values() if looked.catalog else ())
        for book in binding.runbooks.values()
        for trigger in book.triggers
        for alert in trigger.alerts
    }
    if unknown := sorted(bound - raised):
        yield Line(
            area=place.name,
            level=WARNING,
            says=f"no rule raises {', '.join(unknown[:5])}{f' and {len(unknown) - 5} more' if unknown[5:] else ''}, which bindings wait for",
            do="correct the name in the binding, or add the rule",
        )


def _responds(url: str) -> bool:
    try:
        return httpx.get(url, timeout=3, trust_env=False).status_code < 400
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _bare(url: str) -> str:
    """An address without a user and password."""
    return re.sub(r"//[^/@]*@", "//", url)


ROLE = """
SELECT current_user, current_database(), r.rolsuper, r.rolcreatedb OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls,
       current_setting('default_transaction_read_only') = 'on', pg_is_in_recovery(),
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
       pg_has_role(current_user, 'pg_monitor', 'member'), current_setting('server_version_num')::int,
       current_setting('statement_timeout') <> '0',
       (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND n.nspname NOT LIKE 'pg\\_%' AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
  FROM pg_roles r WHERE r.rolname = current_user
"""
LIMITS = "SELECT datname, datconnlimit FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname"


@dataclass(frozen=True, kw_only=True)
class Role:
    """What the reader's role is at a server."""

    user: str
    database: str
    superuser: bool
    privileged: bool
    read_only: bool
    recovering: bool
    slots: int
    monitor: bool
    version: int
    timeout: bool
    writable: int
    limits: Mapping[str, int]


def _database(area: str, server: str, dsn: str) -> Iterator[Line]:
    if not dsn:
        yield Line(
            area=area,
            level=WARNING,
            says=f"{server}: no connection string for the reader; SQL runs through kubectl exec, as the text says",
            do="give the reader its way in: handrail identities --sql, then `databases` in environments.yaml",
        )
        return
    try:
        with psycopg.connect(dsn, connect_timeout=5, application_name="handrail doctor", autocommit=True) as connection:
            row = connection.execute(ROLE).fetchone()
            limits: dict[str, int] = {str(name): int(limit) for name, limit in connection.execute(LIMITS)}
    except psycopg.Error as error:
        yield Line(
            area=area,
            level=WRONG,
            says=f"{server}: the reader does not get in: {_unsaid(str(error), dsn)}",
            do="is the server running, and does pg_hba.conf let the reader in from here?",
        )
        return
    assert row is not None
    yield from role_lines(
        area,
        server,
        Role(
            user=row[0],
            database=row[1],
            superuser=row[2],
            privileged=row[3],
            read_only=row[4],
            recovering=row[5],
            slots=row[6],
            monitor=row[7],
            version=row[8],
            timeout=row[9],
            writable=row[10],
            limits=limits,
        ),
    )


def _unsaid(message: str, dsn: str) -> str:
    """The server's words in one line, never with the password."""
    text = " ".join(message.split())[:300]
    try:
        password = str(conninfo_to_dict(dsn).get("password") or "")
    except psycopg.Error:
        return "the connection string cannot be read"
    return text.replace(password, "•••") if password else text


def role_lines(area: str, server: str, role: Role) -> Iterator[Line]:
    """What is well and what is not about the reader at a server."""
    name = f"{server}: {role.user}"
    if role.superuser or role.privileged:
        what = "is a superuser" if role.superuser else "may create roles or databases, replicate, or pass row security"
        yield Line(
            area=area,
            level=WRONG,
            says=f"{name} {what}; a reader must not",
            do="use the role that `handrail identities --sql` prints",
        )
    if role.writable and not role.superuser:
        yield Line(
            area=area,
            level=WRONG,
            says=f"{name} may write {terminal.count(role.writable, 'table')} in {role.database}",
            do="revoke it, or use the role that `handrail identities --sql` prints",
        )
    for well, says, do in (
        (
            role.read_only,
            "its transactions are not read-only by default",
            "ALTER ROLE … SET default_transaction_read_only = on",
        ),
        (role.timeout, "it has no statement_timeout", "ALTER ROLE … SET statement_timeout = '15s'"),
        (role.monitor, "it sees nobody's sessions but its own", "GRANT pg_monitor TO …"),
    ):
        if not well:
            yield Line(area=area, level=WARNING, says=f"{name}: {says}", do=do.replace("…", role.user))
    if not (role.superuser or role.privileged or role.writable) and role.read_only and role.timeout and role.monitor:
        standing = ", a standby" if role.recovering else ""
        yield Line(area=area, level=OK, says=f"{name} reads{standing}, PostgreSQL {role.version // 10000}")
    yield headroom(area, server, role)


def headroom(area: str, server: str, role: Role) -> Line:
    """Whether the reader still gets in when applications have taken every connection that they may."""
    others = {name: limit for name, limit in role.limits.items() if name != role.database}
    unlimited = [name for name, limit in others.items() if limit < 0]
    taken = sum(limit for limit in others.values() if limit > 0)
    keep = max(role.slots - 8, 1)
    if unlimited:
        return Line(
            area=area,
            level=WARNING,
            says=f"{server}: {', '.join(unlimited)} may take all {role.slots} connections, and then the reader does not get in",
            do=f"ALTER DATABASE {unlimited[0]} CONNECTION LIMIT {keep} (docs/how-to/database-full.md)",
        )
    if not others:
        return Line(
            area=area,
            level=WARNING,
            says=f"{server}: the reader logs into {role.database}, the only database: when that is full it does not get in",
            do="let the reader log into `postgres`, and limit the application's database (docs/how-to/database-full.md)",
        )
    if taken >= role.slots:
        return Line(
            area=area,
            level=WARNING,
            says=f"{server}: the databases' limits add up to {taken}, the server takes {role.slots}: when it is full the reader does not get in",
            do="lower a CONNECTION LIMIT so that some stay free (docs/how-to/database-full.md)",
        )
    return Line(
        area=area,
        level=OK,
        says=f"{server}: {role.slots - taken} connections stay free for the reader when all else is full",
    )


def _drills(looked: Looked, place: Environment, cluster: Cluster) -> Iterator[Line]:
    injector = IdentityKind.FAULT_INJECTOR in place.kubeconfigs
    if not place.drills_allowed:
        if injector:
            yield Line(
                area=place.name,
                level=WRONG,
                says="drills are not allowed here, and a fault injector's credential is at hand",
                do="take fault_injector out of `kubeconfigs`, and delete its ServiceAccount",
            )
        elif cluster.labelled:
            yield Line(
                area=place.name,
                level=WARNING,
                says=f"the cluster carries {DRILLS_LABEL}=allowed, and the settings do not allow drills",
                do=f"kubectl label namespace kube-system {DRILLS_LABEL}-",
            )
        else:
            yield Line(area=place.name, level=OK, says="drills are not allowed, and nothing here could run one")
        return
    if not any(person.drill for person in looked.settings.people):
        yield Line(
            area=place.name,
            level=WARNING,
            says="drills are allowed, and people.yaml has no drill contact: a drill reaches nobody",
            do="add a person with `drill: true`",
        )
    if cluster.answers and not cluster.labelled:
        yield Line(
            area=place.name,
            level=WARNING,
            says=f"drills are allowed by the settings, but the cluster does not carry {DRILLS_LABEL}=allowed: none will run",
            do="put the label on kube-system if this cluster may be broken, else take drills_allowed away",
        )
    else:
        sure = "and the cluster carries the label" if cluster.labelled else "by the settings"
        yield Line(area=place.name, level=OK, says=f"drills are allowed here, {sure}")


# -- telling ---------------------------------------------------------------------------------------------------------


def _print(lines: Sequence[Line], as_json: bool) -> None:
    if as_json:
        level = WRONG if any(line.level == WRONG for line in lines) else OK
        print(json.dumps({"level": level, "lines": [asdict(line) for line in lines]}, indent=2, ensure_ascii=False))
        return
    for line in lines:
        _show(line)


def _show(line: Line) -> None:
    start = f"{line.level:<9}{terminal.clean(line.area):<13}"
    print(terminal.paint(start, LOOKS[line.level]) + terminal.clean(line.says), flush=True)
    if line.do:
        print(" " * len(start) + terminal.paint("to do: ", "soft") + terminal.clean(line.do), flush=True)


def _summary(lines: Sequence[Line]) -> str:
    count: Callable[[str], int] = lambda level: sum(line.level == level for line in lines)  # noqa: E731
    if not count(WRONG) and not count(WARNING):
        return "\nAll is well."
    wrong = f"{count(WRONG)} wrong" if count(WRONG) else "nothing wrong"
    return f"\n{wrong}, {terminal.count(count(WARNING), 'warning')}, {count(OK)} ok."


def _near(path: Path, folder: Path) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:
        return str(path)
