"""Gauges that have the same labels, gathered one after the other. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric


class Gauges:
    """Some of them. What has the same labels is added up, or the greatest is taken.

    Args:
        labels: The names of their labels.
        about: By the name of a gauge without `postroom_`, a sentence about it.
        greatest: Of which of them the greatest is taken.
    """

    def __init__(
        self, labels: Sequence[str], about: Mapping[str, str], *, greatest: Sequence[str] = ()
    ) -> None:
        self._labels = labels
        self._about = about
        self._greatest = frozenset(greatest)
        self._values: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in about}

    def put(self, *labels: str, **values: float) -> None:
        """Say what some of them are.

        Args:
            labels: The values of the labels.
            values: By the names of gauges.
        """
        for name, value in values.items():
            known = self._values[name]
            before = known.get(labels, 0.0)
            known[labels] = max(before, value) if name in self._greatest else before + value

    def families(self) -> Iterator[Metric]:
        """All of them; those of which nothing was said have no values."""
        for name, about in self._about.items():
            family = GaugeMetricFamily(f"postroom_{name}", about, labels=self._labels)
            for labels, value in self._values[name].items():
                family.add_metric(labels, value)
            yield family


def gauge(name: str, about: str, value: float) -> Metric:
    """A gauge without labels.

    Args:
        name: What follows `postroom_`.
        about: A sentence.
        value: Its value.
    """
    return GaugeMetricFamily(f"postroom_{name}", about, value=value)
