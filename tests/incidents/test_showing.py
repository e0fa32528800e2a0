"""Outputs in their place: what matters comes first, and what is left out is counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.evidence import Evidence, Kind, Look
from handrail.incidents import showing


def shown(text: str, kind: Kind) -> showing.Shown:
    """How it is shown."""
    at = datetime(2026, 5, 4, tzinfo=UTC)
    return showing.show(
        Evidence(
            id="e", run="R-1", command="c", as_written="c", runs_as="c", identity="look", target="t", look=Look.SEEN,
            says="", started_at=at, seconds=0.1, kind=kind, stdout=text,
        )
    )  # fmt: skip


def test_log_lines_that_differ_only_in_times_ids_and_numbers_are_one_line_with_a_count() -> None:
    lines = [f"2026-05-04T03:05:{s:02d}Z api-6d9f7c5b44-x{s % 9}k2p INFO GET /v1 200 {s} ms" for s in range(60)]
    lines += [f"03:05:{s:02d} ERROR request {s} id 8f14e45fceea167a5a36dedd4bea{s:04d} failed" for s in range(9)]
    seen = shown("\n".join(lines), Kind.LOG)
    assert [(shape.count, shape.matters) for shape in seen.shapes] == [(9, True), (60, False)]
    assert seen.left_out == ""


def test_shapes_that_do_not_fit_are_counted() -> None:
    seen = shown("\n".join(f"03:00:00 {chr(97 + n) * 3} happened" for n in range(20)), Kind.LOG)
    assert len(seen.shapes) == showing.SHAPES
    assert seen.left_out == "12 more lines of 12 shapes"


def test_a_prometheus_answer_is_a_table_of_what_tells_the_series_apart_largest_first() -> None:
    series = [
        {"metric": {"job": job, "env": "p"}, "value": [0, value]}
        for job, value in (("a", "0"), ("b", "4.81"), ("c", "NaN"))
    ]
    table = shown(json.dumps({"data": {"resultType": "vector", "result": series}}), Kind.SERIES).table
    assert table is not None
    assert table.columns == ("job", "value")
    assert table.rows == (("b", "4.81"), ("a", "0"), ("c", "no number"))


def test_a_long_table_says_how_many_rows_more() -> None:
    rows = "\n".join(f"pod-{n}   1/1     Running" for n in range(30))
    seen = shown(f"NAME    READY   STATUS\n{rows}", Kind.TABLE)
    assert seen.table is not None
    assert (len(seen.table.rows), seen.left_out) == (showing.ROWS, "16 more rows")


@pytest.mark.parametrize("kind", list(Kind))
@given(text=st.text())
def test_any_output_can_be_shown_as_whatever_it_was_taken_for(kind: Kind, text: str) -> None:
    seen = shown(text, kind)
    if seen.table is not None:
        assert all(len(row) == len(seen.table.columns) for row in seen.table.rows)


@given(st.lists(st.text(alphabet="abcERROR 0123:-", min_size=1), min_size=30, max_size=90))
def test_no_line_of_a_log_is_lost_it_is_shown_or_counted(lines: list[str]) -> None:
    seen = shown("\n".join(lines), Kind.LOG)
    there = len([line for line in lines if line.strip()])
    left = int(seen.left_out.split()[0]) if seen.left_out else 0
    assert sum(shape.count for shape in seen.shapes) + left == there


DESCRIBED = "\n".join(
    [
        "Name:             api-gateway-0",
        "Lease:            Failed to get lease: leases is forbidden: "
        'User "system:serviceaccount:handrail:look" cannot get resource "leases"',
        "    Liveness:     http-get http://:8080/health delay=0s timeout=5s period=10s #success=1 #failure=3",
        "    failureThreshold: 7",
        *(f"  field {index}: {index}" for index in range(40)),
        "  Warning  Failed  2s  kubelet  Error: ImagePullBackOff",
    ]
)


def test_of_a_long_description_the_lines_that_tell_of_trouble_stand_first_in_their_order() -> None:
    """How a probe is set is no failure, and what the reader itself may not see is no trouble of the system's."""
    seen = shown(DESCRIBED, Kind.TEXT)
    assert [shape.line for shape in seen.shapes] == ["Warning  Failed  2s  kubelet  Error: ImagePullBackOff"]
    assert seen.left_out == "44 more lines"


def test_a_long_text_without_trouble_shows_how_it_begins() -> None:
    seen = shown("\n".join(f"line {index}" for index in range(30)), Kind.TEXT)
    assert seen.text.startswith("line 0\nline 1\n")
    assert seen.left_out == "6 more lines"


EVENTS = "LAST SEEN   TYPE      REASON   OBJECT   MESSAGE\n" + "\n".join(
    f"{60 - index:02}m         {'Warning' if index in (3, 58) else 'Normal '}   Pulled   pod/{index:02}   said"
    for index in range(60)
)


def test_of_many_events_the_warnings_and_the_newest_are_shown() -> None:
    seen = shown(EVENTS, Kind.TABLE)
    assert seen.table is not None
    assert [row[3] for row in seen.table.rows] == ["pod/03", *(f"pod/{index}" for index in range(47, 60))]
    assert seen.left_out == "46 more rows"


def test_of_many_pods_those_that_are_not_well_are_shown() -> None:
    rows = "\n".join(f"web-{index:02}   1/1     {'Error  ' if index == 29 else 'Running'}   0" for index in range(30))
    seen = shown(f"NAME     READY   STATUS    RESTARTS\n{rows}", Kind.TABLE)
    assert seen.table is not None
    assert [row[0] for row in seen.table.rows][-1] == "web-29"


def test_of_a_log_with_tracebacks_what_repeats_is_one_line_with_a_count() -> None:
    """Most of its lines have no time, so that it is taken for a text."""
    crash = "Traceback (most recent call last):\n  File x\n    y = 1\n  z\nTypeError: cannot add {}"
    seen = shown("\n".join(crash.format(n) for n in range(9)), Kind.TEXT)
    assert [(shape.line, shape.count) for shape in seen.shapes] == [
        ("Traceback (most recent call last):", 9),
        ("TypeError: cannot add 8", 9),
    ]
    assert seen.left_out == "27 more lines"


@pytest.mark.parametrize(
    ("line", "matters"),
    [
        ("# fail 0", False),
        ("1 chart(s) linted, 0 chart(s) failed", False),
        ("errors: 0", False),
        ("# fail 10", True),
        ("2 errors, 0 warnings", True),
        ("connection refused", True),
    ],
)
def test_a_count_of_no_failures_is_no_failure(line: str, matters: bool) -> None:
    assert showing._matters(line) is matters


def test_what_psql_answered_beforehand_is_a_table_and_a_diff_is_none() -> None:
    found = showing.answer(" standby | paused\n---------+--------\n True    | True\n(1 row)\n")
    assert found is not None
    assert (found.columns, found.rows) == (("standby", "paused"), (("True", "True"),))
    assert showing.answer("spec.selector.slot\n- teal\n+ blue") is None
    assert showing.answer("--- a/values.yaml\n+++ b/values.yaml") is None


def test_a_line_out_of_columns_is_shown_without_their_width() -> None:
    lines = [f"  Normal   Pulled{' ' * 20}{number}m   kubelet" for number in range(40)]
    text = "\n".join([*lines, f"  Warning  Failed{' ' * 20}17s   kubelet  Error: ImagePullBackOff"])
    (shape,) = shown(text, Kind.TEXT).shapes
    assert shape.line == "Warning  Failed  17s  kubelet  Error: ImagePullBackOff"
