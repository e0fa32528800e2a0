"""A write that nobody approved is seen in the target's own log, and nothing else is called one."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.drills import audit
from handrail.drills.audit import Permitted
from tests.factory import fresh_store, plan, with_run

AT = datetime(2026, 5, 4, 3, 7, 0, tzinfo=UTC)
APPROVED = Permitted(plan="d6f8", since=AT - timedelta(seconds=2), until=AT + timedelta(seconds=3))
DEPLOYMENT = "/apis/apps/v1/namespaces/production/deployments/api-gateway"


def line(who: str, verb: str, *, at: datetime = AT, uri: str = DEPLOYMENT, **more: Any) -> str:
    """One line as the API server writes it."""
    about = {"resource": "deployments", "namespace": "production", "name": "api-gateway"}
    about |= {"subresource": more.pop("subresource")} if "subresource" in more else {}
    account = who if ":" in who else f"system:serviceaccount:handrail:{who}"
    return json.dumps(
        {
            "kind": "Event",
            "stage": "ResponseComplete",
            "requestURI": uri,
            "verb": verb,
            "user": {"username": account},
            "objectRef": about,
            "requestReceivedTimestamp": at.isoformat().replace("+00:00", "Z"),
            **more,
        }
    )


@pytest.mark.parametrize(
    "told",
    [
        line("change", "patch"),
        line("change", "patch", at=AT - timedelta(hours=1), uri=f"{DEPLOYMENT}?dryRun=All&fieldManager=kubectl"),
        line("preview", "patch", uri=f"{DEPLOYMENT}?fieldManager=kubectl&dryRun=All"),
        line("preview", "delete", requestObject={"kind": "DeleteOptions", "dryRun": ["All"]}),
        line("look-inside", "create", subresource="exec"),
        line("look", "get"),
        line("preview", "create", responseStatus={"code": 422}),
        line("fault-injector", "patch", at=AT - timedelta(hours=1)),
        line("system:serviceaccount:kube-system:deployment-controller", "update"),
        line("system:serviceaccount:production:change", "update", at=AT - timedelta(hours=1)),
    ],
)
def test_what_was_approved_or_changes_nothing_is_no_problem(told: str) -> None:
    assert audit.problems([told], [APPROVED]) == []


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (line("change", "patch", at=AT - timedelta(seconds=10)), "without an approved plan at that time"),
        (line("change", "patch", at=AT + timedelta(seconds=10)), "without an approved plan at that time"),
        (line("change", "create", at=AT + timedelta(seconds=10), subresource="exec"), "without an approved plan"),
        (line("preview", "patch", responseStatus={"code": 200}), "a write that is no dry run"),
        (line("look", "patch"), "a write that is no dry run"),
        (line("look-inside", "delete"), "a write that is no dry run"),
        (line("releases", "create"), "a write that is no dry run"),
        (line("preview", "patch"), "a write that is no dry run"),
        (line("preview", "patch", uri=f"{DEPLOYMENT}?fieldManager=dryRun"), "a write that is no dry run"),
        (line("preview", "delete", requestObject={"kind": "DeleteOptions"}), "a write that is no dry run"),
        (line("preview", "get", subresource="exec"), "goes into a container"),
        ("{cut", "cannot be read"),
    ],
)
def test_a_write_that_nothing_allowed_is_a_problem(told: str, says: str) -> None:
    assert says in "; ".join(audit.problems([told], [APPROVED]))


def test_an_approved_command_whose_end_is_not_known_may_still_be_writing() -> None:
    open_end = Permitted(plan="d6f8", since=AT, until=None)
    assert audit.problems([line("change", "patch", at=AT + timedelta(minutes=3))], [open_end]) == []


def test_real_writes_are_counted_by_identity() -> None:
    told = [line("change", "patch"), line("change", "update"), line("preview", "patch", uri=f"{DEPLOYMENT}?dryRun=All")]
    told += [line("preview", "create", responseStatus={"code": 403})]
    assert audit.writes(told) == {"change": 2}


def test_only_what_was_written_since_is_read_also_where_the_log_was_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    assert audit.lines_since(log, 0) == []
    log.write_text("before\n")
    before = audit.size(log)
    log.write_text("before\nafter\n")
    assert audit.lines_since(log, before) == ["after"]
    log.rename(tmp_path / "audit-2026-05-04T03-07-00.000.log")
    log.write_text("new\n")
    assert audit.lines_since(log, before) == ["after", "new"]


def test_a_log_that_is_long_already_is_not_read_into_memory(tmp_path: Path) -> None:
    """The drill's own memory is one of its figures."""
    log = tmp_path / "audit.log"
    log.write_text("before\n" * 1_000_000)
    before = audit.size(log)
    with log.open("a") as more:
        more.write("after\n")
    tracemalloc.start()
    assert audit.lines_since(log, before) == ["after"]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000


@pytest.mark.parametrize("yes", [True, False])
def test_only_an_approved_plan_is_a_permit(tmp_path: Path, yes: bool) -> None:
    kept = fresh_store(tmp_path)
    made = plan(run=with_run(kept))
    assert kept.propose([(made, True)])
    assert kept.keep_decision(plan=made.hash, person="Ana Ruiz", yes=yes, known_by="token")
    kept.intend(run=made.run, plan=made.hash, command=0, target="t", approved_by="Ana Ruiz", worker="w")
    assert [permit.plan for permit in audit.permits(kept)] == ([made.hash] if yes else [])
