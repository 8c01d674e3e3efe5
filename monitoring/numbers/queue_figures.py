"""Every figure of every queue. Only reads."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import redis

from monitoring.errors import unknown_queue
from monitoring.numbers.buckets import ask_sums, per_queue
from monitoring.numbers.figures import Figures
from monitoring.numbers.pace import per_minute
from monitoring.numbers.recent import Recent, ask_recent
from monitoring.numbers.windows import Read, Spans, last, timing, window
from monitoring.queues.many_lists import oldest_waiting
from monitoring.queues.snapshot import (
    Counts,
    Snapshot,
    queue_lists,
    take_snapshot_and,
)
from workers.connection import default_connection, storage_errors
from workers.routing import queue_of
from workers.settings import load_settings

JsonDict = dict[str, Any]

_NOTHING = Figures()


def get_queue_figures(
    queues: Collection[str] | None = None,
    *,
    connection: redis.Redis | None = None,
    now: datetime | None = None,
) -> Sequence[JsonDict]:
    """Everything that numbers can say of queues.

    Args:
        queues: Names of queues, or of lists of theirs; None means all.
        connection: Where; None means the server that the settings name.
        now: Aware; None means the time by Redis' clock.

    Returns:
        For each queue: `queueName`; now `waiting`, of these `held` by a pause, `active`,
        `delayed`, `deferred`, `paused`, and `oldestWaitingAge` in ms (None if none waits; of the
        first five of each list); still on record `completed` and `failed`.
        `successRate` and `errorRate`, per cent of the last `sampleSize` outcomes, 1,000 at most;
        `processingRate`, outcomes of the last 60 s.
        `windows`: for `1h`, `24h` and `7d`, exactly, `successful`, `failed`, `total`,
        `successRate`, `errorRate`, `avgProcessingTime` in ms; the first two may be longer by less
        than a minute, the last by less than an hour.
        From the begin of the hour before this one, which is told as `since`: `avgProcessingTime`,
        and for `run` and `wait` `count`, `average`, `p50`, `p95`, `p99` in ms, None if there is
        nothing; percentiles within 2.5 %. Retries count in none of them.
        It takes 5 round trips, 6 while a pause holds jobs back.

    Raises:
        QueueNotFound: If the settings do not name a queue and it was never used.
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        asked = None if queues is None else {queue_of(name) for name in queues}
        found = _find(asked, now, connection)
    return [_row(name, found) for name in found.names]


@dataclass(frozen=True)
class _Found:
    """What was read."""

    names: Sequence[str]
    snapshot: Snapshot
    read: Read
    recent: Mapping[str, Recent]
    windows: Mapping[str, Mapping[str, Figures]]
    times: Mapping[str, Figures]
    ages: Mapping[str, float]

    @cached_property
    def minutes(self) -> Sequence[tuple[datetime, Mapping[str, Figures]]]:
        """Two minutes, per queue; made only if a queue has more commits than are listed."""
        return [(each.begin, per_queue([each])) for each in self.read.minutes]

    def ended(self, name: str) -> Iterator[tuple[datetime, int]]:
        """What ended in these minutes."""
        for begin, found in self.minutes:
            yield begin, found.get(name, _NOTHING).ended


def _find(asked: Collection[str] | None, now: datetime | None, connection: redis.Redis) -> _Found:
    def _ask(pipe: Any, time: datetime, names: Sequence[str]) -> None:
        ask_sums(pipe, Spans(now or time).all)
        for name in _wanted(names, asked):
            ask_recent(pipe, name)

    snapshot, answers = take_snapshot_and(
        _ask, connection=connection, queues=load_settings().queues
    )
    names, spans = _wanted(tuple(snapshot.queues), asked), Spans(now or snapshot.time)
    sums, entries = answers[: len(spans.all)], answers[len(spans.all) :]
    read = Read(spans, sums)
    lists = [name for queue in names for name in queue_lists(queue)]
    return _Found(
        names=names,
        snapshot=snapshot,
        read=read,
        recent=dict(zip(names, map(Recent, entries), strict=True)),
        windows={each: per_queue([found]) for each, found in read.windows.items()},
        times=per_queue([read.timed(names, connection=connection)]),
        ages=oldest_waiting(lists, time=snapshot.time, connection=connection),
    )


def _wanted(names: Sequence[str], asked: Collection[str] | None) -> Sequence[str]:
    if asked is None:
        return names
    for name in asked:
        if name not in names:
            raise unknown_queue(name, names)
    return [name for name in names if name in asked]


def _row(name: str, found: _Found) -> JsonDict:
    ages = [found.ages[each] for each in queue_lists(name) if each in found.ages]
    recent, spans = found.recent[name], found.read.spans
    return {
        "queueName": name,
        **_counts(found.snapshot.queues[name].total),
        "paused": found.snapshot.is_paused(name),
        "oldestWaitingAge": round(max(ages) * 1000) if ages else None,
        **last(recent.last()),
        "processingRate": per_minute(recent.ended(spans.now), found.ended(name), now=spans.now),
        "windows": {each: window(of.get(name, _NOTHING)) for each, of in found.windows.items()},
        **timing(found.times.get(name, _NOTHING), spans.since),
    }


def _counts(counts: Counts) -> Mapping[str, int]:
    return {
        "waiting": counts.waiting + counts.held,
        "held": counts.held,
        "active": counts.taken + counts.started,
        "completed": counts.finished,
        "failed": counts.failed,
        "delayed": counts.scheduled,
        "deferred": counts.deferred,
    }
