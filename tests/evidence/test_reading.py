"""Single values out of outputs as tools print them; garbage is no table, never a crash."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handrail.evidence import reading
from handrail.evidence.model import Kind

PODS = """\
NAME                           READY   STATUS                       RESTARTS        AGE
api-gateway-7d9c8b5f6-x2x4z    1/1     Running                      0               3d4h
payments-5c7d9f8b6d-9qk2p      0/1     CrashLoopBackOff             12 (2m3s ago)   41m
payments-5c7d9f8b6d-zzzzz      0/1     CreateContainerConfigError   0               41m
identity-66b8f7d5c9-ab12c      0/1     CrashLoopBackOff             3 (10s ago)     5m
"""
EVENTS = """\
LAST SEEN   TYPE      REASON      OBJECT                         MESSAGE
2m3s        Warning   BackOff     pod/payments-5c7d9f8b6d-9qk2p   Back-off restarting failed container
5m          Normal    Scheduled   pod/payments-5c7d9f8b6d-9qk2p   Successfully assigned production/payments to node-1
"""
TOP = """\
NAME     CPU(cores)   CPU%   MEMORY(bytes)   MEMORY%
node-1   250m         12%    1024Mi          40%
"""
ENDPOINTS = """\
NAME          ENDPOINTS   AGE
api-gateway   <none>      3d
"""
WIDE = """\
NAME    READY   STATUS    RESTARTS   AGE   IP           NODE     NOMINATED NODE   READINESS GATES
web-1   1/1     Running   0          3d    10.42.0.17   node-1   <none>           <none>
"""
HISTORY = """\
REVISION\tUPDATED                 \tSTATUS    \tCHART       \tAPP VERSION\tDESCRIPTION
7       \tMon May  4 11:00:00 2026\tsuperseded\tazora-2.14.1\t2.14.1     \tUpgrade complete
8       \tMon May  4 11:59:00 2026\tdeployed  \tazora-2.15.0\t2.15.0     \tUpgrade complete
"""
SESSIONS = """\
 pid  | usename | application_name | state
------+---------+------------------+--------
  101 | app     | api-gateway-1    | idle
  102 | app     | payments-1       | active
(2 rows)

"""
COUNT = """\
 count
-------
    97
(1 row)

"""
NONE = """\
 pid | state
-----+-------
(0 rows)

