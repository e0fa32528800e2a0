"""The record: what is stored stays, the chain tells of tampering, and a permit is given once."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from handrail.errors import FixSettings, TryAgain
from handrail.store import connect, driver, tables, wal_is_safe
from handrail.store.database import reading
from tests.factory import Clock, fresh_store, plan, with_run


def test_the_chain_is_whole_and_an_edit_a_deletion_or_a_swap_breaks_it(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    for number in range(5):
        kept.append("note", {"number": number}, incident="I-1")
    assert kept.broken_line() is None
    with kept.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(sa.update(tables.events).where(tables.events.c.sequence == 3).values(payload='{"number":9}'))
    assert kept.broken_line() == 3


def test_a_deleted_line_is_noticed(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    for number in range(5):
        kept.append("note", {"number": number})
    with kept.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(sa.delete(tables.events).where(tables.events.c.sequence == 2))
    assert kept.broken_line() == 3


def test_a_permit_is_given_to_one_of_many_who_ask_at_once(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    answers: list[str] = []
    ready = threading.Barrier(8)

    def ask(worker: int) -> None:
        ready.wait()
        answers.append(
            kept.intend(run="R-1", plan="p", command=0, target="lab/production", approved_by="ana", worker=f"w{worker}")
        )

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["granted"] + ["open"] * 7


def test_one_changing_plan_per_target_at_a_time(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    first = kept.intend(run="R-1", plan="p", command=0, target="lab/production", approved_by="ana", worker="w")
    second = kept.intend(run="R-2", plan="q", command=0, target="lab/production", approved_by="ana", worker="w")
    assert (first, second) == ("granted", "held")
    assert kept.let_go() == [], "what is open keeps its target"
    kept.outcome(run="R-1", plan="p", command=0, outcome="succeeded")
    assert kept.let_go() == ["lab/production"]
    assert (
        kept.intend(run="R-2", plan="q", command=0, target="lab/production", approved_by="a", worker="w") == "granted"
    )


def test_an_outcome_is_written_once_and_only_an_unknown_one_is_settled_later(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    kept.intend(run="R-1", plan="p", command=0, target="t", approved_by="ana", worker="w")
    assert kept.outcome(run="R-1", plan="p", command=0, outcome="unknown")
    assert kept.outcome(run="R-1", plan="p", command=0, outcome="succeeded", detail="settled by ana")
    assert not kept.outcome(run="R-1", plan="p", command=0, outcome="failed")
    assert kept.intend(run="R-1", plan="p", command=0, target="t", approved_by="ana", worker="w") == "succeeded"


def test_an_incident_has_one_waiting_proposal(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    run = with_run(kept)
    assert kept.propose([(plan(run=run), True)])
    assert not kept.propose([(plan(run=run, title="another"), True)])


def test_a_yes_approves_one_hash_and_voids_its_sibling(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    run = with_run(kept)
    better, original = plan(run=run), plan(run=run, original=True)
    kept.propose([(better, True), (original, False)])
    assert kept.keep_decision(plan=original.hash, person="ana", yes=True, known_by="token")
    assert not kept.keep_decision(plan=better.hash, person="bo", yes=True, known_by="token")
    states = {row["hash"]: row["state"] for row, _ in kept.plans_of(run)}
    assert states == {original.hash: "approved", better.hash: "void"}
    assert kept.remedies_of(run)[0]["plan"] == original.hash


def test_a_plan_that_somebody_edited_in_the_table_is_not_handed_out(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    made = plan(run=with_run(kept))
    kept.propose([(made, True)])
    assert kept.plan(made.hash[:8]) is not None
    with kept.engine.connect().execution_options(writes=True) as connection, connection.begin():
        body = connection.execute(sa.select(tables.plans.c.body)).scalar_one()
        connection.execute(sa.update(tables.plans).values(body=body.replace("rollback", "uninstall")))
    assert kept.plan(made.hash[:8]) is None


def test_a_short_prefix_names_no_plan(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    made = plan(run=with_run(kept))
    kept.propose([(made, True)])
    assert kept.plan(made.hash[:3]) is None
    assert (
        kept.no_plan(made.hash[:3]) == f"{made.hash[:3]} is too short. Give at least 4 characters of the plan's hash."
    )


def test_that_no_plan_or_that_several_are_meant_are_two_sentences(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    made = plan(run=with_run(kept))
    kept.propose([(made, True)])
    with kept.engine.connect().execution_options(writes=True) as connection, connection.begin():
        row = dict(connection.execute(sa.select(tables.plans)).mappings().one())
        for end in "012345":
            connection.execute(sa.insert(tables.plans).values({**row, "hash": f"abcd{end * 60}"}))
    assert kept.no_plan("abce") == "No plan matches abce."
    assert kept.no_plan("ABCD 0") == "The stored plan ABCD 0 does not match its hash.", "somebody wrote it there"
    assert kept.plan("abcd") is None
    told = kept.no_plan("abcd")
    assert told.startswith("abcd matches more than 5 plans: abcd00000000, ")
    with kept.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(sa.delete(tables.plans).where(tables.plans.c.hash > "abcd2"))
    assert kept.no_plan("abcd") == "abcd matches 2 plans: abcd00000000, abcd11111111."


def test_a_due_timer_fires_once_and_a_fired_one_is_not_armed_again(tmp_path: Path) -> None:
    clock = Clock()
    kept = fresh_store(tmp_path, clock)
    kept.arm("page/I-1/2", due_at=clock() + timedelta(minutes=5), kind="page", subject="I-1")
    assert kept.due_timers(clock()) == []
    clock.forward(minutes=5)
    assert [timer["id"] for timer in kept.due_timers(clock())] == ["page/I-1/2"]
    assert (kept.fire("page/I-1/2"), kept.fire("page/I-1/2")) == (True, False)
    kept.arm("page/I-1/2", due_at=clock(), kind="page", subject="I-1")
    assert kept.due_timers(clock()) == []


def test_the_same_alert_is_kept_once(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    row = {
        "source": "lab",
        "fingerprint": "f",
        "starts_at": kept.now(),
        "name": "A",
        "status": "firing",
        "resolved_at": None,
        "received_at": kept.now(),
        "body": "{}",
        "incident": None,
        "decision": "x",
    }
    assert (kept.keep_alert(row), kept.keep_alert(row)) == (True, False)


@pytest.mark.slow
def test_a_locked_database_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)

    @sa.event.listens_for(kept.engine, "connect")
    def impatient(connection: object, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")  # type: ignore[attr-defined]  # sqlite3's connection

    kept.engine.dispose()
    other = sa.create_engine(kept.engine.url, isolation_level="AUTOCOMMIT", module=driver())
    with other.connect() as holder:
        holder.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(TryAgain, match="did not take a write"):
            kept.append("note", {})
        holder.exec_driver_sql("ROLLBACK")
    assert kept.append("note", {}) == 1


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 6), True),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
    ],
)
def test_wal_is_used_only_where_its_reset_bug_is_mended(version: tuple[int, ...], safe: bool) -> None:
    assert wal_is_safe(version) is safe


@pytest.mark.parametrize("kept", [b"no database at all" * 99, None], ids=["some text", "cut short"])
def test_a_database_that_is_none_says_so_and_is_left_as_it_is(kept: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "handrail.db"
    connect(f"sqlite:///{path}").dispose()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if kept is None else kept)
    left = path.read_bytes()
    with pytest.raises(FixSettings, match=r"is damaged, or is none: .*[.] Put a backup of it there"):
        connect(f"sqlite:///{path}")
    assert path.read_bytes() == left


def test_a_database_that_is_found_damaged_while_it_is_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "handrail.db"
    engine = connect(f"sqlite:///{path}")
    engine.dispose()
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(FixSettings, match="is damaged"), reading(engine) as connection:
        connection.execute(sa.select(tables.events)).all()
