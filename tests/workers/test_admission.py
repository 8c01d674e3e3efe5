"""What a worker lets in: whatever stands in Redis, its loop goes on and no job is forgotten."""

import json
import pickle
import zlib

import pytest
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.workers.conftest import message
from tests.workers.takers import Taker, shown_as_started
from workers import dead_letters, enqueue, keys

FIELDS = [
    "created_at",
    "enqueued_at",
    "data",
    "origin",
    "description",
    "status",
    "timeout",
    "result_ttl",
    "failure_ttl",
    "meta",
    "started_at",
    "ended_at",
    "last_heartbeat",
    "worker_name",
    "retries_left",
    "retry_intervals",
    "number_of_retries",
    "dependency_ids",
    "allow_dependency_failures",
    "expires_at",
    "webhooks",
    "ttl",
    "success_callback_name",
    "enqueue_at_front",
    "repeats_left",
    "group_id",
]
GARBAGE = (
    b"",
    b"rubbish",
    b"\xff\xfe",
    b"[]",
    b"5",
    b'"text"',
    b"null",
    b"{",
    b"-1e999",
    b"[" * 500,
)


@pytest.fixture
def taker(redis):
    return Taker(redis)


@pytest.mark.parametrize("field", FIELDS)
def test_a_corrupt_field_costs_at_most_its_own_job(redis, taker, field):
    broken = []
    for garbage in GARBAGE:
        handle = enqueue(message(), connection=redis)
        redis.hset(keys.job(handle.id), field, garbage)
        broken.append(handle)
    good = enqueue(message(), connection=redis)

    taken = taker.take_all()

    letters = {letter.job_id for letter in dead_letters.newest(99, connection=redis)}
    assert good.id in taken
    assert {handle.id for handle in broken} <= letters | set(taken)
    assert letters.isdisjoint(taken)
    assert taker.held() == taken
    assert set(shown_as_started(redis)) == set(taken)
    assert redis.llen(keys.queue("default")) == 0


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        (b'["os.system", null, ["true"], {}]', {"foreign_function"}),
        (b'["workers.jobs.run_message", {"a": 1}, [{}], {}]', {"foreign_function"}),
        (b'["os.system"]', {"not_json", "corrupt"}),
        (b'"abcd"', {"not_json", "corrupt", "foreign_function"}),
        (b"[[], null, [], {}]", {"foreign_function", "corrupt"}),
        (pickle.dumps(("os.system", None, ["true"], {})), {"not_json"}),
        (zlib.compress(pickle.dumps(("os.system", None, ["true"], {}))), {"not_json"}),
        (b"\x80", {"not_json"}),
    ],
)
def test_hostile_data_is_buried_and_named(redis, taker, data, reasons):
    handle = enqueue(message(), connection=redis)
    redis.hset(keys.job(handle.id), "data", data)

    assert taker.take() is None
    assert dead_letters.find(handle.id, connection=redis).reason in reasons


def test_a_pickled_job_with_a_pickled_meta_is_buried_too(redis, taker):
    job = Queue("default", connection=redis).enqueue("os.system", "true", meta={"a": {1, 2}})

    assert taker.take() is None
    assert dead_letters.find(job.id, connection=redis).reason == "not_json"


def test_what_is_refused_can_be_read_by_stock_readers(redis, taker):
    handle = enqueue(message(), connection=redis)
    redis.hset(keys.job(handle.id), "expires_at", 1)
    assert taker.take() is None

    job = Job.fetch(handle.id, connection=redis, serializer=JSONSerializer)

    assert job.get_status() == "failed"
    assert "longer than its queue TTL" in job.latest_result().exc_string
    assert json.loads(redis.hget(job.key, "meta")) == {"buried": "expired"}
