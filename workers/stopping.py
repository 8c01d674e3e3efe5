"""A run that somebody asks to stop, as the process sees it in which it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from workers.errors import JobStopped

T = TypeVar("T")


def _never() -> bool:
    return False


class Stop:
    """Whether what runs in one place of a child is to stop; made once for many runs.

    Args:
        is_asked: Whether somebody asked for what runs there now; the default is for runs that
            nobody can ask.
        runs_again: Whether the job of what is stopped is to run again.
    """

    __slots__ = ("_asker", "_is_asked", "run", "runs_again", "stopped")

    def __init__(
        self,
        is_asked: Callable[[], bool] = _never,
        runs_again: Callable[[], bool] = _never,
    ) -> None:
        self.runs_again = runs_again
        self.run: object = None
        """What runs there; None between two runs, or if it must not be interrupted."""
        self.stopped: object = None
        """The last run that was stopped there: what came of its handler does not count."""
        self._is_asked = is_asked
        self._asker: object = None

    async def around(self, run: object, call: Awaitable[T]) -> T:
        """Wait for a handler whose task may be cancelled.

        Args:
            run: The run.
            call: Its handler.

        Returns:
            What came of it.

        Raises:
            JobStopped: If the run was stopped.
        """
        self.run = run
        try:
            found = await call
        except asyncio.CancelledError as error:
            if self.stopped is run:
                raise JobStopped from error
            raise
        finally:
            self.run = None  # what comes after the handler is not cancelled
        if self.stopped is run:
            raise JobStopped
        return found

    def ask(self, run: object) -> bool:
        """Whether a run is to stop. From now on its handler is not interrupted.

        Args:
            run: Whose handler wants to know.
        """
        self._asker = run
        if self.run is run and self._is_asked():
            self.stopped = run
        return self.stopped is run

    def interrupts(self) -> bool:
        """Note that what runs is stopped, if somebody asked for that.

        Returns:
            Whether to interrupt it: once, and only if its handler does not ask by itself.
        """
        run = self.run
        if run is None or run is self.stopped or not self._is_asked():
            return False
        self.stopped = run
        return run is not self._asker
