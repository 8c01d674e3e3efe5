"""Where a drill takes place: a server, workers, a producer, the ledger and a clock for chance.

`OURS` and `STOCK` are the two sides that a drill can be played on.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal

from redis import Redis, RedisError
from rq import Queue, Retry
from rq.serializers import JSONSerializer

from messages import TestData, TestMessage, TestPayload
from tests.faults import fleet
from tests.faults.census import ENDED, Census, census, chunks
from tests.faults.checker import Verdict, check
from tests.faults.fleet import Fleet, Pace
from tests.faults.ledger import Ledger, now, write
from tests.faults.nursery import Nursery
from tests.faults.outcomes import Outcomes, followed
from tests.faults.own_server import OwnServer, own_server
from tests.faults.proxy import Proxy, proxy_to
from workers import enqueue, enqueue_in, keys
from workers.errors import StorageRefused, StorageUnavailable
from workers.settings import Settings

Side = Literal["ours", "stock", "simple"]

WORDS: Mapping[Side, Sequence[str]] = {
    "ours": fleet.MESSAGE,
    "stock": fleet.STOCK,
    "simple": fleet.SIMPLE,
}
"""The command line of each side; `simple` is stock's SimpleWorker."""


@dataclass(frozen=True)
class Wish:
    """A job to send: what it does, for how long, where, and when it is due (all s)."""

    kind: str = "work"
    seconds: float = 0.0
    queue: str = "a"
    timeout: float = 180.0
    delay: float = 0.0
    attempts: int = 3

    def on(self, queue: str) -> "Wish":
        """The same on another queue."""
        return replace(self, queue=queue)


