"""What the catalogues say of a table: its columns and key, and whatever else moves when its rows do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handrail.targets.previews.sql import asked
from handrail.targets.previews.sql.asked import NotSeen, Reader, Row, quoted
from handrail.targets.previews.sql.sqltext import CHANCE, SEQUENCES, Named

# Kinds of values whose text another session may read otherwise, or that are more than their text.
UNFIT = frozenset(
    [
        "money",
        "xml",
        "refcursor",
        "aclitem",
        "pg_node_tree",
        "regproc",
        "regprocedure",
        "regoper",
        "regoperator",
        "regclass",
        "regtype",
        "regrole",
        "regnamespace",
        "regconfig",
        "regdictionary",
        "regcollation",
        "composite",
    ]
)
SESSION_SETTINGS = [
    "timezone",
    "datestyle",
    "intervalstyle",
    "search_path",
    "extra_float_digits",
    "bytea_output",
    "standard_conforming_strings",
    "row_security",
    "session_replication_role",
    "transform_null_equals",
    "array_nulls",
    "xmloption",
    "default_text_search_config",
    "lc_monetary",
    "lc_numeric",
]
ORDINARY, PARTITIONED = "r", "p"
KINDS = {
    "r": "table",
    "p": "table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "i": "index",
    "I": "index",
    "S": "sequence",
    "t": "table",
    "c": "type",
}
FOLLOW = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column that stores something: a generated one is worked out again by itself."""

    name: str
    type: str  # qualified and quoted
    deep: str  # the plain type below domains and arrays; `composite` for a row
    default: str = ""
    identity: bool = False
    limited: bool = False  # a length that a cast would cut to


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A foreign key that points here, by which other rows move too."""

    table: str
    columns: tuple[str, ...]  # of this table
    on_delete: str  # empty where nothing follows
    on_update: str
    own: bool = False  # a table that points to itself


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Code that runs with a change of rows."""

    name: str
    on: frozenset[str]  # INSERT, UPDATE, DELETE, TRUNCATE
    for_each_row: bool = True  # else it runs also where no row matches


