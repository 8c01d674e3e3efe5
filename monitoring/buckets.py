"""The engine's counters of minutes, hours and days, as values. Only reads.

`workers/lua/ending.lua` writes them, in the script that ends a run, by Redis' own clock.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeVar

import redis

from monitoring.bucket_fields import Stat, read_fields
from monitoring.errors import InvalidQuery
from monitoring.figures import Figures
from workers import keys

T = TypeVar("T", bound=Hashable)

Resolution = Literal["m", "h", "d"]

SECONDS: Mapping[Resolution, int] = {"m": 60, "h": 3600, "d": 86_400}
"""How long a bucket of each resolution is. Minutes are kept for 7 days, the others for 90."""
MOST_BUCKETS = 1_500
"""Buckets that one call reads at most; a day has 1,440 minutes."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What ended in one minute, hour or day.

    Args:
        begin: When it begins.
        seconds: How long it is.
        figures: Per queue and type.
        tenants: Per tenant, queue and type: how many runs had each outcome.
        failures: Per fingerprint, queue and type: how many attempts failed so.
    """

    begin: datetime
    seconds: int
    figures: Mapping[Stat, Figures] = field(default_factory=dict)
    tenants: Mapping[tuple[str, Stat], Mapping[str, int]] = field(default_factory=dict)
    failures: Mapping[tuple[str, Stat], int] = field(default_factory=dict)


def read_buckets(
    resolution: Resolution, begin: datetime, end: datetime, *, connection: redis.Redis
) -> Sequence[Bucket]:
    """Read the counters of a span of time, in one round trip.

    Args:
        resolution: `m`, `h` or `d`.
        begin: Aware; the bucket that it lies in is the first one.
        end: Aware; the bucket that it lies in is the last one, unless it is that one's begin.
        connection: Where.

    Returns:
        The buckets, oldest first; one in which nothing ended is empty. What is no counter of ours,
        or damaged, is passed over.

    Raises:
        InvalidQuery: If there are more than 1,500.
    """
    begins = _begins(resolution, begin, end)
    with connection.pipeline(transaction=False) as pipe:
        for each in begins:
            pipe.hgetall(keys.stats(resolution, each))
        answers = pipe.execute()
    return [
        _bucket(each, SECONDS[resolution], fields)
        for each, fields in zip(begins, answers, strict=True)
    ]


def per_stat(buckets: Iterable[Bucket]) -> Mapping[Stat, Figures]:
    """The figures of all buckets together, per queue and type."""
    return _grouped(buckets, lambda stat: stat)


def per_queue(buckets: Iterable[Bucket]) -> Mapping[str, Figures]:
    """The same per queue, all types together."""
    return _grouped(buckets, lambda stat: stat.queue)


def per_type(buckets: Iterable[Bucket]) -> Mapping[str, Figures]:
    """The same per type, all queues together."""
    return _grouped(buckets, lambda stat: stat.type)


def altogether(buckets: Iterable[Bucket]) -> Figures:
    """The same of everything."""
    return Figures.together(each for bucket in buckets for each in bucket.figures.values())


def per_tenant(buckets: Iterable[Bucket]) -> Mapping[str, Mapping[str, int]]:
    """Per tenant, how many runs had each outcome; times are not kept per tenant."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for bucket in buckets:
        for (tenant, _), outcomes in bucket.tenants.items():
            found[tenant].update(outcomes)
    return found


def per_fingerprint(buckets: Iterable[Bucket]) -> Mapping[str, Mapping[Stat, int]]:
    """Per fingerprint, how many attempts failed so in each queue and type."""
    found: defaultdict[str, Counter[Stat]] = defaultdict(Counter)
    for bucket in buckets:
        for (fingerprint, stat), count in bucket.failures.items():
            found[fingerprint][stat] += count
    return found


def _begins(resolution: Resolution, begin: datetime, end: datetime) -> Sequence[int]:
    length = SECONDS[resolution]
    first = int(begin.timestamp()) // length * length
    begins = range(first, -int(-end.timestamp() // 1), length)
    if len(begins) > MOST_BUCKETS:
        raise InvalidQuery(
            f"From {begin} to {end} there are {len(begins):,} buckets of {length:,} s.",
            field="begin",
            remedy=f"Ask for at most {MOST_BUCKETS:,}, or for longer ones.",
        )
    return begins


def _bucket(begin: int, seconds: int, fields: Mapping[bytes, bytes]) -> Bucket:
    found = read_fields(fields)
    at = datetime.fromtimestamp(begin, tz=UTC)
    return Bucket(at, seconds, found.figures, found.tenants, found.failures)


def _grouped(buckets: Iterable[Bucket], key: Callable[[Stat], T]) -> Mapping[T, Figures]:
    found: defaultdict[T, list[Figures]] = defaultdict(list)
    for bucket in buckets:
        for stat, figures in bucket.figures.items():
            found[key(stat)].append(figures)
    return {name: Figures.together(every) for name, every in found.items()}
