"""What a handler may ask about the run it is part of."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog

from messages import LogField, Message
from messages.fields import marked_values
from messages.masking import secrets_of
from workers.redaction import hiding

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")  # W3C

_current: ContextVar[Message | None] = ContextVar("postroom_current_message", default=None)
_at_end: ContextVar[Callable[[], None]] = ContextVar("postroom_at_end", default=lambda: None)


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
        log: A structlog logger with the run's ids bound; its lines are also kept with the job.
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


def at_end(function: Callable[[], None]) -> None:
    """Say what is to happen when the next run of this thread is over, however it ends.

    Args:
        function: Takes the place of what was said before.
    """
    _at_end.set(function)


@contextmanager
def running(message: Message, **ids: Any) -> Iterator[None]:
    """Bind a message to this run: its ids to the log, itself as the cause of what it sends.

    As long as it runs, what its class marks `Secret` is hidden in log lines and errors.

    Args:
        message: The message.
        ids: Further values for the log, such as `job_id` and `attempt`.
    """
    token = _current.set(message)
    # The ids come last: a field of a message must not take the place of one.
    bound = structlog.contextvars.bind_contextvars(
        **marked_values(message.data, LogField) | _ids(message) | ids
    )
    try:
        with hiding(secrets_of(message)):
            yield
    finally:
        structlog.contextvars.reset_contextvars(**bound)
        _current.reset(token)
        _at_end.get()()  # last: the job's time may be up in it


def trace_id(traceparent: str | None) -> str | None:
    """The trace that a W3C `traceparent` belongs to; None if there is none.

    Args:
        traceparent: The field of a message.
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return found[1] if found else None


def _ids(message: Message) -> dict[str, Any]:
    ids = {
        "message_type": message.message_type,
        "correlation_id": message.correlation_id,
        "trace_id": trace_id(message.traceparent),
    }
    return {name: value for name, value in ids.items() if value is not None}
