"""What is kept too long is taken away, beside everything else: in small pieces, with a pause after each, so nobody waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from handrail.errors import HandrailError
from handrail.evidence import Keep
from handrail.store import Store

log = logging.getLogger("handrail")
FIRST_SECONDS, EVERY_SECONDS, PAUSE_SECONDS = 120.0, 3600.0, 0.2
Piece = Callable[[datetime, Any], tuple[int, Any]]  # before when, and where to go on


class Keeping:
    """Goes round once an hour. `forget_turns` takes the durable library's finished turns away, as old as timers may be."""

    def __init__(self, *, store: Store, keep: Keep, forget_turns: Callable[[datetime], int] | None = None) -> None:
        self.store, self._keep, self._forget_turns = store, keep, forget_turns
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def renew(self, keep: Keep) -> None:
        """Settings were edited."""
        self._keep = keep

    def begin(self) -> None:
        """Go round until `close`."""
        self._thread = threading.Thread(target=self._work, name="handrail_keeping", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End with the piece that is on."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _work(self) -> None:
        wait = FIRST_SECONDS
        while not self._over.wait(wait):
            wait = EVERY_SECONDS
            try:
                gone = {what: count for what, count in self.round().items() if count}
                if gone:
                    log.info("no_longer_kept", extra=gone)
            except HandrailError as error:
                log.warning("record_unreachable", extra={"error": str(error)})
            except Exception:  # its door: the next round tries again
                log.exception("keeping_failed")

    def round(self) -> dict[str, int]:
        """Everything that is older than it may be, once; how many of each."""
        keep, store, now = self._keep, self.store, self.store.now()
        kinds: list[tuple[str, timedelta | None, Piece, Any]] = [
            ("posts", keep.posts, lambda before, after: store.forget_posts(before, after=after), 0),
            *((state, keep.timers, self._timers(state), ("", "")) for state in ("fired", "cancelled")),
            ("messages", keep.messages, lambda before, after: store.forget_messages(before, after=after), ("", "")),
            ("outputs", keep.outputs, lambda before, after: store.forget_outputs(before, after=after), 0),
        ]
        if self._forget_turns is not None:
            forget = self._forget_turns
            kinds.append(("turns", keep.timers, lambda before, _: _through(forget(before)), 0))
        return {what: self._pieces(piece, now - age, start) for what, age, piece, start in kinds if age is not None}

    def _timers(self, state: str) -> Piece:
        return lambda before, after: self.store.forget_timers(before, state=state, after=after)

    def _pieces(self, piece: Piece, before: datetime, start: Any) -> int:
        count, after = 0, start
        while after is not None and not self._over.is_set():
            gone, after = piece(before, after)
            count += gone
            if after is not None:
                self._over.wait(PAUSE_SECONDS)
        return count


def _through(gone: int) -> tuple[int, int | None]:
    return gone, (0 if gone else None)
