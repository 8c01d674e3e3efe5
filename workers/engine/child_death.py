"""How a child ended, and which of its runs may have been the cause."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rq.timeouts import JobTimeoutException

from workers.engine.horse import Horse
from workers.engine.page import Running
from workers.errors import JobStopped
from workers.redaction import redacted


@dataclass(frozen=True)
class ChildDeath:
    """The end of a child.

    Args:
        horse: The child, whose page can still be read.
        code: Its exit code, negative for the signal that ended it.
        killed_for: Why its worker killed it; None if it did not.
        running: What it ran.
    """

    horse: Horse
    code: int
    killed_for: BaseException | None = None
    running: Sequence[Running] = field(init=False)

    def __post_init__(self) -> None:
        """Read the page once."""
        object.__setattr__(self, "running", self.horse.page.running())

    @property
    def words(self) -> str:
        """What is known, for people."""
        if self.code < 0:
            return redacted(f"its process was ended by signal {-self.code}")
        return f"its process ended with exit code {self.code}"

    def is_caused_by(self, run: Running, *, leaving: bool) -> bool:
        """Whether a run is to blame.

        Args:
            run: One of `running`.
            leaving: Whether the worker was told to leave, and its child with it.
        """
        if isinstance(self.killed_for, JobStopped):
            return False
        if self.killed_for is None:
            return not leaving
        if not isinstance(self.killed_for, JobTimeoutException):
            return True
        return 0 < run.limit < run.seconds
