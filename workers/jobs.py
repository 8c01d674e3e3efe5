"""The RQ lane: the function that RQ runs for every message, under our workers and stock ones.

It parses, dispatches, and translates the outcome into what RQ understands: a result, a returned
`Retry`, or an exception.
"""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, assert_never

import redis
from rq import Retry, get_current_job
from rq.job import Job
from rq.timeouts import BaseTimeoutException

from messages import InvalidMessage, Message, UnknownMessageType
from messages.union import read_message
from workers import attempts, dead_letters, keys
from workers.burial import bury_job
from workers.clock import until_whole_second, utc_now
from workers.context import Context, Progress, running
from workers.dispatcher import Completed, Dead, Outcome, RetryAfter, dispatch
from workers.errors import HandlerNotFound
from workers.logger import get_logger
from workers.options import with_overrides
from workers.registry import Handler, handler_for, load_packages, run_hooks
from workers.retry import Attempt, RetryPolicy
from workers.routing import queue_of
from workers.settings import Settings, load_settings

log = get_logger("postroom.jobs")

_NEVER_RQS_LIMIT = 2**31  # our own policy counts the attempts, so RQ's limit must not be reached


class ParentFailed(Exception):
    """A job that this one waits for did not succeed, and its caller wanted it to fail then."""


@dataclass(frozen=True)
class Run:
    """One start of one job."""

    job: Job
    started_at: datetime
    clock_start: float
    past: tuple[attempts.AttemptRecord, ...]
    settings: Settings

    @property
    def connection(self) -> redis.Redis:
        """The client of the worker that runs the job."""
        return self.job.connection

    @property
    def attempt(self) -> Attempt:
        """Which attempt this is."""
        return attempts.next_attempt(self.past, now=self.started_at)

    @property
    def duration_ms(self) -> int:
        """Milliseconds since the start."""
        return int((time.monotonic() - self.clock_start) * 1000)


def run_message(envelope: Mapping[str, Any]) -> Any:
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
    run = _start(job)
    try:
        parsed = read_message(envelope)
        handler = handler_for(type(parsed.message))
    except (UnknownMessageType, HandlerNotFound) as error:
        return _hand_back(run, envelope, error)
    except InvalidMessage as error:
        return _finish(run, envelope, Dead(error, error.code, "it does not fit its type"))
    if parsed.unknown_fields:
        _count_unknown_fields(run, parsed.message, parsed.unknown_fields)
    return _handle(run, envelope, parsed.message, handler)


@lru_cache(maxsize=1)
def load_application() -> None:
    """Import the messages and handlers that the settings name, once per process."""
    settings = load_settings()
    load_packages(settings.message_packages)
    load_packages(settings.handler_packages)


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
    return arguments[0] if len(arguments) == 1 else None


def _start(job: Job) -> Run:
    load_application()
    if job.meta.pop(dead_letters.BURIED, None):  # somebody requeued a buried job
        dead_letters.resolve(job.id, connection=job.connection)
        job.save_meta()
    past = attempts.history(job.id, connection=job.connection) if job.number_of_retries else ()
    return Run(
        job=job,
        started_at=utc_now(),
        clock_start=time.monotonic(),
        past=tuple(past),
        settings=load_settings(),
    )


def _handle(run: Run, envelope: Mapping[str, Any], message: Message, handler: Handler) -> Any:
    policy = _policy(run, handler)
    context = _context(run, policy)
    ids = {"job_id": run.job.id, "queue": run.job.origin, "attempt": context.attempt}
    with running(message, **ids):
        _say(run, "job_started", message_type=message.message_type)
        run_hooks("started", message, context)
        outcome = _outcome(run, message, context, policy)
        if isinstance(outcome, Completed):
            _say(run, "job_completed", duration_ms=run.duration_ms)
            run_hooks("completed", message, context, outcome.result)
        elif isinstance(outcome, RetryAfter):
            run_hooks("retried", message, context, outcome)
        return _finish(run, envelope, outcome)


def _outcome(run: Run, message: Message, context: Context, policy: RetryPolicy) -> Outcome:
    parent = _failed_parent(run)
    if parent is not None:
        error = ParentFailed(f"Job {parent}, which this job waits for, did not succeed.")
        return Dead(error, "parent_failed", "on_parent_failure is fail")
    return dispatch(message, run.attempt, context=context, policy=policy)


def _finish(run: Run, envelope: Any, outcome: Outcome) -> Any:
    match outcome:
        case Completed(result):
            return result
        case RetryAfter():
            return _again(run, outcome)
        case Dead():
            _bury(run, envelope, outcome)
            raise outcome.error
        case _:
            assert_never(outcome)


