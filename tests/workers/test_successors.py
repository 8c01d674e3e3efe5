"""A failed or stopped job's message is sent again, perhaps changed, as a job of its own."""

import json

import pytest
from rq import Queue

from messages import InvalidMessage
from tests.workers.conftest import message, settled
from tests.workers.letters import bury_message
from workers import (
    By,
    InvalidOption,
    InvalidState,
    JobHandle,
    JobNotFound,
    audit,
    dead_letters,
    enqueue,
    keys,
    operations,
    retry_job,
)
from workers.dead_letters import NotReplayable

BY = By("ann", "the disk is mended")
QUEUE = "quiet"


@pytest.fixture
def retry(redis):
    return lambda job_id, **options: retry_job(job_id, by=BY, connection=redis, **options)


def failed(redis, status="failed", **options):
    """A job that failed and has no dead letter, such as one whose letter was purged."""
    handle = enqueue(message("echo", new_value=1), queue=QUEUE, connection=redis, **options)
    name = redis.hget(keys.job(handle.id), "origin").decode()
    redis.lrem(keys.queue(name), 1, handle.id)
    redis.hset(keys.job(handle.id), "status", status)
    redis.zadd(keys.failed(name), {handle.id: 1})
    return handle.id


def envelope(redis, job_id):
    return json.loads(redis.hget(keys.job(job_id), "data"))[2][0]


def test_a_stopped_job_is_retried_by_a_worker(redis, send, start_worker, retry, eventually):
    worker = start_worker()  # of this test alone: others here compare all that there is
    handle = send("sleep", new_value=60)
    eventually(lambda: worker.starts("sleep"))
    operations.stop(handle.id, by=BY, connection=redis)
    assert settled(handle, within=10) == "stopped"

    new_id = retry(handle.id, data={"testType": "echo"})

    assert JobHandle(new_id, connection=redis).wait(10) == {"echo": "echo", "attempt": 1}
    assert handle.status() == "stopped"


def test_the_successor_keeps_the_lineage_and_what_its_sender_chose(redis, retry):
    old = failed(redis, priority="high", attempts=7, timeout=33)

    new_id = retry(old)

    sent = envelope(redis, new_id)
    assert (sent["messageId"], sent["causationId"], sent["correlationId"]) == (new_id, old, old)
    assert sent["metadata"] == {"replayOf": old}
    assert redis.lrange(keys.queue(f"{QUEUE}:high"), 0, -1) == [new_id.encode()]
    record = redis.hgetall(keys.job(new_id))
    assert (json.loads(record[b"meta"]), record[b"timeout"]) == ({"attempts": 7}, b"33")


def test_data_and_options_can_be_changed(redis, retry):
    old = failed(redis)
    backoff = {"type": "fixed", "delay": 3}

    new_id = retry(
        old,
        data={"payload": {"newValue": 2}},
        priority=9,
        attempts=2,
        backoff=backoff,
        timeout=44,
        queue="other",
    )

    assert envelope(redis, new_id)["data"]["payload"]["newValue"] == 2
    assert redis.lrange(keys.queue("other:low"), 0, -1) == [new_id.encode()]
    record = redis.hgetall(keys.job(new_id))
    assert json.loads(record[b"meta"]) == {"attempts": 2, "backoff": backoff}
    assert record[b"timeout"] == b"44"


def test_it_leaves_one_audit_entry_with_the_fields_and_no_values(redis, retry):
    old = failed(redis)

    new_id = retry(old, data={"testType": "a secret"})

    (entry,) = audit.entries(connection=redis)
    assert (entry.action, entry.target, entry.actor) == ("job.retry", old, "ann")
    assert entry.reason == "the disk is mended"
    assert entry.details == {
        "messageType": "TEST",
        "newJobId": new_id,
        "fields": ["data.testType"],
    }


def test_a_job_with_a_dead_letter_is_retried_by_replaying_that(redis, retry):
    job_id = bury_message(redis, message(), queue=QUEUE)

    new_id = retry(job_id, timeout=12)

    assert dead_letters.find(job_id, connection=redis) is None
    assert redis.hget(keys.job(new_id), "timeout") == b"12"
    assert [entry.action for entry in audit.entries(connection=redis)] == ["dead_letter.replay"]


def test_a_job_is_retried_once(redis, retry):
    old = failed(redis)
    new_id = retry(old)

    with pytest.raises(InvalidState, match=f"retried already as job {new_id}"):
        retry(old)

    assert redis.llen(keys.queue(QUEUE)) == 1


def test_what_was_retried_is_not_requeued_by_rq_as_well(redis, retry):
    old = failed(redis)

    retry(old)

    assert old not in Queue(QUEUE, connection=redis).failed_job_registry.get_job_ids(cleanup=False)
    assert redis.exists(keys.job(old))


@pytest.mark.parametrize("status", ["queued", "started", "finished", "scheduled", "canceled"])
def test_only_what_failed_or_was_stopped_is_retried(redis, retry, status):
    with pytest.raises(InvalidState, match=status) as refused:
        retry(failed(redis, status))

    assert refused.value.remedy
    assert audit.entries(connection=redis) == []


def test_a_job_that_is_not_there_is_not_found(retry):
    with pytest.raises(JobNotFound):
        retry("nobody")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"data": {"testType": None}}, InvalidMessage),
        ({"data": {"unknown": 1}}, InvalidMessage),
        ({"attempts": 0}, InvalidOption),
        ({"priority": 11}, InvalidOption),
        ({"timeout": 0}, InvalidOption),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(redis, retry, changes, error):
    old = failed(redis)
    before = {key: redis.dump(key) for key in redis.scan_iter()}

    with pytest.raises(error) as refused:
        retry(old, **changes)

    assert refused.value.field
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before


def test_without_a_reason_nothing_is_retried(redis):
    old = failed(redis)

    with pytest.raises(InvalidOption):
        retry_job(old, by=By("ann", " "), connection=redis)

    assert redis.llen(keys.queue(QUEUE)) == 0


def test_a_job_that_is_no_message_is_not_retried(redis, retry):
    job = Queue(QUEUE, connection=redis).enqueue("tests.workers.stock_jobs.touch", "x")
    redis.hset(keys.job(job.id), "status", "failed")

    with pytest.raises(NotReplayable):
        retry(job.id)
