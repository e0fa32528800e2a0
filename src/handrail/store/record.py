"""The record: what was stored, in the words of the product. Every method is one transaction.

Rows come back as plain dictionaries (`Row`) with the columns of `tables`; times are aware datetimes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from handrail.evidence import SYSTEM, Actor, Event, Evidence, Kind, Look
from handrail.plans import Plan, canonical, from_json
from handrail.runs import holding
from handrail.store import tables as t
from handrail.store.database import reading, writing
from handrail.store.gathered import Waiting, number_of

Row = dict[str, Any]
TIMES = frozenset(
    column.name
    for table in t.metadata.sorted_tables
    for column in table.columns
    if column.name.endswith("_at") or column.name in ("at", "verify_since", "verified_since")
)


class Store(Waiting):
    """Everything that is kept. `clock` gives aware UTC times."""

    def __init__(self, engine: sa.Engine, *, clock: Any) -> None:
        self.engine = engine
        self._clock = clock

    def now(self) -> datetime:
        """The time by the clock this store was given."""
        moment: datetime = self._clock()
        return moment

    def together(self) -> AbstractContextManager[Any]:
        """All that this thread writes in the block is one transaction: a crash leaves the whole of it, or nothing.

        Nothing slow stands in such a block, and nothing that another thread must see before it ends.
        """
        return writing(self.engine)

    # -- alerts --------------------------------------------------------------------------------------------------

    def keep_post(self, *, source: str, body: str) -> int:
        """A webhook's masked body, durable before it is answered."""
        with writing(self.engine) as connection:
            row = {"source": source, "received_at": _text(self.now()), "body": body, "state": "new"}
            return int(_inserted(connection, t.posts, row))

    def new_posts(self) -> list[Row]:
        """Posts that were stored and not worked on, oldest first."""
        return self._rows(sa.select(t.posts).where(t.posts.c.state == "new").order_by(t.posts.c.id))

    def posts(self) -> list[Row]:
        """Every webhook that was stored, oldest first."""
        return self._rows(sa.select(t.posts).order_by(t.posts.c.id))

    def post_done(self, post: int, *, state: str = "done") -> None:
        """The post was worked on, or set aside where it could not be (`stuck`)."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.posts).where(t.posts.c.id == post).values(state=state))

    def keep_alert(self, row: Row) -> bool:
        """Store an alert under (source, fingerprint, starts_at); False where it is known already."""
        with writing(self.engine) as connection:
            known = connection.execute(
                sa.select(t.alerts.c.id).where(
                    t.alerts.c.source == row["source"],
                    t.alerts.c.fingerprint == row["fingerprint"],
                    t.alerts.c.starts_at == _text(row["starts_at"]),
                )
            ).first()
            if known:
                return False
            connection.execute(sa.insert(t.alerts).values(_plain(row)))
            return True

    def alert(self, source: str, fingerprint: str, starts_at: datetime) -> Row | None:
        """The stored alert, or None."""
        return self._one(
            sa.select(t.alerts).where(
                t.alerts.c.source == source,
                t.alerts.c.fingerprint == fingerprint,
                t.alerts.c.starts_at == _text(starts_at),
            )
        )

    def firing(self, source: str, fingerprint: str) -> list[Row]:
        """The alerts of that fingerprint that were not resolved, whenever they began, newest first."""
        return self._rows(
            sa.select(t.alerts)
            .where(t.alerts.c.source == source, t.alerts.c.fingerprint == fingerprint, t.alerts.c.status == "firing")
            .order_by(t.alerts.c.id.desc())
        )

    def move_alert(self, alert_id: int, *, incident: str, decision: str) -> None:
        """A known alert that another incident is about now."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.alerts).where(t.alerts.c.id == alert_id).values(incident=incident, decision=decision)
            )

    def resolve_alert(self, alert_id: int, at: datetime) -> None:
        """Resolved is sticky for one (fingerprint, starts_at)."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.alerts)
                .where(t.alerts.c.id == alert_id, t.alerts.c.status == "firing")
                .values(status="resolved", resolved_at=_text(at))
            )

    def alerts_of(self, incident: str) -> list[Row]:
        """The alerts that joined an incident, oldest first."""
        return self._rows(sa.select(t.alerts).where(t.alerts.c.incident == incident).order_by(t.alerts.c.id))

    # -- incidents -----------------------------------------------------------------------------------------------

    def open_incident(self, row: Row) -> str:
        """A new incident; its name, `I-12`."""
        with writing(self.engine) as connection:
            values = {"status": "open", "level": 0, **row, "last_alert_at": row["opened_at"]}
            return f"I-{_inserted(connection, t.incidents, _plain(values))}"

    def incident(self, incident: str) -> Row | None:
        """One incident by its name."""
        return self._one(sa.select(t.incidents).where(t.incidents.c.number == number_of(incident)))

    def incidents(self, *, status: str | None = None) -> list[Row]:
        """Incidents, newest first."""
        query = sa.select(t.incidents).order_by(t.incidents.c.number.desc())
        return self._rows(query.where(t.incidents.c.status == status) if status else query)

    def update_incident(self, incident: str, **values: Any) -> None:
        """Set columns of an incident."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.incidents).where(t.incidents.c.number == number_of(incident)).values(_plain(values))
            )

    def acknowledge(self, incident: str, person: str) -> bool:
        """First acknowledgement wins; True where this one was it."""
        return self._compare_and_set(
            sa.update(t.incidents)
            .where(t.incidents.c.number == number_of(incident), t.incidents.c.acknowledged_by.is_(None))
            .values(acknowledged_by=person, acknowledged_at=_text(self.now()))
        )

    def close_incident(self, incident: str) -> bool:
        """Close it once; True where this call did."""
        return self._compare_and_set(
            sa.update(t.incidents)
            .where(t.incidents.c.number == number_of(incident), t.incidents.c.status == "open")
            .values(status="closed", closed_at=_text(self.now()))
        )

    def call_level(
        self, incident: str, level: int, *, messages: Sequence[Row], tasks: Sequence[Row], payload: Mapping[str, Any]
    ) -> bool:
        """Call a level once: its messages, its duties and the line in the record, in one transaction.

        True where this call did it; False where this level or a higher one was called before.
        """
        with writing(self.engine) as connection:
            where = (t.incidents.c.number == number_of(incident), t.incidents.c.level < level)
            if connection.execute(sa.update(t.incidents).where(*where).values(level=level)).rowcount != 1:
                return False
            environment = connection.execute(
                sa.select(t.incidents.c.environment).where(t.incidents.c.number == number_of(incident))
            ).scalar_one()
            for message in messages:
                self._queue(connection, message)
            for task in tasks:
                self._add_task(connection, task)
            self._append(connection, "page", payload, environment=environment, incident=incident, run="", actor=SYSTEM)
            return True

    # -- runs ----------------------------------------------------------------------------------------------------

    def start_run(self, row: Row, remedies: Sequence[Row]) -> str:
        """A new run with its remedies; its name, `R-12`."""
        with writing(self.engine) as connection:
            values = {"values_": "{}", "segment": 0, "reason": "", "verifying": "", "waits_for": "", **row}
            run = f"R-{_inserted(connection, t.runs, _plain(values))}"
            for position, remedy in enumerate(remedies):
                connection.execute(
                    sa.insert(t.remedies).values(
                        run=run, position=position, **{"standing": "not tried", "reason": "", "plan": "", **remedy}
                    )
                )
            return run

    def run(self, run: str) -> Row | None:
        """One run by its name."""
        return self._one(sa.select(t.runs).where(t.runs.c.number == number_of(run)))

    def runs(self, *, incident: str | None = None, open_only: bool = False) -> list[Row]:
        """Runs, oldest first."""
        query = sa.select(t.runs).order_by(t.runs.c.number)
        if incident:
            query = query.where(t.runs.c.incident == incident)
        if open_only:
            query = query.where(t.runs.c.ending.is_(None))
        return self._rows(query)

    def update_run(self, run: str, **values: Any) -> None:
        """Set columns of a run."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.runs).where(t.runs.c.number == number_of(run)).values(_plain(values)))

    def next_segment(self, run: str) -> int:
        """The number of the run's next segment: its workflow's id is made from it."""
        with writing(self.engine) as connection:
            where = t.runs.c.number == number_of(run)
            connection.execute(sa.update(t.runs).where(where).values(segment=t.runs.c.segment + 1))
            return int(connection.execute(sa.select(t.runs.c.segment).where(where)).scalar_one())

    def end_run(self, run: str, *, ending: str, reason: str) -> bool:
        """End it once; True where this call did."""
        return self._compare_and_set(
            sa.update(t.runs)
            .where(t.runs.c.number == number_of(run), t.runs.c.ending.is_(None))
            .values(ending=ending, reason=reason, ended_at=_text(self.now()), waits_for="")
        )

    # -- evidence ------------------------------------------------------------------------------------------------

    def keep_evidence(self, evidence: Evidence) -> None:
        """Store what was seen, masked already."""
        body = canonical(dataclasses.asdict(evidence))
        with writing(self.engine) as connection:
            connection.execute(
                sa.insert(t.evidence).values(
                    id=evidence.id, run=evidence.run, command=evidence.command, stored_at=_text(self.now()), body=body
                )
            )

    def evidence_of(self, run: str) -> list[Evidence]:
        """All that a run saw, oldest first."""
        with reading(self.engine) as connection:
            found = connection.execute(
                sa.select(t.evidence.c.body).where(t.evidence.c.run == run).order_by(t.evidence.c.number)
            )
            return [_evidence(row.body) for row in found]

    # -- drills --------------------------------------------------------------------------------------------------

    def keep_drill(self, row: Row) -> None:
        """How a drill ended: fault, runbook, passed, profile, seconds, times, problems, by_person."""
        with writing(self.engine) as connection:
            _inserted(connection, t.drills, _plain({"at": self.now(), **row}))

    def drills(self) -> list[Row]:
        """Every drill, oldest first."""
        return self._rows(sa.select(t.drills).order_by(t.drills.c.id))

    # -- remedies and plans --------------------------------------------------------------------------------------

    def remedies_of(self, run: str) -> list[Row]:
        """A run's remedies in their order."""
        return self._rows(sa.select(t.remedies).where(t.remedies.c.run == run).order_by(t.remedies.c.position))

    def add_remedy(self, run: str, row: Row) -> bool:
        """A remedy that came up during the run, before all others; once for each name."""
        with writing(self.engine) as connection:
            own = t.remedies.c.run == run
            known = connection.execute(
                sa.select(t.remedies.c.name).where(own, t.remedies.c.name == row["name"])
            ).first()
            if known:
                return False
            first = connection.execute(sa.select(sa.func.min(t.remedies.c.position)).where(own)).scalar_one() or 0
            connection.execute(sa.insert(t.remedies).values(run=run, position=first - 1, **{"plan": "", **row}))
            return True

    def put_in_order(self, run: str, names: Sequence[str]) -> None:
        """These remedies of a run in this order, in the places that they hold among the others."""
        with writing(self.engine) as connection:
            own = t.remedies.c.run == run
            found = connection.execute(sa.select(t.remedies.c.name, t.remedies.c.position).where(own)).all()
            held = {name: position for name, position in found if name in names}
            aside = min(position for _, position in found) - len(names) - 1  # positions are unique at every moment
            for step, name in enumerate(names):
                at = (own, t.remedies.c.name == name)
                connection.execute(sa.update(t.remedies).where(*at).values(position=aside + step))
            for name, position in zip(names, sorted(held.values()), strict=True):
                at = (own, t.remedies.c.name == name)
                connection.execute(sa.update(t.remedies).where(*at).values(position=position))

    def put_first(self, run: str, name: str) -> None:
        """This remedy of a run before all others."""
        with writing(self.engine) as connection:
            own = t.remedies.c.run == run
            first = connection.execute(sa.select(sa.func.min(t.remedies.c.position)).where(own)).scalar_one()
            connection.execute(
                sa.update(t.remedies).where(own, t.remedies.c.name == name).values(position=int(first) - 1)
            )

    def set_remedy(self, run: str, name: str, *, standing: str, reason: str = "", title: str = "") -> None:
        """Where a remedy stands now; with `title` it is called so from now on."""
        values: Row = {"standing": standing, "reason": reason}
        if title:
            values["title"] = title
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.remedies).where(t.remedies.c.run == run, t.remedies.c.name == name).values(values)
            )

    def propose(self, proposals: Sequence[tuple[Plan, bool]]) -> bool:
        """Store the plans of one remedy (recommended or not) as waiting, unless the incident has a proposal already."""
        plan = proposals[0][0]
        with writing(self.engine) as connection:
            waiting = connection.execute(
                sa.select(t.plans.c.hash).where(
                    t.plans.c.incident == plan.incident, t.plans.c.state.in_(("waiting", "approved", "running"))
                )
            ).first()
            if waiting:
                return False
            for proposal, recommended in proposals:
                connection.execute(
                    sa.insert(t.plans).values(
                        hash=proposal.hash,
                        run=proposal.run,
                        incident=proposal.incident,
                        remedy=proposal.remedy,
                        original=int(proposal.original),
                        recommended=int(recommended),
                        state="waiting",
                        reason="",
                        made_at=_text(proposal.made_at),
                        expires_at=_text(proposal.expires_at),
                        body=canonical(dataclasses.asdict(proposal)),
                    )
                )
            connection.execute(
                sa.update(t.remedies)
                .where(t.remedies.c.run == plan.run, t.remedies.c.name == plan.remedy)
                .values(standing="proposed", reason="", plan=next(p.hash for p, chosen in proposals if chosen))
            )
            return True

    def plan(self, prefix: str) -> tuple[Row, Plan] | None:
        """The plan whose hash begins so, or None where none or several do."""
        rows = self._rows(sa.select(t.plans).where(t.plans.c.hash.startswith(prefix.lower().replace(" ", ""))).limit(2))
        if len(rows) != 1 or len(prefix) < 4:
            return None
        plan = from_json(rows[0]["body"])
        if plan.hash != rows[0]["hash"]:  # someone wrote into the table
            return None
        return rows[0], plan

    def plans_of(self, run: str) -> list[tuple[Row, Plan]]:
        """A run's plans, oldest first."""
        rows = self._rows(
            sa.select(t.plans).where(t.plans.c.run == run).order_by(t.plans.c.made_at, t.plans.c.original)
        )
        return [(row, from_json(row["body"])) for row in rows]

    def waiting_plans(self) -> list[tuple[Row, Plan]]:
        """Plans that wait for an approval."""
        rows = self._rows(sa.select(t.plans).where(t.plans.c.state == "waiting").order_by(t.plans.c.made_at))
        return [(row, from_json(row["body"])) for row in rows]

    def set_plan(self, plan: str, *, was: Sequence[str], state: str, reason: str = "") -> bool:
        """Move a plan on, if it is still in one of the states `was`."""
        return self._compare_and_set(
            sa.update(t.plans)
            .where(t.plans.c.hash == plan, t.plans.c.state.in_(was))
            .values(state=state, reason=reason)
        )

    def keep_decision(self, *, plan: str, person: str, yes: bool, known_by: str, reason: str = "") -> bool:
        """A person's answer to one hash, once. A yes approves it and voids its sibling, in one transaction."""
        with writing(self.engine) as connection:
            row = connection.execute(sa.select(t.plans).where(t.plans.c.hash == plan)).mappings().first()
            if row is None or row["state"] != "waiting":
                return False
            connection.execute(
                sa.insert(t.decisions).values(
                    plan=plan, person=person, yes=int(yes), at=_text(self.now()), known_by=known_by, reason=reason
                )
            )
            state = "approved" if yes else "refused"
            connection.execute(sa.update(t.plans).where(t.plans.c.hash == plan).values(state=state, reason=reason))
            siblings = (
                t.plans.c.run == row["run"],
                t.plans.c.remedy == row["remedy"],
                t.plans.c.hash != plan,
                t.plans.c.state == "waiting",
            )
            because = f"plan {plan[:8]} was {state} instead" if yes else f"refused with plan {plan[:8]}"
            connection.execute(
                sa.update(t.plans).where(*siblings).values(state="void" if yes else "refused", reason=because)
            )
            if yes:
                where = (t.remedies.c.run == row["run"], t.remedies.c.name == row["remedy"])
                connection.execute(sa.update(t.remedies).where(*where).values(plan=plan))
            return True

    def decisions_of(self, plan: str) -> list[Row]:
        """Who decided on a plan."""
        return self._rows(sa.select(t.decisions).where(t.decisions.c.plan == plan).order_by(t.decisions.c.at))

    # -- intents: the permit to act ------------------------------------------------------------------------------

    def intend(self, *, run: str, plan: str, command: int, target: str, approved_by: str, worker: str) -> str:
        """Insert the permit and hold the target, in one transaction.

        Answers `granted` to the one who may act; `held` where another plan holds the target; else what the row says:
        its outcome, or `open` where somebody's intent has none.
        """
        with writing(self.engine) as connection:
            where = (t.intents.c.run == run, t.intents.c.plan == plan, t.intents.c.command == command)
            known = connection.execute(sa.select(t.intents.c.outcome).where(*where)).first()
            if known:
                return str(known.outcome) if known.outcome else "open"
            holder = connection.execute(sa.select(t.locks.c.plan).where(t.locks.c.target == target)).first()
            if holder and holder.plan != plan:
                return "held"
            if not holder:
                connection.execute(sa.insert(t.locks).values(target=target, plan=plan, at=_text(self.now())))
            connection.execute(
                sa.insert(t.intents).values(
                    run=run,
                    plan=plan,
                    command=command,
                    target=target,
                    approved_by=approved_by,
                    worker=worker,
                    at=_text(self.now()),
                    detail="",
                )
            )
            return "granted"

    def outcome(
        self, *, run: str, plan: str, command: int, outcome: str, detail: str = "", settled_by: str | None = None
    ) -> bool:
        """What became of an intent; a person (`settled_by`) may later settle an unknown one."""
        return self._compare_and_set(
            sa.update(t.intents)
            .where(
                t.intents.c.run == run,
                t.intents.c.plan == plan,
                t.intents.c.command == command,
                sa.or_(t.intents.c.outcome.is_(None), t.intents.c.outcome == "unknown"),
            )
            .values(outcome=outcome, outcome_at=_text(self.now()), detail=detail, settled_by=settled_by)
        )

    def intents_of(self, run: str) -> list[Row]:
        """A run's intents in order."""
        return self._rows(
            sa.select(t.intents).where(t.intents.c.run == run).order_by(t.intents.c.at, t.intents.c.command)
        )

    def holder(self, target: str) -> Row | None:
        """Who holds a target: `plan`, its `run` and `incident`, since when (`at`); None where it is free."""
        return self._one(
            sa.select(t.locks, t.plans.c.run, t.plans.c.incident)
            .outerjoin(t.plans, t.plans.c.hash == t.locks.c.plan)
            .where(t.locks.c.target == target)
        )

    def locks(self) -> list[Row]:
        """Every target that is held, with its plan and since when."""
        return self._rows(sa.select(t.locks).order_by(t.locks.c.at, t.locks.c.target))

    def let_go(self) -> list[str]:
        """Let go of every target that the rule does not keep (`runs.holding`), and wake who may wait for one of them.

        It stands in the transaction of whatever ends: no ending is there without it.
        """
        with writing(self.engine) as connection:
            freed = [lock for lock in self.locks() if self._kept(lock) is None]
            for lock in freed:
                connection.execute(sa.delete(t.locks).where(t.locks.c.target == lock["target"]))
            if freed:
                approved = sa.select(t.plans.c.run).where(t.plans.c.state == "approved").distinct()
                for run in connection.execute(approved).scalars().all():
                    self.wake_soon(run)
            return [str(lock["target"]) for lock in freed]

    def _kept(self, lock: Row) -> holding.Keeps | None:
        plan = self._one(sa.select(t.plans.c.run, t.plans.c.state).where(t.plans.c.hash == lock["plan"]))
        run = self.run(plan["run"]) if plan else None
        incident = self.incident(run["incident"]) if run else None
        intents = self._rows(sa.select(t.intents).where(t.intents.c.plan == lock["plan"]))
        holder = (
            holding.Holder(
                running=plan["state"] == "running",
                ended=bool(run["ending"] or run["stopped_by"] or incident["status"] != "open"),
                by_hand=bool(incident["taken_over_by"]),
                verifying=bool(run["verifying"]),
            )
            if plan and run and incident
            else None
        )
        own = [
            holding.Intent(
                target=row["target"],
                outcome=row["outcome"],
                settled=row["settled_by"] is not None,
                looked=row["looked_by"] is not None,
            )
            for row in intents
        ]
        return holding.keeps(lock["target"], holder, own)

    # -- the record ----------------------------------------------------------------------------------------------

    def append(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        *,
        environment: str = "",
        incident: str = "",
        run: str = "",
        actor: Actor = SYSTEM,
    ) -> int:
        """One more line of the record, chained to the line before. Its sequence number."""
        with writing(self.engine) as connection:
            return self._append(
                connection, kind, payload or {}, environment=environment, incident=incident, run=run, actor=actor
            )

    def _append(
        self,
        connection: sa.Connection,
        kind: str,
        payload: Mapping[str, Any],
        *,
        environment: str,
        incident: str,
        run: str,
        actor: Actor,
    ) -> int:
        last = connection.execute(
            sa.select(t.events.c.sequence, t.events.c.hash).order_by(t.events.c.sequence.desc()).limit(1)
        ).first()
        row = {
            "sequence": (last.sequence if last else 0) + 1,
            "at": _text(self.now()),
            "environment": environment,
            "incident": incident,
            "run": run,
            "actor": canonical(dataclasses.asdict(actor)),
            "kind": kind,
            "payload": canonical(dict(payload)),
            "version": 1,
            "previous": last.hash if last else "",
        }
        connection.execute(sa.insert(t.events).values(**row, hash=_digest(row)))
        return int(row["sequence"])

    def events(self, *, incident: str | None = None, after: int = 0, kinds: Sequence[str] = ()) -> list[Event]:
        """The record in order, of one incident or of all, of some kinds or of all."""
        query = sa.select(t.events).where(t.events.c.sequence > after).order_by(t.events.c.sequence)
        if incident is not None:
            query = query.where(t.events.c.incident == incident)
        if kinds:
            query = query.where(t.events.c.kind.in_(kinds))
        with reading(self.engine) as connection:
            return [_event(dict(row)) for row in connection.execute(query).mappings()]

    def broken_line(self) -> int | None:
        """The first sequence number whose hash or link does not fit, None where the chain is whole."""
        previous, expected = "", 1
        with reading(self.engine) as connection:
            for row in connection.execute(sa.select(t.events).order_by(t.events.c.sequence)).mappings():
                plain = {key: value for key, value in row.items() if key != "hash"}
                if row["sequence"] != expected or row["previous"] != previous or row["hash"] != _digest(plain):
                    return int(row["sequence"])
                previous, expected = row["hash"], expected + 1
        return None

    # -- timers --------------------------------------------------------------------------------------------------

    def arm(self, timer: str, *, due_at: datetime, kind: str, subject: str) -> None:
        """Arm a timer, once; a timer that fired or was cancelled stays so."""
        with writing(self.engine) as connection:
            if not connection.execute(sa.select(t.timers.c.id).where(t.timers.c.id == timer)).first():
                connection.execute(
                    sa.insert(t.timers).values(
                        id=timer, due_at=_text(due_at), kind=kind, subject=subject, state="armed"
                    )
                )

    def wake_soon(self, run: str) -> None:
        """Leave word that a run goes on; the process that serves finds it at once."""
        now = self.now()
        self.arm(f"wake/{run}/{now.isoformat()}", due_at=now, kind="wake", subject=run)

    def hasten(self, timer: str, due_at: datetime) -> bool:
        """Let an armed timer fire sooner; never later."""
        return self._compare_and_set(
            sa.update(t.timers)
            .where(t.timers.c.id == timer, t.timers.c.state == "armed", t.timers.c.due_at > _text(due_at))
            .values(due_at=_text(due_at))
        )

    def due_timers(self, now: datetime) -> list[Row]:
        """Armed timers that are due, oldest first."""
        query = sa.select(t.timers).where(t.timers.c.state == "armed", t.timers.c.due_at <= _text(now))
        return self._rows(query.order_by(t.timers.c.due_at))

    def fire(self, timer: str) -> bool:
        """Claim a due timer: True for exactly one caller."""
        return self._compare_and_set(
            sa.update(t.timers).where(t.timers.c.id == timer, t.timers.c.state == "armed").values(state="fired")
        )

    def cancel(self, prefix: str) -> None:
        """Cancel the armed timers whose id begins so."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.timers)
                .where(t.timers.c.id.startswith(prefix), t.timers.c.state == "armed")
                .values(state="cancelled")
            )

    def timers(self, prefix: str) -> list[Row]:
        """Timers whose id begins so, soonest first."""
        return self._rows(sa.select(t.timers).where(t.timers.c.id.startswith(prefix)).order_by(t.timers.c.due_at))

    # -- people --------------------------------------------------------------------------------------------------

    def add_task(self, row: Row) -> bool:
        """A task for a person, once for each place; True where it is new."""
        with writing(self.engine) as connection:
            return self._add_task(connection, row)

    def _add_task(self, connection: sa.Connection, row: Row) -> bool:
        where = (
            t.tasks.c.incident == row["incident"],
            t.tasks.c.run == row["run"],
            t.tasks.c.place == row["place"],
        )
        if connection.execute(sa.select(t.tasks.c.number).where(*where)).first():
            return False
        connection.execute(sa.insert(t.tasks).values(_plain({"note": "", **row})))
        return True

    def tasks_of(self, incident: str) -> list[Row]:
        """An incident's tasks in order."""
        return self._rows(sa.select(t.tasks).where(t.tasks.c.incident == incident).order_by(t.tasks.c.number))

    def finish_task(self, number: int, *, by: str, note: str = "") -> bool:
        """Done, once."""
        return self._compare_and_set(
            sa.update(t.tasks)
            .where(t.tasks.c.number == number, t.tasks.c.done_at.is_(None))
            .values(done_at=_text(self.now()), done_by=by, note=note)
        )

    def queue_message(self, *, id: str, incident: str, person: str, title: str, body: str) -> bool:
        """A message to be sent, once for each id."""
        with writing(self.engine) as connection:
            row = {"id": id, "incident": incident, "person": person, "title": title, "body": body}
            return self._queue(connection, row)

    def _queue(self, connection: sa.Connection, row: Row) -> bool:
        if connection.execute(sa.select(t.messages.c.id).where(t.messages.c.id == row["id"])).first():
            return False
        connection.execute(sa.insert(t.messages).values(**row, at=_text(self.now()), state="waiting"))
        return True

    def claim_message(self, id: str) -> bool:
        """Take a waiting message to send it: True for exactly one caller."""
        return self._compare_and_set(
            sa.update(t.messages).where(t.messages.c.id == id, t.messages.c.state == "waiting").values(state="sending")
        )

    def unclaim_messages(self) -> int:
        """Messages that a process was sending when it ended wait again: sent at least once."""
        with writing(self.engine) as connection:
            return connection.execute(
                sa.update(t.messages).where(t.messages.c.state == "sending").values(state="waiting")
            ).rowcount

    def messages(self, *, state: str | None = None, incident: str | None = None) -> list[Row]:
        """The outbox, oldest first."""
        query = sa.select(t.messages).order_by(t.messages.c.at)
        if state:
            query = query.where(t.messages.c.state == state)
        return self._rows(query.where(t.messages.c.incident == incident) if incident else query)

    def message_done(self, id: str, *, state: str, detail: str = "") -> None:
        """Sent, or failed with the reason."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.messages).where(t.messages.c.id == id).values(state=state, detail=detail))

    def add_update(self, *, incident: str, status: str, text: str, next_at: datetime | None) -> None:
        """What stakeholders are told."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.insert(t.updates).values(
                    incident=incident,
                    at=_text(self.now()),
                    status=status,
                    text=text,
                    next_at=_text(next_at) if next_at else None,
                )
            )

    def updates(self, *, incident: str | None = None) -> list[Row]:
        """Updates, oldest first."""
        query = sa.select(t.updates).order_by(t.updates.c.number)
        return self._rows(query.where(t.updates.c.incident == incident) if incident else query)

    # -- switches ------------------------------------------------------------------------------------------------

    def setting(self, name: str) -> str:
        """A switch's value, empty where nobody set it."""
        row = self._one(sa.select(t.settings.c.value).where(t.settings.c.name == name))
        return str(row["value"]) if row else ""

    def set_setting(self, name: str, value: str) -> None:
        """Set a switch."""
        with writing(self.engine) as connection:
            connection.execute(sa.delete(t.settings).where(t.settings.c.name == name))
            connection.execute(sa.insert(t.settings).values(name=name, value=value))

    # -- inside --------------------------------------------------------------------------------------------------

    def _rows(self, query: sa.Select[Any]) -> list[Row]:
        with reading(self.engine) as connection:
            return [_times(dict(row)) for row in connection.execute(query).mappings()]

    def _one(self, query: sa.Select[Any]) -> Row | None:
        rows = self._rows(query)
        return rows[0] if rows else None

    def _compare_and_set(self, update: sa.Update) -> bool:
        with writing(self.engine) as connection:
            return connection.execute(update).rowcount == 1


def _inserted(connection: sa.Connection, table: sa.Table, row: Row) -> int:
    key = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    if key is None:  # both dialects return it
        raise RuntimeError(f"the database gave no key for a new row of {table.name}")
    return int(key[0])


def _text(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _plain(row: Row) -> Row:
    return {key: _text(value) if isinstance(value, datetime) else value for key, value in row.items()}


def _times(row: Row) -> Row:
    return {
        key: datetime.fromisoformat(value) if key in TIMES and isinstance(value, str) else value
        for key, value in row.items()
    }


def _digest(row: Row) -> str:
    return hashlib.sha256(canonical(row).encode()).hexdigest()


def _event(row: Row) -> Event:
    return Event(
        **{
            **row,
            "at": datetime.fromisoformat(row["at"]),
            "actor": Actor(**json.loads(row["actor"])),
            "payload": json.loads(row["payload"]),
        }
    )


def _evidence(body: str) -> Evidence:
    raw = json.loads(body)
    return Evidence(
        **{
            **raw,
            "look": Look(raw["look"]),
            "kind": Kind(raw["kind"]),
            "started_at": datetime.fromisoformat(raw["started_at"]),
            "exit_codes": tuple(raw["exit_codes"]),
        }
    )
