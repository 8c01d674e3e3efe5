"""What takes long of the comparison with RQ's own workers; the rest is in tests/workers/engine."""

import signal
import time

import pytest
from rq import Callback
from rq.job import JobStatus
from rq.suspension import resume, suspend

from tests.workers import stock_jobs
from tests.workers.engine.lanes import every_kind, lane, lane_of
from tests.workers.engine.mixed_fleet import play
from tests.workers.engine.test_stock_control import check_leaving, order_of, some_jobs

__all__ = ["lane"]

pytestmark = pytest.mark.drill

JOBS = 6_000
AT_LEAST = 300


@every_kind
def test_random_takes_all(lane):
    jobs = some_jobs(lane, "ab", 20)
    process = lane.start("--burst", "--dequeue-strategy", "random", queues=("a", "b"))

    assert process.popen.wait(20) == 0
    order = order_of(jobs)
    assert sorted(order) == [*"a" * 20, *"b" * 20]
    assert order not in {"a" * 20 + "b" * 20, "b" * 20 + "a" * 20}


@every_kind
def test_a_worker_leaves_when_it_is_idle(lane):
    queue = lane.queue_named("rare")
    job = queue.enqueue(stock_jobs.give)
    began = time.monotonic()
    process = lane.start("--max-idle-time", "2", queues=("rare",))

    assert process.popen.wait(10) == 0
    assert time.monotonic() - began > 2
    assert job.get_status() == JobStatus.FINISHED


@every_kind
def test_a_signal_lets_a_job_end(lane):
    name = f"{lane.worker_name}-leaves"
    check_leaving(lane, name, lambda process: process.popen.send_signal(signal.SIGTERM))


@every_kind
def test_no_worker_starts_while_all_are_suspended(lane):
    suspend(lane.redis)
    try:
        process = lane.launch(queues=("late",))
        assert process.popen.wait(20) == 1
    finally:
        resume(lane.redis)

    assert "RQ is currently suspended" in process.output()


@every_kind
@pytest.mark.parametrize(("outcome", "function"), [("finished", "give"), ("failed", "fail")])
def test_a_callback_may_take_only_its_own_time(lane, outcome, function):
    option = "on_success" if outcome == "finished" else "on_failure"
    job = lane.enqueue(
        getattr(stock_jobs, function), "x", **{option: Callback(stock_jobs.dawdle, timeout=1)}
    )
    job = lane.ended(job)

    assert job.get_status() == JobStatus.FAILED
    assert "JobTimeoutException" in job.latest_result().exc_string


def test_every_job_of_a_large_mixed_fleet_runs_once(redis_server, warm_nursery, tmp_path_factory):
    with lane_of("ours", redis_server, tmp_path_factory, warm_nursery) as lane:
        found = play(lane, JOBS, within=300)

    assert found.statuses == {"finished": JOBS}
    assert found.runs == {1: JOBS // 2}
    assert found.message_runs == JOBS // 2
    assert found.left == []
    assert min(found.by_kind[kind] for kind in ("simple", "fork", "ours")) >= AT_LEAST
    assert found.counted_fast == found.own_messages > 0
    assert found.counted_stock == found.by_kind["ours"] - found.own_messages > 0
