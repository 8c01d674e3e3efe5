"""RQ's commands and options do the same to its workers and ours; its readers see the same."""

import time

import pytest
from fastapi.testclient import TestClient
from rq import Callback, Retry, Worker
from rq.command import (
    send_kill_horse_command,
    send_shutdown_command,
    send_stop_execution_command,
    send_stop_job_command,
)
from rq.job import JobStatus
from rq.suspension import resume, suspend
from rq.worker import WorkerStatus

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import SECRET, token_of
from tests.processes import ask_until_true
from tests.workers import stock_jobs
from tests.workers.engine.lanes import (
    CLASSES,
    kinds,
    lane,
)
from workers import keys

__all__ = ["lane"]

every_kind = kinds(*CLASSES, is_slow=True)
kinds_with_a_child = kinds("fork", "ours", is_slow=True)
"""`SimpleWorker` has nobody who could stop a job."""


def shown(lane, name=""):
    """The worker as RQ's readers find it."""
    found = Worker.all(queue=lane.queue)
    return next((each for each in found if each.name == (name or lane.worker_name)), None)


def in_state(lane, state):
    return ask_until_true(lambda: (found := shown(lane)).get_state() == state and found)


# --- jobs that are stopped ------------------------------------------------------------------------


@kinds_with_a_child
@pytest.mark.parametrize("retry", [None, Retry(max=3)])
def test_a_job_is_stopped(lane, retry):
    with lane.busy() as gate:
        job = lane.enqueue(stock_jobs.nap, 30, on_stopped=Callback(stock_jobs.stopped), retry=retry)
        child = lane.enqueue(stock_jobs.give, depends_on=job)
    lane.ended(gate)
    ask_until_true(lambda: lane.notes(job))
    send_stop_job_command(lane.redis, job.id)
    job = lane.ended(job)

    assert job.get_status() == JobStatus.STOPPED
    assert lane.notes(job) == ["ran", "stopped True"]
    assert "Job stopped by user" in job.latest_result().exc_string
    assert job.id in lane.queue.failed_job_registry
    assert job.id not in lane.queue.started_job_registry
    assert lane.done(stock_jobs.give, 1).return_value() == 1
    assert child.get_status() == JobStatus.DEFERRED


@kinds_with_a_child
def test_a_stopped_callback_that_fails_changes_nothing(lane):
    job = lane.enqueue(stock_jobs.nap, 30, on_stopped=Callback(stock_jobs.stumble))
    ask_until_true(lambda: lane.notes(job))
    send_stop_job_command(lane.redis, job.id)

    assert lane.ended(job).get_status() == JobStatus.STOPPED
    assert lane.notes(job) == ["ran", "stumbled"]


@kinds_with_a_child
def test_one_execution_is_stopped(lane):
    job = lane.enqueue(stock_jobs.nap, 30)
    ask_until_true(lambda: lane.notes(job))
    execution = ask_until_true(job.get_executions)[0]
    send_stop_execution_command(lane.redis, job.id, execution.id)

    assert lane.ended(job).get_status() == JobStatus.STOPPED


@every_kind
def test_a_command_to_stop_another_job_does_nothing(lane):
    done = lane.done(stock_jobs.give)
    with lane.busy() as job:
        send_stop_job_command(lane.redis, done.id)
        time.sleep(0.2)

    assert lane.ended(job).get_status() == JobStatus.FINISHED


@every_kind
def test_an_idle_worker_has_no_horse_to_kill(lane):
    lane.done(stock_jobs.give)
    send_kill_horse_command(lane.redis, lane.worker_name)
    time.sleep(0.2)  # it is heard by a thread: the next job must not be the one that it meets

    assert lane.done(stock_jobs.give, 1).return_value() == 1


# --- workers that wait or leave -------------------------------------------------------------------


@every_kind
def test_a_suspended_worker_waits(lane):
    try:
        with lane.busy() as gate:
            suspend(lane.redis)
            job = lane.enqueue(stock_jobs.give, 1)
        assert lane.ended(gate).get_status() == JobStatus.FINISHED
        in_state(lane, WorkerStatus.SUSPENDED)
        assert lane.notes(job) == []
    finally:
        resume(lane.redis)

    assert lane.ended(job).return_value() == 1


@every_kind
def test_a_worker_lets_its_job_end_before_it_leaves(lane):
    name = f"{lane.worker_name}-leaves"
    check_leaving(lane, name, lambda _: send_shutdown_command(lane.redis, name))


def check_leaving(lane, name, ask):
    """A worker that is asked to leave ends what it does, and takes nothing more."""
    queue = lane.queue_named("last")
    process = lane.start(queues=("last",), name=name)
    job = queue.enqueue(stock_jobs.nap, 0.7)
    after = queue.enqueue(stock_jobs.give)
    ask_until_true(lambda: lane.notes(job))
    ask(process)

    assert process.popen.wait(10) == 0
    assert job.get_status() == JobStatus.FINISHED
    assert after.get_status() == JobStatus.QUEUED
    assert queue.job_ids == [after.id]
    assert queue.started_job_registry.count == 0
    assert name not in [worker.name for worker in Worker.all(lane.redis)]


