import asyncio
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool

import pytest
from redis.asyncio import Redis as AsyncRedis
from rq import Queue
from rq.job import Job
from rq.registry import DeferredJobRegistry, ScheduledJobRegistry
from rq.serializers import JSONSerializer

from messages import EmailMessage, InvalidMessage, NoteEnrichmentMessage
from tests.processes import own_keys
from tests.workers.conftest import message
from workers import (
    BatchInvalid,
    InvalidOption,
    Keep,
    Settings,
    StorageRefused,
    StorageUnavailable,
    aenqueue,
    aenqueue_at,
    aenqueue_in,
    aenqueue_many,
    around_enqueue,
    enqueue,
    enqueue_at,
    enqueue_in,
    enqueue_many,
    keys,
    senders,
)
from workers.connection import connect
from workers.registry import separate_registry

NOTE = NoteEnrichmentMessage.of("note-1")


def fetch(redis, job_id):
    return Job.fetch(job_id, connection=redis, serializer=JSONSerializer)


def test_a_message_becomes_a_job_that_stock_readers_understand(redis):
    note = NoteEnrichmentMessage.of("note-1")

    handle = enqueue(note, connection=redis)

    job = fetch(redis, handle.id)
    queue = Queue("note_enrichment", connection=redis, serializer=JSONSerializer)
    assert handle.id == note.message_id
    assert queue.job_ids == [handle.id]
    assert queue in Queue.all(connection=redis)
    assert job.args[0]["data"] == {"noteId": "note-1"}
    assert (job.timeout, job.result_ttl, job.failure_ttl) == (600, None, None)
    assert job.description == "NOTE_ENRICHMENT"
    assert handle.status() == "queued"
    assert redis.ttl(job.key) == -1


def test_enqueue_is_one_round_trip(redis):
    enqueue(message(), connection=redis)  # loads the script
    before = redis.info("stats")["total_commands_processed"]
    calls = redis.info("commandstats")["cmdstat_evalsha"]["calls"]

    enqueue(message(), connection=redis)

    assert redis.info("commandstats")["cmdstat_evalsha"]["calls"] == calls + 1
    assert redis.info("stats")["total_commands_processed"] - before < 16


def test_the_same_message_sent_again_is_the_same_job(redis):
    note = NoteEnrichmentMessage.of("note-1")

    first, second = enqueue(note, connection=redis), enqueue(note, connection=redis)

    assert first == second or first.id == second.id
    assert (first.is_new, second.is_new) == (True, False)
    assert redis.llen(keys.queue("note_enrichment")) == 1


@pytest.mark.parametrize(
    ("priority", "name"),
    [("high", "default:high"), (5, "default"), (10, "default:low")],
)
def test_a_priority_chooses_one_of_the_queues_three_lists(redis, priority, name):
    handle = enqueue(message(), connection=redis, priority=priority)

    assert fetch(redis, handle.id).origin == name


def test_options_reach_the_job(redis):
    handle = enqueue(
        message(),
        connection=redis,
        queue="mine",
        attempts=7,
        backoff={"type": "fixed", "delay": timedelta(seconds=5)},
        timeout=timedelta(minutes=2),
        queue_ttl=60,
        keep_completed=Keep(age=30, count=5),
        keep_failed=Keep(age=timedelta(days=1), count=50),
    )

    job = fetch(redis, handle.id)
    assert job.origin == "mine"
    assert job.meta == {
        "attempts": 7,
        "backoff": {"type": "fixed", "delay": 5.0},
        "keep_completed": 5,
        "keep_failed": 50,
    }
    assert (job.timeout, job.result_ttl, job.failure_ttl) == (120, 30, 86_400)
    assert 55 < float(redis.hget(job.key, "expires_at")) - time.time() <= 61


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("priority", {"priority": 0}),
        ("queue", {"queue": "a:b"}),
        ("attempts", {"attempts": 0}),
        ("attempts", {"attempts": True}),
        ("timeout", {"timeout": 0.5}),
        ("timeout", {"timeout": "10m"}),
        ("delay", {"delay": -1}),
        ("queue_ttl", {"queue_ttl": 0}),
        ("backoff", {"backoff": {"type": "linear", "delay": 1}}),
        ("backoff.delay", {"backoff": {"type": "fixed", "delay": 0}}),
        ("keep_failed", {"keep_failed": Keep(count=-1)}),
        ("unique_key", {"unique_window": 5}),
        ("unique_window", {"unique_key": "a", "unique_window": 0}),
        ("on_parent_failure", {"depends_on": "x", "on_parent_failure": "explode"}),
        ("depends_on", {"depends_on": "x", "delay": 5}),
        ("retries", {"retries": 5}),
    ],
)
def test_a_wrong_option_is_refused_by_name_and_nothing_is_written(redis, field, options):
    with pytest.raises(InvalidOption) as refused:
        enqueue(message(), connection=redis, **options)

    assert refused.value.field == field
    assert refused.value.remedy
    assert own_keys(redis) == []


