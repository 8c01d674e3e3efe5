"""The streams that one consumer serves: looked up again and again, each with its group."""

import time
from collections.abc import Sequence

import redis

from workers.engine.away import Away
from workers.engine.step import Lease
from workers.logger import get_logger
from workers.streams.known import known_streams, make_known, with_groups
from workers.streams.naming import Naming, StreamName
from workers.streams.order import StreamOrder, StreamTurn

log = get_logger("postroom.streams")

_EVERY = 1.0  # seconds between two looks


class Served:
    """Keeps the order of a consumer up to date, and says whose turn it is; see `steps.Orders`.

    Args:
        patterns: Names in which `*` stands for any text.
        group: The group.
        naming: What keys say.
        order: Is told which streams there are.
        away: Waits while Redis is away.
        connection: Where.
        may_be_new: Whether the patterns are names of streams that nobody need have made known.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it joins
        self,
        patterns: Sequence[str],
        group: str,
        naming: Naming,
        order: StreamOrder,
        away: Away,
        connection: redis.Redis,
        *,
        may_be_new: bool = False,
    ) -> None:
        self._patterns = patterns
        self._group = group
        self._naming = naming
        self._order = order
        self._away = away
        self._connection = connection
        self._look_at = 0.0
        self._given = frozenset(patterns) if may_be_new else frozenset()
        self._seen: dict[str, StreamName] = {}
        self.version = 0
        """Counts how often streams were added."""

    def next(self, wanted: int) -> tuple[StreamTurn, ...]:
        """Whose turn it is, after a look for new streams now and then.

        Args:
            wanted: How many messages there shall be; with 0 nobody looks, as nothing is read.
        """
        if wanted:
            self._away.insist(self.look)
        return self._order.next(wanted)

    def served(self, leased: Sequence[Lease]) -> None:
        """Nothing to note: the order was told of each turn."""

    def look(self) -> None:
        """Look for new streams, and for those that are gone, if it is time.

        Raises:
            redis.RedisError: If Redis cannot be asked.
        """
        if time.monotonic() < self._look_at:
            return
        known = known_streams(self._patterns, connection=self._connection)
        wanted = known | self._seen.keys() | self._given
        # Of what was served before, all: it may have been made again by somebody who tells nobody.
        missing = [key for key in wanted if key not in self._order.names]
        there = with_groups(missing, self._group, connection=self._connection)
        self._look_at = time.monotonic() + _EVERY
        if there:
            self._add(there, known)

    @property
    def is_to_look(self) -> bool:
        """Whether something has changed, so that the next step is not to wait."""
        return self._look_at == 0.0

    @property
    def missing(self) -> Sequence[str]:
        """The keys of streams that were there before."""
        return [key for key in self._seen if key not in self._order.names]

    def look_soon(self) -> None:
        """Look with the next step: something has changed."""
        self._look_at = 0.0

    def drop(self, key: str, error: str) -> None:
        """Serve a stream no longer, until it can be read again.

        Args:
            key: Its key.
            error: What Redis said when it was read.
        """
        log.warning("stream_not_readable", stream=key, error=error)
        left = [name for name in self._order.names.values() if name.key != key]
        self._order.serve(left)
        self.look_soon()

    def _add(self, there: frozenset[str], known: frozenset[str]) -> None:
        names = [self._naming.read(key) for key in there]
        for key in sorted(there & self._seen.keys()):
            log.warning("stream_read_again", stream=key, group=self._group, why=_AGAIN)
        self._seen |= {name.key: name for name in names}
        self._order.serve([*self._order.names.values(), *names])
        self.version += 1
        unknown = [name for name in names if name.key not in known]
        if unknown:
            make_known(unknown, connection=self._connection)
        log.info("streams_found", group=self._group, streams=sorted(there))


_AGAIN = "It was gone, or its group: what it holds now is read from the first entry on."
