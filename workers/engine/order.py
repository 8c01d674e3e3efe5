"""In which order a worker looks at its lists: by queue, and by turns between priorities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import shuffle
from typing import Literal

from workers.engine.fairness import rotation, starting_with
from workers.routing import Priority, list_name, queue_of

Strategy = Literal["default", "round_robin", "random"]


@dataclass(frozen=True)
class Turn:
    """A list to be served, and how many of its jobs at most."""

    list_name: str
    most: int


@dataclass
class Order:
    """The order of the lists for one lease after the other.

    Args:
        queues: The queues, each with its three lists.
        weights: How often high, normal and low go first; each at least 1.
        strategy: `default` keeps the order of the queues, `round_robin` moves the queue that was
            served to the end, `random` shuffles.
    """

    queues: Sequence[str]
    weights: Sequence[int]
    strategy: Strategy = "default"
    _order: list[str] = field(init=False)
    _round: tuple[Priority, ...] = field(init=False)
    _at: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Start with the order given."""
        self._order = list(self.queues)
        self._round = tuple(islice(rotation(self.weights), sum(self.weights)))

    @property
    def lists(self) -> Sequence[str]:
        """The names of all lists, in the order of the queues."""
        return [list_name(queue, priority) for queue in self.queues for priority in Priority]

    def next(self, wanted: int) -> Sequence[Turn]:
        """Which lists to serve, and how many jobs of each.

        Every list of a queue gets its share of the turns. What one does not need, because it is
        short, goes to the others of its queue, and then to the next queue.

        Args:
            wanted: How many jobs there shall be; from 0.
        """
        if self.strategy == "random":
            shuffle(self._order)
        first, shares = self._round[self._at], self._shares(wanted)
        urgent = starting_with(first)
        fair = [(priority, shares[priority]) for priority in Priority if shares[priority]]
        rest = [(priority, wanted) for priority in urgent]
        return [
            Turn(list_name(queue, priority), most)
            for queue in self._order
            for priority, most in (*fair, *rest)
        ]

    def served(self, name: str) -> None:
        """Take note that a job of a list was leased.

        Args:
            name: The list.
        """
        if self.strategy == "round_robin":
            at = self._order.index(queue_of(name)) + 1
            self._order = self._order[at:] + self._order[:at]

    def _shares(self, turns: int) -> Mapping[Priority, int]:
        whole, begin = turns // len(self._round), self._at
        self._at = (begin + turns) % len(self._round)
        part = (self._round * 2)[begin : begin + turns % len(self._round)]
        weights = dict(zip(Priority, self.weights, strict=True))
        return {each: whole * weights[each] + part.count(each) for each in Priority}
