"""A job is buried exactly once whichever way it dies, and its letter stays until it may go."""

import pytest
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from tests.workers.conftest import message, reason, settled
from workers import dead_letters, enqueue, keys, operations
from workers.audit import By
from workers.clearing import clear
from workers.reconcile import reconcile
from workers.settings import Settings

APP = {"HANDLER_PACKAGES": "tests.workers.burial_app"}


def fail(redis, handle):
    """Let a stock clean-up fail a job, which tells nobody."""
    job = Job.fetch(handle.id, connection=redis, serializer=JSONSerializer)
    redis.lrem(keys.queue("default"), 0, handle.id)
    job.set_status("failed")
    FailedJobRegistry("default", connection=redis, serializer=JSONSerializer).add(
        job, ttl=60, exc_string="Moved to FailedJobRegistry"
    )


@pytest.mark.parametrize(
    ("kind", "runs"), [("plain", 1), ("killed before", 2), ("killed after", 1)]
)
def test_a_job_is_buried_once_even_if_its_process_is_killed_meanwhile(
    redis, send, start_worker, kind, runs
):
    worker = start_worker(env=APP)
    handle = send(kind)

    assert settled(handle) == "failed"
    assert send("good").wait(10) is None
    assert reason(redis, handle) == "permanent"
    assert [each.job_id for each in dead_letters.newest(9, connection=redis)] == [handle.id]
    assert worker.traces("buried") == [[handle.id]]
    assert worker.traces("mourned") == [[handle.id]] * runs
    assert worker.traces("ran") == [[*kind.split()]] * runs + [["good"]]


def test_nothing_but_a_replay_a_purge_or_age_takes_a_letter_away(redis, now):
    handles = [enqueue(message(), connection=redis) for _ in range(60)]
    for handle in handles:
        fail(redis, handle)
    by = By("ada", "tidying up")
    letters = {handle.id for handle in handles}

    # Its record's count, clearing, deleting, RQ's own clean-up, and the record's age.
    reconcile("default", settings=Settings(keep_failed=50), now=now, connection=redis)
    assert redis.zcard(keys.failed("default")) == 50
    operations.delete(handles[30].id, by=by, connection=redis)
    FailedJobRegistry("default", connection=redis).cleanup(timestamp=9_999_999_999)
    clear("default", "all", waiting=True, by=by, connection=redis)
    redis.delete(*(keys.job(handle.id) for handle in handles))
    reconcile("default", settings=Settings(), now=now, connection=redis)

    assert {each.job_id for each in dead_letters.newest(99, connection=redis)} == letters
    for job_id in letters:
        assert dead_letters.find(job_id, connection=redis).envelope["messageType"] == "TEST"
