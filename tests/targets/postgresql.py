"""A real PostgreSQL for tests: in a folder of its own, on a free port of loopback, ended with its test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

PROGRAMS = (
    sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True) if Path("/usr/lib/postgresql").is_dir() else []
)
MAX_CONNECTIONS = 20


def missing() -> str:
    """Why there is none here; empty where there is."""
    if not PROGRAMS:
        return "no PostgreSQL server on this machine (Debian: postgresql-15)"
    if os.getuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running server. `pid` is its postmaster's."""

    port: int
    pid: int
    folder: Path

    def dsn(self, user: str = "boss", database: str = "postgres", password: str = "") -> str:
        """A connection string."""
        return f"host=127.0.0.1 port={self.port} user={user} dbname={database}" + (
            f" password={password}" if password else ""
        )

    def run(self, sql: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        """As the superuser, by itself."""
        with psycopg.connect(self.dsn(database=database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def script(self, text: str, **variables: str) -> None:
        """As psql takes it, in the way the documentation says."""
        words = [str(PROGRAMS[0] / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", self.dsn()]
        for name, value in variables.items():
            words += ["-v", f"{name}={value}"]
        subprocess.run(words, input=text, text=True, check=True, capture_output=True, timeout=30)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make one, run it, end it and take its folder away."""
    # not below pytest's own folders: those are its user's alone, and PostgreSQL runs as another
    folder = Path(tempfile.mkdtemp(prefix="handrail-postgresql-"))
    try:
        yield from _running(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _running(folder: Path) -> Iterator[Cluster]:
    data, sockets = folder / "data", folder / "sockets"
    sockets.mkdir()
    user: dict[str, object] = {}
    if os.getuid() == 0:
        who = pwd.getpwnam("postgres")
        user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        for place in (folder, sockets):
            os.chown(place, who.pw_uid, who.pw_gid)
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    initdb = [PROGRAMS[0] / "initdb", "-D", data, "-U", "boss", "-A", "trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(initdb, env=env, cwd=folder, check=True, capture_output=True, timeout=120, **user)  # type: ignore[call-overload]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": sockets,
        "max_connections": MAX_CONNECTIONS,
        "superuser_reserved_connections": 3,
        "fsync": "off",
        "log_statement": "all",
        "log_line_prefix": "%a|%u|%d| ",
        "lc_messages": "C",
    }
    words = [PROGRAMS[0] / "postgres", "-D", data]
    for name, value in settings.items():
        words += ["-c", f"{name}={value}"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(words, env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True, **user)  # type: ignore[call-overload]
    try:
        _ready(port, server, folder / "log")
        yield Cluster(port=port, pid=server.pid, folder=folder)
    finally:
        server.send_signal(signal.SIGCONT)
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=boss dbname=postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"PostgreSQL does not start: {log.read_text(errors='replace')[-500:]}") from None
            time.sleep(0.1)
        else:
            return