def test_a_message_that_is_too_large_is_refused_before_anything_is_written(redis):
    with pytest.raises(InvalidMessage) as refused:
        enqueue(message(note="x" * 256_000), connection=redis)

    assert refused.value.code == "too_large"
    assert own_keys(redis) == []


def test_delays_and_times_go_to_rqs_schedule(redis):
    later = datetime(2099, 5, 1, tzinfo=UTC)

    in_an_hour = enqueue_in(3600, message(), connection=redis)
    on_a_day = enqueue_at(later, message(), connection=redis)
    in_the_past = enqueue_at(datetime(2020, 1, 1, tzinfo=UTC), message(), connection=redis)

    registry = ScheduledJobRegistry("default", connection=redis)
    soon = registry.get_scheduled_time(in_an_hour.id) - datetime.now(UTC)
    assert 3590 < soon.total_seconds() < 3602
    assert registry.get_scheduled_time(on_a_day.id) == later
    assert in_the_past.status() == "queued"
    with pytest.raises(InvalidOption, match="time zone"):
        enqueue_at(datetime(2099, 5, 1), message(), connection=redis)  # noqa: DTZ001 - what is refused


def test_of_many_threads_with_one_unique_key_one_is_first(redis):
    def attempt(_):
        return enqueue(message(), connection=redis, unique_key="import")

    with ThreadPool(16) as pool:
        handles = pool.map(attempt, range(64))

    assert len({handle.id for handle in handles}) == 1
    assert sum(handle.is_new for handle in handles) == 1
    assert redis.llen(keys.queue("default")) == 1


def test_a_unique_key_is_free_again_when_its_job_is_over(redis):
    first = enqueue(message(), connection=redis, unique_key="import")
    redis.hset(keys.job(first.id), "status", "finished")

    assert enqueue(message(), connection=redis, unique_key="import").is_new


def test_a_unique_window_holds_even_after_the_job_is_over(redis, eventually):
    first = enqueue(message(), connection=redis, unique_key="import", unique_window=0.3)
    redis.hset(keys.job(first.id), "status", "finished")

    second = enqueue(message(), connection=redis, unique_key="import", unique_window=0.3)

    assert (second.id, second.is_new) == (first.id, False)
    eventually(
        lambda: enqueue(message(), connection=redis, unique_key="import", unique_window=9).is_new
    )


def test_a_job_waits_for_those_it_depends_on_where_rq_looks(redis):
    parents = [enqueue(message(), connection=redis) for _ in range(2)]

    child = enqueue(message(), connection=redis, depends_on=parents)

    job = fetch(redis, child.id)
    assert child.status() == "deferred"
    assert child.id in DeferredJobRegistry("default", connection=redis)
    assert set(job.dependency_ids) == {parent.id for parent in parents}
    assert fetch(redis, parents[0].id).dependent_ids == [child.id]


def test_many_messages_are_written_in_order_and_their_ids_returned(redis):
    messages = [message(note=str(number)) for number in range(2_500)]

    ids = enqueue_many(iter(messages), connection=redis, queue="bulk")

    assert ids == [sent.message_id for sent in messages]
    assert [entry.decode() for entry in redis.lrange(keys.queue("bulk"), 0, -1)] == ids


def test_a_batch_with_a_wrong_message_stops_before_its_chunk(redis):
    def source():
        for number in range(1_500):
            yield message(note=str(number))
        yield message(note="x" * 300_000)

    with pytest.raises(BatchInvalid) as refused:
        enqueue_many(source(), connection=redis)

    assert refused.value.index == 1_500
    assert len(refused.value.enqueued) == 1_000
    assert redis.llen(keys.queue("default")) == 1_000


def test_a_message_that_cannot_even_be_made_is_counted_in_the_batch(redis):
    def source():
        yield message()
        yield EmailMessage.of("nobody", "x", "welcome")

    with pytest.raises(BatchInvalid) as refused:
        enqueue_many(source(), connection=redis)

    assert (refused.value.index, refused.value.field) == (1, "data.to")
    assert own_keys(redis) == []


