"""What a CREATE or a DROP would do: whether the thing is there, what hangs on it, and the statement that takes it back.

What is made can be dropped again, for nobody had it before. What is dropped comes back only where its definition is all that
it was: an index does, a table's rows do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handrail.targets.previews.sql import asked, catalog, sqltext
from handrail.targets.previews.sql.asked import NotSeen, Reader, dotted, identifier, quoted
from handrail.targets.previews.sql.outlook import Back, Kept, Outlook, Way, not_known
from handrail.targets.previews.sql.sqltext import Named, Statement

RELATIONS = {
    "OBJECT_TABLE": "TABLE",
    "OBJECT_VIEW": "VIEW",
    "OBJECT_MATVIEW": "MATERIALIZED VIEW",
    "OBJECT_SEQUENCE": "SEQUENCE",
    "OBJECT_INDEX": "INDEX",
    "OBJECT_FOREIGN_TABLE": "FOREIGN TABLE",
}


@dataclass(frozen=True, kw_only=True)
class _Thing:
    """Something that a CREATE makes: its kind in SQL, how the text names it, and the question whether it is there."""

    kind: str
    written: str
    there: str
    only_if_not: bool = False


def created(statement: Statement, reader: Reader) -> Outlook:
    """A CREATE."""
    thing = _thing(statement)
    if isinstance(thing, str):
        return not_known(thing)
    found = asked.rows(reader, thing.there)
    name = f"{thing.kind.lower()} {thing.written}"
    if found:
        elsewhere = [asked.text(one, "schema") for one in found if asked.text(one, "schema")]
        if elsewhere and "." not in thing.written and (elsewhere != ["public"] or _own_schemas(reader)):
            says = f"{name} is in {', '.join(elsewhere)}, and the text does not say which schema it means"
            return not_known(says, says)
        says = f"{name} is there already"
        if thing.only_if_not:
            nothing = Back(way=Way.NOTHING, says=f"nothing to take back: {says}")
            return Outlook(says=says, nothing=True, back=nothing)
        return Outlook(says=says, refused=says, back=Back(way=Way.NOTHING, says="nothing would change"))
    called, _ = catalog.calls(reader, statement.functions)
    also = called or _event_triggers(reader)
    says = f"{name} would be made"
    what = f"{name} is dropped again; what is written into it meanwhile is lost with it"
    back = Back(way=Way.EXACT, says=what, sql=f"DROP {thing.kind} {thing.written}")
    if also:
        back = Back(way=Way.PARTIAL, says=f"in part: {name} is dropped again, but {also}", sql=back.sql)
    if thing.kind == "EXTENSION":
        back = Back(
            way=Way.PARTIAL, says=f"in part: {name} is dropped again; extensions that it needs stay", sql=back.sql
        )
    absent = f"SELECT count(*)::text AS told FROM ({thing.there}) AS there"
    kept = Kept(query=absent, answer="0", says=f"there is no {name}")
    return Outlook(says=says, back=back, reach=f"one new {thing.kind.lower()}; nobody uses it yet", kept=(kept,))


def dropped(statement: Statement, reader: Reader) -> Outlook:
    """A DROP of one thing."""
    body = statement.body
    objects = body.get("objects", ())
    kind = RELATIONS.get(str(body.get("remove_type", "")), "")
    if len(objects) != 1:
        return not_known("it drops several things, and only one at a time has a preview")
    if not kind:
        what = str(body.get("remove_type", "")).removeprefix("OBJECT_").lower()
        return _gone(
            f"the {what} would be dropped; what hangs on it is not looked at", f"a dropped {what} does not come back"
        )
    parts = sqltext.texts(objects[0].get("list", {}).get("items", ()))
    named = Named(name=parts[-1], schema=parts[-2] if len(parts) > 1 else "")
    there = catalog.found(reader, named)
    if not there:
        says = f"there is no {kind.lower()} {named}"
        if body.get("missing_ok"):
            return Outlook(says=says, nothing=True, back=Back(way=Way.NOTHING, says=f"nothing to take back: {says}"))
        raise NotSeen(f"{says} in the database that the reader asks")
    is_kind = catalog.KINDS.get(asked.text(there, "kind"), "relation")
    if is_kind != kind.lower():
        says = f"{named} is a {is_kind}, not a {kind.lower()}"
        return Outlook(says=says, refused=says, back=Back(way=Way.NOTHING, says="nothing would change"))
    hanging = asked.texts(asked.one(reader, HANGING.replace("%oid%", str(asked.number(there, "oid")))), "told")
    cascades = body.get("behavior") == "DROP_CASCADE"
    if hanging and not cascades:
        says = f"{hanging[0]} hangs on {kind.lower()} {named}, and DROP takes neither then"
        return Outlook(says=says, refused=says, back=Back(way=Way.NOTHING, says="nothing would change"))
    if kind == "INDEX" and not hanging:
        return _index(there, named, reader, concurrently=bool(body.get("concurrent")))
    with_it = f", and with it {', '.join(hanging[:6])}" if hanging else ""
    rows = f" ({_size(there, reader)})" if kind == "TABLE" else ""
    says = f"{kind.lower()} {named}{rows} would be dropped{with_it}"
    lost = "its rows" if kind in ("TABLE", "FOREIGN TABLE") else "its owner, rights and comments"
    return _gone(says, f"a dropped {kind.lower()} does not come back: {lost} are gone", reach=says)


def dropped_role(statement: Statement, reader: Reader) -> Outlook:
    """DROP ROLE, DROP DATABASE."""
    database = statement.kind == "dropdb_stmt"
    roles = [str(one.get("role_spec", {}).get("rolename", "")) for one in statement.body.get("roles", ())]
    name = str(statement.body.get("dbname", "")) if database else (roles[0] if len(roles) == 1 else "")
    kind = "database" if database else "role"
    if not name:
        return not_known("it drops several things, and only one at a time has a preview")
    column, catalogue = ("datname", "pg_database") if database else ("rolname", "pg_roles")
    if not asked.one(reader, f"SELECT 1 AS there FROM {catalogue} WHERE {column} = {quoted(name)}"):
        says = f"there is no {kind} {name}"
        nothing = bool(statement.body.get("missing_ok"))
        return Outlook(
            says=says,
            nothing=nothing,
            refused="" if nothing else says,
            back=Back(way=Way.NOTHING, says=f"nothing to take back: {says}"),
        )
    return _gone(f"{kind} {name} would be dropped", f"a dropped {kind} does not come back")


def _index(there: asked.Row, named: Named, reader: Reader, *, concurrently: bool) -> Outlook:
    told = asked.one(reader, INDEX.replace("%oid%", str(asked.number(there, "oid"))))
    table, definition = asked.text(told, "table"), asked.text(told, "definition")
    says = f"index {named} on {table} ({asked.text(told, 'size')}, used {asked.number(told, 'scans')} times) would be dropped"
    more = asked.text(told, "more")
    if more in ("constraint", "place in the partitioned index"):
        says = f"index {named} belongs to a {more.removeprefix('place in the ')} of {table}, and goes only with it"
        return Outlook(says=says, refused=says, back=Back(way=Way.NOTHING, says="nothing would change"))
    again = definition
    if concurrently:
        again = definition.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
    what = f"index {named} is built again, which takes as long as building it"
    back = Back(way=Way.EXACT, says=what, sql=again)
    if not definition:
        back = Back(way=Way.UNKNOWN, says="not known: the index has no definition")
    elif more:
        back = Back(way=Way.PARTIAL, says=f"in part: {what}, but its {more} is lost", sql=again)
    query = f"SELECT pg_get_indexdef({asked.number(there, 'oid')}) AS told"
    kept = Kept(query=query, answer=definition, says=f"index {named} is defined as it was")
    return Outlook(says=says, detail=definition, back=back, reach=f"queries of {table} that use it", kept=(kept,))


def _size(there: asked.Row, reader: Reader) -> str:
    """How much a table holds: counted where it is not much and the reader may."""
    size = asked.text(
        asked.one(reader, f"SELECT pg_size_pretty(pg_total_relation_size({asked.number(there, 'oid')})) AS size"),
        "size",
    )
    name = dotted((asked.text(there, "schema"), asked.text(there, "name")))
    try:
        told = asked.one(reader, f"SELECT count(*) AS n FROM (SELECT FROM {name} LIMIT {MANY + 1}) AS counted")
    except NotSeen:
        return f"rows not counted, {size}"
    count = asked.number(told, "n")
    return f"{'more than ' if count > MANY else ''}{asked.plural(min(count, MANY), 'row')}, {size}"


def _gone(says: str, back: str, *, reach: str = "") -> Outlook:
    return Outlook(says=says, back=Back(way=Way.NONE, says=back), reach=reach)


HANGING = """
SELECT json_agg(DISTINCT pg_describe_object(CASE WHEN r.ev_class IS NOT NULL THEN 'pg_class'::regclass ELSE d.classid END,
  coalesce(r.ev_class, d.objid), CASE WHEN r.ev_class IS NOT NULL THEN 0 ELSE d.objsubid END)) AS told
FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %oid% AND d.deptype = 'n'
AND coalesce(r.ev_class, 0) <> %oid% AND NOT (d.classid = 'pg_constraint'::regclass AND EXISTS
  (SELECT FROM pg_constraint k WHERE k.oid = d.objid AND k.conrelid = %oid%))
"""
MANY = 100_000
INDEX = """
SELECT x.indrelid::regclass::text AS table, pg_get_indexdef(c.oid) AS definition, pg_size_pretty(pg_relation_size(c.oid)) AS size,
 coalesce(pg_stat_get_numscans(c.oid), 0) AS scans,
 CASE WHEN c.relkind = 'I' THEN 'place above the partitions'' own'
  WHEN EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) THEN 'constraint'
  WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) THEN 'place in the partitioned index'
  WHEN c.reltablespace <> 0 THEN 'tablespace' WHEN obj_description(c.oid, 'pg_class') IS NOT NULL THEN 'comment'
  WHEN x.indisclustered THEN 'mark for CLUSTER' WHEN x.indisreplident THEN 'mark as replica identity'
  WHEN NOT x.indisvalid THEN 'state (it serves nobody now)'
  WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0) THEN 'statistics target'
 END AS more
FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE c.oid = %oid%
"""


def _own_schemas(reader: Reader) -> bool:
    """Whether a role has a schema of its own name, where what it makes comes first."""
    return bool(asked.one(reader, "SELECT 1 AS there FROM pg_namespace JOIN pg_roles ON rolname = nspname LIMIT 1"))


def _event_triggers(reader: Reader) -> str:
    told = asked.one(reader, "SELECT evtname AS name FROM pg_event_trigger WHERE evtenabled <> 'D' LIMIT 1")
    return f"the event trigger {asked.text(told, 'name')} may do more" if told else ""


# -- what a CREATE makes ---------------------------------------------------------------------------------------------


def _thing(statement: Statement) -> _Thing | str:
    make = MAKERS.get(statement.kind)
    return make(statement.body) if make else "no preview is known for this kind of CREATE"


def _relation(kind: str, relation: dict[str, Any], *, only_if_not: bool) -> _Thing | str:
    name, schema = str(relation.get("relname", "")), str(relation.get("schemaname", ""))
    if relation.get("relpersistence") == "t":
        return "a temporary one is gone with its session: it leaves nothing behind"
    where = f"AND n.nspname = {quoted(schema)}" if schema else "AND n.nspname !~ '^pg_(toast|temp)'"
    there = (
        "SELECT 1 AS there, n.nspname AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relname = {quoted(name)} {where}"
    )
    return _Thing(kind=kind, written=dotted((schema, name)), there=there, only_if_not=only_if_not)


def _of_query(body: dict[str, Any]) -> _Thing | str:
    kind = "MATERIALIZED VIEW" if body.get("objtype") == "OBJECT_MATVIEW" else "TABLE"
    return _relation(kind, body.get("into", {}).get("rel", {}), only_if_not=bool(body.get("if_not_exists")))


def _view(body: dict[str, Any]) -> _Thing | str:
    made = _relation("VIEW", body.get("view", {}), only_if_not=False)
    if body.get("replace") and isinstance(made, _Thing):
        return "CREATE OR REPLACE VIEW may change one that is there, whose columns nothing takes back"
    return made


def _plain(kind: str, catalogue: str, column: str, key: str) -> Callable[[dict[str, Any]], _Thing | str]:
    def make(body: dict[str, Any]) -> _Thing | str:
        name = str(body.get(key, ""))
        if not name or body.get("schema_elts"):
            return f"what it makes beside the {kind.lower()} is not looked at"
        there = f"SELECT 1 AS there FROM {catalogue} WHERE {column} = {quoted(name)}"
        return _Thing(kind=kind, written=identifier(name), there=there, only_if_not=bool(body.get("if_not_exists")))

    return make


MAKERS: dict[str, Callable[[dict[str, Any]], _Thing | str]] = {
    "create_stmt": lambda body: _relation(
        "TABLE", body.get("relation", {}), only_if_not=bool(body.get("if_not_exists"))
    ),
    "create_table_as_stmt": _of_query,
    "view_stmt": _view,
    "create_seq_stmt": lambda body: _relation(
        "SEQUENCE", body.get("sequence", {}), only_if_not=bool(body.get("if_not_exists"))
    ),
    "create_schema_stmt": _plain("SCHEMA", "pg_namespace", "nspname", "schemaname"),
    "create_extension_stmt": _plain("EXTENSION", "pg_extension", "extname", "extname"),
    "create_role_stmt": _plain("ROLE", "pg_roles", "rolname", "role"),
    "createdb_stmt": _plain("DATABASE", "pg_database", "datname", "dbname"),
}
