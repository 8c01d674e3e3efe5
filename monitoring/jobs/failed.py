"""The jobs that failed, and why, in a line each. Only reads."""

import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import redis

from monitoring.answers import as_text, as_time
from monitoring.queues.snapshot import queue_lists, take_snapshot
from monitoring.queues.stats import message_type_of
from monitoring.words import first_line
from workers import dead_letters, keys
from workers.clock import shown_text, shown_time
from workers.connection import default_connection, storage_errors
from workers.dead_letters import DeadLetter
from workers.dead_letters.letter import letter_of
from workers.routing import queue_of
from workers.settings import load_settings

JsonDict = dict[str, Any]

_LETTERS = 50  # the newest, for those whose job has no record any more
_TEXT = 64_000  # bytes looked at of an unpacked traceback
_FIELDS = ("status", "description", "ended_at")


def get_failed_jobs(limit: int = 10, *, connection: redis.Redis | None = None) -> JsonDict:
    """The newest failures of each queue.

    Args:
        limit: How many of each queue, 1 to 100.
        connection: Where; None means the server that the settings name.

    Returns:
        By queue, those without failures left out: `count`, how many failed jobs are on record,
        and `jobs`, the newest first: `jobId`, `messageType`, `reason` (that of the dead letter;
        RQ's status where there is none), `error` (one line) and `failedAt` (ISO 8601).

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        snapshot = take_snapshot(connection=connection, queues=load_settings().queues)
        failed = {name: queue.total.failed for name, queue in snapshot.queues.items()}
        ids = _newest_ids([name for name, count in failed.items() if count], limit, connection)
        jobs: dict[str, list[JsonDict]] = {name: [] for name in failed}
        for job_id, job in _described([*ids], connection):
            jobs[ids[job_id]].append(job)
        for letter in dead_letters.newest(_LETTERS, connection=connection):
            if letter.job_id not in ids:
                jobs.setdefault(queue_of(letter.queue), []).append(_of_letter(letter))
    return {
        name: {"count": max(failed.get(name, 0), len(found)), "jobs": _newest(found, limit)}
        for name, found in jobs.items()
        if found
    }


def _newest_ids(queues: Sequence[str], limit: int, connection: redis.Redis) -> Mapping[str, str]:
    """The newest failed jobs of each queue, by their ids, and their queues."""
    lists = [(queue, name) for queue in queues for name in queue_lists(queue)]
    with connection.pipeline(transaction=False) as pipe:
        for _, name in lists:
            pipe.zrevrange(keys.failed(name), 0, limit - 1)
        answers = pipe.execute() if lists else []
    found = zip(lists, answers, strict=True)
    return {as_text(job_id): queue for (queue, _), ids in found for job_id in ids}


def _described(ids: Sequence[str], connection: redis.Redis) -> Iterator[tuple[str, JsonDict]]:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hmget(keys.job(job_id), _FIELDS)
            pipe.xrevrange(keys.result(job_id), count=1)
            pipe.get(keys.dead_letter(job_id))
        answers = iter(pipe.execute() if ids else ())
    for job_id, record, results, letter in zip(ids, answers, answers, answers, strict=True):
        if letter is not None:
            yield job_id, _of_letter(letter_of(letter))
        elif any(record):  # else its record is gone, and RQ has not noticed yet
            known = dict(zip(_FIELDS, record, strict=True))
            yield job_id, _of_record(job_id, known, results)


def _of_letter(letter: DeadLetter) -> JsonDict:
    return {
        "jobId": letter.job_id,
        "messageType": letter.message_type,
        "reason": letter.reason,
        "error": first_line(letter.error),
        "failedAt": shown_text(letter.buried_at),
    }


def _of_record(job_id: str, record: Mapping[str, Any], results: Sequence[Any]) -> JsonDict:
    ended = as_time(record["ended_at"])
    return {
        "jobId": job_id,
        "messageType": message_type_of(record["description"]),
        "reason": as_text(record["status"] or b"failed"),
        "error": _error_of(results[0][1]) if results else "",
        "failedAt": shown_time(ended) if ended else None,
    }


def _error_of(result: Mapping[bytes, bytes]) -> str:
    # RQ's own reader would also unpickle the return value of a stock job (rq/results.py).
    packed = result.get(b"exc_string", b"")
    try:
        text = zlib.decompressobj().decompress(b64decode(packed), _TEXT) if packed else b""
    except (ValueError, zlib.error):
        return "its traceback cannot be read"
    return _line(text.decode(errors="replace"))


def _line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def _newest(jobs: Sequence[JsonDict], limit: int) -> Sequence[JsonDict]:
    return sorted(jobs, key=lambda job: job["failedAt"] or "", reverse=True)[:limit]
