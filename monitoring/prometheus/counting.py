"""Counts what ends for as long as anybody scrapes, although the engine's buckets expire.

Minutes that are over are added to what was counted before. Every ten minutes the sum is stored,
with the time that it reaches to; whoever comes later goes on from there, so all processes tell the
same numbers. To store is to compare and set: of several that would, one does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from monitoring.answers import as_text
from monitoring.numbers.bucket_fields import Times, read_times
from monitoring.numbers.buckets import Bucket, sums_from
from monitoring.numbers.spans import SECONDS, Piece, Resolution
from monitoring.prometheus.totals import Totals
from monitoring.streams.reading import Plan, Question, known
from workers import keys, watch_keys
from workers.connection import storage_errors
from workers.errors import StorageRefused
from workers.scripts import script

STORED_EVERY = 600
"""Seconds between two stored sums: so much is read again by who goes on from one."""

_SETTLED = 5  # seconds after which a minute is over also where a replica is asked, which is late
_MINUTES_KEPT = 6 * 86_400  # one day less than the engine keeps them
_HOURS_KEPT = 89 * 86_400
_LONGEST_FIRST: Sequence[Resolution] = ("d", "h", "m")


@dataclass
class Counting:
    """The counting of one process.

    Args:
        stored_at: The time up to which the stored sum reaches, that this counting went on from;
            None if there was none.
        until: The time up to which `totals` reach.
        totals: What ended before that.
        is_stored: Whether the last sum could be stored.
    """

    stored_at: int | None = None
    until: int | None = None
    totals: Totals = field(default_factory=Totals)
    is_stored: bool = True
    _to_store: tuple[int, str] | None = None

    def count(self, stored_at: int | None, now: int) -> Plan[Totals]:
        """Count all that has ended.

        Args:
            stored_at: The time up to which the stored sum reaches now; None if there is none.
            now: Unix seconds by Redis' clock.

        Returns:
            The sums up to now.
        """
        base = yield from self._go_on_from(stored_at, now)
        over = max(base, (now - _SETTLED) // 60 * 60)
        pieces = [*pieces_between(base, over), *(Piece("m", at) for at in range(over, now + 1, 60))]
        answers = yield [_ask(keys.stats(*piece)) for piece in pieces]
        buckets = sums_from(pieces, [known(answer, {}) for answer in answers])
        places = [(at, queue) for at, each in enumerate(buckets) for queue in _queues(each)]
        told = yield [_ask(keys.times(*pieces[at], queue)) for at, queue in places]
        times: list[dict[str, Times]] = [{} for _ in buckets]
        for (at, queue), fields in zip(places, told, strict=True):
            times[at][queue] = read_times(known(fields, {}))
        return self._added(buckets, times, over)

    def store(self, connection: redis.Redis) -> None:
        """Store the sum for others and for later, if it is time to; in one round trip, or none.

        Args:
            connection: Where; it may be one that only reads, then each process counts for itself.
        """
        if self._to_store is None:
            return
        (reaches, text), self._to_store = self._to_store, None
        before = "" if self.stored_at is None else self.stored_at
        keep = script("monitoring.prometheus", "keep")
        try:
            with storage_errors():
                answer: Any = connection.eval(
                    keep, 1, watch_keys.watch_totals(), before, reaches, text
                )
        except StorageRefused:
            self.is_stored = False
            return
        self.is_stored = True
        if answer:
            self.stored_at = reaches

    def _go_on_from(self, stored_at: int | None, now: int) -> Plan[int]:
        if self.until is not None and stored_at == self.stored_at:
            return self.until
        (found,) = yield [lambda pipe: pipe.hmget(watch_keys.watch_totals(), "until", "totals")]
        until, text = known(found, (None, None))
        try:
            self.stored_at = self.until = int(until)
            self.totals = Totals.from_json(text)
        except (TypeError, ValueError):  # none, or one that nobody can read
            self.stored_at = whole(until)
            self.totals, self.until = Totals(), now // STORED_EVERY * STORED_EVERY - STORED_EVERY
        return self.until

    def _added(
        self, buckets: Sequence[Bucket], times: Sequence[dict[str, Times]], over: int
    ) -> Totals:
        due = over // STORED_EVERY * STORED_EVERY
        if self.stored_at is not None and due <= self.stored_at:
            due = 0
        settled = self.totals
        for bucket, found in zip(buckets, times, strict=True):
            begin = bucket.piece.begin
            if begin == due:
                self._to_store = (due, self.totals.as_json())
            if begin == over:
                settled = self.totals.copy()
            (settled if begin >= over else self.totals).add(bucket.figures, found)
        self.until = over
        return settled


def pieces_between(begin: int, end: int) -> Iterator[Piece]:
    """The fewest buckets that are exactly a span of time.

    What the engine keeps no minutes of any more begins with the next hour, or day.

    Args:
        begin: In Unix seconds, at a full minute.
        end: As `begin`.

    Yields:
        Them, oldest first. One begins at each multiple of ten minutes in the last hour.
    """
    at = max(begin, end // 86_400 * 86_400 - _HOURS_KEPT)
    if end - at > _MINUTES_KEPT:
        at = -(-at // 3600) * 3600
    while at < end:
        fitting = (
            each for each in _LONGEST_FIRST if at % SECONDS[each] == 0 and at + SECONDS[each] <= end
        )
        resolution = next(fitting)
        yield Piece(resolution, at)
        at += SECONDS[resolution]


def _ask(key: str) -> Question:
    return lambda pipe: pipe.hgetall(key)


def _queues(bucket: Bucket) -> Sequence[str]:
    return sorted({stat.queue for stat in bucket.figures})


def whole(value: bytes | str | None) -> int | None:
    """A number as Redis stores it; None if it is none."""
    text = as_text(value or b"")
    return int(text) if text.isdecimal() else None
