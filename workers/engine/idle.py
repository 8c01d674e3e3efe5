"""A child without a job: when it has waited long enough, and what wakes it."""

import time
from typing import Protocol

import redis

from workers import keys
from workers.engine.bell import Bell
from workers.engine.horse import Woken, waken
from workers.engine.order import Order
from workers.engine.page import Page
from workers.engine.step import Step
from workers.engine.task import Task

_LONGEST_WAIT = 5.0  # seconds between two looks at empty queues that nobody rang for


class Rings(Protocol):
    """Says when there may be a job."""

    def ring(self, step: Step, seconds: float) -> bool:
        """Wait until there may be one. Returns whether something changed."""

    def close(self) -> None:
        """Give the connection up."""


class QueueBell:
    """Rings for RQ's queues.

    Args:
        client: Where.
        order: Which lists.
    """

    def __init__(self, client: redis.Redis, order: Order) -> None:
        self._bell = Bell(client)
        self._order = order

    def ring(self, step: Step, seconds: float) -> bool:
        """Wait until there may be a job.

        Args:
            step: What it says of pauses.
            seconds: The longest time.

        Returns:
            Whether something changed.
        """
        names = () if step.state == "suspended" else self._order.open_lists(step.paused)
        lists = [keys.queue(name) for name in names]
        return self._bell.wait(lists, also=(keys.pauses(), keys.suspended()), seconds=seconds)

    def close(self) -> None:
        """Give the connection up."""
        self._bell.close()


class Idle:
    """Waits for jobs.

    Args:
        bell: Rings for them.
        page: What the child shares with its worker.
        task: How long it may wait.
    """

    def __init__(self, bell: Rings, page: Page, task: Task) -> None:
        self._bell = bell
        self._page = page
        self._task = task
        self._since = time.monotonic()

    def begin(self) -> None:
        """From now on there is nothing to do, unless a job comes."""
        self._since = time.monotonic()

    def is_over(self, step: Step) -> bool:
        """Whether the child is to leave.

        Args:
            step: The last one, which leased nothing.
        """
        if step.state == "repeated":
            return False
        return self._task.burst or (self._task.max_idle is not None and self._left() <= 0)

    def wait(self, step: Step) -> None:
        """Wait until there may be a job, or the worker wants something.

        Args:
            step: The last one, which leased nothing.
        """
        try:
            waken(sure=True)
            if not self._page.is_to_stop:
                self.ring(step, min(_LONGEST_WAIT, max(0.0, self._left())))
            waken(sure=False)
        except Woken:
            waken(sure=False)

    def ring(self, step: Step, seconds: float) -> bool:
        """Wait until there may be a job.

        Args:
            step: The last one.
            seconds: The longest time.

        Returns:
            Whether something changed.
        """
        return self._bell.ring(step, seconds)

    def close(self) -> None:
        """Give the connection up."""
        self._bell.close()

    def _left(self) -> float:
        if self._task.max_idle is None:
            return _LONGEST_WAIT
        return self._task.max_idle - (time.monotonic() - self._since)
