"""A source of alerts: which environment it tells of, whose messages it sends, and how it proves that it is itself."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.errors import FixSettings

KEYS = frozenset(
    [
        "environment",
        "kind",
        "mapping",
        "token_sha256",
        "token_file",
        "user",
        "header",
        "secret_file",
        "signature",
        "timestamp_header",
        "topics",
    ]
)
PROOFS = ("token_sha256", "token_file", "secret_file", "topics")
HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")


class Signature(enum.StrEnum):
    """By which header a source signs each body, and what it signs."""

    HUB = "hub"  # X-Hub-Signature-256, as GitHub and many pipelines after it
    PAGERDUTY = "pagerduty"  # X-PagerDuty-Signature, of several secrets while they change
    GRAFANA = "grafana"  # X-Grafana-Alerting-Signature, perhaps with a time


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How a source proves itself: a token, a signature of each body, or Amazon's signature of a topic's messages."""

    token_sha256: str = ""
    user: str = ""  # the token is the password of this user, by Basic authentication
    header: str = ""  # the token stands in this header
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    signature: Signature = Signature.HUB
    timestamp_header: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source as its settings say."""

    environment: str
    kind: str = ""
    mapping: str = ""  # its file
    proof: Proof = Proof()


def source(
    name: str,
    facts: Any,
    *,
    where: str,
    kinds: Collection[str],
    credential: Callable[[str], str | None],
) -> Source:
    """One source of `sources`. `credential` reads a file, and gives None where it is not there yet."""
    at = f"{where}: the source {name}"
    if not isinstance(facts, Mapping):
        raise FixSettings(f"{at} is no mapping. Write {{environment: …, token_file: …}}.")
    for key in facts:
        if key not in KEYS:
            raise FixSettings(f"{at}: `{key}` is not known. Known: {', '.join(sorted(KEYS))}.")
    given = [key for key in PROOFS if facts.get(key)]
    if not given or (not facts.get("environment") and given != ["secret_file"]):
        raise FixSettings(
            f"{at} needs `environment` and `token_sha256` (or `token_file`, or `secret_file`, or `topics`)."
        )
    if len(given) > 1:
        raise FixSettings(f"{at} proves itself by one of {', '.join(given)}, not by several. Leave one.")
    kind = str(facts.get("kind") or "")
    if kind and kind not in kinds:
        raise FixSettings(f"{at}: no sender is named {kind}. Known: {', '.join(sorted(kinds))}.")
    if kind and facts.get("mapping"):
        raise FixSettings(f"{at} has a `mapping`, which reads whatever it sends. Take `kind` out.")
    return Source(
        environment=str(facts.get("environment") or ""),
        kind=kind,
        mapping=str(facts.get("mapping") or ""),
        proof=_proof(facts, given[0], kind, at, credential),
    )


def _proof(facts: Mapping[str, Any], given: str, kind: str, at: str, credential: Callable[[str], str | None]) -> Proof:
    user, header = str(facts.get("user") or ""), str(facts.get("header") or "")
    stamp = str(facts.get("timestamp_header") or "")
    for key, value in (("header", header), ("timestamp_header", stamp)):
        if value and not HEADER.fullmatch(value):
            raise FixSettings(f"{at}: `{key}` is {value}, which is not a header's name.")
    if user and header:
        raise FixSettings(f"{at}: the token is either the password of `user` or stands in `header`. Leave one.")
    if given in ("secret_file", "topics") and (user or header):
        raise FixSettings(f"{at}: `user` and `header` say where a token stands, and it has none.")
    match given:
        case "topics":
            raw = facts["topics"]
            topics = tuple(str(one) for one in (raw if isinstance(raw, list) else [raw]))
            for topic in topics:
                if not TOPIC.fullmatch(topic):
                    raise FixSettings(f"{at}: {topic} is not a topic. Write arn:aws:sns:region:account:name.")
            return Proof(topics=topics)
        case "secret_file":
            default = kind if kind in set(Signature) else Signature.HUB
            word = str(facts.get("signature") or default)
            if word not in set(Signature):
                raise FixSettings(f"{at}: `signature` is {word}. Known: {', '.join(Signature)}.")
            raw = facts["secret_file"]
            read = [credential(str(one)) for one in (raw if isinstance(raw, list) else [raw])]
            return Proof(
                secrets=tuple(one.encode() for one in read if one), signature=Signature(word), timestamp_header=stamp
            )
        case "token_file":
            token = credential(str(facts["token_file"]))
            digest = hashlib.sha256(token.encode()).hexdigest() if token else ""
            return Proof(token_sha256=digest, user=user, header=header)
        case _:
            return Proof(token_sha256=str(facts["token_sha256"]), user=user, header=header)
