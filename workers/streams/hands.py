"""The entries that one consumer has in its hands, and how they leave them.

Every end asks Redis whether the entry is still there: XACK itself would not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import ResponseError

from workers import keys
from workers.scripts import script
from workers.streams.entry import Entry
from workers.wire import Stored

NOBODY = "handed-back"
"""The consumer that has what was handed back, until another one claims it."""


@dataclass(frozen=True)
class Holder:
    """Who has entries.

    Args:
        group: The consumer group.
        consumer: The consumer: one life of a child.
        seconds: How long it counts as alive without a sign of life.
        is_fenced: Whether an end asks if the entry is still its own; False only to measure that.
        tenant_limit: Messages of one tenant that all consumers together may have; 0: no limit.
    """

    group: str
    consumer: str
    seconds: float
    is_fenced: bool = True
    tenant_limit: int = 0


class Hands:
    """Those of one consumer.

    Args:
        holder: The consumer.
        connection: Where.
    """

    def __init__(self, holder: Holder, connection: redis.Redis) -> None:
        self.holder = holder
        self.connection = connection
        self._held: set[tuple[str, str]] = set()
        self._again = registered("again", connection)
        self._hand_back = connection.register_script(script("workers.streams", "hand_back"))

    def again(self, entry: Entry, arguments: Sequence[Stored]) -> bool:
        """Let a message run again: its successor takes the place of its entry.

        Args:
            entry: The run that is over.
            arguments: Those of the script from the message's id on.

        Returns:
            False if somebody else has the entry.
        """
        self.forget(entry)
        answer: Any = self._again(args=[*self._who(), entry.list_name, entry.execution, *arguments])
        return bool(answer != b"refused")

    def hand_back(self, entries: Sequence[Entry]) -> int:
        """Give entries that were not started to whoever claims them next.

        Args:
            entries: The entries; each goes as it came, as often `lost` as it was then.

        Returns:
            How many were still ours.
        """
        if not entries:
            return 0
        parts = [part for each in entries for part in (each.list_name, each.execution, each.lost)]
        answer: Any = self._hand_back(args=[*self._who(), NOBODY, *parts])
        for each in entries:
            self.forget(each)
        return int(answer)

    def begin(self, entry: Entry) -> bool:
        """Count a suspect as delivered: from here on it may be what ends its consumer.

        Args:
            entry: The entry.

        Returns:
            False if it is somebody else's by now.
        """
        text = script("workers.streams", "fence") + script("workers.streams", "begin")
        call = self.connection.register_script(text)
        parts = entry.list_name, entry.execution, entry.lost
        return bool(call(args=[*self._who(), *parts]))

    def pass_over(self, entry: Entry) -> None:
        """Acknowledge an entry that is none of this group's business."""
        self.forget(entry)
        self.connection.xack(entry.list_name, self.holder.group, entry.execution)

    def acknowledge(self, stream: str, entry_id: str) -> bool:
        """Acknowledge one entry, if it is still ours.

        Args:
            stream: The key of its stream.
            entry_id: Its id there.

        Returns:
            False if it was not.
        """
        self._held.discard((stream, entry_id))
        text = script("workers.streams", "fence") + script("workers.streams", "acknowledge")
        call = self.connection.register_script(text)
        return bool(call(args=[*self._who(), stream, entry_id]))

    def forget(self, entry: Entry) -> None:
        """Its run is over, whoever has it now."""
        self._held.discard((entry.list_name, entry.execution))

    def holds(self, entry: Entry) -> bool:
        """Whether an entry is still ours."""
        return self.holds_id(entry.list_name, entry.execution)

    def holds_id(self, stream: str, entry_id: str) -> bool:
        """Whether an entry is still ours, by its id.

        Args:
            stream: The key of its stream.
            entry_id: Its id there.
        """
        group, consumer = self.holder.group, self.holder.consumer
        try:
            found: Any = self.connection.xpending_range(
                stream, group, entry_id, entry_id, 1, consumer
            )
        except ResponseError:  # the group is gone, or the stream
            return False
        return bool(found)

    def _who(self) -> Sequence[str]:
        return keys.our_prefix(), self.holder.group, self.holder.consumer


def registered(name: str, connection: redis.Redis) -> Any:
    """A script that ends runs.

    Args:
        name: Its file.
        connection: Where it runs.

    Returns:
        What redis-py makes of it, which returns what the server does.
    """
    text = script("workers", "ending") + script("workers.streams", "fence")
    return connection.register_script(text + script("workers.streams", name))
