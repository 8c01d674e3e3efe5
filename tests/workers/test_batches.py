"""How jobs are stored: in one round trip, whole or not at all, by sync and async calls alike."""

import asyncio
import json
import os
from threading import Thread

import fakeredis
import pytest
from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio import Redis as AsyncRedis
from rq.job import Job
from rq.serializers import JSONSerializer

from benchmarks.monitor import counted_commands
from benchmarks.proxy import counting_proxy
from messages import NoteEnrichmentMessage
from tests.workers.conftest import message
from workers import (
    BatchInvalid,
    InvalidOption,
    StorageRefused,
    aenqueue,
    aenqueue_many,
    around_enqueue,
    enqueue,
    enqueue_many,
    keys,
)
from workers.batches import Lane
from workers.calls import JOBS_A_CALL, calls_of
from workers.record import job_record
from workers.registry import separate_registry
from workers.settings import load_settings


def waiting(redis, name="default"):
    return [entry.decode() for entry in redis.lrange(keys.queue(name), 0, -1)]


def fields(redis, job_id):
    return Job.fetch(job_id, connection=redis, serializer=JSONSerializer).to_dict()


def fields_of(client, job_id):
    return {k.decode(): v.decode() for k, v in client.hgetall(keys.job(job_id)).items()}


@pytest.fixture
def port(redis_server, redis):
    return redis.connection_pool.connection_kwargs["port"]


def test_a_chunk_is_one_write_and_one_transaction(redis, port):
    enqueue(message(), connection=redis)  # loads the script
    sent = [message() for _ in range(500)]

    with counting_proxy(port) as proxy, Redis.from_url(proxy.url) as client:
        client.ping()
        before = proxy.writes
        enqueue_many(sent, connection=client)
        writes = proxy.writes - before

    assert writes <= 8  # one round trip; the proxy may see 250 kB in several pieces
    assert len(waiting(redis)) == 501


def test_a_chunk_takes_a_call_of_the_script_for_a_hundred_jobs(redis, port):
    enqueue(message(), connection=redis)
    with counted_commands(port) as counted:
        enqueue_many([message() for _ in range(1_000)], connection=redis)

    assert counted.commands <= 2 + 1_000 // JOBS_A_CALL + 2


def test_a_call_of_the_script_takes_a_few_milliseconds_of_the_server_at_most(redis, redis_server):
    if redis_server.origin == "given":
        pytest.skip("others may use the processor time of a server that is not ours")

    def cpu_seconds():
        used = redis.info("cpu")
        return used["used_cpu_user"] + used["used_cpu_sys"]

    sent = [NoteEnrichmentMessage.of(f"note-{number}") for number in range(3_000)]
    before = cpu_seconds()  # not the log of slow commands: on a busy machine a pause is in that
    enqueue_many(sent, connection=redis)

    assert (cpu_seconds() - before) / (len(sent) / JOBS_A_CALL) < 0.01


def test_a_server_that_forgot_the_script_is_told_it_again(redis):
    enqueue(message(), connection=redis)

    redis.script_flush()
    enqueue(message(), connection=redis)
    redis.script_flush()
    enqueue_many([message() for _ in range(3)], connection=redis)

    assert len(waiting(redis)) == 5


def test_an_async_call_tells_it_again_too(redis, redis_server):
    async def main():
        async with AsyncRedis.from_url(redis_server.url) as connection:
            await connection.script_flush()
            await aenqueue(message(), connection=connection)
            await connection.script_flush()
            await aenqueue_many([message() for _ in range(3)], connection=connection)

    asyncio.run(main())

    assert len(waiting(redis)) == 4


