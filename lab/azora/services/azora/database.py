"""A pool of PostgreSQL connections: handed out, taken back, closed when nobody needed them for a while."""

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from azora import log, metrics

Row = dict[str, Any]


class Unavailable(Exception):
    """The database cannot be asked at the moment."""


@dataclass(kw_only=True)
class Idle:
    connection: psycopg.Connection[Row]
    since: float


class Pool:
    def __init__(self, url: str, *, size: int, application: str, wait: float = 2.0, max_idle: float = 45.0) -> None:
        self._url, self._size, self._application = url, size, application
        self._wait, self._max_idle = wait, max_idle
        self._idle: list[Idle] = []
        self._open = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._close_idle, daemon=True, name="pool").start()

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Row]]:
        connection = self._take()
        try:
            yield connection
        except psycopg.OperationalError as e:
            connection.close()
            raise Unavailable(str(e).strip()) from e
        finally:
            self._give_back(connection)

    def _take(self) -> psycopg.Connection[Row]:
        deadline = time.monotonic() + self._wait
        with self._changed:
            while True:
                while self._idle:
                    connection = self._idle.pop().connection  # the one used last, so that the others can grow old
                    if usable(connection):
                        return connection
                    connection.close()
                    self._open -= 1
                if self._open < self._size:
                    self._open += 1
                    break
                if not self._changed.wait(deadline - time.monotonic()):
                    raise Unavailable(f"connection pool exhausted: all {self._size} connections are in use")
        try:
            return connect(self._url, application=self._application)
        except Unavailable:
            with self._changed:
                self._open -= 1
                self._changed.notify()
            raise

    def _give_back(self, connection: psycopg.Connection[Row]) -> None:
        with self._changed:
            if connection.closed:
                self._open -= 1
            else:
                self._idle.append(Idle(connection=connection, since=time.monotonic()))
            self._changed.notify()

    def _close_idle(self) -> None:
        while True:
            time.sleep(5)
            old = time.monotonic() - self._max_idle
            with self._changed:
                leaving = [idle for idle in self._idle if idle.since < old]
                self._idle = [idle for idle in self._idle if idle.since >= old]
                self._open -= len(leaving)
            for idle in leaving:
                idle.connection.close()


def connect(url: str, *, application: str) -> psycopg.Connection[Row]:
    try:
        return psycopg.connect(
            url, autocommit=True, connect_timeout=3, application_name=application, row_factory=dict_row
        )
    except psycopg.OperationalError as e:
        reason = str(e).strip().splitlines()[-1]
        log.error(f"database connection refused: {reason}")
        raise Unavailable(reason) from e


def usable(connection: psycopg.Connection[Row]) -> bool:
    """An idle connection has nothing to say; one that can be read was ended by the server."""
    if connection.closed:
        return False
    readable, _, _ = select.select([connection.fileno()], [], [], 0)
    return not readable


@contextmanager
def measured(operation: str, model: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        metrics.db_queries.labels(operation, model).inc()
        metrics.db_duration.labels(operation, model).observe((time.perf_counter() - started) * 1000)
