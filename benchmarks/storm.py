"""(g) Through a storm, against a served Handrail and a real receiver of messages, all on loopback.

`python -m benchmarks.storm` measures one post of many scopes with approvals beside it, what an alert costs in a small and
in a large storm, and a crash in the middle. `python -m benchmarks.storm soak [--minutes 10]` is `make soak`: a steady
stream, an overload, a crash in it, and many open incidents. The generator is a process of its own with its bodies built
beforehand and an open loop; its processor time is printed. Nothing is asserted, everything ends by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks import figure, flood

TOKEN, PERSON = "bench-source", "bench-person"
DOCUMENT = """# Bench

### BE-001: The queue of a worker is full

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl get pods -n shop
   ```
"""
Row = dict[str, Any]


# -- the world ---------------------------------------------------------------------------------------------------------


class Receiver:
    """Takes messages as a service would: each with when it came."""

    def __init__(self) -> None:
        self.got: list[tuple[float, str, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
                receiver.got.append((time.time(), str(told.get("title", "")), str(told.get("message", ""))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """No more."""
        self.server.shutdown()
        self.server.server_close()


def team(folder: Path, receiver: int, **storm: object) -> Path:
    """A team's folder: one person on call who is reached at the receiver, one source, one runbook."""
    files = {
        "RUNBOOKS.md": DOCUMENT,
        "bench.binding.yaml": "version: 1\nrunbooks:\n  BE-001:\n    triggers: [{alert: QueueFull}]\n",
        "people.yaml": "people:\n- name: Ana\n  roles: [responder, approver]\n  teams: [shop]\n"
        f"  reach: ['json://127.0.0.1:{receiver}/']\n  token_sha256: '{hashlib.sha256(PERSON.encode()).hexdigest()}'\n",
        "schedule.yaml": "rotation: [Ana]\n",
        "environments.yaml": "environments:\n  bench:\n    namespace: shop\n",
        "handrail.yaml": json.dumps(
            {
                "documents": [{"path": "RUNBOOKS.md", "binding": "bench.binding.yaml"}],
                "people": "people.yaml",
                "schedule": "schedule.yaml",
                "environments": "environments.yaml",
                "state": "state",
                "sources": {"am": {"environment": "bench", "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}},
                **({"storm": storm} if storm else {}),
            }
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


class Served:
    """A Handrail that serves, as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> float:
        """Until it says that it is ready; how long that took."""
        began = time.perf_counter()
        log = (self.folder / "log.txt").open("ab")
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("handrail")), "serve", "--config", ".", "--port", str(self.port)],
            cwd=self.folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        while self.ask("GET", "/readyz")[0] != 200:
            if self.process.poll() is not None or time.perf_counter() - began > 120:
                raise RuntimeError((self.folder / "log.txt").read_text(errors="replace")[-2000:])
            time.sleep(0.05)
        return time.perf_counter() - began

    def ask(
        self, method: str, path: str, body: bytes = b"", *, token: str = PERSON, seconds: float = 60
    ) -> tuple[int, bytes]:
        """One request; 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(
                method, path, body or None, {"authorization": f"Bearer {token}", "content-type": "application/json"}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def post(self, body: bytes, **kept: Any) -> tuple[int, bytes]:
        """An Alertmanager's message."""
        return self.ask("POST", "/api/v1/hooks/alertmanager/am", body, token=TOKEN, **kept)

    @property
    def pid(self) -> int:
        """Its number."""
        assert self.process is not None
        return self.process.pid

    def cpu(self) -> float:
        """Processor seconds of it and the children that it waited for."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident, in MB."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def kill(self) -> None:
        """As power that is gone."""
        assert self.process is not None
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """In order, and by force where that takes too long."""
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()

    def count(self, query: str, *args: object) -> int:
        """One number out of the record, read beside the server."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.folder}/state/handrail.db?mode=ro", uri=True, timeout=30)
        ) as read:
            return int(read.execute(query, args).fetchone()[0] or 0)


@contextlib.contextmanager
def world(**storm: object) -> Iterator[tuple[Served, Receiver]]:
    """All of it, gone at the end."""
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as name:
        served = Served(team(Path(name), receiver.port, **storm))
        try:
            yield served, receiver
        finally:
            served.close()
            receiver.close()


def message(numbers: range, *, name: str = "QueueFull", critical: int = 500, starts: str = "") -> bytes:
    """An Alertmanager's message: one alert for each number, each of a workload of its own."""
    starts = starts or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    alerts = [
        {
            "status": "firing",
            "labels": {
                "alertname": name,
                "cluster": "bench",
                "namespace": f"n{number % 50}",
                "deployment": f"svc-{number:05}",
                "node": f"w-{number % 20}",
                "severity": "critical" if number % critical == 0 else "warning",
            },
            "annotations": {"summary": f"Requests to svc-{number:05} wait"},
            "startsAt": starts,
            "fingerprint": f"{number:016x}",
        }
        for number in numbers
    ]
    return json.dumps({"version": "4", "status": "firing", "groupKey": "{}", "alerts": alerts}).encode()


def until(done: Callable[[], bool], *, seconds: float, every: float = 0.2) -> float:
    """How long it took until that was so; -1 where it never was."""
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        if done():
            return time.perf_counter() - began
        time.sleep(every)
    return -1.0


def waiting_plans(served: Served, wanted: int) -> list[str]:
    """Plans that wait, put into the record of a server that is not running; their hashes."""
    from benchmarks.engine_overhead import a_plan
    from handrail import app

    kept, known = app.record(served.folder)
    document = known.documents[0]
    hashes = []
    with kept.together():
        for number in range(wanted):
            now = kept.now()
            incident = kept.open_incident(
                {
                    "environment": "bench",
                    "service": f"old-{number}",
                    "title": f"Requests to old-{number} wait",
                    "severity": "high",
                    "opened_at": now - timedelta(hours=1),
                    "drill": 0,
                    "acknowledged_by": "Ana",
                    "acknowledged_at": now,
                }
            )
            run = kept.start_run(
                {
                    "incident": incident,
                    "runbook": "BE-001",
                    "document": document.path,
                    "document_revision": document.revision,
                    "document_text": known.texts[document.path],
                    "binding_revision": known.binding(document).revision,
                    "mode": "proposes",
                    "confirmed": 1,
                    "chosen_because": "",
                    "started_at": now,
                },
                [{"name": "true", "title": "Do nothing", "step": 1}],
            )
            plan = dataclasses.replace(
                a_plan(1, f"bench/{number}"),
                incident=incident,
                run=run,
                runbook="BE-001",
                document_revision=document.revision,
                binding_revision=known.binding(document).revision,
                made_at=now,
                expires_at=now + timedelta(hours=2),
            )
            kept.propose([(plan, True)])
            hashes.append(plan.hash)
    kept.engine.dispose()
    return hashes


# -- what is measured --------------------------------------------------------------------------------------------------


def one_post(scopes: int, plans: int) -> list[figure.Figure]:
    """One message of so many scopes, with people's yes to plans that waited before it beside it."""
    with world() as (served, receiver):
        served.close()
        hashes = waiting_plans(served, plans)
        served.start()
        time.sleep(3)
        cpu, body, began = served.cpu(), message(range(scopes)), time.time()
        approvals: list[float] = []
        threads = [
            threading.Thread(target=_approve, args=(served, hashes[part::4], approvals, part)) for part in range(4)
        ]
        for thread in threads:
            thread.start()
        first = time.perf_counter()
        status, _ = served.post(body)
        answered = time.perf_counter() - first
        stored = until(lambda: served.count("SELECT count(*) FROM alerts") >= scopes, seconds=180)
        for thread in threads:
            thread.join()
        used = served.cpu() - cpu
        time.sleep(max(0.0, 62 - (time.time() - began)))
        minute = [(at - began, title, text) for at, title, text in receiver.got if 0 <= at - began <= 60]
        told = "\n".join(title + text for _, title, text in minute)
        critical = [f"svc-{number:05}" for number in range(0, scopes, 500)]
        unnamed = [one for one in critical if one not in told]
        opened = served.count("SELECT count(*) FROM incidents WHERE storm IS NOT NULL")
        events = served.count("SELECT count(*) FROM events WHERE kind = 'incident_opened'")
        note = f"answered {status}; {opened} incidents in the storm, {events} opened in the record"
        return [
            figure.Figure(
                name=f"one post of {scopes} scopes: answered",
                handrail=figure.ms(answered),
                baseline="-",
                over=answered,
                unit="s",
                target=1.0,
                note=note,
            ),
            figure.Figure(
                name="its rows stored",
                handrail=f"{stored:.1f} s",
                baseline="-",
                over=stored,
                unit="s",
                target=20.0,
                note=f"{used:.1f} s of processor time meanwhile, {used / scopes * 1000:.2f} ms an alert, approvals and pages too; load {os.getloadavg()[0]:.1f}",
            ),
            figure.Figure(
                name="first page at the receiver",
                handrail=f"{minute[0][0]:.1f} s" if minute else "none",
                baseline="-",
                over=minute[0][0] if minute else 1e9,
                unit="s",
                target=5.0,
                note=minute[0][1] if minute else "",
            ),
            figure.Figure(
                name="messages to a person in the first minute",
                handrail=str(len(minute)),
                baseline="-",
                over=len(minute),
                unit="messages",
                target=3.0,
                note=f"{len(unnamed)} of {len(critical)} critical scopes unnamed in them",
            ),
            figure.Figure(
                name=f"approve, {len(approvals)} plans that waited before it",
                handrail=figure.ms(figure.quantile(approvals, 0.99)),
                baseline="-",
                over=figure.quantile(approvals, 0.99) * 1000,
                unit="ms p99",
                target=500.0,
                note=f"p50 {figure.ms(figure.middle(approvals))}, two people at once",
            ),
        ]


def _approve(served: Served, hashes: list[str], took: list[float], part: int) -> None:
    """One of four people who say yes, together three times a second: when it is due, whatever became of the one before."""
    begin = time.perf_counter() + part * 0.33
    for number, one in enumerate(hashes):
        due = begin + number * 1.33
        time.sleep(max(0.0, due - time.perf_counter()))
        status, _ = served.ask("POST", f"/api/v1/plans/{one}/decision", b'{"decision": "approve"}')
        if status == 200:
            took.append(time.perf_counter() - due)


def growth(few: int, many: int) -> list[figure.Figure]:
    """Processor time an alert, where few and where many scopes are open."""
    with world() as (served, _):
        served.post(message(range(few)))
        until(lambda: served.count("SELECT count(*) FROM alerts") >= few, seconds=60)
        costs = []
        for total in (few, many):
            have = served.count("SELECT count(*) FROM alerts")
            if have < total:
                for first in range(have, total, 1000):
                    served.post(message(range(first, min(total, first + 1000))))
                until(lambda wanted=total: served.count("SELECT count(*) FROM alerts") >= wanted, seconds=180)  # type: ignore[misc]
            time.sleep(8)
            cpu, rest = served.cpu(), 400
            served.post(message(range(total, total + rest)))
            until(lambda wanted=total + rest: served.count("SELECT count(*) FROM alerts") >= wanted, seconds=60)  # type: ignore[misc]
            time.sleep(1)
            costs.append((served.cpu() - cpu) / rest)
        small, large = costs
        return [
            figure.Figure(
                name=f"processor time an alert, {many} scopes open",
                handrail=figure.ms(large),
                baseline=f"{figure.ms(small)} at {few} scopes",
                over=large / small,
                unit="x",
                target=1.5,
                note="of 400 more in one post, with all that goes on beside them",
            ),
        ]


def crash(scopes: int) -> list[figure.Figure]:
    """Killed in the middle of one message: nothing of it is lost or twice."""
    with world() as (served, receiver):
        served.post(message(range(scopes)))
        until(lambda: served.count("SELECT count(*) FROM alerts") >= scopes // 3, seconds=120, every=0.02)
        had = served.count("SELECT count(*) FROM alerts")
        served.kill()
        ready = served.start()
        until(lambda: served.count("SELECT count(*) FROM alerts") >= scopes, seconds=180)
        time.sleep(3)
        alerts = served.count("SELECT count(*) FROM alerts")
        twice = served.count("SELECT count(*) - count(DISTINCT fingerprint) FROM alerts")
        incidents = served.count("SELECT count(*) FROM incidents WHERE gathers IS NULL")
        lone = served.count(
            "SELECT count(*) FROM incidents WHERE gathers IS NULL AND 'I-' || number NOT IN (SELECT incident FROM alerts WHERE incident IS NOT NULL)"
        )
        runs = served.count("SELECT count(*) FROM runs")
        storms = served.count("SELECT count(*) FROM incidents WHERE gathers = 1")
        wrong = abs(alerts - scopes) + twice + abs(incidents - scopes) + lone + abs(runs - scopes) + abs(storms - 1)
        note = f"killed at {had} of {scopes}; {alerts} alerts, {incidents} incidents, {runs} runs, {storms} storm, {len(receiver.got)} messages; ready again in {ready:.1f} s"
        return [
            figure.Figure(
                name="kill -9 in one post: lost or twice",
                handrail=str(wrong),
                baseline="-",
                over=wrong,
                unit="rows",
                target=0.0,
                note=note,
            )
        ]


def steady(minutes: float, *, rate: float, prints: int, kill: bool) -> list[figure.Figure]:
    """A steady stream of known alerts, in messages of 20; a crash in it where that is wanted."""
    with world() as (served, _):
        served.post(message(range(prints), starts="2026-01-01T00:00:00Z"))
        until(lambda: served.count("SELECT count(*) FROM alerts") >= prints, seconds=120)
        cpu = served.cpu()
        generator = flood.begun(served.port, rate=rate, size=20, prints=prints, seconds=minutes * 60)
        ready = 0.0
        if kill:
            time.sleep(minutes * 30)
            served.kill()
            ready, cpu = served.start(), 0.0
        told = json.loads(generator.communicate(timeout=minutes * 60 + 180)[0])
        used = served.cpu() - cpu
        drained = _drained(served)
        kept = served.count("SELECT count(*) FROM posts") - 1
        taken = told["statuses"].get("202", 0)
        lost = max(0, taken - kept)
        what = f"{rate:.0f} alerts/s for {minutes:g} min over {prints} fingerprints" + (
            ", killed half-way" if kill else ""
        )
        note = f"answers {told['statuses']}; {served.count('SELECT count(*) FROM alerts')} alerts known; generator {told['cpu']:.1f} s of processor time, server {used:.1f} s; backlog gone after {drained:.1f} s; load {os.getloadavg()[0]:.1f}"
        found = [
            figure.Figure(
                name=f"{what}: acknowledged and lost",
                handrail=str(lost),
                baseline="-",
                over=lost,
                unit="messages",
                target=0.0,
                note=note + (f"; ready again in {ready:.1f} s" if kill else ""),
            )
        ]
        if not kill and told["p99"] is not None:
            found.append(
                figure.Figure(
                    name="answered, p99",
                    handrail=figure.ms(told["p99"]),
                    baseline="-",
                    over=told["p99"],
                    unit="s",
                    target=1.0,
                    note=f"p50 {figure.ms(told['p50'])}",
                )
            )
        return found


def overload(seconds: float, *, rate: float, prints: int, kill: bool = False) -> list[figure.Figure]:
    """Ten times what a run before it reached: later is the only no, nothing that was taken is lost, and afterwards all is as before."""
    with world() as (served, _):
        served.post(message(range(prints), starts="2026-01-01T00:00:00Z"))
        until(lambda: served.count("SELECT count(*) FROM alerts") >= prints, seconds=120)
        before = json.loads(flood.begun(served.port, rate=rate, size=20, prints=prints, seconds=10).communicate()[0])
        reached = 20 * before["statuses"].get("202", 0) / before["took"]
        _drained(served)
        had, cpu = served.count("SELECT count(*) FROM posts"), served.cpu()
        generator = flood.begun(served.port, rate=10 * reached, size=20, prints=prints, seconds=seconds)
        pages, began, killed = [], time.perf_counter(), False
        while generator.poll() is None:
            asked = time.perf_counter()
            if kill and asked - began > seconds / 2:
                served.kill()
                served.start()
                kill, killed, cpu = False, True, 0.0  # its processor time begins anew
            elif served.ask("GET", "/healthz")[0] == 200:
                pages.append(time.perf_counter() - asked)
            time.sleep(0.5)
        told = json.loads(generator.communicate()[0])
        used, over = served.cpu() - cpu, time.perf_counter() - told["answered_after"]
        _drained(served)
        until(lambda: served.post(message(range(20), starts="2026-01-01T00:00:00Z"))[0] == 202, seconds=60)
        normal = time.perf_counter() - over
        taken, other = told["statuses"].get("202", 0), sum(told["statuses"].values())
        gone = told["statuses"].get("0", 0) if killed else 0  # while nobody was there
        bad = other - taken - gone - told["statuses"].get("503", 0) + told["without_retry_after"]
        lost = max(0, taken - (served.count("SELECT count(*) FROM posts WHERE state = 'done'") - had))
        note = (
            f"{reached:.0f} alerts/s reached before, then {20 * told['offered']:.0f}/s offered for {seconds:.0f} s: answers {told['statuses']};"
            f" /healthz p99 {figure.ms(figure.quantile(pages, 0.99))}; generator {told['cpu']:.1f} s of processor time, server"
            f" {used:.1f} s, {told['took']:.0f} s in all; load {os.getloadavg()[0]:.1f}"
        )
        what = "overload, killed in the middle" if killed else "overload"
        return [
            figure.Figure(
                name=f"{what}: answers but 202, and 503 with Retry-After",
                handrail=str(bad),
                baseline="-",
                over=bad,
                unit="answers",
                target=0.0,
                note=note,
            ),
            figure.Figure(
                name=f"{what}: acknowledged and lost",
                handrail=str(lost),
                baseline="-",
                over=lost,
                unit="messages",
                target=0.0,
            ),
            figure.Figure(
                name="after it: back to normal",
                handrail=f"{normal:.1f} s",
                baseline="-",
                over=normal,
                unit="s",
                target=60.0,
                note="nothing waits, and a webhook is taken",
            ),
        ]


def _drained(served: Served) -> float:
    """Until no message waits to be worked on."""
    return until(lambda: not served.count("SELECT count(*) FROM posts WHERE state = 'new'"), seconds=180)


def many_open(incidents: int, plans: int) -> list[figure.Figure]:
    """So many open incidents, so many of them with a plan that waits: memory, processor at rest, the list, a restart."""
    with world() as (served, _):
        served.close()
        waiting_plans(served, plans)
        served.start()
        for first in range(0, incidents - plans, 2000):
            served.post(message(range(first, min(first + 2000, incidents - plans)), name="Unbound"))
        until(lambda: served.count("SELECT count(*) FROM incidents WHERE status = 'open'") >= incidents, seconds=240)
        kept = _rows(served)
        served.kill()
        ready = served.start()
        time.sleep(60)
        lost = sum(abs(one - other) for one, other in zip(kept, _rows(served), strict=True))
        watched = _metric(served, "handrail_plans_watched_total")
        cpu, began = served.cpu(), time.perf_counter()
        time.sleep(30)
        rest = (served.cpu() - cpu) / (time.perf_counter() - began)
        calls = (_metric(served, "handrail_plans_watched_total") - watched) * 2
        pages = []
        for _ in range(20):
            first_at = time.perf_counter()
            served.ask("GET", "/api/v1/incidents?status=open&most=50")
            pages.append(time.perf_counter() - first_at)
        note = f"{served.count('SELECT count(*) FROM plans WHERE state = ?', 'waiting')} plans wait; guards of {calls:.0f} plans read a minute; load {os.getloadavg()[0]:.1f}"
        return [
            figure.Figure(
                name=f"{incidents} open: memory",
                handrail=f"{served.memory():.0f} MB",
                baseline="-",
                over=served.memory(),
                unit="MB",
                target=1024.0,
                note=note,
            ),
            figure.Figure(
                name="processor at rest",
                handrail=f"{rest * 100:.1f} %",
                baseline="-",
                over=rest * 100,
                unit="% of a core",
                target=5.0,
            ),
            figure.Figure(
                name="list of incidents, p99",
                handrail=figure.ms(figure.quantile(pages, 0.99)),
                baseline="-",
                over=figure.quantile(pages, 0.99) * 1000,
                unit="ms",
                target=300.0,
                note="through the API, 50 of them",
            ),
            figure.Figure(
                name="kill -9 beside them: incidents, alerts, runs, plans lost or twice",
                handrail=str(lost),
                baseline="-",
                over=lost,
                unit="rows",
                target=0.0,
            ),
            figure.Figure(
                name="restart to ready", handrail=f"{ready:.1f} s", baseline="-", over=ready, unit="s", target=30.0
            ),
        ]


def _rows(served: Served) -> list[int]:
    """How much of each kind is there."""
    return [served.count(f"SELECT count(*) FROM {table}") for table in ("incidents", "alerts", "runs", "plans")]


def _metric(served: Served, name: str) -> float:
    text = served.ask("GET", "/metrics")[1].decode(errors="replace")
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), 0.0)


def main() -> None:
    """What was asked for."""
    asked = argparse.ArgumentParser()
    asked.add_argument(
        "part",
        nargs="?",
        default="bench",
        choices=("bench", "soak", "post", "growth", "crash", "steady", "killed", "overload", "flooded", "open"),
    )
    asked.add_argument("--scopes", type=int, default=10_000)
    asked.add_argument("--plans", type=int, default=300)
    asked.add_argument("--minutes", type=float, default=10.0)
    asked.add_argument("--rate", type=float, default=1000.0)
    asked.add_argument("--prints", type=int, default=2000)
    told = asked.parse_args()
    parts: dict[str, Callable[[], list[figure.Figure]]] = {
        "post": lambda: one_post(told.scopes, told.plans),
        "growth": lambda: growth(min(100, told.scopes), told.scopes),
        "crash": lambda: crash(min(told.scopes, 3000)),
        "steady": lambda: steady(told.minutes, rate=told.rate, prints=told.prints, kill=False),
        "killed": lambda: steady(min(told.minutes, 1.0), rate=told.rate, prints=told.prints, kill=True),
        "overload": lambda: overload(min(60.0, told.minutes * 60), rate=told.rate, prints=told.prints),
        "flooded": lambda: overload(min(20.0, told.minutes * 60), rate=told.rate, prints=told.prints, kill=True),
        "open": lambda: many_open(told.scopes, told.scopes // 5),
    }
    chosen = {"bench": ("post", "crash"), "soak": ("steady", "killed", "overload", "flooded", "growth", "open")}.get(
        told.part, (told.part,)
    )
    for name in chosen:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figure.tell(*parts[name]())


if __name__ == "__main__":
    main()
