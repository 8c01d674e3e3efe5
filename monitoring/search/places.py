"""The lists and sorted sets in which jobs stand, of all queues or of one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from monitoring.answers import as_text
from monitoring.packing import command, with_key
from monitoring.queues.snapshot import queue_lists, started
from monitoring.search.query import SearchQuery
from monitoring.search.sources import Order, Source
from monitoring.search.standing import Standing
from monitoring.search.trips import Trips
from workers import keys
from workers.routing import queue_of

_STATES: Mapping[str, Sequence[tuple[Callable[[str], str], bool]]] = {
    "active": ((started, False), (keys.intermediate, True)),
    "waiting": ((keys.queue, True),),
    "held": (),
    "delayed": ((keys.scheduled, False),),
    "deferred": ((keys.deferred, False),),
    "failed": ((keys.failed, False),),
    "completed": ((keys.finished, False),),
    "canceled": ((keys.canceled, False),),
}
"""Where jobs of a state stand, and whether that is a list; those that are held, in others."""

_MOST_ACTIVE = 1_000  # running jobs of a list that are looked at


class _Spot(NamedTuple):
    """A key in which jobs stand; see `Standing`."""

    key: str
    is_list: bool
    state: str
    order: Order


def count_places(
    query: SearchQuery, queues: Sequence[str], pauses: Sequence[str], trips: Trips
) -> Sequence[Source]:
    """The places of a queue and a state that are not empty, in up to two round trips.

    Args:
        query: The queue and the state, or what they must not be; where it has none, all of them.
        queues: All that are known.
        pauses: What is paused, as `type:EMAIL`.
        trips: Asks.
    """
    spots = list(_held(query, pauses, trips))
    asked = [_count(spot) for spot in spots]
    for queue in _queues_of(query, queues):
        there, counting = _places_of(queue, query.state)
        spots += there
        asked += counting
    found = [
        Standing(*spot, left=count)
        for spot, count in zip(spots, trips.ask(asked), strict=True)
        if count and spot.state != query.excluded("state")
    ]
    return sorted(found, key=lambda each: each.order)


def _queues_of(query: SearchQuery, queues: Sequence[str]) -> Sequence[str]:
    asked = queues if query.queue is None else [query.queue]
    return [each for each in asked if each != query.excluded("queue")]


def active_ids(queues: Sequence[str], trips: Trips) -> frozenset[str]:
    """The jobs that workers have, whether their records say so already or not.

    Args:
        queues: Of these.
        trips: Asks, once.
    """
    lists = [name for queue in queues for name in queue_lists(queue)]
    asked = [command("ZRANGE", started(name), 0, _MOST_ACTIVE - 1) for name in lists]
    asked += [command("LRANGE", keys.intermediate(name), 0, _MOST_ACTIVE - 1) for name in lists]
    found = trips.ask(asked)
    return frozenset(
        as_text(entry).partition(":")[0] for entries in found for entry in entries or ()
    )


@lru_cache(maxsize=2_000)
def _places_of(queue: str, state: str | None) -> tuple[Sequence[_Spot], Sequence[bytes]]:
    """The places of a queue, and how many stand there; kept, for there are thousands of them."""
    spots = [
        _Spot(key_of(name), is_list, each, (1, queue, place, 10 * number + part))
        for place, name in enumerate(queue_lists(queue))
        for number, (each, keys_of) in enumerate(_STATES.items())
        if state in {None, each}
        for part, (key_of, is_list) in enumerate(keys_of)
    ]
    return spots, [_count(spot) for spot in spots]


def _count(spot: _Spot) -> bytes:
    return with_key("LLEN" if spot.is_list else "ZCARD", spot.key)


def _held(query: SearchQuery, pauses: Sequence[str], trips: Trips) -> Iterator[_Spot]:
    if query.state not in {None, "held"}:
        return
    lists = trips.ask([command("SMEMBERS", keys.holds(pause)) for pause in pauses])
    number = 10 * list(_STATES).index("held")
    for pause, names in zip(pauses, lists, strict=True):
        for name in sorted(as_text(each) for each in names or ()):
            queue = queue_of(name)
            if queue in _queues_of(query, [queue]):
                order = (1, f"{queue} {pause}", list(queue_lists(queue)).index(name), number)
                yield _Spot(keys.held(pause, name), is_list=False, state="held", order=order)
