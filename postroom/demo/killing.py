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

from monitoring.words import number
from workers import stream_keys
from workers.streams.known import known_streams

_ENOUGH, _PATIENCE = 2, 5.0  # entries in the hands of who is killed; seconds to wait for that
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
    _asked_at: float = field(default=0.0, init=False)

    def ask(self) -> None:
        """Kill a consumer as soon as one has enough in hand."""
        self._asked_at = self._asked_at or time.monotonic()

    def _kill(self) -> str | None:
        """Kill the consumer with most in hand, and the process that looks after it, by SIGKILL."""
        chosen = max(self._living(), key=lambda each: len(each[1]), default=None)
        is_late = time.monotonic() - self._asked_at > _PATIENCE
        if chosen is None or (len(chosen[1]) < _ENOUGH and not is_late):
            return "k: there is no consumer to kill" if is_late else None
        name, entries, pids = chosen
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._killed.append(Killed(name, pids[0], entries))
        return f"k: killed consumer {name} (pid {pids[0]}) with {_counted(entries)} in hand"

    def look(self) -> Iterator[str]:
        """Kill if that was asked for, and look who has the entries of the dead now.

        Yields:
            A line for each consumer that is killed, and for each whose entries are all claimed.
        """
        if self._asked_at and (line := self._kill()) is not None:
            self._asked_at = 0.0
            yield line
        for killed in list(self._killed):
            owners = {self._owner(*entry) for entry in killed.entries}
            seconds = time.monotonic() - killed.at
            if killed.name not in owners or seconds > _LONGEST:
                self._killed.remove(killed)
                yield _told(killed, owners, seconds)

    def _living(self) -> Iterator[tuple[str, Sequence[tuple[str, str]], Sequence[int]]]:
        stored: Any = self.redis.zrange(stream_keys.consumers(self.group), 0, -1)
        for name in (each.decode() for each in stored):
            facts: Any = self.redis.hgetall(stream_keys.consumer(self.group, name))
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
    if killed.name in owners:
        return f"k: after {seconds:.0f} s {killed.name} still has entries: look at the log"
    heirs = ", ".join(sorted(owners - {""})) or "done already"
    were = "was" if len(killed.entries) == 1 else "were"
    return f"k: its {_counted(killed.entries)} {were} claimed after {seconds:.1f} s ({heirs})"


def _counted(entries: Sequence[tuple[str, str]]) -> str:
    return number(len(entries), "entry", "entries")
