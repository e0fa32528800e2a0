"""What Prometheus is told of the two databases. Logs into the database postgres, so it gets in when azora is full."""

import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from prometheus_client import start_http_server
from prometheus_client.core import REGISTRY, CounterMetricFamily, GaugeMetricFamily, Metric

COUNTS = """
  SELECT coalesce(datname, ''), coalesce(state, ''), coalesce(application_name, ''), count(*)
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1, 2, 3
"""
LIMITS = "SELECT datname, datconnlimit FROM pg_database WHERE datconnlimit > 0"
MAXIMUM = "SELECT setting::int FROM pg_settings WHERE name = 'max_connections'"
# where it streams and everything that came is replayed, the age of the last transaction only says that nobody wrote since
LAG = """
  SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
      AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming') THEN 0
    ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END::float
"""
TABLES = "SELECT relname, seq_tup_read::float, n_mod_since_analyze::float FROM pg_stat_user_tables"
REPLICAS = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"


class Databases:
    def __init__(self) -> None:
        self.open: dict[str, psycopg.Connection] = {}

    def ask(self, host: str, question: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Keeps one connection to each database; a lost one is made again at the next question."""
        key = f"{host}/{database}"
        try:
            if key not in self.open or self.open[key].closed:
                self.open[key] = psycopg.connect(
                    host=host,
                    dbname=database,
                    user="exporter",
                    password=os.environ["EXPORTER_PASSWORD"],
                    autocommit=True,
                    connect_timeout=2,
                    application_name="postgres-exporter",
                )
            return self.open[key].execute(question).fetchall()
        except psycopg.Error:
            if key in self.open:
                self.open.pop(key).close()
            raise

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("pg_up", "Whether the server answered.", labels=["server"])
        try:
            counts = GaugeMetricFamily(
                "pg_stat_activity_count", "Sessions of clients.", labels=["datname", "state", "application_name"]
            )
            limits = GaugeMetricFamily("pg_database_connection_limit", "Sessions a database takes.", labels=["datname"])
            for datname, state, application, count in self.ask("postgres", COUNTS):
                counts.add_metric([datname, state, application], count)
            for datname, limit in self.ask("postgres", LIMITS):
                limits.add_metric([datname], limit)
            maximum = GaugeMetricFamily("pg_settings_max_connections", "Sessions the server takes.")
            maximum.add_metric([], self.ask("postgres", MAXIMUM)[0][0])
            replicas = GaugeMetricFamily("pg_replication_streaming", "Replicas that stream from the primary.")
            replicas.add_metric([], self.ask("postgres", REPLICAS)[0][0])
            yield from (counts, limits, maximum, replicas)
            up.add_metric(["primary"], 1)
        except psycopg.Error as e:
            print(f"primary: {e}".strip(), flush=True)
            up.add_metric(["primary"], 0)
        try:
            lag = GaugeMetricFamily(
                "pg_replication_lag_seconds", "Age of the last transaction that the replica replayed."
            )
            lag.add_metric([], self.ask("postgres-replica", LAG)[0][0])
            yield lag
            up.add_metric(["replica"], 1)
        except psycopg.Error as e:
            print(f"replica: {e}".strip(), flush=True)
            up.add_metric(["replica"], 0)
        try:
            read = CounterMetricFamily(
                "pg_stat_user_tables_seq_tup_read", "Rows read row by row, without an index.", labels=["relname"]
            )
            stale = GaugeMetricFamily(
                "pg_stat_user_tables_n_mod_since_analyze", "Rows changed since the last analysis.", labels=["relname"]
            )
            for table, rows, changed in self.ask("postgres", TABLES, database="azora"):
                read.add_metric([table], rows)
                stale.add_metric([table], changed)
            yield from (read, stale)
        except psycopg.Error as e:  # it belongs to the application's connections: when they are used up it is not told
            print(f"azora: {e}".strip(), flush=True)
        yield up


REGISTRY.register(Databases())
start_http_server(9187)
print("postgres-exporter listening on port 9187", flush=True)
while True:
    time.sleep(3600)
