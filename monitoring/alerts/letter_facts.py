"""What is read of dead letters: how many there are, and where new ones come from. Only reads."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import redis

from monitoring.alerts.metrics import Facts, Reading
from monitoring.queues.snapshot import Snapshot
from monitoring.words import are, number, span
from workers import keys
from workers.dead_letters.letter import summary_of
from workers.routing import queue_of

RECENT = timedelta(minutes=10)
"""How long a dead letter is new."""
_LOOKED_AT = 200


def letter_facts(snapshot: Snapshot, connection: redis.Redis) -> Facts:
    """Dead letters, in two round trips at most.

    Args:
        snapshot: How many there are.
        connection: Where they are.
    """
    count = snapshot.letters
    said = f"There {are(count)} {number(count, 'dead letter')}."
    return {
        "dead_letters": [Reading("", count, said)],
        "new_dead_letters": [
            Reading(queue, new, _said(queue, new))
            for queue, new in _new(snapshot.time, connection).items()
        ],
    }


def _new(now: datetime, connection: redis.Redis) -> Counter[str]:
    since = (now - RECENT).timestamp()
    ids: Any = connection.zrevrangebyscore(
        keys.dead_letters(), "+inf", f"({since}", start=0, num=_LOOKED_AT
    )
    if not ids:
        return Counter()
    shorts: Any = connection.hmget(keys.dead_letter_index(), list(ids))
    return Counter(queue_of(summary_of(short).queue) for short in shorts if short is not None)


def _said(queue: str, count: int) -> str:
    whole = (
        f"{number(count, 'new dead letter')} of {queue} in the last {span(RECENT.total_seconds())}"
    )
    return f"{whole} or more." if count == _LOOKED_AT else f"{whole}."
