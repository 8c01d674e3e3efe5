"""The spans of messages: `enqueue TYPE` where one is stored, `process TYPE` for each attempt.

Imported by tracing.py only, and only where messages are traced. Spans carry ids, counts and the
fingerprint of an error, and nothing of a payload nor of an error's text.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any, TypeVar, assert_never

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from messages import Message
from workers.dispatcher import Completed, Dead, Outcome, RetryAfter
from workers.errors import JobStopped
from workers.fingerprint import fingerprint
from workers.handling import Finish, HandBack
from workers.routing import queue_of
from workers.runs import Run

M = TypeVar("M", bound=Message)
T = TypeVar("T")

_LONGEST_FLUSH = 2.0  # seconds: a worker that was told to stop must not wait for a collector
_W3C = TraceContextTextMapPropagator()
_one = Lock()  # handlers may begin in several threads at once


class Tracer:
    """Makes the spans of one process.

    A provider that the application has set stays; else there will be one that sends by OTLP over
    HTTP, as the variables `OTEL_*` say.
    """

    def __init__(self) -> None:
        self._provider = _provider()
        self._tracer = self._provider.get_tracer("postroom")

    @contextmanager
    def sending(self, message: M, destination: str) -> Iterator[M]:
        """Make the span of a message that is being stored.

        Its parent is what the message's `traceparent` names, else what runs here.

        Args:
            message: The message.
            destination: Its queue or stream.

        Yields:
            The message with the `traceparent` of the span.
        """
        span = self._start(message, destination)
        try:
            yield _carrying(message, span)
        except BaseException as error:
            _fail(span, error)
            raise
        finally:
            span.end()

    def each(self, messages: Iterable[M], destination: Callable[[M], str]) -> Iterator[M]:
        """Make a span for each message of a batch; it ends before the message is stored.

        Args:
            messages: The batch.
            destination: Tells the queue or the stream of a message.

        Yields:
            The messages, each with the `traceparent` of its span.
        """
        for message in messages:
            if not isinstance(message, Message):  # who stores it says what is wrong with that
                yield message
                continue
            span = self._start(message, destination(message))
            span.end()
            yield _carrying(message, span)

    @contextmanager
    def processing(self, run: Run, message: Message) -> Iterator["Attempt"]:
        """Make the span of an attempt, whose parent is where the message was stored.

        Args:
            run: The attempt.
            message: What is handled; its handler's own spans become children.

        Yields:
            What is to be told how it ends.
        """
        span = self._tracer.start_span(
            f"process {message.message_type}",
            context=_W3C.extract({"traceparent": message.traceparent or ""}, Context()),
            kind=SpanKind.CONSUMER,
            attributes=_of_run(run, message),
        )
        attempt = Attempt(span)
        with trace.use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            try:
                yield attempt
            except BaseException as error:
                attempt.broken(error)
                raise

    def flush(self) -> None:
        """Send what has ended; waits for 2 s at most."""
        flush = getattr(self._provider, "force_flush", None)
        if flush is not None:  # a provider of the application's own need not have it
            sender = Thread(target=flush, daemon=True)
            sender.start()
            sender.join(_LONGEST_FLUSH)

    def _start(self, message: Message, destination: str) -> Span:
        explicit = message.traceparent
        return self._tracer.start_span(
            f"enqueue {message.message_type}",
            context=_W3C.extract({"traceparent": explicit}) if explicit else None,
            kind=SpanKind.PRODUCER,
            attributes=_of_message(message, destination, "enqueue", "send"),
        )


class Attempt:
    """The span of one attempt.

    Args:
        span: It has begun, and somebody else ends it.
    """

    def __init__(self, span: Span) -> None:
        self._span = span

    def ending(self, finish: Finish[T]) -> Finish[T]:
        """A function that ends a run as another one does, and notes how it ended.

        Args:
            finish: The other one.
        """

        def _ending(message: Message | None, outcome: Outcome | HandBack) -> T:
            self._note(outcome)
            return finish(message, outcome)

        return _ending

    def broken(self, error: BaseException) -> None:
        """The attempt did not come to an outcome of its own.

        Args:
            error: What was raised through it.
        """
        self._span.set_attribute(
            "postroom.outcome", "stopped" if isinstance(error, JobStopped) else "interrupted"
        )
        _fail(self._span, error)

    def _note(self, outcome: Outcome | HandBack) -> None:
        match outcome:
            case Completed():
                self._span.set_attribute("postroom.outcome", "completed")
            case RetryAfter():
                delay = outcome.delay.total_seconds()
                self._failed(outcome.error, "retried", {"postroom.retry.delay_seconds": delay})
            case Dead():
                self._failed(outcome.error, "dead", {"postroom.dead.reason": outcome.reason})
            case HandBack():
                self._span.set_attribute("postroom.outcome", "handed_back")
            case _:
                assert_never(outcome)

    def _failed(self, error: BaseException, outcome: str, more: Mapping[str, Any]) -> None:
        self._span.set_attributes({"postroom.outcome": outcome, **more})
        _fail(self._span, error)


class _OfThisProcess(SpanProcessor):
    """Sends spans in batches. A copy of a process must not write to the connection of another."""

    def __init__(self) -> None:
        self._process = 0
        self._sender: SpanProcessor | None = None

    @override
    def on_end(self, span: ReadableSpan) -> None:
        if self._process != os.getpid():
            self._sender, self._process = BatchSpanProcessor(OTLPSpanExporter()), os.getpid()
        if self._sender is not None:
            self._sender.on_end(span)

    @override
    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        sender = self._sender if self._process == os.getpid() else None
        return sender is None or sender.force_flush(timeout_millis)

    @override
    def shutdown(self) -> None:
        if self._sender is not None and self._process == os.getpid():
            self._sender.shutdown()


def _provider() -> trace.TracerProvider:
    with _one:
        known = trace.get_tracer_provider()
        if not isinstance(known, trace.ProxyTracerProvider):
            return known
        made = TracerProvider()
        made.add_span_processor(_OfThisProcess())
        trace.set_tracer_provider(made)  # also for the spans that handlers and libraries make
        return made


def _carrying(message: M, span: Span) -> M:
    found = span.get_span_context()
    if not found.is_valid:  # such as with OTEL_SDK_DISABLED
        return message
    traceparent = f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
    return message.model_copy(update={"traceparent": traceparent})


def _fail(span: Span, error: BaseException) -> None:
    name, kind = fingerprint(error), f"{type(error).__module__}.{type(error).__qualname__}"
    span.set_attributes({"error.type": kind, "postroom.fingerprint": name})
    span.set_status(Status(StatusCode.ERROR, f"{type(error).__qualname__} {name}"))


def _of_message(message: Message, destination: str, name: str, kind: str) -> dict[str, Any]:
    # By OpenTelemetry's conventions for messaging; what they have no name for is `postroom.*`.
    found: dict[str, Any] = {
        "messaging.system": "redis",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": destination,
        "messaging.message.id": message.message_id,
        "postroom.message.type": message.message_type,
    }
    if message.correlation_id is not None:
        found["messaging.message.conversation_id"] = message.correlation_id
    if message.tenant is not None:
        found["postroom.tenant"] = message.tenant
    return found


def _of_run(run: Run, message: Message) -> dict[str, Any]:
    found = _of_message(message, queue_of(run.list_name), "process", "process")
    found["messaging.client.id"] = run.place.worker
    found["postroom.attempt"] = run.attempt.number
    found["postroom.waited_seconds"] = run.waited
    if run.place.group:
        found["messaging.consumer.group.name"] = run.place.group
    return found
