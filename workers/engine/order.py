"""In which order a worker looks at its lists: by queue, and by turns between priorities."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from random import shuffle
from typing import Literal, NamedTuple, Protocol

from workers.engine.fairness import rotation, starting_with
from workers.pauses import pause_field
from workers.routing import Priority, list_name, queue_of

Strategy = Literal["default", "round_robin", "random"]


class Turn(NamedTuple):
    """A list to be served, and how many of its jobs at most."""

    list_name: str
    most: int


class Listed(Protocol):
    """A job that was in a list."""

    @property
    def list_name(self) -> str:
        """The name of the list."""


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

    def open_lists(self, paused: Container[str]) -> Sequence[str]:
        """The names of the lists whose queue is not paused.

        Args:
            paused: What is, as `queue:email`.
        """
        return [name for name in self.lists if pause_field("queue", queue_of(name)) not in paused]

    def next(self, wanted: int) -> tuple[Turn, ...]:
        """Which lists to serve, and how many jobs of each.

        Every list of a queue gets its share of the turns. What one does not need, because it is
        short, goes to the others of its queue, and then to the next queue.

        Args:
            wanted: How many jobs there shall be; from 0.
        """
        if self.strategy == "random":
            shuffle(self._order)
        at, length = self._at, len(self._round)
        self._at = (at + wanted) % length
        return _turns(tuple(self._order), self._round, at, wanted)

    def served(self, leased: Sequence[Listed]) -> None:
        """Take note of the jobs that were leased.

        Args:
            leased: The jobs.
        """
        for each in leased if self.strategy == "round_robin" else ():
            at = self._order.index(queue_of(each.list_name)) + 1
            self._order = self._order[at:] + self._order[:at]


@lru_cache(maxsize=1_000)  # few numbers of jobs are wanted again and again
def _turns(
    queues: tuple[str, ...], one_round: tuple[Priority, ...], at: int, wanted: int
) -> tuple[Turn, ...]:
    shares = _shares(one_round, at, wanted)
    fair = [(priority, shares[priority]) for priority in Priority if shares[priority]]
    rest = [(priority, wanted) for priority in starting_with(one_round[at])]
    return tuple(
        Turn(list_name(queue, priority), most)
        for queue in queues
        for priority, most in (*fair, *rest)
    )


def _shares(one_round: tuple[Priority, ...], at: int, wanted: int) -> Mapping[Priority, int]:
    whole, part = divmod(wanted, len(one_round))
    begun = (one_round * 2)[at : at + part]
    return {each: whole * one_round.count(each) + begun.count(each) for each in Priority}
