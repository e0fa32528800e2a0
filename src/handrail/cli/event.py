"""`handrail event`: a pipeline, a scan or a person tells that something happened; it is answered as an alert would be."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from handrail import app
from handrail.errors import FixSettings

SOURCE = "terminal"


def event(
    kind: Annotated[
        str, typer.Argument(metavar="TYPE", help="What happened, as a binding's trigger names it: deployment.failed.")
    ],
    service: Annotated[str, typer.Option("--service", "-s", help="What it is about.")] = "",
    summary: Annotated[str, typer.Option("--summary", "-m", help="One sentence for people.")] = "",
    data: Annotated[
        list[str] | None, typer.Option("--data", "-d", help="What else is known, as name=value; becomes a label.")
    ] = None,
    key: Annotated[str, typer.Option(help="Tells this trouble from another of the same kind and service.")] = "",
    resolved: Annotated[bool, typer.Option("--resolved", help="It is over.")] = False,
    source: Annotated[
        str, typer.Option(help="Who says so: a source of handrail.yaml, which names the environment.")
    ] = SOURCE,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the CloudEvent, to be sent by something else.")
    ] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="handrail.yaml, or the folder it stands in.")] = Path(),
    json_: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Tell Handrail of an event, as a pipeline would by the signed webhook."""
    body = _event(kind, service, summary, _pairs(data or []), key=key, resolved=resolved)
    if print_only:
        print(json.dumps(body, ensure_ascii=False))
        return
    with app.terminal(config) as (desk, _):
        receipt = desk.receive(source=source, body=json.dumps(body).encode())
    if receipt.status >= 400:
        raise FixSettings(f"The event was not taken: {receipt.reason}.")
    said = {"stored": receipt.post, "reason": receipt.reason}
    print(json.dumps(said) if json_ else f"{kind} is stored. A serving Handrail takes it up within a second.")


def _event(
    kind: str, service: str, summary: str, data: dict[str, str], *, key: str, resolved: bool
) -> dict[str, object]:
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


def _pairs(given: list[str]) -> dict[str, str]:
    found = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise FixSettings(f"{item} is no name=value. Write --data package=left-pad.")
        found[name] = value
    return found
