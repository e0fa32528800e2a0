"""Tables and queries: SQLite and PostgreSQL by one code."""

from handrail.store.chain import Line
from handrail.store.gathered import RANKS
from handrail.store.opening import connect
from handrail.store.record import Store
from handrail.store.rows import number_of
from handrail.store.sqlite import driver, wal_is_safe

__all__ = ["RANKS", "Line", "Store", "connect", "driver", "number_of", "wal_is_safe"]
