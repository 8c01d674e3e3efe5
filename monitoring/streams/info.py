"""A stream with all that is known of it: how full it is, its groups, and their consumers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoPermissionError

from monitoring.streams.groups import NOTHING_PENDING, Group, Queued, Stream, queued, text
from monitoring.streams.reading import Plan, Question, known
from workers import Settings, stream_keys
from workers.clock import unix_now
from workers.streams.hands import NOBODY
from workers.streams.wire import milliseconds

_MOST_GHOSTS = 1_000  # rows of a pending list that are looked at for entries that are gone


def stream_info(stream: Stream, settings: Settings) -> Plan[dict[str, Any]]:
    """Look at all of a stream.

    Args:
        stream: The stream.
        settings: The limit.

    Returns:
        `stream_name`, `length`, `limit`, `first_id`, `last_id` and `groups`: each with `name`,
        `queued_count`, `pending_count`, `last_delivered_id`, `oldest_pending_id`,
        `oldest_pending_ms`, `trimmed_count` (entries in hand whose content somebody trimmed; they
        are counted up to 1,000) and `consumers`: `name`, `pending_count`, `idle_ms`, and `alive`,
        which is None for those that give no sign of life because they are not ours. Where Redis
        does not know what waits and there is much, `queued_count_is_lower_bound` is true. Ages are
        by the clock of this machine where Redis does not tell its own.
    """
    (first, now) = yield [
        lambda pipe: pipe.xrange(stream.key, count=1),
        lambda pipe: pipe.time(),
    ]
    oldest = known(first, ())
    first_id = text(oldest[0][0]) if oldest else ""
    questions = [each for group in stream.groups for each in _questions(stream, group, first_id)]
    answers = iter((yield questions) if questions else [])
    told = zip(answers, answers, answers, answers, strict=True)
    waiting = yield from queued([(stream, group) for group in stream.groups])
    now_ms = _milliseconds_of(now)
    return {
        "stream_name": stream.key,
        "length": stream.length,
        "limit": settings.stream_limit,
        "first_id": first_id or None,
        "last_id": stream.last or None,
        "groups": [
            _group(group, _Hands(*each), counted, now_ms)
            for group, each, counted in zip(stream.groups, told, waiting, strict=True)
        ],
    }


@dataclass(frozen=True)
class _Hands:
    """What Redis says of those who read in a group."""

    summary: Any
    consumers: Any
    alive: Any
    ghosts: Any


def _questions(stream: Stream, group: Group, first: str) -> Sequence[Question]:
    name, key = group.asked_as, stream.key
    before_first = f"({first}" if first else "+"
    return (
        lambda pipe: pipe.xpending(key, name),
        lambda pipe: pipe.xinfo_consumers(key, name),
        lambda pipe: pipe.zrange(stream_keys.consumers(group.name), 0, -1, withscores=True),
        lambda pipe: pipe.xpending_range(key, name, "-", before_first, _MOST_GHOSTS),
    )


def _group(group: Group, hands: _Hands, waiting: Queued, now_ms: int) -> dict[str, Any]:
    pending = known(hands.summary, NOTHING_PENDING)
    lowest = text(pending["min"])
    found = {
        "name": group.name,
        "queued_count": waiting.count,
        "pending_count": pending["pending"],
        "last_delivered_id": group.delivered,
        "oldest_pending_id": lowest or None,
        "oldest_pending_ms": max(0, now_ms - milliseconds(lowest)) if lowest else None,
        "trimmed_count": len(known(hands.ghosts, ())),
        "consumers": _consumers(known(hands.consumers, ()), dict(known(hands.alive, ())), now_ms),
    }
    return {**found, "queued_count_is_lower_bound": True} if waiting.is_lower_bound else found


def _milliseconds_of(now: Any) -> int:
    if isinstance(now, NoPermissionError):  # TIME is none of the reading commands
        return int(unix_now() * 1000)
    return int(now[0]) * 1000 + int(now[1]) // 1000


def _consumers(
    found: Sequence[Mapping[str, Any]], alive: Mapping[bytes, float], now_ms: int
) -> list[dict[str, Any]]:
    rows = [
        {
            "name": text(each["name"]),
            "pending_count": each["pending"],
            "idle_ms": each["idle"],
            "alive": alive[each["name"]] > now_ms if each["name"] in alive else None,
        }
        for each in found
    ]
    for row in rows:
        if row["name"] == NOBODY:
            row["alive"] = False
    return sorted(rows, key=lambda row: (-row["pending_count"], row["name"]))