@dataclass
class Stage:
    """One drill's world."""

    side: Side
    queues: Sequence[str]
    pace: Pace
    seed: int
    folder: Path
    server: OwnServer
    ledger: Ledger
    fleet: Fleet
    chance: random.Random
    outcomes: "Outcomes"
    spoiled: set[str] = field(default_factory=set)
    proxy: Proxy | None = None

    def client(self) -> "Redis":
        return self.server.client()

    def send(self, wish: Wish, client: "Redis") -> str:
        """Send one job and note it; an error is noted, and the job's id returned as well.

        Our producer may repeat a call, as its message has an id; it does so for 20 s.
        """
        if self.side == "ours":
            return self._send_message(wish, client)
        return self._send_stock(wish, client)

    def send_many(self, wishes: Sequence[Wish]) -> list[str]:
        with self.client() as client:
            return [self.send(wish, client) for wish in wishes]

    def _send_message(self, wish: Wish, client: "Redis") -> str:
        payload = TestPayload(new_value=wish.seconds)
        message = TestMessage(data=TestData(test_type=wish.kind, payload=payload))
        write(self.ledger.path, "attempted", message.message_id, wish.kind)
        options: Any = {"queue": wish.queue, "timeout": wish.timeout, "attempts": wish.attempts}
        settings = Settings(keep_finished=1_000_000)
        deadline = time.monotonic() + 20
        while True:
            try:
                if wish.delay:
                    enqueue_in(wish.delay, message, connection=client, settings=settings, **options)
                else:
                    enqueue(message, connection=client, settings=settings, **options)
            except (StorageUnavailable, StorageRefused):
                if time.monotonic() > deadline:
                    write(self.ledger.path, "errored", message.message_id, wish.kind)
                    return message.message_id
                time.sleep(0.1)
            else:
                write(self.ledger.path, "acked", message.message_id, wish.kind)
                return message.message_id

    def _send_stock(self, wish: Wish, client: "Redis") -> str:
        queue = Queue(wish.queue, connection=client, serializer=JSONSerializer)
        job = queue.create_job(
            "tests.faults.behaviours.act",
            (wish.kind, wish.seconds),
            timeout=int(wish.timeout),
            retry=Retry(wish.attempts, interval=1) if "once" in wish.kind else Retry(wish.attempts),
            result_ttl=86_400,
        )
        write(self.ledger.path, "attempted", job.id, wish.kind)
        try:
            queue.enqueue_job(job)
        except RedisError:
            write(self.ledger.path, "errored", job.id, wish.kind)
        else:
            write(self.ledger.path, "acked", job.id, wish.kind)
        return job.id

    def unsettled(self, ids: Sequence[str]) -> list[str]:
        """Those of the jobs that have no outcome yet; all of them if Redis does not answer."""
        with suppress(RedisError), self.client() as client:
            return [job for part in chunks(ids, 1_000) for job in _without_outcome(client, part)]
        return list(ids)

    def settle(
        self,
        within: float,
        *,
        ids: Sequence[str] | None = None,
        each: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Keep the fleet up until all acknowledged jobs have an outcome or the time is over.

        Args:
            within: Seconds.
            ids: Only these jobs.
            each: Called at each look.

        Returns:
            The jobs without one.
        """
        deadline = time.monotonic() + within
        left = list(ids) if ids is not None else sorted(self.ledger.refresh().ids("acked"))
        while (left := self.unsettled(left)) and time.monotonic() < deadline:
            self.fleet.keep_up()
            each()
            time.sleep(min(0.3, max(0.02, len(left) / 5_000)))
        return left

    def census(self) -> Census:
        with self.client() as client:
            known = self.ledger.refresh().ids("attempted")
            return census(client, known, self.queues, grace=2 * self.pace.lease)

    def judge(self) -> Verdict:
        """Let the workers clean up after the dead, end them, take the census and compare."""
        if self.side == "ours":
            self._wait_until_clean()
        self.fleet.end()
        self.outcomes.catch_up()
        return check(self.ledger, self.census(), spoiled=self.spoiled)

    def _wait_until_clean(self) -> None:
        """What a dead worker held is taken over when its lease is over, and not before."""
        deadline = time.monotonic() + self.pace.lease + 2 * self.pace.reap + 1
        while time.monotonic() < deadline and self.census().residue:
            self.fleet.keep_up()
            time.sleep(0.1)

    def started(self, job_id: str) -> bool:
        return bool(self.ledger.refresh().of(job_id, "start"))

    @contextmanager
    def producing(self, make: Callable[[random.Random], Wish], pause: float) -> Iterator[None]:
        """Send jobs from a thread, one each `pause` seconds, for as long as the block runs."""
        over = Event()
        chance = random.Random(self.seed + 1)

        def _produce() -> None:
            with self.client() as client:
                while not over.wait(pause):
                    self.send(make(chance), client)

        thread = Thread(target=_produce, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(30)


@contextmanager
def stage(  # noqa: PLR0913 - the parameters of an experiment
    folder: Path,
    nursery: Nursery,
    *,
    side: Side = "ours",
    queues: Sequence[str] = ("a",),
    pace: Pace | None = None,
    seed: int = 0,
    proxied: bool = False,
    program: Path | None = None,
) -> Iterator[Stage]:
    """A world for one drill, which leaves nothing behind.

    Args:
        folder: An empty one.
        nursery: Starts the workers.
        side: Whose workers.
        queues: What they serve.
        pace: The engine's clocks.
        seed: Of all chance.
        proxied: Put a proxy between the workers and the server.
        program: The server's; None means the one that is found.
    """
    pace = pace or Pace()
    ledger = Ledger(folder / "ledger")
    with own_server(folder / "redis", program) as server, _proxy(server, proxied) as proxy:
        environ = fleet.environment((proxy or server).url, ledger.path, pace)
        workers = Fleet(nursery, environ, folder, WORDS[side], queues)
        chance = random.Random(seed)
        with server.client() as client, followed(Outcomes(client, ledger.path)) as outcomes:
            here = Stage(
                *(side, queues, pace, seed, folder, server, ledger, workers, chance, outcomes),
                proxy=proxy,
            )
            try:
                yield here
            finally:
                workers.end(within=5)


@contextmanager
def _proxy(server: OwnServer, proxied: bool) -> Iterator[Proxy | None]:  # noqa: FBT001
    if not proxied:
        yield None
        return
    with proxy_to(server.port) as proxy:
        yield proxy


def _without_outcome(client: "Redis", ids: Sequence[str]) -> list[str]:
    with client.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hget(keys.job(job_id), "status")
            pipe.zscore(keys.dead_letters(), job_id)
        answers = pipe.execute(raise_on_error=False)
    states = zip(ids, answers[::2], answers[1::2], strict=True)
    return [
        job
        for job, status, letter in states
        if not isinstance(letter, float)
        and not (isinstance(status, bytes) and status.decode(errors="replace") in ENDED)
    ]


__all__ = ["Side", "Stage", "Wish", "now", "stage"]
