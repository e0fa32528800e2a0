"""The pages, rendered on the server: they work without JavaScript; what is live is sent by `live`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from handrail import incidents
from handrail.approvals import APPROVER
from handrail.engine.desk import Desk, Told
from handrail.engine.storms import Weathers, hit_of
from handrail.errors import HandrailError
from handrail.incidents import retrospective, storms, words
from handrail.remedies import Standing, in_a_word, parameters
from handrail.store import Store
from handrail.syntax.reading import wrong_with
from handrail.web import chart, gather, verbs
from handrail.web.people import Known, Sessions
from handrail.web.policy import ACTING, Call, Policy, Router
from handrail.web.problem import TITLES, Problem
from handrail.web.settings import Person, WebSettings

LOCAL = re.compile(r"^/(?:[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*/?)?$")
# characters that steer what is shown around them: controls, and those that turn the direction of writing
STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
REGIONS = ("head", "storm", "plan", "seen", "runs", "people", "tasks", "timeline", "bar")
PAGE = 50  # so many incidents of a kind stand on one page of the list
SHOWN = timedelta(days=90)  # how long what is over stands on the status page
NARROW, WIDE = (336, 190), (760, 210)


@dataclass(frozen=True, kw_only=True)
class OnCall:
    """Who is on call for what, until when."""

    who: str
    what: str
    until: str = ""  # with the time zone of the schedule


def visible(value: Any) -> Any:
    """A text with what would steer the page's own writing made visible; an alert's author may have put it there."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return STEERING.sub(lambda found: f"\\u{{{ord(found[0]):x}}}", value)


