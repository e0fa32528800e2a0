"""From a stored webhook to an incident with a run: correlate, select, start. Taken again after a crash, it adds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handrail import alerts, remedies, runbooks, runs
from handrail.alerts import Alert
from handrail.alerts.severity import said_in
from handrail.engine import quiet, setaside
from handrail.engine.belonging import Belonging, kept
from handrail.engine.catalog import Catalog
from handrail.engine.openings import WAITS, Opening, Openings, run_rows, stands_alone
from handrail.engine.storms import Storms, rank
from handrail.evidence import SYSTEM, Actor, Where
from handrail.store import Store

REMEMBERED = 50_000  # alerts
MOST_NOTES = 10  # of one alert in one line of the record; its row has them all
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
        self.belonging = Belonging(store=store, catalog=catalog)
        self._openings = (
            Openings(store=store, catalog=catalog, storms=storms, belonging=self.belonging, told=told)
            if storms
            else None
        )
        self._expected: dict[tuple[str, str], dict[str, Any] | None] = {}  # what is known of the alerts to come
        self._led: dict[int, None] = {}  # alerts of which it is known that they led to a runbook, or to a question
        self._answers: dict[int, Answered | None] = {}  # by the alert's row, for as long as nobody edits a binding

    def expect(self, coming: Sequence[Alert], *, source: str) -> None:
        """These come next: what is known of them is asked for at once. What an earlier message told is written before."""
        if self._openings is not None and any(
            self._openings.holds(source=source, fingerprint=one.fingerprint) for one in coming
        ):
            self._write()
        known = self.store.newest_alerts(source, [one.fingerprint for one in coming])
        for one in coming:
            self._expected[(source, one.fingerprint)] = known.get(one.fingerprint)

    def flush(self) -> None:
        """Write what was decided and not written yet."""
        self._write()
        self._expected.clear()
        self.belonging.pause()

    def _write(self) -> None:
        if self._openings is not None and self._openings.write():
            self._at("alert kept")

    def forget(self) -> None:
        """What it remembers was not committed: it is read again."""
        if self._storms is not None:
            self._storms.forget()
        if self._openings is not None:
            self._openings.forget()
        self._expected.clear()
        self._led.clear()
        self.belonging.forget()

    def finish(self, found: alerts.Notification, *, post: int, source: str) -> None:
        """What is told of a message beside its alerts: what was set aside, and what its sender left out."""
        if found.truncated:
            self._write()  # its alerts have to be there
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
        """One alert: opens, moves, ends, opens again, or nothing, with the reason in the record."""
        environment = self._environment(source)
        if self._openings is not None and self._openings.holds(source=source, fingerprint=alert.fingerprint):
            self._write()
        key = (source, alert.fingerprint)
        # what was expected is true until this alert does something
        known = self._expected.pop(key) if key in self._expected else self.store.newest_alert(*key)
        turn = alerts.follow(_history(known), alert, now=self.store.now())
        anew = turn.does in (alerts.Does.OPENS, alerts.Does.AGAIN)
        if known is None or anew or (turn.does is alerts.Does.MOVES and self._another(alert, known)):
            return self._new(alert, turn, source=source, environment=environment)
        match turn.does:
            case alerts.Does.ENDS:
                return self._ended(alert, known, at=turn.then.ended_at, source=source, environment=environment)
            case alerts.Does.MOVES | alerts.Does.GOES_ON:
                if turn.does is alerts.Does.MOVES:
                    self._moved(alert, known, environment=environment)
                if self._over_for_long(known, environment):
                    self._write()
                    return self._again(alert, known, source=source, environment=environment)
                if turn.does is alerts.Does.GOES_ON and known["id"] in self._led:
                    return []
                touched = self._resume(alert, known, environment=environment)
                self._leads(known["id"])
                return touched
        if turn.then.ended_at != known["resolved_at"]:  # a later end of the same alert
            self.store.update_alert(known["id"], resolved_at=turn.then.ended_at)
        return []

    def _new(self, alert: Alert, turn: alerts.Turn, *, source: str, environment: str) -> list[str]:
        """An alert that was not known, or fires anew; of one that is over its end is kept, and nothing follows."""
        now = self.store.now()
        row = {
            "source": source,
            "fingerprint": alert.fingerprint,
            "starts_at": alert.starts_at,
            "name": alert.name,
            "status": alert.status,
            "resolved_at": turn.then.ended_at,
            "received_at": now,
            "body": _body(alert),
            "incident": None,
        }
        if alert.status == "resolved":
            self.store.keep_alert({**row, "decision": "it was resolved before it was ever seen firing"})
            return []
        scope = self.belonging.scope_of(alert)
        row["scope"] = json.dumps(scope.as_json())
        if self._openings is not None and (not stands_alone(scope) or self._openings.holds_scope(environment, scope)):
            self._write()
        decision = self.belonging.where(alert, scope, environment=environment, now=now)
        guessed = f"; that it is about {scope.title} is a guess: {scope.reason}" if scope.guess else ""
        row["decision"] = f"{decision.reason}{guessed}"
        if isinstance(decision, alerts.Joins):
            row["incident"] = decision.incident
            return self._join(alert, row, decision, scope=scope, environment=environment)
        return self._open_incident(alert, row, source=source, environment=environment, scope=scope)

    def _ended(
        self, alert: Alert, known: dict[str, Any], *, at: datetime | None, source: str, environment: str
    ) -> list[str]:
        incident = known["incident"]
        self.store.resolve_alert(known["id"], at or self.store.now())
        if not incident:
            return []
        self.belonging.over(incident, source=source, fingerprint=alert.fingerprint)
        where = Where(environment=environment, incident=incident, run="")
        self.store.append("alert_resolved", {"name": alert.name}, **where, actor=_source(source))
        quiet.arm(self.store, self.catalog, incident)
        return [f"R-{row['number']}" for row in self.store.runs(incident=incident, open_only=True)]

    def _moved(self, alert: Alert, known: dict[str, Any], *, environment: str) -> None:
        """It goes on, with a newer start: who tells of it was restarted. When the trouble began is not forgotten."""
        began = known["began_at"] or known["starts_at"]
        self.store.update_alert(known["id"], starts_at=alert.starts_at, began_at=began)
        if known["incident"] and not alert.lasts:
            payload = {"name": alert.name, "starts_at": alert.starts_at.isoformat(), "began_at": began.isoformat()}
            where = Where(environment=environment, incident=known["incident"], run="")
            self.store.append("alert_moved", payload, **where, actor=_source(known["source"]))

    def _another(self, alert: Alert, known: dict[str, Any]) -> bool:
        """Whether it is another trouble: what an event told of is not told again while it lasts, so after its incident
        was closed it is not that one's."""
        row = self.store.incident(known["incident"] or "") if alert.lasts else None
        return row is not None and row["status"] != "open"

    def _over_for_long(self, known: dict[str, Any], environment: str) -> bool:
        """Whether the alert's incident is closed for longer than one hold: by then the alert should have resolved."""
        # asked for together with the alert, where it was expected
        row = known if "closed_at" in known else self.store.incident(known["incident"] or "")
        if row is None or row["closed_at"] is None:
            return False
        return bool(self.store.now() - row["closed_at"] > self.catalog.place(environment).hold + AFTER_CLOSING)

    def _again(self, alert: Alert, known: dict[str, Any], *, source: str, environment: str) -> list[str]:
        """It still fires though its incident was closed: people deal with it again."""
        scope = self.belonging.scope_of(alert)
        before = known["incident"]
        reason = f"it still fires after {before} was closed"
        about = self.belonging.about(scope, environment=environment)
        if about:
            self.store.move_alert(known["id"], incident=about, decision=reason)
            return self._joined(alert, about, reason=reason, source=source, scope=scope, environment=environment)
        return self._opened(
            alert,
            keep=lambda incident: self.store.move_alert(known["id"], incident=incident, decision=reason),
            source=source,
            environment=environment,
            scope=scope,
            reason=reason,
        )

    def _leads(self, alert_id: int) -> None:
        """It needs not be looked at again, for as long as this process lives."""
        self._led[alert_id] = None
        while len(self._led) > REMEMBERED:
            del self._led[next(iter(self._led))]

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

    def _open_incident(
        self, alert: Alert, row: dict[str, Any], *, source: str, environment: str, scope: alerts.Scope
    ) -> list[str]:
        storm = self._storms.open_storm(environment) if self._storms else ""
        if self._openings is not None and storm and stands_alone(scope):
            incident = self._incident_row(alert, environment=environment, scope=scope, at=row["received_at"])
            received = {"name": alert.name, "decision": "opens", "reason": row["decision"], **_read(alert)}
            self._openings.put(
                Opening(
                    alert=alert,
                    source=source,
                    scope=scope,
                    storm=storm,
                    row=row,
                    incident={**incident, **self._openings.columns(storm)},
                    received=received,
                    answer=self._selected(alert),
                )
            )
            return []
        self._write()
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
        now = self.store.now()
        row = self._incident_row(alert, environment=environment, scope=scope, at=now)
        title, severity = row["title"], row["severity"]
        storm = self._storms.under(environment, severity=severity, drill=bool(row["drill"])) if self._storms else ""
        incident = self.store.open_incident({**row, **(self._storms.columns(storm) if self._storms else {})})
        if self._storms:
            self._storms.opened(environment, incident, now)
        keep(incident)
        self.belonging.opened(incident, environment=environment, scope=scope, at=now)
        self.belonging.fires(incident, alert, source=source, scope=scope, at=now)
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

    def _incident_row(self, alert: Alert, *, environment: str, scope: alerts.Scope, at: datetime) -> dict[str, Any]:
        return {
            "environment": environment,
            "service": scope.service,
            "title": self.title(alert, scope),
            "severity": self.severity(alert),
            "opened_at": at,
            "drill": int(self._drilling()),
            "facts": self._storms.facts(alert.labels, scope) if self._storms else None,
            "scope": json.dumps(scope.as_json()),
        }

    def _join(
        self, alert: Alert, row: dict[str, Any], joins: alerts.Joins, *, scope: alerts.Scope, environment: str
    ) -> list[str]:
        """Into an incident that is open, which hears why, and is as bad as the worst of its alerts."""
        incident = joins.incident
        if not self.store.keep_alert(row):
            return []
        if joins.shares is not None:
            self.belonging.shares(incident, joins.shares)
        said = {"reason": row["decision"], "source": row["source"]}
        return self._joined(alert, incident, scope=scope, environment=environment, **said)

    def _joined(
        self, alert: Alert, incident: str, *, reason: str, source: str, scope: alerts.Scope, environment: str
    ) -> list[str]:
        """What follows where an alert was put into an incident that is open, whatever put it there."""
        now = self.store.now()
        self.store.update_incident(incident, last_alert_at=now)
        self.belonging.fires(incident, alert, source=source, scope=scope, at=now)
        self.store.append(
            "alert_received",
            {"name": alert.name, "decision": "joins", "reason": reason, **_read(alert)},
            environment=environment,
            incident=incident,
            actor=_source(source),
        )
        self._raise(alert, incident, scope=scope, environment=environment)
        return self._select(alert, incident=incident, environment=environment, first=False)

    def title(self, alert: Alert, scope: alerts.Scope) -> str:
        """What an incident is called that this alert opens, or raises."""
        about = "" if scope.kind is alerts.ScopeKind.ALONE else f" on {scope.title}"
        return alert.annotations.get("summary") or f"{alert.name}{about}"

    def severity(self, alert: Alert) -> str:
        """One of five words; `unknown` where it says nothing, which counts as above warning."""
        if not said_in(alert.labels):
            return "unknown"
        return alerts.severity_of(alert.labels, words=self.catalog.severities).word

    def _raise(self, alert: Alert, incident: str, *, scope: alerts.Scope, environment: str) -> None:
        """An alert that is worse than its incident raises it, gives it its title, and people are paged for it."""
        row = self.store.incident(incident) or {}
        word = self.severity(alert)
        if alerts.by_word(word) <= alerts.by_word(row["severity"]):
            return
        title = self.title(alert, scope)
        payload = {"name": alert.name, "severity": word, "was": row["severity"], "title": title}
        if row["acknowledged_by"]:
            payload["had_by"] = row["acknowledged_by"]
        gathered = row["storm"] is not None and row["released_at"] is None  # its people's side is the storm's
        self.store.raise_severity(incident, severity=word, title=title, at=self.store.now(), anew=not gathered)
        self.store.append("severity_raised", payload, environment=environment, incident=incident)
        self._told("severity_raised", incident, payload)
        if row["storm"] and row["released_at"] is None:
            self._told("severity_raised", f"I-{row['storm']}", payload)

    def select(self, alert: Alert, *, incident: str, environment: str) -> list[str]:
        """The run of the runbook that answers the first alert of an incident."""
        return self._select(alert, incident=incident, environment=environment, first=True)

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
        """Whose turn it is. One run of an incident proposes: where none is left that may, it is this one's turn.

        Else it only looks, unless its binding explains what the first run answers, or the first was a guess.
        """
        _, found, binding = self.catalog.runbook(runbook)
        proposing = [run for run in existing if not run["ending"] and run["mode"] == runs.Mode.PROPOSES]
        if proposing and certain and not any(run["confirmed"] for run in proposing):
            for run in proposing:  # a guess that nobody confirmed makes room for what an alert names
                self._drop_guess(f"R-{run['number']}", runbook)
            return runs.Mode.PROPOSES
        applies = certain and bool(remedies.of(found, binding, self.catalog.elsewhere))
        if applies and all(self._has_nothing_left(run) for run in proposing):
            for run in proposing:
                self.store.update_run(f"R-{run['number']}", mode=runs.Mode.LOOKS)
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

    def _has_nothing_left(self, run: dict[str, Any]) -> bool:
        """Whether people were told so, nothing of its can be taken back, and it does not stay in charge."""
        offered = any(
            state["standing"] == remedies.Standing.OFFERED for state in self.store.remedies_of(f"R-{run['number']}")
        )
        changing = run["verifying"] or any(
            row["state"] in ("waiting", "approved", "running") for row, _ in self.store.plans_of(f"R-{run['number']}")
        )
        stays = self.catalog.runbook(run["runbook"])[2].stays_in_charge
        return run["handed_over_at"] is not None and not offered and not changing and not stays

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
            alert = kept(row)
            answer = self._selected(alert)
            self._answers[row["id"]] = (
                None
                if isinstance(answer, runbooks.Undecided)
                else Answered(
                    alert=row["id"],
                    name=alert.name,
                    service=self.belonging.scope_of(alert).service,
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
        row, steps = run_rows(self.catalog, runbook_id)
        own = {
            "incident": incident,
            "mode": mode,
            "confirmed": int(confirmed),
            "chosen_because": because,
            "started_at": self.store.now(),
            "values_": json.dumps(values or {}),
            "answers": answers,
            "waits_for": "" if waits is None else WAITS,
        }
        run, runbook = self.store.start_run({**row, **own}, steps), row["runbook"]
        where = Where(environment=environment, incident=incident, run=run)
        self.store.append(
            "runbook_chosen",
            {"run": run, "runbook": runbook, "how": how, "reason": because},
            **where,
            actor=actor or SYSTEM,
        )
        if waits is not None:
            self.store.wait_for_turn([(run, environment, waits)])
            return run
        self.store.append("run_started", {"run": run, "runbook": runbook, "mode": mode}, **where)
        self._told("run_started", incident, {"run": run, "runbook": runbook})
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


def _history(known: dict[str, Any] | None) -> alerts.History | None:
    """What the record knows of an alert."""
    if known is None:
        return None
    ended = None if known["status"] == "firing" else known["resolved_at"] or known["received_at"]
    return alerts.History(starts_at=known["starts_at"], ended_at=ended)
