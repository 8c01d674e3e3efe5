"""Queues and workers as Redis has them at one moment. Only reads.

RQ's own `registry.count` and `get_job_ids()` are not used: they run a clean-up by this machine's
clock (rq/registry.py), and so looking at a queue could end its jobs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any, Self

import redis
from rq.registry import StartedJobRegistry
from rq.suspension import WORKERS_SUSPENDED
from rq.worker_registration import REDIS_WORKER_KEYS

from monitoring.answers import as_text, server_time
from monitoring.queues.fleet import WorkerSnapshot, ask_workers, read_workers
from monitoring.queues.held import Paused, ask_holds, read_paused
from monitoring.queues.many_lists import count_with
from workers import keys
from workers.pauses import Pause
from workers.routing import Priority, list_name, queue_of


@dataclass(frozen=True)
class Counts:
    """How many jobs are where.

    Args:
        waiting: In a list, for a worker.
        held: Beside the list, until a pause of their type or tenant ends.
        taken: Taken from it by a stock worker, and not started.
        started: In the hands of a worker: running, or about to.
        scheduled: Due later.
        deferred: Waiting for other jobs.
        finished: Done, and still on record.
        failed: Failed, and still on record; dead letters are kept apart.
        canceled: Cancelled by a person, and still on record.
    """

    waiting: int = 0
    held: int = 0
    taken: int = 0
    started: int = 0
    scheduled: int = 0
    deferred: int = 0
    finished: int = 0
    failed: int = 0
    canceled: int = 0

    @classmethod
    def together(cls, counts: Iterable["Counts"]) -> Self:
        """All of them added up."""
        rows = [_VALUES(each) for each in counts]
        return cls(*map(sum, zip(*rows, strict=True)))

    def __add__(self, other: Self) -> Self:
        return self.together((self, other))

    @property
    def total(self) -> int:
        """All jobs that have a record."""
        return sum(_VALUES(self))


_VALUES: Callable[[Counts], tuple[int, ...]] = attrgetter(*(each.name for each in fields(Counts)))


@dataclass(frozen=True)
class QueueSnapshot:
    """One queue, with its three lists."""

    name: str
    lists: Mapping[Priority, Counts]

    @property
    def total(self) -> Counts:
        """The three lists together."""
        return Counts.together(self.lists.values())


@dataclass(frozen=True)
class Snapshot:
    """Everything that counts are made of.

    Args:
        time: The server's.
        queues: By name: those of the settings, then all others that were ever used.
        workers: Those that live, by name.
        suspended: Whether `rq suspend` keeps all workers from starting jobs.
        paused: What is paused, oldest first, and what that holds back.
        letters: How many dead letters there are.
        spilled: How many of them stand in the spill file only.
    """

    time: datetime
    queues: Mapping[str, QueueSnapshot]
    workers: Sequence[WorkerSnapshot]
    suspended: bool
    paused: Sequence[Paused] = ()
    letters: int = 0
    spilled: int = 0

    @property
    def total(self) -> Counts:
        """All queues together."""
        return Counts.together(
            each for queue in self.queues.values() for each in queue.lists.values()
        )

    def pauses_of(self, queue: str) -> Sequence[Pause]:
        """The pauses that keep jobs of a queue from starting."""
        return [each.pause for each in self.paused if each.concerns(queue)]

    def is_paused(self, queue: str) -> bool:
        """Whether the whole queue is paused."""
        return any(pause.kind == "queue" for pause in self.pauses_of(queue))

    def listening(self, *lists: str) -> Sequence[WorkerSnapshot]:
        """The workers that take jobs from one of these Redis lists."""
        return [worker for worker in self.workers if not set(lists).isdisjoint(worker.lists)]


Also = Callable[[Any, datetime, Sequence[str]], None]
"""Puts further questions on a pipeline; is told the server's time and the names of the queues."""


def take_snapshot(*, connection: redis.Redis, queues: Iterable[str]) -> Snapshot:
    """Read all counts, in two round trips however many queues and workers there are.

    While a pause holds jobs back it takes three.

    Args:
        connection: Where.
        queues: The queues of the settings, which are shown even if they were never used.

    Returns:
        The snapshot. Its parts are read one after the other, so a job that moves meanwhile may
        be counted twice or not at all.
    """
    return take_snapshot_and(lambda *_: None, connection=connection, queues=queues)[0]


def take_snapshot_and(
    also: Also, *, connection: redis.Redis, queues: Iterable[str]
) -> tuple[Snapshot, Sequence[Any]]:
    """As `take_snapshot`, with further questions that take no round trip of their own.

    Args:
        also: Asks them.
        connection: As for `take_snapshot`.
        queues: As for `take_snapshot`.

    Returns:
        The snapshot, and what was answered to the others.
    """
    with connection.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.smembers(keys.queues())
        pipe.smembers(REDIS_WORKER_KEYS)
        pipe.exists(WORKERS_SUSPENDED)
        pipe.hgetall(keys.pauses())
        pipe.zcard(keys.dead_letters())
        pipe.scard(keys.dead_letters_spilled())
        clock, used, worker_keys, suspended, pauses, letters, spilled = pipe.execute()
    time, names = server_time(clock), queue_names(queues, used)
    found = sorted(as_text(key) for key in worker_keys)
    lists = [name for queue in names for name in queue_lists(queue)]
    with connection.pipeline(transaction=False) as pipe:
        ask_holds(pipe, pauses)
        ask_workers(pipe, found)
        also(pipe, time, names)
        counts, answers = count_with(pipe, lists, connection=connection)
    paused = read_paused(pauses, answers, connection=connection)
    held = _held(paused)
    snapshot = Snapshot(
        time=time,
        queues={name: _queue(name, counts, held) for name in names},
        workers=tuple(read_workers(found, answers)),
        suspended=bool(suspended),
        paused=paused,
        letters=letters,
        spilled=spilled,
    )
    return snapshot, tuple(answers)


def queue_lists(queue: str) -> Sequence[str]:
    """The names of a queue's three Redis lists, most urgent first."""
    return [list_name(queue, priority) for priority in Priority]


def queue_names(told: Iterable[str], used: Iterable[bytes | str]) -> Sequence[str]:
    """The queues that there are: those of the settings, then all others that were ever used.

    Args:
        told: The names in the settings.
        used: What SMEMBERS answers of `keys.queues()`.
    """
    prefix = keys.queue("")
    others = sorted(queue_of(as_text(key).removeprefix(prefix)) for key in used)
    return list(dict.fromkeys([*(queue_of(name) for name in told), *others]))


def started(name: str) -> str:
    """The key of the sorted set of a list's running jobs, as `job id:execution id`."""
    return str(StartedJobRegistry.key_template.format(name))


def _queue(
    name: str, counts: Mapping[str, Mapping[str, int]], held: Mapping[str, int]
) -> QueueSnapshot:
    lists = {priority: list_name(name, priority) for priority in Priority}
    return QueueSnapshot(
        name,
        {
            priority: Counts(**counts[each], held=held.get(each, 0))
            for priority, each in lists.items()
        },
    )


def _held(paused: Iterable[Paused]) -> Mapping[str, int]:
    """How many jobs are held back, by the names of their lists."""
    found: Counter[str] = Counter()
    for hold in chain.from_iterable(each.holds for each in paused):
        found[hold.list_name] += hold.count
    return found
