"""Puts messages into streams: one round trip each, whole or not at all.

The stream is made known in the same step. What is sent again because an answer was lost is found
among the newest entries, and not added twice.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypedDict, Unpack

import redis
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

from messages import Message, PostroomError
from workers import keys
from workers.connection import aconnection_for, connection_for, storage_errors
from workers.errors import BatchInvalid, StreamFull
from workers.logger import get_logger
from workers.options import Duration, EnqueueOptions, seconds
from workers.outgoing import outgoing
from workers.record import check_is_message
from workers.routing import Priority, PriorityName, list_name, priority_of
from workers.scripts import script
from workers.settings import Settings, load_settings
from workers.streams.naming import Naming
from workers.streams.trimming import KEPT_DONE, atrim, trim
from workers.streams.wire import fields_of
from workers.wire import Stored, once, packed, result_of

log = get_logger("postroom.streams")

CHUNK = 100
"""Messages of one stream that one call of the script adds, so that it takes a few ms at most."""

_TRIES = 3
_PAUSE = 0.1  # seconds between two looks whether a full stream has room


class PublishOptions(TypedDict, total=False):
    """The options of `publish`; each may be left out.

    `stream`: instead of what the message's class or the template says. `priority`: high, normal,
    low, or 1 (most urgent) to 10; instead of what the data says. `delay`: not before.
    """

    stream: str
    priority: PriorityName | Priority | int
    delay: Duration


@dataclass(frozen=True)
class Published:
    """A message that is in a stream, or will be when it is due.

    Args:
        stream: The key of the stream.
        message_id: The message's id, which the entry has as `job_id`.
        entry_id: The entry's id; None while the message is not due.
    """

    stream: str
    message_id: str
    entry_id: str | None


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
    return _store(_Call([_addressed(message, options, settings)], settings), connection)[0]


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
    for chunk in _chunks(messages, options, settings, found):
        stored: dict[str, Published] = {}
        for call in _calls(chunk, settings):
            stored |= {each.message_id: each for each in _store(call, connection)}
        found += [stored[each.message_id] for each in chunk]
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
    call = _Call([_addressed(message, options, settings)], settings)
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
    for chunk in _chunks(messages, options, settings, found):
        stored: dict[str, Published] = {}
        for call in _calls(chunk, settings):
            stored |= {each.message_id: each for each in await _astore(call, connection)}
        found += [stored[each.message_id] for each in chunk]
    return found


class _Addressed(NamedTuple):
    """A message on its way: to which key, whose, when, and its fields."""

    key: str
    tenant: str
    delay: str
    message_id: str
    fields: Sequence[str]


class _Call(NamedTuple):
    """One call of the script: messages of one stream."""

    messages: Sequence[_Addressed]
    settings: Settings

    @property
    def key(self) -> str:
        return self.messages[0].key

    @property
    def kept_done(self) -> int:
        """Of the newest entries, how many stay though they are done, if the stream is full."""
        return max(1, min(KEPT_DONE, self.settings.stream_limit // 4))

    def arguments(self, tried: int) -> Sequence[Stored]:
        first, settings = self.messages[0], self.settings
        beyond = int(settings.stream_full == "alert")
        rules = (settings.stream_limit, self.kept_done, beyond, int(tried > 0), first.delay)
        entries: list[Stored] = []
        for each in self.messages:
            entries += (len(each.fields), *each.fields)
        return (keys.our_prefix(), first.key, first.tenant, *rules, *entries)

    def published(self, answer: Any) -> Sequence[Published]:
        state, length, ids = answer
        if state == b"full":
            raise StreamFull(self.key, length, self.settings.stream_limit)
        if length > self.settings.stream_limit:
            log.warning(
                "stream_over_limit",
                stream=self.key,
                length=length,
                remedy="More consumers, or a look at `postroom streams info`.",
            )
        entries = [None] * len(self.messages) if state == b"delayed" else [i.decode() for i in ids]
        pairs = zip(self.messages, entries, strict=True)
        return [Published(each.key, each.message_id, entry) for each, entry in pairs]


def _addressed(message: Message, options: PublishOptions, settings: Settings) -> _Addressed:
    check_is_message(message)
    chosen: EnqueueOptions = {}
    if "priority" in options:
        chosen["priority"] = options["priority"]
    if "delay" in options:
        chosen["delay"] = options["delay"]
    # Of what middleware adds, only what means something to a stream counts.
    message, chosen = outgoing(message, chosen)
    naming = Naming(settings.stream_template)
    own = getattr(message.data, "priority", None)
    priority = priority_of(chosen.get("priority", own))
    key = list_name(naming.for_message(message, options.get("stream")), priority)
    delay = ""
    if "delay" in chosen:
        delay = str(round(seconds(chosen["delay"], field="delay", least=0) * 1000))
    tenant = naming.read(key).tenant
    return _Addressed(key, tenant, delay, message.message_id, fields_of(message, priority))


def _chunks(
    messages: Iterable[Message],
    options: PublishOptions,
    settings: Settings,
    found: Sequence[Published],
) -> Iterator[Sequence[_Addressed]]:
    source = iter(messages)
    while True:
        chunk: list[_Addressed] = []
        try:
            for message in islice(source, CHUNK):
                chunk.append(_addressed(message, options, settings))  # noqa: PERF401 - on an error its length is the index
        except PostroomError as error:
            done = [each.message_id for each in found]
            raise BatchInvalid(error, index=len(done) + len(chunk), enqueued=done) from error
        if not chunk:
            return
        yield chunk


def _calls(chunk: Sequence[_Addressed], settings: Settings) -> Sequence[_Call]:
    by_key: dict[str, list[_Addressed]] = {}
    for each in chunk:
        by_key.setdefault(each.key, []).append(each)
    most = max(1, min(CHUNK, settings.stream_limit // 2))  # a full stream needs room for it
    return [
        _Call(those[first : first + most], settings)
        for those in by_key.values()
        for first in range(0, len(those), most)
    ]


def _store(call: _Call, connection: redis.Redis) -> Sequence[Published]:
    until = time.monotonic() + call.settings.stream_full_wait
    while True:
        try:
            with storage_errors():
                return call.published(_run(call, connection))
        except StreamFull:
            with storage_errors():
                room = trim(call.key, keep=call.kept_done, connection=connection)
            if room:
                continue
            if call.settings.stream_full != "wait" or time.monotonic() > until:
                raise
            time.sleep(_PAUSE * random.uniform(0.5, 1))  # noqa: S311 - jitter, not a secret


async def _astore(call: _Call, connection: redis.asyncio.Redis) -> Sequence[Published]:
    until = time.monotonic() + call.settings.stream_full_wait
    while True:
        try:
            with storage_errors():
                return call.published(await _arun(call, connection))
        except StreamFull:
            with storage_errors():
                room = await atrim(call.key, keep=call.kept_done, connection=connection)
            if room:
                continue
            if call.settings.stream_full != "wait" or time.monotonic() > until:
                raise
            await asyncio.sleep(_PAUSE * random.uniform(0.5, 1))  # noqa: S311 - as above


def _run(call: _Call, connection: redis.Redis) -> Any:
    tried = 0
    while True:
        command = ("EVALSHA", _digest(), 0, *call.arguments(tried))
        try:
            return result_of(once(connection, b"*%d\r\n%b" % (len(command), packed(command)), 1))
        except NoScriptError:
            connection.script_load(_text())
        except (RedisConnectionError, RedisTimeoutError):
            tried += 1
            if tried == _TRIES:
                raise


async def _arun(call: _Call, connection: redis.asyncio.Redis) -> Any:
    tried = 0
    while True:
        try:
            return await _aonce(connection, ("EVALSHA", _digest(), 0, *call.arguments(tried)))
        except NoScriptError:
            await connection.script_load(_text())
        except (RedisConnectionError, RedisTimeoutError):
            tried += 1
            if tried == _TRIES:
                raise


async def _aonce(connection: redis.asyncio.Redis, command: Sequence[Stored]) -> Any:
    # The client's own call would send it again without a word to the script.
    pool = connection.connection_pool
    wire: Any = await pool.get_connection()
    try:
        await wire.send_command(*command)
        return await wire.read_response(disable_decoding=True)
    except (RedisConnectionError, RedisTimeoutError):
        await wire.disconnect()
        raise
    finally:
        await pool.release(wire)


@lru_cache(maxsize=1)
def _text() -> str:
    return script("workers.streams", "trim") + script("workers.streams", "publish")


@lru_cache(maxsize=1)
def _digest() -> str:
    return hashlib.sha1(_text().encode(), usedforsecurity=False).hexdigest()
