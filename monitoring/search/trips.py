"""The round trips of one search: how many there may be, and many commands in each."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import redis
from redis.exceptions import ResponseError

from workers.wire import Stored, exchange, packed

MOST_TRIPS = 20
"""Round trips of one search; then it says what it has found, and where to go on."""
MOST_SECONDS = 0.07
"""The same for the time it takes, where the server or the way to it is slow."""


class Trips:
    """Asks, and counts.

    Args:
        connection: Where.
        seconds: How long it may take, above 0; each search looks at some candidates all the same.
    """

    def __init__(self, connection: redis.Redis, *, seconds: float = MOST_SECONDS) -> None:
        self.used = 0
        self._connection = connection
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> int:
        """How many there may still be."""
        return MOST_TRIPS - self.used

    @property
    def is_late(self) -> bool:
        """Whether it took long enough."""
        return time.monotonic() > self._end

    def ask(self, commands: Sequence[bytes]) -> Sequence[Any]:
        """Send commands in one write.

        Args:
            commands: See `command`.

        Returns:
            Their answers; that of a key that is something else than it should be is None.
        """
        if not commands:
            return ()
        self.used += 1
        answers = exchange(self._connection, b"".join(commands), len(commands))
        for answer in answers:
            if isinstance(answer, ResponseError) and "WRONGTYPE" not in str(answer):
                raise answer
        return [None if isinstance(answer, ResponseError) else answer for answer in answers]


def command(*parts: Stored) -> bytes:
    """A command as Redis reads it.

    Args:
        parts: Its name and its arguments.
    """
    return b"*%d\r\n%b" % (len(parts), packed(parts))


def with_key(name: str, key: str) -> bytes:
    """A command that takes nothing but a key. Packed by hand: there are thousands in a plan.

    Args:
        name: Of the command.
        key: The key.
    """
    return f"*2\r\n${len(name)}\r\n{name}\r\n${len(key.encode())}\r\n{key}\r\n".encode()


def hash_fields(prefix: str, ids: Iterable[str], fields: Sequence[str]) -> list[bytes]:
    """HMGET of many hashes. Packed by hand: there are thousands in a search.

    Args:
        prefix: What their keys begin with.
        ids: What they end with.
        fields: Which fields, the same of each.
    """
    head, tail = b"*%d\r\n%b" % (len(fields) + 2, packed(["HMGET"])), packed(fields)
    begin = prefix.encode()
    found = []
    for job_id in ids:
        key = begin + job_id.encode()
        found.append(b"%b$%d\r\n%b\r\n%b" % (head, len(key), key, tail))
    return found
