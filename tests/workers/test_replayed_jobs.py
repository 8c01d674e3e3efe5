"""A job that was replayed does not run beside its successor, whoever requeues it and when."""

import pytest
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from tests.workers.conftest import message, settled
from workers import By, dead_letters, enqueue, keys
from workers.burial import Death, bury_job
from workers.dead_letters import Filter
from workers.reconcile import bury_failed

BY = By("ada", "mended")
REQUEUE_ALL = ("requeue", "-c", "worker_settings", "--queue", "default", "-S", "json", "--all")


def replay(redis, job_id):
    return dead_letters.replay(job_id, data={"testType": "echo"}, connection=redis, by=BY)


def fetch(redis, job_id):
    return Job.fetch(job_id, connection=redis, serializer=JSONSerializer)


def failed_ids(redis):
    return sorted(job_id.decode() for job_id in redis.zrange(keys.failed("default"), 0, -1))


def fail(redis, job_id):
    """Book a failure as RQ's worker does."""
    job = fetch(redis, job_id)
    job.set_status("failed")
    FailedJobRegistry("default", connection=redis, serializer=JSONSerializer).add(job, ttl=60)


def bury(redis, now):
    """A buried job that RQ's worker has not booked as failed yet."""
    handle = enqueue(message("permanent"), connection=redis)
    redis.lrem(keys.queue("default"), 0, handle.id)
    job = fetch(redis, handle.id)
    job.set_status("started")
    death = Death(handle.id, "default", "permanent", "it broke", job.args[0])
    bury_job(death, meta=job.meta, now=now, connection=redis)
    return handle


def test_rq_requeue_all_after_a_replay_of_all_has_nothing_to_do(redis, now, rq):
    handles = [bury(redis, now) for _ in range(3)]
    for handle in handles:
        fail(redis, handle.id)
    assert failed_ids(redis) == sorted(handle.id for handle in handles)

    dead_letters.replay_all(Filter(), connection=redis, by=BY)

    assert "Nothing to do" in rq(*REQUEUE_ALL)
    assert redis.llen(keys.queue("default")) == 3


@pytest.mark.parametrize("worker_class", ["workers.MessageWorker", "rq.Worker"])
def test_a_job_that_was_requeued_while_it_was_replayed_does_not_run_beside_its_successor(
    redis, start_worker, now, worker_class, rq
):
    handle = bury(redis, now)
    fail(redis, handle.id)
    rq(*REQUEUE_ALL)
    redis.hset(keys.job(handle.id), "status", "started")  # as if a worker had just taken it

    successor = replay(redis, handle.id)
    redis.hset(keys.job(handle.id), "status", "queued")
    worker = start_worker(
        *("worker", "-w", worker_class, "-c", "worker_settings", "-S", "json"),
        worker_class=worker_class,
    )

    assert settled(handle) == "failed"
    assert enqueue(message("echo"), connection=redis).wait(10)
    assert f"replayed as job {successor}" in fetch(redis, handle.id).latest_result().exc_string
    assert worker.starts("permanent") == []
    assert len(worker.starts("echo")) == 2
    assert dead_letters.count(connection=redis) == 0


def test_a_failure_that_rq_books_after_the_replay_does_not_stay_among_the_failed(redis, now, rq):
    handle = bury(redis, now)
    replay(redis, handle.id)
    fail(redis, handle.id)

    assert bury_failed("default", now=now, connection=redis) == 0

    assert failed_ids(redis) == []
    assert dead_letters.count(connection=redis) == 0
    assert "Nothing to do" in rq(*REQUEUE_ALL)


def test_a_failed_job_that_was_sent_again_without_a_letter_is_not_buried(redis, now):
    handle = enqueue(message(), connection=redis)
    fail(redis, handle.id)
    redis.hset(keys.job(handle.id), "replayed_as", "another")

    assert bury_failed("default", now=now, connection=redis) == 0
    assert dead_letters.find(handle.id, connection=redis) is None
