"""What share of the jobs succeeded that ended last. Only reads."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import redis

from monitoring.alerts.metrics import Facts, Reading
from monitoring.numbers.buckets import per_queue, per_type, read_sums
from monitoring.numbers.figures import Figures
from monitoring.numbers.spans import pieces_of
from monitoring.words import number, span

WINDOW = timedelta(minutes=15)
"""How far back jobs count. An hour would go on alerting long after the cause is gone."""
FEWEST = 20
"""Jobs without which there is no rate: one failure of three says little."""


def outcome_facts(now: datetime, connection: redis.Redis) -> Facts:
    """Success rates, in one round trip.

    Args:
        now: The server's time.
        connection: Where.
    """
    buckets = read_sums(pieces_of("m", now - WINDOW, now), connection=connection)
    return {
        "success_rate": list(_rates(per_queue(buckets))),
        "success_rate_of_type": list(_rates(per_type(buckets))),
    }


def _rates(found: Mapping[str, Figures]) -> Iterator[Reading]:
    for name, figures in found.items():
        if figures.ended < FEWEST:
            continue
        rate = 100 * figures.finished / figures.ended
        yield Reading(
            name,
            rate,
            f"{figures.failed:,} of {number(figures.ended, 'job')} of {name} failed in the last "
            f"{span(WINDOW.total_seconds())}: {rate:.0f} % succeeded.",
        )
