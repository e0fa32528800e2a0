"""What the web room is told: where it listens, under which names, and who may post alerts."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, overload

from handrail.environments import Proof
from handrail.errors import FixSettings


class Person(Protocol):
    """Someone who may sign in. Without a token's hash nobody can be them here."""

    @property
    def name(self) -> str:
        """As the record names them."""

    @property
    def roles(self) -> Collection[str]:
        """`viewer` looks, `responder` acts, `approver` also says yes to changes."""

    @property
    def drill(self) -> bool:
        """A drill's contact: good only where drills are allowed."""

    @property
    def token_sha256(self) -> str | None:
        """SHA-256 of their token, lower-case hex; empty where they have none."""


T = TypeVar("T")


class Roster(Sequence[Person]):
    """People as they were read last: each request asks it anew."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._now = tuple(people)

    def renew(self, people: Sequence[Person]) -> None:
        """From now on these."""
        self._now = tuple(people)

    @overload
    def __getitem__(self, place: int) -> Person: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Person]: ...

    def __getitem__(self, place: int | slice) -> Person | Sequence[Person]:
        """One of them, or some."""
        return self._now[place]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._now)

    def __iter__(self) -> Iterator[Person]:
        """Those of one moment, also where they are renewed meanwhile."""
        return iter(self._now)


class Current(Mapping[str, T]):
    """What belongs to names, as it was read last."""

    def __init__(self, now: Mapping[str, T]) -> None:
        self._now, self._else = dict(now), dict[str, T]()

    def renew(self, now: Mapping[str, T]) -> None:
        """From now on this."""
        self._now = dict(now)

    def otherwise(self, those: Mapping[str, T]) -> None:
        """What names have for which nothing was read."""
        self._else = dict(those)

    def __getitem__(self, name: str) -> T:
        """What belongs to this name."""
        now = self._now
        return now[name] if name in now else self._else[name]

    def __iter__(self) -> Iterator[str]:
        """All names."""
        return iter({**self._else, **self._now})

    def __len__(self) -> int:
        """How many names there are."""
        return len({**self._else, **self._now})


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """How the pages are served."""

    host: str = "127.0.0.1"
    """The address it listens on."""
    port: int = 8080
    """The port it listens on."""
    names: Sequence[str] = ()
    """Further host names it is reached by; every other Host is refused, on loopback too."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Webhook source to the SHA-256 of its bearer token."""
    signing: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Webhook source to the secret with which it signs: its token is not asked for, each body's signature is."""
    proofs: Mapping[str, Proof] = field(default_factory=dict, repr=False)
    """Webhook source to any other way in which it proves itself; counts more than the two above."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Webhook source to how its sender is called, where settings say whose it is."""
    zone: str = "UTC"
    """The time zone of the pages, as in `Europe/Madrid`."""
    open_reading: bool = False
    """Pages may be read without signing in. Loopback only; whoever acts or approves signs in all the same."""
    secure_cookies: bool = False
    """The pages are reached by https alone: the session's cookie says so."""
    body_limit: int = 64 * 1024 * 1024
    """A webhook's largest body, in bytes."""
    body_seconds: float = 30.0
    """How long a webhook may take to send its body; a large one gets more, by what it has sent."""
    bodies_at_once: int = 128 * 1024 * 1024
    """Bytes of webhooks held at once; beyond it the answer is 503 and the sender tries again."""

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def proof_of(self, source: str) -> Proof | None:
        """How this source proves itself, None where nobody knows it."""
        if (proof := self.proofs.get(source)) is not None:
            return proof
        if secret := self.signing.get(source):
            return Proof(secrets=(secret,))
        token = self.sources.get(source)
        return Proof(token_sha256=token) if token else None

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names that a Host header may carry, without the port."""
        own = () if self.host in ("0.0.0.0", "::") else (self.host,)  # noqa: S104  # a comparison, nothing is bound
        return frozenset(name.lower() for name in ("localhost", "127.0.0.1", "::1", *own, *self.names))


def refuse_to_serve(settings: WebSettings, people: Sequence[Person]) -> None:
    """Beyond loopback nothing is served without people's tokens, and nothing is read without one."""
    if settings.loopback:
        return
    if settings.open_reading:
        raise FixSettings(
            f"Pages may be read without signing in, and {settings.host} is reachable from elsewhere. "
            "Listen on 127.0.0.1, or take open_reading away."
        )
    if not any(person.token_sha256 for person in people):
        raise FixSettings(
            f"{settings.host} is reachable from elsewhere and no person has a token. "
            "Give the people in people.yaml a token_sha256, or listen on 127.0.0.1."
        )
