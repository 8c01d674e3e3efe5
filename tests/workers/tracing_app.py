"""An application for the tests of traces: one handler that fails twice, and a span of its own."""

import time

from opentelemetry import trace

from messages import NoteEnrichmentMessage, TestMessage
from tests.workers.tracing_secret import SECRET_OF_AN_ERROR
from workers import Context, TransientError, enqueue, handles


@handles(TestMessage)
async def third_time_lucky(message: TestMessage, context: Context) -> None:
    with trace.get_tracer("app").start_as_current_span(
        "look it up", record_exception=False, set_status_on_exception=False
    ):
        if message.data.test_type == "hungry":
            eaten = bytearray(600 * 1024 * 1024)
            time.sleep(30 * bool(eaten))  # noqa: ASYNC251 - until it is killed
        if context.attempt < 3:
            raise TransientError(SECRET_OF_AN_ERROR)
        if message.data.test_type == "parent":
            enqueue(NoteEnrichmentMessage.of("note-1"), queue="default")


@handles(NoteEnrichmentMessage)
def do_nothing(message: NoteEnrichmentMessage) -> None:
    del message
