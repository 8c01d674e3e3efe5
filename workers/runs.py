"""One start of one job: its number, its history, and the records it leaves.

Both ways of running a message make one: RQ's, under stock workers, and the engine's.
"""

import time
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import redis
from rq.job import Job
from structlog.stdlib import BoundLogger

from workers import attempts, dead_letters
from workers.clock import unix_now
from workers.context import Context, Progress
from workers.fingerprint import fingerprint, place_of
from workers.job_log import JobLog
from workers.logger import Event, keeping_logger
from workers.options import with_overrides
from workers.redaction import redacted, text_of
from workers.registry import Handler
from workers.release import code_version
from workers.retry import Attempt, RetryPolicy
from workers.routing import queue_of
from workers.run_facts import Place, Record, RqRecord
from workers.settings import Settings, load_settings
from workers.stopping import Stop

_FIRST = Attempt()
_LONGEST_LINE = 1_000  # characters of an error in a log line and in a letter's first line


@dataclass(eq=False)
class Run:
    """One start of one job. Not frozen: one is made for every job.

    Args:
        job_id: The job.
        list_name: The name of the list it was in.
        record: What its record says.
        place: Where it happens.
        waited: Seconds that it was in its queue, as far as is known.
        stop: Tells whether somebody asks it to stop.
    """

    job_id: str
    list_name: str
    record: Record
    place: Place
    waited: float = 0.0
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        """Look at the clocks."""
        self.began = unix_now()
        self.clock_start = time.monotonic()

    @property
    def meta(self) -> dict[str, Any]:
        """The job's meta, with what its sender chose."""
        return self.record.meta

    @property
    def connection(self) -> redis.Redis:
        """The client of the worker."""
        return self.place.connection

    @property
    def settings(self) -> Settings:
        """Those of the worker."""
        return self.place.settings

    @property
    def started_at(self) -> datetime:
        """When it started."""
        return datetime.fromtimestamp(self.began, UTC)

    @cached_property
    def past(self) -> tuple[attempts.AttemptRecord, ...]:
        """The attempts before this one that did not succeed."""
        if not self.record.restarts:
            return ()
        return tuple(attempts.history(self.job_id, connection=self.connection))

    @property
    def attempt(self) -> Attempt:
        """Which attempt this is."""
        return self._later_attempt if self.record.restarts else _FIRST

    @cached_property
    def _later_attempt(self) -> Attempt:
        return attempts.next_attempt(self.past, now=self.started_at)

    @cached_property
    def lines(self) -> JobLog:
        """What the handler logs; made when it is needed first."""
        settings, record = self.settings, self.record
        return JobLog(
            job_id=self.job_id,
            connection=self.connection,
            ttl=record.failure_ttl or settings.failure_ttl,
            ttl_if_done=settings.result_ttl if record.result_ttl is None else record.result_ttl,
            has_lines=bool(record.restarts),
            keep_debug=settings.log_level == "DEBUG",
        )

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.clock_start

    @property
    def duration_ms(self) -> int:
        """Milliseconds since the start."""
        return int((time.monotonic() - self.clock_start) * 1000)

    def policy(self, handler: Handler) -> RetryPolicy:
        """The handler's policy, with what this message says instead."""
        meta = self.record.meta
        if not meta:
            return handler.retry
        attempts_asked, own = meta.get("attempts"), meta.get("backoff")
        if attempts_asked is None and own is None:
            return handler.retry
        backoff = (own["type"], own["delay"]) if own else None
        return with_overrides(handler.retry, attempts_asked, backoff)

    def ids(self) -> dict[str, Any]:
        """What log lines say of it beside its message."""
        return {
            "job_id": self.job_id,
            "queue": self.list_name,
            "attempt": self.attempt.number,
        }

    def context(self, policy: RetryPolicy) -> Context:
        """What the handler is given if it asks."""
        return Context(
            self.job_id,
            queue_of(self.list_name),
            self.attempt.number,
            policy.max_attempts,
            self._make_log,
            self._report,
            self._is_stopped,
        )

    def ended(  # noqa: PLR0913 - what is known of it
        self,
        outcome: attempts.Outcome,
        error: BaseException,
        *,
        kind: str = "",
        delay: float | None = None,
        tier: str = "",
        why: str = "",
    ) -> attempts.AttemptRecord:
        """This attempt as an entry of the job's history.

        Args:
            outcome: What became of it.
            error: What it raised.
            kind: The message type that it claims; empty if it is not known.
            delay: Seconds to the next attempt; None if there is none.
            tier: The error's tier.
            why: The reason for the decision.
        """
        if "lines" in self.__dict__:
            self.lines.failed = True
        return attempts.AttemptRecord(
            number=self.attempt.number,
            outcome=outcome,
            error_type=f"{type(error).__module__}.{type(error).__qualname__}",
            error=redacted(text_of(error))[: attempts.MAX_TEXT],
            traceback=traceback_of(error),
            worker=self.place.worker,
            started_at=self.started_at.isoformat(),
            duration_ms=self.duration_ms,
            delay_seconds=delay,
            tier=tier,
            why=why,
            fingerprint=fingerprint(error, kind),
            place=place_of(error),
            code_version=code_version(self.settings.code_version),
        )

    @property
    def history_ttl(self) -> int:
        """Seconds that the history of the attempts is kept."""
        return max(self.record.failure_ttl or self.settings.failure_ttl, attempts.MIN_TTL)

    def _make_log(self) -> BoundLogger:
        return keeping_logger("postroom.handler", self._keep_line)

    def _keep_line(self, event: Event) -> None:
        self.lines.keep(event)

    def _report(self, progress: Progress) -> None:
        self.lines.report(progress)

    def _is_stopped(self) -> bool:
        return self.stop.ask(self)

    def close_log(self) -> None:
        """Store what the handler logged, and forget what an attempt before has stored."""
        if "lines" in self.__dict__ or self.record.restarts:
            self.lines.failed |= self.stop.stopped is self
            self.lines.close()


