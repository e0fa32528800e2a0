"""What a message says at the moment it is sent: a row of the outbox says what it is about, the record says the rest.

One that is not worth sending any more says why instead: a plan that was decided, a page that somebody acknowledged, an
incident that is over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any

from handrail import incidents
from handrail.alerts import UNKNOWN_SERVICE
from handrail.engine.catalog import Catalog
from handrail.engine.standpoint import Standpoint, duties_of, standpoint
from handrail.errors import HandrailError
from handrail.evidence import Evidence, Look
from handrail.incidents import messages, storms, updates
from handrail.incidents.messages import Message, Moot, Proposal
from handrail.incidents.words import short
from handrail.notify import outbox
from handrail.plans import Plan
from handrail.remedies import Standing
from handrail.store import Store

Row = dict[str, Any]

UNTIL_ANSWERED = ("alert", "raised", "unanswered", "unreached")  # reasons for a page that an acknowledgement ends
NEEDS_AN_OPEN_INCIDENT = (
    "page",
    "plan",
    "unknown",
    "did_not_help",
    "failed",
    "refused",
    "handed_over",
    "channel",
    "commander",
    "storm",
    "digest",
)


class Outgoing:
    """Puts rows of the outbox into words. `url` is the server's public address, empty where it has none."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        url: str,
        zone: tzinfo,
        weather: Callable[[Row], storms.Weather] | None = None,
    ) -> None:
        """`weather` says how a storm stands."""
        self.store, self.catalog, self.url, self.zone, self._weather = store, catalog, url, zone, weather

    def renew(self, *, url: str, zone: tzinfo) -> None:
        """Take over what settings say of links and of where the people are."""
        self.url, self.zone = url, zone

    def render(self, row: Row) -> Message | Moot:
        """The message as of now."""
        kind = row["kind"] or ""
        here = standpoint(self.store, self.catalog, row["incident"])
        if here is None or not kind:
            return outbox.as_kept(row)
        if kind in NEEDS_AN_OPEN_INCIDENT and not here.open:
            return Moot(reason=f"{here.name} is over")
        facts: Row = json.loads(row["about"] or "{}")
        match kind:
            case "page":
                return self._page(here, facts, person=row["person"])
            case "plan":
                return self._plan(here, facts["plan"])
            case "unknown" | "did_not_help" | "failed" | "refused":
                return self._remedy(here, kind, facts)
            case "handed_over":
                return self._handed_over(here, facts["run"])
            case "over":
                return self._over(here, person=row["person"])
            case "channel":
                return messages.channel(self.about(here))
            case "commander":
                return messages.commander(self.about(here))
            case "update":
                return self._update(here, row)
            case "storm" | "digest":
                return self._storm(here, kind, facts, person=row["person"])
        return messages.told(row["title"], row["body"], incident=here.name, alone=kind == "retrospective")

    # -- one for each kind ---------------------------------------------------------------------------------------------

    def _page(self, here: Standpoint, facts: Row, *, person: str) -> Message | Moot:
        if here.has_it == person:
            return Moot(reason=f"{person} has {here.name} already")
        if here.has_it and facts["why"] in UNTIL_ANSWERED:
            return Moot(reason=f"{here.has_it} acknowledged {here.name}")
        if here.verified and facts["why"] == "late":
            return Moot(reason="the fix is verified")
        if here.gathered:
            return Moot(reason=f"{here.name} is part of the storm I-{here.row['storm']}")
        title, duties = duties_of(here, facts["level"], self.catalog)
        return messages.page(
            self.about(here),
            level=facts["level"],
            role=title,
            because=facts["because"],
            duties=[text for _, text in duties],
            lists=storms.lines(self._weather(here.row)) if here.row["gathers"] and self._weather else (),
        )

    def _storm(self, here: Standpoint, kind: str, facts: Row, *, person: str) -> Message | Moot:
        """A storm as it stands now: for who was paged for it, and for who answers for services in it."""
        if here.has_it not in ("", person) and kind == "storm":
            return Moot(reason=f"{here.has_it} acknowledged {here.name}")
        if self._weather is None:
            return Moot(reason=f"{here.name} is no storm")
        weather = self._weather(here.row)
        if kind == "storm":
            return messages.storm(self.about(here), lists=storms.lines(weather))
        return messages.digest(self.about(here), services=facts["services"], lists=[*map(storms.says, weather.shared)])

    def _plan(self, here: Standpoint, digest: str) -> Message | Moot:
        found = self.store.plan(digest)
        if found is None:
            return Moot(reason=f"plan {short(digest)} is not in the record")
        row, plan = found
        if row["state"] != "waiting":
            return Moot(reason=f"plan {short(digest)} is {row['state']}{': ' if row['reason'] else ''}{row['reason']}")
        if plan.expires_at <= self.store.now():
            return Moot(reason=f"plan {short(digest)} expired")
        return messages.proposal(self.about(here, plan=plan))

    def _remedy(self, here: Standpoint, kind: str, facts: Row) -> Message | Moot:
        run = str(facts["run"])
        state = next((one for one in self.store.remedies_of(run) if one["name"] == facts["remedy"]), None)
        if state is None:
            return Moot(reason=f"{facts['remedy']} is not in the record")
        about, title = self.about(here), str(state["title"])
        match kind:
            case "unknown":
                open_ = next((one for one in self.store.intents_of(run) if one["outcome"] == "unknown"), None)
                if state["standing"] != Standing.UNKNOWN:
                    return Moot(reason="the outcome is known by now")
                where = f" {run} {open_['plan'][:8]} {open_['command']}" if open_ else f" {run}"
                command = f"handrail settle{where} --happened (or --did-not-happen)"
                return messages.unknown(about, title=title, command=command)
            case "did_not_help":
                offered = any(one["standing"] == Standing.OFFERED for one in self.store.remedies_of(run))
                undo = f"handrail undo {run}" if offered else ""
                return messages.did_not_help(about, title=title, says=facts["says"], undo=undo)
            case "failed":
                return messages.failed(about, title=title, says=facts["says"])
        return messages.refused(about, title=title, by=facts["by"], says=facts["says"])

    def _handed_over(self, here: Standpoint, run: str) -> Message | Moot:
        row = self.store.run(run)
        if row is None or row["handed_over_at"] is None:
            return Moot(reason=f"{run} goes on")
        return messages.handed_over(self.about(here), says=row["waits_for"] or row["reason"])

    def _over(self, here: Standpoint, *, person: str) -> Message | Moot:
        told = [row for row in self.store.messages(incident=here.name) if row["person"] == person]
        if not any(row["state"] == "sent" for row in told):
            return Moot(reason=f"{person} was told nothing of {here.name} before")
        over = self.store.events(incident=here.name, kinds=("incident_closed",))
        reason = next((str(event.payload["reason"]) for event in reversed(over)), "") or "it was closed"
        took = updates.took(here.row["opened_at"], here.row["closed_at"] or self.store.now())
        return messages.closed(self.about(here), took=took, reason=reason)

    def _update(self, here: Standpoint, row: Row) -> Message | Moot:
        """What the status page says; where it did not get through and there is news, that is told instead."""
        known = self.store.updates(incident=here.name)
        if (row["tries"] or 0) and known and known[-1]["text"] != row["body"]:
            return Moot(reason="a newer update is out")
        return messages.told(row["title"], row["body"], incident=here.name)

    # -- the incident as it stands -------------------------------------------------------------------------------------

    def about(self, here: Standpoint, *, plan: Plan | None = None) -> messages.About:
        """The incident in plain values; `plan` is the one that waits, found where it is not given."""
        leading = here.leading
        run = f"R-{leading['number']}" if leading else ""
        waits = plan or self._waiting(here)
        events = self.store.events(incident=here.name, kinds=incidents.SAID) if leading else ()
        title = incidents.what_is_wrong(
            here.row, run=dict(leading) if leading else None, binding=here.binding, events=events
        )
        if here.row["gathers"] and self._weather:
            weather = self._weather(here.row)
            title = storms.title(weather.total, weather.environment, weather.by_severity)
        return messages.About(
            incident=here.name,
            title=title,
            severity=here.row["severity"],
            environment=here.row["environment"],
            scope="" if here.row["service"] == UNKNOWN_SERVICE else here.row["service"] or "",
            runbook=leading["runbook"] if leading else "",
            has_it=here.has_it,
            drill=here.drill,
            since=here.row["opened_at"],
            now=self.store.now(),
            zone=self.zone,
            found=self._found(here, run, waits),
            plan=self._proposal(waits) if waits else None,
            link=f"{self.url}/incidents/{here.name}" if self.url else "",
        )

    def _waiting(self, here: Standpoint) -> Plan | None:
        now = self.store.now()
        for run in here.runs:
            for row, plan in self.store.plans_of(f"R-{run['number']}"):
                if row["state"] == "waiting" and row["recommended"] and plan.expires_at > now:
                    return plan
        return None

    def _proposal(self, plan: Plan) -> Proposal:
        says = [command.preview.says for command in plan.commands if command.preview.says]
        back = [f"none: {one.undo.says}" if one.undo.irreversible else one.undo.says for one in plan.commands]
        return Proposal(
            hash=plan.hash,
            title=plan.title,
            effect=[one for one in dict.fromkeys((*says, plan.reach.says)) if one],
            expected=self._expected(plan),
            way_back="; ".join(dict.fromkeys(one for one in back if one)),
            expires_at=plan.expires_at,
        )

    def _expected(self, plan: Plan) -> str:
        try:
            _, _, binding = self.catalog.runbook(plan.runbook)
        except HandrailError:
            return ""
        return next((one.expected_effect for one in binding.remedies or () if one.name == plan.remedy), "")

    def _found(self, here: Standpoint, run: str, plan: Plan | None) -> Sequence[str]:
        """The two most telling looks, each with its step: those that the plan rests on, else the document's first."""
        if not run:
            return ()
        rests = set(plan.evidence) if plan else set()
        own = self.store.evidence_of(run if plan is None else plan.run)
        runbook = here.runbook
        names = incidents.sentences.Names(steps=incidents.sentences.steps_of(runbook) if runbook else {})
        newest = {item.command: item for item in own if ":" not in item.command and item.look is Look.SEEN}
        ordered = sorted(newest.values(), key=lambda item: not _speaks(item, rests))
        return [f"{names.command(item.command)}: {incidents.telling(item)}" for item in ordered[: messages.FOUND]]


def _speaks(item: Evidence, rests: set[str]) -> bool:
    return item.id in rests or item.digest in rests
