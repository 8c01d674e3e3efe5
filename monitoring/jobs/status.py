"""One job seen from outside: its state, its attempts, its result. Only reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import redis
from rq.job import Job, JobStatus

from monitoring.answers import as_moment, as_text, shown_times
from monitoring.jobs.payloads import job_beside
from monitoring.jobs.results import shown_result
from monitoring.queues.held import holding, shown_pause
from workers import attempts, dead_letters, job_log, keys
from workers.clock import shown_text, shown_time
from workers.connection import default_connection, storage_errors
from workers.dead_letters import DeadLetter
from workers.dead_letters.replayed import Replayed, replayed_of
from workers.dead_letters.shown import shown_attempt
from workers.errors import JobNotFound
from workers.jobs import envelope_of
from workers.routing import priority_in, queue_of

JsonDict = dict[str, Any]


def get_job_status(job_id: str, *, connection: redis.Redis | None = None) -> JsonDict:
    """What is known about a job.

    Args:
        job_id: The job.
        connection: Where; None means the server that the settings name.

    Returns:
        `jobId`, `status` (RQ's word), `messageType`, `queue`, `priority` (`high`,
        `normal` or `low`), `attempts` (oldest first),
        `maxAttempts` if its sender chose one, `result` without secrets, or in `resultError` why
        it is not shown, `error` and `reason` of a dead letter,
        `progress`, `logLines` (how many lines of its log are kept), and the times `createdAt`,
        `enqueuedAt`, `startedAt`, `endedAt` (ISO 8601). `heldBy` is the pause that keeps a waiting
        job from starting, with `kind`, `name`, `actor`, `reason` and `at`; None if none does.
        `dueAt` is when a delayed job, or one that waits for its next attempt, may start, and
        `dependsOn` the ids of those that it waits for, or waited for.
        `replayedAs` is the job that a retry or a replay sent instead, `replayedAt` when that was
        and `replayedBy` who did it; None if there is none. Such a job keeps its attempts, `error`
        and `reason`.

    Raises:
        JobNotFound: If neither a record nor a dead letter of it is left.
        RecordDamaged: If its record cannot be read, and it has no dead letter.
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        letter = dead_letters.find(job_id, connection=connection)
        job = job_beside(letter, job_id, connection=connection)
        if job is not None:
            return _of_job(job, letter)
        if letter is None:
            raise JobNotFound(f"There is no job {job_id}.", field="job_id")
        return _of_letter(letter, connection)


def get_job_log(
    job_id: str, *, last: int = 20, connection: redis.Redis | None = None
) -> Sequence[JsonDict]:
    """The newest lines that a job's handler logged.

    Args:
        job_id: The job; one that nobody knows has none.
        last: How many at most, from 1.
        connection: Where; None means the server that the settings name.

    Returns:
        Lines in the shape of the log, oldest first, each with its `number`.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        found = job_log.last_lines(job_id, last, connection=connection)
    return [shown_line(line) for line in found]


def shown_line(line: job_log.Line) -> JsonDict:
    """A line of a job's log as JSON."""
    at = shown_text(str(line.entry.get("timestamp", "")))
    return {"number": line.number, **line.entry, "timestamp": at}


def _of_job(job: Job, letter: DeadLetter | None) -> JsonDict:
    status = job.get_status(refresh=False)
    envelope = envelope_of(job)
    successor, replay = _replayed(job)
    died = letter or replay
    return {
        "jobId": job.id,
        "status": status.value,
        "messageType": envelope.get("messageType") if isinstance(envelope, dict) else None,
        "queue": queue_of(job.origin),
        "priority": priority_in(job.origin).value,
        "heldBy": _held_by(job),
        "replayedAs": successor,
        "replayedAt": shown_text(replay.at) if replay else None,
        "replayedBy": replay.by if replay else None,
        "attempts": _attempts(job, status, letter),
        "maxAttempts": job.meta.get("attempts"),
        **_result(job, status),
        "error": died.error or None if died else None,
        "reason": died.reason or None if died else None,
        "progress": _progress(job),
        "logLines": job_log.kept(job.id, connection=job.connection),
        "worker": job.worker_name,
        "dependsOn": list(job._dependency_ids),  # noqa: SLF001 - the public property asks Redis
        **_times(job, status),
    }


