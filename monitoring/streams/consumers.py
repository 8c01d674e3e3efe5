"""The consumers of all streams that are known: who they are, and what they have in hand."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from monitoring.streams.groups import NOTHING_PENDING, Group, consumers_of, text
from monitoring.streams.reading import Plan, Question, known
from workers import Settings, stream_keys
from workers.streams.hands import NOBODY

MOST_STREAMS = 2_000
"""Keys of streams whose groups are looked at, by name."""
MOST_GROUPS = 20
"""Groups whose consumers are looked at, by name; that of the settings first."""
MOST_CONSUMERS = 1_000
"""Consumers of a group that are looked at: those with the oldest sign of life."""

_IDLE_IN = 3  # streams of a consumer that are asked how long it is idle: those with most in hand


@dataclass(frozen=True)
class Consumer:
    """One consumer of a group.

    Args:
        group: Its group.
        name: Its name.
        until_ms: Until when its last sign of life counts, by Redis' clock in ms; None if it gives
            none, because it is none of ours.
        is_dead: Whether that time is over, or another worker has found it dead.
        pending: What it has in hand, by the keys of the streams, those with most first.
        told: What it tells of itself; empty if it does not, or no more.
        streams: In how many streams it may have entries.
        idle_ms: Since when it has asked for no entry; None if nobody knows, as where nothing is
            in its hands.
    """

    group: str
    name: str
    until_ms: float | None = None
    is_dead: bool = False
    pending: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    streams: int = 0
    idle_ms: int | None = None

    @property
    def seen(self) -> datetime | None:
        """Its last sign of life, by Redis' clock; None if it does not tell how long each counts."""
        seconds = self.told.get("lease_seconds")
        if self.until_ms is None or seconds is None:
            return None
        return datetime.fromtimestamp(self.until_ms / 1000 - float(seconds), tz=UTC)


@dataclass(frozen=True)
class Consumers:
    """All of them.

    Args:
        rows: The consumers, without what they tell of themselves; see `told_of`.
        unclaimed: Entries that nobody has, and the next consumer that asks will get.
        partial: Whether some were not looked at, because there are too many.
    """

    rows: Sequence[Consumer]
    unclaimed: int
    partial: bool


def find_consumers(settings: Settings) -> Plan[Consumers]:
    """Find the consumers of all groups, in three round trips.

    Args:
        settings: The group that is looked at first.
    """
    (stored,) = yield [lambda pipe: pipe.smembers(stream_keys.streams())]
    every = sorted(text(key) for key in known(stored, ()))
    looked = every[:MOST_STREAMS]
    found = (yield [_groups_of(key) for key in looked]) if looked else []
    readers = {key: _groups(known(each, ())) for key, each in zip(looked, found, strict=True)}
    own = settings.stream_group
    names = sorted({group.name for mine in readers.values() for group in mine} - {own})
    groups = [own, *names][:MOST_GROUPS]
    is_all = len(looked) == len(every) and len(groups) == len(names) + 1
    return (yield from _in_groups(groups, readers, is_all=is_all))


def _in_groups(
    groups: Sequence[str], readers: Mapping[str, Sequence[Group]], *, is_all: bool
) -> Plan[Consumers]:
    busy = [
        (key, group)
        for key, mine in readers.items()
        for group in mine
        if group.pending and group.name in groups
    ]
    asked = [lambda pipe: pipe.time(), *(q for name in groups for q in _of_group(name))]
    answers = iter((yield [*asked, *(_summary(*pair) for pair in busy)]))
    seconds, microseconds = known(next(answers), (0, 0))
    now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    told = {name: (known(next(answers), ()), known(next(answers), ())) for name in groups}
    pending: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for key, group in busy:
        for each in consumers_of(known(next(answers), NOTHING_PENDING)):
            pending[group.name, each["name"]][key] = each["pending_count"]
    rows: list[Consumer] = []
    unclaimed = 0
    for name, (alive, orphaned) in told.items():
        unclaimed += sum(pending.pop((name, NOBODY), {}).values())
        is_all = is_all and max(len(alive), len(orphaned)) < MOST_CONSUMERS
        rows += _ours(name, alive, orphaned, now_ms)
    ours = {(each.group, each.name) for each in rows}
    rows += [Consumer(*who) for who in pending if who not in ours]
    held = (replace(each, pending=_most_first(pending[each.group, each.name])) for each in rows)
    return Consumers(list(held), unclaimed, not is_all)


def told_of(consumers: Sequence[Consumer]) -> Plan[Sequence[Consumer]]:
    """The same consumers with what they tell of themselves, in one round trip.

    Args:
        consumers: Those of one page.
    """
    questions = [question for each in consumers for question in _questions(each)]
    answers = iter((yield questions) if questions else ())
    return [_told(each, answers) for each in consumers]


def _questions(consumer: Consumer) -> Iterator[Question]:
    group, name = consumer.group, consumer.name
    yield lambda pipe: pipe.hgetall(stream_keys.consumer(group, name))
    yield lambda pipe: pipe.scard(stream_keys.consumes(group, name))
    for key in list(consumer.pending)[:_IDLE_IN]:
        yield _consumers_of(key, group)


def _told(consumer: Consumer, answers: Iterator[Any]) -> Consumer:
    told, streams = known(next(answers), {}), known(next(answers), 0)
    asked = [known(next(answers), ()) for _ in list(consumer.pending)[:_IDLE_IN]]
    idle = [
        int(each["idle"])
        for found in asked
        for each in found
        if text(each["name"]) == consumer.name
    ]
    return replace(
        consumer,
        told={text(name): text(value) for name, value in told.items()},
        streams=int(streams) or len(consumer.pending),
        idle_ms=min(idle, default=None),
    )


def _ours(group: str, alive: Any, orphaned: Any, now_ms: int) -> Iterator[Consumer]:
    for name, until_ms in alive:
        yield Consumer(group, text(name), until_ms, is_dead=until_ms <= now_ms)
    names = {name for name, _ in alive}
    for name, until_ms in orphaned:
        if text(name) != NOBODY and name not in names:
            yield Consumer(group, text(name), until_ms, is_dead=True)


def _most_first(pending: Mapping[str, int]) -> Mapping[str, int]:
    return dict(sorted(pending.items(), key=lambda each: (-each[1], each[0])))


def _groups(found: Sequence[Mapping[str, Any]]) -> Sequence[Group]:
    return [Group(text(each["name"]), each["pending"], "", None, each["name"]) for each in found]


def _groups_of(key: str) -> Question:
    return lambda pipe: pipe.xinfo_groups(key)


def _summary(key: str, group: Group) -> Question:
    return lambda pipe: pipe.xpending(key, group.asked_as)


def _consumers_of(key: str, group: str) -> Question:
    return lambda pipe: pipe.xinfo_consumers(key, group)


def _of_group(name: str) -> Iterator[Question]:
    most = MOST_CONSUMERS - 1
    yield lambda pipe: pipe.zrange(stream_keys.consumers(name), 0, most, withscores=True)
    yield lambda pipe: pipe.zrange(stream_keys.orphaned(name), 0, most, withscores=True)
