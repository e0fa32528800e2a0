"""People are never left alone: who is called when, what they and stakeholders are told, what is left for them to do.

`settle` reads where an incident stands and does what is missing; every part of it can be done again without being done
twice (messages, timers and tasks have names of their own, a level is called once). So nothing here depends on having
heard an event: after a crash the next round brings people's side in line with the record.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from handrail import incidents, oncall, runs
from handrail.engine.catalog import Catalog
from handrail.engine.standpoint import Standpoint, duties_of, people_of, standpoint
from handrail.engine.stormside import StormSide
from handrail.errors import HandrailError
from handrail.incidents import retrospective, updates
from handrail.incidents.updates import Phase
from handrail.notify import Attached
from handrail.oncall import Person, Schedule
from handrail.remedies import Standing
from handrail.runbooks.binding import ListKind
from handrail.runbooks.document import Runbook, command_id
from handrail.store import Store

log = logging.getLogger("handrail")
Row = dict[str, Any]
Publish = Callable[[Sequence[Row], Mapping[str, Sequence[Row]], bool], None]
"""(incidents newest first, updates by incident, drill): write the status page."""

HANDRAIL = "Handrail"
STAKEHOLDERS = "stakeholders"
UNSTATED = timedelta(minutes=15)  # for a task where no runbook says how long it may take: then everybody was called
NEVER = datetime.min.replace(tzinfo=UTC)
SHOWN = timedelta(days=7)  # how long a closed incident stays on the status page
PUBLISHED = 200  # incidents that the status page shows at most
LATER = ("later", "action_items", "retrospective")  # what has time until it is over
COMPANY_SCRAPES = 4  # of an incident's first moments, in which further alerts of the same trouble are to be expected
ESCALATES = (Standing.DID_NOT_HELP, Standing.FAILED, Standing.UNKNOWN)
REPEAT = timedelta(minutes=4)  # within which nobody is paged twice for one incident; less than levels are apart
NEWS = {  # what became of a remedy that whoever has the incident hears, by its kind of message
    Standing.UNKNOWN: "unknown",
    Standing.DID_NOT_HELP: "did_not_help",
    Standing.FAILED: "failed",
    Standing.REFUSED_BY_PERSON: "refused",
    Standing.REFUSED_BY_TARGET: "refused",
}
ROUNDS = 3  # tries over all of somebody's ways, after which the next level is paged beside them
ASIDE = (
    "page",
    "plan",
    "unknown",
    "did_not_help",
    "failed",
    "refused",
    "handed_over",
    "over",
)  # no task waits for these


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """What settings say about people beside the people file."""

    schedule: Schedule = field(default_factory=Schedule)
    stakeholders: bool = False
    url: str = ""  # the server's public address, for links
    publish: Publish | None = None  # writes the status page, where there is one


class Escalation:
    """Calls levels, arms their timers, tells people and makes their tasks."""

    def __init__(self, *, store: Store, catalog: Catalog, contacts: Contacts, storms: StormSide | None = None) -> None:
        """Everything it knows it reads from the record. `storms` tells what is a storm's beside its levels."""
        self._storms = storms
        self.store, self.catalog, self.contacts = store, catalog, contacts
        self._stale: set[bool] = set()  # the status pages that an update was written for: a drill's, the real one

    def renew(self, contacts: Contacts) -> None:
        """Take over who is on call and where people are told, as they were read anew."""
        self.contacts = contacts

    # -- when something happened ---------------------------------------------------------------------------------

    def told(self, _kind: str, incident: str, _payload: dict[str, Any]) -> None:
        """Something happened to an incident: do what is missing at once. A serving process does it in a queue (`settling`)."""
        try:
            self.settle(incident)
        except Exception:  # a door: what was not told is told at the next occasion, or at the next start
            log.exception("settle_failed", extra={"incident": incident})
        self.publish_stale()

    def fire(self, timer: Row) -> None:
        """A timer is due: `page/I-1/2`, `late/I-1/3`, `update/I-1/4`."""
        here = self._standpoint(str(timer["subject"]))
        if here is None or not here.open or (here.gathered and timer["kind"] != "update"):
            return
        level = int(str(timer["id"]).rsplit("/", 1)[-1])
        if timer["kind"] == "page" and not here.row["acknowledged_by"]:
            minutes = incidents.words.duration(self.store.now() - here.asked)
            self._call(here, level, because=f"nobody acknowledged in {minutes}", why="unanswered")
        elif timer["kind"] == "late" and not here.verified:
            because = _late(self.store.now() - here.row["opened_at"], here.longest)
            self._call(here, level, because=because, why="late")
        elif timer["kind"] == "update":
            self._update(here, self._phase(here), again=level)
        elif timer["kind"] == "company":
            self._call_further(here)
        elif timer["kind"] == "digest" and self._storms:
            self._storms.digest(here)
        self.publish_stale()

    def settle(self, incident: str) -> None:
        """Do what is missing for this incident."""
        here = self._standpoint(incident)
        if here is None:
            return
        if here.open and here.gathered:
            self._news(here)  # all else is the storm's
            return
        if here.row["gathers"] and self._storms:
            self._storms.retitle(here)
        if here.open:
            came = "an alert fired" if self.store.alerts_of(incident) else "the incident was opened by hand"
            came = "many incidents opened at once" if here.row["gathers"] else came
            if here.row["raised_at"]:
                self._call(here, 1, because=f"severity raised to {here.row['severity']}", why="raised")
            self._call(here, 1, because=came, why="alert")
            self._arm(here)
            self._call_further(here)
            self._news(here)
            self._tasks(here)
            self._update(here, self._phase(here))
            if here.row["gathers"] and self._storms:
                self._storms.settle(here)
        else:
            for kind in ("page", "late", "update", "company", "digest"):
                self.store.cancel(f"{kind}/{incident}/")
            self._over(here)
            self._afterwards(here)
        self._finish_by_itself(here)

    # -- levels --------------------------------------------------------------------------------------------------

    def _call(self, here: Standpoint, level: int, *, because: str, why: str) -> None:
        """Page a level, once. Nobody named for it is said, and the level counts. `why` is the kind of its reason.

        Who was paged for this incident a moment ago is not paged again at once: the level counts, their page waits, and
        is sent only if it still says something then.
        """
        if here.row["level"] >= level:
            return
        people = self._people(here, level)
        title, duties = duties_of(here, level, self.catalog)
        owner = people[0].name if people else title or f"level {level}"
        due = here.row["opened_at"] + (here.longest or UNSTATED)
        later = {place for place, _ in duties if self._duty(level, place) in LATER}
        now, paged = self.store.now(), self._paged(here)
        again = {one.name: paged[one.name] + REPEAT for one in people if now - paged.get(one.name, NEVER) < REPEAT}
        again = {} if why == "raised" else again
        payload = {"level": level, "person": ", ".join(person.name for person in people), "because": because}
        if again:
            latest = max(paged[name] for name in again)
            ago = incidents.words.duration(now - latest)
            were = "was" if len(again) == 1 else "were"
            payload["waits"] = f"{incidents.words.listed(list(again))} {were} paged {ago} ago"
        self.store.call_level(
            here.name,
            level,
            messages=[
                {
                    "id": f"page/{here.name}/{here.round}{level}/{person.name}",
                    "incident": here.name,
                    "person": person.name,
                    "kind": "page",
                    "about": json.dumps({"level": level, "because": because, "why": why}),
                    "next_at": again.get(person.name),
                }
                for person in people
            ],
            tasks=[
                {
                    "incident": here.name,
                    "run": "",
                    "place": f"level-{level}.{place}",
                    "text": text,
                    "owner": owner,
                    "due_at": self._later(here) if place in later else due,
                }
                for place, text in duties
            ],
            payload=payload,
        )
        here.row["level"] = level

    def _paged(self, here: Standpoint) -> dict[str, datetime]:
        """Who was paged for this incident, and when last: a page that waits for its time is none yet."""
        rows = self.store.messages(incident=here.name)
        return {
            row["person"]: row["sent_at"] or row["at"]
            for row in rows
            if row["id"].startswith("page/") and not (row["state"] == "waiting" and row["next_at"] and not row["tries"])
        }

    def _call_further(self, here: Standpoint) -> None:
        """A remedy that did not help, or a hand-over, pages the next level; so does a page that reaches nobody."""
        wanted, because = 1, ""
        for run in here.runs:
            for state in self.store.remedies_of(f"R-{run['number']}"):
                if state["standing"] in ESCALATES:
                    wanted, because = wanted + 1, f"{state['title'].lower()}: {state['standing']}"
            if run["handed_over_at"] is not None and self._stays_handed_over(here, run):
                wanted, because = wanted + 1, "Handrail has nothing left to propose"
        for level in range(2, min(wanted, oncall.LEVELS[-1]) + 1):
            self._call(here, level, because=because, why="news")
        while here.row["level"] < oncall.LEVELS[-1] and (because := self._unreached(here)):
            self._call(here, here.row["level"] + 1, because=because, why="unreached")

    def _unreached(self, here: Standpoint) -> str:
        """Why the newest level's page reaches nobody, empty where it does or may. A drill's contacts need no address."""
        level = here.row["level"]
        if here.has_it:
            return ""
        begins = f"page/{here.name}/{here.round}{level}/"
        rows = [row for row in self.store.messages(incident=here.name) if row["id"].startswith(begins)]
        if not rows:
            return "" if here.drill else f"nobody is named for level {level}"
        if all(row["state"] == "nowhere" for row in rows):
            names = incidents.words.listed([row["person"] for row in rows])
            return "" if here.drill else f"{names} {'has' if len(rows) == 1 else 'have'} no contact address"
        lost = all(row["state"] in ("failed", "nowhere") or (row["tries"] or 0) >= ROUNDS for row in rows)
        return f"level {level} could not be reached" if lost else ""

    def _stays_handed_over(self, here: Standpoint, run: Row) -> bool:
        """Whether a hand-over is the last word: alerts of one trouble come in company, and a later one may know more."""
        if run["mode"] != runs.Mode.PROPOSES:
            return False  # another runbook took over
        place = self.catalog.places.get(here.row["environment"])
        by = here.row["opened_at"] + (place.scrape * COMPANY_SCRAPES if place else timedelta(0))
        if self.store.now() < by:
            self.store.arm(f"company/{here.name}/2", due_at=by, kind="company", subject=here.name)
            return False
        return True

    def _arm(self, here: Standpoint) -> None:
        """Timers of levels 2 to 4. A known runbook may bring the unanswered ones forward; someone who has it, or a
        verification, ends them."""
        for due in oncall.due_levels(opened=here.began, longest=here.longest):
            kind = "late" if due.because == "late" else "page"
            timer = f"{kind}/{here.name}/{here.round if kind == 'page' else ''}{due.level}"
            if due.level <= here.row["level"]:
                self.store.cancel(timer)  # called already, for whatever reason
                continue
            at = due.at + (here.asked - here.began) if kind == "page" else due.at
            self.store.arm(timer, due_at=at, kind=kind, subject=here.name)
            self.store.hasten(timer, at)
        if here.row["acknowledged_by"]:
            self.store.cancel(f"page/{here.name}/")
        if here.verified:
            self.store.cancel(f"late/{here.name}/")

    def _people(self, here: Standpoint, level: int) -> list[Person]:
        return people_of(here, level, plan=self.contacts.schedule, catalog=self.catalog, now=self.store.now())

    def _duty(self, level: int, place: int) -> str:
        """What a duty stands for in a binding, empty where it is a person's."""
        bound = (one.duties.get((level, place), "") for one in self.catalog.bindings.values())
        return next((action for action in bound if action), "")

    def _later(self, here: Standpoint) -> datetime:
        """Until when what is not urgent is to be done: until it is talked about."""
        return retrospective.when(here.row["opened_at"], zone=self.zone).astimezone(UTC)

    # -- messages ------------------------------------------------------------------------------------------------

    def _news(self, here: Standpoint) -> None:
        """Who has it, or who was paged, hears of each plan, refusal, failure, hand-over, and of what nobody can know."""
        for run in here.runs:
            name = f"R-{run['number']}"
            for row, plan in self.store.plans_of(name):
                if row["state"] == "waiting" and row["recommended"]:
                    self._tell(here, "plan", plan.hash, {"plan": plan.hash})
            for state in self.store.remedies_of(name):
                if kind := NEWS.get(state["standing"]):
                    by = self._refused_by(state)
                    about = {"run": name, "remedy": state["name"], "says": state["reason"], "by": by}
                    told = f"{name}/{state['name']}" + (f"/{state['plan'][:8]}" if state["plan"] else "")
                    self._tell(here, kind, told, about, knows=by)
            if run["handed_over_at"] is not None and self._stays_handed_over(here, run):
                self._tell(here, "handed_over", f"{name}/{run['handed_over_at']:%Y%m%dT%H%M%S}", {"run": name})

    def _refused_by(self, state: Row) -> str:
        """Who refused a remedy's plan: a person, else the target."""
        said = self.store.decisions_of(state["plan"]) if state["plan"] else []
        return next((one["person"] for one in said if not one["yes"]), "The target")

    def _tell(self, here: Standpoint, kind: str, id: str, about: Mapping[str, Any], *, knows: str = "") -> None:
        """To who has it, where they can be reached, else to everybody who was paged; never to who did it."""
        reached = {person.name for person in self.catalog.people if person.reach}
        names = [here.has_it] if here.has_it in reached else list(dict.fromkeys((*self._called(here), here.has_it)))
        if not any(names):
            names = [person.name for person in self._people(here, max(1, here.row["level"]))]
        for name in names:
            if name and name != knows:
                self._queue(here, f"{kind}/{id}/{name}", person=name, kind=kind, about=about)

    def _called(self, here: Standpoint) -> list[str]:
        """Everybody whom a page is for, in order."""
        rows = self.store.messages(incident=here.name)
        return [row["person"] for row in rows if row["id"].startswith("page/")]

    def _queue(
        self,
        here: Standpoint,
        id: str,
        *,
        person: str,
        kind: str,
        about: Mapping[str, Any] | None = None,
        title: str = "",
        body: str = "",
    ) -> None:
        """Once for each id. What it says is read from the record when it is sent; `title` and `body` are for words that
        are said elsewhere too."""
        self.store.queue_message(
            id=id,
            incident=here.name,
            person=person,
            kind=kind,
            about=json.dumps(about or {}),
            title=title,
            body=body,
        )

    def _over(self, here: Standpoint) -> None:
        """Whoever was told of it hears that it is over; stakeholders too."""
        for name in dict.fromkeys(self._called(here)):
            self._queue(here, f"over/{here.name}/{name}", person=name, kind="over")
        self._update(here, Phase.RESOLVED)

    # -- stakeholders --------------------------------------------------------------------------------------------

    def _phase(self, here: Standpoint) -> Phase:
        if not here.open:
            return Phase.RESOLVED
        changed = [run for run in here.runs if run["changed_at"]]
        if any(run["verifying"] or (here.verified and run["verified_at"]) for run in changed):
            return Phase.MONITORING
        if any(
            row["state"] in ("waiting", "approved", "running")
            for run in here.runs
            for row, _ in self.store.plans_of(f"R-{run['number']}")
        ):
            return Phase.IDENTIFIED
        return Phase.INVESTIGATING

    def _update(self, here: Standpoint, phase: Phase, *, again: int = 0) -> None:
        """An update where the phase moved on, or where one was promised by now (`again`, its number)."""
        known = self.store.updates(incident=here.name)
        last = Phase(known[-1]["status"]) if known else None
        if not again and (phase is last or last is Phase.RESOLVED):
            return
        if not again and last is not None and phase is Phase.INVESTIGATING:
            return  # a plan that became void is no news to users
        known_to_users = here.leading is not None or here.row["gathers"]
        if not known_to_users and phase is not Phase.RESOLVED and not again:
            return  # what users notice is not known before a runbook is
        if phase is Phase.RESOLVED and not known:
            return  # nobody was told of it
        now = self.store.now()
        following = None if phase is Phase.RESOLVED else now + updates.cadence(here.row["severity"])
        # a guess that nobody confirmed says nothing about how long it takes
        confirmed = here.leading if here.leading and here.leading["confirmed"] else None
        known_for, says, rests_on = (
            updates.estimate(self._past(confirmed["runbook"]), here.longest) if confirmed else (None, "", None)
        )
        over_by = here.row["opened_at"] + known_for if known_for else None
        text = updates.update(
            phase,
            updates.Notice(
                notices=updates.notices(self._summary(here), service=here.row["service"]),
                since=here.row["opened_at"],
                next_at=following,
                over_by=over_by if over_by and over_by > now else None,
                estimate=says,
                verified=here.verified,
            ),
        )
        promised = rests_on if over_by and over_by > now else None
        self.store.add_update(incident=here.name, status=phase, text=text, next_at=following, estimate=promised)
        self.store.append(
            "update", {"status": phase, "text": text}, environment=here.row["environment"], incident=here.name
        )
        number = len(known) + 1
        if following is not None:
            self.store.cancel(f"update/{here.name}/")
            self.store.arm(f"update/{here.name}/{number}", due_at=following, kind="update", subject=here.name)
        if self.contacts.stakeholders and not here.drill:
            title = f"{phase.capitalize()}: {updates.notices(self._summary(here), service=here.row['service'])}"
            id = f"update/{here.name}/{number}"
            self._queue(here, id, person=STAKEHOLDERS, kind="update", title=title, body=text)
        self._stale.add(here.drill)

    def publish_stale(self) -> None:
        """Write each status page that is behind, once, however many updates were written since."""
        while self._stale:
            self.publish(drill=self._stale.pop())

    def _past(self, runbook: str) -> list[timedelta]:
        """How long this runbook took from the incident's opening to healed, oldest first; drills do not count."""
        return self.store.times_taken(runbook, most=updates.NEWEST)

    def publish(self, *, drill: bool) -> None:
        """Write the status page, where there is one: open incidents and those of the last days."""
        if self.contacts.publish is None:
            return
        now = self.store.now()
        shown = self.store.told_lately(drill=drill, since=now - SHOWN, most=PUBLISHED)
        told = self.store.updates_of([f"I-{row['number']}" for row in shown])
        self.contacts.publish(shown, {name: rows[::-1] for name, rows in told.items()}, drill)

    def _summary(self, here: Standpoint) -> str:
        if here.row["gathers"]:
            return updates.SEVERAL
        return here.binding.summary

    # -- tasks ---------------------------------------------------------------------------------------------------

    def _tasks(self, here: Standpoint) -> None:
        """Checklists of the incident's runs, and comments that stand where an action belongs."""
        owners = self._people(here, 1)
        owner = here.row["acknowledged_by"] or (owners[0].name if owners else "whoever is on call")
        responsible = self._responsible(here) or owner
        for run in here.runs:
            if run["mode"] != runs.Mode.PROPOSES or not run["confirmed"]:
                continue
            try:
                _, runbook, binding = self.catalog.runbook(run["runbook"])
            except HandrailError:
                continue
            kinds = {one.step: one.kind for one in binding.lists}
            longest = runbook.time_to_resolve.maximum if runbook.time_to_resolve else None
            due = run["started_at"] + (longest or UNSTATED)
            last = max((step.number for step in runbook.steps if step.commands), default=0)
            bound = {(one.step, place): action.name for one in binding.lists for place, action in one.every}
            for step in runbook.steps:
                wanted = [
                    (command_id(runbook.id, step.number, place), command.text.lstrip("# "))
                    for place, command in enumerate(step.commands, 1)
                    if command.task
                ]
                if (
                    step.bullets
                    and not step.commands
                    and kinds.get(step.number, ListKind.CHECKLIST) is ListKind.CHECKLIST
                ):
                    wanted += [
                        (command_id(runbook.id, step.number, place), bullet.text)
                        for place, bullet in enumerate(step.bullets, 1)
                    ]
                for place, text in wanted:
                    action = bound.get((step.number, int(place.rsplit(".", 1)[-1])), "")
                    # a list behind the last command is for afterwards, unless Handrail does its bullet at once
                    later = action in LATER or (not action and step.number > last > 0)
                    self.store.add_task(
                        {
                            "incident": here.name,
                            "run": f"R-{run['number']}",
                            "place": place,
                            "text": text,
                            "owner": responsible if later else owner,
                            "due_at": self._later(here) if later else due,
                        }
                    )

    # -- when it is over -----------------------------------------------------------------------------------------

    def _responsible(self, here: Standpoint) -> str:
        """Who answers for the service, empty where nobody is named."""
        people = self._people(here, 2)
        return people[0].name if people else ""

    def _afterwards(self, here: Standpoint) -> None:
        """A date for the retrospective, and action items with owners, where a bullet, a duty or the binding wants them."""
        actions = self._actions(here)
        wanted = {
            actions.get((task["run"], task["place"]), "")
            for task in self.store.tasks_of(here.name)
            if task["done_at"] is None
        }
        if here.leading is not None and here.leading["confirmed"]:
            wanted |= set(here.binding.afterwards)
        if "retrospective" in wanted:
            self._set_date(here)
        if "action_items" in wanted:
            self._make_items(here)

    def _set_date(self, here: Standpoint) -> None:
        """Once: the date stands in the record, then everybody gets the invitation."""
        with self.store.together():
            events = self.store.events(incident=here.name)
            found = retrospective.of(events)
            if found is None:
                at = retrospective.when(here.row["closed_at"], zone=self.zone)
                found = retrospective.Retrospective(
                    at=at,
                    lasts=retrospective.LASTS,
                    people=tuple(self._took_part(here)),
                    set_at=self.store.now(),
                )
                payload = {
                    "at": at.isoformat(),
                    "says": retrospective.told(at, zone=self.zone),
                    "minutes": found.lasts.total_seconds() / 60,
                    "people": list(found.people),
                }
                self.store.append("retrospective", payload, environment=here.row["environment"], incident=here.name)
        title = f"{retrospective.title(here.name, here.row['title'])}, {retrospective.told(found.at, zone=self.zone)}"
        for name in found.people:
            self._queue(
                here,
                f"retrospective/{here.name}/{name}",
                person=name,
                kind="retrospective",
                title=f"{'Drill. ' if here.drill else ''}{title}",
                body=retrospective.body(found, agenda=self._agenda(here), link=self._link(here)),
            )

    def _took_part(self, here: Standpoint) -> list[str]:
        """Who was called, has it or decided, who answers for the service, and the manager; in a drill its contacts."""
        if here.drill:
            return [person.name for person in self._people(here, 1)]
        told = [here.row["acknowledged_by"] or ""]
        told += [row["person"] for row in self.store.messages(incident=here.name) if row["id"].startswith("page/")]
        for run in here.runs:
            for row, _ in self.store.plans_of(f"R-{run['number']}"):
                told += [decision["person"] for decision in self.store.decisions_of(row["hash"])]
        told += [person.name for level in (2, 3) for person in self._people(here, level)]
        known = {person.name for person in self.catalog.people if not person.drill}
        return [name for name in dict.fromkeys(told) if name in known]

    def _agenda(self, here: Standpoint) -> list[str]:
        return [task["text"] for task in self.store.tasks_of(here.name) if task["done_at"] is None]

    def attached(self, message: Row) -> list[Attached]:
        """The files that go with a message: a retrospective's date for the calendar."""
        if not str(message["id"]).startswith("retrospective/"):
            return []
        here = self._standpoint(message["incident"])
        found = retrospective.of(self.store.events(incident=message["incident"], kinds=("retrospective",)))
        if here is None or found is None:
            return []
        content = retrospective.calendar(
            found,
            incident=here.name,
            says=here.row["title"],
            opened=here.row["opened_at"],
            agenda=self._agenda(here),
            link=self._link(here),
        )
        return [Attached(name=retrospective.FILE, kind="text/calendar", content=content)]

    def _make_items(self, here: Standpoint) -> None:
        """The runbook's Resolution as tasks of whoever answers for the service, and what the document got wrong."""
        if here.leading is None or here.runbook is None:
            return
        on_call = self._people(here, 1)
        owner = self._responsible(here) or (on_call[0].name if on_call else "whoever is on call")
        run = f"R-{here.leading['number']}"
        wanted = [(_item(here.runbook, place), bullet.text) for place, bullet in enumerate(here.runbook.resolution, 1)]
        wrong = sum(len(command.findings) for step in here.runbook.steps for command in step.commands)
        if wrong:
            mistakes = incidents.words.count(wrong, "mistake")
            wanted.append(
                (f"{here.runbook.id}.document", f"Mend {mistakes} of {here.runbook.id}: the review lists them")
            )
        due = self._later(here) + retrospective.ITEMS_DUE
        for place, text in wanted:
            self.store.add_task(
                {"incident": here.name, "run": run, "place": place, "text": text, "owner": owner, "due_at": due}
            )

    def _finish_by_itself(self, here: Standpoint) -> None:
        """What the system can do of the tasks it does, and notes what it did."""
        actions = self._actions(here)
        for task in self.store.tasks_of(here.name):
            if task["done_at"] is not None:
                continue
            action = actions.get((task["run"], task["place"]), "")
            note = self._done(here, action)
            if note and self.store.finish_task(task["number"], by=HANDRAIL, note=note):
                self.store.append(
                    "task_done",
                    {"text": task["text"], "person": HANDRAIL, "note": note},
                    environment=here.row["environment"],
                    incident=here.name,
                )

    def _actions(self, here: Standpoint) -> dict[tuple[str, str], str]:
        """Which tasks stand for something the system does: (run, place) to its name in the binding."""
        found: dict[tuple[str, str], str] = {}
        for run in here.runs:
            try:
                _, runbook, binding = self.catalog.runbook(run["runbook"])
            except HandrailError:
                continue
            found |= {(f"R-{run['number']}", _item(runbook, at)): action for at, action in binding.resolution.items()}
            for one in binding.lists:
                for place, meant in one.every:
                    found[(f"R-{run['number']}", command_id(runbook.id, one.step, place))] = meant.name
        for bound in self.catalog.bindings.values():
            for (level, place), action in bound.duties.items():
                found[("", f"level-{level}.{place}")] = action
        return found

    def _done(self, here: Standpoint, action: str) -> str:
        """Do it where that is possible now; what was done, or empty."""
        match action:
            case "acknowledge":
                who = here.row["acknowledged_by"]
                return f"Acknowledged by {who}" if who else ""
            case "timer":
                return f"Running since {here.row['opened_at']:%H:%M:%S} UTC"
            case "timeline":
                return "" if here.open else "It is in the review"
            case "first_fix":
                return self._fixed(here)
            case "retrospective":
                return self._invited(here)
            case "action_items":
                return self._itemized(here)
            case "channel":
                return self._sent(here, here.channel, "channel")
            case "commander":
                people = self._people(here, 3)
                return self._sent(here, people[0].name if people else "", "commander")
            case "status_page" | "stakeholders" | "eta":
                return self._told_stakeholders(here, action)
        return ""

    def _fixed(self, here: Standpoint) -> str:
        """Which change helped, and since when the checks hold."""
        for run in here.runs:
            healed = [
                row["title"]
                for row in self.store.remedies_of(f"R-{run['number']}")
                if row["standing"] == Standing.HEALED
            ]
            if healed and run["verified_since"]:
                return f"{healed[0]}: the checks hold since {run['verified_since']:%H:%M:%S} UTC"
            if run["ending"] == runs.Ending.HEALED_BY_ITSELF:
                return "No change was needed: it recovered by itself"
        return ""

    def _invited(self, here: Standpoint) -> str:
        """When it is, and who could be told; who could not is named, so that a person tells them."""
        found = retrospective.of(self.store.events(incident=here.name, kinds=("retrospective",)))
        if found is None:
            return ""
        rows = [row for row in self.store.messages(incident=here.name) if row["id"].startswith("retrospective/")]
        if any(row["state"] in ("waiting", "sending") for row in rows):
            return ""  # said when it is known who could be reached
        sent = [row["person"] for row in rows if row["state"] == "sent"]
        rest = [row["person"] for row in rows if row["state"] != "sent"]
        told = f"{retrospective.told(found.at, zone=self.zone)}"
        told += f"; invited: {', '.join(sent)}" if sent else ""
        told += f"; not reached: {', '.join(rest)}, give them the file" if rest else ""
        return told if rows else f"{told}; nobody is named to invite"

    def _itemized(self, here: Standpoint) -> str:
        """How many action items there are, and whose."""
        if here.runbook is None:
            return ""
        prefix = (f"{here.runbook.id}.resolution.", f"{here.runbook.id}.document")
        items = [task for task in self.store.tasks_of(here.name) if str(task["place"]).startswith(prefix)]
        if not items:
            return ""
        told = incidents.words.count(len(items), "item")
        return f"{told} for {items[0]['owner']}, until {items[0]['due_at']:%Y-%m-%d %H:%M} UTC"

    def _sent(self, here: Standpoint, name: str, what: str) -> str:
        """A message that a task stands for: the task is done when it was sent. In a drill a drill contact gets it."""
        if here.drill:
            contacts = self._people(here, 1)
            name = contacts[0].name if contacts else ""
        id = f"{what}/{here.name}"
        if name and here.open:
            self._queue(here, id, person=name, kind=what)
        row = next((one for one in self.store.messages(incident=here.name) if one["id"] == id), None)
        return f"Told {row['person']}" if row is not None and row["state"] == "sent" else ""

    def _told_stakeholders(self, here: Standpoint, action: str) -> str:
        known = self.store.updates(incident=here.name)
        if not known:
            return ""
        if action == "status_page":
            return f"On the status page since {known[0]['at']:%H:%M:%S} UTC" if self.contacts.publish else ""
        if action == "eta":
            promised = next((row["estimate"] for row in known if row["estimate"]), "")
            if not promised or not self.contacts.publish:
                return ""
            past = promised == updates.RestsOn.PAST
            return f"Given in the update, based on {'past incidents' if past else 'the runbook'}"
        sent = [row for row in self.store.messages(incident=here.name, state="sent") if row["person"] == STAKEHOLDERS]
        return f"Told at {sent[0]['at']:%H:%M:%S} UTC" if sent else ""

    # -- inside --------------------------------------------------------------------------------------------------

    def _standpoint(self, incident: str) -> Standpoint | None:
        return standpoint(self.store, self.catalog, incident)

    def _link(self, here: Standpoint) -> str:
        return f"{self.contacts.url}/incidents/{here.name}" if self.contacts.url else ""

    @property
    def zone(self) -> tzinfo:
        """Where the people are: the rotation's time zone."""
        return self.contacts.schedule.zone


def concerns(row: Row) -> bool:
    """Whether what became of a message changes what is to be done: a task is done by it, or a page reaches nobody."""
    return row["kind"] not in ASIDE or row["kind"] == "page"


def _item(runbook: Runbook, place: int) -> str:
    """Where a bullet of a runbook's Resolution stands as a task."""
    return f"{runbook.id}.resolution.{place}"


def _late(spent: timedelta, longest: timedelta | None) -> str:
    """How much of the runbook's longer time is over: each level is called at another half of it."""
    took = incidents.words.duration(spent)
    if longest is None:  # the document was edited meanwhile
        return f"it has taken {took}"
    allowed = incidents.words.duration(longest)
    if spent < longest:
        return f"half of the runbook's time to resolve is over: {took} of {allowed}"
    if spent < 1.5 * longest:
        return f"the runbook's time to resolve is over: {took} of {allowed}"
    return f"it has taken half as long again as the runbook allows: {took} of {allowed}"
