"""What an ALTER … SET would do: the value before, and the statement that puts it back.

One setting at a time: of the server (ALTER SYSTEM), of a database or a role, an option or a column's property of a table.
"""

from __future__ import annotations

import re
from typing import Any

from handrail.targets.previews.sql import asked, catalog
from handrail.targets.previews.sql.asked import NotSeen, Reader, identifier, quoted
from handrail.targets.previews.sql.outlook import Back, Kept, Outlook, Way, not_known
from handrail.targets.previews.sql.sqltext import Named, Statement

# Settings that are lists of names: their text is read back as a list and not as one name (GUC_LIST_QUOTE).
LISTS = frozenset(
    [
        "search_path",
        "temp_tablespaces",
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
        "unix_socket_directories",
    ]
)
FILE = "postgresql.auto.conf"


def altered(statement: Statement, reader: Reader) -> Outlook:
    """An ALTER that sets something."""
    if statement.kind == "alter_table_stmt":
        return _table(statement, reader)
    setting = statement.body.get("setstmt", {})
    kind, name = str(setting.get("kind", "")), str(setting.get("name", ""))
    if kind not in ("VAR_SET_VALUE", "VAR_SET_DEFAULT", "VAR_RESET"):
        return not_known("what it sets is not one value that the text names")
    new = _value(setting) if kind == "VAR_SET_VALUE" else None
    if statement.kind == "alter_system_stmt":
        return _system(name, new, reader)
    return _stored(statement, name, new, reader)


def _value(setting: dict[str, Any]) -> str:
    """The value as it is written: a list by its commas."""
    told = []
    for one in setting.get("args", ()):
        constant = one.get("a_const", {})
        inner: dict[str, Any] = next((value for key, value in constant.items() if isinstance(value, dict)), {})
        told.append(str(next(iter(inner.values()), 0 if constant else "")))
    return ", ".join(told)


def _system(name: str, new: str | None, reader: Reader) -> Outlook:
    told = asked.one(
        reader,
        "SELECT current_setting(name) AS now, context, sourcefile, source, setting FROM pg_settings"
        f" WHERE lower(name) = {quoted(name.lower())}",
    )
    if not told:
        return not_known(f"the server knows no setting {name} now", f"the server knows no setting {name} now")
    before, sure = _in_file(name, reader)
    if not sure:
        file = asked.text(told, "sourcefile")
        if not file and asked.text(told, "source") == "configuration file":
            says = "the reader may not see whether it stands in postgresql.auto.conf: see `handrail identities --sql`"
            return not_known(f"{name} is {asked.text(told, 'now')} now; {says}", says)
        before = asked.text(told, "now") if file.endswith(FILE) else None
    sql = (
        f"ALTER SYSTEM RESET {_name(name)}"
        if before is None
        else f"ALTER SYSTEM SET {_name(name)} = {_text(name, before)}"
    )
    what = f"{name} is taken out of {FILE} again" if before is None else f"{name} = {before} stands in {FILE} again"
    context = asked.text(told, "context")
    when = "after a restart" if context == "postmaster" else "after pg_reload_conf()"
    says = f"{name} is {asked.text(told, 'now')} now; {FILE} would {'not hold it any more' if new is None else f'say {new}'}, in force {when}"
    if sure and before == new:
        nothing = Back(way=Way.NOTHING, says=f"nothing to take back: {FILE} says so already")
        return Outlook(
            says=f"{FILE} says so already: {name} = {before}" if new else f"{FILE} does not hold {name}",
            nothing=True,
            back=nothing,
        )
    back = Back(way=Way.EXACT, says=what, sql=sql)
    if not sure:
        unread = f"in part: {what}; what stood in {FILE} without being loaded is not seen by the reader"
        back = Back(way=Way.PARTIAL, says=unread, sql=sql)
    query = f"SELECT setting AS told FROM pg_settings WHERE lower(name) = {quoted(name.lower())}"
    kept = Kept(query=query, answer=asked.text(told, "setting"), says=f"{name} is {asked.text(told, 'now')}")
    return Outlook(says=says, back=back, reach=f"the whole server, {when}", kept=(kept,))


def _in_file(name: str, reader: Reader) -> tuple[str | None, bool]:
    """What the file of ALTER SYSTEM says of a setting (None: nothing), and whether the reader may see it at all."""
    try:
        told = asked.rows(
            reader,
            "SELECT setting FROM pg_file_settings"
            f" WHERE lower(name) = {quoted(name.lower())} AND sourcefile LIKE '%/{FILE}' ORDER BY seqno DESC LIMIT 1",
        )
    except NotSeen:
        return None, False
    return (asked.text(told[0], "setting") if told else None), True