@every_kind
def test_a_worker_takes_the_lists_in_order_and_leaves_after_so_many_jobs(lane):
    jobs = some_jobs(lane, "ab", 3)
    process = lane.start("--max-jobs", "5", queues=("a", "b"))

    assert process.popen.wait(10) == 0
    assert order_of(jobs) == "aaabb"
    assert lane.queue_named("b").job_ids == [jobs[-1].id]
    assert lane.queue_named("b").started_job_registry.count == 0


@every_kind
def test_round_robin_takes_the_lists_by_turns_and_a_burst_ends_with_them(lane):
    jobs = some_jobs(lane, "cd", 4)
    options = ("--burst", "--dequeue-strategy", "round_robin")
    # Ours takes turns by the batch, which this makes as small as RQ's.
    process = lane.start(*options, queues=("c", "d"), BATCH_JOBS="1")

    assert process.popen.wait(10) == 0
    assert order_of(jobs) == "cdcdcdcd"


def some_jobs(lane, names, number):
    """Jobs in some queues, all of the first before all of the next."""
    return [
        lane.queue_named(name).enqueue(stock_jobs.give) for name in names for _ in range(number)
    ]


def order_of(jobs):
    """The queues of those that ran, in the order in which they did."""
    for job in jobs:
        job.refresh()
    ran = [job for job in jobs if job.started_at]
    return "".join(job.origin[0] for job in sorted(ran, key=lambda job: job.started_at))


# --- what is seen of a worker ---------------------------------------------------------------------


@every_kind
def test_a_worker_is_seen_at_work(lane, rq):
    with lane.busy() as job:
        found = in_state(lane, WorkerStatus.BUSY)
        ask_until_true(lambda: shown(lane).get_current_job_id() == job.id)
        assert shown(lane).get_current_job().id == job.id
        assert [each.job_id for each in shown(lane).get_current_executions()] == [job.id]
        assert shown(lane).current_execution_count == 1
        assert job.get_status() == JobStatus.STARTED
        assert job.id in lane.queue.started_job_registry
        assert [each.worker_name for each in job.get_executions()] == [lane.worker_name]
        told = rq("info", "-u", lane.url, "--raw").splitlines()
        (line,) = [each for each in told if each.startswith(f"worker {lane.worker_name} ")]
        assert ") busy " in line
        assert any(each.startswith(f"queue {lane.queue.name} 0, 1 executing") for each in told)
    lane.ended(job)

    idle = in_state(lane, WorkerStatus.IDLE)
    assert idle.get_current_job() is None
    assert idle.birth_date == found.birth_date < found.last_heartbeat <= idle.last_heartbeat
    assert idle.pid
    assert idle.hostname == found.hostname
    assert lane.redis.ttl(idle.key) > 60


@every_kind
def test_rq_dashboard_shows_what_a_worker_runs(lane):
    web = WebSettings(postroom_secret=SECRET)
    app = create_app(connection=lane.redis, settings=web)
    headers = {"Authorization": f"Bearer {token_of(Role.ADMIN, web)}"}
    with lane.busy() as job:
        ask_until_true(lambda: shown(lane).get_current_job_id() == job.id)
        told = TestClient(app).get("/rq/0/data/workers.json", headers=headers).json()

    (found,) = [each for each in told["workers"] if each["name"] == lane.worker_name]
    assert found["current_job"]["job_id"] == job.id


@every_kind
def test_a_worker_counts_what_it_did(lane):
    ask_until_true(lambda: shown(lane).get_state() == WorkerStatus.IDLE)
    time.sleep(0.4)
    before = shown(lane)
    lane.done(stock_jobs.nap, 0.2)
    lane.done(stock_jobs.fail, "x")
    lane.done(stock_jobs.fail, "x")

    ask_until_true(lambda: shown(lane).failed_job_count == before.failed_job_count + 2)
    time.sleep(0.4)
    after = shown(lane)
    assert after.successful_job_count == before.successful_job_count + 1
    assert 0.2 <= after.total_working_time - before.total_working_time < 0.6


# --- horses that are killed; last, because ours goes on showing what they ran ---------------------


@kinds_with_a_child
def test_a_killed_horse_makes_room(lane):
    job = kill(lane)

    assert lane.done(stock_jobs.give, 1).return_value() == 1
    assert lane.ended(job).get_status() in {JobStatus.FAILED, JobStatus.FINISHED}
    assert lane.redis.zcard(keys.started(job.origin)) == 0


@kinds(
    *("fork", "ours"),
    is_slow=True,
    differs="a death says nothing of the job: it runs again, and is buried after three crashes",
)
def test_a_job_fails_with_its_horse(lane):
    assert lane.ended(kill(lane)).get_status() == JobStatus.FAILED


@kinds_with_a_child
def test_a_killed_run_is_not_shown_any_more(lane):
    lane.ended(kill(lane))
    in_state(lane, WorkerStatus.IDLE)

    assert shown(lane).get_current_executions() == []


def kill(lane):
    """Have the process killed that runs a job; a second run of the job would end at once."""
    job = lane.enqueue(stock_jobs.nap_at_first, 30)
    ask_until_true(lambda: lane.notes(job))
    send_kill_horse_command(lane.redis, lane.worker_name)
    return job
