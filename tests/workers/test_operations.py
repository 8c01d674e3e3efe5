"""What a person does to one job, each with one line in the audit log."""

import threading
import time

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.workers.conftest import message, settled
from tests.workers.takers import Taker
from workers import (
    By,
    InvalidOption,
    InvalidState,
    JobNotFound,
    audit,
    dead_letters,
    enqueue,
    keys,
    operations,
    pauses,
)

WHO = {"by": By("ann", "a fire")}
QUEUE = "quiet"


@pytest.fixture
def put(redis):
    """Enqueue to a queue that no worker of these tests serves."""
    return lambda **options: enqueue(message(), queue=QUEUE, connection=redis, **options)


@pytest.fixture
def act(redis):
    return lambda action, job_id: action(job_id, **WHO, connection=redis)


def done(redis):
    return [(entry.action, entry.target) for entry in audit.entries(connection=redis)]


ACTIONS = [operations.cancel, operations.stop, operations.promote, operations.delete]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_job_that_is_not_there_is_not_found(redis, act, action):
    with pytest.raises(JobNotFound):
        act(action, "nobody")

    assert done(redis) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_without_a_reason_nothing_is_done(redis, put, action):
    handle = put(delay=60)
    redis.hset(keys.job(handle.id), "worker_name", "nobody")

    with pytest.raises((InvalidOption, InvalidState)):
        action(handle.id, by=By("ann", " "), connection=redis)

    assert handle.status() == "scheduled"
    assert done(redis) == []


@pytest.mark.parametrize("options", [{}, {"delay": 60}, {"priority": "high"}])
def test_a_job_that_waits_is_cancelled(redis, put, act, options):
    handle = put(**options)

    act(operations.cancel, handle.id)

    assert handle.status() == "canceled"
    assert done(redis) == [("job.cancel", handle.id)]


def test_what_waits_for_a_cancelled_job_follows_its_wish(put, act):
    parent = put()
    child = put(depends_on=parent, on_parent_failure="cancel")

    act(operations.cancel, parent.id)

    assert child.status() == "canceled"


@pytest.mark.parametrize("action", [operations.cancel, operations.delete])
def test_a_job_that_a_worker_took_is_not_taken_out_and_the_error_says_so(redis, put, act, action):
    handle = put()
    taker = Taker(redis, QUEUE)
    assert taker.take() == handle.id

    with pytest.raises(InvalidState, match="taken by a worker") as refused:
        act(action, handle.id)

    assert refused.value.remedy
    assert done(redis) == []
    assert taker.held() == [handle.id]


def test_a_job_that_was_given_back_can_be_cancelled_again(redis, put, act):
    handle = put()
    taker = Taker(redis, QUEUE)
    taker.leases.hand_back(taker.lease())

    act(operations.cancel, handle.id)

    assert handle.status() == "canceled"


@pytest.mark.parametrize(
    ("status", "remedy"), [("started", "postroom jobs stop"), ("finished", "It is over")]
)
def test_what_to_do_instead_of_a_cancel_depends_on_whether_the_job_is_over(
    redis, put, act, status, remedy
):
    handle = put()
    redis.hset(keys.job(handle.id), "status", status)

    with pytest.raises(InvalidState) as refused:
        act(operations.cancel, handle.id)

    assert remedy in refused.value.remedy
    assert handle.id in refused.value.remedy


def test_a_running_job_is_stopped_and_is_no_dead_letter(redis, send, worker, act, eventually):
    handle = send("sleep", new_value=60)
    eventually(lambda: worker.starts("sleep"))

    name = act(operations.stop, handle.id)

    assert settled(handle, within=10) == "stopped"
    assert worker.traces("slept") == []
    assert dead_letters.find(handle.id, connection=redis) is None
    (entry,) = audit.entries(connection=redis)
    assert (entry.action, entry.details) == ("job.stop", {"worker": name})


def test_only_a_running_job_is_stopped(redis, put, act):
    with pytest.raises(InvalidState, match="is queued"):
        act(operations.stop, put().id)

    assert done(redis) == []