def test_one_many_and_their_async_twins_store_the_same(redis, redis_server):
    options = {"attempts": 2, "priority": "low", "keep_completed": None, "unique_key": None}
    options = {name: value for name, value in options.items() if value is not None}
    sent = [message(note="same") for _ in range(4)]

    enqueue(sent[0], connection=redis, **options)
    enqueue_many(sent[1:2], connection=redis, **options)

    async def main():
        async with AsyncRedis.from_url(redis_server.url) as connection:
            await aenqueue(sent[2], connection=connection, **options)
            await aenqueue_many(sent[3:], connection=connection, **options)

    asyncio.run(main())

    def constant(job_id):
        own = {"created_at", "enqueued_at", "data"}
        return {k: v for k, v in fields(redis, job_id).items() if k not in own}

    assert waiting(redis, "default:low") == [each.message_id for each in sent]
    assert all(constant(each.message_id) == constant(sent[0].message_id) for each in sent)


def test_each_job_of_a_chunk_has_its_own_message(redis):
    sent = [message(note=str(number)) for number in range(450)]

    enqueue_many(sent, connection=redis)

    for number in (0, 1, 199, 200, 449):
        job = Job.fetch(sent[number].message_id, connection=redis, serializer=JSONSerializer)
        assert job.args[0]["messageId"] == sent[number].message_id
        assert job.args[0]["data"]["payload"]["note"] == str(number)
        assert job.description == "TEST"


def test_jobs_stay_apart_on_a_server_whose_copies_are_not():
    sent = [message(note=str(number)) for number in range(5)]
    with fakeredis.FakeRedis() as client:  # a copy there is the same object
        enqueue_many(sent, connection=client)
        stored = [fields_of(client, each.message_id) for each in sent]

    assert [json.loads(each["data"])[2][0]["messageId"] for each in stored] == [
        each.message_id for each in sent
    ]
    assert all(each["status"] == "queued" for each in stored)


def test_known_messages_in_a_chunk_are_no_second_jobs(redis):
    known, new = message(), message()
    enqueue(known, connection=redis)

    ids = enqueue_many([new, known, new], connection=redis)

    assert ids == [new.message_id, known.message_id, new.message_id]
    assert waiting(redis) == [known.message_id, new.message_id]


def test_of_a_chunk_with_one_unique_key_the_first_stands_for_all(redis):
    sent = [message() for _ in range(450)]

    ids = enqueue_many(sent, connection=redis, unique_key="import")

    assert set(ids) == {sent[0].message_id}
    assert waiting(redis) == [sent[0].message_id]


@pytest.mark.parametrize(
    ("options", "status"),
    [({"delay": 60}, "scheduled"), ({"queue_ttl": 60}, "queued"), ({"priority": 1}, "queued")],
)
def test_options_hold_for_every_job_of_a_chunk(redis, options, status):
    ids = enqueue_many([message() for _ in range(3)], connection=redis, **options)

    stored = [fields(redis, job_id) for job_id in ids]
    expiries = [redis.hexists(keys.job(job_id), "expires_at") for job_id in ids]
    assert {each["status"] for each in stored} == {status}
    assert set(expiries) == {"queue_ttl" in options}


def test_every_job_of_a_chunk_waits_for_what_it_depends_on(redis):
    parent = enqueue(message(), connection=redis)

    ids = enqueue_many([message() for _ in range(3)], connection=redis, depends_on=parent)

    assert {fields(redis, job_id)["status"] for job_id in ids} == {"deferred"}
    assert redis.smembers(keys.dependents(parent.id)) == {job_id.encode() for job_id in ids}


def test_messages_of_several_types_keep_their_order_in_each_queue(redis):
    mixed = [message() if n % 2 else NoteEnrichmentMessage.of(f"note-{n}") for n in range(10)]

    ids = enqueue_many(mixed, connection=redis)

    assert ids == [each.message_id for each in mixed]
    assert waiting(redis) == ids[1::2]
    assert waiting(redis, "note_enrichment") == ids[::2]


def test_middleware_may_choose_for_each_message_of_a_chunk(redis):
    with separate_registry():

        @around_enqueue
        def by_note(sent, options):
            return sent, {**options, "queue": f"q{sent.data.payload.note}"}

        ids = enqueue_many([message(note=str(n % 2)) for n in range(6)], connection=redis)

    assert waiting(redis, "q0") == ids[::2]
    assert waiting(redis, "q1") == ids[1::2]


