"""Stores jobs: one, or chunk after chunk, each chunk in one round trip and all or nothing.

While the server works on one chunk the next one is made, where the client allows it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from messages import PostroomError
from workers.calls import (
    Call,
    Reply,
    calls_of,
    ids_after,
    packed_call,
    script_digest,
    script_text,
)
from workers.connection import storage_errors
from workers.record import JobRecord
from workers.wire import EXEC, MULTI, exchange, packed, receive, result_of, send, take


def store_one(record: JobRecord, connection: redis.Redis) -> Reply:
    """Store one job.

    Args:
        record: The job.
        connection: Where.

    Returns:
        What the script says of it.

    Raises:
        StorageUnavailable: If Redis does not answer.
        StorageRefused: If Redis refuses it.
    """
    call = packed_call(record.plan, (record,))
    try:
        reply: Reply = result_of(exchange(connection, call, 1))
    except NoScriptError:
        with storage_errors():
            _load(connection)
            reply = result_of(exchange(connection, call, 1))
    except RedisError:
        with storage_errors():  # here, because to enter it takes time, and most calls succeed
            raise
    return reply


async def astore_one(record: JobRecord, connection: redis.asyncio.Redis) -> Reply:
    """As `store_one`, without blocking the event loop."""
    command = ("EVALSHA", script_digest(), len(record.keys), *record.keys, *record.arguments)
    with storage_errors():
        try:
            reply: Reply = await connection.execute_command(*command)
        except NoScriptError:
            await connection.script_load(script_text())
            reply = await connection.execute_command(*command)
    return reply


async def astore(records: Sequence[JobRecord], connection: redis.asyncio.Redis) -> list[str]:
    """Store one chunk without blocking the event loop.

    Args:
        records: The chunk.
        connection: Where.

    Returns:
        The ids, as `ids_after`.

    Raises:
        StorageUnavailable: If Redis does not answer.
        StorageRefused: If Redis refuses the chunk.
    """
    calls = calls_of(records)
    with storage_errors():
        try:
            replies = await _apipelined(calls, connection)
        except NoScriptError:
            await connection.script_load(script_text())
            replies = await _apipelined(calls, connection)
    return ids_after(records, calls, replies)


class Lane:
    """Stores chunk after chunk; one of them may be under way while the caller makes the next.

    Args:
        connection: Where to.
    """

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection
        self._ids: list[str] = []
        self._under_way: tuple[Sequence[JobRecord], Sequence[Call]] | None = None
        self._wire: Any = None

    def store(self, records: Sequence[JobRecord]) -> None:
        """Send a chunk, after the one before is stored.

        Args:
            records: The chunk.

        Raises:
            StorageUnavailable: If Redis does not answer.
            StorageRefused: If Redis refuses a chunk.
        """
        self.ids()
        calls = calls_of(records)
        self._under_way = (records, calls)
        with storage_errors(), suppress(RedisConnectionError):  # it is sent again when it is asked
            self._send(calls)

    def ids(self) -> list[str]:
        """Wait for the chunk that is under way.

        Returns:
            The ids of all chunks that were stored.

        Raises:
            StorageUnavailable: If Redis does not answer.
            StorageRefused: If Redis refuses the chunk.
        """
        if self._under_way is not None:
            records, calls = self._under_way
            self._under_way = None
            with storage_errors():
                self._ids += ids_after(records, calls, self._replies(calls))
        return self._ids

    def _send(self, calls: Sequence[Call]) -> None:
        pool = self._connection.connection_pool
        if self._connection.connection is not None or pool.max_connections == 1:
            return  # there is but one, and the caller's source of messages may need it
        wire = take(pool)
        send(wire, pool, _transaction(calls))
        self._wire = wire

    def _replies(self, calls: Sequence[Call]) -> Sequence[Reply]:
        try:
            return self._first_replies(calls)
        except NoScriptError:
            _load(self._connection)
            return self._first_replies(calls)

    def _first_replies(self, calls: Sequence[Call]) -> Sequence[Reply]:
        answers = self._answers_under_way(len(calls) + 2)
        # What was not sent, or whose answer was lost, is sent again: known ids change nothing.
        if answers is None:
            answers = exchange(self._connection, _transaction(calls), len(calls) + 2)
        replies: Sequence[Reply] = result_of(answers)
        return replies

    def _answers_under_way(self, count: int) -> Sequence[Any] | None:
        wire, self._wire = self._wire, None
        if wire is None:
            return None
        try:
            return receive(wire, self._connection.connection_pool, count)
        except RedisConnectionError:
            return None


@contextmanager
def lane(connection: redis.Redis) -> Iterator[Lane]:
    """A lane whose last chunk is stored, too, however the block is left.

    Args:
        connection: Where to.
    """
    found = Lane(connection)
    try:
        yield found
    except BaseException:
        with suppress(PostroomError):  # the first error says more
            found.ids()
        raise
    found.ids()


def _load(connection: redis.Redis) -> None:
    command = b"*3\r\n" + packed(("SCRIPT", "LOAD", script_text()))
    result_of(exchange(connection, command, 1))


def _transaction(calls: Sequence[Call]) -> bytes:
    return b"".join((MULTI, *(packed_call(call.plan, call.records) for call in calls), EXEC))


async def _apipelined(calls: Sequence[Call], connection: redis.asyncio.Redis) -> Sequence[Reply]:
    async with connection.pipeline(transaction=True) as pipe:
        for call in calls:
            pipe.execute_command(*call.command())
        replies: list[Reply] = await pipe.execute()
    return replies
