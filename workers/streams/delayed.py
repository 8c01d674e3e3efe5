"""The entries that are due later: delayed messages, and those that are tried again later."""

from typing import Any

import redis

from workers import keys
from workers.scripts import script

AT_ONCE = 500
"""Entries that one call moves: a few ms for the server."""


def promote(*, connection: redis.Redis) -> int:
    """Put what is due into its stream. Every consumer's process does: no scheduler is needed.

    Args:
        connection: Where.

    Returns:
        How many entries were looked at; `AT_ONCE` if there may be more.
    """
    moved: Any = connection.register_script(script("workers.streams", "promote"))(
        args=[keys.our_prefix()]
    )
    return int(moved)
