"""A full disk and a busy database: nothing is half there, what reads goes on, and so does everything when there is room."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from handrail import app, store
from handrail.engine import durable
from handrail.errors import FixSettings, TryAgain
from handrail.store import database, driver, sqlite
from tests.factory import fresh_store

SIZE = 24 * 1024 * 1024  # bytes
ROOM = 5 * 1024 * 1024  # of them that a storm finds


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own that holds little."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.getuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("a small file system can only be mounted as root")
    try:
        yield folder
    finally:
        if subprocess.run(["umount", str(folder)], check=False).returncode:  # something is still open in it
            subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_nothing_half_and_all_goes_on_by_itself(small: Path) -> None:
    kept = fresh_store(small)
    first = kept.keep_post(source="lab", body="before")
    kept.append("note", {"number": 0})
    ballast = small / "ballast"
    told: list[str] = []
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    for number in range(40):
        try:
            with kept.together():
                kept.append("note", {"text": "x" * 9000, "number": number})
                kept.keep_post(source="lab", body="y" * 9000)
        except TryAgain as error:
            told.append(str(error))
    assert told, "the disk is full"
    assert "full" in told[0]
    assert "Nothing was changed" in told[0]
    events, posts = kept.events(), kept.posts()  # pages stay readable
    assert len(events) - 1 == len(posts) - 1 == 40 - len(told), "both, or neither"
    assert kept.broken_line() is None
    with pytest.raises(TryAgain):
        kept.keep_post(source="lab", body="z" * 200_000)
    ballast.unlink()
    assert kept.keep_post(source="lab", body="after") > first
    kept.append("note", {"number": 1})
    assert kept.broken_line() is None
    assert kept.posts()[-1]["body"] == "after"
    kept.engine.dispose()


def holder(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the database for writing until it is told to let go."""
    program = (
        "import sys; from handrail.store import driver;"
        "c = driver().connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        "print('held', flush=True); sys.stdin.readline(); c.execute('ROLLBACK'); c.close()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def let_go(other: subprocess.Popen[str]) -> None:
    """End it."""
    other.communicate("\n", timeout=30)


@pytest.mark.slow
def test_what_another_process_holds_is_waited_for_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.2)
    kept = fresh_store(tmp_path)
    kept.append("note")
    other = holder(tmp_path / "handrail.db")
    try:
        began = time.monotonic()
        with pytest.raises(TryAgain, match="locked"):
            kept.append("note")
        assert time.monotonic() - began < 10
        assert len(kept.events()) == 1, "what reads does not wait"
        store.connect(f"sqlite:///{tmp_path}/handrail.db").dispose()  # nor does a start
    finally:
        let_go(other)
    assert kept.append("note") == 2


@pytest.mark.slow
def test_a_start_waits_for_a_busy_database_and_gives_up_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    monkeypatch.setattr(database, "AGAIN", 0.01)
    kept = fresh_store(tmp_path)
    other = holder(tmp_path / "handrail.db")
    try:
        with pytest.raises(TryAgain):
            store.patiently(lambda: kept.append("note"), seconds=0.3)
        threading.Timer(0.5, lambda: let_go(other)).start()
        assert store.patiently(lambda: kept.append("note"), seconds=60) == 1
    finally:
        other.wait(30)


@pytest.mark.slow
@pytest.mark.parametrize("left", [b"no database at all" * 99, None], ids=["some text", "cut short"])
def test_a_damaged_database_of_the_engine_says_what_to_do(left: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    program = (
        "import sys; from handrail.engine import durable;"
        "durable.launch(url='sqlite:///' + sys.argv[1], executor='w', turn=lambda run: 'rest'); durable.close()"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=120)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3] if left is None else left)
    with pytest.raises(FixSettings, match=r"engine.db is damaged: .*Move it away .*go on from there"):
        durable.launch(url=f"sqlite:///{path}", executor="w", turn=lambda run: "rest")
    with path.open("rb") as file:
        assert file.read(7) == (left or whole)[:7], "it is left as it is"


@pytest.mark.slow
def test_a_killed_writer_leaves_what_it_committed_and_readers_see_whole_transactions(tmp_path: Path) -> None:
    """Kill -9 in the midst of writing, while others read: pairs are there together, and the chain is whole."""
    program = (
        "import sys; from pathlib import Path; from tests.factory import fresh_store;"
        "kept = fresh_store(Path(sys.argv[1])); print('ready', flush=True); n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    with kept.together():\n"
        "        kept.append('note', {'number': n}); kept.keep_post(source='lab', body=str(n))\n"
        "    print(n, flush=True)"
    )
    reader = (
        "import sys; from handrail.store import driver; c = driver().connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA busy_timeout=15000'); seen = 0\n"
        "for _ in range(100):\n"
        "    c.execute('BEGIN')\n"
        "    a, b = (c.execute(f'SELECT count(*) FROM {t}').fetchone()[0] for t in ('events', 'posts'))\n"
        "    c.execute('COMMIT')\n"
        "    assert a == b >= seen, (a, b, seen); seen = a\n"
    )
    answered = 0
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        subprocess.run([sys.executable, "-c", reader, str(tmp_path / "handrail.db")], check=True, timeout=120)
        writer.kill()
        answered += len([line for line in writer.stdout.read().splitlines() if line])
        writer.stdout.close()
        writer.wait(30)
        kept = fresh_store(tmp_path)
        assert answered <= len(kept.events()) == len(kept.posts()) <= answered + 4, "what was answered is there"
        assert kept.broken_line() is None
        with kept.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        kept.engine.dispose()
    assert driver().sqlite_version_info


