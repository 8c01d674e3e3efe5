"""Why scheduled jobs wait for another attempt. Only reads."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from monitoring.answers import as_text
from monitoring.explain.facts import Retries
from monitoring.queues.snapshot import Snapshot
from monitoring.queues.stats import message_type_of
from monitoring.words import first_line
from workers import keys
from workers.attempts import AttemptRecord
from workers.fingerprint import normal_text
from workers.routing import list_name

MOST_JOBS = 200
"""Scheduled jobs that are looked at in all, those that are due first."""
_SHOWN = 3  # kinds of errors of one queue


@dataclass(frozen=True)
class LookedAt:
    """What the scheduled jobs of a queue wait for.

    Args:
        count: How many were looked at.
        retries: Of these, those that were tried before, the most frequent error first.
    """

    count: int = 0
    retries: Sequence[Retries] = ()


def read_retries(
    queues: Iterable[str], snapshot: Snapshot, *, connection: redis.Redis
) -> Mapping[str, LookedAt]:
    """Look at scheduled jobs, in two round trips.

    Args:
        queues: Which.
        snapshot: Where there are scheduled ones.
        connection: Where.

    Returns:
        By queue; a fair share of `MOST_JOBS` for each list.
    """
    places = list(_places(queues, snapshot))
    share = max(1, MOST_JOBS // max(1, len(places)))
    with connection.pipeline(transaction=False) as pipe:
        for _, name in places:
            pipe.zrange(keys.scheduled(name), 0, share - 1)
        answers = pipe.execute()
    jobs = [
        (queue, as_text(job_id))
        for (queue, _), ids in zip(places, answers, strict=True)
        for job_id in ids
    ]
    with connection.pipeline(transaction=False) as pipe:
        for _, job_id in jobs:
            pipe.lindex(keys.attempts(job_id), -1)
            pipe.hget(keys.job(job_id), "description")
        told = iter(pipe.execute())
    found: dict[str, list[tuple[AttemptRecord | None, str]]] = {}
    for (queue, _), attempt, description in zip(jobs, told, told, strict=True):
        kind = message_type_of(description) or "what is no message"
        found.setdefault(queue, []).append((_record(attempt), kind))
    return {queue: LookedAt(len(each), _grouped(each)) for queue, each in found.items()}


def _places(queues: Iterable[str], snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for queue in queues:
        for priority, counts in snapshot.queues[queue].lists.items():
            if counts.scheduled:
                yield queue, list_name(queue, priority)


def _grouped(jobs: Iterable[tuple[AttemptRecord | None, str]]) -> Sequence[Retries]:
    newest: dict[tuple[str, ...], tuple[AttemptRecord, str]] = {}
    counts: Counter[tuple[str, ...]] = Counter()
    for record, kind in jobs:
        if record is not None:
            alike = (kind, record.outcome, record.error_type, normal_text(record.error))
            newest.setdefault(alike, (record, kind))
            counts[alike] += 1
    return [_retries(*newest[alike], count) for alike, count in counts.most_common(_SHOWN)]


def _retries(record: AttemptRecord, kind: str, count: int) -> Retries:
    error = first_line(record.error, record.error_type)
    return Retries(count, kind, error, record.outcome, record.code_version)


def _record(stored: Any) -> AttemptRecord | None:
    try:
        return AttemptRecord(**json.loads(stored)) if stored is not None else None
    except (ValueError, TypeError):
        return None
