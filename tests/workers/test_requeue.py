"""RQ's failed registry beside the dead letters: `rq requeue` runs what has a letter, and once."""

from rq.job import Job
from rq.serializers import JSONSerializer

from tests.workers.conftest import settled
from workers import By, dead_letters, keys
from workers.dead_letters import Filter

BY = By("ada", "mended")
REQUEUE_ALL = ("requeue", "-c", "worker_settings", "--queue", "default", "-S", "json", "--all")


def replay(redis, job_id):
    return dead_letters.replay(job_id, data={"testType": "echo"}, connection=redis, by=BY)


def fetch(redis, job_id):
    return Job.fetch(job_id, connection=redis, serializer=JSONSerializer)


def failed_ids(redis):
    return [job_id.decode() for job_id in redis.zrange(keys.failed("default"), 0, -1)]


def test_rq_requeue_all_does_not_run_a_replayed_job_again(redis, send, worker, rq):
    replayed, other = send("permanent"), send("permanent")
    for handle in (replayed, other):
        settled(handle)

    successor = replay(redis, replayed.id)
    told = rq(*REQUEUE_ALL)

    assert "Requeueing 1 jobs" in told
    send("echo").wait(10)
    assert settled(other) == "failed"
    assert fetch(redis, successor).get_status() == "finished"
    assert len(worker.starts("permanent")) == 3
    assert [each.job_id for each in dead_letters.newest(9, connection=redis)] == [other.id]
    assert "1 failed" in rq("info", "-c", "worker_settings")


def test_the_record_of_a_replayed_job_can_still_be_read(redis, send, worker):
    handle = send("permanent")
    settled(handle)

    successor = replay(redis, handle.id)

    record = fetch(redis, handle.id)
    assert record.get_status() == "failed"
    assert "it will never work" in record.latest_result().exc_string
    assert redis.hget(keys.job(handle.id), "replayed_as").decode() == successor
    assert redis.ttl(keys.job(handle.id)) > 0
    assert failed_ids(redis) == []


def test_rq_requeue_all_does_not_run_what_was_purged(redis, send, worker, rq):
    one, two = (send("permanent") for _ in range(2))
    for handle in (one, two):
        settled(handle)

    dead_letters.purge(one.id, connection=redis, by=BY)
    dead_letters.purge_all(Filter(), connection=redis, by=BY)

    assert "Nothing to do" in rq(*REQUEUE_ALL)
    assert fetch(redis, one.id).get_status() == "failed"
