"""Environments, identities and services: what commands may be asked of, as whom, and about what."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


class IdentityKind(enum.StrEnum):
    """A credential, named for what it may do."""

    LOOK = "look"
    LOOK_INSIDE = "look_inside"
    RELEASES = "releases"
    PREVIEW = "preview"
    CHANGE = "change"
    FAULT_INJECTOR = "fault_injector"


@dataclass(frozen=True, kw_only=True)
class Service:
    """What an alert is about. `owner` is a team that the people file names.

    With `cluster`, `namespace` and `workloads` it says where it runs and as what: a like-named label elsewhere is not it.
    """

    name: str
    owner: str = ""
    channel: str = ""
    depends_on: Sequence[str] = ()
    alerts: Sequence[str] = ()
    cluster: str = ""
    namespace: str = ""
    workloads: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A named set of endpoints and identities. Times are how long things take there."""

    name: str
    namespace: str = "default"
    kubeconfigs: Mapping[str, str] = field(default_factory=dict)
    tools: str = ""
    prometheus_url: str = ""
    databases: Mapping[str, str] = field(default_factory=dict)
    database_hosts: Mapping[str, str] = field(default_factory=dict)
    application_database: str = ""
    never_block: Mapping[str, str] = field(default_factory=dict)
    repository: str = ""
    secrets: Sequence[str] = ()
    holders_query: str = ""
    slot_service: str = ""
    metrics: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    workspace_network: bool = False
    hold: timedelta = timedelta(minutes=2)
    check_window: timedelta = timedelta(minutes=5)
    scrape: timedelta = timedelta(seconds=15)
    verify_limit: timedelta = timedelta(minutes=10)
    plan_life: timedelta = timedelta(minutes=15)
    drills_allowed: bool = False
    drills: Mapping[str, Any] = field(default_factory=dict)
    cluster_uid: str = ""


TOKEN_PREFIX = "hr1_"  # noqa: S105 -- every token that Handrail makes begins so, which tells it from other words; it is none
