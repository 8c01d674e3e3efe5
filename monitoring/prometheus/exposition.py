"""Renders one scrape: looks at Redis, and writes what it found in Prometheus' text format."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from threading import Lock
from time import monotonic

import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from monitoring.prometheus import families
from monitoring.prometheus.alerts import look_at_alerts
from monitoring.prometheus.clock import unix_time
from monitoring.prometheus.collected import Collected
from monitoring.prometheus.counting import Counting, whole
from monitoring.prometheus.gauges import gauge
from monitoring.prometheus.labels import MOST_GROUPS, MOST_QUEUES, MOST_RULES, Seats
from monitoring.prometheus.queues import look_at_pauses, look_at_queues
from monitoring.prometheus.rounds import together
from monitoring.prometheus.server import look_at_server
from monitoring.prometheus.streams import look_at_streams
from monitoring.prometheus.totals import Totals
from monitoring.prometheus.workers import look_at_workers
from monitoring.streams.reading import Plan, answered, known
from workers import Settings, load_settings, watch_keys
from workers.errors import StorageRefused, StorageUnavailable
from workers.streams.naming import Naming

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of what `render` returns."""


class Exposition:
    """What one process tells Prometheus. It remembers what it has counted, so keep it.

    Args:
        connection: Where; a replica will do.
        settings: None means those of the environment.
    """

    def __init__(self, *, connection: redis.Redis, settings: Settings | None = None) -> None:
        self._connection = connection
        self._settings = settings or load_settings()
        self._counting = Counting()
        self._queues = Seats(MOST_QUEUES)
        self._families = Seats(MOST_QUEUES)
        self._groups = Seats(MOST_GROUPS)
        self._rules = Seats(MOST_RULES)
        self._one_at_a_time = Lock()

    def render(self, *, now: datetime | None = None) -> bytes:
        """Look, and write what was found.

        It takes four round trips, and a fifth one every ten minutes.

        Args:
            now: Aware; None means the clock of the server, by which the engine counts.

        Returns:
            UTF-8 text of Prometheus' format 0.0.4. If Redis does not answer, it says that and
            nothing else.
        """
        registry = CollectorRegistry(auto_describe=False)
        with self._one_at_a_time:
            registry.register(Collected(self._look(now)))
        return generate_latest(registry)

    def _look(self, now: datetime | None) -> Iterable[Metric]:
        began = monotonic()
        about = "1 if Redis answered."
        try:
            found = list(self._found(now))
        except (StorageUnavailable, StorageRefused):
            return [gauge("redis_up", about, 0)]
        spent = gauge("scrape_seconds", "How long this look took.", monotonic() - began)
        return [gauge("redis_up", about, 1), *found, spent]

    def _found(self, now: datetime | None) -> Iterator[Metric]:
        settings = self._settings
        naming = Naming(settings.stream_template)
        plan = together(
            self._count(now),
            look_at_queues(settings.queues, now),
            look_at_pauses(),
            look_at_workers(),
            look_at_streams(naming, self._groups, now),
            look_at_server(),
            look_at_alerts(),
        )
        totals, queues, pauses, staff, streams, server, alerts = answered(plan, self._connection)
        self._counting.store(self._connection)
        yield from families.of_queues(queues, pauses, staff, self._queues)
        yield from families.of_workers(staff)
        yield from families.of_streams(streams, self._families, settings.stream_limit)
        yield from families.of_server(server)
        yield from families.of_alerts(alerts, self._rules)
        yield from families.of_totals(totals)
        yield from families.of_labels(
            ("queue", self._queues),
            ("queue", totals.queues),
            ("type", totals.types),
            ("stream", self._families),
            ("group", self._groups),
            ("rule", self._rules),
        )
        about = "1 if what was counted could be stored for others and for later."
        yield gauge("totals_stored", about, self._counting.is_stored)

    def _count(self, now: datetime | None) -> Plan[Totals]:
        clock, stored = yield [
            lambda pipe: pipe.time(),
            lambda pipe: pipe.hget(watch_keys.watch_totals(), "until"),
        ]
        reaches = whole(known(stored, None))
        return (yield from self._counting.count(reaches, int(unix_time(clock, now))))


def render_metrics(*, connection: redis.Redis, now: datetime | None = None) -> bytes:
    """One scrape by itself, such as for a file; who scrapes again and again keeps an `Exposition`.

    Args:
        connection: Where.
        now: As for `Exposition.render`.

    Returns:
        As `Exposition.render`.
    """
    return Exposition(connection=connection).render(now=now)
