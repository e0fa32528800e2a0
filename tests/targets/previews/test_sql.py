"""The contract of SQL's previews and ways back, held against a real server: what was foretold is what differs, and what is
called exact restores everything."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from handrail.targets import identities, postgres
from handrail.targets.base import Answer, Ask
from handrail.targets.ground import RealGround
from handrail.targets.previews.sql import asked, catalog, inserts, outlook, psql, rows, sqltext
from handrail.targets.previews.sql.asked import Reader
from handrail.targets.previews.sql.outlook import Outlook, Way
from tests.targets import postgresql
from tests.targets.test_surroundings import PERMIT, ground, tool

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
pytestmark = pytest.mark.skipif(bool(postgresql.missing()), reason=postgresql.missing() or "-")
DEADLINE = timedelta(seconds=15)


@dataclass(kw_only=True)
class Database:
    """A copy of the seed, made anew for whoever changed the last one."""

    cluster: postgresql.Cluster
    copies: int = 0
    used: bool = True

    @property
    def name(self) -> str:
        """The copy that is asked now."""
        return f"copy_{self.copies}"

    def fresh(self) -> None:
        """As the seed is."""
        if self.used:
            self.copies += 1
            self.cluster.run(f"CREATE DATABASE {self.name} TEMPLATE seed")
            self.used = False

    def reader(self, *, patience: float = 5) -> Reader:
        """As Handrail's reader."""
        dsn = self.cluster.dsn("looker", self.name)

        def ask(text: str) -> Answer:
            return postgres.ask(dsn, text, run="R-1", deadline=DEADLINE, patience=timedelta(seconds=patience))

        return ask

    def make(self, text: str, by: str) -> str:
        """As whoever changes; what the server says against it, or nothing."""
        self.used = True
        with psycopg.connect(self.cluster.dsn(by, self.name), autocommit=True) as connection:
            try:
                connection.execute(text.encode())
            except psycopg.Error as error:
                return str(error)
        if text.startswith("ALTER SYSTEM"):
            self.cluster.run("SELECT pg_reload_conf(), pg_sleep(0.05)")
        return ""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with postgresql.cluster() as cluster:
        cluster.run("CREATE ROLE azora LOGIN")
        cluster.run("CREATE ROLE looker LOGIN")
        cluster.run("GRANT pg_monitor, pg_read_all_data TO looker")
        cluster.run("CREATE DATABASE seed OWNER azora")
        cluster.run("ALTER SCHEMA public OWNER TO azora", database="seed")
        cluster.run("GRANT SELECT ON pg_file_settings TO looker", database="seed")
        cluster.run("GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO looker", database="seed")
        with psycopg.connect(cluster.dsn("azora", "seed")) as connection:
            connection.execute((HERE / "seed.sql").read_bytes())
        yield Database(cluster=cluster)


STATE = {
    "relations": "SELECT (c.oid::regclass, c.relkind, (SELECT array_agg(o ORDER BY o) FROM unnest(c.reloptions) AS o),"
    " (SELECT array_agg(o ORDER BY o) FROM pg_class t, unnest(t.reloptions) AS o WHERE t.oid = c.reltoastrelid),"
    " obj_description(c.oid, 'pg_class')) FROM pg_class c WHERE c.relnamespace >= 2200 AND c.relkind <> 't'",
    "columns": "SELECT (attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attstattarget,"
    " pg_get_expr(adbin, adrelid)) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
    " LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relnamespace >= 2200 AND relkind <> 't' AND"
    " attnum > 0 AND NOT attisdropped",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname !~ '^pg_'",
    "constraints": "SELECT conrelid::regclass::text || conname::text || pg_get_constraintdef(oid) FROM pg_constraint",
    "views": "SELECT viewname::text || definition FROM pg_views WHERE schemaname !~ '^(pg_|information)'",
    "things": "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' UNION ALL SELECT rolname FROM pg_roles"
    " UNION ALL SELECT extname FROM pg_extension UNION ALL SELECT proname FROM pg_proc WHERE oid > 16384"
    " UNION ALL SELECT typname FROM pg_type WHERE typnamespace >= 2200",
    "settings": "SELECT setdatabase || ' ' || setrole || ' ' || one FROM pg_db_role_setting, unnest(setconfig) AS one"
    " UNION ALL SELECT name || '=' || setting FROM pg_file_settings",
}


