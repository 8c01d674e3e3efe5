"""Puts messages into Redis: one round trip each, all or nothing, safe to repeat.

A message is stored under its own id. Sending the same message again, for example because the
answer to the first call was lost, changes nothing and returns the same job.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Unpack

import redis
import redis.asyncio

from messages import Message
from workers.batches import astore, astore_one, lane, store_one
from workers.calls import Reply
from workers.connection import aconnection_for, connection_for
from workers.errors import InvalidOption
from workers.handle import JobHandle
from workers.options import Duration, EnqueueOptions
from workers.outgoing import chunks, outgoing, queue_of_message
from workers.record import job_record
from workers.settings import Settings, load_settings
from workers.tracing import tracer_for


def enqueue(
    message: Message,
    *,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[EnqueueOptions],
) -> JobHandle:
    """Store a message so that a worker will handle it.

    Args:
        message: What to send.
        connection: Where to; None means the server that the settings name.
        settings: None means those of the environment.
        options: See `EnqueueOptions`.

    Returns:
        A handle of the job. Its `is_new` is False if the message, or another one with the same
        unique key, was there already.

    Raises:
        InvalidMessage: If the message is too large.
        InvalidOption: If an option cannot be used.
        StorageUnavailable: If Redis does not answer within REDIS_TIMEOUT.
        StorageRefused: If Redis is full or read-only; nothing is written.
    """
    return _enqueue(message, options, connection, settings)


def enqueue_in(
    delay: Duration,
    message: Message,
    /,
    *,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[EnqueueOptions],
) -> JobHandle:
    """Store a message that is not due before a delay is over, by Redis' clock.

    Args:
        delay: A timedelta or seconds, from 0.
        message: What to send.
        connection: As in `enqueue`.
        settings: As in `enqueue`.
        options: See `EnqueueOptions`.

    Returns:
        A handle of the job.

    Raises:
        InvalidOption: As `enqueue`, which raises the same errors.
    """
    return _enqueue(message, _delayed(options, delay), connection, settings)


def enqueue_at(
    at: datetime,
    message: Message,
    /,
    *,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[EnqueueOptions],
) -> JobHandle:
    """Store a message that is not due before a point in time.

    Args:
        at: When, with its time zone; the past means at once.
        message: What to send.
        connection: As in `enqueue`.
        settings: As in `enqueue`.
        options: See `EnqueueOptions`.

    Returns:
        A handle of the job.

    Raises:
        InvalidOption: As `enqueue`, which raises the same errors.
    """
    return _enqueue(message, options, connection, settings, at=at)


def enqueue_many(
    messages: Iterable[Message],
    *,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[EnqueueOptions],
) -> list[str]:
    """Store messages in chunks of 1,000, each chunk whole or not at all.

    Args:
        messages: Any iterable; it is consumed before the call returns, a chunk at a time.
        connection: As in `enqueue`.
        settings: As in `enqueue`.
        options: The same for every message; see `EnqueueOptions`.

    Returns:
        The job ids, in the order of the messages.

    Raises:
        BatchInvalid: If a message is not valid. Nothing of its chunk is written; `index` and
            `enqueued` say how far it came.
        StorageUnavailable: If Redis does not answer; sending the same messages again is safe.
        StorageRefused: If Redis is full or read-only.
    """
    settings = settings or load_settings()
    connection = connection or connection_for(settings)
    with lane(connection) as to:
        for records in chunks(messages, options, settings, to.ids):
            to.store(records)
        return to.ids()


async def aenqueue(
    message: Message,
    *,
    connection: redis.asyncio.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[EnqueueOptions],
) -> JobHandle:
    """As `enqueue`, without blocking the event loop."""
    return await _aenqueue(message, options, connection, settings)


async def aenqueue_in(
    delay: Duration,
    message: Message,
    /,
    *,
    connection: redis.asyncio.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[EnqueueOptions],
) -> JobHandle:
    """As `enqueue_in`, without blocking the event loop."""
    return await _aenqueue(message, _delayed(options, delay), connection, settings)


async def aenqueue_at(
    at: datetime,
    message: Message,
    /,
    *,
    connection: redis.asyncio.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[EnqueueOptions],
) -> JobHandle:
    """As `enqueue_at`, without blocking the event loop."""
    return await _aenqueue(message, options, connection, settings, at=at)


async def aenqueue_many(
    messages: Iterable[Message],
    *,
    connection: redis.asyncio.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[EnqueueOptions],
) -> list[str]:
    """As `enqueue_many`, without blocking the event loop."""
    settings = settings or load_settings()
    connection = connection or await aconnection_for(settings)
    ids: list[str] = []
    for records in chunks(messages, options, settings, ids.copy):
        ids += await astore(records, connection)
    return ids


def _enqueue(
    message: Message,
    options: EnqueueOptions,
    connection: redis.Redis | None,
    settings: Settings | None,
    *,
    at: datetime | None = None,
) -> JobHandle:
    settings = settings or load_settings()
    connection = connection or connection_for(settings)
    tracer = tracer_for(settings) if settings.tracing else None
    if tracer is None:
        return _stored(message, options, connection, settings, at)
    with tracer.sending(message, queue_of_message(message, options, settings)) as sent:
        return _stored(sent, options, connection, settings, at)


def _stored(
    message: Message,
    options: EnqueueOptions,
    connection: redis.Redis,
    settings: Settings,
    at: datetime | None,
) -> JobHandle:
    message, options = outgoing(message, options)
    record = job_record(message, options, settings=settings, at=at)
    return _handle(store_one(record, connection), connection)


async def _aenqueue(
    message: Message,
    options: EnqueueOptions,
    connection: redis.asyncio.Redis | None,
    settings: Settings | None,
    *,
    at: datetime | None = None,
) -> JobHandle:
    settings = settings or load_settings()
    connection = connection or await aconnection_for(settings)
    tracer = tracer_for(settings) if settings.tracing else None
    if tracer is None:
        return await _astored(message, options, connection, settings, at)
    with tracer.sending(message, queue_of_message(message, options, settings)) as sent:
        return await _astored(sent, options, connection, settings, at)


async def _astored(
    message: Message,
    options: EnqueueOptions,
    connection: redis.asyncio.Redis,
    settings: Settings,
    at: datetime | None,
) -> JobHandle:
    message, options = outgoing(message, options)
    record = job_record(message, options, settings=settings, at=at)
    return _handle(await astore_one(record, connection), aconnection=connection)


def _delayed(options: EnqueueOptions, delay: Duration) -> EnqueueOptions:
    if "delay" in options:
        raise InvalidOption(
            "The delay is given twice.", field="delay", remedy="Pass it as the first argument only."
        )
    delayed = options.copy()
    delayed["delay"] = delay
    return delayed


def _handle(
    reply: Reply,
    connection: redis.Redis | None = None,
    aconnection: redis.asyncio.Redis | None = None,
) -> JobHandle:
    is_new = reply[0] not in {b"known", b"duplicate"}
    return JobHandle(reply[1].decode(), is_new, connection, aconnection)
