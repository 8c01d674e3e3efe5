"""Which stream a message goes to, whose it is, when, and as which fields."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import islice
from typing import NamedTuple, TypedDict

from messages import Message, PostroomError
from workers.errors import BatchInvalid
from workers.options import Duration, EnqueueOptions, seconds
from workers.outgoing import outgoing
from workers.record import check_is_message
from workers.routing import Priority, PriorityName, list_name, priority_of
from workers.settings import Settings
from workers.streams.naming import Naming
from workers.streams.wire import fields_of
from workers.tracing import traced, tracer_for

_PRIORITIES = frozenset({*Priority})

CHUNK = 100
"""Messages that one call of the script adds, so that it takes a few ms at most."""


class PublishOptions(TypedDict, total=False):
    """The options of `publish`; each may be left out.

    `stream`: instead of what the message's class or the template says. `priority`: high, normal,
    low, or 1 (most urgent) to 10; instead of what the data says. `delay`: not before.
    """

    stream: str
    priority: PriorityName | Priority | int
    delay: Duration


class Addressed(NamedTuple):
    """A message on its way.

    Args:
        key: Of the stream, with the priority.
        tenant: Whose; empty for nobody's.
        delay: In ms, as text; empty for at once.
        message_id: Its id.
        fields: Names and values by turns.
    """

    key: str
    tenant: str
    delay: str
    message_id: str
    fields: Sequence[str]


def addressed(message: Message, options: PublishOptions, settings: Settings) -> Addressed:
    """Check everything and lay out the entry.

    Args:
        message: The message.
        options: What the caller said.
        settings: The template.

    Returns:
        The entry, and where it goes.

    Raises:
        InvalidMessage: If the message is too large.
        InvalidOption: If an option cannot be used.
    """
    check_is_message(message)
    chosen: EnqueueOptions = {}
    if "priority" in options:
        chosen["priority"] = options["priority"]
    if "delay" in options:
        chosen["delay"] = options["delay"]
    # Of what middleware adds, only what means something to a stream counts.
    message, chosen = outgoing(message, chosen)
    naming = Naming(settings.stream_template)
    priority = priority_of(chosen.get("priority", _own_priority(message)))
    key = list_name(naming.for_message(message, options.get("stream")), priority)
    delay = ""
    if "delay" in chosen:
        delay = str(round(seconds(chosen["delay"], field="delay", least=0) * 1000))
    tenant = naming.read(key).tenant
    return Addressed(key, tenant, delay, message.message_id, fields_of(message, priority))


def sending(
    message: Message, options: PublishOptions, settings: Settings
) -> AbstractContextManager[Message]:
    """What a message's way into a stream is part of: its span, if it is traced.

    Args:
        message: The message.
        options: What the caller said.
        settings: The template, and whether messages are traced.

    Returns:
        A context in which the message, which may be a copy, is to be stored.
    """
    tracer = tracer_for(settings) if settings.tracing else None
    if tracer is None:
        return nullcontext(message)
    return tracer.sending(message, _stream(options, settings, message))


def _stream(options: PublishOptions, settings: Settings, message: Message) -> str:
    check_is_message(message)
    return Naming(settings.stream_template).for_message(message, options.get("stream"))


def _own_priority(message: Message) -> Priority | None:
    """What the data says, if it means a priority of ours."""
    own = vars(message.data).get("priority")  # many times faster than getattr, if it has none
    return Priority(own) if isinstance(own, str) and own in _PRIORITIES else None


def chunks(
    messages: Iterable[Message],
    options: PublishOptions,
    settings: Settings,
    stored: Callable[[], Sequence[str]],
) -> Iterator[Sequence[Addressed]]:
    """Lay out many messages with the same options.

    Args:
        messages: Any iterable; a chunk of it is taken at a time.
        options: Of every message.
        settings: The template.
        stored: Gives the ids that are stored so far.

    Yields:
        Up to 100 entries.

    Raises:
        BatchInvalid: If a message or its options cannot be used.
    """
    source = iter(traced(messages, settings, partial(_stream, options, settings)))
    index = 0
    while True:
        chunk: list[Addressed] = []
        try:
            for message in islice(source, CHUNK):
                chunk.append(addressed(message, options, settings))  # noqa: PERF401 - on an error its length is the index
        except PostroomError as error:
            at = index + len(chunk)
            raise BatchInvalid(error, index=at, enqueued=list(stored())) from error
        if not chunk:
            return
        yield chunk
        index += len(chunk)
