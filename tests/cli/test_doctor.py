"""`handrail doctor`: each thing that can be wrong is planted once, and said with what to do."""

from __future__ import annotations

import base64
import json
import os
import pwd
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from handrail import alerts, app, cli, listening, store
from handrail.cli.doctor import cluster, database, telling
from handrail.drills.venue import LABEL
from handrail.engine import setaside
from handrail.environments import IdentityKind
from handrail.store import tables
from handrail.targets import sandbox
from handrail.targets.base import Answer

pytestmark = pytest.mark.slow  # each asks a kubectl of ours some thirty times
VERBS = {name: cli.VERBS[name] for name in ("doctor", "show")}
BOOK = """# Book

## OPS-001: Shop down

**Severity**: Critical

1. **Look**
   ```bash
   kubectl get pods
   ```
2. **Restart**
   ```bash
   kubectl rollout restart deployment/shop
   ```
"""
BINDING = """runbooks:
  OPS-001:
    triggers: [{alert: ShopDown}]
    checks: [{query: up, at_least: 1}]
"""
KINDS = [kind for kind in IdentityKind if kind is not IdentityKind.FAULT_INJECTOR]


def examined(folder: Path, *, exit_code: int | None = None) -> list[dict[str, str]]:
    """The lines, as JSON gives them."""
    told = CliRunner().invoke(cli.build(VERBS), ["doctor", "-c", str(folder), "--json"], catch_exceptions=False)
    if exit_code is not None:
        assert told.exit_code == exit_code, told.output
    lines: list[dict[str, str]] = json.loads(told.stdout)["lines"]
    return lines


def found(lines: list[dict[str, str]], words: str) -> dict[str, str]:
    """The one line that holds these words."""
    hits = [line for line in lines if words in line["says"]]
    assert len(hits) == 1, "\n".join(f"{line['level']} {line['says']}" for line in lines)
    return hits[0]


class Prometheus(BaseHTTPRequestHandler):
    """Answers two questions as Prometheus does."""

    def do_GET(self) -> None:
        """One query or the rules."""
        if "query" in self.path:
            data: dict[str, Any] = {"result": [{"metric": {}, "value": [0, "3"]}]}
        else:
            data = {"groups": [{"rules": [{"name": "ShopDown"}]}]}
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def prometheus() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


Team = Callable[..., Path]


@pytest.fixture
def team(tmp_path: Path, prometheus: str) -> Team:
    """Makes a folder in which all is well, but for what is said otherwise."""
    tools = tmp_path / "tools"
    tools.mkdir()
    kubectl = tools / "kubectl"
    kubectl.write_text(f"#!{sys.executable} -IS\n" + (Path(__file__).parent / "fake_kubectl.py").read_text())
    kubectl.chmod(0o755)

    def make(
        *,
        settings: dict[str, Any] | None = None,
        environment: dict[str, Any] | None = None,
        clusters: dict[str, dict[str, Any]] | None = None,
        people: list[dict[str, Any]] | None = None,
    ) -> Path:
        folder = tmp_path / "team"
        folder.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (folder / "book.md").write_text(BOOK, encoding="utf-8")
        (folder / "book.binding.yaml").write_text(BINDING, encoding="utf-8")
        ana = {"name": "Ana", "roles": ["approver"], "token_sha256": "a" * 64, "reach": ["json://x"], "teams": ["shop"]}
        other = {"name": "Leo", "roles": ["executive"], "reach": ["json://x"]}
        _yaml(folder / "people.yaml", {"people": people or [ana, other]})
        _yaml(
            folder / "schedule.yaml", {"rotation": ["Ana"], "manager": "Ana", "executive": "Leo"} if not people else {}
        )
        _yaml(folder / "services.yaml", {"services": {"shop": {"owner": "shop"}}})
        for kind in KINDS:
            can = [" ".join(words) for words in cluster.MAY[kind]]
            config = {"cluster": {"can": can, **(clusters or {}).get(kind, {})}, "users": []}
            path = folder / f"{kind}.json"
            path.write_text(json.dumps(config), encoding="utf-8")
            path.chmod(0o600)
        place = {
            "namespace": "shop",
            "tools": str(tools),
            "prometheus_url": prometheus,
            "kubeconfigs": {str(kind): f"{kind}.json" for kind in KINDS},
            **(environment or {}),
        }
        _yaml(folder / "environments.yaml", {"environments": {"live": place}})
        _yaml(
            folder / "handrail.yaml",
            {
                "documents": [{"path": "book.md", "binding": "book.binding.yaml"}],
                "people": "people.yaml",
                "schedule": "schedule.yaml",
                "services": "services.yaml",
                "environments": "environments.yaml",
                "status_page": "public",
                "sources": {"am": {"environment": "live", "token_sha256": "b" * 64}},
                "server": {"port": port, "url": "https://handrail.example.org"},
                **(settings or {}),
            },
        )
        return folder

    return make


