"""How often the failures of many groups came, hour by hour. Only reads."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from monitoring.failures.groups import Stored, lines
from workers import keys
from workers.connection import storage_errors


def read_trends(
    groups: Sequence[tuple[str, Stored]],
    *,
    hours: int = 24,
    now: datetime,
    connection: redis.Redis,
) -> Mapping[str, Sequence[int]]:
    """The trends of groups, in one round trip.

    Args:
        groups: As `read_groups` returns them, at most some hundreds: for each hour one command asks
            for all of them.
        hours: How far back, the present one included, 1 to 48.
        now: The time, by Redis' clock.
        connection: Where.

    Returns:
        By fingerprint, how often it failed in each hour, oldest first.
    """
    fields = [
        (name, f"failure|{name}|{queue}|{group['type']}|n")
        for name, group in groups
        for queue in lines(group, "queues")
    ]
    found = {name: [0] * hours for name, _ in groups}
    if not fields:
        return found
    this_one = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with storage_errors(), connection.pipeline(transaction=False) as pipe:
        for ago in reversed(range(hours)):
            begin = this_one - timedelta(hours=ago)
            pipe.hmget(keys.stats("h", int(begin.timestamp())), [field for _, field in fields])
        answers: Any = pipe.execute()
    for hour, counts in enumerate(answers):
        for (name, _), count in zip(fields, counts, strict=True):
            found[name][hour] += int(count or 0)
    return found