def state(database: Database) -> Mapping[str, Counter[str]]:
    """Everything that the database holds: definitions, settings, each sequence and each row."""
    found: dict[str, Counter[str]] = {}
    with psycopg.connect(database.cluster.dsn(database=database.name)) as connection:
        for name, query in STATE.items():
            found[name] = Counter(str(row[0]) for row in connection.execute(query.encode()))
        stored = connection.execute(
            "SELECT oid::regclass::text, relkind FROM pg_class WHERE relnamespace >= 2200 AND relkind IN ('r', 'S', 'm')"
        ).fetchall()
        for table, kind in stored:
            what = "t::text" if kind != "S" else "last_value::text || is_called"
            only = "ONLY " if kind == "r" else ""
            read = connection.execute(f"SELECT {what} FROM {only}{table} AS t".encode())
            found[f"{'rows' if kind != 'S' else 'sequence'} of {table}"] = Counter(str(row[0]) for row in read)
    return found


def moved(before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]) -> dict[str, int]:
    """What differs, and by how many entries at most."""
    names = {*before, *after}
    differ = {}
    for name in names:
        old, new = before.get(name, Counter()), after.get(name, Counter())
        count = max((old - new).total(), (new - old).total())
        if count or (name in before) is not (name in after):
            differ[name] = count
    return differ


def holds(case: Mapping[str, Any], database: Database) -> Outlook:
    """The contract for one statement."""
    database.fresh()
    database.fresh()
    by = str(case.get("by", "azora"))
    if "first" in case:
        assert database.make(str(case["first"]), "boss") == ""
    try:
        before = state(database)
        found = outlook(str(case["sql"]), database.reader())
        assert state(database) == before, "the preview changed something"
        said = database.make(str(case["sql"]), by) if by != "nobody" else ""
        after = state(database)
        differ = moved(before, after)
        if case.get("refused"):
            assert found.refused, found
            assert said, "it was called refused, and the server took it"
        elif found.refused:
            raise AssertionError(f"{found.refused}: {said or 'the server took it'}")
        if found.nothing:
            assert not differ, f"it was called a change of nothing, and {differ} differ"
        if found.rows and not said:
            told = sum(count for name, count in differ.items() if name.startswith("rows of"))
            same = int(case.get("same", 0))
            if found.back.way is Way.EXACT and not case.get("most"):
                assert told == found.rows - same, f"{found.rows} were counted, {told} differ"
            else:
                assert told >= found.rows - same or case.get("most"), f"{found.rows} were counted, {told} differ"
        if found.back.sql and not said:
            assert database.make(found.back.sql, by) == ""
            left = moved(before, state(database))
            database.used = bool(left) or "first" in case
            if found.back.way is Way.EXACT:
                assert not left, f"the way back is called exact, and {left} differ"
        if not case.get("refused"):
            assert found.back.way.value == case["way"], found
            assert found.rows == case.get("rows", found.rows), found
            assert found.back.way is not Way.EXACT or found.back.sql
        return found
    finally:
        if "after" in case:
            database.make(str(case["after"]), "boss")


