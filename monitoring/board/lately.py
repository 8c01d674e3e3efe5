"""What ended in the last hour and the last day, for the charts of the board. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis

from monitoring.answers import shown_time
from monitoring.numbers.buckets import Bucket, per_type, read_histograms, read_sums
from monitoring.numbers.figures import Figures
from monitoring.numbers.spans import pieces_of

JsonDict = dict[str, Any]

MINUTES = 60
HOURS = 25
"""The last day, and of the day before the hour that it is now."""


@dataclass(frozen=True)
class Lately:
    """What ended lately.

    Args:
        minutes: The last 60, oldest first; the last one is not over.
        hours: The last 25 likewise.
        runs: How long the runs of each type took, in this hour and the one before.
    """

    minutes: Sequence[Bucket]
    hours: Sequence[Bucket]
    runs: Mapping[str, Figures]

    def of_types(self) -> Mapping[str, tuple[int, int]]:
        """By type, how many jobs of the last 60 minutes succeeded, and how many failed."""
        found = per_type(self.minutes)
        return {kind: (each.finished, each.failed) for kind, each in found.items()}


def read_lately(*, now: datetime, connection: redis.Redis) -> Lately:
    """Read the counters, in two round trips.

    Args:
        now: The server's time.
        connection: Where.
    """
    end = now + timedelta(milliseconds=1)
    minutes = pieces_of("m", now - timedelta(minutes=MINUTES - 1), end)
    hours = pieces_of("h", now - timedelta(hours=HOURS - 1), end)
    sums = read_sums([*minutes, *hours], connection=connection)
    timed = read_histograms(sums[-2:], connection=connection)
    return Lately(sums[: len(minutes)], sums[len(minutes) :], per_type(timed))


def read_outcomes(*, hours: bool, now: datetime, connection: redis.Redis) -> Sequence[Bucket]:
    """Read the counters of one chart, in one round trip.

    Args:
        hours: Whether the last 24 hours, by hours; else the last 60 minutes.
        now: The server's time.
        connection: Where.
    """
    end = now + timedelta(milliseconds=1)
    if hours:
        pieces = pieces_of("h", now - timedelta(hours=HOURS - 2), end)
    else:
        pieces = pieces_of("m", now - timedelta(minutes=MINUTES - 1), end)
    return read_sums(pieces, connection=connection)


def points(
    buckets: Sequence[Bucket], queue: str | None = None, kind: str | None = None
) -> Sequence[JsonDict]:
    """What a chart of outcomes is drawn from.

    Args:
        buckets: Oldest first.
        queue: Only of this queue, or family of streams.
        kind: Only of this message type.

    Returns:
        For each `at` (its begin), `successful`, `failed`, and `retried`, the runs that failed and
        are followed by another attempt.
    """
    return [_point(each, queue, kind) for each in buckets]


def _point(bucket: Bucket, queue: str | None, kind: str | None) -> JsonDict:
    asked = (
        figures
        for stat, figures in bucket.figures.items()
        if queue in {None, stat.queue} and kind in {None, stat.type}
    )
    total = Figures.together(asked)
    return {
        "at": shown_time(bucket.begin),
        "successful": total.finished,
        "failed": total.failed,
        "retried": total.count("retried"),
    }
