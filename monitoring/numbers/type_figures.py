"""Every figure of every message type. Only reads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import redis

from monitoring.numbers.buckets import ask_sums, per_type
from monitoring.numbers.figures import Figures
from monitoring.numbers.pace import per_minute
from monitoring.numbers.rates import Sample
from monitoring.numbers.recent import Recent, ask_recent, last_by_type
from monitoring.numbers.type_counts import CountedTypes, TypeCounts, count_types
from monitoring.numbers.windows import Read, Spans, last, timing, window
from monitoring.queues.snapshot import Snapshot, take_snapshot_and
from workers.connection import default_connection, storage_errors
from workers.settings import load_settings

JsonDict = dict[str, Any]

_NOTHING = Figures()
_NO_JOBS = TypeCounts()
_MOST_LISTS = 50  # of recent outcomes; with more queues the list of all of them has to do


def get_type_figures(
    *, connection: redis.Redis | None = None, now: datetime | None = None
) -> Sequence[JsonDict]:
    """Everything that numbers can say of message types.

    Args:
        connection: Where; None means the server that the settings name.
        now: Aware; None means the time by Redis' clock.

    Returns:
        For each type that there are jobs of, or were in the last 7 days: `messageType`, `queues`
        and families of streams in which runs of it ended in these days, `paused` (the type itself,
        in all queues), and the figures of `get_queue_figures`.
        Counts are exact (`countsAreExact`) while there are at most 5,000 jobs on record; else they
        are estimates, from so many evenly taken, and so is `oldestWaitingAge`. In streams nothing
        is counted that waits.
        The last outcomes are those that are listed for the queues, or, with more than 50 queues,
        for all together: then `sampleSize` is below 1,000 where other types end more often.
        It takes 6 round trips, 7 while a pause holds jobs back.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        found = _find(now, connection)
    return [_row(kind, found) for kind in found.kinds]


@dataclass(frozen=True)
class _Found:
    """What was read."""

    snapshot: Snapshot
    read: Read
    counted: CountedTypes
    last_minute: Mapping[str, int] | None
    samples: Mapping[str, Sample]
    windows: Mapping[str, Mapping[str, Figures]]
    times: Mapping[str, Figures]

    @property
    def kinds(self) -> Sequence[str]:
        """All types."""
        ended = (kind for of in self.windows.values() for kind in of)
        return sorted({*self.counted.types, *self.samples, *ended})

    @cached_property
    def minutes(self) -> Sequence[tuple[datetime, Mapping[str, Figures]]]:
        """Two minutes, per type; made only if there are more commits than are listed."""
        return [(each.begin, per_type([each])) for each in self.read.minutes]

    def ended(self, kind: str) -> Iterator[tuple[datetime, int]]:
        """What ended in these minutes."""
        for begin, found in self.minutes:
            yield begin, found.get(kind, _NOTHING).ended


def _find(now: datetime | None, connection: redis.Redis) -> _Found:
    def _ask(pipe: Any, time: datetime, _: Sequence[str]) -> None:
        ask_recent(pipe)
        ask_sums(pipe, Spans(now or time).all)

    snapshot, answers = take_snapshot_and(
        _ask, connection=connection, queues=load_settings().queues
    )
    read = Read(Spans(now or snapshot.time), answers[1:])
    recent = Recent(answers[0])
    queues = {stat.queue for found in read.windows.values() for stat in found.figures}
    return _Found(
        snapshot=snapshot,
        read=read,
        counted=count_types(snapshot, connection=connection),
        last_minute=recent.last_minute(read.spans.now),
        samples=last_by_type(_recents(queues, connection) or [recent]),
        windows={each: per_type([found]) for each, found in read.windows.items()},
        times=per_type([read.timed(None, connection=connection)]),
    )


def _recents(queues: Iterable[str], connection: redis.Redis) -> Sequence[Recent]:
    names = sorted(queues)
    if len(names) > _MOST_LISTS:
        return ()
    with connection.pipeline(transaction=False) as pipe:
        for name in names:
            ask_recent(pipe, name)
        return [Recent(entries) for entries in pipe.execute()]


def _row(kind: str, found: _Found) -> JsonDict:
    spans, counts = found.read.spans, found.counted.types.get(kind, _NO_JOBS)
    listed = None if found.last_minute is None else found.last_minute.get(kind, 0)
    age = None if counts.oldest is None else found.snapshot.time - counts.oldest
    return {
        "messageType": kind,
        "queues": _queues(kind, found.read),
        **_counts(counts),
        "countsAreExact": found.counted.is_exact,
        "paused": any(each.pause.is_of("type", kind) for each in found.snapshot.paused),
        "oldestWaitingAge": None if age is None else max(0, round(age.total_seconds() * 1000)),
        **last(found.samples.get(kind, Sample())),
        "processingRate": per_minute(listed, found.ended(kind), now=spans.now),
        "windows": {each: window(of.get(kind, _NOTHING)) for each, of in found.windows.items()},
        **timing(found.times.get(kind, _NOTHING), spans.since),
    }


def _queues(kind: str, read: Read) -> Sequence[str]:
    stats = (stat for found in read.windows.values() for stat in found.figures)
    return sorted({stat.queue for stat in stats if stat.type == kind})


def _counts(counts: TypeCounts) -> Mapping[str, int]:
    return {
        "waiting": counts.of("waiting", "held"),
        "held": counts.of("held"),
        "active": counts.of("taken", "started"),
        "completed": counts.of("finished"),
        "failed": counts.of("failed"),
        "delayed": counts.of("scheduled"),
        "deferred": counts.of("deferred"),
    }
