"""Who writes the two log lines of a job that goes well."""

from typing import Protocol

from messages import Message


class Sayer(Protocol):
    """Writes them."""

    def started(self, message: Message, job_id: str, queue: str, attempt: int) -> None:
        """Say that a handler is about to be called."""

    def completed(
        self, message: Message, job_id: str, queue: str, attempt: int, duration_ms: int
    ) -> None:
        """Say that it has returned."""


class Silent:
    """Writes nothing."""

    def started(self, message: Message, job_id: str, queue: str, attempt: int) -> None:
        """Say nothing."""

    def completed(
        self, message: Message, job_id: str, queue: str, attempt: int, duration_ms: int
    ) -> None:
        """Say nothing."""
