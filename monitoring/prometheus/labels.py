"""Which values a label may have. Pure.

Prometheus keeps each combination of labels for weeks, so a queue for each customer must not make a
series for each: what comes too late is counted as `other`.
"""

from collections.abc import Iterable, Sequence

OTHER = "other"
_MOST_REMEMBERED = 10_000  # names without a seat: a queue for each job must not fill our memory

MOST_QUEUES = 500
"""Queues, or families of streams, that have a series of their own."""
MOST_TYPES = 200
"""Message types that have one."""
MOST_GROUPS = 50
"""Consumer groups that have one."""
MOST_RULES = 200
"""Rules of alerts that have one."""


class Seats:
    """The values of one label, first come, first served; nobody loses a seat.

    Args:
        most: How many there are.
        taken: Who has them already.
    """

    def __init__(self, most: int, taken: Iterable[str] = ()) -> None:
        self._most = most
        self._taken = dict.fromkeys(taken)
        self._late: set[str] = set()

    def of(self, name: str) -> str:
        """The value for a name: the name itself, or `other`.

        Args:
            name: Such as that of a queue.
        """
        if name in self._taken:
            return name
        if len(self._taken) < self._most:
            self._taken[name] = None
            return name
        if len(self._late) < _MOST_REMEMBERED:
            self._late.add(name)
        return OTHER

    @property
    def taken(self) -> Sequence[str]:
        """Who has a seat, in the order in which they came."""
        return tuple(self._taken)

    @property
    def folded(self) -> int:
        """How many names were seen that have none; 10,000 stands for that many or more."""
        return len(self._late)
