"""What a caller holds after enqueue: the job's id, its state, its result."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import redis
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from workers import dead_letters, keys
from workers.connection import default_connection, storage_errors
from workers.dependents import settle_dependents
from workers.errors import InvalidState, JobFailed, JobNotFound, WaitTimeout

_BLOCK_MS = 1_000  # stock workers do not write to the stream of outcomes: look again this often
_CANCELLABLE = (JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.DEFERRED)
_FAILED = {JobStatus.FAILED, JobStatus.CANCELED, JobStatus.STOPPED}


@dataclass(frozen=True)
class Ended:
    """A job that is over: what it returned, or why it did not."""

    result: Any = None
    error: JobFailed | None = None


@dataclass(frozen=True)
class JobHandle:
    """A job seen by its caller.

    Args:
        id: The job's id, which is the message's.
        is_new: False if enqueue found the job already there.
        connection: The client to ask; None means the one that the settings name.
    """

    id: str
    is_new: bool = True
    connection: redis.Redis | None = field(default=None, repr=False, compare=False)

    def status(self) -> str:
        """RQ's word for the job's state.

        Returns:
            `queued`, `scheduled`, `deferred`, `started`, `finished`, `failed`, `canceled`...

        Raises:
            JobNotFound: If there is no record of it, or none any more.
        """
        with storage_errors():
            return str(self._job().get_status(refresh=False).value)

    def result(self) -> Any:
        """What the handler returned, or None while it is not done.

        Raises:
            JobNotFound: If there is no record of it, or none any more.
        """
        with storage_errors():
            return self._job().return_value()

    def wait(self, timeout: float | None = None) -> Any:
        """Block until the job is over.

        Args:
            timeout: Seconds to wait at most; None means for ever.

        Returns:
            What the handler returned; None also if its record has been trimmed since.

        Raises:
            JobFailed: If it failed or was cancelled.
            JobNotFound: If there is no such job.
            WaitTimeout: If it is not over in time; the job goes on.
        """
        connection = self._connection()
        deadline = None if timeout is None else time.monotonic() + timeout
        with storage_errors():
            # The stream's end is noted before the status is read, so no outcome falls between.
            cursor = _end_of_outcomes(connection)
            while (ended := self._look(known=False)) is None:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise WaitTimeout(f"Job {self.id} is not over after {timeout:g} s.")
                cursor, seen = _next_outcomes(connection, cursor, left)
                if self.id in seen:
                    ended = self._look(known=True) or Ended()
                    break
        if ended.error is not None:
            raise ended.error
        return ended.result

    async def await_result(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - the twin of wait()
        """As `wait`, without blocking the event loop.

        Args:
            timeout: Seconds to wait at most; None means for ever.

        Returns:
            What the handler returned.

        Raises:
            JobFailed: As `wait`, which raises the same errors.
        """
        return await asyncio.to_thread(self.wait, timeout)

    def cancel(self) -> None:
        """Take the job out before it runs; jobs that depend on it follow `on_parent_failure`.

        Raises:
            JobNotFound: If there is no record of it.
            InvalidState: If it runs or is over.
        """
        with storage_errors():
            job = self._job()
            status = job.get_status(refresh=False)
            if status not in _CANCELLABLE:
                raise InvalidState(
                    f"Job {self.id} is {status.value}; only a job that waits can be cancelled.",
                    remedy="Let it end; a running job is stopped with rq's stop command.",
                )
            job.cancel()
            if job.failure_ttl is not None:
                job.connection.expire(job.key, job.failure_ttl)
            settle_dependents(job.id, connection=job.connection)

    def _connection(self) -> redis.Redis:
        return self.connection or default_connection()

    def _job(self) -> Job:
        try:
            return Job.fetch(self.id, connection=self._connection(), serializer=JSONSerializer)
        except NoSuchJobError as error:
            raise JobNotFound(f"There is no job {self.id}.", field="job_id") from error

    def _look(self, *, known: bool) -> Ended | None:
        try:
            job = self._job()
        except JobNotFound:
            letter = dead_letters.find(self.id, connection=self._connection())
            if letter is not None:
                return Ended(error=_failure(self.id, letter.error))
            if known:
                return None
            raise
        status = job.get_status(refresh=False)
        if status is JobStatus.FINISHED:
            return Ended(result=job.return_value())
        if status in _FAILED:
            return Ended(error=_failure(self.id, _reason(job, status)))
        return None


def _failure(job_id: str, reason: str) -> JobFailed:
    return JobFailed(f"Job {job_id} did not succeed: {reason.rstrip('.')}.")


def _reason(job: Job, status: JobStatus) -> str:
    letter = dead_letters.find(job.id, connection=job.connection)
    if letter is not None:
        return letter.error
    latest = job.latest_result()
    lines = (latest.exc_string or "").strip().splitlines() if latest else []
    return lines[-1] if lines else str(status.value)


def _end_of_outcomes(connection: redis.Redis) -> str:
    newest: Any = connection.xrevrange(keys.done(), count=1)
    return newest[0][0].decode() if newest else "0-0"


def _next_outcomes(
    connection: redis.Redis, cursor: str, left: float | None
) -> tuple[str, set[str]]:
    block = _BLOCK_MS if left is None else max(1, min(_BLOCK_MS, int(left * 1000)))
    answer: Any = connection.xread({keys.done(): cursor}, count=1_000, block=block)
    if not answer:
        return cursor, set()
    entries: list[tuple[bytes, Mapping[bytes, bytes]]] = answer[0][1]
    return entries[-1][0].decode(), {fields[b"id"].decode() for _, fields in entries}
