"""The round trips of one search: how many there may be, and many commands in each."""

import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.exceptions import ResponseError

from workers.wire import exchange

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
            commands: See `monitoring.packing`.

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
