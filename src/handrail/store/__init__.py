"""Tables and queries: SQLite and PostgreSQL by one code."""

from handrail.store.database import connect, wal_is_safe
from handrail.store.record import Store

__all__ = ["Store", "connect", "wal_is_safe"]
