"""Takes jobs from Redis: one script a claim, and nothing is in no list while it happens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import shuffle
from typing import Any, Literal

import redis
from rq.utils import utcformat

from workers import keys
from workers.engine.fairness import rotation, starting_with
from workers.pauses import pause_field
from workers.routing import Priority, list_name, queue_of
from workers.scripts import script

Strategy = Literal["default", "round_robin", "random"]


@dataclass(frozen=True)
class Claim:
    """A job that a worker has taken and not started.

    Args:
        job_id: Its id.
        queue: The name of the list it was in.
        fields: Its hash; empty if the record is gone.
        paused: The types and tenants that were paused at that moment, as `type:EMAIL`.
        order: Counts the jobs that were taken during such a pause.
    """

    job_id: str
    queue: str
    fields: Mapping[bytes, bytes]
    paused: frozenset[str] = frozenset()
    order: int = 0


@dataclass
class Claimer:
    """Takes jobs from a worker's queues in its order.

    Args:
        queues: The queues, each with its three lists.
        connection: Where.
        weights: How often high, normal and low go first.
        strategy: `default` keeps the order of the queues, `round_robin` moves the queue that was
            served to the end, `random` shuffles.
    """

    queues: Sequence[str]
    connection: redis.Redis
    weights: Sequence[int]
    strategy: Strategy = "default"
    _order: list[str] = field(init=False)
    _first: Iterator[Priority] = field(init=False)
    _pause_of: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Start with the order given."""
        self._order = list(self.queues)
        self._first = rotation(self.weights)
        self._pause_of = {name: pause_field("queue", queue_of(name)) for name in self.lists}
        self._claim = self.connection.register_script(script("workers.engine", "claim"))
        self._promote = self.connection.register_script(script("workers.engine", "promote"))

    @property
    def lists(self) -> Sequence[str]:
        """The names of all lists, in the order of the queues."""
        return [list_name(queue, priority) for queue in self.queues for priority in Priority]

    def claim(self) -> Claim | None:
        """Take the next job from a queue that is not paused.

        Returns:
            The job, which now stands in its list of taken jobs; None if all queues are empty.
        """
        names = self._names()
        pairs = [key for name in names for key in (keys.queue(name), keys.intermediate(name))]
        taken: Any = self._claim(
            keys=[keys.pauses(), keys.claim_order(), *pairs],
            args=[keys.job_prefix(), *(self._pause_of[name] for name in names)],
        )
        if taken is None:
            return None
        name = names[int(taken[0]) - 1]
        self._served(name)
        flat: Sequence[bytes] = taken[2]
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        return Claim(
            job_id=taken[1].decode(),
            queue=name,
            fields=fields,
            paused=frozenset(entry.decode() for entry in taken[3]),
            order=taken[4],
        )

    def release(self, claim: Claim) -> None:
        """Forget a taken job that was buried or is gone.

        Args:
            claim: What `claim` returned.
        """
        self.connection.lrem(keys.intermediate(claim.queue), 1, claim.job_id)

    def promote(self) -> int:
        """Move the jobs that are due into their lists.

        Returns:
            How many were moved; at most 100 a list.
        """
        written = utcformat(datetime.now(UTC))
        with self.connection.pipeline(transaction=False) as pipe:
            for name in self.lists:
                self._promote(
                    keys=[keys.scheduled(name), keys.queue(name), keys.scheduler_lock(name)],
                    args=[keys.job_prefix(), written],
                    client=pipe,
                )
            return sum(pipe.execute())

    def _names(self) -> Sequence[str]:
        if self.strategy == "random":
            shuffle(self._order)
        first = next(self._first)
        return [list_name(q, priority) for q in self._order for priority in starting_with(first)]

    def _served(self, name: str) -> None:
        if self.strategy == "round_robin":
            at = next(i for i, queue in enumerate(self._order) if name in _lists(queue)) + 1
            self._order = self._order[at:] + self._order[:at]


def _lists(queue: str) -> Sequence[str]:
    return [list_name(queue, priority) for priority in Priority]
