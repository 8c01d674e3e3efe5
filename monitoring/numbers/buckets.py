"""The engine's counters of minutes, hours and days, as values. Only reads.

`workers/lua/ending.lua` writes them, in the script that ends a run, by Redis' own clock.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import redis

from monitoring.numbers import bucket_fields
from monitoring.numbers.bucket_fields import Fields, Stat, Sums, read_times, with_times
from monitoring.numbers.figures import Figures
from monitoring.numbers.spans import SECONDS, Piece, Resolution, pieces_of
from workers import keys

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What ended in one minute, hour or day.

    Args:
        piece: Which one.
        figures: Per queue and type.
    """

    piece: Piece
    figures: Mapping[Stat, Figures] = field(default_factory=dict)

    @property
    def begin(self) -> datetime:
        """When it begins, by Redis' clock."""
        return datetime.fromtimestamp(self.piece.begin, tz=UTC)

    @property
    def seconds(self) -> int:
        """How long it is."""
        return SECONDS[self.piece.resolution]


Counted = Bucket | Sums
"""One bucket, or several that were read as one."""


def read_buckets(
    resolution: Resolution,
    begin: datetime,
    end: datetime,
    *,
    queues: Collection[str] | None = None,
    connection: redis.Redis,
) -> Sequence[Bucket]:
    """Read the counters of a span of time with their histograms, in two round trips.

    One hash is read for each bucket and each queue that was busy then: for hundreds of queues ask
    for few buckets, such as two days or two hours, or for `read_sums`, or name the queues.

    Args:
        resolution: `m`, `h` or `d`.
        begin: Aware; the bucket that it lies in is the first one.
        end: Aware; the bucket that it lies in is the last one, unless it is that one's begin.
        queues: Whose figures; None means all.
        connection: Where.

    Returns:
        The buckets, oldest first; one in which nothing ended is empty. What is no counter of ours,
        or damaged, is passed over.

    Raises:
        InvalidQuery: If there are more than 1,500.
    """
    sums = read_sums(pieces_of(resolution, begin, end), connection=connection)
    return read_histograms(sums, queues=queues, connection=connection)


def read_sums(pieces: Sequence[Piece], *, connection: redis.Redis) -> Sequence[Bucket]:
    """Read counters without histograms, in one round trip.

    Args:
        pieces: See `pieces_of` and `cover` in `spans`.
        connection: Where.

    Returns:
        A bucket for each piece. Counts are there, and the average of runs; percentiles and the
        average of waits are None.
    """
    with connection.pipeline(transaction=False) as pipe:
        ask_sums(pipe, pieces)
        return sums_from(pieces, pipe.execute())


def ask_sums(pipe: Any, pieces: Iterable[Piece]) -> None:
    """Put the questions of `read_sums` on a pipeline of the caller's, one for each piece."""
    for piece in pieces:
        pipe.hgetall(keys.stats(piece.resolution, piece.begin))


def read_total(pieces: Sequence[Piece], *, connection: redis.Redis) -> Sums:
    """Read the counters of several buckets as one, without histograms, in one round trip.

    Args:
        pieces: As for `read_sums`.
        connection: Where.
    """
    with connection.pipeline(transaction=False) as pipe:
        ask_sums(pipe, pieces)
        return bucket_fields.read_sums(*pipe.execute())


def sums_from(pieces: Sequence[Piece], answers: Iterable[Any]) -> Sequence[Bucket]:
    """What was answered to `ask_sums`."""
    return [_bucket(piece, fields) for piece, fields in zip(pieces, answers, strict=True)]


def read_histograms(
    buckets: Sequence[Bucket],
    *,
    queues: Collection[str] | None = None,
    connection: redis.Redis,
) -> Sequence[Bucket]:
    """The same buckets with their histograms, in one round trip.

    Args:
        buckets: As `read_sums` returns them.
        queues: Whose figures; None means all, and those of others are left out.
        connection: Where.
    """
    wanted = [(at, queue) for at, each in enumerate(buckets) for queue in _queues(each, queues)]
    with connection.pipeline(transaction=False) as pipe:
        for at, queue in wanted:
            pipe.hgetall(keys.times(*buckets[at].piece, queue))
        answers = pipe.execute()
    times = {place: read_times(fields) for place, fields in zip(wanted, answers, strict=True)}
    return [
        replace(
            each,
            figures={
                stat: with_times(figures, stat.type, times[at, stat.queue])
                for stat, figures in each.figures.items()
                if (at, stat.queue) in times
            },
        )
        for at, each in enumerate(buckets)
    ]


def read_total_histograms(
    pieces: Sequence[Piece],
    total: Sums,
    *,
    queues: Collection[str] | None = None,
    connection: redis.Redis,
) -> Sums:
    """The histograms of several buckets as one, in one round trip.

    Args:
        pieces: The buckets.
        total: Their sums as one.
        queues: As for `read_histograms`.
        connection: Where.
    """
    wanted = sorted(_queues(total, queues))
    with connection.pipeline(transaction=False) as pipe:
        for queue in wanted:
            for piece in pieces:
                pipe.hgetall(keys.times(*piece, queue))
        answers = iter(pipe.execute())
    times = {queue: read_times(*islice(answers, len(pieces))) for queue in wanted}
    figures = {
        stat: with_times(each, stat.type, times[stat.queue])
        for stat, each in total.figures.items()
        if stat.queue in times
    }
    return replace(total, figures=figures)


def per_stat(counted: Iterable[Counted]) -> Mapping[Stat, Figures]:
    """The figures of all buckets together, per queue and type."""
    return _grouped(counted, lambda stat: stat)


def per_queue(counted: Iterable[Counted]) -> Mapping[str, Figures]:
    """The same per queue, all types together."""
    return _grouped(counted, lambda stat: stat.queue)


def per_type(counted: Iterable[Counted]) -> Mapping[str, Figures]:
    """The same per type, all queues together."""
    return _grouped(counted, lambda stat: stat.type)


def _bucket(piece: Piece, fields: Fields) -> Bucket:
    return Bucket(piece, bucket_fields.read_sums(fields).figures)


def _queues(bucket: Counted, asked: Collection[str] | None) -> Collection[str]:
    there = {stat.queue for stat in bucket.figures}
    return there if asked is None else there.intersection(asked)


def _grouped(counted: Iterable[Counted], key: Callable[[Stat], T]) -> Mapping[T, Figures]:
    found: defaultdict[T, list[Figures]] = defaultdict(list)
    for bucket in counted:
        for stat, figures in bucket.figures.items():
            found[key(stat)].append(figures)
    return {name: Figures.together(every) for name, every in found.items()}
