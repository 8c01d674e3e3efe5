"""One trace from the sender through all attempts: by the test kit, and by real workers."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from messages import EmailMessage, TestMessage
from tests.workers.collector import collector
from tests.workers.conftest import ROOT, launch
from tests.workers.kit_ground import EMAIL, a_message
from tests.workers.tracing_secret import SECRET_OF_AN_ERROR
from workers import (
    By,
    PermanentError,
    StorageUnavailable,
    TransientError,
    aenqueue,
    aenqueue_many,
    dead_letters,
    enqueue,
    enqueue_many,
    handles,
    publish,
    publish_many,
    tracing,
)
from workers.connection import connect
from workers.context import trace_id
from workers.errors import SettingInvalid
from workers.registry import separate_registry
from workers.settings import Settings, load_settings
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

WORKER = ("worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "--burst", "default")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    """What this process' provider of spans has: the application's own, so that it stays."""
    found = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(found))
    trace.set_tracer_provider(provider)
    return found


@pytest.fixture
def spans(exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    monkeypatch.setenv("TRACING", "1")
    load_settings.cache_clear()
    exporter.clear()
    return exporter


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HANDLER_PACKAGES", "messages")  # a package without handlers
    with separate_registry():
        yield


def named(exporter: InMemorySpanExporter, name: str) -> Sequence[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def trace_of(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


def test_two_failed_attempts_and_a_success_are_one_trace(spans, handlers, postroom: Postroom):
    @handles(TestMessage)
    def work(_: TestMessage) -> None:
        if len(named(spans, "process TEST")) < 2:
            raise TransientError("ada@example.com is not there")

    enqueue(a_message())
    postroom.drain()

    [sent] = named(spans, "enqueue TEST")
    attempts = named(spans, "process TEST")
    assert {trace_of(each) for each in attempts} == {trace_of(sent)}
    assert {each.parent.span_id for each in attempts} == {sent.context.span_id}
    outcomes = [each.attributes["postroom.outcome"] for each in attempts]
    assert outcomes == ["retried", "retried", "completed"]
    assert [each.attributes["postroom.attempt"] for each in attempts] == [1, 2, 3]


def test_an_attempt_tells_what_it_is_by_the_conventions(spans, handlers, postroom: Postroom):
    handles(TestMessage)(lambda _: None)

    sent = a_message().model_copy(
        update={"correlation_id": "talk-1", "metadata": {"tenant": "acme"}}
    )
    enqueue(sent, priority="high")
    postroom.drain()

    [attempt] = named(spans, "process TEST")
    found = dict(attempt.attributes)
    assert found.pop("postroom.waited_seconds") >= 0
    assert found.pop("messaging.client.id")
    assert found == {
        "messaging.system": "redis",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "default",
        "messaging.message.id": sent.message_id,
        "messaging.message.conversation_id": "talk-1",
        "postroom.message.type": "TEST",
        "postroom.tenant": "acme",
        "postroom.attempt": 1,
        "postroom.outcome": "completed",
    }
    assert attempt.kind is trace.SpanKind.CONSUMER
    assert named(spans, "enqueue TEST")[0].kind is trace.SpanKind.PRODUCER


def test_a_failure_shows_its_fingerprint_and_not_its_text(spans, handlers, postroom: Postroom):
    @handles(TestMessage)
    def work(_: TestMessage) -> None:
        raise PermanentError(SECRET_OF_AN_ERROR)

    enqueue(a_message())
    postroom.drain()

    [attempt] = named(spans, "process TEST")
    name = attempt.attributes["postroom.fingerprint"]
    assert attempt.status.status_code is trace.StatusCode.ERROR
    assert attempt.status.description == f"PermanentError {name}"
    assert attempt.attributes["error.type"] == "workers.errors.PermanentError"
    assert attempt.attributes["postroom.dead.reason"] == "permanent"
    assert (attempt.events, SECRET_OF_AN_ERROR in attempt.to_json()) == ((), False)


def test_a_replay_goes_on_in_the_trace_of_its_message(spans, handlers, postroom: Postroom):
    @handles(TestMessage)
    def work(_: TestMessage) -> None:
        if not named(spans, "process TEST"):
            raise PermanentError(SECRET_OF_AN_ERROR)

    job = enqueue(a_message())
    postroom.drain()
    dead_letters.replay(job.id, by=By("anna", "mended"), connection=postroom.connection)
    postroom.drain()

    outcomes = [each.attributes["postroom.outcome"] for each in named(spans, "process TEST")]
    assert outcomes == ["dead", "completed"]
    assert len({trace_of(each) for each in spans.get_finished_spans()}) == 1


def test_what_a_handler_sends_hangs_below_its_attempt(spans, handlers, postroom: Postroom):
    @handles(EmailMessage)
    def write(_: EmailMessage) -> None:
        enqueue_many([a_message(), a_message()])

    handles(TestMessage)(lambda _: None)
    enqueue(EMAIL)
    postroom.drain()

    [attempt] = named(spans, "process EMAIL")
    children = named(spans, "enqueue TEST")
    assert [each.parent.span_id for each in children] == [attempt.context.span_id] * 2
    assert len({trace_of(each) for each in spans.get_finished_spans()}) == 1


def test_a_message_sent_within_a_request_is_part_of_its_trace(spans, handlers, postroom: Postroom):
    handles(TestMessage)(lambda _: None)

    async def request() -> None:
        with trace.get_tracer("app").start_as_current_span("POST /orders"):
            await aenqueue(a_message())
            await aenqueue_many([a_message()])

    asyncio.run(request())
    postroom.drain()

    assert len({trace_of(each) for each in spans.get_finished_spans()}) == 1
    assert len(named(spans, "process TEST")) == 2


def test_a_traceparent_that_the_sender_wrote_wins(spans, handlers, postroom: Postroom):
    handles(TestMessage)(lambda _: None)

    enqueue(a_message().model_copy(update={"traceparent": PARENT}))
    postroom.drain()

    [sent] = named(spans, "enqueue TEST")
    [attempt] = named(spans, "process TEST")
    assert trace_of(sent) == trace_of(attempt) == trace_id(PARENT)
    assert f"{sent.parent.span_id:016x}" == "b7ad6b7169203331"


def test_a_traceparent_that_is_none_starts_a_trace(spans, handlers, postroom: Postroom):
    handles(TestMessage)(lambda _: None)

    enqueue(a_message().model_copy(update={"traceparent": "of nobody"}))
    postroom.drain()

    [sent] = named(spans, "enqueue TEST")
    assert sent.parent is None
    assert trace_of(named(spans, "process TEST")[0]) == trace_of(sent)


def test_a_message_that_could_not_be_stored_has_a_failed_span(spans):
    nobody = connect(Settings(redis_url="redis://127.0.0.1:1/0", redis_timeout=0.2))

    with pytest.raises(StorageUnavailable):
        enqueue(a_message(), connection=nobody)

    [sent] = named(spans, "enqueue TEST")
    assert sent.attributes["error.type"] == "workers.errors.StorageUnavailable"


def test_entries_of_streams_carry_their_span(spans, redis):
    publish(a_message(), connection=redis, stream="plain")
    publish_many([a_message(), a_message()], connection=redis, stream="plain")

    entries = [fields[b"traceparent"].decode() for _, fields in redis.xrange("plain")]
    sent = named(spans, "enqueue TEST")
    assert [trace_id(each) for each in entries] == [trace_of(each) for each in sent]
    assert {each.attributes["messaging.destination.name"] for each in sent} == {"plain"}


def test_without_the_switch_nothing_is_traced_nor_imported(exporter, handlers, postroom: Postroom):
    exporter.clear()
    handles(TestMessage)(lambda _: None)
    job = enqueue(a_message())
    postroom.drain()

    assert (job.status(), exporter.get_finished_spans()) == ("finished", ())
    # redis-py brings OpenTelemetry's API in by itself, where it is installed.
    code = (
        "import sys, workers, workers.engine.worker, workers.streams.worker;"
        "print(*{'workers.spans', 'opentelemetry.sdk.trace.export'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_a_worker_that_cannot_trace_says_so_and_does_not_start(monkeypatch):
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    tracing._is_installed.cache_clear()

    with pytest.raises(SettingInvalid, match=r"OpenTelemetry.*pip install"):
        tracing.check_tracing(Settings(tracing=True))
    tracing.check_tracing(Settings(tracing=False))
    tracing._is_installed.cache_clear()


@pytest.mark.parametrize("isolation", ["child", "fork"])
def test_a_real_worker_sends_one_trace_to_a_collector(
    spans, redis, start_warm, tmp_path, isolation
):
    with collector() as found:
        job = enqueue(a_message("parent"), connection=redis)
        worker = launch(
            start_warm,
            tmp_path / "trace",
            *WORKER,
            HANDLER_PACKAGES="tests.workers.tracing_app",
            TRACING="1",
            ISOLATION=isolation,
            OTEL_SERVICE_NAME="tests",
            OTEL_EXPORTER_OTLP_ENDPOINT=found.endpoint,
        )
        worker.process.popen.wait(20)

    [sent] = named(spans, "enqueue TEST")
    attempts = found.named("process TEST")
    assert job.status() == "finished"
    assert [each.attributes["postroom.outcome"] for each in attempts] == [
        "retried",
        "retried",
        "completed",
    ]
    assert {each.trace for each in found.spans} == {trace_of(sent)}
    assert {each.parent for each in attempts} == {f"{sent.context.span_id:016x}"}
    assert {each.parent for each in found.named("look it up")} == {each.span for each in attempts}
    [child] = found.named("enqueue NOTE_ENRICHMENT")
    assert child.parent in {each.span for each in found.named("look it up")}
    assert [each.parent for each in found.named("process NOTE_ENRICHMENT")] == [child.span]
    assert SECRET_OF_AN_ERROR.encode() not in b"".join(found.bodies)


def test_a_worker_of_streams_sends_its_trace_too(spans, redis, start_warm, tmp_path):
    with collector() as found:
        publish(a_message(), connection=redis, stream="plain")
        worker = launch(
            lambda _, *words, **how: start_warm("postroom", *words, **how),
            tmp_path / "trace",
            *("streams", "worker", "--burst", "--streams", "plain"),
            HANDLER_PACKAGES="tests.workers.tracing_app",
            TRACING="1",
            CONCURRENCY="2",
            OTEL_EXPORTER_OTLP_ENDPOINT=found.endpoint,
        )
        worker.process.popen.wait(20)

    [sent] = named(spans, "enqueue TEST")
    attempts = sorted(
        found.named("process TEST"), key=lambda each: each.attributes["postroom.attempt"]
    )
    assert [each.attributes["postroom.outcome"] for each in attempts] == [
        "retried",
        "retried",
        "completed",
    ]
    assert {each.trace for each in found.spans} == {trace_of(sent)}
    assert {each.attributes["messaging.consumer.group.name"] for each in attempts} == {"workers"}


def test_a_run_that_was_killed_for_its_memory_has_a_span_of_its_worker(
    spans, redis, start_warm, tmp_path
):
    with collector() as found:
        enqueue(a_message("hungry"), connection=redis, attempts=1)
        worker = launch(
            start_warm,
            tmp_path / "trace",
            *WORKER,
            HANDLER_PACKAGES="tests.workers.tracing_app",
            TRACING="1",
            JOB_MEMORY_LIMIT_MB="500",
            HEARTBEAT_SECONDS="0.3",
            OTEL_EXPORTER_OTLP_ENDPOINT=found.endpoint,
        )
        worker.process.popen.wait(20)

    [attempt] = found.named("process TEST")
    assert attempt.attributes["error.type"] == "workers.errors.MemoryLimitExceeded"
    assert attempt.attributes["postroom.outcome"] == "dead"
    assert {each.trace for each in found.spans} == {trace_of(named(spans, "enqueue TEST")[0])}


FORKING = """
import os
from workers import enqueue, load_settings
from workers.tracing import flush_spans
from tests.workers.kit_ground import a_message

def send():
    enqueue(a_message())
    flush_spans(load_settings())

send()
if os.fork() == 0:
    send()
    os._exit(0)
os.wait()
send()
"""


def test_a_copy_of_a_process_sends_by_a_connection_of_its_own(redis, start_process):
    with collector() as found:
        env = {"TRACING": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": found.endpoint}
        process = start_process(sys.executable, "-c", FORKING, cwd=ROOT, env=env)

        assert process.popen.wait(20) == 0, process.output()

    assert len({each.trace for each in found.named("enqueue TEST")}) == 3
    assert len(found.connections) == 2