def test_the_async_twins_do_the_same(redis, redis_server):
    async def main():
        async with AsyncRedis.from_url(redis_server.url) as connection:
            one = await aenqueue(message(), connection=connection, priority="high")
            later = await aenqueue_in(60, message(), connection=connection)
            day = await aenqueue_at(
                datetime(2099, 1, 1, tzinfo=UTC), message(), connection=connection
            )
            many = await aenqueue_many([message() for _ in range(3)], connection=connection)
            return one.id, later.id, day.id, many

    one, later, day, many = asyncio.run(main())

    assert fetch(redis, one).origin == "default:high"
    assert [fetch(redis, job_id).get_status() for job_id in (later, day)] == ["scheduled"] * 2
    assert [entry.decode() for entry in redis.lrange(keys.queue("default"), 0, -1)] == many


def test_without_a_connection_the_settings_name_the_server(redis):
    assert enqueue(message()).status() == "queued"
    assert enqueue_many([message()]) != []


def test_redis_away_is_one_typed_error_at_once():
    settings = Settings(redis_url="redis://127.0.0.1:1/0", redis_timeout=1)
    began = time.monotonic()
    with connect(settings) as connection, pytest.raises(StorageUnavailable) as refused:
        enqueue(message(), connection=connection, settings=settings)

    assert time.monotonic() - began < 1
    assert "REDIS_URL" in refused.value.remedy


def test_a_server_that_does_not_answer_is_given_up_after_redis_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = Settings(redis_url=f"redis://127.0.0.1:{port}/0", redis_timeout=0.3)
        began = time.monotonic()
        with connect(settings) as connection, pytest.raises(StorageUnavailable):
            enqueue(message(), connection=connection, settings=settings)

    assert 0.3 <= time.monotonic() - began < 1.5


def test_something_else_that_answers_is_told_apart_from_redis():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = Settings(redis_url=f"redis://127.0.0.1:{port}/0", redis_timeout=2)

        def answer():
            with suppress(OSError):  # the test is over, whether a second one came or not
                for _ in range(2):
                    peer, _ = other.accept()
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with connect(settings) as connection, pytest.raises(StorageUnavailable) as refused:
            enqueue(message(), connection=connection, settings=settings)

    assert refused.value.code in {"not_redis", "redis_unavailable"}


def test_a_full_redis_refuses_the_whole_job(redis, redis_server):
    if redis_server.origin == "given":
        pytest.skip("the limit of a server that the tests did not start is not theirs to change")
    enqueue(message(), connection=redis)
    redis.flushdb()
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(StorageRefused) as refused:
            enqueue(message(), connection=redis)
        assert refused.value.code == "storage_full"
    finally:
        redis.config_set("maxmemory", "0")
    assert own_keys(redis) == []


def test_middleware_may_change_or_refuse_what_is_sent(redis):
    with separate_registry():

        @around_enqueue
        def stamp(message, options):
            metadata = {"tenant": "acme"}
            return message.model_copy(update={"metadata": metadata}), {**options, "queue": "vip"}

        handle = enqueue(message(), connection=redis)

        @around_enqueue
        def refuse(message, options):
            raise PermissionError

        with pytest.raises(PermissionError):
            enqueue(message(), connection=redis)

    job = fetch(redis, handle.id)
    assert job.origin == "vip"
    assert job.args[0]["metadata"] == {"tenant": "acme"}
    assert redis.llen(keys.queue("vip")) == 1


def test_every_shipped_type_has_a_sender_in_the_order_of_its_document(redis):
    sent = [
        senders.send_test("echo"),
        senders.send_workout_update("plan", "phase", "session", "exercise", {"sets": 4}, "user"),
        senders.send_user_action("viewed", "note", "note-1", {"page": 2}, "user"),
        senders.send_notification("user", "Hello", "World", "success", "/here"),
        senders.send_email("ada@example.com", "Hi", "welcome", {"name": "Ada"}),
        senders.send_data_sync("backup", "note", ["note-1"]),
        senders.send_note_enrichment("note-1"),
        senders.send_activity_schema("activity-1"),
    ]

    kinds = [fetch(redis, handle.id).args[0]["messageType"] for handle in sent]
    data = [fetch(redis, handle.id).args[0]["data"] for handle in sent]

    assert kinds == [
        "TEST",
        "WORKOUT_UPDATE",
        "USER_ACTION",
        "NOTIFICATION",
        "EMAIL",
        "DATA_SYNC",
        "NOTE_ENRICHMENT",
        "ACTIVITY_SCHEMA",
    ]
    assert data[1]["changes"] == {"sets": 4}
    assert data[3]["actionUrl"] == "/here"


def test_a_connection_that_died_with_a_restarted_server_is_replaced(redis, redis_server):
    settings = Settings(redis_url=redis_server.url)
    with connect(settings) as connection:
        connection.ping()
        redis.client_kill_filter(_type="normal", skipme=True)
        assert enqueue(message(), connection=connection).is_new
