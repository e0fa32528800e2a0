"""`handrail event`: a pipeline, a scan or a person tells that something happened; it is answered as an alert would be."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path

from handrail import client
from handrail.cli import hands
from handrail.cli.asked import At
from handrail.cli.verbs.look import SOURCE
from handrail.client import Desk, place
from handrail.client.asking import part
from handrail.errors import FixSettings, HandrailError, TryAgain

OPTIONS = {
    "summary": "--summary",
    "key": "--key",
    "status": "--resolved",
}  # what is told of an event by a word of its own
TYPE = re.compile(r"[A-Za-z][\w.-]{0,127}")
LONGEST = 250  # characters of a service's name


def event(
    body: dict[str, object], *, source: str, print_only: bool, to: str, secret_file: Path | None, at: At, json_: bool
) -> None:
    """Print it, send it elsewhere, or give it to the server of this machine."""
    if print_only:
        print(json.dumps(body, ensure_ascii=False))
        return
    if to:
        said, where = (
            _send(json.dumps(body).encode(), to=to, source=source, secret=_secret(secret_file)),
            f"{to} takes it up",
        )
    elif (desk := at.desk()) is not None:
        said, where = _give(desk, body, source=source), "It is taken up within a second"
    else:
        said, where = _leave(body, source=source, at=at), "No server runs: the next start takes it up"
    print(json.dumps(said) if json_ else f"{body['type']} is stored. {where}.")


def _sound(kind: str, service: str) -> None:
    """A server takes what it is sent, whatever its name; who types it is told of a slip."""
    if not TYPE.fullmatch(kind):
        raise FixSettings(f"{kind[:60]} is not a name such as deployment.failed.")
    if len(service) > LONGEST:
        raise FixSettings(f"--service is longer than {LONGEST} characters.")


def _give(desk: Desk, body: dict[str, object], *, source: str) -> dict[str, object]:
    answer = desk.post("/events", {"source": source, "event": body})
    if answer.status >= 400:
        raise FixSettings(answer.says) if answer.status == 409 else _refused(answer.status, answer.says)
    return dict(answer.body)


def _leave(body: dict[str, object], *, source: str, at: At) -> dict[str, object]:
    """For the server that starts next."""
    known = place.load(at.place().settings).get("sources") or {}
    if source != SOURCE and source not in known:
        raise FixSettings(f"There is no source {source} in handrail.yaml. Known: {', '.join(known) or 'none'}.")
    hands.leave(at, "event", fields={"source": source, "event": body})
    return {"stored": 0, "reason": "kept for the next start"}


def _send(body: bytes, *, to: str, source: str, secret: bytes) -> dict[str, object]:
    """To the signed webhook of a Handrail elsewhere. Nothing is followed to another address, and no proxy is asked."""
    headers = {
        "Content-Type": "application/cloudevents+json",
        "X-Hub-Signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}",
    }
    try:
        answer = client.send(to, f"/api/v1/hooks/event/{part(source)}", body, headers)
    except TryAgain as error:
        raise TryAgain(f"{error} Send it again: told twice it is one trouble.") from error
    told = answer.body
    if not isinstance(told, dict) or (answer.status < 300 and "stored" not in told):
        raise FixSettings(f"{to} answered {answer.status}, but not as a Handrail does. Look at the address.")
    if answer.status >= 300:
        raise _refused(answer.status, str(told.get("detail", "")))
    return {"stored": told["stored"], "reason": told.get("reason", "")}


def _refused(status: int, reason: str) -> HandrailError:
    kind = TryAgain if status >= 500 else FixSettings
    return kind(f"The event was not taken: {reason.rstrip('.')}.")


def _secret(file: Path | None) -> bytes:
    if file is None:
        raise FixSettings("A Handrail elsewhere takes only what is signed: name the secret's file with --secret-file.")
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise FixSettings(f"{file} cannot be read: {error.strerror}.") from error
    if not secret:
        raise FixSettings(f"{file} is empty, and would sign nothing.")
    return secret


def made(kind: str, service: str, summary: str, data: dict[str, str], *, key: str, resolved: bool) -> dict[str, object]:
    """The CloudEvent."""
    _sound(kind, service)
    told = {**data, "key": key, "summary": summary, "status": "resolved" if resolved else ""}
    return {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "handrail event",
        "type": kind,
        **({"subject": service} if service else {}),
        "time": datetime.now(UTC).isoformat(),
        "data": {name: value for name, value in told.items() if value},
    }


def pairs(given: list[str]) -> dict[str, str]:
    """What was given as name=value."""
    found = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise FixSettings(f"{item} is not name=value. Write --data package=left-pad.")
        if name in OPTIONS:
            raise FixSettings(f"--data does not say {name}: {OPTIONS[name]} does.")
        found[name] = value
    return found
