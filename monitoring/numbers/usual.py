"""How long runs of each message type usually take. Only reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis

from monitoring.numbers.buckets import per_type, read_buckets

_FEWEST = 20
"""Runs below which a percentile says nothing."""


@dataclass(frozen=True)
class UsualRuns:
    """The 95th percentile of each type.

    Args:
        p95_ms: In milliseconds, by message type; those with few runs are left out.
    """

    p95_ms: Mapping[str, float]

    def p95(self, kind: str) -> timedelta | None:
        """How long 95 of 100 runs of a type took at most; None if that is not known.

        Args:
            kind: The message type.
        """
        found = self.p95_ms.get(kind)
        return None if found is None else timedelta(milliseconds=found)


def read_usual_runs(
    queues: Collection[str], *, now: datetime, connection: redis.Redis
) -> UsualRuns:
    """What the counters of today and of yesterday say, in two round trips.

    Args:
        queues: Those whose types are wanted; of streams, their families.
        now: The server's time.
        connection: Where.

    Returns:
        The types of which at least 20 runs ended, within 2.5 %.
    """
    begin, end = now - timedelta(days=1), now + timedelta(seconds=1)
    figures = per_type(read_buckets("d", begin, end, queues=queues, connection=connection))
    return UsualRuns(
        {
            kind: p95
            for kind, each in figures.items()
            if each.run.count >= _FEWEST and (p95 := each.run.quantile_ms(0.95)) is not None
        }
    )