@dataclass(frozen=True, kw_only=True)
class Table:
    """A relation as the catalogues have it."""

    schema: str
    name: str
    kind: str  # as pg_class.relkind
    database: str
    columns: tuple[Column, ...]
    generated: tuple[str, ...]
    key: tuple[str, ...]
    unique: int  # how many unique indexes it has
    triggers: tuple[Trigger, ...]
    followers: tuple[Follower, ...]
    rules: bool
    row_security: bool
    children: bool

    @property
    def shown(self) -> str:
        """Its name for people."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def dotted(self) -> str:
        """Its name for SQL."""
        return asked.dotted((self.schema, self.name))


def found(reader: Reader, named: Named) -> Row:
    """The relation that a name means: schema, name, oid, kind; empty where there is none.

    Raises NotSeen where several schemas have one of that name and the text does not say which.
    """
    schema = f"AND n.nspname = {quoted(named.schema)}" if named.schema else "AND n.nspname !~ '^pg_(toast|temp)'"
    candidates = asked.rows(
        reader,
        "SELECT n.nspname AS schema, c.relname AS name, c.oid::bigint AS oid, c.relkind AS kind, current_database() AS database,"
        " pg_table_is_visible(c.oid) AS visible"
        f" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = {quoted(named.name)} {schema}"
        " ORDER BY 1",
    )
    if len(candidates) > 1:
        where = ", ".join(asked.text(one, "schema") for one in candidates[:4])
        raise NotSeen(f"{named.name} is in several schemas ({where}), and the text does not say which")
    if candidates and not named.schema and not candidates[0].get("visible"):
        raise NotSeen(
            f"{named.name} is in the schema {asked.text(candidates[0], 'schema')}, which the text does not say"
        )
    return candidates[0] if candidates else {}


def table(reader: Reader, named: Named) -> Table | None:
    """The table of this name; None where there is none."""
    where = found(reader, named)
    if not where:
        return None
    oid = asked.number(where, "oid")
    told = asked.one(reader, FACTS.replace("%oid%", str(oid)))
    columns = [one for one in _list(told, "columns") if not one.get("generated")]
    return Table(
        schema=asked.text(where, "schema"),
        name=asked.text(where, "name"),
        kind=asked.text(where, "kind"),
        database=asked.text(where, "database"),
        columns=tuple(_column(one) for one in columns),
        generated=tuple(asked.text(one, "name") for one in _list(told, "columns") if one.get("generated")),
        key=asked.texts(told, "key"),
        unique=asked.number(told, "uniques"),
        triggers=tuple(
            Trigger(
                name=asked.text(one, "name"),
                on=_events(asked.number(one, "type")),
                for_each_row=bool(asked.number(one, "type") & 1),
            )
            for one in _list(told, "triggers")
        ),
        followers=tuple(
            Follower(
                table=asked.text(one, "table"),
                columns=asked.texts(one, "columns"),
                on_delete=FOLLOW.get(asked.text(one, "del"), ""),
                on_update=FOLLOW.get(asked.text(one, "upd"), ""),
                own=bool(one.get("own")),
            )
            for one in _list(told, "followers")
        ),
        rules=bool(told.get("rules")),
        row_security=bool(told.get("row_security")),
        children=bool(told.get("children")),
    )


FACTS = """
SELECT c.relrowsecurity AS row_security,
 EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN') AS rules,
 c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS children,
 (SELECT count(*) FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique) AS uniques,
 (SELECT json_agg(a.attname ORDER BY array_position(x.indkey::int2[], a.attnum)) FROM pg_index x
   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (x.indkey::int2[])
   WHERE x.indrelid = c.oid AND x.indisprimary AND x.indisvalid) AS key,
 (SELECT json_agg(json_build_object('name', a.attname, 'generated', a.attgenerated <> '', 'identity', a.attidentity <> '',
     'type', quote_ident(tn.nspname) || '.' || quote_ident(t.typname), 'limited', a.atttypmod <> -1,
     'deep', CASE WHEN coalesce(e.typtype, b.typtype, t.typtype) = 'c' THEN 'composite'
        ELSE coalesce(eb.typname, e.typname, b.typname, t.typname) END,
     'default', pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attnum)
   FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
   LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
   LEFT JOIN pg_type e ON e.oid = coalesce(b.typelem, t.typelem) AND coalesce(b.typlen, t.typlen) = -1
     AND coalesce(b.typcategory, t.typcategory) = 'A'
   LEFT JOIN pg_type eb ON eb.oid = e.typbasetype AND e.typtype = 'd'
   LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
 (SELECT json_agg(json_build_object('name', g.tgname, 'type', g.tgtype)) FROM pg_trigger g
   WHERE (g.tgrelid = c.oid OR g.tgrelid IN (SELECT relid FROM pg_partition_tree(c.oid)))
   AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgparentid = 0) AS triggers,
 (SELECT json_agg(json_build_object('table', k.conrelid::regclass::text, 'del', k.confdeltype, 'upd', k.confupdtype, 'own', k.conrelid = c.oid,
     'columns', (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey))))
   FROM pg_constraint k WHERE k.contype = 'f'
   AND (k.confrelid = c.oid OR k.confrelid IN (SELECT relid FROM pg_partition_tree(c.oid)))) AS followers
FROM pg_class c WHERE c.oid = %oid%
"""


def uncountable(table: Table) -> str:
    """Why the reader's count of its rows would not be the change's; empty where it is."""
    if table.kind not in (ORDINARY, PARTITIONED):
        return f"{table.shown} is a {KINDS.get(table.kind, 'relation')}, and what is behind it is not known"
    if table.schema in ("pg_catalog", "information_schema"):
        return f"{table.shown} is a catalogue of the server's own"
    if table.rules:
        return f"{table.shown} has a rule, which may do something else instead"
    if table.row_security:
        return f"{table.shown} has row security, so the changer may see other rows than the reader"
    return f"other tables inherit from {table.shown}" if table.children else ""


def uneasy(table: Table, *, event: str, columns: Iterable[str] = ()) -> str:
    """What else moves when rows of this table do; empty where nothing does.

    `event` is what is done to them, `columns` what an UPDATE sets (none: all of them).
    """
    moved = table.kind == PARTITIONED  # an UPDATE may move a row: out of one partition and into another
    fired = [one.name for one in table.triggers if event in one.on or (moved and event == "UPDATE")]
    if fired:
        return f"{table.shown} has the trigger {fired[0]}: what it does besides is not known"
    touched = set(columns)
    for one in table.followers:
        follows = one.on_delete if event in ("DELETE", "TRUNCATE") else one.on_update if event == "UPDATE" else ""
        if follows and (event != "UPDATE" or not touched or touched & set(one.columns)):
            return f"rows of {one.table} follow (ON {event} {follows}), and those are not kept"
    return ""


def unfit(columns: Sequence[Column]) -> str:
    """Why values of these columns cannot be put back from their text."""
    wrong = [one for one in columns if one.deep in UNFIT]
    return f"the value of {wrong[0].name} ({wrong[0].deep}) cannot be put back from its text" if wrong else ""


def calls(reader: Reader, functions: Iterable[tuple[str, str]]) -> tuple[str, bool]:
    """What these functions leave behind that no row shows: a sentence (empty for nothing), and whether any is left to chance."""
    wanted = sorted({name for _, name in functions if name})
    if not wanted:
        return "", False
    told = asked.rows(
        reader,
        "SELECT p.proname AS name, bool_or(p.provolatile = 'v') AS volatile FROM pg_proc p WHERE p.proname IN"
        f" ({', '.join(quoted(name) for name in wanted)}) GROUP BY 1",
    )
    known = {asked.text(one, "name"): bool(one.get("volatile")) for one in told}
    chance = bool(CHANCE & set(wanted))
    for name in wanted:
        if name in SEQUENCES:
            return f"{name}() moves a sequence, which nothing takes back", chance
        if name not in known and name.lower() not in BUILT_IN:
            return f"what {name}() does is not known", chance
        if known.get(name) and name not in CHANCE:
            return f"{name}() may change something else as well", chance
    return "", chance


BUILT_IN = frozenset(("coalesce", "greatest", "least", "nullif", "xmlelement"))


def sessions_differ(reader: Reader) -> str:
    """Why a text may mean something else in the session that makes the change: its role reads dates or names otherwise."""
    names = ", ".join(quoted(name) for name in SESSION_SETTINGS)
    told = asked.one(
        reader,
        "SELECT (SELECT pg_get_userbyid(s.setrole) || ' has its own ' || split_part(one, '=', 1) FROM pg_db_role_setting s,"
        f" unnest(s.setconfig) AS one WHERE s.setrole <> 0 AND lower(split_part(one, '=', 1)) IN ({names}) LIMIT 1) AS role,"
        " current_setting('DateStyle') LIKE 'ISO%' AND current_setting('IntervalStyle') = 'postgres'"
        " AND current_setting('extra_float_digits')::int > 0 AS plain",
    )
    if asked.text(told, "role"):
        return f"the role {asked.text(told, 'role')}: the change may read the text otherwise than the reader"
    return (
        "" if told.get("plain") else "the server does not print dates and numbers in the form that reads back the same"
    )


def _column(one: Row) -> Column:
    return Column(
        name=asked.text(one, "name"),
        type=asked.text(one, "type"),
        deep=asked.text(one, "deep"),
        default=asked.text(one, "default"),
        identity=bool(one.get("identity")),
        limited=bool(one.get("limited")),
    )


def _list(row: Row, name: str) -> list[Row]:
    value = row.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _events(bits: int) -> frozenset[str]:
    """pg_trigger.tgtype."""
    return frozenset(
        name for bit, name in ((4, "INSERT"), (8, "DELETE"), (16, "UPDATE"), (32, "TRUNCATE")) if bits & bit
    )
