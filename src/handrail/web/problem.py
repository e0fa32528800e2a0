"""Answers that are no: one exception with a status and a sentence, shown as problem+json or as a page."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

TITLES = {
    400: "Bad request",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timed out",
    409: "Not done",
    413: "Too large",
    415: "Unsupported format",
    421: "Unknown host name",
    422: "A field is missing or invalid",
    429: "Too many attempts",
    500: "Unexpected error",
    503: "Try again",
}


class Problem(Exception):  # it is an answer, named for what it is
    """A refusal with its reason."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status, self.detail = status, detail


def answer(status: int, detail: str, *, after: int = 5) -> Response:
    """The refusal as problem+json (RFC 9457); `after` how many seconds it is worth to try again, where it is."""
    headers = {"Retry-After": str(after)} if status in (429, 503) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {"type": "about:blank", "title": TITLES.get(status, "Refused"), "status": status, "detail": detail}
    return Response(
        json.dumps(body, ensure_ascii=False), status_code=status, media_type="application/problem+json", headers=headers
    )


def as_json(value: Any, *, status: int = 200) -> Response:
    """A JSON answer; times in ISO form."""
    text = json.dumps(value, ensure_ascii=False, indent=1, default=_plain)
    return Response(text, status_code=status, media_type="application/json")


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return dict(value) if hasattr(value, "keys") else str(value)
