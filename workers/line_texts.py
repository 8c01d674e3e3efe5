"""The text of the two lines of a job, made without the steps that other log lines go through.

What they say, and in which order, is what those steps would make of `job_started` and
`job_completed`; a line that is not plain enough for the short way is left to them.
"""

import json
import re
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from messages import LogField, Message
from messages.fields import marked_fields
from messages.masking import SECRET_NAME, holds_secrets
from workers.context import PARTS_OF_A_LINE, Running, trace_id
from workers.redaction import known_secrets, redacted, redacted_value

# Neither a character to escape nor one that the looks of a secret need, such as a space or a colon.
_PLAIN = re.compile(r"[A-Za-z0-9_.\-]+")

_TAKEN = PARTS_OF_A_LINE | {
    *("message_type", "job_id", "queue", "attempt"),
    *("correlation_id", "trace_id", "duration_ms"),
}
_MOST_QUEUES = 1_000  # names that are remembered; there may be a queue for each tenant
_MILLION = 1_000_000
_MANY = " "  # not plain
_OFFSET = len("+00:00")


JobIds = tuple[str, str]
"""What both lines of one start of a job have in common: the type and the job as the sentence has
them, and the ids, from the message type on, as they stand in the line."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the lines of all messages of a class have in common.

    Args:
        cls: The class.
        name: The wire name as it stands between the quotes of a line.
        fields: Those marked `LogField`, each with what stands ahead of its value.
        is_odd: Whether a field has a name that other lines treat in a way of its own.
        hides: Whether messages may hold secrets.
    """

    cls: type[Message]
    name: str
    fields: tuple[tuple[str, str], ...]
    is_odd: bool
    hides: bool


class LineTexts:
    """Makes the lines, and remembers what does not change from one to the next."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        self._queues: dict[str, str] = {}
        self._second = (-_MILLION, "")  # when it began, in microseconds since 1970

    def may_wait(self, message: Message) -> bool:
        """Whether the lines of a message may be made later, when nobody runs it any more.

        Args:
            message: What the job's handler is given. One that may hold secrets cannot wait.
        """
        kind = self._kind(message)
        return not (kind.is_odd or kind.hides)

    def ids(self, message: Message, job_id: str, queue: str, attempt: int) -> JobIds | None:
        """What both lines have in common.

        Args:
            message: What the job's handler is given.
            job_id: The job.
            queue: The queue it was taken from.
            attempt: Which start this is.

        Returns:
            The ids; None if only the ordinary way can write these lines.
        """
        kind = self._kind(message)
        if kind.is_odd:
            return None
        seen, rest = _as_they_are(kind, message)
        if not _is_plain(job_id + seen):
            if kind.hides:
                return None
            job_id, rest = _text(job_id), _redacted(kind, message)
        pairs = (
            f'"message_type": "{kind.name}", "job_id": "{job_id}", '
            f'"queue": "{self._queue(queue)}", "attempt": {attempt}{rest}'
        )
        if kind.hides and _shows_secrets(message, pairs, queue):
            return None
        return f"{kind.name} {job_id}", pairs

    def line(self, ids: JobIds, at: int, duration_ms: float | None) -> str:
        """The line of a start or of a success.

        Args:
            ids: Those of the job.
            at: When it happened, in nanoseconds since 1970.
            duration_ms: How long it took, finite; None if it started.
        """
        time_text = self._time(at // 1000)
        subject, pairs = ids
        if duration_ms is None:
            return (
                f'{{"timestamp": "{time_text}", "level": "INFO", "message": "Processing '
                f'{subject}", "module": "postroom.jobs", "event": "job_started", {pairs}}}'
            )
        return (
            f'{{"timestamp": "{time_text}", "level": "INFO", "message": "Completed '
            f'{subject} in {duration_ms} ms", "module": "postroom.jobs", '
            f'"event": "job_completed", {pairs}, "duration_ms": {duration_ms}}}'
        )

    def _kind(self, message: Message) -> _Kind:
        kind = self._kinds.get(message.message_type)
        if kind is None or kind.cls is not type(message):
            kind = self._kinds[message.message_type] = _kind(message)
        return kind

    def _queue(self, name: str) -> str:
        text = self._queues.get(name)
        if text is None:
            if len(self._queues) >= _MOST_QUEUES:
                self._queues.clear()
            text = self._queues[name] = _text_for_all(name)
        return text

    def _time(self, now: int) -> str:
        begin, text = self._second
        if not begin <= now < begin + _MILLION:
            begin = now - now % _MILLION
            text = datetime.fromtimestamp(begin // _MILLION, UTC).isoformat()[:-_OFFSET]
            self._second = (begin, text)
        # The million keeps the leading zeros; isoformat() leaves out a fraction that is zero.
        return f"{text}.{str(now - begin + _MILLION)[1:]}Z" if now != begin else f"{text}Z"


def _kind(message: Message) -> _Kind:
    names = marked_fields(type(message.data), LogField)
    return _Kind(
        cls=type(message),
        name=_text_for_all(message.message_type),
        fields=tuple((name, f", {quoted(name)}: ") for name in names),
        is_odd=any(name in _TAKEN or SECRET_NAME.search(name) for name in names),
        hides=holds_secrets(type(message)),
    )


def _as_they_are(kind: _Kind, message: Message) -> tuple[str, str]:
    """What must be plain, and the part of the line that is right if it is."""
    seen = rest = ""
    for name, ahead in kind.fields:
        value = getattr(message.data, name)
        if type(value) is str:
            seen += value
            rest += f'{ahead}"{value}"'
        elif type(value) is int:
            seen += str(value)  # a secret may be a number
            rest += f"{ahead}{value}"
        elif value is not None:
            seen += _MANY  # a list, say: its texts are looked at one by one
    if message.correlation_id is not None:
        seen += message.correlation_id
        rest += f', "correlation_id": "{message.correlation_id}"'
    if message.traceparent is not None and (trace := trace_id(message.traceparent)):
        seen += trace
        rest += f', "trace_id": "{trace}"'
    return seen, rest


def _redacted(kind: _Kind, message: Message) -> str:
    values = [(name, ahead, getattr(message.data, name)) for name, ahead in kind.fields]
    values.append(("correlation_id", ', "correlation_id": ', message.correlation_id))
    values.append(("trace_id", ', "trace_id": ', trace_id(message.traceparent)))
    return "".join(
        f"{ahead}{_json(name, value)}" for name, ahead, value in values if value is not None
    )


def _json(name: str, value: Any) -> str:
    if type(value) is str:
        return quoted(redacted(value))
    return json.dumps(redacted_value(value, name=name), default=str)


def _is_plain(texts: str) -> bool:
    if _PLAIN.fullmatch(texts) is None:
        return False
    for secret in known_secrets():  # noqa: SIM110 - any() would cost as much as all the rest
        if secret in texts:
            return False
    return True


def _text(value: str) -> str:
    return quoted(redacted(value))[1:-1]


def _text_for_all(value: str) -> str:
    """A text to be remembered: without what only the run of this moment would hide."""
    return Context().run(_text, value)


def _shows_secrets(message: Message, pairs: str, queue: str) -> bool:
    # The queue and the type as they are: in the line, their looks may have hidden part of a secret.
    texts = (pairs, queue, message.message_type)
    return any(secret in text for secret in Running(message, dict).secrets for text in texts)
