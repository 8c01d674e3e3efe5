"""What ended of queues and streams: in the last day, and in the last minute. Only reads."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitoring.board.depths import Depths
from monitoring.board.lanes import Ended
from monitoring.numbers.buckets import Bucket
from monitoring.numbers.figures import Figures
from monitoring.numbers.pace import per_minute
from monitoring.streams.outcomes import Ends, read_ends
from monitoring.streams.overview import StreamRow
from workers.streams.naming import StreamName
from workers.streams.wire import class_of

MINUTES = 2
"""At the end of the buckets: this one, and the one before."""


def read_ended(buckets: Sequence[Bucket]) -> Callable[[str], Ended]:
    """What ended of queues.

    Args:
        buckets: The hours of the last day, then this minute and the one before.

    Returns:
        Tells it of a queue.
    """
    found: dict[str, dict[str, list[Figures]]] = {}
    for bucket in buckets[:-MINUTES]:
        for stat, figures in bucket.figures.items():
            found.setdefault(stat.queue, {}).setdefault(stat.type, []).append(figures)

    def of(name: str) -> Ended:
        types = found.get(name, {})
        total = Figures.together(each for figures in types.values() for each in figures)
        return Ended(total.finished, total.failed, sorted(types))

    return of


def read_ended_of_streams(
    streams: Sequence[StreamRow],
    buckets: Sequence[Bucket],
    *,
    now: datetime,
    depths: Depths,
    connection: Any,
) -> Mapping[str, Ended]:
    """What ended of streams, by name, in one round trip.

    Args:
        streams: They.
        buckets: As for `read_ended`.
        now: The server's time.
        depths: What was seen of them before.
        connection: Where.
    """
    ends = read_ends([each.name for each in streams], buckets, connection=connection)
    families = read_ended(buckets)
    return {
        each.name.base: _ended(each, ends[each.name.base], families, now, depths)
        for each in streams
    }


def _ended(
    stream: StreamRow,
    ends: Sequence[Ends],
    families: Callable[[str], Ended],
    now: datetime,
    depths: Depths,
) -> Ended:
    day = ends[:-MINUTES]
    minutes = [(each.begin, each.all) for each in ends[-MINUTES:]]
    load = stream.waiting + stream.pending
    return Ended(
        finished=sum(each.finished for each in day),
        failed=sum(each.failed for each in day),
        types=types_of(stream.name) or families(stream.name.family).types,
        minute=per_minute(None, minutes, now=now),
        growth=depths.growth(stream.name.base, load, at=now),
    )


def types_of(name: StreamName) -> Sequence[str]:
    """The message type that a stream's name tells; nothing if it does not.

    Args:
        name: What it says.
    """
    cls = class_of(name.job_type) if name.job_type else None
    return [] if cls is None else [cls.model_fields["message_type"].default]
