"""All streams at a glance: what waits, what is in hand, and whether anybody lives who reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitoring.streams.groups import Group, Queued, Stream, queued, streams, text
from monitoring.streams.reading import Plan, Question, known
from workers import stream_keys
from workers.routing import queue_of
from workers.streams.hands import NOBODY
from workers.streams.naming import Naming, StreamName, keys_of

MOST_STREAMS = 3_000
"""Keys of streams that are looked at, by name."""
SILENT_MS = 600_000
"""After which a consumer that is none of ours counts as dead."""


@dataclass(frozen=True)
class StreamRow:
    """One stream, its three priorities together.

    Args:
        name: What its name says.
        length: Entries, done or not.
        limit: How many there may be in each priority.
        fullest: Unfinished entries of the priority that has the most.
        waiting: Entries that the group that is furthest behind was not given.
        is_least: Whether more may wait than was counted.
        pending: Entries in the hands of consumers.
        left: Of these, those of dead consumers.
        alive: Consumers of it that show that they live.
        read: Whether a group reads it.
        since: When the oldest entry that waits came, or a moment before that; None if none does.
        priorities: How many wait by priority, as its keys: high, normal, low.
    """

    name: StreamName
    length: int = 0
    limit: int = 0
    fullest: int = 0
    waiting: int = 0
    is_least: bool = False
    pending: int = 0
    left: int = 0
    alive: int = 0
    read: bool = False
    since: datetime | None = None
    priorities: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class _Part:
    """One key of a stream."""

    stream: Stream
    waiting: Queued
    left: int
    alive: frozenset[str]


def rows_of(*, template: str, limit: int, tenant: str | None = None) -> Plan[Sequence[StreamRow]]:
    """Look at all streams, in five round trips or so, however many there are.

    Args:
        template: Of their names.
        limit: Entries of each at most.
        tenant: Only those of this tenant.
    """
    (stored,) = yield [lambda pipe: pipe.smembers(stream_keys.streams(tenant or ""))]
    every = sorted(text(key) for key in known(stored, ()))[:MOST_STREAMS]
    names = dict.fromkeys(queue_of(key) for key in every)
    return (yield from _rows(list(names), every, template, limit))


def row_of(name: str, *, template: str, limit: int) -> Plan[StreamRow]:
    """Look at one stream, in four round trips or so.

    Args:
        name: The stream.
        template: As for `rows_of`.
        limit: As for `rows_of`.
    """
    (row,) = yield from _rows([name], keys_of(name), template, limit)
    (exact,) = yield from with_oldest([row])
    return exact


def _rows(
    names: Sequence[str], keys: Sequence[str], template: str, limit: int
) -> Plan[Sequence[StreamRow]]:
    found = yield from streams(keys)
    waiting = yield from queued([(each, each.furthest_behind()) for each in found])
    hands = yield from _hands(found)
    parts: dict[str, list[_Part]] = {name: [] for name in names}
    for stream, counted, (left, alive) in zip(found, waiting, hands, strict=True):
        parts[queue_of(stream.key)].append(_Part(stream, counted, left, alive))
    naming = Naming(template)
    return [_row(naming.read(name), mine, limit) for name, mine in parts.items()]


def with_oldest(rows: Sequence[StreamRow]) -> Plan[Sequence[StreamRow]]:
    """The same rows, each with the moment when its oldest waiting entry came.

    Args:
        rows: Those of one page.
    """
    keys = [key for row in rows if row.waiting for key in keys_of(row.name.base)]
    found = yield from streams(keys)
    behind = [(each, each.furthest_behind()) for each in found if each.length]
    answers = (yield [_next(*pair) for pair in behind]) if behind else []
    first: dict[str, datetime] = {}
    for (stream, _), entries in zip(behind, answers, strict=True):
        for entry_id, _fields in known(entries, ()):
            moment = moment_of(text(entry_id))
            name = queue_of(stream.key)
            first[name] = min(moment, first.get(name, moment))
    return [replace(row, since=first.get(row.name.base, row.since)) for row in rows]


def moment_of(entry_id: str) -> datetime:
    """When an entry came, by its id.

    Args:
        entry_id: As Redis writes it; the milliseconds in one that somebody chose may be any.
    """
    milliseconds = int(entry_id.partition("-")[0] or 0)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def _hands(
    found: Sequence[Stream],
) -> Plan[Sequence[tuple[int, frozenset[str]]]]:
    """Of each stream what lies with the dead, and who of its consumers lives."""
    asked = [(stream, group) for stream in found for group in stream.groups]
    if not asked:
        return [(0, frozenset())] * len(found)
    names = sorted({group.name for _, group in asked})
    answers = iter(
        (
            yield [
                lambda pipe: pipe.time(),
                *(_alive(name) for name in names),
                *(_consumers(*pair) for pair in asked),
            ]
        )
    )
    seconds, microseconds = known(next(answers), (0, 0))
    now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    alive = {name: dict(known(next(answers), ())) for name in names}
    told: dict[str, list[tuple[Group, Any]]] = {}
    for stream, group in asked:
        told.setdefault(stream.key, []).append((group, known(next(answers), ())))
    return [_who(told.get(each.key, ()), alive, now_ms) for each in found]


def _who(
    groups: Sequence[tuple[Group, Any]], alive: Mapping[str, Mapping[bytes, float]], now_ms: int
) -> tuple[int, frozenset[str]]:
    left, living = 0, set()
    for group, consumers in groups:
        for each in consumers:
            if lives(each, alive[group.name], now_ms):
                living.add(text(each["name"]))
            else:
                left += int(each["pending"])
    return left, frozenset(living)


def lives(consumer: Mapping[str, Any], alive: Mapping[bytes, float], now_ms: int) -> bool:
    """Whether a consumer shows that it lives, or is none of ours and asked for entries lately.

    Args:
        consumer: A row of XINFO CONSUMERS.
        alive: Until when the last signs of life of those of its group count, in ms.
        now_ms: The server's time.
    """
    if text(consumer["name"]) == NOBODY:
        return False
    until = alive.get(consumer["name"])
    return until > now_ms if until is not None else int(consumer["idle"]) < SILENT_MS


def _row(name: StreamName, parts: Sequence[_Part], limit: int) -> StreamRow:
    by_key = {part.stream.key: part for part in parts}
    high, normal, low = (
        by_key[key].waiting.count if key in by_key else 0 for key in keys_of(name.base)
    )
    return StreamRow(
        name=name,
        length=sum(part.stream.length for part in parts),
        limit=limit,
        fullest=max((_unfinished(part) for part in parts), default=0),
        waiting=high + normal + low,
        is_least=any(part.waiting.is_lower_bound for part in parts),
        pending=sum(group.pending for part in parts for group in part.stream.groups),
        left=sum(part.left for part in parts),
        alive=len({who for part in parts for who in part.alive}),
        read=any(part.stream.groups for part in parts),
        since=min(_begins(parts), default=None),
        priorities=(high, normal, low),
    )


def _unfinished(part: _Part) -> int:
    in_hand = max((group.pending for group in part.stream.groups), default=0)
    return part.waiting.count + in_hand


def _begins(parts: Sequence[_Part]) -> Iterator[datetime]:
    for part in parts:
        behind = part.stream.furthest_behind()
        if part.waiting.count and behind is not None and behind.delivered > "0-0":
            yield moment_of(behind.delivered)
        elif part.waiting.count:
            yield moment_of(part.stream.last)


def _alive(group: str) -> Question:
    return lambda pipe: pipe.zrange(stream_keys.consumers(group), 0, -1, withscores=True)


def _consumers(stream: Stream, group: Group) -> Question:
    return lambda pipe: pipe.xinfo_consumers(stream.key, group.asked_as)


def _next(stream: Stream, group: Group | None) -> Question:
    after = f"({group.delivered}" if group else "-"
    return lambda pipe: pipe.xrange(stream.key, min=after, count=1)
