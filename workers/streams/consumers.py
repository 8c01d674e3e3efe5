"""The consumers of a group: their signs of life, and what becomes of those that show none."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis

from workers import keys, stream_keys
from workers.scripts import script

AT_ONCE = 200
"""Consumers that one call looks at: a few ms for the server."""


def keep_alive(
    group: str, names: Sequence[str], *, seconds: float, connection: redis.Redis
) -> None:
    """Show that consumers are alive. Those that are known to be gone stay so until they read again.

    Args:
        group: The group.
        names: The consumers.
        seconds: For how long.
        connection: Where.
    """
    if names:
        keep = connection.register_script(script("workers.engine", "keep"))
        keep(keys=[stream_keys.consumers(group)], args=[int(seconds * 1000), *names])


def reap(group: str, *, connection: redis.Redis) -> tuple[int, Sequence[str]]:
    """Remove the consumers whose time is up by Redis' clock; let others claim what they have.

    Args:
        group: The group.
        connection: Where.

    Returns:
        How many were found, `AT_ONCE` if there may be more; and the names of those with entries.
    """
    answer: Any = _reap(connection)(args=[keys.our_prefix(), group, AT_ONCE])
    return answer[0], [name.decode() for name in answer[1]]


def leave(group: str, names: Sequence[str], *, connection: redis.Redis) -> Sequence[str]:
    """Remove consumers that end by themselves; what they still have may be claimed at once.

    Args:
        group: The group.
        names: The consumers.
        connection: Where.

    Returns:
        The names of those with entries.
    """
    answer: Any = _reap(connection)(args=[keys.our_prefix(), group, len(names), *names])
    return [name.decode() for name in answer[1]]


def tell(
    group: str,
    name: str,
    facts: Mapping[Any, Any],
    *,
    seconds: float,
    connection: redis.Redis,
) -> None:
    """Write down what a consumer tells of itself.

    Args:
        group: The group.
        name: The consumer.
        facts: What.
        seconds: How long it is kept.
        connection: Where.
    """
    key = stream_keys.consumer(group, name)
    with connection.pipeline(transaction=True) as pipe:
        pipe.hset(key, mapping=dict(facts))
        pipe.pexpire(key, int(seconds * 1000))
        pipe.execute()


def _reap(connection: redis.Redis) -> Any:
    # Any: redis-py's Script returns what the server does.
    return connection.register_script(script("workers.streams", "reap"))
