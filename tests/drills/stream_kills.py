"""Consumers of streams are killed, slow and in a race."""

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event

from redis import Redis, RedisError

from tests.drills.beside import beside
from tests.drills.result import Result
from tests.drills.site import Site
from tests.drills.stream_results import judged, until
from tests.faults.fleet import Victim, WorkerProcess
from tests.faults.ledger import now
from tests.faults.stream_stage import NAMES, StreamStage, Task, some_tasks
from tests.processes import ask_until_true

VICTIMS: Sequence[Victim] = ("worker", "child", "both")
MUST_HIT = 0.8
"""The share of kills that have to meet a consumer with entries in its hands."""
_MOST_IN_HAND = 500


@dataclass(frozen=True)
class Kill:
    """When a worker was killed, its consumers, and the entries they had."""

    at: float
    consumers: Sequence[str]
    held: Mapping[tuple[str, str], str]


def stream_kills(
    site: Site,
    *,
    kills: int = 200,
    apart: tuple[float, float] = (0.05, 0.4),
    within: float = 20.0,
    longest: float = 0.004,
) -> Result:
    """kill -9 of consumers that have up to 500 entries in their hands.

    Args:
        site: Where.
        kills: How many.
        apart: Seconds between two, at least and at most. A worker needs half a second to start.
        within: Seconds after which nothing may be left to a dead consumer.
        longest: Seconds that a message takes at most.
    """
    # They read far ahead, so that a consumer has hundreds of entries when it dies.
    ahead = {"BATCH_JOBS": str(_MOST_IN_HAND), "BATCH_MILLISECONDS": "2000"}
    with site.streams(environ=ahead) as here:
        watch = _Watch(here)
        here.fleet.start(3)
        with beside(watch.look), here.client() as client:
            for _ in range(kills):
                time.sleep(here.chance.uniform(*apart))
                here.fleet.keep_up()
                # So many that some are left when a worker is caught, on a busy machine too.
                count = here.chance.randint(_MOST_IN_HAND // 2, _MOST_IN_HAND)
                here.publish(some_tasks(here.chance, count, longest), client)
                watch.kills.append(_kill_one(here))
            here.settle(site.patience)
            watch.wait(within)
        sizes = sorted(len(kill.held) for kill in watch.kills)
        hit = sum(size > 0 for size in sizes)
        result = judged(
            here,
            limits={"slow": 0, "stolen": 0, "extra": sum(sizes), "died": 0},
            found={"slow": watch.slower_than(within), "unfired": float(hit < MUST_HIT * kills)},
            facts={
                "kills": kills,
                "hit": hit,
                "in hand": f"{sizes[0]}-{sizes[len(sizes) // 2]}-{sizes[-1]}",
                "claimed after": f"{watch.slowest:.1f} s at most",
                # Whoever stands still for longer than a lease has lost what is in its hands.
                "machine stood still": f"{watch.stillness:.1f} s at most",
            },
        )
        held = {here.entries.get(entry) for kill in watch.kills for entry in kill.held}
        stolen = [job for job in result.examples["extra"] if job not in held]
        return result.with_count("stolen", len(stolen))


def _kill_one(here: StreamStage) -> Kill:
    """Kill a random worker, nine of ten times one that has something in its hands."""
    worker, kill = _caught(here, patience=3.0 if here.chance.random() < 0.9 else 0.0)
    if here.fleet.kill(worker, here.chance.choice(VICTIMS)) == []:
        here.fleet.kill(worker, "worker")
    here.fleet.signal(worker, "both", signal.SIGCONT)
    return kill


def _caught(here: StreamStage, patience: float) -> tuple[WorkerProcess, Kill]:
    deadline = time.monotonic() + patience
    with here.client() as client:
        while True:
            worker = here.chance.choice(here.fleet.workers)
            here.fleet.freeze(worker)
            consumers = here.consumers(client, worker.process.pid)
            held = here.hands(client, consumers)
            if held or time.monotonic() > deadline:
                return worker, Kill(now(), consumers, held)
            here.fleet.signal(worker, "both", signal.SIGCONT)
            time.sleep(here.chance.uniform(0.001, 0.02))
            here.fleet.keep_up()


class _Watch:
    """Sees how long the entries of the dead stay with them."""

    def __init__(self, here: StreamStage) -> None:
        self.kills: list[Kill] = []
        self.slowest = 0.0
        self.stillness = 0.0
        self._here = here
        self._done = 0

    def wait(self, within: float) -> None:
        """Until nothing is left to a dead consumer, or time is up for the last of them."""
        deadline = time.monotonic() + within
        while self._done < len(self.kills) and time.monotonic() < deadline:
            time.sleep(0.1)

    def slower_than(self, within: float) -> int:
        """How many kills left something for longer, those included that do so still."""
        return len(self.kills) - self._done if self.slowest <= within else 1

    def look(self, over: Event) -> None:
        open_: list[Kill] = []
        seen, looked = 0, now()
        with self._here.client() as client:
            while not over.wait(0.1):
                self.stillness = max(self.stillness, now() - looked - 0.1)
                new = self.kills[seen:]
                seen += len(new)
                open_ += new
                left = self._left(client, open_)
                for kill in [each for each in open_ if each not in left]:
                    self.slowest = max(self.slowest, now() - kill.at if kill.held else 0.0)
                    self._done += 1
                open_, looked = left, now()

    def _left(self, client: Redis, kills: Sequence[Kill]) -> list[Kill]:
        names = {name for kill in kills for name in kill.consumers}
        try:
            held = self._here.hands(client, sorted(names))
        except RedisError:
            return [*kills]
        return [
            kill
            for kill in kills
            if any(held.get(entry) == who for entry, who in kill.held.items())
        ]


def stream_slow(site: Site, *, times: float = 10.0) -> Result:
    """A living consumer is slower than the life of a consumer: it keeps what it has.

    Args:
        site: Where.
        times: How many lives of a consumer each message takes.
    """
    with site.streams() as here, here.client() as client:
        lasting = times * here.pace.lease
        jobs = here.publish([Task(seconds=lasting, stream=name) for name in NAMES], client)
        here.fleet.start(len(jobs))
        ask_until_true(lambda: here.group.ledger.refresh().ids("start") == {*jobs}, within=30)
        here.fleet.start(2)  # they have nothing to do but to look for what they could claim
        here.settle(lasting + site.patience)
        ledger = here.group.ledger.refresh()
        took = [ledger.of(job, "end")[0].at - ledger.of(job, "start")[0].at for job in jobs]
        return judged(
            here,
            limits={"extra": 0, "died": 0, "refused": 0},
            found={
                "refused": here.fleet.logs().count("lease_lost"),
                "unfired": float(min(took) < lasting),
            },
            facts={"each took": f"{min(took) / here.pace.lease:.1f} lives"},
        )


def stream_freeze(site: Site, *, each: int = 2) -> Result:
    """SIGSTOP until another consumer runs what it had, then SIGCONT: the late one is refused."""
    with site.streams() as here, here.client() as client:
        here.fleet.start(each)
        jobs = here.publish([Task(seconds=1.0, stream=name) for name in NAMES[:each]], client)
        ask_until_true(lambda: here.group.ledger.refresh().ids("start") == {*jobs}, within=30)
        frozen = [*here.fleet.workers]
        for worker in frozen:
            here.fleet.signal(worker, "both", signal.SIGSTOP)
        here.fleet.start(2)
        again = lambda: all(len(here.group.ledger.of(job, "start")) > 1 for job in jobs)  # noqa: E731
        met = until(lambda: here.group.ledger.refresh() and again(), within=here.pace.lease + 20)
        for worker in frozen:
            here.fleet.signal(worker, "both", signal.SIGCONT)
        here.settle(site.patience)
        late = lambda: all(len(here.group.ledger.refresh().of(job, "end")) > 1 for job in jobs)  # noqa: E731
        until(late, within=10)
        until(lambda: here.fleet.logs().count("lease_lost") >= len(jobs), within=5)
        refused = here.fleet.logs().count("lease_lost")
        return judged(
            here,
            limits={"extra": len(jobs), "unrefused": 0, "died": 0},
            found={"unrefused": max(0, len(jobs) - refused), "unfired": float(not met)},
            facts={"refused": refused},
        )


def stream_race(site: Site, *, racers: int = 8, entries: int = 500) -> Result:
    """Eight consumers want what a dead one has left: each entry goes to one of them.

    Args:
        site: Where.
        racers: How many.
        entries: Up to so many the dead consumer had.
    """
    ahead = {"BATCH_JOBS": str(entries), "BATCH_MILLISECONDS": "2000"}
    with site.streams(environ=ahead) as here, here.client() as client:
        here.fleet.start(1)
        here.publish([Task(seconds=0.002, stream=NAMES[0])] * (4 * entries), client)
        kill = _caught_with(here, entries // 2)
        here.fleet.kill(here.fleet.workers.pop())
        here.fleet.start(racers, environ={"BATCH_JOBS": "10"})
        here.settle(site.patience)
        held = {here.entries[entry] for entry in kill.held}
        ledger = here.group.ledger.refresh()
        winners = {ledger.of(job, "end")[-1].pid for job in held if ledger.of(job, "end")}
        result = judged(
            here,
            limits={"extra": len(kill.held), "stolen": 0, "died": 0},
            found={"unfired": float(len(held) < entries // 2 or len(winners) < racers // 2)},
            facts={"racers": racers, "left": len(held), "claimed by": len(winners)},
        )
        stolen = [job for job in result.examples["extra"] if job not in held]
        return result.with_count("stolen", len(stolen))


def _caught_with(here: StreamStage, least: int) -> Kill:
    """Stop the only worker when it has so many in its hands; after 10 s with what it has."""
    worker, deadline = here.fleet.workers[0], time.monotonic() + 10
    with here.client() as client:
        while True:
            consumers = here.consumers(client, worker.process.pid)
            is_late = time.monotonic() > deadline
            # It is stopped as rarely as can be: a batch that was stopped looks slow, and the next
            # one is smaller.
            if is_late or len(here.hands(client, consumers)) >= least:
                here.fleet.freeze(worker)
                held = here.hands(client, consumers)
                if is_late or len(held) >= least:
                    return Kill(now(), consumers, held)
                here.fleet.signal(worker, "both", signal.SIGCONT)
            time.sleep(0.01)
