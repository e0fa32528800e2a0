"""The one module that knows the durable library: what is a workflow, what is a step, and who resumes what.

A run is a chain of segments. A segment is one workflow, named by (run, number), that takes turns until there is
nothing to do; waiting for people ends it, and the next wish starts the next one. Each turn is one step: it loads,
decides, does one thing and records it in our tables, so a turn that was interrupted is simply taken again, and what
must not happen twice is kept from it by the intent row, not by the library.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID

from handrail.errors import FixSettings, HandrailError, TryAgain
from handrail.store import sqlite

APPLICATION_VERSION = "1"  # ours, so that a new release goes on with the runs of the old one
_turn: Callable[[str], str] | None = None


@DBOS.step()
def take_turn(run: str) -> str:
    """One turn: `again`, or `rest` where nothing is left to do by itself."""
    if _turn is None:
        raise RuntimeError("the engine was not launched")
    return _turn(run)


@DBOS.workflow()
def segment(run: str) -> str:
    """Turns until there is nothing to do."""
    while take_turn(run) == "again":
        pass
    return "rest"


def launch(*, url: str, executor: str, turn: Callable[[str], str]) -> None:
    """Start the durable engine: it resumes this executor's interrupted segments at once."""
    global _turn  # noqa: PLW0603 -- the library keeps one instance a process; so do we, in this one place
    _turn = turn
    try:
        config: DBOSConfig = {
            "name": "handrail",
            "system_database_url": url,
            "system_database_engine": _engine(url),
            "executor_id": executor,
            "application_version": APPLICATION_VERSION,
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": 1.0,
        }
        DBOS(config=config)
        DBOS.launch()
    except sa.exc.DatabaseError as error:
        DBOS.destroy()
        raise _unusable(url, error) from error
    logging.getLogger("dbos").setLevel(logging.ERROR)


def _unusable(url: str, error: sa.exc.DatabaseError) -> HandrailError:
    """What to do about a database of this library that cannot be used. It holds no more than where each run is."""
    where = sa.make_url(url).render_as_string(hide_password=True).removeprefix("sqlite:///")
    if isinstance(error, sa.exc.OperationalError):
        if "locked" in str(error.orig) or "full" in str(error.orig):
            return TryAgain(f"The engine's database {where} did not take a write: {error.orig}.")
        return FixSettings(f"The engine's database {where} cannot be opened: {error.orig}. Check its permissions.")
    return FixSettings(
        f"The engine's database {where} is damaged: {error.orig}. Move it away with the -wal and -shm files beside it, and start"
        " again: the record is in handrail.db, and its open runs go on from there."
    )


def start(run: str, number: int) -> None:
    """Start a segment; starting it twice is starting it once."""
    with SetWorkflowID(f"{run}/{number}"):
        DBOS.start_workflow(segment, run)


def forget(before: datetime, *, most: int = 200) -> int:
    """Take away segments that ended before then; how many. One that was interrupted stays, whatever its age."""
    ended = DBOS.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"],
        completed_before=before.isoformat(),
        limit=most,
        load_input=False,
        load_output=False,
    )
    if ended:
        DBOS.delete_workflows([one.workflow_id for one in ended])
    return len(ended)


def close() -> None:
    """Stop taking turns; interrupted segments resume at the next launch."""
    DBOS.destroy()


def _engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url)
    engine = sqlite.engine(url, every_commit=False)  # a turn that is lost is taken again; permits are in the record

    @sa.event.listens_for(engine, "connect")
    def as_the_library_has_it(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"

    return engine
