"""One start of one job in the RQ lane: its number, its history, and the records it leaves."""

import time
import traceback
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from rq.job import Job

from workers import attempts, dead_letters
from workers.clock import utc_now
from workers.context import Context, at_end
from workers.job_log import JobLog
from workers.logger import keeping_logger
from workers.options import with_overrides
from workers.redaction import redacted, text_of
from workers.registry import Handler
from workers.retry import Attempt, RetryPolicy
from workers.routing import queue_of
from workers.settings import Settings, load_settings

_LONGEST_LINE = 1_000  # characters of an error in a log line and in a letter's first line


@dataclass(frozen=True)
class Run:
    """One start of one job."""

    job: Job
    started_at: datetime
    clock_start: float
    past: tuple[attempts.AttemptRecord, ...]
    settings: Settings
    lines: JobLog

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

    def policy(self, handler: Handler) -> RetryPolicy:
        """The handler's policy, with what this message says instead."""
        own = self.job.meta.get("backoff")
        backoff = (own["type"], own["delay"]) if own else None
        return with_overrides(handler.retry, self.job.meta.get("attempts"), backoff)

    def context(self, policy: RetryPolicy) -> Context:
        """What the handler is given if it asks."""
        return Context(
            job_id=self.job.id,
            queue=queue_of(self.job.origin),
            attempt=self.attempt.number,
            max_attempts=policy.max_attempts,
            log=keeping_logger("postroom.handler", self.lines.keep),
            report=self.lines.report,
        )

    def failed_parent(self) -> str | None:
        """The job that this one waited for in vain, if its sender wanted it to fail then."""
        if not self.job._dependency_ids:  # noqa: SLF001 - the public property asks Redis each time
            return None
        parent: Any = self.connection.hget(self.job.key, "parent_failed")
        return parent.decode() if parent else None

    def record(
        self,
        outcome: attempts.Outcome,
        error: BaseException,
        *,
        delay: float | None = None,
        tier: str = "",
        why: str = "",
    ) -> None:
        """Add this attempt to the job's history.

        Args:
            outcome: What became of it.
            error: What it raised.
            delay: Seconds to the next attempt; None if there is none.
            tier: The error's tier.
            why: The reason for the decision.
        """
        entry = attempts.AttemptRecord(
            number=self.attempt.number,
            outcome=outcome,
            error_type=f"{type(error).__module__}.{type(error).__qualname__}",
            error=redacted(text_of(error))[: attempts.MAX_TEXT],
            traceback=traceback_of(error),
            worker=self.job.worker_name or "",
            started_at=self.started_at.isoformat(),
            duration_ms=self.duration_ms,
            delay_seconds=delay,
            tier=tier,
            why=why,
        )
        self.lines.failed = True
        ttl = self.job.failure_ttl or self.settings.failure_ttl
        attempts.record(entry, job_id=self.job.id, ttl=ttl, connection=self.connection)


def start(job: Job) -> Run:
    """Begin a run. A job that somebody requeued after its burial starts afresh.

    Args:
        job: The job that RQ runs.

    Returns:
        The run, with the history of the attempts before it.

    Raises:
        AlreadyReplayed: If its dead letter was replayed, so that another job runs its message.
    """
    if dead_letters.BURIED in job.meta:
        dead_letters.resolve(job.id, connection=job.connection)
        del job.meta[dead_letters.BURIED]
        job.connection.hdel(job.key, "parent_failed")
        job.save_meta()
    past = attempts.history(job.id, connection=job.connection) if job.number_of_retries else ()
    settings = load_settings()
    lines = _job_log(job, settings)
    at_end(lines.close)
    return Run(
        job=job,
        started_at=utc_now(),
        clock_start=time.monotonic(),
        past=tuple(past),
        settings=settings,
        lines=lines,
    )


def _job_log(job: Job, settings: Settings) -> JobLog:
    return JobLog(
        job_id=job.id,
        connection=job.connection,
        ttl=job.failure_ttl or settings.failure_ttl,
        ttl_if_done=settings.result_ttl if job.result_ttl is None else job.result_ttl,
        has_lines=bool(job.number_of_retries),
        keep_debug=settings.log_level == "DEBUG",
    )


def line_of(error: BaseException) -> str:
    """An error in one short line: its class and its text, without secrets."""
    return f"{type(error).__name__}: {redacted(text_of(error))}"[:_LONGEST_LINE]


def traceback_of(error: BaseException) -> str:
    """Where an error was raised, the last 10,000 characters of it, without secrets."""
    return redacted("".join(traceback.format_exception(error)))[-attempts.MAX_TEXT :]
