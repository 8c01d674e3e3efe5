"""A message that the engine runs itself, whichever way it waited."""

from typing import Any, Protocol

from messages.union import Parsed


class Runnable(Protocol):
    """A message, and what its record says."""

    @property
    def meta(self) -> dict[str, Any]:
        """What its sender chose; changes are those of this run."""

    def read(self) -> Parsed:
        """The message; raises InvalidMessage if it is none."""

    @property
    def timeout(self) -> float:
        """Seconds that a run may take; 0 means as long as it likes."""

    @property
    def enqueued_at(self) -> float:
        """When its time in the queue began, in Unix seconds."""

    @property
    def restarts(self) -> int:
        """How often it was started before."""

    @property
    def result_ttl(self) -> int | None:
        """Seconds that its record is kept when it succeeds; None as the settings say."""

    @property
    def failure_ttl(self) -> int | None:
        """As `result_ttl`, when it fails."""

    @property
    def failed_parent(self) -> str | None:
        """The job that it waited for in vain."""

    def envelope(self) -> Any:
        """The message as an object; text if it cannot be read."""