def _yaml(path: Path, value: Any) -> None:
    path.write_text(yaml.safe_dump(value), encoding="utf-8")


def test_where_all_is_well_it_says_so_and_ends_with_0(team: Team) -> None:
    folder = team()
    lines = examined(folder, exit_code=0)
    assert {line["level"] for line in lines} == {"ok"}, [line for line in lines if line["level"] != "ok"]
    for words in (
        "1 runbook, 1 with a trigger",
        "kubectl v1.34.4, the cluster v1.34.1",
        "3 targets",
        "nothing through but dry runs",
    ):
        found(lines, words)
    for kind in KINDS:
        assert [line for line in lines if line["says"].startswith(f"{cluster.shown(kind)}: ")]
    shown = CliRunner().invoke(cli.build(VERBS), ["doctor", "-c", str(folder)], catch_exceptions=False)
    assert shown.stdout.rstrip().endswith("All is well.")
    assert not (folder / ".handrail").exists(), "the doctor writes nothing"


@pytest.mark.parametrize(
    ("kind", "extra", "says"),
    [
        (IdentityKind.LOOK, "delete pods", "look: it can delete pods, and must not"),
        (IdentityKind.LOOK, "create pods --subresource=exec", "look: it can create pods/exec, and must not"),
        (IdentityKind.LOOK_INSIDE, "list secrets", "look inside: it can list secrets, and must not"),
        (IdentityKind.RELEASES, "delete secrets", "releases: it can delete secrets, and must not"),
        (IdentityKind.PREVIEW, "get secrets", "preview: it can get secrets, and must not"),
        (IdentityKind.CHANGE, "list secrets --namespace=kube-system", "change: it can list secrets in kube-system"),
    ],
)
def test_an_identity_that_can_do_too_much_is_wrong(team: Team, kind: IdentityKind, extra: str, says: str) -> None:
    can = [*(" ".join(words) for words in cluster.MAY[kind]), extra]
    line = found(examined(team(clusters={kind: {"can": can}}), exit_code=1), says)
    assert line["level"] == "wrong"
    assert "handrail identities" in line["do"]


def test_an_identity_that_can_do_too_little_is_wrong(team: Team) -> None:
    lines = examined(team(clusters={"change": {"can": ["delete pods"]}}), exit_code=1)
    assert found(lines, "change: it cannot patch deployments.apps")["level"] == "wrong"


def test_a_named_secret_that_look_inside_cannot_read_is_wrong(team: Team) -> None:
    lines = examined(team(environment={"secrets": ["shop-secrets"]}), exit_code=1)
    found(lines, "look inside: it cannot get secret/shop-secrets")


def test_a_preview_identity_that_could_write_is_caught_without_writing(team: Team) -> None:
    line = found(examined(team(clusters={"preview": {"policy": False}}), exit_code=1), "preview: it could write")
    assert "ValidatingAdmissionPolicy" in line["do"]
    lines = examined(team(clusters={"look": {"map": False}}), exit_code=0)
    assert found(lines, "not proven to be held to dry runs")["level"] == "warning"


