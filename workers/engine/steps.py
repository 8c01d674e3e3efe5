"""The steps of one child: what is done is committed, and what comes next is leased.

While a full batch runs, the next one may be on its way already: its step was sent, and its answer
is read when it is needed. There is one such step at most, and it is always heard before another is
sent, because Redis knows only the last one if a step is repeated.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import redis

from workers.engine.away import Away
from workers.engine.page import Count, Page
from workers.engine.slot import Done
from workers.engine.step import Lease, Step
from workers.logger import get_logger

log = get_logger("postroom.worker")

_NEVER = float("inf")
_FULL = 2  # jobs of the smallest batch that says that there are more


T = TypeVar("T")
"""Whom to serve, and how much of each; only the lane looks into it."""
_Said_co = TypeVar("_Said_co", covariant=True)
_Told_contra = TypeVar("_Told_contra", contravariant=True)

Hear = Callable[[], Step]
"""Waits for the answer to a step that was sent."""


class Asks(Protocol[_Told_contra]):
    """Makes steps; see `leases`."""

    def next_number(self) -> str:
        """The number of a step that was not tried before."""

    def step(
        self, number: str, wanted: int, runs: Sequence[bytes], turns: tuple[_Told_contra, ...]
    ) -> Step:
        """Commit runs that succeeded, and lease what comes next."""

    def ask(
        self, number: str, wanted: int, runs: Sequence[bytes], turns: tuple[_Told_contra, ...]
    ) -> Hear | None:
        """Send a step, and do something else before its answer is heard."""


class Orders(Protocol[_Said_co]):
    """Says whose turn it is; see `order`."""

    def next(self, wanted: int) -> tuple[_Said_co, ...]:
        """Whom to serve, and how much of each."""

    def served(self, leased: Sequence[Lease]) -> None:
        """Take note of what was leased."""


class Sequel(Protocol):
    """Does what is left of a step that takes more than its script."""

    def finish(self, done: Done) -> None:
        """End a run whose job others wait for."""

    def quarantine(self, broken: Sequence[Lease], strange: Sequence[bytes]) -> None:
        """Bury what the step found to be no jobs. Safe to repeat."""


@dataclass
class _Asked(Generic[T]):
    """A step that was sent, and not heard."""

    number: str
    wanted: int
    runs: Sequence[Done]
    turns: tuple[T, ...]
    hear: Hear | None = None


@dataclass
class Steps(Generic[T]):
    """The steps of one child.

    Args:
        leases: Those of the child.
        order: Whose turn it is.
        sequel: Does what the script leaves.
        page: What the child shares with its worker.
        away: Waits while Redis is away.
        done: What the child has done; counted on.
    """

    leases: Asks[T]
    order: Orders[T]
    sequel: Sequel
    page: Page
    away: Away
    done: Count

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.ready: list[Done] = []
        """The runs that are done and in no step."""
        self.oldest = _NEVER
        """When the first of them ended, by the monotonic clock."""
        self._wanted = 0
        self._asked: _Asked[T] | None = None
        self._ahead: Step | None = None
        self._strange: Sequence[bytes] = ()

    def keep(self, done: Done, now: float) -> None:
        """A run is to be committed with the next step.

        Args:
            done: The run.
            now: The monotonic clock.
        """
        if not self.ready:
            self.oldest = now
        self.ready.append(done)

    def next(self, wanted: Callable[[], int]) -> Step:
        """The step that was sent ahead, if it leased anything, or else a new one.

        Args:
            wanted: How many jobs to lease.
        """
        self._hear()
        step, self._ahead = self._ahead, None
        return step if step is not None and step.leased else self.take(wanted())

    def take(self, wanted: int) -> Step:
        """Commit what is done and lease jobs.

        Args:
            wanted: How many; from 0.

        Returns:
            What came of it.
        """
        self._hear()
        asked = self._new(wanted)
        step = self._insist(asked)
        self.page.clear()
        self._settle(asked.runs, step)
        return step

    def send(self, running: Step, wanted: int) -> None:
        """Commit what is done and lease the next jobs, if there may be any, while others run.

        Args:
            running: The step that leased what is about to run.
            wanted: How many jobs to lease.
        """
        if len(running.leased) < max(self._wanted, _FULL) or wanted < _FULL or self._asked:
            return
        asked = self._asked = self._new(wanted)
        self.page.turn()
        try:
            asked.hear = self.leases.ask(*_arguments(asked))
        except redis.RedisError:
            asked.hear = None  # it is asked again when its answer is needed

    def give_back(self) -> Sequence[Lease]:
        """What was leased ahead, for somebody else to run."""
        self._hear()
        step, self._ahead = self._ahead, None
        return () if step is None else step.leased

    def keep_ahead(self, may_start: Callable[[Sequence[Lease]], Sequence[Lease]]) -> None:
        """Take jobs out of what was leased ahead.

        Args:
            may_start: Returns those that stay.
        """
        self._hear()
        if self._ahead is not None and self._ahead.leased:
            self._ahead = replace(self._ahead, leased=may_start(self._ahead.leased))

    def commit_once(self) -> None:
        """Commit what is done, in the middle of a job: without a second try.

        What takes more than the step's script waits for the next step.

        Raises:
            redis.RedisError: If Redis cannot be used; then the next step commits it.
        """
        if self._asked is not None:
            asked, step = self._asked, self._answer(self._asked)
            self._asked, self._ahead = None, step
            self._put_off(asked.runs, step)
        if self.ready:
            asked = self._asked = self._new(0)
            self.page.turn()
            step = self._answer(asked)
            self._asked = None
            self._put_off(asked.runs, step)

    def _new(self, wanted: int) -> _Asked[T]:
        runs, self.ready, self.oldest = self.ready, [], _NEVER
        self._wanted = wanted
        return _Asked(self.leases.next_number(), wanted, runs, self.order.next(wanted))

    def _hear(self) -> None:
        if self._asked is not None:
            asked, step = self._asked, self._insist(self._asked)
            self._asked = None
            self._ahead = self._ahead or step  # one that failed in `commit_once` leases nothing
            self.page.clear_older()
            self._settle(asked.runs, step)

    def _insist(self, asked: _Asked[T]) -> Step:
        return self.away.insist(
            lambda: self._answer(asked),
            until=lambda: not asked.runs and self.page.is_to_stop,
        )

    def _answer(self, asked: _Asked[T]) -> Step:
        hear, asked.hear = asked.hear, None
        if hear is not None:
            try:
                return hear()
            except redis.RedisError:
                pass  # the same step again: Redis tells whether it has done it
        return self.leases.step(*_arguments(asked))

    def _settle(self, runs: Sequence[Done], step: Step) -> None:
        self._count(runs, step)
        for place in step.awaited:
            self.sequel.finish(runs[place])
        strange, self._strange = (*self._strange, *step.strange), ()
        if step.broken or strange:
            broken = [runs[place].lease for place in step.broken]
            self.away.insist(lambda: self.sequel.quarantine(broken, strange))

    def _put_off(self, runs: Sequence[Done], step: Step) -> None:
        left = [runs[place] for place in sorted((*step.awaited, *step.broken))]
        self._strange = (*self._strange, *step.strange)
        self.ready[:0] = left
        self.oldest = time.monotonic() if self.ready else _NEVER
        self._count(runs, step, but=len(left))
        self.page.clear()
        for each in self.ready:
            self.page.write(each.committed)

    def _count(self, runs: Sequence[Done], step: Step, but: int = 0) -> None:
        for place in step.refused:
            log.warning("lease_lost", job_id=runs[place].lease.job_id)
        self.done.succeeded += len(runs) - but
        self.page.count(self.done)
        self.order.served(step.leased)


def _arguments(asked: _Asked[T]) -> tuple[str, int, Sequence[bytes], tuple[T, ...]]:
    return asked.number, asked.wanted, [run.committed for run in asked.runs], asked.turns
