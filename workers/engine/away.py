"""What to do while Redis cannot be used: wait, longer each time, and say so now and then."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import redis

from workers.logger import get_logger

log = get_logger("postroom.worker")

T = TypeVar("T")

SHORTEST, LONGEST = 0.05, 5.0
"""Seconds between two tries: the first and the longest, before jitter."""
_LINES_APART = 10.0  # seconds between two log lines: six a minute


class Away:
    """Counts the tries of one connection, and waits between them.

    Args:
        who: Of whom the log lines speak.
    """

    def __init__(self, who: str) -> None:
        self._who = who
        self._tries = 0
        self._since = 0.0
        self._said_at = -_LINES_APART

    def pause(self, error: redis.RedisError) -> float:
        """Note that a try failed.

        Args:
            error: What Redis, or the way to it, said.

        Returns:
            Seconds to wait before the next.
        """
        now = time.monotonic()
        self._since = self._since or now
        self._tries += 1
        if now - self._said_at >= _LINES_APART:
            self._said_at = now
            log.warning(
                "redis_unreachable",
                worker=self._who,
                error=str(error),
                seconds=round(now - self._since, 1),
                remedy="It is tried again for as long as it takes; look at `postroom doctor`.",
            )
        longest: float = min(LONGEST, SHORTEST * 2 ** min(self._tries, 10))
        return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret

    def over(self) -> None:
        """Note that a try succeeded."""
        if self._tries:
            if self._said_at > 0:
                seconds = round(time.monotonic() - self._since, 1)
                log.warning("redis_is_back", worker=self._who, seconds=seconds)
            self._tries, self._since, self._said_at = 0, 0.0, -_LINES_APART

    def insist(self, call: Callable[[], T], *, until: Callable[[], bool] = lambda: False) -> T:
        """Try until it succeeds.

        Args:
            call: What asks Redis; safe to repeat.
            until: Whether to give up, asked after each failure.

        Returns:
            What the call returned.

        Raises:
            redis.RedisError: The last one, if it gave up.
        """
        while True:
            try:
                answer = call()
            except redis.RedisError as error:
                if until():
                    raise
                time.sleep(self.pause(error))
            else:
                self.over()
                return answer
