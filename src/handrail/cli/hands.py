"""What a person does from a terminal: each verb is asked of the server, which does it as the page's button does.

Where no server runs, what stops something or says that somebody is there is kept for the next one; the rest says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import typer

from handrail.cli import follow as following
from handrail.cli.asked import At
from handrail.client import Answer, Desk, Wish, wishes
from handrail.client.asking import part
from handrail.errors import FixSettings, TryAgain
from handrail.store import readonly

NOBODY = (401, 403, 404, 409)  # the answer is no; others are a mistake in what was asked


def decide(plan: str, *, yes: bool, at: At, reason: str, follow: bool, json_: bool) -> None:
    """Yes or no to exactly this plan."""
    desk = at.needed()
    about = _incident_of_plan(desk, plan) if follow else ""
    after = int(desk.get(f"/incidents/{about}/news", after=_END)["last"]) if about else 0
    fields = {"decision": "approve" if yes else "refuse", "reason": reason}
    _told(desk.post(f"/plans/{part(plan)}/decision", fields), as_json=json_)
    if about:
        raise typer.Exit(following.follow(desk, about, after=after))


_END = 10**10  # after the last line of any record: only where it stands is wanted


def run(
    runbook: str,
    *,
    at: At,
    incident: str,
    service: str,
    environment: str,
    values: Mapping[str, str],
    follow: bool,
    json_: bool,
) -> None:
    """For an incident that there is, or a new one."""
    desk = at.needed()
    if incident:
        answer = desk.post(f"/incidents/{part(incident)}/choose", {"runbook": runbook, "values": values})
    else:
        answer = desk.post(
            "/open", {"runbook": runbook, "service": service, "environment": environment, "values": values}
        )
        incident = answer.incident
    _told(answer, as_json=json_)
    if follow:
        raise typer.Exit(following.follow(desk, incident))


def ask(path: str, fields: Mapping[str, Any], *, at: At, json_: bool) -> None:
    """A wish that only a server can do."""
    _told(at.needed().post(path, fields), as_json=json_)


def ask_or_leave(path: str, *, verb: str, about: str = "", at: At, json_: bool) -> None:
    """A wish that is kept where no server runs: it is done before anything else by the next one."""
    try:
        desk = at.desk()
        if desk is not None:
            _told(desk.post(path, {}), as_json=json_)
            return
    except TryAgain as error:  # it hangs, or is just ending: what a person wants now does not hang on it
        if at.to:
            raise
        _left(verb, about, at=at, because=str(error), json_=json_)
    else:
        _left(verb, about, at=at, because=f"No server runs on {at.place().state}.", json_=json_)


def leave(state_of: At, verb: str, about: str = "", *, fields: Mapping[str, Any] | None = None) -> None:
    """Kept when this returns."""
    wishes.leave(state_of.place().state, Wish(verb=verb, about=about, at=datetime.now(UTC), fields=fields or {}))


def _left(verb: str, about: str, *, at: At, because: str, json_: bool) -> None:
    """Kept, where the record knows what it is about."""
    place = at.place()
    if about:
        with readonly.opened(place.record) as record:
            found = record.named(about) if record is not None else ""
        if not found:
            raise FixSettings(f"{because} Its record has no {about}: nothing was kept.")
        about = found
    leave(at, verb, about)
    says = f"{because} It is kept: the server does it before anything else once it runs."
    print(json.dumps({"done": False, "kept": True, "says": says}) if json_ else says)


def _incident_of_plan(desk: Desk, plan: str) -> str:
    try:
        return str(desk.get(f"/plans/{part(plan)}")["plan"]["incident"])
    except FixSettings:  # the verb itself says it better
        return ""


def _told(answer: Answer, *, as_json: bool) -> None:
    if answer.status not in (200, *NOBODY):
        raise FixSettings(answer.says)
    done = answer.status == 200
    print(json.dumps({"done": done, "says": answer.says}, ensure_ascii=False) if as_json else answer.says)
    if not done:
        raise typer.Exit(1)
