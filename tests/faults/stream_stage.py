"""Where a drill of streams takes place: a server, consumers, a publisher and the ledgers.

What a handler did stands in the ledger of its group, outside Redis; an acknowledged message must
have come to its end there, or be a dead letter.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from redis import Redis, RedisError

from messages import TestData, TestMessage, TestPayload
from tests.faults import fleet
from tests.faults.fleet import STREAMS, Fleet, Pace
from tests.faults.ledger import Ledger, write
from tests.faults.nursery import Nursery
from tests.faults.own_server import OwnServer, own_server
from workers import (
    PublishOptions,
    Settings,
    StreamFull,
    dead_letters,
    keys,
    publish_many,
    stream_keys,
)
from workers.errors import StorageRefused, StorageUnavailable

NAMES = ("own:a", "own:b:high", "own:c")
"""The streams of a drill."""
_HIGH = ":high"


@dataclass(frozen=True)
class Task:
    """A message to publish: what it does, for how many seconds, and in which stream."""

    kind: str = "work"
    seconds: float = 0.0
    stream: str = NAMES[0]


@dataclass
class Group:
    """A consumer group with its workers, and what their handlers have noted.

    Args:
        name: The group's.
        fleet: Its workers.
        ledger: What was started and ended.
    """

    name: str
    fleet: Fleet
    ledger: Ledger

    def ended(self) -> set[str]:
        return self.ledger.refresh().ids("end")


@dataclass
class StreamStage:
    """One drill's world."""

    folder: Path
    server: OwnServer
    pace: Pace
    chance: random.Random
    published: Ledger
    groups: list[Group]
    limit: int
    entries: dict[tuple[str, str], str] = field(default_factory=dict)
    """Stream and entry -> the message's id."""

    @property
    def group(self) -> Group:
        """The first, and mostly the only one."""
        return self.groups[0]

    @property
    def fleet(self) -> Fleet:
        return self.group.fleet

    def client(self) -> "Redis":
        return self.server.client()

    def publish(self, tasks: Sequence[Task], client: "Redis") -> list[str]:
        """Publish and note what was acknowledged; tries again for 20 s if Redis is away or full."""
        ids: list[str] = []
        by_stream: dict[str, list[Task]] = {}
        for task in tasks:
            by_stream.setdefault(task.stream, []).append(task)
        for stream, those in by_stream.items():
            made = [_message(task) for task in those]
            for task, message in zip(those, made, strict=True):
                write(self.published.path, "attempted", message.message_id, task.kind)
            ids += self._publish(stream, made, client)
        return ids

    def _publish(self, stream: str, made: Sequence[TestMessage], client: "Redis") -> Sequence[str]:
        settings = Settings(stream_limit=self.limit)
        base, is_high = stream.removesuffix(_HIGH), stream.endswith(_HIGH)
        options: PublishOptions = {"stream": base, "priority": "high" if is_high else "normal"}
        deadline = time.monotonic() + 20
        while True:
            try:
                stored = publish_many(made, connection=client, settings=settings, **options)
            except (StorageUnavailable, StorageRefused, StreamFull):
                if time.monotonic() > deadline:
                    for each in made:
                        write(self.published.path, "errored", each.message_id)
                    return []
                time.sleep(0.05)
            else:
                for each in stored:
                    self.entries[stream, each.entry_id or ""] = each.message_id
                    write(self.published.path, "acked", each.message_id, stream)
                return [each.message_id for each in stored]

    @contextmanager
    def publishing(self, *, pause: float, longest: float, each: int = 1) -> Iterator[None]:
        """Publish from a thread for as long as the block runs."""
        over, chance = Event(), random.Random(self.chance.random())

        def _publish() -> None:
            with self.client() as client:
                while not over.wait(pause):
                    self.publish(some_tasks(chance, each, longest), client)

        thread = Thread(target=_publish, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(30)

    def acked(self) -> set[str]:
        return self.published.refresh().ids("acked")

    def settle(self, within: float, *, lost: bool = False) -> None:
        """Keep the workers up until all that was published has ended in every group.

        Args:
            within: Seconds.
            lost: Whether the drill itself destroyed messages: then until nothing waits any more.
        """
        deadline = time.monotonic() + within
        with self.client() as client:
            while time.monotonic() < deadline:
                for group in self.groups:
                    group.fleet.keep_up()
                with suppress(RedisError):
                    if self._is_over(client, lost=lost):
                        return
                time.sleep(0.1)

    def _is_over(self, client: "Redis", *, lost: bool) -> bool:
        if any(self.left(client, group.name) for group in self.groups):
            return False
        if lost:
            return True
        open_ = self.acked() - self.dead(client)
        return all(open_ <= group.ended() for group in self.groups)

    @staticmethod
    def dead(client: "Redis") -> set[str]:
        """The messages that are dead letters."""
        found: Any = client.zrange(keys.dead_letters(), 0, -1)
        return {
            letter.job_id
            for name in found
            if (letter := dead_letters.find(name.decode(), connection=client)) is not None
        }

    def left(self, client: "Redis", group: str) -> int:
        """How many entries a group has in hand, or has not read, and those that are delayed."""
        found = int(client.zcard(stream_keys.delayed()))
        for stream in NAMES:
            with suppress(RedisError):
                by_name = {each["name"]: each for each in client.xinfo_groups(stream)}
                mine = by_name.get(group.encode(), {"pending": 0, "last-delivered-id": b"0-0"})
                unread = f"({mine['last-delivered-id'].decode()}"
                found += mine["pending"] + len(client.xrange(stream, unread, count=1))
        return found

    def hands(self, client: "Redis", consumers: Sequence[str]) -> dict[tuple[str, str], str]:
        """What some consumers have: stream and entry -> consumer."""
        found = {}
        for stream in NAMES:
            with suppress(RedisError):
                for row in client.xpending_range(stream, self.group.name, "-", "+", 100_000):
                    if (name := row["consumer"].decode()) in consumers:
                        found[stream, row["message_id"].decode()] = name
        return found

    def consumers(self, client: "Redis", pid: int) -> list[str]:
        """The consumers of a worker's children, all that there were."""
        found = set()
        for stream in NAMES:
            with suppress(RedisError):
                found |= {
                    each["name"].decode()
                    for each in client.xinfo_consumers(stream, self.group.name)
                }
        return sorted(name for name in found if f"-{pid}-" in name)


def some_tasks(chance: random.Random, count: int, longest: float) -> list[Task]:
    """Messages for any of the streams, each of which takes up to so many seconds."""
    return [
        Task(seconds=chance.uniform(0, longest), stream=chance.choice(NAMES)) for _ in range(count)
    ]


def _message(task: Task) -> TestMessage:
    payload = TestPayload(new_value=task.seconds)
    return TestMessage(data=TestData(test_type=task.kind, payload=payload))


@contextmanager
def stream_stage(  # noqa: PLR0913 - the parameters of an experiment
    folder: Path,
    nursery: Nursery,
    *,
    pace: Pace,
    seed: int = 0,
    program: Path | None = None,
    groups: Sequence[str] = ("workers",),
    limit: int = 1_000_000,
    environ: Mapping[str, str] | None = None,
) -> Iterator[StreamStage]:
    """A world for one drill, which leaves nothing behind.

    Args:
        folder: An empty one.
        nursery: Starts the workers.
        pace: The engine's clocks.
        seed: Of all chance.
        program: The server's; None means the one that is found.
        groups: Consumer groups, each with workers and a ledger of its own.
        limit: STREAM_LIMIT.
        environ: Further variables of the workers.
    """
    with own_server(folder / "redis", program) as server:
        made = [
            _group(name, folder, nursery, server.url, pace, {"STREAM_LIMIT": str(limit)})
            for name in groups
        ]
        for group in made:
            group.fleet.environ = {**group.fleet.environ, **(environ or {})}
        chance, published = random.Random(seed), Ledger(folder / "published")
        try:
            yield StreamStage(folder, server, pace, chance, published, made, limit)
        finally:
            for group in made:
                group.fleet.end(within=5)


def _group(  # noqa: PLR0913, PLR0917 - what a group is made of
    name: str, folder: Path, nursery: Nursery, url: str, pace: Pace, environ: Mapping[str, str]
) -> Group:
    own = folder / name
    own.mkdir(parents=True)
    ledger = Ledger(own / "ledger")
    variables = {**fleet.environment(url, ledger.path, pace), **environ}
    words = (*STREAMS, "--group", name, "--streams", "own:*")
    return Group(name, Fleet(nursery, variables, own, words, ()), ledger)
