"""What ended minute by minute, hour by hour or day by day, for charts. Only reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from monitoring.answers import server_time, shown_time
from monitoring.errors import InvalidQuery, unknown_queue
from monitoring.numbers.bucket_fields import Stat
from monitoring.numbers.buckets import Bucket, read_histograms, read_sums
from monitoring.numbers.deploys import ask_deploys, deploys_from
from monitoring.numbers.figures import Figures
from monitoring.numbers.rates import Sample
from monitoring.numbers.seen_types import check_seen_type, has_ended
from monitoring.numbers.spans import SECONDS, Piece, Resolution
from monitoring.numbers.windows import milliseconds
from monitoring.queues.snapshot import queue_names
from workers import keys
from workers.connection import default_connection, storage_errors
from workers.settings import load_settings

JsonDict = dict[str, Any]

MOST_HISTOGRAMS = 2_000
"""Histograms that one call reads at most: one a point and queue."""


@dataclass(frozen=True)
class Step:
    """How far apart points are.

    Args:
        resolution: Of their buckets.
        usual: How many points there are if nobody says.
        most: How many there may be; there is nothing before.
    """

    resolution: Resolution
    usual: int
    most: int


STEPS: Mapping[str, Step] = {
    "minute": Step("m", 60, 1_440),
    "hour": Step("h", 24, 720),
    "day": Step("d", 30, 90),
}


def get_series(  # noqa: PLR0913 - what is asked for, and where
    step: str = "hour",
    points: int | None = None,
    *,
    queue: str | None = None,
    message_type: str | None = None,
    connection: redis.Redis | None = None,
    now: datetime | None = None,
) -> JsonDict:
    """What a chart of outcomes, run and wait shows.

    Args:
        step: `minute`, `hour` or `day`, by UTC.
        points: How many: 1 to 1,440 minutes, 720 hours or 90 days; None means 60, 24 or 30.
        queue: Of this queue, or family of streams, only.
        message_type: Of this type only.
        connection: Where; None means the server that the settings name.
        now: Aware; None means the time by Redis' clock.

    Returns:
        `step`, `queue`, `messageType`; `points`, oldest first, the last one not over: `at` (its
        begin), `successful`, `failed`, `retried`, `successRate`, and in ms `avgProcessingTime`,
        `runP50`, `runP95`, `runP99`, `waitP50`, `waitP95`, `waitP99`, None where nothing ended;
        `deploys`, those of that time, as `get_deploys` tells them. Percentiles are within 2.5 %,
        all else is exact; retries count as `retried` only.
        With more than 2,000 histograms to read, of all queues, the oldest points have no
        percentiles: then `percentilesSince` is later than the first point. Ask for one queue.
        It takes 3 round trips, and up to 9 more for a type of which nothing ended in that time.

    Raises:
        InvalidQuery: If there is no such step, or the points are out of range.
        QueueNotFound: If the settings do not name the queue, it was never used, and nothing of it
            ended in that time.
        TypeNotFound: If nobody knows the type, nothing of it ended in the last 90 days, and no job
            of it is on record.
        StorageUnavailable: If Redis does not answer.
    """
    asked, count = _checked(step, points)
    connection = connection or default_connection()
    with storage_errors():
        with connection.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.smembers(keys.queues())
            ask_deploys(pipe)
            clock, used, *marks = pipe.execute()
        end = now or server_time(clock)
        sums = read_sums(_pieces(asked, count, end), connection=connection)
        _check_queue(queue, used, sums)
        if message_type is not None and not has_ended(message_type, sums):
            days = _pieces(STEPS["day"], STEPS["day"].most, end)
            check_seen_type(message_type, days, connection=connection)
        found = [only(each, queue, message_type) for each in sums]
        first = first_read(found)
        read = read_histograms(found[first:], connection=connection)
    begin = found[0].begin
    return {
        "step": step,
        "queue": queue,
        "messageType": message_type,
        "points": [_point(each) for each in (*found[:first], *read)],
        "percentilesSince": shown_time(found[first].begin),
        "deploys": [each.shown() for each in deploys_from(*marks) if each.at >= begin],
    }


def _checked(step: str, points: int | None) -> tuple[Step, int]:
    if step not in STEPS:
        raise InvalidQuery(f"step is {step!r}.", field="step", remedy=f"Use {', '.join(STEPS)}.")
    asked = STEPS[step]
    count = asked.usual if points is None else points
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= asked.most:
        raise InvalidQuery(
            f"points is {points!r}.",
            field="points",
            remedy=f"Use an integer from 1 to {asked.most:,}.",
        )
    return asked, count


def _pieces(step: Step, count: int, now: datetime) -> Sequence[Piece]:
    length = SECONDS[step.resolution]
    last = int(now.timestamp()) // length * length
    return [Piece(step.resolution, last - at * length) for at in reversed(range(count))]


def _check_queue(queue: str | None, used: Iterable[bytes], sums: Iterable[Bucket]) -> None:
    if queue is None:
        return
    names = queue_names(load_settings().queues, used)
    if queue not in names and all(stat.queue != queue for each in sums for stat in each.figures):
        raise unknown_queue(queue, names)


def only(bucket: Bucket, queue: str | None, message_type: str | None) -> Bucket:
    """The part of a bucket that is of a queue and a type.

    Args:
        bucket: Of all.
        queue: None means any, as for the type.
        message_type: Its wire name.
    """

    def is_asked(stat: Stat) -> bool:
        return queue in {None, stat.queue} and message_type in {None, stat.type}

    figures = {stat: each for stat, each in bucket.figures.items() if is_asked(stat)}
    return Bucket(bucket.piece, figures)


def first_read(buckets: Sequence[Bucket]) -> int:
    """From which bucket on histograms are read, so that they are at most 2,000.

    Args:
        buckets: Oldest first, one or more.

    Returns:
        Its place.
    """
    left = MOST_HISTOGRAMS
    for at in reversed(range(len(buckets))):
        left -= len({stat.queue for stat in buckets[at].figures})
        if left < 0:
            return min(at + 1, len(buckets) - 1)
    return 0


def _point(bucket: Bucket) -> JsonDict:
    figures = Figures.together(bucket.figures.values())
    sample, run, wait = Sample(figures.finished, figures.failed), figures.run, figures.wait
    return {
        "at": shown_time(bucket.begin),
        "successful": sample.finished,
        "failed": sample.failed,
        "retried": figures.count("retried"),
        "successRate": sample.success_rate,
        "avgProcessingTime": milliseconds(run.average_ms),
        "runP50": milliseconds(run.quantile_ms(0.5)),
        "runP95": milliseconds(run.quantile_ms(0.95)),
        "runP99": milliseconds(run.quantile_ms(0.99)),
        "waitP50": milliseconds(wait.quantile_ms(0.5)),
        "waitP95": milliseconds(wait.quantile_ms(0.95)),
        "waitP99": milliseconds(wait.quantile_ms(0.99)),
    }
