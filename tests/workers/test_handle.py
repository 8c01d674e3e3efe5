import asyncio
import threading

import pytest
from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.workers.conftest import message
from workers import (
    InvalidState,
    JobFailed,
    JobHandle,
    JobNotFound,
    ResultUnreadable,
    WaitTimeout,
    dead_letters,
    enqueue,
    enqueue_in,
    keys,
)
from workers.dead_letters import DeadLetter
from workers.outcomes import announce


def finish(redis, job_id, result):
    """End a job as RQ's worker does."""
    job = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)
    worker = Worker(["default"], connection=redis, serializer=JSONSerializer)
    job._result = result
    with redis.pipeline() as pipe:
        job._handle_success(60, pipe, worker_name=worker.name)
        pipe.execute()
    announce(job, "finished", connection=redis)


def test_wait_returns_as_soon_as_the_outcome_is_announced(redis):
    handle = enqueue(message(), connection=redis)

    def end():
        finish(redis, handle.id, {"done": True})

    timer = threading.Timer(0.2, end)
    timer.start()
    try:
        assert handle.wait(5) == {"done": True}
    finally:
        timer.join()


def test_wait_sees_jobs_that_stock_workers_finish_without_a_word(redis):
    handle = enqueue(message(), connection=redis)
    timer = threading.Timer(0.2, finish, (redis, handle.id, 7))
    timer.start()
    try:
        assert handle.wait(5) == 7
    finally:
        timer.join()


def test_wait_for_a_job_that_is_over_already_returns_at_once(redis):
    handle = enqueue(message(), connection=redis)
    finish(redis, handle.id, [1])

    assert handle.wait(0) == [1]
    assert handle.result() == [1]


def test_a_record_that_is_trimmed_while_somebody_waits_counts_as_no_result(redis):
    handle = enqueue(message(), connection=redis)

    def vanish():
        job = Job.fetch(handle.id, connection=redis, serializer=JSONSerializer)
        redis.delete(job.key)
        announce(job, "finished", connection=redis)

    timer = threading.Timer(0.2, vanish)
    timer.start()
    try:
        assert handle.wait(5) is None
    finally:
        timer.join()


def test_wait_gives_up_after_its_timeout_and_the_job_stays(redis):
    handle = enqueue(message(), connection=redis)

    with pytest.raises(WaitTimeout):
        handle.wait(0.05)

    assert handle.status() == "queued"


def test_an_unknown_job_is_not_found(redis):
    for ask in ("status", "result", "wait", "cancel"):
        with pytest.raises(JobNotFound):
            getattr(JobHandle("nobody", connection=redis), ask)()


def test_a_dead_letter_tells_why_even_when_the_record_is_gone(redis, now):
    letter = DeadLetter("gone", "TEST", "default", "permanent", "no such user", now.isoformat())
    dead_letters.bury(letter, meta={}, connection=redis)

    with pytest.raises(JobFailed, match="no such user"):
        JobHandle("gone", connection=redis).wait(1)


def test_the_async_wait_leaves_the_event_loop_free(redis):
    handle = enqueue(message(), connection=redis)

    async def main():
        waiting = asyncio.create_task(handle.await_result(5))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(finish, redis, handle.id, "async")
        return await waiting

    assert asyncio.run(main()) == "async"


@pytest.mark.parametrize("delay", [0, 60])
def test_a_job_that_waits_can_be_cancelled(redis, delay):
    handle = enqueue_in(delay, message(), connection=redis)

    handle.cancel()

    assert handle.status() == "canceled"
    assert redis.llen(keys.queue("default")) == redis.zcard(keys.scheduled("default")) == 0
    assert redis.ttl(keys.job(handle.id)) > 0
    with pytest.raises(JobFailed, match="canceled"):
        handle.wait(1)


@pytest.mark.parametrize("status", ["started", "finished", "failed"])
def test_a_job_that_runs_or_is_over_cannot_be_cancelled(redis, status):
    handle = enqueue(message(), connection=redis)
    redis.hset(keys.job(handle.id), "status", status)

    with pytest.raises(InvalidState, match=status):
        handle.cancel()


def test_cancelling_a_parent_settles_its_children(redis):
    parent = enqueue(message(), connection=redis)
    children = {
        wish: enqueue(message(), connection=redis, depends_on=parent, on_parent_failure=wish)
        for wish in ("fail", "run", "cancel")
    }
    grandchild = enqueue(
        message(), connection=redis, depends_on=children["cancel"], on_parent_failure="cancel"
    )

    parent.cancel()

    assert {wish: child.status() for wish, child in children.items()} == {
        "fail": "queued",  # a worker buries it
        "run": "queued",
        "cancel": "canceled",
    }
    assert redis.hget(keys.job(children["fail"].id), "parent_failed").decode() == parent.id
    assert grandchild.status() == "canceled"


def test_a_child_of_two_parents_that_may_run_waits_for_the_other_one(redis):
    one, two = (enqueue(message(), connection=redis) for _ in range(2))
    child = enqueue(message(), connection=redis, depends_on=[one, two], on_parent_failure="run")

    one.cancel()
    assert child.status() == "deferred"

    two.cancel()
    assert child.status() == "queued"


def test_a_result_that_a_stock_worker_pickled_is_refused(redis):
    queue = Queue("pickled", connection=redis)
    handle = JobHandle(queue.enqueue("math.sqrt", 2).id, connection=redis)
    SimpleWorker([queue], connection=redis).work(burst=True)

    for ask in (handle.result, handle.wait):
        with pytest.raises(ResultUnreadable, match="not JSON"):
            ask()
