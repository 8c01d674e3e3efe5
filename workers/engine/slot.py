"""Where in a child a run happens, and what is kept of one that succeeded until it is committed."""

from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from workers.engine.step import Lease
from workers.stopping import Stop


class Journal(Protocol):
    """Remembers runs that are not committed; see `page`."""

    def write(self, run: bytes) -> None:
        """Note a run."""


class Clock(Protocol):
    """Interrupts a job that takes too long; see `alarm`."""

    def set(self, limit: float) -> None:
        """A job starts that may take so many seconds."""

    def stop(self) -> None:
        """It is over."""


class NoClock:
    """Interrupts nothing: somebody else keeps the time."""

    def set(self, limit: float) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""


class NoJournal:
    """Notes nothing: somebody else does."""

    def write(self, run: bytes) -> None:
        """Nothing to do."""


NO_CLOCK, NO_JOURNAL = NoClock(), NoJournal()


class Slot(NamedTuple):
    """Where in a child a run happens.

    Args:
        clock: Interrupts it.
        journal: Where it is noted if it succeeded.
        stop: Tells whether it is to stop.
    """

    clock: Clock
    journal: Journal
    stop: Stop


class Done(NamedTuple):
    """A run that succeeded and is not committed yet.

    Args:
        lease: Its lease.
        began: When it started, in Unix seconds.
        result: What the handler returned.
        committed: What the step's script is told.
    """

    lease: Lease
    began: float
    result: Any
    committed: bytes

    @property
    def started_at(self) -> datetime:
        """When it started."""
        return datetime.fromtimestamp(self.began, UTC)
