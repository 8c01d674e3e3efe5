"""What ended in a period, and in the one before it, with how long it took. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis

from monitoring.numbers.buckets import Bucket, ask_sums, per_type, read_histograms, sums_from
from monitoring.numbers.deploys import Deploy, ask_deploys, deploys_from
from monitoring.numbers.figures import Figures
from monitoring.numbers.periods import period_of
from monitoring.numbers.series import first_read, only
from monitoring.numbers.spans import SECONDS, Piece, Resolution

_PIECES: Mapping[str, tuple[Resolution, int]] = {"24h": ("h", 24), "7d": ("d", 7), "30d": ("d", 30)}


@dataclass(frozen=True)
class Compared:
    """Two periods, one after the other.

    Args:
        before: The earlier one, in hours or days, oldest first.
        buckets: The later one; its last hour or day is not over.
        deploys: Releases in the later one, oldest first.
        has_times: Whether the histograms of all hours or days were read.
    """

    before: Sequence[Bucket]
    buckets: Sequence[Bucket]
    deploys: Sequence[Deploy] = ()
    has_times: bool = True

    @property
    def since(self) -> datetime:
        """When the later period begins."""
        return self.buckets[0].begin

    @property
    def types(self) -> Mapping[str, Figures]:
        """What ended in the later period, by type."""
        return per_type(self.buckets)

    @property
    def types_before(self) -> Mapping[str, Figures]:
        """What ended in the earlier one, by type."""
        return per_type(self.before)

    def around(self, moment: datetime) -> tuple[Mapping[str, Figures], Mapping[str, Figures]]:
        """What ended by type, before a moment and after it.

        Args:
            moment: The hour or the day that it lies in counts as after it.
        """

        def is_before(bucket: Bucket) -> bool:
            return bucket.begin + timedelta(seconds=bucket.seconds) <= moment

        every = [*self.before, *self.buckets]
        return (
            per_type([each for each in every if is_before(each)]),
            per_type([each for each in every if not is_before(each)]),
        )


def read_compared(
    period: str,
    *,
    queue: str | None = None,
    message_type: str | None = None,
    now: datetime,
    connection: redis.Redis,
) -> Compared:
    """Read two periods, in 2 round trips.

    Args:
        period: `24h` in hours, or `7d` or `30d` in days, by UTC, until now.
        queue: Of this queue, or family of streams, only.
        message_type: Of this type only.
        now: Aware.
        connection: Where.

    Returns:
        Both, with the histograms of at most 2,000 hours or days of queues, the newest first.

    Raises:
        InvalidQuery: If there is no such period.
    """
    period_of(period)
    resolution, count = _PIECES[period]
    length = SECONDS[resolution]
    last = int(now.timestamp()) // length * length
    pieces = [Piece(resolution, last - at * length) for at in reversed(range(2 * count))]
    sums, marks = _read(pieces, connection)
    found = [only(each, queue, message_type) for each in sums]
    first = first_read(found)
    every = [*found[:first], *read_histograms(found[first:], connection=connection)]
    before, buckets = every[:count], every[count:]
    since = buckets[0].begin
    return Compared(before, buckets, [each for each in marks if each.at >= since], not first)


def _read(
    pieces: Sequence[Piece], connection: redis.Redis
) -> tuple[Sequence[Bucket], Sequence[Deploy]]:
    with connection.pipeline(transaction=False) as pipe:
        ask_sums(pipe, pieces)
        ask_deploys(pipe)
        *sums, entries, releases = pipe.execute()
    return sums_from(pieces, sums), deploys_from(entries, releases)
