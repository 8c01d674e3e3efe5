"""Gathers what the rules need to know, and no more than that. Only reads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from monitoring.alerts.channel_facts import channel_facts
from monitoring.alerts.letter_facts import letter_facts
from monitoring.alerts.metrics import Facts, Reading
from monitoring.alerts.outcome_facts import outcome_facts
from monitoring.alerts.queue_facts import age_facts, queue_facts, running_facts
from monitoring.alerts.server_facts import server_facts
from monitoring.alerts.stream_facts import stream_facts
from monitoring.numbers.depths import record_depths
from monitoring.queues.snapshot import Snapshot, take_snapshot
from workers.connection import storage_errors
from workers.errors import StorageRefused
from workers.logger import get_logger
from workers.settings import Settings

log = get_logger("postroom.alerts")


@dataclass(frozen=True)
class Source:
    """Where readings come from.

    Args:
        connection: The server.
        settings: The engine's.
        snapshot: Its queues and workers.
        now: The time by which alerts are told.
    """

    connection: redis.Redis
    settings: Settings
    snapshot: Snapshot
    now: datetime


@dataclass(frozen=True)
class Area:
    """Metrics that are read together.

    Args:
        metrics: Their names.
        read: Reads them.
        seconds: How often that is worth its price, at most.
    """

    metrics: frozenset[str]
    read: Callable[[Source], Facts]
    seconds: float = 0.0


_SELDOM = 30.0  # seconds; minutes of counters and many streams are some thousand values

AREAS: Sequence[Area] = (
    Area(
        frozenset({"waiting", "without_worker", "overdue"}),
        lambda source: queue_facts(source.snapshot, source.connection),
    ),
    Area(
        frozenset({"oldest_waiting"}), lambda source: age_facts(source.snapshot, source.connection)
    ),
    Area(
        frozenset({"running", "escalated"}),
        lambda source: running_facts(source.snapshot, source.connection, source.settings),
    ),
    Area(
        frozenset({"dead_letters", "new_dead_letters"}),
        lambda source: letter_facts(source.snapshot, source.connection),
    ),
    Area(
        frozenset({"success_rate", "success_rate_of_type"}),
        lambda source: outcome_facts(source.snapshot.time, source.connection),
        _SELDOM,
    ),
    Area(
        frozenset({"stream_lag", "stream_fill", "pending_age", "dead_consumers"}),
        lambda source: stream_facts(source.settings, source.connection),
        _SELDOM,
    ),
    Area(frozenset({"redis_memory"}), lambda source: server_facts(source.connection)),
    Area(
        frozenset({"channel_failing"}),
        lambda source: channel_facts(source.now, source.connection),
    ),
)


def gather(  # noqa: PLR0913 - all by name, and most have a default
    wanted: Collection[str],
    *,
    connection: redis.Redis,
    settings: Settings,
    now: datetime,
    areas: Sequence[Area] = AREAS,
    watching: redis.Redis | None = None,
) -> Facts:
    """Read what is needed for some metrics.

    Args:
        wanted: Their names.
        connection: The server.
        settings: The engine's.
        now: The time by which alerts are told; that of what is read is the server's.
        areas: What may be read now.
        watching: Where to leave a sample of how much there is, for forecasts; None leaves none.

    Returns:
        The readings. What Redis does not let us read is left out, and the log says so.

    Raises:
        StorageUnavailable: If Redis does not answer.
        StorageRefused: If it does not even let us read the queues.
    """
    with storage_errors():
        snapshot = take_snapshot(connection=connection, queues=settings.queues)
        if watching is not None:
            record_depths(snapshot, connection=watching)
    source = Source(connection, settings, snapshot, now)
    found: dict[str, Sequence[Reading]] = {}
    for area in areas:
        if not area.metrics.isdisjoint(wanted):
            found.update(_read(area, source))
    return found


def _read(area: Area, source: Source) -> Mapping[str, Sequence[Reading]]:
    try:
        with storage_errors():
            return area.read(source)
    except StorageRefused as error:
        log.warning("alert_facts_refused", metrics=sorted(area.metrics), error=error.message)
        return {}
