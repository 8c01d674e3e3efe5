"""Jobs of plain RQ that wait or come again do the same under RQ's workers and ours."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from rq import Queue, RateLimit, Repeat, Retry
from rq.exceptions import DuplicateJobError
from rq.group import Group
from rq.job import Dependency, JobStatus
from rq.rate_limit import RateLimitRegistry
from rq.registry import CanceledJobRegistry
from rq.results import Result

from tests.processes import ask_until_true
from tests.workers import stock_jobs
from tests.workers.engine.lanes import every_kind, lane
from workers import keys

__all__ = ["lane"]

pytestmark = every_kind


def due_in(lane, job):
    """Seconds until a scheduled job is due. RQ writes the status a moment before the time."""
    registry = keys.scheduled(job.origin)
    return ask_until_true(lambda: lane.redis.zscore(registry, job.id)) - time.time()


# --- dependents -----------------------------------------------------------------------------------


def test_a_dependent_runs_after_its_parent(lane):
    with lane.busy():
        parent = lane.enqueue(stock_jobs.give, 1)
        child = lane.enqueue(stock_jobs.give, 2, depends_on=parent)
        assert child.get_status() == JobStatus.DEFERRED
        assert child.id in lane.queue.deferred_job_registry
    child = lane.ended(child)

    parent.refresh()
    assert child.return_value() == 2
    assert parent.ended_at <= child.started_at
    assert child.id not in lane.queue.deferred_job_registry


def test_a_dependent_of_several_waits_for_all(lane):
    with lane.busy() as gate:
        other = lane.enqueue(stock_jobs.give, 1)
        child = lane.enqueue(stock_jobs.give, 3, depends_on=[gate, other])
    child = lane.ended(child)

    assert child.return_value() == 3
    assert lane.notes(child) == ["ran"]


def test_a_dependent_of_one_that_is_over_runs_at_once(lane):
    child = lane.done(stock_jobs.give, 4, depends_on=lane.done(stock_jobs.give, 1))

    assert child.return_value() == 4


def test_a_dependent_of_a_failure_waits_for_ever(lane):
    with lane.busy():
        parent = lane.enqueue(stock_jobs.fail, "no")
        child = lane.enqueue(stock_jobs.give, 1, depends_on=parent)
        other = lane.enqueue(stock_jobs.give, 2)
    lane.ended(other)

    assert lane.ended(parent).get_status() == JobStatus.FAILED
    assert child.get_status() == JobStatus.DEFERRED
    assert child.id in lane.queue.deferred_job_registry


def test_a_dependent_may_allow_its_parents_to_fail(lane):
    with lane.busy():
        parents = [lane.enqueue(stock_jobs.fail, "no"), lane.enqueue(stock_jobs.give, 1)]
        child = lane.enqueue(
            stock_jobs.give, 5, depends_on=Dependency(jobs=parents, allow_failure=True)
        )

    assert lane.ended(child).return_value() == 5


def test_a_parent_that_is_requeued_lets_its_dependents_go(lane):
    with lane.busy():
        parent = lane.enqueue(stock_jobs.fail, "once", 1)
        child = lane.enqueue(stock_jobs.give, 6, depends_on=parent)
    lane.ended(parent).requeue()

    assert lane.ended(child).return_value() == 6
    assert lane.notes(parent) == ["ran", "ran"]


def test_a_dependent_may_stand_in_front(lane):
    with lane.busy():
        parent = lane.enqueue(stock_jobs.give, 1)
        last = lane.enqueue(stock_jobs.give, 2)
        depends_on = Dependency(jobs=[parent], enqueue_at_front=True)
        child = lane.enqueue(stock_jobs.give, 3, depends_on=depends_on)

    assert lane.ended(child).started_at < lane.ended(last).started_at


# --- retries and repetitions ----------------------------------------------------------------------


def test_a_failure_is_retried_as_often_as_asked(lane):
    job = lane.done(stock_jobs.fail, "always", retry=Retry(max=2))

    assert job.get_status() == JobStatus.FAILED
    assert lane.notes(job) == ["ran"] * 3
    assert job.retries_left == 0
    assert [result.type for result in job.results()] == [Result.Type.FAILED]


def test_a_retry_that_succeeds_is_the_end(lane):
    job = lane.done(stock_jobs.fail, "once", 1, retry=Retry(max=5))

    assert job.return_value() == 2
    assert job.retries_left == 4
    assert job.id not in lane.queue.failed_job_registry


def test_retries_have_intervals(lane):
    job = lane.enqueue(stock_jobs.fail, "x", retry=Retry(max=2, interval=[0, 70]))
    job = lane.becomes(job, "scheduled")

    assert lane.notes(job) == ["ran", "ran"]
    assert 60 < due_in(lane, job) <= 71
    assert job.id not in lane.queue.started_job_registry


def test_a_retry_may_stand_in_front(lane):
    with lane.busy():
        job = lane.enqueue(stock_jobs.fail, "x", 1, retry=Retry(max=1, enqueue_at_front=True))
        other = lane.enqueue(stock_jobs.give)

    assert lane.ended(job).started_at < lane.ended(other).started_at


def test_a_job_may_ask_to_come_again(lane):
    job = lane.done(stock_jobs.come_again, 2, 5)

    assert job.return_value() == 3
    assert job.number_of_retries == 2
    types = [result.type for result in job.results()]
    assert types == [Result.Type.SUCCESSFUL, Result.Type.RETRIED, Result.Type.RETRIED]


def test_a_job_may_ask_for_it_too_often(lane):
    job = lane.done(stock_jobs.come_again, 9, 1)

    assert job.get_status() == JobStatus.FAILED
    assert lane.notes(job) == ["ran", "ran"]
    assert job.latest_result().type == Result.Type.MAX_RETRIES_EXCEEDED


def test_a_job_may_ask_to_come_again_later(lane):
    job = lane.becomes(lane.enqueue(stock_jobs.come_again, 1, 1, 70), "scheduled")

    assert 60 < due_in(lane, job) <= 71
    assert lane.notes(job) == ["ran"]


def test_a_job_repeats(lane):
    job = lane.enqueue(stock_jobs.give, 1, repeat=Repeat(times=2))
    ask_until_true(lambda: len(lane.notes(job)) == 3)
    job = lane.ended(job)

    assert job.repeats_left == 0
    assert [result.return_value for result in job.results()] == [1, 1, 1]
    assert lane.notes(job) == ["ran"] * 3


def test_a_job_repeats_with_intervals(lane):
    job = lane.enqueue(stock_jobs.give, 1, repeat=Repeat(times=2, interval=[70, 80]))
    job = lane.becomes(job, "scheduled")

    assert 60 < due_in(lane, job) <= 71
    assert job.repeats_left == 1
    assert job.return_value() == 1


# --- later --------------------------------------------------------------------------------------


def test_jobs_run_when_they_are_due(lane):
    soon = datetime.now(UTC) + timedelta(seconds=1)
    at = lane.queue.enqueue_at(soon, stock_jobs.give, 1)
    after = lane.queue.enqueue_in(timedelta(seconds=1), stock_jobs.give, 2)
    retried = lane.enqueue(stock_jobs.fail, "once", 1, retry=Retry(max=1, interval=1))
    never = lane.queue.enqueue_in(timedelta(seconds=70), stock_jobs.give, 3)
    assert [job.get_status() for job in (at, after)] == [JobStatus.SCHEDULED] * 2

    assert [lane.ended(job).return_value() for job in (at, after, retried)] == [1, 2, 2]
    at.refresh()
    assert soon - timedelta(seconds=1) <= at.started_at  # RQ counts in whole seconds
    assert never.get_status() == JobStatus.SCHEDULED
    assert at.id not in lane.queue.scheduled_job_registry


# --- cancelled and unique -------------------------------------------------------------------------


def test_a_cancelled_job_never_runs(lane):
    with lane.busy():
        job = lane.enqueue(stock_jobs.give, 1)
        child = lane.enqueue(stock_jobs.give, 2, depends_on=job)
        waits = lane.enqueue(stock_jobs.give, 2, depends_on=job)
        waits.cancel()
        job.cancel(enqueue_dependents=True)
        after = lane.enqueue(stock_jobs.give)
    lane.ended(after)

    assert job.get_status() == waits.get_status() == JobStatus.CANCELED
    assert job.id in CanceledJobRegistry(job.origin, connection=lane.redis)
    assert lane.notes(job) == lane.notes(waits) == []
    assert lane.notes(child) == ["ran"]


def test_a_job_that_is_cancelled_while_it_runs_ends_as_it_does(lane):
    with lane.busy() as job:
        job.cancel()
    after = lane.done(stock_jobs.give)

    assert after.get_status() == JobStatus.FINISHED
    assert lane.ended(job).get_status() == JobStatus.FINISHED
    assert job.id in lane.queue.finished_job_registry


def test_a_job_that_is_deleted_while_it_runs_does_no_harm(lane):
    with lane.busy() as job:
        job.delete()
    after = lane.done(stock_jobs.give, 8)

    assert after.return_value() == 8
    assert job.id not in lane.queue.started_job_registry


def test_a_unique_job_is_refused_while_it_lives(lane):
    options = {"job_id": f"only-{lane.mark}", "unique": True, "result_ttl": 0}
    with lane.busy():
        job = lane.enqueue(stock_jobs.give, **options)
        with pytest.raises(DuplicateJobError):
            lane.enqueue(stock_jobs.give, **options)
    ask_until_true(lambda: not lane.redis.exists(job.key))
    lane.enqueue(stock_jobs.give, **options)

    ask_until_true(lambda: lane.notes(job) == ["ran", "ran"])


# --- groups and rate limits -----------------------------------------------------------------------


def test_a_group_knows_its_jobs(lane):
    group = Group.create(lane.redis, name=f"group-{lane.mark}")
    datas = [Queue.prepare_data(stock_jobs.give, (number,)) for number in range(3)]
    datas.append(Queue.prepare_data(stock_jobs.give, (9,), result_ttl=0))
    jobs = group.enqueue_many(lane.queue, datas)
    for job in jobs[:3]:
        lane.ended(job)
    ask_until_true(lambda: not lane.redis.exists(jobs[3].key))

    group.cleanup()
    assert {entry.decode() for entry in lane.redis.smembers(group.key)} == {
        job.id for job in jobs[:3]
    }


@pytest.mark.parametrize("end", ["finished", "failed", "canceled"])
def test_a_rate_limit_lets_the_next_job_in_when_one_is_over(lane, end):
    limit = RateLimit(f"limit-{lane.mark}-{end}", concurrency=1)
    registry = RateLimitRegistry(limit.key, lane.redis)
    with lane.busy():
        function = stock_jobs.fail if end == "failed" else stock_jobs.give
        first = lane.enqueue(function, "x", rate_limit=limit)
        second = lane.enqueue(stock_jobs.give, 2, rate_limit=limit)
        third = lane.enqueue(stock_jobs.give, 3, rate_limit=limit)
        assert second.get_status() == third.get_status() == JobStatus.RATE_LIMITED
        assert registry.get_allowed_job_ids() == [first.id]
        if end == "canceled":
            first.cancel()

    assert [lane.ended(job).return_value() for job in (second, third)] == [2, 3]
    assert first.get_status() == end
    ask_until_true(lambda: registry.get_allowed_job_count() == 0)
    assert registry.get_rate_limited_job_count() == 0


def test_a_retry_keeps_its_place_in_the_rate_limit(lane):
    limit = RateLimit(f"limit-{lane.mark}-retry", concurrency=1)
    with lane.busy():
        first = lane.enqueue(stock_jobs.fail, "x", 1, rate_limit=limit, retry=Retry(max=1))
        second = lane.enqueue(stock_jobs.give, 2, rate_limit=limit)

    assert lane.ended(second).started_at > lane.ended(first).ended_at
    assert first.get_status() == JobStatus.FINISHED
