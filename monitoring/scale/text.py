"""How many workers each queue should have, in Prometheus' text format. Pure."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from monitoring.prometheus.exposition import CONTENT_TYPE
from monitoring.scale.queues import Scale, Scales

__all__ = ["CONTENT_TYPE", "as_prometheus"]

MOST_QUEUES = 500
"""Queues that have series; the ones that need the most workers come first."""

_Read = Callable[[Scale], float | None]

_GAUGES: tuple[tuple[str, str, _Read], ...] = (
    (
        "postroom_desired_workers",
        "Workers that would drain the queue within SCALE_DRAIN_SECONDS.",
        lambda each: each.desired_workers,
    ),
    (
        "postroom_scale_workers",
        "Workers that listen to the queue and live.",
        lambda each: each.forecast.workers,
    ),
    (
        "postroom_arrivals_per_minute",
        "Jobs that come into the queue, a minute.",
        lambda each: each.forecast.arrives_per_minute,
    ),
    (
        "postroom_backlog_growth_per_minute",
        "Jobs by which the backlog of the queue changes, a minute.",
        lambda each: each.forecast.grows_per_minute,
    ),
)


class _Gauges(Collector):
    def __init__(self, found: Scales) -> None:
        self._queues = sorted(
            found.queues.values(), key=lambda each: (-each.desired_workers, each.queue)
        )[:MOST_QUEUES]

    @override
    def collect(self) -> Iterator[Metric]:
        for name, meaning, read in _GAUGES:
            family = GaugeMetricFamily(name, meaning, labels=["queue"])
            for each in self._queues:
                value = read(each)
                if value is not None:
                    family.add_metric([each.queue], value)
            yield family


def as_prometheus(found: Scales) -> bytes:
    """The numbers of `Scales.as_json` as gauges with the label `queue`.

    Args:
        found: What all queues need.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Gauges(found))
    return bytes(generate_latest(registry))
