"""What a child does when its worker's signal comes in the middle of its work."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from workers.engine.alarm import Alarm, NoAlarm
from workers.engine.horse import looks_up
from workers.engine.interrupts import TaskClock, ThreadClock
from workers.engine.page import Page
from workers.stopping import Stop


@dataclass
class Ears:
    """Those of a child that runs one job after the other.

    Args:
        page: What it shares with its worker.
        alarm: Interrupts what runs.
        heard: Whether a signal came since the child looked for jobs that somebody cancelled.
    """

    page: Page
    alarm: Alarm | NoAlarm
    heard: bool = False

    def __post_init__(self) -> None:
        """Make what knows of the place in which jobs run."""
        self.stop = Stop(lambda: self.page.is_to_end(0), lambda: self.page.is_to_run_again(0))

    def open(self) -> None:
        """Hear the worker's signals, and those of the clock."""
        self.alarm.install()
        looks_up(self._hear)
        self.page.listen()

    def _hear(self) -> None:
        self.heard = True
        self.alarm.interrupt(self.stop.interrupts)


class CrowdEars:
    """Those of a child that runs several jobs at once; used in its event loop.

    Args:
        page: What it shares with its worker.
        slots: How many jobs it runs at the same time.
    """

    def __init__(self, page: Page, slots: int) -> None:
        self._page = page
        self._stops = [
            Stop(partial(page.is_to_end, slot), partial(page.is_to_run_again, slot))
            for slot in range(slots)
        ]
        self._clocks: dict[int, ThreadClock | TaskClock] = {}
        self.heard = 0
        """How many signals came."""

    def open(self, then: Callable[[], None]) -> None:
        """Hear the worker's signals.

        Args:
            then: What else to do when one came.
        """
        loop = asyncio.get_running_loop()

        def hear() -> None:
            loop.call_soon_threadsafe(self._hear, then)

        looks_up(hear)
        self._page.listen()

    def begin(self, slot: int, clock: ThreadClock | TaskClock) -> Stop:
        """A message starts.

        Args:
            slot: Where.
            clock: Interrupts it.

        Returns:
            What tells whether it is to stop.
        """
        self._clocks[slot] = clock
        return self._stops[slot]

    def end(self, slot: int) -> None:
        """What ran in a slot is over.

        Args:
            slot: The slot.
        """
        self._clocks.pop(slot, None)

    def _hear(self, then: Callable[[], None]) -> None:
        self.heard += 1
        for slot, clock in tuple(self._clocks.items()):
            clock.interrupt(self._stops[slot].interrupts)
        then()
