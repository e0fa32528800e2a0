"""Tables and queries: SQLite and PostgreSQL by one code. What is asked for is loaded: `readonly` needs no SQLAlchemy."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handrail.store.chain import Line
    from handrail.store.database import patiently
    from handrail.store.gathered import RANKS
    from handrail.store.opening import connect
    from handrail.store.record import Store
    from handrail.store.rows import number_of
    from handrail.store.sqlite import driver, wal_is_safe

__all__ = ["RANKS", "Line", "Store", "connect", "driver", "number_of", "patiently", "wal_is_safe"]
WHERE = {
    "RANKS": "gathered",
    "Line": "chain",
    "connect": "opening",
    "Store": "record",
    "driver": "sqlite",
    "number_of": "rows",
    "patiently": "database",
    "wal_is_safe": "sqlite",
}


def __getattr__(name: str) -> Any:
    if name not in WHERE:
        raise AttributeError(f"the store has no {name}")
    return getattr(importlib.import_module(f"handrail.store.{WHERE[name]}"), name)
