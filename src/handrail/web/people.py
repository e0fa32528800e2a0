"""Who is asking: a person by a token or a session, a source by its own token; compared in constant time.

Sessions are kept on the server, in the record, so that a restart at night signs nobody out. Only a session's hash is kept.
A session ends with the token it was opened with: take the hash out of people.yaml and it is over.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.approvals import Approver
from handrail.store import Store
from handrail.web.settings import Person

ABSOLUTE = timedelta(hours=12)
IDLE_FOR_APPROVALS = timedelta(minutes=30)
NOBODY = hashlib.sha256(b"no such token").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Known:
    """A person and how they are known. `idle` is how long a session rested before this request."""

    person: Person
    known_by: str  # token, session
    idle: timedelta = timedelta(0)

    @property
    def approver(self) -> Approver:
        """As the desk's verbs want it."""
        return Approver(
            name=self.person.name,
            roles=tuple(self.person.roles),
            known_by=self.known_by,
            drill=bool(self.person.drill),
        )


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def by_token(people: Sequence[Person], token: str) -> Person | None:
    """The person with this token. Every person is compared, whoever it is."""
    given, found = digest(token), None
    for person in people:
        if hmac.compare_digest(given, (person.token_sha256 or NOBODY).lower()) and person.token_sha256:
            found = person
    return found


def source_knows(sources: Mapping[str, str], source: str, token: str) -> bool:
    """Whether this is the source's token; an unknown source is compared too and takes as long."""
    kept = sources.get(source) or NOBODY
    return hmac.compare_digest(digest(token), kept.lower()) and bool(sources.get(source))


def bearer(header: str | None) -> str | None:
    """The token of an Authorization header, None where there is none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class Sessions:
    """Sign-ins that last: opened with a token, twelve hours at most."""

    def __init__(self, store: Store, people: Sequence[Person]) -> None:
        self._store, self._people = store, people
        self._seen: dict[str, datetime] = {}

    def open(self, token: str) -> tuple[str, Person] | None:
        """A fresh session id for the person with this token; never one that the browser brought."""
        person = by_token(self._people, token)
        if person is None:
            return None
        session = secrets.token_urlsafe(32)
        kept = {"token": digest(token), "at": self._store.now().isoformat()}
        self._store.set_setting(_key(session), json.dumps(kept))
        return session, person

    def known(self, session: str, *, touch: bool = True) -> Known | None:
        """Who this session belongs to; None where it is over."""
        text = self._store.setting(_key(session))
        if not text:
            return None
        kept = json.loads(text)
        opened, now = datetime.fromisoformat(kept["at"]), self._store.now()
        if now - opened > ABSOLUTE:
            self.close(session)
            return None
        person = next(
            (p for p in self._people if hmac.compare_digest((p.token_sha256 or "").lower(), kept["token"])), None
        )
        if person is None:
            return None
        idle = now - self._seen.get(_key(session), opened)
        if touch:
            self._seen[_key(session)] = now
        return Known(person=person, known_by="token", idle=idle)

    def close(self, session: str) -> None:
        """Signed out, at once and everywhere."""
        self._seen.pop(_key(session), None)
        if self._store.setting(_key(session)):
            self._store.set_setting(_key(session), "")


def _key(session: str) -> str:
    return f"session/{digest(session)}"


def signed(secret: bytes, body: bytes, signature: str) -> bool:
    """Whether `sha256=…` is the HMAC of this body under the source's secret, compared in constant time."""
    return hmac.compare_digest(
        f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}".encode(), signature.encode()
    )
