"""Which candidates a search looks through: the smallest set of them that holds all hits.

The sizes of all sets that may be it are asked for in one or two round trips.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from monitoring.answers import as_text
from monitoring.errors import unknown_queue
from monitoring.packing import command
from monitoring.search.groups import failed_like
from monitoring.search.halves import (
    ask_halves,
    ask_halves_of_tenant,
    halves_of,
    halves_of_tenant,
    narrow_to,
)
from monitoring.search.places import count_places
from monitoring.search.query import SearchQuery
from monitoring.search.sources import Half, Known, Source, Value
from monitoring.search.trips import Trips
from workers import keys
from workers.routing import queue_of
from workers.settings import load_settings
from workers.tenant_keys import dead_letters_of
from workers.tenants import FIELD, tenant_mark

_FEW = 500  # candidates of which it is not worth while to look for fewer
_FIELD_KEYS = (keys.index_field, keys.older_index_field)


@dataclass(frozen=True)
class Plan:
    """What is looked through.

    Args:
        driver: What the candidates have in common: `id`, `error`, `field NAME`, `type`, `tenant`,
            `places` or `all`.
        sources: Where they are, in their order.
        queues: All queues that are known.
        groups: The fingerprints of the failures whose text fits.
        indexed: The types whose jobs in places are no candidates: the index has them already.
    """

    driver: str
    sources: Sequence[Source]
    queues: Sequence[str]
    groups: Sequence[str] = ()
    indexed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Facts:
    """What is there, as far as the query asks for it."""

    queues: Sequence[str]
    pauses: Sequence[str]
    is_job: bool
    halves: Sequence[Half]
    of_tenant: Sequence[Half]
    values: Mapping[str, Sequence[Value]]


def make_plan(query: SearchQuery, trips: Trips, driver: str = "") -> Plan:
    """Choose what to look through.

    Args:
        query: What is searched for.
        trips: Asks.
        driver: That of the page before; empty to choose.

    Returns:
        The plan.

    Raises:
        QueueNotFound: If nobody knows the queue.
    """
    if query.is_scoped:
        return _of_tenant(query, trips)
    facts = _ask(query, trips)
    for queue in (query.queue, query.excluded("queue")):
        if queue is not None and queue not in facts.queues:
            raise unknown_queue(queue, facts.queues)
    if query.since and query.until and query.since > query.until:
        return Plan("id", [], facts.queues)
    if query.error:
        groups, ids = failed_like(query.error, trips)
        return Plan("error", [Known(ids)], facts.queues, groups)
    if facts.is_job:
        return Plan("id", [Known([query.job_id or ""])], facts.queues)
    return _smallest(query, facts, trips, driver)


def _of_tenant(query: SearchQuery, trips: Trips) -> Plan:
    """The jobs of the only tenant that whoever asks may see, wherever that is the larger set.

    A job of somebody else takes the same way as one that is not there.
    """
    job_id, mark = query.job_id or "", tenant_mark(query.tenant)
    used, whose, letter, *rest = trips.ask(
        [
            command("SMEMBERS", keys.queues()),
            command("HGET", keys.job(job_id), FIELD),
            command("ZSCORE", dead_letters_of(mark), job_id),
            *ask_halves_of_tenant(query.tenant),
        ]
    )
    queues = _known_queues(used)
    if query.since and query.until and query.since > query.until:
        return Plan("id", [], queues)
    if mark and job_id and (letter is not None or as_text(whose or b"") == mark):
        return Plan("id", [Known([job_id])], queues)
    halves = halves_of_tenant(query.tenant, iter(rest))
    narrow_to(query, halves, trips)
    return Plan("tenant", [*halves], queues)


def _known_queues(used: Iterable[bytes]) -> Sequence[str]:
    told = (queue_of(name) for name in load_settings().queues)
    others = sorted(queue_of(as_text(key).removeprefix(keys.queue(""))) for key in used)
    return list(dict.fromkeys([*told, *others]))


def _ask(query: SearchQuery, trips: Trips) -> _Facts:
    values = {name: list(_values(query, name, value)) for name, value in query.fields}
    kinds = query.kinds if query.message_type or not query.fields else ()
    job_id = query.job_id or ""
    answers = iter(
        trips.ask(
            [
                command("SMEMBERS", keys.queues()),
                command("HKEYS", keys.pauses()),
                command("EXISTS", keys.job(job_id)),
                command("ZSCORE", keys.dead_letters(), job_id),
                *ask_halves(kinds),
                *ask_halves_of_tenant(query.tenant),
                *(each.count() for found in values.values() for each in found),
            ]
        )
    )
    used, pauses, is_job, letter = islice(answers, 4)
    halves = halves_of(kinds, answers)
    of_tenant = halves_of_tenant(query.tenant, answers)
    for found in values.values():
        for each in found:
            each.left = next(answers) or 0
    return _Facts(
        queues=_known_queues(used),
        pauses=[as_text(pause) for pause in pauses],
        is_job=bool(job_id and (is_job or letter is not None)),
        halves=halves,
        of_tenant=of_tenant,
        values=values,
    )


def _values(query: SearchQuery, name: str, value: str) -> Iterator[Value]:
    for kind in query.kinds:
        for place, key_of in enumerate(_FIELD_KEYS):
            order = (0, kind, place, 0)
            yield Value(key_of(kind, name), value, query.job_id or "", kind, order)


def _smallest(query: SearchQuery, facts: _Facts, trips: Trips, driver: str) -> Plan:
    options: dict[str, list[Source]] = {
        f"field {name}": [each for each in found if each.left]
        for name, found in facts.values.items()
    }
    if query.message_type and facts.halves:
        narrow_to(query, facts.halves, trips)
        options["type"] = [*facts.halves]
    if query.tenant is not None:
        narrow_to(query, facts.of_tenant, trips)
        options["tenant"] = [*facts.of_tenant]
    if driver in options:
        return Plan(driver, options[driver], facts.queues)
    best = min(options, key=lambda name: _size(options[name]), default="")
    is_of_places = query.queue is not None or query.state is not None
    if best and not driver and (not is_of_places or _size(options[best]) <= _FEW):
        return Plan(best, options[best], facts.queues)
    places = count_places(query, facts.queues, facts.pauses, trips)
    if _is_of_time_only(query):
        return _all(query, facts, places, trips)
    if not best or driver or _size(places) < _size(options[best]):
        return Plan("places", places, facts.queues)
    return Plan(best, options[best], facts.queues)


def _is_of_time_only(query: SearchQuery) -> bool:
    # The index knows when jobs were stored, and so how their ids begin; places do not.
    others = (query.message_type, query.queue, query.state, query.fields, query.tenant)
    return not any(others) and any((query.since, query.until, query.job_id))


def _all(query: SearchQuery, facts: _Facts, places: Sequence[Source], trips: Trips) -> Plan:
    narrow_to(query, facts.halves, trips)
    indexed = frozenset(half.kind for half in facts.halves if half.kind)
    halves = [half for half in facts.halves if half.kind != query.excluded("type")]
    return Plan("all", [*halves, *places], facts.queues, indexed=indexed)


def _size(sources: Iterable[Source]) -> int:
    return sum(each.left for each in sources)
