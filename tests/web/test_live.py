"""What is sent while someone looks, over a real connection."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from handrail.web import live
from tests.web.serving import served
from tests.web.site import ANA, OURS, site

pytestmark = pytest.mark.slow


def messages(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Server-sent events as (name, data)."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_a_change_of_the_record_is_sent_as_the_regions_that_changed(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, run, _ = here.waiting()
    url = f"/incidents/{incident}/stream"
    with served(here.app) as base:
        stream = httpx.stream("GET", base + url, headers=ANA, timeout=10)
        with stream as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            heard = messages(answer.iter_lines())
            name, regions = next(heard)
            assert name == "regions"
            assert set(regions) == {
                f"live-{part}"
                for part in ("head", "storm", "plan", "seen", "runs", "people", "tasks", "timeline", "bar")
            }
            time.sleep(live.POLL_SECONDS * 2)
            here.store.append("message", {"person": "Rui Costa", "title": "Look at this"}, incident=incident)
            began = time.monotonic()
            name, regions = next(heard)
            assert time.monotonic() - began < live.BEAT_SECONDS
            assert set(regions) == {"live-timeline"}
            assert "Message to Rui Costa: Look at this." in regions["live-timeline"]
            here.store.update_run(run, verifying="rollback", waits_for="error rate: 0.1 %", held=9, hold=30)
            name, regions = next(heard)
            assert "Holds for 9 of 30 s" in regions["live-plan"]


def test_a_quiet_incident_sends_a_beat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that hears nothing for long says that it is old: silence must mean trouble."""
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.2)
    here = site(tmp_path)
    incident, _, _ = here.waiting()
    with served(here.app) as base, httpx.stream("GET", f"{base}/incidents/{incident}/stream", headers=ANA) as answer:
        heard = messages(answer.iter_lines())
        assert [next(heard)[0] for _ in range(3)] == ["regions", "beat", "beat"]


def test_signing_out_ends_an_open_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.2)
    here = site(tmp_path)
    incident, _, _ = here.waiting()
    with served(here.app) as base, httpx.Client(base_url=base, headers=OURS, timeout=10) as client:
        client.post("/login", data={"token": "vera-token"})
        with client.stream("GET", f"/incidents/{incident}/stream") as answer:
            heard = messages(answer.iter_lines())
            assert next(heard)[0] == "regions"
            httpx.post(
                f"{base}/logout",
                cookies=dict(client.cookies),
                headers={**OURS, "Content-Type": "application/x-www-form-urlencoded"},
            )
            assert [name for name, _ in heard][-1] == "over"


def test_many_who_watch_one_incident_cost_one_poll(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, _, _ = here.waiting()
    url = f"/incidents/{incident}/stream"
    with served(here.app) as base:
        streams = httpx.stream("GET", base + url, headers=ANA), httpx.stream("GET", base + url, headers=ANA)
        with streams[0] as one, streams[1] as two:  # inside: the server ends last
            both = [messages(one.iter_lines()), messages(two.iter_lines())]
            assert [next(heard)[0] for heard in both] == ["regions", "regions"]
            time.sleep(live.POLL_SECONDS * 2)
            here.store.append("message", {"person": "Rui Costa", "title": "t"}, incident=incident)
            assert all("Rui Costa" in next(heard)[1]["live-timeline"] for heard in both)
