"""What to do while Redis cannot be used: wait, longer each time, and say so now and then."""

import random
import re
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

# What Redis answers for a while, also in the middle of what an older one says of a script.
_PASSING = re.compile(r"\b(BUSY|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|READONLY|TRYAGAIN)\b")


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
            event, remedy = _said_of(error)
            log.warning(
                event,
                worker=self._who,
                error=str(error),
                seconds=round(now - self._since, 1),
                remedy=remedy,
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


def _said_of(error: redis.RedisError) -> tuple[str, str]:
    """The event and the remedy of a log line."""
    if type(error) is redis.ResponseError and not _PASSING.search(str(error)):
        remedy = (
            "Waiting does not mend this: look at the key that the error names, and whether worker "
            "and server are of releases that fit. It is tried again, so that nothing is lost."
        )
        return "redis_refuses", remedy
    remedy = "It is tried again for as long as it takes; look at `postroom doctor`."
    return "redis_unreachable", remedy
