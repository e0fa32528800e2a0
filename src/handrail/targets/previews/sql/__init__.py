"""What a statement that changes a PostgreSQL database would do, and its way back: read beforehand, since SQL has no dry run."""

from handrail.targets.previews.sql.asking import GUARD, Place, asked_at, moved, outlook, prospect
from handrail.targets.previews.sql.psql import Told
from handrail.targets.previews.sql.psql import told as psql

__all__ = ["GUARD", "Place", "Told", "asked_at", "moved", "outlook", "prospect", "psql"]
