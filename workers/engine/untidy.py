"""Which lists a worker has to tidy up: usually none, and one command finds that out."""

from collections.abc import Sequence
from typing import Any

import redis

from workers import keys
from workers.scripts import script


def untidy(lists: Sequence[str], *, keep: int, connection: redis.Redis) -> Sequence[str]:
    """Look where something died, expired or waits for somebody to look at it.

    Args:
        lists: The names of all lists of a worker.
        keep: Cancelled jobs that each list keeps.
        connection: Where.

    Returns:
        The names of those that need a closer look.
    """
    found: Any = connection.register_script(script("workers.engine", "untidy"))(
        args=[keys.rq_prefix(), keep, *lists]
    )
    return [name.decode() for name in found]
