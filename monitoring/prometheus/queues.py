"""Queues as Redis has them at one moment. Only reads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from monitoring.answers import as_text, as_time
from monitoring.prometheus.clock import unix_time
from monitoring.queues.snapshot import queue_lists
from monitoring.streams.reading import Plan, Question, known
from workers import keys
from workers.pauses import pause_field
from workers.routing import queue_of

MOST_QUEUES = 2_000
"""Queues that one scrape looks at: those of the settings, then the others by name."""
_IN_FRONT = 2  # jobs looked at for the oldest: one that is tried again at once goes to the front


class Places(NamedTuple):
    """How many jobs of a list, or of a queue, are where.

    Args:
        waiting: In a list, for a worker.
        active: In the hands of a worker, or on their way to one.
        delayed: Due later.
        deferred: Waiting for other jobs.
        failed: Failed, and still on record.
    """

    waiting: int = 0
    active: int = 0
    delayed: int = 0
    deferred: int = 0
    failed: int = 0

    def plus(self, other: "Places") -> "Places":
        """Both together."""
        return Places(*(one + two for one, two in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Queue:
    """One queue, its three lists together.

    Args:
        places: How many jobs are where.
        oldest: For how long the oldest has been waiting, in seconds; 0 if none waits.
    """

    places: Places
    oldest: float


@dataclass(frozen=True)
class Queues:
    """Those that were looked at.

    Args:
        by_name: The queues.
        left_out: How many were not looked at, because there are too many.
    """

    by_name: Mapping[str, Queue]
    left_out: int


@dataclass(frozen=True)
class Pauses:
    """What is paused.

    Args:
        queues: The names of the queues that are.
        held: By queue, the jobs that the pause of a type or a tenant holds back.
    """

    queues: frozenset[str]
    held: Mapping[str, int]


def look_at_queues(names: Iterable[str], now: datetime | None) -> Plan[Queues]:
    """Look at all queues, in three rounds.

    Args:
        names: Those that are told of even if they were never used; they come first.
        now: As for `unix_time`.
    """
    clock, used = yield [lambda pipe: pipe.time(), lambda pipe: pipe.smembers(keys.queues())]
    found = _names(names, known(used, ()))
    every = found[:MOST_QUEUES]
    lists = [name for queue in every for name in queue_lists(queue)]
    answers = iter((yield [question for name in lists for question in _questions(name)]))
    places = {name: _places([known(next(answers), 0) for _ in range(6)]) for name in lists}
    ages = yield from _ages([name for name in lists if places[name].waiting], clock, now)
    queues = {queue: _queue(queue, places, ages) for queue in every}
    return Queues(queues, len(found) - len(every))


def look_at_pauses() -> Plan[Pauses]:
    """Look at what is paused, in three rounds; in one if only queues are."""
    (stored,) = yield [lambda pipe: pipe.hkeys(keys.pauses())]
    fields = [as_text(field) for field in known(stored, ())]
    begin = pause_field("queue", "")
    others = [field for field in fields if not field.startswith(begin)]
    lists = (yield [_asked("smembers", keys.holds(field)) for field in others]) if others else []
    places = [
        (field, as_text(name))
        for field, names in zip(others, lists, strict=True)
        for name in known(names, ())
    ]
    counts = (yield [_asked("zcard", keys.held(*place)) for place in places]) if places else []
    held = Counter[str]()
    for (_, name), count in zip(places, counts, strict=True):
        held[queue_of(name)] += known(count, 0)
    paused = (field.removeprefix(begin) for field in fields if field.startswith(begin))
    return Pauses(frozenset(paused), held)


def _names(told: Iterable[str], used: Iterable[bytes | str]) -> Sequence[str]:
    prefix = keys.queue("")
    others = sorted(queue_of(as_text(key).removeprefix(prefix)) for key in used)
    return list(dict.fromkeys([*map(queue_of, told), *others]))


def _questions(name: str) -> Iterator[Question]:
    # In the order in which `_places` reads the answers.
    yield _asked("llen", keys.queue(name))
    yield _asked("llen", keys.intermediate(name))
    yield _asked("zcard", keys.started(name))
    yield _asked("zcard", keys.scheduled(name))
    yield _asked("zcard", keys.deferred(name))
    yield _asked("zcard", keys.failed(name))


def _asked(command: str, *arguments: Any) -> Question:
    return lambda pipe: getattr(pipe, command)(*arguments)


def _places(counts: Sequence[int]) -> Places:
    waiting, taken, started, *rest = counts
    return Places(waiting, taken + started, *rest)


def _ages(lists: Sequence[str], clock: Any, now: datetime | None) -> Plan[Mapping[str, float]]:
    if not lists:
        return {}
    in_front = yield [_asked("lrange", keys.queue(name), 0, _IN_FRONT - 1) for name in lists]
    ids = [(name, as_text(job)) for name, jobs in zip(lists, in_front, strict=True) for job in jobs]
    told = yield [_asked("hget", keys.job(job), "enqueued_at") for _, job in ids]
    moment, ages = unix_time(clock, now), dict[str, float]()
    for (name, _), value in zip(ids, told, strict=True):
        since = as_time(known(value, None))
        if since is not None:
            ages[name] = max(ages.get(name, 0.0), moment - since.timestamp())
    return ages


def _queue(name: str, places: Mapping[str, Places], ages: Mapping[str, float]) -> Queue:
    total = Places()
    for each in queue_lists(name):
        total = total.plus(places[each])
    return Queue(total, max((ages.get(each, 0.0) for each in queue_lists(name)), default=0.0))
