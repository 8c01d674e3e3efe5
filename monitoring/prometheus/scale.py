"""How many workers each queue should have, in Prometheus' text format.

A scrape of its own, because it looks closer than the one of all metrics: some twenty round trips.
"""

from datetime import datetime

import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from monitoring.prometheus.collected import Collected
from monitoring.prometheus.gauges import Gauges
from monitoring.prometheus.labels import MOST_QUEUES, Seats
from monitoring.scale import Scale, read_scale

_SCALES = {
    "queue_desired_workers": "Workers that would drain the queue in SCALE_DRAIN_SECONDS.",
    "queue_done_per_minute": "Runs that ended, whichever way, in a minute.",
    "queue_arrives_per_minute": "Jobs that came in a minute, further attempts with them.",
}


def render_scale(*, connection: redis.Redis, now: datetime | None = None) -> bytes:
    """What an autoscaler needs, for those that ask Prometheus.

    Args:
        connection: Where.
        now: The server's time; None asks the server.

    Returns:
        UTF-8 text of Prometheus' format 0.0.4: the desired workers of each queue, and what they
        are made of. Queues without a label of their own are summed up.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    found, seats = Gauges(["queue"], _SCALES), Seats(MOST_QUEUES)
    for name, scale in read_scale(connection=connection, now=now).queues.items():
        _put(found, seats.of(name), scale)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected(list[Metric](found.families())))
    return generate_latest(registry)


def _put(found: Gauges, label: str, scale: Scale) -> None:
    found.put(
        label,
        queue_desired_workers=scale.desired_workers,
        queue_done_per_minute=scale.forecast.done_per_minute,
        queue_arrives_per_minute=scale.forecast.arrives_per_minute,
    )
