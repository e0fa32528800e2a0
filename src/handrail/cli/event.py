"""`handrail event`: a pipeline, a scan or a person tells that something happened; it is answered as an alert would be."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx

from handrail import app
from handrail.cli.verbs.look import SOURCE
from handrail.errors import FixSettings, HandrailError, TryAgain

OPTIONS = {
    "summary": "--summary",
    "key": "--key",
    "status": "--resolved",
}  # what is told of an event by a word of its own
TYPE = re.compile(r"[A-Za-z][\w.-]{0,127}")
LONGEST = 250  # characters of a service's name
SECONDS = 10.0  # that a Handrail elsewhere may take to answer


def event(
    body: dict[str, object],
    *,
    source: str,
    print_only: bool,
    to: str,
    secret_file: Path | None,
    config: Path,
    json_: bool,
) -> None:
    """Print it, send it elsewhere, or leave it for the server of this machine."""
    if print_only:
        print(json.dumps(body, ensure_ascii=False))
        return
    if to:
        said = _send(json.dumps(body).encode(), to=to, source=source, secret=_secret(secret_file))
    else:
        said = _store(json.dumps(body).encode(), source=source, config=config)
    where = f"{to} takes it up" if to else "A serving Handrail takes it up within a second"
    print(json.dumps(said) if json_ else f"{body['type']} is stored. {where}.")


def _sound(kind: str, service: str) -> None:
    """A server takes what it is sent, whatever its name; who types it is told of a slip."""
    if not TYPE.fullmatch(kind):
        raise FixSettings(f"{kind[:60]} is no name such as deployment.failed.")
    if len(service) > LONGEST:
        raise FixSettings(f"--service is longer than {LONGEST} characters.")


def _store(body: bytes, *, source: str, config: Path) -> dict[str, object]:
    """Into the record of this machine, for the process that serves it now or later."""
    with app.terminal(config) as (desk, _):
        known = desk.catalog.sources
        if source != SOURCE and source not in known:
            raise FixSettings(f"There is no source {source} in handrail.yaml. Known: {', '.join(known) or 'none'}.")
        receipt = desk.receive(source=source, body=body)
    if receipt.status >= 400:
        raise _refused(receipt.status, receipt.reason)
    return {"stored": receipt.post, "reason": receipt.reason}


def _send(body: bytes, *, to: str, source: str, secret: bytes) -> dict[str, object]:
    """To the signed webhook of a Handrail elsewhere. Nothing is followed to another address, and no proxy is asked."""
    headers = {
        "Content-Type": "application/cloudevents+json",
        "X-Hub-Signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}",
    }
    try:
        answer = httpx.post(
            f"{to.rstrip('/')}/api/v1/hooks/event/{quote(source, safe='')}",
            content=body,
            headers=headers,
            timeout=SECONDS,
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TryAgain(f"{to} gave no answer: {error}. Send it again: told twice it is one trouble.") from error
    try:
        told = answer.json()
    except ValueError:
        told = None
    if not isinstance(told, dict) or (answer.is_success and "stored" not in told):
        raise FixSettings(f"{to} answered {answer.status_code}, but not as a Handrail does. Look at the address.")
    if not answer.is_success:
        raise _refused(answer.status_code, str(told.get("detail", "")))
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
            raise FixSettings(f"{item} is no name=value. Write --data package=left-pad.")
        if name in OPTIONS:
            raise FixSettings(f"--data does not say {name}: {OPTIONS[name]} does.")
        found[name] = value
    return found
