"""The tables. One definition serves SQLite and PostgreSQL; times are kept as UTC ISO text, which sorts."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
Text, Int, Float = sa.Text, sa.Integer, sa.Float
Key = sa.Text().with_variant(
    sa.Text(collation="C"), "postgresql"
)  # in the order of its characters: asked by how it begins

posts = sa.Table(  # a webhook as it came, stored before it is answered
    "posts",
    metadata,
    sa.Column("id", Int, primary_key=True),
    sa.Column("source", Text, nullable=False),
    sa.Column("received_at", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("state", Text, nullable=False, index=True),  # new, done
    sa.Column("taken", Int),  # how many of its alerts are done
)
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", Int, primary_key=True),
    sa.Column("source", Text, nullable=False),
    sa.Column("fingerprint", Text, nullable=False),
    sa.Column("starts_at", Text, nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("status", Text, nullable=False),  # firing, resolved
    sa.Column("resolved_at", Text),
    sa.Column("received_at", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("incident", Text),
    sa.Column("decision", Text, nullable=False),
    sa.Column("began_at", Text),  # its first start, where a newer one has moved `starts_at`
    sa.Column("scope", Text),  # JSON: what it is about
    sa.UniqueConstraint("source", "fingerprint", "starts_at"),
    sa.Index("ix_alerts_incident_status", "incident", "status"),
)
apart = sa.Table(  # what a person moved out of an incident, and what never joins it again therefore
    "apart",
    metadata,
    sa.Column("id", Int, primary_key=True),
    sa.Column("incident", Text, nullable=False, index=True),
    sa.Column("rule", Text, nullable=False),
    sa.Column("scope", Text, nullable=False),
    sa.Column("moved_by", Text, nullable=False),
    sa.Column("at", Text, nullable=False),
)
incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("number", Int, primary_key=True),
    sa.Column("environment", Text, nullable=False),
    sa.Column("service", Text, nullable=False),
    sa.Column("title", Text, nullable=False),
    sa.Column("severity", Text, nullable=False),
    sa.Column("status", Text, nullable=False, index=True),  # open, closed
    sa.Column("opened_at", Text, nullable=False),
    sa.Column("last_alert_at", Text, nullable=False),
    sa.Column("closed_at", Text),
    sa.Column("acknowledged_by", Text),
    sa.Column("acknowledged_at", Text),
    sa.Column("taken_over_by", Text),
    sa.Column("level", Int, nullable=False, default=0),  # highest level paged
    sa.Column("verified_at", Text),
    sa.Column("drill", Int, nullable=False, default=0),
    sa.Column("gathers", Int, index=True),  # 1 where it is a storm, under which others gather
    sa.Column("storm", Int, index=True),  # the number of the storm that it gathers under
    sa.Column("released_at", Text),  # since when it goes on by itself again
    sa.Column("facts", Text),  # JSON: what its alert says of its place, and what its service needs
    sa.Column("scope", Text),  # JSON: what it was opened about
    sa.Column("shares", Text),  # JSON: what its scopes were found to have in common
    sa.Column("raised_at", Text),  # when a worse alert last raised its severity
    sa.Column("had_by", Text),  # who had it then, and is asked again
)
sa.Index(
    "ix_incidents_drill",
    incidents.c.number,
    sqlite_where=incidents.c.drill == 1,
    postgresql_where=incidents.c.drill == 1,
)
sa.Index("ix_incidents_environment", incidents.c.environment, incidents.c.number)
sa.Index("ix_incidents_closed_at", incidents.c.status, incidents.c.closed_at)
ENTRY = sa.or_(
    incidents.c.storm.is_(None), incidents.c.released_at.is_not(None)
)  # of a list: what gathers is in its storm
sa.Index("ix_incidents_entry", incidents.c.status, incidents.c.number, sqlite_where=ENTRY, postgresql_where=ENTRY)
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("number", Int, primary_key=True),
    sa.Column("incident", Text, nullable=False, index=True),
    sa.Column("runbook", Text, nullable=False),
    sa.Column("document", Text, nullable=False),
    sa.Column("document_revision", Text, nullable=False),  # the run keeps it, whatever happens to the file: `documents`
    sa.Column("binding_revision", Text, nullable=False),
    sa.Column("mode", Text, nullable=False),
    sa.Column("confirmed", Int, nullable=False),
    sa.Column("chosen_because", Text, nullable=False),
    sa.Column("values_", Text, nullable=False, default="{}"),
    sa.Column("segment", Int, nullable=False, default=0),
    sa.Column("started_at", Text, nullable=False),
    sa.Column("stopped_by", Text),
    sa.Column("ending", Text),
    sa.Column("ended_at", Text),
    sa.Column("reason", Text, nullable=False, default=""),
    sa.Column("changed_at", Text),  # of the newest change
    sa.Column("verifying", Text, nullable=False, default=""),
    sa.Column("verify_since", Text),
    sa.Column("verified_since", Text),  # where the checks began to hold
    sa.Column("verified_at", Text),
    sa.Column("waits_for", Text, nullable=False, default=""),  # for people; nothing reads it back
    sa.Column("held", Int),  # seconds for which the checks hold so far, while they are read
    sa.Column("hold", Int),  # of so many
    sa.Column("handed_over_at", Text),  # when people were told that nothing is left to propose
    sa.Column("answers", Int),  # the alert that fired still once another run had healed what that one was about
    sa.Index("ix_runs_runbook", "runbook", "number"),
)
sa.Index("ix_runs_open", runs.c.number, sqlite_where=runs.c.ending.is_(None), postgresql_where=runs.c.ending.is_(None))
documents = sa.Table(  # the text of each revision that a run was started with
    "documents",
    metadata,
    sa.Column("revision", Text, primary_key=True),
    sa.Column("text", Text, nullable=False),
)
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("number", Int, primary_key=True),
    sa.Column("id", Text, nullable=False, unique=True),
    sa.Column("run", Text, nullable=False, index=True),
    sa.Column("command", Text, nullable=False),
    sa.Column("stored_at", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("forgotten_at", Text),  # since when what it printed is gone, and its digest is left
)
WHOLE = evidence.c.forgotten_at.is_(None)
sa.Index("ix_evidence_whole", evidence.c.number, sqlite_where=WHOLE, postgresql_where=WHOLE)
remedies = sa.Table(
    "remedies",
    metadata,
    sa.Column("run", Text, primary_key=True),
    sa.Column("position", Int, primary_key=True),
    sa.Column("name", Text, nullable=False),
    sa.Column("title", Text, nullable=False),
    sa.Column("step", Int, nullable=False),
    sa.Column("standing", Text, nullable=False),
    sa.Column("reason", Text, nullable=False, default=""),
    sa.Column("plan", Text, nullable=False, default=""),
)
plans = sa.Table(
    "plans",
    metadata,
    sa.Column("hash", Text, primary_key=True),
    sa.Column("run", Text, nullable=False, index=True),
    sa.Column("incident", Text, nullable=False, index=True),
    sa.Column("remedy", Text, nullable=False),
    sa.Column("original", Int, nullable=False),
    sa.Column("recommended", Int, nullable=False),
    sa.Column("state", Text, nullable=False),  # waiting, approved, refused, void, expired, running, done, broken off
    sa.Column("reason", Text, nullable=False, default=""),
    sa.Column("made_at", Text, nullable=False),
    sa.Column("expires_at", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Index("ix_plans_state_made_at", "state", "made_at"),
    sa.Index("ix_plans_state_hash", "state", "hash"),
    sa.Index("ix_plans_state_expires_at", "state", "expires_at"),
)
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("plan", Text, primary_key=True),
    sa.Column("person", Text, primary_key=True),
    sa.Column("yes", Int, nullable=False),
    sa.Column("at", Text, nullable=False),
    sa.Column("known_by", Text, nullable=False),
    sa.Column("reason", Text, nullable=False, default=""),
)
intents = sa.Table(  # the permit to act: whoever inserted the row may act, nobody else ever
    "intents",
    metadata,
    sa.Column("run", Text, primary_key=True),
    sa.Column("plan", Text, primary_key=True, index=True),
    sa.Column("command", Int, primary_key=True),
    sa.Column("target", Text, nullable=False),
    sa.Column("approved_by", Text, nullable=False),
    sa.Column("worker", Text, nullable=False),
    sa.Column("at", Text, nullable=False),
    sa.Column("outcome", Text),  # succeeded, failed, unknown
    sa.Column("outcome_at", Text),
    sa.Column("detail", Text, nullable=False, default=""),
    sa.Column("settled_by", Text),  # who said whether it happened
    sa.Column("looked_by", Text),  # who looked and let the target go, though nobody knows what happened
    sa.Column("looked_at", Text),
    sa.Column("saw", Text),  # what they saw
)
locks = sa.Table(  # one changing plan per target at a time
    "locks",
    metadata,
    sa.Column("target", Text, primary_key=True),
    sa.Column("plan", Text, nullable=False),
    sa.Column("at", Text, nullable=False),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("sequence", Int, primary_key=True, autoincrement=False),
    sa.Column("at", Text, nullable=False),
    sa.Column("environment", Text, nullable=False),
    sa.Column("incident", Text, nullable=False, index=True),
    sa.Column("run", Text, nullable=False),
    sa.Column("actor", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("payload", Text, nullable=False),
    sa.Column("version", Int, nullable=False),
    sa.Column("previous", Text, nullable=False),
    sa.Column("hash", Text, nullable=False),
)
timers = sa.Table(
    "timers",
    metadata,
    sa.Column("id", Key, primary_key=True),  # what it is for: `page/I-1/2`
    sa.Column("due_at", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("subject", Text, nullable=False, index=True),
    sa.Column("state", Text, nullable=False),  # armed, fired, cancelled
    sa.Index("ix_timers_state_due_at", "state", "due_at"),
)
tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("number", Int, primary_key=True),
    sa.Column("incident", Text, nullable=False, index=True),
    sa.Column("run", Text, nullable=False),
    sa.Column("place", Text, nullable=False),  # `RB-012.1.2`, or `level-1.3`
    sa.Column("text", Text, nullable=False),
    sa.Column("owner", Text, nullable=False),
    sa.Column("due_at", Text),
    sa.Column("done_at", Text),
    sa.Column("done_by", Text),
    sa.Column("note", Text, nullable=False, default=""),
    sa.UniqueConstraint("incident", "run", "place"),
)
messages = sa.Table(  # the outbox: sent at least once, marked before and after
    "messages",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("incident", Text, nullable=False, index=True),
    sa.Column("person", Text, nullable=False),
    sa.Column("title", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("at", Text, nullable=False),
    sa.Column("state", Text, nullable=False),  # waiting, sending, sent, not sent, failed, nowhere
    sa.Column("detail", Text, nullable=False, default=""),
    sa.Column("kind", Text),  # page, plan, over …; empty where its words stand in title and body already
    sa.Column("about", Text),  # JSON: what its words are made from when it is sent
    sa.Column("tries", Int),
    sa.Column("next_at", Text),  # not before
    sa.Column("only", Int),  # which of an audience's addresses it is for
    sa.Column("batch", Text),  # the reference under which it goes out, alone or gathered with others
    sa.Column("way", Text),  # the service that took it
    sa.Column("sent_at", Text, index=True),
    sa.Index("ix_messages_state_at", "state", "at"),
)
SENT_WHOLE = sa.and_(messages.c.state == sa.literal_column("'sent'"), messages.c.body != sa.literal_column("''"))
sa.Index("ix_messages_whole", messages.c.at, messages.c.id, sqlite_where=SENT_WHOLE, postgresql_where=SENT_WHOLE)
updates = sa.Table(
    "updates",
    metadata,
    sa.Column("number", Int, primary_key=True),
    sa.Column("incident", Text, nullable=False, index=True),
    sa.Column("at", Text, nullable=False),
    sa.Column("status", Text, nullable=False),  # investigating, identified, monitoring, resolved
    sa.Column("text", Text, nullable=False),
    sa.Column("next_at", Text),
    sa.Column("estimate", Text),  # past, runbook: what the time that it promises rests on
)
turns = sa.Table(  # runs that wait for their turn to look, while it storms
    "turns",
    metadata,
    sa.Column("run", Int, primary_key=True, autoincrement=False),
    sa.Column("environment", Text, nullable=False),
    sa.Column("rank", Int, nullable=False),  # the lowest first
    sa.Index("ix_turns_next", "environment", "rank", "run"),
)
unsettled = sa.Table(  # incidents whose people's side has not followed yet; how often something happened since it did
    "unsettled",
    metadata,
    sa.Column("number", Int, primary_key=True, autoincrement=False),
    sa.Column("marks", Int, nullable=False),
)
settings = sa.Table(  # what people switch: automation paused, the worker's own name
    "settings",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("value", Text, nullable=False),
)
drills = sa.Table(  # how each rehearsal ended; the drill itself has a record of its own
    "drills",
    metadata,
    sa.Column("id", Int, primary_key=True),
    sa.Column("fault", Text, nullable=False),
    sa.Column("runbook", Text, nullable=False, index=True),
    sa.Column("at", Text, nullable=False),
    sa.Column("passed", Int, nullable=False),
    sa.Column("profile", Text, nullable=False),
    sa.Column("seconds", Float, nullable=False),
    sa.Column("times", Text, nullable=False),  # JSON: phase to seconds from the alert's arrival
    sa.Column("problems", Text, nullable=False),  # JSON: a sentence each
    sa.Column("by_person", Int),  # 1 where a person healed by hand; empty in what was kept before this was known
)
versions = sa.Table(  # one row: of which version the tables are (`migrations`)
    "versions",
    metadata,
    sa.Column("number", Int, primary_key=True, autoincrement=False),
)