def test_a_cluster_that_is_away_is_said_for_each_identity(team: Team) -> None:
    lines = examined(team(clusters={kind: {"gone": True} for kind in KINDS}), exit_code=1)
    assert sum("the cluster did not answer" in line["says"] for line in lines) == len(KINDS)


def test_a_credential_that_is_missing_open_to_others_or_over_is_said(team: Team) -> None:
    folder = team()
    (folder / "releases.json").unlink()
    (folder / "look.json").chmod(0o644)
    soon, past = datetime.now(UTC) + timedelta(hours=2), datetime.now(UTC) - timedelta(hours=2)
    for kind, ends in (("preview", soon), ("change", past)):
        path = folder / f"{kind}.json"
        body = base64.urlsafe_b64encode(json.dumps({"exp": int(ends.timestamp())}).encode()).decode().rstrip("=")
        raw = {**json.loads(path.read_text()), "users": [{"user": {"token": f"h.{body}.s"}}]}
        path.write_text(json.dumps(raw), encoding="utf-8")
    lines = examined(folder, exit_code=1)
    assert "releases.json is not there" in found(lines, "releases: ")["says"]
    assert found(lines, "can be read by others")["do"] == f"chmod 600 {folder / 'look.json'}"
    assert found(lines, "preview: its token ends")["level"] == "warning"
    assert found(lines, "change: its token ended")["level"] == "wrong"


def test_drills_are_wrong_where_they_should_not_be(team: Team) -> None:
    lines = examined(team(clusters={"look": {"labels": {LABEL: "allowed"}}}))
    found(lines, "the settings do not allow drills")
    injector = {"kubeconfigs": {**{str(kind): f"{kind}.json" for kind in KINDS}, "fault_injector": "look.json"}}
    found(examined(team(environment=injector), exit_code=1), "a fault injector's credential is at hand")
    allowed = examined(team(environment={"drills_allowed": True}))
    found(allowed, "none will run")
    found(allowed, "no drill contact")


def test_another_cluster_than_the_one_that_is_meant_is_wrong(team: Team) -> None:
    found(examined(team(environment={"cluster_uid": "uid-2"}), exit_code=1), "another cluster answers: uid-1")


def test_a_kubectl_far_from_the_cluster_is_a_warning(team: Team) -> None:
    found(examined(team(clusters={"look": {"minor": "29"}}), exit_code=0), "5 minor versions apart")


def test_prometheus_that_is_away_and_alerts_that_no_rule_raises_are_said(team: Team) -> None:
    away = examined(team(environment={"prometheus_url": "http://user:hidden@127.0.0.1:9"}), exit_code=1)
    assert "hidden" not in found(away, "Prometheus at ")["says"]
    folder = team()
    (folder / "book.binding.yaml").write_text(BINDING.replace("ShopDown", "ShopGone"), encoding="utf-8")
    assert found(examined(folder, exit_code=0), "no rule raises ShopGone")["level"] == "warning"


def test_sources_are_looked_at(team: Team) -> None:
    found(examined(team(settings={"sources": {}}), exit_code=1), "nobody may post alerts")
    lost = {"am": {"environment": "elsewhere", "token_sha256": "b" * 64}}
    found(examined(team(settings={"sources": lost}), exit_code=2), "is of the environment elsewhere")
    found(
        examined(team(settings={"sources": {"am": {"environment": "live", "token_sha256": "plain"}}}), exit_code=1),
        "is not a SHA-256",
    )
    folder = team(settings={"sources": {"am": {"environment": "live", "token_file": "am.token"}}})
    found(examined(folder, exit_code=0), "am has no token")
    (folder / "am.token").write_text("t", encoding="utf-8")
    (folder / "am.token").chmod(0o644)
    found(examined(folder, exit_code=0), "the token of am can be read by others")


def test_what_could_not_be_read_is_said_while_its_incident_is_open(team: Team) -> None:
    folder = team()
    record, _ = app.record(folder)
    incident = setaside.tell(
        record,
        [alerts.Aside(alert=0, reason="it is no object", text="x")],
        post=1,
        source="am",
        environment="live",
        drill=False,
        told=lambda *_: None,
    )
    found(examined(folder, exit_code=0), f"{incident} is open: what am sent could not be read")
    assert record.close_incident(incident)
    assert "could not be read" not in str(examined(folder, exit_code=0))


