"""The RQ lane: the function that RQ runs for every message, under our workers and stock ones.

It parses, dispatches, and translates the outcome into what RQ understands: a result, a returned
`Retry`, or an exception.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, assert_never

import redis
from rq import Retry, get_current_job
from rq.job import Job

from messages import Message
from messages.masking import secrets_of
from messages.union import read_message
from workers import attempts, dead_letters, keys
from workers.burial import bury_job
from workers.clock import until_whole_second, utc_now
from workers.dispatcher import Completed, Dead, Outcome, RetryAfter
from workers.handling import HandBack, death_of, handle, say_handed_back, say_retried
from workers.loading import load_packages
from workers.logger import get_logger
from workers.redaction import hiding
from workers.routing import queue_of
from workers.runs import Run, start
from workers.scripts import script
from workers.settings import load_settings
from workers.tracing import flush_spans

log = get_logger("postroom.jobs")

_NEVER_RQS_LIMIT = 2**31  # our own policy counts the attempts, so RQ's limit must not be reached


def run_message(envelope: Any = None) -> Any:
    """Handle one message. RQ calls this by name; its place is part of what is stored in Redis.

    Args:
        envelope: The message's JSON object.

    Returns:
        The handler's result, or a `Retry` that tells RQ to run the job again.

    Raises:
        RuntimeError: If no RQ worker is running it.
        Exception: What the handler raised, once the message is buried.
    """
    job = get_current_job()
    if job is None:
        message = "run_message is what RQ workers call; use enqueue() to send a message."
        raise RuntimeError(message)
    load_application()
    run = start(job)
    try:
        return handle(
            run,
            lambda: read_message(envelope),
            say=_Lines(),
            finish=lambda _, outcome: _finish(run, job, envelope, outcome),
        )
    finally:
        flush_spans(run.settings)  # a stock work horse is gone after this


@lru_cache(maxsize=1)
def load_application() -> None:
    """Import the messages and handlers that the settings name, once per process."""
    settings = load_settings()
    load_packages(settings.message_packages, setting="MESSAGE_PACKAGES")
    load_packages(settings.handler_packages, setting="HANDLER_PACKAGES")


def envelope_of(job: Job) -> Any:
    """The message in a job's record, as far as it can be read.

    Args:
        job: The job.

    Returns:
        The envelope; text if the record holds something else.
    """
    try:
        arguments = job.args
    except Exception:  # noqa: BLE001 - rq raises whatever its serializer does
        return job.data[: dead_letters.MAX_DATA].decode(errors="replace")
    return arguments[0] if len(arguments) == 1 else list(arguments)


class _Lines:
    """Writes the lines of a job that goes well as any other line."""

    def started(self, message: Message, job_id: str, queue: str, attempt: int) -> None:
        del message, job_id, queue, attempt  # bound to the log by the run
        _say("job_started")

    def completed(
        self, message: Message, job_id: str, queue: str, attempt: int, duration_ms: int
    ) -> None:
        del message, job_id, queue, attempt
        _say("job_completed", duration_ms=duration_ms)


def _say(event: str, **values: Any) -> None:
    if load_settings().log_jobs == "all":
        log.info(event, **values)


def _finish(run: Run, job: Job, envelope: Any, outcome: Outcome | HandBack) -> Any:
    match outcome:
        case Completed(result):
            return result
        case RetryAfter():
            return _again(run, envelope, outcome)
        case HandBack():
            return _hand_back(run, job, envelope, outcome)
        case Dead():
            _bury(run, job, envelope, outcome)
            raise outcome.error
        case _:
            assert_never(outcome)


def _again(run: Run, envelope: Any, outcome: RetryAfter) -> Retry:
    delay = say_retried(run, outcome)
    kind = type_of(envelope)
    record = run.ended(
        "retried", outcome.error, kind=kind, delay=delay, tier=outcome.tier, why=outcome.why
    )
    _record(run, record, kind)
    return _retry(outcome.delay)


def _bury(run: Run, job: Job, envelope: Any, outcome: Dead) -> None:
    kind = type_of(envelope)
    with hiding(secrets_of(envelope)):
        record = run.ended("dead", outcome.error, kind=kind, why=outcome.why)
    _record(run, record, kind)
    death = death_of(run, outcome, envelope)
    bury_job(death, meta=job.meta, now=utc_now(), connection=run.connection)


def _hand_back(run: Run, job: Job, envelope: Mapping[str, Any], found: HandBack) -> Retry:
    if found.record is not None:
        _record(run, found.record, type_of(envelope))
        job.save_meta()
    say_handed_back(run, str(envelope.get("messageType")), found)
    return _retry(timedelta(seconds=found.delay))


def _record(run: Run, record: attempts.AttemptRecord, kind: str) -> None:
    attempts.record(record, job_id=run.job_id, ttl=run.history_ttl, connection=run.connection)
    note_failure(
        record,
        list_name=run.list_name,
        kind=kind,
        job_id=run.job_id,
        connection=run.connection,
    )


def note_failure(
    record: attempts.AttemptRecord,
    *,
    list_name: str,
    kind: str,
    job_id: str,
    connection: redis.Redis,
) -> None:
    """Tell the group of a failure, where none of our scripts ends the run.

    Args:
        record: The attempt; nothing is done if it belongs to no group.
        list_name: The list that the job was in.
        kind: The message type that it claims.
        job_id: The job.
        connection: Where.
    """
    if record.failure:
        text = script("workers", "ending") + script("workers", "note_failure")
        stat = f"{queue_of(list_name)}|{kind.replace('|', '_')}"
        connection.register_script(text)(args=[keys.our_prefix(), record.failure, stat, job_id])


def type_of(envelope: Any) -> str:
    """The message type that an envelope claims.

    Args:
        envelope: The message, or what stands in its place.
    """
    claimed = envelope.get("messageType") if isinstance(envelope, Mapping) else None
    return claimed if isinstance(claimed, str) else "unknown"


def _retry(delay: timedelta) -> Retry:
    interval = until_whole_second(delay, now=utc_now())
    # A list, because a bare interval must be an integer; at once means before all others.
    return Retry(
        max=_NEVER_RQS_LIMIT,
        interval=[interval],  # type: ignore[list-item]  # rq adds it to a time, as it is
        enqueue_at_front=interval == 0,
    )
