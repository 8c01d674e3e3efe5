"""What a handler may ask about the run it is part of."""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog

from messages import LogField, Message
from messages.fields import marked_values
from messages.masking import secrets_of

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")  # W3C

SHORTEST_SECRET = 4
"""Characters, such as a PIN; a shorter one would hide parts of other words."""

PARTS_OF_A_LINE = frozenset(
    {"timestamp", "level", "logger", "message", "module", "event", "exc_info", "stack_info"}
)
"""What a log line has already; a `LogField` of such a name is left out of it."""


class Running:
    """A message that is being handled here, and the ids of that run.

    One is made for every job, so it only keeps what it is given. What a log line needs of it is
    worked out when there is a line.

    Args:
        message: The message.
        given: Tells the ids that are not in the message, such as `job_id`.
        at_end: Called when it is over, however it ends.
    """

    __slots__ = ("_at_end", "_given", "_ids", "_secrets", "_token", "message")

    def __init__(
        self,
        message: Message,
        given: Callable[[], Mapping[str, Any]],
        at_end: Callable[[], None] | None = None,
    ) -> None:
        self.message = message
        self._given = given
        self._at_end = at_end
        self._ids: Mapping[str, Any] | None = None
        self._secrets: frozenset[str] | None = None
        self._token: Token[Running | None] | None = None

    def __enter__(self) -> None:
        self._token = _current.set(self)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if self._at_end is not None:
            self._at_end()  # last: the job's time may be up in it

    def bind(self) -> None:
        """Become the current run of this context until the context is left for good."""
        self._token = _current.set(self)

    @property
    def ids(self) -> Mapping[str, Any]:
        """What log lines carry, in the order in which they carry it."""
        if self._ids is None:
            around = self._around()
            found = _ids(self.message, self._given())
            self._ids = found if around is None else {**found, **around.ids, **found}
        return self._ids

    @property
    def secrets(self) -> frozenset[str]:
        """Texts to be hidden: what the message's class marks `Secret`."""
        if self._secrets is None:
            around = self._around()
            found = (text for text in secrets_of(self.message) if len(text) >= SHORTEST_SECRET)
            self._secrets = frozenset(found) | (around.secrets if around else frozenset())
        return self._secrets

    def _around(self) -> "Running | None":
        """The run that this one is part of, as in a test that a handler starts."""
        outer = Token.MISSING if self._token is None else self._token.old_value
        return outer if isinstance(outer, Running) else None


_current: ContextVar[Running | None] = ContextVar("postroom_running", default=None)


@dataclass(frozen=True)
class Progress:
    """How far a job is: a share from 0 to 1, and a note for people."""

    share: float
    note: str = ""


@dataclass
class Context:
    """One run of one message. A handler that takes a second parameter is given it.

    Not to be changed, but not frozen: one is made for every job, and that would take three times
    as long.

    Args:
        job_id: The job's id in Redis; the message's id too.
        queue: The queue it was taken from.
        attempt: Which start this is, from 1.
        max_attempts: How many starts it may have.
        make_log: Makes `log` when it is asked for first.
        report: Stores progress; use `progress()`.
        is_stopped: Whether somebody stopped this run; use `cancelled()`.
    """

    job_id: str
    queue: str
    attempt: int
    max_attempts: int
    make_log: Callable[[], structlog.stdlib.BoundLogger]
    report: Callable[[Progress], None]
    is_stopped: Callable[[], bool] = lambda: False

    @cached_property
    def log(self) -> structlog.stdlib.BoundLogger:
        """A structlog logger with the run's ids bound; its lines are also kept with the job."""
        return self.make_log()

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

    def cancelled(self) -> bool:
        """Whether somebody stopped this job. A handler that asks is not interrupted.

        It shall ask again and again, and end by itself within `STOP_GRACE`; what it returns or
        raises then does not count. Of jobs that RQ's own code runs this is never true.
        """
        return self.is_stopped()


def current_message() -> Message | None:
    """The message whose handler is running here, if one is."""
    run = _current.get()
    return None if run is None else run.message


def current_run() -> Running | None:
    """The run that this line of code is part of, if it is part of one."""
    return _current.get()


def running(message: Message, **ids: Any) -> Running:
    """Bind a message to a `with` block: its ids to the log, itself as the cause of what it sends.

    As long as it runs, what its class marks `Secret` is hidden in log lines and errors.

    Args:
        message: The message.
        ids: Further values for the log, such as `job_id` and `attempt`.
    """
    return Running(message, lambda: ids)


def trace_id(traceparent: str | None) -> str | None:
    """The trace that a W3C `traceparent` belongs to; None if there is none.

    Args:
        traceparent: The field of a message.
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return found[1] if found else None


def _ids(message: Message, given: Mapping[str, Any]) -> dict[str, Any]:
    # A field of a message must not take the place of an id, nor of a part of the line itself.
    fields = marked_values(message.data, LogField)
    conversation = {
        "correlation_id": message.correlation_id,
        "trace_id": trace_id(message.traceparent),
    }
    ahead = {"message_type": message.message_type, **given}
    rest = fields | {name: value for name, value in conversation.items() if value is not None}
    taken = ahead.keys() | PARTS_OF_A_LINE
    return ahead | {name: value for name, value in rest.items() if name not in taken}