def _again(run: Run, outcome: RetryAfter) -> Retry:
    delay = round(outcome.delay.total_seconds(), 3)
    _record(run, "retried", outcome.error, delay=delay, tier=outcome.tier, why=outcome.why)
    log.warning(
        "job_retried",
        job_id=run.job.id,
        delay_seconds=delay,
        error=_line(outcome.error),
        why=outcome.why,
        duration_ms=run.duration_ms,
    )
    return _retry(outcome.delay)


def _bury(run: Run, envelope: Any, outcome: Dead) -> None:
    timed_out = isinstance(outcome.error, BaseTimeoutException) and outcome.reason == "exhausted"
    _record(run, "dead", outcome.error, why=outcome.why)
    bury_job(
        run.job.id,
        queue=run.job.origin,
        reason="timeout" if timed_out else outcome.reason,
        error=_line(outcome.error),
        envelope=envelope,
        meta=run.job.meta,
        now=utc_now(),
        connection=run.connection,
        traceback=_traceback(outcome.error),
    )


def _hand_back(
    run: Run, envelope: Mapping[str, Any], error: UnknownMessageType | HandlerNotFound
) -> Any:
    # A newer release may be on its way to this worker, or another worker may have it already.
    first = datetime.fromisoformat(run.past[0].started_at) if run.past else run.started_at
    grace = timedelta(seconds=run.settings.unknown_type_grace)
    if run.started_at - first >= grace:
        return _finish(run, envelope, Dead(error, error.code, f"still unknown after {grace}"))
    delay = run.settings.unknown_type_delay
    run.connection.hincrby(keys.handed_back(), str(envelope.get("messageType")), 1)
    _record(run, "handed_back", error, delay=delay, why="this worker does not know the type")
    log.warning("job_handed_back", job_id=run.job.id, error=error.message, delay_seconds=delay)
    return _retry(timedelta(seconds=delay))


def _retry(delay: timedelta) -> Retry:
    interval = until_whole_second(delay, now=utc_now())
    # A list, because a bare interval must be an integer; at once means before all others.
    return Retry(
        max=_NEVER_RQS_LIMIT,
        interval=[interval],  # type: ignore[list-item]  # rq adds it to a time, as it is
        enqueue_at_front=interval == 0,
    )


def _record(  # noqa: PLR0913 - the facts of one attempt
    run: Run,
    outcome: attempts.Outcome,
    error: BaseException,
    *,
    delay: float | None = None,
    tier: str = "",
    why: str = "",
) -> None:
    entry = attempts.AttemptRecord(
        number=run.attempt.number,
        outcome=outcome,
        error_type=f"{type(error).__module__}.{type(error).__qualname__}",
        error=str(error)[: attempts.MAX_TEXT],
        traceback=_traceback(error),
        worker=run.job.worker_name or "",
        started_at=run.started_at.isoformat(),
        duration_ms=run.duration_ms,
        delay_seconds=delay,
        tier=tier,
        why=why,
    )
    ttl = run.job.failure_ttl or run.settings.failure_ttl
    attempts.record(entry, job_id=run.job.id, ttl=ttl, connection=run.connection)


def _policy(run: Run, handler: Handler) -> RetryPolicy:
    own = run.job.meta.get("backoff")
    backoff = (own["type"], own["delay"]) if own else None
    return with_overrides(handler.retry, run.job.meta.get("attempts"), backoff)


def _context(run: Run, policy: RetryPolicy) -> Context:
    def report(progress: Progress) -> None:
        with run.connection.pipeline(transaction=True) as pipe:
            pipe.hset(
                keys.progress(run.job.id),
                mapping={"share": progress.share, "note": progress.note},
            )
            pipe.expire(keys.progress(run.job.id), run.settings.result_ttl or attempts.MIN_TTL)
            pipe.execute()

    return Context(
        job_id=run.job.id,
        queue=queue_of(run.job.origin),
        attempt=run.attempt.number,
        max_attempts=policy.max_attempts,
        log=get_logger("postroom.handler"),
        report=report,
    )


def _failed_parent(run: Run) -> str | None:
    if not run.job._dependency_ids:  # noqa: SLF001 - the public property asks Redis, for every job
        return None
    parent: Any = run.connection.hget(run.job.key, "parent_failed")
    return parent.decode() if parent else None


def _count_unknown_fields(run: Run, message: Message, fields: tuple[str, ...]) -> None:
    run.connection.hincrby(keys.unknown_fields(), message.message_type, len(fields))
    log.warning(
        "unknown_fields_left_out",
        job_id=run.job.id,
        message_type=message.message_type,
        fields=list(fields),
    )


def _say(run: Run, event: str, **values: Any) -> None:
    if run.settings.log_jobs == "all":
        log.info(event, **values)


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _traceback(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    return text[-attempts.MAX_TEXT :]
