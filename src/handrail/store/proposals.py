"""What would be changed, who said yes to it, and who may act: remedies, plans, decisions, intents, locks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import sqlalchemy as sa

from handrail.plans import Plan, canonical, from_json
from handrail.store import tables as t
from handrail.store.database import writing
from handrail.store.rows import Row, Rows, begins, number_of, stamp

SHORTEST = 4  # characters of a hash that name a plan
MATCHES = 5  # of those that begin alike, so many are told


class Proposals(Rows):
    """Remedies, plans, decisions, intents and locks."""

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
        """Store the plans of one remedy (recommended or not) as waiting, unless the incident has a proposal already, or is
        closed."""
        plan = proposals[0][0]
        with writing(self.engine) as connection:
            incident = sa.select(t.incidents.c.status).where(t.incidents.c.number == number_of(plan.incident))
            if connection.execute(incident).scalar() == "closed":
                return False
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
                        made_at=stamp(proposal.made_at),
                        expires_at=stamp(proposal.expires_at),
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
        rows = self._rows(sa.select(t.plans).where(begins(t.plans.c.hash, prefix.lower().replace(" ", ""))).limit(2))
        if len(rows) != 1 or len(prefix) < SHORTEST:
            return None
        plan = from_json(rows[0]["body"])
        if plan.hash != rows[0]["hash"]:  # someone wrote into the table
            return None
        return rows[0], plan

    def no_plan(self, prefix: str) -> str:
        """Why no plan is meant by that beginning of a hash: none begins so, several do, or it is too short to say."""
        beginning = prefix.lower().replace(" ", "")
        if len(beginning) < SHORTEST:
            return f"{prefix or 'Nothing'} is too short. Give at least {SHORTEST} characters of the plan's hash."
        query = sa.select(t.plans.c.hash).where(begins(t.plans.c.hash, beginning))
        found = [str(row["hash"]) for row in self._rows(query.order_by(t.plans.c.hash).limit(MATCHES + 1))]
        if len(found) > 1:
            more = ", …" if len(found) > MATCHES else ""
            count = f"more than {MATCHES}" if more else str(len(found))
            return f"{prefix} matches {count} plans: {', '.join(one[:12] for one in found[:MATCHES])}{more}."
        return f"The stored plan {prefix} does not match its hash." if found else f"No plan matches {prefix}."

    def plans_of(self, run: str) -> list[tuple[Row, Plan]]:
        """A run's plans, oldest first."""
        rows = self._rows(
            sa.select(t.plans).where(t.plans.c.run == run).order_by(t.plans.c.made_at, t.plans.c.original)
        )
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
        with writing(self.engine, urgent=True) as connection:
            row = connection.execute(sa.select(t.plans).where(t.plans.c.hash == plan)).mappings().first()
            if row is None or row["state"] != "waiting":
                return False
            connection.execute(
                sa.insert(t.decisions).values(
                    plan=plan, person=person, yes=int(yes), at=stamp(self.now()), known_by=known_by, reason=reason
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