def named(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each case."""
    return [str(case["sql"])[:80] for case in cases]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=named(CASES))
def test_what_is_foretold_is_what_differs_and_the_way_back_restores_it(
    case: Mapping[str, Any], database: Database
) -> None:
    holds(case, database)


@pytest.mark.parametrize("case", CASES[::24], ids=named(CASES[::24]))
def test_the_same_for_some_of_them_in_the_quick_loop(case: Mapping[str, Any], database: Database) -> None:
    holds(case, database)


def test_the_contract_has_enough_cases_of_every_kind() -> None:
    """A list that only grows."""
    begins = Counter(str(case["sql"]).split(" ")[0] for case in CASES)
    assert len(CASES) >= 160
    for verb, least in {"UPDATE": 45, "DELETE": 18, "INSERT": 18, "CREATE": 14, "DROP": 13, "ALTER": 28}.items():
        assert begins[verb] >= least, verb


LISTED, QUOTED, MATCHING = rows.listed, asked.quoted, sqltext.matching
MISTAKES: list[tuple[str, Any, str, Any, str]] = [
    ("a cascade overlooked", catalog, "uneasy", lambda *_, **__: "", "DELETE FROM customers WHERE id = 1"),
    ("a trigger overlooked", catalog, "uneasy", lambda *_, **__: "", "UPDATE logged SET v = 'z' WHERE id = 1"),
    ("row security overlooked", catalog, "uncountable", lambda *_: "", "DELETE FROM secured"),
    ("heirs overlooked", catalog, "uncountable", lambda *_: "", "UPDATE parent SET v = 'z'"),
    ("a call overlooked", catalog, "calls", lambda *_: ("", False), "UPDATE orders SET note = spill() WHERE id = 1"),
    (
        "a sequence overlooked",
        catalog,
        "calls",
        lambda *_: ("", False),
        "UPDATE orders SET note = nextval('counter')::text WHERE id = 1",
    ),
    ("an interval's sign overlooked", rows, "unreadable", lambda *_: "", "UPDATE waits SET wait = NULL"),
    (
        "a row forgotten",
        rows,
        "listed",
        lambda kept, *_: LISTED(kept[1:], *_),
        "DELETE FROM regions WHERE id IN (1, 3)",
    ),
    (
        "a value forgotten",
        asked,
        "quoted",
        lambda value: QUOTED(value and value.strip()),
        'DELETE FROM "we ird"."Or;ders" AS "{t}" WHERE "{t}"."{t}" IS NOT NULL',
    ),
    (
        "a where forgotten",
        sqltext,
        "matching",
        lambda one, **more: MATCHING(dataclasses.replace(one, text="UPDATE orders SET status = 'x'"), **more),
        "UPDATE orders SET status = 'done' WHERE status = 'stuck'",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("mistake", "module", "name", "wrong", "sql"), MISTAKES, ids=[one[0] for one in MISTAKES])
def test_a_planted_mistake_turns_the_contract_red(
    mistake: str, module: Any, name: str, wrong: Any, sql: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that cannot fail proves nothing."""
    case = next((one for one in CASES if one["sql"] == sql), {"sql": sql, "way": "exact", "rows": 2})
    holds(case, database)
    for place in (module, rows, inserts):
        if getattr(place, name, None) is getattr(module, name) and place is not module:
            monkeypatch.setattr(place, name, wrong)
    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(AssertionError):
        holds(case, database)
    database.used = True


# -- bad surroundings --------------------------------------------------------------------------------------------------


def test_a_right_that_the_reader_lacks_is_told_as_ours(database: Database) -> None:
    database.fresh()
    database.cluster.run("CREATE ROLE blind LOGIN")
    dsn = database.cluster.dsn("blind", database.name)
    found = outlook("DELETE FROM orders", lambda text: postgres.ask(dsn, text, run="R-1", deadline=DEADLINE))
    assert not found.seen
    assert not found.refused
    assert found.says == (
        "Handrail could not look: Handrail's reader has no right to look there (permission denied for table orders):"
        " GRANT it SELECT, see `handrail identities --sql`"
    )
    assert found.back.way is Way.UNKNOWN


def test_a_lock_of_somebody_else_is_not_waited_for(database: Database) -> None:
    database.fresh()
    with psycopg.connect(database.cluster.dsn(database=database.name)) as holder:
        holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        found = outlook("UPDATE orders SET note = 'x'", database.reader(patience=0.2))
        holder.rollback()
    assert not found.seen
    assert "another session holds a lock" in found.says
    assert not found.refused


def test_a_count_that_takes_too_long_is_no_count(database: Database) -> None:
    database.fresh()
    dsn = database.cluster.dsn("looker", database.name)
    long = "DELETE FROM orders WHERE (SELECT count(*) FROM generate_series(1, 100000000)) > id"
    found = outlook(long, lambda text: postgres.ask(dsn, text, run="R-1", deadline=timedelta(seconds=1)))
    assert not found.seen
    assert "no answer in time" in found.says


def test_a_database_that_is_away_is_told_as_that() -> None:
    away = "host=127.0.0.1 port=1 user=x dbname=x"
    found = outlook("DELETE FROM orders", lambda text: postgres.ask(away, text, run="R-1", deadline=DEADLINE))
    assert not found.seen
    assert "does not let the reader in" in found.says


@pytest.mark.parametrize("said", ["", "zz", "5b7b7d", "ff" * 100, "5b" * 5000])
def test_an_answer_that_is_no_answer_is_not_taken_for_one(said: str) -> None:
    """Half of it, none of it, or something else altogether."""

    def reader(text: str) -> Answer:
        return Answer(
            stdout=f" said\n------\n {said}\n(1 row)\n", exit_codes=(0,), started_at=datetime.now(UTC), seconds=0.0
        )

    found = outlook("DELETE FROM orders", reader)
    assert not found.seen
    assert found.back.way is Way.UNKNOWN


# -- what must not move before the change ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Aimed:
    """A ground whose kubectl leads to the copy."""

    ground: RealGround
    database: Database

    def ask(self, statement: str, *more: str) -> Ask:
        """As a runbook has it."""
        words = ("kubectl", "exec", "deployment/db", "--", "psql", *more, "-tAc", statement)
        return Ask(target="postgresql", identity="change", stages=(words,), deadline=timedelta(seconds=20), run="R-7")


@pytest.fixture
def aimed(tmp_path: Path, database: Database) -> Aimed:
    database.fresh()
    database.used = True
    leads = (
        'while [ "$1" != -- ]; do shift; done; shift; '
        f"PGHOST=127.0.0.1 PGPORT={database.cluster.port} PGUSER=azora PGDATABASE={database.name}"
    )
    tool(tmp_path / "tools", "kubectl", f'{leads} exec "$@"')
    dsn = database.cluster.dsn("looker")
    made = ground(
        tmp_path, databases={"primary": dsn}, application_database=database.name, database_hosts={"primary": "db"}
    )
    return Aimed(ground=made, database=database)


def orders(database: Database, what: str) -> list[tuple[object, ...]]:
    """What stands in the table."""
    return database.cluster.run(f"SELECT {what} FROM orders", database=database.name)


def test_a_change_through_exec_is_previewed_made_and_taken_back(aimed: Aimed) -> None:
    before = orders(aimed.database, "* ")
    ask = aimed.ask("UPDATE orders SET status = 'done' WHERE status = 'stuck'", "-U", "azora")
    found = aimed.ground.prospect(ask)
    where = f"(in the database {aimed.database.name}, which the text does not name)"
    assert found.preview.says == f"10 rows of orders would be changed {where}"
    assert found.preview.by == "reader"
    assert found.reach.counts == {"rows": 10}
    assert [aimed.ground.guard_holds(one) for one in found.guards] == [""]
    assert aimed.ground.change(ask, PERMIT).exit_codes == (0,)
    assert orders(aimed.database, "count(*)  FILTER (WHERE status = 'done')") == [(10,)]
    back = dataclasses.replace(ask, stages=found.undo.stages)
    again = aimed.ground.prospect(back)
    assert again.preview.says == f"10 rows of orders would be changed {where}"
    assert aimed.ground.change(back, PERMIT).exit_codes == (0,)
    assert Counter(orders(aimed.database, "*")) == Counter(before)
    assert not aimed.ground.prospect(back).preview.changes_nothing  # its rows match, though they are so already


@pytest.mark.parametrize(
    ("moves", "says"),
    [
        ("INSERT INTO orders VALUES (99, 'stuck')", "11 match now, 10 were approved"),
        ("DELETE FROM orders WHERE id = 4", "9 match now, 10 were approved"),
        (
            "UPDATE orders SET status = 'ok' WHERE id = 4; INSERT INTO orders VALUES (99, 'stuck')",
            "it is not so any more",
        ),
        ("UPDATE orders SET note = 'by hand' WHERE id = 4", ""),  # what is not kept may move
        ("DROP TABLE orders CASCADE", "it can not be seen any more"),
    ],
)
def test_rows_that_moved_since_the_preview_void_the_plan(aimed: Aimed, moves: str, says: str) -> None:
    found = aimed.ground.prospect(aimed.ask("UPDATE orders SET status = 'done' WHERE status = 'stuck'"))
    aimed.database.cluster.run(moves, database=aimed.database.name)
    told = [aimed.ground.guard_holds(one) for one in found.guards]
    assert len(told) == 1
    assert told[0].startswith(says) and bool(told[0]) is bool(says), told


def test_rows_are_known_again_in_a_database_of_another_encoding(aimed: Aimed) -> None:
    """A digest made here has to be the one that the server makes."""
    cluster = aimed.database.cluster
    cluster.run("CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C'")
    cluster.run("CREATE TABLE names (id int PRIMARY KEY, name text)", database="latin")
    cluster.run("INSERT INTO names VALUES (1, 'Zoë'), (2, 'Ærø'), (3, 'a')", database="latin")
    found = aimed.ground.prospect(aimed.ask("DELETE FROM names", "-d", "latin"))
    assert found.preview.says == "3 rows of names would be deleted (in the database latin)"
    assert [aimed.ground.guard_holds(one) for one in found.guards] == [""]


def test_where_too_many_match_to_be_kept_fewer_may_match_and_not_more(aimed: Aimed) -> None:
    more = "INSERT INTO orders SELECT n FROM generate_series(%s) AS n"
    aimed.database.cluster.run(more % "101, 160", database=aimed.database.name)
    found = aimed.ground.prospect(aimed.ask("DELETE FROM orders"))
    assert found.undo.says.startswith("not known: 100 rows are more than are kept")
    assert not found.undo.stages
    aimed.database.cluster.run("DELETE FROM orders WHERE id > 150", database=aimed.database.name)
    assert aimed.ground.guard_holds(found.guards[0]) == ""
    aimed.database.cluster.run(more % "201, 260", database=aimed.database.name)
    assert aimed.ground.guard_holds(found.guards[0]).startswith("150 match now, 100 were approved")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("psql", "-c", "DELETE FROM orders"), "the environment knows no database on this machine"),
        (("psql", "-h", "elsewhere", "-c", "DELETE FROM orders"), "the environment knows no database at elsewhere"),
        (("psql", "-h", "db", "-c", "DELETE FROM orders WHERE id < 3"), "2 rows of orders would be deleted"),
        (("psql", "-hdb", "-d", "seed", "--command=DELETE FROM orders WHERE id < 3"), "2 rows of orders would be deleted (in the database seed)"),
        (("kubectl", "exec", "db-0", "--", "psql", "-d", "nowhere", "-c", "DELETE FROM orders"), "Handrail could not look: the database server does not let the reader in"),
        (("kubectl", "exec", "db-0", "--", "psql", "-h", "elsewhere", "-c", "DELETE FROM orders"), "the environment knows no database at elsewhere"),
        (("kubectl", "exec", "db-0", "--", "env", "PGOPTIONS=-c search_path=other", "psql", "-c", "DELETE FROM orders"), "several statements in one command, or a file"),
        (("kubectl", "exec", "db-0", "--", "psql", "-c", "DELETE FROM orders", "-c", "DELETE FROM regions"), "several statements in one command"),
        (("kubectl", "exec", "db-0", "--", "psql", "-c", "DELETE FROM orders; DELETE FROM regions"), "several statements in one command have no preview"),
        (("kubectl", "exec", "db-0", "--", "psql", "-f", "x.sql"), "several statements in one command, or a file"),
        (("psql", "host=db dbname=other", "-c", "DELETE FROM orders"), "several statements in one command, or a file"),
    ],
)  # fmt: skip
def test_only_the_database_that_the_command_means_is_asked(aimed: Aimed, words: tuple[str, ...], says: str) -> None:
    found = aimed.ground.prospect(Ask(target="postgresql", identity="change", stages=(words,), run="R-7"))
    assert found.preview.says.startswith(says), found.preview
    assert not found.preview.refused
    assert not found.preview.changes_nothing


