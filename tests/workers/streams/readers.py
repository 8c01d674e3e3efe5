"""A consumer in the test's own process: it reads, claims and runs when it is asked."""

from collections.abc import Sequence
from itertools import count

from redis import Redis

from workers import Settings, stream_keys
from workers.engine.alarm import NoAlarm
from workers.engine.child import Child
from workers.engine.lane import Tools
from workers.engine.page import Page
from workers.engine.step import Step
from workers.engine.task import Task
from workers.streams.entry import Entry
from workers.streams.hands import Holder
from workers.streams.lane import Reader, StreamLane
from workers.worker_name import new_worker_name

_numbers = count(1)


class Consumer(Child):
    """The child of a worker of streams.

    Args:
        redis: The server.
        group: The consumer group.
        patterns: What it serves; those of the settings if none is named.
        limit: Messages of one tenant that all may have in hand; 0: no limit.
        settings: None means those of the environment.
    """

    def __init__(
        self,
        redis: Redis,
        *patterns: str,
        group: str = "workers",
        limit: int = 0,
        settings: Settings | None = None,
    ) -> None:
        self.redis = redis
        self.consumer = f"{new_worker_name()}-{next(_numbers)}"
        settings = settings or Settings()
        holder = Holder(group, self.consumer, settings.lease_seconds, tenant_limit=limit)
        self.reader = Reader(holder, patterns or settings.stream_patterns, self.consumer, redis)
        super().__init__(self.consumer, self._make, Page(1), Task(burst=True), settings, NoAlarm())

    def _make(self, tools: Tools) -> StreamLane:
        self.streams = StreamLane(self.reader, tools)
        return self.streams

    def take(self, wanted: int = 100) -> Sequence[Entry]:
        """Read or claim so many; what was done is acknowledged."""
        self.streams.served.look_soon()
        self.last: Step = self.step(wanted)
        return [entry for entry in self.last.leased if isinstance(entry, Entry)]

    def take_all(self) -> Sequence[Entry]:
        taken: list[Entry] = []
        while found := self.take():
            taken += found
        return taken

    def run_one(self, entry: Entry) -> None:
        """Run what was taken, if it may run."""
        job = self.lane.admit(entry, self.last)
        if job is not None:
            self.run(entry, job, self.last.now)

    def run_all(self) -> int:
        """Run until nothing waits; returns how many were taken."""
        taken = 0
        while found := self.take():
            for entry in found:
                self.run_one(entry)
            taken += len(found)
        return taken

    def hand_back(self, *entries: Entry) -> None:
        self.lane.hand_back(entries)

    def vanish(self) -> None:
        """Let its time be up, as when nothing was heard of it for too long."""
        self.redis.zadd(stream_keys.consumers(self.reader.holder.group), {self.consumer: 0})


def pending(redis: Redis, stream: str, group: str = "workers") -> dict[str, tuple[str, int]]:
    """Who has what, and how often it was delivered."""
    found = redis.xpending_range(stream, group, "-", "+", 10_000)
    return {
        each["message_id"].decode(): (each["consumer"].decode(), each["times_delivered"])
        for each in found
    }


def consumers_of(redis: Redis, stream: str, group: str = "workers") -> set[str]:
    return {each["name"].decode() for each in redis.xinfo_consumers(stream, group)}
