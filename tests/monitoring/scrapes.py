"""Reads a scrape with Prometheus' own parser."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from monitoring.prometheus import Exposition, render_metrics


class Scrape:
    """What one scrape says: `scrape("queue_waiting", queue="email")`."""

    def __init__(self, text: bytes) -> None:
        self.families = list(text_string_to_metric_families(text.decode()))
        self.samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return self.samples[f"postroom_{name}", frozenset(labels.items())]

    def named(self, name: str) -> Mapping[tuple[str, ...], float]:
        """All samples of a name, by the values of their labels in the order of the labels."""
        return {
            tuple(value for _, value in sorted(labels)): value
            for (known, labels), value in self.samples.items()
            if known == f"postroom_{name}"
        }


def scrape(at: Redis | Exposition, now: datetime | None = None) -> Scrape:
    if isinstance(at, Exposition):
        return Scrape(at.render(now=now))
    return Scrape(render_metrics(connection=at, now=now))
