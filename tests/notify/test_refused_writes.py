"""What came of a send is written down although the record takes no write for a while: a full disk, somebody else's lock."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from handrail.notify import Addresses, Letter, Outbox
from handrail.store import Store
from tests.factory import Clock, fresh_store, with_run


class Full:
    """A record that refuses to note what came of a message, as often as it is told to."""

    def __init__(self, kept: Store, times: int) -> None:
        self.kept, self.left = kept, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kept, name)

    def _refuse(self) -> None:
        if self.left:
            self.left -= 1
            raise OSError(28, "No space left on device")

    def messages_sent(self, ids: Sequence[str], **told: str) -> list[str]:
        """Refused for a while."""
        self._refuse()
        return self.kept.messages_sent(ids, **told)

    def message_again(self, ids: Sequence[str], *, tries: int, next_at: datetime, detail: str) -> None:
        """Refused for a while."""
        self._refuse()
        self.kept.message_again(ids, tries=tries, next_at=next_at, detail=detail)


def queued(folder: Path) -> Store:
    kept = fresh_store(folder, Clock())
    with_run(kept)
    kept.queue_message(id="m", incident="I-1", person="Ana", title="t", body="b")
    return kept


def row(kept: Store) -> Mapping[str, Any]:
    (found,) = kept.messages()
    return found


@pytest.mark.parametrize("problem", ["", "mailto://… did not take it"])
def test_an_outcome_that_cannot_be_noted_is_noted_by_a_later_round(tmp_path: Path, problem: str) -> None:
    """Sent once; not left `sending` until somebody starts Handrail again."""
    kept, sent = queued(tmp_path), []

    def send(_to: str, letter: Letter) -> str:
        sent.append(letter.title)
        return problem

    full = Full(kept, times=3)
    box = Outbox(full, addresses=Addresses(known={"Ana": ["json://a.example"]}), send=send)
    box.drain(10)
    assert full.left == 0
    assert sent == ["t"]
    assert (row(kept)["state"], row(kept)["detail"]) == (("waiting", problem) if problem else ("sent", ""))


def test_a_service_that_hangs_is_given_up_once_that_could_be_written(tmp_path: Path) -> None:
    """Given up before, it would never be tried again: nothing says so but a process that forgets it."""
    kept, seconds, over, called = queued(tmp_path), [0.0], threading.Event(), threading.Event()

    def hangs(_to: str, _letter: Letter) -> str:
        called.set()
        over.wait(30)
        return ""

    full = Full(kept, times=1)
    box = Outbox(
        full,
        addresses=Addresses(known={"Ana": ["json://a.example"]}),
        send=hangs,
        deadline=5.0,
        clock=lambda: seconds[0],
    )
    try:
        box.flush()
        assert called.wait(10)
        seconds[0] = 6.0
        with pytest.raises(OSError, match="No space left"):
            box.flush()
        assert row(kept)["state"] == "sending"
        box.flush()
        assert row(kept)["state"] == "waiting"
        assert "did not answer within 5 s" in row(kept)["detail"]
    finally:
        over.set()
