"""Families of metrics as Prometheus' library wants them to write their text."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override


class Collected(Collector):
    """Families that were made already.

    Args:
        families: They.
    """

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    @override
    def collect(self) -> Iterable[Metric]:
        return self._families