def _stored(statement: Statement, name: str, new: str | None, reader: Reader) -> Outlook:
    """ALTER DATABASE … SET, ALTER ROLE … [IN DATABASE …] SET."""
    body = statement.body
    database = str(body.get("dbname", "") or body.get("database", ""))
    role = body.get("role", {})
    if role and role.get("roletype") != "ROLESPEC_CSTRING":
        return not_known("whose setting it is depends on who makes the change")
    of_role = statement.kind == "alter_role_set_stmt"
    rolename = str(role.get("rolename", ""))
    whose = "ALTER DATABASE " + identifier(database)
    if of_role:
        whose = "ALTER ROLE " + (identifier(rolename) if rolename else "ALL")
        whose += f" IN DATABASE {identifier(database)}" if database else ""
    for catalogue, column, wanted in (("pg_roles", "rolname", rolename), ("pg_database", "datname", database)):
        if wanted and not asked.one(reader, f"SELECT 1 AS there FROM {catalogue} WHERE {column} = {quoted(wanted)}"):
            says = f"there is no {catalogue.removeprefix('pg_').removesuffix('s')} {wanted}"
            return Outlook(says=says, refused=says, back=Back(way=Way.NOTHING, says="nothing would change"))
    query = (
        "SELECT coalesce((SELECT one FROM pg_db_role_setting s, unnest(s.setconfig) AS one"
        f" WHERE s.setdatabase = coalesce((SELECT oid FROM pg_database WHERE datname = {quoted(database)}), 0)"
        f" AND s.setrole = coalesce((SELECT oid FROM pg_roles WHERE rolname = {quoted(rolename)}), 0)"
        f" AND lower(split_part(one, '=', 1)) = {quoted(name.lower())}), '') AS told"
    )
    entry = asked.text(asked.one(reader, query), "told")
    before = entry.partition("=")[2] if entry else None
    place = whose.removeprefix("ALTER ").replace('"', "").lower()
    if before == new and (before is None or name.lower() not in LISTS):
        says = f"{place} has {name} = {before} already" if new is not None else f"{place} has no {name} of its own"
        return Outlook(says=says, nothing=True, back=Back(way=Way.NOTHING, says=f"nothing to take back: {says}"))
    was = "nothing of its own" if before is None else before
    sql = f"{whose} RESET {_name(name)}" if before is None else f"{whose} SET {_name(name)} TO {_text(name, before)}"
    return Outlook(
        says=f"{name} of {place} would be {'taken away' if new is None else new}; it is {was} now, and new sessions see it",
        back=Back(way=Way.EXACT, says=f"{name} of {place} is {was} again", sql=sql),
        reach=f"new sessions of {place}",
        kept=(Kept(query=query, answer=entry, says=f"{name} of {place} is {was}"),),
    )


def _name(name: str) -> str:
    """A setting's name: each part quoted where it is not plain."""
    return ".".join(part if re.fullmatch(r"[a-z_][a-z0-9_$]*", part) else identifier(part) for part in name.split("."))


def _text(name: str, value: str) -> str:
    """A value as SET takes it back: a list of names by its names, anything else as one text."""
    if name.lower() not in LISTS:
        return quoted(value)
    parts = re.findall(r'"((?:[^"]|"")*)"|([^,\s]+)', value)
    names = [a.replace('""', '"') if a or not b else b for a, b in parts]
    return ", ".join(quoted(one) for one in names) or "''"


# -- of a table --------------------------------------------------------------------------------------------------------


def _table(statement: Statement, reader: Reader) -> Outlook:
    relation = statement.body.get("relation", {})
    named = Named(name=str(relation.get("relname", "")), schema=str(relation.get("schemaname", "")))
    there = catalog.found(reader, named)
    if not there:
        raise NotSeen(f"the reader finds no {named} in the database that it asks")
    kind = catalog.KINDS.get(asked.text(there, "kind"), "")
    if kind not in ("table", "index") or asked.text(there, "kind") in ("p", "I"):
        return not_known(f"what an ALTER of a {kind or 'relation'} like {named} changes is not looked at")
    query = f"SELECT t.*, md5(t::text) AS told FROM ({TABLE.replace('%oid%', str(asked.number(there, 'oid')))}) AS t"
    told = asked.one(reader, query)
    if told.get("family"):
        return not_known(f"{named} belongs to a family of tables, and what it changes in the others is not looked at")
    back: list[str] = []
    says: list[str] = []
    for command in statement.body.get("cmds", ()):
        found = _subcommand(command["alter_table_cmd"], told)
        if isinstance(found, str):
            return not_known(found)
        back += found[0]
        says += found[1]
    name = asked.dotted((asked.text(there, "schema"), asked.text(there, "name")))
    shown = str(named)
    if not back:
        nothing = Back(way=Way.NOTHING, says=f"nothing to take back: {shown} is so already")
        return Outlook(says=f"{shown} is so already", nothing=True, back=nothing)
    sql = f"ALTER {kind.upper()} {name} {', '.join(back)}"
    return Outlook(
        says=f"of {shown} {'; '.join(says)}",
        back=Back(way=Way.EXACT, says=f"{shown} is as before: {', '.join(back)}", sql=sql),
        reach=f"{shown} alone; its rows are not touched",
        kept=(Kept(query=query, answer=asked.text(told, "told"), says=f"{shown} is set as it was"),),
    )