"""
EMPTY = f" replication_lag\n{'-' * 17}\n{' ' * 16}\n(1 row)\n\n"
VECTOR = json.dumps(
    {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [
                {"metric": {"job": "api-gateway"}, "value": [1777896000.1, "3.367"]},
                {"metric": {"job": "payments"}, "value": [1777896000.1, "0"]},
            ],
        },
    }
)


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        pytest.param(PODS, 5, 4, id="pods"),
        pytest.param(EVENTS, 5, 2, id="events"),
        pytest.param(TOP, 5, 1, id="top"),
        pytest.param(ENDPOINTS, 3, 1, id="endpoints"),
        pytest.param(WIDE, 9, 1, id="wide"),
        pytest.param(HISTORY, 6, 2, id="helm's history"),
        pytest.param(SESSIONS, 4, 2, id="sessions"),
        pytest.param(COUNT, 1, 1, id="one figure"),
        pytest.param(NONE, 2, 0, id="no rows"),
        pytest.param(EMPTY, 1, 1, id="a row with nothing in it"),
    ],
)
def test_a_table_is_read_with_its_columns_and_rows(text: str, columns: int, rows: int) -> None:
    found = reading.table(text)
    assert found is not None
    assert (len(found[0]), len(found[1])) == (columns, rows)
    assert all(len(row) == columns for row in found[1])
    assert all(column == column.strip() and column for column in found[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "No resources found in production namespace.",
        "Error from server (NotFound): pods not found",
        "NAME",
        "web-1 web-2",
        "ERROR  cannot connect to the database",
        "2026-05-04T12:00:00Z GET /health 200",
        "{}",
        "---\n---",
    ],
)
def test_what_is_no_table_is_none(text: str) -> None:
    assert reading.table(text) is None
    assert reading.cell(text, column="NAME", where="STATUS", values=["x"]) is None


@pytest.mark.parametrize(
    ("text", "column", "where", "values", "owner", "found"),
    [
        (PODS, "NAME", "STATUS", ["CrashLoopBackOff"], "", "payments-5c7d9f8b6d-9qk2p"),
        (PODS, "NAME", "STATUS", ["CrashLoopBackOff"], "identity", "identity-66b8f7d5c9-ab12c"),
        (PODS, "NAME", "STATUS", ["CreateContainerConfigError", "Error"], "", "payments-5c7d9f8b6d-zzzzz"),
        (PODS, "NAME", "STATUS", ["Pending"], "", None),
        (PODS, "NAME", "STATUS", ["CrashLoopBackOff"], "catalog", None),
        (PODS, "RESTARTS", "STATUS", ["CrashLoopBackOff"], "", "12 (2m3s ago)"),
        (PODS, "NODE", "STATUS", ["Running"], "", None),
        (PODS, "NAME", "PHASE", ["Running"], "", None),
        (PODS, "AGE", "NAME", ["api-gateway"], "", "3d4h"),
        (EVENTS, "OBJECT", "REASON", ["BackOff"], "", "pod/payments-5c7d9f8b6d-9qk2p"),
        (WIDE, "READINESS GATES", "NAME", ["web-1"], "", "<none>"),
        (HISTORY, "REVISION", "STATUS", ["deployed"], "", "8"),
        (SESSIONS, "pid", "state", ["idle"], "", "101"),
        (COUNT, "count", "count", ["97"], "", "97"),
        (NONE, "pid", "state", ["idle"], "", None),
    ],
)
def test_a_cell_of_the_first_row_that_fits(
    text: str, column: str, where: str, values: list[str], owner: str, found: str | None
) -> None:
    assert reading.cell(text, column=column, where=where, values=values, owner=owner) == found


@pytest.mark.parametrize(
    ("text", "series"),
    [
        (VECTOR, [({"job": "api-gateway"}, 3.367), ({"job": "payments"}, 0.0)]),
        ('{"data": {"resultType": "vector", "result": []}}', []),
        ('{"data": {"resultType": "scalar", "result": [1, "5"]}}', [({}, 5.0)]),
        ('{"data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"]]}]}}', None),
        ('{"status": "error", "error": "bad"}', None),
        ('{"data": null}', None),
        ('{"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}}', None),
        ('{"data": {"resultType": "vector", "result": 7}}', None),
        ("[]", None),
        ("7", None),
        ("", None),
        ("<html>", None),
    ],
)
def test_the_series_of_an_answer(text: str, series: object) -> None:
    assert reading.prometheus(text) == series


BODY = '{"slots": [{"name": "blue", "live": true, "weight": 0.5, "note": null}], "a.b": 1, "0": "zero"}'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("slots.0.name", "blue"),
        ("slots.-1.name", None),
        ("slots.0.live", "true"),
        ("slots.0.weight", "0.5"),
        ("slots.0.note", "null"),
        ("slots.0", None),
        ("slots", None),
        ("slots.1.name", None),
        ("slots.x", None),
        ("slots.0.name.x", None),
        ("slots.0.name.0", None),
        ("0", "zero"),
        ("", None),
        ("missing", None),
    ],
)
def test_a_value_by_its_path(path: str, value: str | None) -> None:
    assert reading.at_path(BODY, path) == value


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        (PODS, Kind.TABLE, "4 rows: payments-5c7d9f8b6d-9qk2p CrashLoopBackOff, 12 restarts, and 2 more"),
        (COUNT, Kind.TABLE, "count: 97"),
        (NONE, Kind.TABLE, "0 rows"),
        (EMPTY, Kind.TABLE, "replication_lag: empty"),
        (VECTOR, Kind.SERIES, "2 series: api-gateway 3.367, payments 0"),
        ('{"data": {"resultType": "vector", "result": []}}', Kind.SERIES, "no series: no data"),
        ('{"a": 1}', Kind.JSON, "a 1"),
        (
            '{"percent": 16.326, "slots": {"blue": {"status": "ok"}}, "seen": [1, 2]}',
            Kind.JSON,
            "percent 16.3, slots blue status ok, seen 2 items",
        ),
        ("[]", Kind.JSON, "0 items"),
        ("{}", Kind.JSON, "empty"),
        (
            "NAME   READY  STATUS            RESTARTS   AGE\nweb-0  0/1    CrashLoopBackOff  6 (9s ago)  1m\n"
            "web-1  1/1    Running           0          1m\n",
            Kind.TABLE,
            "2 rows: web-0 CrashLoopBackOff, 6 restarts",
        ),
        ("NAME   STATUS   AGE\na      Pending  1m\nb      Unknown  1m\n", Kind.TABLE, "2 rows: a Pending, and 1 more"),
        ("NAME   STATUS   AGE\na      Running  1m\n", Kind.TABLE, "1 row"),
        ("2026-05-04T12:00:00Z a\n2026-05-04T12:00:01Z b\n", Kind.LOG, "2 lines"),
        ("12:00:00 a\n", Kind.LOG, "12:00:00 a"),
        ("done\n", Kind.TEXT, "done"),
        ("", Kind.TEXT, "no output"),
        ("\n \n", Kind.TEXT, "no output"),
        ("{half", Kind.TEXT, "{half"),
        ("x" * 500, Kind.TEXT, "x" * 120),
    ],
)
def test_what_an_output_is_and_its_one_line(text: str, kind: Kind, says: str) -> None:
    assert reading.kind(text) is kind
    assert reading.says(text, kind).split(" (")[0] == says


def test_an_exit_code_that_means_something_says_so() -> None:
    assert reading.says("", Kind.TEXT, exit_meaning="nothing found") == "nothing found"


LINES = st.lists(
    st.sampled_from(
        [
            *PODS.splitlines(),
            *SESSIONS.splitlines(),
            *HISTORY.splitlines(),
            "NAME  READY",
            "-+-",
            "|",
            "(3 rows)",
            "",
            "é  漢",
        ]
    ),
    max_size=8,
).map("\n".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["vector", "scalar", "1", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "result", "resultType", "metric", "value", "a"]), inner, max_size=4)
    ),
    max_leaves=15,
).map(json.dumps)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), LINES, JSON), st.text(max_size=10))
@example("[" * 100_000, "a")
@example('{"a":' * 50_000, "a")
@example("A  " * 20_000, "a")
@example("NAME " * 20_000 + "x", "a")
@example("9" * 5000, "a")
@example("A-" * 5000 + "!", "a")
@example("A " * 5000 + "!", "a")
@example('{"data": {"resultType": "scalar", "result": [1, "' + "9" * 5000 + '"]}}', "a")
@example('{"data": {"resultType": "scalar", "result": {"1": 2}}}', "a")
@example('{"data": {"resultType": "vector", "result": [{"metric": {"job": 7}, "value": [1, "NaN"]}]}}', "a")
def test_no_output_whatever_breaks_the_reading(text: str, path: str) -> None:
    shape = reading.kind(text)
    assert isinstance(reading.says(text, shape), str)
    for other in Kind:
        assert isinstance(reading.says(text, other), str)
    reading.table(text)
    reading.prometheus(text)
    reading.at_path(text, path)
    reading.cell(text, column="NAME", where="STATUS", values=["Running"], owner="a")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("NAME    STATUS\nweb-0   Running\nweb-1   Running", "2 rows, all Running"),
        ("NAME    STATUS\nweb-0   Running\nweb-1   Error", "2 rows: web-1 Error"),
        (
            "NAME    CPU(cores)   MEMORY(bytes)\nweb-0   100m         200Mi\nweb-1   1            90Mi",
            "2 rows, most CPU web-1 1 and memory web-0 200Mi",
        ),
        (
            "NAME   CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)\nlab    281m         14%      2541Mi          10%",
            "1 row",
        ),
        (
            "LAST SEEN   TYPE      REASON   OBJECT      MESSAGE\n2m          Warning   Failed   pod/web-0   no image",
            "1 row: 1 warning, the last in it Failed of pod/web-0",
        ),
        (
            "LAST SEEN   TYPE     REASON   OBJECT      MESSAGE\n2m          Normal   Pulled   pod/web-0   x",
            "1 row, no warning",
        ),
    ],
)
def test_a_table_says_what_stands_out_in_it(text: str, says: str) -> None:
    assert reading.says(text, reading.kind(text)) == says


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (" pg_wal_replay_resume \n----------------------\n \n(1 row)", ""),
        (" ended \n-------\n 3\n(1 row)", "ended: 3"),
        ("CREATE INDEX", "CREATE INDEX"),
    ],
)
def test_what_a_change_printed_is_told_on_one_line(text: str, short: str) -> None:
    assert reading.short(text) == short
