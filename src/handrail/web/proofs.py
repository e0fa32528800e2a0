"""How a source proves itself: by a token before its body is read, or by a signature of the body. Compared in constant time."""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from handrail.environments import Proof, Signature
from handrail.web import people

HUB = "X-Hub-Signature-256"
PAGERDUTY = "X-PagerDuty-Signature"
GRAFANA = "X-Grafana-Alerting-Signature"
HEADERS = {Signature.HUB: HUB, Signature.PAGERDUTY: PAGERDUTY, Signature.GRAFANA: GRAFANA}
FRESH = timedelta(minutes=5)  # a signed time that is further off is a replay, or a clock's mistake
MOST_SIGNATURES = 10  # that one header may hold while a secret is changed


class Verdict(enum.Enum):
    """What a message's signature says."""

    PROVEN = "proven"
    FORGED = "forged"
    STALE = "stale"  # rightly signed, at another time


def by_token(proof: Proof) -> bool:
    """Whether it is known before the body is read."""
    return not proof.secrets and not proof.topics


def has_token(proof: Proof, headers: Mapping[str, str]) -> bool:
    """Whether the token is the source's: a bearer's, a password's, or that of a header of its own."""
    if proof.header:
        given = headers.get(proof.header.lower(), "")
    elif proof.user:
        user, given = _basic(headers.get("authorization", ""))
        if not hmac.compare_digest(people.digest(user), people.digest(proof.user)):
            given = ""
    else:
        given = people.bearer(headers.get("authorization")) or ""
    right = hmac.compare_digest(people.digest(given), (proof.token_sha256 or people.NOBODY).lower())
    return right and bool(proof.token_sha256) and bool(given)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(packed.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def asked_for(proof: Proof) -> str:
    """How it should have proven itself, for the sentence of a refusal."""
    if proof.topics:
        return "Amazon's signature"
    if proof.secrets:
        return HEADERS[proof.signature]
    if proof.header:
        return f"the token in {proof.header}"
    return "the user and password" if proof.user else "the token"


def signed(proof: Proof, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Verdict:
    """What the signature of this body says, by any of the source's secrets."""
    header = headers.get(HEADERS[proof.signature].lower(), "")
    match proof.signature:
        case Signature.HUB:
            right = _any(proof.secrets, body, [header.removeprefix("sha256=")] if header.startswith("sha256=") else [])
        case Signature.PAGERDUTY:
            parts = [part.strip() for part in header.split(",")[:MOST_SIGNATURES]]
            right = _any(proof.secrets, body, [part.removeprefix("v1=") for part in parts if part.startswith("v1=")])
        case Signature.GRAFANA:
            return _grafana(proof, headers, header, body, now=now)
    return Verdict.PROVEN if right else Verdict.FORGED


def _grafana(proof: Proof, headers: Mapping[str, str], header: str, body: bytes, *, now: datetime) -> Verdict:
    """With a header of its own for the time, the time is signed too."""
    if not proof.timestamp_header:
        return Verdict.PROVEN if _any(proof.secrets, body, [header]) else Verdict.FORGED
    stamp = headers.get(proof.timestamp_header.lower(), "")
    if not _any(proof.secrets, f"{stamp}:".encode() + body, [header]):
        return Verdict.FORGED
    seconds = float(stamp) if stamp.isdecimal() and len(stamp) < 12 else 0.0
    return Verdict.PROVEN if abs(now.timestamp() - seconds) <= FRESH.total_seconds() else Verdict.STALE


def _any(secrets: tuple[bytes, ...], signed_text: bytes, signatures: list[str]) -> bool:
    """Every pair is compared, whichever fits."""
    right = False
    for secret in secrets:
        wanted = hmac.new(secret, signed_text, hashlib.sha256).hexdigest().encode()
        for given in signatures:
            right |= hmac.compare_digest(wanted, given.strip().lower().encode())
    return right
