"""The lab's audit tells of a package by an event beside its metric: once each, and with the alert one incident."""

from __future__ import annotations

import dataclasses
import http.server
import importlib.machinery
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from handrail import alerts
from handrail.web import people
from tests import cases
from tests.engine.stage import Stage
from tests.runbooks import selecting

LAB = cases.ROOT / "lab/azora"
NAMES = ("azora-slug", "azora-words")
SEVERITIES = ("critical", "high", "moderate", "low", "info")


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script itself, and the lab's own modules that it needs, for as long as the test."""
    monkeypatch.setattr(sys, "path", [str(LAB), *sys.path])
    loader = importlib.machinery.SourceFileLoader(f"lab_{name}", str(LAB / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    found = importlib.util.module_from_spec(spec)
    loader.exec_module(found)
    return found


@dataclasses.dataclass
class Listener:
    """Who listens where the lab sends its alerts."""

    run: Path
    posts: list[tuple[str, bytes, str]] = dataclasses.field(default_factory=list)
    status: int = 202

    def events(self) -> list[dict[str, Any]]:
        """What was told and not taken yet, each known by its signature."""
        found = []
        for path, body, signature in self.posts:
            assert path == "/api/v1/hooks/event/pipeline"
            assert people.signed(b"the lab's token", body, signature)
            found.append(json.loads(body))
        self.posts.clear()
        return found


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    heard = Listener(run=tmp_path)

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.posts.append((self.path, body, self.headers["X-Hub-Signature-256"]))
            self.send_response(heard.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/api/v1/hooks/alertmanager/lab"
    (tmp_path / "lab.json").write_text(json.dumps({"webhook_url": url}))
    (tmp_path / "webhook-token").write_text("the lab's token\n")
    monkeypatch.setenv("HANDRAIL_LAB_RUN", str(tmp_path))
    yield heard
    server.shutdown()
    thread.join(timeout=5)
    server.server_close()


def audit(tool: ModuleType, *, wrong: str = "", **found: str) -> Any:
    """What an audit gave: every package with its figures; `azora_slug="high"` has one advisory."""
    figures = {
        (name, severity): int(found.get(name.replace("-", "_")) == severity)
        for name in NAMES
        for severity in SEVERITIES
    }
    return tool.audits.Audit(advisories={} if wrong else figures, wrong=wrong)


def test_each_package_is_told_once_and_once_that_it_is_well(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = load("audit", monkeypatch)
    known: dict[str, str] = {}
    told: list[list[tuple[str, str]]] = []
    for one in (
        audit(tool),
        audit(tool, azora_slug="high"),
        audit(tool, azora_slug="high"),
        audit(tool, wrong="npm audit gave no report: nothing"),  # it forgets nothing that was told
        audit(tool, azora_slug="high", azora_words="moderate"),  # no alert is raised for that
        audit(tool, azora_slug="critical", azora_words="high"),
        audit(tool, azora_words="high"),
        audit(tool, azora_slug="high", azora_words="high"),
    ):
        known = tool.tell(one, known)
        told.append([(event["data"]["package"], event["data"].get("status", "")) for event in listener.events()])
    slug, words = ("azora-slug", ""), ("azora-words", "")
    assert told == [[], [slug], [], [], [], [words], [("azora-slug", "resolved")], [slug]]


def test_what_nobody_took_is_told_in_the_next_round_and_without_an_address_nothing_is(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = load("audit", monkeypatch)
    found = audit(tool, azora_slug="high")
    listener.status = 503
    assert tool.tell(found, {}) == {}
    assert "audit: nobody was told of azora-slug: HTTP Error 503" in capsys.readouterr().out
    listener.status = 202
    assert tool.tell(found, {}) == {"azora-slug": "high"}
    assert len(listener.events()) == 2
    (listener.run / "webhook-token").unlink()
    assert tool.tell(found, {}) == {}
    assert listener.events() == []


def test_the_pipeline_tells_of_a_deployment_that_failed_in_the_same_way(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("pipeline", monkeypatch).tell("release/2.18.0", "1a2b3c4", "it timed out")
    (event,) = listener.events()
    assert (event["type"], event["subject"], event["source"]) == (
        "deployment.failed",
        "api-gateway",
        "/pipelines/azora",
    )
    assert event["data"] == {
        "summary": "The deployment of release/2.18.0 failed",
        "said": "it timed out",
        "revision": "1a2b3c4",
        "namespace": "production",
    }


@pytest.mark.parametrize("order", [("event", "alert"), ("alert", "event"), ("event", "alert", "event")])
def test_the_event_and_the_alert_of_one_package_are_one_incident_with_one_run(
    order: tuple[str, ...], listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are about the gateway and name RB-011: the second joins, and starts nothing. The third is the audit begun anew."""
    tool = load("audit", monkeypatch)
    stage = Stage(
        listener.run,
        document=(cases.ROOT / "library/azora/RUNBOOKS.md").read_text(encoding="utf-8"),
        binding=(cases.ROOT / "library/azora/azora.binding.yaml").read_text(encoding="utf-8"),
    )
    alert = selecting.alerts()["VulnerabilityDetected"]
    alert = dataclasses.replace(
        alert,
        labels={**alert.labels, "package": "azora-slug", "service": "api-gateway"},
        starts_at=stage.clock(),
    )
    begun = []
    for what in order:
        if what == "alert":
            begun += stage.intake.take(alert, source="shop")
        else:
            tool.tell(audit(tool, azora_slug="high"), {})
            (event,) = listener.events()
            parsed = alerts.parse(json.dumps(event).encode(), source="pipeline", at=stage.clock())
            assert isinstance(parsed, alerts.Notification)
            begun += stage.intake.take(parsed.alerts[0], source="pipeline")
        stage.clock.forward(seconds=10)
    assert begun == ["R-1"]
    assert [(row["service"], row["status"]) for row in stage.store.incidents()] == [("api-gateway", "open")]
    assert [row["runbook"] for row in stage.store.runs(incident="I-1")] == ["RB-011"]
    kept = stage.store.alerts_of("I-1")
    assert {row["name"] for row in kept} == {"audit.found" if what == "event" else alert.name for what in order}
    assert all(json.loads(row["body"])["labels"]["package"] == "azora-slug" for row in kept)
    tool.tell(audit(tool), {"azora-slug": "high"})
    over = alerts.parse(json.dumps(listener.events()[0]).encode(), source="pipeline", at=stage.clock())
    assert isinstance(over, alerts.Notification)
    assert stage.intake.take(over.alerts[0], source="pipeline") == ["R-1"]
    firing = [row["name"] for row in stage.store.alerts_of("I-1") if row["status"] == "firing"]
    assert firing == [alert.name], "the metric's own alert resolves by itself"
