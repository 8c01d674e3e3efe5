"""Looks through candidates chunk by chunk, until a page is full or the round trips are used up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from monitoring.search.cursors import Cursor, no_cursor
from monitoring.search.filters import Filters
from monitoring.search.places import active_ids
from monitoring.search.plan import Plan
from monitoring.search.query import SearchQuery
from monitoring.search.rows import Hit
from monitoring.search.sources import Chunk, Half, Order, Place, Seen, Source
from monitoring.search.trips import Trips

_CHUNK = 500  # candidates of one round trip
_CHUNK_OF_IDS = 2_000  # where most of them are passed over by their ids alone
_LAST_TRIPS = 2  # what the rows need
_BEHIND_BOTH = 2  # halves of an index


@dataclass
class Scan:
    """Looks through the candidates of a plan.

    Args:
        query: What they must be like.
        plan: Where they are.
        trips: Asks.
        seen: The jobs that are not to be found; those that are found come to them.
        hits: What was found.
        is_partial: Whether the round trips or the time were used up before the page was full.
    """

    query: SearchQuery
    plan: Plan
    trips: Trips
    seen: Seen = field(default_factory=set[str])
    hits: list[Hit] = field(default_factory=list)
    is_partial: bool = False

    def __post_init__(self) -> None:
        self._sources = list(self.plan.sources)
        self._behind: tuple[Order, Place] | None = None
        active: frozenset[str] = frozenset()
        states = {self.query.state, self.query.excluded("state")}
        if states & {"waiting", "active"} and self.plan.driver != "places":
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
        if order[0] != 0 or self.plan.driver not in {"type", "tenant", "all"}:
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
        return [source.take([next(answers) for _ in parts], self.seen) for source, parts in read]
