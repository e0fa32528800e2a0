"""What was seen: one command's answer, as written and as run, with who asked and when.

Bytes are masked before they are kept; `digest` is the SHA-256 of the masked output.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict


class Kind(enum.StrEnum):
    """How an output reads best."""

    TABLE = "table"
    LOG = "log"
    SERIES = "series"
    JSON = "json"
    TEXT = "text"


class Look(enum.StrEnum):
    """What became of a read."""

    SEEN = "seen"  # it answered; "nothing found" is an answer
    COULD_NOT_LOOK = "could not look"  # a stage failed, the target refused or did not answer: no data
    NOT_RUN = "not run"  # a parameter is missing, or it cannot run as written
    LEFT_TO_A_PERSON = "left to a person"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One look. `exit_codes` has one entry a pipeline stage, empty where no process ran."""

    id: str
    run: str
    command: str  # CommandId, or `check:<name>`, `preview:<plan>` for Handrail's own
    as_written: str
    runs_as: str
    because: str = ""  # why it ran otherwise than written, or why it did not
    identity: str
    target: str
    look: Look
    says: str  # one line for people: "nothing found", "12 lines", "api-gateway-6d9f… CrashLoopBackOff"
    started_at: datetime
    seconds: float
    exit_codes: tuple[int, ...] = ()
    kind: Kind = Kind.TEXT
    stdout: str = ""
    stderr: str = ""
    truncated: bool = False
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who did it: a person, the system itself, a source of alerts, a drill; and how that is known."""

    kind: str  # person, system, source, drill
    name: str
    known_by: str  # token, terminal, schedule, webhook token, itself


SYSTEM = Actor(kind="system", name="Handrail", known_by="itself")


class Where(TypedDict):
    """Where an event belongs: environment, incident and run by name, empty where it belongs to none."""

    environment: str
    incident: str
    run: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the record. Nothing edits it; `previous` is the hash of the line before."""

    sequence: int
    at: datetime
    environment: str
    incident: str
    run: str
    actor: Actor
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    previous: str = ""
    hash: str = ""
