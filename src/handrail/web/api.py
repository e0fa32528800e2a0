"""The JSON API: the same view and the same verbs for programs and the terminal. Errors are problem+json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from handrail import incidents
from handrail.engine.desk import Desk
from handrail.plans import Plan, canonical
from handrail.store import Store
from handrail.web import gather, verbs
from handrail.web.pages import Pages
from handrail.web.policy import Call, Policy, Router
from handrail.web.problem import Problem, as_json

BASE = "/api/v1"
MOST = 1000  # incidents of one answer
Row = dict[str, Any]


class Api:
    """Reads for programs."""

    def __init__(self, *, store: Store, catalog: gather.Catalog) -> None:
        self.store, self.catalog = store, catalog

    def incidents(self, call: Call) -> Response:
        """Incidents, newest first; `?status=open` for those that are not over, `?before=I-40&most=100` for a page.

        What gathers under a storm is inside that one: `?storm=I-11`.
        """
        asked = call.request.query_params
        status, storm = asked.get("status") or "", asked.get("storm") or ""
        if status not in ("", "open", "closed"):
            raise Problem(422, "status is open or closed.")
        most = _most(asked.get("most"))
        if storm:
            rows = self.store.members(storm, most=most, skip=_whole(asked.get("skip"), "skip"), status=status)
            return as_json({"incidents": [_named(row, "I") for row in rows]})
        before = _whole((asked.get("before") or "").upper().removeprefix("I-"), "before")
        rows = self.store.listed(status=status, most=most, before=before)
        return as_json({"incidents": [_named(row, "I") for row in rows], "counted": self.store.counted()})

    def incident(self, call: Call) -> Response:
        """What the page says, as data."""
        facts = gather.facts(self.store, self.catalog, call.path("incident"))
        if facts is None:
            raise Problem(404, f"There is no incident {call.path('incident')}.")
        return as_json(dataclasses.asdict(incidents.view(facts, now=self.store.now())))

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
            raise Problem(404, f"No plan's hash begins with {call.path('plan')}, or several do. Give more of it.")
        return as_json(_plan(*found))


def verb_handler(verb: verbs.Verb, desk: Desk, store: Store) -> Callable[[Call], Response]:
    """Ask it of the desk: 200 where it was done, 409 with the sentence where it was not."""

    def handle(call: Call) -> Response:
        said = verb.ask(desk, store, call)
        if not said.done:
            raise Problem(409, said.says)
        return as_json({"done": True, "says": said.says})

    return handle


def add(router: Router, *, desk: Desk, store: Store, catalog: gather.Catalog, pages: Pages) -> None:
    """The API's routes."""
    api = Api(store=store, catalog=catalog)
    for path, handler in (
        ("/incidents", api.incidents),
        ("/incidents/{incident}", api.incident),
        ("/incidents/{incident}/review", pages.review_markdown),
        ("/runs/{run}", api.run),
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