@pytest.mark.slow
def test_a_server_whose_disk_is_full_answers_503_shows_its_pages_and_goes_on(small: Path) -> None:
    demo = Path(__file__).resolve().parents[2] / "library" / "demo"
    alert = {"status": "firing", "labels": {"alertname": "Odd", "service": "s", "text": "x" * 60_000}}
    body = {"version": "4", "status": "firing", "alerts": [{**alert, "startsAt": "2026-05-04T12:00:00Z"}] * 3}
    with app.running(demo, state=small, port=0, grounds=lambda known, masker: {}) as here:
        hook = f"{here.url}/api/v1/hooks/alertmanager/demo"
        bearer = {"Authorization": f"Bearer {here.hook_token}"}

        def post() -> httpx.Response:
            return httpx.post(hook, json=body, headers=bearer, timeout=60)

        assert post().status_code == 202
        ballast = small / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        answers = [post() for _ in range(30)]
        refused = [one for one in answers if one.status_code == 503]
        assert {one.status_code for one in answers} <= {202, 503}
        assert refused, "the disk is full"
        assert refused[0].headers["Retry-After"]
        assert httpx.get(here.url, timeout=60).status_code == 200
        ballast.unlink()
        over = time.monotonic() + 60
        while (after := post()).status_code != 202:
            assert (after.status_code, time.monotonic() < over) == (503, True)
            time.sleep(0.2)
        taken = sum(one.status_code == 202 for one in [*answers, after]) + 1
        assert len(here.store.posts()) == taken, "what was answered is there, and nothing else"
        assert here.store.broken_line() is None


def storm(numbers: range) -> dict[str, object]:
    """A message of so many alerts, each of a workload of its own."""
    labels = [
        {"alertname": "Odd", "namespace": "n", "deployment": f"svc-{number}", "severity": "high"} for number in numbers
    ]
    alerts = [{"status": "firing", "labels": one, "startsAt": "2026-05-04T12:00:00Z"} for one in labels]
    return {"version": "4", "status": "firing", "alerts": alerts}


def count(folder: Path, query: str) -> int:
    """One number out of the record, read beside the server."""
    with contextlib.closing(driver().connect(f"file:{folder}/handrail.db?mode=ro", uri=True, timeout=30)) as read:
        return int(read.execute(query).fetchone()[0])


@pytest.mark.slow
def test_a_disk_that_fills_up_in_the_middle_of_a_storm_loses_nothing_and_all_goes_on_by_itself(small: Path) -> None:
    """What was taken is worked on when there is room again; until then webhooks are asked to come again, and pages are read."""
    demo, many = Path(__file__).resolve().parents[2] / "library" / "demo", 1500
    with app.running(demo, state=small, port=0, grounds=lambda known, masker: {}) as here:

        def post(body: dict[str, object]) -> httpx.Response:
            hook = f"{here.url}/api/v1/hooks/alertmanager/demo"
            return httpx.post(hook, json=body, headers={"Authorization": f"Bearer {here.hook_token}"}, timeout=60)

        ballast = small / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        os.truncate(ballast, ballast.stat().st_size - ROOM)
        assert post(storm(range(many))).status_code == 202
        taken, over = many, time.monotonic() + 60
        while (answer := post(storm(range(taken, taken + 1)))).status_code == 202:
            assert time.monotonic() < over
            taken += 1
        assert (answer.status_code, bool(answer.headers["Retry-After"])) == (503, True)
        assert 0 < count(small, "SELECT count(*) FROM alerts") < many, "it is in the middle"
        assert httpx.get(here.url, timeout=60).status_code == 200
        assert httpx.get(f"{here.url}/healthz", timeout=60).status_code == 200
        ballast.unlink()
        over = time.monotonic() + 120
        while count(small, "SELECT count(*) FROM posts WHERE state = 'new'"):
            assert time.monotonic() < over
            time.sleep(0.2)
        assert count(small, "SELECT count(*) FROM alerts") == taken
        assert count(small, "SELECT count(DISTINCT fingerprint) FROM alerts") == taken
        assert count(small, "SELECT count(*) FROM incidents WHERE gathers IS NULL") == taken
        assert count(small, "SELECT count(*) FROM incidents WHERE gathers = 1") == 1
        assert count(small, "SELECT count(*) FROM events WHERE kind = 'alerts_set_aside'") == 0
        assert post(storm(range(taken, taken + 1))).status_code == 202
        assert here.store.broken_line() is None
