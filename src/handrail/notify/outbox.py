"""The outbox: what was decided to be sent, sent at least once, marked before and after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from handrail.notify.send import Attached, Send

log = logging.getLogger("handrail")
TRIES = 5
FIRST_PAUSE = timedelta(seconds=2)
Row = dict[str, Any]


class Kept(Protocol):
    """Where messages are kept."""

    def now(self) -> datetime:
        """The time."""

    def messages(self, *, state: str | None = None, incident: str | None = None) -> list[Row]:
        """Messages, oldest first."""

    def claim_message(self, id: str) -> bool:
        """Take a waiting one."""

    def unclaim_messages(self) -> int:
        """Those that were being sent wait again."""

    def message_done(self, id: str, *, state: str, detail: str = "") -> None:
        """What became of it."""

    def append(self, kind: str, payload: Mapping[str, Any] | None = None, *, incident: str = "") -> int:
        """A line in the record."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where a name is reached: people by their name, channels and `stakeholders` by theirs."""

    known: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, name: str) -> Sequence[str]:
        """Addresses of a name; a name that is an address itself is its own."""
        return self.known.get(name, (name,) if "://" in name else ())


class Outbox:
    """Sends what waits. `told` hears (incident) where something was sent or given up."""

    def __init__(
        self,
        kept: Kept,
        *,
        addresses: Addresses,
        send: Send,
        told: Callable[[str], None] = lambda incident: None,
        attached: Callable[[Row], Sequence[Attached]] = lambda row: (),
    ) -> None:
        """`send` is the way out; everything else stands in the record. `attached` are the files of a message."""
        self._kept, self._addresses, self._send, self._told = kept, addresses, send, told
        self._attached = attached
        self._tries: dict[str, tuple[int, datetime]] = {}

    def renew(self, addresses: Addresses) -> None:
        """Take over where names are reached."""
        self._addresses = addresses

    def begin(self) -> None:
        """At the start of a process: what the one before was sending is sent again."""
        again = self._kept.unclaim_messages()
        if again:
            log.info("messages_again", extra={"count": again})

    def flush(self) -> None:
        """One round. A message that fails waits longer each time, then it is given up and the record says so."""
        for row in self._kept.messages(state="waiting"):
            tries, due = self._tries.get(row["id"], (0, self._kept.now()))
            if due > self._kept.now():
                continue
            addresses = self._addresses.of(row["person"])
            if not addresses:
                self._kept.message_done(row["id"], state="nowhere", detail="nobody gave an address")
                self._told(row["incident"])
                continue
            if self._kept.claim_message(row["id"]):
                self._one(row, addresses, tries)

    def _one(self, row: Row, addresses: Sequence[str], tries: int) -> None:
        try:
            problem = self._send(addresses, row["title"], row["body"], self._attached(row))
        except Exception as error:  # a sender's plug-in may raise anything: the others must still be heard
            log.exception("send_surprised", extra={"message": row["id"]})
            problem = f"the sender failed ({type(error).__name__})"
        if not problem:
            self._kept.message_done(row["id"], state="sent")
            self._kept.append("message", {"person": row["person"], "title": row["title"]}, incident=row["incident"])
            self._told(row["incident"])
            return
        if tries + 1 < TRIES:
            self._tries[row["id"]] = (tries + 1, self._kept.now() + FIRST_PAUSE * 2**tries)
            self._kept.message_done(row["id"], state="waiting", detail=problem)
            return
        self._kept.message_done(row["id"], state="failed", detail=problem)
        says = f"The message to {row['person']} was not taken after {TRIES} tries: {problem}"
        self._kept.append("trouble", {"says": says}, incident=row["incident"])
        self._told(row["incident"])
