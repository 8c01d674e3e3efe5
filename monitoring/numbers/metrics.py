"""All queues in numbers, in the shape of requirement 001. Only reads."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import redis

from monitoring.answers import shown_time
from monitoring.numbers.buckets import ask_sums, sums_from
from monitoring.numbers.pace import per_minute
from monitoring.numbers.recent import MINUTE, Recent, ask_recent
from monitoring.numbers.spans import pieces_of
from monitoring.queues.snapshot import Counts, Snapshot, take_snapshot_and
from workers.connection import default_connection, storage_errors
from workers.settings import load_settings

JsonDict = dict[str, Any]


def get_metrics(*, connection: redis.Redis | None = None, now: datetime | None = None) -> JsonDict:
    """What `GET /admin/jobs/metrics` of requirement 001 tells.

    Args:
        connection: Where; None means the server that the settings name.
        now: Aware; None means the time by Redis' clock.

    Returns:
        `timestamp` (ISO 8601 with ms and Z); `queues`, for each queue of the settings or that was
        ever used: `queueName`, `waiting` (with those that a pause holds back), `active` (in the
        hands of a worker), `completed`, `failed` (both still on record, not all there ever were:
        these are in `get_trends`), `delayed` (due later), `paused` (the whole queue); `totals`, the
        same added up; `successRate`, per cent of the last 1,000 outcomes that were no failure for
        good, two decimals, retries not counted, 100 if there are none; `processingRate`, outcomes
        of the last 60 s, one decimal. Both rates are those of queues and streams together, from
        the engine's own lists: RQ's registries forget. More than 1,000 commits in 60 s are told
        from the counters of the last two minutes, as if evenly spread.
        It takes 2 round trips, 3 while a pause holds jobs back.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        snapshot, answers = take_snapshot_and(
            lambda pipe, time, _: _ask(pipe, now or time),
            connection=connection,
            queues=load_settings().queues,
        )
    at = now or snapshot.time
    recent, minutes = Recent(answers[0]), _minutes(answers[1:], at)
    return {
        "timestamp": shown_time(at),
        "queues": [_queue(name, snapshot) for name in snapshot.queues],
        "totals": counted(snapshot.total),
        "successRate": recent.last().success_rate,
        "processingRate": per_minute(recent.ended(at), minutes, now=at),
    }


def counted(counts: Counts) -> Mapping[str, int]:
    """Counts under the names of requirement 001.

    Args:
        counts: Of a queue, or of all.
    """
    return {
        "waiting": counts.waiting + counts.held,
        "active": counts.taken + counts.started,
        "completed": counts.finished,
        "failed": counts.failed,
        "delayed": counts.scheduled,
    }


def _queue(name: str, snapshot: Snapshot) -> JsonDict:
    return {
        "queueName": name,
        **counted(snapshot.queues[name].total),
        "paused": snapshot.is_paused(name),
    }


def _ask(pipe: Any, now: datetime) -> None:
    ask_recent(pipe)
    ask_sums(pipe, pieces_of("m", now - MINUTE, now))


def _minutes(fields: Sequence[Any], now: datetime) -> Iterator[tuple[datetime, int]]:
    # Made only where it is needed: to understand two minutes of 200 queues takes some ms.
    for each in sums_from(pieces_of("m", now - MINUTE, now), fields):
        yield each.begin, sum(figures.ended for figures in each.figures.values())
