"""Session tokens: JSON Web Tokens signed with HMAC-SHA256."""

import base64
import hashlib
import hmac
import json
from typing import Any

HEADER = {"alg": "HS256", "typ": "JWT"}


def sign(claims: dict[str, Any], secret: str) -> str:
    text = f"{_encode(json.dumps(HEADER).encode())}.{_encode(json.dumps(claims).encode())}"
    return f"{text}.{_signature(text, secret)}"


def claims(token: str, secret: str) -> dict[str, Any] | None:
    """What the token says, or None when we did not sign it."""
    text, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature, _signature(text, secret)):
        return None
    payload = text.partition(".")[2]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def _signature(text: str, secret: str) -> str:
    return _encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
