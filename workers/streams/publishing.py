"""Puts messages into streams: one round trip each, whole or not at all.

The stream is made known in the same step. What is sent again because an answer was lost is found
among the newest entries, and not added twice.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Unpack

import redis
import redis.asyncio

from messages import Message
from workers.connection import aconnection_for, connection_for, storage_errors
from workers.errors import StreamFull
from workers.settings import Settings, load_settings
from workers.streams.adding import Call, Published, arun, calls, ids_of, in_order, run
from workers.streams.addressing import PublishOptions, addressed, chunks, sending
from workers.streams.trimming import atrim, trim

_PAUSE = 0.1  # seconds between two looks whether a full stream has room


def publish(
    message: Message,
    *,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[PublishOptions],
) -> Published:
    """Add a message to a stream, for every group of consumers to handle.

    Args:
        message: What to send. Its `message_id` may be the caller's own.
        connection: Where to; None means the server that the settings name.
        settings: None means those of the environment.
        options: See `PublishOptions`.

    Returns:
        Where it is.

    Raises:
        InvalidMessage: If the message is too large.
        InvalidOption: If an option cannot be used.
        StreamFull: If the stream holds STREAM_LIMIT entries that are not done, unless STREAM_FULL
            is `alert`.
        StorageUnavailable: If Redis does not answer within REDIS_TIMEOUT.
        StorageRefused: If Redis is full or read-only, or the key is no stream.
    """
    settings = settings or load_settings()
    connection = connection or connection_for(settings)
    with sending(message, options, settings) as sent:
        return _store(Call([addressed(sent, options, settings)], settings), connection)[0]


def publish_many(
    messages: Iterable[Message],
    *,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[PublishOptions],
) -> list[Published]:
    """Add messages to their streams, in chunks of 100, each chunk of a stream whole or not at all.

    Args:
        messages: Any iterable; it is consumed before the call returns.
        connection: As in `publish`.
        settings: As in `publish`.
        options: The same for every message; see `PublishOptions`.

    Returns:
        Where they are, in the order of the messages.

    Raises:
        BatchInvalid: If a message is not valid. Nothing of its chunk is written; `index` and
            `enqueued`, the ids of the messages before it, say how far it came.
        StreamFull: As `publish`; so do the errors of Redis.
    """
    settings = settings or load_settings()
    connection = connection or connection_for(settings)
    found: list[Published] = []
    for chunk in chunks(messages, options, settings, partial(ids_of, found)):
        stored = [each for call in calls(chunk, settings) for each in _store(call, connection)]
        found += in_order(chunk, stored)
    return found


async def apublish(
    message: Message,
    *,
    connection: redis.asyncio.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[PublishOptions],
) -> Published:
    """As `publish`, without blocking the event loop."""
    settings = settings or load_settings()
    connection = connection or await aconnection_for(settings)
    with sending(message, options, settings) as sent:
        call = Call([addressed(sent, options, settings)], settings)
        return (await _astore(call, connection))[0]


async def apublish_many(
    messages: Iterable[Message],
    *,
    connection: redis.asyncio.Redis | None = None,
    settings: Settings | None = None,
    **options: Unpack[PublishOptions],
) -> list[Published]:
    """As `publish_many`, without blocking the event loop."""
    settings = settings or load_settings()
    connection = connection or await aconnection_for(settings)
    found: list[Published] = []
    for chunk in chunks(messages, options, settings, partial(ids_of, found)):
        stored = [
            each for call in calls(chunk, settings) for each in await _astore(call, connection)
        ]
        found += in_order(chunk, stored)
    return found


def _store(call: Call, connection: redis.Redis) -> Sequence[Published]:
    until = time.monotonic() + call.settings.stream_full_wait
    while True:
        try:
            with storage_errors():
                return call.published(run(call, connection))
        except StreamFull:
            with storage_errors():
                room = trim(call.key, keep=call.kept_done, connection=connection)
            if room:
                continue
            if call.settings.stream_full != "wait" or time.monotonic() > until:
                raise
            time.sleep(_PAUSE * random.uniform(0.5, 1))  # noqa: S311 - jitter, not a secret


async def _astore(call: Call, connection: redis.asyncio.Redis) -> Sequence[Published]:
    until = time.monotonic() + call.settings.stream_full_wait
    while True:
        try:
            with storage_errors():
                return call.published(await arun(call, connection))
        except StreamFull:
            with storage_errors():
                room = await atrim(call.key, keep=call.kept_done, connection=connection)
            if room:
                continue
            if call.settings.stream_full != "wait" or time.monotonic() > until:
                raise
            await asyncio.sleep(_PAUSE * random.uniform(0.5, 1))  # noqa: S311 - as above
