"""The RQ lane: the function that RQ runs for every message, under our workers and stock ones.

It parses, dispatches, and translates the outcome into what RQ understands: a result, a returned
`Retry`, or an exception.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, assert_never

from rq import Retry, get_current_job
from rq.job import Job
from rq.timeouts import BaseTimeoutException

from messages import InvalidMessage, Message, UnknownMessageType
from messages.union import Parsed, read_message
from workers import dead_letters, keys
from workers.burial import Death, bury_job
from workers.clock import until_whole_second, utc_now
from workers.context import Context, running
from workers.dispatcher import Completed, Dead, Outcome, RetryAfter, dispatch, judge
from workers.errors import HandlerNotFound
from workers.loading import load_packages
from workers.logger import get_logger
from workers.registry import Handler, handler_for, run_hooks
from workers.retry import RetryPolicy
from workers.runs import Run, line_of, start, traceback_of
from workers.settings import load_settings

log = get_logger("postroom.jobs")

_NEVER_RQS_LIMIT = 2**31  # our own policy counts the attempts, so RQ's limit must not be reached
_HANDED_BACK = "handed_back_since"  # in a job's meta: when a worker first did not know its type


class ParentFailed(Exception):
    """A job that this one waits for did not succeed, and its caller wanted it to fail then."""


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
        parsed = read_message(envelope)
        handler = handler_for(type(parsed.message))
    except (UnknownMessageType, HandlerNotFound) as error:
        return _hand_back(run, envelope, error)
    except InvalidMessage as error:
        return _finish(run, envelope, Dead(error, error.code, "it does not fit its type"))
    job.meta.pop(_HANDED_BACK, None)
    _count_unknown_fields(run, parsed)
    return _handle(run, envelope, parsed.message, handler)


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


def _handle(run: Run, envelope: Any, message: Message, handler: Handler) -> Any:
    policy = run.policy(handler)
    context = run.context(policy)
    ids = {"job_id": run.job.id, "queue": run.job.origin, "attempt": context.attempt}
    with running(message, **ids):
        _say(run, "job_started")
        outcome = _outcome(run, message, context, policy)
        if isinstance(outcome, Completed):
            _say(run, "job_completed", duration_ms=run.duration_ms)
            run_hooks("completed", message, context, outcome.result)
        elif isinstance(outcome, RetryAfter):
            run_hooks("retried", message, context, outcome)
        return _finish(run, envelope, outcome)


def _outcome(run: Run, message: Message, context: Context, policy: RetryPolicy) -> Outcome:
    parent = run.failed_parent()
    if parent is not None:
        error = ParentFailed(f"Job {parent}, which this job waits for, did not succeed.")
        return Dead(error, "parent_failed", "on_parent_failure is fail")
    try:
        run_hooks("started", message, context)
        return dispatch(message, run.attempt, context=context, policy=policy)
    except BaseTimeoutException as error:  # the time was up outside the handler
        return judge(error, run.attempt, policy)


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
    run.record("retried", outcome.error, delay=delay, tier=outcome.tier, why=outcome.why)
    log.warning(
        "job_retried",
        job_id=run.job.id,
        delay_seconds=delay,
        error=line_of(outcome.error),
        why=outcome.why,
        duration_ms=run.duration_ms,
    )
    return _retry(outcome.delay)


def _bury(run: Run, envelope: Any, outcome: Dead) -> None:
    timed_out = isinstance(outcome.error, BaseTimeoutException) and outcome.reason == "exhausted"
    run.record("dead", outcome.error, why=outcome.why)
    death = Death(
        job_id=run.job.id,
        queue=run.job.origin,
        reason="timeout" if timed_out else outcome.reason,
        error=line_of(outcome.error),
        envelope=envelope,
        traceback=traceback_of(outcome.error),
    )
    bury_job(death, meta=run.job.meta, now=utc_now(), connection=run.connection)


def _hand_back(run: Run, envelope: Any, error: UnknownMessageType | HandlerNotFound) -> Any:
    # A newer release may be on its way to this worker, or another worker may have it already.
    first = run.job.meta.setdefault(_HANDED_BACK, run.started_at.isoformat())
    waited = run.started_at - datetime.fromisoformat(first)
    grace = timedelta(seconds=run.settings.unknown_type_grace)
    if waited >= grace:
        return _finish(run, envelope, Dead(error, "unknown_type", f"still unknown after {grace}"))
    delay = run.settings.unknown_type_delay
    if not waited:  # one record for all of them, or they would push out the attempts
        run.record("handed_back", error, delay=delay, why="this worker does not know the type")
        run.job.save_meta()
    run.connection.hincrby(keys.handed_back(), str(envelope.get("messageType")), 1)
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


def _count_unknown_fields(run: Run, parsed: Parsed) -> None:
    if not parsed.unknown_fields:
        return
    kind = parsed.message.message_type
    run.connection.hincrby(keys.unknown_fields(), kind, len(parsed.unknown_fields))
    log.warning(
        "unknown_fields_left_out",
        job_id=run.job.id,
        message_type=kind,
        fields=list(parsed.unknown_fields),
    )


def _say(run: Run, event: str, **values: Any) -> None:
    if run.settings.log_jobs == "all":
        log.info(event, **values)
