"""What is asked of a database server: who the reader is there, and whether it gets in when the server is full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict

from handrail.cli import terminal
from handrail.cli.doctor.telling import OK, WARNING, WRONG, Line

ROLE = """
SELECT current_user, current_database(), r.rolsuper, r.rolcreatedb OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls,
       current_setting('default_transaction_read_only') = 'on', pg_is_in_recovery(),
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
       pg_has_role(current_user, 'pg_monitor', 'member'), current_setting('server_version_num')::int,
       current_setting('statement_timeout') <> '0',
       (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND n.nspname NOT LIKE 'pg\\_%' AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
  FROM pg_roles r WHERE r.rolname = current_user
"""

LIMITS = "SELECT datname, datconnlimit FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname"


@dataclass(frozen=True, kw_only=True)
class Role:
    """What the reader's role is at a server."""

    user: str
    database: str
    superuser: bool
    privileged: bool
    read_only: bool
    recovering: bool
    slots: int
    monitor: bool
    version: int
    timeout: bool
    writable: int
    limits: Mapping[str, int]


def database(area: str, server: str, dsn: str) -> Iterator[Line]:
    if not dsn:
        yield Line(
            area=area,
            level=WARNING,
            says=f"{server}: no connection string for the reader; SQL runs through kubectl exec, as the text says",
            do="give the reader its way in: handrail identities --sql, then `databases` in environments.yaml",
        )
        return
    try:
        with psycopg.connect(dsn, connect_timeout=5, application_name="handrail doctor", autocommit=True) as connection:
            row = connection.execute(ROLE).fetchone()
            limits: dict[str, int] = {str(name): int(limit) for name, limit in connection.execute(LIMITS)}
    except psycopg.Error as error:
        yield Line(
            area=area,
            level=WRONG,
            says=f"{server}: the reader does not get in: {_unsaid(str(error), dsn)}",
            do="is the server running, and does pg_hba.conf let the reader in from here?",
        )
        return
    assert row is not None
    yield from role_lines(
        area,
        server,
        Role(
            user=row[0],
            database=row[1],
            superuser=row[2],
            privileged=row[3],
            read_only=row[4],
            recovering=row[5],
            slots=row[6],
            monitor=row[7],
            version=row[8],
            timeout=row[9],
            writable=row[10],
            limits=limits,
        ),
    )


def _unsaid(message: str, dsn: str) -> str:
    """The server's words in one line, never with the password."""
    text = " ".join(message.split())[:300]
    try:
        password = str(conninfo_to_dict(dsn).get("password") or "")
    except psycopg.Error:
        return "the connection string cannot be read"
    return text.replace(password, "•••") if password else text


def role_lines(area: str, server: str, role: Role) -> Iterator[Line]:
    """What is well and what is not about the reader at a server."""
    name = f"{server}: {role.user}"
    if role.superuser or role.privileged:
        what = "is a superuser" if role.superuser else "may create roles or databases, replicate, or pass row security"
        yield Line(
            area=area,
            level=WRONG,
            says=f"{name} {what}; a reader must not",
            do="use the role that `handrail identities --sql` prints",
        )
    if role.writable and not role.superuser:
        yield Line(
            area=area,
            level=WRONG,
            says=f"{name} may write {terminal.count(role.writable, 'table')} in {role.database}",
            do="revoke it, or use the role that `handrail identities --sql` prints",
        )
    for well, says, do in (
        (
            role.read_only,
            "its transactions are not read-only by default",
            "ALTER ROLE … SET default_transaction_read_only = on",
        ),
        (role.timeout, "it has no statement_timeout", "ALTER ROLE … SET statement_timeout = '15s'"),
        (role.monitor, "it sees nobody's sessions but its own", "GRANT pg_monitor TO …"),
    ):
        if not well:
            yield Line(area=area, level=WARNING, says=f"{name}: {says}", do=do.replace("…", role.user))
    if not (role.superuser or role.privileged or role.writable) and role.read_only and role.timeout and role.monitor:
        standing = ", a standby" if role.recovering else ""
        yield Line(area=area, level=OK, says=f"{name} reads{standing}, PostgreSQL {role.version // 10000}")
    yield headroom(area, server, role)


def headroom(area: str, server: str, role: Role) -> Line:
    """Whether the reader still gets in when applications have taken every connection that they may."""
    others = {name: limit for name, limit in role.limits.items() if name != role.database}
    unlimited = [name for name, limit in others.items() if limit < 0]
    taken = sum(limit for limit in others.values() if limit > 0)
    keep = max(role.slots - 8, 1)
    if unlimited:
        return Line(
            area=area,
            level=WARNING,
            says=f"{server}: {', '.join(unlimited)} may take all {role.slots} connections, and then the reader does not get in",
            do=f"ALTER DATABASE {unlimited[0]} CONNECTION LIMIT {keep} (docs/how-to/database-full.md)",
        )
    if not others:
        return Line(
            area=area,
            level=WARNING,
            says=f"{server}: the reader logs into {role.database}, the only database: when that is full it does not get in",
            do="let the reader log into `postgres`, and limit the application's database (docs/how-to/database-full.md)",
        )
    if taken >= role.slots:
        return Line(
            area=area,
            level=WARNING,
            says=f"{server}: the databases' limits add up to {taken}, the server takes {role.slots}: when it is full the reader does not get in",
            do="lower a CONNECTION LIMIT so that some stay free (docs/how-to/database-full.md)",
        )
    return Line(
        area=area,
        level=OK,
        says=f"{server}: {role.slots - taken} connections stay free for the reader when all else is full",
    )
