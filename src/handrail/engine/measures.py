"""What Handrail tells Prometheus of itself: what came, what waits and for how long, what was told, planned and done.

Counters count what this process did. What waits is read from the record at each scrape, by queries whose cost does not
grow with what is kept. Names follow https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

import threading
from collections import Counter as Tallied
from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib import metadata

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from handrail.engine.tally import Tally
from handrail.store import Store
from handrail.store.chain import Line
from handrail.store.database import turns

LOOK_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LATE_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300)
ANSWER_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Measures:
    """Everything that is measured; `text` is what a scrape gets."""

    def __init__(self, *, store: Store, tally: Tally) -> None:
        self.registry = CollectorRegistry()
        into = self.registry
        self._events = Counter("handrail_events", "Lines of the record, by kind.", ["kind"], registry=into)
        self._plans = Counter("handrail_plans", "Plans, by what became of them.", ["state"], registry=into)
        self.watched = Counter(
            "handrail_plans_watched", "Plans that wait and whose guards were read again.", registry=into
        )
        self._outcomes = Counter(
            "handrail_changes", "Commands of approved plans, by outcome.", ["outcome"], registry=into
        )
        self._pages = Counter("handrail_pages", "Levels that were paged.", ["level"], registry=into)
        self._looks = Histogram(
            "handrail_look_seconds", "How long looks took.", ["look"], buckets=LOOK_SECONDS, registry=into
        )
        self._late = Histogram(
            "handrail_timer_lateness_seconds", "How late timers fired.", ["kind"], buckets=LATE_SECONDS, registry=into
        )
        self._answers = Histogram(
            "handrail_webhook_seconds", "How long webhooks waited for their answer.", ["status"],
            buckets=ANSWER_SECONDS, registry=into,
        )  # fmt: skip
        self._messages = Counter("handrail_messages", "Messages to people and channels.", ["state"], registry=into)
        build = Gauge("handrail_build_info", "The version that runs; always 1.", ["version"], registry=into)
        build.labels(version=metadata.version("handrail")).set(1)
        self.registry.register(_Waiting(store, tally))

    def heard(self, lines: Sequence[Line]) -> None:
        """Lines of the record, once they are committed."""
        for kind, times in Tallied(line.kind for line in lines).items():
            self._events.labels(kind=kind).inc(times)
        for line in lines:
            told = line.payload
            match line.kind:
                case "evidence":
                    self._looks.labels(look=str(told.get("look", ""))).observe(float(told.get("seconds") or 0))
                case "plan_proposed":
                    self._plans.labels(state="proposed").inc()
                case "decision":
                    self._plans.labels(state="approved" if told.get("yes") else "refused").inc()
                case "plan_void":
                    self._plans.labels(state="void").inc()
                case "outcome":
                    self._outcomes.labels(outcome=str(told.get("outcome", ""))).inc()
                case "unknown":
                    self._outcomes.labels(outcome="unknown").inc()
                case "page":
                    self._pages.labels(level=str(told.get("level", ""))).inc()
                case "message":
                    self._messages.labels(state="sent").inc()

    def timer(self, kind: str, late: timedelta) -> None:
        """A timer fired so long after it was due."""
        self._late.labels(kind=kind).observe(max(0.0, late.total_seconds()))

    def answered(self, status: int, seconds: float) -> None:
        """A webhook got this answer after so long."""
        self._answers.labels(status=str(status)).observe(seconds)

    def text(self) -> str:
        """Prometheus' text form."""
        return generate_latest(self.registry).decode()


class _Waiting(Collector):
    """What stands in the record now, read at each scrape."""

    def __init__(self, store: Store, tally: Tally) -> None:
        self._store, self._tally = store, tally
        self._scraping = threading.Lock()

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked of the record when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One scrape at a time: a slow one is not doubled by the next."""
        with self._scraping:
            yield from self._arrivals()
            yield from self._backlog()
            yield from self._database()

    def _arrivals(self) -> Iterator[Metric]:
        tally = self._tally
        for name, says, counts in (
            ("handrail_posts", "Webhook messages that were stored.", tally.posts),
            ("handrail_alerts", "Alerts in stored messages.", tally.alerts),
            ("handrail_alerts_set_aside", "Alerts that could not be read, and opened an incident.", tally.set_aside),
            ("handrail_alerts_truncated", "Alerts that a sender says it left out.", tally.truncated),
        ):
            family = CounterMetricFamily(name, says, labels=["source", "sender"])
            for (source, sender), count in list(counts.items()):
                family.add_metric([source, sender], count)
            yield family
        flaws = CounterMetricFamily(
            "handrail_alert_flaws", "Small flaws that were read over, by what.", labels=["source", "flaw"]
        )
        for (source, flaw), count in list(tally.read_over.items()):
            flaws.add_metric([source, flaw], count)
        yield flaws
        refused = CounterMetricFamily("handrail_posts_refused", "Bodies that were no message.", labels=["source"])
        for source, count in list(tally.refusals.items()):
            refused.add_metric([source], count)
        yield refused

    def _backlog(self) -> Iterator[Metric]:
        found = self._store.backlog()
        incidents = GaugeMetricFamily(
            "handrail_incidents", "Incidents that are open.", labels=["environment", "severity"]
        )
        for environment, severity, count in found.incidents:
            incidents.add_metric([environment, severity], count)
        yield incidents
        yield _gauge(
            "handrail_incidents_unacknowledged", "Open incidents that nobody acknowledged.", found.unacknowledged
        )
        yield _gauge("handrail_plans_waiting", "Plans that wait for a yes.", found.plans)
        yield _gauge("handrail_changes_unknown", "Changes whose outcome nobody knows yet.", found.unknown)
        for name, what, (depth, age) in (
            ("posts", "Webhook messages that were not worked on", found.posts),
            ("messages", "Messages that were not sent", found.messages),
            ("timers", "Timers that are due", found.timers),
        ):
            yield _gauge(f"handrail_queue_{name}", f"{what}.", depth)
            yield _gauge(f"handrail_queue_{name}_oldest_seconds", f"{what}: the age of the oldest.", age)
        yield _gauge(
            "handrail_messages_undelivered", "Messages that reached nobody and were given up.", found.undelivered
        )
        yield _gauge("handrail_paused", "Whether all automation is paused.", float(found.paused))

    def _database(self) -> Iterator[Metric]:
        writes = CounterMetricFamily("handrail_database_writes", "Write transactions.", labels=["urgent"])
        waited = CounterMetricFamily(
            "handrail_database_wait_seconds", "How long writes waited for their turn.", labels=["urgent"]
        )
        given_up = CounterMetricFamily("handrail_database_given_up", "Writes that waited too long.", labels=["urgent"])
        for urgent in (True, False):
            told, label = turns(self._store.engine).waits(urgent=urgent), [str(urgent).lower()]
            writes.add_metric(label, told.writes)
            waited.add_metric(label, told.waited)
            given_up.add_metric(label, told.given_up)
        yield from (writes, waited, given_up)


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)
