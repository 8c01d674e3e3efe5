"""Marks of deployments, for charts. Only reads."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.answers import shown_time
from workers import keys
from workers.connection import default_connection, storage_errors

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Deploy:
    """One mark.

    Args:
        version: The release.
        at: When, by Redis' clock.
        note: What is new; may be empty.
        actor: Who says so; empty where a worker was the first to run it.
    """

    version: str
    at: datetime
    note: str = ""
    actor: str = ""

    def shown(self) -> JsonDict:
        """As the API shows it."""
        at = shown_time(self.at)
        return {"version": self.version, "at": at, "note": self.note, "actor": self.actor}


def get_deploys(*, connection: redis.Redis | None = None) -> Sequence[JsonDict]:
    """All marks, oldest first; at most 500.

    Args:
        connection: Where; None means the server that the settings name.

    Returns:
        Of each `version`, `at` (ISO 8601), `note` and `actor`, both empty if a worker was the first
        to run it.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        entries: Any = connection.lrange(keys.deploys(), 0, -1)
    return [each.shown() for each in deploys_from(entries)]


def deploys_from(entries: Sequence[bytes]) -> Sequence[Deploy]:
    """Understand what LRANGE answers of `keys.deploys()`; what is no mark is passed over."""
    return tuple(_understood(entries))


def _understood(entries: Sequence[bytes]) -> Iterator[Deploy]:
    for entry in entries:
        try:
            told = json.loads(entry)
            at = datetime.fromtimestamp(told["at"] / 1000, UTC)
            yield Deploy(told["version"], at, told.get("note", ""), told.get("actor", ""))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
            continue
