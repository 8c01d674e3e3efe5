"""What a handler may ask about the run it is part of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog

from messages import LogField, Message
from messages.fields import marked_values

_current: ContextVar[Message | None] = ContextVar("postroom_current_message", default=None)


@dataclass(frozen=True)
class Progress:
    """How far a job is: a share from 0 to 1, and a note for people."""

    share: float
    note: str = ""


@dataclass(frozen=True)
class Context:
    """One run of one message. A handler that takes a second parameter is given it.

    Args:
        job_id: The job's id in Redis; the message's id too.
        queue: The queue it was taken from.
        attempt: Which start this is, from 1.
        max_attempts: How many starts it may have.
        log: A structlog logger with the run's ids bound.
        report: Stores progress; use `progress()`.
    """

    job_id: str
    queue: str
    attempt: int
    max_attempts: int
    log: structlog.stdlib.BoundLogger
    report: Callable[[Progress], None]

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this message, and for no other message."""
        return self.job_id

    def progress(self, share: float, note: str = "") -> None:
        """Say how far the job is; `postroom job ID` shows it.

        Args:
            share: From 0 to 1; values outside are cut.
            note: A few words, such as `3 of 10 files`.
        """
        self.report(Progress(min(max(share, 0.0), 1.0), note))


def current_message() -> Message | None:
    """The message whose handler is running here, if one is."""
    return _current.get()


@contextmanager
def running(message: Message, **ids: Any) -> Iterator[None]:
    """Bind a message to this run: its ids to the log, itself as the cause of what it sends.

    Args:
        message: The message.
        ids: Further values for the log, such as `job_id` and `attempt`.
    """
    token = _current.set(message)
    fields = marked_values(message.data, LogField)
    # The ids come last: a field of a message must not take the place of one.
    bound = structlog.contextvars.bind_contextvars(
        **fields
        | {"message_type": message.message_type, "correlation_id": message.correlation_id}
        | ids
    )
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**bound)
        _current.reset(token)
