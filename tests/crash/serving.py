"""`handrail serve` with one thing more: each write to the record passes a boundary of its own before it is committed.

The named boundaries stand where somebody thought of a crash. Writes are everywhere else too, so the harness can end the
server before any of them: what was committed stays, what was about to be is lost.
"""

from __future__ import annotations

import sqlalchemy as sa

from handrail.cli import main
from handrail.engine import boundaries

COMMIT = "commit"


def watch_commits() -> None:
    """Pass the boundary before every commit of the record; the durable library's own are left alone."""
    at = boundaries.from_environment()

    @sa.event.listens_for(sa.engine.Engine, "commit")
    def before(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes"):
            at(COMMIT)


if __name__ == "__main__":
    watch_commits()
    main()
