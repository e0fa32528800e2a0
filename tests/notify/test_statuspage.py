"""The status page: plain files, whole at any moment, telling what users notice."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from handrail.incidents import updates
from handrail.incidents.updates import Notice as Told
from handrail.incidents.updates import Phase
from handrail.notify import Notice, write
from tests.factory import NOON


def notice(**changes: object) -> Notice:
    base: dict[str, object] = {
        "name": "I-1",
        "title": "Nobody is served",
        "open": True,
        "began": NOON,
        "ended": None,
        "updates": [(NOON, "investigating", "Nobody is served, since 12:00 UTC.")],
    }
    return Notice(**{**base, **changes})  # type: ignore[arg-type]  # the fields are the test's own words


def test_an_open_incident_is_shown_with_its_updates(tmp_path: Path) -> None:
    write(tmp_path, [notice()], name="Azora", now=NOON)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Something does not work" in page
    assert "Nobody is served, since 12:00 UTC." in page
    told = json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))
    assert (told["status"], told["incidents"][0]["updates"][0]["status"]) == ("incident", "investigating")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "status.json"]


def test_when_it_is_over_everything_works(tmp_path: Path) -> None:
    write(tmp_path, [notice(open=False, ended=NOON + timedelta(minutes=9))], name="Azora", now=NOON)
    assert "Everything works" in (tmp_path / "index.html").read_text(encoding="utf-8")
    write(tmp_path, [], name="Azora", now=NOON)
    assert "No incident in the last days" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_drill_says_that_it_is_one_and_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    write(tmp_path, [notice(title="<img src=x onerror=alert(1)>")], name="Azora", now=NOON, drill=True)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "This is a drill" in page
    assert "<img" not in page


def test_a_summary_with_a_figure_nobody_knows_is_not_used() -> None:
    assert updates.notices("{value} % of requests to {service} fail", service="shop") == updates.QUIET
    assert updates.notices("{service} does not answer", service="shop") == "Shop does not answer"
    assert updates.notices("", service="shop") == updates.QUIET
    assert updates.notices("A deployment of $service does not start", service="shop").endswith("of shop does not start")


def test_every_phase_reads_as_a_sentence_for_users() -> None:
    told = Told(notices="Nobody is served", since=NOON, next_at=NOON + timedelta(minutes=15))
    said = [updates.update(phase, told) for phase in Phase]
    assert len(set(said)) == 4
    assert all(text.endswith(".") for text in said)
