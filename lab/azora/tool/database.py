"""PostgreSQL in the cluster: made, filled, put back."""

import json
import time
from collections.abc import Callable

from tool import kube, places

SETTINGS = ("postgresql.conf", "start-primary", "start-replica")
CONNECTIONS = 30
"""What the application's database takes; roles.sql says it first."""


def apply(secrets: dict[str, str]) -> None:
    folder = places.AZORA / "database"
    objects = [
        secret("postgres-secrets", {name: secrets[name] for name in ("exporter", "replicator")}),
        secret(
            "azora-secrets",
            {
                "DATABASE_URL": f"postgresql://azora:{secrets['azora']}@postgres:5432/azora",
                "PGPASSWORD": secrets["azora"],
                "JWT_SECRET": secrets["jwt"],
                "STRIPE_KEY": secrets["stripe"],
            },
        ),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "postgres-settings"},
            "data": {name: (folder / name).read_text() for name in SETTINGS},
        },
    ]
    kube.kubectl("apply", "--filename=-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    text = (folder / "postgres.yaml").read_text()
    text = text.replace("image: BASE", f"image: {places.layout.BASE_IMAGE}").replace(
        "FOLDER", str(places.state() / "postgres")
    )
    kube.kubectl("apply", "--filename=-", text=text)


def secret(name: str, values: dict[str, str]) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}


def fill(secrets: dict[str, str]) -> None:
    """Roles, database, tables and rows, once. The passwords go in by standard input."""
    until("the primary", lambda: answers("postgres-0"), seconds=90)
    if kube.psql("SELECT 1 FROM pg_database WHERE datname = 'azora'") != "1":
        told = "".join(f"\\set {role}_password '{secrets[role]}'\n" for role in ("azora", "exporter", "replicator"))
        kube.psql(told + (places.AZORA / "database" / "roles.sql").read_text())
    if kube.psql("SELECT to_regclass('orders') IS NOT NULL", database="azora") != "t":
        schema = (places.AZORA / "database" / "schema.sql").read_text()
        kube.psql(f"BEGIN;\nSET ROLE azora;\n{schema}\nCOMMIT;", database="azora")
        kube.psql("ANALYZE users, products", database="azora")
    # whoever runs the shop may let its standby go on, and nothing else of a server's own
    kube.psql("GRANT EXECUTE ON FUNCTION pg_wal_replay_resume(), pg_wal_replay_pause() TO azora", database="azora")


def answers(pod: str) -> bool:
    try:
        return kube.psql("SELECT 1", pod=pod) == "1"
    except kube.Failed:
        return False


def restore() -> None:
    """The database as the baseline has it: its limit, its index, and no session that the application forgot."""
    if kube.psql("SELECT datconnlimit FROM pg_database WHERE datname = 'azora'") != str(CONNECTIONS):
        kube.psql(f"ALTER DATABASE azora CONNECTION LIMIT {CONNECTIONS}")
    if sessions() > CONNECTIONS // 2:
        kube.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'azora' AND usename = 'azora'"
        )
    if kube.psql("SELECT to_regclass('idx_users_email') IS NULL", database="azora") == "t":
        kube.psql("SET ROLE azora; CREATE INDEX IF NOT EXISTS idx_users_email ON users (email)", database="azora")
    if kube.psql("SELECT reloptions IS NOT NULL FROM pg_class WHERE relname = 'sessions'", database="azora") == "t":
        kube.psql("ALTER TABLE sessions RESET (autovacuum_enabled)", database="azora")
        kube.psql("DELETE FROM sessions WHERE ended_at IS NOT NULL", database="azora")  # what was imported
        kube.psql("VACUUM (FULL, ANALYZE) sessions", database="azora")
    if kube.psql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'replicator'") != "t":
        kube.psql("ALTER ROLE replicator LOGIN")
    if kube.psql("SELECT pg_is_wal_replay_paused()", pod="postgres-replica-0") == "t":
        kube.psql("SELECT pg_wal_replay_resume()", pod="postgres-replica-0")
    # what the shop asks stands among the slowest from now on, and not what put it back or an earlier fault
    kube.psql("SELECT pg_stat_statements_reset()", database="azora")


def sessions() -> int:
    return int(kube.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'azora'"))


def streaming() -> bool:
    return kube.psql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1"


def until(what: str, ready: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} was not ready after {seconds:.0f} s.")
        time.sleep(0.3)