class Pages:
    """Everything a page needs to be written."""

    def __init__(
        self,
        *,
        desk: Desk,
        store: Store,
        catalog: gather.Catalog,
        people: Sequence[Person],
        settings: WebSettings,
        sessions: Sessions,
        on_call: Callable[[], Sequence[OnCall]],
        measured: Callable[[], str] = str,
    ) -> None:
        self.desk, self.store, self.catalog, self.people = desk, store, catalog, people
        self.settings, self.sessions, self.on_call = settings, sessions, on_call
        self.measured = measured
        self.zone = ZoneInfo(settings.zone)
        self._weathers = Weathers(store=store)
        self.templates = jinja2.Environment(
            loader=jinja2.PackageLoader("handrail.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            finalize=visible,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters.update(
            clock=self._clock,
            clock_of=self._clock_of,
            span=words.duration,
            took=lambda seconds: f"{seconds:.1f} s" if seconds >= 0.05 else "under 0.1 s",
            short=words.short,
            ago=self._ago,
            sentence=words.sentence,
        )
        self.templates.globals.update(
            amount=words.amount,
            count=words.count,
            target_time=words.target_time,
            listed=words.listed,
            spark=chart.spark,
            held_at=lambda at: retrospective.told(at, zone=self.zone),
        )

    # -- rendering -------------------------------------------------------------------------------------------------

    def _clock(self, moment: datetime, seconds: bool = True) -> str:
        return words.clock(moment, now=self.store.now(), zone=self.zone, seconds=seconds)

    def _clock_of(self, moment: datetime, of: datetime) -> str:
        """The time of day, with the date when it is not that of `of`."""
        return words.clock(moment, now=of, zone=self.zone)

    def _ago(self, moment: datetime) -> Markup:
        """How long ago, ticking where there is JavaScript."""
        span = words.duration(timedelta(seconds=int((self.store.now() - moment).total_seconds())))
        return Markup('<time datetime="{}" data-since="{:.0f}">{}</time>').format(
            moment.isoformat(), moment.timestamp(), span
        )

    def render(self, template: str, known: Known | None, *, status: int = 200, **values: Any) -> Response:
        """A whole page. Whoever is not signed in learns nothing from what surrounds it."""
        inside = known is not None or (self.settings.open_reading and self.settings.loopback)
        shared = {
            "known": known,
            "can_act": known is not None and bool(set(known.person.roles) & ACTING),
            "can_approve": known is not None and APPROVER in known.person.roles,
            "inside": inside,
            "waiting": self.store.waiting_count() if inside else 0,
            "paused_by": self.store.setting(gather.PAUSED) if inside else "",
            "now": self.store.now(),
            "told": "",
        }
        return HTMLResponse(self.templates.get_template(template).render(**{**shared, **values}), status_code=status)

    def refusal(self, status: int, detail: str, known: Known | None) -> Response:
        """A page that says no."""
        return self.render("problem.html", known, status=status, title=TITLES.get(status, "Refused"), detail=detail)

    # -- pages -----------------------------------------------------------------------------------------------------

    def home(self, call: Call) -> Response:
        """Incidents, open first; what gathers under a storm is inside that one."""
        before = call.request.query_params.get("before", "")
        older = int(before) if before.isdecimal() and len(before) < 12 else 0
        which = call.request.query_params.get("status", "")
        counted = self.store.counted()
        shown = {
            status: self.store.listed(status=status, most=PAGE + 1, before=older if which == status else 0)
            for status in ("open", "closed")
            if not older or which == status
        }
        listed = {status: self.entries(rows[:PAGE]) for status, rows in shown.items()}
        return self.render(
            "home.html",
            call.known,
            open=listed.get("open", []),
            closed=listed.get("closed", []),
            counted=counted,
            older={status: rows[PAGE - 1]["number"] for status, rows in shown.items() if len(rows) > PAGE},
            paged=bool(older),
            sources=sorted(self.settings.sources),
        )

    def entries(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Incidents as they stand in a list, with a few questions for all of them."""
        names = [f"I-{row['number']}" for row in rows]
        every = self.store.runs_of(names)
        proposals = {row["incident"]: plan for row, plan in self.store.waiting_of(names)}
        found = []
        for name, row in zip(names, rows, strict=True):
            runs = every.get(name, [])
            says = gather.headline(self.store, self.catalog, row, runs)
            found.append(
                {
                    **row,
                    "id": name,
                    "says": says,
                    "alert_says": "" if incidents.alike(says, row["title"]) else row["title"],
                    "runs": runs,
                    "ending": (incidents.leading_row(runs) or {}).get("ending"),
                    "plan": proposals.get(name),
                    "now": self._now(row, runs),
                    "inside": sum(self.store.storm_counts(name).values()) if row["gathers"] else 0,
                }
            )
        return found

    def _now(self, incident: dict[str, Any], runs: Sequence[dict[str, Any]]) -> str:
        """Where an open incident is, as far as its last run says: a change that runs, or of which nobody knows, first."""
        if incident["status"] != "open" or not runs or runs[-1]["ending"]:
            return ""
        standing = {row["standing"] for row in self.store.remedies_of(f"R-{runs[-1]['number']}")}
        if Standing.UNKNOWN in standing:
            return "outcome unknown: your confirmation is needed"
        return "the change is running" if Standing.CHANGING in standing else words.waits(runs[-1])

    def _view(self, name: str) -> incidents.IncidentView:
        facts = gather.facts(self.store, self.catalog, name)
        if facts is None:
            raise Problem(404, f"There is no incident {name}.")
        return incidents.view(facts, now=self.store.now())

    def _incident_values(self, view: incidents.IncidentView) -> dict[str, Any]:
        drawn = view.chart
        return {
            **self._storm_values(view.id),
            "i": view,
            "wide": chart.svg(drawn, width=WIDE[0], height=WIDE[1], zone=self.zone) if drawn else "",
            "narrow": chart.svg(drawn, width=NARROW[0], height=NARROW[1], zone=self.zone) if drawn else "",
            "figures": chart.figures(drawn) if drawn else [],
            "runbooks": [book for document in self.catalog.documents for book in document.runbooks]
            if view.stage.kind == "undecided"
            else [],
        }

    def _storm_values(self, incident: str) -> dict[str, Any]:
        """What a storm has hit, the worst by name; of an incident in one, which."""
        row = self.store.incident(incident) or {}
        inside = f"I-{row['storm']}" if row.get("storm") and row.get("released_at") is None else ""
        if not row.get("gathers"):
            return {"weather": None, "common": [], "worst": [], "inside": inside}
        weather = self._weathers.weather(row)
        worst = []
        for severity, _ in weather.by_severity[:3]:
            rows = self.store.members(incident, status="open", severity=severity.lower(), most=PAGE)
            worst.append((severity, storms.by_dependency([hit_of(one) for one in rows], weather.shared)))
        common = [storms.says(one) for one in weather.shared]
        return {"weather": weather, "common": common, "worst": worst, "inside": ""}

    def members(self, call: Call) -> Response:
        """The incidents of a storm, a page of them."""
        storm = f"I-{_number(call.path('incident'))}"
        asked = call.request.query_params.get("skip", "")
        skip = int(asked) if asked.isdecimal() and len(asked) < 9 else 0
        if not (self.store.incident(storm) or {}).get("gathers"):
            raise Problem(404, f"There is no storm {call.path('incident')}.")
        rows = self.store.members(storm, most=PAGE + 1, skip=skip)
        shown: dict[str, Any] = {"storm": storm, "skip": skip, "page": PAGE, "more": len(rows) > PAGE}
        return self.render("members.html", call.known, members=self.entries(rows[:PAGE]), **shown)

    def incident(self, call: Call, *, told: str = "", status: int = 200) -> Response:
        """The page."""
        view = self._view(call.path("incident"))
        return self.render("incident.html", call.known, told=told, status=status, **self._incident_values(view))

    def regions(self, incident: str, known: Known | None) -> dict[str, str]:
        """The parts of an incident's page that change while someone looks."""
        view = self._view(incident)
        template = self.templates.get_template("regions.html")
        values = {
            "known": known,
            "can_act": known is not None and bool(set(known.person.roles) & ACTING),
            "can_approve": known is not None and APPROVER in known.person.roles,
            "now": self.store.now(),
            **self._incident_values(view),
        }
        module = template.make_module(values)
        return {f"live-{name}": str(getattr(module, name)()) for name in REGIONS}

    def evidence(self, call: Call) -> Response:
        """One piece of evidence, whole, as text."""
        for run in self.store.runs(incident=f"I-{_number(call.path('incident'))}"):
            for item in self.store.evidence_of(f"R-{run['number']}"):
                if item.id == call.path("evidence"):
                    return self.render("evidence.html", call.known, e=item, incident=call.path("incident"))
        raise Problem(404, "This incident has no such evidence.")

    def review(self, call: Call) -> Response:
        """The review as text, to be copied."""
        return self.render(
            "review.html", call.known, incident=call.path("incident"), text=self.review_text(call.path("incident"))
        )

    def review_text(self, name: str) -> str:
        """The review as Markdown."""
        facts = gather.facts(self.store, self.catalog, name)
        if facts is None:
            raise Problem(404, f"There is no incident {name}.")
        return incidents.review.review(facts, now=self.store.now(), zone=self.zone)

    def review_markdown(self, call: Call) -> Response:
        """The same for programs."""
        return PlainTextResponse(self.review_text(call.path("incident")), media_type="text/markdown; charset=utf-8")

    def retrospective(self, call: Call) -> Response:
        """The date of the retrospective, for a calendar."""
        seen = self._view(call.path("incident"))
        content = incidents.invitation(seen, link=str(call.request.url.replace(path=f"/incidents/{seen.id}", query="")))
        if not content:
            raise Problem(404, "No date was set for a retrospective of this incident.")
        headers = {"Content-Disposition": f'attachment; filename="{retrospective.FILE}"'}
        return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)

    def approvals(self, call: Call) -> Response:
        """What waits for a yes, the oldest first: a page of them."""
        asked = call.request.query_params.get("skip", "")
        skip = int(asked) if asked.isdecimal() and len(asked) < 8 else 0
        found = self.store.newest_waiting(most=PAGE + 1, skip=skip)
        waiting = [(incidents.plan_view(plan, row), self.store.incident(row["incident"])) for row, plan in found[:PAGE]]
        following = skip + PAGE if len(found) > PAGE else 0
        return self.render("approvals.html", call.known, plans=waiting, following=following)

    def runbooks(self, call: Call) -> Response:
        """Every runbook that is known."""
        fresh = {one.runbook: one for one in gather.freshness(self.store, self.catalog)}
        wrong = {one.path: len(wrong_with(one, Path(one.path))) for one in self.catalog.documents}
        return self.render("runbooks.html", call.known, documents=self.catalog.documents, fresh=fresh, wrong=wrong)

    def badge(self, call: Call) -> Response:
        """How fresh one runbook is, as a small picture."""
        name = call.path("runbook")
        for one in gather.freshness(self.store, self.catalog):
            if one.runbook.lower() == name.lower():
                return Response(incidents.freshness.badge(one), media_type="image/svg+xml")
        raise Problem(404, f"No document has a runbook {name}.")

    def metrics(self, call: Call) -> Response:
        """What Prometheus is told of this process and of the runbooks."""
        text = self.measured() + incidents.freshness.metrics(gather.freshness(self.store, self.catalog))
        return Response(text, media_type="text/plain; version=0.0.4")

    def runbook(self, call: Call) -> Response:
        """One runbook: each step with its effect."""
        try:
            document, runbook, binding = self.catalog.runbook(call.path("runbook"))
        except HandrailError as error:
            raise Problem(404, str(error)) from error
        effects = {step.number: in_a_word(step.commands) for step in runbook.steps if step.commands}
        used = self.store.newest_runs(runbook.id, most=5)
        named = [name for step in runbook.steps for command in step.commands for name in command.parameters]
        unbound = [name for name in dict.fromkeys(named) if name not in {one.name for one in binding.parameters}]
        needed = parameters(runbook, binding, lambda name: gather.elsewhere(self.catalog, name))
        meant = gather.meant(self.catalog, binding)
        return self.render(
            "runbook.html",
            call.known,
            document=document,
            runbook=runbook,
            binding=binding,
            effects=effects,
            in_a_word=in_a_word,
            used=used,
            longest=runbook.time_to_resolve.maximum if runbook.time_to_resolve else None,
            fresh=next(one for one in gather.freshness(self.store, self.catalog) if one.runbook == runbook.id),
            parameters=[one for one in binding.parameters if one.name in needed],
            unbound=unbound,
            elsewhere={
                (bound.step, place): [meant[name] for name in bound.names(place) if name in meant]
                for bound in binding.lists
                for place in bound.bullets
            },
            environments=sorted(self.catalog.places),
        )

    def oncall(self, call: Call) -> Response:
        """Who is called, and in which order."""
        levels = next((document.escalation for document in self.catalog.documents if document.escalation), ())
        return self.render("oncall.html", call.known, now_on_call=self.on_call(), people=self.people, levels=levels)

    def status(self, call: Call) -> Response:
        """What users are told. Public: only what was written as an update stands here."""
        since = self.store.now() - SHOWN
        rows = self.store.told_lately(drill=False, since=since, most=PAGE)
        updates = self.store.updates_of([f"I-{row['number']}" for row in rows])
        told = [
            {
                "open": row["status"] == "open",
                "updates": updates[f"I-{row['number']}"][::-1],
                "since": row["opened_at"],
            }
            for row in rows
        ]
        return self.render("status.html", call.known, published=told)

    # -- signing in ------------------------------------------------------------------------------------------------

    def login(self, call: Call, *, told: str = "", status: int = 200) -> Response:
        """A field for the token."""
        back = call.request.query_params.get("next", "/")
        return self.render("login.html", call.known, back=_local(back), told=told, status=status)

    def sign_in(self, call: Call) -> Response:
        """A session for whoever has the token; a fresh one each time."""
        opened = self.sessions.open(call.text("token"))
        if opened is None:
            return self.login(call, told="Nobody has this token. Look at the one you were given.", status=401)
        answer = RedirectResponse(_local(call.text("next", "/")), status_code=303)
        answer.set_cookie(
            "__Host-handrail" if self.settings.secure_cookies else "handrail",
            opened[0],
            max_age=12 * 3600,
            httponly=True,
            samesite="strict",
            secure=self.settings.secure_cookies,
        )
        return answer

    def sign_out(self, call: Call) -> Response:
        """The session is over, on the server too."""
        name = "__Host-handrail" if self.settings.secure_cookies else "handrail"
        session = call.request.cookies.get(name)
        if session:
            self.sessions.close(session)
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(name)
        return answer

    # -- forms -----------------------------------------------------------------------------------------------------

    def form(self, verb: verbs.Verb) -> Callable[[Call], Response]:
        """A form's handler: the verb, then back to the page; where it was not done, the page says why."""

        def handle(call: Call) -> Response:
            said = verb.ask(self.desk, self.store, call)
            back = self._back(verb, call, said)
            if said.done:
                return RedirectResponse(back, status_code=303)
            if match := re.fullmatch(r"/incidents/(I-\d+)", back):
                view = self._view(match[1])
                values = self._incident_values(view)
                return self.render("incident.html", call.known, told=said.says, status=409, **values)
            return self.refusal(409, said.says, call.known)

        return handle

    def _back(self, verb: verbs.Verb, call: Call, said: Told) -> str:
        if verb.name == "open" and said.done:
            return f"/incidents/{said.incident}"
        incident = verb.incident(self.store, call)
        return f"/incidents/{incident}" if incident else _local(call.text("back", "/"))


def add(router: Router, pages: Pages) -> None:
    """The pages' routes."""
    for path, handler in (
        ("/", pages.home),
        ("/metrics", pages.metrics),
        ("/runbooks/{runbook}/badge.svg", pages.badge),
        ("/incidents/{incident}", pages.incident),
        ("/incidents/{incident}/members", pages.members),
        ("/incidents/{incident}/review", pages.review),
        ("/incidents/{incident}/retrospective.ics", pages.retrospective),
        ("/incidents/{incident}/evidence/{evidence}", pages.evidence),
        ("/approvals", pages.approvals),
        ("/runbooks", pages.runbooks),
        ("/runbooks/{runbook}", pages.runbook),
        ("/oncall", pages.oncall),
    ):
        router.add("GET", path, Policy.READER, handler)
    router.add("GET", "/status", Policy.PUBLIC, pages.status)
    router.add("GET", "/login", Policy.PUBLIC, pages.login)
    router.add("POST", "/login", Policy.PUBLIC, pages.sign_in)
    router.add("POST", "/logout", Policy.PUBLIC, pages.sign_out)
    for verb in verbs.VERBS:
        router.add("POST", verb.path, verb.policy, pages.form(verb))


def _local(path: str) -> str:
    """A path of ours to go back to; anything else leads home."""
    return path if LOCAL.match(path) and not path.startswith("//") else "/"


def _number(name: str) -> str:
    return name.removeprefix("I-") if name.removeprefix("I-").isdecimal() else "0"


__all__: Sequence[str] = ["OnCall", "Pages", "add"]
