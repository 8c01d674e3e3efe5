"""What consumers are told to do with entries that they run: their workers look with each heartbeat.

A consumer is one life of a child, so an order can meet no other run of the same message: who claims
the entry later is another consumer, and a message that is tried again is another entry.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import redis

from workers import stream_keys

SHOWN_RUNS = 10
"""Runs of which a consumer tells since when they last: those that have lasted longest."""
_AT_ONCE = 100


@dataclass(frozen=True)
class Order:
    """What is to be done with the run of an entry.

    Args:
        action: `stop`: it ends for good. `requeue`: as by a timeout, so its message is tried again.
        stream: The key of its stream.
        entry_id: Its id there.
    """

    action: Literal["stop", "requeue"]
    stream: str
    entry_id: str

    @property
    def text(self) -> str:
        """The order as it is stored."""
        return json.dumps([self.action, self.stream, self.entry_id])


def take_orders(group: str, consumer: str, *, connection: redis.Redis) -> Sequence[Order]:
    """The orders that came; each is given once.

    Args:
        group: The group.
        consumer: Who asks.
        connection: Where.
    """
    key = stream_keys.orders(group, consumer)
    with connection.pipeline(transaction=True) as pipe:
        pipe.lrange(key, 0, _AT_ONCE - 1)
        pipe.ltrim(key, _AT_ONCE, -1)
        found: Any = pipe.execute()[0]
    return [Order(*json.loads(text)) for text in found]


def run_line(stream: str, entry_id: str, since: float) -> str:
    """How a consumer tells of a run.

    Args:
        stream: The key of the entry's stream; the last, as it may have blanks.
        entry_id: The entry's id.
        since: When the run began, in Unix seconds.
    """
    return f"{since:.3f} {entry_id} {stream}"


def runs_in(told: str) -> dict[tuple[str, str], float]:
    """Read what a consumer told of its runs.

    Args:
        told: A line for each, as `run_line` writes it.

    Returns:
        By stream and entry, when each began, in Unix seconds.
    """
    parts = (line.split(" ", 2) for line in told.splitlines())
    return {(each[2], each[1]): float(each[0]) for each in parts if len(each) == 3}  # noqa: PLR2004
