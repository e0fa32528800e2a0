"""The JSON API: the same view and the same verbs for programs and the terminal. Errors are problem+json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from starlette.responses import Response

from handrail import incidents
from handrail.engine.desk import Desk
from handrail.incidents import Facts, IncidentView, words
from handrail.plans import Plan, canonical
from handrail.store import Store
from handrail.web import gather, news, verbs
from handrail.web.pages import Pages
from handrail.web.policy import Call, Policy, Router
from handrail.web.problem import Problem, as_json

BASE = "/api/v1"
MOST = 1000  # incidents of one answer
TERMINAL = "terminal"  # the source that a person is
Row = dict[str, Any]


class Api:
    """Reads for programs."""

    def __init__(self, *, desk: Desk, store: Store, catalog: gather.Catalog, sources: Collection[str]) -> None:
        self.desk, self.store, self.catalog, self.sources = desk, store, catalog, sources

    def event(self, call: Call) -> Response:
        """What a person saw happen: taken as a source's event, or as their own, `terminal`."""
        source, body = call.text("source", TERMINAL), call.fields.get("event")
        if source != TERMINAL and source not in self.sources:
            raise Problem(
                409,
                f"There is no source {source} in handrail.yaml. Known: {words.listed(list(self.sources)) or 'none'}.",
            )
        if not isinstance(body, dict):
            raise Problem(422, "The field event is missing, or is no object.")
        if call.who.approver.drill:
            self._drills_allowed_everywhere(call.who.approver.name)
        receipt = self.desk.receive(source=source, body=json.dumps(body).encode())
        if receipt.status >= 400:
            raise Problem(receipt.status, receipt.reason)
        return as_json({"stored": receipt.post, "reason": receipt.reason}, status=receipt.status)

    def _drills_allowed_everywhere(self, name: str) -> None:
        """A drill's contact tells nothing where drills are not allowed; whose a told event turns out to be is read later."""
        for one, place in self.catalog.places.items():
            if not place.drills_allowed:
                raise Problem(409, f"{name} is a drill contact, and drills are not allowed in {one}.")

    def incidents(self, call: Call) -> Response:
        """Incidents, newest first; `?status=open` for those that are not over, `?before=I-40&most=100` for a page.

        What gathers under a storm is inside that one: `?storm=I-11`. With `?says=yes` each says what is wrong.
        """
        asked = call.request.query_params
        status, storm = asked.get("status") or "", asked.get("storm") or ""
        if status not in ("", "open", "closed"):
            raise Problem(422, "status is open or closed.")
        most = _most(asked.get("most"))
        if storm:
            rows = self.store.members(storm, most=most, skip=_whole(asked.get("skip"), "skip"), status=status)
            return as_json({"incidents": self._listed(rows, says=asked.get("says") == "yes")})
        before = _whole((asked.get("before") or "").upper().removeprefix("I-"), "before")
        rows = self.store.listed(status=status, most=most, before=before)
        return as_json(
            {"incidents": self._listed(rows, says=asked.get("says") == "yes"), "counted": self.store.counted()}
        )

    def _listed(self, rows: Sequence[Row], *, says: bool) -> list[Row]:
        named = [_named(row, "I") for row in rows]
        if not says:
            return named
        told = (
            gather.headline(self.store, self.catalog, row, self.store.runs(incident=f"I-{row['number']}"))
            for row in rows
        )
        return [{**row, "says": one} for row, one in zip(named, told, strict=True)]

    def incident(self, call: Call) -> Response:
        """What the page says, as data."""
        return as_json(dataclasses.asdict(self._seen(call)))

    def news(self, call: Call) -> Response:
        """What happened since a line of the record, told in sentences, and where the incident stands."""
        return as_json(
            news.since(
                self.store, self.catalog, self._row(call), after=_whole(call.request.query_params.get("after"), "after")
            )
        )

    def times(self, call: Call) -> Response:
        """Seconds from the alert to each phase that was reached."""
        reached = incidents.figures.times(self._facts(call)).since_alert()
        return as_json({name: round(span.total_seconds(), 3) for name, span in reached})

    def plans_of_incident(self, call: Call) -> Response:
        """All plans of an incident, run by run."""
        runs = self.store.runs(incident=f"I-{self._row(call)['number']}")
        return as_json({"plans": [one for run in runs for one in self._plans(f"R-{run['number']}")]})

    def plans_of_run(self, call: Call) -> Response:
        """All plans of a run."""
        row = self.store.run(call.path("run"))
        if row is None:
            raise Problem(404, f"There is no run {call.path('run')}.")
        return as_json({"plans": self._plans(f"R-{row['number']}")})

    def freshness(self, call: Call) -> Response:
        """How fresh each runbook is: when it was drilled and used, how that ended."""
        found = gather.freshness(self.store, self.catalog)
        return as_json(
            {
                "runbooks": [
                    {**dataclasses.asdict(one), "drilled_says": incidents.freshness.drilled(one)} for one in found
                ]
            }
        )

    def run(self, call: Call) -> Response:
        """One run with its remedies, plans and evidence."""
        row = self.store.run(call.path("run"))
        if row is None:
            raise Problem(404, f"There is no run {call.path('run')}.")
        name = f"R-{row['number']}"
        kept = {key: value for key, value in _named(row, "R").items() if key != "values_"}
        return as_json(
            {
                **kept,
                "values": json.loads(row["values_"]),
                "remedies": self.store.remedies_of(name),
                "plans": [_plan(item, plan) for item, plan in self.store.plans_of(name)],
                "intents": self.store.intents_of(name),
                "evidence": [dataclasses.asdict(item) for item in self.store.evidence_of(name)],
            }
        )

    def plan(self, call: Call) -> Response:
        """One plan by its hash or the beginning of it."""
        found = self.store.plan(call.path("plan"))
        if found is None:
            raise Problem(404, self.store.no_plan(call.path("plan")))
        return as_json(self._shown(*found))

    def _plans(self, run: str) -> list[Row]:
        return [self._shown(row, plan) for row, plan in self.store.plans_of(run)]

    def _shown(self, row: Row, plan: Plan) -> Row:
        """A plan with how long its commands may take, and whether the document was edited since."""
        run = self.store.run(plan.run)
        runbook, binding, edited = gather.runbook_of(self.store, self.catalog, run) if run else (None, None, False)
        limits = gather.limits(self.catalog, runbook, binding, [plan]) if binding else {}
        return {**_plan(row, plan), "limits": limits, "edited": edited}

    def _row(self, call: Call) -> Row:
        row = self.store.incident(call.path("incident"))
        if row is None:
            raise Problem(404, f"There is no incident {call.path('incident')}.")
        return row

    def _facts(self, call: Call) -> Facts:
        facts = gather.facts(self.store, self.catalog, call.path("incident"))
        if facts is None:
            raise Problem(404, f"There is no incident {call.path('incident')}.")
        return facts

    def _seen(self, call: Call) -> IncidentView:
        return incidents.view(self._facts(call), now=self.store.now())


