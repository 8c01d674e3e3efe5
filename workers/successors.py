"""Sends the message of a failed job again, perhaps changed, as a job of its own.

A job that has a dead letter is retried by replaying that; one without, such as a stopped one, here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Unpack

import redis

from workers import audit, dead_letters, keys
from workers.audit import By
from workers.burial import sender_options
from workers.clock import utc_now
from workers.connection import default_connection, storage_errors
from workers.dead_letters import DeadLetter, ReplayOptions
from workers.dead_letters.edits import changed_fields, changes
from workers.dead_letters.replayed import replayed_now
from workers.dead_letters.replays import resent
from workers.errors import InvalidState, JobNotFound
from workers.find_job import find_job
from workers.jobs import envelope_of
from workers.record import JobRecord
from workers.scripts import script
from workers.settings import Settings, load_settings

_RETRIED, _BURIED = "retried", "buried"
_FAILED = ("failed", "stopped")


def retry_job(  # noqa: PLR0913 - what, by whom, when, where
    job_id: str,
    *,
    by: By,
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
    settings: Settings | None = None,
    connection: redis.Redis | None = None,
    **options: Unpack[ReplayOptions],
) -> str:
    """Send the message of a job that failed, or was stopped, again. Its record stays.

    The new message has its own id, the old one's as `causationId`, the same `correlationId`, and
    `replayOf` in its metadata. The job's dead letter, if it has one, is replayed and goes.

    Args:
        job_id: The job.
        by: Who does it, and why.
        data: What to change in its data; objects are merged, null removes a field.
        now: The time; None asks the clock.
        settings: Defaults and routes; None means those of this process.
        connection: Where; None means the server that the settings name.
        options: See `ReplayOptions`; what is left out is as the job's sender chose.

    Returns:
        The new job's id.

    Raises:
        JobNotFound: If there is neither a record nor a dead letter of it.
        InvalidState: If it has not failed, or was retried already.
        RecordDamaged: If its record cannot be read.
        NotReplayable: If it holds no message of ours.
        InvalidMessage: If the data does not fit the type. Nothing is changed.
        InvalidOption: If an option cannot be used. Nothing is changed.
    """
    connection = connection or default_connection()
    settings = settings or load_settings()
    with storage_errors():
        if not connection.exists(keys.dead_letter(job_id)):
            past = _as_letter(job_id, now or utc_now(), connection)
            record = resent(past, data, options, settings=settings)
            made = _entry(past, data, record, by, now)
            outcome = _send(record, past, by.actor, made, connection)
            if outcome == _RETRIED:
                audit.tell(made)
                return record.id
            if outcome != _BURIED:
                raise _refused(job_id, outcome)
    return dead_letters.replay(
        job_id,
        data=data,
        by=by,
        connection=connection,
        settings=settings,
        **options,
    )


def retry_silently(job_id: str, *, actor: str, settings: Settings, connection: redis.Redis) -> str:
    """As `retry_job` of a job without a dead letter, for a bulk that has its own audit entry.

    Args:
        job_id: The job.
        actor: Who began the bulk.
        settings: Defaults and routes.
        connection: Where.

    Returns:
        The new job's id.

    Raises:
        PostroomError: As `retry_job`; nothing is changed then.
    """
    past = _as_letter(job_id, utc_now(), connection)
    record = resent(past, None, {}, settings=settings)
    outcome = _send(record, past, actor, None, connection)
    if outcome != _RETRIED:
        raise _refused(job_id, outcome)
    return record.id


def _as_letter(job_id: str, now: datetime, connection: redis.Redis) -> DeadLetter:
    """What a dead letter of the job would hold, for what letters and jobs have in common."""
    job = find_job(job_id, connection=connection)
    if job is None:
        raise JobNotFound(f"There is no job {job_id}.", field="job_id")
    status = job.get_status(refresh=False).value
    if status not in _FAILED:
        raise _refused(job_id, status)
    envelope = envelope_of(job)
    return DeadLetter(
        job_id=job_id,
        message_type=envelope.get("messageType") if isinstance(envelope, dict) else None,
        queue=job.origin,
        reason=status,
        error="",
        buried_at=now.isoformat(),
        envelope=envelope,
        options=sender_options(job_id, job.meta, connection),
    )


def _entry(
    past: DeadLetter,
    data: Mapping[str, Any] | None,
    record: JobRecord,
    by: By,
    now: datetime | None,
) -> audit.AuditEntry:
    return by.entry(
        "job.retry",
        target=past.job_id,
        details={
            "messageType": past.message_type,
            "newJobId": record.id,
            "fields": changed_fields(changes(past, data)),
        },
        now=now,
    )


def _send(
    record: JobRecord,
    past: DeadLetter,
    actor: str,
    made: audit.AuditEntry | None,
    connection: redis.Redis,
) -> str:
    enqueue, rest = script("workers", "enqueue"), script("workers", "retry_job")
    text = f"local function enqueue(KEYS, ARGV)\n{enqueue}\nend\n{rest}"
    outcome: Any = connection.register_script(text)(
        keys=[
            keys.job(past.job_id),
            keys.dead_letter(past.job_id),
            keys.audit(),
            keys.failed(past.queue),
            *record.keys,
        ],
        args=[
            past.job_id,
            *(audit.arguments(made) if made else ("", 0)),
            replayed_now(actor.strip()),
            *record.arguments,
        ],
    )
    return str(outcome.decode(errors="replace"))


def _refused(job_id: str, state: str) -> InvalidState | JobNotFound:
    if not state:
        return JobNotFound(f"There is no job {job_id}.", field="job_id")
    return InvalidState(
        f"Job {job_id} is {state}, so it cannot be retried.",
        field="job_id",
        remedy="Only a failed or a stopped job can be, and once; `postroom job ID` shows it.",
    )
