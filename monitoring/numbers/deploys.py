"""When releases were deployed, for charts: as somebody marked it, or workers saw it. Only reads."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.answers import as_text, shown_time
from workers import keys
from workers.connection import default_connection, storage_errors
from workers.release import UNKNOWN

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Deploy:
    """One deployment.

    Args:
        version: The release.
        at: When it was marked, or first seen, by Redis' clock.
        note: What is new; may be empty.
        actor: Who marked it; empty if nobody did.
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
    """All marks, and the releases that nobody marked, oldest first; at most 700.

    Args:
        connection: Where; None means the server that the settings name.

    Returns:
        Of each `version`, `at` (ISO 8601), and `note` and `actor`, both empty where nobody marked
        it: then `at` is when the first worker of the release was seen.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors(), connection.pipeline(transaction=False) as pipe:
        ask_deploys(pipe)
        return [each.shown() for each in deploys_from(*pipe.execute())]


def ask_deploys(pipe: Any) -> None:
    """Put on a pipeline the two questions for marks and releases."""
    pipe.lrange(keys.deploys(), 0, -1)
    pipe.zrange(keys.releases(), 0, -1, withscores=True)


def deploys_from(
    entries: Sequence[bytes], releases: Sequence[tuple[bytes, float]]
) -> Sequence[Deploy]:
    """What was answered to `ask_deploys`, oldest first; what is no mark is passed over."""
    marks = tuple(_understood(entries))
    marked = {each.version for each in marks}
    seen = (Deploy(as_text(name), _time(score)) for name, score in releases)
    others = (each for each in seen if each.version not in {*marked, UNKNOWN})
    return sorted((*marks, *others), key=lambda each: each.at)


def _understood(entries: Sequence[bytes]) -> Iterator[Deploy]:
    for entry in entries:
        try:
            told = json.loads(entry)
            texts = (str(told.get(name, "")) for name in ("note", "actor"))
            yield Deploy(str(told["version"]), _time(told["at"]), *texts)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
            continue


def _time(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
