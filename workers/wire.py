"""Commands as bytes, on connections of redis-py.

To pack a command with many arguments, and to check a pooled connection before each call, takes
redis-py longer than Redis takes to store a job. Here the constant part of a command is packed
once, and connections that calls have used are kept at hand: as many as there were calls at the
same time. Dialling, time limits, retries and errors are those of redis-py.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

Stored = str | bytes | float

Wire = Any
"""A connection of redis-py, whose classes have no common type."""

MULTI, EXEC = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"

_SMALL_POOL = 10  # connections; the others need each of them

_at_hand: WeakKeyDictionary[redis.ConnectionPool, list[Wire]] = WeakKeyDictionary()


def packed(parts: Iterable[Stored]) -> bytes:
    """Parts of a command as Redis reads them.

    Args:
        parts: Text, bytes or numbers.

    Returns:
        One bulk string after the other; `*` and their number belong before the first.
    """
    return b"".join(
        _bulk(part if isinstance(part, bytes) else str(part).encode()) for part in parts
    )


def exchange(connection: redis.Redis, commands: bytes, answers: int) -> Sequence[Any]:
    """Send commands in one write and wait for their answers.

    Args:
        connection: Whose pool, time limit and retries count; what is sent must be safe to repeat.
        commands: Packed.
        answers: How many commands these are.

    Returns:
        The answers, undecoded; an error that Redis answered is one of them.

    Raises:
        redis.exceptions.ConnectionError: If the server cannot be reached.
        redis.exceptions.TimeoutError: If it does not answer in time.
    """
    if connection.connection is not None:  # a client that was made for a single connection
        with connection.single_connection_lock:
            return _tried(connection.connection, commands, answers)
    pool = connection.connection_pool
    wire = _taken(pool)
    if wire is not None:
        try:
            send(wire, pool, commands)
            return receive(wire, pool, answers)
        except RedisConnectionError:
            pass  # it may have died at hand, so this was no try yet
    wire = pool.get_connection()
    try:
        found = _tried(wire, commands, answers)
    except BaseException:
        pool.release(wire)
        raise
    _give_back(wire, pool)
    return found


def once(connection: redis.Redis, commands: bytes, answers: int) -> Sequence[Any]:
    """As `exchange`, for what is not safe to repeat: nothing is tried twice.

    Args:
        connection: Whose pool and time limit count.
        commands: Packed.
        answers: How many commands these are.

    Returns:
        As `exchange`.

    Raises:
        redis.exceptions.ConnectionError: As for `exchange`; what was sent may have arrived.
    """
    pool = connection.connection_pool
    if connection.connection is None:
        wire = take(pool)
        send(wire, pool, commands)
        return receive(wire, pool, answers)
    with connection.single_connection_lock:
        wire = connection.connection
        try:
            wire.send_packed_command([commands])
            return [_answer(wire) for _ in range(answers)]
        except BaseException:
            wire.disconnect()
            raise


def ask(
    connection: redis.Redis, commands: bytes, answers: int
) -> Callable[[], Sequence[Any]] | None:
    """Send commands now, to read their answers later. Nothing is tried twice.

    Args:
        connection: Whose pool counts.
        commands: Packed.
        answers: How many commands these are.

    Returns:
        What waits for the answers, as `exchange` returns them; None if the connection is one of
        few, which others may need meanwhile: then nothing was sent.

    Raises:
        redis.exceptions.ConnectionError: If the server cannot be reached.
    """
    pool = connection.connection_pool
    if connection.connection is not None or not _has_plenty(pool):
        return None
    wire = take(pool)
    send(wire, pool, commands)
    return partial(receive, wire, pool, answers)


def take(pool: redis.ConnectionPool) -> Wire:
    """A connection for one `send` and one `receive`.

    Args:
        pool: Where it belongs.

    Raises:
        redis.exceptions.ConnectionError: If the server cannot be reached.
    """
    return _taken(pool) or pool.get_connection()


def send(wire: Wire, pool: redis.ConnectionPool, commands: bytes) -> None:
    """Send commands; if that fails, the connection is given up.

    Args:
        wire: From `take`.
        pool: Where it belongs.
        commands: Packed.
    """
    try:
        wire.send_packed_command([commands])
    except BaseException:
        _give_up(wire, pool)
        raise


def receive(wire: Wire, pool: redis.ConnectionPool, answers: int) -> Sequence[Any]:
    """Wait for the answers to what was sent, and give the connection back.

    Args:
        wire: From `take`.
        pool: Where it belongs.
        answers: How many.

    Returns:
        As `exchange`.
    """
    try:
        found = [_answer(wire) for _ in range(answers)]
    except BaseException:
        _give_up(wire, pool)
        raise
    _give_back(wire, pool)
    return found


def result_of(answers: Sequence[Any]) -> Any:
    """The last answer, if all went well; of a transaction the list of its results.

    Args:
        answers: Of `exchange`.

    Raises:
        redis.exceptions.ResponseError: The first error among them.
    """
    last = answers[-1]
    for each in (*answers, *last) if type(last) is list else answers:
        if isinstance(each, ResponseError):
            raise each
    return last


def _bulk(part: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(part), part)


def _tried(wire: Wire, commands: bytes, answers: int) -> Sequence[Any]:
    def attempt() -> Sequence[Any]:
        wire.send_packed_command([commands])
        return [_answer(wire) for _ in range(answers)]

    found: Sequence[Any] = wire.retry.call_with_retry(attempt, lambda _: wire.disconnect())
    return found


def _answer(wire: Wire) -> Any:
    try:
        return wire.read_response(disable_decoding=True)
    except ResponseError as error:
        return error


def _taken(pool: redis.ConnectionPool) -> Wire | None:
    kept = _at_hand.get(pool)
    try:
        wire = kept.pop() if kept else None
    except IndexError:  # another thread was quicker
        return None
    # A process that was forked since must not speak on its parent's connection.
    return wire if wire is None or wire.pid == os.getpid() else None


def _give_back(wire: Wire, pool: redis.ConnectionPool) -> None:
    if _has_plenty(pool):
        kept = _at_hand.get(pool)
        if kept is None:
            kept = _at_hand.setdefault(pool, [])
        kept.append(wire)
    else:
        pool.release(wire)


def _has_plenty(pool: redis.ConnectionPool) -> bool:
    # Other pools have rules of their own, such as who the master is, or who waits for one.
    return type(pool) is redis.ConnectionPool and pool.max_connections > _SMALL_POOL


def _give_up(wire: Wire, pool: redis.ConnectionPool) -> None:
    wire.disconnect()
    pool.release(wire)