def verb_handler(verb: verbs.Verb, desk: Desk, store: Store) -> Callable[[Call], Response]:
    """Ask it of the desk: 200 where it was done, 409 with the sentence where it was not."""

    def handle(call: Call) -> Response:
        said = verb.ask(desk, store, call)
        if not said.done:
            raise Problem(409, said.says)
        return as_json({"done": True, "says": said.says, **({"incident": said.incident} if said.incident else {})})

    return handle


def add(
    router: Router, *, desk: Desk, store: Store, catalog: gather.Catalog, pages: Pages, sources: Collection[str] = ()
) -> None:
    """The API's routes."""
    api = Api(desk=desk, store=store, catalog=catalog, sources=sources)
    router.add("POST", f"{BASE}/events", Policy.RESPONDER, api.event)
    for path, handler in (
        ("/incidents", api.incidents),
        ("/incidents/{incident}", api.incident),
        ("/incidents/{incident}/news", api.news),
        ("/incidents/{incident}/plans", api.plans_of_incident),
        ("/incidents/{incident}/retrospective.ics", pages.retrospective),
        ("/incidents/{incident}/review", pages.review_markdown),
        ("/incidents/{incident}/times", api.times),
        ("/report", api.freshness),
        ("/runs/{run}", api.run),
        ("/runs/{run}/plans", api.plans_of_run),
        ("/plans/{plan}", api.plan),
    ):
        router.add("GET", f"{BASE}{path}", Policy.READER, handler)
    for verb in verbs.VERBS:
        router.add("POST", f"{BASE}{verb.path}", verb.policy, verb_handler(verb, desk, store))


def _most(text: str | None) -> int:
    found = _whole(text, "most") or MOST
    if found > MOST:
        raise Problem(422, f"most is at most {MOST}.")
    return found


def _whole(text: str | None, name: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 11:
        raise Problem(422, f"{name} is a whole number.")
    return int(text)


def _named(row: Row, letter: str) -> Row:
    return {"id": f"{letter}-{row['number']}", **{key: value for key, value in row.items() if key != "number"}}


def _plan(row: Row, plan: Plan) -> Row:
    return {
        "hash": row["hash"],
        "state": row["state"],
        "reason": row["reason"],
        "recommended": bool(row["recommended"]),
        "plan": json.loads(canonical(dataclasses.asdict(plan))),
    }
