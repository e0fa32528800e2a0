"""Who may act, and what is held meanwhile: intents, the permits to act, and the locks of their targets."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from handrail.runs import holding
from handrail.store import tables as t
from handrail.store.database import writing
from handrail.store.proposals import Proposals
from handrail.store.rows import Row, stamp
from handrail.store.running import Running


class Permits(Running, Proposals):
    """Intents and locks."""

    # -- intents: the permit to act ------------------------------------------------------------------------------

    def intend(
        self,
        *,
        run: str,
        plan: str,
        command: int,
        target: str,
        approved_by: str,
        worker: str,
        targets: Collection[str] = (),
    ) -> str:
        """Insert the permit and hold the targets, in one transaction: all `targets` of the plan with its first intent.

        Answers `granted` to the one who may act; `held` where another plan holds one of them; else what the row says:
        its outcome, or `open` where somebody's intent has none.
        """
        with writing(self.engine) as connection:
            where = (t.intents.c.run == run, t.intents.c.plan == plan, t.intents.c.command == command)
            known = connection.execute(sa.select(t.intents.c.outcome).where(*where)).first()
            if known:
                return str(known.outcome) if known.outcome else "open"
            wanted = dict.fromkeys(name for one in (target, *targets) for name in holding.apart(one))
            if any(self.holder(one, but=plan) for one in wanted):
                return "held"
            own = {row["target"] for row in self.locks() if row["plan"] == plan}
            for one in wanted:
                if one not in own:
                    connection.execute(sa.insert(t.locks).values(target=one, plan=plan, at=stamp(self.now())))
            connection.execute(
                sa.insert(t.intents).values(
                    run=run,
                    plan=plan,
                    command=command,
                    target=target,
                    approved_by=approved_by,
                    worker=worker,
                    at=stamp(self.now()),
                    detail="",
                )
            )
            return "granted"

    def end_run(self, run: str, *, ending: str, reason: str) -> bool:
        """End it once, and let go of what it held; True where this call did."""
        with writing(self.engine):
            ended = super().end_run(run, ending=ending, reason=reason)
            if ended:
                self.let_go()
            return ended

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
            .values(outcome=outcome, outcome_at=stamp(self.now()), detail=detail, settled_by=settled_by)
        )

    def intents_of(self, run: str) -> list[Row]:
        """A run's intents in order."""
        return self._rows(
            sa.select(t.intents).where(t.intents.c.run == run).order_by(t.intents.c.at, t.intents.c.command)
        )

    def looked_at(self, *, run: str, plan: str, command: int, person: str, saw: str) -> bool:
        """A person looked at an unknown command, and cannot say whether it happened; once."""
        return self._compare_and_set(
            sa.update(t.intents)
            .where(
                t.intents.c.run == run,
                t.intents.c.plan == plan,
                t.intents.c.command == command,
                t.intents.c.outcome == "unknown",
                t.intents.c.looked_by.is_(None),
            )
            .values(looked_by=person, looked_at=stamp(self.now()), saw=saw)
        )

    def loose_ends(self) -> list[Row]:
        """Intents that have no outcome, or of which nobody knows: they keep their targets. Oldest first."""
        wanted = sa.or_(
            t.intents.c.outcome.is_(None), sa.and_(t.intents.c.outcome == "unknown", t.intents.c.looked_by.is_(None))
        )
        return self._rows(sa.select(t.intents).where(wanted).order_by(t.intents.c.at))

    def unfinished(self) -> list[str]:
        """The runs that an ended process left in the middle of a plan, or with a command of which nobody knows."""
        running = self._rows(sa.select(t.plans.c.run).where(t.plans.c.state == "running").order_by(t.plans.c.made_at))
        return list(dict.fromkeys(str(row["run"]) for row in (*running, *self.loose_ends())))

    def holder(self, target: str, *, but: str = "") -> Row | None:
        """Who holds a target or a part of it, other than the plan `but`: `plan`, its `run` and `incident`, since when (`at`),
        and whether nobody knows what it did there (`unknown`)."""
        names = holding.apart(target)
        for lock in self.locks():
            if lock["plan"] != but and any(holding.at_odds(lock["target"], name) for name in names):
                found = self._one(sa.select(t.plans.c.run, t.plans.c.incident).where(t.plans.c.hash == lock["plan"]))
                unknown = any(row["plan"] == lock["plan"] and row["outcome"] for row in self.loose_ends())
                return {"run": None, "incident": None, **lock, **(found or {}), "unknown": unknown}
        return None

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
