"""One call of the script that adds entries to a stream, sent again without adding them twice."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import redis
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

from workers import keys
from workers.errors import StreamFull
from workers.logger import get_logger
from workers.scripts import script
from workers.settings import Settings
from workers.streams.addressing import CHUNK, Addressed
from workers.streams.trimming import KEPT_DONE
from workers.wire import Stored, once, packed, result_of

log = get_logger("postroom.streams")

_TRIES = 3


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


class Call(NamedTuple):
    """One call of the script: messages of one stream."""

    messages: Sequence[Addressed]
    settings: Settings

    @property
    def key(self) -> str:
        """The stream."""
        return self.messages[0].key

    @property
    def kept_done(self) -> int:
        """Of the newest entries, how many stay though they are done, if the stream is full."""
        return max(1, min(KEPT_DONE, self.settings.stream_limit // 4))

    def arguments(self, tried: int) -> Sequence[Stored]:
        """What the script is given.

        Args:
            tried: How often it was sent before; from then on it looks for what it has added.
        """
        first, settings = self.messages[0], self.settings
        beyond = int(settings.stream_full == "alert")
        rules = (settings.stream_limit, self.kept_done, beyond, int(tried > 0), first.delay)
        entries: list[Stored] = []
        for each in self.messages:
            entries += (len(each.fields), *each.fields)
        return (keys.our_prefix(), first.key, first.tenant, *rules, *entries)

    def published(self, answer: Any) -> Sequence[Published]:
        """Where its messages are, by the script's answer.

        Args:
            answer: What it said.

        Raises:
            StreamFull: If it has added nothing.
        """
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


def calls(chunk: Sequence[Addressed], settings: Settings) -> Sequence[Call]:
    """Sort messages by their streams, whose order they keep.

    Args:
        chunk: The messages.
        settings: The limit of a stream, of which a call takes half at most.
    """
    by_key: dict[str, list[Addressed]] = {}
    for each in chunk:
        by_key.setdefault(each.key, []).append(each)
    most = max(1, min(CHUNK, settings.stream_limit // 2))  # a full stream needs room for it
    return [
        Call(those[first : first + most], settings)
        for those in by_key.values()
        for first in range(0, len(those), most)
    ]


def in_order(chunk: Sequence[Addressed], stored: Iterable[Published]) -> Iterator[Published]:
    """What was stored stream by stream, in the order of the messages.

    Args:
        chunk: The messages.
        stored: Where they are; those of one stream in the order of the messages.
    """
    by_key: dict[str, deque[Published]] = {}
    for each in stored:
        by_key.setdefault(each.stream, deque()).append(each)
    return (by_key[each.key].popleft() for each in chunk)


def ids_of(stored: Iterable[Published]) -> Sequence[str]:
    """The ids of messages that were stored."""
    return [each.message_id for each in stored]


def run(call: Call, connection: redis.Redis) -> Any:
    """Send it, again if no answer came, and return the answer.

    Args:
        call: The call.
        connection: Where to.

    Raises:
        redis.RedisError: If Redis cannot be reached, or refuses it.
    """
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


async def arun(call: Call, connection: redis.asyncio.Redis) -> Any:
    """As `run`, without blocking the event loop."""
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