def test_an_option_is_checked_again_although_an_equal_one_was_right(redis):
    enqueue(message(), connection=redis, attempts=1)

    with pytest.raises(InvalidOption):
        enqueue(message(), connection=redis, attempts=True)


def test_what_a_source_yielded_before_it_failed_is_stored_by_whole_chunks(redis):
    def source():
        for number in range(1_500):
            yield message(note=str(number))
        raise KeyError

    with pytest.raises(KeyError):
        enqueue_many(source(), connection=redis)

    assert len(waiting(redis)) == 1_000


def test_a_source_may_use_the_same_client(redis):
    pool = BlockingConnectionPool.from_url(
        f"redis://127.0.0.1:{redis.connection_pool.connection_kwargs['port']}",
        max_connections=1,
        timeout=1,
    )

    def source(client):
        for number in range(1_001):
            client.ping()
            yield message(note=str(number))

    with Redis(connection_pool=pool) as client:
        assert len(enqueue_many(source(client), connection=client)) == 1_001


def test_a_chunk_whose_connection_broke_is_sent_again_and_stored_once(redis):
    lane = Lane(redis)
    first, second = message(), message()
    record = [job_record(each, {}, settings=load_settings()) for each in (first, second)]

    lane.store(record[:1])
    lane._wire.disconnect()  # its answer is lost
    lane.store(record[1:])

    assert lane.ids() == [first.message_id, second.message_id]
    assert sorted(waiting(redis)) == sorted(lane.ids())


def test_a_chunk_that_redis_refuses_says_how_far_it_came(redis):
    redis.set(keys.queue("mine"), "a text where a list belongs")

    with pytest.raises(StorageRefused):
        enqueue_many([message()], connection=redis, queue="mine")

    assert enqueue_many([message()], connection=redis) != []  # the connection is usable


def test_a_wrong_message_after_a_stored_chunk_tells_its_ids(redis):
    sent = [message() for _ in range(1_000)]

    with pytest.raises(BatchInvalid) as refused:
        enqueue_many([*sent, "no message"], connection=redis)

    assert refused.value.index == 1_000
    assert list(refused.value.enqueued) == [each.message_id for each in sent]


def test_threads_do_not_share_a_connection_at_the_same_time(redis, redis_server):
    with Redis(connection_pool=ConnectionPool.from_url(redis_server.url)) as client:

        def work():
            for _ in range(50):
                enqueue(message(), connection=client)

        threads = [Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(set(waiting(redis))) == 400


def test_a_forked_process_dials_its_own_connection(redis):
    enqueue(message(), connection=redis)

    child = os.fork()
    if child == 0:
        try:
            enqueue(message(), connection=redis)
        finally:
            os._exit(0)
    for _ in range(20):
        enqueue(message(), connection=redis)
    os.waitpid(child, 0)

    assert len(waiting(redis)) == 22


def test_a_client_that_decodes_may_enqueue(redis, redis_server):
    with Redis.from_url(redis_server.url, decode_responses=True) as client:
        sent = message()
        assert enqueue(sent, connection=client).id == sent.message_id
        assert enqueue_many([sent], connection=client) == [sent.message_id]


def test_a_client_of_a_single_connection_may_enqueue(redis, redis_server):
    with Redis.from_url(redis_server.url, single_connection_client=True) as client:
        ids = [enqueue(message(), connection=client).id]
        ids += enqueue_many([message(), message()], connection=client)

    assert waiting(redis) == ids


def test_jobs_that_share_their_options_share_a_call():
    settings = load_settings()
    records = [job_record(message(), {"attempts": 2}, settings=settings) for _ in range(450)]

    sizes = [len(call.records) for call in calls_of(records)]

    assert sizes == [100, 100, 100, 100, 50]
