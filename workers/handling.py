"""From a stored message to what came of it: the same under RQ's loop and under the engine's."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from rq.timeouts import BaseTimeoutException

from messages import InvalidMessage, Message, UnknownMessageType
from messages.union import Parsed
from workers import keys
from workers.attempts import AttemptRecord
from workers.burial import Death
from workers.context import Context, Running
from workers.dispatcher import (
    Completed,
    Dead,
    Outcome,
    RetryAfter,
    adispatch,
    dispatch,
    judge,
)
from workers.errors import HandlerNotFound, JobStopped, JobStuck, MemoryLimitExceeded
from workers.logger import get_logger
from workers.registry import handler_for, needs_context, run_hooks
from workers.retry import RetryPolicy
from workers.runs import Run, line_of, traceback_of
from workers.sayer import Sayer

log = get_logger("postroom.jobs")

_HANDED_BACK = "handed_back_since"  # in a job's meta: when a worker first did not know its type


T = TypeVar("T")


class ParentFailed(Exception):
    """A job that this one waits for did not succeed, and its caller wanted it to fail then."""


@dataclass(frozen=True)
class HandBack:
    """This worker does not know the message: another one may, or a newer release.

    Args:
        delay: Seconds until somebody tries again.
        record: What the history shall say of it; None if it says so already.
        error: What is not known.
    """

    delay: float
    record: AttemptRecord | None
    error: UnknownMessageType | HandlerNotFound


Finish = Callable[["Message | None", "Outcome | HandBack"], T]
"""Ends a run. Called while the secrets of its message are still hidden."""


Read = Callable[[], Parsed]
"""Reads the message of a run, however it is stored."""

_Reading = tuple[Message, RetryPolicy, Context | None]
"""A message, when it is tried again, and the context of its run if somebody will look at it."""


def handle(run: Run, read_it: Read, *, say: Sayer, finish: Finish[T]) -> T:
    """Run the handler of a stored message, and end the run.

    Args:
        run: The start of its job.
        read_it: Reads the message; raises as `read_message`.
        say: Who writes the log lines.
        finish: Is told the message, if it could be read, and what came of it.

    Returns:
        What `finish` returned.

    Raises:
        JobStopped: If somebody stopped the run: then nothing has finished it.
    """
    try:
        read = _read(run, read_it)
    except (UnknownMessageType, HandlerNotFound) as error:
        return finish(None, _unknown(run, error))
    except InvalidMessage as error:
        return finish(None, _invalid(error))
    tracer = run.place.tracer
    if tracer is None:
        return _handle(run, read, say, finish)
    with tracer.processing(run, read[0]) as attempt:
        return _handle(run, read, say, attempt.ending(finish))


async def ahandle(run: Run, read_it: Read, *, say: Sayer, finish: Finish[T], limit: float) -> T:
    """As `handle`, for an `async def` handler, in the running event loop.

    Args:
        run: The start of its job.
        read_it: Reads the message; raises as `read_message`.
        say: Who writes the log lines.
        finish: As for `handle`; called in a thread unless the run succeeded.
        limit: Seconds that the handler may take; 0 means as long as it likes.

    Returns:
        What `finish` returned. Raises JobStopped as `handle` does.
    """
    try:
        read = _read(run, read_it)
    except (UnknownMessageType, HandlerNotFound) as error:
        return await asyncio.to_thread(finish, None, _unknown(run, error))
    except InvalidMessage as error:
        return await asyncio.to_thread(finish, None, _invalid(error))
    tracer = run.place.tracer
    if tracer is None:
        return await _ahandle(run, read, say, finish, limit)
    with tracer.processing(run, read[0]) as attempt:
        return await _ahandle(run, read, say, attempt.ending(finish), limit)


async def _ahandle(run: Run, read: _Reading, say: Sayer, finish: Finish[T], limit: float) -> T:
    message, policy, context = read
    with Running(message, run.ids, run.close_log):
        say.started(message, run.job_id, run.list_name, run.attempt.number)
        outcome: Outcome
        parent = run.record.failed_parent
        if parent is not None:
            outcome = _failed_parent(parent)
        else:
            run_hooks("started", message, context)
            call = adispatch(message, run.attempt, context=context, policy=policy, limit=limit)
            outcome = await run.stop.around(run, call)
        _tell(run, read, outcome, say)
        if isinstance(outcome, Completed):
            return finish(message, outcome)
        return await asyncio.to_thread(finish, message, outcome)


def death_of(run: Run, outcome: Dead, envelope: Any) -> Death:
    """What the dead letter of a run will say.

    Args:
        run: The run.
        outcome: Why it is not tried again.
        envelope: The message as stored.
    """
    return Death(
        job_id=run.job_id,
        queue=run.list_name,
        reason=_limit(outcome.error) if outcome.reason == "exhausted" else outcome.reason,
        error=line_of(outcome.error),
        envelope=envelope,
        traceback=traceback_of(outcome.error),
    )


def _limit(error: BaseException) -> str:
    if isinstance(error, BaseTimeoutException):
        return "timeout"
    if isinstance(error, JobStuck):
        return "stuck"
    return "memory" if isinstance(error, MemoryLimitExceeded) else "exhausted"


def say_retried(run: Run, outcome: RetryAfter) -> float:
    """Log that a job will be tried again.

    Args:
        run: The run that failed.
        outcome: When it is tried again, and why.

    Returns:
        The delay in seconds.
    """
    delay = round(outcome.delay.total_seconds(), 3)
    log.warning(
        "job_retried",
        job_id=run.job_id,
        delay_seconds=delay,
        error=line_of(outcome.error),
        why=outcome.why,
        duration_ms=run.duration_ms,
    )
    return delay


def say_handed_back(run: Run, kind: str, found: HandBack) -> None:
    """Count and log that this worker does not know a message.

    Args:
        run: The run.
        kind: The message type that it claims.
        found: What was decided.
    """
    run.connection.hincrby(keys.handed_back(), kind, 1)
    log.warning(
        "job_handed_back",
        job_id=run.job_id,
        error=found.error.message,
        delay_seconds=found.delay,
    )


def _read(run: Run, read_it: Read) -> _Reading:
    parsed = read_it()
    message = parsed.message
    handler = handler_for(type(message))
    if run.record.restarts:
        run.meta.pop(_HANDED_BACK, None)
    if parsed.unknown_fields:
        _count_unknown_fields(run, parsed)
    policy = run.policy(handler)
    return message, policy, run.context(policy) if needs_context(handler) else None


def _invalid(error: InvalidMessage) -> Dead:
    return Dead(error, error.code, "it does not fit its type")


def _handle(run: Run, read: _Reading, say: Sayer, finish: Finish[T]) -> T:
    message = read[0]
    with Running(message, run.ids, run.close_log):
        say.started(message, run.job_id, run.list_name, run.attempt.number)
        outcome = _outcome(run, read)
        _tell(run, read, outcome, say)
        return finish(message, outcome)


def _tell(run: Run, read: _Reading, outcome: Outcome, say: Sayer) -> None:
    message, _, context = read
    if isinstance(outcome, Completed):
        number = run.attempt.number
        say.completed(message, run.job_id, run.list_name, number, run.duration_ms)
        run_hooks("completed", message, context, outcome.result)
    elif isinstance(outcome, RetryAfter):
        run_hooks("retried", message, context, outcome)


def _outcome(run: Run, read: _Reading) -> Outcome:
    message, policy, context = read
    parent = run.record.failed_parent
    if parent is not None:
        return _failed_parent(parent)
    stop = run.stop
    stop.run = run
    try:
        run_hooks("started", message, context)
        outcome = dispatch(message, run.attempt, context=context, policy=policy)
    except BaseTimeoutException as error:  # the time was up outside the handler
        outcome = judge(error, run.attempt, policy)
    if stop.stopped is run:
        raise JobStopped
    return outcome


def _failed_parent(job_id: str) -> Dead:
    error = ParentFailed(f"Job {job_id}, which this job waits for, did not succeed.")
    return Dead(error, "parent_failed", "on_parent_failure is fail")


def _unknown(run: Run, error: UnknownMessageType | HandlerNotFound) -> HandBack | Dead:
    # A newer release may be on its way to this worker, or another worker may have it already.
    first = run.meta.setdefault(_HANDED_BACK, run.started_at.isoformat())
    waited = run.started_at - datetime.fromisoformat(first)
    grace = timedelta(seconds=run.settings.unknown_type_grace)
    if waited >= grace:
        return Dead(error, "unknown_type", f"still unknown after {grace}")
    delay = run.settings.unknown_type_delay
    if waited:  # one record for all of them, or they would push out the attempts
        return HandBack(delay, None, error)
    why = "this worker does not know the type"
    return HandBack(delay, run.ended("handed_back", error, delay=delay, why=why), error)


def _count_unknown_fields(run: Run, parsed: Parsed) -> None:
    kind = parsed.message.message_type
    run.connection.hincrby(keys.unknown_fields(), kind, len(parsed.unknown_fields))
    log.warning(
        "unknown_fields_left_out",
        job_id=run.job_id,
        message_type=kind,
        fields=list(parsed.unknown_fields),
    )