def test_a_job_that_just_began_is_stopped_once_its_worker_shows_it(redis, put, act):
    handle = put()
    taker = Taker(redis, QUEUE)
    (lease,) = taker.lease()
    began = time.time()
    shown = threading.Timer(0.3, taker.leases.show, [lease], {"started": began, "ttl": 60})
    shown.start()

    assert handle.status() == "queued"
    assert act(operations.stop, handle.id) == taker.leases.worker

    shown.join()
    assert done(redis) == [("job.stop", handle.id)]


def test_a_job_that_waits_in_its_workers_hands_is_not_stopped(redis, put, act):
    handle = put()
    taker = Taker(redis, QUEUE)
    taker.lease()

    with pytest.raises(InvalidState, match="taken by a worker"):
        act(operations.stop, handle.id)

    assert done(redis) == []


def test_a_promoted_job_runs_at_once(redis, send, worker, act):
    handle = send("echo", delay=3600)

    act(operations.promote, handle.id)

    assert handle.wait(10)
    assert done(redis) == [("job.promote", handle.id)]


def test_a_promoted_jobs_time_in_the_queue_begins_now(redis, put, act):
    handle = put(delay=3600, queue_ttl=60)

    act(operations.promote, handle.id)

    left = float(redis.hget(keys.job(handle.id), "expires_at")) - time.time()
    assert 55 < left < 65
    job = Job.fetch(handle.id, connection=redis, serializer=JSONSerializer)
    assert job.enqueued_at


def test_a_job_that_is_due_is_left_to_who_takes_it(redis, put, act):
    handle = put(delay=60)
    redis.zadd(keys.scheduled(QUEUE), {handle.id: 1})

    act(operations.promote, handle.id)

    assert handle.status() == "scheduled"
    assert done(redis) == []


def test_only_a_delayed_job_is_promoted(put, act):
    with pytest.raises(InvalidState, match="queued"):
        act(operations.promote, put().id)


@pytest.mark.parametrize("options", [{}, {"delay": 60}, {"unique_key": "one"}])
def test_a_deleted_job_leaves_nothing_but_the_audit_entry(redis, put, act, options):
    before = set(redis.scan_iter())
    handle = put(**options)

    act(operations.delete, handle.id)

    left = {key.decode() for key in set(redis.scan_iter()) - before}
    assert {key for key in left - {keys.queues()} if not of_a_worker(key)} == {keys.audit()}
    assert done(redis) == [("job.delete", handle.id)]


def of_a_worker(key):
    """Whether it is a sign of life of the worker that other tests here share."""
    return key.startswith((f"{keys.rq_prefix()}worker", keys.holders(), keys.last_step("")))


def test_a_finished_job_can_be_deleted(redis, send, worker, act):
    handle = send("echo")
    handle.wait(10)

    act(operations.delete, handle.id)

    assert not redis.exists(keys.job(handle.id), keys.result(handle.id))
    assert redis.zcard(keys.finished("default")) == 0


def test_a_running_job_is_not_deleted(redis, send, worker, act, eventually):
    handle = send("sleep", new_value=1.5)
    eventually(lambda: worker.starts("sleep"))

    with pytest.raises(InvalidState, match=r"taken by a worker|started"):
        act(operations.delete, handle.id)
    eventually(lambda: handle.status() == "started")
    with pytest.raises(InvalidState, match="started"):
        act(operations.delete, handle.id)

    assert handle.wait(10)


def test_what_waits_for_a_deleted_job_does_not_wait_for_ever(redis, put, act):
    parent = put()
    child = put(depends_on=parent, on_parent_failure="cancel")

    act(operations.delete, parent.id)

    assert child.status() == "canceled"
    assert not redis.exists(keys.dependents(parent.id))


@pytest.mark.parametrize("action", [operations.cancel, operations.delete])
def test_a_job_that_a_pause_holds_back_can_be_taken_out(redis, put, act, action):
    handle = put()
    pauses.pause("type", "TEST", **WHO, connection=redis)
    assert Taker(redis, QUEUE).take() is None

    act(action, handle.id)

    assert pauses.resume("type", "TEST", **WHO, connection=redis) == 0
    assert redis.llen(keys.queue(QUEUE)) == 0
