"""How many jobs of each queue ended in the last 60 s: exactly, where the engine's lists reach."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import redis

from monitoring.numbers.figures import Figures
from monitoring.numbers.pace import per_minute
from monitoring.numbers.recent import Recent, ask_recent

Minutes = Sequence[tuple[datetime, Mapping[str, Figures]]]
"""When a minute begins, and what ended in it, per queue."""

_NOTHING = Figures()
_MEANWHILE = 50  # entries that may have come since the minutes were read


def ended_in_last_minute(
    minutes: Minutes, *, now: datetime, connection: redis.Redis
) -> Mapping[str, float]:
    """Count what ended, in one round trip, or none if nothing did.

    Args:
        minutes: The minute that is not over, the one before it, and perhaps others.
        now: Aware.
        connection: Where.

    Returns:
        By queue; one in which nothing ended in these minutes is left out. Exact up to 1,000
        commits; above that the minutes count, as if evenly spread.
    """
    queues = sorted({name for _, figures in minutes for name in figures})
    counts = {
        name: [(at, each.get(name, _NOTHING).ended) for at, each in minutes] for name in queues
    }
    if not queues:
        return {}
    with connection.pipeline(transaction=False) as pipe:
        for name in queues:
            # An entry is one job or several, so that no more of them can be of the last minute.
            ask_recent(pipe, name, most=sum(ended for _, ended in counts[name]) + _MEANWHILE)
        lists = pipe.execute()
    return {
        name: per_minute(Recent(entries).ended(now), counts[name], now=now)
        for name, entries in zip(queues, lists, strict=True)
    }
