"""How long what was kept is kept whole: what settings say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Keep:
    """From when on it is taken away. The events themselves stay for ever: their chain is the record."""

    posts: timedelta | None = timedelta(days=30)
    """Webhooks as they came, once they were worked on. The alerts in them stay."""
    timers: timedelta | None = timedelta(days=7)
    """Timers that fired or were cancelled, of incidents that are closed."""
    messages: timedelta | None = timedelta(days=90)
    """The text of what was sent, of incidents that are closed. Who was told of what, and when, stays."""
    outputs: timedelta | None = timedelta(days=180)
    """What commands printed, of runs that are over. Command, time, identity and the digest of the output stay."""
