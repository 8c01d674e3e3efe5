"""What a caller holds after enqueue: the job's id, its state, its result."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
import redis.asyncio
from rq.job import JobStatus

from workers import keys
from workers.cancelling import cancel_job
from workers.connection import aconnection_for, atwin, default_connection, storage_errors
from workers.dependents import settle_dependents
from workers.ended import Ended, look_commands, verdict
from workers.errors import InvalidState, JobNotFound, WaitTimeout
from workers.settings import load_settings

_LONGEST_BLOCK = 1.0  # stock workers do not write to the stream of outcomes: look again this often
_SEARCHED = 1_000  # outcomes looked through for a job whose record is gone
_STATUSES = frozenset(status.value for status in JobStatus)


@dataclass(frozen=True)
class JobHandle:
    """A job seen by its caller.

    Args:
        id: The job's id, which is the message's.
        is_new: False if enqueue found the job already there.
        connection: The client to ask; None means the server that the settings name.
        aconnection: The asyncio client that stored it, if one did.
    """

    id: str
    is_new: bool = True
    connection: redis.Redis | None = field(default=None, repr=False, compare=False)
    aconnection: redis.asyncio.Redis | None = field(default=None, repr=False, compare=False)

    def status(self) -> str:
        """RQ's word for the job's state.

        Returns:
            `queued`, `scheduled`, `deferred`, `started`, `finished`, `failed`, `canceled`...

        Raises:
            JobNotFound: If there is no record of it, or none any more.
        """
        with storage_errors():
            stored: Any = self._connection().hget(keys.job(self.id), "status")
        status = stored.decode(errors="replace") if stored is not None else ""
        if status not in _STATUSES:
            raise self._not_found()
        return str(status)

    def result(self) -> Any:
        """What the handler returned, or None while it is not done, or did not succeed.

        Raises:
            JobNotFound: If there is no record of it, or none any more.
            ResultUnreadable: If a stock worker ended it, and what it returned is not JSON.
        """
        with storage_errors():
            ended = self._look(self._connection())
        return ended.result if ended else None

    def wait(self, timeout: float | None = None) -> Any:
        """Block until the job is over.

        Args:
            timeout: Seconds to wait at most; None means for ever.

        Returns:
            What the handler returned; None also if its record has been trimmed since.

        Raises:
            JobFailed: If it failed or was cancelled.
            JobNotFound: If there is no such job.
            ResultUnreadable: As `result`.
            WaitTimeout: If it is not over in time; the job goes on.
        """
        connection = self._connection()
        deadline = _deadline(timeout)
        with storage_errors():
            # The stream's end is noted before the state is read, so no outcome falls between.
            cursor = _last_id(connection.xrevrange(keys.done(), count=1))
            seen = False
            while (ended := self._look(connection, trimmed=seen)) is None:
                block = _block_ms(connection, deadline) or self._too_late(timeout)
                cursor, ids = _outcomes(
                    connection.xread({keys.done(): cursor}, count=_SEARCHED, block=block), cursor
                )
                seen = seen or self.id in ids
        return ended.value()

    async def await_result(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - the twin of wait()
        """As `wait`, without blocking the event loop.

        Args:
            timeout: Seconds to wait at most; None means for ever.

        Returns:
            What the handler returned.

        Raises:
            JobFailed: As `wait`, which raises the same errors.
        """
        if self.connection is not None and self.aconnection is None:
            connection = atwin(self.connection)
            try:
                return await self._await_result(connection, timeout)
            finally:
                await connection.aclose()
        return await self._await_result(
            self.aconnection or await aconnection_for(load_settings()), timeout
        )

    async def _await_result(self, connection: redis.asyncio.Redis, timeout: float | None) -> Any:  # noqa: ASYNC109
        deadline = _deadline(timeout)
        with storage_errors():
            cursor = _last_id(await connection.xrevrange(keys.done(), count=1))
            seen = False
            while (ended := await self._alook(connection, trimmed=seen)) is None:
                block = _block_ms(connection, deadline) or self._too_late(timeout)
                cursor, ids = _outcomes(
                    await connection.xread({keys.done(): cursor}, count=_SEARCHED, block=block),
                    cursor,
                )
                seen = seen or self.id in ids
        return ended.value()

    def cancel(self) -> None:
        """Take the job out before its handler is called.

        Once this has returned the handler is never called; a worker that has leased the job and
        not begun it is asked to give it up. Jobs that depend on it follow their
        `on_parent_failure`.

        Raises:
            JobNotFound: If there is no record of it.
            InvalidState: If a worker has begun it, which takes half a second to find out, or it is
                over.
        """
        connection = self._connection()
        with storage_errors():
            state = cancel_job(self.id, connection=connection)
            if state == "canceled":
                settle_dependents(self.id, connection=connection)
                return
        if not state:
            raise self._not_found()
        raise InvalidState(
            f"Job {self.id} is {state}; only a job that waits can be cancelled.",
            remedy=f"Let it end, or stop it while it runs: `postroom jobs stop {self.id}`.",
        )

    def _connection(self) -> redis.Redis:
        if self.connection is None and self.aconnection is not None:
            raise InvalidState(
                f"Job {self.id} was stored through an asyncio client.",
                remedy="Use await_result(), or JobHandle(id, connection=...) with a client.",
            )
        return self.connection or default_connection()

    def _look(self, connection: redis.Redis, *, trimmed: bool = False) -> Ended | None:
        with connection.pipeline(transaction=False) as pipe:
            for command in look_commands(self.id):
                pipe.execute_command(*command)
            found = verdict(self.id, pipe.execute())
        if found.exists:
            return found.ended
        if (
            trimmed
            or self.id
            in _outcomes([(b"", connection.xrevrange(keys.done(), count=_SEARCHED))], "")[1]
        ):
            return Ended()
        raise self._not_found()

    async def _alook(
        self, connection: redis.asyncio.Redis, *, trimmed: bool = False
    ) -> Ended | None:
        async with connection.pipeline(transaction=False) as pipe:
            for command in look_commands(self.id):
                pipe.execute_command(*command)
            found = verdict(self.id, await pipe.execute())
        if found.exists:
            return found.ended
        if (
            trimmed
            or self.id
            in _outcomes([(b"", await connection.xrevrange(keys.done(), count=_SEARCHED))], "")[1]
        ):
            return Ended()
        raise self._not_found()

    def _too_late(self, timeout: float | None) -> int:
        raise WaitTimeout(f"Job {self.id} is not over after {timeout:g} s.")

    def _not_found(self) -> JobNotFound:
        return JobNotFound(f"There is no job {self.id}.", field="job_id")


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _block_ms(connection: redis.Redis | redis.asyncio.Redis, deadline: float | None) -> int:
    """Milliseconds to wait for outcomes, 0 when the time is up; less than the client's timeout."""
    patience = connection.connection_pool.connection_kwargs.get("socket_timeout")
    longest = min(_LONGEST_BLOCK, patience / 2) if patience else _LONGEST_BLOCK
    left = longest if deadline is None else min(longest, deadline - time.monotonic())
    return max(1, int(left * 1000)) if left > 0 else 0


def _last_id(newest: Any) -> str:
    return newest[0][0].decode() if newest else "0-0"


def _outcomes(answer: Any, cursor: str) -> tuple[str, set[str]]:
    entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]] = answer[0][1] if answer else ()
    if not entries:
        return cursor, set()
    ids = (job_id for _, fields in entries for told in fields.values() for job_id in told.split())
    return entries[-1][0].decode(), {job_id.decode() for job_id in ids}
