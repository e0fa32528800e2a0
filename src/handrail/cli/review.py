"""`handrail review`: what happened in an incident, as Markdown, and the date of its retrospective for a calendar."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from handrail.cli import terminal
from handrail.cli.asked import At
from handrail.client import Desk
from handrail.client.asking import part
from handrail.errors import FixSettings


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """A review, the seconds to each phase, and the calendar's file; empty where no date was set."""

    text: str
    times: dict[str, float]
    calendar: bytes = b""


def review(incident: str, *, at: At, output: Path | None, calendar: Path | None, json_: bool) -> None:
    """The review, or the retrospective's date."""
    desk = at.desk()
    if desk is None:
        from handrail.cli import archive  # a review is drafted from the runbooks: without a server they are read here

        found = archive.review(at.config, incident)
    else:
        found = _from(desk, incident, calendar=calendar is not None)
    if calendar is not None:
        if not found.calendar:
            raise FixSettings(
                f"No date was set for a retrospective of {incident}. It is set when the incident is over and its "
                "runbook's binding says `retrospective`."
            )
        calendar.write_bytes(found.calendar)
        print(f"Written to {calendar}.")
    elif json_:
        print(json.dumps({"incident": incident, "review": found.text, "times": found.times}, indent=2))
    elif output is None:
        print(terminal.flowing(found.text))
    else:
        output.write_text(found.text, encoding="utf-8")
        print(f"Written to {output}.")


def _from(desk: Desk, incident: str, *, calendar: bool) -> Drafted:
    about = f"/incidents/{part(incident)}"
    invited = b""
    if calendar:
        desk.get(f"{about}/times")  # says no where there is no such incident
        answer = desk.ask("GET", f"{about}/retrospective.ics")
        invited = str(answer.body).encode() if answer.status == 200 else b""
    return Drafted(text=str(desk.get(f"{about}/review")), times=desk.get(f"{about}/times"), calendar=invited)
