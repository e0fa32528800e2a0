"""From a stored webhook to an incident with a run: correlate, select, start. Taken again after a crash, it adds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from handrail import alerts, remedies, runbooks, runs
from handrail.alerts import Alert
from handrail.engine import setaside
from handrail.engine.catalog import Catalog
from handrail.engine.storms import Storms, rank
from handrail.evidence import SYSTEM, Actor, Where
from handrail.store import Store

MOST_NOTES = 10  # of one alert in one line of the record; its row has them all
JOIN_WINDOW = timedelta(minutes=30)
WAITS = "waits for its turn to look"
AFTER_CLOSING = timedelta(minutes=2)  # an alert needs its `for` and its own window to notice that it is over


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An alert of an incident, and the runbook that answers it."""

    alert: int  # its row's id
    name: str
    service: str
    runbook: str
    certain: bool  # no guess


class Intake:
    """Takes the alerts of stored posts, in the order they came."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        drilling: Callable[[], bool],
        told: Callable[[str, str, dict[str, Any]], None],
        at: Callable[[str], None] = lambda name: None,
        storms: Storms | None = None,
    ) -> None:
        """`drilling` says whether a drill is on in this process. Without `storms` no incident gathers under another."""
        self.store, self.catalog = store, catalog
        self._drilling, self._told, self._at, self._storms = drilling, told, at, storms
        self._known_by: tuple[str, ...] = ()
        self._directory_of: Any = None
        self._directory = alerts.Directory()
        self._answers: dict[int, Answered | None] = {}  # by the alert's row, for as long as nobody edits a binding

    def flush(self) -> None:
        """Write what was decided and not written yet."""

    def forget(self) -> None:
        """What it remembers was not committed: it is read again."""
        if self._storms is not None:
            self._storms.forget()

    def finish(self, found: alerts.Notification, *, post: int, source: str) -> None:
        """What is told of a message beside its alerts: what was set aside, and what its sender left out."""
        if found.aside:
            self.set_aside(found.aside, post=post, source=source)
        if found.truncated:
            setaside.tell_truncated(self.store, found, source=source, environment=self._environment(source))

    def set_aside(self, aside: Sequence[alerts.Aside], *, post: int, source: str) -> None:
        """What could not be read, or surprised: kept as it came, and somebody is called."""
        setaside.tell(
            self.store,
            aside,
            post=post,
            source=source,
            environment=self._environment(source),
            drill=self._drilling(),
            told=self._told,
        )

    def _environment(self, source: str) -> str:
        return self.catalog.sources.get(source, next(iter(self.catalog.places), ""))

    def take(self, alert: Alert, *, source: str) -> list[str]:
        """One alert: opens, joins, resolves, or nothing, with the reason in the record."""
        environment = self._environment(source)
        known = self.store.alert(source, alert.fingerprint, alert.starts_at) or self._lasting(alert, source)
        now = self.store.now()
        if known is not None:
            if alert.status == "resolved" and known["status"] == "firing":
                self.store.resolve_alert(known["id"], alert.ends_at or now)
                if known["incident"]:
                    self.store.append(
                        "alert_resolved",
                        {"name": alert.name},
                        environment=environment,
                        incident=known["incident"],
                        actor=_source(source),
                    )
                    return [f"R-{row['number']}" for row in self.store.runs(incident=known["incident"], open_only=True)]
            if alert.status == "firing" and known["status"] == "firing" and self._over_for_long(known, environment):
                return self._again(alert, known, source=source, environment=environment)
            return self._resume(alert, known, environment=environment)
        scope = self.scope_of(alert)
        decision = self._belongs(alert, scope, environment=environment)
        body = _body(alert)
        row = {
            "source": source,
            "fingerprint": alert.fingerprint,
            "starts_at": alert.starts_at,
            "name": alert.name,
            "status": alert.status,
            "resolved_at": alert.ends_at if alert.status == "resolved" else None,
            "received_at": now,
            "body": body,
            "incident": None,
            "decision": decision.reason,
        }
        match decision:
            case alerts.Opens():
                return self._open_incident(alert, row, source=source, environment=environment, scope=scope)
            case alerts.Joins(incident=incident):
                return self._join(alert, {**row, "incident": incident}, source=source, environment=environment)
            case _:
                self.store.keep_alert(row)
                return []

    def _lasting(self, alert: Alert, source: str) -> dict[str, Any] | None:
        """The trouble that an event told of before: what it says again belongs to an incident that is open, and that it is
        over ends the newest. After an incident that was closed it is another trouble."""
        for row in self.store.firing(source, alert.fingerprint) if alert.lasts else ():
            incident = self.store.incident(row["incident"] or "")
            if alert.status == "resolved" or (incident is not None and incident["status"] == "open"):
                return row
        return None

    def _over_for_long(self, known: dict[str, Any], environment: str) -> bool:
        """Whether the alert's incident is closed for longer than one hold: by then the alert should have resolved."""
        row = self.store.incident(known["incident"] or "")
        if row is None or row["closed_at"] is None:
            return False
        return bool(self.store.now() - row["closed_at"] > self.catalog.place(environment).hold + AFTER_CLOSING)

    def _again(self, alert: Alert, known: dict[str, Any], *, source: str, environment: str) -> list[str]:
        """It still fires though its incident was closed: people deal with it again."""
        scope = self.scope_of(alert)
        before = known["incident"]
        reason = f"it still fires after {before} was closed"
        about = self._index(environment).about(scope=scope, environment=environment)
        if about:
            self.store.move_alert(known["id"], incident=about, decision=reason)
            return []
        return self._opened(
            alert,
            keep=lambda incident: self.store.move_alert(known["id"], incident=incident, decision=reason),
            source=source,
            environment=environment,
            scope=scope,
            reason=reason,
        )

    def _resume(self, alert: Alert, known: dict[str, Any], *, environment: str) -> list[str]:
        """An alert that was kept before a crash and never led to a runbook, or to the question which one."""
        incident = known["incident"]
        if alert.status != "firing" or not incident or self.store.runs(incident=incident):
            return []
        if any(event.kind == "runbook_undecided" for event in self.store.events(incident=incident)):
            return []
        if not any(event.kind == "incident_opened" for event in self.store.events(incident=incident)):
            row = self.store.incident(incident) or {}
            opened = {"title": row["title"], "severity": row["severity"]}
            self.store.append("incident_opened", opened, environment=environment, incident=incident)
            self._told("incident_opened", incident, opened)
        return self._select(alert, incident=incident, environment=environment, first=True)

    def scope_of(self, alert: Alert) -> alerts.Scope:
        """What an alert is about, by the services file and the table of rules."""
        if self._directory_of is not self.catalog.services:
            self._directory_of, self._directory = self.catalog.services, alerts.Directory(self.catalog.services)
        return alerts.scope_of(alert, services=self._directory)

    def _belongs(
        self, alert: Alert, scope: alerts.Scope, *, environment: str
    ) -> alerts.Opens | alerts.Joins | alerts.Nothing:
        """Where an alert that was not seen before belongs."""
        if alert.status == "resolved":
            return alerts.Nothing(reason="it was resolved before it was ever seen firing")
        return self._index(environment).correlate(
            rule=alert.name, scope=scope, environment=environment, now=self.store.now(), window=JOIN_WINDOW
        )

    def _index(self, environment: str) -> alerts.Index:
        """The open incidents of an environment by what they are about."""
        index = alerts.Index(self.catalog.services)
        rows = [row for row in self.store.incidents(status="open") if row["environment"] == environment]
        for row in sorted(rows, key=lambda row: (row["last_alert_at"], row["number"])):
            incident = f"I-{row['number']}"
            joined = self.store.alerts_of(incident)
            scopes = {one["id"]: self.scope_of(_kept(one)) for one in joined}
            own = next(iter(scopes.values()), None) or _by_hand(row["service"])
            index.opened(
                alerts.OpenIncident(id=incident, environment=environment, scope=own, last_alert_at=row["last_alert_at"])
            )
            for one in joined:
                if one["status"] == "firing":  # what is over draws nothing else in
                    member = alerts.Member(alert=one["id"], rule=one["name"], scope=scopes[one["id"]])
                    index.fires(incident, member, at=row["last_alert_at"])
        return index

    def _open_incident(
        self, alert: Alert, row: dict[str, Any], *, source: str, environment: str, scope: alerts.Scope
    ) -> list[str]:
        return self._opened(
            alert,
            keep=lambda incident: self.store.keep_alert({**row, "incident": incident}),
            source=source,
            environment=environment,
            scope=scope,
            reason=row["decision"],
        )

    def _opened(
        self,
        alert: Alert,
        *,
        keep: Callable[[str], object],
        source: str,
        environment: str,
        scope: alerts.Scope,
        reason: str,
    ) -> list[str]:
        """A new incident for this alert, which `keep` puts there; the run that was started."""
        about = "" if scope.kind is alerts.ScopeKind.ALONE else f" on {scope.title}"
        title = alert.annotations.get("summary") or f"{alert.name}{about}"
        severity = alert.labels.get("severity", "unknown")
        now, drill = self.store.now(), self._drilling()
        storm = self._storms.under(environment, severity=severity, drill=drill) if self._storms else ""
        incident = self.store.open_incident(
            {
                "environment": environment,
                "service": scope.service,
                "title": title,
                "severity": severity,
                "opened_at": now,
                "drill": int(drill),
                **(self._storms.columns(storm) if self._storms else {}),
                "facts": self._storms.facts(alert.labels, scope) if self._storms else None,
            }
        )
        if self._storms:
            self._storms.opened(environment, incident, now)
        keep(incident)
        self._at("alert kept")
        where = Where(environment=environment, incident=incident, run="")
        self.store.append(
            "alert_received",
            {"name": alert.name, "decision": "opens", "reason": reason, **_read(alert)},
            **where,
            actor=_source(source),
        )
        self.store.append("incident_opened", {"title": title, "severity": severity}, **where)
        begun = self._select(alert, incident=incident, environment=environment, first=True)
        # after it, so that who is called hears which runbook looks
        self._told("incident_opened", storm or incident, {"title": title, "severity": severity})
        return begun

    def _join(self, alert: Alert, row: dict[str, Any], *, source: str, environment: str) -> list[str]:
        incident = row["incident"]
        if not self.store.keep_alert(row):
            return []
        self.store.update_incident(incident, last_alert_at=self.store.now())
        self.store.append(
            "alert_received",
            {"name": alert.name, "decision": "joins", "reason": row["decision"], **_read(alert)},
            environment=environment,
            incident=incident,
            actor=_source(source),
        )
        return self._select(alert, incident=incident, environment=environment, first=False)

    def _select(self, alert: Alert, *, incident: str, environment: str, first: bool) -> list[str]:
        answer = self._selected(alert)
        where = Where(environment=environment, incident=incident, run="")
        if isinstance(answer, runbooks.Undecided):
            candidates = [candidate.runbook for candidate in answer.candidates]
            self.store.append("runbook_undecided", {"reason": answer.reason, "candidates": candidates}, **where)
            return []
        existing = self.store.runs(incident=incident)
        if any(run["runbook"] == answer.runbook for run in existing):
            return []  # the same runbook answers already
        mode = (
            runs.Mode.PROPOSES
            if first or not existing
            else self._mode(answer.runbook, existing, certain=not answer.guess)
        )
        row = self.store.incident(incident) or {}
        waits = bool(row.get("storm")) and row.get("released_at") is None
        begun = self.begin(
            answer.runbook,
            incident=incident,
            environment=environment,
            mode=mode,
            confirmed=not answer.guess,
            because=" ".join(answer.reasons),
            how=answer.how,
            waits=rank(str(row.get("severity"))) if waits else None,
        )
        return [] if waits else [begun]

    def _selected(self, alert: Alert) -> runbooks.Chosen | runbooks.Undecided:
        """The runbook that answers an alert, from what is known now."""
        return runbooks.select(alert, documents=self.catalog.documents, bindings=tuple(self.catalog.bindings.values()))

    def _mode(self, runbook: str, existing: Sequence[dict[str, Any]], *, certain: bool) -> runs.Mode:
        """A second run only looks, unless its binding explains what the first run answers: then it proposes."""
        _, _, binding = self.catalog.runbook(runbook)
        proposing = [run for run in existing if not run["ending"] and run["mode"] == runs.Mode.PROPOSES]
        if proposing and certain and not any(run["confirmed"] for run in proposing):
            for run in proposing:  # a guess that nobody confirmed makes room for what an alert names
                self._drop_guess(f"R-{run['number']}", runbook)
            return runs.Mode.PROPOSES
        if not proposing or not all(self._yields(run, binding.explains) for run in proposing):
            return runs.Mode.LOOKS
        for run in proposing:
            self.yield_to(f"R-{run['number']}", runbook)
        return runs.Mode.PROPOSES

    def _drop_guess(self, run: str, runbook: str) -> None:
        """Nothing ran for it: it waited for a person to confirm it."""
        row = self.store.run(run)
        reason = f"an alert names {runbook}, and this was a guess that nobody confirmed"
        if row is not None and self.store.end_run(run, ending=runs.Ending.LOOKED, reason=reason):
            incident = self.store.incident(row["incident"]) or {}
            self.store.append(
                "run_ended",
                {"ending": runs.Ending.LOOKED, "reason": reason},
                environment=str(incident.get("environment", "")),
                incident=row["incident"],
                run=run,
            )

    def _yields(self, run: dict[str, Any], explains: Sequence[str]) -> bool:
        """Whether what proposes makes room: it is explained, and no change of its is on or being verified."""
        plans = self.store.plans_of(f"R-{run['number']}")
        changing = run["verifying"] or any(row["state"] in ("approved", "running") for row, _ in plans)
        return run["runbook"] in explains and not changing

    def succeed(self, run: str) -> str:
        """The next runbook that this incident's alerts name, where the one that proposed has nothing left.

        The name of its new run, empty where there is none. What can be taken back keeps the first run open, for people.
        """
        row = self.store.run(run)
        if row is None or any(state["standing"] == remedies.Standing.OFFERED for state in self.store.remedies_of(run)):
            return ""
        if self.catalog.runbook(row["runbook"])[2].stays_in_charge:
            return ""
        existing = self.store.runs(incident=row["incident"])
        proposed = {
            one["runbook"] for one in existing if one["mode"] == runs.Mode.PROPOSES or one["handed_over_at"] is not None
        }
        incident = self.store.incident(row["incident"]) or {}
        named = {one.runbook for one in self.firing(row["incident"])}
        for other in existing:
            _, runbook, binding = self.catalog.runbook(other["runbook"])
            if other["runbook"] in proposed or other["runbook"] not in named or not other["confirmed"]:
                continue
            if not remedies.of(runbook, binding, self.catalog.elsewhere):
                continue
            with self.store.together():
                self.store.update_run(run, mode=runs.Mode.LOOKS, handed_over_at=self.store.now())
                begun = self.begin(
                    other["runbook"],
                    incident=row["incident"],
                    environment=incident["environment"],
                    mode=runs.Mode.PROPOSES,
                    confirmed=True,
                    because=f"{row['runbook']} has nothing left that applies here, and an alert names this runbook too.",
                    how="next",
                )
                self.store.wake_soon(begun)
            return begun
        return ""

    def answered(self, row: dict[str, Any]) -> Answered | None:
        """The runbook that answers an alert, as the record has it; None where a person chooses one."""
        known = (
            *(one.revision for one in self.catalog.documents),
            *(b.revision for b in self.catalog.bindings.values()),
        )
        if self._known_by != known:  # somebody edited them
            self._known_by, self._answers = known, {}
        if row["id"] not in self._answers:
            alert = _kept(row)
            answer = self._selected(alert)
            self._answers[row["id"]] = (
                None
                if isinstance(answer, runbooks.Undecided)
                else Answered(
                    alert=row["id"],
                    name=alert.name,
                    service=self.scope_of(alert).service,
                    runbook=str(answer.runbook),
                    certain=not answer.guess,
                )
            )
        return self._answers[row["id"]]

    def firing(self, incident: str) -> list[Answered]:
        """The incident's alerts that fire, each with the runbook that answers it, where one does."""
        rows = [row for row in self.store.alerts_of(incident) if row["status"] == "firing"]
        return [one for row in rows if (one := self.answered(row)) is not None]

    def go_on(self, run: str, one: Answered, *, says: str) -> str:
        """The run that answers an alert which fires after `run` healed what it was about: it proposes now."""
        row = self.store.run(run) or {}
        incident = row["incident"]
        for other in self.store.runs(incident=incident, open_only=True):
            if (
                other["runbook"] == one.runbook
                and other["mode"] == runs.Mode.PROPOSES
                and f"R-{other['number']}" != run
            ):
                going = f"R-{other['number']}"
                self.store.update_run(going, answers=one.alert)
                break
        else:
            going = self.begin(
                one.runbook,
                incident=incident,
                environment=str((self.store.incident(incident) or {})["environment"]),
                mode=runs.Mode.PROPOSES,
                confirmed=True,
                because=f"The checks of {row['runbook']} hold, but {one.name} fires still and names this runbook: {says}.",
                how="next",
                answers=one.alert,
            )
        self.store.wake_soon(going)
        return going

    def yield_to(self, run: str, runbook: str) -> None:
        """The first run's waiting plan is void: what explains it proposes now, and this one only looks."""
        self.store.update_run(run, mode=runs.Mode.LOOKS)
        for row, _ in self.store.plans_of(run):
            if self.store.set_plan(
                row["hash"], was=("waiting",), state="void", reason=f"{runbook} explains this trouble"
            ):
                record = self.store.run(run)
                self.store.append(
                    "plan_void",
                    {"plan": row["hash"], "reason": f"{runbook} explains this trouble and proposes instead"},
                    incident=record["incident"] if record else "",
                    run=run,
                )
                self.store.set_remedy(run, row["remedy"], standing="void", reason=f"{runbook} explains this trouble")

    def begin(
        self,
        runbook_id: str,
        *,
        incident: str,
        environment: str,
        mode: runs.Mode,
        confirmed: bool,
        because: str,
        how: str,
        values: dict[str, str] | None = None,
        actor: Actor | None = None,
        answers: int | None = None,
        waits: int | None = None,
    ) -> str:
        """Start a run of this runbook; its name. With `answers` it is about that alert of the incident alone.

        With `waits`, its rank, it looks when it is its turn.
        """
        document, runbook, binding = self.catalog.runbook(runbook_id)
        run = self.store.start_run(
            {
                "incident": incident,
                "runbook": runbook.id,
                "document": document.path,
                "document_revision": document.revision,
                "binding_revision": self.catalog.binding(document).revision,
                "document_text": self.catalog.texts.get(document.path, ""),
                "mode": mode,
                "confirmed": int(confirmed),
                "chosen_because": because,
                "started_at": self.store.now(),
                "values_": json.dumps(values or {}),
                "answers": answers,
                "waits_for": "" if waits is None else WAITS,
            },
            [
                {
                    "name": remedy.name,
                    "title": remedy.title,
                    "step": remedy.step,
                    "standing": remedies.Standing.NOT_WEIGHED if remedy.bullet else remedies.Standing.NOT_TRIED,
                }
                for remedy in remedies.of(runbook, binding, self.catalog.elsewhere)
            ],
        )
        where = Where(environment=environment, incident=incident, run=run)
        self.store.append(
            "runbook_chosen",
            {"run": run, "runbook": runbook.id, "how": how, "reason": because},
            **where,
            actor=actor or SYSTEM,
        )
        if waits is not None:
            self.store.wait_for_turn([(run, environment, waits)])
            return run
        self.store.append("run_started", {"run": run, "runbook": runbook.id, "mode": mode}, **where)
        self._told("run_started", incident, {"run": run, "runbook": runbook.id})
        return run