def start(job: Job) -> Run:
    """Begin a run. A job that somebody requeued after its burial starts afresh.

    Args:
        job: The job that RQ runs.

    Returns:
        The run.

    Raises:
        AlreadyReplayed: If its dead letter was replayed, so that another job runs its message.
    """
    if dead_letters.BURIED in job.meta:
        dead_letters.resolve(job.id, connection=job.connection)
        del job.meta[dead_letters.BURIED]
        job.connection.hdel(job.key, "parent_failed")
        job.save_meta()
    settings = load_settings()
    # RQ's own times would be 500 s and a year, where a record names none.
    job.result_ttl = settings.result_ttl if job.result_ttl is None else job.result_ttl
    job.failure_ttl = settings.failure_ttl if job.failure_ttl is None else job.failure_ttl
    record = RqRecord(
        job.meta,
        job.number_of_retries or 0,
        job.result_ttl,
        job.failure_ttl,
        _failed_parent(job),
    )
    place = Place(job.worker_name or "", job.connection, settings)
    return Run(job.id, job.origin, record, place)


def _failed_parent(job: Job) -> str | None:
    if not job._dependency_ids:  # noqa: SLF001 - the public property asks Redis each time
        return None
    parent: Any = job.connection.hget(job.key, "parent_failed")
    return parent.decode() if parent else None


def line_of(error: BaseException) -> str:
    """An error in one short line: its class and its text, without secrets."""
    return f"{type(error).__name__}: {redacted(text_of(error))}"[:_LONGEST_LINE]


def traceback_of(error: BaseException) -> str:
    """Where an error was raised, the last 10,000 characters of it, without secrets."""
    return redacted("".join(traceback.format_exception(error)))[-attempts.MAX_TEXT :]
