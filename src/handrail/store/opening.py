"""Opening the record: its folder, its journal, its tables of this version; and what is said where that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from handrail.errors import FixSettings, HandrailError, TryAgain
from handrail.store import database, migrations


def connect(url: str, *, migrate: Callable[[], bool] = lambda: True) -> sa.Engine:
    """An engine on `url`, with the tables there. SQLite gets full synchronisation and a safe journal.

    `migrate` says whether a record of an earlier version may be brought to this one now.
    """
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    shown = sa.make_url(url).render_as_string(hide_password=True)
    engine: sa.Engine | None = None
    try:
        engine = database.opened(url)
        migrations.migrate(engine, allowed=migrate)
    except (HandrailError, sa.exc.DatabaseError) as error:
        if engine is not None:
            engine.dispose()
        if isinstance(error, HandrailError):
            raise
        if not isinstance(error, sa.exc.OperationalError):  # what stands there is damaged, or something else
            raise database.damaged(shown, error) from error
        if "locked" in str(error.orig):
            raise TryAgain(f"The database {shown} is held by another process: {error.orig}.") from error
        raise FixSettings(
            f"The database {shown} cannot be opened: {error.orig}. Check the path and its permissions."
        ) from error
    return engine
