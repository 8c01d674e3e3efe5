"""The consumer groups of streams: what waits for them, what they have in hand, and who has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.streams.reading import Plan, Question, known
from workers.streams.depths import is_lower

MOST_COUNTED = 10_000
"""Entries that are counted one by one where the server does not know how many wait."""
_COUNTED_TOGETHER = 5  # streams in one question of that kind: their entries are in memory at once


@dataclass(frozen=True)
class Group:
    """One consumer group of one stream.

    Args:
        name: Its name.
        pending: Entries in the hands of its consumers.
        delivered: The id that was delivered last.
        lag: Entries that were not delivered; None if the server does not know.
        stored: Its name as Redis has it, which need not be text; None means that it is.
    """

    name: str
    pending: int
    delivered: str
    lag: int | None
    stored: bytes | str | None = None

    @property
    def asked_as(self) -> bytes | str:
        """What Redis is to be asked for."""
        return self.name if self.stored is None else self.stored


@dataclass(frozen=True)
class Queued:
    """How many entries wait for a group.

    Args:
        count: How many, at least.
        is_lower_bound: Whether there may be more.
    """

    count: int
    is_lower_bound: bool = False


@dataclass(frozen=True)
class Stream:
    """One stream, as far as its groups are concerned.

    Args:
        key: Its key.
        length: Entries, done or not.
        last: The id of its newest entry; empty if it has none.
        groups: Its groups.
        kind: The key's type: `stream`, `none` if there is no such key, or something else.
    """

    key: str
    length: int
    last: str
    groups: Sequence[Group]
    kind: str = "stream"

    @property
    def is_there(self) -> bool:
        """Whether it is a stream, be it an empty one."""
        return self.kind == "stream"

    def group(self, asked: str | None, default: str) -> Group | None:
        """The group that is meant.

        Args:
            asked: The one that the caller names, or None.
            default: The one that the settings name.

        Returns:
            The one that is asked for; else the default; else the only one there is.
        """
        by_name = {group.name: group for group in self.groups}
        if asked is not None:
            return by_name.get(asked)
        only = self.groups[0] if len(self.groups) == 1 else None
        return by_name.get(default, only)

    def furthest_behind(self) -> Group | None:
        """The group for which the most entries wait; None if there are no groups."""
        return min(self.groups, key=lambda group: numbers(group.delivered), default=None)


def streams(names: Sequence[str]) -> Plan[Sequence[Stream]]:
    """Look at streams.

    Args:
        names: Keys; those that are no streams are empty.
    """
    questions = [
        question
        for name in names
        for question in (
            lambda pipe, key=name: pipe.type(key),
            lambda pipe, key=name: pipe.xlen(key),
            lambda pipe, key=name: pipe.xrevrange(key, count=1),
            lambda pipe, key=name: pipe.xinfo_groups(key),
        )
    ]
    answers = (yield questions) if questions else []
    found = iter(answers)
    return [
        _stream(name, *told) for name, *told in zip(names, found, found, found, found, strict=True)
    ]


def queued(asked: Sequence[tuple[Stream, Group | None]]) -> Plan[Sequence[Queued]]:
    """How many entries wait for groups.

    Args:
        asked: Streams with a group each; without one everything waits.
    """
    told = [_told(stream, group) for stream, group in asked]
    unknown = [place for place, each in enumerate(told) if each is None]
    counted: dict[int, Queued] = {}
    for begin in range(0, len(unknown), _COUNTED_TOGETHER):
        places = unknown[begin : begin + _COUNTED_TOGETHER]
        answers = yield [_after(*asked[place]) for place in places]
        counted.update(zip(places, map(_counted, answers), strict=True))
    return [counted[place] if each is None else each for place, each in enumerate(told)]


def _told(stream: Stream, group: Group | None) -> Queued | None:
    if group is None:
        return Queued(stream.length)
    if not stream.length or not is_lower(group.delivered, stream.last):
        return Queued(0)
    # After others have trimmed what was not delivered, the server goes on counting that.
    return Queued(group.lag) if group.lag is not None and group.lag <= stream.length else None


def _after(stream: Stream, group: Group | None) -> Question:
    after, most = f"({group.delivered}" if group else "-", MOST_COUNTED
    return lambda pipe: pipe.xrange(stream.key, min=after, count=most)


def _counted(entries: Any) -> Queued:
    count = len(known(entries, ()))
    return Queued(count, is_lower_bound=count == MOST_COUNTED)


def consumers_of(summary: Any) -> list[dict[str, Any]]:
    """The consumers in what XPENDING says of a group, those with the most first.

    Args:
        summary: Its answer, as redis-py reads it.
    """
    found = [
        {"name": text(each["name"]), "pending_count": int(each["pending"])}
        for each in summary["consumers"]
    ]
    return sorted(found, key=lambda each: (-each["pending_count"], each["name"]))


def numbers(entry_id: str) -> tuple[int, int]:
    """An entry's id as it sorts.

    Args:
        entry_id: As Redis writes it; empty comes first.
    """
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds or 0), int(number or 0)


def text(value: bytes | str | None) -> str:
    """What Redis returned, as text."""
    if value is None:
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


NOTHING_PENDING: Mapping[str, Any] = {"pending": 0, "min": None, "max": None, "consumers": ()}


def _stream(key: str, kind: Any, length: Any, newest: Any, groups: Any) -> Stream:
    last = known(newest, ())
    return Stream(
        key,
        known(length, 0),
        text(last[0][0]) if last else "",
        [
            Group(
                text(group["name"]),
                group["pending"],
                text(group["last-delivered-id"]),
                group.get("lag"),
                group["name"],
            )
            for group in known(groups, ())
        ],
        text(known(kind, b"none")),
    )