@pytest.mark.parametrize(
    ("words", "back"),
    [
        (("psql", "-c", "A"), ("psql", "-c", "B")),
        (("psql", "-cA", "-d", "x"), ("psql", "-cB", "-d", "x")),
        (("psql", "--command=A"), ("psql", "--command=B")),
        (("psql", "-U", "u", "-tAc", "A"), ("psql", "-U", "u", "-tAc", "B")),
        (("psql", "-qtAcA"), ("psql", "-qtAcB")),
        (("kubectl", "exec", "p", "-c", "db", "--", "psql", "db", "u", "-c", "A"), ("kubectl", "exec", "p", "-c", "db", "--", "psql", "db", "u", "-c", "B")),
        (("psql", "-c", "A", "-c", "A2"), ()),
        (("psql", "-f", "x"), ()),
    ],
)  # fmt: skip
def test_the_way_back_is_the_same_psql_with_another_statement(words: tuple[str, ...], back: tuple[str, ...]) -> None:
    told = psql(words)
    assert told is not None
    assert told.with_statement("B") == back


def test_what_concerns_the_whole_server_is_asked_where_the_reader_is_at_home(aimed: Aimed) -> None:
    """There `handrail identities --sql` lets it see the file of ALTER SYSTEM; in the application's database nobody did."""
    found = aimed.ground.prospect(aimed.ask("ALTER SYSTEM SET work_mem = '64MB'"))
    assert (
        found.preview.says
        == "work_mem is 4MB now; postgresql.auto.conf would say 64MB, in force after pg_reload_conf()"
    )
    assert found.undo.says.startswith("in part: ")  # not in this test's: there it may not
    aimed.database.cluster.run("GRANT SELECT ON pg_file_settings TO looker")
    aimed.database.cluster.run("GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO looker")
    found = aimed.ground.prospect(aimed.ask("ALTER SYSTEM SET work_mem = '64MB'"))
    assert found.undo.says == "work_mem is taken out of postgresql.auto.conf again"
    assert [aimed.ground.guard_holds(one) for one in found.guards] == [""]


def test_a_secret_value_among_the_kept_rows_is_in_no_plan(aimed: Aimed) -> None:
    aimed.database.cluster.run("UPDATE orders SET note = 'hunter2-hunter2' WHERE id = 4", database=aimed.database.name)
    aimed.ground.masker.update(["hunter2-hunter2"])
    found = aimed.ground.prospect(aimed.ask("UPDATE orders SET note = NULL WHERE id = 4"))
    assert "hunter2-hunter2" not in repr(found)
    assert not found.undo.stages
    assert "the way back needs a secret value" in found.undo.says


def test_the_readers_sql_lets_it_see_what_alter_system_left() -> None:
    """Else what stands in the file without being loaded is not seen, and the way back is called a part."""
    told = identities.sql(database="app")
    assert "GRANT SELECT ON pg_file_settings TO handrail_reader;" in told
    assert "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO handrail_reader;" in told
