"""Find jobs by what they carry, by type, state, queue, id, time and error. Only reads.

The smallest set of jobs that holds all hits is looked through in chunks, and the rest is asked of
the records. A search ends after 20 round trips or 70 ms, whatever it has found, and tells where to
go on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.errors import InvalidQuery
from monitoring.search.cursors import Cursor, cursor_from, no_cursor
from monitoring.search.filters import Filters
from monitoring.search.places import active_ids
from monitoring.search.plan import Plan, make_plan
from monitoring.search.query import SearchQuery, parse_query
from monitoring.search.rows import Hit, rows_of
from monitoring.search.sources import Chunk, Half, Order, Place, Source
from monitoring.search.trips import MOST_SECONDS, MOST_TRIPS, Trips
from workers.connection import default_connection, storage_errors

__all__ = ["MOST_HITS", "MOST_TRIPS", "search_jobs"]

JsonDict = dict[str, Any]

MOST_HITS = 200
"""Jobs of one page at most."""

_CHUNK = 500  # candidates of one round trip
_CHUNK_OF_IDS = 2_000  # where most of them are passed over by their ids alone
_LAST_TRIPS = 2  # what the rows need
_BEHIND_BOTH = 2  # halves of an index


def search_jobs(  # noqa: PLR0913 - what a page is asked for
    query: str,
    *,
    limit: int = 20,
    cursor: str | None = None,
    now: datetime | None = None,
    seconds: float = MOST_SECONDS,
    connection: redis.Redis | None = None,
) -> JsonDict:
    """Find jobs.

    Args:
        query: Such as `type:EMAIL to:bob@example.com state:failed since:2h`; see docs/search.md.
        limit: How many at most, 1 to 200.
        cursor: That of the page before; None begins.
        now: The time, for `since:2h`; None asks the clock.
        seconds: After how long it says what it has found, above 0.
        connection: Where; None means the server that the settings name.

    Returns:
        `jobs`, as `get_jobs` lists them, never with their payload; of one whose record is gone and
        whose dead letter is there, `status` is `buried`. `cursor`, where the next page begins;
        None if there is none. `partial`, whether the round trips or the time were used up before
        the page was full. `groups`, the fingerprints of the failures whose text fits, where one was
        asked for.
        `roundTrips`, how many it took, up to 20. Newest first in each part that is looked through;
        jobs that change their state between two pages may stand in both or in neither.

    Raises:
        InvalidQuery: If the query, the limit or the cursor cannot be used.
        QueueNotFound: If nobody knows the queue.
        StorageUnavailable: If Redis does not answer.
    """
    if not 1 <= limit <= MOST_HITS:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {MOST_HITS}."
        )
    begin = cursor_from(cursor, query) if cursor else Cursor(query, now or datetime.now(UTC))
    wanted = parse_query(query, now=begin.now)
    trips = Trips(connection or default_connection(), seconds=seconds)
    with storage_errors():
        plan = make_plan(wanted, trips, begin.driver)
        scan = _Scan(wanted, plan, trips)
        scan.begin(begin)
        scan.look(limit)
        rows = rows_of(scan.hits, trips)
    return {
        "jobs": rows,
        "cursor": scan.cursor(begin),
        "partial": scan.is_partial,
        "groups": list(plan.groups),
        "roundTrips": trips.used,
    }


@dataclass
class _Scan:
    """Looks through the candidates of a plan."""

    query: SearchQuery
    plan: Plan
    trips: Trips
    hits: list[Hit] = field(default_factory=list)
    is_partial: bool = False

    def __post_init__(self) -> None:
        self._sources = list(self.plan.sources)
        self._behind: tuple[Order, Place] | None = None
        self._seen: set[str] = set()
        active: frozenset[str] = frozenset()
        if self.query.state in {"waiting", "active"} and self.plan.driver != "places":
            queues = self.plan.queues if self.query.queue is None else [self.query.queue]
            active = active_ids(queues, self.trips)
        self._filters = Filters(self.query, self.plan.driver, active, self.plan.indexed)
        self._chunk = _CHUNK

    def begin(self, cursor: Cursor) -> None:
        """Go on where the page before ended."""
        if cursor.order is None:
            return
        order = self._order_of(cursor.order, cursor.place)
        self._behind = (order, cursor.place)
        self._sources = [each for each in self._sources if each.order >= order]
        first = self._sources[0] if self._sources else None
        if first is not None and first.order == order:
            try:
                asked = first.find(cursor.place)
            except (TypeError, ValueError, IndexError, AttributeError) as error:
                raise no_cursor(cursor.written()) from error
            first.go_on(cursor.place, self.trips.ask(asked))

    def look(self, limit: int) -> None:
        """Find hits, until the page is full, all is looked through, or the trips are used up."""
        chunks: Sequence[Chunk] = ()
        asked = False
        while len(self.hits) < limit:
            if self.trips.left <= _LAST_TRIPS or (asked and self.trips.is_late):
                self.is_partial = bool(chunks) or bool(self._reads_left())
                self._behind = self._behind if self.is_partial else None
                return
            read = self._next()
            if not read and not chunks:
                self._behind = None
                return
            asked = bool(chunks)
            chunks = self._step(chunks, read, limit)

    def cursor(self, begin: Cursor) -> str | None:
        """Where the next page begins."""
        if self._behind is None:
            return None
        order, place = self._behind
        return begin.behind(self.plan.driver, order, place).written()

    def _order_of(self, order: Order, place: Place) -> Order:
        # The newer half of an index may be the older one by now, and the older one gone.
        if order[0] != 0 or self.plan.driver not in {"type", "all"}:
            return order
        halves = (each for each in self._sources if isinstance(each, Half))
        orders = (each.order for each in halves if each.head == place[0])
        return next(orders, (0, order[1], _BEHIND_BOTH, 0))

    def _take_hits(self, chunk: Chunk, hits: Iterator[tuple[int, Hit]], limit: int) -> None:
        for number, hit in hits:
            self.hits.append(hit)
            if len(self.hits) == limit:
                self._behind = (chunk.source.order, chunk.place(number))
                return
        if chunk.ids:
            self._behind = (chunk.source.order, chunk.place(len(chunk.ids) - 1))

    def _reads_left(self) -> Sequence[Source]:
        return [each for each in self._sources if each.left > 0]

    def _next(self) -> list[tuple[Source, Sequence[bytes]]]:
        """What to read next: one large part, or several small ones together."""
        found: list[tuple[Source, Sequence[bytes]]] = []
        room = self._chunk
        for source in self._reads_left():
            count = min(room, source.left)
            found.append((source, source.read(count)))
            room -= count
            if room <= 0:
                break
        return found

    def _step(
        self, chunks: Sequence[Chunk], read: list[tuple[Source, Sequence[bytes]]], limit: int
    ) -> Sequence[Chunk]:
        """Ask about the candidates at hand, and for the next ones, in one round trip."""
        likely = [(chunk, self._filters.likely(chunk)) for chunk in chunks]
        asked = [part for chunk, numbers in likely for part in self._filters.ask(chunk, numbers)]
        reading = [part for _, parts in read for part in parts]
        answers = iter(self.trips.ask([*asked, *reading]))
        for chunk, numbers in likely:
            self._take_hits(chunk, self._filters.fitting(chunk, numbers, answers), limit)
            if len(self.hits) == limit:
                return ()
        # Ids that do not fit cost next to nothing, so more of them are read at once.
        passed = sum(len(numbers) for _, numbers in likely) * 4 <= sum(len(c.ids) for c in chunks)
        self._chunk = _CHUNK_OF_IDS if passed and chunks and self.query.job_id else _CHUNK
        return [source.take([next(answers) for _ in parts], self._seen) for source, parts in read]
