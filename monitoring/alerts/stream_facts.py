"""What is read of streams: how full they are, what waits, what lies with the dead. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from monitoring.alerts.metrics import Facts, Reading
from monitoring.streams.groups import Group, Queued, Stream, queued, streams, text
from monitoring.streams.reading import Plan, Question, answered, known
from monitoring.words import are, number, span
from workers import stream_keys
from workers.routing import queue_of
from workers.settings import Settings
from workers.streams.hands import NOBODY
from workers.streams.naming import keys_of

_OLDEST = 10  # entries in hand of each group: those that were added first
_SILENT_MS = 600_000  # after which a consumer that is none of ours counts as dead


def stream_facts(settings: Settings, connection: redis.Redis) -> Facts:
    """Streams that are known; in six round trips or so, however many there are.

    Args:
        settings: The limit.
        connection: Where.
    """
    return answered(_facts(settings), connection)


def _facts(settings: Settings) -> Plan[Facts]:
    found = yield from _not_empty()
    waiting = yield from queued([(each, each.furthest_behind()) for each in found])
    hands = yield from _hands(found)
    return {
        "stream_lag": _worst([_behind(*pair) for pair in zip(found, waiting, strict=True)]),
        "stream_fill": _worst([_fill(each, settings.stream_limit) for each in found]),
        "pending_age": _worst([_age(each) for each in hands if each.oldest_ms]),
        "dead_consumers": _worst([_dead(each) for each in hands if each.left]),
    }


def _not_empty() -> Plan[Sequence[Stream]]:
    (stored,) = yield [lambda pipe: pipe.smembers(stream_keys.streams())]
    names = sorted({queue_of(text(key)) for key in known(stored, ())})
    every = [key for name in names for key in keys_of(name)]
    lengths = (yield [_length_of(key) for key in every]) if every else []
    filled = [key for key, each in zip(every, lengths, strict=True) if known(each, 0)]
    return (yield from streams(filled))


def _length_of(key: str) -> Question:
    return lambda pipe: pipe.xlen(key)


@dataclass(frozen=True)
class _Hands:
    """What a group has in hand of a stream.

    Args:
        stream: The stream's key.
        group: The group's name.
        oldest_ms: How long the entry that was handed out first has been there.
        left: Entries of consumers that are dead.
    """

    stream: str
    group: str
    oldest_ms: int
    left: int


def _hands(found: Sequence[Stream]) -> Plan[Sequence[_Hands]]:
    busy = [(each, group) for each in found for group in each.groups if group.pending]
    names = sorted({group.name for _, group in busy})
    if not busy:
        return []
    answers = yield [
        *(_alive(name) for name in names),
        lambda pipe: pipe.time(),
        *(question for pair in busy for question in _questions(*pair)),
    ]
    told = iter(answers)
    alive = {name: dict(known(next(told), ())) for name in names}
    seconds, microseconds = known(next(told), (0, 0))
    now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    return [
        _Hands(
            stream.key,
            group.name,
            max((int(row["time_since_delivered"]) for row in known(next(told), ())), default=0),
            _left(known(next(told), ()), alive[group.name], now_ms),
        )
        for stream, group in busy
    ]


def _alive(group: str) -> Question:
    return lambda pipe: pipe.zrange(stream_keys.consumers(group), 0, -1, withscores=True)


def _questions(stream: Stream, group: Group) -> Sequence[Question]:
    key, name = stream.key, group.asked_as
    return (
        lambda pipe: pipe.xpending_range(key, name, "-", "+", _OLDEST),
        lambda pipe: pipe.xinfo_consumers(key, name),
    )


def _left(consumers: Sequence[Any], alive: dict[bytes, float], now_ms: int) -> int:
    return sum(each["pending"] for each in consumers if _is_dead(each, alive, now_ms))


def _is_dead(consumer: Any, alive: dict[bytes, float], now_ms: int) -> bool:
    if text(consumer["name"]) == NOBODY:
        return True
    if consumer["name"] in alive:
        return alive[consumer["name"]] <= now_ms
    return bool(consumer["idle"] >= _SILENT_MS)


def _worst(readings: Sequence[Reading]) -> Sequence[Reading]:
    """One reading for each stream, whatever its priorities and groups."""
    found: dict[str, Reading] = {}
    for each in readings:
        if each.scope not in found or each.value > found[each.scope].value:
            found[each.scope] = each
    return list(found.values())


def _behind(stream: Stream, waiting: Queued) -> Reading:
    group = stream.furthest_behind()
    if group is None:
        said = f"No group reads {stream.key}: {_entries(waiting)} there."
    else:
        said = f"{_entries(waiting)} in {stream.key} for the group {group.name}."
    return Reading(queue_of(stream.key), waiting.count, said)


def _entries(waiting: Queued) -> str:
    least = "at least " if waiting.is_lower_bound else ""
    return f"{least}{number(waiting.count, 'entry', 'entries')} {are(waiting.count)} waiting"


def _fill(stream: Stream, limit: int) -> Reading:
    share = 100 * stream.length / limit
    most = number(limit, "entry", "entries")
    said = f"{stream.key} holds {stream.length:,} of {most}, {share:.0f} %."
    return Reading(queue_of(stream.key), share, said)


def _age(hands: _Hands) -> Reading:
    seconds = hands.oldest_ms / 1000
    where = f"{hands.stream} in the group {hands.group}"
    said = f"An entry of {where} has been in hand for {span(seconds)}."
    return Reading(queue_of(hands.stream), seconds, said)


def _dead(hands: _Hands) -> Reading:
    said = (
        f"{number(hands.left, 'entry', 'entries')} of {hands.stream} {are(hands.left)} with dead "
        f"consumers of the group {hands.group}."
    )
    return Reading(queue_of(hands.stream), hands.left, said)
