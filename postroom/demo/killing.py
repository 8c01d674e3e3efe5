"""Kills a consumer of streams when somebody asks for it, and sees what becomes of its entries."""

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from workers import keys
from workers.streams.known import known_streams

_LONGEST = 60.0  # seconds for which the entries of a dead consumer are looked for


@dataclass
class Killed:
    """A consumer that was killed.

    Args:
        name: Its name.
        pid: The process that looked after it, which was killed, too.
        entries: What it had in hand: the key of the stream, and the entry's id.
        at: When, by the monotonic clock.
    """

    name: str
    pid: int
    entries: Sequence[tuple[str, str]]
    at: float = field(default_factory=time.monotonic)


@dataclass
class Killer:
    """Kills the consumers of a group, and follows their entries.

    Args:
        redis: The server.
        group: The group.
    """

    redis: Redis
    group: str
    _killed: list[Killed] = field(default_factory=list, init=False)

    def kill(self) -> str:
        """Kill a living consumer of this machine with SIGKILL, and the process that looks after it.

        Returns:
            What was done, for people.
        """
        chosen = max(self._living(), key=lambda each: len(each[1]), default=None)
        if chosen is None:
            return "k: there is no consumer to kill; a new one starts in a moment"
        name, entries, pids = chosen
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._killed.append(Killed(name, pids[0], entries))
        return f"k: killed consumer {name} (pid {pids[0]}) with {len(entries)} entries in hand"

    def look(self) -> Iterator[str]:
        """Look who has the entries of the dead now.

        Yields:
            A line for each consumer whose entries are all claimed or done.
        """
        for killed in list(self._killed):
            owners = {self._owner(*entry) for entry in killed.entries}
            seconds = time.monotonic() - killed.at
            if killed.name not in owners or seconds > _LONGEST:
                self._killed.remove(killed)
                yield _told(killed, owners, seconds)

    def _living(self) -> Iterator[tuple[str, Sequence[tuple[str, str]], Sequence[int]]]:
        stored: Any = self.redis.zrange(keys.consumers(self.group), 0, -1)
        for name in (each.decode() for each in stored):
            facts: Any = self.redis.hgetall(keys.consumer(self.group, name))
            is_here = facts.get(b"host", b"").decode() == socket.gethostname()
            if is_here and b"child_pid" in facts:
                pids = (int(facts[b"pid"]), int(facts[b"child_pid"]))
                yield name, self._entries_of(name), pids

    def _entries_of(self, name: str) -> Sequence[tuple[str, str]]:
        found = []
        for stream in known_streams(["*"], connection=self.redis):
            with suppress(ResponseError):  # a stream that nobody reads yet has no group
                rows: Any = self.redis.xpending_range(stream, self.group, "-", "+", 100, name)
                found += [(stream, row["message_id"].decode()) for row in rows]
        return found

    def _owner(self, stream: str, entry: str) -> str:
        rows: Any = self.redis.xpending_range(stream, self.group, entry, entry, 1)
        return rows[0]["consumer"].decode() if rows else ""


def _told(killed: Killed, owners: set[str], seconds: float) -> str:
    count = len(killed.entries)
    if killed.name in owners:
        return f"k: after {seconds:.0f} s {killed.name} still has entries: look at the log"
    heirs = ", ".join(sorted(owners - {""})) or "done already"
    return f"k: its {count} entries were claimed after {seconds:.1f} s ({heirs})"
