"""How many jobs of each type are where. Only reads.

Redis lists ids, so the type of a job is known from its record alone. Where there are more jobs than
may be looked at, some of each place are, and stand for the others.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import redis

from messages import message_types
from monitoring.answers import as_text, as_time
from monitoring.packing import answered, command, hash_fields
from monitoring.queues.snapshot import Snapshot, started
from monitoring.queues.stats import message_type_of
from workers import keys
from workers.routing import list_name

MOST_READ = 5_000
"""Records that are looked at: some tens of ms for Redis, and for this process."""
_FEWEST = 5  # of each place, however many there are
_BLOCKS = 5  # in which they are taken: at the front, where the oldest are, and further on

# RQ's Job.save writes the last one always, the producer never: so a job of a type that is imported
# elsewhere only is told from a foreign one.
_FIELDS = ("description", "enqueued_at", "success_callback_name")
_CALL = re.compile(r"([\w.<>]+)\(.*\)", re.DOTALL)  # as rq/utils.py, get_call_string, writes it


@dataclass(frozen=True)
class TypeCounts:
    """Jobs of one type.

    Args:
        counts: By where they are, as `Counts` calls it; `waiting`, `held` and so on.
        oldest: Since when the oldest of those waits that were looked at.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    oldest: datetime | None = None

    def of(self, *states: str) -> int:
        """How many are in any of these."""
        return sum(self.counts.get(state, 0) for state in states)


@dataclass(frozen=True)
class CountedTypes:
    """Jobs of all types.

    Args:
        types: By type; of a foreign job the function, `unknown` if its author described it
            otherwise.
        is_exact: Whether each record was looked at; else the counts are estimates.
    """

    types: Mapping[str, TypeCounts]
    is_exact: bool


@dataclass(frozen=True)
class _Place:
    key: str
    state: str
    size: int
    is_list: bool = False


def count_types(snapshot: Snapshot, *, connection: redis.Redis) -> CountedTypes:
    """Count the jobs of each type in two round trips.

    Args:
        snapshot: Where there are jobs.
        connection: Where.
    """
    places = [place for place in _places(snapshot) if place.size]
    total = sum(place.size for place in places)
    shares = [_share(place.size, total) for place in places]
    ids = _ids(places, shares, connection)
    records = iter(_records([each for some in ids for each in some], connection))
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    oldest: dict[str, datetime] = {}
    for place, some in zip(places, ids, strict=True):
        read = [next(records) for _ in some]
        for kind, count in Counter(kind for kind, _ in read).items():
            found[kind][place.state] += round(place.size * count / len(read))
        _note_oldest(oldest, read if place.state == "waiting" else ())
    types = {kind: TypeCounts(counts, oldest.get(kind)) for kind, counts in found.items()}
    return CountedTypes(types, is_exact=total <= MOST_READ)


def _places(snapshot: Snapshot) -> Iterator[_Place]:
    for paused in snapshot.paused:
        yield from (_Place(hold.key, "held", hold.count) for hold in paused.holds)
    for queue in snapshot.queues.values():
        for priority, counts in queue.lists.items():
            name = list_name(queue.name, priority)
            yield _Place(keys.queue(name), "waiting", counts.waiting, is_list=True)
            yield _Place(keys.intermediate(name), "taken", counts.taken, is_list=True)
            yield _Place(started(name), "started", counts.started)
            yield _Place(keys.scheduled(name), "scheduled", counts.scheduled)
            yield _Place(keys.deferred(name), "deferred", counts.deferred)
            yield _Place(keys.finished(name), "finished", counts.finished)
            yield _Place(keys.failed(name), "failed", counts.failed)


def _share(size: int, total: int) -> int:
    if total <= MOST_READ:
        return size
    return min(size, max(_FEWEST, size * MOST_READ // total))


def _ids(
    places: Sequence[_Place], shares: Sequence[int], connection: redis.Redis
) -> Sequence[Sequence[str]]:
    blocks = [_blocks(place.size, share) for place, share in zip(places, shares, strict=True)]
    asked = [
        command("LRANGE" if place.is_list else "ZRANGE", place.key, first, last)
        for place, ranges in zip(places, blocks, strict=True)
        for first, last in ranges
    ]
    answers = iter(answered(connection, asked))
    # A running job stands there as `job id:execution id`.
    return [
        [as_text(entry).partition(":")[0] for _ in ranges for entry in next(answers)]
        for ranges in blocks
    ]


def _blocks(size: int, share: int) -> Sequence[tuple[int, int]]:
    if share >= size:
        return [(0, size - 1)]
    length = share // _BLOCKS
    return [(size * at // _BLOCKS, size * at // _BLOCKS + length - 1) for at in range(_BLOCKS)]


def _records(ids: Sequence[str], connection: redis.Redis) -> Sequence[tuple[str, datetime | None]]:
    known, answers = message_types(), answered(connection, hash_fields(keys.job(""), ids, _FIELDS))
    return [
        (_kind(as_text(described or b""), is_by_rq=by_rq is not None, known=known), as_time(since))
        for described, since, by_rq in answers
    ]


def _kind(description: str, *, is_by_rq: bool, known: Container[str]) -> str:
    word = message_type_of(description)
    if word is not None and (not is_by_rq or word in known):
        return word
    # RQ describes a foreign job as a call, and the counters know it by its function. Words of its
    # author's are no type: each text would be one of its own.
    call = _CALL.fullmatch(description)
    return call[1] if call else "unknown"


def _note_oldest(oldest: dict[str, datetime], read: Sequence[tuple[str, datetime | None]]) -> None:
    for kind, since in read:
        if since is not None and (kind not in oldest or since < oldest[kind]):
            oldest[kind] = since
