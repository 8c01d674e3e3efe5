"""How full streams are and how far their groups, in one question for many; and what has changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import redis

from workers.scripts import script

Harm = Literal["stream_lost", "group_lost", "payload_trimmed"]


@dataclass(frozen=True)
class GroupDepth:
    """How far one group of consumers is.

    Args:
        name: The group.
        consumers: How many it has ever had that were not removed.
        pending: Entries in the hands of its consumers.
        delivered: The id that was delivered last.
        lag: Entries that were not delivered; None if the server does not know.
        lowest: The lowest id that is pending; empty if none.
    """

    name: str
    consumers: int
    pending: int
    delivered: str
    lag: int | None
    lowest: str


@dataclass(frozen=True)
class Depth:
    """How full one stream is.

    Args:
        stream: Its key.
        kind: The key's type, `stream` or `none` or something else.
        length: Entries, done or not.
        first: The id of the oldest; empty if there is none.
        last: The last id that it ever had; empty if it is no stream.
        groups: By name.
    """

    stream: str
    kind: str
    length: int = 0
    first: str = ""
    last: str = ""
    groups: Mapping[str, GroupDepth] = field(default_factory=dict)

    def waiting(self, group: str) -> int | None:
        """Entries that a group has not been delivered yet.

        Args:
            group: The group; one that does not exist would be delivered all.

        Returns:
            How many; None if the server does not know.
        """
        found = self.groups.get(group)
        if found is None:
            return self.length
        if self.last == found.delivered:
            return 0
        if found.lag is None:
            return None
        # After others have trimmed what was not delivered, the server still counts that.
        return max(0, min(found.lag, self.length))

    def unfinished(self, group: str) -> int:
        """Entries that a group has not finished, at least."""
        found = self.groups.get(group)
        return (self.waiting(group) or 0) + (0 if found is None else found.pending)


@dataclass(frozen=True)
class Finding:
    """What somebody has done to a stream.

    Args:
        harm: `stream_lost`, `group_lost` or `payload_trimmed`.
        stream: Its key.
        at_least: How many unfinished entries went; what came after the last look is not known.
        why: A sentence.
    """

    harm: Harm
    stream: str
    at_least: int
    why: str


def depths(streams: Sequence[str], *, connection: redis.Redis) -> Sequence[Depth]:
    """How full streams are.

    Args:
        streams: Keys; some hundreds at most, as the server does nothing else meanwhile.
        connection: Where.
    """
    if not streams:
        return ()
    answer: Any = connection.register_script(script("workers.streams", "depths"))(args=[*streams])
    return [
        Depth(stream, kind.decode(), length, first.decode(), last.decode(), _groups_in(groups))
        for stream, (kind, length, first, last, groups) in zip(streams, answer, strict=True)
    ]


def changes(before: Depth, now: Depth, group: str) -> Iterator[Finding]:
    """What somebody has done to a stream between two looks.

    Args:
        before: The look before.
        now: This one.
        group: The group that is looked after.
    """
    if before.kind != "stream":
        return
    if now.kind != "stream" or is_lower(now.last, before.last):
        yield Finding("stream_lost", now.stream, before.unfinished(group), _lost_how(now))
        return
    had, has = before.groups.get(group), now.groups.get(group)
    if had is not None and (has is None or is_lower(has.delivered, had.delivered)):
        why = "Its group was removed; all that the stream holds is delivered again."
        yield Finding("group_lost", now.stream, 0, why)
        return
    trimmed = _trimmed(now, group) - _trimmed(before, group)
    if trimmed > 0:
        why = "Somebody trimmed entries that were not delivered yet; publish never does."
        yield Finding("payload_trimmed", now.stream, trimmed, why)


def is_lower(one: str, other: str) -> bool:
    """Whether an entry's id comes before another one."""
    return _numbers(one) < _numbers(other)


def _numbers(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds or 0), int(number or 0)


def _lost_how(now: Depth) -> str:
    if now.kind == "stream":
        return "It was removed and made anew."
    if now.kind == "none":
        return "Its key is gone, by DEL or FLUSHALL or without persistence."
    return f"A {now.kind} stands in its place."


def _trimmed(depth: Depth, group: str) -> int:
    """Entries that went before they were delivered, as long as nothing after them was."""
    found = depth.groups.get(group)
    if found is None or found.lag is None:
        return 0
    if depth.first and not is_lower(found.delivered, depth.first):
        return 0
    return max(0, found.lag - depth.length)


def _groups_in(answer: Sequence[Any]) -> Mapping[str, GroupDepth]:
    found = (
        GroupDepth(
            name.decode(errors="replace"),
            consumers,
            pending,
            delivered.decode(),
            None if lag < 0 else lag,
            lowest.decode(),
        )
        for name, consumers, pending, delivered, lag, lowest in answer
    )
    return {group.name: group for group in found}
