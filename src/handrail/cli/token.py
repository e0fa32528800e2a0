"""A fresh token for a person or a source: shown once, kept by whoever uses it; Handrail keeps its SHA-256."""

from __future__ import annotations

import hashlib
import json
import secrets

from handrail.environments import TOKEN_PREFIX


def fresh_token() -> str:
    """192 bits of chance behind the prefix by which a token of ours is known, and masked, wherever it shows up."""
    return TOKEN_PREFIX + secrets.token_urlsafe(24)


def token(*, json_: bool) -> None:
    """Make a token for people.yaml or a source: printed once, kept nowhere."""
    made = fresh_token()
    digest = hashlib.sha256(made.encode()).hexdigest()
    if json_:
        print(json.dumps({"token": made, "token_sha256": digest}))
        return
    print(f"token: {made}\ntoken_sha256: {digest}")
    print("Give the token to its owner. Write the token_sha256 into people.yaml or `sources`. It is not kept here.")