TABLE = """
SELECT coalesce((SELECT json_object_agg(split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)) FROM unnest(c.reloptions) AS o), '{}') AS options,
 coalesce((SELECT json_object_agg(split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)) FROM pg_class t, unnest(t.reloptions) AS o
   WHERE t.oid = c.reltoastrelid), '{}') AS toast,
 c.relispartition OR EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)) AS family,
 (SELECT json_object_agg(a.attname, json_build_object('default', pg_get_expr(d.adbin, d.adrelid), 'notnull', a.attnotnull,
   'statistics', a.attstattarget, 'generated', a.attgenerated <> '' OR a.attidentity <> '')) FROM pg_attribute a
   LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c WHERE c.oid = %oid%
"""


def _subcommand(command: dict[str, Any], told: asked.Row) -> tuple[list[str], list[str]] | str:
    """What puts it back, and what it would change; empty where it is so already. A sentence where it is not known."""
    kind = str(command.get("subtype", ""))
    if kind in ("AT_SetRelOptions", "AT_ResetRelOptions"):
        return _options(command, told)
    columns = told.get("columns")
    name = str(command.get("name", ""))
    column = columns.get(name) if isinstance(columns, dict) else None
    if not isinstance(column, dict):
        return f"{kind.removeprefix('AT_')} has no preview"
    on = f"ALTER COLUMN {identifier(name)}"
    if kind == "AT_ColumnDefault":
        if column["generated"]:
            return f"{name} is worked out by the server"
        before = column["default"]
        put = f"{on} SET DEFAULT {before}" if before is not None else f"{on} DROP DEFAULT"
        return [put], [
            f"the default of {name} would be {'another' if 'def' in command else 'taken away'}; it is {before or 'none'} now"
        ]
    if kind in ("AT_SetNotNull", "AT_DropNotNull"):
        wanted = kind == "AT_SetNotNull"
        if column["notnull"] is wanted:
            return [], []
        put = f"{on} {'DROP' if wanted else 'SET'} NOT NULL"
        return [put], [f"{name} would {'take no null' if wanted else 'take nulls'}"]
    if kind == "AT_SetStatistics":
        before = -1 if column["statistics"] is None else column["statistics"]
        target = command.get("def", {}).get("integer", {}).get("ival", 0)
        return (
            ([], [])
            if target == before
            else ([f"{on} SET STATISTICS {before}"], [f"the statistics target of {name} is {before} now"])
        )
    return f"{kind.removeprefix('AT_')} has no preview"


def _options(command: dict[str, Any], told: asked.Row) -> tuple[list[str], list[str]] | str:
    put: list[str] = []
    out: list[str] = []
    says: list[str] = []
    for item in command.get("def", {}).get("list", {}).get("items", ()):
        option = item.get("def_elem", {})
        name, space = str(option.get("defname", "")), str(option.get("defnamespace", ""))
        known = told.get("toast" if space == "toast" else "options")
        if space not in ("", "toast") or not isinstance(known, dict):
            return f"the options {space} are not looked at"
        full = f"{space}.{identifier(name)}" if space else identifier(name)
        before = known.get(name)
        if before is None and command["subtype"] == "AT_ResetRelOptions":
            continue
        if before is None:
            out.append(full)
        else:
            put.append(f"{full} = {quoted(str(before))}")
        says.append(
            f"{name} would be {'set' if command['subtype'] == 'AT_SetRelOptions' else 'taken away'}; it is {before or 'not set'} now"
        )
    back = ([f"SET ({', '.join(put)})"] if put else []) + ([f"RESET ({', '.join(out)})"] if out else [])
    return back, says
