"""Streams by family, those of all tenants together, in four rounds. Only reads."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from monitoring.answers import as_text
from monitoring.prometheus.clock import unix_time
from monitoring.prometheus.labels import Seats
from monitoring.streams.reading import Plan, Question, known
from workers import stream_keys
from workers.routing import queue_of
from workers.streams.hands import NOBODY
from workers.streams.naming import Naming, keys_of
from workers.streams.wire import milliseconds

MOST_STREAMS = 2_000
"""Streams that one scrape looks at."""


@dataclass
class Group:
    """What a consumer group has of a family.

    Args:
        lag: Entries that were not delivered to it, as far as the server knows.
        pending: Entries in the hands of its consumers.
        oldest: The age of the oldest of these in seconds; 0 if there are none.
    """

    lag: int = 0
    pending: int = 0
    oldest: float = 0.0


@dataclass
class Family:
    """The streams of one name, whoever they belong to.

    Args:
        streams: How many there are.
        length: Entries, done or not.
        longest: Entries of the longest stream.
        waiting: Entries that some group has not got yet; all, where no group reads.
        groups: By name.
    """

    streams: int = 0
    length: int = 0
    longest: int = 0
    waiting: int = 0
    groups: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))


@dataclass(frozen=True)
class Streams:
    """All of them.

    Args:
        families: By name.
        consumers: By group, those that show signs of life.
        dead_consumers: By group, those that do not any more, and whose entries wait for others.
        left_out: Streams that were not looked at, because there are too many.
    """

    families: Mapping[str, Family]
    consumers: Mapping[str, int]
    dead_consumers: Mapping[str, int]
    left_out: int


class _Reader(NamedTuple):
    key: str
    group: bytes | str
    pending: int
    lag: int


def look_at_streams(naming: Naming, groups: Seats, now: datetime | None) -> Plan[Streams]:
    """Look at all streams that are known.

    Args:
        naming: What their names say.
        groups: Which groups have a label.
        now: As for `unix_time`.
    """
    clock, stored = yield [
        lambda pipe: pipe.time(),
        lambda pipe: pipe.smembers(stream_keys.streams()),
    ]
    names = sorted({queue_of(as_text(key)) for key in known(stored, ())})
    every = [key for name in names[:MOST_STREAMS] for key in keys_of(name)]
    lengths = (yield [_asked("xlen", key) for key in every]) if every else []
    filled = {key: n for key, each in zip(every, lengths, strict=True) if (n := known(each, 0))}
    told = (yield [_asked("xinfo_groups", key) for key in filled]) if filled else []
    readers = {
        key: [_reader(key, each) for each in known(found, ())]
        for key, found in zip(filled, told, strict=True)
    }
    moment = unix_time(clock, now)
    more = yield from _closer(readers, groups, moment)
    families = _families(names[:MOST_STREAMS], naming, filled, readers)
    for (key, name), age in more.ages.items():
        group = families[naming.read(key).family].groups[name]
        group.oldest = max(group.oldest, age)
    return Streams(
        _labelled(families, groups), more.alive, more.dead, max(0, len(names) - MOST_STREAMS)
    )


class _Closer(NamedTuple):
    alive: Mapping[str, int]
    dead: Mapping[str, int]
    ages: Mapping[tuple[str, str], float]


def _closer(
    readers: Mapping[str, Sequence[_Reader]], groups: Seats, moment: float
) -> Plan[_Closer]:
    """Ask for the consumers of each group, and for the oldest entry in hand."""
    busy = [each for found in readers.values() for each in found if each.pending]
    names = sorted({as_text(each.group) for found in readers.values() for each in found})
    now_ms = int(moment * 1000)
    asked = [question for name in names for question in _of_group(name, now_ms)]
    asked += [_asked("xpending", each.key, each.group) for each in busy]
    answers = iter((yield asked) if asked else ())
    alive, dead = Counter[str](), Counter[str]()
    for name in names:
        living, late, orphaned, nobody = (known(next(answers), 0) for _ in range(4))
        alive[groups.of(name)] += living
        dead[groups.of(name)] += late + orphaned - (nobody is not None)  # which is no consumer
    ages = {(each.key, as_text(each.group)): _age(next(answers), now_ms) for each in busy}
    return _Closer(alive, dead, ages)


def _of_group(name: str, now_ms: int) -> Iterable[Question]:
    yield _asked("zcount", stream_keys.consumers(name), f"({now_ms}", "+inf")
    yield _asked("zcount", stream_keys.consumers(name), "-inf", now_ms)
    yield _asked("zcard", stream_keys.orphaned(name))
    yield _asked("zscore", stream_keys.orphaned(name), NOBODY)


def _age(summary: Any, now_ms: int) -> float:
    lowest = known(summary, {}).get("min")
    return max(0.0, (now_ms - milliseconds(as_text(lowest))) / 1000) if lowest else 0.0


def _reader(key: str, found: Mapping[str, Any]) -> _Reader:
    return _Reader(key, found["name"], found["pending"], found.get("lag") or 0)


def _families(
    names: Sequence[str],
    naming: Naming,
    filled: Mapping[str, int],
    readers: Mapping[str, Sequence[_Reader]],
) -> dict[str, Family]:
    families: defaultdict[str, Family] = defaultdict(Family)
    for name in names:
        family = families[naming.read(name).family]
        length = 0
        for key in keys_of(name):
            length += filled.get(key, 0)
            found = readers.get(key, ())
            family.waiting += max((each.lag for each in found), default=filled.get(key, 0))
            for each in found:
                group = family.groups[as_text(each.group)]
                group.lag += each.lag
                group.pending += each.pending
        family.streams += 1
        family.length += length
        family.longest = max(family.longest, length)
    return families


def _labelled(families: Mapping[str, Family], groups: Seats) -> Mapping[str, Family]:
    """The same, with the groups that have no label as one."""
    for family in families.values():
        found: defaultdict[str, Group] = defaultdict(Group)
        for name, each in family.groups.items():
            group = found[groups.of(name)]
            group.lag += each.lag
            group.pending += each.pending
            group.oldest = max(group.oldest, each.oldest)
        family.groups = found
    return families


def _asked(command: str, *arguments: Any) -> Question:
    return lambda pipe: getattr(pipe, command)(*arguments)