def test_how_a_source_signs_and_what_its_mapping_makes_is_said(team: Team) -> None:
    signs = {"pd": {"environment": "live", "kind": "pagerduty", "secret_file": ["one", "two"]}}
    folder = team(settings={"sources": signs})
    found(examined(folder, exit_code=0), "pd has no secret")
    (folder / "one").write_text("s", encoding="utf-8")
    found(examined(folder, exit_code=0), "signed in X-PagerDuty-Signature by 1 secret")
    mapped = {"z": {"environment": "live", "token_sha256": "b" * 64, "mapping": "z.yaml"}}
    folder = team(settings={"sources": mapped})
    _yaml(folder / "z.yaml", {"name": "$.trigger"})
    found(examined(folder, exit_code=0), "the mapping of z has no example")
    _yaml(folder / "z.yaml", {"name": "$.trigger", "example": {"triger": "Disk full"}})
    found(examined(folder, exit_code=1), "the mapping of z makes no alert of its example: the mapping does not fit")
    _yaml(folder / "z.yaml", {"name": "$.trigger", "example": {"trigger": "Disk full"}})
    found(examined(folder, exit_code=0), "the mapping of z reads its example as Disk full, firing")
    _yaml(folder / "z.yaml", {"name": "$.trigger["})
    assert "z.yaml: name: $.trigger[ is not JSONPath" in str(examined(folder, exit_code=2))


def test_people_whom_nothing_reaches_are_said(team: Team) -> None:
    lines = examined(team(people=[{"name": "Ana", "roles": ["responder"]}]), exit_code=0)
    for words in (
        "nobody can approve at the page",
        "Ana has no contact address",
        "level 1 (on call)",
        "level 2 pages nobody",
    ):
        assert found(lines, words)["do"]


def test_an_address_that_no_message_can_be_sent_to_is_said_without_its_password(team: Team) -> None:
    ana = {"name": "Ana", "roles": ["responder"], "reach": ["json://x", "carrier-pigeon://ana:hunter2@loft/1"]}
    line = found(examined(team(people=[ana]), exit_code=1), "cannot be used")
    assert line["says"] == "carrier-pigeon://…, an address of Ana, cannot be used"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "messages carry no link: `server.url` is not set"),
        ("http://127.0.0.1:8080", "the links in messages lead to 127.0.0.1, which only this machine reaches"),
        ("handrail.example.org", "no link can be made of it"),
        ("https://handrail.example.org", ""),
    ],
)
def test_whether_messages_can_link_to_a_page_is_said(team: Team, url: str, says: str) -> None:
    folder = team()
    raw = yaml.safe_load((folder / "handrail.yaml").read_text(encoding="utf-8"))
    _yaml(folder / "handrail.yaml", {**raw, "server": {**raw["server"], "url": url}})
    lines = examined(folder, exit_code=0)
    if says:
        assert "set `url` under `server`" in found(lines, says)["do"]
    else:
        assert not [line for line in lines if line["area"] == "messages" and "link" in line["says"]]


def test_channels_and_stakeholders_that_hear_nothing_are_said(team: Team) -> None:
    folder = team(settings={"status_page": ""})
    _yaml(folder / "services.yaml", {"services": {"shop": {"owner": "shop", "channel": "#shop"}}})
    lines = examined(folder, exit_code=0)
    found(lines, "the channel #shop has no address")
    found(lines, "stakeholders are told nothing")
    found(examined(team(settings={"status_page": "book.md/public"}), exit_code=1), "the status page cannot be written")


def test_an_address_beyond_loopback_needs_tokens(team: Team) -> None:
    lines = examined(team(settings={"server": {"host": "0.0.0.0"}}, people=[{"name": "Ana"}]), exit_code=1)
    found(lines, "no person has a token")