def _body(alert: Alert) -> str:
    """What is kept of an alert: also what was read how, and texts that were cut."""
    told: dict[str, Any] = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "runbook_url": alert.runbook_url,
    }
    if alert.group_key:
        told["group_key"] = alert.group_key
    if alert.notes:
        told["read"] = [note.says for note in alert.notes]
    if alert.whole:
        told["whole"] = dict(alert.whole)
    return json.dumps(told, sort_keys=True)


def _read(alert: Alert) -> dict[str, list[str]]:
    """What was read how, for the record."""
    return {"read": [note.says for note in alert.notes[:MOST_NOTES]]} if alert.notes else {}


def _source(source: str) -> Actor:
    return Actor(kind="source", name=source, known_by="webhook token")


def _by_hand(service: str) -> alerts.Scope:
    """What an incident is about that a person opened: the service that they named."""
    return alerts.Scope(kind=alerts.ScopeKind.SERVICE, name=service, reason="a person named it")


def _kept(row: dict[str, Any]) -> Alert:
    """An alert that fires, as the record has it."""
    told = json.loads(row["body"])
    return Alert(
        fingerprint=row["fingerprint"],
        name=row["name"],
        status="firing",
        labels=told.get("labels", {}),
        annotations=told.get("annotations", {}),
        starts_at=row["starts_at"],
        ends_at=None,
        runbook_url=told.get("runbook_url", ""),
        group_key=told.get("group_key", ""),
    )
