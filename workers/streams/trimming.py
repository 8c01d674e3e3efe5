"""Removes from a stream what is done, and nothing else: no group waits for it, and none has it.

`MAXLEN` would drop what nobody has read. Here the lowest id that any group has not finished is the
limit, and what is done after it goes entry by entry.
"""

from typing import Any

import redis
import redis.asyncio

from workers.scripts import script

KEPT_DONE = 200
"""Of the newest entries, how many stay though they are done, for people to look at."""

_LOOKED_AT = 1_000  # entries that one call looks at: a few ms


def trim(stream: str, *, keep: int = KEPT_DONE, connection: redis.Redis) -> int:
    """Remove what is done.

    Args:
        stream: The stream's key.
        keep: Of the newest entries, how many stay in any case; from 1.
        connection: Where.

    Returns:
        How many entries went.
    """
    call = connection.register_script(_text())
    gone, place = 0, b""
    while True:
        answer: Any = call(args=[stream, keep, _LOOKED_AT, place])
        gone += int(answer[0])
        place = answer[1]
        if not place:
            return gone


async def atrim(stream: str, *, keep: int = KEPT_DONE, connection: redis.asyncio.Redis) -> int:
    """As `trim`, without blocking the event loop."""
    call: Any = connection.register_script(_text())
    gone, place = 0, b""
    while True:
        answer: Any = await call(args=[stream, keep, _LOOKED_AT, place])
        gone += int(answer[0])
        place = answer[1]
        if not place:
            return gone


def _text() -> str:
    return script("workers.streams", "trim") + script("workers.streams", "trim_stream")
