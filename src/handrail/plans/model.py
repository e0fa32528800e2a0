"""A plan: exactly what a remedy would do, what it rests on and how it is taken back.

The hash covers everything an approver sees that decides what happens: change one field and it is another plan.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A fact whose change voids a plan.

    `kind` says how it is read again: `generation` (kubernetes object's), `object` (as it is, where it has no generation),
    `absent` (not there yet), `objects` (which a selector finds), `fields` (labels and such, with which no generation moves), `release` (helm revision), `role` (in recovery
    or not), `rows` (matched not above), `alert` (not resolved for longer than one hold), `value` (a look's answer).
    """

    kind: str
    subject: str  # `deployment/api-gateway`, `azora-prod`, a SELECT, an alert's fingerprint
    value: str
    says: str  # "api-gateway is at generation 8"


@dataclass(frozen=True, kw_only=True)
class Undo:
    """The way back. Without `stages` the change is irreversible and `says` tells why, or that there is nothing to take
    back: then it begins with that word."""

    stages: tuple[tuple[str, ...], ...] = ()
    says: str

    @property
    def irreversible(self) -> bool:
        """Something stays that nothing takes back."""
        return not self.stages and not self.says.startswith("nothing ")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What the target itself says would happen. `refused` carries its reason where it would not take the change."""

    says: str  # one line: "2 fields of deployment/api-gateway differ"
    detail: str = ""  # a diff, a list of rows
    changes_nothing: bool = False
    refused: str = ""
    by: str = ""  # identity that asked


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Blast radius in words and, where it can be counted, numbers."""

    says: str
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PlannedCommand:
    """One command of a plan, as exactly the argument vectors that run."""

    command: str
    as_written: str
    stages: tuple[tuple[str, ...], ...]
    sql: str | None = None
    target: str  # kubernetes, helm, postgresql, http, git, local
    target_key: str  # one changing plan per target: `<environment>/<namespace>`, `<system identifier>/primary`
    identity: str
    because: str = ""  # why it differs from what is written
    preview: Preview
    undo: Undo
    depends_on_earlier: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an approver says yes to."""

    environment: str
    incident: str
    run: str
    runbook: str
    document_revision: str
    binding_revision: str
    remedy: str
    original: bool  # as written; else the better way, beside it
    title: str
    because: str
    commands: tuple[PlannedCommand, ...]
    left_out: tuple[str, ...] = ()  # "5.2 would change nothing: slot blue already serves"
    values: Mapping[str, str]
    reach: Reach
    guards: tuple[Guard, ...]
    healed_when: str
    evidence: tuple[str, ...]  # digests of what was seen
    made_at: datetime
    expires_at: datetime

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON of the plan, lower-case hex."""
        return hashlib.sha256(canonical(dataclasses.asdict(self)).encode()).hexdigest()


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces, times in ISO form: the same value gives the same bytes everywhere."""
    return ENCODER.encode(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a plan holds plain values only, not {type(value).__name__}")


ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def from_json(text: str) -> Plan:
    """The plan that `canonical` wrote. Its hash comes out the same, which the store checks when it loads one."""
    raw = json.loads(text)
    commands = tuple(
        PlannedCommand(
            **{
                **command,
                "stages": _stages(command["stages"]),
                "preview": Preview(**command["preview"]),
                "undo": Undo(says=command["undo"]["says"], stages=_stages(command["undo"]["stages"])),
            }
        )
        for command in raw["commands"]
    )
    return Plan(
        **{
            **raw,
            "commands": commands,
            "left_out": tuple(raw["left_out"]),
            "reach": Reach(**raw["reach"]),
            "guards": tuple(Guard(**guard) for guard in raw["guards"]),
            "evidence": tuple(raw["evidence"]),
            "made_at": datetime.fromisoformat(raw["made_at"]),
            "expires_at": datetime.fromisoformat(raw["expires_at"]),
        }
    )


def _stages(raw: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(stage) for stage in raw)
