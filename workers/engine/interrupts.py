"""Interrupts jobs that run in threads: the thread is sent an exception when its time is up."""

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable, Iterable

from rq.timeouts import JobTimeoutException
from typing_extensions import override

from workers.errors import JobStopped


class ThreadClock:
    """The clock of one job in a thread; made by the thread that runs it.

    Code that holds on to C, or that catches the exception, is the worker's to deal with.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._due: float | None = None

    def set(self, limit: float) -> None:
        """The job starts.

        Args:
            limit: Seconds that it may take; 0 or less means as long as it likes.
        """
        self._due = time.monotonic() + limit if limit > 0 else float("inf")

    def stop(self) -> None:
        """The job is over; what was sent and has not arrived is taken back."""
        with self._lock:
            self._due = None
            _send(self._thread, None)

    def look(self, now: float) -> None:
        """Send the exception if the time is up. Called from another thread.

        Args:
            now: The monotonic time.
        """
        with self._lock:
            if self._due is not None and now >= self._due:
                self._due = None
                _send(self._thread, _TooLate)

    def interrupt(self, is_asked: Callable[[], bool]) -> None:
        """Interrupt the job in another way than for its time. Called from another thread.

        Args:
            is_asked: Whether to; asked only if there is a job that may be interrupted now.
        """
        with self._lock:
            if self._due is not None and is_asked():
                self._due = float("inf")
                _send(self._thread, JobStopped)


class TaskClock:
    """The same of a job in the event loop, which keeps the time itself; made in its task."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()

    def set(self, limit: float) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def interrupt(self, is_asked: Callable[[], bool]) -> None:
        """As of `ThreadClock`; called in the loop.

        Args:
            is_asked: Whether to.
        """
        if self._task is not None and is_asked():
            self._task.cancel()


class _TooLate(JobTimeoutException):
    """Made by the interpreter, without arguments."""

    @override
    def __str__(self) -> str:
        return "The job took longer than its time."


def look_at(clocks: Iterable[ThreadClock]) -> None:
    """Interrupt the jobs whose time is up.

    Args:
        clocks: Of the jobs that run.
    """
    now = time.monotonic()
    for clock in clocks:
        clock.look(now)


def _send(thread: int, kind: type[BaseException] | None) -> None:
    value = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), value)
