"""One event a line, with its time and what it is about; masked like the record."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from handrail import logs
from handrail.evidence import Actor
from handrail.store.chain import Line
from handrail.targets import masking
from handrail.targets.masking import Masker

ANA = Actor(kind="person", name="Ana", known_by="token")


class Written(io.StringIO):
    """Counts how often it is told to write what it has."""

    flushed = 0

    def flush(self) -> None:
        """Once more."""
        self.flushed += 1
        super().flush()


def said(out: io.StringIO) -> list[dict[str, object]]:
    """Each line as JSON."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_of_the_record_is_one_line_of_json() -> None:
    """Whatever its payload holds."""
    out = io.StringIO()
    payload = {
        "person": "Ana",
        "reason": "line\nbreak",
        "event": "clash",
        "level": 2,
        "list": ["a", 1],
        "run": "R-1",
        "long": "x" * 999,
    }
    with logs.to(out, form="json"):
        logs.record(
            [Line(kind="decision", payload=payload, environment="production", incident="I-1", run="R-1", actor=ANA)]
        )
    (line,) = said(out)
    assert (line["event"], line["incident"], line["run"], line["environment"]) == (
        "decision",
        "I-1",
        "R-1",
        "production",
    )
    assert "run_" not in line, "the same is said once"
    assert line["actor"] == "person:Ana"
    assert str(line["timestamp"]).endswith("Z")
    assert line["event_"] == "clash"
    assert line["level"] == "info"
    assert line["level_"] == 2
    assert len(str(line["long"])) < 400


def test_what_went_wrong_is_an_event_with_its_facts_and_its_trace() -> None:
    """Also what is logged by plain logging, ours and a library's."""
    out = io.StringIO()
    with logs.to(out, form="json"):
        try:
            _fail()
        except RuntimeError:
            logging.getLogger("handrail").exception("turn_surprised", extra={"run": "R-7"})
        logging.getLogger("somebody.else").warning("their %s", "words")
        logging.getLogger("somebody.else").info("not told")
    ours, theirs = said(out)
    assert (ours["event"], ours["run"], ours["level"]) == ("turn_surprised", "R-7", "error")
    assert "RuntimeError: no luck" in str(ours["exception"])
    assert theirs["event"] == "their words"


def test_secrets_do_not_reach_the_log() -> None:
    """Neither known ones nor what looks like one."""
    out, masker = io.StringIO(), Masker()
    masker.update(["a-known-secret"])
    with logs.to(out, form="json"), masking.logs(masker):
        logging.getLogger("handrail").warning(
            "odd", extra={"answer": "a-known-secret", "dsn": "postgres://u:hunter2@h/d"}
        )
    assert "a-known-secret" not in out.getvalue()
    assert "hunter2" not in out.getvalue()
    assert said(out)[0]["event"] == "odd"


def test_lines_that_are_committed_together_are_written_at_once_each_an_event_of_its_own() -> None:
    """A storm is tens of thousands of them: one write for each would cost more than the storm itself."""
    out = Written()
    lines = [Line(kind="alert_received", payload={"number": number}, incident=f"I-{number}") for number in range(200)]
    with logs.to(out, form="json"), structlog.contextvars.bound_contextvars(run="R-9"):
        logs.record(lines)
    told = said(out)
    assert [(one["event"], one["incident"], one["number"], one["run"]) for one in told] == [
        ("alert_received", f"I-{number}", number, "R-9") for number in range(200)
    ]
    assert out.flushed == 1


def test_what_is_told_at_debug_is_left_out_from_among_the_others() -> None:
    """And stands in its place where debug is wanted."""
    lines = [Line(kind="evidence"), Line(kind="series"), Line(kind="check"), Line(kind="healed")]
    for level, expected in (("info", ["evidence", "healed"]), ("debug", ["evidence", "series", "check", "healed"])):
        out = io.StringIO()
        with logs.to(out, form="json", level=level):
            logs.record(lines)
        assert [one["event"] for one in said(out)] == expected
        assert [one["level"] for one in said(out) if one["event"] == "series"] == ["debug"] * (level == "debug")


def test_a_mask_in_one_of_many_lines_touches_no_other() -> None:
    """Each stays JSON; what looks like a credential at the end of one never reaches into the next."""
    out, masker = io.StringIO(), Masker()
    masker.update(["a-known-secret"])
    says = ["password=", "a-known-secret", "Authorization: Bearer", "token: ", "postgres://u:hunter2@h/d", "nothing"]
    with logs.to(out, form="json"), masking.logs(masker):
        logs.record([Line(kind="note", payload={"says": one, "number": place}) for place, one in enumerate(says)])
        together = said(out)
        out.truncate(0), out.seek(0)
        for place, one in enumerate(says):
            logs.record([Line(kind="note", payload={"says": one, "number": place})])
        alone = said(out)
    assert [one["event"] for one in together] == ["note"] * len(says)
    assert [(one["says"], one["number"]) for one in together] == [(one["says"], one["number"]) for one in alone]
    assert "secret" not in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_many_lines_in_a_terminal_are_a_line_each() -> None:
    out = io.StringIO()
    with logs.to(out, form="text"):
        logs.record([Line(kind="paused", actor=ANA), Line(kind="resumed", actor=ANA)])
    assert [line.split("]")[1].split()[0] for line in out.getvalue().splitlines()] == ["paused", "resumed"]


def test_in_a_terminal_it_is_words_and_the_level_is_a_setting() -> None:
    """One line each, too."""
    out = io.StringIO()
    with logs.to(out, form="text", level="warning"):
        logs.record([Line(kind="paused", payload={"person": "Ana"}, actor=ANA)])
        logging.getLogger("handrail").warning("turn_failed", extra={"run": "R-7"})
    (line,) = out.getvalue().splitlines()
    assert "turn_failed" in line
    assert "run=R-7" in line


def test_after_the_block_nothing_is_logged_there_any_more() -> None:
    """A test, or a demo within one process."""
    out = io.StringIO()
    with logs.to(out, form="json"):
        pass
    logging.getLogger("handrail").warning("later")
    assert out.getvalue() == ""


def _fail() -> None:
    raise RuntimeError("no luck")


def test_a_process_that_keeps_no_log_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A practice, a replay and a demo print what they show, and no events among it."""
    logs.record([Line(kind="run_started", payload={}, environment="lab", incident="I-1", run="R-1", actor=ANA)])
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")
