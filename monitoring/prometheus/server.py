"""The Redis server, and what stands in it for all queues together. Only reads."""

from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from monitoring.streams.reading import Plan, known
from workers import keys, stream_keys


@dataclass(frozen=True)
class Server:
    """What the server tells of itself, and dead letters.

    Args:
        used_bytes: Memory in use; None where the server does not tell.
        most_bytes: Memory that it may use; 0 for all there is.
        clients: Connections.
        letters: Dead letters.
        spilled: Of these, those that stand in the spill file only.
        delayed_entries: Entries of streams that are due later.
    """

    used_bytes: int | None
    most_bytes: int
    clients: int | None
    letters: int
    spilled: int
    delayed_entries: int


def look_at_server() -> Plan[Server]:
    """Look at the server, in one round."""
    memory, clients, letters, spilled, delayed = yield [
        lambda pipe: pipe.info("memory"),
        lambda pipe: pipe.info("clients"),
        lambda pipe: pipe.zcard(keys.dead_letters()),
        lambda pipe: pipe.scard(keys.dead_letters_spilled()),
        lambda pipe: pipe.zcard(stream_keys.delayed()),
    ]
    told = _told(memory)
    return Server(
        told.get("used_memory"),
        told.get("maxmemory") or 0,
        _told(clients).get("connected_clients"),
        known(letters, 0),
        known(spilled, 0),
        known(delayed, 0),
    )


def _told(answer: Any) -> dict[str, Any]:
    # Who may only read what is stored is refused, which is no reason to tell nothing.
    return {} if isinstance(answer, ResponseError) else known(answer, {})
