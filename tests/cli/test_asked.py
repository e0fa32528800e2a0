"""Every verb from a second process: against a record that is served, and against one that is not."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from handrail import cli, settings
from handrail.remedies import Standing
from tests.cli.served import Told, fire, handrail, said, serving, soon, waiting, write

pytestmark = pytest.mark.slow  # a server each, and a process a verb
ME = f"{settings.account()} at the terminal"
ASKS = [verb for verb, module in cli.VERBS.items() if module == cli.DECIDE]
ASKS += ["incidents", "plan", "review", "report", "event"]
OWN = ["init", "doctor", "check", "explain", "show", "identities", "rules", "bind", "token", "serve", "drill", "demo"]
OWN += ["practise"]


@pytest.fixture
def team(tmp_path: Path) -> Path:
    return write(tmp_path)


def test_every_verb_is_either_asked_of_the_server_or_needs_none() -> None:
    """So that a new verb gets its place below."""
    assert sorted(ASKS + OWN) == sorted(cli.VERBS)
    below = Path(__file__).read_text()
    assert [verb for verb in ASKS if f'verb("{verb}"' not in below] == []


def test_every_verb_does_over_the_socket_what_the_page_does(team: Path) -> None:
    ground = Told()
    with serving(team, ground) as here:
        first = fire(here)

        def verb(*words: str, code: int = 0) -> str:
            return said(handrail(*words, team=team), code=code)

        assert "I-1" in verb("incidents")
        assert "Requests to the shop fail" in verb("incidents", "--open")
        assert [row["id"] for row in json.loads(verb("incidents", "--json"))] == ["I-1"]
        shown = verb("incidents", "i-1")
        assert "1 Look" in shown and "handrail plan I-1 shows all of it" in shown and "Timeline" in shown
        assert json.loads(verb("incidents", "I-1", "--json"))["plan"]["hash"] == first
        for what in ("I-1", "R-1", first[:8]):
            assert "kubectl rollout restart deployment/web -n shop" in verb("plan", what)
        assert json.loads(verb("plan", "R-1", "--json"))[0]["hash"] == first
        assert "# " in verb("review", "I-1")
        assert set(json.loads(verb("review", "I-1", "--json"))) == {"incident", "review", "times"}
        assert "No date was set" in handrail("review", "I-1", "--calendar", "x.ics", team=team).stderr
        assert "SH-001" in verb("report")
        assert json.loads(verb("report", "sh-001", "--json"))[0]["runbook"] == "SH-001"
        assert verb("report", "SH-001", "--badge").startswith("<svg")

        assert ME in verb("ack", "I-1")
        assert "is the only alert of I-1" in verb("moveout", "I-1", str(here.store.alerts_of("I-1")[0]["id"]), code=1)
        assert ME in verb("takeover", "I-1")
        assert (here.store.incident("I-1") or {})["taken_over_by"] == ME
        assert "I-1" in verb("handback", "I-1")
        assert (here.store.incident("I-1") or {})["taken_over_by"] is None
        assert ME in verb("pause")
        assert here.store.setting("paused_by") == ME
        assert json.loads(verb("approve", first[:8], "--json", code=1))["done"] is False
        assert verb("resume")
        assert here.store.setting("paused_by") == ""
        assert "R-1" in verb("confirm", "R-1", code=1)
        assert "R-1" in verb("start", "R-1", code=1)
        assert "web-1" in verb("fill", "R-1", "pod-name=web-1")
        first = waiting(here)
        assert ME in verb("refuse", first[:8], "-r", "not now")
        second = waiting(here, not_=first)
        assert "nothing" in verb("pick", "R-1", "nothing", code=1)
        assert "Restart" in verb("pick", "R-1", "step-2")
        second = waiting(here, not_=second)
        assert ME in verb("approve", second[:8])
        soon(lambda: ground.changes)
        assert "no unknown outcome" in verb("settle", "R-1", second[:8], "0", "--happened", code=1)
        assert "no unknown outcome" in verb("release", "R-1", second[:8], "0", "--saw", "it", code=1)
        offered = soon(lambda: [row for row in here.store.remedies_of("R-1") if row["standing"] == Standing.OFFERED])
        assert offered[0]["title"] in verb("undo", "R-1")
        assert offered[0]["name"].startswith("undo")
        assert "R-1" in verb("done", "R-1", "2", "-m", "by hand")
        assert "99" in verb("task", "99", code=1)
        assert "SH-001" in verb("run", "SH-001", "-i", "I-1", code=1)
        assert "I-2" in verb("run", "SH-001", "-s", "till")
        ours = f"R-{soon(lambda: here.store.runs(incident='I-2'))[0]['number']}"
        assert ours in verb("stop", ours)
        assert ours in ground.ended, "what it runs is broken off, as the page's button does"
        assert "I-2" in verb("close", "I-2", "-r", "over")
        assert (here.store.incident("I-2") or {})["status"] == "closed"
        assert "is stored. It is taken up within a second" in verb("event", "deployment.failed", "-s", "till")
        soon(lambda: [row for row in here.store.incidents() if row["number"] == 3])
        by = {event.kind: event.actor for event in here.store.events() if event.actor.kind == "person"}
        assert {(actor.name, actor.known_by) for actor in by.values()} == {(ME, "terminal")}


def test_a_step_that_was_made_by_hand_is_recorded_from_a_terminal(team: Path) -> None:
    """It ended in `KeyError: 'production'`: the process that was asked had no ground."""
    ground = Told()
    with serving(team, ground) as here:
        fire(here)
        ground.value = 0.0
        assert "R-1" in said(handrail("done", "R-1", "3", team=team))
        soon(lambda: [event for event in here.store.events() if event.kind == "verified"])
        assert [event.payload["step"] for event in here.store.events() if event.kind == "done_by_hand"] == [3]


def test_approve_follows_until_it_is_over(team: Path) -> None:
    ground = Told()
    ground.on_change = lambda: setattr(ground, "value", 0.0)
    with serving(team, ground) as here:
        plan = fire(here)
        told = said(handrail("approve", plan[:8], "--follow", team=team))
        assert ME in told
        assert "Incident closed" in told
        assert "Incident opened" not in told, "what was before is not told again"


def test_what_is_not_there_is_one_sentence(team: Path) -> None:
    with serving(team, Told()) as here:
        fire(here)
        for words, says, code in (
            (("incidents", "I-99"), "There is no incident I-99", 2),
            (("incidents", "I-1/../../healthz"), "o such page", 2),
            (("plan", "I-99"), "No plan for I-99", 2),
            (("plan", "ffff"), "No plan for ffff", 2),
            (("approve", "ffff"), "No plan matches ffff.", 1),
            (("ack", "I-99"), "There is no incident I-99", 1),
            (("stop", "R-99"), "There is no run R-99", 1),
            (("review", "I-99"), "There is no incident I-99", 2),
            (("report", "ZZ-1"), "No document has a runbook ZZ-1", 2),
            (("run", "ZZ-1"), "ZZ-1", 1),
            (("event", "deployment.failed", "--source", "nobody"), "There is no source nobody", 2),
            (("event", "a b"), "a b is not a name such as deployment.failed", 2),
        ):
            done = handrail(*words, team=team)
            said(done, says, code=code)
            assert (done.stdout + done.stderr).count("\n") == 1


# -- no server ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def left(team: Path) -> Path:
    """A record with a plan that waits, and nobody who serves it."""
    with serving(team, Told()) as here:
        fire(here)
    return team


def test_without_a_server_a_record_is_read_as_it_stands(left: Path) -> None:
    told = said(handrail("incidents", team=left), "No server runs on", "as it stands")
    assert "I-1" in told
    shown = said(handrail("incidents", "I-1", team=left), "Timeline")
    assert "Restart: proposed" in shown
    assert "Incident opened: Requests to the shop fail" in shown
    assert json.loads(handrail("incidents", "I-1", "--json", team=left).stdout)["runs"][0]["id"] == "R-1"
    plans = said(handrail("plan", "I-1", team=left), "Nothing can be approved without it")
    assert "kubectl rollout restart deployment/web -n shop" in plans
    plan = json.loads(handrail("plan", "R-1", "--json", team=left).stdout)[0]["hash"]
    assert plan[:8] in said(handrail("plan", plan[:6], team=left))
    assert "# " in said(handrail("review", "I-1", team=left))
    assert "SH-001" in said(handrail("report", team=left))


def test_reading_a_record_writes_nothing_into_its_folder(left: Path) -> None:
    own = "-shm"  # SQLite's table of who reads, which is no part of what is kept
    kept = [path for path in (left / "state").rglob("*") if path.is_file() and not path.name.endswith(own)]
    before = {path: path.read_bytes() for path in kept}
    for words in (("incidents",), ("incidents", "I-1"), ("plan", "I-1")):
        said(handrail(*words, team=left))
    assert {path: path.read_bytes() for path in kept} == before


def test_a_plan_that_somebody_wrote_into_the_record_is_not_shown(left: Path) -> None:
    with closing(sqlite3.connect(left / "state/handrail.db")) as record:
        record.execute("UPDATE plans SET body = replace(body, 'restart', 'delete')")
        record.commit()
    said(handrail("plan", "I-1", team=left), "No plan for I-1", code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("approve", "abcd"),
        ("refuse", "abcd"),
        ("run", "SH-001"),
        ("confirm", "R-1"),
        ("start", "R-1"),
        ("handback", "I-1"),
        ("resume",),
        ("done", "R-1", "2"),
        ("settle", "R-1", "abcd", "0", "--happened"),
        ("release", "R-1", "abcd", "0", "--saw", "it"),
        ("undo", "R-1"),
        ("pick", "R-1", "x"),
        ("fill", "R-1", "a=b"),
        ("task", "1"),
        ("close", "I-1"),
        ("moveout", "I-1", "DiskFull"),
    ],
)
def test_without_a_server_what_only_a_server_can_do_says_how_to_start_it(team: Path, words: tuple[str, ...]) -> None:
    done = handrail(*words, team=team)
    said(done, "No server runs on", "Start it with `handrail serve`", code=2)
    assert done.stderr.count("\n") == 1
    assert not (team / "state").exists(), "asking leaves nothing behind"


def test_what_stops_something_is_kept_for_the_next_start_and_done_first(left: Path) -> None:
    for words in (("pause",), ("stop", "r-1"), ("takeover", "I-1"), ("ack", "I-1")):
        assert json.loads(said(handrail(*words, "--json", team=left)))["kept"] is True
    with serving(left, Told()) as here:
        assert here.store.setting("paused_by") == ME
        row = here.store.incident("I-1")
        assert row is not None
        assert (row["acknowledged_by"], row["taken_over_by"]) == (ME, ME)
        assert soon(lambda: (here.store.run("R-1") or {})["ending"]) == "stopped"
        word = [event for event in here.store.events() if event.kind == "left_word"]
        assert [(one.payload["verb"], one.payload["about"], one.actor.name) for one in word] == [
            ("pause", "", ME),
            ("stop", "R-1", ME),
            ("takeover", "I-1", ME),
            ("ack", "I-1", ME),
        ]
        assert all(one.payload["at"] for one in word)
        assert not list((left / "state/wishes").iterdir())


def test_a_pause_before_the_first_start_is_kept_too(team: Path) -> None:
    said(handrail("pause", team=team), "It is kept")
    with serving(team, Told()) as here:
        assert here.store.setting("paused_by") == ME


def test_a_wish_about_what_the_record_does_not_have_is_not_kept(left: Path) -> None:
    said(handrail("stop", "R-99", team=left), "has no R-99: nothing was kept", code=2)
    assert not (left / "state/wishes").exists()


def test_a_wish_that_cannot_be_read_is_set_aside_and_told(left: Path) -> None:
    folder = left / "state/wishes"
    folder.mkdir()
    (folder / "1.json").write_text("{")
    (folder / "2.json").write_text('{"verb": "approve", "about": "", "at": "2026-01-01T00:00:00+00:00", "fields": {}}')
    (folder / "3.json").symlink_to("/etc/passwd")
    said(handrail("pause", team=left))
    with serving(left, Told()) as here:
        assert here.store.setting("paused_by") == ME, "those behind it are heard"
        told = [event.payload["says"] for event in here.store.events() if event.kind == "trouble"]
        assert len([one for one in told if "set aside" in one]) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["1.unread", "2.unread", "3.unread"]
