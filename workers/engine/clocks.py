"""What a worker does again and again, each at its own interval, while Redis can be used."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import redis

from workers.engine.away import Away


@dataclass
class Clock:
    """Something to be done again and again.

    Args:
        every: Seconds.
        task: What; returns whether it should come again at once.
        due: When it is due next, by the monotonic clock.
    """

    every: float
    task: Callable[[], bool]
    due: float = field(default_factory=time.monotonic)


class Clocks:
    """Those of one worker. While Redis is away they stand still together.

    Args:
        clocks: What is to be done.
        away: Says how long to wait after an error.
    """

    def __init__(self, clocks: Sequence[Clock], away: Away) -> None:
        self._clocks = clocks
        self._away = away
        self._not_before = 0.0

    def turn(self, then: Callable[[], None]) -> None:
        """Do what is due.

        Args:
            then: To be done each time.
        """
        now = time.monotonic()
        if now < self._not_before:
            return
        try:
            for clock in self._clocks:
                if clock.due <= now:
                    again = clock.task()
                    clock.due = time.monotonic() + (0.0 if again else clock.every)
            then()
            self._away.over()
        except redis.RedisError as error:
            self._not_before = now + self._away.pause(error)
