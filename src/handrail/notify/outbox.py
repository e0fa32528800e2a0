"""The outbox: what was decided to be told, put into words when it is sent, and sent for as long as it matters.

A row says what a message is about; `render` makes its text at the moment of sending, or says why it is not worth sending
any more. Each person has ways in order: where one fails the next is tried at once, and after the last one it waits, 2 s
at first and a minute at most, and begins again. What is tried, when and by which way stands in the record, so a restart
goes on where it was; a process that died between claiming and sending sends once more under the same reference.

Sending happens in threads of its own, a few for each service: one that hangs keeps nobody else waiting, and is given up
after a deadline. Who was just told something hears the next things together.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from handrail.incidents.messages import Message, Moot, gathered
from handrail.notify.addresses import named, shown
from handrail.notify.send import Attached, Letter, Send

log = logging.getLogger("handrail")
Row = dict[str, Any]

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=1)
DEADLINE = 20.0  # seconds of the machine's own clock for one way to take one message
AT_ONCE = 4  # messages under way at one service
AVOIDED = 60.0  # seconds during which a way that failed comes after the others
UNREACHED = 3  # rounds over all ways, after which the record says that somebody is not reached
KEPT_TRYING = timedelta(hours=24)  # whatever it is about

MINUTE = timedelta(minutes=1)
GAPS = (timedelta(seconds=5), timedelta(seconds=20))  # after the first and the second message within a minute
EVER = datetime.min.replace(tzinfo=UTC)
MOST = 3  # messages to one person within a minute


class Kept(Protocol):
    """Where messages are kept."""

    def now(self) -> datetime:
        """The time."""

    def together(self) -> AbstractContextManager[Any]:
        """One transaction."""

    def waiting_for(self, now: datetime) -> list[tuple[str, int | None]]:
        """Who has messages that are due: (name, which of an audience's addresses)."""

    def due_messages(self, person: str, only: int | None, now: datetime) -> list[Row]:
        """Those messages, oldest first."""

    def split_message(self, id: str, parts: int) -> None:
        """One message to an audience becomes one for each of its addresses."""

    def sent_times(self, person: str, only: int | None, since: datetime) -> list[datetime]:
        """When somebody was sent something, oldest first."""

    def claim_messages(self, ids: Sequence[str], batch: str) -> list[str]:
        """Take waiting ones under one reference; those that were taken."""

    def unclaim_messages(self) -> int:
        """Those that were being sent wait again, under the reference they had."""

    def messages_sent(self, ids: Sequence[str], *, title: str, body: str, way: str) -> list[str]:
        """They were taken, with this text; those of them that were not sent before."""

    def message_again(self, ids: Sequence[str], *, tries: int, next_at: datetime, detail: str) -> None:
        """They wait for another try."""

    def message_done(self, id: str, *, state: str, detail: str = "") -> None:
        """What became of one otherwise."""

    def append(self, kind: str, payload: Mapping[str, Any] | None = None, *, incident: str = "") -> int:
        """A line in the record."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where a name is reached. People have ways in order, of which one is enough; an audience hears at every address."""

    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    audiences: frozenset[str] = frozenset()  # channels and stakeholders

    def of(self, name: str) -> Sequence[str]:
        """Addresses of a name; a name that is an address itself is its own."""
        return self.known.get(name, (name,) if "://" in name else ())


@dataclass(kw_only=True)
class Attempt:
    """Messages to one person on their way to one address."""

    rows: Sequence[Row]
    batch: str
    address: str
    tries: int
    ways: int
    since: float | None = None  # by the machine's own clock; None while the words are being made
    given_up: bool = False
    sent: Sequence[Row] = ()
    message: Message | None = None
    problem: str = ""


def as_kept(row: Row) -> Message | Moot:
    """A message whose words stand in its row."""
    return Message(title=row["title"], body=row["body"], incident=row["incident"], line=row["title"])


class Outbox:
    """Sends what waits. `told` hears (row) where something was sent, given up or does not get through."""

    def __init__(
        self,
        kept: Kept,
        *,
        addresses: Addresses,
        send: Send,
        render: Callable[[Row], Message | Moot] = as_kept,
        told: Callable[[Row], None] = lambda row: None,
        attached: Callable[[Row], Sequence[Attached]] = lambda row: (),
        deadline: float = DEADLINE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`send` is the way out; everything else stands in the record. `attached` are the files of a message."""
        self._kept, self._addresses, self._send = kept, addresses, send
        self._render, self._told, self._attached = render, told, attached
        self._deadline, self._clock = deadline, clock
        self._lock = threading.Lock()
        self._under_way: list[Attempt] = []
        self._done: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self._failed: dict[str, float] = {}  # address to when, by the machine's own clock

    # -- life ------------------------------------------------------------------------------------------------------

    def renew(self, addresses: Addresses) -> None:
        """Take over where names are reached."""
        self._addresses = addresses

    def begin(self) -> None:
        """At the start of a process: what the one before was sending is sent again."""
        again = self._kept.unclaim_messages()
        if again:
            log.info("messages_again", extra={"count": again})

    def flush(self) -> None:
        """One round, which never waits for a service: what came of earlier tries, then what may be sent now."""
        with self._lock:
            self._collect()
            self._give_up()
            for person, only in self._kept.waiting_for(self._kept.now()):
                try:
                    self._for(person, only)
                except Exception:  # one person's door: the others are heard
                    log.exception("message_surprised", extra={"person": named(person)})

    def drain(self, seconds: float) -> None:
        """Rounds until nothing is under way any more, or time is up."""
        until = self._clock() + seconds
        self.flush()
        while self._busy() and self._clock() < until:
            time.sleep(0.01)
            with self._lock:
                self._collect()
                self._give_up()

    def close(self, seconds: float = 2.0) -> None:
        """At the end of a process: what is just being taken is still marked; what hangs is left."""
        until = self._clock() + seconds
        while self._busy() and self._clock() < until:
            time.sleep(0.01)
            with self._lock:
                self._collect()

    def _busy(self) -> bool:
        return any(not one.given_up for one in self._under_way)

    # -- what may be sent now ----------------------------------------------------------------------------------------

    def _for(self, person: str, only: int | None) -> None:
        if any(_same(one, person, only) and not one.given_up for one in self._under_way):
            return  # in order: what waits goes with the next one
        now = self._kept.now()
        if now < not_before(self._kept.sent_times(person, only, now - MINUTE)):
            return
        rows = self._kept.due_messages(person, only, now)
        if not rows:
            return
        addresses = self._addresses.of(person)
        if only is not None:
            addresses = addresses[only : only + 1]
        elif person in self._addresses.audiences and len(addresses) > 1:
            for row in rows:
                self._kept.split_message(row["id"], len(addresses))
            return  # each of them with the next round
        if not addresses:
            for row in rows:
                self._kept.message_done(row["id"], state="nowhere", detail=f"{named(person)} has no contact address")
                self._told(row)
            return
        rows = _one_batch(rows)
        tries = max(row["tries"] or 0 for row in rows)
        address, hangs = self._way(addresses, tries)
        if not address:
            if hangs:
                self._again(rows, tries=tries + 1, ways=len(addresses), problem=hangs)
            return  # else the service has its hands full and answers: in a moment
        batch = rows[0]["batch"] or _reference(rows)
        taken = set(self._kept.claim_messages([row["id"] for row in rows], batch))
        mine = [row for row in rows if row["id"] in taken]
        if mine:
            self._go(Attempt(rows=mine, batch=batch, address=address, tries=tries, ways=len(addresses)))

    def _way(self, addresses: Sequence[str], tries: int) -> tuple[str, str]:
        """The address to try, or empty: because those that could be tried hang (what to say of it), or work just now."""
        begin = tries % len(addresses)
        ordered = [*addresses[begin:], *addresses[:begin]]
        now = self._clock()
        ordered.sort(key=lambda one: now - self._failed.get(one, -AVOIDED) < AVOIDED)  # keeps the order otherwise
        hangs = ""
        for address in ordered:
            there = [one for one in self._under_way if _service(one.address) == _service(address)]
            if len(there) < AT_ONCE and not any(one.given_up and one.address == address for one in there):
                return address, ""
            if all(one.given_up for one in there) or any(one.given_up and one.address == address for one in there):
                hangs = hangs or f"{shown(address)} has not answered yet"
            else:
                return "", ""
        return "", hangs

    # -- a try ---------------------------------------------------------------------------------------------------------

    def _go(self, attempt: Attempt) -> None:
        self._under_way.append(attempt)
        threading.Thread(target=self._try, args=(attempt,), name="handrail_message", daemon=True).start()

    def _try(self, attempt: Attempt) -> None:
        """In a thread of its own. Whatever happens, the attempt comes back."""
        try:
            ready = self._ready(attempt)
            if ready is not None:
                attempt.since = self._clock()
                attempt.problem = self._send(attempt.address, ready)
        except Exception as error:  # a sender's plug-in may raise anything: the others must still be heard
            frames = traceback.extract_tb(error.__traceback__)
            where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
            # without its text: a library's names the address, and the address is a key
            log.error("send_surprised", extra={"ref": attempt.batch, "error": type(error).__name__, "where": where})  # noqa: TRY400 -- see above
            attempt.problem = f"the sender failed ({type(error).__name__})"
        self._done.put(attempt)

    def _ready(self, attempt: Attempt) -> Letter | None:
        """The words, as of now; None where none of it is worth sending any more."""
        ready: list[tuple[Row, Message]] = []
        for row in attempt.rows:
            found = self._render(row)
            if isinstance(found, Moot):
                self._kept.message_done(row["id"], state="not sent", detail=f"not sent: {found.reason}")
            elif ready and (found.alone or ready[0][1].alone):
                self._kept.message_again([row["id"]], tries=row["tries"] or 0, next_at=self._kept.now(), detail="")
            else:
                ready.append((row, found))
        attempt.sent = [row for row, _ in ready]
        if not ready:
            return None
        message = gathered([one for _, one in ready])
        attempt.message = message
        return Letter(
            title=message.title,
            body=f"{message.body}\n\nRef: {attempt.batch}",
            severity=message.severity,
            files=tuple(self._attached(ready[0][0])) if len(ready) == 1 else (),
        )

    # -- what came of it -----------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        back = []
        while not self._done.empty():
            back.append(self._done.get())
        for attempt in back:
            try:
                self._came_back(attempt)
            except Exception:  # the record takes no write just now: what came of it is written down with a later round
                log.exception("message_unmarked", extra={"ref": attempt.batch})
                self._done.put(attempt)
            else:
                self._under_way.remove(attempt)

    def _give_up(self) -> None:
        now = self._clock()
        for attempt in self._under_way:
            if not attempt.given_up and attempt.since is not None and now - attempt.since > self._deadline:
                self._failed[attempt.address] = now
                problem = f"{shown(attempt.address)} did not answer within {self._deadline:.0f} s"
                self._again(attempt.sent, tries=attempt.tries + 1, ways=attempt.ways, problem=problem)
                attempt.given_up = True  # last: where the record takes no write just now, the next round tries again

    def _came_back(self, attempt: Attempt) -> None:
        message = attempt.message
        if message is None:
            if attempt.problem and not attempt.given_up:  # the words could not be made
                self._again(attempt.rows, tries=attempt.tries + 1, ways=1, problem=attempt.problem)
            return
        if attempt.problem:
            if not attempt.given_up:
                self._failed[attempt.address] = self._clock()
                self._again(attempt.sent, tries=attempt.tries + 1, ways=attempt.ways, problem=attempt.problem)
            return
        self._failed.pop(attempt.address, None)
        with self._kept.together():
            ids = self._kept.messages_sent(
                [row["id"] for row in attempt.sent],
                title=message.title,
                body=message.body,
                way=shown(attempt.address),
            )
            sent = [row for row in attempt.sent if row["id"] in ids]
            for incident in dict.fromkeys(row["incident"] for row in sent):
                self._kept.append(
                    "message", {"person": named(sent[0]["person"]), "title": message.title}, incident=incident
                )
        for row in sent:
            self._told(row)

    def _again(self, rows: Sequence[Row], *, tries: int, ways: int, problem: str) -> None:
        """The next way at once; after the last one a pause that grows. Nothing is tried for ever."""
        now = self._kept.now()
        rounds, left = divmod(tries, ways)
        wait = timedelta(0) if left else min(FIRST_PAUSE * 2 ** min(rounds - 1, 10), LONGEST_PAUSE)
        old = [row for row in rows if now - row["at"] > KEPT_TRYING]
        for row in old:
            self._kept.message_done(row["id"], state="failed", detail=problem)
        going = [row["id"] for row in rows if row not in old]
        self._kept.message_again(going, tries=tries, next_at=now + wait, detail=problem)
        for row in rows:
            before = (row["tries"] or 0) // ways
            if row in old or before < UNREACHED <= rounds:
                says = f"{named(row['person'])} was not reached after {tries} tries: {problem}"
                says += ". Given up." if row in old else ". Handrail goes on trying."
                self._kept.append("trouble", {"says": says}, incident=row["incident"])
                self._told(row)


def not_before(sent: Sequence[datetime]) -> datetime:
    """When somebody may be told more who was told something at `sent` within a minute: at most three messages in any."""
    if not sent:
        return EVER
    if len(sent) >= MOST:
        return sent[-MOST] + MINUTE
    return sent[-1] + GAPS[len(sent) - 1]


def _one_batch(rows: list[Row]) -> list[Row]:
    """What goes out as one: what a process was sending together when it died, else all of it."""
    begun = next((row["batch"] for row in rows if row["batch"]), "")
    return [row for row in rows if row["batch"] == begun] if begun else rows


def _reference(rows: Sequence[Row]) -> str:
    """What a message is called: its row's id, or for several one made of theirs."""
    if len(rows) == 1:
        return str(rows[0]["id"])
    digest = hashlib.sha256("\n".join(row["id"] for row in rows).encode()).hexdigest()
    return f"gathered/{digest[:12]}"


def _same(attempt: Attempt, person: str, only: int | None) -> bool:
    return bool(attempt.rows[0]["person"] == person and attempt.rows[0]["only"] == only)


def _service(address: str) -> str:
    """Who takes it, to count how many are on their way there. Never shown: a host may be a key."""
    try:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        return address.partition("://")[0]