def test_a_port_that_another_program_holds_is_wrong(team: Team) -> None:
    folder = team()
    port = yaml.safe_load((folder / "handrail.yaml").read_text())["server"]["port"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        found(examined(folder, exit_code=1), "cannot be listened on")


class Healthy(BaseHTTPRequestHandler):
    """Answers as a Handrail does whose health is asked for."""

    def do_GET(self) -> None:
        """One word."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def test_a_handrail_that_serves_other_settings_is_told_from_that_of_these(team: Team) -> None:
    folder = team()
    port = yaml.safe_load((folder / "handrail.yaml").read_text())["server"]["port"]
    server = ThreadingHTTPServer(("127.0.0.1", port), Healthy)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        line = found(examined(folder, exit_code=1), f"another Handrail serves at 127.0.0.1:{port}: nobody serves ")
        assert line["says"].endswith(f"{folder / '.handrail'}, the state folder of these settings")
        assert line["do"] == "choose another `port` under `server` in handrail.yaml"
        (folder / ".handrail").mkdir(exist_ok=True)
        with listening.alone(folder / ".handrail"):
            found(examined(folder, exit_code=0), f"Handrail serves at 127.0.0.1:{port} now")
        found(examined(folder, exit_code=1), "another Handrail serves at")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_settings_that_cannot_be_read_end_with_2(tmp_path: Path) -> None:
    assert "handrail init" in examined(tmp_path, exit_code=2)[0]["says"]
    (tmp_path / "handrail.yaml").write_text("documents: 5\n", encoding="utf-8")
    assert examined(tmp_path, exit_code=2)[0]["level"] == "wrong"
    (tmp_path / "handrail.yaml").write_text("peple: people.yaml\n", encoding="utf-8")
    assert "`peple` is not known" in examined(tmp_path, exit_code=2)[0]["says"]


def test_a_binding_with_a_mistake_is_said_with_its_line(team: Team) -> None:
    folder = team()
    (folder / "book.binding.yaml").write_text(BINDING.replace("checks", "cheks"), encoding="utf-8")
    assert "book.binding.yaml:4: `cheks`" in found(examined(folder, exit_code=1), "cheks")["says"]


def test_a_state_folder_that_cannot_be_written_is_wrong(team: Team) -> None:
    """A file stands where the folder should be: that stops root too."""
    found(examined(team(settings={"state": "book.md/state"}), exit_code=1), "the state folder cannot be written")


def test_a_record_that_was_edited_and_one_that_is_damaged_are_wrong(team: Team) -> None:
    folder = team()
    state = folder / ".handrail"
    state.mkdir(mode=0o700)
    kept = store.Store(store.connect(f"sqlite:///{state}/handrail.db"), clock=lambda: datetime.now(UTC))
    for number in range(3):
        kept.append("message", {"number": number}, environment="live", incident="I-1")
    found(examined(folder, exit_code=0), "its chain of hashes fits")
    with closing(sqlite3.connect(state / "handrail.db")) as record, record:
        record.execute(f"UPDATE {tables.events.name} SET kind = 'approved' WHERE sequence = 2")
    kept.engine.dispose()
    found(examined(folder, exit_code=1), "line 2 of the record is not what was written there")
    (state / "handrail.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    found(examined(folder, exit_code=1), "the record is damaged")


def test_versions_are_judged() -> None:
    def told(tool: str, text: str) -> telling.Line:
        return cluster.version_line("live", tool, Answer(stdout=text, started_at=datetime.now(UTC), seconds=0))

    assert told("helm", "v3.19.5+g4a19a5b").level == "ok"
    assert told("helm", "Client: v2.17.0").level == "wrong"
    assert told("git", "git version 2.39.5").says == "git 2.39.5"
    assert told("kubectl", "no JSON").level == "warning"


# -- the database's reader ---------------------------------------------------------------------------------------------

READER = database.Role(
    user="handrail_reader",
    database="postgres",
    superuser=False,
    privileged=False,
    read_only=True,
    recovering=False,
    slots=37,
    monitor=True,
    version=150000,
    timeout=True,
    writable=0,
    limits={"postgres": -1, "azora": 30},
)


@pytest.mark.parametrize(
    ("change", "level", "says"),
    [
        ({}, "ok", "7 connections stay free"),
        ({"superuser": True}, "wrong", "is a superuser"),
        ({"privileged": True}, "wrong", "may create roles"),
        ({"writable": 4}, "wrong", "may write 4 tables in postgres"),
        ({"read_only": False}, "warning", "not read-only by default"),
        ({"timeout": False}, "warning", "no statement_timeout"),
        ({"monitor": False}, "warning", "nobody's sessions but its own"),
        ({"limits": {"postgres": -1, "azora": -1}}, "warning", "azora may take all 37 connections"),
        ({"limits": {"postgres": -1, "azora": 30, "shop": 10}}, "warning", "add up to 40"),
        ({"limits": {"azora": 30}, "database": "azora"}, "warning", "the only database"),
    ],
)
def test_the_readers_role_and_its_way_in_are_judged(change: dict[str, Any], level: str, says: str) -> None:
    lines = [line for line in database.role_lines("live", "primary", replace(READER, **change)) if says in line.says]
    assert [line.level for line in lines] == [level]


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, int]]:
    """A real PostgreSQL on a free port of loopback, ended by its own pid file."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    bin_ = programs[-1].parent
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("root cannot run PostgreSQL, and there is no user postgres")
        user = {"user": owner.pw_uid, "group": owner.pw_gid}
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    run: Callable[..., Any] = lambda *words: subprocess.run(words, check=True, capture_output=True, timeout=120, **user)  # noqa: E731
    run(str(bin_ / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync")
    flags = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=20 -c fsync=off"
    run(str(bin_ / "pg_ctl"), "-D", str(data), "-w", "-o", flags, "-l", str(folder / "log"), "start")
    try:
        yield f"host=127.0.0.1 port={port} user=postgres dbname=postgres", port
    finally:
        run(str(bin_ / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")


@pytest.mark.slow
def test_a_real_server_shows_the_role_that_identities_prints_as_well_and_others_as_wrong() -> None:
    """Its folder is not pytest's, which nobody but this user may enter."""
    with (
        tempfile.TemporaryDirectory(prefix="handrail-postgres-") as folder,
        postgres(Path(folder)) as (admin, port),
    ):
        told = subprocess.run(
            [sys.executable, "-m", "handrail", "identities", "--sql", "--database", "shop", "--limit", "12"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        sql = told.replace(":'reader_password'", "'reads'").replace(":'terminator_password'", "'ends'")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE shop")
            for statement in sql.split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
        reader = f"host=127.0.0.1 port={port} user=handrail_reader password=reads dbname=postgres"
        assert {line.level for line in database.database("live", "primary", reader)} == {"ok"}
        levels = {line.says: line.level for line in database.database("live", "primary", admin)}
        assert any("is a superuser" in says and level == "wrong" for says, level in levels.items())
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("ALTER DATABASE shop CONNECTION LIMIT -1")
            connection.execute("CREATE TABLE orders (id int)")
            connection.execute("GRANT INSERT ON orders TO handrail_reader")
        says = " ".join(line.says for line in database.database("live", "primary", reader))
        assert "shop may take all 17 connections" in says
        assert "may write 1 table in postgres" in says
        (away,) = database.database("live", "primary", reader.replace("handrail_reader", "nobody_here"))
        assert away.level == "wrong"
        assert "reads" not in away.says.replace("the reader", "")


def test_without_a_sandbox_looks_at_this_machine_are_said_to_be_left_to_people(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = team()
    assert not [line for line in examined(folder) if "looks at this machine" in line["says"].lower()], "none is there"
    (folder / "book.md").write_text(BOOK.replace("kubectl get pods", "df -h"), encoding="utf-8")
    assert found(examined(folder), "ooks at this machine")
    monkeypatch.setattr(sandbox, "__file__", str(folder / "not-there.py"))
    line = found(examined(folder), "Looks at this machine")
    assert line["level"] == "warning"
    assert "left to people" in line["says"]
