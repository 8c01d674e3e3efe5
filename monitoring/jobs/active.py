"""The jobs that workers have in hand, of the queues that somebody looks at. Only reads."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import redis

from monitoring.answers import as_text, as_time
from monitoring.jobs.running import job_of
from monitoring.queues.snapshot import queue_lists, started
from monitoring.queues.stats import message_type_of
from workers import keys
from workers.clock import shown_time

JsonDict = dict[str, Any]

MOST_SHOWN = 50
"""Jobs of one queue; those that were taken first come first."""

_FIELDS = ("status", "description", "started_at", "worker_name")
_STARTED = b"started"
_UNTOLD = "9999"  # sorts behind every time


def read_active_jobs(
    queues: Collection[str], *, connection: redis.Redis
) -> Mapping[str, Sequence[JsonDict]]:
    """What runs in some queues, in two round trips; none if there are no queues.

    Args:
        queues: Their names.
        connection: Where.

    Returns:
        By queue at most `MOST_SHOWN` jobs, the one that began first before the others: `jobId`,
        `jobName` (the message type; RQ's description of a foreign job), `startedAt` (ISO 8601) and
        `worker`, both None while a job is leased and not seen to run.
    """
    if not queues:
        return {}
    taken = _taken(queues, connection)
    records = _records([job for jobs in taken.values() for job in jobs], connection)
    return {
        queue: sorted((records[job] for job in jobs if job in records), key=_began)
        for queue, jobs in taken.items()
    }


def _taken(queues: Collection[str], connection: redis.Redis) -> Mapping[str, Sequence[str]]:
    with connection.pipeline(transaction=False) as pipe:
        for queue in queues:
            for name in queue_lists(queue):
                pipe.zrange(started(name), 0, MOST_SHOWN - 1, withscores=True)
        answers = iter(pipe.execute())
    return {queue: _first([next(answers) for _ in queue_lists(queue)]) for queue in queues}


def _first(lists: Sequence[Sequence[tuple[bytes, float]]]) -> Sequence[str]:
    by_score = sorted((score, token) for tokens in lists for token, score in tokens)
    found = dict.fromkeys(job_of(as_text(token)) for _, token in by_score)
    return list(found)[:MOST_SHOWN]


def _records(job_ids: Sequence[str], connection: redis.Redis) -> Mapping[str, JsonDict]:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in job_ids:
            pipe.hmget(keys.job(job_id), _FIELDS)
        answers = pipe.execute()
    pairs = zip(job_ids, answers, strict=True)
    return {job_id: _shown(job_id, *values) for job_id, values in pairs if values[0]}


def _shown(
    job_id: str, status: bytes, described: bytes | None, began: bytes | None, worker: bytes | None
) -> JsonDict:
    time = as_time(began) if status == _STARTED else None
    return {
        "jobId": job_id,
        "jobName": message_type_of(described) or as_text(described or b""),
        "startedAt": shown_time(time) if time else None,
        "worker": as_text(worker) if worker and status == _STARTED else None,
    }


def _began(job: JsonDict) -> str:
    return job["startedAt"] or _UNTOLD