def _of_letter(letter: DeadLetter, connection: redis.Redis) -> JsonDict:
    return {
        "jobId": letter.job_id,
        "status": "failed",
        "messageType": letter.message_type,
        "queue": queue_of(letter.queue),
        "priority": priority_in(letter.queue).value,
        "heldBy": None,
        "replayedAs": None,
        "replayedAt": None,
        "replayedBy": None,
        "attempts": [shown_attempt(entry) for entry in letter.attempts],
        "maxAttempts": None,
        "result": None,
        "resultError": None,
        "error": letter.error,
        "reason": letter.reason,
        "progress": None,
        "logLines": job_log.kept(letter.job_id, connection=connection),
        "worker": None,
        "dependsOn": [],
        "createdAt": None,
        "enqueuedAt": None,
        "startedAt": None,
        "endedAt": shown_text(letter.buried_at),
        "dueAt": None,
    }


def _result(job: Job, status: JobStatus) -> JsonDict:
    if status is not JobStatus.FINISHED:
        return {"result": None, "resultError": None}
    return shown_result(job)


def _held_by(job: Job) -> JsonDict | None:
    pause = holding(job.id, connection=job.connection)
    if pause is None:
        return None
    told = shown_pause(pause)
    del told["held"]
    return told


def _replayed(job: Job) -> tuple[str | None, Replayed | None]:
    stored: Any = job.connection.hmget(keys.job(job.id), ["replayed_as", "replayed"])
    successor, told = stored
    return None if successor is None else as_text(successor), replayed_of(told)


def _attempts(job: Job, status: JobStatus, letter: DeadLetter | None) -> list[JsonDict]:
    if letter is not None:
        return [shown_attempt(entry) for entry in letter.attempts]
    past = attempts.history(job.id, connection=job.connection)
    found = [shown_attempt(vars(entry)) for entry in past]
    if status in {JobStatus.STARTED, JobStatus.FINISHED}:
        found.append(_current(job, status, past))
    return found


def _current(job: Job, status: JobStatus, past: Sequence[attempts.AttemptRecord]) -> JsonDict:
    started, ended = job.started_at, job.ended_at
    return {
        "number": sum(entry.counts for entry in past) + 1,
        "outcome": "completed" if status is JobStatus.FINISHED else "running",
        "worker": job.worker_name,
        "startedAt": shown_time(started) if started else None,
        "durationMs": _ms(started, ended) if status is JobStatus.FINISHED else None,
    }


def _ms(began: datetime | None, over: datetime | None) -> int | None:
    return int((over - began).total_seconds() * 1000) if began and over else None


def _progress(job: Job) -> JsonDict | None:
    stored: Any = job.connection.hgetall(keys.progress(job.id))
    if not stored:
        return None
    return {"share": float(stored[b"share"]), "note": stored[b"note"].decode()}


def _times(job: Job, status: JobStatus) -> JsonDict:
    scored = _scored(job, status)
    times = {
        "createdAt": job.created_at,
        "enqueuedAt": job.enqueued_at,
        "startedAt": job.started_at,
        "endedAt": scored if status is JobStatus.CANCELED else job.ended_at,
        "dueAt": scored if status is JobStatus.SCHEDULED else None,
    }
    return shown_times(times)


def _scored(job: Job, status: JobStatus) -> datetime | None:
    """When it is due, or was cancelled, which only the place says where it stands."""
    places = {JobStatus.SCHEDULED: keys.scheduled, JobStatus.CANCELED: keys.canceled}
    if status not in places:
        return None
    score: Any = job.connection.zscore(places[status](job.origin), job.id)
    return as_moment(score)
