"""Moves the jobs that are due into their lists. Every worker does: no scheduler is needed."""

from collections.abc import Sequence
from typing import Any

import redis

from workers import keys
from workers.clock import written_now
from workers.scripts import script

AT_ONCE = 1_000
"""Jobs moved by one call of the script: a few milliseconds for the server."""


class Due:
    """The delayed jobs of some lists.

    Args:
        lists: Their names.
        connection: Where.
    """

    def __init__(self, lists: Sequence[str], connection: redis.Redis) -> None:
        self._lists = list(lists)
        self._promote = connection.register_script(script("workers.engine", "promote"))

    def promote(self) -> int:
        """Move what is due.

        Returns:
            How many jobs were moved; `AT_ONCE` if there may be more.
        """
        # Each time another list comes first, or one with many would let the others wait.
        self._lists = [*self._lists[1:], *self._lists[:1]]
        places = [
            key
            for name in self._lists
            for key in (keys.scheduled(name), keys.queue(name), keys.scheduler_lock(name))
        ]
        moved: Any = self._promote(keys=places, args=[keys.job_prefix(), written_now()])
        return int(moved)
