"""The clock of the job that runs in a child's main thread: slow first, too late then."""

import signal
import time
from collections.abc import Callable
from types import FrameType

from rq.timeouts import JobTimeoutException

from workers.errors import JobStopped


class Alarm:
    """Interrupts a job by SIGALRM, between two steps of its Python code.

    Code that holds on to C, or that catches the interruption, is the worker's to deal with.

    Args:
        slow: Seconds after which a job counts as slow.
        let_go: Called once, in the middle of a slow job; must not raise.
    """

    def __init__(self, slow: float, let_go: Callable[[], None]) -> None:
        self._slow = slow
        self._let_go = let_go
        self._limit = 0.0
        self._began: float | None = None
        self._is_slow = False
        self._rings_at = float("inf")

    def install(self) -> None:
        """Take the signal. RQ's own timeouts let go of it, so this comes again after them."""
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._rings_at = float("inf")

    def set(self, limit: float) -> None:
        """A job starts. That is a system call only if the clock would ring too late for it.

        Args:
            limit: Seconds that it may take; 0 or less means as long as it likes.
        """
        now = time.monotonic()
        self._limit, self._began, self._is_slow = limit, now, False
        first = min(self._slow, limit) if limit > 0 else self._slow
        if self._rings_at > now + first:
            self._ring_in(first, now)

    def stop(self) -> None:
        """The job is over. What was set may still ring, for the next one or for nobody."""
        self._began = None

    def interrupt(self, is_asked: Callable[[], bool]) -> None:
        """Interrupt the job in another way than for its time. Called in the thread that runs it.

        Args:
            is_asked: Whether to; asked only if there is a job that may be interrupted now.

        Raises:
            JobStopped: If so.
        """
        if self._began is not None and is_asked():
            self._limit = 0.0
            raise JobStopped

    def _ring_in(self, seconds: float, now: float) -> None:
        self._rings_at = now + seconds
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))

    def _ring(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._rings_at = float("inf")
        if self._began is None:
            return
        now = time.monotonic()
        took = now - self._began
        if took < self._slow and (self._limit <= 0 or took < self._limit):
            self._ring_in(self._slow - took, now)
            return
        if not self._is_slow:
            self._is_slow = True
            began, self._began = self._began, None  # nobody interrupts a talk with Redis
            self._let_go()
            self._began = began
        if self._limit <= 0:
            return
        if took < self._limit:
            self._ring_in(self._limit - took, now)
            return
        self._began = None
        message = f"The job took longer than its {self._limit:g} s."
        raise JobTimeoutException(message)


class NoAlarm:
    """For the test kit: a test's runner may need the signal for itself."""

    def install(self) -> None:
        """Take nothing."""

    def set(self, limit: float) -> None:
        """Do not interrupt."""

    def interrupt(self, is_asked: Callable[[], bool]) -> None:
        """Do not interrupt."""

    def stop(self) -> None:
        """Nothing was set."""
